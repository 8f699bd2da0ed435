# brokers.bash - cells that kill (-9) or stop (SIGSTOP) a broker of three under people who come and go, a dispatcher and an
# issuer. Sourced by run.
# shellcheck shell=bash disable=SC2154,SC2317 # T; what is called by name

# broker_killed NAME; broker_stopped NAME: for a while
broker_killed() {
	kill -9 "$(cat "$SERVERS/$1/pid")"
	sleep "$(between 20 2000)"
	"$TREE/scripts/servers" start "$SERVERS" "$1" >/dev/null 3>&-
}

broker_stopped() {
	kill -STOP "$(cat "$SERVERS/$1/pid")"
	sleep "$(between 500 6000)"
	kill -CONT "$(cat "$SERVERS/$1/pid")"
}

# broker_cell FAULT N: N times: something is issued, a moment passes, it happens to one of them
broker_cell() {
	local n
	seed
	world 3
	under_load e kafka
	for ((n = 1; n <= $2; n++)); do
		moves e
		sleep "$(between 1 500)"
		"broker_$1" "kafka-$((RANDOM % 3 + 1))"
		count brokers 1
	done
	moves e
	calm e
	settle e "${SHORT[@]}"
	verdict e
}

cell_broker_killed() {
	broker_cell killed "${FCFS_FAULT_TIMES:-28}"
}

cell_broker_stopped() {
	broker_cell stopped "${FCFS_FAULT_TIMES:-28}"
}
