# demo-kafka.bash - scripts/demo's part that goes through Kafka: a dispatcher and an issuer that follow, and kcat as a
# witness, which knows nothing of fcfs.
# shellcheck shell=bash disable=SC2154 # the variables are the demo's
# shellcheck disable=SC2016 # what stands in single quotes is shown first, then evaluated

topics=(event_requests gifticon_publish gifticon_issued)

# of_kafka FIELD: of the event in Redis
of_kafka() {
	redis-cli -u "$FCFS_REDIS" hget 'fcfs:{chicken-kafka}:event' "$1"
}

# until_granted N
until_granted() {
	local deadline=$((SECONDS + 30))
	until [ "$(of_kafka granted)" -ge "$1" ]; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.02
	done
}

# see TOPIC: what kcat reads of it in committed transactions: partition, key, headers, value
see() {
	kcat -q -C -b "$FCFS_BROKERS" -X isolation.level=read_committed -X fetch.wait.max.ms=10 \
		-t "$1" -o beginning -e -f '%p\t%k\t%h\t%s\n'
}

# until_seen EVENT N: its winners; a transaction's records show a moment after its writer has ended
until_seen() {
	local deadline=$((SECONDS + 30))
	until [ "$(see gifticon_publish | grep -c "event=$1,")" -ge "$2" ]; do
		[ $SECONDS -lt $deadline ] || return 1
	done
}

kafka_crash() {
	section '8. Through Kafka: two services, and fcfs-issue is killed half way'
	say 'Both follow: fcfs-dispatch writes ten winners every 100 ms, fcfs-issue gives them codes as they come.'
	show 'fcfs-dispatch --batch 10 --every 100ms --follow chicken-kafka &'
	eval "$shown"
	dispatcher=$!
	show 'fcfs-issue --follow --ledger "sqlite:$D/kafka/ledger.db" &'
	eval "$shown"
	issuer=$!
	half_way of_kafka issued
	see gifticon_issued >"$D/kafka/before"
	printed[kafka]=$(wc -l <"$D/kafka/before")
	say "${printed[kafka]} of $stock codes are out, as kcat sees them in gifticon_issued. fcfs-dispatch goes on."
}

kafka_leave() {
	until_granted "$stock"
	section '9. A winner gives the place back'
	say "${leaver[kafka]} has ticket $gives_back and no code yet; ${next[kafka]} is the first on standby."
	run "fcfs-leave chicken-kafka ${leaver[kafka]}"
	until_granted $((stock + 1))
	say '' 'fcfs-dispatch has seen it, and the next in line wins:'
	run "fcfs-rank chicken-kafka ${leaver[kafka]} ${next[kafka]}"
}

kafka_resume() {
	say '' 'The same command again resumes. fcfs-dispatch ends by itself when the stock is issued; we end fcfs-issue.'
	show 'fcfs-issue -v --follow --ledger "sqlite:$D/kafka/ledger.db" &'
	eval "$shown"
	issuer=$!
	show "wait $dispatcher; kill $issuer"
	wait "$dispatcher"
	dispatcher=''
	kill "$issuer"
	wait "$issuer"
	issuer=''
	run "fcfs-rank chicken-kafka ${last[kafka]} ${leaver[kafka]} ${next[kafka]}"
}

# compression TOPIC: of its first batches, as they are on the broker's disk: what three bits of their attributes say
compression() {
	local file names=(none gzip snappy lz4 zstd)
	for file in "$D/kafka-1/data/$1"-[0-9]*/00000000000000000000.log; do
		[ ! -s "$file" ] || echo "${names[$(od -An -tu1 -j 22 -N 1 "$file") & 7]}"
	done | sort -u | paste -sd ,
}

# column TOPIC N: of what kcat saw, how many different there are
column() {
	cut -f "$2" "$D/kafka/$1" | sort -u | wc -l
}

witness() {
	local topic
	section '10. A witness'
	say 'kcat reads what is in committed transactions. It knows nothing of fcfs.'
	show 'for topic in event_requests gifticon_publish gifticon_issued; do
    kcat -q -C -b "$FCFS_BROKERS" -X isolation.level=read_committed \
        -t $topic -o beginning -e -f "%p\t%k\t%h\t%s\n" >"$D/kafka/$topic"
done'
	printf '%-18s %8s %8s %11s   %s\n' topic records people partitions compression
	for topic in "${topics[@]}"; do
		see "$topic" >"$D/kafka/$topic"
		printf '%-18s %8d %8d %11d   %s\n' "$topic" "$(wc -l <"$D/kafka/$topic")" "$(column "$topic" 2)" \
			"$(column "$topic" 1)" "$(compression "$topic")"
	done
	say '' 'One winner, of whom the topics hold (partition, key, headers, value):'
	run "grep -hw ${next[kafka]} \"\$D/kafka\"/{event_requests,gifticon_publish,gifticon_issued}" 2
	issued "$D/kafka/gifticon_issued" | moved_up kafka
}

group() {
	say '' "Kafka's own tool, of how far the issuers have read:"
	show 'scripts/kafka consumer-groups --bootstrap-server "$FCFS_BROKERS" --describe --group fcfs-issue'
	eval "$shown" 2>/dev/null | sed '/^$/d' | cut -c 1-79 | sed 's/ *$//' | tee "$D/kafka/group"
}
