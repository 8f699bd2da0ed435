# load.bash - a load that lasts while harm is done: people who ask to join and to leave, the stages at work; sourced by run.
# shellcheck shell=bash disable=SC2154 # T, FAULTS and pid

# come EVENT N PAUSE_MS: N lines of people, each of whom is told before the next asks
come() {
	local n
	for ((n = 1; n <= $2; n++)); do
		spawn "$FAULTS/asker" "$1" "q$n." "$3" >"$T/$1/come.$n"
		comers+=("$pid")
	done
}

# go EVENT: now and then one of the line thinks better of it
go() {
	local size person
	while [ ! -e "$T/enough" ]; do
		sleep 0.1
		size=$(redis zcard "$(key "$1" line)" 2>/dev/null) || continue
		[[ $size =~ ^[1-9] ]] || continue
		person=$(redis --raw zrange "$(key "$1" line)" $((RANDOM * RANDOM % size)) -1 2>/dev/null | head -n 1) || continue
		fcfs-leave -q "$1" "$person" >>"$T/$1/leaves" 2>/dev/null || :
	done
}

# stage NAME COMMAND...: it runs on; where it ended, revive starts it again
declare -gA stage=() stage_pid=()
stage() {
	stage[$1]=$(printf '%q ' "${@:2}")
	stage_pid[$1]=''
	revive
}

revive() {
	local name
	for name in "${!stage[@]}"; do
		[ -n "${stage_pid[$name]}" ] && ! gone "${stage_pid[$name]}" && continue
		eval "spawn ${stage[$name]}" 2>>"$T/$name.err"
		stage_pid[$name]=$pid
	done
}

# pipe EVENT OUT: the two stages of a pipe, until they are told to end or something breaks; in a file of its own each time,
# for the last line of one that was killed is cut off
pipe() {
	fcfs-dispatch -q --batch 20 --every 20ms --follow "$1" |
		fcfs-issue -q --chunk 5 --ledger "sqlite:$T/$1/ledger" >"$(mktemp "$T/$1/printed.XXXXXX")"
}

# under_load EVENT BUS: an event with all of it
under_load() {
	fresh "$1" 1 0
	: >"$T/$1/ledger"
	comers=()
	come "$1" 3 5
	if [ "$2" = pipe ]; then
		stage pipe pipe "$1"
	else
		stage dispatch fcfs-dispatch -q --batch 10 --every 20ms --follow "$1" "${SHORT[@]}"
		stage issue fcfs-issue -q --chunk 5 --follow --ledger "sqlite:$T/$1/ledger" "${SHORT[@]}"
	fi
	spawn go "$1" # it ends when it is enough
	goer=$pid
}

# more EVENT: stock for a while; people wait for it at all times, so nothing may be given away, and nothing be held back
more() {
	local stock=$(($(field "$1" granted) + 60))
	! fcfs-event set "$1" --stock "$stock" || echo "$stock" >"$T/$1/stock"
}

# moves EVENT: it has more stock, and of that more is issued
moves() {
	local before issued deadline=$((SECONDS + LIMIT))
	before=$(field "$1" issued) # that first: all that comes with the stock may be issued by the time it is asked
	more "$1"
	until issued=$(field "$1" issued) && [ "$issued" -gt "$before" ]; do
		[ $SECONDS -lt $deadline ] || return 1
		revive
		sleep 0.02
	done
}

# calm EVENT: nobody comes or goes any more, the stages end; all that was told is gathered
calm() {
	local one
	touch "$T/enough"
	for one in "${comers[@]}" "${stage_pid[@]}"; do
		gone "$one" || pkill -TERM -P "$one" -x 'fcfs-(dispatch|issue)' || kill -TERM "$one" || :
	done
	for one in "${comers[@]}" "$goer" "${stage_pid[@]}"; do
		soon gone "$one"
	done
	for one in "$T/$1"/come.*; do
		whole "$one" >>"$T/$1/answers"
	done
	for one in "$T/$1"/printed.*; do
		[ ! -e "$one" ] || out "$1" "$one"
	done
}
