# verdict.bash - what was told against what there is, counted; sourced by run after world.bash.
# shellcheck shell=bash disable=SC2094,SC2154,SC2164 # names of keys are no files; T and FAULTS are run's, and set -e

KINDS='lost twice reordered over under audit'
declare -gA tally=()

# count WHAT N: of this cell
count() {
	tally[$1]=$((${tally[$1]:-0} + $2))
}

# pairs EVENT NAME: a hash in Redis, USER and the words of its value a line
pairs() {
	redis --raw hgetall "$(key "$1" "$2")" | paste - - | tr ' ' '\t' | sed '/^\t$/d'
}

# committed EVENT TOPIC NAME: its records there: NAME, ticket, user, code; dead letters that were sent again are `again`
committed() {
	envelopes "$2" | jq -r --arg event "$1" --arg id "$(field "$1" id)" --arg name "$3" \
		'(if .headers // [] | index("replays") then "again" else $name end) as $name | .payload | fromjson |
		select(.event == $event and .id == $id) | [$name, .ticket, .user, .code // ""] | @tsv'
}

# slots EVENT: the stock, and of supplied codes no more than there are
slots() {
	local stock loaded burnt codes
	{ read -r stock && read -r codes && read -r loaded && read -r burnt; } < <(redis --raw hmget "$(key "$1" event)" stock codes codes_loaded burnt)
	[ "$codes" != pool ] || [ $((loaded - burnt)) -ge "$stock" ] || stock=$((loaded - burnt))
	echo "$stock"
}

# gather EVENT: the tables of verdict.sql, a file each
gather() {
	redis --raw zrange "$(key "$1" line)" 0 -1 withscores | paste - - | sed '/^\t$/d' >line
	pairs "$1" left >gone
	pairs "$1" issued >issued
	pairs "$1" pending >pending
	if [ "$(field "$1" bus)" = kafka ]; then
		committed "$1" event_requests request
		committed "$1" gifticon_publish winner
		committed "$1" gifticon_issued issued
	fi >records
	touch answers leaves out
	jq -r '[.ticket, .user, .code] | @tsv' out >seen
	[ ! -e ledger ] || sqlite3 -tabs ledger "select ticket, \"user\", code, state from issued
		where event = '$1' and id = '$(field "$1" id)'" >rows
	touch rows
}

# verdict EVENT: all stages have run. Violations are counted, and said in the cell's log; with FCFS_FAULT_FIRST that is
# the cell's end
verdict() {
	local kind n breaches status=0 ledger=()
	cd "$T/$1"
	[ "$(field "$1" bus)" != kafka ] || soon seen "$1"
	gather "$1"
	redis --raw hmget "$(key "$1" event)" granted returned cursor bus | paste -s |
		sed "s/^/$(slots "$1")\t/; s/\$/\t$([ ! -e ledger ] || echo yes)/" >event
	sqlite3 :memory: <"$FAULTS/verdict.sql" >verdict
	while read -r kind n; do
		case $kind in
		'#') echo "VIOLATION event $1: $n" ;;
		*) count "$kind" "$n" ;;
		esac
	done <verdict
	[ ! -e stock ] || [ "$(field "$1" stock)" -ge "$(cat stock)" ] || {
		count lost 1 && echo "VIOLATION event $1: the stock was set to $(cat stock)"
	}
	[ ! -e ledger ] || ledger=(--ledger sqlite:ledger)
	fcfs-audit --final -q --limit 10 "${ledger[@]}" "$1" >audit || status=$?
	case $status in
	0) ;;
	1) count audit "$(wc -l <audit)" && sed "s/^/VIOLATION audit of event $1: /" audit ;;
	*) echo "the audit of event $1 ended with status $status" && return 1 ;;
	esac
	breaches=$(violations)
	cd "$T"
	[ "$breaches" -gt 0 ] || rm -r "${T:?}/$1"
	[ "$breaches" -eq 0 ] || [ -z "${FCFS_FAULT_FIRST-}" ] || exit 0
}

# tell: all counts
tell() {
	local name
	for name; do
		echo "$name=${tally[$name]:-0}"
	done
}

# violations: how many there are now
violations() {
	local kind sum=0
	for kind in $KINDS; do
		sum=$((sum + ${tally[$kind]:-0}))
	done
	echo $sum
}
