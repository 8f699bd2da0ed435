# issue.bash: winners become codes, in Redis, in an SQLite ledger and as records, through Kafka and in a pipe
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash, bench/kafka.bash

describe() {
	series chunk_100 codes/s 'Kafka to Kafka, --chunk 100, from start to exit'
	series reported_100 codes/s 'the same between the first code and the last'
	series chunk_1000 codes/s 'Kafka to Kafka, --chunk 1000, the most, from start to exit'
	series reported_1000 codes/s 'the same between the first code and the last'
	series pipe_100 codes/s 'pipe to pipe, --chunk 100, from start to exit'
	series pipe_1000 codes/s 'pipe to pipe, --chunk 1000, from start to exit'
	series peak KiB 'most memory of fcfs-issue'
	ratio pipe_kafka_100 pipe_100 chunk_100 'pipe to Kafka'
	ratio pipe_kafka_1000 pipe_1000 chunk_1000 'pipe to Kafka'
	goal chunk_100 at_least 10000
	goal chunk_1000 at_least 30000
	goal pipe_kafka_100 at_least 1.0
	goal pipe_kafka_1000 at_least 1.0
	goal peak at_most 32768
}

sizes() {
	few=$(size 50000)
	many=$(size 100000)
}

prepare() {
	start_kafka
}

round() {
	turns chunk_100 pipe_100 chunk_1000 pipe_1000
}

# kafka NAME CHUNK N
kafka() {
	fresh "$1"
	crowd "$3"
	fcfs-dispatch bench
	rm -f ledger.db*
	timed fcfs-issue --chunk "$2" --ledger sqlite:ledger.db
	sample "$1" "$(per_second "$3")"
	issued "$3"
}

# issued N: no winner is without a code, and nobody has two
issued() {
	expect 'codes in the ledger' "$1" "$(sqlite3 ledger.db 'select count(distinct code) from issued')"
	audited bench --final --ledger sqlite:ledger.db
}

chunk_100() {
	kafka chunk_100 100 "$few"
	sample reported_100 "$(reported)"
}

chunk_1000() {
	kafka chunk_1000 1000 "$many"
	sample reported_1000 "$(reported)"
	sample peak "$took_kib"
}

# in_pipe NAME CHUNK N
in_pipe() {
	fresh_pipe "$1"
	crowd "$3"
	fcfs-dispatch bench >winners
	rm -f ledger.db*
	timed fcfs-issue --chunk "$2" --ledger sqlite:ledger.db <winners >codes
	sample "$1" "$(per_second "$3")"
	expect 'codes in the pipe' "$3" "$(sort -u codes | wc -l)"
	issued "$3"
}

pipe_100() {
	in_pipe pipe_100 100 "$few"
}

pipe_1000() {
	in_pipe pipe_1000 1000 "$many"
}
