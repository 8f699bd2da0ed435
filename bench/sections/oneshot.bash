# oneshot.bash: a process a person, from start to exit, in turn with redis-cli's ZADD
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash

describe() {
	series join us 'fcfs-join EVENT PERSON, median of a round'
	series rank us 'fcfs-rank EVENT PERSON'
	series cli us 'redis-cli ZADD KEY NX SCORE PERSON'
	series join_memory KiB 'most memory'
	series rank_memory KiB 'most memory'
	series cli_memory KiB 'most memory'
	series join_trips 'round trips' 'after connecting'
	series rank_trips 'round trips' 'after connecting'
	ratio join_cli join cli 'to redis-cli'
	ratio rank_cli rank cli 'to redis-cli'
	ratio join_cli_memory join_memory cli_memory 'memory, to redis-cli'
	ratio rank_cli_memory rank_memory cli_memory 'memory, to redis-cli'
	goal join_cli at_most 0.8
	goal rank_cli at_most 0.8
	goal join_cli_memory at_most 1.0
	goal rank_cli_memory at_most 1.0
	goal join_trips at_most 1
	goal rank_trips at_most 1
}

sizes() {
	runs=$(size 200)
}

prepare() {
	start_redis
}

round() {
	empty
	fcfs-event create bench --stock 100000 >/dev/null
	fcfs-join bench first >/dev/null
	launch -n "$runs" took fcfs-join bench 'person-{}' -- fcfs-rank bench first -- \
		redis-cli -p "$port" ZADD zadd NX '{}' 'person-{}' >answers
	middle join 1
	middle rank 2
	middle cli 3
	sample join_trips "$(trips fcfs-join bench second)"
	sample rank_trips "$(trips fcfs-rank bench first)"
	expect 'people in line' $((runs + 2)) "$(redis zcard 'fcfs:{bench}:line')"
	expect 'members of the peer' "$runs" "$(redis zcard zadd)"
	audited bench
}

# middle NAME COMMAND: of the runs of the first, second or third
middle() {
	sample "$1" "$(awk -v command="$2" '$4 == command { print $1 }' took | percentile 50)"
	sample "$1_memory" "$(awk -v command="$2" '$4 == command { print $3 }' took | percentile 50)"
}

# reads COMMAND...: from how many arrivals of data the server saw until it was asked
reads() {
	local before
	before=$(arrivals)
	"$@" >/dev/null
	echo $(($(arrivals) - before))
}

arrivals() {
	redis info stats | tr -d '\r' | sed -n 's/^total_reads_processed://p'
}

# trips COMMAND...: what it sent; its connection's end is one arrival more, and the question has its own
trips() {
	echo $(($(reads "$@") - $(reads true) - 1))
}
