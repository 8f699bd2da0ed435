# kill.bash - what the bats files about kill -9 everywhere share: trip.c kills a tool as one of its threads enters its K-th call of
# these names, counted over all threads, K = 1, 2, ... until it ends unharmed: all that came before that call has happened,
# the call has not. Between two such calls nothing leaves the process.
# shellcheck shell=bash disable=SC2034 # what is set here is read by the tests

CALLS=write,sendto,sendmsg,writev,fsync,fdatasync,pwrite64,ftruncate
WELL=0 # how it ends where it is not killed

# trip ARGUMENT...: as trip.c says
trip() {
	[ -x "$BATS_FILE_TMPDIR/trip" ] || "${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -o "$BATS_FILE_TMPDIR/trip" "$TREE/tests/trip.c"
	"$BATS_FILE_TMPDIR/trip" "$@"
}

# kill_at K COMMAND...: kills it as it enters its K-th such call; struck is '' where it ended before, and well
kill_at() {
	local status=0
	trip "$CALLS" "$@" || status=$?
	struck=yes
	[ $status -ne "$WELL" ] || struck=''
	[ $status -eq "$WELL" ] || same 137 $status
}

# round ROUND K: ROUND K EVENT on an empty Redis: what a tool sends must not grow with the rounds, or there is always one
# more call to be killed at
round() {
	redis flushall >/dev/null
	"$1" "$2" "e$2"
}

# everywhere TOOL LEAST ROUND: rounds, a whole case each, until nothing was struck any more; LEAST is how many kills there
# must have been; sets kills
everywhere() {
	local k=1
	round "$3" $k
	while [ -n "$struck" ]; do
		k=$((k + 1))
		[ $k -lt 500 ]
		round "$3" $k
	done
	kills=$((k - 1))
	echo "# $1: killed at each of $kills calls" >&3
	[ $kills -ge "$2" ]
}
