# servers-kafka.bash - scripts/servers' part that knows Kafka: the brokers kafka-1, kafka-2, ... of one cluster, each a
# controller, too (KRaft). A broker's folder has pid, port, controller-port, log, server.properties and data.
# shellcheck shell=bash disable=SC2034,SC2154,SC2164 # dir, server, pid and port are its, and set -e

kafka_program='^[^ ]*java .* kafka\.Kafka '
kafka_limit_s=60

# kafka_names: a line for each broker of the folder
kafka_names() {
	local id
	for ((id = 1; id <= brokers; id++)); do
		echo "kafka-$id"
	done
}

kafka_environment() {
	local list='' name
	for name in $(kafka_names); do
		port=$(read_number "$dir/$name/port")
		[ -z "$port" ] || list+=${list:+,}127.0.0.1:$port
	done
	[ -n "$list" ] && echo "export FCFS_BROKERS=$list" || echo 'unset FCFS_BROKERS'
}

# kafka_prepare: what needs no lock, and may take long the first time
kafka_prepare() {
	kafka_java=$("$scripts/kafka-java") || exit $?
	mapfile -t kafka_java <<<"$kafka_java"
	kafka_java=(java "${kafka_java[@]}" -Djava.io.tmpdir=tmp -Dorg.slf4j.simpleLogger.showDateTime=true
		'-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS')
}

# kafka_answers COUNT: a broker of this cluster answers on $port and knows COUNT brokers or more. The bytes are a Metadata
# request, version 2, for no topic; the answer has 4 bytes each of length and number, then the list of brokers. In a shell
# of its own, because a stranger on the port may hang up while we write.
kafka_answers() (
	[ -n "$port" ] || exit 1
	{ exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || exit 1
	printf '\0\0\0\x12\0\x03\0\x02\0\0\0\x01\0\x04fcfs\0\0\0\0' >&3
	head=$(timeout 2 head -c 12 <&3 | od -An -v -tx1 | tr -d ' \n')
	[ ${#head} -eq 24 ] || exit 1
	rest=$(timeout 2 head -c $((16#${head::8} - 8)) <&3 | tr -d '\0')
	[[ $rest == *"$(cat "$dir/cluster-id")"* ]] && [ $((16#${head:16})) -ge "$1" ]
)

# kafka_new LOG_SIZE: what the broker has logged since
kafka_new() {
	tail -c "+$(($1 + 1))" "$dir/$server/log"
}

# kafka_steady: it answers, or has ended: one that was killed just now is still to be seen for a moment
kafka_steady() {
	kafka_answers 0 || ended
}

kafka_settled() {
	kafka_new "$1" | grep -q 'Kafka Server started' || ended
}

listens() {
	(: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# kafka_port FILE: keeps the port in the broker's file, unless it is another's meanwhile, or chooses one
kafka_port() {
	local file=$dir/$server/$1 attempt
	port=$(read_number "$file")
	for attempt in 1 2 3 4 5; do
		[ -n "$port" ] || break
		listens "$port" || return 0
		sleep 0.1 # a killed server's last thread may still have it
	done
	[ -z "$port" ] || echo "servers: port $port is taken, $server gets another" >&2
	for attempt in {1..50}; do
		port=$(random_port)
		if grep -qsx "$port" "$dir"/*/port "$dir"/*/controller-port || listens "$port"; then
			continue
		fi
		echo "$port" >"$file"
		return
	done
	fail "no free port after $attempt attempts" 75
}

# kafka_ports UP NAME...: for those to be started. The controllers must know each other's, so all have one; those that run,
# UP in number, cannot learn another.
kafka_ports() {
	local up=$1 before
	shift
	for server; do
		before=$(read_number "$dir/$server/controller-port")
		kafka_port controller-port
		[ "$up" -eq 0 ] || [ "$port" = "$before" ] || fail "stop all brokers of '$dir', then start them with the new port" 75
		kafka_port port
	done
	for server in $(kafka_names); do
		[ -s "$dir/$server/controller-port" ] || kafka_port controller-port
	done
}

# The shipped settings, and what differs a folder and a broker.
kafka_configure() {
	local id=${server#kafka-} copies=$((brokers < 3 ? brokers : 3)) name voters=''
	# a killed broker comes back when its session has ended; one that is fenced because the machine is slow hurts others
	local session_ms=$((brokers > 1 ? 4000 : 2000))
	for name in $(kafka_names); do
		voters+=${voters:+,}${name#kafka-}@127.0.0.1:$(read_number "$dir/$name/controller-port")
	done
	cat "$scripts/kafka.properties"
	printf '\n# added by %s\n' "${0##*/}"
	printf '%s\n' "node.id=$id" "controller.quorum.voters=$voters" \
		"listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$(read_number "$dir/$server/controller-port")" \
		"advertised.listeners=PLAINTEXT://127.0.0.1:$port" \
		"broker.session.timeout.ms=$session_ms" "broker.heartbeat.interval.ms=$((session_ms / 4))"
	printf "%s=$copies\n" default.replication.factor offsets.topic.replication.factor \
		transaction.state.log.replication.factor share.coordinator.state.topic.replication.factor
	printf "%s=$((copies > 2 ? 2 : 1))\n" min.insync.replicas transaction.state.log.min.isr \
		share.coordinator.state.topic.min.isr
}

kafka_format() {
	[ ! -s "$dir/$server/data/meta.properties" ] || return 0
	(cd "$dir/$server" && "${kafka_java[@]}" kafka.tools.StorageTool format --ignore-formatted -c server.properties \
		-t "$(cat "$dir/cluster-id")" </dev/null >>log 2>&1) || {
		grep -v $'^\t' "$dir/$server/log" | tail -n 5 >&2
		fail "$server cannot format its folder: see '$dir/$server/log'" 71
	}
}

kafka_launch() {
	local arguments
	read -ra arguments <<<"${FCFS_KAFKA_SERVER_ARGS-}"
	port=$(read_number "$dir/$server/port")
	kafka_configure >"$dir/$server/server.properties"
	kafka_format
	cd "$dir/$server"
	rm -rf tmp # a killed one's
	mkdir tmp
	detached log "${kafka_java[@]}" kafka.Kafka server.properties "${arguments[@]}"
	echo "$pid" >pid
}

# kafka_failed LOG_SIZE: says why $server has not started, without the stacks; returns if a port was another's
kafka_failed() {
	rm -f "$dir/$server/pid"
	! kafka_new "$1" | grep -q 'Address already in use' || return 0
	kafka_new "$1" | grep -v $'^\t' | tail -n 5 >&2
	fail "$server did not start: see '$dir/$server/log'" 71
}

# kafka_try NAME...: one attempt to start them; 0 they have started, 1 a port was another's
kafka_try() {
	local -A size
	for server; do
		touch "$dir/$server/log"
		size[$server]=$(stat -c %s "$dir/$server/log")
		kafka_launch
	done
	for server; do
		pid=$(read_number "$dir/$server/pid")
		limit_s=$kafka_limit_s wait_until kafka_settled "${size[$server]}" ||
			fail "$server does not start within $kafka_limit_s s: see '$dir/$server/log'" 75
		! ended || { kafka_failed "${size[$server]}" && return 1; }
	done
}

# kafka_start NAME...
kafka_start() {
	local down=() attempt up=0
	[ -s "$dir/cluster-id" ] || head -c 16 /dev/urandom | base64 | tr '+/' ab | tr -d '=\n' >"$dir/cluster-id"
	for server in $(kafka_names); do
		mkdir -p "$dir/$server"
		! running || wait_until kafka_steady || fail "$server, pid $pid, runs and does not answer" 75
		if running; then
			up=$((up + 1))
		elif [[ " $* " == *" $server "* ]]; then
			wait_until gone || :
			down+=("$server")
		fi
	done
	[ $((2 * (up + ${#down[@]}))) -gt "$brokers" ] ||
		fail "more than half of the $brokers brokers must run: start the others with $*" 75
	for attempt in 1 2 3 4 5; do
		kafka_ports "$up" "${down[@]}"
		trap 'stop "${down[@]}"' EXIT
		! kafka_try "${down[@]}" || break
		[ "$attempt" -lt 5 ] || fail "no free ports after $attempt attempts" 75
		stop "${down[@]}"
	done
	trap - EXIT
	up=$((up + ${#down[@]}))
	for server; do
		running || fail "$server has just ended: see '$dir/$server/log'" 75
		wait_until kafka_answers "$up" || fail "$server, pid $pid, runs and does not answer" 75
	done
}

# kafka_patience NAME...: seconds that a broker gets to end when these do. The last ones of several would wait for another
# leader in vain; one that writes a class archive needs more.
kafka_patience() {
	local left=0
	for server in $(kafka_names); do
		[[ " $* " == *" $server "* ]] || ! running || left=$((left + 1))
	done
	echo $((brokers > 1 && 2 * left <= brokers ? 2 : 30))
}
