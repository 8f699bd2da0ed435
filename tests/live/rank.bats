#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# fcfs-rank: where people stand, in every state, and writing nothing.

load ../helper

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }

teardown() {
	"$TREE/scripts/servers" stop "$T/other" 3>&-
}

# event STOCK STANDBY PERSON...: creates the event e and lets them in
event() {
	fcfs-event create e --stock "$1" --standby "$2" >/dev/null
	fcfs-join e "${@:3}" >/dev/null
}

# step NAME ARG...: one of the event's functions
step() {
	redis fcall "fcfs_${1}_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
}

# rows: TAB-separated lines with ':' between the columns
rows() {
	tr '\t' ':'
}

@test "waiting and standby, with how many are ahead; what follows from stock" {
	event 2 2 a b c d
	run -0 fcfs-rank e a b c d
	[ "$(rows <<<"$output")" = 'waiting:a:1:0:-:-
waiting:b:2:1:-:-
standby:c:3:2:-:-
standby:d:4:3:-:-' ]
	fcfs-event set e --stock 3
	[[ $(fcfs-rank e c | rows) == waiting:c:3:2:* ]]
}

@test "who left still counts as ahead until the cursor has passed; then the next stand closer" {
	event 2 3 a b c d e
	fcfs-leave e a c >/dev/null
	same 'left:a:1:-:-:left waiting:b:2:1:-:- left:c:3:-:-:left standby:d:4:3:-:-' \
		"$(fcfs-rank e a b c d | rows | paste -sd ' ')"
	fcfs-dispatch e >/dev/null # b and d
	same 'winner:b:2:-:-:granted winner:d:4:-:-:granted standby:e:5:0:-:-' \
		"$(fcfs-rank e b d e | rows | paste -sd ' ')"
}

# told PERSON: what --explain says, but for the times
told() {
	fcfs-rank --explain e "$1" | grep -v '^[a-z]*_us' | sed 1,3d | rows | paste -sd ' '
}

@test "explain: in each state what was decided, why and when, and never a code" {
	event 4 9 a b c d f g h i
	same 'ticket:1 state:waiting decision:none reason:0 of 4 slots are taken, and 0 in line go before them code:none ahead:0' \
		"$(told a | sed 's/ahead:0 $//')"
	fcfs-event set e --state paused
	[[ $(told a) == *'reason:nothing is granted while the event is paused '* ]]
	fcfs-event set e --state open
	fcfs-leave e a >/dev/null
	[[ $(told a) == *' state:left decision:none reason:they left before it was their turn code:none left_as:waiting left_by:'*' log:{"type":"log",'*'"what":"leave","user":"a",'* ]]
	fcfs-dispatch e >/dev/null # b c d f
	[[ $(told a) == *' decision:passed over '* ]]
	[[ $(told g) == *' state:standby decision:none reason:4 of 4 slots are taken, and 0 in line go before them code:none ahead:0' ]]
	same 'ticket:2 state:winner decision:granted reason:a slot was free when it was their turn; the code is not assigned yet code:none' "$(told b)"
	id=$(field e id)
	award e run-1 b 2 CODE-B 0 1 7 c 3 CODE-C 0 - - d 4 CODE-D 0 2 5 >/dev/null
	[[ $(told b) == *' the code is on its way code:assigned winner_at:1:7 run:run-1' ]]
	step "done" "$id" c
	step park "$id" run-1 d 2 5 >/dev/null
	[[ $(told c) == *' state:issued '*' the code is out code:issued' ]]
	[[ $(told d) == *' state:winner '*' could not be delivered, and is kept code:parked winner_at:2:5 run:run-1' ]]
	fcfs-leave e f >/dev/null
	fcfs-leave --revoke e c d >/dev/null
	[[ $(told f) == *' state:left decision:granted reason:they gave the slot back before they had a code code:none left_as:granted '* ]]
	[[ $(told c) == *' revoked when the code was out code:burnt left_as:issued '*'"what":"revoke"'* ]]
	[[ $(told d) == *' revoked when the code could not be delivered code:burnt left_as:parked '* ]]
	for one in a b c d f g; do
		run -0 fcfs-rank --explain e "$one"
		[[ $output != *CODE-* ]]
		same "$(redis zscore "$(key e line)" "$one")" "$(sed -n 's/^joined_us.//p' <<<"$output")"
	done
	step "done" "$id" b
	run -0 fcfs-rank -j --explain e b
	same "b 2 $(redis zrange "$(key e grants)" 0 0) $(redis hget "$(key e issued)" b | cut -d ' ' -f 2) null" \
		"$(jq -r '[.user, .ticket, .granted_us, .issued_us, .log] | map(tostring) | join(" ")' <<<"$output")"
	same '"leave"' "$(fcfs-rank -j --explain e f | jq .log.what)"
}

@test "explain: found in a long outbox; a name with a quote; absent, no name, no event" {
	event 9 9 'a"b/c' a
	people 3000 >"$T/people"
	fcfs-event set e --standby 5000
	fcfs-join e <"$T/people" >/dev/null
	head -n 1500 "$T/people" | fcfs-leave e >/dev/null
	fcfs-leave e 'a"b/c' >/dev/null
	tail -n 1500 "$T/people" | fcfs-leave e >/dev/null
	for person in 'a"b/c' "$(sed -n 1p "$T/people")" "$(sed -n 1500p "$T/people")" "$(sed -n 1501p "$T/people")" "$(tail -n 1 "$T/people")"; do
		same "leave $person" "$(fcfs-rank -j --explain e "$person" | jq -r '.log | .what + " " + .user')"
	done
	redis config resetstat >/dev/null
	fcfs-rank --explain e 'a"b/c' >/dev/null
	[ "$(redis info commandstats | sed -n 's/^cmdstat_lrange:calls=\([0-9]*\),.*/\1/p')" -lt 16 ] # 3,000 entries, halved
	run -1 fcfs-rank --explain e zoe
	[[ $output == *$'\nstate\tabsent\ndecision\tnone\nreason\tthey are not in line: never there, or refused' ]]
	run -65 fcfs-rank --explain e $'a\tb'
	run -78 fcfs-rank --explain none a
	run -64 fcfs-rank --explain e
	run -64 fcfs-rank --explain e a b
	run -64 fcfs-rank --list --explain e
}

@test "winner: granted, assigned; issued" {
	event 3 0 a b c
	fcfs-dispatch e >/dev/null
	award e "" a 1 CODE-A 0 - - b 2 CODE-B 0 - - >/dev/null
	step "done" "$(field e id)" a
	run -0 fcfs-rank e a b c
	[ "$(rows <<<"$output")" = 'issued:a:1:-:-:-
winner:b:2:-:-:assigned
winner:c:3:-:-:granted' ]
	[[ $output != *CODE* ]]
}

@test "left: how they left" {
	event 2 1 a b c
	fcfs-dispatch e >/dev/null
	award e "" a 1 CODE-A 0 - - >/dev/null
	step "done" "$(field e id)" a
	fcfs-leave --revoke e a b c >/dev/null
	run -0 fcfs-rank e a b c
	[ "$(rows <<<"$output")" = 'left:a:1:-:-:revoked
left:b:2:-:-:returned
left:c:3:-:-:left' ]
	run -0 fcfs-rank e a
}

@test "one person's exit status, and streams'" {
	event 1 1 a b
	run -0 fcfs-rank e a
	run -0 fcfs-rank e b
	run -1 fcfs-rank e zoe
	[ "$(rows <<<"$output")" = 'absent:zoe:-:-:-:-' ]
	run -65 fcfs-rank e $'z\te'
	[ "$output" = $'invalid\tz\\x09e\t-\t-\t-\thas white space' ]
	run -78 fcfs-rank nobody a
	[ "$output" = "fcfs-rank: event 'nobody': no such event" ]
	run -78 fcfs-rank nobody </dev/null
	[ "$output" = "fcfs-rank: event 'nobody': no such event" ]
	run -0 fcfs-rank e </dev/null
	[ -z "$output" ]
	run -0 --separate-stderr fcfs-rank -v e < <(printf 'a\nzoe\nb\n')
	same "fcfs-rank: 3 asked = 1 waiting + 1 standby + 1 absent" "$stderr"
	run -65 fcfs-rank e < <(printf 'a\n\n')
}

@test "a name that begins with a dash stands behind --" {
	event 1 0 -- -42
	run -0 fcfs-rank e -- -42
	[[ $output == $'waiting\t-42\t1\t'* ]]
}

@test "ETA: none before two steps have granted, then rising with the place in line" {
	event 1 500 a
	people 100 | fcfs-join e >/dev/null
	fcfs-dispatch e >/dev/null
	fcfs-event set e --stock 500
	same - "$(fcfs-rank e p0000001 | cut -f 5)"
	fcfs-event set e --stock 11
	fcfs-dispatch e >/dev/null
	fcfs-event set e --stock 500
	fcfs-rank e p0000011 p0000050 p0000100 | cut -f 5 >"$T/eta"
	grep -qxE '[1-9][0-9]*' "$T/eta"
	sort -n "$T/eta" | cmp - "$T/eta"
	# as the steps say: 10 more tickets in the time between them
	read -r first last < <(redis zrange "$(key e grants)" 0 -1 | paste -sd ' ')
	same "$(awk -v us=$((last - first)) 'BEGIN { n = 90 * us / 1e7; print n == int(n) ? n : int(n) + 1 }')" \
		"$(sed -n 3p "$T/eta")"
	fcfs-event set e --stock 20
	same '8 -' "$(fcfs-rank e p0000019 p0000020 | cut -f 4,5 | paste -sd ' ' | awk '{ print $1, $4 }')"
}

@test "ETA: the pace forgets what was long ago" {
	event 500 0 a
	people 100 | fcfs-join e >/dev/null
	fcfs-dispatch e >/dev/null
	# twenty-one steps a second apart, of one ticket, before them one an hour earlier
	redis del "$(key e grants)" >/dev/null
	redis zadd "$(key e grants)" 1 1000000 >/dev/null
	for i in {1..21}; do
		echo "zadd $(key e grants) $((i + 1)) $((3600 * 1000000 + i * 1000000))"
	done | redis >/dev/null
	redis hset "$(key e event)" cursor 22 granted 22 >/dev/null
	same 5 "$(fcfs-rank e p0000026 | cut -f 5)" # ticket 27, four ahead
}

@test "--list: everybody, in order, in the same columns" {
	event 2500 0 x
	people 2500 | fcfs-join e >"$T/answers"
	fcfs-dispatch e | head -n 1 | fcfs-issue >/dev/null
	fcfs-leave e p0000002 >/dev/null
	run -0 fcfs-rank --list e
	same 2500 "${#lines[@]}"
	cut -f 3 <<<"$output" | cmp - <(seq 2500)
	cut -f 2 <<<"$output" | cmp - <({ echo x && people 2499; })
	same 'issued:x:1:-:-:- winner:p0000001:2:-:-:granted left:p0000002:3:-:-:returned' \
		"$(head -n 3 <<<"$output" | rows | paste -sd ' ')"
	same "$output" "$(fcfs-rank e < <(cut -f 2 <<<"$output"))"
}

@test "--list of nobody is empty; of no event 78; with people or without an event 64" {
	event 5 0
	run -0 fcfs-rank --list e
	[ -z "$output" ]
	run -78 fcfs-rank --list nobody
	[ "$output" = "fcfs-rank: event 'nobody': no such event" ]
	run -64 fcfs-rank --list e ann
	run -64 fcfs-rank --list
}

@test "-j: state, user, ticket, ahead, eta_s, detail" {
	event 1 1 a b
	fcfs-dispatch e >/dev/null
	run -65 fcfs-rank -j e a b zoe ''
	[ "$output" = '{"state":"winner","user":"a","ticket":1,"ahead":null,"eta_s":null,"detail":"granted"}
{"state":"standby","user":"b","ticket":2,"ahead":0,"eta_s":null,"detail":null}
{"state":"absent","user":"zoe","ticket":null,"ahead":null,"eta_s":null,"detail":null}
{"state":"invalid","user":"","ticket":null,"ahead":null,"eta_s":null,"detail":"empty"}' ]
}

@test "asking writes nothing" {
	event 2 2 a b c
	before=$(redis info persistence | grep aof_current_size)
	keys=$(redis keys "$FCFS_PREFIX*" | sort)
	fcfs-rank e a b c zoe >/dev/null
	fcfs-rank --list e >/dev/null
	same "$before" "$(redis info persistence | grep aof_current_size)"
	same "$keys" "$(redis keys "$FCFS_PREFIX*" | sort)"
}

@test "a replica that only reads can be asked" {
	event 2 2 a b c
	redis config set repl-diskless-sync-delay 0
	eval "$(FCFS_REDIS_SERVER_ARGS="--replicaof 127.0.0.1 $REDIS_PORT" \
		"$TREE/scripts/servers" start --brokers 0 "$T/other" 3>&-)"
	replica_has() {
		[ "$(redis-cli -u "$FCFS_REDIS" zcard "$(key e line)")" = 3 ]
	}
	wait_for 60 replica_has
	run -0 fcfs-rank e a b c
	[ "$(rows <<<"$output")" = 'waiting:a:1:0:-:-
waiting:b:2:1:-:-
standby:c:3:2:-:-' ]
	run -0 fcfs-rank --list e
	[ "${#lines[@]}" -eq 3 ]
	run -69 --separate-stderr fcfs-join --reconnect 200ms e zoe # a replica lets nobody in
	[[ $stderr == *READONLY* ]]
}
