# zombies.bash - cells that stop a worker (SIGSTOP) at exact moments of what it sends, let its lease or session run out and
# another do its work, and wake it up again: it may decide nothing any more (P9). An event each. Sourced by run.
# shellcheck shell=bash disable=SC2154,SC2317 # T, pid; what is called by name

# Steps in Redis, texts, and requests to Kafka by their API keys, which of them, and the side on which it stops.
PIPE_DISPATCH='fcfs_lease_1:1:after fcfs_serve_1:1:before fcfs_serve_1:1:after fcfs_serve_1:2:before fcfs_serve_1:2:after
	fcfs_serve_1:3:before fcfs_serve_1:3:after fcfs_serve_1:4:before fcfs_serve_1:4:after "winner":1:before "winner":1:after
	"winner":2:before "winner":2:after "winner":3:before "winner":3:after fcfs_run_1:1:before fcfs_run_1:1:after'
KAFKA_DISPATCH='22:1:before 22:1:after fcfs_mirror_1:1:before fcfs_mirror_1:1:after fcfs_mirror_1:2:before
	fcfs_mirror_1:2:after fcfs_serve_1:1:before fcfs_serve_1:1:after fcfs_serve_1:2:before fcfs_serve_1:2:after
	ZRANGE:1:before ZRANGE:1:after ZRANGE:2:before ZRANGE:2:after fcfs_decisions_1:1:before fcfs_decisions_1:1:after
	24:1:before 24:1:after 24:2:before 24:2:after 0:1:before 0:1:after 0:2:before 0:2:after 0:4:before 0:4:after
	26:1:before 26:1:after 26:2:before 26:2:after fcfs_lease_1:1:after fcfs_run_1:1:before fcfs_run_1:1:after'
PIPE_ISSUE='fcfs_show_1:1:before fcfs_show_1:1:after fcfs_award_1:1:before fcfs_award_1:1:after fcfs_award_1:2:before
	fcfs_award_1:2:after fcfs_award_1:3:before fcfs_award_1:3:after "issued":1:before "issued":1:after "issued":2:before
	"issued":2:after "issued":3:before "issued":3:after fcfs_done_1:1:before fcfs_done_1:1:after fcfs_done_1:2:before fcfs_done_1:2:after
	fcfs_done_1:3:before fcfs_done_1:3:after fcfs_run_1:1:before fcfs_run_1:1:after'
KAFKA_ISSUE='1:1:before 22:1:before 22:1:after fcfs_show_1:1:before fcfs_award_1:1:before fcfs_award_1:1:after
	fcfs_award_1:2:before fcfs_award_1:2:after fcfs_award_1:3:before fcfs_award_1:3:after 24:1:before 24:1:after 0:1:before
	0:1:after 0:2:before 0:2:after 25:1:before 25:1:after 28:1:before 28:1:after 28:2:before 28:2:after 26:1:before 26:1:after
	26:2:before 26:2:after fcfs_done_1:1:before fcfs_done_1:1:after fcfs_done_1:2:before fcfs_done_1:2:after'

# zombie EVENT AT:NTH:WHEN COMMAND...: it runs until there, over the winners in the event's folder if there are any, and
# stands still; its output goes there, too
zombie() {
	local at=${2%:*:*} when=${2##*:} nth
	nth=${2%:*} nth=${nth##*:}
	touch "$T/$1/winners"
	STRIKE_WITH=19 spawn reading "$T/$1/winners" strike "$at" "$nth" "$when" "${@:3}" >"$T/$1/zombie" 2>"$T/$1/zombie.err"
	echo "$pid" >"$T/$1/zombie.pid"
	soon stopped "$pid"
}

# wake EVENT: it goes on, and ends
wake() {
	local zombie
	zombie=$(cat "$T/$1/zombie.pid")
	kill -CONT "$zombie"
	soon gone "$zombie"
	count zombies 1
}

# --- dispatchers ---------------------------------------------------------------------------------

no_lease() {
	[ "$(redis exists "$(key "$1" lease)")" = 0 ]
}

# Slots are free when it wakes up, and people wait: what it grants then was not its to grant.
stale_dispatcher() {
	local granted
	fcfs-event set "$1" --stock 14 >/dev/null
	granted=$(field "$1" granted)
	wake "$1"
	[ "$(field "$1" granted)" = "$granted" ] || {
		count over 1
		echo "VIOLATION event $1: a dispatcher without the lease has granted"
	}
}

# all_decided: no transaction of a sleeper hides what is committed behind it
all_decided() {
	local partition
	for partition in 0 1; do
		! open_at gifticon_publish $partition || return 1
	done
}

# dispatchers MOMENT...
dispatchers() {
	local n=0 e
	for moment; do
		e=z$((n += 1))
		fresh $e 10 20
		fcfs-leave $e p0000004 >"$T/$e/leaves"
		zombie $e "$moment" fcfs-dispatch --batch 3 --instance $e "${SHORT[@]}" $e
	done
	for e in $(seq -f z%g $n); do
		soon no_lease "$e"
		[ -z "${FCFS_BROKERS-}" ] || soon all_decided
		settle "$e" "${SHORT[@]}"
		stale_dispatcher "$e"
		[ -n "${FCFS_BROKERS-}" ] || issue "$e" <"$T/$e/zombie"
		settle "$e" "${SHORT[@]}"
		verdict "$e"
	done
}

# some MOMENTS: all of them, or FCFS_FAULT_TIMES from the middle
some() {
	xargs -n 1 <<<"$1" | tail -n +"$((${FCFS_FAULT_TIMES:-0} > 0 ? 3 : 1))" | head -n "${FCFS_FAULT_TIMES:-100}"
}

cell_zombie_dispatch_pipe() {
	world
	strike_build
	# shellcheck disable=SC2046 # a moment each
	dispatchers $(some "$PIPE_DISPATCH")
}

cell_zombie_dispatch_kafka() {
	world 1
	strike_build
	# shellcheck disable=SC2046
	dispatchers $(some "$KAFKA_DISPATCH")
}

# --- issuers -------------------------------------------------------------------------------------

# While it sleeps another issues, and a code is taken back.
issuers_pipe() {
	local n=0 e
	for moment; do
		e=z$((n += 1))
		fresh $e 8 12
		: >"$T/$e/ledger"
		fcfs-dispatch $e >"$T/$e/winners"
		zombie $e "$moment" fcfs-issue --chunk 3 --ledger "sqlite:$T/$e/ledger"
		settle $e
		fcfs-leave --revoke $e p0000002 >"$T/$e/leaves"
		settle $e
		wake $e
		out $e "$T/$e/zombie"
		settle $e
		verdict $e
	done
}

cell_zombie_issue_pipe() {
	world
	strike_build
	# shellcheck disable=SC2046
	issuers_pipe $(some "$PIPE_ISSUE")
}

# A namespace each: the group is one for all events. So many win that small chunks, which go out together, make several
# transactions.
issuers_kafka() {
	local n=0 e
	for moment; do
		e=z$((n += 1))
		export FCFS_PREFIX=$e.
		topics 1
		fresh $e 32 40
		: >"$T/$e/ledger"
		fcfs-dispatch $e
		zombie $e "$moment" fcfs-issue --chunk 3 --ledger "sqlite:$T/$e/ledger" --instance $e "${SHORT[@]}"
	done
	for e in $(seq -f z%g $n); do
		export FCFS_PREFIX=$e.
		settle "$e" "${SHORT[@]}" || [ $? -eq 75 ] # who sleeps may have the ledger's lock
		fcfs-leave --revoke "$e" p0000002 >"$T/$e/leaves" || [ $? -eq 75 ]
		settle "$e" "${SHORT[@]}" || [ $? -eq 75 ]
		wake "$e"
		settle "$e" "${SHORT[@]}"
		verdict "$e"
	done
}

cell_zombie_issue_kafka() {
	world 1
	strike_build
	# shellcheck disable=SC2046
	issuers_kafka $(some "$KAFKA_ISSUE")
}
