# kills.bash - cells that kill a tool as it enters each call by which anything leaves it, or comes back to it, run it again,
# and look. A round is an event of its own. Sourced by run.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set here is read by kill.bash; T is run's

# Also as it asks for an answer: what it has sent is being done while it dies, and while the next one asks.
KILL_CALLS=$CALLS,poll

# kills NAME LEAST ROUND: see everywhere in kill.bash
kills() {
	local CALLS=$KILL_CALLS
	everywhere "$@"
	count kills "$kills"
}

# slowly COMMAND...: it is given a line of stdin at a time, as a co-process is
slowly() {
	local line
	"$@" < <(while read -r line; do
		echo "$line"
		sleep 0.005
	done)
}

join_round() {
	fresh "$2" 15 0
	told "$2" "$T/people" kill_at "$1"
	told "$2" "$T/people" env
	settle "$2"
	verdict "$2"
}

cell_kill_join() {
	world
	people 1100 >"$T/people"
	kills fcfs-join 8 join_round
}

each_round() {
	fresh "$2" 15 0
	told "$2" "$T/people" slowly kill_at "$1"
	told "$2" "$T/people" env
	settle "$2"
	verdict "$2"
}

cell_kill_join_each() {
	world
	people 60 >"$T/people"
	kills 'fcfs-join, one by one' 20 each_round
}

# Some of them wait, some are granted, some have a code.
leave_round() {
	fresh "$2" 20 44
	fcfs-dispatch "$2" | head -n 6 >"$T/w"
	issue "$2" <"$T/w"
	leaves "$2" slowly kill_at "$1" <"$T/people"
	leaves "$2" env <"$T/people"
	settle "$2"
	verdict "$2"
}

cell_kill_leave() {
	world
	people 40 | awk 'NR % 2' >"$T/people"
	kills fcfs-leave 15 leave_round
}

dispatch_round() {
	fresh "$2" 20 25
	kill_at "$1" fcfs-dispatch --batch 1 "$2" >"$T/w"
	issue "$2" <"$T/w" || [ $? -eq 65 ] # a line that was cut off
	settle "$2"
	verdict "$2"
}

cell_kill_dispatch() {
	world
	kills fcfs-dispatch 30 dispatch_round
}

issue_round() {
	fresh "$2" "$winners" 25
	[ -z "$keeps" ] || : >"$T/$2/ledger"
	fcfs-dispatch "$2" >"$T/w"
	kill_at "$1" fcfs-issue --chunk 2 ${keeps:+--ledger "sqlite:$T/$2/ledger"} <"$T/w" >"$T/1"
	out "$2" "$T/1"
	settle "$2"
	verdict "$2"
}

cell_kill_issue() {
	local keeps='' winners=24
	world
	kills fcfs-issue 20 issue_round
}

cell_kill_issue_ledger() {
	local keeps=yes winners=6
	world
	kills 'fcfs-issue with a ledger' 60 issue_round
}

# --- through Kafka -------------------------------------------------------------------------------

dispatch_kafka_round() {
	fresh "$2" 6 8
	kill_at "$1" fcfs-dispatch --batch 3 "$2"
	settle "$2"
	verdict "$2"
}

cell_kill_dispatch_kafka() {
	local KILL_CALLS=$CALLS # its threads poll all the time
	world 1
	kills 'fcfs-dispatch, Kafka' 40 dispatch_kafka_round
}

issue_kafka_round() {
	fresh "$2" 6 8
	: >"$T/$2/ledger"
	fcfs-dispatch "$2"
	kill_at "$1" fcfs-issue --chunk 3 --ledger "sqlite:$T/$2/ledger" "${SHORT[@]}"
	settle "$2" "${SHORT[@]}"
	verdict "$2"
}

cell_kill_issue_kafka() {
	local KILL_CALLS=$CALLS # its threads poll all the time
	world 1
	kills 'fcfs-issue, Kafka' 100 issue_kafka_round
}

# --- delivery, dead letters ----------------------------------------------------------------------

# Ticket 2 cannot be delivered until its dead letter is sent again; it is given back where that is what is killed.
deliver_round() {
	local deliver
	deliver=$(courier "$(but p0000002 "$NEVER")")
	fresh "$2" 5 8
	: >"$T/$2/ledger"
	fcfs-dispatch "$2" >"$T/w"
	kill_at "$1" fcfs-issue --chunk 3 --ledger "sqlite:$T/$2/ledger" --dead-letters "$T/$2/dead" --deliver "$deliver" \
		<"$T/w" >"$T/1"
	out "$2" "$T/1"
	settle "$2" --dead-letters "$T/$2/dead" --deliver "$deliver" || [ $? -eq 65 ]
	verdict "$2"
}

cell_kill_deliver() {
	local WELL=65
	world
	kills 'fcfs-issue that delivers' 50 deliver_round
}

return_round() {
	fresh "$2" 5 8
	: >"$T/$2/ledger"
	fcfs-dispatch "$2" >"$T/w"
	issue "$2" --deliver "$(courier "$(but p0000002 p0000004 "$NEVER")")" <"$T/w" || [ $? -eq 65 ]
	kill_at "$1" fcfs-issue --return-dead all --ledger "sqlite:$T/$2/ledger" "$2"
	well fcfs-issue --return-dead all --ledger "sqlite:$T/$2/ledger" "$2"
	settle "$2"
	verdict "$2"
}

cell_kill_return() {
	world
	kills 'fcfs-issue --return-dead' 5 return_round
}

# Two could not be delivered; their dead letters are sent again, and they get the codes that they have.
redrive_round() {
	fresh "$2" 5 8
	: >"$T/$2/ledger"
	fcfs-dispatch "$2"
	issue "$2" "${SHORT[@]}" --deliver "$(courier "$(but p0000002 p0000004 "$NEVER")")" || same 65 $?
	kill_at "$1" fcfs-issue --redrive "${SHORT[@]}"
	well fcfs-issue --redrive "${SHORT[@]}"
	settle "$2" "${SHORT[@]}"
	same 0 "$(field "$2" parked)"
	verdict "$2"
}

cell_kill_redrive_kafka() {
	local KILL_CALLS=sendmsg
	world 1
	kills 'fcfs-issue --redrive' 10 redrive_round
}

# --- settings, codes, archives -------------------------------------------------------------------

set_round() {
	fresh "$2" 3 8
	settle "$2"
	kill_at "$1" fcfs-event set "$2" --stock 6 --name x
	fcfs-event set "$2" --stock 6 --name x
	same 6 "$(field "$2" stock)"
	settle "$2"
	verdict "$2"
}

create_round() {
	mkdir -p "$T/$2"
	people 8 >"$T/people"
	kill_at "$1" fcfs-event create "$2" --stock 5 --standby 10
	well fcfs-event create "$2" --stock 5 --standby 10
	told "$2" "$T/people" env
	settle "$2"
	verdict "$2"
}

cell_kill_event() {
	world
	kills 'fcfs-event set' 1 set_round
	kills 'fcfs-event create' 3 create_round
}

codes_round() {
	fresh "$2" 5 8 --codes pool
	kill_at "$1" fcfs-codes load "$2" <"$T/codes"
	fcfs-codes load "$2" <"$T/codes" || [ $? -eq 65 ]
	same 1500 "$(field "$2" codes_loaded)"
	settle "$2"
	verdict "$2"
}

cell_kill_codes() {
	world
	people 1500 CODE >"$T/codes"
	kills 'fcfs-codes load' 4 codes_round
}

# What is saved by a run that was killed is no archive; what is restored by one is no event.
archive_round() {
	fresh "$2" 5 8
	settle "$2"
	fcfs-event set "$2" --state closed
	kill_at "$1" fcfs-archive save "$2" >"$T/cut"
	fcfs-archive save "$2" >"$T/archive"
	cmp -s "$T/cut" "$T/archive" || ! fcfs-archive verify "$2" <"$T/cut"
	fcfs-archive verify "$2" <"$T/archive"
	verdict "$2"
}

restore_round() {
	fresh "$2" 5 8
	settle "$2"
	fcfs-event set "$2" --state closed
	fcfs-archive save "$2" >"$T/archive"
	fcfs-archive verify "$2" <"$T/archive"
	fcfs-archive purge "$2"
	kill_at "$1" fcfs-archive restore "$2" <"$T/archive"
	well fcfs-archive restore "$2" <"$T/archive"
	fcfs-archive verify "$2" <"$T/archive"
	settle "$2"
	verdict "$2"
}

purge_round() {
	fresh "$2" 5 8
	settle "$2"
	fcfs-event set "$2" --state closed
	fcfs-archive save "$2" >"$T/archive"
	fcfs-archive verify "$2" <"$T/archive"
	kill_at "$1" fcfs-archive purge "$2"
	well fcfs-archive purge "$2"
	same '' "$(redis keys "$(key "$2" '*')")"
	fcfs-archive restore "$2" <"$T/archive"
	verdict "$2"
}

cell_kill_archive() {
	world
	kills 'fcfs-archive save' 5 archive_round
	kills 'fcfs-archive restore' 5 restore_round
	kills 'fcfs-archive purge' 2 purge_round
}

# Redis has lost the event: it is made anew from the topics and the ledger, and goes on.
rebuild_round() {
	local rebuild=(fcfs-archive rebuild --ledger "sqlite:$T/$2/ledger" "$2")
	fresh "$2" 5 0
	: >"$T/$2/ledger"
	told "$2" "$T/people" env
	leaves "$2" env <<<p0000002
	settle "$2" "${SHORT[@]}"
	redis flushall
	kill_at "$1" "${rebuild[@]}"
	well "${rebuild[@]}"
	told "$2" "$T/people" env
	fcfs-event set "$2" --stock 7
	settle "$2" "${SHORT[@]}"
	verdict "$2"
}

cell_kill_rebuild() {
	local KILL_CALLS=write,sendto,sendmsg,pwrite64
	world 1
	people 9 >"$T/people"
	kills 'fcfs-archive rebuild' 20 rebuild_round
}
