# helper.bash - what every bats file shares: the tools under test, a server of its own, a namespace
# a test.
#
#   setup_file()    { servers_start; }      one private Redis for the file, in a folder of its own; --brokers 1: and Kafka
#   teardown_file() { servers_stop; }
#   setup()         { namespace; }          FCFS_PREFIX of this test; $T, an empty folder of its own
#
# FCFS_BIN names the tools' folder (bin). No test touches a server it did not start.

bats_require_minimum_version 1.5.0

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=${FCFS_BIN:-$TREE/bin}:$TREE/scripts:$PATH
export FCFS_CONFIG=/dev/null

# Another process's way to this file's server: exported, because bats runs each test in its own.
servers_start() {
	[ $# -gt 0 ] || set -- --brokers 0
	export SERVERS=$BATS_FILE_TMPDIR/servers
	eval "$("$TREE/scripts/servers" start "$@" "$SERVERS" 3>&-)"
	export REDIS_PORT=${FCFS_REDIS##*:}
}

servers_stop() {
	"$TREE/scripts/servers" stop "$SERVERS" 3>&-
}

namespace() {
	T=$BATS_TEST_TMPDIR
	export FCFS_PREFIX=t$BATS_TEST_NUMBER. FCFS_STATE=$T/state
}

# redis COMMAND...: redis-cli on this file's server
redis() {
	redis-cli -p "$REDIS_PORT" "$@"
}

# key EVENT NAME: the full name of an event's key
key() {
	printf '%sfcfs:{%s}:%s' "$FCFS_PREFIX" "$1" "$2"
}

# field EVENT FIELD: one field of the event's hash
field() {
	redis hget "$(key "$1" event)" "$2"
}

# forged SCRIPT COMMAND...: while the server's library is ours as sed changes it by this script; then ours is back
forged() {
	local ours status=0
	ours=$(redis function list libraryname fcfs withcode | sed -n '/^#!lua/,$p')
	sed "$1" <<<"$ours" | redis -x function load replace >/dev/null
	"${@:2}" || status=$?
	redis -x function load replace <<<"$ours" >/dev/null
	return $status
}

# award EVENT RUN, then PERSON TICKET CODE REPLAYS PARTITION OFFSET a winner, in ticket order: the issuer's step that
# fixes a code for each. Prints STATUS CODE JOINED_US GRANTED_US ISSUED_US of each, a line a winner.
award() {
	local event=$1 run=$2 n=0 length status code joined granted at people=() tickets=() codes=() places=() stretches=()
	shift 2
	while [ $# -ge 6 ]; do
		people+=("$1") tickets+=("$2") codes+=("$3") stretches+=(1 "$4") places+=("$5 $6")
		shift 6
	done
	redis fcall fcfs_award_1 2 "$(key "$event" event)" "$(key "$event" line)" "$(field "$event" id)" "$run" ${#people[@]} \
		"${people[@]}" "${tickets[@]}" "${codes[@]}" "${places[@]}" "${stretches[@]}" |
		while read -r length && read -r status && read -r code && read -r joined && read -r granted && read -r at; do
			[ "$status$code" != assigned ] || code=${codes[n]}
			echo "$status $code $joined $granted $at"
			n=$((n + length))
		done
}

# people N [PREFIX]: N names, a line each
people() {
	seq -f "${2:-p}%07.0f" "$1"
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when time is up
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

# same WANT GOT: compares texts, shows both where they differ
same() {
	[ "$1" = "$2" ] || {
		printf 'want: %s\n got: %s\n' "$1" "$2" >&2
		return 1
	}
}
