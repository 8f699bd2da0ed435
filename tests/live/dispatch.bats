#!/usr/bin/env bats
# Who may decide: the lease, its epoch, and what a dispatcher that lost it can still do (P3, P9).
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run and flow set variables, spawn calls

load ../helper
load ../flow
load ../strike

setup_file() {
	servers_start
	strike_build
}
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

# step NAME ARG...: one of the dispatcher's steps on event a, by hand
step() {
	redis fcall "fcfs_$1_1" 2 "$(key a event)" "$(key a line)" "${@:2}"
}

holder() {
	redis get "$(key a lease)"
}

is_held_by() {
	[ "$(holder)" = "$1" ]
}

# fresh FILE: tickets in it, each once, in order
tickets() {
	cat "$@" | jq .ticket | sort -nu
}

@test "the lease: held, busy, taken over by its own name, each taking a new epoch" {
	event a 5 5
	same "held 1 $(field a id) 0" "$(step lease A 60000 pipe | paste -sd ' ')"
	run -0 step lease B 60000 pipe
	[[ $(paste -sd ' ' <<<"$output") =~ ^busy\ A\ [0-9]+$ ]]
	same 1 "$(field a epoch)"
	same 1 "$(step renew A 1 60000)"
	same 0 "$(step renew B 1 60000)"
	same 0 "$(step release B 1)"
	same "held 2 $(field a id) 0" "$(step lease A 60000 pipe | paste -sd ' ')"
	same 0 "$(step renew A 1 60000)"
	same 0 "$(step release A 1)"
	same A "$(holder)"
	same 1 "$(step release A 2)"
	same '' "$(holder)"
	same 1 "$(step renew A 2 60000)"
	same "bus pipe" "$(step lease B 60000 kafka | paste -sd ' ')"
}

@test "a grant with an old epoch is stale and grants nothing, also where nobody holds the lease" {
	event a 5 5
	step lease A 60000 pipe >/dev/null
	step lease A 60000 pipe >/dev/null
	same 'stale 0 0 0 0' "$(step serve A 1 60000 0 10 10 | paste -sd ' ')"
	same 'stale 0 0 0 0' "$(step serve B 2 60000 0 10 10 | paste -sd ' ')"
	redis del "$(key a lease)" >/dev/null
	same 'stale 0 0 0 0' "$(step serve A 1 60000 0 10 10 | paste -sd ' ')"
	same '0 0' "$(field a granted) $(field a cursor)"
	same 0 "$(redis exists "$(key a grants)" "$(key a lease)")"
	same 'more 2 2 5 1' "$(step serve A 2 60000 0 10 2 | head -n 5 | paste -sd ' ')"
	same 2 "$(field a granted)"
}

@test "a grant whose answer was lost gives the same winners again, and grants no others" {
	event a 5 9
	step lease A 60000 pipe >/dev/null
	step serve A 1 60000 0 3 3 >"$T/1"
	step serve A 1 60000 0 3 3 >"$T/2"
	same 'more 3 3' "$(head -n 3 "$T/1" | paste -sd ' ')"
	same 'more 3 0' "$(head -n 3 "$T/2" | paste -sd ' ')"
	same "$(tail -n +4 "$T/1")" "$(tail -n +4 "$T/2")"
	same 3 "$(field a granted)"
	same 'idle 5 2' "$(step serve A 1 60000 3 100 100 | head -n 3 | paste -sd ' ')"
	same 'idle 5 0' "$(step serve A 1 60000 5 100 100 | head -n 3 | paste -sd ' ')"
	same 5 "$(field a granted)"
}

@test "many dispatchers and issuers at once: every winner granted once, every code one" {
	event a 300 500
	pipeline() {
		fcfs-dispatch --instance "i$1" --batch 7 a | tee "$T/w.$1" | fcfs-issue --chunk 11 >"$T/out.$1"
	}
	pids=()
	for i in 1 2 3 4; do
		spawn pipeline $i
		pids+=("$pid")
	done
	for pid in "${pids[@]}"; do
		ends "$pid" 0
	done
	same "$(seq 300)" "$(tickets "$T"/w.*)"
	same '300 300 300' "$(field a granted) $(field a cursor) $(field a issued)"
	sort -u "$T"/out.* | jq -sc 'sort_by(.ticket)[]' >"$T/out"
	all_issued a 300 "$T/out"
}

@test "two that follow one event: one stands by, all winners are out" {
	event a 40 50
	spawn fcfs-dispatch --instance A --batch 7 --every 20ms --follow a >"$T/A"
	first=$pid
	soon is_held_by A
	spawn fcfs-dispatch --instance B --batch 7 --every 20ms --follow a >"$T/B" 2>"$T/err"
	soon has "$T/err" 1
	same "fcfs-dispatch: event 'a': 'A' is dispatching it: standing by" "$(cat "$T/err")"
	soon has "$T/A" 40
	fcfs-issue <"$T/A" >"$T/out"
	ends "$first" 0
	ends "$pid" 0
	same 0 "$(wc -l <"$T/B")"
	same "$(people 40)" "$(jq -r .user "$T/A")"
	all_issued a 40 "$T/out"
}

@test "a single pass waits for the lease as long as that lasts, then 75" {
	event a 5 5
	spawn fcfs-dispatch --instance A --every 100ms --follow a >"$T/A"
	soon is_held_by A
	began=$EPOCHREALTIME
	run -75 --separate-stderr fcfs-dispatch --instance B a
	same "fcfs-dispatch: event 'a': 'A' is dispatching it: try again later" "$stderr"
	same '' "$output"
	[ $((${EPOCHREALTIME/./} - ${began/./})) -ge 5000000 ]
	same 'A 1' "$(holder) $(field a epoch)"
}

@test "a single pass has the lease as soon as it is free" {
	event a 5 5
	redis set "$(key a lease)" other px 600000 >/dev/null
	spawn fcfs-dispatch --instance B a >"$T/B"
	soon [ -e "$FCFS_STATE/fcfs-dispatch.B" ]
	redis del "$(key a lease)" >/dev/null
	ends "$pid" 0
	same 5 "$(wc -l <"$T/B")"
}

@test "paused past its lease while another was here: it wakes, grants nothing by the old epoch, and stands by" {
	event a 10 40
	spawn fcfs-dispatch --instance A --batch 5 --every 50ms --follow a >"$T/A" 2>"$T/err"
	asleep=$pid
	soon has "$T/A" 10
	freeze "$asleep"
	fcfs-event set a --stock 20 >/dev/null
	# waits for A's lease, grants the ten, and leaves no lease behind: only the epoch tells A
	fcfs-dispatch --instance B a >"$T/B"
	same '20 2' "$(field a granted) $(field a epoch)"
	same '' "$(holder)"
	fcfs-event set a --stock 30 >/dev/null
	kill -CONT "$asleep"
	soon field_is a granted 30
	same "fcfs-dispatch: event 'a': another dispatcher has taken the lease: standing by" "$(cat "$T/err")"
	same 'A 3' "$(holder) $(field a epoch)"
	same 20 "$(wc -l <"$T/B")"
	soon has "$T/A" 40 # ten, and with the lease taken anew all that nobody has issued
	cat "$T/A" "$T/B" | fcfs-issue >"$T/out"
	ends "$asleep" 0
	all_issued a 30 "$T/out"
	same '1 completed' "$(wc -l <"$T/err") $(run_field a status | sed -n 3p)"
}

@test "paused while another holds the lease: it wakes and stands by, and takes over when the other dies" {
	event a 10 40
	spawn fcfs-dispatch --instance A --batch 5 --every 50ms --follow a >"$T/A" 2>"$T/err"
	asleep=$pid
	soon has "$T/A" 5
	freeze "$asleep"
	redis pexpire "$(key a lease)" 1 >/dev/null
	spawn fcfs-dispatch --instance B --batch 5 --every 50ms --follow a >"$T/B"
	soon is_held_by B
	kill -CONT "$asleep"
	soon has "$T/err" 1
	same "fcfs-dispatch: event 'a': another dispatcher has taken the lease: standing by" "$(cat "$T/err")"
	is_held_by B
	fcfs-event set a --stock 25 >/dev/null
	soon field_is a granted 25
	kill -9 "$pid"
	soon is_held_by A
	fcfs-event set a --stock 30 >/dev/null
	soon all_written 30
	cat "$T/A" "$T/B" >"$T/w"
	fcfs-issue <"$T/w" >"$T/out"
	cat "$T/A" >"$T/w"
	fcfs-issue <"$T/w" >>"$T/out"
	ends "$asleep" 0
	all_issued a 30 "$T/out"
}

# all_written N: the first N are, by the one or the other
all_written() {
	[ "$(tickets "$T/A" "$T/B" | wc -l)" = "$1" ]
}

@test "people are read from the event that granted them, not from one created anew, nor from a line that lost them" {
	event a 5 5
	STRIKE_WITH=19 spawn strike ZRANGE 1 before fcfs-dispatch --instance A a >"$T/A" 2>"$T/err"
	soon stopped "$pid"
	same 5 "$(field a granted)"
	fcfs-archive purge --force a >/dev/null
	event a 5 7
	kill -CONT "$pid"
	ends "$pid" 75
	same "fcfs-dispatch: event 'a': another dispatcher has taken the lease" "$(cat "$T/err")"
	STRIKE_WITH=19 spawn strike ZRANGE 1 before fcfs-dispatch --instance A a >"$T/A" 2>"$T/err"
	soon stopped "$pid"
	redis zremrangebyrank "$(key a line)" 4 6 >/dev/null
	kill -CONT "$pid"
	ends "$pid" 75
	same "fcfs-dispatch: event 'a': redis has lost who was granted a slot just now" "$(cat "$T/err")"
	same 0 "$(wc -l <"$T/A")"
}

@test "a single pass that was paused past its lease ends 75 and grants nothing" {
	event a 30 40
	STRIKE_WITH=19 spawn strike fcfs_serve_1 3 before fcfs-dispatch --instance A --batch 5 a >"$T/A" 2>"$T/err"
	soon stopped "$pid"
	redis del "$(key a lease)" >/dev/null
	fcfs-dispatch --instance B a >"$T/B"
	kill -CONT "$pid"
	ends "$pid" 75
	same "fcfs-dispatch: event 'a': another dispatcher has taken the lease" "$(cat "$T/err")"
	same "30 $(seq 30 | paste -sd ' ')" "$(field a granted) $(jq .ticket "$T/B" | paste -sd ' ')"
	same "failed completed" "$(run_field a status | paste -sd " ")"
	[ "$(wc -l <"$T/A")" -le 10 ]
	cat "$T/A" "$T/B" | fcfs-issue >"$T/out"
	all_issued a 30 "$T/out"
}

@test "a lease that ran out and was taken by nobody revives" {
	event a 10 40
	spawn fcfs-dispatch --instance A --batch 5 --every 50ms --follow a >"$T/A"
	soon has "$T/A" 10
	freeze "$pid"
	redis del "$(key a lease)" >/dev/null
	fcfs-event set a --stock 15 >/dev/null
	kill -CONT "$pid"
	soon has "$T/A" 15
	same 'A 1' "$(holder) $(field a epoch)"
	fcfs-issue <"$T/A" >"$T/out"
	ends "$pid" 0
	all_issued a 15 "$T/out"
}

# slowly FILE: reads it so that a page takes a moment, until it is told to hurry
slowly() {
	local pause=0.5
	exec <"$1"
	while head -c 65536 | grep -c . >>"$T/read"; do
		[ ! -e "$T/hurry" ] || pause=0
		sleep $pause
	done
}

@test "an event that takes long costs the others no lease" {
	event a 30000 1
	event b 5 1
	mkfifo "$T/pipe"
	spawn slowly "$T/pipe"
	spawn fcfs-dispatch --instance A --every 50ms --follow a b >"$T/pipe"
	soon field_is b granted 1
	people 30000 | fcfs-join a >/dev/null
	soon at_least a granted 2000
	run -75 fcfs-dispatch --instance B b
	same "fcfs-dispatch: event 'b': 'A' is dispatching it: try again later" "$output"
	[ "$(field a granted)" -lt 30000 ]
	touch "$T/hurry"
	soon field_is a granted 30000
	kill -TERM "$pid"
	ends "$pid" 0
}

@test "killed with -9, started again: it has its lease at once, with the next epoch" {
	event a 10 40
	spawn fcfs-dispatch --every 50ms --follow a >"$T/A"
	soon has "$T/A" 10
	same "$(hostname)-$(id -u)-0" "$(holder)"
	kill -9 "$pid"
	ends "$pid" 137
	redis set "$(key a lease)" "$(hostname)-$(id -u)-0" px 600000 >/dev/null
	run -0 --separate-stderr fcfs-dispatch a
	same "$(cat "$T/A")" "$output"
	same '2 10' "$(field a epoch) $(field a granted)"
	same '' "$(holder)"
}

@test "a standby takes over when the holder dies" {
	event a 10 40
	spawn fcfs-dispatch --instance A --batch 5 --every 50ms --follow a >"$T/A"
	dead=$pid
	soon has "$T/A" 10
	spawn fcfs-dispatch --instance B --batch 5 --every 50ms --follow a >"$T/B" 2>"$T/err"
	soon has "$T/err" 1
	kill -9 "$dead"
	soon has "$T/B" 10
	same "$(cat "$T/A")" "$(cat "$T/B")"
	same 'B 2 10' "$(holder) $(field a epoch) $(field a granted)"
	fcfs-issue <"$T/B" >"$T/out"
	ends "$pid" 0
	all_issued a 10 "$T/out"
}

@test "two processes have two names; a name given twice is 75" {
	event a 5 5
	spawn fcfs-dispatch --every 50ms --follow a >/dev/null
	soon is_held_by "$(hostname)-$(id -u)-0"
	event b 5 5
	spawn fcfs-dispatch --every 50ms --follow b >/dev/null
	soon field_is b granted 5
	same "$(hostname)-$(id -u)-1" "$(redis get "$(key b lease)")"
	spawn fcfs-dispatch --instance X --every 50ms --follow b >/dev/null
	soon [ -e "$FCFS_STATE/fcfs-dispatch.X" ]
	soon locked "$FCFS_STATE/fcfs-dispatch.X"
	run -75 fcfs-dispatch --instance X a
	same "fcfs-dispatch: instance 'X' is running already" "$output"
	run -64 fcfs-dispatch --instance 'a b' a
	same 700 "$(stat -c %a "$FCFS_STATE")"
	same 600 "$(stat -c %a "$FCFS_STATE/fcfs-dispatch.X")"
}

locked() {
	! flock -n "$1" true
}

@test "a first signal ends it cleanly: status 0, the lease given back, the run kept" {
	event a 5 5
	spawn fcfs-dispatch --every 1h --follow a >"$T/A"
	soon has "$T/A" 5
	kill -TERM "$pid"
	ends "$pid" 0
	same '' "$(holder)"
	same 'stopped 5 5' "$(run_field a status) $(run_field a in) $(run_field a 'done')"
}

@test "an event that is purged between two passes ends alone" {
	event a 5 2
	event b 5 2
	spawn fcfs-dispatch --every 2500ms a b >"$T/A" 2>"$T/err"
	soon has "$T/A" 4
	purge b
	soon grep -qF "event 'b': no such event" "$T/err" # at once, not only at the end
	people 5 | fcfs-join a >/dev/null
	soon has "$T/A" 7
	grep '"event":"a"' "$T/A" | fcfs-issue >"$T/out"
	ends "$pid" 78
	[[ $(cat "$T/err") == *"event 'b': no such event" ]]
	all_issued a 5 "$T/out"
}

@test "another user's lock file is passed over: the next slot is taken" {
	local other='' folder
	[ "$(id -u)" -ne 0 ] || other='setpriv --reuid=65534 --regid=65534 --clear-groups'
	event e 1 1
	folder=$(mktemp -d /tmp/fcfs-slots.XXXXXX)
	cp "$(command -v fcfs-dispatch)" "$folder"
	chmod 1777 "$folder"
	install -m 000 /dev/null "$folder/fcfs-dispatch.0"
	# shellcheck disable=SC2086 # words
	FCFS_STATE=$folder run $other "$folder/fcfs-dispatch" e
	ls "$folder" >"$T/slots"
	rm -r "$folder"
	same 0 "$status"
	same 1 "$(grep -c . <<<"$output")"
	same 'fcfs-dispatch fcfs-dispatch.0 fcfs-dispatch.1' "$(paste -sd ' ' "$T/slots")"
}

@test "the state folder cannot be made: 78, and nothing is touched" {
	event a 5 5
	FCFS_STATE=/dev/null/x run -78 fcfs-dispatch a
	[[ $output == "fcfs-dispatch: state folder '/dev/null/x' (FCFS_STATE): "* ]]
	same '' "$(field a bus)"
}

@test "a server that may evict is refused before anything is granted" {
	event a 5 5
	redis config set maxmemory-policy allkeys-lru >/dev/null
	run -78 fcfs-dispatch a
	run -78 fcfs-issue </dev/null
	run -0 --separate-stderr fcfs-dispatch --force a
	redis config set maxmemory-policy noeviction >/dev/null
	same 5 "$(wc -l <<<"$output")"
}
