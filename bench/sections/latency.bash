# latency.bash: how long from the slot to the code, when 200 people a second come and both stages follow
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash, bench/kafka.bash

describe() {
	series p50 ms 'from granted_us to issued_us of the issued records'
	series p90 ms '90 %'
	series p99 ms '99 %'
	goal p50 at_most 100
}

sizes() {
	people=$(size 2000)
}

prepare() {
	start_kafka
}

# The first person is there before the crowd: both stages are up when it comes.
round() {
	fresh latency
	fcfs-event create bench --stock $((people + 1)) >/dev/null
	fcfs-dispatch --every 10ms --follow bench &
	follow=($!)
	fcfs-issue --follow --ledger "sqlite:ledger$round.db" &
	follow+=($!)
	fcfs-join bench first >/dev/null
	until_counter issued 1
	"$tree/scripts/loadtest" --people "$people" --processes 4 --duplicates 0 --rate 200 bench >load
	until_counter issued $((people + 1))
	wait "${follow[0]}"
	kill "${follow[1]}"
	wait "${follow[1]}"
	audited bench --final --ledger "sqlite:ledger$round.db"
	read_topic gifticon_issued '%s\n' | jq -r 'select(.user != "first") | (.issued_us - .granted_us) / 1000' >ms
	expect 'issued records' "$people" "$(wc -l <ms)"
	sample p50 "$(percentile 50 <ms)"
	sample p90 "$(percentile 90 <ms)"
	sample p99 "$(percentile 99 <ms)"
}
