# flow.bash - what the bats files about winners and codes share; loaded after helper.bash.
# shellcheck shell=bash disable=SC2034 # what is set here is read by the tests

CODE='^[0-9A-HJKMNP-TV-Z]{26}$'
LIMIT=60 # seconds: for what takes a fraction of one on a busy machine

# soon COMMAND...: until it succeeds, within the limit
soon() {
	wait_for $LIMIT "$@"
}

# event NAME STOCK N [OPTION...]: an event with N people in line, the first people of people()
event() {
	fcfs-event create "$1" --stock "$2" --standby 100000 "${@:4}" >/dev/null
	[ "$3" -eq 0 ] || people "$3" | fcfs-join "$1" >/dev/null
}

# purge NAME: all keys of an event
purge() {
	redis keys "$(key "$1" '*')" | xargs redis-cli -p "$REDIS_PORT" del >/dev/null
}

# flow EVENT OUT [OPTION...]: dispatch with these options, into issue, whose records go to OUT;
# sets statuses to those of both
flow() {
	{
		timeout $LIMIT fcfs-dispatch "${@:3}" "$1" | timeout $LIMIT fcfs-issue >"$2"
		statuses=${PIPESTATUS[*]}
	} || :
}

# redis_codes EVENT: what Redis says is issued, PERSON CODE a line
redis_codes() {
	redis hgetall "$(key "$1" issued)" | paste -d ' ' - - | cut -d ' ' -f 1,4 | sort
}

# printed_codes FILE...: the same of what was printed
printed_codes() {
	cat "$@" | jq -r '.user + " " + .code' | sort
}

# all_issued EVENT N FILE: FILE is the records of the first N in order, each with a code of its own;
# Redis says the same and has nothing unfinished
all_issued() {
	same "$(people "$2")" "$(jq -r .user "$3")"
	same "$(seq "$2")" "$(jq -r .ticket "$3")"
	same "$2" "$(jq -r .code "$3" | sort -u | grep -cE "${4:-$CODE}")"
	same "$(redis_codes "$1")" "$(printed_codes "$3")"
	same 0 "$(redis hlen "$(key "$1" pending)")"
	same "$2" "$(field "$1" issued)"
	same "$2" $(($(field "$1" granted) - $(field "$1" returned)))
}

# has FILE N: FILE has at least N lines
has() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

# field_is EVENT FIELD VALUE
field_is() {
	[ "$(field "$1" "$2")" = "$3" ]
}

# at_least EVENT FIELD N
at_least() {
	[ "$(field "$1" "$2")" -ge "$3" ]
}

# spawn COMMAND...: in the background, sets pid; reap, in teardown, ends all that was spawned
spawn() {
	"$@" 3>&- &
	pid=$!
	echo $pid >>"$T/pids"
}

reap() {
	local one
	[ -e "$T/pids" ] || return 0
	while read -r one; do
		! ours "$one" || kill -9 "$one" 2>/dev/null || :
	done <"$T/pids"
}

# ours PID: it is of this test, and not another process that has the number by now
ours() {
	grep -qsaF "FCFS_STATE=$T/" "/proc/$1/environ"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# ends PID STATUS: it ends, and with that status
ends() {
	local got=0
	soon gone "$1"
	wait "$1" || got=$?
	same "$2" "$got"
}

# stopped PID: SIGSTOP has taken effect, on each of its threads
stopped() {
	[ "$(ps -L -o stat= -p "$1" | cut -c 1 | sort -u)" = T ]
}

# freeze PID
freeze() {
	kill -STOP "$1"
	soon stopped "$1"
}

# closed_pipe: sets pipe to a descriptor that can be written to and that nobody reads
closed_pipe() {
	exec {pipe}> >(:)
	wait $!
}

# into FD COMMAND...: in its place, with stdout to FD
into() {
	exec "${@:2}" >&"$1"
}

# from FILE COMMAND...: in its place, with stdin from FILE (a fifo: opened where it does not stop the test)
from() {
	exec "${@:2}" <"$1"
}

# write_waits: somebody waits while `client pause` holds writes up
write_waits() {
	redis client list | grep -q ' flags=b '
}

# run_field EVENT FIELD: of each run record of the event, oldest first
run_field() {
	redis lrange "$(key "$1" runs)" 0 -1 | jq -r ".$2"
}

# books: every run record given on stdin balances
books() {
	same '' "$(jq -c 'select(.in != .done + .already + .refused + .dead)')"
}
