#!/usr/bin/env bats
# fcfs-issue --deliver: what is delivered is issued, what is refused for good is a dead letter and parked (P4, P5, P7).
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../helper
load ../flow
load ../deliver
load ../strike

setup_file() {
	servers_start
	strike_build
}
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

# deliver ANSWER [OPTION...]: the winners in $T/w, delivered; dead letters into $T/dead
deliver() {
	fcfs-issue -v --retry-max 20ms --dead-letters "$T/dead" --deliver "$(courier "$1")" "${@:2}" <"$T/w"
}

ledger() {
	sqlite3 -separator ' ' "$T/ledger" "$@"
}

# winners STOCK PEOPLE: an event e, dispatched into $T/w
winners() {
	event e "$1" "$2"
	fcfs-dispatch e >"$T/w"
}

# counted BOOKS: the last line of stderr
counted() {
	same "fcfs-issue: event 'e': $1" "$(tail -n 1 <<<"$stderr")"
}

# letters FILTER: of the dead letters in the file
letters() {
	jq -r "$1" "$T/dead"
}

@test "all delivered: each code once, the same that is printed, before it is printed" {
	winners 250 250
	run -0 --separate-stderr deliver "$OK"
	echo "$output" >"$T/out"
	all_issued e 250 "$T/out"
	cmp "$T/out" "$T/got"
	counted 'in 250 = done 250 + already 0 + refused 0 + dead 0, retried 0'
	same '600 0' "$(stat -c '%a %s' "$T/dead")"
}

@test "refused for good: a dead letter, parked; its slot, revoked, is the next in line's (P4)" {
	winners 5 7
	run -65 --separate-stderr deliver "$(but p0000002 "$NEVER")"
	same '1 3 4 5' "$(jq .ticket <<<"$output" | paste -sd ' ')"
	[[ $stderr == *'fcfs-issue: line 2: no such address'* ]]
	counted 'in 5 = done 4 + already 0 + refused 0 + dead 1, retried 0'
	same '4 1 0' "$(field e issued) $(field e parked) $(field e returned)"
	same "dead undeliverable no such address 1 - -1 2 0 $(run_field e run | tail -n 1)" \
		"$(letters '"\(.type) \(.error_class) \(.error_message) \(.attempts) \(.original_topic) \(.original_partition) \(.original_offset) \(.replays) \(.run)"')"
	same "$(sed -n 2p "$T/w")" "$(letters .value)"
	letters 'select(.first_failure_us == .last_failure_us and .first_failure_us > 1700000000000000)' | grep -q .
	fcfs-rank e p0000002 | grep -q 'parked$'
	# the code itself is nowhere to be seen
	code=$(redis hget "$(key e pending)" p0000002 | cut -d ' ' -f 6)
	grep -q "$code" "$T/got"
	run -1 grep -F "$code" "$T/dead" <(echo "$stderr")
	# nothing is to be done for it
	fcfs-dispatch e >"$T/w" || same 1 $?
	same 0 "$(wc -l <"$T/w")"
	fcfs-leave --revoke e p0000002
	fcfs-dispatch e >"$T/w"
	run -0 --separate-stderr deliver "$OK"
	same 'p0000006 6' "$(jq -r '"\(.user) \(.ticket)"' <<<"$output")"
	same '5 0 1 1' "$(field e issued) $(field e parked) $(field e returned) $(field e burnt)"
	same 1 "$(wc -l <"$T/dead")"
	redis --raw lrange "$(key e runs)" 0 -1 | books
}

@test "refused for now: tried again, delivered, issued, and counted" {
	winners 5 5
	run -0 --separate-stderr deliver "if IN(.ticket; 2, 4) and \$n < 3 then $LATER else $OK end"
	echo "$output" >"$T/out"
	all_issued e 5 "$T/out"
	counted 'in 5 = done 5 + already 0 + refused 0 + dead 0, retried 4'
	same '3 1 3' "$(given p0000002) $(given p0000003) $(given p0000004)"
	same 4 "$(fcfs-report -j --runs e | jq -r 'select(.tool == "issue") | .retried')"
}

@test "refused for now too often: a dead letter that says how often, parked" {
	winners 3 3
	run -65 --separate-stderr deliver "$(but p0000001 "$LATER")" --retries 2
	counted 'in 3 = done 2 + already 0 + refused 0 + dead 1, retried 2'
	same 'exhausted 3 busy' "$(letters '"\(.error_class) \(.attempts) \(.error_message)"')"
	letters 'select(.first_failure_us < .last_failure_us)' | grep -q .
	same '2 1' "$(field e issued) $(field e parked)"
}

@test "a command that hangs over one record, and one that dies over one: the others are issued" {
	local way
	for way in 'sleep 1000' 'exit 1'; do
		purge e
		rm -f "$T/dead"
		winners 4 4
		run -65 --separate-stderr fcfs-issue -v --retries 1 --retry-max 10ms --deliver-timeout 3s --dead-letters "$T/dead" \
			--deliver "$(by_hand "[ \$ticket != 2 ] || $way")" <"$T/w"
		same '1 3 4' "$(jq .ticket <<<"$output" | sort | paste -sd ' ')"
		[[ $(tail -n 1 <<<"$stderr") == *'in 4 = done 3 + already 0 + refused 0 + dead 1, retried '* ]]
		same 'exhausted 2' "$(letters '"\(.error_class) \(.attempts)"')"
		same '3 1' "$(field e issued) $(field e parked)"
	done
}

@test "no such command: 78 at once, nothing is issued, nobody is parked, and the next run goes on" {
	winners 2 2
	run -78 fcfs-issue --deliver /nonexistent/command <"$T/w"
	same '0 0 2' "$(field e issued) $(field e parked) $(redis hlen "$(key e pending)")"
	run -0 --separate-stderr deliver "$OK"
	counted 'in 2 = done 2 + already 0 + refused 0 + dead 0, retried 0'
}

@test "asked who may go on, the server tells of more than were asked about, or no word for it: 76, nothing is printed, and the next run goes on" {
	winners 2 2
	run -76 --separate-stderr forged 's/if #firm > 0 then/reply[#reply + 1] = "assigned" &/' deliver "$OK"
	same '' "$output"
	[[ $stderr == *"confirm: the server's reply makes no sense"* ]]
	run -76 --separate-stderr forged 's/reply\[n\] = status$/reply[n] = "elsewhere"/' deliver "$OK"
	same '' "$output"
	[[ $stderr == *"confirm: the server answers 'elsewhere', which is no answer"* ]]
	run -0 --separate-stderr deliver "$OK"
	echo "$output" >"$T/out"
	all_issued e 2 "$T/out"
	cmp "$T/out" <(sort -u "$T/got")
}

# --- the ledger ------------------------------------------------------------------------------------

@test "the ledger says what was delivered, and what was parked" {
	winners 3 3
	run -65 deliver "$(but p0000003 "$NEVER")" --ledger "sqlite:$T/ledger"
	same '1 issued 1
2 issued 1
3 parked 0' "$(ledger 'select ticket, state, delivered_us > issued_us from issued order by ticket' | sed 's/ $/ 0/')"
}

@test "killed after the delivery: with a ledger it is not delivered again, without one it is" {
	winners 2 2
	# once it is on its way to standard output: the second write of it, after that to the command
	run strike '"ticket":1,' 2 before timeout "$LIMIT" fcfs-issue --chunk 1 --ledger "sqlite:$T/ledger" --deliver "$(courier "$OK")" <"$T/w"
	same 137 "$status"
	same '1 0' "$(wc -l <"$T/got") $(field e issued)"
	run -0 deliver "$OK" --ledger "sqlite:$T/ledger"
	same '1 1' "$(given p0000001) $(given p0000002)"
	same '2 2' "$(field e issued) $(ledger 'select count(*) from issued where delivered_us > 0')"
	purge e
	rm "$T/got"
	winners 2 2
	run strike '"ticket":1,' 2 before timeout "$LIMIT" fcfs-issue --chunk 1 --deliver "$(courier "$OK")" <"$T/w"
	same 137 "$status"
	run -0 deliver "$OK"
	same '2 1' "$(given p0000001) $(given p0000002)"
	same 1 "$(jq -r 'select(.ticket == 1) | .code' "$T/got" | sort -u | wc -l)"
}

# Two runs beside each other, since each try waits 5 seconds for the lock.
@test "a ledger that another writer holds: tried again, so often as --retries says and then 75, or until it is free; counted" {
	local few
	winners 2 2
	fcfs-issue --ledger "sqlite:$T/ledger" </dev/null
	spawn sqlite3 -cmd '.timeout 60000' "$T/ledger" 'begin immediate' ".shell until [ -e '$T/free' ]; do sleep 0.05; done" 'rollback'
	soon sqlite_held
	spawn from "$T/w" fcfs-issue -v --retries 1 --retry-max 1ms --ledger "sqlite:$T/ledger" >"$T/few.out" 2>"$T/few"
	few=$pid
	spawn from "$T/w" fcfs-issue -v --retries 100 --retry-max 1ms --ledger "sqlite:$T/ledger" >"$T/out" 2>"$T/err"
	ends "$few" 75
	same '2 0' "$(grep -c locked "$T/few") $(wc -l <"$T/few.out")"
	grep -q 'retried 1$' "$T/few"
	wait_for 60 grep -q locked "$T/err"
	touch "$T/free"
	ends "$pid" 0
	all_issued e 2 "$T/out"
	tail -n 1 "$T/err" | grep -qE 'dead 0, retried [1-9]'
}

sqlite_held() {
	! sqlite3 "$T/ledger" 'begin immediate; rollback' 2>/dev/null
}

# --- dead letters in a file ------------------------------------------------------------------------

@test "any dead record goes to the file as it came; what is no text as base64; a long one is cut" {
	winners 1 1
	{
		echo 'not JSON "'
		printf 'no text \xff\n'
		printf 'a NUL \0\n'
		printf '{"a":"%070000d"}\n' 0
		cat "$T/w"
	} >"$T/in"
	run -65 fcfs-issue -q --dead-letters "$T/dead" <"$T/in"
	same '1 2 3 4' "$(letters .original_offset | paste -sd ' ')"
	same 'malformed' "$(letters .error_class | sort -u)"
	same 'not JSON "' "$(letters 'select(.original_offset == 1).value')"
	same "$(printf 'no text \xff' | od -c)" "$(letters 'select(.original_offset == 2).value_base64' | base64 -d | od -c)"
	same "$(printf 'a NUL \0' | od -c)" "$(letters 'select(.original_offset == 3).value_base64' | base64 -d | od -c)"
	same '65536 70008' "$(letters 'select(.original_offset == 4) | "\(.value | length) \(.truncated)"')"
	same 1 "$(field e issued)"
	# a second run goes on behind it
	echo x | fcfs-issue -q --dead-letters "$T/dead" || same 65 $?
	same 5 "$(wc -l <"$T/dead")"
}

@test "the file is moved away while it is written to: the next letter makes a new one" {
	touch "$T/dead"
	mkfifo "$T/in"
	spawn from "$T/in" fcfs-issue -q --follow --dead-letters "$T/dead"
	exec {in}>"$T/in"
	echo a >&$in
	soon has "$T/dead" 1
	mv "$T/dead" "$T/dead.1"
	touch "$T/dead"
	echo b >&$in
	soon has "$T/dead" 1
	exec {in}>&-
	ends "$pid" 65
	same 'a b' "$(jq -r .value "$T/dead.1" "$T/dead" | paste -sd ' ')"
}

@test "a part of a line, of a killed writer, does not spoil the next letter" {
	printf '{"type":"dead","err' >"$T/dead"
	echo x | fcfs-issue -q --dead-letters "$T/dead" || same 65 $?
	same 2 "$(wc -l <"$T/dead")"
	same x "$(tail -n 1 "$T/dead" | jq -r .value)"
}

@test "a file that cannot be opened is 78, a full disk 74: then nothing of the chunk is out" {
	winners 2 2
	run -78 fcfs-issue --dead-letters "$T/no/such/folder" <"$T/w"
	[[ $output == *"dead letters '$T/no/such/folder': "* ]]
	run -74 --separate-stderr fcfs-issue -q --dead-letters /dev/full < <(cat "$T/w" && echo x)
	same '' "$output"
	same '0 2' "$(field e issued) $(redis hlen "$(key e pending)")"
}

@test "--skip-limit: ends after the chunk in which there were more dead records: 1, and says so" {
	winners 6 6
	{
		head -n 2 "$T/w"
		printf 'a\nb\n'
		sed -n 3,4p "$T/w"
		printf 'c\n'
		tail -n 2 "$T/w"
	} >"$T/in"
	run -65 --separate-stderr fcfs-issue -v --chunk 2 --skip-limit 3 <"$T/in"
	same 6 "$(field e issued)"
	purge e
	winners 6 6
	{
		head -n 2 "$T/w"
		printf 'a\nb\n'
		tail -n 4 "$T/w"
	} >"$T/in"
	run -1 --separate-stderr fcfs-issue -v --chunk 2 --skip-limit 1 <"$T/in"
	[[ $stderr == *'fcfs-issue: more than 1 dead records: ended early, as --skip-limit says'* ]]
	[ "$(field e issued)" -lt 6 ]
	same failed "$(run_field e status | tail -n 1)"
	{ fcfs-dispatch e || same 1 $?; } | fcfs-issue >/dev/null
	same 6 "$(field e issued)"
}

@test "a signal during a delivery: what was asked is waited for, the rest is the next run's" {
	winners 3 3
	touch "$T/asked"
	spawn from "$T/w" fcfs-issue --ledger "sqlite:$T/ledger" \
		--deliver "$(by_hand "echo >>$T/asked; until [ -e $T/go ]; do sleep 0.02; done")"
	soon has "$T/asked" 1
	kill -TERM "$pid"
	touch "$T/go"
	ends "$pid" 0
	run -0 deliver "$OK" --ledger "sqlite:$T/ledger"
	same 3 "$(field e issued)"
	same 3 "$(ledger 'select count(*) from issued where delivered_us > 0')"
}

# --- two runs of a pipe at the same time -----------------------------------------------------------

# slow: a command that says yes, once $T/go is there; it has been asked when $T/asked is
slow() {
	by_hand "echo \$ticket >>$T/asked; until [ -e $T/go ]; do sleep 0.02; done"
}

@test "delivered by one run, given up by another meanwhile, its slot given on: nothing of it is printed (P3)" {
	winners 1 2
	touch "$T/asked"
	spawn from "$T/w" fcfs-issue -v --ledger "sqlite:$T/ledger" --deliver "$(slow)" >"$T/out" 2>"$T/err"
	first=$pid
	soon has "$T/asked" 1
	fcfs-dispatch e >"$T/w"
	run -65 deliver "$NEVER" --ledger "sqlite:$T/ledger"
	same 1 "$(field e parked)"
	fcfs-issue --return-dead all --ledger "sqlite:$T/ledger" e
	fcfs-dispatch e | fcfs-issue --ledger "sqlite:$T/ledger" >"$T/next"
	same p0000002 "$(jq -r .user "$T/next")"
	touch "$T/go"
	ends "$first" 0
	same '' "$(cat "$T/out")"
	same 'fcfs-issue: line 1: delivered, but another run had given it up meanwhile
in 1 = done 0 + already 0 + refused 1 + dead 0, retried 0' "$(sed "s/.*'e': //" "$T/err")"
	same '1 1 0' "$(field e issued) $(field e returned) $(redis hlen "$(key e pending)")"
	same 'returned 0 issued 0' "$(ledger "select state, coalesce(delivered_us, 0) from issued order by ticket" | paste -sd ' ')"
}

@test "refused by one run, delivered by another meanwhile: issued once; what was not given up yet stays the other's (P5)" {
	winners 2 2
	touch "$T/asked" "$T/asked2"
	refuse="echo \$ticket >>$T/asked2; until [ -e $T/go2 ]; do sleep 0.02; done
		echo \"{\\\"id\\\":\\\"\$id\\\",\\\"ticket\\\":\$ticket,\\\"ok\\\":false,\\\"retry\\\":false,\\\"why\\\":\\\"no\\\"}\"; continue"
	spawn from "$T/w" fcfs-issue -v --ledger "sqlite:$T/ledger" --deliver "$(T=$T/1 && mkdir "$T" && by_hand "$refuse")" --dead-letters "$T/dead" >"$T/out" 2>"$T/err"
	first=$pid
	soon has "$T/asked2" 1
	spawn from "$T/w" fcfs-issue -v --chunk 1 --ledger "sqlite:$T/ledger" --deliver "$(slow)" >"$T/next" 2>"$T/err2"
	second=$pid
	soon has "$T/asked" 1
	# the second has one of them in hand, and not yet the other
	touch "$T/go2"
	ends "$first" 65
	same '2' "$(letters '.value | fromjson.ticket')"
	touch "$T/go"
	ends "$second" 0
	same 1 "$(jq .ticket "$T/next")"
	grep -q 'in 2 = done 0 + already 0 + refused 1 + dead 1' "$T/err"
	grep -q 'in 2 = done 1 + already 0 + refused 1 + dead 0' "$T/err2"
	same '1 1' "$(field e issued) $(field e parked)"
	same 'issued parked' "$(ledger 'select state from issued order by ticket' | paste -sd ' ')"
}

@test "killed on its way out: its code may have been seen, so it is issued even if it is then refused for good (P3, P5)" {
	winners 1 2
	run strike '"ticket":1,' 2 before timeout "$LIMIT" fcfs-issue --ledger "sqlite:$T/ledger" --deliver "$(courier "$OK")" <"$T/w"
	same 137 "$status"
	sqlite3 "$T/ledger" 'update issued set delivered_us = null'
	fcfs-dispatch e >"$T/w"
	run -0 --separate-stderr deliver "$NEVER" --ledger "sqlite:$T/ledger"
	same "$(head -n 1 "$T/got" | jq -c .)" "$(jq -c . <<<"$output")"
	[[ $stderr == *'line 1: not delivered, but its code may be out already, so it is issued: fcfs-leave --revoke'* ]]
	counted 'in 1 = done 1 + already 0 + refused 0 + dead 0, retried 0'
	same '1 0 0 issued' "$(field e issued) $(field e parked) $(wc -l <"$T/dead") $(ledger 'select state from issued')"
}
