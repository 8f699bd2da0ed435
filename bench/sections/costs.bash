# costs.bash: what each step costs where, for planning: CPU of the tool, of Redis and of the broker, memory and disk
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash, bench/kafka.bash
#
# No goals, and no peers: docs/performance.md reckons with these. Redis has appendfsync always; 36-byte ids; through Kafka,
# one broker, one partition. CPU is user and system time of the processes as the kernel has it, so another's load makes it
# only a little dearer. The start of each tool is in it.

describe() {
	local step
	series join_tool us 'a join in a stream: fcfs-join'
	series join_redis us 'a join in a stream: redis-server'
	series again_redis us 'who is in line already: redis-server'
	series soldout_redis us 'who finds it sold out: redis-server'
	series rank_redis us 'a rank in a stream: redis-server'
	series call_redis us 'a join by a call of its own, 50 connections: redis-server'
	for step in dispatch issue_100 issue_1000; do
		series "${step}_tool" us "a winner, $step: the tool"
		series "${step}_redis" us "a winner, $step: redis-server"
		series "${step}_broker" us "a winner, $step: the broker"
		series "${step}_peak" KiB "most memory of the tool, $step"
	done
	series waiting_bytes bytes "Redis's memory, a person in line"
	series winner_bytes bytes 'and a winner more'
	series code_bytes bytes 'and a code issued more'
	series pool_bytes bytes 'and a supplied code waiting in the pool'
	series join_log bytes "Redis's log, a join"
	series code_log bytes "Redis's log, a winner from grant to done"
	series topics bytes 'the topics, a winner: request, winner, issued'
	series ledger bytes 'the SQLite ledger, a code'
}

sizes() {
	people=$(size 200000)
	names "$people" >ids
}

prepare() {
	start_kafka
}

round() {
	fresh costs
	joins
	winners
	codes
	enter bench1000 "$people"
	fcfs-join -q bench1000 <ids >answers
	fcfs-dispatch -q bench1000
	issue 1000
	calls
	pool
}

# --- what is measured ----------------------------------------------------------------------------

# cost STEP COMMAND...: of a step that everybody goes through
cost() {
	local redis_us broker_us
	redis_us=$(server_cpu_us redis) broker_us=$(server_cpu_us kafka-1)
	timed "${@:2}"
	grown "$1_tool" 0 "$took_cpu_us"
	grown "$1_redis" "$redis_us" "$(server_cpu_us redis)"
	grown "$1_broker" "$broker_us" "$(server_cpu_us kafka-1)"
	sample "$1_peak" "$took_kib"
}

# grown SERIES BEFORE AFTER: what became more, a person
grown() {
	sample "$1" "$(awk -v more=$(($3 - $2)) -v people="$people" 'BEGIN { printf "%.3f", more < 0 ? 0 : more / people }')"
}

used_log() {
	redis info persistence | sed -n 's/^aof_current_size:\([0-9]*\).*/\1/p'
}

used_topics() {
	find servers/kafka-1/data -path "*/$FCFS_PREFIX*" -name '*.log' -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum }'
}

# enter EVENT STOCK
enter() {
	fcfs-event -q create "$1" --stock "$2" >/dev/null
}

joins() {
	local memory log
	enter bench100 "$people"
	memory=$(used_memory) log=$(used_log)
	cost join fcfs-join -q bench100 <ids >answers
	grown waiting_bytes "$memory" "$(used_memory)"
	grown join_log "$log" "$(used_log)"
	cost again fcfs-join -q bench100 <ids >answers
	cost rank fcfs-rank -q bench100 <ids >answers
	enter soldout 1
	cost soldout fcfs-join -q soldout <ids >answers
	audited soldout
}

winners() {
	local memory
	memory=$(used_memory)
	cost dispatch fcfs-dispatch -q bench100
	grown winner_bytes "$memory" "$(used_memory)"
}

codes() {
	local memory log
	memory=$(used_memory) log=$(used_log)
	issue 100
	grown code_bytes "$memory" "$(used_memory)"
	grown code_log "$log" "$(used_log)"
	grown ledger 0 "$(stat -c %s ledger.db)"
	grown topics 0 "$(used_topics)"
}

# issue CHUNK: its event has been dispatched
issue() {
	rm -f ledger.db*
	cost "issue_$1" fcfs-issue -q --chunk "$1" --ledger sqlite:ledger.db
	expect codes "$people" "$(sqlite3 ledger.db 'select count(distinct code) from issued')"
	audited "bench$1" --final --ledger sqlite:ledger.db
}

# Each person by a call of its own, as from a web backend
calls() {
	local redis_us
	enter calls "$people"
	redis_us=$(server_cpu_us redis)
	redis-benchmark -p "$port" -c 50 -n "$people" -r 2000000000 -q FCALL fcfs_join_1 2 \
		"${FCFS_PREFIX}fcfs:{calls}:event" "${FCFS_PREFIX}fcfs:{calls}:line" aaaaaaaa-bbbb-4ccc-8ddd-__rand_int__ >benchmark
	grown call_redis "$redis_us" "$(server_cpu_us redis)"
	expect '999 of 1000 joins by calls' yes "$([ "$(redis zcard "${FCFS_PREFIX}fcfs:{calls}:line")" -lt $((people * 999 / 1000)) ] || echo yes)"
}

pool() {
	local memory
	fcfs-event -q create pool --stock 1 --codes pool >/dev/null
	memory=$(used_memory)
	seq -f 'CODE-%012.0f' "$people" | fcfs-codes -q load pool >/dev/null
	grown pool_bytes "$memory" "$(used_memory)"
}
