# spring.bash: the source design, built in Spring, on the same servers: joins, and codes from Kafka to Kafka
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash, bench/kafka.bash
#
# --peer is its folder, with target/seed-spring.jar, or it is built in a copy. Nothing of it is in this tree. It is measured
# by itself, inside its JVM, without its start: of codes ours is told in the same way, between the first and the last, and from
# start to exit beside it; of joins ours has its start in it. Joins: 64 threads, either in a fresh JVM, as its own bench has
# it (20,000 joins before), or in one that has done 200,000. Without a log on both sides, unless it is said; with one, both
# have appendfsync always. Codes: chunk 100 is written into its job; it keeps them in a file of H2, which does not sync,
# and no Redis takes part; ours has the SQLite ledger, which does, and Redis with its log. Its last poll, for nothing, is
# taken off its time.

describe() {
	series fresh people/s 'the peer, fresh JVM, appendfsync always'
	series warm people/s 'the peer, warm JVM, no log'
	series always people/s 'fcfs-join, one process, appendfsync always'
	series memory people/s 'fcfs-join, one process, no log'
	series issued codes/s 'the peer, warm JVM, chunk 100'
	series issue_100 codes/s 'fcfs-issue --chunk 100, without its start'
	series issue_best codes/s 'fcfs-issue --chunk 1000, without its start'
	series whole_100 codes/s 'fcfs-issue --chunk 100, from start to exit'
	series whole_best codes/s 'fcfs-issue --chunk 1000, from start to exit'
	series peer_peak KiB 'most memory of the peer while it issues'
	series issue_peak KiB 'most memory of fcfs-issue'
	ratio always_fresh always fresh 'joins to the fresh peer, both appendfsync always'
	ratio memory_warm memory warm 'joins to the warm peer, both without a log'
	ratio always_warm always warm 'joins with appendfsync always to the warm peer without a log'
	ratio issue_equal issue_100 issued 'codes at its chunk to the warm peer'
	ratio issue_at_best issue_best issued 'codes at our best chunk to the warm peer'
	ratio whole_equal whole_100 issued 'codes at its chunk, our start in it, to the warm peer without'
	ratio whole_at_best whole_best issued 'codes at our best chunk, our start in it, to the warm peer without'
	goal always_fresh at_least 40
	goal memory_warm at_least 25
	goal issue_equal at_least 5
	goal issue_at_best at_least 8
}

sizes() {
	people=$(size 400000) # of ours
	joins=$(size 40000) threads=64 joins_before=$(size 200000)
	few=$(size 50000) many=$(size 100000) # codes of ours
	codes=$(size 20000) codes_before=$(size 100000)
	names "$people" >ids
}

prepare() {
	[ -n "$BENCH_PEER" ] || skip 'no --peer was given'
	build
	start_kafka
}

build() {
	jar=$BENCH_PEER/target/seed-spring.jar
	[ ! -f "$jar" ] || return 0
	command -v mvn >/dev/null || fail 'no mvn, which builds the peer' 69
	cp -r "$BENCH_PEER" peer
	chmod -R u+w peer
	mvn -q -B -f peer/pom.xml package >build.log 2>&1 || fail "mvn: $(tail -n 1 build.log)" 71
	jar=$work/peer/target/seed-spring.jar
}

round() {
	turns peer_fresh always
	turns peer_warm memory
	turns peer_issues issue_100 issue_best
}

# --- the peer ------------------------------------------------------------------------------------

# peer OPTION...: its last line of figures is in peer.out
peer() {
	rm -rf peer.run
	timed java -Xmx512m -jar "$jar" --peer.dir="$work/peer.run" --spring.data.redis.port="$port" \
		--spring.kafka.bootstrap-servers="$brokers" --logging.level.root=ERROR \
		--logging.level.peer.seed.PeerApplication=ERROR "$@" >peer.out 2>peer.err
}

# figure NAME: the median of its rounds
figure() {
	sed -n "s/.* $1=\([0-9]*\).*/\1/p" peer.out | sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }'
}

# peer_joins JOINS_BEFORE ROUNDS
peer_joins() {
	empty
	peer --bench.join="$joins" --bench.threads="$threads" --bench.warmup="$1" --bench.rounds="$2"
	expect 'people in line of the peer' "$joins" "$(figure zcard)"
	expect 'errors of the peer' 0 "$(figure errors)"
}

peer_fresh() {
	log yes
	peer_joins $((joins / 2)) 1
	sample fresh "$(figure joins_per_s)"
}

peer_warm() {
	log no
	peer_joins "$joins_before" 3
	sample warm "$(figure joins_per_s)"
}

peer_issues() {
	peer --bench.issue="$codes" --bench.warmup="$codes_before" --bench.rounds=3 --peer.batch.poll-timeout-ms=1000
	expect 'codes of the peer' "$codes" "$(figure gifticon_issued)"
	sample issued "$(figure winners_per_s_without_the_last_empty_poll)"
	sample peer_peak "$took_kib"
}

# --- ours ----------------------------------------------------------------------------------------

join() {
	export FCFS_BROKERS=
	empty
	fcfs-event -q create bench --stock "$people" >/dev/null
	timed fcfs-join -q bench <ids >answers
	expect "answers 'joined'" "$people" "$(grep -c ^joined answers)"
	audited bench
}

always() {
	log yes
	join
	sample always "$(per_second "$people")"
}

memory() {
	log no
	join
	sample memory "$(per_second "$people")"
}

# issue NAME CHUNK N
issue() {
	log yes
	fresh "spring$2"
	crowd "$3"
	fcfs-dispatch bench
	rm -f ledger.db*
	timed fcfs-issue --chunk "$2" --ledger sqlite:ledger.db
	sample "issue_$1" "$(reported)"
	sample "whole_$1" "$(per_second "$3")"
	expect 'codes' "$3" "$(sqlite3 ledger.db 'select count(distinct code) from issued')"
	audited bench --final --ledger sqlite:ledger.db
}

issue_100() {
	issue 100 100 "$few"
	sample issue_peak "$took_kib"
}

issue_best() {
	issue best 1000 "$many"
}
