#!/usr/bin/env bats
# fcfs-codes, and events whose codes are supplied: each is loaded once and given out once, no slot is granted without one,
# and a pool that ran dry goes on when it is filled (P3, P4, P5, P8).
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../helper
load ../flow
load ../strike

setup_file() {
	servers_start
	strike_build
}

teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

# codes N [FROM]: N codes, a line each
codes() {
	seq -f 'CODE-%06.0f' "${2:-1}" $((${2:-1} + $1 - 1))
}

# pool NAME STOCK N [OPTION...]: an event with a pool, and N people in line
pool() {
	event "$1" "$2" "$3" --codes pool "${@:4}"
}

# fill EVENT: loads quietly, from stdin; duplicates are no failure
fill() {
	fcfs-codes load "$1" >/dev/null 2>&1 || same 65 $?
}

# count EVENT: loaded left assigned parked issued burnt; they balance
count() {
	fcfs-codes count "$1" | cut -f 2 | paste -sd ' ' | tee "$T/count"
	awk '$1 != $2 + $3 + $4 + $5 + $6 { exit 1 }' "$T/count"
}

counts() {
	[ "$(count "$1")" = "$2" ]
}

# said LINE...: stderr is these lines, each after the tool's name
said() {
	same "$(printf 'fcfs-codes: %s\n' "$@")" "$stderr"
}

# in_pool EVENT: what is left, in order, as Redis has it and as export prints it
in_pool() {
	fcfs-codes export "$1" | tee "$T/export"
	same "$(redis --raw lrange "$(key "$1" codes)" 0 -1)" "$(cat "$T/export")"
}

# --- loading -----------------------------------------------------------------------------------------

@test "load: from a file, from stdin, from -; counts as columns and as JSON; order is kept" {
	pool e 9 0
	codes 3 >"$T/file"
	run -0 fcfs-codes load e "$T/file"
	same $'loaded\t3\nduplicates\t0\ninvalid\t0' "$output"
	run -0 fcfs-codes -j load e < <(codes 2 4)
	same '{"loaded":2,"duplicates":0,"invalid":0}' "$output"
	run -0 fcfs-codes load e - < <(codes 1 6 | tr -d '\n') # without its newline
	run -0 fcfs-codes load e /dev/null
	same "$(codes 6)" "$(in_pool e)"
	same "$(codes 6)" "$(fcfs-codes -j export e | jq -r .code)"
	same '6 6 0 0 0 0' "$(count e)"
	same '{"loaded":6,"left":6,"assigned":0,"parked":0,"issued":0,"burnt":0}' "$(fcfs-codes -j count e)"
}

@test "lines that are no code are refused by number, never by what is on them; the others are loaded" {
	pool e 9 0
	{
		echo GOOD-1
		echo
		echo 'SECRET with blanks'
		printf 'SECRET\0NUL\n'
		printf 'SECRET-CR\r\n'
		printf 'SECRET\xff\n'
		printf 'SECRET\xc3\n'
		printf 'SECRET\u202e\n\u200bSECRET\n'
		echo '$(id)"\{}%s:@'
		head -c 1048576 /dev/zero | tr '\0' S
		echo
		printf 'Ünï😀\n'
		printf '%0128d\n%0129d\n' 0 0
		printf '\tSECRET'
	} >"$T/in"
	run -65 --separate-stderr fcfs-codes load e "$T/in"
	same $'loaded\t4\nduplicates\t0\ninvalid\t11' "$output"
	said 'line 2: not a code: empty' 'line 3: not a code: has white space' \
		'line 4: not a code: has a control character' 'line 5: not a code: has white space' \
		'lines 6-7: not a code: not valid UTF-8' 'line 8: not a code: has a text direction mark' \
		'line 9: not a code: has an invisible character' 'line 11: not a code: longer than 128 bytes' \
		'line 14: not a code: longer than 128 bytes' 'line 15: not a code: has white space'
	same "$(printf '%s\n' GOOD-1 '$(id)"\{}%s:@' 'Ünï😀' "$(printf '%0128d' 0)")" "$(in_pool e)"
	same "$(in_pool e)" "$(fcfs-codes -j export e | jq -r .code)"
}

@test "duplicates: within the lines, of the pool, of what is issued and of what is burnt; nothing is loaded twice" {
	pool e 9 3
	run -65 --separate-stderr fcfs-codes load e < <(printf '%s\n' A B A A C B)
	same $'loaded\t3\nduplicates\t3\ninvalid\t0' "$output"
	said 'line 3: the same as line 1' 'line 4: the same as line 1' 'line 6: the same as line 2'
	run -65 --separate-stderr fcfs-codes load e < <(printf '%s\n' A B C D A A D)
	same $'loaded\t1\nduplicates\t6\ninvalid\t0' "$output"
	said 'lines 1-3: loaded before' 'lines 5-6: loaded before' 'line 7: the same as line 4'
	run -65 --separate-stderr fcfs-codes -q load e < <(codes 1200 && codes 1200)
	said 'lines 1201-2400: the same as lines 1-1200'
	fcfs-dispatch e | fcfs-issue >/dev/null
	fcfs-leave --revoke e p0000002 >/dev/null
	run -65 --separate-stderr fcfs-codes load e < <(printf '%s\n' C A B X)
	same $'loaded\t1\nduplicates\t3\ninvalid\t0' "$output"
	said 'lines 1-3: loaded before'
	same '1205 1202 0 0 2 1' "$(count e)"
	same '' "$(in_pool e | grep -x '[ABC]')"
	same "D CODE-000001 CODE-001200 X" "$(in_pool e | sed -n '1,2p; 1201,$p' | paste -sd ' ')"
}

@test "an event that makes its own codes has no pool; no event has none either" {
	event e 3 0
	for verb in load count export; do
		run -78 fcfs-codes $verb e </dev/null
		[[ $output == "fcfs-codes: event 'e': its codes are made by fcfs: only one that was created with --codes pool has a pool" ]]
		run -78 fcfs-codes $verb nosuch </dev/null
		same "fcfs-codes: event 'nosuch': no such event" "$output"
	done
	same 0 "$(redis exists "$(key e codes)" "$(key e loaded)" "$(key nosuch codes)")"
	run -74 fcfs-codes load e "$T/none"
	same "fcfs-codes: file '$T/none': No such file or directory" "$output"
	event p 1 0 --codes pool
	run -74 fcfs-codes load p "$T"
	same "fcfs-codes: file '$T': Is a directory" "$output"
	run -64 fcfs-codes
	run -64 fcfs-codes burn e
	run -64 fcfs-codes load
	run -64 fcfs-codes load e a b
	run -64 fcfs-codes count e a
}

# --- death and lost answers --------------------------------------------------------------------------

@test "killed before or after any call: the same again loads the rest, in order, and nothing twice" {
	codes 1700 >"$T/codes"
	for at in before.1 after.1 before.2 after.3 before.4 after.4; do
		pool "$at" 9 0
		struck fcfs_load_1 "${at#*.}" "${at%.*}" fcfs-codes load "$at" "$T/codes"
		before=$(field "$at" codes_loaded)
		run fcfs-codes -j load "$at" "$T/codes"
		same 1700 "$(jq -r '.loaded + .duplicates' <<<"${lines[-1]}")"
		[ "$(jq -r .duplicates <<<"${lines[-1]}")" -ge "$before" ]
		same '1700 1700 0 0 0 0' "$(count "$at")"
		same "$(cat "$T/codes")" "$(in_pool "$at")"
		same 'codes_loaded=1700' "$(redis --raw lindex "$(key "$at" outbox)" -1 | jq -r .after)"
	done
	pool last 9 0
	struck fcfs_loaded_1 1 before fcfs-codes load last "$T/codes"
	run -65 fcfs-codes load last "$T/codes"
	same "codes_loaded=0 codes_loaded=1700" "$(redis --raw lindex "$(key last outbox)" -1 | jq -r '.before + " " + .after')"
	same 2 "$(redis llen "$(key last outbox)")"
}

# socket PID: the one it has now
socket() {
	readlink "/proc/$1/fd/"* | grep '^socket:' | sort
}

reconnected() {
	local now
	now=$(socket "$1")
	[ -n "$now" ] && [ "$now" != "$2" ]
}

@test "an answer is lost, and what was asked is asked again: nothing is taken for a duplicate" {
	pool e 9 0
	mkfifo "$T/in"
	spawn from "$T/in" fcfs-codes --timeout 300ms load e >"$T/out" 2>"$T/err"
	exec {feed}>"$T/in"
	codes 3 >&$feed
	soon field_is e codes_loaded 3
	before=$(socket "$pid")
	redis_pid=$(cat "$SERVERS/redis/pid")
	freeze "$redis_pid"
	codes 697 4 >&$feed
	soon reconnected "$pid" "$before" # the server has the call twice, once from a client that has gone
	kill -CONT "$redis_pid"
	soon field_is e codes_loaded 700
	kill -9 "$redis_pid"
	servers_start
	codes 1000 701 >&$feed
	exec {feed}>&-
	ends "$pid" 0
	same $'loaded\t1700\nduplicates\t0\ninvalid\t0' "$(cat "$T/out")"
	same '' "$(cat "$T/err")"
	same "$(codes 1700)" "$(in_pool e)"
}

@test "a call that is made again has the same answers" {
	pool e 9 0
	step() {
		redis fcall "fcfs_${1}_1" 2 "$(key e event)" "$(key e line)" "${@:2}" | paste -sd ' '
	}
	id=$(field e id)
	for _ in 1 2; do
		same '0 0 1' "$(step load "$id" l1 A 1 B 2 A 3)"
		same '-1 0 4' "$(step load "$id" l2 A 3 C 4 C 5)"
	done
	same '3 3 0 0 0 0' "$(count e)"
	for _ in 1 2; do
		same 3 "$(step loaded "$id" me)"
	done
	same 2 "$(redis llen "$(key e outbox)")"
	[[ $(step load "${id/?/x}" l3 D 1) == NOEVENT* ]]
	# pages: one code goes from the front, one comes back, two are loaded
	same '2 3 3 A B' "$(step pool 0 2 0 0)"
	redis lpop "$(key e codes)" >/dev/null
	same '2 2 3 C' "$(step pool 2 2 3 3)"
	redis lpush "$(key e codes)" A >/dev/null
	step load "$id" l4 D 1 E 2 >/dev/null
	same '5 5 5 D E' "$(step pool 2 2 2 3)"
}

@test "two load at once, overlapping: each code once" {
	pool e 9 0
	codes 3000 >"$T/1"
	codes 3000 1501 >"$T/2"
	spawn fcfs-codes -j load e "$T/1" >"$T/out1" 2>"$T/err1"
	first=$pid
	spawn fcfs-codes -j load e "$T/2" >"$T/out2" 2>"$T/err2"
	wait "$first" "$pid" || :
	same '4500 1500' "$(cat "$T/out1" "$T/out2" | jq -s -r '"\(map(.loaded) | add) \(map(.duplicates) | add)"')"
	same '4500 4500 0 0 0 0' "$(count e)"
	same "$(codes 4500)" "$(in_pool e | sort)"
	same '' "$(grep -v 'loaded before$' "$T/err1" "$T/err2")"
}

@test "a first signal finishes what is begun: 75, and the rest is loaded by the next" {
	pool e 9 0
	mkfifo "$T/in"
	spawn from "$T/in" fcfs-codes load e >"$T/out" 2>"$T/err"
	exec {feed}>"$T/in"
	codes 3 >&$feed
	soon field_is e codes_loaded 3
	kill -TERM "$pid"
	ends "$pid" 75
	exec {feed}>&-
	same $'loaded\t3\nduplicates\t0\ninvalid\t0' "$(cat "$T/out")"
	same 'fcfs-codes: stopped: run again to load the rest' "$(cat "$T/err")"
	run -65 fcfs-codes -q load e < <(codes 5)
	same '5 5 0 0 0 0' "$(count e)"
}

rss_kb() {
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

@test "many codes, in bounded memory, in and out; a code is in no message and no log" {
	pool e 9 0
	codes 60000 >"$T/codes"
	cat "$T/codes" - < <(codes 10) >"$T/in"
	mkfifo "$T/fifo"
	spawn from "$T/fifo" fcfs-codes -v load e >"$T/out" 2>"$T/err"
	exec {feed}>"$T/fifo"
	cat "$T/in" >&$feed
	soon field_is e codes_loaded 60000
	[ -n "${ASAN_OPTIONS-}" ] || [ "$(rss_kb "$pid")" -le 32768 ]
	exec {feed}>&-
	ends "$pid" 65
	same 'fcfs-codes: lines 60001-60010: the same as lines 1-10' "$(cat "$T/err")"
	fcfs-codes export e >"$T/export"
	cmp "$T/codes" "$T/export"
	same 600 "$(stat -c %a "$T/export")"
	exec {full}>/dev/full
	run -74 into "$full" fcfs-codes export e
	same '' "$(redis --raw lrange "$(key e outbox)" 0 -1 | grep CODE-)"
	same 'load codes_loaded=0 codes_loaded=60000' "$(redis --raw lindex "$(key e outbox)" -1 | jq -r '"\(.what) \(.before) \(.after)"')"
	[[ $(redis --raw lindex "$(key e outbox)" -1 | jq -r .who) == "$(id -u)@"* ]]
}

# --- granting and issuing ----------------------------------------------------------------------------

@test "no more is granted than there are codes; check, show, report and rank say so" {
	pool e 5 8
	run -78 fcfs-event check e
	same $'fail\tcodes\ta pool of 0 for a stock of 5: load more with fcfs-codes load' "${lines[-1]}"
	run -1 --separate-stderr fcfs-dispatch -v e
	same 'fcfs-dispatch: event '"'e'"': no code is left, and people wait: load more with fcfs-codes load
fcfs-dispatch: event '"'e'"': 0 winners written, dry' "$stderr"
	run -1 --separate-stderr fcfs-dispatch e
	same "fcfs-dispatch: event 'e': no code is left, and people wait: load more with fcfs-codes load" "$output$stderr"
	run -1 --separate-stderr fcfs-dispatch -q e
	same '' "$output$stderr"
	codes 3 | fill e
	same 'waiting waiting waiting standby standby standby standby standby' "$(fcfs-rank --list e | cut -f 1 | paste -sd ' ')"
	run -0 fcfs-dispatch e # it has done something: not a word
	same 3 "${#lines[@]}"
	fcfs-issue <<<"$output" >"$T/out"
	same "$(codes 3)" "$(jq -r .code "$T/out")"
	run -78 fcfs-event check e
	same $'fail\tcodes\ta pool of 3 for a stock of 5: load more with fcfs-codes load' "${lines[-1]}"
	same 'pool 3 0' "$(fcfs-event -j show e | jq -r '"\(.codes) \(.codes_loaded) \(.codes_left)"')"
	same '3 0' "$(fcfs-report -j e | jq -r '"\(.codes_loaded) \(.codes_left)"')"
	codes 9 4 | fill e
	run -0 fcfs-event check e
	same $'ok\tcodes\ta pool of 12 for a stock of 5' "${lines[-1]}"
	fcfs-dispatch e | fcfs-issue >>"$T/out"
	same "$(codes 5)" "$(jq -r .code "$T/out")"
	same '12 7 0 0 5 0' "$(count e)"
	same 5 "$(field e granted)"
	run -1 fcfs-dispatch -v e
	[[ $output == *', ended' ]]
	event other 1 0
	same 'null null' "$(fcfs-event -j show other | jq -r '"\(.codes_loaded) \(.codes_left)"')"
}

@test "a code taken back is burnt: it comes to nobody again, and the next in line needs another" {
	pool e 2 4
	codes 2 | fill e
	fcfs-dispatch e | fcfs-issue >"$T/out"
	fcfs-leave --revoke e p0000001 >/dev/null
	run -1 fcfs-dispatch -v e
	[[ $output == *', dry' ]]
	run -65 fcfs-codes load e < <(codes 2)
	codes 1 3 | fill e
	fcfs-dispatch e | fcfs-issue >>"$T/out"
	same 'p0000001 CODE-000001|p0000002 CODE-000002|p0000003 CODE-000003' "$(printed_codes "$T/out" | paste -sd '|')"
	same '3 0 0 0 2 1' "$(count e)"
	run -1 fcfs-dispatch -v e
	[[ $output == *', ended' ]]
}

# follow EVENT: both stages, until the event has ended
follow() {
	fcfs-dispatch --every 20ms --follow "$1" | fcfs-issue --chunk 3 --follow
}

@test "the pool runs dry in mid-run, twice, and is filled again: both stages go on, and end with the stock" {
	pool e 30 40
	codes 7 | fill e
	spawn follow e >"$T/out" 2>"$T/err"
	soon has "$T/out" 7
	soon grep -q 'no code is left' "$T/err"
	soon counts e '7 0 0 0 7 0'
	same 7 "$(field e granted)"
	codes 8 8 | fill e
	soon counts e '15 0 0 0 15 0'
	soon has "$T/err" 2
	fcfs-event set e --state closed # whoever is in line can still win
	same 15 "$(field e granted)"
	codes 25 16 | fill e
	ends "$pid" 0
	all_issued e 30 "$T/out" '^CODE-'
	same "$(codes 30)" "$(jq -r .code "$T/out")"
	same 2 "$(grep -c "^fcfs-dispatch: event 'e': no code is left, and people wait: load more with fcfs-codes load$" "$T/err")"
	same 2 "$(wc -l <"$T/err")"
	same '40 10 0 0 30 0' "$(count e)"
}

@test "closed, out of codes and with nobody left who waits: that is the end" {
	pool e 5 4
	codes 2 | fill e
	fcfs-dispatch e | fcfs-issue >/dev/null
	fcfs-event set e --state closed
	fcfs-leave e p0000003 >/dev/null
	run -1 fcfs-dispatch -v e
	[[ $output == *', dry' ]]
	fcfs-leave e p0000004 >/dev/null
	run -1 fcfs-dispatch -v e
	[[ $output == *', ended' ]]
	run -0 timeout "$LIMIT" fcfs-dispatch --every 10ms --follow e
}

@test "a granted ticket that finds no code: 75 with what to do, the others have theirs, and a rerun goes on" {
	pool e 5 5
	codes 5 | fill e
	fcfs-dispatch e >"$T/w"
	redis ltrim "$(key e codes)" 0 2 >/dev/null
	run -75 --separate-stderr fcfs-issue <"$T/w"
	same "fcfs-issue: event 'e': no code is left for ticket 4: load more with fcfs-codes load, and run again" "$stderr"
	same '' "$output"
	same 3 "$(redis hlen "$(key e pending)")"
	codes 2 6 | fill e
	fcfs-dispatch e | fcfs-issue >"$T/out" || same 1 $?
	all_issued e 5 "$T/out" '^CODE-'
	same "$(printf 'CODE-00000%s\n' 1 2 3 6 7)" "$(jq -r .code "$T/out")"
}

@test "issue killed everywhere it asks Redis: a code stays its ticket's, and none is lost" {
	for at in award.1.before award.1.after award.3.after done.1.before done.2.after; do
		IFS=. read -r step nth when <<<"$at"
		pool "$at" 10 12
		codes 15 | fill "$at"
		fcfs-dispatch "$at" >"$T/w"
		struck "fcfs_${step}_1" "$nth" "$when" fcfs-issue --chunk 3 <"$T/w"
		echo -n "${output:+$output$'\n'}" >"$T/1"
		{ fcfs-dispatch "$at" || same 1 $?; } | fcfs-issue --chunk 3 >"$T/2"
		sort -u "$T/1" "$T/2" | jq -sc 'sort_by(.ticket)[]' >"$T/out"
		all_issued "$at" 10 "$T/out" '^CODE-'
		same '15 5 0 0 10 0' "$(count "$at")"
		same "$(codes 15)" "$(in_pool "$at" | cat - <(jq -r .code "$T/out") | sort)"
	done
}

# --- the ledger knows better -------------------------------------------------------------------------

# snapshot, then roll_back: the server loses its power, and all that was written in between
snapshot() {
	rm -rf "$T/data"
	cp -a "$SERVERS/redis" "$T/data"
}

roll_back() {
	kill -9 "$(cat "$SERVERS/redis/pid")"
	soon gone "$(cat "$SERVERS/redis/pid")"
	rm -rf "$SERVERS/redis"
	cp -a "$T/data" "$SERVERS/redis"
	servers_start
}

issue() {
	fcfs-issue --ledger "sqlite:$T/ledger" "$@"
}

# tickets FILE: the records of it, by ticket
tickets() {
	sort -u "$@" | jq -sc 'sort_by(.ticket)[]'
}

# agree EVENT N LOADED FILE...: N tickets have a code each, as printed, in Redis and in the ledger; the others of the
# LOADED codes are in the pool
agree() {
	tickets "${@:4}" >"$T/agree"
	all_issued "$1" "$2" "$T/agree" '^CODE-'
	same "$(printed_codes "$T/agree")" "$(sqlite3 -separator ' ' "$T/ledger" 'select "user", code from issued order by 1')"
	same "$(codes "$3")" "$(in_pool "$1" | cat - <(jq -r .code "$T/agree") | sort)"
	same "$3 $(($3 - $2)) 0 0 $2 0" "$(count "$1")"
}

@test "codes that Redis has forgotten to have given out stay with the tickets the ledger names" {
	pool e 40 50
	codes 60 | fill e
	fcfs-dispatch e >"$T/w"
	snapshot
	shuf "$T/w" | issue --chunk 7 >"$T/1"
	agree e 40 60 "$T/1"
	roll_back
	same '60 60 0 0 0 0' "$(count e)"
	shuf "$T/w" >"$T/w1"
	shuf "$T/w" >"$T/w2"
	spawn from "$T/w1" fcfs-issue --chunk 3 --ledger "sqlite:$T/ledger" >"$T/2"
	first=$pid
	spawn from "$T/w2" fcfs-issue --chunk 5 --ledger "sqlite:$T/ledger" >"$T/3"
	wait "$first" || same 75 $? # the other was quicker with a ticket
	wait "$pid" || same 75 $?
	issue <"$T/w" >"$T/4"
	agree e 40 60 "$T/2" "$T/3" "$T/4"
	same "$(tickets "$T/1")" "$(tickets "$T/2" "$T/3" "$T/4")"
}

@test "others come first to codes that are taken: they get the next, until the very last" {
	pool e 40 40
	codes 40 | fill e
	fcfs-dispatch e >"$T/w"
	snapshot
	head -n 20 "$T/w" | shuf | issue --chunk 7 >"$T/1"
	roll_back
	for chunk in 1 7; do
		tac "$T/w" | issue --chunk $chunk >"$T/2"
		agree e 40 40 "$T/2"
		same "$(tickets "$T/1")" "$(tickets "$T/2" | head -n 20)"
		roll_back
		sqlite3 "$T/ledger" 'delete from issued where ticket > 20'
	done
}

@test "the load itself was forgotten: loaded again, each code is its ticket's again" {
	pool e 20 20
	snapshot
	codes 30 | fill e
	fcfs-dispatch e | shuf | issue --chunk 7 >"$T/1"
	roll_back
	run -1 fcfs-dispatch -v e
	[[ $output == *', dry' ]]
	codes 30 | tac | fill e
	fcfs-dispatch e | tac | issue --chunk 7 >"$T/2"
	# the grants are later ones; the codes, and when they were issued, are the ledger's
	same "$(tickets "$T/1")" "$(tickets "$T/2")"
	agree e 20 30 "$T/2"
}

@test "a code of a ticket that was returned is burnt; a pool of nothing but others' codes is dry" {
	pool e 1 2
	codes 2 | fill e
	fcfs-dispatch e >"$T/w"
	snapshot
	issue <"$T/w" >"$T/1"
	sqlite3 "$T/ledger" "update issued set state = 'returned'"
	roll_back
	fcfs-leave e p0000001 >/dev/null
	fcfs-dispatch e | issue >"$T/2"
	same 'p0000002 CODE-000002' "$(printed_codes "$T/2")"
	same '2 0 0 0 1 1' "$(count e)"
	pool f 1 1
	codes 3 | fill f
	fcfs-dispatch f >"$T/w"
	for ticket in 7 8 9; do
		sqlite3 "$T/ledger" "insert into issued (event, id, ticket, \"user\", code, joined_us, granted_us, issued_us, state)
			values ('f', '$(field f id)', $ticket, 'x$ticket', 'CODE-00000$((ticket - 6))', 1, 1, 1, 'issued')"
	done
	run -75 issue --retries 0 <"$T/w"
	same "fcfs-issue: event 'f': no code is left for ticket 1: load more with fcfs-codes load, and run again" "$output"
	same '0 3' "$(field f burnt) $(field f codes_loaded)"
	codes 1 4 | fill f
	run -0 issue <"$T/w"
	same CODE-000004 "$(jq -r .code <<<"$output")"
	same '4 3 0 0 1 0' "$(count f)"
	same "$(codes 3)" "$(in_pool f | sort)"
	# of an empty pool, too
	pool g 1 1
	codes 1 | fill g
	sqlite3 "$T/ledger" "insert into issued (event, id, ticket, \"user\", code, joined_us, granted_us, issued_us, state)
		values ('g', '$(field g id)', 7, 'x7', 'CODE-000001', 1, 1, 1, 'returned')"
	fcfs-dispatch g >"$T/w"
	for _ in 1 2; do
		run -75 issue --retries 0 <"$T/w"
		same "fcfs-issue: event 'g': no code is left for ticket 1: load more with fcfs-codes load, and run again" "$output"
	done
	codes 1 2 | fill g
	run -0 issue <"$T/w"
	same 'CODE-000002|2 0 0 0 1 1' "$(jq -r .code <<<"$output")|$(count g)"
}
