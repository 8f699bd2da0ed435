#!/usr/bin/env bats
# Several issuers in Kafka's group, and more than one dispatcher: they come, go, die, sleep through their sessions and
# take each other's names, and every record is out once (P3, P5, P7, P9).
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../stage

SHORT='-X session.timeout.ms=3000 -X heartbeat.interval.ms=500 -X transaction.timeout.ms=5000 -X socket.timeout.ms=4000'

# issuer NAME [OPTION...]: in the background; what it says goes to $T/NAME
issuer() {
	# shellcheck disable=SC2086 # words
	spawn fcfs-issue -v --follow --chunk 5 --ledger "sqlite:$T/ledger" $SHORT --instance "$@" 2>>"$T/$1"
}

# dispatcher: passes until the event is over
dispatcher() {
	spawn fcfs-dispatch --batch 10 --every 50ms --follow e 2>"$T/dispatcher"
	dispatcher=$pid
}

# come: people one after another until it is enough
come() {
	local person=0
	until [ -e "$T/enough" ]; do
		printf 'p%07d\n' $((person += 1))
		sleep 0.015
	done | fcfs-join e
}

# leave_some: two of those who have just won, or nearly so, think better of it
leave_some() {
	local cursor
	cursor=$(field e cursor)
	redis --raw zrange "$(key e line)" $((cursor > 15 ? cursor - 15 : 0)) $((cursor + 5)) |
		shuf -n 2 --random-source=<(yes "$RANDOM") | fcfs-leave e >>"$T/leaves"
}

# end_all PID...: asked to end, each does, well
end_all() {
	local one
	for one; do
		kill -TERM "$one"
	done
	for one; do
		ends "$one" 0
	done
}

# issuer_runs: their run records
issuer_runs() {
	redis --raw lrange "$(key e runs)" 0 -1 | jq -c 'select(.tool == "issue")'
}

# issued_total: what the issuers' run records count as done, all together
issued_total() {
	issuer_runs | jq -s 'map(.done) | add'
}

# --- coming and going ------------------------------------------------------------------------------

# shuffle_issuers N TURNS SIGNAL...: N names; each turn one of them starts, or ends by one of the signals
shuffle_issuers() {
	local -A pids
	local turn name signals=("${@:3}") signal got
	for ((turn = 0; turn < $2; turn++)); do
		name=i$((RANDOM % $1))
		if [ -z "${pids[$name]-}" ]; then
			issuer "$name"
			pids[$name]=$pid
		else
			signal=${signals[RANDOM % ${#signals[@]}]} got=0
			kill "-$signal" "${pids[$name]}"
			soon gone "${pids[$name]}"
			wait "${pids[$name]}" || got=$?
			same "$([ "$signal" = TERM ] && echo 0 || echo 137)" "$got"
			unset "pids[$name]"
		fi
		leave_some
		sleep 0.$((RANDOM % 600 + 100))
	done
	end_all "${pids[@]}"
}

# drain N: what is left is issued by so many together
drain() {
	local k left=()
	for ((k = 0; k < $1; k++)); do
		# shellcheck disable=SC2086 # words
		spawn fcfs-issue --chunk 5 --ledger "sqlite:$T/ledger" $SHORT --instance "i$k" 2>>"$T/i$k"
		left[k]=$pid
	done
	for pid in "${left[@]}"; do
		ends "$pid" 0
	done
}

# crowd N TURNS SIGNAL...: a whole event through them
crowd() {
	local come seed=${FCFS_SEED:-$RANDOM}
	echo "# FCFS_SEED=$seed" >&3
	RANDOM=$seed
	topics 6
	event e 100000 0
	spawn come >"$T/joined"
	come=$pid
	dispatcher
	shuffle_issuers "$@"
	touch "$T/enough"
	ends "$come" 0
	end_all "$dispatcher"
	fcfs-dispatch e
	drain "$1"
	once e 100000
}

@test "two issuers come and go: every code once, and their books add up to what is out" {
	crowd 2 12 TERM
	same "$(field e issued)" "$(issued_total)"
}

@test "four issuers come, go and are killed: every code once" {
	crowd 4 20 TERM KILL
	[ "$(issued_total)" -le "$(field e issued)" ]
}

@test "SIGTERM: the chunk is finished, the other issuer has the partitions at once, status 0" {
	local one other
	topics 4
	SHORT='-X session.timeout.ms=45000'
	event e 2000 2000
	issuer one
	one=$pid
	issuer other
	other=$pid
	soon members 2
	fcfs-dispatch e
	soon both_run
	kill -TERM "$one"
	ends "$one" 0
	wait_for 30 members 1
	same stopped "$(issuer_runs | jq -r .status | grep -v running)" # the other is
	soon field_is e issued 2000
	end_all "$other"
	same 2000 "$(issued_total)"
	once e 2000
}

# both_run: each of two issuers has had a record
both_run() {
	[ "$(issuer_runs | wc -l)" -eq 2 ]
}

# --- asleep ----------------------------------------------------------------------------------------

# zombie NAME AT NTH: an issuer that stops there; without a ledger, for who sleeps in the middle of a
# transaction of SQLite's lets nobody else write
zombie() {
	# shellcheck disable=SC2086 # words
	STRIKE_WITH=19 spawn strike "$2" "$3" before fcfs-issue -v --follow --chunk 5 $SHORT --instance "$1" 2>"$T/$1"
	zombies+=("$pid")
}

# begun: where every partition begins is committed: until there are winners an issuer has nothing to send
begun() {
	! fcfs-report --offsets | cut -f 3 | grep -q -e -
}

# lag_is N: of all partitions
lag_is() {
	[ "$(fcfs-report --offsets | awk '{ lag += $5 } END { print lag + 0 }')" = "$1" ]
}

@test "issuers that sleep through their sessions, each before another step: they go on, and write nothing again" {
	local zombies=() one at
	topics 6
	event e 300 300
	issuer first
	soon begun
	end_all "$pid"
	for at in fcfs_award_1:2 28:2 26:2 fcfs_done_1:2; do
		zombie "z${#zombies[@]}" "${at%:*}" "${at#*:}"
	done
	soon members 4
	fcfs-dispatch e
	for one in "${zombies[@]}"; do
		soon stopped "$one"
	done
	issuer other
	soon field_is e issued 300
	for one in "${zombies[@]}"; do
		kill -CONT "$one"
	done
	soon members 5
	fcfs-event set e --stock 400 >/dev/null
	people 400 | fcfs-join e >/dev/null
	fcfs-dispatch e
	soon field_is e issued 400
	end_all "${zombies[@]}" "$pid"
	rm "$T/ledger" # the others' rows alone
	once e 400
}

@test "an issuer that joins anew during a commit is fenced by itself alone: it goes on, and writes nothing again" {
	local zombies=()
	topics 2
	SHORT='-X session.timeout.ms=2000 -X heartbeat.interval.ms=500'
	event e 100 100
	fcfs-dispatch e
	STRIKE_UNTIL=$T/held zombie z 28 2
	soon test -e "$T/held"
	freeze "${zombies[0]}"
	issuer other
	soon field_is e issued 100
	kill -CONT "${zombies[0]}"
	soon members 2
	rm "$T/held"
	soon grep -q 'not committed, once more: .*fenced' "$T/z"
	fcfs-event set e --stock 200 >/dev/null
	people 200 | fcfs-join e >/dev/null
	fcfs-dispatch e
	soon field_is e issued 200
	end_all "${zombies[0]}" "$pid"
	rm "$T/ledger" # the others' rows alone
	once e 200
}

# struck_dispatcher EVENT AT NTH: a dispatcher that stops there
struck_dispatcher() {
	# shellcheck disable=SC2086 # words
	STRIKE_WITH=19 spawn strike "$2" "$3" before fcfs-dispatch --batch 5 --instance "z$1" $SHORT "$1" 2>"$T/$1"
}

@test "dispatchers that sleep past their leases: another takes over, they end with 75, and nothing of them is out" {
	local -A asleep
	local name at
	topics 3
	for at in a:fcfs_serve_1:2 b:26:2 c:fcfs_mirror_1:3 d:24:1; do
		name=${at%%:*} at=${at#*:}
		event "$name" 20 25
		struck_dispatcher "$name" "${at%:*}" "${at#*:}"
		asleep[$name]=$pid
	done
	for name in "${!asleep[@]}"; do
		soon stopped "${asleep[$name]}"
	done
	run -0 timeout "$LIMIT" fcfs-dispatch --instance other a b c d
	for name in "${!asleep[@]}"; do
		kill -CONT "${asleep[$name]}"
		ends "${asleep[$name]}" 75
		same "fcfs-dispatch: event '$name': another dispatcher has taken the lease" "$(grep -v 'kafka: ' "$T/$name")"
		same '25 20 1' "$(published "$name")"
	done
	fcfs-issue
	for name in "${!asleep[@]}"; do
		once "$name" 20
	done
}

@test "a dispatcher that follows and slept past its lease stands by, and publishes again when the other is gone" {
	topics 2
	event a 60 20
	spawn fcfs-dispatch --instance one --batch 5 --every 50ms --follow a 2>"$T/one"
	one=$pid
	soon field_is a published_winners 20
	freeze "$one"
	redis del "$(key a lease)" >/dev/null
	spawn fcfs-dispatch --instance other --batch 5 --every 50ms --follow a
	soon field_is a epoch 2
	people 40 | fcfs-join a >/dev/null
	soon field_is a published_winners 40
	kill -CONT "$one"
	soon has "$T/one" 1
	kill -9 "$pid"
	people 70 | fcfs-join a >/dev/null
	soon field_is a published_winners 60
	fcfs-issue
	ends "$one" 0
	same "fcfs-dispatch: event 'a': another dispatcher has taken the lease: standing by" "$(grep -v 'kafka: ' "$T/one")"
	once a 60
}

# --- slow, and under one name ----------------------------------------------------------------------

# Who waits for a lease does so a little longer than it lasts: it finds it kept.
@test "brokers that answer nothing for longer than a lease: it is kept, at the start and in a full queue" {
	local at one
	topics 2
	for at in 22 0; do
		event "e$at" 400 500
		STRIKE_UNTIL=$T/held spawn strike "$at" 1 before \
			fcfs-dispatch --instance one -X queue.buffering.max.messages=100 "e$at" 2>"$T/err"
		one=$pid
		soon [ -e "$T/held" ]
		run -75 --separate-stderr fcfs-dispatch --instance other "e$at"
		same "fcfs-dispatch: event 'e$at': 'one' is dispatching it: try again later" "$stderr"
		same 1 "$(field "e$at" epoch)"
		rm "$T/held"
		ends "$one" 0
		same '' "$(cat "$T/err")"
		same '500 400 1' "$(published "e$at")"
		same 400 "$(winners_of "e$at" | jq .ticket | sort -u | wc -l)"
	done
}

@test "Redis stands still for longer than a session and a poll may last: nobody is thrown out of the group" {
	local before redis_pid one
	topics 4
	SHORT='-X session.timeout.ms=6000 -X heartbeat.interval.ms=500 -X max.poll.interval.ms=6000'
	event e 1000 1000
	issuer one
	one=$pid
	issuer other
	soon members 2
	fcfs-dispatch e
	soon at_least e issued 50
	before=$(generation)
	redis_pid=$(cat "$SERVERS/redis/pid")
	freeze "$redis_pid"
	sleep 9 # the length is the case
	kill -CONT "$redis_pid"
	soon field_is e issued 1000
	same "$before" "$(generation)"
	same '' "$(grep -E 'MAXPOLL|SESSTMOUT' "$T/one" "$T/other")"
	end_all "$one" "$pid"
	once e 1000
}

@test "partitions are lost while a chunk of winners seen before waits for Redis: it is counted once" {
	local one redis_pid
	topics 2
	event e 20 20
	issuer one
	one=$pid
	fcfs-dispatch e
	soon field_is e issued 20
	redis_pid=$(cat "$SERVERS/redis/pid")
	freeze "$redis_pid"
	values gifticon_publish | kcat -P -b "$FCFS_BROKERS" -t "${FCFS_PREFIX}gifticon_publish"
	sleep 1 # it has taken some, and asks; where not, this shows less
	spawn kcat -G "${FCFS_PREFIX}fcfs-issue" -b "$FCFS_BROKERS" -X auto.commit.interval.ms=600000 \
		-X session.timeout.ms=3000 -X heartbeat.interval.ms=500 "${FCFS_PREFIX}gifticon_publish" >"$T/other" 2>&1
	soon members 2
	kill -9 "$pid" # so it commits nothing
	soon members 1
	kill -CONT "$redis_pid"
	soon lag_is 0
	end_all "$one"
	same 20 "$(issuer_runs | jq -s 'map(.already) | add')"
	all_out e 20
}

@test "the same --instance from another state folder: one of the two ends with 75 and names it, every code once" {
	local first second one left
	topics 4
	event e 1000 1000
	issuer same
	first=$pid
	soon members 1
	fcfs-dispatch e
	soon at_least e issued 50
	FCFS_STATE=$T/elsewhere issuer same
	second=$pid
	one_is_gone() { gone "$first" || gone "$second"; }
	soon one_is_gone
	if gone "$first"; then one=$first left=$second; else one=$second left=$first; fi
	ends "$one" 75
	grep -q -e '--instance' "$T/same"
	soon field_is e issued 1000
	end_all "$left"
	once e 1000
}

@test "two events in a chunk, and the group shared out anew again and again: every code once" {
	local one name _
	topics 4
	for name in a b; do
		event $name 500 500
	done
	issuer one
	one=$pid
	soon members 1
	fcfs-dispatch --batch 5 --every 1ms a b
	for _ in 1 2; do
		issuer other
		soon members 2
		end_all "$pid"
		soon members 1
	done
	soon field_is a issued 500
	soon field_is b issued 500
	end_all "$one"
	once a 500
	once b 500
}

# more_winners PARTITIONS STOCK: the topic has so many partitions now, and winners in all of them
more_winners() {
	topics "$1"
	fcfs-event set e --stock "$2" >/dev/null
	people "$2" | fcfs-join e >/dev/null
	fcfs-dispatch e
	same "$1" "$(envelopes gifticon_publish | jq .partition | sort -u | wc -l)"
}

@test "a topic gets more partitions, under an issuer and while it is dead: all winners are issued" {
	topics 1
	event e 5 5
	spawn fcfs-issue --follow
	fcfs-dispatch e
	soon field_is e issued 5
	more_winners 3 60
	soon field_is e issued 60
	kill -9 "$pid"
	ends "$pid" 137
	more_winners 5 120
	spawn fcfs-issue --follow
	soon field_is e issued 120
	kill -9 "$pid"
	ends "$pid" 137
	more_winners 7 240
	run -0 --separate-stderr timeout "$LIMIT" fcfs-issue
	same '' "$stderr"
	once e 240
}
