#!/usr/bin/env bats
# What has a code that cannot be delivered is parked: it keeps both until it is sent again or revoked (P4, P5).
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines

load ../helper
load ../flow

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }

RUN=99999999-9999-4999-8999-999999999999
OTHER=88888888-8888-4888-8888-888888888888

# step NAME ARG...: one of the event's functions
step() {
	redis fcall "fcfs_${1}_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
}

# assign PERSON TICKET CODE REPLAYS PARTITION OFFSET...: by the run; the answer's status and code of each
assign() {
	assign_by $RUN "$@"
}

# assign_by RUN PERSON...
assign_by() {
	award e "$@" | cut -d ' ' -f 1,2
}

# park PERSON PARTITION OFFSET
park() {
	step park "$(field e id)" $RUN "$@"
}

# confirm RUN PERSON VERDICT...
confirm() {
	step confirm "$(field e id)" "$@" | paste -sd ' '
}

# pending PERSON: state and place
pending() {
	redis hget "$(key e pending)" "$1" | cut -d ' ' -f 1-3
}

# parked: an event of one slot, ann's, who is parked; bob is next
parked() {
	fcfs-event create e --stock 1 --standby 9 >/dev/null
	fcfs-join e ann bob >/dev/null
	fcfs-dispatch e >"$T/w"
	same 'assigned CODE-1' "$(assign ann 1 CODE-1 0 - -)"
	same 1 "$(park ann - -)"
}

@test "parked: the code stays, the slot is spent, every tool says so" {
	parked
	same 1 "$(field e parked)"
	[[ $(redis hget "$(key e pending)" ann) =~ ^parked:$RUN\ -\ -\ [0-9]+\ [0-9]+\ CODE-1$ ]]
	run -0 fcfs-rank e ann
	[[ $output == $'winner\tann\t1\t-\t-\tparked' ]]
	same '1 0 1 0 1' "$(fcfs-report -j e | jq -r '"\(.granted) \(.issued) \(.parked) \(.unissued) \(.waiting)"')"
	run -1 fcfs-leave e ann
	[ "$output" = $'issued\tann\t1' ]
	# there is nothing left to do for dispatch: not for ann either
	run -1 fcfs-dispatch -v e
	[[ $output == *ended* ]]
	same 0 "$(field e settled | grep -c '^0$')"
	timeout "$LIMIT" fcfs-dispatch --every 10ms --follow e || same 1 $?
}

@test "parking again changes nothing; only what stands where its record died is parked" {
	parked
	same 1 "$(park ann - -)"
	same 0 "$(park ann 0 5 bob - - zed - -)"
	same '1 1' "$(field e parked) $(redis hlen "$(key e pending)")"
	same 0 "$(step park 11111111-1111-4111-8111-111111111111 $RUN ann - -)"
}

@test "a parked ticket meets its record again: refused, counted, nothing is written" {
	parked
	run --separate-stderr fcfs-issue -v <"$T/w"
	same '' "$output"
	[[ $stderr == *"in 1 = done 0 + already 0 + refused 1 + dead 0, retried 0" ]]
	[[ $stderr == *"line 1: parked"* ]]
	same 1 "$(field e parked)"
}

@test "its record sent again: the same code and times, issued, no longer parked" {
	parked
	jq -c '.replays = 1' "$T/w" >"$T/again"
	run -0 fcfs-issue <"$T/again"
	same 'ann CODE-1' "$(jq -r '"\(.user) \(.code)"' <<<"$output")"
	same '1 0 0' "$(field e issued) $(field e parked) $(redis hlen "$(key e pending)")"
	# and once more
	run -0 --separate-stderr fcfs-issue -v <"$T/again"
	[[ $stderr == *"done 0 + already 1 + refused 0 + dead 0, retried 0" ]]
	same '1 0' "$(field e issued) $(field e parked)"
}

@test "sent again and killed before it is out: dispatch has it again (P4)" {
	parked
	fcfs-dispatch e || same 1 $?
	same 'assigned CODE-1' "$(assign ann 1 OTHER 1 - -)"
	same 0 "$(field e parked)"
	same 'ann 1' "$(fcfs-dispatch e | jq -r '"\(.user) \(.ticket)"')"
	same 'assigned CODE-1' "$(assign ann 1 OTHER 0 - -)"
}

@test "a parked ticket stays parked where what was sent again names another ticket, or id" {
	parked
	jq -c '.replays = 1 | .ticket = 2, (.id = "11111111-1111-4111-8111-111111111111")' "$T/w" >"$T/again"
	run -65 fcfs-issue <"$T/again"
	same 1 "$(field e parked)"
	[[ $(redis hget "$(key e pending)" ann) == "parked:$RUN - - "* ]]
	run -0 fcfs-issue < <(jq -c '.replays = 1' "$T/w")
	same '1 0' "$(field e issued) $(field e parked)"
}

@test "a record with another's ticket beside the real one takes nothing from it (P4)" {
	fcfs-event create e --stock 2 >/dev/null
	fcfs-join e ann bob >/dev/null
	fcfs-dispatch e >"$T/w"
	jq -c 'select(.user == "bob") | .ticket = 1' "$T/w" >"$T/wrong"
	run -65 --separate-stderr fcfs-issue -v < <(cat "$T/wrong" "$T/w")
	same 'ann bob' "$(jq -r .user <<<"$output" | paste -sd ' ')"
	[[ $stderr == *"in 3 = done 2 + already 0 + refused 0 + dead 1, retried 0" ]]
	same '2 0' "$(field e issued) $(redis hlen "$(key e pending)")"
}

@test "a ticket stands where its first record in a chunk does: that one settles it" {
	fcfs-event create e --stock 2 >/dev/null
	fcfs-join e ann bob >/dev/null
	fcfs-dispatch e >/dev/null
	same $'assigned A\nalready ' "$(assign ann 1 A 0 0 5 ann 1 B 0 0 9)"
	same 1 "$(park ann 0 5)"
	# what was not sent again writes nothing: the next that was does
	same $'parked \nassigned A' "$(assign ann 1 B 0 0 6 ann 1 B 1 0 7)"
	same 1 "$(park ann 0 7)"
}

@test "--revoke of a parked one: the code is burnt, once, and the next in line wins (P3, P4)" {
	parked
	for _ in 1 2; do
		run -0 fcfs-leave --revoke e ann
		[ "$output" = $'returned\tann\t1' ]
		same '1 1 1 0' "$(field e returned) $(field e revoked) $(field e burnt) $(field e parked)"
	done
	same 0 "$(redis hlen "$(key e pending)")"
	[[ $(redis hget "$(key e left)" ann) == *' parked '*' CODE-1' ]]
	[[ $(fcfs-rank e ann) == *$'\trevoked' ]]
	same '{"what":"revoke","before":"parked","after":"returned"}' \
		"$(redis lrange "$(key e outbox)" -1 -1 | jq -c '{what, before, after}')"
	flow e "$T/out"
	same 'bob 2' "$(jq -r '"\(.user) \(.ticket)"' "$T/out")"
	same '2 1 1' "$(field e granted) $(field e returned) $(field e issued)"
	same 0 "$(park ann - -)"
	same 'refused ' "$(assign ann 1 OTHER 1 - -)"
	# whoever sends it again is told
	run -0 --separate-stderr fcfs-issue -v < <(jq -c '.replays = 1' "$T/w")
	[[ $stderr == *"done 0 + already 0 + refused 1 + dead 0, retried 0" ]]
}

@test "done counts for more than parked: what is out is issued" {
	parked
	same 1 "$(step "done" "$(field e id)" ann)"
	same '1 0' "$(field e issued) $(field e parked)"
}

@test "records below a committed offset are found, but not the parked ones" {
	fcfs-event create e --stock 3 --standby 9 >/dev/null
	fcfs-join e ann bob cid >/dev/null
	fcfs-dispatch e >/dev/null
	assign ann 1 A 0 0 5 bob 2 B 0 0 6
	assign cid 3 C 0 1 5
	same 1 "$(park ann 0 5)"
	same "0 $(field e id) bob 0 6 $(redis --raw hget "$(key e pending)" bob | awk '{ print $(NF - 1) }')" "$(step stranded 0 0 7 1 5 | paste -sd ' ')"
}

# --- several runs that have a ticket in hand -------------------------------------------------------

# granted: ann and bob, of an event of two
granted() {
	fcfs-event create e --stock 2 --standby 9 >/dev/null
	fcfs-join e ann bob >/dev/null
	fcfs-dispatch e >/dev/null
}

@test "in a pipe the run that assigned it last gives a ticket up; whoever delivers it first confirms it (P3, P5)" {
	granted
	assign ann 1 A 0 - - bob 2 B 0 - -
	same "assigned:$RUN - -" "$(pending ann)"
	assign_by $OTHER ann 1 X 0 - - bob 2 X 0 - -
	# the first one may not give up what the other has; it may say that it delivered it
	same 'taken assigned' "$(confirm $RUN ann park bob issue)"
	same 0 "$(park ann - - bob - -)"
	same "assigned:$OTHER - - assigned - -" "$(pending ann) $(pending bob)"
	# what is confirmed is on its way out, for good, whoever assigns it
	same 'assigned firm' "$(confirm $OTHER ann park bob park)"
	same $'assigned A\nassigned B' "$(assign_by $OTHER ann 1 X 0 - - bob 2 X 0 - -)"
	same 'assigned - -' "$(pending bob)"
	same 1 "$(step park "$(field e id)" $OTHER ann - - bob - -)"
	same "parked:$OTHER - - assigned - -" "$(pending ann) $(pending bob)"
	# whoever comes later is told what has become of it
	same 'parked assigned' "$(confirm $RUN ann issue bob issue)"
	step "done" "$(field e id)" bob
	fcfs-leave --revoke e ann >/dev/null
	same 'refused already' "$(confirm $RUN ann issue bob issue)"
	same 'refused' "$(step confirm 11111111-1111-4111-8111-111111111111 $RUN bob issue)"
	same '1 1 0' "$(field e issued) $(field e returned) $(field e parked)"
}

@test "who delivers nothing takes a ticket for good; from Kafka it is its owner's until it is committed" {
	granted
	assign ann 1 A 0 - -
	assign bob 2 B 0 0 7
	assign_by '' ann 1 X 0 - -
	same 'firm assigned' "$(confirm $RUN ann park bob issue)"
	same "assigned:$RUN 0 7" "$(pending bob)"
	assign_by $OTHER bob 2 X 0 0 7
	same 'taken taken' "$(confirm $RUN bob issue bob park)"
	assign_by '' bob 2 X 0 0 7
	same 'firm' "$(confirm $RUN bob issue)"
	assign_by $OTHER bob 2 X 0 0 7
	same 'assigned' "$(confirm $OTHER bob park)"
	same 1 "$(step park "$(field e id)" $OTHER bob 0 7)"
}

@test "a record in another partition does not move a ticket that is assigned; in the same one it does (P5)" {
	granted
	assign ann 1 A 0 0 7
	same "elsewhere 0 7 assigned:$RUN 0 7" "$(elsewhere ann 1 X 0 1 3) $(pending ann)"
	same 'elsewhere 0 7' "$(elsewhere ann 1 X 5 1 3)"
	same 'assigned A' "$(assign ann 1 X 0 0 9)"
	same 1 "$(park ann 0 9)"
	same "parked " "$(assign ann 1 X 0 1 3)"
	same 'assigned A' "$(assign ann 1 X 1 1 3)"
	same "assigned:$RUN 1 3" "$(pending ann)"
	# unless that record is gone
	# shellcheck disable=SC2086 # words
	same '0 0 1' "$(for place in '0 3' '1 4' '1 3'; do step lift "$(field e id)" ann $place; done | paste -sd ' ')"
	assign ann 1 X 0 0 4
	same "assigned:$RUN 0 4" "$(pending ann)"
	# then it is who assigns it next that has it: nothing is on its way out from a record that is gone
	assign_by '' ann 1 X 0 0 4
	same 1 "$(step lift "$(field e id)" ann 0 4)"
	assign ann 1 X 0 1 3
	same "assigned:$RUN 1 3" "$(pending ann)"
	step "done" "$(field e id)" ann
	same 'already A' "$(assign ann 1 X 0 0 7)"
}

# elsewhere PERSON TICKET CODE REPLAYS PARTITION OFFSET: status, and where it is
elsewhere() {
	award e $RUN "$@" | cut -d ' ' -f 1,4,5
}
