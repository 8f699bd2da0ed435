# dispatch.bash: all in line win: their requests and winner records go to Kafka, in turn with a bare producer of the same records
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash, bench/kafka.bash

describe() {
	series start winners/s 'one pass of fcfs-dispatch, from start to exit, a request and a winner record each'
	series warm winners/s 'the same by one that follows already, from when they are in line'
	series producer records/s 'kcat, idempotent, lz4, no transaction, the same records, from start to exit'
	series pipe winners/s 'one pass into a pipe, from start to exit'
	series peak KiB 'most memory of fcfs-dispatch'
	ratio start_producer start producer 'winners, of two records each, to records of the producer'
	ratio pipe_start pipe start 'pipe to Kafka'
	goal start at_least 100000
	goal warm at_least 150000
	goal pipe_start at_least 1.0
	goal peak at_most 32768
}

sizes() {
	people=$(size 200000)
}

prepare() {
	start_kafka
}

round() {
	turns producer start warm pipe
}

start() {
	fresh start
	crowd "$people"
	timed fcfs-dispatch bench
	sample start "$(per_second "$people")"
	sample peak "$took_kib"
	audited bench
}

# The first person is there before the crowd: all is set up. While the crowd gets in line, it is stopped.
warm() {
	local before
	fresh warm
	fcfs-event create bench --stock $((people + 1)) >/dev/null
	fcfs-join bench first >/dev/null
	fcfs-dispatch --every 1ms --follow bench &
	follow=$!
	until_counter published_winners 1
	kill -STOP $follow
	names "$people" | fcfs-join bench >/dev/null
	before=${EPOCHREALTIME//[!0-9]/}
	kill -CONT $follow
	until_counter published_winners $((people + 1))
	sample warm "$(per_second "$people" $((${EPOCHREALTIME//[!0-9]/} - before)))"
	kill $follow
	wait $follow
	audited bench
}

pipe() {
	fresh_pipe pipe
	crowd "$people"
	timed fcfs-dispatch bench >winners
	sample pipe "$(per_second "$people")"
	expect 'winners in the pipe' "$people" "$(wc -l <winners)"
	audited bench
}

# --- the peer ------------------------------------------------------------------------------------

# records: what it writes, keys and values
records() {
	[ ! -s "records.$people" ] || return 0
	fresh records
	crowd "$people"
	fcfs-dispatch bench
	{
		read_topic event_requests '%k\t%s\n'
		read_topic gifticon_publish '%k\t%s\n'
	} >"records.$people"
	expect 'records for the peer' $((2 * people)) "$(wc -l <"records.$people")"
}

producer() {
	records
	fresh producer
	timed kcat -P -b "$brokers" -X enable.idempotence=true -X acks=all -X compression.codec=lz4 -K '\t' \
		-t "${FCFS_PREFIX}event_requests" <"records.$people"
	sample producer "$(per_second $((2 * people)))"
	expect 'records of the peer' $((2 * people)) "$(read_topic event_requests '%k\n' | wc -l)"
}
