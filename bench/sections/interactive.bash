# interactive.bash: one person at a time through a fcfs-join that runs, in turn with ZADD NX over a connection that is open
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash

describe() {
	series join us 'fcfs-join as a co-process, a line in, a line out: median'
	series zadd us 'hiredis, ZADD NX, one at a time: median'
	series join_p99 us 'fcfs-join, 99 %'
	series zadd_p99 us 'hiredis, 99 %'
	series memory_join us 'fcfs-join, no log'
	series memory_zadd us 'hiredis, no log'
	ratio join_zadd join zadd 'to hiredis'
	ratio memory_join_zadd memory_join memory_zadd 'to hiredis, no log'
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
	one_by_one
	sample join "$(percentile 50 1 <us)"
	sample zadd "$(percentile 50 2 <us)"
	sample join_p99 "$(percentile 99 1 <us)"
	sample zadd_p99 "$(percentile 99 2 <us)"
	log no
	one_by_one
	sample memory_join "$(percentile 50 1 <us)"
	sample memory_zadd "$(percentile 50 2 <us)"
}

one_by_one() {
	empty
	fcfs-event -q create bench --stock "$people" >/dev/null
	coprocess "$port" zadd "$people" fcfs-join -q bench >us
	expect 'people in line' "$people" "$(redis zcard 'fcfs:{bench}:line')"
	expect 'members of the peer' "$people" "$(redis zcard zadd)"
	audited bench
}
