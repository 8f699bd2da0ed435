# world.bash - what all cells share: the tests' helpers without bats, a cell's servers and their end, what was told to whom.
# Sourced by run in a shell of the cell's own, with T, the cell's folder, and FAULTS, this one.
# shellcheck shell=bash disable=SC2034,SC2154 # T and FAULTS are run's

bats_require_minimum_version() {
	:
}

BATS_FILE_TMPDIR=$T BATS_TEST_TMPDIR=$T BATS_TEST_NUMBER=1
for part in helper flow kafka strike kill deliver; do
	# shellcheck disable=SC1090 # those of tests/
	. "$FAULTS/../$part.bash"
done
exec 3>>"$T/log" # where the helpers talk to bats

# A cell lasts long enough for the number of a process that has ended to be given to somebody else's: ours are known by
# when they began, too, and no other is taken for one, let alone killed. In place of those in flow.bash.
declare -gA began=()

# beginning PID: sets began_at to when it did, or to nothing
beginning() {
	local stat
	began_at=''
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
	read -ra stat <<<"${stat##*) }"
	began_at=${stat[19]}
}

spawn() {
	"$@" 3>&- &
	pid=$!
	beginning $pid
	began[$pid]=$began_at
}

gone() {
	beginning "$1"
	[ -z "$began_at" ] || [ "$began_at" != "${began[$1]-}" ]
}

reap() {
	local one
	for one in "${!began[@]}"; do
		gone "$one" || kill -9 "$one" || :
	done
}

LIMIT=60 # a whole machine's work goes on beside it

# Sessions and transactions that end within seconds, for who waits for those of the dead.
SHORT=(-X session.timeout.ms=3000 -X heartbeat.interval.ms=500 -X transaction.timeout.ms=5000 -X socket.timeout.ms=4000)

# world [BROKERS]: the cell's servers, and its namespace
world() {
	servers_start --brokers "${1:-0}"
	namespace
	[ "${1:-0}" -eq 0 ] || topics 2
}

# world_ends: whatever happened
world_ends() {
	[ -z "${SERVERS-}" ] || {
		reap
		servers_stop
	}
}

# fresh EVENT STOCK PEOPLE [OPTION...]: an event, and a folder of what is told of it: $T/EVENT
fresh() {
	mkdir -p "$T/$1"
	event "$@"
}

# whole FILE: its lines, without a last one that was cut off
whole() {
	if [ -z "$(tail -c 1 "$1")" ]; then
		cat "$1"
	else
		sed '$d' "$1"
	fi
}

# told EVENT PEOPLE COMMAND...: a stream of fcfs-join over these people (a file), and what it answers is kept; its status
told() {
	local status=0
	"${@:3}" fcfs-join "$1" <"$2" >"$T/told" || status=$?
	whole "$T/told" | awk -v OFS='\t' 'NR == FNR { at[$1] = NR; next } { print at[$2], at[$2], $0 }' "$2" - >>"$T/$1/answers"
	return $status
}

# leaves EVENT COMMAND...: fcfs-leave over the people on stdin; the same
leaves() {
	local status=0
	"${@:2}" fcfs-leave "$1" >"$T/left" || status=$?
	whole "$T/left" >>"$T/$1/leaves"
	return $status
}

# out EVENT FILE...: what fcfs-issue has written, as its reader sees it
out() {
	local file
	for file in "${@:2}"; do
		whole "$file" >>"$T/$1/out"
	done
}

# well COMMAND...: as 0 and 1, done and nothing to do, are the ends of a dispatch
well() {
	"$@" || [ $? -eq 1 ]
}

# issue EVENT [OPTION...]: what stands on stdin, with the event's ledger, if it has one; its reader has what is written
issue() {
	local status=0 ledger=()
	[ ! -e "$T/$1/ledger" ] || ledger=(--ledger "sqlite:$T/$1/ledger")
	timeout "$LIMIT" fcfs-issue "${ledger[@]}" "${@:2}" >"$T/$1/issue" || status=$?
	out "$1" "$T/$1/issue"
	return $status
}

# settle EVENT [OPTION...]: all stages once more, issue with these options: what was left undone is done by it
settle() {
	if [ -n "${FCFS_BROKERS-}" ]; then
		well timeout "$LIMIT" fcfs-dispatch "$1"
		issue "$@"
	else
		well timeout "$LIMIT" fcfs-dispatch "$1" >"$T/$1/winners"
		issue "$@" <"$T/$1/winners"
	fi
}

# reading FILE COMMAND...: in a shell that runs beside us, and so has no stdin
reading() {
	exec <"$1"
	"${@:2}"
}

# seed: of this cell, so that it can be had again: FCFS_SEED
seed() {
	RANDOM=${FCFS_SEED:=$RANDOM}
	echo "FCFS_SEED=$FCFS_SEED"
}

# between LOW HIGH: a random number of ms, as seconds; each size of gap is as likely as the next
between() {
	awk -v low="$1" -v high="$2" -v at=$RANDOM 'BEGIN { printf "%.3f", low * (high / low) ^ (at / 32768) / 1000 }'
}
