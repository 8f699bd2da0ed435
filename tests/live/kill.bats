#!/usr/bin/env bats
# kill -9 at every write, send and sync of join, dispatch and issue, and of the server: the same command
# again leads to where an undisturbed run would have led (P1, P3, P4, P5, P6, P8).
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../helper
load ../flow
load ../kill

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

# whole FILE: its lines, without a last one that was cut off
whole() {
	tail -c 1 "$1" | read -r || [ ! -s "$1" ] || sed -i '$d' "$1"
	cat "$1"
}

# contains FILE FILE: every line of the second is in the first
contains() {
	same '' "$(grep -v -x -F -f "$1" "$2")"
}

join_round() {
	event "$2" 2000 0
	kill_at "$1" fcfs-join "$2" <"$T/people" >"$T/1"
	fcfs-join "$2" <"$T/people" | cut -f 2-4 >"$T/2"
	same "$(paste "$T/people" <(seq 1100))" "$(cut -f 1-2 "$T/2")"
	same "$(paste -d '\n' <(cut -f 1 "$T/2") <(cut -f 3 "$T/2"))" "$(redis zrange "$(key "$2" line)" 0 -1 withscores)"
	[ -z "$struck" ] || contains "$T/2" <(whole "$T/1" | cut -f 2-4)
	same 1100 "$(field "$2" joined)"
}

@test "fcfs-join killed everywhere: one ticket a person, the order kept, what was answered still true" {
	people 1100 >"$T/people"
	everywhere fcfs-join 8 join_round
}

# Two chunks or batches, the second one not full: what may happen between any two happens between these.
dispatch_round() {
	local granted
	event "$2" 5 7
	kill_at "$1" fcfs-dispatch --batch 3 "$2" >"$T/1"
	granted=$(field "$2" granted)
	[ "$granted" -le 5 ]
	fcfs-dispatch --batch 3 "$2" >"$T/2"
	same "$(people 5)" "$(jq -r .user "$T/2")"
	contains "$T/2" "$T/1"
	same "5 5" "$(field "$2" granted) $(field "$2" cursor)"
	cat "$T/1" "$T/2" | fcfs-issue --chunk 3 >"$T/out"
	all_issued "$2" 5 "$T/out"
}

@test "fcfs-dispatch killed everywhere: the first in line win, once, and none is lost" {
	everywhere fcfs-dispatch 8 dispatch_round
}

alone_round() {
	event "$2" 5 7
	fcfs-dispatch "$2" >"$T/w"
	kill_at "$1" fcfs-issue --chunk 3 <"$T/w" >"$T/1"
	{ fcfs-dispatch "$2" || same 1 $?; } | fcfs-issue --chunk 3 >"$T/2"
	# whatever was printed twice is the same to the last byte
	sort -u "$T/1" "$T/2" | jq -sc 'sort_by(.ticket)[]' >"$T/out"
	all_issued "$2" 5 "$T/out"
}

@test "fcfs-issue killed everywhere, without a ledger: a winner's code stays the same" {
	everywhere fcfs-issue 10 alone_round
}

issue_round() {
	local ledger=$T/$2
	event "$2" 5 7
	fcfs-dispatch "$2" >"$T/w"
	kill_at "$1" fcfs-issue --chunk 3 --ledger "sqlite:$ledger" <"$T/w" >"$T/1"
	{ fcfs-dispatch "$2" || same 1 $?; } | fcfs-issue --chunk 3 --ledger "sqlite:$ledger" >"$T/2"
	sort -u "$T/1" "$T/2" | jq -sc 'sort_by(.ticket)[]' >"$T/out"
	all_issued "$2" 5 "$T/out"
	same "$(jq -r '[.user, .ticket, .code, .joined_us, .granted_us, .issued_us] | join("|")' "$T/out")" \
		"$(sqlite3 "$ledger" 'select "user", ticket, code, joined_us, granted_us, issued_us from issued order by ticket')"
	same 600 "$(stat -c %a "$ledger")"
	redis --raw lrange "$(key "$2" runs)" 0 -1 | books
	rm "$ledger"*
}

@test "fcfs-issue killed everywhere, with a ledger: it says what was printed" {
	everywhere fcfs-issue 30 issue_round
}

follow() {
	fcfs-dispatch --batch 1 --every 5ms --follow e | fcfs-issue --chunk 2 --ledger "sqlite:$T/ledger"
}

# a person a process, each until it is answered
join_each() {
	local person
	for person in $(people 150); do
		until fcfs-join e "$person" 2>/dev/null; do
			sleep 0.02
		done
	done
}

@test "redis-server killed with -9 in mid-flow: nothing that was answered is lost" {
	event e 100 0
	spawn follow >"$T/out" 2>"$T/err"
	flow=$pid
	spawn join_each >"$T/joined"
	for stop in 5 20 40 60 80; do
		soon at_least e issued $stop
		cp "$T/joined" "$T/joined.$stop"
		cp "$T/out" "$T/out.$stop"
		kill -9 "$(cat "$SERVERS/redis/pid")"
		servers_start
		contains <(redis zrange "$(key e line)" 0 -1 withscores | paste - -) <(whole "$T/joined.$stop" | cut -f 2,4)
		contains <(
			redis_codes e
			redis hgetall "$(key e pending)" | paste -d ' ' - - | cut -d ' ' -f 1,7
		) <(printed_codes "$T/out.$stop")
	done
	ends "$flow" 0
	ends "$pid" 0
	same "$(people 150 | paste - <(seq 150))" "$(cut -f 2,3 "$T/joined")"
	all_issued e 100 "$T/out"
	same "$(printed_codes "$T/out")" "$(sqlite3 -separator ' ' "$T/ledger" 'select "user", code from issued order by 1')"
}
