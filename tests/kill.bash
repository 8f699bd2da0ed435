# kill.bash - what the bats files about kill -9 everywhere share: strace kills a tool as one of its threads enters its K-th call of a
# name, K = 1, 2, ... until it ends unharmed: all that came before that call has happened, the call has not. Between two
# such calls nothing leaves the process.
# shellcheck shell=bash disable=SC2034 # what is set here is read by the tests

CALLS='write sendto sendmsg writev fsync fdatasync pwrite64 ftruncate'
FOLLOW=-f # its threads, and what it starts
WELL=0	  # how it ends where it is not killed

# kill_at CALL K COMMAND...: kills it as it enters its K-th such call; struck is '' where it ended before, and well
kill_at() {
	local status=0
	# shellcheck disable=SC2086 # a word, or none
	strace -E ASAN_OPTIONS=detect_leaks=0 $FOLLOW -qq -o /dev/null -e trace="$1" -e inject="$1:signal=SIGKILL:when=$2" "${@:3}" || status=$?
	struck=yes
	[ $status -ne "$WELL" ] || struck=''
	[ $status -eq "$WELL" ] || same 137 $status
}

# round ROUND CALL K: ROUND CALL K EVENT on an empty Redis: what a tool sends must not grow with the rounds, or
# there is always one more call to be killed at
round() {
	redis flushall >/dev/null
	"$1" "$2" "$3" "$2.$3"
}

# everywhere TOOL LEAST ROUND: rounds, a whole case each, until nothing was struck any more, for
# each call; LEAST is how many kills there must have been; sets kills
everywhere() {
	local call k
	kills=0
	for call in $CALLS; do
		k=1
		round "$3" "$call" $k
		while [ -n "$struck" ]; do
			k=$((k + 1))
			[ $k -lt 250 ]
			round "$3" "$call" $k
		done
		[ $k -eq 1 ] || echo "# $1: killed at each of $((k - 1)) calls of $call" >&3
		kills=$((kills + k - 1))
	done
	[ $kills -ge "$2" ]
}
