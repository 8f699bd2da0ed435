#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run and spawn set variables
# Run records that are there while a run is, of runs that were killed, and runs that want to be alone (P7).

load ../stage

# Through the pipe, but for those that say kafka.
setup() {
	namespace
	export BROKERS=$FCFS_BROKERS
	unset FCFS_BROKERS
}

use_kafka() {
	export FCFS_BROKERS=$BROKERS
}

# records TOOL [FILTER]: the run records of event e
records() {
	redis --raw lrange "$(key e runs)" 0 -1 | jq -r "select(.tool == \"$1\") | ${2-.status}"
}

# record_is TOOL FILTER VALUE: so says the last one
record_is() {
	[ "$(records "$1" "$2" | tail -n 1)" = "$3" ]
}

# grow_old: every record was last heard of an hour ago
grow_old() {
	local n=0 record
	while read -r record; do
		redis lset "$(key e runs)" "$n" "$(jq -c '.ended_us -= 3600000000 | .started_us -= 3600000000' <<<"$record")"
		n=$((n + 1))
	done < <(redis --raw lrange "$(key e runs)" 0 -1) >/dev/null
}

# feed N NAME [OPTION...]: an issuer that is given the first N winners, and waits for more: sets pid, and more, a descriptor
feed() {
	mkfifo "$T/$2"
	spawn from "$T/$2" fcfs-issue "${@:3}" >"$T/$2.out" 2>"$T/$2.err"
	exec {more}>"$T/$2"
	head -n "$1" "$T/winners" >&"$more"
	soon has "$T/$2.out" "$1"
}

# winners N: event e, and its winners in $T/winners
winners() {
	event e "$1" "$1"
	fcfs-dispatch e >"$T/winners"
}

held_by() {
	redis --raw get "$(key e job)"
}

is_free() {
	[ "$(redis exists "$(key e job)")" = 0 ]
}

# --- records -------------------------------------------------------------------------------------

@test "an issuer's record is there from its first record on, is counted anew, and is one in the end" {
	winners 10
	feed 4 a
	same running "$(records issue)"
	soon record_is issue .in 4
	first=$(records issue .ended_us)
	redis --raw lrange "$(key e runs)" 0 -1 | books
	later() { [ "$(records issue .ended_us)" -gt "$first" ]; }
	soon later # though nothing comes
	tail -n 6 "$T/winners" >&"$more"
	exec {more}>&-
	ends "$pid" 0
	same 'completed 10 10' "$(records issue '"\(.status) \(.in) \(.done)"')"
	redis --raw lrange "$(key e runs)" 0 -1 | books
}

@test "an issuer that was killed is running, and abandoned when a later run finds it old" {
	winners 10
	feed 4 a
	kill -9 "$pid"
	exec {more}>&-
	fcfs-issue <"$T/winners" >"$T/out"
	same 'running completed' "$(records issue | paste -sd ' ')"
	grow_old
	fcfs-issue <"$T/winners" >"$T/out"
	same 'abandoned completed completed' "$(records issue | paste -sd ' ')"
	redis --raw lrange "$(key e runs)" 0 -1 | books
	same 'abandoned completed completed' "$(fcfs-report --runs e | awk '$2 == "issue" { print $3 }' | paste -sd ' ')"
	same 10 "$(field e issued)"
}

@test "an abandoned run that lives all the same is running again" {
	winners 3
	feed 1 a
	grow_old
	fcfs-issue <"$T/winners" >"$T/out"
	soon record_is issue .status completed
	running_again() { [ "$(records issue | paste -sd ' ')" = 'running completed' ]; }
	soon running_again
	exec {more}>&-
	ends "$pid" 0
	same 'completed completed' "$(records issue | paste -sd ' ')"
}

@test "a dispatcher's record: running from the lease on, then completed; killed, it is abandoned by the next" {
	event e 10 0
	spawn fcfs-dispatch --every 50ms --follow e >"$T/out"
	soon record_is dispatch .status running
	people 4 | fcfs-join e >/dev/null
	soon has "$T/out" 4
	soon record_is dispatch .done 4
	kill -9 "$pid"
	ends "$pid" 137
	grow_old
	redis del "$(key e lease)" >/dev/null
	fcfs-dispatch e >"$T/out"
	same 'abandoned completed' "$(records dispatch | paste -sd ' ')"
	people 9 | fcfs-join e >/dev/null
	struck fcfs_serve_1 1 before fcfs-dispatch e
	record_is dispatch .status running
	redis --raw lrange "$(key e runs)" 0 -1 | books
}

@test "the step: a minute unless said otherwise, other runs are left alone, and so is another event" {
	winners 1
	fcfs-issue <"$T/winners" >"$T/out"
	redis del "$(key e runs)" >/dev/null
	id=$(field e id)
	step() {
		redis fcall fcfs_run_1 2 "$(key e event)" "$(key e line)" "$@"
	}
	record() {
		printf '{"run":"%s","tool":"issue","status":"%s","started_us":1,"ended_us":2,"error":"%s"}' "$@"
	}
	same 1 "$(step "$id" "$(record a running '')")"
	same 1 "$(step "$id" "$(record b completed '\"run\":\"a\"')")"
	same 'running completed' "$(records issue | paste -sd ' ')"
	now=$(redis time | head -n 1)
	[ $(($(records issue .ended_us | head -n 1) / 1000000 - now)) -ge -5 ]
	same 2 "$(records issue .ended_us | tail -n 1)"
	same 1 "$(step "$id" "$(record c running '')" 0)"
	same 'abandoned completed running' "$(records issue | paste -sd ' ')"
	same 1 "$(step "$id" "$(record a running '')" 0)"
	same 'running completed running' "$(records issue | paste -sd ' ')"
	same 0 "$(step 22222222-2222-4222-8222-222222222222 "$(record d running '')")"
	same 3 "$(redis llen "$(key e runs)")"
}

@test "the last thousand are kept, of an event and of records that name none" {
	local list
	winners 1
	fcfs-issue <"$T/winners" >"$T/out"
	echo x | fcfs-issue -q || same 65 $?
	for list in "$(key e runs)" "${FCFS_PREFIX}fcfs:runs"; do
		redis eval 'for i = 1, 1200 do
			redis.call("LPUSH", KEYS[1], (redis.call("LINDEX", KEYS[1], -1):gsub("\"run\":\"........", string.format("\"run\":\"%08d", i)))) end' 1 "$list"
	done
	{ cat "$T/winners" && echo x; } | fcfs-issue -q || same 65 $?
	for list in "$(key e runs)" "${FCFS_PREFIX}fcfs:runs"; do
		same 1000 "$(redis llen "$list")"
		same 2 "$(redis --raw lrange "$list" -2 -1 | jq -r 'select(.ended_us > 0).run' | grep -vc ^0000)"
	done
}

# --- alone ---------------------------------------------------------------------------------------

@test "exclusive: a second one is 75 and names the host, with nothing assigned; others and other events go on" {
	winners 10
	feed 4 a --exclusive
	[[ $(held_by) == *" $(uname -n)" ]]
	run -75 fcfs-issue --exclusive <"$T/winners"
	same "fcfs-issue: event 'e': a run on '$(uname -n)' issues it alone (--exclusive): try again when that has ended" "$output"
	same 4 "$(field e issued)"
	same 1 "$(records issue | wc -l)"
	run -0 fcfs-issue <"$T/winners"
	same 6 "$(wc -l <<<"$output")"
	fcfs-event create other --stock 1 >/dev/null
	fcfs-join other ann >/dev/null
	fcfs-dispatch other >"$T/other"
	run -0 fcfs-issue --exclusive <"$T/other"
	exec {more}>&-
	ends "$pid" 0
	is_free
	run -0 fcfs-issue --exclusive <"$T/winners"
	is_free
}

@test "exclusive: the lock lasts while it waits, and a stopped run frees it" {
	winners 2
	feed 1 a --exclusive
	redis pexpire "$(key e job)" 4000 >/dev/null
	longer() { [ "$(redis pttl "$(key e job)")" -gt 5000 ]; }
	soon longer
	kill -TERM "$pid"
	ends "$pid" 0
	is_free
}

@test "exclusive: the lock lasts while a delivery lasts, and so does the record" {
	winners 1
	spawn from "$T/winners" fcfs-issue --exclusive --deliver "until [ -e '$T/go' ]; do sleep 0.1; done
		sed -u 's/.*\"id\":\"\([^\"]*\)\".*\"ticket\":\([0-9]*\).*/{\"id\":\"\1\",\"ticket\":\2,\"ok\":true}/'" >"$T/out"
	soon record_is issue .status running
	first=$(records issue .ended_us)
	redis pexpire "$(key e job)" 4000 >/dev/null
	longer() { [ "$(redis pttl "$(key e job)")" -gt 5000 ]; }
	soon longer
	later() { [ "$(records issue .ended_us)" -gt "$first" ]; }
	soon later
	touch "$T/go"
	ends "$pid" 0
	same 1 "$(field e issued)"
}

@test "exclusive: killed, it holds the event for at most 10 s more" {
	winners 2
	feed 1 a --exclusive
	kill -9 "$pid"
	exec {more}>&-
	left=$(redis pttl "$(key e job)")
	[ "$left" -gt 0 ]
	[ "$left" -le 10000 ]
	redis pexpire "$(key e job)" 600000 >/dev/null
	run -75 fcfs-issue --exclusive <"$T/winners"
	redis del "$(key e job)" >/dev/null # its time is over
	fcfs-issue --exclusive <"$T/winners" >"$T/out"
	same 2 "$(field e issued)"
}

@test "exclusive: who has lost the event to another ends with 75; the lock is the other's" {
	winners 2
	feed 1 a --exclusive
	redis set "$(key e job)" '11111111-1111-4111-8111-111111111111 elsewhere' >/dev/null
	ends "$pid" 75
	grep -q "a run on 'elsewhere' issues it alone" "$T/a.err"
	same '11111111-1111-4111-8111-111111111111 elsewhere' "$(held_by)"
	same 'failed 1' "$(records issue '"\(.status) \(.done)"')"
}

@test "exclusive, through Kafka: the second is 75, the first goes on with all of it" {
	use_kafka
	topics 2
	event e 40 20
	fcfs-dispatch e
	spawn fcfs-issue --follow --exclusive --instance one
	one=$pid
	soon at_least e issued 20
	people 40 | tail -n 20 | fcfs-join e >/dev/null
	spawn fcfs-issue --follow --exclusive --instance two 2>"$T/two"
	two=$pid
	grown() {
		fcfs-event set e --stock $(($(field e stock) + 1)) >/dev/null
		fcfs-join e "q$(field e stock)" >/dev/null
		fcfs-dispatch e || :
		gone "$two"
	}
	soon grown
	ends "$two" 75
	grep -q "event 'e': a run on '$(uname -n)' issues it alone" "$T/two"
	stock=$(field e granted)
	soon field_is e issued "$stock"
	kill -TERM "$one"
	ends "$one" 0
	is_free
	same "stopped $stock" "$(records issue '"\(.status) \(.done)"')"
}

@test "a run that fails says in its record why" {
	event e 2 2
	fcfs-dispatch e >"$T/w"
	run -74 bash -c "fcfs-issue <'$T/w' >/dev/full"
	same failed "$(run_field e status | tail -n 1)"
	[ -n "$(run_field e error | tail -n 1)" ]
}
