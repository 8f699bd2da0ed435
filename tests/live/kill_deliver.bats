#!/usr/bin/env bats
# kill -9 of fcfs-issue at every write, send and sync while it delivers, with a ledger and a file of dead letters: the
# same command again leads to where an undisturbed run would have led (P4, P5, P7, P8).
# shellcheck disable=SC2034,SC2154 # what is set here is read by kill.bash, and struck there

load ../helper
load ../flow
load ../deliver
load ../kill

# What SQLite does within a transaction is kill.bats' business.
CALLS=write,sendto,fsync,fdatasync WELL=65

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

# One is refused for good, one for now, at first.
issue() {
	"$@" fcfs-issue --chunk 3 --retry-max 1ms --ledger "sqlite:$T/$event.ledger" --dead-letters "$T/$event.dead" \
		--deliver "$(courier "if .ticket == 2 then $NEVER elif .ticket == 4 and \$n == 1 then $LATER else $OK end")" 2>/dev/null
}

# in order, what is out, printed once or more, each time the same to the last byte
printed() {
	sort -u "$@" | jq -sc 'sort_by(.ticket)[]'
}

deliver_round() {
	event=$2
	rm -f "$T/got"
	event "$event" 5 7
	fcfs-dispatch "$event" >"$T/w"
	issue kill_at "$1" <"$T/w" >"$T/1"
	{ fcfs-dispatch "$event" || same 1 $?; } >"$T/w"
	issue <"$T/w" >"$T/2" || same 65 $?
	printed "$T/1" "$T/2" >"$T/out"
	same '1 3 4 5' "$(jq .ticket "$T/out" | paste -sd ' ')"
	diff <(redis_codes "$event") <(printed_codes "$T/out")
	same '4 1 1' "$(field "$event" issued) $(field "$event" parked) $(redis hlen "$(key "$event" pending)")"
	same '1 issued,2 parked,3 issued,4 issued,5 issued' \
		"$(sqlite3 -separator ' ' "$T/$event.ledger" 'select ticket, state from issued order by ticket' | paste -sd ,)"
	same '2 undeliverable' "$(jq -r '"\(.value | fromjson.ticket) \(.error_class)"' "$T/$event.dead" | sort -u)"
	# nobody is given another code
	same 5 "$(jq -r '"\(.ticket) \(.code)"' "$T/got" | sort -u | wc -l)"
	redis --raw lrange "$(key "$event" runs)" 0 -1 | jq -c 'select(.status != "running")' | books
	rm "$T/$event".*
}

@test "fcfs-issue killed: its command, which hears nothing of it, does not outlive it" {
	event e 1 1
	fcfs-dispatch e >"$T/w"
	spawn from "$T/w" fcfs-issue --deliver-timeout 1h --deliver "echo \$\$ >'$T/command'; exec sleep 1000"
	soon test -s "$T/command"
	cat "$T/command" >>"$T/pids"
	kill -9 "$pid"
	soon gone "$(cat "$T/command")"
}

@test "fcfs-issue killed everywhere while it delivers: all is issued, parked, kept and dead-lettered as it should be" {
	everywhere fcfs-issue 30 deliver_round
}
