# lib.bash - what the sections of scripts/bench share.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set here is read by the sections; tree, section are bench/run's
#
# A section is a file bench/sections/NAME.bash. Its first lines say what it measures, '# NAME.bash: ...': --list prints that.
# It sets nothing up when it is read; it has these functions, called in this order, in a folder of its own, $work:
#
#   describe   what it measures, and its goals, in the order of the table:
#                series NAME UNIT TEXT          numbers, one a round
#                ratio NAME SERIES SERIES TEXT  of two of them, round by round: first through second
#                goal NAME at_least|at_most N   of a series' or a ratio's median
#   prepare    starts its servers (start_redis, start_kafka: they are stopped for it, and what it has in the background is
#              killed), or calls 'skip WHY'; 'named_only' if it takes so long that it is measured only when it is named;
#              'rounds_at_most N' if fewer will do; 'once' if one will, and nothing need be warm
#   sizes      sets how much is measured: people=$(size 400000) is that, or less when it warms up or --scale is given
#   round N    measures each side once, and checks that nothing was lost. N is 0 while it warms up, then 1, 2, ...
#                turns A B ...                  calls these functions, in odd rounds in this order, in even ones backwards
#                timed COMMAND                  runs it: sets took_us, took_cpu_us, took_kib (the most memory it had)
#                sample NAME VALUE              one number of a series
#                expect WHAT WANT GOT           of counts; audited EVENT: by fcfs-audit. What differs is a loss.
#
# Ours and the peer get the same input, an empty server each, and as much durability; what one is spared, the other is, too.

work='' scale=$BENCH_SCALE round=0 warm=yes

# --- what is noted -------------------------------------------------------------------------------

# note KIND FIELD...: a line for bench/results.jq
note() {
	local kind=$1 IFS=$'\t'
	shift
	printf '%s\t%s\t%s\n' "$kind" "$section" "$*" >>"$BENCH_SAMPLES"
}

series() {
	note series "$@"
}

ratio() {
	note ratio "$@"
}

goal() {
	note goal "$@"
}

sample() {
	[[ $2 =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "$1: '$2' is not a number" 76
	[ "$round" -eq 0 ] || note sample "$1" "$round" "$2"
	said+="  $1 $2"
}

lost() {
	note lost "round $round: $1"
	said+="  LOST: $1"
}

# skip WHY: this section is not measured
skip() {
	note skipped "$1"
	exit 0
}

named_only() {
	[ -z "$BENCH_ALL" ] || skip 'it takes long, and is measured when it is named'
}

rounds_at_most() {
	[ "$BENCH_PAIRS" -le "$1" ] || BENCH_PAIRS=$1
}

once() {
	rounds_at_most 1
	warm=''
}

fail() {
	printf 'bench: %s: %s\n' "$section" "$1" >&2
	exit "${2:-71}"
}

# --- rounds --------------------------------------------------------------------------------------

# size N: as much of it as is asked for, at least 1
size() {
	awk -v n="$1" -v scale="$scale" 'BEGIN { n = int(n * scale); print n < 1 ? 1 : n }'
}

# one_round N
one_round() {
	round=$1 said=''
	round "$1"
	printf '%s %s of %s:%s\n' "$section" "$1" "$BENCH_PAIRS" "$said" >&2
}

warm_up() {
	scale=$(awk -v scale="$scale" 'BEGIN { print scale / 10 }')
	sizes
	one_round 0
	scale=$BENCH_SCALE
}

rounds() {
	local n
	prepare
	[ -z "$warm" ] || warm_up
	sizes
	for ((n = 1; n <= BENCH_PAIRS; n++)); do
		one_round "$n"
	done
}

# turns FUNCTION...
turns() {
	local k
	if [ $((round % 2)) -eq 1 ]; then
		for ((k = 1; k <= $#; k++)); do
			"${!k}"
		done
	else
		for ((k = $#; k >= 1; k--)); do
			"${!k}"
		done
	fi
}

# timed COMMAND...: its time from start to exit; ends the section if it fails
timed() {
	local status=0
	launch took "$@" || status=$?
	[ $status -eq 0 ] || fail "$1 ended with status $status" $status
	read -r took_us took_cpu_us took_kib _ <took
}

# per_second N [US]: N in the time that was taken
per_second() {
	echo $(($1 * 1000000 / ${2:-$took_us}))
}

# percentile P [COLUMN] <NUMBERS: the nearest rank
percentile() {
	awk -v column="${2:-1}" '{ print $column }' | sort -n | awk -v p="$1" '{ number[NR] = $1 } END {
		rank = int(p * NR / 100)
		print number[(rank < p * NR / 100) ? rank + 1 : rank]
	}'
}

# --- that nothing was lost -----------------------------------------------------------------------

# expect WHAT WANT GOT
expect() {
	[ "$2" = "$3" ] || lost "$1: $3, not $2"
}

# audited EVENT [OPTION...]: no promise is broken
audited() {
	local status=0
	fcfs-audit -q "${@:2}" "$1" >audit || status=$?
	case $status in
	0) ;;
	1) lost "audit: $(head -n 1 audit | tr '\t' ' ')" ;;
	*) fail "fcfs-audit ended with status $status" $status ;;
	esac
}

# --- servers and input ---------------------------------------------------------------------------

# start_redis: with the shipped redis.conf
start_redis() {
	start_servers --brokers 0
}

# A log that is rewritten in the middle of a measurement would be one side's bad luck.
start_servers() {
	local environment
	environment=$(FCFS_REDIS_SERVER_ARGS='--auto-aof-rewrite-percentage 0' "$tree/scripts/servers" start "$@" servers)
	eval "$environment"
	port=${FCFS_REDIS##*:}
}

# log yes|no: whether it keeps one. It starts with one, and appendfsync always.
log() {
	redis config set appendonly "$1" >/dev/null
}

redis() {
	redis-cli -u "$FCFS_REDIS" "$@"
}

# used_memory: of Redis, in bytes
used_memory() {
	redis info memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p'
}

# cpu_us PID: what a process and its threads, also those that have ended, have used; the kernel counts in steps of 10 ms
cpu_us() {
	awk '{ print ($14 + $15) * 10000 }' "/proc/$1/stat"
}

# server_cpu_us redis|kafka-1
server_cpu_us() {
	cpu_us "$(cat "servers/$1/pid")"
}

# empty: nobody pays for another's data or log
empty() {
	local deadline=$((SECONDS + 30))
	redis flushall >/dev/null
	redis bgrewriteaof >/dev/null
	until [ "$(redis info persistence | grep -cE '^aof_rewrite_(in_progress|scheduled):0')" -eq 2 ]; do
		[ $SECONDS -lt $deadline ] || fail 'the log is not rewritten in 30 s' 75
		sleep 0.05
	done
}

# names N [LETTER]: each of 36 bytes, beginning with it
names() {
	seq -f "${2:-a}aaaaaaa-bbbb-4ccc-8ddd-%012.0f" "$1"
}

cleanup() {
	local status=$? pid
	trap '' INT TERM HUP
	for pid in $(jobs -p); do
		kill -KILL "$pid" 2>/dev/null || :
	done
	[ -z "$work" ] || {
		cd /
		[ ! -d "$work/servers" ] || "$tree/scripts/servers" stop "$work/servers" || :
		rm -rf "$work"
	}
	[ $status -eq 0 ] || note broken "$status"
}
