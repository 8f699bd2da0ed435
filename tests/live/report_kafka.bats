#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# fcfs-report on Kafka: how far behind the issuers are, whose the dead letters are, and what it says with Kafka away.

load ../helper
load ../flow

setup_file() { servers_start --brokers 1; }
teardown_file() { servers_stop; }

setup() {
	namespace
	fcfs-setup --partitions 2 kafka >/dev/null
}

ROWS='unpublished_requests unpublished_winners unpublished_decisions kafka_lag dead_letters dead_letters_other'

# rows: the values of ROWS in the last run, which must be its last lines
rows() {
	same "$ROWS" "$(tail -n 6 <<<"$output" | cut -f 1 | paste -sd ' ')"
	tail -n 6 <<<"$output" | cut -f 2 | paste -sd ' '
}

# reports EVENT VALUES: its rows have these values, and nothing is said
reports() {
	run -0 --separate-stderr fcfs-report "$1"
	same "$2" "$(rows)"
	same '' "$stderr"
}

# poison [KCAT OPTION...]: a record on the issuers' topic, from stdin
poison() {
	kcat -P -b "$FCFS_BROKERS" -t "${FCFS_PREFIX}gifticon_publish" "$@"
}

# winner EVENT ID: a record of the contract, of somebody nobody knows
winner() {
	printf '{"type":"winner","event":"%s","id":"%s","user":"zoe","ticket":1,"joined_us":1,"granted_us":2}\n' "$@"
}

@test "joined, dispatched, issued: first Redis is ahead of Kafka, then Kafka of the issuers, then nobody" {
	event a 5 8
	reports a '8 0 1 0 0 0'
	fcfs-event set a --stock 6
	reports a '8 0 2 0 0 0'
	fcfs-dispatch a
	run -0 --separate-stderr fcfs-report a
	[[ $(rows) =~ ^0\ 0\ 0\ ([0-9]+)\ 0\ 0$ ]]
	[ "${BASH_REMATCH[1]}" -ge 6 ] # a transaction's marker counts, too
	lag=${BASH_REMATCH[1]}
	same "$lag" "$(fcfs-report -j a | jq .kafka_lag)"
	# another event's winners are behind the same issuers
	event b 1 1
	reports b "1 0 1 $lag 0 0"
	fcfs-issue >/dev/null
	reports a '0 0 0 0 0 0'
	same '[0,0,0,0,0,0]' "$(fcfs-report -j a | jq -c '[.unpublished_requests, .unpublished_winners,
		.unpublished_decisions, .kafka_lag, .dead_letters, .dead_letters_other]')"
}

@test "granted and not published: unpublished_winners are those behind what is mirrored" {
	event a 5 8
	fcfs-dispatch a
	fcfs-issue >/dev/null
	redis hset "$(key a event)" published_winners 3 published_requests 4 >/dev/null
	reports a '4 2 0 0 0 0'
}

# stranded EVENT: what the report says of it
stranded() {
	fcfs-report -j "$1" 2>"$T/err" | jq .stranded
}

@test "Redis has lost codes that were out: so many winners are stranded, and it says what to do; not while they may still come" {
	local one
	event a 5 8
	same 0 "$(stranded a)"
	fcfs-event set a --stock 4 >/dev/null
	fcfs-dispatch a
	same null "$(stranded a)"
	for one in $(redis keys "$(key a '*')"); do
		redis copy "$one" "kept:$one" >/dev/null
	done
	fcfs-issue
	same 0 "$(stranded a)"
	purge a
	for one in $(redis keys "kept:$(key a '*')"); do
		redis rename "$one" "${one#kept:}" >/dev/null
	done
	same 4 "$(stranded a)"
	same "fcfs-report: event 'a': 4 winners have no code though their records were read: redis has lost it: \
run fcfs-archive rebuild --replace a, with the ledger" "$(cat "$T/err")"
	fcfs-leave a p0000001 >/dev/null
	same 3 "$(stranded a)"
	# more of them are on their way, and those are not
	fcfs-event set a --stock 6 >/dev/null
	fcfs-dispatch a
	same null "$(stranded a)"
	same '' "$(cat "$T/err")"
	fcfs-issue
	same '3 3' "$(stranded a) $(field a issued)"
}

@test "dead letters: an event's own, and those of no event; another event's are in its own report" {
	event a 1 1
	event b 1 1
	redis sadd "${FCFS_PREFIX}fcfs:events" never-made >/dev/null
	fcfs-dispatch a b
	fcfs-issue >/dev/null
	echo malformed | poison -H event=a
	winner a "$(field a id)" | poison # a's own, though its header does not say so
	echo malformed | poison -H event=b
	echo malformed | poison
	echo malformed | poison -H event=nosuch
	echo malformed | poison -H event=never-made
	echo malformed | poison -H "event=$(printf 'a\tb')"
	winner a "$(cat /proc/sys/kernel/random/uuid)" | poison -H event=a # of an earlier event of this name
	run -65 fcfs-issue
	# poison leaves no transaction marker: what is left is nothing
	reports a '0 0 0 0 2 5'
	reports b '0 0 0 0 1 5'
	fcfs-event create nosuch --stock 1 >/dev/null
	reports a '0 0 0 0 2 4'
}

@test "who may only work may report all of it" {
	event a 1 1
	fcfs-dispatch a
	fcfs-issue >/dev/null
	for name in a nosuch; do echo malformed | poison -H "event=$name"; done
	run -65 fcfs-issue
	fcfs-setup acl | redis >/dev/null
	redis acl setuser fcfs-worker on '>secret' >/dev/null
	echo secret >"$T/password"
	FCFS_REDIS=redis://fcfs-worker@127.0.0.1:$REDIS_PORT FCFS_REDIS_PASSWORD_FILE=$T/password reports a '0 0 0 0 1 1'
}

@test "--offsets: a line a partition, '-' where nothing is committed; it asks Kafka alone" {
	topic=${FCFS_PREFIX}gifticon_publish
	export FCFS_REDIS=unix:/nowhere
	run -0 fcfs-report --offsets
	same "$(printf '%s\t%s\t-\t0\t0\n' "$topic" 0 "$topic" 1)" "$output"
	same '{"topic":"'"$topic"'","partition":0,"committed":null,"last_stable":0,"lag":0}' \
		"$(fcfs-report -j --offsets | head -n 1)"
	for n in 1 2 3; do echo "malformed $n" | poison -p 1; done
	run -0 fcfs-report --offsets
	same "$(printf '%s\t%s\t-\t%s\t%s\n' "$topic" 0 0 0 "$topic" 1 3 3)" "$output"
	echo "malformed 4" | poison -p 0
	FCFS_REDIS=redis://127.0.0.1:$REDIS_PORT run -65 fcfs-issue
	echo "malformed 5" | poison -p 1
	run -0 fcfs-report --offsets
	same "$(printf '%s\t%s\t%s\t%s\t%s\n' "$topic" 0 1 1 0 "$topic" 1 3 4 1)" "$output"
	same "[\"$topic\",1,3,4,1]" "$(fcfs-report -j --offsets | tail -n 1 | jq -c '[.[]]')"
}

@test "--offsets: no brokers, an event or another view is 64, no topic 78" {
	run -64 fcfs-report --offsets a
	run -64 fcfs-report --offsets --runs
	run -64 fcfs-report --issued --runs a
	run -64 fcfs-report -b '' --offsets
	same 'fcfs-report: --offsets needs -b or FCFS_BROKERS' "${lines[0]}"
	run -78 fcfs-report --prefix nosuch. --offsets
	same "fcfs-report: kafka '$FCFS_BROKERS': there is no topic 'nosuch.gifticon_publish': create the topics with fcfs-setup kafka" \
		"$output"
}

@test "an event of the pipe has none of it, with brokers or without" {
	event a 2 2
	FCFS_BROKERS='' fcfs-dispatch a >/dev/null
	for brokers in "$FCFS_BROKERS" '' 127.0.0.1:1; do
		FCFS_BROKERS=$brokers run -0 --separate-stderr fcfs-report a
		same decisions "$(tail -n 1 <<<"$output" | cut -f 1)"
		same '' "$stderr"
	done
	event b 2 2 # not dispatched yet
	FCFS_BROKERS='' run -0 --separate-stderr fcfs-report b
	same decisions "$(tail -n 1 <<<"$output" | cut -f 1)"
}

@test "no brokers set for an event of Kafka: what Redis knows, and how to learn the rest" {
	event a 2 3
	fcfs-dispatch a
	FCFS_BROKERS='' run -0 --separate-stderr fcfs-report a
	same '0 0 0 - - -' "$(rows)"
	same "fcfs-report: event 'a' goes through kafka and no brokers are set: set -b or FCFS_BROKERS: its lag and dead letters are not known" \
		"$stderr"
	FCFS_BROKERS='' run -0 --separate-stderr fcfs-report -q a
	same '' "$stderr"
	same '[0,null,null,null]' "$(fcfs-report -b '' -qj a | jq -c '[.unpublished_winners, .kafka_lag, .dead_letters, .dead_letters_other]')"
	# a mistake on the command line is one
	run -64 --separate-stderr fcfs-report -X no.such=1 a
	same '' "$output"
}

@test "no topic for dead letters: the lag is known" {
	event a 2 3
	fcfs-dispatch a
	fcfs-issue >/dev/null
	"$TREE/scripts/kafka" topics --bootstrap-server "$FCFS_BROKERS" --delete --topic "${FCFS_PREFIX}gifticon_publish.dlq"
	run -0 --separate-stderr fcfs-report a
	same '0 0 0 0 - -' "$(rows)"
	same "fcfs-report: kafka '$FCFS_BROKERS': there is no topic '${FCFS_PREFIX}gifticon_publish.dlq': create the topics with fcfs-setup kafka: its dead letters are not known" \
		"$stderr"
}

# away: the report comes in time, says what it cannot tell, and once
away() {
	local began=$SECONDS
	export FCFS_CONNECT_TIMEOUT=1s
	run -0 --separate-stderr fcfs-report a
	[ $((SECONDS - began)) -lt 25 ] # --reconnect is 30s
	same '0 0 0 - - -' "$(rows)"
	same 1 "${#stderr_lines[@]}"
	[[ $stderr == "fcfs-report: kafka '$FCFS_BROKERS': "*': its lag and dead letters are not known' ]]
	run -69 fcfs-report --offsets
	[[ $output == "fcfs-report: kafka '$FCFS_BROKERS': "* ]]
}

@test "Kafka silent, then gone: the report comes all the same, within seconds" {
	event a 2 3
	fcfs-dispatch a
	kill -STOP "$(cat "$SERVERS/kafka-1/pid")"
	away
	servers stop "$SERVERS" kafka 3>&-
	away
}
