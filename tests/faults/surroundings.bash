# surroundings.bash - cells in which it is the machine that is wrong: a disk that is full, crons that overlap, a clock that
# is off. Sourced by run.
# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # T, pid; what is read, and called by name, elsewhere

# --- a full disk ---------------------------------------------------------------------------------

# full CALL K FILE COMMAND...: from the K-th such call on, there is no room for that file and those beside it; starved is ''
# where it got through
full() {
	local status=0
	starved=yes
	trip -f "$3" "$1" "$2" "${@:4}" || status=$?
	[ $status -ne 0 ] || starved=''
	[ $status -lt 128 ]
}

ledger_full() {
	fresh "$3" 6 8
	fcfs-dispatch "$3" >"$T/w"
	fcfs-issue --ledger "sqlite:$T/$3/ledger" </dev/null # there is a ledger, as on other days
	full "$1" "$2" "$T/$3/ledger" fcfs-issue --chunk 2 --ledger "sqlite:$T/$3/ledger" <"$T/w" >"$T/1"
	out "$3" "$T/1"
	settle "$3"
	verdict "$3"
}

cell_disk_ledger() {
	local call k
	world
	for call in pwrite64 fdatasync ftruncate; do
		for ((k = 1; k <= ${FCFS_FAULT_TIMES:-200}; k++)); do
			ledger_full $call $k $call.$k
			[ -n "$starved" ] || break
			count disks 1
		done
	done
	[ "${tally[disks]}" -gt 5 ]
}

# saved K: as far as the disk has room
saved() {
	: >"$T/archive"
	exec 4>"$T/archive"
	full write "$1" "$T/archive" fcfs-archive save e >&4
	exec 4>&-
}

cell_disk_archive() {
	local k
	world
	fresh e 20 3000
	settle e
	fcfs-event set e --state closed
	for ((k = 1; k <= ${FCFS_FAULT_TIMES:-200}; k++)); do
		saved "$k"
		[ -n "$starved" ] || break
		! fcfs-archive verify e <"$T/archive" 2>/dev/null
		count disks 1
	done
	fcfs-archive save e >"$T/archive"
	fcfs-archive verify e <"$T/archive"
	verdict e
}

redis_dead() {
	! kill -0 "$(cat "$SERVERS/redis/pid")" 2>/dev/null
}

# Redis's own: with appendfsync always it ends rather than answer what is not on the disk.
cell_disk_redis() {
	local n
	seed
	world
	under_load e pipe
	for ((n = 1; n <= ${FCFS_FAULT_TIMES:-10}; n++)); do
		moves e
		timeout "$LIMIT" strace -f -qq -o /dev/null -p "$(cat "$SERVERS/redis/pid")" -P "$(ls "$SERVERS"/redis/appendonlydir/*.incr.aof)" \
			-e trace=write -e inject=write:error=ENOSPC:when=$((RANDOM % 20 + 1)) || :
		soon redis_dead
		servers_start
		count disks 1
	done
	calm e
	settle e
	verdict e
}

# --- crons ---------------------------------------------------------------------------------------

# cron_pipe N: a pipe of its own each time, whatever became of the last one
cron_pipe() {
	fcfs-dispatch -q e >"$T/e/w.$1" || [ $? -eq 1 ] || [ $? -eq 75 ]
	fcfs-issue -q --chunk 3 --ledger "sqlite:$T/e/ledger" <"$T/e/w.$1" >"$T/e/printed.$1"
}

cron_kafka() {
	fcfs-dispatch -q --batch 10 "${SHORT[@]}" e
	fcfs-issue -q --chunk 3 --ledger "sqlite:$T/e/ledger" "${SHORT[@]}"
}

# crons COMMAND EVERY N: N lines of a cron, at times two of them at once; people come and go
crons() {
	local n one goer
	fresh e 1 0
	: >"$T/e/ledger"
	come e 2 10
	spawn go e
	goer=$pid
	for ((n = 1; n <= $3; n++)); do
		more e
		for one in a b; do
			spawn "$1" $n$one 2>>"$T/crons.err"
			crons+=("$pid")
		done
		sleep "$2"
		count crons 2
	done
	for one in "${crons[@]}"; do
		soon gone "$one"
	done
	calm e
	settle e "${SHORT[@]}"
	verdict e
}

cell_cron_pipe() {
	local crons=()
	seed
	world
	crons cron_pipe 0.1 "${FCFS_FAULT_TIMES:-60}"
}

cell_cron_kafka() {
	local crons=()
	seed
	world 1
	crons cron_kafka 0.5 "${FCFS_FAULT_TIMES:-30}"
}

# --- clocks --------------------------------------------------------------------------------------

# at SECONDS COMMAND...: by a clock that is so far off
at() {
	env LD_PRELOAD=clock.so LD_LIBRARY_PATH="$T" CLOCK_OFFSET_S="$1" ASAN_OPTIONS=verify_asan_link_order=0 "${@:2}"
}

clock_build() {
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -shared -fPIC -o "$T/clock.so" "$FAULTS/clock.c"
}

# by_the_server EVENT SINCE: no time in it is before, or after now
by_the_server() {
	local now
	now=$(redis time | paste -sd ' ' | awk '{ printf "%.0f", $1 * 1000000 + $2 }')
	{
		redis --raw zrange "$(key "$1" line)" 0 -1 withscores | awk 'NR % 2 == 0'
		redis --raw hvals "$(key "$1" issued)" | cut -d ' ' -f 1,2 | tr ' ' '\n'
		redis --raw hvals "$(key "$1" left)" | cut -d ' ' -f 1
	} | awk -v since="$2" -v now="$now" '$1 < since || $1 > now { wrong = 1 } END { exit wrong }'
}

# skewed EVENT OFFSET OFFSET: one tool by one clock, the next by the other; doors that open in half an hour are shut for all
skewed() {
	local since
	since=$(redis time | head -n 1)000000
	fresh "$1" 6 0
	people 10 >"$T/people"
	told "$1" "$T/people" at "$2"
	leaves "$1" at "$3" <<<p0000003
	fcfs-event create "$1.later" --stock 5 --opens +30m >/dev/null
	same early "$(at "$2" fcfs-join "$1.later" ann | cut -f 1 || :)"
	same early "$(at "$3" fcfs-join "$1.later" ann | cut -f 1 || :)"
	: >"$T/$1/ledger"
	at "$2" fcfs-dispatch --batch 2 "$1" >"$T/w"
	at "$3" fcfs-issue --chunk 2 --ledger "sqlite:$T/$1/ledger" <"$T/w" >"$T/1"
	out "$1" "$T/1"
	by_the_server "$1" "$since"
	settle "$1"
	verdict "$1"
	count clocks 1
}

cell_clock_pipe() {
	world
	clock_build
	skewed a 3600 -3600
	skewed b -3600 3600
}

# Brokers refuse records that are more than an hour ahead.
cell_clock_kafka() {
	world 1
	clock_build
	skewed a 3300 -3600
	skewed b -3600 3300
}

# --- records -------------------------------------------------------------------------------------

# forge EVENT FIRST LAST [FILTER]: records of these tickets, as if they had been granted, changed by this filter of jq
forge() {
	redis --raw zrange "$(key "$1" line)" 0 -1 withscores | paste - - | jq -Rc --arg event "$1" --arg id "$(field "$1" id)" \
		'split("\t") as [$user, $us] | {type: "winner", event: $event, id: $id, user: $user, ticket: input_line_number,
		joined_us: ($us | tonumber), granted_us: ($us | tonumber)}'" | ${4:-.}" | sed -n "$2,$3p"
}

# From a topic that was restored from elsewhere, say, or somebody's hand: none of these may get a code.
cell_record_forged() {
	world
	fresh e 6 30
	: >"$T/e/ledger"
	{
		forge e 7 12
		fcfs-dispatch e
		forge e 10 30
		forge e 1 3 '.ticket += 1'
		forge e 1 3 '.id = "00000000-0000-4000-8000-000000000000"'
		forge e 1 1 '.user = "stranger"'
	} >"$T/w"
	count forged $(($(wc -l <"$T/w") - 6))
	issue e --chunk 4 <"$T/w" || same 65 $?
	verdict e
}
