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
	run -64 fcfs-codes
	run -64 fcfs-codes burn e
	run -64 fcfs-codes load
	run -64 fcfs-codes load e a b
	run -64 fcfs-codes count e a
}
