# replicas.bash - cells that kill a Redis with -9 and promote a replica, while all tools wait for replicas (--wait): the one
# that has most takes its place, the dead one comes back behind it. Sourced by run.
# shellcheck shell=bash disable=SC2154,SC2317 # T; what is called by name

# line_up BROKERS: a server, redis, and two that follow; T/address is the first of them, whichever that is
line_up() {
	world "$1"
	"$TREE/scripts/servers" stop "$SERVERS" redis 3>&-
	first=redis
	start_behind redis ''
	start_behind redis-2 ''
	start_behind redis-3 ''
	goes_to redis
	export FCFS_REDIS=unix:$T/address FCFS_WAIT=1,5000
}

# start_behind NAME PORT: as a replica of the one on that port, if any is named
start_behind() {
	local behind=''
	[ -z "$2" ] || behind="--replicaof 127.0.0.1 $2"
	FCFS_REDIS_SERVER_ARGS="--unixsocket ./socket --repl-diskless-sync-delay 0 $behind" \
		"$TREE/scripts/servers" start "$SERVERS" "$1" >/dev/null 3>&-
}

# goes_to NAME: whoever connects from now on
goes_to() {
	ln -s "servers/$1/socket" "$T/address.new"
	mv -T "$T/address.new" "$T/address"
	REDIS_PORT=$(cat "$SERVERS/$1/port")
}

# said_by NAME FIELD: of its replication
said_by() {
	redis-cli -s "$SERVERS/$1/socket" info replication | tr -d '\r' | sed -n "s/^$2://p"
}

in_step() {
	[ "$(said_by "$1" master_link_status)" = up ]
}

# promote: the first is killed; of the others the one that has most is the first now
promote() {
	local dead=$first others=() name
	for name in redis redis-2 redis-3; do
		[ "$name" = "$dead" ] || others+=("$name")
	done
	kill -9 "$(cat "$SERVERS/$dead/pid")"
	[ "$(said_by "${others[0]}" slave_repl_offset)" -ge "$(said_by "${others[1]}" slave_repl_offset)" ] ||
		others=("${others[1]}" "${others[0]}")
	first=${others[0]}
	same OK "$(redis-cli -s "$SERVERS/$first/socket" replicaof no one)"
	same OK "$(redis-cli -s "$SERVERS/${others[1]}/socket" replicaof 127.0.0.1 "$(cat "$SERVERS/$first/port")")"
	goes_to "$first"
	start_behind "$dead" "$REDIS_PORT"
	soon in_step "$dead"
	soon in_step "${others[1]}"
	count promoted 1
}

promote_cell() {
	local n first
	seed
	line_up "$2"
	under_load e "$1"
	for ((n = 1; n <= ${FCFS_FAULT_TIMES:-15}; n++)); do
		moves e
		sleep "$(between 1 300)"
		promote
	done
	moves e
	calm e
	settle e "${SHORT[@]}"
	verdict e
}

cell_promote_pipe() {
	promote_cell pipe 0
}

cell_promote_kafka() {
	promote_cell kafka 1
}
