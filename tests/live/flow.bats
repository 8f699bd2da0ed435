#!/usr/bin/env bats
# The pipe: create, join, dispatch | issue, with nothing but Redis.
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run and flow set variables, spawn calls

load ../helper
load ../flow

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

@test "create, join, rank, dispatch | issue: the first get a code each, in order" {
	event a 5 8
	run -0 fcfs-rank a p0000001 p0000005 p0000006
	same 'waiting waiting standby' "$(cut -f 1 <<<"$output" | paste -sd ' ')"
	flow a "$T/out"
	same '0 0' "$statuses"
	all_issued a 5 "$T/out"
	run -0 fcfs-rank a p0000001 p0000005 p0000006
	same 'issued issued standby' "$(cut -f 1 <<<"$output" | paste -sd ' ')"
}

@test "a record has the fields of the contract in their order, and the times agree" {
	event a 3 3
	flow a "$T/out"
	same "$(printf '%s\n' type event id user ticket code joined_us granted_us issued_us)" \
		"$(head -n 1 "$T/out" | jq -r 'keys_unsorted[]')"
	same "$(printf 'issued a %s\n' "$(field a id)" | tr ' ' '\t')" \
		"$(jq -r '[.type, .event, .id] | @tsv' "$T/out" | sort -u)"
	same "$(fcfs-rank --list a | cut -f 4)" "$(fcfs-rank --list a | cut -f 4)"
	same "$(redis zrange "$(key a line)" 0 -1 withscores | paste - - | cut -f 2)" \
		"$(jq -r .joined_us "$T/out")"
	same '' "$(jq -c 'select(.joined_us > .granted_us or .granted_us > .issued_us)' "$T/out")"
}

@test "an event with --codes uuid gives UUIDs" {
	event a 4 4 --codes uuid
	flow a "$T/out"
	all_issued a 4 "$T/out" '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
}

@test "the scheduler: --batch 10 --every D --follow grants ten a pass and ends by itself" {
	event a 25 30
	flow a "$T/out" --batch 10 --every 100ms --follow
	same '0 0' "$statuses"
	all_issued a 25 "$T/out"
	same '10 20 25' "$(redis zrange "$(key a grants)" 0 -1 withscores | paste - - | cut -f 2 | paste -sd ' ')"
	same 0 "$(redis exists "$(key a lease)")"
}

@test "--follow goes on past an empty line, and ends when the event is closed and drained" {
	event a 10 2
	flow_follow() { fcfs-dispatch --every 50ms --follow a | fcfs-issue; }
	spawn flow_follow >"$T/out"
	soon field_is a issued 2
	people 6 | fcfs-join a >/dev/null
	soon field_is a issued 6
	run -0 kill -0 "$pid"
	fcfs-event set a --state closed >/dev/null
	ends "$pid" 0
	all_issued a 6 "$T/out"
}

@test "stock raised between two passes, and under a running dispatcher" {
	event a 3 12
	flow a "$T/1"
	fcfs-event set a --stock 5 >/dev/null
	flow a "$T/2"
	cat "$T/1" "$T/2" >"$T/out"
	all_issued a 5 "$T/out"
	fcfs-event set a --stock 7 >/dev/null
	spawn fcfs-dispatch --every 50ms --follow a >"$T/w"
	soon has "$T/w" 2
	fcfs-event set a --stock 10 >/dev/null
	soon has "$T/w" 5
	fcfs-issue <"$T/w" >>"$T/out"
	ends "$pid" 0
	all_issued a 10 "$T/out"
}

@test "a slot given back goes to the next in line" {
	event a 3 5
	fcfs-dispatch a >"$T/1"
	run -0 fcfs-leave a p0000002
	same returned "${output%%$'\t'*}"
	fcfs-dispatch a >"$T/2"
	same 'p0000001 p0000003 p0000004' "$(jq -r .user "$T/2" | paste -sd ' ')"
	run -0 --separate-stderr fcfs-issue -v <"$T/1"
	[[ $stderr == *'in 3 = done 2 + already 0 + refused 1 + dead 0, retried 0'* ]]
	run -0 --separate-stderr fcfs-issue -v <"$T/2"
	[[ $stderr == *'in 3 = done 1 + already 2 + refused 0 + dead 0, retried 0'* ]]
	same 'p0000001 p0000003 p0000004' "$(redis_codes a | cut -d ' ' -f 1 | paste -sd ' ')"
	same '4 1' "$(field a granted) $(field a returned)"
}

@test "a code taken back is burnt, and the next in line gets another" {
	event a 2 3
	flow a "$T/1"
	run -0 fcfs-leave --revoke a p0000001
	flow a "$T/2"
	same p0000003 "$(jq -r .user "$T/2")"
	same 3 "$(cat "$T/1" "$T/2" | jq -r .code | sort -u | wc -l)"
	same 'p0000002 p0000003' "$(redis_codes a | cut -d ' ' -f 1 | paste -sd ' ')"
	same '3 1 1' "$(field a granted) $(field a returned) $(field a burnt)"
}

@test "who left while waiting is passed over and costs no slot" {
	event a 3 8
	people 8 | sed -n '1,2p;4p' | fcfs-leave a >/dev/null
	flow a "$T/out"
	same 'p0000003 p0000005 p0000006' "$(jq -r .user "$T/out" | paste -sd ' ')"
	same '3 0 6' "$(field a granted) $(field a returned) $(field a cursor)"
}

@test "paused: nothing is granted, what is granted is still issued" {
	event a 2 5
	fcfs-dispatch a >/dev/null
	fcfs-event set a --stock 5 --state paused >/dev/null
	flow a "$T/1"
	same '0 0' "$statuses"
	same '2 2' "$(field a granted) $(field a issued)"
	run -1 fcfs-dispatch a
	same '' "$output"
	fcfs-event set a --state open >/dev/null
	flow a "$T/2"
	cat "$T/1" "$T/2" >"$T/out"
	all_issued a 5 "$T/out"
}

@test "statuses: 1 and silent where nothing can be done, 0 where nobody waits" {
	event ended 1 1
	flow ended "$T/out"
	event paused 1 1
	fcfs-event set paused --state paused >/dev/null
	event early 1 0 --opens +1h
	event empty 1 0
	event closed 1 0
	fcfs-event set closed --state closed >/dev/null
	for name in ended paused early closed; do
		run -1 fcfs-dispatch $name
		same '' "$output"
		run -1 fcfs-dispatch -v $name
		[[ $output == "fcfs-dispatch: event '$name': 0 winners written, "* ]]
	done
	run -1 fcfs-dispatch -v paused
	[[ $output == *', paused' ]]
	run -1 fcfs-dispatch -v early
	[[ $output == *', not open' ]]
	run -1 fcfs-dispatch -v ended closed
	same 2 "$(grep -c ', ended$' <<<"$output")"
	run -0 fcfs-dispatch empty
	same '' "$output"
	run -0 fcfs-dispatch ended empty
	run -78 fcfs-dispatch nosuch
	same "fcfs-dispatch: event 'nosuch': no such event" "$output"
	run -64 fcfs-dispatch
	run -64 fcfs-dispatch 'no such name'
	run -64 fcfs-issue operand
	run -0 fcfs-issue </dev/null
	same '' "$output"
}

@test "several events in one dispatch, mixed in one chunk of one issue" {
	event a 7 9
	event b 3 4 --codes uuid
	event c 7 7
	run -0 --separate-stderr fcfs-dispatch a b c
	shuf --random-source=<(yes) <<<"$output" >"$T/w"
	same 17 "$(wc -l <"$T/w")"
	run -0 --separate-stderr fcfs-issue --chunk 1000 -v <"$T/w"
	for name in a b c; do
		[[ $stderr == *"event '$name': in "* ]]
		jq -c "select(.event == \"$name\")" <<<"$output" | jq -sc 'sort_by(.ticket)[]' >"$T/$name"
	done
	all_issued a 7 "$T/a"
	all_issued b 3 "$T/b" '^[0-9a-f-]{36}$'
	all_issued c 7 "$T/c"
}

@test "an event that fails by itself leaves the others alone" {
	event a 2 2
	event b 2 2
	run -78 --separate-stderr fcfs-dispatch a nosuch b
	same 4 "$(wc -l <<<"$output")"
	same "fcfs-dispatch: event 'nosuch': no such event" "$stderr"
}

@test "the same event named twice is one event" {
	event a 3 3
	run -0 --separate-stderr fcfs-dispatch a a
	same 3 "$(jq -r .user <<<"$output" | sort -u | wc -l)"
	flow a "$T/out" --every 50ms --follow a
	same '0 0' "$statuses"
	same 3 "$(redis_codes a | wc -l)"
}

@test "the first dispatch stores the bus; another bus is refused with 78" {
	event a 2 2
	same '' "$(field a bus)"
	fcfs-dispatch a >"$T/w"
	same pipe "$(field a bus)"
	event k 2 2
	redis hset "$(key k event)" bus kafka >/dev/null
	run -78 fcfs-dispatch k
	[[ $output == "fcfs-dispatch: event 'k': it was first dispatched through 'kafka'"* ]]
	same '0 0 kafka' "$(field k granted) $(field k epoch) $(field k bus)"
	same 0 "$(redis exists "$(key k lease)")"
}

@test "the settled mark: a pass skips what is issued, and only that" {
	event a 10 10
	fcfs-dispatch a >"$T/w"
	same 0 "$(field a settled)"
	sed 4d "$T/w" | fcfs-issue >/dev/null
	run -0 fcfs-dispatch a
	same p0000004 "$(jq -r .user <<<"$output")"
	same 3 "$(field a settled)"
	sed -n 4p "$T/w" | fcfs-issue >/dev/null
	run -1 fcfs-dispatch a
	same 10 "$(field a settled)"
	# what lies below the mark is not even looked at
	redis hdel "$(key a issued)" p0000002 >/dev/null
	run -0 fcfs-dispatch a
	same '' "$output"
}

@test "the settled mark passes over whole pages" {
	event a 2500 2500
	flow a "$T/out" --batch 100000
	all_issued a 2500 "$T/out"
	run -1 fcfs-dispatch a
	same 2500 "$(field a settled)"
}

@test "a full disk behind stdout: 74, and the rerun is complete" {
	event a 5 5
	exec {full}>/dev/full
	run -74 into "$full" fcfs-dispatch a
	same 'fcfs-dispatch: standard output: No space left on device' "$output"
	same 0 "$(redis exists "$(key a lease)")"
	fcfs-dispatch a >"$T/w"
	same 5 "$(wc -l <"$T/w")"
	run -74 into "$full" fcfs-issue <"$T/w"
	same 'fcfs-issue: standard output: No space left on device' "$output"
	same 0 "$(field a issued)"
	flow a "$T/out"
	all_issued a 5 "$T/out"
}

@test "a disk that fills in the middle of a record leaves whole records, and appending goes on" {
	event a 30 30
	fcfs-dispatch a >"$T/w"
	(
		ulimit -f 4 # blocks of 1 KiB
		trap '' XFSZ
		fcfs-issue --chunk 1 <"$T/w" >>"$T/out"
	) && status=0 || status=$?
	same 74 "$status"
	jq -e . "$T/out" >/dev/null
	fcfs-dispatch a | fcfs-issue >>"$T/out"
	same 30 "$(jq -r .code "$T/out" | sort -u | wc -l)"
	same 30 "$(jq -r .user "$T/out" | sort -u | wc -l)"
}

@test "asked to stop while nobody reads: it gives up after a while, and the next run has the rest" {
	event a 2000 2000
	mkfifo "$T/pipe"
	exec 7<>"$T/pipe"
	spawn fcfs-dispatch a >"$T/pipe"
	soon at_least a granted 1000
	kill -TERM "$pid"
	status=0
	timeout "$LIMIT" tail --pid="$pid" -f /dev/null
	wait "$pid" || status=$?
	exec 7>&-
	same 75 "$status"
	same 0 "$(redis exists "$(key a lease)")"
	flow a "$T/out"
	same 2000 "$(jq -r .user "$T/out" | sort -u | wc -l)"
}

@test "redis has forgotten grants that were written: 76, and nothing is granted again" {
	event a 10 10
	spawn fcfs-dispatch --batch 4 --every 1h a >"$T/w"
	soon has "$T/w" 4
	kill "$pid" && wait "$pid" || :
	# what a failover to a copy of before would show its dispatcher
	epoch=$(redis fcall fcfs_lease_1 2 "$(key a event)" "$(key a line)" me 5000 pipe | sed -n 2p)
	redis hset "$(key a event)" cursor 2 granted 2 >/dev/null
	same 'lost 4 0 10 1' "$(redis fcall fcfs_serve_1 2 "$(key a event)" "$(key a line)" me "$epoch" 5000 4 10 10 | paste -sd ' ')"
	same '2 2' "$(field a granted) $(field a cursor)"
}

@test "a pause outlasts the closing time" {
	event a 5 3
	fcfs-event set a --state paused
	fcfs-event set a --closes +1s
	past_closing() {
		[ "$(redis time | head -n 1)" -gt $(($(field a closes_us) / 1000000)) ]
	}
	soon past_closing
	run -1 fcfs-dispatch a
	same 0 "$(field a granted)"
	fcfs-event set a --state open
	run -0 fcfs-dispatch a
	same 3 "$(field a granted)"
}

@test "nobody reads stdout: 74, and the rerun is complete" {
	event a 5 5
	closed_pipe
	run -74 into "$pipe" fcfs-dispatch a
	same 'fcfs-dispatch: standard output: Broken pipe' "$output"
	fcfs-dispatch a >"$T/w"
	run -74 into "$pipe" fcfs-issue <"$T/w"
	same 'fcfs-issue: standard output: Broken pipe' "$output"
	same 0 "$(field a issued)"
	flow a "$T/out"
	all_issued a 5 "$T/out"
}

@test "--follow notices that its reader has gone, also when there is nothing to write" {
	event a 5 0
	closed_pipe
	spawn into "$pipe" fcfs-dispatch --every 100ms --follow a 2>"$T/err"
	ends "$pid" 74
	same 'fcfs-dispatch: standard output: Broken pipe' "$(cat "$T/err")"
	same 0 "$(redis exists "$(key a lease)")"
	# the same with a pass far away
	spawn into "$pipe" fcfs-dispatch --every 1h --follow a 2>"$T/err"
	ends "$pid" 74
}

@test "a reader that stands still for longer than the lease costs neither lease nor winner" {
	event a 2000 2000
	mkfifo "$T/fifo"
	exec {held}<>"$T/fifo"
	spawn fcfs-dispatch --instance slow a >"$T/fifo"
	soon at_least a granted 1000
	run -75 fcfs-dispatch --instance other a
	same "fcfs-dispatch: event 'a': 'slow' is dispatching it: try again later" "$output"
	same slow "$(redis get "$(key a lease)")"
	head -n 2000 "$T/fifo" >"$T/w"
	ends "$pid" 0
	exec {held}>&-
	same "$(people 2000)" "$(jq -r .user "$T/w")"
	fcfs-issue --chunk 1000 <"$T/w" >"$T/out"
	all_issued a 2000 "$T/out"
}

@test "Redis is restarted in mid-flow: dispatch and issue go on" {
	event a 60 80
	flow_follow() { fcfs-dispatch --batch 2 --every 20ms --follow a | fcfs-issue --chunk 3; }
	spawn flow_follow >"$T/out" 2>"$T/err"
	for stop in 10 30; do
		soon at_least a issued "$stop"
		servers stop "$SERVERS"
		servers_start
	done
	ends "$pid" 0
	all_issued a 60 "$T/out"
	same '' "$(cat "$T/err")"
}

@test "a report has no rate of what came all at once, and one of what did not" {
	event e 3 1
	flow e "$T/out"
	same 'null null' "$(fcfs-report -j e | jq -r '"\(.joins_per_s) \(.issued_per_s)"')"
	fcfs-join -q e ann >/dev/null
	flow e "$T/out"
	fcfs-report -j e | jq -e '.joins_per_s > 0 and .issued_per_s > 0'
}
