#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# fcfs-leave: a place is given back once, and its slot goes to the next in line (P4).

load ../helper

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }

# event STOCK STANDBY PERSON...: creates the event e and lets them in
event() {
	fcfs-event create e --stock "$1" --standby "$2" >/dev/null
	fcfs-join e "${@:3}" >/dev/null
}

# step NAME ARG...: one of the event's functions
step() {
	redis fcall "fcfs_${1}_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
}

# assigned PERSON TICKET CODE: as an issuer fixes a code, the first half of its work
assigned() {
	same assigned "$(award e "" "$1" "$2" "$3" 0 - - | cut -d ' ' -f 1)"
}

# issued PERSON TICKET CODE: the whole of it
issued() {
	assigned "$@"
	same 1 "$(step "done" "$(field e id)" "$1")"
}

# winners: runs a dispatch, prints TICKET PERSON of what it writes
winners() {
	fcfs-dispatch e | jq -r '"\(.ticket) \(.user)"' | paste -sd ' '
}

# log_of FILTER: what jq says about the event's records for event_log
log_of() {
	redis lrange "$(key e outbox)" 0 -1 | jq -rc "$1"
}

@test "waiting: left, nothing is spent, and the next in line stands closer" {
	event 2 2 ann bob cid dan
	run -0 fcfs-leave e bob
	[ "$output" = $'left\tbob\t2' ]
	same "1 0" "$(field e left) $(field e returned)"
	same "1 ann 3 cid" "$(winners)"
	same "2 0" "$(field e granted) $(field e returned)"
	run -0 fcfs-leave e bob
	[ "$output" = $'left\tbob\t2' ]
	same "1 0" "$(field e left) $(field e returned)"
}

@test "granted: returned, and the next dispatch gives the slot to the next in line, once (P3, P4)" {
	event 2 2 ann bob cid dan
	same "1 ann 2 bob" "$(winners)"
	run -0 fcfs-leave e ann
	[ "$output" = $'returned\tann\t1' ]
	same "2 bob 3 cid" "$(winners)"
	run -0 fcfs-leave e ann
	[ "$output" = $'returned\tann\t1' ]
	same "2 bob 3 cid" "$(winners)"
	same "0 3 1" "$(field e left) $(field e granted) $(field e returned)"
}

@test "assigned: busy, also for the operator, and nothing changes; done with it, it is issued" {
	event 1 1 ann bob
	winners
	assigned ann 1 CODE-1
	run -75 fcfs-leave e ann
	[ "$output" = $'busy\tann\t1' ]
	run -75 fcfs-leave --revoke e ann
	[ "$output" = $'busy\tann\t1' ]
	same "0 0" "$(field e returned) $(redis exists "$(key e left)")"
	same 1 "$(step "done" "$(field e id)" ann)"
	run -1 fcfs-leave e ann
	[ "$output" = $'issued\tann\t1' ]
	same "" "$(winners)"
}

@test "issued: refused; --revoke burns the code, and the slot goes to the next in line" {
	event 1 1 ann bob
	winners
	issued ann 1 CODE-1
	run -1 fcfs-leave e ann
	[ "$output" = $'issued\tann\t1' ]
	same "0 0" "$(field e returned) $(field e revoked)"
	run -0 fcfs-leave --revoke e ann
	[ "$output" = $'returned\tann\t1' ]
	same "1 1 1" "$(field e returned) $(field e revoked) $(field e burnt)"
	same 0 "$(redis hexists "$(key e issued)" ann)"
	same "2 bob" "$(winners)"
	run -0 fcfs-leave --revoke e ann
	[ "$output" = $'returned\tann\t1' ]
	run -0 fcfs-leave e ann
	[ "$output" = $'returned\tann\t1' ]
	same "1 1 1" "$(field e returned) $(field e revoked) $(field e burnt)"
	same "2 bob" "$(winners)"
}

@test "a burnt code stays with who had it: it is written down, and not in the log" {
	event 1 0 ann
	winners
	issued ann 1 CODE-1
	fcfs-leave --revoke e ann
	[[ $(redis hget "$(key e left)" ann) == *' issued '*' CODE-1' ]]
	run -1 grep CODE < <(log_of .)
}

@test "--revoke of who waits or is granted is an ordinary leave" {
	event 1 1 ann bob
	winners
	run -0 fcfs-leave --revoke e ann bob
	[ "$output" = $'returned\tann\t1\nleft\tbob\t2' ]
	same "0 0" "$(field e revoked) $(field e burnt)"
	same '["leave","leave"]' "$(log_of 'select(.user != "") | .what' | jq -Rsc 'split("\n")[:-1]')"
}

@test "an issuer meets who left: no code is fixed for them" {
	event 1 1 ann bob
	winners
	fcfs-leave e ann
	same refused "$(award e "" ann 1 CODE-1 0 - - | cut -d ' ' -f 1)"
	same 0 "$(redis hlen "$(key e pending)")"
}

@test "absent and invalid people, and their statuses" {
	event 1 1 ann
	run -1 fcfs-leave e zoe
	[ "$output" = $'absent\tzoe\t-' ]
	run -65 fcfs-leave e 'z e'
	[ "$output" = $'invalid\tz e\t-' ]
	run -78 fcfs-leave nobody ann
	[ "$output" = "fcfs-leave: event 'nobody': no such event" ]
	run -78 fcfs-leave nobody </dev/null
	[ "$output" = "fcfs-leave: event 'nobody': no such event" ]
	run -0 fcfs-leave e </dev/null
	[ -z "$output" ]
	same 0 "$(redis exists "$(key e left)")"
}

@test "a stream: an answer a line, in order; 0, or 65 with an invalid name" {
	event 2 3 a b c d
	winners
	issued a 1 CODE-1
	run -0 fcfs-leave e < <(printf 'd\nzoe\na\nb\nb\n')
	[ "$output" = $'left\td\t4\nabsent\tzoe\t-\nissued\ta\t1\nreturned\tb\t2\nreturned\tb\t2' ]
	run -65 --separate-stderr fcfs-leave -v e < <(printf 'c\n\n')
	[ "$output" = $'left\tc\t3\ninvalid\t-\t-' ]
	same "fcfs-leave: 2 asked = 1 left + 1 invalid" "$stderr"
}

@test "-j: status, user, ticket" {
	event 2 0 ann
	run -65 fcfs-leave -j e ann zoe ''
	[ "$output" = '{"status":"left","user":"ann","ticket":1}
{"status":"absent","user":"zoe","ticket":null}
{"status":"invalid","user":"","ticket":null}' ]
}

@test "who left cannot come back, and keeps the ticket (P1)" {
	event 2 2 ann bob
	fcfs-leave e ann
	run -1 fcfs-join e ann
	[[ $output == left$'\t'ann$'\t'1$'\t'* ]]
	winners
	fcfs-leave e bob
	run -1 fcfs-join e bob
	[[ $output == left$'\t'bob$'\t'2$'\t'* ]]
	same 2 "$(redis zcard "$(key e line)")"
}

@test "every leave is one record for event_log, numbered without a gap; a repeat is none (P10)" {
	event 2 2 ann bob cid
	winners
	issued ann 1 CODE-1
	before=$(redis time | head -n 1)
	fcfs-leave e bob cid bob
	run -1 fcfs-leave e ann
	run -1 fcfs-leave e zoe
	fcfs-leave --revoke e ann
	fcfs-leave --revoke e ann
	after=$(($(redis time | head -n 1) + 1))
	same "1 2 3 4" "$(log_of .seq | paste -sd ' ')"
	same '["type","event","id","seq","at_us","who","what","user","ticket","before","after"]' \
		"$(log_of keys_unsorted | sort -u)"
	same "$(printf '%s\n' 'create  0  ' 'leave bob 2 granted returned' 'leave cid 3 waiting left' \
		'revoke ann 1 issued returned')" \
		"$(log_of '"\(.what) \(.user) \(.ticket) \(.before) \(.after)"' | sed 's/ stock=.*/ /')"
	same "log e $(field e id) $(id -u)@$(uname -n)" "$(log_of '"\(.type) \(.event) \(.id) \(.who)"' | sort -u)"
	log_of 'select(.what != "create") | .at_us' |
		awk -v after=$after -v before="$before" '$1 < before * 1e6 || $1 > after * 1e6 { exit 1 }'
}

@test "names are quoted in the log as JSON wants it" {
	event 5 0 'a"b\c/d' 'ü:@'
	fcfs-leave e 'a"b\c/d' 'ü:@'
	same 'a"b\c/d ü:@' "$(log_of 'select(.what == "leave") | .user' | paste -sd ' ')"
}

@test "200 people leave from four processes at once: every slot comes back once" {
	fcfs-event create e --stock 200 --standby 200 >/dev/null
	people 400 | fcfs-join e >/dev/null
	fcfs-dispatch e >/dev/null
	for i in 1 2 3 4; do
		people 200 | shuf | fcfs-leave e >"$T/answers.$i" 3>&- &
	done
	wait
	same "800 returned" "$(cut -f 1 "$T"/answers.? | sort | uniq -c | sed 's/^ *//')"
	same "200 200" "$(field e returned) $(log_of 'select(.what == "leave") | .user' | sort -u | wc -l)"
	same 200 "$(fcfs-dispatch e | wc -l)"
	same 400 "$(field e granted)"
	same "$(seq 201)" "$(log_of .seq)"
}
