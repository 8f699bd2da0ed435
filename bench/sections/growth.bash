# growth.bash: 10,000, 100,000, 1 and 10 million people in line: what one costs, in time, CPU and memory
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash
#
# One process of fcfs-join reads a file, appendfsync always, as in the section joins. Of the small sizes there are as many
# events as it takes to see something. CPU is that of fcfs-join and of redis-server together. Memory is how much used_memory
# grew, once the table of the line has been rehashed (asking for everybody's rank does that), beside a bare ZADD of
# the same people into a key. A sorted set's table has a power of two of slots, 8 to 16 bytes a person: of 1 million each takes
# 141 bytes and a fraction, of 10 million 147, and less than the bare one a line cannot take.

describe() {
	local size
	for size in 10k 100k 1m 10m; do
		series "time_$size" us "time a join, $size people"
		series "cpu_$size" us "CPU a join, $size people"
		series "line_$size" bytes "a person in line, of $size"
	done
	series zadd_1m bytes 'a member of a bare ZADD, of 1m'
	series zadd_10m bytes 'a member of a bare ZADD, of 10m'
	series soldout bytes 'what 1 million who find it sold out leave behind, all together'
	ratio time_growth time_10m time_10k 'time a join, 10m people to 10k'
	ratio cpu_growth cpu_10m cpu_10k 'CPU a join, 10m people to 10k'
	ratio line_zadd_1m line_1m zadd_1m 'a person to a member, 1m'
	ratio line_zadd_10m line_10m zadd_10m 'a person to a member, 10m'
	goal time_growth at_most 1.6
	goal cpu_growth at_most 1.6
	goal line_1m at_most 142
	goal line_zadd_1m at_most 1.01
	goal line_zadd_10m at_most 1.01
	goal soldout at_most 16384
}

sizes() {
	enough=$(size 200000)
	rm -f ids.*
	ids 10k 10000
	ids 100k 100000
	ids 1m 1000000
	ids 10m 10000000
}

# ids NAME N
ids() {
	names "$(size "$2")" >"ids.$1"
}

prepare() {
	rounds_at_most 2
	start_redis
}

round() {
	local size
	for size in 10k 100k 1m 10m; do
		joins $size "$(wc -l <ids.$size)"
	done
	turns zadd_1m zadd_10m
	sold_out
}

# joins SIZE PEOPLE
joins() {
	local events=$(((enough + $2 - 1) / $2)) k all time_us=0 cpu_us=0 before cpu_before
	all=$((events * $2))
	empty
	before=$(used_memory)
	for ((k = 1; k <= events; k++)); do
		fcfs-event -q create "bench$k" --stock "$2" >/dev/null
		cpu_before=$(server_cpu_us redis)
		timed fcfs-join -q "bench$k" <"ids.$1" >answers
		time_us=$((time_us + took_us)) cpu_us=$((cpu_us + took_cpu_us + $(server_cpu_us redis) - cpu_before))
		expect "tickets, $1" "$2" "$(awk '$1 == "joined" && $3 == NR' answers | wc -l)"
		fcfs-join -q "bench$k" <"ids.$1" >answers
		expect "answers 'already', $1" "$2" "$(grep -c ^already answers)"
		fcfs-rank -q "bench$k" <"ids.$1" >answers
		expect "people in line, $1" "$2" "$(grep -c ^waiting answers)"
	done
	sample "time_$1" "$(each $time_us $all)"
	sample "cpu_$1" "$(each $cpu_us $all)"
	sample "line_$1" "$(each $(($(used_memory) - before)) $all)"
	[ "$2" -gt 1000000 ] || audited bench1
}

# each SUM N
each() {
	awk -v sum="$1" -v n="$2" 'BEGIN { printf "%.3f", sum / n }'
}

# zadd SIZE: a bare one; it asks for all of them again, too
zadd() {
	local before people
	people=$(wc -l <"ids.$1")
	empty
	before=$(used_memory)
	ceiling "$port" zadd 500 <"ids.$1"
	ceiling "$port" zadd 500 <"ids.$1" || expect 'new members, or status' 65 $?
	sample "zadd_$1" "$(each $(($(used_memory) - before)) "$people")"
	expect "members, $1" "$people" "$(redis zcard zadd)"
}

zadd_1m() {
	zadd 1m
}

zadd_10m() {
	zadd 10m
}

sold_out() {
	local before
	empty
	fcfs-event -q create bench --stock 1 >/dev/null
	fcfs-join -q bench first second >/dev/null
	before=$(used_memory)
	fcfs-join -q bench <ids.1m >answers
	sample soldout $(($(used_memory) - before))
	expect "answers 'soldout'" "$(wc -l <ids.1m)" "$(grep -c ^soldout answers)"
	audited bench
}
