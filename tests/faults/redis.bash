# redis.bash - cells that kill redis-server with -9, as shipped (appendfsync always), under people who come and go, a
# dispatcher and an issuer. Sourced by run.
# shellcheck shell=bash disable=SC2154,SC2317 # brokers; run calls them

TIMES=${FCFS_FAULT_TIMES:-50}

# redis_kills BUS N: N times: something is issued, a moment passes, it is killed, is away for 20 ms to 2 s, and is back
redis_kills() {
	local n
	under_load e "$1"
	for ((n = 1; n <= $2; n++)); do
		moves e
		sleep "$(between 1 200)"
		kill -9 "$(cat "$SERVERS/redis/pid")"
		sleep "$(between 20 2000)"
		servers_start --brokers "$brokers"
		count redis 1
	done
	calm e
	settle e "${SHORT[@]}"
	verdict e
}

redis_cell() {
	brokers=0
	[ "$1" = pipe ] || brokers=1
	seed
	world $brokers
	redis_kills "$1" "$2"
}

cell_redis_pipe_1() {
	redis_cell pipe "$TIMES"
}

cell_redis_pipe_2() {
	redis_cell pipe "$TIMES"
}

cell_redis_kafka_1() {
	redis_cell kafka "$TIMES"
}

cell_redis_kafka_2() {
	redis_cell kafka "$TIMES"
}
