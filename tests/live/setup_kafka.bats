#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# fcfs-setup kafka: the topics are what they must be, whatever was there; fcfs-event check says when they are not.

load ../helper

setup_file() { servers_start --brokers 1; }
teardown_file() { servers_stop; }
setup() { namespace; }

teardown() {
	"$TREE/scripts/servers" stop "$T/three" 3>&-
}

# kafka TOOL ARGUMENT...: one of Kafka's own
kafka() {
	local tool=$1
	shift
	"$TREE/scripts/kafka" "$tool" --bootstrap-server "$FCFS_BROKERS" "$@"
}

# alter TOPIC ARGUMENT...
alter() {
	local topic=$1
	shift
	kafka configs --alter --entity-type topics --entity-name "$FCFS_PREFIX$topic" "$@" >/dev/null
}

# topics: NAME PARTITIONS REPLICAS of this namespace, as another client sees it
topics() {
	kcat -L -J -b "$FCFS_BROKERS" | jq -r --arg p "$FCFS_PREFIX" '.topics[] | select(.topic | startswith($p)) |
		"\(.topic | ltrimstr($p)) \(.partitions | length) \([.partitions[].replicas | length] | unique | join(","))"' | sort
}

# settings: NAME SETTING=VALUE... of this namespace, what each topic has of its own
settings() {
	kafka configs --describe --entity-type topics | awk -v prefix="$FCFS_PREFIX" '
		/^Dynamic configs for topic/ { name = $5; on = index(name, prefix) == 1; name = substr(name, length(prefix) + 1); next }
		on { print name, $1 }' | sort
}

# done_to TOPIC: "VERDICT DETAIL" of the last run
done_to() {
	awk -F '\t' -v name="$FCFS_PREFIX$1" '$2 == name { print $1, $3 }' <<<"$output"
}

# verdicts: those of the last run, in order
verdicts() {
	cut -f 1 <<<"$output" | paste -sd ' '
}

all_ok='ok ok ok ok ok ok'

@test "the six topics are created, each as it must be; again is six times ok, and changes nothing" {
	run -0 --separate-stderr fcfs-setup kafka
	same "" "$stderr"
	same "$(sed "s/^-\t/created\t$FCFS_PREFIX/" <<-'END'
		-	event_requests	6 partitions, 1 replica, kept 90 days
		-	event_log	1 partition, 1 replica, kept for ever
		-	gifticon_publish	6 partitions, 1 replica, kept 90 days
		-	gifticon_issued	6 partitions, 1 replica, kept 90 days
		-	gifticon_publish.dlq	1 partition, 1 replica, kept 90 days
		-	fcfs_progress	1 partition, 1 replica, the last record of each key kept
	END
	)" "$output"
	same "$(printf '%s\n' 'event_log 1 1' 'event_requests 6 1' 'fcfs_progress 1 1' 'gifticon_issued 6 1' \
		'gifticon_publish 6 1' 'gifticon_publish.dlq 1 1')" "$(topics)"
	first=$(settings)
	for topic in event_log event_requests gifticon_issued gifticon_publish gifticon_publish.dlq; do
		kept=7776000000 size=''
		[ $topic != event_log ] || kept=-1
		[ $topic != gifticon_publish.dlq ] || size=max.message.bytes=2097152
		printf "$topic %s\n" cleanup.policy=delete compression.type=lz4 $size min.insync.replicas=1 retention.bytes=-1 retention.ms=$kept
	done >"$T/want"
	printf 'fcfs_progress %s\n' cleanup.policy=compact compression.type=lz4 min.cleanable.dirty.ratio=0.1 \
		min.insync.replicas=1 segment.ms=3600000 >>"$T/want"
	same "$(sort "$T/want")" "$first"
	run -0 fcfs-setup kafka
	same "$all_ok" "$(verdicts)"
	run -0 fcfs-setup --dry-run kafka
	same "$all_ok" "$(verdicts)"
	same "$first" "$(settings)"
}

@test "--dry-run says what would be created, in the same words, and creates nothing" {
	run -1 fcfs-setup --dry-run --partitions 2 --retention 36h kafka
	same "create create create create create create" "$(verdicts)"
	planned=$output
	same "" "$(topics)"
	run -0 fcfs-setup --partitions 2 --retention 36h kafka
	same "$planned" "${output//created/create}"
	same "created 2 partitions, 1 replica, kept 36.0 hours" "$(done_to gifticon_publish)"
	same "created 1 partition, 1 replica, kept for ever" "$(done_to event_log)"
	run -0 fcfs-setup -j --retention 36h kafka
	same '["ok",6]' "$(jq -sc '[(map(.verdict) | unique[]), length]' <<<"$output")"
	same "${FCFS_PREFIX}event_requests" "$(jq -r .what <<<"$output" | head -n 1)"
}

@test "partitions are added where more are asked for, never taken away" {
	fcfs-setup --partitions 3 kafka
	run -0 fcfs-setup kafka
	same "$all_ok" "$(verdicts)"
	run -1 fcfs-setup --dry-run --partitions 5 kafka
	same "repair ok repair repair ok ok" "$(verdicts)"
	run -0 fcfs-setup --partitions 5 kafka
	same "repaired ok repaired repaired ok ok" "$(verdicts)"
	same "repaired partitions 3 -> 5" "$(done_to gifticon_issued)"
	run -0 fcfs-setup --partitions 2 kafka
	same "$all_ok" "$(verdicts)"
	same "event_log 1 1,event_requests 5 1,fcfs_progress 1 1,gifticon_issued 5 1,gifticon_publish 5 1,gifticon_publish.dlq 1 1" \
		"$(topics | paste -sd ,)"
}

@test "what falls short is shown and repaired; what is more, and what is not ours, stays" {
	fcfs-setup kafka
	alter event_requests --delete-config compression.type,retention.bytes \
		--add-config retention.ms=3600000,min.insync.replicas=2,flush.messages=77,segment.bytes=1048576
	alter gifticon_publish --add-config retention.ms=9000000000,segment.ms=60000,cleanup.policy=compact
	alter gifticon_issued --add-config retention.bytes=100000,retention.ms=-1
	alter gifticon_publish.dlq --add-config max.message.bytes=1048588
	alter event_log --add-config retention.ms=9223372036854775807,cleanup.policy='[delete,compact]'
	alter fcfs_progress --add-config min.cleanable.dirty.ratio=0.5,segment.ms=7200000,cleanup.policy='[delete,compact]'
	run -1 fcfs-setup --dry-run kafka
	same "repair repair repair repair repair repair" "$(verdicts)"
	planned=$output
	run -0 fcfs-setup kafka
	same "$planned" "${output//repaired/repair}"
	same "repaired compression.type producer -> lz4, min.insync.replicas 2 -> 1, retention.ms 3600000 -> 7776000000" \
		"$(done_to event_requests)"
	same "repaired cleanup.policy compact -> delete" "$(done_to gifticon_publish)"
	same "repaired retention.bytes 100000 -> -1" "$(done_to gifticon_issued)"
	same "repaired max.message.bytes 1048588 -> 2097152" "$(done_to gifticon_publish.dlq)"
	same "repaired cleanup.policy delete,compact -> delete" "$(done_to event_log)"
	same "repaired cleanup.policy delete,compact -> compact, segment.ms 7200000 -> 3600000, min.cleanable.dirty.ratio 0.5 -> 0.1" \
		"$(done_to fcfs_progress)"
	run -0 fcfs-setup kafka
	same "$all_ok" "$(verdicts)"
	same "ok 6 partitions, 1 replica, kept for ever" "$(done_to gifticon_issued)"
	settings >"$T/has"
	for line in 'event_requests flush.messages=77' 'event_requests segment.bytes=1048576' 'gifticon_publish retention.ms=9000000000' \
		'gifticon_publish segment.ms=60000' 'event_log retention.ms=9223372036854775807' 'event_log cleanup.policy=delete'; do
		grep -qxF "$line" "$T/has"
	done
}

@test "a longer retention that is asked for is set, a shorter one changes nothing" {
	fcfs-setup --retention 91d kafka
	run -0 fcfs-setup --retention 7d kafka
	same "$all_ok" "$(verdicts)"
	run -0 fcfs-setup --retention 100d kafka
	same "repaired ok repaired repaired repaired ok" "$(verdicts)"
	same "repaired retention.ms 7862400000 -> 8640000000" "$(done_to gifticon_publish)"
}

@test "more replicas than there are brokers: nothing is created, and topics that lack them are named, 78" {
	for dry in '' --dry-run; do
		# shellcheck disable=SC2086 # none or one word
		run -78 fcfs-setup $dry --replication 2 kafka
		same "fcfs-setup: kafka '$FCFS_BROKERS': 2 replicas need as many brokers: there is 1" "$output"
	done
	same "" "$(topics)"
	fcfs-setup kafka
	run -78 fcfs-setup --replication 2 kafka
	same "differs differs differs differs differs differs" "$(verdicts)"
	same "differs 1 replica where 2 are wanted: add them with kafka-reassign-partitions, or accept them with --replication 1" \
		"$(done_to event_log)"
}

@test "four at once: all are done, and a dispatch right after finds the topics" {
	fcfs-event create e --stock 1 >/dev/null
	fcfs-join e ann >/dev/null
	for i in 1 2 3 4; do
		(
			code=0
			fcfs-setup kafka >"$T/$i" 2>&1 3>&- || code=$?
			echo $code >"$T/$i.code"
		) 3>&- &
	done
	wait
	same "0 0 0 0" "$(cat "$T"/?.code | paste -sd ' ')"
	same "24" "$(cat "$T"/? | grep -cE $'^(created|ok|repaired)\t')"
	run -0 fcfs-dispatch e
	run -0 fcfs-setup kafka
	same "$all_ok" "$(verdicts)"
}

@test "brokers that are away, or are none: 69 with their address, soon" {
	start=$SECONDS
	run -69 fcfs-setup -b 127.0.0.1:1 kafka
	[[ $output == "fcfs-setup: kafka '127.0.0.1:1': "*"Connection refused"*": start it, or name another with -b or FCFS_BROKERS" ]]
	run -69 fcfs-setup -b "127.0.0.1:$REDIS_PORT" --connect-timeout 2s kafka
	[[ $output == "fcfs-setup: kafka '127.0.0.1:$REDIS_PORT': "* ]]
	[ $((SECONDS - start)) -lt 25 ] # --reconnect is 30s
}

@test "misuse is 64 with what is wrong, a bad file 78 with its line; nothing is created" {
	while IFS='|' read -r words complaint; do
		# shellcheck disable=SC2086 # several words
		run -64 --separate-stderr fcfs-setup $words
		same "" "$output"
		[[ $stderr == "fcfs-setup: $complaint"* ]] || { echo "$words: $stderr" && false; }
	done <<-END
		--brokers= kafka|kafka needs -b or FCFS_BROKERS
		-X isolation.level=read_uncommitted kafka|-X: 'isolation.level' is set by fcfs itself
		-X no.such.thing=1 kafka|-X: No such configuration property: "no.such.thing"
		--partitions 0 kafka|--partitions '0'
		--partitions six kafka|--partitions 'six'
		--replication 0 kafka|--replication '0'
		--retention 90 kafka|--retention '90'
		--retention 59m kafka|--retention '59m': at least 1h
		--dry-run redis|--partitions, --replication, --retention and --dry-run go with kafka
		--partitions 3 acl|--partitions, --replication, --retention and --dry-run go with kafka
		kafka redis|say redis, kafka or acl
	END
	printf '# ours\nclient.id=x\n\nacks=0\n' >"$T/properties"
	run -78 fcfs-setup -F "$T/properties" kafka
	same "fcfs-setup: properties file '$T/properties' line 4: 'acks' is set by fcfs itself" "$output"
	echo client.id >"$T/properties"
	run -78 fcfs-setup -F "$T/properties" kafka
	same "fcfs-setup: properties file '$T/properties' line 1: expected NAME=VALUE" "$output"
	run -78 fcfs-setup -F "$T/none" kafka
	[[ $output == "fcfs-setup: properties file '$T/none': No such file or directory" ]]
	same "" "$(topics)"
}

@test "event check: topics that are missing, fit, break a promise, or weaken one" {
	fcfs-event create e --stock 1 >/dev/null
	run -78 fcfs-event check e
	same 'ok ok ok ok ok ok ok ok ok fail fail fail fail fail fail' "$(verdicts)"
	same "fail is missing: run fcfs-setup kafka" "$(done_to gifticon_publish)"
	fcfs-setup kafka
	run -0 fcfs-event check e
	same "ok ok ok ok ok ok ok ok ok $all_ok" "$(verdicts)"
	[[ $output == *$'\nok\tkafka\t'"$FCFS_BROKERS"$'\n'* ]]
	same "ok 6 partitions, 1 replica, kept 90 days" "$(done_to gifticon_publish)"
	alter gifticon_publish --add-config retention.ms=3600000
	run -0 fcfs-event check e
	same "warn retention.ms 3600000 -> 7776000000: run fcfs-setup kafka" "$(done_to gifticon_publish)"
	alter event_log --add-config retention.ms=3600000
	alter gifticon_issued --add-config min.insync.replicas=2
	run -78 fcfs-event check e
	same "fail retention.ms 3600000 -> -1: run fcfs-setup kafka" "$(done_to event_log)"
	same "fail min.insync.replicas 2 -> 1: run fcfs-setup kafka" "$(done_to gifticon_issued)"
	fcfs-setup kafka
	run -0 fcfs-event check e
}

@test "event check: brokers that are away, or that the event needs and nobody named" {
	fcfs-event create e --stock 1 >/dev/null
	run -78 fcfs-event check -b 127.0.0.1:1 e
	[[ ${lines[-1]} == $'fail\tkafka\tkafka '"'127.0.0.1:1': "*"Connection refused"* ]]
	run -64 --separate-stderr fcfs-event check -X acks=0 e
	same "fcfs-event: -X: 'acks' is set by fcfs itself" "${stderr%%$'\n'*}"
	run -0 fcfs-event check -b '' e
	same "" "$(grep kafka <<<"$output")"
	redis hset "$(key e event)" bus kafka
	run -78 fcfs-event check -b '' e
	[[ ${lines[-1]} == $'fail\tkafka\tthe event goes through kafka, and no brokers are configured: '* ]]
}

@test "three brokers: three replicas, two of them in sync; one replica is too few, a warning at check" {
	eval "$("$TREE/scripts/servers" start --brokers 3 "$T/three" 3>&-)"
	export FCFS_STATE=$T/state
	fcfs-event create e --stock 1 >/dev/null
	fcfs-join e ann >/dev/null
	kafka topics --create --topic "${FCFS_PREFIX}event_log" --partitions 1 --replication-factor 1
	run -78 fcfs-setup kafka
	same "created differs created created created created" "$(verdicts)"
	same "differs compression.type producer -> lz4, min.insync.replicas 2 -> 1, retention.ms 604800000 -> -1, 1 replica where 3 are wanted: add them with kafka-reassign-partitions, or accept them with --replication 1" \
		"$(done_to event_log)"
	run -0 fcfs-dispatch e
	same "event_log 1 1,event_requests 6 3,fcfs_progress 1 3,gifticon_issued 6 3,gifticon_publish 6 3,gifticon_publish.dlq 1 3" \
		"$(topics | paste -sd ,)"
	same "1 2 2 2 2 2" "$(settings | sed -n 's/.*min.insync.replicas=//p' | paste -sd ' ')"
	run -0 fcfs-setup --replication 1 kafka
	same "$all_ok" "$(verdicts)"
	run -0 fcfs-event check e
	same "warn 1 replica where 3 are wanted: add them with kafka-reassign-partitions, or accept them with --replication 1" "$(done_to event_log)"
}
