# interactive.bash: one person at a time through a fcfs-join that runs, in turn with ZADD NX over a connection that is open
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash

describe() {
	series join us 'fcfs-join as a co-process, a line in, a line out: median'
	series zadd us 'hiredis, ZADD NX, one at a time: median'
	series function us 'hiredis, the same FCALL as fcfs-join makes'
	series echo us 'sed as a co-process, no server: what the two pipes take'
	series join_p99 us 'fcfs-join, 99 %'
	series zadd_p99 us 'hiredis, ZADD NX, 99 %'
	series memory_join us 'fcfs-join, no log'
	series memory_zadd us 'hiredis, ZADD NX, no log'
	ratio join_zadd join zadd 'to ZADD'
	ratio join_function join function 'to its FCALL'
	ratio memory_join_zadd memory_join memory_zadd 'to ZADD, no log'
	goal join_zadd at_most 1.15
}

sizes() {
	people=$(size 2000)
}

prepare() {
	start_redis
}

round() {
	log yes
	one_by_one fcfs-join -q bench
	expect 'people in line' "$people" "$(redis zcard 'fcfs:{bench}:line')"
	audited bench
	sample join "$(percentile 50 1 <us)"
	sample zadd "$(percentile 50 2 <us)"
	sample function "$(percentile 50 3 <us)"
	sample join_p99 "$(percentile 99 1 <us)"
	sample zadd_p99 "$(percentile 99 2 <us)"
	log no
	one_by_one fcfs-join -q bench
	sample memory_join "$(percentile 50 1 <us)"
	sample memory_zadd "$(percentile 50 2 <us)"
	one_by_one sed -u 's/^/joined\t/'
	sample echo "$(percentile 50 1 <us)"
}

# one_by_one COMMAND...
one_by_one() {
	empty
	fcfs-event -q create bench --stock "$people" >/dev/null
	fcfs-event -q create called --stock "$people" >/dev/null
	coprocess "$port" called "$people" "$@" >us
	expect 'people in line, by FCALL' "$people" "$(redis zcard 'fcfs:{called}:line')"
	expect 'members of the peer' "$people" "$(redis zcard zadd)"
}
