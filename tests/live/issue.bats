#!/usr/bin/env bats
# fcfs-issue: what it is given, what it answers, what it keeps (P5, P7), and its ledger.
# shellcheck disable=SC2016,SC2030,SC2031,SC2129,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../helper
load ../flow

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

# winner TICKET [NAME=JSON...]: the record of a winner of event a, with other fields
winner() {
	local record set
	record=$(sed -n "$1p" "$T/w")
	for set in "${@:2}"; do
		record=$(jq -c --argjson v "${set#*=}" ".${set%%=*} = \$v" <<<"$record")
	done
	echo "$record"
}

ledger() {
	sqlite3 -separator ' ' "$T/ledger" "$@"
}

# issue [OPTION...]: with the ledger
issue() {
	fcfs-issue --ledger "sqlite:$T/ledger" "$@"
}

# in_ledger FILE: the ledger's rows are these records, field for field
in_ledger() {
	same "$(jq -r '[.event, .id, .user, .ticket, .code, .joined_us, .granted_us, .issued_us, "issued"] |
		join(" ")' "$1" | sort)" \
		"$(ledger 'select event, id, "user", ticket, code, joined_us, granted_us, issued_us, state from issued' | sort)"
}

# said LINE...: stderr is these lines, each after the tool's name
said() {
	same "$(printf 'fcfs-issue: %s\n' "$@")" "$stderr"
}

# cell FILE TICKET FIELD
cell() {
	jq -r "select(.ticket == $2).$3" "$1"
}

# --- what comes in ---------------------------------------------------------------------------------

@test "bad records: each named with its line and reason, the good ones around them are issued" {
	event a 6 6
	fcfs-dispatch a >"$T/w"
	{
		winner 1
		echo 'not JSON'
		echo
		echo '[]'
		winner 2
		winner 3 'ticket="3"'
		winner 3 'user=7'
		winner 3 'granted_us=1.5'
		winner 3 | jq -c 'del(.user)'
		winner 3 'type="issued"'
		winner 3 'ticket=0'
		winner 3 | sed 's/"ticket":3/"ticket":99999999999999999999/'
		winner 3 'event="no such name"'
		winner 3 'id="x"'
		winner 3 'user="a b"'
		winner 3 | sed 's/}$/,"user":"p0000004"}/'
		winner 3 | sed 's/p0000003/p\xff/'
		winner 3 | sed 's/p0000003/p\\u0000/'
		winner 3 'unknown={"x":[1]}'
		winner 4 | tr -d '\n'
		printf ' \r\n'
		printf '%s\0\n' "$(winner 5)"
		printf '{"a":%070000d}\n' 0
		printf '%s' "$(winner 6)"
	} >"$T/in"
	run -65 --separate-stderr fcfs-issue -v <"$T/in"
	same 'p0000001 p0000002 p0000003 p0000004 p0000006' "$(jq -r .user <<<"$output" | paste -sd ' ')"
	said 'line 2: not JSON' 'line 3: not JSON' 'line 4: not a JSON object' \
		"line 6: field 'ticket' is not an integer" "line 7: field 'user' is not a string" \
		"line 8: field 'granted_us' is not an integer" "line 9: field 'user' is missing" \
		"line 10: field 'type' is not 'winner'" "line 11: field 'ticket' is below 1" \
		"line 12: a number is too large" \
		"line 13: field 'event' is illegal: not an event's name" \
		"line 14: field 'id' is illegal: not a UUID in lower case" \
		"line 15: field 'user' is illegal: has white space" \
		'line 16: a field is named twice' 'line 17: not valid UTF-8' 'line 18: a string has a NUL' \
		'line 21: not JSON' 'line 22: longer than 65536 bytes' \
		"event 'a': in 5 = done 5 + already 0 + refused 0 + dead 0, retried 0" \
		'no event: in 18 = done 0 + already 0 + refused 0 + dead 18, retried 0'
	same 5 "$(field a issued)"
}

@test "records that fit no event, person or ticket: dead, by name of the reason" {
	event a 4 6
	event b 1 1
	fcfs-dispatch a >"$T/w"
	{
		winner 1
		winner 2 'event="nosuch"'
		winner 2 "id=\"$(field b id)\""
		winner 2 'event="b"'
		winner 2 'ticket=3'
		winner 2 'user="stranger"'
		winner 2 'user="p0000005"' 'ticket=5'
		winner 2 'user="p0000005"'
		winner 3
	} >"$T/in"
	run -65 --separate-stderr fcfs-issue -v --chunk 1 <"$T/in"
	same 'p0000001 p0000003' "$(jq -r .user <<<"$output" | paste -sd ' ')"
	said 'line 2: no such event' 'line 3: this event has another id' \
		'line 4: this event has another id' "line 5: this ticket is another person's" \
		'line 6: this person is not in line' 'line 7: this ticket was not granted' \
		"line 8: this ticket is another person's" \
		"event 'a': in 6 = done 2 + already 0 + refused 0 + dead 4, retried 0" \
		'no event: in 3 = done 0 + already 0 + refused 0 + dead 3, retried 0'
	same '2 0' "$(field a issued) $(redis hlen "$(key a pending)")"
	same 0 "$(redis exists "$(key b issued)" "$(key b pending)" "$(key nosuch pending)")"
	run -65 --separate-stderr fcfs-issue -q <"$T/in"
	same '7 ' "$(wc -l <<<"$stderr") $output"
	# in one chunk they are told in another order, and it is the same
	run -65 --separate-stderr fcfs-issue -v <"$T/in"
	[[ $stderr == *"event 'a': in 6 = done 0 + already 2 + refused 0 + dead 4, retried 0"* ]]
}

@test "a dead record is said with -q, too, and is not the next event's error" {
	event a 1 1
	fcfs-dispatch a >"$T/w"
	run --separate-stderr -65 issue -q < <(echo 'not JSON' && cat "$T/w")
	said 'line 1: not JSON'
	same '0 ' "$(fcfs-report -j --runs a | jq -r 'select(.tool == "issue") | "\(.dead) \(.error)"')"
}

@test "a line without an end, longer than any buffer, is one bad record" {
	event a 3 3
	fcfs-dispatch a >"$T/w"
	{
		winner 1
		head -c 5000000 /dev/zero | tr '\0' x
		echo
		winner 2
		head -c 3000000 /dev/zero
	} >"$T/in"
	run -65 --separate-stderr fcfs-issue -v <"$T/in"
	said 'line 2: longer than 65536 bytes' 'line 4: longer than 65536 bytes' \
		"event 'a': in 2 = done 2 + already 0 + refused 0 + dead 0, retried 0" \
		'no event: in 2 = done 0 + already 0 + refused 0 + dead 2, retried 0'
	same 2 "$(wc -l <<<"$output")"
}

@test "people of every legal name get their code" {
	fcfs-event create a --stock 10 >/dev/null
	printf '%s\n' 'a"b\c' 'Ünï😀' 'x:y@z' '-v' "it's" '$(id)' '{}' '%s%n' >"$T/people"
	fcfs-join a <"$T/people" >/dev/null
	fcfs-dispatch a >"$T/w"
	issue <"$T/w" >"$T/out"
	same "$(cat "$T/people")" "$(jq -r .user "$T/out")"
	in_ledger "$T/out"
	same "$(redis --raw hkeys "$(key a issued)" | sort)" "$(sort "$T/people")"
}

@test "who left meanwhile is refused, who has a code is already" {
	event a 4 4
	fcfs-dispatch a >"$T/w"
	fcfs-leave a p0000002 >/dev/null
	run -0 --separate-stderr fcfs-issue -v <"$T/w"
	said "event 'a': in 4 = done 3 + already 0 + refused 1 + dead 0, retried 0"
	same 'p0000001 p0000003 p0000004' "$(jq -r .user <<<"$output" | paste -sd ' ')"
	run -0 --separate-stderr fcfs-issue -v <"$T/w"
	said "event 'a': in 4 = done 0 + already 3 + refused 1 + dead 0, retried 0"
	same '' "$output"
}

@test "the same record twice in a chunk and twice in a stream is issued once" {
	event a 6 6
	fcfs-dispatch a >"$T/w"
	cat "$T/w" "$T/w" >"$T/in"
	for chunk in 1 4 100; do
		run -0 --separate-stderr fcfs-issue -v --chunk $chunk <"$T/in"
		[[ $stderr == *'in 12 = done '[06]' + already '* ]]
		[ $chunk != 1 ] || echo "$output" >"$T/out"
	done
	all_issued a 6 "$T/out"
	for chunk in 1 3 100; do # in chunks that are under way at the same time, and in one
		event b$chunk 6 6
		fcfs-dispatch b$chunk | sed p >"$T/in"
		run -0 --separate-stderr fcfs-issue -v --chunk $chunk <"$T/in"
		said "event 'b$chunk': in 12 = done 6 + already 6 + refused 0 + dead 0, retried 0"
		echo "$output" >"$T/out"
		all_issued b$chunk 6 "$T/out"
	done
}

@test "when people joined is what the line says, whatever their records say; also of who is among strangers" {
	local lie n=0
	for lie in .joined_us '.ticket' 1 '.joined_us - .ticket' '(if .ticket % 3 == 0 then 7 else .ticket end)' '(.ticket / 4 | floor)'; do
		n=$((n + 1))
		event $n 60 0
		people 20 | fcfs-join $n >/dev/null # in one call: each 1 us after the other
		for person in x y z; do
			fcfs-join $n $person >/dev/null
		done
		people 37 q | fcfs-join $n >/dev/null
		redis zrange "$(key $n line)" 0 -1 withscores | paste - - >"$T/line"
		fcfs-dispatch $n | jq -c ".joined_us = $lie" >"$T/w"
		sed -i -e '1s/p0000001/nobody/' -e '30s/q0000007/p0000001/' -e '60s/"ticket":60/"ticket":59/' "$T/w"
		run -65 --separate-stderr fcfs-issue --chunk 60 <"$T/w"
		jq -r '"\(.user)\t\(.joined_us)"' <<<"$output" >"$T/said"
		sed -e '1d;30d;60d' "$T/line" | cmp - "$T/said"
	done
	event far 60 60
	redis zrange "$(key far line)" 0 -1 withscores | paste - - >"$T/line"
	fcfs-dispatch far | jq -c 'select(.ticket % 25 == 3)' >"$T/w" # few, far from each other
	fcfs-issue <"$T/w" | jq -r '"\(.user)\t\(.joined_us)"' >"$T/said"
	sed -n '3p;28p;53p' "$T/line" | cmp - "$T/said"
}

@test "winners who are not in ticket order are an error, and none of them gets a code" {
	event e 3 3
	fcfs-dispatch e >/dev/null
	award e '' p0000002 2 X 0 - - p0000001 1 Y 0 - -
	[[ $(redis fcall fcfs_award_1 2 "$(key e event)" "$(key e line)" "$(field e id)" '' 2 p0000002 p0000001 2 1 X Y '- -' '- -' 2 0 2>&1) == \
		*'not in ticket order'* ]]
	same 0 "$(redis hlen "$(key e pending)")"
}

@test "an answer that says more than was asked makes no sense: 76, and nobody's code is printed" {
	event e 2 2
	fcfs-dispatch e >"$T/w"
	run -76 --separate-stderr forged \
		's/tell_lengths(reply, w.count)/tell(reply, w.count + 1, "assigned", "", 1, 1, 1) tell_lengths(reply, w.count + 1)/' \
		fcfs-issue <"$T/w"
	same '' "$output"
	[[ $stderr == *"award: the server's reply makes no sense" ]]
}

@test "created anew under the same name: records of the former one meet nothing" {
	event a 3 3
	fcfs-dispatch a >"$T/old"
	purge a
	event a 3 3
	fcfs-dispatch a >"$T/new"
	same '' "$(jq -r .id "$T/old" "$T/new" | sort -u | sed -n 3p)"
	paste -d '\n' "$T/old" "$T/new" >"$T/in"
	run -65 --separate-stderr fcfs-issue -v <"$T/in"
	[[ $stderr == *"event 'a': in 3 = done 3 + already 0 + refused 0 + dead 0, retried 0"* ]]
	[[ $stderr == *'no event: in 3 = done 0 + already 0 + refused 0 + dead 3, retried 0' ]]
	echo "$output" >"$T/out"
	all_issued a 3 "$T/out"
}

@test "purged, and created anew, under a running issuer: what comes then is dead, and it goes on" {
	event a 3 3
	event b 3 3
	fcfs-dispatch a >"$T/a"
	fcfs-dispatch b >"$T/b"
	mkfifo "$T/fifo"
	spawn from "$T/fifo" fcfs-issue -v >"$T/out" 2>"$T/err"
	exec {feed}>"$T/fifo"
	head -n 1 "$T/a" >&$feed
	soon field_is a issued 1
	purge a
	sed -n 2p "$T/a" >&$feed
	soon has "$T/err" 1
	event a 3 3
	sed -n 3p "$T/a" >&$feed
	soon has "$T/err" 2
	cat "$T/b" >&$feed
	exec {feed}>&-
	ends "$pid" 65
	same 'fcfs-issue: line 2: no such event
fcfs-issue: line 3: this event has another id' "$(head -n 2 "$T/err")"
	same 'p0000001 p0000001 p0000002 p0000003' "$(jq -r .user "$T/out" | paste -sd ' ')"
	same 0 "$(field a issued)"
	same 3 "$(field b issued)"
}

# --- chunks and streams ----------------------------------------------------------------------------

@test "chunks of 1, 100 and 1000 give the same" {
	for chunk in 1 100 1000; do
		event "e$chunk" 250 250
		fcfs-dispatch "e$chunk" | fcfs-issue --chunk $chunk >"$T/out"
		all_issued "e$chunk" 250 "$T/out"
	done
	run -64 fcfs-issue --chunk 0
	run -64 fcfs-issue --chunk 1001
}

@test "a winner alone is issued at once, without waiting for a full chunk" {
	event a 3 3
	fcfs-dispatch a >"$T/w"
	mkfifo "$T/fifo"
	spawn from "$T/fifo" fcfs-issue >"$T/out"
	exec {feed}>"$T/fifo"
	for ticket in 1 2 3; do
		winner $ticket >&$feed
		soon has "$T/out" $ticket
		soon field_is a issued $ticket # done, too, is out before it waits
		same 0 "$(redis hlen "$(key a pending)")"
	done
	printf '%s' "$(winner 1)" >&$feed
	exec {feed}>&-
	ends "$pid" 0
	all_issued a 3 "$T/out"
}

@test "a first signal finishes the chunk: status 0, the run kept as stopped" {
	event a 3 3
	fcfs-dispatch a >"$T/w"
	mkfifo "$T/fifo"
	spawn from "$T/fifo" fcfs-issue --ledger "sqlite:$T/ledger" >"$T/out"
	exec {feed}>"$T/fifo"
	winner 1 >&$feed
	soon has "$T/out" 1
	kill -TERM "$pid"
	ends "$pid" 0
	exec {feed}>&-
	same 'stopped 1 1' "$(run_field a status | tail -n 1) $(run_field a in | tail -n 1) $(field a issued)"
	in_ledger "$T/out"
	same 'stopped 1' "$(ledger 'select status, done from runs')"
}

@test "two issuers at once on the same winners, with one ledger: one code each" {
	event a 300 300
	fcfs-dispatch a >"$T/w"
	spawn from "$T/w" fcfs-issue --ledger "sqlite:$T/ledger" --chunk 7 >"$T/1"
	first=$pid
	spawn from "$T/w" fcfs-issue --ledger "sqlite:$T/ledger" --chunk 11 >"$T/2"
	ends "$first" 0
	ends "$pid" 0
	sort -u "$T/1" "$T/2" | jq -sc 'sort_by(.ticket)[]' >"$T/out"
	all_issued a 300 "$T/out"
	in_ledger "$T/out"
	same 300 "$(ledger 'select count(distinct code) from issued')"
}

@test "a code is never on stderr, nor in a run record" {
	event a 5 5
	fcfs-dispatch a >"$T/w"
	issue -v <"$T/w" >"$T/out" 2>"$T/err"
	{
		cat "$T/w"
		sed 's/"type":"issued"/"type":"winner"/;s/"joined_us":/"joined_us":"x",/' "$T/out"
		cat "$T/out"
		cut -c 1-150 "$T/out"
		jq -r .code "$T/out"
	} >"$T/in"
	run -65 --separate-stderr issue -v <"$T/in"
	echo "$stderr" >>"$T/err"
	event b 5 5
	exec {full}>/dev/full
	run -74 into "$full" fcfs-issue -v <<<"$(fcfs-dispatch b)"
	echo "$output" >>"$T/err"
	redis --raw hvals "$(key b pending)" | sed 's/.* //' >"$T/pending"
	same 5 "$(wc -l <"$T/pending")"
	redis --raw lrange "$(key a runs)" 0 -1 >>"$T/err"
	redis --raw lrange "${FCFS_PREFIX}fcfs:runs" 0 -1 >>"$T/err"
	ledger 'select * from runs' >>"$T/err"
	[ "$(wc -l <"$T/err")" -gt 20 ]
	same '' "$(grep -F -f <(jq -r .code "$T/out") -f "$T/pending" "$T/err")"
}

@test "done is out before it waits for more, even where Redis dies over it" {
	event a 2 2
	fcfs-dispatch a >"$T/w"
	mkfifo "$T/in" "$T/out"
	exec {reader}<>"$T/out"
	head -c 65536 /dev/zero >&$reader # a full pipe: it must wait between assign and done
	spawn from "$T/in" fcfs-issue >"$T/out"
	exec {feed}>"$T/in"
	winner 1 >&$feed
	soon pending_is 1
	redis_pid=$(cat "$SERVERS/redis/pid")
	freeze "$redis_pid"
	head -c 65536 <&$reader >/dev/null
	read -r record <&$reader
	kill -9 "$redis_pid" # with `done` in its socket, unread
	servers_start
	soon field_is a issued 1
	same "$(redis_codes a)" "$(printed_codes <<<"$record")"
	exec {feed}>&-
	ends "$pid" 0
}

pending_is() {
	[ "$(redis hlen "$(key a pending)")" = "$1" ]
}

# --- run records -----------------------------------------------------------------------------------

@test "the books of every run balance: in Redis, an event and no event, and in the ledger" {
	event a 4 4
	event b 2 2
	fcfs-dispatch a >"$T/w"
	fcfs-leave a p0000003 >/dev/null
	{
		cat "$T/w"
		winner 1
		winner 1 'ticket=2'
		echo rubbish
		fcfs-dispatch b
	} >"$T/in"
	run -65 issue -q <"$T/in"
	same 'completed 6 3 1 1 1' "$(redis --raw lindex "$(key a runs)" -1 | jq -r '[.status, .in, .done, .already,
		.refused, .dead] | join(" ")')"
	same 'completed 2 2 0 0 0' "$(redis --raw lindex "$(key b runs)" -1 | jq -r '[.status, .in, .done, .already,
		.refused, .dead] | join(" ")')"
	same 'completed 1 0 0 0 1' "$(redis --raw lindex "${FCFS_PREFIX}fcfs:runs" -1 | jq -r '[.status, .in, .done,
		.already, .refused, .dead] | join(" ")')"
	for list in "$(key a runs)" "$(key b runs)" "${FCFS_PREFIX}fcfs:runs"; do
		redis --raw lrange "$list" 0 -1
	done >"$T/runs"
	books <"$T/runs"
	same 1 "$(jq -r 'select(.tool == "issue").run' "$T/runs" | sort -u | wc -l)"
	same "$(jq -r 'select(.tool == "issue") | [.run, .tool, .host, .event, .id, .status, .started_us, .ended_us, .in,
		.done, .already, .refused, .dead, .error, .retried] | join(" ")' "$T/runs" | sort)" \
		"$(ledger 'select * from runs' | sort)"
	same "$(field a id)" "$(redis --raw lindex "$(key a runs)" -1 | jq -r .id)"
}

@test "a run that failed has its books, too" {
	event a 20 20
	fcfs-dispatch a >"$T/w"
	exec {full}>/dev/full
	run -74 into "$full" fcfs-issue --chunk 5 <"$T/w"
	same 'failed 0 0' "$(redis --raw lindex "$(key a runs)" -1 | jq -r '[.status, .in, .done] | join(" ")')"
	# the second chunk meets a row that is not this event's
	head -n 5 "$T/w" | issue >"$T/1"
	ledger "insert into issued (event, id, ticket, \"user\", code, joined_us, granted_us, issued_us, state)
		select event, id, 12, 'mallory', 'X', 1, 1, 1, 'issued' from issued limit 1"
	run -70 --separate-stderr issue --chunk 5 <"$T/w"
	same 'failed 10 5 5' "$(redis --raw lindex "$(key a runs)" -1 | jq -r '[.status, .in, .done, .already] | join(" ")')"
	same 'failed 10 5 5' "$(ledger 'select status, "in", done, already from runs order by ended_us desc limit 1')"
	redis --raw lrange "$(key a runs)" 0 -1 | books
	echo "$output" >>"$T/1"
	ledger "delete from issued where \"user\" = 'mallory'"
	issue <"$T/w" >>"$T/1"
	all_issued a 20 "$T/1"
	in_ledger "$T/1"
}

@test "Redis is lost for good: 69, and the books are said, and kept in the ledger" {
	event a 2 2
	fcfs-dispatch a >"$T/w"
	mkfifo "$T/in"
	spawn from "$T/in" fcfs-issue -v --reconnect 0s --ledger "sqlite:$T/ledger" >"$T/out" 2>"$T/err"
	exec {feed}>"$T/in"
	winner 1 >&$feed
	soon field_is a issued 1
	kill -9 "$(cat "$SERVERS/redis/pid")"
	winner 2 >&$feed
	ends "$pid" 69
	servers_start
	grep -q "fcfs-issue: event 'a': in 1 = done 1 + already 0 + refused 0 + dead 0, retried 0" "$T/err"
	same 'failed 1 1' "$(ledger 'select status, "in", done from runs')"
	exec {feed}>&-
	issue <"$T/w" >>"$T/out"
	all_issued a 2 "$T/out"
}

# --- the ledger ------------------------------------------------------------------------------------

@test "the ledger: its rows are what is printed, 0600, and a rerun changes nothing" {
	event a 50 50
	fcfs-dispatch a >"$T/w"
	issue --chunk 7 <"$T/w" >"$T/out"
	all_issued a 50 "$T/out"
	in_ledger "$T/out"
	same 600 "$(stat -c %a "$T/ledger")"
	same '' "$(find "$T" -name 'ledger*' -perm /077)"
	run -0 issue <"$T/w"
	same '' "$output"
	in_ledger "$T/out"
	same 2 "$(ledger 'select count(*) from runs')"
}

@test "the ledger allows one row a ticket, a code, a live person" {
	event a 2 2
	fcfs-dispatch a | issue >"$T/out"
	row() {
		ledger "insert into issued (id, event, ticket, \"user\", code, joined_us, granted_us, issued_us, state)
			select id, event, $1, $2, $3, joined_us, granted_us, issued_us, '${4:-issued}' from issued where ticket = 1"
	}
	run -19 row ticket "'x'" "'X'"
	[[ $output == *'UNIQUE constraint failed: issued.id, issued.ticket'* ]]
	run -19 row 9 "'x'" code
	[[ $output == *'UNIQUE constraint failed: issued.code, issued.id'* ]]
	run -19 row 9 '"user"' "'X'"
	[[ $output == *'UNIQUE constraint failed: issued.user, issued.id'* ]]
	run -19 row 9 "'x'" "'X'" other
	run -0 row 9 '"user"' "'X'" returned
}

@test "Redis has forgotten what the ledger kept: the ledger's code and times win" {
	event a 4 4
	fcfs-dispatch a >"$T/w"
	issue <"$T/w" >"$T/out"
	redis del "$(key a issued)" >/dev/null
	redis hset "$(key a event)" issued 0 settled 0 >/dev/null
	run -0 --separate-stderr issue -v <"$T/w"
	said "event 'a': in 4 = done 4 + already 0 + refused 0 + dead 0, retried 0"
	same "$(cat "$T/out")" "$output"
	all_issued a 4 "$T/out"
	in_ledger "$T/out"
	same 0 "$(field a burnt)"
}

@test "the ledger has the times of an earlier assignment: they win, the code stays" {
	event a 2 2
	fcfs-dispatch a >"$T/w"
	issue <"$T/w" >"$T/out"
	redis hdel "$(key a issued)" p0000001 >/dev/null
	redis hset "$(key a pending)" p0000001 "assigned - - 11 22 $(cell "$T/out" 1 code)" >/dev/null
	run -0 --separate-stderr issue <"$T/w"
	same "$(head -n 1 "$T/out")" "$output"
	same "$(cell "$T/out" 1 granted_us) $(cell "$T/out" 1 issued_us) $(cell "$T/out" 1 code)" \
		"$(redis hget "$(key a issued)" p0000001)"
}

@test "Redis has forgotten that a ticket was revoked: the ledger's return wins, and the slot goes on (P4)" {
	event a 3 5
	fcfs-dispatch a >"$T/w"
	issue <"$T/w" >"$T/out"
	ledger "update issued set state = 'returned' where ticket = 2"
	redis hdel "$(key a issued)" p0000002 p0000003 >/dev/null
	redis hset "$(key a event)" issued 1 settled 0 >/dev/null
	fcfs-dispatch a >"$T/w"
	for _ in 1 2; do
		run -0 --separate-stderr issue -v <"$T/w"
		[[ $stderr == *' + refused 1 + dead 0'* ]]
	done
	same 'left revoked' "$(fcfs-rank a p0000002 | cut -f 1,6 | tr '\t' ' ')"
	[[ $(redis hget "$(key a left)" p0000002) == *" $(cell "$T/out" 2 code)" ]]
	same '3 1 1 1' "$(field a issued) $(field a returned) $(field a revoked) $(field a burnt)"
	fcfs-dispatch a | issue >"$T/4"
	same 4 "$(jq .ticket "$T/4")"
	same $'1 issued\n2 returned\n3 issued\n4 issued' "$(ledger 'select ticket, state from issued order by ticket')"
}

@test "the code is another ticket's in the ledger: it is burnt, the next one taken" {
	event a 3 3
	fcfs-dispatch a >"$T/w"
	winner 1 | issue >"$T/1"
	redis hset "$(key a pending)" p0000002 "assigned - - 11 22 $(cell "$T/1" 1 code)" >/dev/null
	run -0 --separate-stderr issue <"$T/w"
	same '' "$stderr"
	{
		cat "$T/1"
		echo "$output"
	} >"$T/out"
	all_issued a 3 "$T/out"
	in_ledger "$T/out"
	same 1 "$(field a burnt)"
}

@test "what fits neither is 70, with both rows named and nothing written" {
	event a 5 5
	fcfs-dispatch a >"$T/w"
	winner 1 | issue >"$T/1"
	ledger "update issued set ticket = 2"
	ledger "update issued set \"user\" = 'mallory'"
	run -70 --separate-stderr issue <"$T/w"
	same "fcfs-issue: event 'a': redis has ticket 2 for 'p0000002', the ledger has ticket 2 for 'mallory': one of them is not this event's" "$stderr"
	same '' "$output"
	same 1 "$(ledger 'select count(*) from issued')"
	same '1 failed' "$(field a issued) $(redis --raw lindex "$(key a runs)" -1 | jq -r .status)"
	# the same person under two tickets
	ledger "update issued set \"user\" = 'p0000003', ticket = 9"
	run -70 --separate-stderr issue <"$T/w"
	same "fcfs-issue: event 'a': redis has ticket 3 for 'p0000003', the ledger has ticket 9 for 'p0000003': one of them is not this event's" "$stderr"
	# put right by hand, the rerun completes
	ledger "update issued set \"user\" = 'p0000001', ticket = 1"
	issue <"$T/w" >>"$T/1"
	all_issued a 5 "$T/1"
	in_ledger "$T/1"
}

@test "of chunks that follow each other one fits neither: those before it are out, none behind it" {
	event a 8 8
	fcfs-dispatch a >"$T/w"
	winner 8 | issue >"$T/8"
	ledger "update issued set ticket = 3, \"user\" = 'mallory'"
	run -70 --separate-stderr issue --chunk 2 <"$T/w"
	[[ $stderr == "fcfs-issue: event 'a': redis has ticket 3 for 'p0000003', the ledger has ticket 3 for 'mallory'"* ]]
	same '1 2' "$(jq -r .ticket <<<"$output" | xargs)"
	same '1 2 3' "$(ledger 'select ticket from issued order by ticket' | xargs)"
	same '3 failed' "$(field a issued) $(redis --raw lindex "$(key a runs)" -1 | jq -r .status)"
	echo "$output" >"$T/1"
	ledger "update issued set \"user\" = 'p0000008', ticket = 8 where \"user\" = 'mallory'"
	issue --chunk 2 <"$T/w" >>"$T/1"
	cat "$T/8" "$T/1" | jq -sc 'sort_by(.ticket)[]' >"$T/out"
	all_issued a 8 "$T/out"
}

@test "a ledger of a newer fcfs, of something else, or in no folder is refused before any code is given" {
	event a 2 2
	fcfs-dispatch a >"$T/w"
	issue </dev/null
	ledger "update meta set value = 3 where name = 'schema'"
	run -78 issue <"$T/w"
	[[ $output == "fcfs-issue: ledger 'sqlite:$T/ledger': schema 3 is newer than this program knows (2), upgrade fcfs" ]]
	sqlite3 "$T/other" 'create table x (y)'
	run -78 fcfs-issue --ledger "sqlite:$T/other" <"$T/w"
	run -78 fcfs-issue --ledger "sqlite:$T/w" <"$T/w"
	run -71 fcfs-issue --ledger "sqlite:$T/none/ledger" <"$T/w"
	run -64 fcfs-issue --ledger "mysql:$T/ledger" <"$T/w"
	same "0 2" "$(redis hlen "$(key a pending)") $(field a granted)"
}

@test "the ledger's disk is full: 71, nothing is lost, and the rerun completes" {
	event a 2000 2000
	fcfs-dispatch a >"$T/w"
	# a file may grow to 256 KiB: works for root and for others
	limited() {
		trap '' XFSZ
		ulimit -f 256
		issue --chunk 50 <"$T/w" | cat >"$T/1"
		return "${PIPESTATUS[0]}"
	}
	run -71 limited
	[[ $output == "fcfs-issue: ledger 'sqlite:$T/ledger': "* ]]
	[ "$(wc -l <"$T/1")" -ge 50 ]
	in_ledger "$T/1"
	issue --chunk 50 <"$T/w" >"$T/2"
	cat "$T/1" "$T/2" >"$T/out"
	all_issued a 2000 "$T/out"
	in_ledger "$T/out"
}

@test "the ledger's file is deleted under a running issuer: 71, and a rerun keeps all" {
	event a 20 20
	fcfs-dispatch a >"$T/w"
	mkfifo "$T/in"
	issue_from_pipe() {
		issue --chunk 5 <"$T/in" >"$T/out"
	}
	spawn issue_from_pipe
	exec 7>"$T/in"
	head -n 5 "$T/w" >&7
	soon has "$T/out" 5
	rm "$T"/ledger*
	tail -n +6 "$T/w" >&7
	exec 7>&-
	status=0
	wait "$pid" || status=$?
	same 71 "$status"
	same 5 "$(wc -l <"$T/out")"
	fcfs-dispatch a | issue >>"$T/out"
	same 20 "$(jq -r .code "$T/out" | sort -u | wc -l)"
	same 15 "$(ledger 'select count(*) from issued')"
}

@test "another process has the ledger: waits, and goes on when it is free" {
	event a 3 3
	fcfs-dispatch a >"$T/w"
	issue </dev/null
	mkfifo "$T/sql"
	spawn from "$T/sql" sqlite3 "$T/ledger" >"$T/locked"
	exec {sql}>"$T/sql"
	printf '%s\n' 'begin immediate;' 'select 1;' >&$sql
	soon has "$T/locked" 1
	spawn from "$T/w" fcfs-issue --ledger "sqlite:$T/ledger" >"$T/out"
	soon pending_is 3
	same 0 "$(wc -l <"$T/out")"
	echo 'rollback;' >&$sql
	exec {sql}>&-
	ends "$pid" 0
	all_issued a 3 "$T/out"
	in_ledger "$T/out"
}
