# kafka.bash - what the bats files share that need a real Kafka; loaded after helper.bash and flow.bash.
# An outsider's eyes are kcat's and the Java tools': no test reads the topics with the code under test.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set here is read by the tests

# topics [PARTITIONS]: the six of this namespace
topics() {
	fcfs-setup -q --partitions "${1:-3}" kafka >/dev/null
}

# consume TOPIC [OPTION...]: with kcat, from the beginning to the last stable offset, committed records only
consume() {
	kcat -C -q -e -o beginning -b "$FCFS_BROKERS" -t "$FCFS_PREFIX$1" -X isolation.level=read_committed \
		-X fetch.wait.max.ms=10 "${@:2}"
}

# values TOPIC: a line each; of one key, and of one partition, in order
values() {
	consume "$1"
}

# envelopes TOPIC: JSON of topic, partition, offset, headers, key and payload (text), a line each
envelopes() {
	consume "$1" -J
}

# produce TOPIC KEY [OPTION...]: one record, its value stdin to the last byte
produce() {
	cat >"$T/produce"
	kcat -P -b "$FCFS_BROKERS" -t "$FCFS_PREFIX$1" -k "$2" -X message.max.bytes=2000000 "${@:3}" "$T/produce"
}

# produce_empty TOPIC KEY [OPTION...]: a record with an empty value; with -Z, one without a value
produce_empty() {
	printf '%s\t\n' "$2" | kcat -P -b "$FCFS_BROKERS" -t "$FCFS_PREFIX$1" -K $'\t' "${@:3}"
}

# kafka TOOL ARGUMENT...: one of Kafka's own, about 2 s each
kafka() {
	"$TREE/scripts/kafka" "$1" --bootstrap-server "$FCFS_BROKERS" "${@:2}"
}

# ends_at TOPIC PARTITION committed|uncommitted: the last stable offset, or the high watermark
ends_at() {
	kcat -q -Q -b "$FCFS_BROKERS" -t "$FCFS_PREFIX$1:$2:-1" -X isolation.level="read_$3" 2>/dev/null | sed 's/.* //'
}

# kafka_codes EVENT: what an outsider sees issued, PERSON CODE a line
kafka_codes() {
	values gifticon_issued | jq -r "select(.event == \"$1\") | .user + \" \" + .code" | sort
}

# issued_of EVENT: its issued records, by ticket: what all_issued reads
issued_of() {
	values gifticon_issued | jq -c "select(.event == \"$1\")" | jq -sc 'sort_by(.ticket)[]'
}

# winners_of EVENT: its winners' records, by ticket
winners_of() {
	values gifticon_publish | jq -c "select(.event == \"$1\")" | jq -sc 'sort_by(.ticket)[]'
}

# both EVENT [OPTION...]: dispatches with these options, then issues what is there; each must end with 0
both() {
	timeout "$LIMIT" fcfs-dispatch "${@:2}" "$1"
	timeout "$LIMIT" fcfs-issue
}

# all_out EVENT N: the first N have a code each, in Redis and for an outsider, exactly once, and nothing is unfinished
all_out() {
	issued_of "$1" >"$T/all_out"
	all_issued "$1" "$2" "$T/all_out" "${@:3}"
}

# published EVENT: "requests winners seq", as mirrored in Redis
published() {
	redis hmget "$(key "$1" event)" published_requests published_winners published_seq | paste -sd ' '
}

# generation: of the group, as the broker logged it last
generation() {
	grep -o "Stabilized group ${FCFS_PREFIX}fcfs-issue generation [0-9]* with [0-9]* members" "$SERVERS/kafka-1/log" |
		tail -n 1 | awk '{ print $5, $7 }'
}

# members N: the group has settled with so many
members() {
	[ "$(generation | cut -d ' ' -f 2)" = "$1" ]
}

# kafka_pid: the broker's
kafka_pid() {
	cat "$SERVERS/kafka-1/pid"
}

# kafka_stop; kafka_start: the broker alone; it has its port and its data again
kafka_stop() {
	"$TREE/scripts/servers" stop "$SERVERS" kafka 3>&-
}

kafka_start() {
	eval "$("$TREE/scripts/servers" start "$SERVERS" kafka 3>&-)"
}

# open_at TOPIC PARTITION: there is an open transaction in it
open_at() {
	[ "$(ends_at "$1" "$2" committed)" -lt "$(ends_at "$1" "$2" uncommitted)" ]
}

# hold DISPATCH...: runs it until all of its first transaction is with the broker, and keeps it from committing; sets held
# to its pid. Needs strike.bash.
hold() {
	STRIKE_UNTIL=$T/held spawn strike 26 1 before "$@"
	held=$pid
	soon [ -e "$T/held" ]
}

# kill_held: with -9; returns when all its threads are gone, and its lock with them
kill_held() {
	kill -9 "$held"
	soon flock -n "$FCFS_STATE/fcfs-dispatch.0" true
}
