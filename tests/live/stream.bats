#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# Streams of people through the tools: hostile names, bounded memory, and servers that fail in the middle.
# Whatever happens, each line is answered once, in order, and a person's ticket stays (P1, P2, P8).

load ../helper

setup_file() { servers_start; }
teardown_file() { servers_stop; }

setup() {
	namespace
	joiner='' stopped=''
}

teardown() {
	[ -z "$stopped" ] || kill -CONT "$stopped" || :
	[ -z "$joiner" ] || kill -KILL "$joiner" 2>/dev/null || :
	"$TREE/scripts/servers" stop "$T/other" 3>&-
}

# event STOCK: creates the event e
event() {
	fcfs-event create e --stock "$1" >/dev/null
}

# other_server ARGUMENT...: a second server, for this test alone; FCFS_REDIS names it from here on
other_server() {
	eval "$(FCFS_REDIS_SERVER_ARGS="$*" "$TREE/scripts/servers" start --brokers 0 "$T/other" 3>&-)"
	REDIS_PORT=${FCFS_REDIS##*:}
	server_pid=$(cat "$T/other/redis/pid")
}

# connections STATES: how many there are to the server, by state (01 established, 02 asked for, 04 05 closed by us)
connections() {
	grep -cE "^ *[0-9]+: 0100007F:[0-9A-F]{4} 0100007F:$(printf %04X "$REDIS_PORT") $1 " /proc/net/tcp
}

# stream OPTION...: fcfs-join, pid $joiner, reads from descriptor $feed and answers into $T/answers
stream() {
	mkfifo "$T/feed"
	fcfs-join "$@" e <"$T/feed" >"$T/answers" 2>"$T/errors" 3>&- &
	joiner=$!
	exec {feed}>"$T/feed"
}

# end_stream: no more input; sets status
end_stream() {
	exec {feed}>&-
	status=0
	wait "$joiner" || status=$?
	joiner=''
}

answered() { # COUNT
	[ "$(wc -l <"$T/answers")" -ge "$1" ]
}

# count_of ERROR: how many answers of this kind the server gave
count_of() {
	redis info errorstats | sed -n "s/^errorstat_$1:count=//p" | tr -d '\r'
}

was_refused() { # ERROR
	[ -n "$(count_of "$1")" ]
}

is_loading() {
	redis ping | grep -q ^LOADING
}

# sound COUNT: lines 1..COUNT of people's names are answered once each, in order, with the ticket of their line
sound() {
	cut -f 2 "$T/answers" | cmp - <(people "$1")
	cut -f 3 "$T/answers" | cmp - <(seq "$1")
	run grep -vcE $'^(joined|already)\t' "$T/answers"
	same 0 "$output"
	same "$1" "$(redis zcard "$(key e line)")"
}

# --- input ---------------------------------------------------------------------------------------

@test "hostile names are refused, shown as \\xHH, and reach neither the line nor stdout raw" {
	event 100
	while IFS='|' read -r bytes why shown; do
		printf '%b\n' "$bytes" >>"$T/names"
		printf 'invalid\t%s\t-\t-\t%s\n' "$shown" "$why" >>"$T/want"
	done <<-'END'
		|empty|-
		a b|has white space|a b
		a\x20|has white space|a 
		\x09a|has white space|\x09a
		a\r|has white space|a\x0D
		\r|has white space|\x0D
		a\x00b|has a control character|a\x00b
		\x00|has a control character|\x00
		\x01|has a control character|\x01
		\x1b[31mred|has a control character|\x1B[31mred
		a\x1f|has a control character|a\x1F
		a\x7f|has a control character|a\x7F
		\xc2\x80|has a control character|\xC2\x80
		\xc2\x9b31m|has a control character|\xC2\x9B31m
		\xc2\x85|has white space|\xC2\x85
		a\xc2\xa0b|has white space|a\xC2\xA0b
		\xe1\x9a\x80|has white space|\xE1\x9A\x80
		\xe2\x80\x80|has white space|\xE2\x80\x80
		\xe2\x80\x8a|has white space|\xE2\x80\x8A
		\xe2\x80\x8b|has an invisible character|\xE2\x80\x8B
		\xe2\x80\x8e|has a text direction mark|\xE2\x80\x8E
		\xe2\x80\x8f|has a text direction mark|\xE2\x80\x8F
		\xe2\x80\xa8|has white space|\xE2\x80\xA8
		a\xe2\x80\xaeb|has a text direction mark|a\xE2\x80\xAEb
		\xe2\x80\xaf|has white space|\xE2\x80\xAF
		\xe2\x81\x9f|has white space|\xE2\x81\x9F
		\xe2\x81\xa6|has a text direction mark|\xE2\x81\xA6
		\xe2\x81\xa9|has a text direction mark|\xE2\x81\xA9
		\xe3\x80\x80|has white space|\xE3\x80\x80
		\xd8\x9c|has a text direction mark|\xD8\x9C
		\xef\xbb\xbfann|has an invisible character|\xEF\xBB\xBFann
		\x80|not valid UTF-8|\x80
		\xff|not valid UTF-8|\xFF
		a\xc3|not valid UTF-8|a\xC3
		\xc0\xaf|not valid UTF-8|\xC0\xAF
		\xe0\x80\xaf|not valid UTF-8|\xE0\x80\xAF
		\xed\xa0\x80|not valid UTF-8|\xED\xA0\x80
		\xf4\x90\x80\x80|not valid UTF-8|\xF4\x90\x80\x80
		\xf8\x88\x80\x80\x80|not valid UTF-8|\xF8\x88\x80\x80\x80
		\x5cx41\x01|has a control character|\x5Cx41\x01
	END
	run -65 fcfs-join e <"$T/names"
	diff "$T/want" - <<<"$output"
	run -1 grep -qP '[^\x09\x20-\x7e]' <<<"$output"
	same 0 "$(redis zcard "$(key e line)")"
	for tool in leave rank; do
		fcfs-$tool e <"$T/names" >"$T/out" && false
		cut -f 1,2 "$T/want" | cmp - <(cut -f 1,2 "$T/out")
	done
	fcfs-join -j e <"$T/names" >"$T/out" && false
	jq -r .user "$T/out" | sed 's/^$/-/' | cmp - <(cut -f 2 "$T/want")
}

@test "odd but legal names go in and come out as they are" {
	event 100
	longest=$(printf 'é%.0s' {1..64})
	# shellcheck disable=SC2016 # as it stands
	printf '%s\n' -42 a:b@c '{x}' '"q"' "it's" 'back\slash' '%s%n' '$(id)' '*' 한국어 🍗 "$longest" ../../etc/passwd '<b>' '=1+1' >"$T/names"
	run -0 fcfs-join e <"$T/names"
	cut -f 2 <<<"$output" | cmp - "$T/names"
	redis --raw zrange "$(key e line)" 0 -1 | cmp - "$T/names"
	fcfs-join -j e <"$T/names" >"$T/json"
	jq -r .user "$T/json" | cmp - "$T/names"
	fcfs-rank --list e | cut -f 2 | cmp - "$T/names"
}

@test "too long by a byte, by a megabyte, and across a block's end: cut in the answer, and the next line is whole" {
	event 100
	{
		printf 'x%.0s' {1..128}
		echo
		printf 'x%.0s' {1..129}
		echo
		head -c 1048576 /dev/zero | tr '\0' y
		printf '\nann\n'
		head -c 65530 /dev/zero | tr '\0' z
		printf '\n%s\nbob\n' "$(printf 'w%.0s' {1..128})"
	} >"$T/names"
	run -65 fcfs-join e <"$T/names"
	same "joined invalid invalid joined invalid joined joined" "$(cut -f 1 <<<"$output" | paste -sd ' ')"
	same "128 128 128 3 128 128 3" "$(cut -f 2 <<<"$output" | awk '{ print length($1) }' | paste -sd ' ')"
	same "longer than 128 bytes" "$(grep ^invalid <<<"$output" | cut -f 5 | sort -u)"
	same "ann bob" "$(redis zrange "$(key e line)" 0 -1 | grep -v -e xx -e ww | paste -sd ' ')"
}

@test "names that cross the blocks of a pipe come out whole" {
	event 30000
	people 30000 | awk '{ print $0 substr("----------------------", 1, NR % 23) }' >"$T/names"
	dd if="$T/names" obs=977 status=none | fcfs-join e | cut -f 2 | cmp - "$T/names"
}

@test "a last line without newline counts; an empty input is no line" {
	event 100
	run -0 fcfs-join e < <(printf 'ann\nbob')
	same "ann bob" "$(cut -f 2 <<<"$output" | paste -sd ' ')"
	run -0 fcfs-join e < <(printf x)
	same "x" "$(cut -f 2 <<<"$output")"
	run -0 --separate-stderr fcfs-join -v e </dev/null
	same "fcfs-join: 0 asked =|" "$stderr|$output"
	run -65 fcfs-join e < <(printf '\n')
	same $'invalid\t-\t-\t-\tempty' "$output"
	run -74 fcfs-join e <"$T" # a folder
	[[ $output == "fcfs-join: standard input: "* ]]
}

# calm: the line has people and has not grown for a while: the stream stands still
calm() {
	local size before
	size=$(redis zcard "$(key e line)")
	[ "$size" -gt 0 ] || return 1
	for _ in 1 2 3 4; do
		before=$size
		sleep 0.1
		size=$(redis zcard "$(key e line)")
		[ "$size" = "$before" ] || return 1
	done
}

# --- memory and output ---------------------------------------------------------------------------

peak_kib() { # PID
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

@test "100,000 people in less than 32 MiB" {
	event 100000
	stream
	people 100000 >&"$feed"
	wait_for 60 answered 100000
	peak=$(peak_kib "$joiner")
	end_stream
	[ "$status" -eq 0 ]
	[ "$peak" -gt 0 ]
	case $FCFS_BIN in */san/*) peak=0 ;; esac # the sanitizer has its own
	[ "$peak" -lt 32768 ]
	sound 100000
}

@test "a reader that stands still stops the stream: little is taken in, no memory grows, nothing is lost" {
	event 100000
	mkfifo "$T/out"
	people 100000 >"$T/names"
	fcfs-join e <"$T/names" >"$T/out" 3>&- &
	joiner=$!
	exec {out}<"$T/out"
	wait_for 60 calm
	[ "$(redis zcard "$(key e line)")" -lt 10000 ]
	peak=$(peak_kib "$joiner")
	case $FCFS_BIN in */san/*) peak=0 ;; esac
	[ "$peak" -lt 32768 ]
	cat <&"$out" >"$T/answers"
	wait "$joiner"
	joiner=''
	sound 100000
}

@test "stdout full: 74; stdout closed: 74, and it ends soon" {
	event 100000
	for tool in "join e ann" "rank e ann" "leave e ann" "event show e" "event list" "setup redis" "setup acl" "join -h" "join -V"; do
		status=0
		# shellcheck disable=SC2086 # several words
		fcfs-${tool%% *} ${tool#* } >/dev/full 2>"$T/errors" || status=$?
		same "$tool 74" "$tool $status"
		grep -q 'standard output: No space left' "$T/errors"
	done
	people 50000 | { fcfs-join e 2>"$T/errors" || echo $? >"$T/status"; } | head -n 1 >/dev/null
	same 74 "$(cat "$T/status")"
	grep -q 'fcfs-join: standard output: Broken pipe' "$T/errors"
}

@test "descriptors closed at the start never become connections: 74, and it ends soon" {
	fcfs-event create e --stock 5 >/dev/null
	fcfs-join e p >/dev/null
	local command status
	for command in 'fcfs-join e p >&-' 'fcfs-join e p <&- >&-' 'fcfs-join e <&-' 'fcfs-rank e p >&- 2>&-' \
		'fcfs-dispatch e >&-' 'fcfs-dispatch e <&- >&-' 'fcfs-issue <&-'; do
		status=0
		eval "timeout 20 $command" || status=$?
		same "$command 74" "$command $status"
	done
}

@test "SIGTERM: all that was taken is answered, then it ends with 0" {
	event 10000000
	mkfifo "$T/pipe"
	(people 10000000 3>&- || :) >"$T/pipe" 3>&- &
	feeder=$!
	fcfs-join e <"$T/pipe" >"$T/answers" 3>&- &
	joiner=$!
	wait_for 60 answered 2000
	kill -TERM "$joiner"
	wait "$joiner"
	joiner=''
	wait "$feeder" || :
	count=$(wc -l <"$T/answers")
	[ "$count" -lt 10000000 ]
	sound "$count"
}

@test "SIGTERM while input pauses: it ends at once" {
	event 10
	stream
	people 3 >&"$feed"
	wait_for 60 answered 3
	kill -TERM "$joiner"
	wait "$joiner" # with the input still open
	joiner=''
	sound 3
}

@test "SIGTERM while the reader stands still: what was taken is answered when it reads on" {
	event 100000
	mkfifo "$T/out"
	people 100000 >"$T/names"
	fcfs-join e <"$T/names" >"$T/out" 2>"$T/errors" 3>&- &
	joiner=$!
	exec {out}<"$T/out"
	wait_for 60 calm
	kill -TERM "$joiner"
	cat <&"$out" >"$T/answers"
	status=0
	wait "$joiner" || status=$?
	joiner=''
	same "0 " "$status $(cat "$T/errors")"
	sound "$(wc -l <"$T/answers")"
}

# --- a connection that is lost -------------------------------------------------------------------

@test "connections killed by the server, again and again: the same answers" {
	event 60000
	stream
	people 60000 >&"$feed" 3>&- &
	feeder=$!
	wait_for 60 answered 1
	for _ in {1..40}; do
		redis client kill type normal skipme yes >>"$T/killed"
	done
	exec {feed}>&-
	wait "$feeder"
	end_stream
	[ "$status" -eq 0 ]
	[ "$(awk '{ n += $1 } END { print n }' "$T/killed")" -gt 0 ]
	sound 60000
}

@test "kill -9 of the server in the middle of a stream, and its restart: nothing acknowledged is lost (P6, P8)" {
	other_server
	event 50000
	stream
	people 50000 >&"$feed" 3>&- &
	feeder=$!
	for n in 500 5000; do
		wait_for 60 answered $n
		kill -KILL "$server_pid"
		other_server
	done
	exec {feed}>&-
	wait "$feeder"
	end_stream
	[ "$status" -eq 0 ]
	same "" "$(cat "$T/errors")"
	sound 50000
}

@test "a server gone for longer than --reconnect: 69, the address named, and the answers that were had are out" {
	other_server
	event 100
	stream --reconnect 300ms
	people 3 >&"$feed"
	wait_for 60 answered 3
	kill -KILL "$server_pid"
	people 3 >&"$feed" || : # it may have noticed by then, and gone
	end_stream
	same 69 "$status"
	same 3 "$(wc -l <"$T/answers")"
	grep -q "^fcfs-join: redis '127.0.0.1:$REDIS_PORT': " "$T/errors"
	other_server # rerun = resume (P8)
	people 6 | fcfs-join e >"$T/answers"
	sound 6
}

@test "a server that stands still for longer than --timeout: what it did unheard stays done (P1)" {
	other_server
	event 5000
	stream --timeout 200ms
	people 3 >&"$feed"
	wait_for 60 answered 3
	stopped=$server_pid
	kill -STOP "$server_pid"
	people 2000 >&"$feed"
	# asked, given up on, and asked again on new connections, of which the server knows nothing yet
	tries() {
		[ "$(connections '0[145]')" -ge 3 ]
	}
	wait_for 60 tries
	kill -CONT "$server_pid"
	stopped=''
	wait_for 60 answered 2003
	end_stream
	[ "$status" -eq 0 ]
	# the first of the 2,000 joined by a call nobody waited for any more
	sed -i 1,3d "$T/answers"
	same already "$(sed -n 4p "$T/answers" | cut -f 1)"
	sound 2000
}

@test "a server that never goes on: 69 after --reconnect, and what it was waiting for is said" {
	other_server
	event 10
	stopped=$server_pid
	kill -STOP "$server_pid"
	start=$SECONDS
	run -69 fcfs-join --timeout 200ms --reconnect 500ms e ann
	[ $((SECONDS - start)) -le 20 ]
	[[ $output == "fcfs-join: redis '127.0.0.1:$REDIS_PORT': "* ]]
	same "" "$(grep -v -e 'no answer within' -e 'temporarily unavailable' -e timeout -e 'timed out' <<<"$output")"
}

@test "READONLY is waited for: a server that becomes a master again goes on" {
	other_server
	event 5000
	stream
	people 3 >&"$feed"
	wait_for 60 answered 3
	redis config resetstat
	redis replicaof 127.0.0.1 1
	people 1000 | sed 1,3d >&"$feed"
	wait_for 60 was_refused READONLY
	redis replicaof no one
	wait_for 60 answered 1000
	end_stream
	[ "$status" -eq 0 ]
	sound 1000
}

@test "MASTERDOWN is waited for" {
	other_server
	event 5
	fcfs-join e ann >/dev/null
	redis config set replica-serve-stale-data no
	redis replicaof 127.0.0.1 1
	fcfs-rank e ann >"$T/answers" 3>&- &
	joiner=$!
	wait_for 60 was_refused MASTERDOWN
	redis replicaof no one
	wait "$joiner"
	joiner=''
	same $'waiting\tann\t1' "$(cut -f 1-3 "$T/answers")"
}

@test "LOADING is waited for" {
	other_server
	event 5000
	people 2000 >"$T/names"
	while read -r name; do
		echo "fcall fcfs_join_1 2 $(key e event) $(key e line) $name"
	done <"$T/names" | redis >/dev/null
	redis config set key-load-delay 300 # for each command of the log, of which it has 8,000: it hears us every 1,024
	redis debug loadaof 3>&- &
	loader=$!
	wait_for 60 is_loading
	redis config resetstat
	fcfs-join e <"$T/names" >"$T/answers"
	wait "$loader"
	was_refused LOADING
	sound 2000
}

@test "a busy server is waited for" {
	event 50
	fcfs-join e a >/dev/null
	redis debug sleep 0.5 3>&- &
	run -0 fcfs-join --timeout 100ms e b
	same $'b\t2' "$(cut -f 2,3 <<<"$output")"
	wait
}

@test "functions flushed in the middle of a stream are loaded again" {
	other_server
	event 60000
	stream
	people 60000 >&"$feed" 3>&- &
	feeder=$!
	for n in 1 2000 4000 8000 16000; do
		wait_for 60 answered $n
		redis function flush >/dev/null
	done
	exec {feed}>&-
	wait "$feeder"
	end_stream
	[ "$status" -eq 0 ]
	same "" "$(cat "$T/errors")"
	sound 60000
}

@test "a unix socket, and another database" {
	other_server --unixsocket "$T/redis.sock"
	run -0 fcfs-event -r "unix:$T/redis.sock" create e --stock 5
	run -0 fcfs-join e ann
	run -78 fcfs-join -r "$FCFS_REDIS/3" e ann
	run -0 fcfs-event -r "$FCFS_REDIS/3" create e --stock 5
	same 1 "$(redis -n 3 exists "$(key e event)")"
	run -78 fcfs-join -r "$FCFS_REDIS/99" e ann
	[[ $output == *"DB index is out of range" ]]
	FCFS_REDIS=$FCFS_REDIS/3
	stream # also after the connection was lost
	people 1 >&"$feed"
	wait_for 60 answered 1
	redis client kill type normal skipme yes
	people 2 | tail -n 1 >&"$feed"
	end_stream
	same "1 2" "$(cut -f 3 "$T/answers" | paste -sd ' ')"
	same "2 1" "$(redis -n 3 zcard "$(key e line)") $(redis zcard "$(key e line)")"
}

@test "no server: 69 at once, and its address is named" {
	other_server
	event 5
	"$TREE/scripts/servers" stop "$T/other" 3>&-
	start=$SECONDS
	hint='start it, or name another with -r or FCFS_REDIS'
	for tool in "join e ann" "leave e ann" "rank e ann" "event list" "setup redis" "dispatch e" "issue"; do
		# shellcheck disable=SC2086 # several words
		run -69 fcfs-${tool%% *} ${tool#"${tool%% *}"} </dev/null
		[ "$output" = "fcfs-${tool%% *}: redis '127.0.0.1:$REDIS_PORT': Connection refused: $hint" ]
	done
	run -69 fcfs-join -r "unix:$T/none.sock" e ann
	[ "$output" = "fcfs-join: redis '$T/none.sock': No such file or directory: $hint" ]
	[ $((SECONDS - start)) -lt 30 ] # as --reconnect is
}

@test "an address that swallows connections: 69 after --connect-timeout" {
	other_server --tcp-backlog 1
	stopped=$server_pid
	kill -STOP "$server_pid"
	# Two wait to be accepted; those after them get no answer.
	callers=()
	for _ in 1 2 3 4; do
		bash -c "exec 9<>/dev/tcp/127.0.0.1/$REDIS_PORT && exec sleep 60" 3>&- 2>/dev/null &
		callers+=($!)
	done
	backlog_is_full() {
		[ "$(connections 02)" -gt 0 ]
	}
	wait_for 60 backlog_is_full
	before=${EPOCHREALTIME/[.,]/}
	FCFS_CONNECT_TIMEOUT=1m run -69 fcfs-join --connect-timeout 400ms e ann
	took_ms=$(((${EPOCHREALTIME/[.,]/} - before) / 1000))
	kill "${callers[@]}"
	[ "$took_ms" -ge 400 ]
	[ "$took_ms" -lt 30000 ]
	[[ $output == "fcfs-join: redis '127.0.0.1:$REDIS_PORT': "* ]]
}

# --- replies that make no sense ------------------------------------------------------------------

@test "a key of another type: 76, the server's words, and the stream ends" {
	event 10
	redis set "$(key e line)" nonsense >/dev/null
	run -76 fcfs-join e ann
	[[ $output == "fcfs-join: redis '127.0.0.1:$REDIS_PORT': WRONGTYPE "* ]]
	run -76 fcfs-join e < <(people 2000)
	run -76 fcfs-rank e ann
	run -76 fcfs-rank --list e
	run -76 fcfs-leave e ann
	run -76 fcfs-dispatch e
	redis set "$(key e event)" nonsense >/dev/null
	run -76 fcfs-event show e
	run -76 fcfs-event create e --stock 10
}

@test "another's function of our name: 76" {
	other_server
	redis function load "#!lua name=fcfs
local calls = 0
local replies = {
	{ 'perhaps', 1, 1, 1, '' }, { 'joined', 0, 1, 1, '', 'joined', 1, 2, 2, '' }, { 'joined', 3, 1, 1, '' },
	{ 'joined', 'two', 1, 1, '' }, { 'joined', -1, 1, 1, '', 'joined', 1, 2, 2, '' }, { 'joined', 2, 1, 1 },
	{ 'joined', 2, 1, 1, '', 'joined', 1, 3, 3, '' },
}
local function nonsense() calls = calls + 1 return replies[calls] end
redis.register_function('fcfs_enter_1', nonsense)
redis.register_function('fcfs_rank_1', function() return { 'waiting' } end)
redis.register_function('fcfs_leave_1', function() return 7 end)" >/dev/null
	run -76 fcfs-join e ann
	[[ $output == *"'perhaps', which is no answer" ]]
	for _ in 'of nobody' 'of more people than were asked' 'of no number' 'of less than nobody' 'cut short' 'one too many'; do
		run -76 fcfs-join e ann bob
		[[ $output == *"reply makes no sense"* ]]
	done
	run -76 fcfs-leave e ann
	[[ $output == *"reply makes no sense" ]]
}

@test "memory full: 75, nobody is let in, and the reason is said" {
	other_server
	event 10
	redis config set maxmemory 1
	run -75 fcfs-join e ann
	[[ $output == *"OOM "*": nobody is let in until it has memory" ]]
	run -0 fcfs-rank --list e
	redis config set maxmemory 0
	run -0 fcfs-join e ann
	[[ $output == joined* ]]
}
