# joins.bash: as many people as can be, from a file, into one event; the peers are plain ZADDs, without a rule or an answer
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash
#
# fcfs-join is timed from start to exit and writes its answers to a file; redis-benchmark tells its own rate. Its scores are
# random, as those of its -t zadd (one score for all is slower, and it cannot count up); so are its members: some 40 of
# 400,000 come twice, which spares it their insertion.

describe() {
	series always people/s 'fcfs-join, one process, appendfsync always'
	series zadd_c1 ZADD/s 'redis-benchmark -c 1 -P 100 ZADD, appendfsync always'
	series zadd_c50 ZADD/s 'redis-benchmark -c 50 -P 100 ZADD, appendfsync always'
	series ceiling members/s 'ZADD NX of 500 at a time, nothing else, appendfsync always'
	series already people/s 'fcfs-join, all are in line already'
	series soldout people/s 'fcfs-join, nobody can win any more'
	series eight people/s 'eight fcfs-join at a time, each an eighth of the people'
	series memory people/s 'fcfs-join, no log'
	series memory_zadd_c1 ZADD/s 'redis-benchmark -c 1 -P 100 ZADD, no log'
	series memory_ceiling members/s 'ZADD NX of 500 at a time, nothing else, no log'
	series peak KiB 'most memory of fcfs-join'
	ratio always_c1 always zadd_c1 'to redis-benchmark -c 1'
	ratio always_c50 always zadd_c50 'to redis-benchmark -c 50'
	ratio always_ceiling always ceiling 'to what Redis itself can do'
	ratio memory_c1 memory memory_zadd_c1 'to redis-benchmark -c 1, no log'
	ratio memory_to_ceiling memory memory_ceiling 'to what Redis itself can do, no log'
	ratio already_always already always 'already in line to entering'
	ratio soldout_always soldout always 'sold out to entering'
	ratio eight_always eight always 'eight processes to one'
	goal always_c1 at_least 1.5
	goal always_c50 at_least 1.0
	goal always_ceiling at_least 0.5
	goal memory_c1 at_least 1.3
	goal memory_to_ceiling at_least 0.5
	goal already_always at_least 1.5
	goal soldout_always at_least 2
	goal eight_always at_least 0.9
	goal peak at_most 32768
}

sizes() {
	people=$(size 400000)
	rm -f ids.*
	names "$people" | shuf --random-source=<(yes) >ids
	split -n l/8 -d -a 1 ids ids.
}

prepare() {
	start_redis
}

round() {
	log yes
	turns zadd_c1 always_and_already zadd_c50 ceiling soldout eight
	log no
	turns memory_zadd_c1 memory memory_ceiling
}

# --- ours ----------------------------------------------------------------------------------------

# event STOCK: on an empty server
event() {
	empty
	fcfs-event -q create bench --stock "$1" >/dev/null
}


# all STATUS: every one has that answer, and there is a line of them
all() {
	expect "answers '$1'" "$people" "$(cat answers* | grep -c "^$1")"
	expect 'people in line' "$people" "$(redis zcard 'fcfs:{bench}:line')"
}

entering() {
	rm -f answers*
	event "$people"
	timed fcfs-join -q bench <ids >answers
	all joined
}

always_and_already() {
	entering
	sample always "$(per_second "$people")"
	sample peak "$took_kib"
	timed fcfs-join bench <ids >answers
	sample already "$(per_second "$people")"
	all already
	audited bench
}

memory() {
	entering
	sample memory "$(per_second "$people")"
	audited bench
}

soldout() {
	rm -f answers*
	event 1
	timed fcfs-join bench <ids >answers
	sample soldout "$(per_second "$people")"
	expect "answers 'soldout'" $((people - 1)) "$(grep -c ^soldout answers)"
	audited bench
}

eight() {
	rm -f answers*
	event "$people"
	# shellcheck disable=SC2016 # for the inner shell
	timed bash -c 'for k in {0..7}; do fcfs-join bench <ids.$k >answers.$k & pids+=($!); done
		for pid in ${pids[@]}; do wait $pid || exit; done'
	sample eight "$(per_second "$people")"
	all joined
	audited bench
}

# --- the peers -----------------------------------------------------------------------------------

# zadd NAME CONNECTIONS
zadd() {
	empty
	redis-benchmark -p "$port" -c "$2" -P 100 -n "$people" -r 2000000000 -q \
		ZADD zadd __rand_int__ aaaaaaaa-bbbb-4ccc-8ddd-__rand_int__ >said
	sample "$1" "$(tr '\r' '\n' <said | sed -n 's/.*: \([0-9]*\)[0-9.]* requests per second.*/\1/p')"
	expect "$1: 999 of 1000 members" yes "$([ "$(redis zcard zadd)" -lt $((people * 999 / 1000)) ] || echo yes)"
}

zadd_c1() {
	zadd zadd_c1 1
}

zadd_c50() {
	zadd zadd_c50 50
}

memory_zadd_c1() {
	zadd memory_zadd_c1 1
}

# bare NAME
bare() {
	empty
	timed ceiling "$port" zadd 500 <ids
	sample "$1" "$(per_second "$people")"
	expect "$1: members" "$people" "$(redis zcard zadd)"
}

ceiling() {
	bare ceiling
}

memory_ceiling() {
	bare memory_ceiling
}
