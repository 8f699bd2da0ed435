#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# fcfs-archive rebuild: an event in Redis again, from its topics and its ledger alone.

load ../stage
load ../deliver

setup() {
	namespace
	topics 2
	LEDGER=sqlite:$T/ledger
}

# rebuild [OPTION...] EVENT
rebuild() {
	timeout 60 fcfs-archive rebuild --ledger "$LEDGER" "$@"
}

# state EVENT: all that a rebuild brings back, as people see it
state() {
	fcfs-report "$1" | grep -vE '^(epoch|last_pass|lease|unpublished_decisions|decisions|oldest_|refused_|runs|already)'
	fcfs-report --issued "$1"
	fcfs-rank --list "$1"
	redis zrange "$(key "$1" grants)" 0 -1 withscores
	redis hgetall "$(key "$1" left)" | paste - - | sort
	redis hgetall "$(key "$1" issued)" | paste - - | sort
	redis hgetall "$(key "$1" pending)" | paste - - | sort
	redis hgetall "$(key "$1" event)" | paste - - | grep -vE '^(epoch|pass_us|settled|already|refused_.*|rebuilt_us|token|seq)	' | sort
}

# line EVENT: everybody and when, and the slots granted
line() {
	redis zrange "$(key "$1" line)" 0 -1 withscores
	redis zrange "$(key "$1" grants)" 0 -1 withscores
}

# clean EVENT
clean() {
	run -0 --separate-stderr fcfs-audit --final --ledger "$LEDGER" "$1"
}

# world EVENT: p3 left before, p4's slot was returned, p2 was revoked, p5 is parked, stock was raised, and it was paused
world() {
	event "$1" 5 12 --opens now
	fcfs-leave "$1" p0000003 >/dev/null
	fcfs-dispatch "$1"
	fcfs-leave "$1" p0000004 >/dev/null
	courier_issue
	fcfs-leave --revoke "$1" p0000002 >/dev/null
	fcfs-event set "$1" --stock 7 --state paused
	fcfs-event set "$1" --state open --name 'Fried chicken'
	fcfs-leave "$1" p0000009 >/dev/null
	fcfs-dispatch "$1"
}

# courier_issue: nothing can be delivered to p5
courier_issue() {
	fcfs-issue -q --ledger "$LEDGER" --deliver "$(courier "$(but p0000005 "$NEVER")")" >/dev/null || same 65 $?
}

# verdict NAME...: of what a rebuild with -j has said, in output
verdict() {
	local name
	for name; do jq -r ".$name" <<<"$output"; done | paste -sd ' '
}

@test "an event with all that may happen, half issued, is there again, and is finished with each code once" {
	world a
	state a >"$T/before"
	redis_codes a >"$T/codes"
	epoch=$(field a epoch)
	redis flushall >/dev/null
	run -0 --separate-stderr rebuild -j a
	said=$stderr
	same '12 2 9 2 1 2 0 1 4 0 0 1 0' \
		"$(verdict people left granted returned revoked issued assigned parked unissued redrive left_unlogged unpublished_decisions breaches)"
	run -1 fcfs-audit -q --final --ledger "$LEDGER" a
	[[ $output == *'decisions up to 10 are published, of 11: fcfs-dispatch does it'* ]]
	diff "$T/before" <(state a)
	[ "$(field a epoch)" -gt "$epoch" ]
	same 'rebuild requests=12 winners=11 seq=10' "$(redis --raw lrange "$(key a outbox)" 0 -1 | jq -r '.what + " " + .after')"
	joined=$(redis --raw zrange "$(key a line)" -1 -1 withscores | tail -n 1)
	same "fcfs-archive: event 'a': possibly lost: who joined after ticket 12 ($(date -u -d "@${joined::10}" +%FT%T).${joined:10}Z), and decisions after number 10: they had not reached the topics; people may join again" "$said"
	same $'already\tp0000001\t1' "$(fcfs-join a p0000001 | cut -f 1-3)"
	same $'joined\tzed\t13' "$(fcfs-join a zed | cut -f 1-3)"
	fcfs-dispatch a
	fcfs-issue -q --redrive --match event=a
	fcfs-issue -q --ledger "$LEDGER"
	clean a
	same '' "$(comm -23 "$T/codes" <(redis_codes a))"
	same 7 "$(redis_codes a | cut -d ' ' -f 2 | sort -u | wc -l)"
	same "$(sqlite3 "$T/ledger" "SELECT user || ' ' || code FROM issued WHERE state = 'issued' ORDER BY user")" "$(redis_codes a)"
}

@test "an event that exists is not touched, unless it is to be replaced; a dry run changes nothing" {
	run -78 fcfs-archive rebuild a
	same "fcfs-archive: event 'a': topic '${FCFS_PREFIX}event_log' knows no such event" "$output"
	world a
	state a >"$T/before"
	run -1 --separate-stderr rebuild a
	same "fcfs-archive: event 'a' exists: --replace puts in its place what the topics have" "$stderr"
	run -1 rebuild --dry-run a
	epoch=$(field a epoch)
	fcfs-join a zed >/dev/null # and is not in the log
	values fcfs_progress >"$T/progress"
	run -0 rebuild -q --dry-run --replace -j a
	same 12 "$(verdict people)"
	diff "$T/progress" <(values fcfs_progress)
	same "$epoch 13" "$(field a epoch) $(field a joined)"
	run -0 rebuild -q --replace a
	diff "$T/before" <(state a)
	[ "$(field a epoch)" -gt "$epoch" ]
	first=$(field a epoch)
	run -0 rebuild -q --replace a
	[ "$(field a epoch)" -gt "$first" ]
	diff "$T/before" <(state a)
	# another event by the name, and the one before by its id
	old=$(field a id)
	fcfs-dispatch a
	courier_issue
	state a | grep -v kafka_lag >"$T/before"
	purge a
	event a 1 1
	run -65 rebuild --id "$old" a
	fcfs-dispatch a
	redis flushall >/dev/null
	run -0 rebuild -q --dry-run -j a
	same 1 "$(verdict people)"
	run -0 rebuild -q --id "$old" a
	diff "$T/before" <(state a | grep -v kafka_lag)
}

@test "who dispatched before, and an older copy of it with whoever joins there, decide nothing any more" {
	event a 3 6
	fcfs-dispatch a
	fcfs-event set a --stock 4
	STRIKE_WITH=19 spawn strike fcfs_serve_1 1 before fcfs-dispatch a 2>"$T/err"
	soon stopped "$pid"
	for one in $(redis keys "$(key a '*')"); do
		redis copy "$one" "$one" db 1 >/dev/null
	done
	purge a
	run -0 fcfs-archive rebuild -q a
	fcfs-event set a --stock 4
	kill -CONT "$pid"
	ends "$pid" 75
	same "fcfs-dispatch: event 'a': another dispatcher has taken the lease" "$(cat "$T/err")"
	same 3 "$(field a granted)"
	redis -n 1 del "$(key a lease)" >/dev/null
	copy=redis://127.0.0.1:$REDIS_PORT/1
	same $'joined\tzed\t7' "$(fcfs-join -r "$copy" a zed | cut -f 1-3)"
	fcfs-event set -r "$copy" a --stock 9
	run -76 fcfs-dispatch -r "$copy" a
	same "fcfs-dispatch: event 'a': it was rebuilt (fcfs-archive rebuild), and this redis has an older copy of it: nothing of that is dispatched any more" "$output"
	fcfs-dispatch a
	same '6 4' "$(published a | cut -d ' ' -f 1,2)"
	same 4 "$(winners_of a | jq -r .user | sort -u | wc -l)"
	same '' "$(values event_requests | grep zed)"
	run -76 fcfs-issue -r "$copy"
	same "fcfs-issue: event 'a': it was rebuilt (fcfs-archive rebuild), and this redis has an older copy of it: nothing of that is issued any more" "$output"
	fcfs-issue
	all_out a 4
}

@test "a replica takes over that has not got the name: with --wait the event is among all" {
	event a 1 1
	fcfs-dispatch a
	purge a
	"$TREE/scripts/servers" start "$SERVERS" redis-2 >/dev/null 3>&-
	STRIKE_WITH=19 FCFS_WAIT=1,20000 spawn strike SADD 1 after fcfs-archive rebuild -q a
	soon stopped "$pid"
	redis srem "${FCFS_PREFIX}fcfs:events" a >/dev/null # as it is there then
	kill -CONT "$pid"
	ends "$pid" 0
	same a "$(redis smembers "${FCFS_PREFIX}fcfs:events")"
	"$TREE/scripts/servers" stop "$SERVERS" redis-2 3>&-
}

@test "killed at each of its steps: nobody takes what is there for an event, and again it is there; what the ledger alone knows is assigned" {
	event a 3 5
	fcfs-dispatch a
	struck 24 1 before fcfs-issue --ledger "$LEDGER" # before the first record of its transaction
	line a >"$T/before"
	redis hgetall "$(key a pending)" | paste - - | grep -F "$(sqlite3 "$T/ledger" 'SELECT code FROM issued')" >"$T/ahead"
	for at in fcfs_restore_start_1:1:after SADD:1:before fcfs_restore_1:1:before fcfs_restore_1:2:after 26:1:before 26:1:after \
		fcfs_restore_finish_1:1:before fcfs_restore_finish_1:1:after; do
		purge a
		IFS=: read -r what nth when <<<"$at"
		struck "$what" "$nth" "$when" fcfs-archive rebuild -X transaction.timeout.ms=1000 --ledger "$LEDGER" a
		[ "$at" = fcfs_restore_finish_1:1:after ] || run -78 fcfs-event show a
		run -0 rebuild -q --replace a
		diff "$T/before" <(line a)
		diff <(sort "$T/ahead") <(redis hgetall "$(key a pending)" | paste - - | sort)
		same '' "$(redis keys "$(key a 'restore:*')")"
	done
	fcfs-dispatch a
	fcfs-issue --ledger "$LEDGER"
	clean a
	same "$(sqlite3 "$T/ledger" "SELECT user || ' ' || code FROM issued ORDER BY user")" "$(redis_codes a)"
}

@test "a pool: used codes are known, the others are loaded again; a code that no ledger has is a doubt" {
	event a 3 6 --codes pool
	seq -f 'CODE-%03.0f' 8 >"$T/codes"
	fcfs-codes load a "$T/codes" >/dev/null
	fcfs-dispatch a
	fcfs-issue -q --ledger "$LEDGER" --deliver "$(courier "$(but p0000002 "$NEVER")")" || same 65 $?
	fcfs-leave --revoke a p0000001 >/dev/null
	fcfs-dispatch a
	state a >"$T/before"
	purge a
	run -65 fcfs-archive rebuild a
	same 1 "$(grep -c "^fcfs-archive: P5: a code of the pool is used once: p0000002, ticket 2: had a code, and it is in no ledger$" <<<"$output")"
	run -78 fcfs-event show a
	run -0 --separate-stderr fcfs-archive rebuild -q --force --dry-run -j a
	same '0 2 1 1' "$(verdict parked codes_used redrive breaches)"
	run -0 --separate-stderr rebuild -j a
	same '1 3 5 0' "$(verdict parked codes_used codes_missing redrive)"
	same "fcfs-archive: event 'a': codes that were loaded once and are not there: 5: fcfs-codes load a FILE, which skips the used ones" \
		"$(tail -n 1 <<<"$stderr")"
	! grep CODE- <<<"$output$stderr" || return 1
	fcfs-codes load a "$T/codes" >/dev/null || same 65 $?
	diff "$T/before" <(state a)
	fcfs-dispatch a
	fcfs-issue --ledger "$LEDGER"
	clean a
	same "$(sqlite3 "$T/ledger" "SELECT user || ' ' || code FROM issued WHERE ticket > 2 ORDER BY user")" "$(redis_codes a)"
	same 'p0000004 CODE-004' "$(redis_codes a | tail -n 1)"
}

@test "winners that were read while there was no event are named, to be sent again; so is one that was read for nothing" {
	event a 2 4
	fcfs-leave a p0000001 >/dev/null
	fcfs-dispatch a
	purge a
	run -65 fcfs-issue -q
	run -0 --separate-stderr fcfs-archive rebuild -j a
	same '2 2 0' "$(verdict unissued redrive breaches)"
	same "fcfs-archive: event 'a': winners whose records are dead letters: 2: fcfs-issue --redrive --match event=a" "$(tail -n 1 <<<"$stderr")"
	fcfs-issue -q --redrive --match event=a
	fcfs-issue -q
	fcfs-event set a --stock 3
	fcfs-dispatch a
	run -0 fcfs-audit a
	kcat -q -b "$FCFS_BROKERS" -G "${FCFS_PREFIX}fcfs-issue" -e "${FCFS_PREFIX}gifticon_publish" >/dev/null # takes p4's
	state a >"$T/before"
	purge a
	run -65 fcfs-archive rebuild a
	grep -qE "^fcfs-archive: P4: no winner was read and passed over: p0000004, ticket 4: read at " <<<"$output"
	grep -qxF "fcfs-archive: event 'a' is not rebuilt: 1 found broken: --force makes of it what there is" <<<"$output"
	run -0 fcfs-archive rebuild -q --force a
	diff "$T/before" <(state a)
}

# forge EVENT TOPIC FIELD...: somebody else's record, of the event
forge() {
	jq -nc --arg event "$1" --arg id "$id" '{event: $event, id: $id} + {'"$3"'}' | produce "$2" eve
}

@test "what others wrote and cannot be is refused, with --force, too; a breach of nobody names nobody" {
	local id joined
	event a 3 2
	fcfs-dispatch a
	id=$(field a id)
	purge a
	forge a event_log 'type: "log", seq: 2, at_us: 9, who: "eve", what: "set", user: "", ticket: 0, before: "stock=3", after: "stock=1"'
	run -65 fcfs-archive rebuild -q a
	grep -qxF 'fcfs-archive: P3: slots granted less slots returned are not more than there are: 2 slots are granted of 1' <<<"$output"
	forge a event_log 'type: "log", seq: 3, at_us: 9223372036854775807, who: "eve", what: "x", user: "", ticket: 0, before: "", after: ""'
	run -65 --separate-stderr fcfs-archive rebuild -q --force a
	same "fcfs-archive: event 'a' cannot be rebuilt: a record of it has a time that is none" "$stderr"
	for joined in null '"soon"' 9223372036854775807; do
		event b 3 2
		fcfs-dispatch b
		id=$(field b id)
		purge b
		forge b event_requests "type: \"request\", user: \"eve\", ticket: 3, joined_us: $joined"
		run -65 --separate-stderr fcfs-archive rebuild -q --force b
		same "fcfs-archive: event 'b' cannot be rebuilt: ticket 3 joined at no time" "$stderr"
	done
	same '' "$(redis keys "${FCFS_PREFIX}fcfs:{*")"
}
