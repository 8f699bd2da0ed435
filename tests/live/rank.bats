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

@test "winner: granted, assigned; issued" {
	event 3 0 a b c
	fcfs-dispatch e >/dev/null
	step allot "$(field e id)" "" a 1 CODE-A 0 - - b 2 CODE-B 0 - - >/dev/null
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
	step allot "$(field e id)" "" a 1 CODE-A 0 - - >/dev/null
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
	wait_for 20 replica_has
	run -0 fcfs-rank e a b c
	[ "$(rows <<<"$output")" = 'waiting:a:1:0:-:-
waiting:b:2:1:-:-
standby:c:3:2:-:-' ]
	run -0 fcfs-rank --list e
	[ "${#lines[@]}" -eq 3 ]
	run -69 --separate-stderr fcfs-join --reconnect 200ms e zoe # a replica lets nobody in
	[[ $stderr == *READONLY* ]]
}
