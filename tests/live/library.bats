#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# The function library on the server: who loads it, who replaces it, who may call it, and its public calls.

load ../helper

# Three fcfs: ours, one a revision ahead (REVISION=900), one a protocol ahead (PROTOCOL=2).
setup_file() {
	servers_start
	export NEXT=$BATS_FILE_TMPDIR/next NEWER=$BATS_FILE_TMPDIR/newer
	variant "$NEXT" REVISION=900 fcfs-setup fcfs-join
	variant "$NEWER" PROTOCOL=2 fcfs-event fcfs-join
}

teardown_file() { servers_stop; }

# Functions are the whole server's, so that each test begins without any.
setup() {
	namespace
	redis function flush >/dev/null
}

# variant FOLDER NAME=NUMBER TOOL...: builds these tools with another number
variant() {
	local tools=("${@:3}")
	make -s -j 2 -C "$TREE" BUILD="$1/build" BIN="$1/bin" CFLAGS=-O0 "$2" "${tools[@]/#/$1/bin/}" \
		>"$1.log" 2>&1 3>&- || { cat "$1.log" && false; }
}

version() {
	redis fcall_ro fcfs_version 0
}

# event STOCK: creates the event e
event() {
	fcfs-event create e --stock "$1" >/dev/null
}

# call NAME PERSON...: a public function, as any client would
call() {
	redis fcall "fcfs_$1_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
}

ask() { # NAME PERSON...
	redis fcall_ro "fcfs_$1_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
}

# values: what redis-cli shows of a flat array, without the numbering
values() {
	sed 's/^ *[0-9]*) //'
}

# step NAME ARG...: one of our own steps on event e
step() {
	redis fcall "fcfs_$1_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
}

@test "a step whose answer was lost is asked again, and nothing is twice" {
	event 1
	fcfs-join e ann
	redis del "$(key e event)" "$(key e outbox)" >/dev/null
	id=11111111-1111-4111-8111-111111111111
	for _ in 1 2; do
		same "created $id" "$(step create "$id" given me stock 1 standby 0 opens_us 0 closes_us 0 | xargs)"
	done
	same "same $id" "$(step create 22222222-2222-4222-8222-222222222222 given me stock 1 | xargs)"
	same 1 "$(redis llen "$(key e outbox)")"
	step run "$id" '{"run":"1"}'
	step run "$id" '{"run":"1"}'
	same 1 "$(redis llen "$(key e runs)")"
	fcfs-dispatch e >"$T/w"
	award e "" ann 1 CODE 0 - - >/dev/null
	for _ in 1 2; do
		same 1 "$(step adopt "$id" ann 7 8 OTHER)"
	done
	for _ in 1 2; do
		same "assigned THIRD -1" "$(step replace "$id" ann OTHER THIRD live | xargs)"
	done
	same 1 "$(field e burnt)"
	for _ in 1 2; do
		same 1 "$(step annul "$id" ann 7 8 THIRD me)"
	done
	same '1 1 1 2' "$(field e issued) $(field e returned) $(field e revoked) $(field e burnt)"
	same 2 "$(redis llen "$(key e outbox)")"
}

# --- loading -------------------------------------------------------------------------------------

@test "a library of our version that lacks a function: 70 with what to do, and doing it heals" {
	event 1
	fcfs-join e ann
	revision=$(($(version) % 1000))
	sed -e "s/@PROTOCOL@/1/; s/@REVISION@/$revision/; /^register('serve'/d" \
		"$TREE"/common/lua/{head,event,run,join,leave,rank,page,grant,pool,award,park}.lua |
		redis -x function load replace
	run -70 timeout 3 fcfs-dispatch e
	[[ $output == *"redis-cli FUNCTION DELETE fcfs"* ]]
	redis function delete fcfs
	run -0 fcfs-dispatch e
	[[ $output == *'"user":"ann"'* ]]
}

# strange WORD SCRIPT COMMAND...: a step that says this word is told that it is no answer
strange() {
	run -76 --separate-stderr forged "$2" "${@:3}"
	same '' "$output"
	[[ $stderr == *"the server answers '$1', which is no answer" ]]
}

@test "a word that a step does not have, though another may: 76, and the next run goes on" {
	event 2
	fcfs-join e ann bob >/dev/null
	strange same "s/'held', redis/'same', redis/" fcfs-dispatch e
	strange held "s/'idle'/'held'/" fcfs-dispatch e
	fcfs-dispatch e >"$T/w"
	run -65 fcfs-issue --deliver 'jq -c --unbuffered "{id, ticket, ok: false, retry: false, why: \"no\"}"' < <(head -n 1 "$T/w")
	strange back 's/reply\[#reply + 1\] = status$/reply[#reply + 1] = "back"/' fcfs-issue --return-dead all e
	strange taken "s/'assigned', '', joined_us/'taken', '', joined_us/" fcfs-issue <"$T/w"
	strange set "s/{ 'held' }/{ 'set' }/" fcfs-issue --exclusive <"$T/w"
	run -0 fcfs-issue <"$T/w"
	strange held "s/{ 'set' }/{ 'held' }/" fcfs-event set e --state closed
	strange new "s/{ 'created', args/{ 'new', args/" fcfs-event create other --stock 1
	fcfs-archive save e >"$T/e.jsonl"
	strange same "s/return event and 'purged'/return event and 'same'/" fcfs-archive purge --force e
	strange same "s/return 'restored'$/return 'same'/" fcfs-archive restore e <"$T/e.jsonl"
	run -1 fcfs-archive restore e <"$T/e.jsonl"
}

@test "setup loads the functions, and then finds them there" {
	run -0 fcfs-setup redis
	[[ ${lines[-1]} =~ ^ok.functions.version\ ([0-9]+)\ loaded$ ]]
	same "$(version)" "${BASH_REMATCH[1]}"
	run -0 fcfs-setup redis
	[[ ${lines[-1]} == *" are there" ]]
	run -0 fcfs-setup -j redis
	same ok "$(jq -r 'select(.what == "functions") | .verdict' <<<"$output")"
}

@test "each tool loads what is missing, and asks again" {
	event 5
	for tool in "join e ann" "rank e ann" "rank --list e" "event show e" "event set e --stock 6" \
		"event list" "dispatch e" "leave e ann" "event check e"; do
		redis function flush >/dev/null
		# shellcheck disable=SC2086 # several words
		run -0 fcfs-${tool%% *} ${tool#* }
		version >/dev/null
	done
}

@test "missing functions are no lost connection: they are loaded also with --reconnect 0s" {
	run -0 fcfs-event --reconnect 0s create e --stock 5
	redis function flush >/dev/null
	run -0 fcfs-join --reconnect 0s e ann
}

@test "functions missing in the middle of pipelined calls: loaded, and every person is answered once, in order" {
	event 20000
	mkfifo "$T/feed"
	fcfs-join e <"$T/feed" >"$T/answers" 3>&- &
	exec {feed}>"$T/feed"
	people 1 >&"$feed"
	some() { [ -s "$T/answers" ]; }
	wait_for 60 some
	redis function flush >/dev/null
	people 20000 >&"$feed"
	exec {feed}>&-
	wait "$!"
	sed -i 1d "$T/answers"
	cut -f 2 "$T/answers" | cmp - <(people 20000)
	cut -f 3 "$T/answers" | cmp - <(seq 20000)
}

@test "first used by eight processes at once: loaded, and each is served" {
	for i in 1 2 3 4 5 6 7 8; do
		fcfs-event create "e$i" --stock 5 >"$T/$i" 2>&1 3>&- &
	done
	wait
	same 8 "$(cat "$T"/? | grep -c ^created)"
	redis function flush >/dev/null
	for i in 1 2 3 4 5 6 7 8; do
		people 3 | fcfs-join "e$i" >"$T/$i" 2>&1 3>&- &
	done
	wait
	same 24 "$(cat "$T"/? | grep -c ^joined)"
	same 1 "$(redis function list | grep -c library_name)"
}

@test "functions survive the server's death" {
	event 5
	kill -KILL "$(cat "$SERVERS/redis/pid")"
	"$TREE/scripts/servers" start --brokers 0 "$SERVERS" >/dev/null 3>&-
	same joined "$(call join ann | head -n 1)"
}

# --- versions ------------------------------------------------------------------------------------

@test "a newer protocol replaces an older one; the older then refuses (78), and does not replace it" {
	event 5
	fcfs-join e ann >/dev/null
	ours=$(version)
	[ "$ours" -ge 1000 ]
	[ "$ours" -lt 2000 ]
	run -0 "$NEWER/bin/fcfs-join" e bob
	same $'joined\tbob\t2' "$(cut -f 1-3 <<<"$output")"
	same 2 "$(($(version) / 1000))"
	for tool in "join e cid" "rank e ann" "leave e ann" "event show e" "setup redis"; do
		# shellcheck disable=SC2086 # several words
		run -78 --separate-stderr fcfs-${tool%% *} ${tool#* }
		[[ $stderr == *"its functions are of a newer fcfs ($(version), ours $ours): upgrade this machine's fcfs" ]]
	done
	run -78 fcfs-join e < <(people 3)
	run -78 fcfs-event check e
	[[ $output == *$'fail\tfunctions\tversion '"$(version), ours is $ours"* ]]
	same 2 "$(($(version) / 1000))"
	same 2 "$(redis zcard "$(key e line)")"
}

@test "an older one in the middle of a stream stops where the newer came: 78, what was answered is out" {
	event 100
	mkfifo "$T/feed"
	fcfs-join e <"$T/feed" >"$T/answers" 2>"$T/errors" 3>&- &
	joiner=$!
	exec {feed}>"$T/feed"
	people 3 >&"$feed"
	three() { [ "$(wc -l <"$T/answers")" -eq 3 ]; }
	wait_for 60 three
	"$NEWER/bin/fcfs-join" e zoe >/dev/null
	people 5 >&"$feed"
	exec {feed}>&-
	status=0
	wait "$joiner" || status=$?
	same 78 "$status"
	three
	grep -q 'of a newer fcfs' "$T/errors"
	same 4 "$(redis zcard "$(key e line)")"
}

@test "a newer revision replaces an older one at setup; the older goes on with it, and does not replace it" {
	event 5
	run -0 "$NEXT/bin/fcfs-join" e ann # it finds the functions it knows
	same 0 "$(($(version) % 1000 / 900))"
	run -0 fcfs-event check e
	run -0 "$NEXT/bin/fcfs-setup" redis
	[[ ${lines[-1]} == *" replaced older ones" ]]
	same 900 "$(($(version) % 1000))"
	run -0 fcfs-join e bob
	run -78 fcfs-setup redis
	same 900 "$(($(version) % 1000))"
	redis function flush >/dev/null
	run -0 "$NEXT/bin/fcfs-join" e cid
	same 900 "$(($(version) % 1000))"
	run -0 fcfs-join e dan
	same "1 2 3 4" "$("$NEXT/bin/fcfs-join" e ann bob cid dan | cut -f 3 | paste -sd ' ')"
}

# --- the public calls ----------------------------------------------------------------------------

@test "FCALL join: STATUS TICKET JOINED_US DETAIL a person, in the order of the arguments" {
	event 2
	reply=$(redis --no-raw fcall fcfs_join_1 2 "$(key e event)" "$(key e line)" ann bob ann zoe | values)
	us=$(redis zscore "$(key e line)" ann)
	same "$(printf '%s\n' '"joined"' '(integer) 1' "(integer) $us" '""' '"joined"' '(integer) 2' \
		"(integer) $((us + 1))" '""' '"already"' '(integer) 1' "(integer) $us" '""' \
		'"soldout"' '(integer) 0' '(integer) 0' '""')" "$reply"
}

@test "FCALL join: early tells the seconds as an integer; left, closed and paused have an empty detail" {
	event 2
	call join ann >/dev/null
	fcfs-event set e --opens +1h
	reply=$(redis --no-raw fcall fcfs_join_1 2 "$(key e event)" "$(key e line)" zoe | values)
	[[ $reply =~ ^\"early\".\(integer\)\ 0.\(integer\)\ 0.\(integer\)\ 3[56][0-9][0-9]$ ]]
	fcfs-event set e --state paused
	same '"paused" (integer) 0 (integer) 0 ""' "$(redis --no-raw fcall fcfs_join_1 2 "$(key e event)" \
		"$(key e line)" zoe | values | paste -sd ' ')"
	fcfs-event set e --state closed
	same "closed 0 0 " "$(call join zoe | paste -sd ' ')"
	fcfs-leave e ann >/dev/null
	same "left 1 $(redis zscore "$(key e line)" ann) " "$(call join ann | paste -sd ' ')"
}

@test "FCALL enter: the same answers in runs, of people with the same status whose tickets and times rise by one" {
	enter() {
		redis fcall fcfs_enter_1 2 "$(key e event)" "$(key e line)" "$@" | paste -sd ' '
	}
	event 4
	reply=$(enter ann bob cid)
	us=$(redis zscore "$(key e line)" ann)
	same "joined 3 1 $us " "$reply"
	same "already 2 2 $((us + 1)) " "$(enter bob cid)"
	same "already 1 3 $((us + 2))  already 2 1 $us " "$(enter cid ann bob)"
	reply=$(enter ann bob dan dan eve fay)
	later=$(redis zscore "$(key e line)" dan)
	same "already 2 1 $us  joined 1 4 $later  already 1 4 $later  soldout 2 0 0 " "$reply"
	fcfs-leave e bob >/dev/null
	same "already 1 1 $us  left 1 2 $((us + 1))  already 1 3 $((us + 2)) " "$(enter ann bob cid)"
	fcfs-event set e --opens +1h
	[[ $(enter eve fay) =~ ^early\ 2\ 0\ 0\ 3[56][0-9][0-9]$ ]]
	same "" "$(enter)"
}

@test "FCALL join: all are in line, the first and the last as far apart in time as in the call, and one is named twice" {
	event 3
	call join ann ann bob >/dev/null
	us=$(redis zscore "$(key e line)" ann)
	same "$((us + 2))" "$(redis zscore "$(key e line)" bob)"
	same "already 1 $us  already 2 $((us + 2))  already 2 $((us + 2)) " "$(call join ann bob bob | paste -sd ' ')"
}

@test "FCALL join: one stranger more than there is room for, in one call" {
	event 3
	same 'joined joined joined soldout' "$(call join ann bob cid dan | paste -d ' ' - - - - | cut -d ' ' -f 1 | paste -sd ' ')"
	same 3 "$(redis zcard "$(key e line)")"
}

@test "FCALL join: the server's clock was set back: who comes, alone or with others, is behind the last in line (P2)" {
	event 9
	call join ann >/dev/null
	ahead=$(($(redis zscore "$(key e line)" ann) + 3600000000))
	redis zadd "$(key e line)" xx "$ahead" ann >/dev/null
	same "joined 2 $((ahead + 1)) " "$(call join bob | paste -sd ' ')"
	same "joined 3 $((ahead + 2))  joined 4 $((ahead + 3)) " "$(call join cid dan | paste -sd ' ')"
	same "joined 5 $((ahead + 4)) " "$(call join eve | paste -sd ' ')"
}

@test "FCALL_RO rank: STATE TICKET AHEAD ETA_S DETAIL a person" {
	event 2
	fcfs-event set e --standby 5
	call join ann bob cid >/dev/null
	fcfs-leave e bob >/dev/null
	same "$(printf '%s\n' '"waiting"' '(integer) 1' '(integer) 0' '(integer) 0' '""' \
		'"left"' '(integer) 2' '(integer) 0' '(integer) 0' '"left"' \
		'"standby"' '(integer) 3' '(integer) 2' '(integer) 0' '""' \
		'"absent"' '(integer) 0' '(integer) 0' '(integer) 0' '""')" \
		"$(redis --no-raw fcall_ro fcfs_rank_1 2 "$(key e event)" "$(key e line)" ann bob cid zoe | values)"
	fcfs-dispatch e >/dev/null
	same "winner 1 0 0 granted" "$(ask rank ann | paste -sd ' ')"
}

@test "an event that does not exist is the error NOEVENT, and is not made by asking" {
	event 2
	for name in join enter rank leave show set; do
		run redis fcall "fcfs_${name}_1" 2 'fcfs:{nobody}:event' 'fcfs:{nobody}:line' ann
		[[ $output == NOEVENT* ]]
	done
	same 0 "$(redis keys 'fcfs:{nobody}*' | grep -c .)"
	redis zadd 'fcfs:{nobody}:line' 1 ann >/dev/null # somebody has lost the rest of it
	[[ $(redis fcall fcfs_join_1 2 'fcfs:{nobody}:event' 'fcfs:{nobody}:line' ann) == NOEVENT* ]]
	same 0 "$(redis exists 'fcfs:{nobody}:event')"
}

@test "nobody asked about is an empty answer" {
	event 2
	same "" "$(call join)"
	same "" "$(ask rank)"
}

@test "join cannot be called read-only; rank and show can" {
	event 2
	[[ $(ask join ann 2>&1) == *"read-only"* || $(ask join ann 2>&1) == *"write"* ]]
	same 0 "$(redis exists "$(key e line)")"
	ask rank ann
	ask show >/dev/null
}

# --- access rules --------------------------------------------------------------------------------

# roles: gives the roles of fcfs-setup acl to this server's users, each with its name as password
roles() {
	fcfs-setup acl | redis | sort -u | grep -vx OK && false
	for role in web worker operator archivist auditor; do
		same OK "$(redis acl setuser fcfs-$role on ">secret-$role")"
		echo "secret-$role" >"$T/$role"
	done
}

# as ROLE COMMAND...: with that role's name and password
as() {
	FCFS_REDIS=redis://fcfs-$1@127.0.0.1:$REDIS_PORT FCFS_REDIS_PASSWORD_FILE=$T/$1 "${@:2}"
}

@test "the web role joins and asks, by arguments and by stream, and can do nothing else" {
	event 5
	roles
	run -0 as web fcfs-join e ann
	run -0 --separate-stderr as web fcfs-join e < <(people 3)
	[[ $stderr == "fcfs-join: redis does not tell its settings: "* ]]
	run -0 as web fcfs-join e ann # again
	run -0 as web fcfs-rank e ann
	run -0 as web fcfs-rank --explain e ann
	run -0 as web fcfs-rank --list e
	[ "${#lines[@]}" -eq 4 ]
	for tool in "leave e ann" "dispatch e" "event set e --stock 9" "event create f --stock 9" "event show e"; do
		# shellcheck disable=SC2086 # several words
		run -78 --separate-stderr as web fcfs-${tool%% *} ${tool#* }
		[[ $stderr == *NOPERM* ]] || { echo "$tool: $stderr" && false; }
	done
	for command in "keys x" flushall "function flush" "get x" "del $(key e line)" "fcall fcfs_serve_1 2 a b" \
		"hgetall $(key e event)" "zadd other:line 1 a" "config get save" "acl list"; do
		# shellcheck disable=SC2086 # several words
		run redis-cli --no-auth-warning --user fcfs-web --pass secret-web -p "$REDIS_PORT" $command
		[[ $output == NOPERM* ]] || { echo "$command: $output" && false; }
	done
}

@test "the worker role dispatches and issues, and does not join, leave or change an event" {
	event 5
	people 9 | fcfs-join e >/dev/null
	roles
	run -0 as worker fcfs-dispatch e
	[ "${#lines[@]}" -eq 5 ]
	as worker fcfs-issue <<<"$output" >"$T/issued"
	same 5 "$(wc -l <"$T/issued")"
	same 5 "$(field e issued)"
	run -1 as worker fcfs-dispatch e # it has ended
	for tool in "join e zoe" "leave e p0000001" "event set e --stock 9" "event create f --stock 9"; do
		# shellcheck disable=SC2086 # several words
		run -78 as worker fcfs-${tool%% *} ${tool#* }
		[[ $output == *NOPERM* ]]
	done
}

@test "the operator role does what an operator does, loads the functions, and does not grant" {
	roles
	redis function flush >/dev/null
	run -0 as operator fcfs-setup redis
	run -0 as operator fcfs-event create e --stock 2
	run -0 as operator fcfs-join e ann bob
	run -0 as operator fcfs-join e < <(people 3)
	run -0 as operator fcfs-event set e --stock 3 --standby 2
	run -0 as operator fcfs-event show e
	run -0 as operator fcfs-event list
	run -0 as operator fcfs-event check e
	run -0 as operator fcfs-rank e ann
	run -0 as operator fcfs-leave e ann
	run -0 as operator fcfs-rank --explain e ann
	[[ $output == *$'\nlog\t{'* ]]
	run -0 as auditor fcfs-rank --explain e ann
	run -0 as web fcfs-rank --explain e ann
	[[ $output != *$'\nlog\t'* ]]
	fcfs-dispatch e | fcfs-issue >/dev/null
	run -0 as operator fcfs-leave --revoke e bob
	[[ $output == returned* ]]
	run -78 as operator fcfs-dispatch e
	[[ $output == *NOPERM* ]]
}

@test "supplied codes: the operator loads and exports them, the worker gives them out, and cannot see the others" {
	fcfs-event create e --stock 2 --codes pool >/dev/null
	fcfs-join e ann >/dev/null
	roles
	printf '%s\n' A B >"$T/codes"
	run -0 as operator fcfs-codes load e "$T/codes"
	run -0 as operator fcfs-codes count e
	run -0 as operator fcfs-codes export e
	same "A B" "$(paste -sd ' ' <<<"$output")"
	as worker fcfs-dispatch e | as worker fcfs-issue >"$T/issued"
	same A "$(jq -r .code "$T/issued")"
	id=$(field e id)
	redis hset "$(key e pending)" ann "assigned - - 1 2 A" >/dev/null
	for call in "adopt $id ann 1 2 B" "replace $id ann B X live" "replace $id ann A X live" "annul $id ann 1 2 A me"; do
		# shellcheck disable=SC2086 # several words
		run redis-cli --no-auth-warning --user fcfs-worker --pass secret-worker -p "$REDIS_PORT" \
			fcall "fcfs_${call%% *}_1" 2 "$(key e event)" "$(key e line)" ${call#* }
		[[ $output != *NOPERM* && $output != *ERR* ]] || { echo "$call: $output" && false; }
	done
	for role in web worker; do
		for verb in "load e $T/codes" "export e"; do
			# shellcheck disable=SC2086 # several words
			run -78 as $role fcfs-codes $verb
			[[ $output == *NOPERM* ]]
		done
	done
}

@test "the archivist role saves, verifies, purges and restores, and does nothing else" {
	event 2
	people 3 | fcfs-join e >/dev/null
	fcfs-dispatch e | fcfs-issue >/dev/null
	fcfs-event set e --state closed
	roles
	run -0 as archivist fcfs-event list
	as archivist fcfs-archive save e >"$T/a"
	run -0 as archivist fcfs-archive verify e <"$T/a"
	run -0 as archivist fcfs-archive purge e
	run -0 as archivist fcfs-archive restore e <"$T/a"
	run -0 as archivist fcfs-archive verify e <"$T/a"
	for tool in "join e zoe" "leave e p0000001" "dispatch e" "event set e --stock 9" "event create f --stock 9"; do
		# shellcheck disable=SC2086 # several words
		run -78 as archivist fcfs-${tool%% *} ${tool#* }
		[[ $output == *NOPERM* ]]
	done
	run -78 as operator fcfs-archive purge --force e
	run -78 as worker fcfs-archive save e
}

@test "a role that lacks a command its function uses: 78, with what to do" {
	event 5
	roles
	redis acl setuser fcfs-web -zadd >/dev/null
	run -78 as web fcfs-join e ann
	[[ $output == *"fcfs-setup acl"* ]]
}

@test "another prefix is another's: no role reaches it" {
	event 5
	roles
	export FCFS_PREFIX=else.
	event 5
	run -78 as web fcfs-join e ann
	[[ $output == *NOPERM* ]]
	same 0 "$(redis exists "$(key e line)")"
}

@test "a wrong password, none, and no password file: 78, and no password is shown" {
	event 5
	roles
	echo wrong-secret >"$T/web"
	run -78 as web fcfs-join e ann
	[[ $output == *WRONGPASS* ]]
	[[ $output != *secret* ]]
	FCFS_REDIS=redis://fcfs-web@127.0.0.1:$REDIS_PORT run -78 fcfs-join e ann # not as somebody else
	[[ $output == *WRONGPASS* ]]
	redis acl setuser fcfs-web nopass >/dev/null
	FCFS_REDIS=redis://fcfs-web@127.0.0.1:$REDIS_PORT run -0 fcfs-join e ann
	FCFS_REDIS=redis://fcfs-web@127.0.0.1:$REDIS_PORT run -78 fcfs-leave e ann
	FCFS_REDIS_PASSWORD_FILE=$T/none run -78 fcfs-join e ann
	[[ $output == *"password file '$T/none': No such file"* ]]
	redis acl setuser default ">x" >/dev/null
	run -78 fcfs-join e ann
	[[ $output == *"NOAUTH"*FCFS_REDIS_PASSWORD_FILE* ]]
	printf x >"$T/default" # no newline
	FCFS_REDIS_PASSWORD_FILE=$T/default run -0 fcfs-join e ann
	redis-cli --no-auth-warning -a x -p "$REDIS_PORT" acl setuser default nopass >/dev/null
}
