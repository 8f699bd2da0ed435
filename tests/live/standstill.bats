#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# Redis stands still: no tool hangs. A time-out means unknown, never no: the same request, repeated by the tool or by who
# runs it, has the same answer (P1, P5, P8).

load ../helper
load ../flow
load ../strike

setup_file() {
	strike_build
	servers_start
}

teardown_file() { servers_stop; }

setup() {
	namespace
	REDIS_PID=$(cat "$SERVERS/redis/pid")
	cd "$T" || return
}

teardown() {
	kill -CONT "$REDIS_PID"
	reap
}

# NAME|what there is before|the moment: a command that begins so is not sent before the server stands still|the command, @
# is the event|what is compared of its output
table() {
	grep -v '^#' <<-'END'
		join|line|fcfs_enter_1|fcfs-join @ new|cut -f 2,3
		joinall|line|fcfs_enter_1|fcfs-join @ <crowd|cut -f 2,3
		leave|line|fcfs_leave_1|fcfs-leave @ p0000005|cat
		revoke|issued|fcfs_leave_1|fcfs-leave --revoke @ p0000001|cat
		rank|line|fcfs_rank_1|fcfs-rank @ p0000004|cat
		ranklist|line|ZRANGE|fcfs-rank --list @|cat
		lease|line|fcfs_lease_1|fcfs-dispatch @|cat
		grant|line|fcfs_serve_1|fcfs-dispatch @|cat
		books|granted|fcfs_run_1|fcfs-issue --ledger sqlite:@.db <@.winners|cat
		assign|granted|fcfs_award_1|fcfs-issue --ledger sqlite:@.db <@.winners|cat
		done|granted|fcfs_done_1|fcfs-issue --ledger sqlite:@.db <@.winners|none
		report|issued|fcfs_show_1|fcfs-report @|cut -f 1
		issued|issued|fcfs_page_1|fcfs-report --issued @|cat
		load|pool|fcfs_load_1|fcfs-codes load @ <codes|none
		export|loaded|fcfs_pool_1|fcfs-codes export @|cat
		save|closed|fcfs_archive_1|fcfs-archive save @|wc -l
		verify|saved|fcfs_archived_1|fcfs-archive verify @ <@.archive|cat
		restore|purged|fcfs_restore_1|fcfs-archive restore @ <@.archive|none
		purge|saved|fcfs_purge_1|fcfs-archive purge --force @|none
		create|none|fcfs_create_1|fcfs-event create @ --stock 5|none
		set|line|fcfs_set_1|fcfs-event set @ --stock 4|cat
		show|line|fcfs_show_1|fcfs-event show @|cat
		check|line|CONFIG|fcfs-event check @|cut -f 1,2
		setup|none|fcfs_version|fcfs-setup redis|cut -f 1,2
		audit|issued|fcfs_archive_1|fcfs-audit @|cat
	END
}

# prepare EVENT STATE: a line of five, and what has been done since, in this order
prepare() {
	local -A past=([granted]=1 [issued]=2 [closed]=3 [saved]=4 [purged]=5)
	local event=$1 so_far=${past[$2]-0}
	case $2 in
	none) return ;;
	pool | loaded) fcfs-event create "$event" --stock 3 --codes pool ;;
	*) fcfs-event create "$event" --stock 3 --standby 9 ;;
	esac
	[ "$2" != loaded ] || fcfs-codes load "$event" <codes
	fcfs-join "$event" <crowd
	[ "$so_far" -lt 1 ] || fcfs-dispatch "$event" >"$event.winners"
	[ "$so_far" -lt 2 ] || fcfs-issue <"$event.winners"
	[ "$so_far" -lt 3 ] || fcfs-event set "$event" --state closed
	[ "$so_far" -lt 4 ] || fcfs-archive save "$event" >"$event.archive"
	[ "$so_far" -lt 5 ] || fcfs-archive purge --force "$event"
}

# world: an event a row, and a twin, with which the same is done undisturbed
world() {
	local name state at command
	people 5 >crowd
	printf 'code-%s\n' 1 2 3 4 >codes
	while IFS='|' read -r name state at command _; do
		prepare "e-$name" "$state" >/dev/null
		prepare "t-$name" "$state" >/dev/null
		undisturbed "t-$name" "$command"
	done < <(table)
}

# undisturbed EVENT COMMAND: its output, and its status
undisturbed() {
	local status=0
	timeout 60 bash -c "${2//@/$1}" >"$1.out" 2>"$1.err" || status=$?
	echo $status >"$1.status"
}

# held EVENT AT COMMAND: before it sends what has AT in it, it waits until EVENT.held is gone
held() {
	local status=0
	STRIKE_UNTIL=$T/$1.held strike "$2" 1 before timeout 60 bash -c "exec ${3//@/$1}" >"$1.out" 2>"$1.err" &
	wait $! || status=$?
	echo $status >"$1.status"
}

# start_all [held]: every row's command at once
start_all() {
	local name state at command
	while IFS='|' read -r name state at command _; do
		if [ "${1-}" = held ]; then
			spawn held "e-$name" "$at" "$command"
		else
			spawn undisturbed "e-$name" "$command"
		fi
	done < <(table)
}

# all SUFFIX: there is one of each row's event
all() {
	local name
	for name in $(table | cut -d '|' -f 1); do
		[ -e "e-$name.$1" ] || return 1
	done
}

# unreachable: every row's command ended because the server is not there, and names it
unreachable() {
	local name
	for name in $(table | cut -d '|' -f 1); do
		if ! [[ $(cat "e-$name.status") =~ ^(69|75)$ ]] || ! grep -qF "redis '127.0.0.1:$REDIS_PORT': " "e-$name.err"; then
			echo "$name: status $(cat "e-$name.status"): $(cat "e-$name.err")" >&2
			return 1
		fi
	done
}

# plain: without what differs between twins
plain() {
	sed -E 's/\b[et]-([a-z]+)\b/E-\1/g; s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g; s/[0-9]{16}/US/g
		s/[0-9A-HJKMNP-TV-Z]{26}/CODE/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g'
}

none() {
	:
}

# as_twins: every row's answer and state are its twin's
as_twins() {
	local name filter
	while IFS='|' read -r name _ _ _ filter; do
		if ! diff <($filter <"t-$name.out" | plain) <($filter <"e-$name.out" | plain) ||
			! diff <(state "t-$name") <(state "e-$name"); then
			echo "$name: status $(cat "e-$name.status"): $(cat "e-$name.err")" >&2
			return 1
		fi
	done < <(table)
}

# state EVENT: what Redis has of it, without times
state() {
	fcfs-report -j "$1" 2>&1 | jq -c '[.joined, .granted, .issued, .left, .returned, .stock]' 2>/dev/null
	redis zrange "$(key "$1" line)" 0 -1
	redis lrange "$(key "$1" codes)" 0 -1
	redis hkeys "$(key "$1" issued)"
	redis hkeys "$(key "$1" left)"
	[ ! -e "$1.db" ] || sqlite3 "$1.db" 'SELECT ticket, "user" FROM issued ORDER BY ticket'
}

# quick: short times, so that a server that stands still is given up soon; one that does not answers all of them in time
quick() {
	export FCFS_CONNECT_TIMEOUT=3s FCFS_TIMEOUT=3s FCFS_RECONNECT=3s
}

@test "at the start, and in the middle: every tool ends, and names the server; run again, it has its twin's answer" {
	local name command
	world
	quick
	freeze "$REDIS_PID"
	start_all
	soon all status
	unreachable
	kill -CONT "$REDIS_PID" # and what it finds in its sockets then, it does
	rm e-*.status
	start_all held
	soon all held
	freeze "$REDIS_PID"
	rm ./*.held
	soon all status
	unreachable
	kill -CONT "$REDIS_PID"
	while IFS='|' read -r name _ _ command _; do
		undisturbed "e-$name" "$command"
	done < <(table)
	as_twins
}

@test "in the middle, and going on: every tool repeats what was not answered, and has the answer of its twin" {
	world
	FCFS_TIMEOUT=300ms start_all held
	soon all held
	freeze "$REDIS_PID"
	rm ./*.held
	soon asked_again
	kill -CONT "$REDIS_PID"
	soon all status
	for name in $(table | cut -d '|' -f 1); do
		same "$name $(cat "t-$name.status")" "$name $(cat "e-$name.status")"
	done
	as_twins
}

# asked_again: each has given up waiting once: a server that stands still does not hang up on who has (CLOSE_WAIT)
asked_again() {
	[ "$(grep -cE ": 0100007F:$(printf %04X "$REDIS_PORT") [0-9A-F:]+ 08 " /proc/net/tcp)" -ge "$(table | wc -l)" ]
}
