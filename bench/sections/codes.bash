# codes.bash: a merchant's own codes, from a file into an event's pool
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash

describe() {
	series load codes/s 'fcfs-codes load, a million, from start to exit'
	series peak KiB 'most memory of fcfs-codes'
	goal peak at_most 32768
}

sizes() {
	codes=$(size 1000000)
	seq -f 'CODE-%012.0f' "$codes" >pool
}

prepare() {
	start_redis
}

round() {
	empty
	fcfs-event create bench --stock 1 --codes pool >/dev/null
	timed fcfs-codes load bench pool >/dev/null
	sample load "$(per_second "$codes")"
	sample peak "$took_kib"
	expect 'codes in the pool' "$codes" "$(redis llen 'fcfs:{bench}:codes')"
}
