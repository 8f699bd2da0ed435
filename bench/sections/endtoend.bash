# endtoend.bash: everything runs, 100,000 people a second come for 20 s, 10,000 of them get a code: how long that takes
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash, bench/kafka.bash
#
# Four processes of fcfs-join, each fed by scripts/loadtest every 10 ms; fcfs-dispatch and fcfs-issue follow, through Kafka,
# with the SQLite ledger, up to 1,000 at a time; Redis has appendfsync always, and the broker has had 50,000 winners before,
# in transactions of 100. The time is from joined_us, which is Redis's, to the moment at which a reader of committed records
# has the issued record in hand (seen), and to issued_us, when the code was fixed (fixed). All 10,000 come in the first tenth
# of a second: the rest are told that it is sold out, and must not slow the winners.

describe() {
	series arrived people/s 'who came and were answered'
	series rate people/s 'who were to come'
	ratio arrived_rate arrived rate 'who came to who were to'
	series seen_p50 ms 'half of the winners had their record within'
	series seen_p99 ms '99 of 100 had'
	series seen_max ms 'all had'
	series granted_p99 ms '99 of 100 were granted within'
	series fixed_p50 ms 'half of the winners had a code within'
	series fixed_p99 ms '99 of 100 had'
	series answer_p99 ms 'a question to its answer, 99 of 100, the slowest process'
	series redis_cpu s 'CPU of redis-server meanwhile'
	series broker_cpu s 'CPU of the broker meanwhile'
	series issue_cpu s 'CPU of fcfs-issue'
	series issue_peak KiB 'most memory of fcfs-issue'
	goal arrived_rate at_least 0.95
	goal seen_p50 at_most 100
	goal seen_p99 at_most 1000
}

sizes() {
	rate=$(size 100000) for_s=20 stock=$(size 10000)
	people=$((rate * for_s))
}

prepare() {
	start_kafka
	warm_broker
}

# warm_broker: as one that has run for a while, whose JVM has compiled what it does most. It compiles what is often called,
# and is called once a request, not once a record: so many small transactions, not a few large ones.
warm_broker() {
	round=before
	fresh endtoend
	crowd "$(size 50000)"
	fcfs-dispatch --batch 100 bench
	fcfs-issue --chunk 100
}

round() {
	fresh endtoend
	rm -f ledger.db*
	fcfs-event -q create bench --stock $((stock + 1)) >/dev/null
	open
	arrive
	close
	latencies
	audited bench --final --ledger sqlite:ledger.db
}

# until_seen N: so many issued records, in committed transactions
until_seen() {
	local deadline=$((SECONDS + 60))
	until [ "$(wc -l <seen)" -ge "$1" ]; do
		[ $SECONDS -lt $deadline ] || fail "$(wc -l <seen) issued records, not $1, in 60 s" 75
		sleep 0.05
	done
}

# open: all run, and the first person has been through
open() {
	: >seen
	kcat -q -C -u -b "$brokers" -X isolation.level=read_committed -t "${FCFS_PREFIX}gifticon_issued" -o beginning \
		-f '%s\n' > >(exec perl -MTime::HiRes=time -ne 'BEGIN { $| = 1 } printf "%d %s", time * 1e6, $_' >seen) &
	reader=$!
	fcfs-dispatch --every 10ms --follow bench &
	dispatch=$!
	fcfs-issue --follow --chunk 1000 --ledger sqlite:ledger.db &
	issue=$!
	fcfs-join -q bench first >/dev/null
	until_seen 1
}

arrive() {
	local redis_us broker_us
	redis_us=$(server_cpu_us redis) broker_us=$(server_cpu_us kafka-1)
	"$tree/scripts/loadtest" --people "$people" --processes 4 --duplicates 0 --rate "$rate" bench >load ||
		fail "loadtest: $(tail -n 1 load)" 1
	until_seen $((stock + 1))
	sample redis_cpu "$(seconds $(($(server_cpu_us redis) - redis_us)))"
	sample broker_cpu "$(seconds $(($(server_cpu_us kafka-1) - broker_us)))"
	sample rate "$rate"
	sample arrived "$(awk '$1 == "requests_per_s" { print $2 }' load)"
	sample answer_p99 "$(sed -n 's/^latency_us.* p99 <= \([0-9]*\).*/\1/p' load | milliseconds 100)"
	expect "answers 'joined'" "$stock" "$(awk '$1 == "joined" { print $2 }' load)"
	expect "answers 'soldout'" $((people - stock)) "$(awk '$1 == "soldout" { print $2 }' load)"
}

close() {
	wait "$dispatch" # the stock is issued: it has ended
	sample issue_cpu "$(seconds "$(cpu_us "$issue")")"
	sample issue_peak "$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$issue/status")"
	kill "$issue" "$reader"
	wait "$issue"
	wait "$reader" || :
}

seconds() {
	awk -v us="$1" 'BEGIN { printf "%.2f", us / 1e6 }'
}

# milliseconds P: that percentile of the microseconds on stdin
milliseconds() {
	percentile "$1" | awk '{ printf "%.1f", $1 / 1000 }'
}

latencies() {
	grep -v '"user":"first"' seen >winners
	expect 'issued records' "$stock" "$(cut -d ' ' -f 2- winners | sort -u | wc -l)"
	sed -E 's/^([0-9]*) .*"joined_us":([0-9]*),"granted_us":([0-9]*),"issued_us":([0-9]*).*/\1 \2 \3 \4/' winners |
		awk '{ print $1 - $2 >"seen_us"; print $3 - $2 >"granted_us"; print $4 - $2 >"fixed_us" }'
	sample seen_p50 "$(milliseconds 50 <seen_us)"
	sample seen_p99 "$(milliseconds 99 <seen_us)"
	sample seen_max "$(milliseconds 100 <seen_us)"
	sample granted_p99 "$(milliseconds 99 <granted_us)"
	sample fixed_p50 "$(milliseconds 50 <fixed_us)"
	sample fixed_p99 "$(milliseconds 99 <fixed_us)"
}
