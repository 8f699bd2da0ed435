#!/usr/bin/env bats
# Through Kafka where it is not as usual: topics or brokers missing, a broker away for a while, a transaction that a dead
# dispatcher left open, a Redis older than the topics, an event that is not the one of before, a second deployment, properties.
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../stage
load ../failover

teardown() {
	reap
	[ ! -d "$T/servers" ] || servers stop "$T/servers" 3>&-
	kafka_start
}

# kept EVENT LABEL; put_back EVENT LABEL: all its keys as they are now; and as they were then
kept() {
	local name
	redis keys "$(key "$1" '*')" >"$T/$2"
	while read -r name; do
		redis copy "$name" "$2:$name"
	done <"$T/$2" >/dev/null
}

put_back() {
	local name
	purge "$1"
	while read -r name; do
		redis copy "$2:$name" "$name"
	done <"$T/$2" >/dev/null
}

# --- not there at the start ------------------------------------------------------------------------

@test "topics that are missing: 78 and what to do, nothing granted and nothing created" {
	event a 5 5
	for tool in 'fcfs-dispatch a' fcfs-issue; do
		# shellcheck disable=SC2086 # a tool and its operand
		run -78 --separate-stderr $tool
		same "${tool% a}: kafka '$FCFS_BROKERS': there is no topic '${FCFS_PREFIX}event_requests': create the topics with fcfs-setup kafka" \
			"$stderr"
	done
	same '0 ' "$(field a granted) $(field a bus)"
	same '' "$(kcat -L -J -b "$FCFS_BROKERS" | jq -r '.topics[].topic' | grep "^$FCFS_PREFIX" || :)"
	topics 1
	both a
	all_out a 5
}

@test "no broker there, or one that says nothing: 69 with its address, soon; nothing granted" {
	event a 5 5
	start=$SECONDS
	for tool in 'fcfs-dispatch a' fcfs-issue; do
		# shellcheck disable=SC2086 # a tool and its operand
		run -69 --separate-stderr $tool -b 127.0.0.1:1
		[[ $stderr == "${tool% a}: kafka '127.0.0.1:1': "*'Connection refused'*': start it, or name another with -b or FCFS_BROKERS' ]]
		# shellcheck disable=SC2086
		run -69 --separate-stderr $tool -b "127.0.0.1:$REDIS_PORT" --connect-timeout 1s
		[[ $stderr == "${tool% a}: kafka '127.0.0.1:$REDIS_PORT': "* ]]
	done
	[ $((SECONDS - start)) -lt 25 ] # --reconnect is 30s
	same '0 ' "$(field a granted) $(field a bus)"
}

@test "a broker that stands still: every tool that asks it ends soon, and names it" {
	topics 1
	event a 9 5
	both a
	mkdir "$T/said"
	export FCFS_CONNECT_TIMEOUT=3s FCFS_TIMEOUT=3s FCFS_RECONNECT=3s # Redis is to answer in time
	freeze "$(kafka_pid)"
	for command in 'dispatch a' issue 'issue --redrive' 'report --offsets' 'report a' 'event check a' 'setup kafka' 'audit a'; do
		# shellcheck disable=SC2086 # a tool and its operands
		(timeout 60 fcfs-$command || echo $?) >"$T/said/${command// /.}" 2>&1 3>&- &
	done
	wait
	kill -CONT "$(kafka_pid)"
	same 8 "$(grep -lF "kafka '$FCFS_BROKERS': no answer: start it" "$T"/said/* | wc -l)"
	same '69 69 69 69 69 69 78' "$(cat "$T"/said/* | grep -xE '[0-9]+' | sort | paste -sd ' ')" # report goes on without it
}

# --- a replica --------------------------------------------------------------------------------------

@test "with --wait, no record of what a replica lacks: neither of who was granted, nor of who joined just now" {
	local replica
	topics 1
	event a 3 3
	"$TREE/scripts/servers" start "$SERVERS" redis-2 >/dev/null 3>&-
	replica=$(cat "$SERVERS/redis-2/pid")
	echo "$replica" >>"$T/pids"
	FCFS_WAIT=1,200 FCFS_RECONNECT=2s STRIKE_UNTIL=$T/held spawn strike ZRANGE 1 before fcfs-dispatch a 2>"$T/err"
	soon test -e "$T/held"
	soon replica_has granted 3
	freeze "$replica"
	fcfs-join a late >/dev/null
	rm "$T/held"
	ends "$pid" 75
	grep -qF "redis '127.0.0.1:$REDIS_PORT': only 0 of 1 replicas have it" "$T/err"
	same '' "$(values event_requests)$(values gifticon_publish)$(values fcfs_progress)"
	kill -CONT "$replica"
	FCFS_WAIT=1,5000 both a
	all_out a 3
	same 4 "$(values event_requests | wc -l)"
}

# replica_has FIELD VALUE: of the event a
replica_has() {
	[ "$(redis-cli -p "$(cat "$SERVERS/redis-2/port")" hget "$(key a event)" "$1")" = "$2" ]
}

@test "with --wait, a replica takes over between reading and commit, and lacks what was read: no record of that; it is read again" {
	topics 1
	three
	FCFS_WAIT=1,5000 event a 3 3
	FCFS_WAIT=1,60000 STRIKE_UNTIL=$T/held spawn strike ZRANGE 1 before fcfs-dispatch a
	soon test -e held
	soon granted_on 3 redis-2
	soon granted_on 3 redis-3
	link_down
	FCFS_WAIT=0 fcfs-join a late >/dev/null
	rm held
	soon waited_for
	failover
	ends "$pid" 0
	same "$(people 3)" "$(values event_requests | jq -r .user)"
	same "$(people 3)" "$(winners_of a | jq -r .user)"
	same '3 3' "$(values fcfs_progress | tail -n 1 | jq -r '"\(.requests) \(.winners)"')"
}

# granted_on N SERVER: it has so many
granted_on() {
	[ "$(redis-cli -s "servers/$2/socket" hget "$(key a event)" granted)" = "$1" ]
}

# --- away for a while ------------------------------------------------------------------------------

@test "the broker stops and starts again under a dispatcher and an issuer that follow: all is issued once" {
	topics 2
	event a 120 60
	spawn fcfs-issue --follow --chunk 10 2>"$T/issue"
	issuer=$pid
	spawn fcfs-dispatch --batch 5 --every 50ms --follow a 2>"$T/dispatch"
	soon field_is a issued 60
	kafka_stop
	people 200 | fcfs-join a >/dev/null
	soon at_least a granted 65 # which Redis alone decides
	soon has "$T/dispatch" 1
	soon has "$T/issue" 1
	kafka_start
	ends "$pid" 0
	soon field_is a issued 120
	kill -TERM "$issuer"
	ends "$issuer" 0
	all_out a 120
	same 120 "$(winners_of a | wc -l)"
	same "$(seq 200)" "$(values event_requests | jq .ticket | sort -n)"
	for tool in dispatch issue; do
		same "fcfs-$tool: kafka '$FCFS_BROKERS': " "$(grep -o "^fcfs-$tool: kafka '[^']*': " "$T/$tool" | sort -u)"
		grep -q ': waiting for it$' "$T/$tool"
	done
	redis --raw lrange "$(key a runs)" 0 -1 | books
}

@test "a broker that stays away: 69 with its address after --reconnect, and the rerun completes" {
	topics 2
	event a 40 20
	spawn fcfs-issue --follow --reconnect 3s 2>"$T/issue"
	issuer=$pid
	spawn fcfs-dispatch --batch 5 --every 50ms --follow --reconnect 3s a 2>"$T/dispatch"
	soon field_is a issued 20
	start=$SECONDS
	kafka_stop
	people 60 | fcfs-join a >/dev/null
	ends "$pid" 69
	ends "$issuer" 69
	[ $((SECONDS - start)) -ge 2 ]
	[ $((SECONDS - start)) -lt 30 ]
	for tool in dispatch issue; do
		grep -q "^fcfs-$tool: kafka '$FCFS_BROKERS': .*: start it, or name another with -b or FCFS_BROKERS$" "$T/$tool"
	done
	same 0 "$(redis exists "$(key a lease)")"
	kafka_start
	both a
	all_out a 40
	redis --raw lrange "$(key a runs)" 0 -1 | books
}

# --- open transactions -----------------------------------------------------------------------------

# While it is open, what another event has committed behind it cannot be read by those who read what is decided.
@test "a dispatcher died in a transaction: another event's waits for its end, keeps its lease, and publishes once" {
	topics 2
	short=(-X transaction.timeout.ms=25000)
	event dead 10 10
	event a 30 10
	spawn fcfs-dispatch --every 50ms --follow "${short[@]}" a
	first=$pid
	soon field_is a published_winners 10
	hold fcfs-dispatch "${short[@]}" dead
	people 20 | fcfs-join a >/dev/null
	soon field_is a published_winners 20
	kill -TERM "$first"
	ends "$first" 0
	kill_held
	people 25 | fcfs-join a >/dev/null
	open_at fcfs_progress 0
	spawn fcfs-dispatch "${short[@]}" a
	waits=$pid
	soon field_is a epoch 2
	run -75 --separate-stderr fcfs-dispatch a
	[[ $stderr == "fcfs-dispatch: event 'a': '"*"' is dispatching it: try again later" ]]
	ends "$waits" 0
	run ! open_at fcfs_progress 0
	same "$(seq 25)" "$(winners_of a | jq .ticket)"
	same "$(seq 25)" "$(values event_requests | jq 'select(.event == "a").ticket' | sort -n)"
	same 0 "$(winners_of dead | wc -l)"
	both dead
	all_out a 25
	all_out dead 10
}

@test "asked to stop while it waits for another's transaction: 75, nothing granted" {
	topics 2
	event a 5 5
	event other 5 5
	hold fcfs-dispatch other
	spawn fcfs-dispatch a 2>"$T/err"
	soon field_is a epoch 1
	kill -TERM "$pid"
	ends "$pid" 75
	same "fcfs-dispatch: kafka '$FCFS_BROKERS': asked to stop: no answer" \
		"$(cat "$T/err")"
	same '0 0' "$(field a granted) $(redis exists "$(key a lease)")"
	kill_held
	fcfs-dispatch other
	both a
	all_out a 5
	all_out other 5
}

# --- another past ----------------------------------------------------------------------------------

@test "the topics are ahead of Redis: 76, naming what is lost and the way out; nothing granted until it is back" {
	topics 2
	event a 10 8
	fcfs-dispatch a
	kept a before
	people 20 | fcfs-join a >/dev/null
	kept a joined
	fcfs-event set a --name x >/dev/null
	fcfs-dispatch a
	kept a after
	put_back a before
	people 9 q | fcfs-join a >/dev/null
	for options in '' '--every 50ms --follow'; do
		# shellcheck disable=SC2086 # words
		run -76 --separate-stderr fcfs-dispatch $options a
		same "fcfs-dispatch: event 'a': redis has lost what was published: tickets 17 of 20, grants up to 8 of 10, decisions 1 of 2: \
nothing is granted until it is restored (fcfs-archive rebuild)" "$stderr"
		same '8 8 8' "$(field a granted) $(field a cursor) $(winners_of a | jq 'select(.ticket < 9).ticket' | wc -l)"
	done
	put_back a joined # the line is whole, the grants are not
	run -76 --separate-stderr fcfs-dispatch a
	[[ $stderr == *': tickets 20 of 20, grants up to 8 of 10, decisions 1 of 2: '* ]]
	same 8 "$(field a granted)"
	same '20 10' "$(values event_requests | wc -l) $(winners_of a | wc -l)"
	put_back a after
	fcfs-event set a --stock 12 >/dev/null
	both a
	all_out a 12
	same '20 12 3' "$(published a)"
}

@test "the topic of the progress is lost: 76 and what to do, nothing is published twice; --force goes on from Redis's copy" {
	topics 2
	event a 10 8
	fcfs-dispatch a
	same '8 8 1' "$(published a)"
	kafka topics --delete --topic "${FCFS_PREFIX}fcfs_progress"
	soon topics 2
	soon fcfs-setup -q kafka >/dev/null
	for options in '' '--every 50ms --follow'; do
		# shellcheck disable=SC2086 # words
		run -76 --separate-stderr fcfs-dispatch $options a
		same "fcfs-dispatch: event 'a': topic fcfs_progress has lost how far it was published: tickets 0 of 8, grants up to 0 of 8, \
decisions 0 of 1: --force goes on from what redis knows of it" "$stderr"
		same '8 8 1' "$(published a)"
	done
	fcfs-dispatch --force a
	fcfs-dispatch a
	people 12 | fcfs-join a >/dev/null
	both a
	all_out a 10
	same '12 10 1' "$(published a)"
	same "$(seq 10)" "$(winners_of a | jq .ticket)"
	same "$(seq 12)" "$(values event_requests | jq .ticket | sort -n)"
}

@test "purged and created anew under the same name: what is left of the old one becomes dead letters, the new one is whole" {
	topics 3
	event a 10 10
	fcfs-dispatch a
	purge a
	event b 3 3
	fcfs-dispatch b
	run -65 fcfs-issue # there is no a just now
	same 10 "$(values gifticon_publish.dlq | wc -l)"
	purge b
	event b 4 6
	event a 10 15
	fcfs-dispatch a
	old=$(field a id)
	purge a
	event a 5 8
	fcfs-dispatch a b
	run -65 --separate-stderr fcfs-issue -v
	[[ $stderr == *"event 'a': in 5 = done 5 + already 0 + refused 0 + dead 0, retried 0"* ]]
	[[ $stderr == *"event 'b': in 4 = done 4 + already 0 + refused 0 + dead 0, retried 0"* ]]
	same "$(winners_of a | jq -c "select(.id == \"$old\").ticket")" "$(envelopes gifticon_publish.dlq | tail -n +11 | jq '.payload | fromjson.ticket' | sort -n)"
	same foreign "$(envelopes gifticon_publish.dlq | jq -r '.headers | .[index("error_class") + 1]' | sort -u)"
	same $'no such event\nthis event has another id' "$(envelopes gifticon_publish.dlq | jq -r '.headers | .[index("error_message") + 1]' | sort -u)"
	all_out a 5
	same '8 5 1' "$(published a)"
	id=$(field b id)
	issued_of b | jq -c "select(.id == \"$id\")" >"$T/b"
	all_issued b 4 "$T/b"
	same '6 4 1' "$(published b)"
	run -0 fcfs-issue
}

@test "purged, and created anew, under a dispatcher: it ends with that, and nothing of one goes out as the other's" {
	topics 2
	event a 10 5
	spawn fcfs-dispatch --every 50ms --follow a 2>"$T/err"
	soon field_is a published_winners 5
	purge a
	event a 10 8
	soon gone "$pid"
	status=0
	wait "$pid" || status=$?
	case $status in
	75) same "fcfs-dispatch: event 'a': another dispatcher has taken the lease: standing by
fcfs-dispatch: event 'a': it was purged, and created anew: run again" "$(cat "$T/err")" ;;
	*) same "78 fcfs-dispatch: event 'a': no such event" "$status $(cat "$T/err")" ;;
	esac
	both a || same 65 $?
	id=$(field a id)
	issued_of a | jq -c "select(.id == \"$id\")" >"$T/a"
	all_issued a 8 "$T/a"
	same "$(seq 8)" "$(winners_of a | jq "select(.id == \"$id\").ticket")"
	same '8 8 1' "$(published a)"
}

# --- deployments and properties --------------------------------------------------------------------

@test "two deployments by prefix: the same names of events, and no record crosses" {
	one=$FCFS_PREFIX two=$FCFS_PREFIX$FCFS_PREFIX
	for FCFS_PREFIX in "$one" "$two"; do
		topics 2
	done
	FCFS_PREFIX=$one event a 10 20
	FCFS_PREFIX=$two event a 12 12
	spawn env FCFS_PREFIX="$one" fcfs-issue --follow
	first=$pid
	spawn env FCFS_PREFIX="$two" fcfs-issue --follow
	for FCFS_PREFIX in "$one" "$two"; do
		fcfs-dispatch a
	done
	FCFS_PREFIX=$one soon field_is a issued 10
	FCFS_PREFIX=$two soon field_is a issued 12
	kill -TERM "$first" "$pid"
	ends "$first" 0
	ends "$pid" 0
	FCFS_PREFIX=$one all_out a 10
	FCFS_PREFIX=$two all_out a 12
	same '20 12' "$(FCFS_PREFIX=$one values event_requests | wc -l) $(FCFS_PREFIX=$two values event_requests | wc -l)"
	for FCFS_PREFIX in "$one" "$two"; do
		same '' "$(values gifticon_publish.dlq)"
		same 1 "$(for topic in gifticon_publish gifticon_issued event_log fcfs_progress; do values $topic; done | jq -r .id | sort -u | wc -l)"
	done
}

@test "properties by -X and -F, what they may not be, statistics as JSON lines, and what the brokers say with -v" {
	topics 2
	event a 5 5
	printf '# ours\nclient.id = counter\nstatistics.interval.ms=1\n' >"$T/properties"
	for tool in 'fcfs-dispatch a' fcfs-issue; do
		# shellcheck disable=SC2086 # a tool and its operand
		set -- $tool
		run -64 --separate-stderr "$1" -X no.such=1 "${@:2}"
		same "$1: -X: No such configuration property: \"no.such\"" "${stderr%%$'\n'*}"
		for name in acks transactional.id enable.idempotence isolation.level group.instance.id bootstrap.servers; do
			run -64 --separate-stderr "$1" -X $name=1 "${@:2}"
			same "$1: -X: '$name' is set by fcfs itself" "${stderr%%$'\n'*}"
		done
		run -78 "$1" -F "$T/nosuch" "${@:2}"
		run -78 "$1" -F "$T" "${@:2}"
		same "$1: properties file '$T': Is a directory" "$output"
		echo 'acks=1' >"$T/bad"
		run -78 "$1" -F "$T/bad" "${@:2}"
		same "$1: properties file '$T/bad' line 1: 'acks' is set by fcfs itself" "$output"
		run -78 "$1" --stats "$T/no/folder" "${@:2}"
		same '0 0' "$(field a granted) $(field a issued)" || [ "$1" = fcfs-issue ]
		start=$SECONDS
		run -0 --separate-stderr "$1" -v -F "$T/properties" --stats "$T/stats" -X debug=broker "${@:2}"
		[ $((SECONDS - start)) -lt 25 ]
		[[ $stderr == *"$1: kafka: CONNECTED: "* ]]
		same '["counter"]' "$(jq -sc 'map(.client_id) | unique' "$T/stats")"
		same producer "$(jq -r .type "$T/stats" | grep -m 1 producer)"
		[ "$1" = fcfs-dispatch ] || same consumer "$(jq -r .type "$T/stats" | grep -m 1 consumer)"
		rm "$T/stats"
	done
	all_out a 5
	echo 'acks=1' >"$T/bad"
	for tool in fcfs-audit fcfs-report; do
		run -64 --separate-stderr $tool -X no.such=1 a
		same "$tool: -X: No such configuration property: \"no.such\"" "${stderr%%$'\n'*}"
		run --separate-stderr $tool -F "$T/bad" a # to a report it is one more thing that it cannot tell
		[[ $stderr == "$tool: properties file '$T/bad' line 1: 'acks' is set by fcfs itself"* ]]
		run -0 --separate-stderr $tool -v -F "$T/properties" -X debug=broker a
		[[ $stderr == *"$tool: kafka: CONNECTED: "* ]]
	done
	# a transaction shorter than our answers may take
	event c 1 1
	run -0 --separate-stderr fcfs-dispatch -X transaction.timeout.ms=2000 c
	same '' "$stderr"
	# silent without -v; -X goes before the file
	event b 1 1
	run -0 fcfs-dispatch -F "$T/properties" -X client.id=mine -X statistics.interval.ms=2 --stats "$T/stats" b
	same '' "$output"
	same '["mine"]' "$(jq -sc 'map(.client_id) | unique' "$T/stats")"
}

@test "a key too large for a dead letter is cut: nobody behind it waits" {
	topics
	event e 20 20
	{
		head -c 4000000 /dev/zero | tr '\0' k
		printf '\tnot JSON\n'
	} | kcat -P -b "$FCFS_BROKERS" -t "${FCFS_PREFIX}gifticon_publish" -K $'\t' -z lz4 -X message.max.bytes=20000000
	fcfs-dispatch e
	run -65 timeout "$LIMIT" fcfs-issue
	all_out e 20
	same '65536 not JSON 8' "$(kcat -C -q -e -b "$FCFS_BROKERS" -t "${FCFS_PREFIX}gifticon_publish.dlq" \
		-f '%K %s %h\n' | sed 's/error_class=.*truncated=//')"
}
