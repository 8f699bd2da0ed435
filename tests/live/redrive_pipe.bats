#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# Without brokers: dead letters of a file, listed and sent again; and with any bus: the slots of what was given up
# returned (P4).

load ../helper
load ../flow
load ../deliver
load ../kill

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

RUN=99999999-9999-4999-8999-999999999999
OTHER=88888888-8888-4888-8888-888888888888

# step NAME ARG...: one of the event's functions
step() {
	redis fcall "fcfs_${1}_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
}

# parked RUN PERSON...: those of event e who are granted have a code, and are parked by this run
parked() {
	local person
	for person in "${@:2}"; do
		award e "$1" "$person" "$(fcfs-rank e "$person" | cut -f 3)" "CODE-$person" 0 - - >/dev/null
		same 1 "$(step park "$(field e id)" "$1" "$person" - -)"
	done
}

# letter CLASS REPLAYS VALUE: a line of --dead-letters
letter() {
	jq -nc --arg class "$1" --argjson replays "$2" --arg value "$3" --arg run $RUN '{type: "dead", error_class: $class,
		error_message: "no such mailbox", attempts: 2, first_failure_us: 1795516952231455, last_failure_us: 1795516953231455,
		original_topic: "-", original_partition: -1, original_offset: 7, replays: $replays, run: $run, value: $value}'
}

# waits_for_lock PID: it does
waits_for_lock() {
	grep -q lock "/proc/$1/wchan"
}

# waits_for_input PID: it has read all that is in the fifo
waits_for_input() {
	[ -e "/proc/$1/fd/0" ] && ! read -r -t 0 -u "$letters"
}

# letters: ann's and bob's, given up; one that was sent again often enough; one that is no winner's; a line that is none
letters() {
	letter undeliverable 0 "$(sed -n 1p "$T/w")"
	letter exhausted 1 "$(sed -n 2p "$T/w" | jq -c '. + {replays: 1}')"
	letter undeliverable 5 "$(sed -n 1p "$T/w")"
	letter malformed 0 hello
}

@test "a file of dead letters: listed like those of the topic, and its winners sent again, with the same codes" {
	event e 2 0
	fcfs-join e ann bob cid >/dev/null
	fcfs-dispatch e >"$T/w"
	parked $RUN ann bob
	letters >"$T/dead.1"
	run -0 fcfs-report --dead-letters <"$T/dead.1"
	same $'2026-11-24T10:42:33.231455Z\tundeliverable\te\tann\t1\t2\t0\tdead\t-\t1\tno such mailbox\t'$RUN "${lines[0]}"
	same 'dead dead final final' "$(cut -f 8 <<<"$output" | paste -sd ' ')"
	same '- -' "$(tail -n 1 <<<"$output" | cut -f 3,4 | tr '\t' ' ')"
	run -0 --separate-stderr fcfs-issue --redrive --dry-run --match user=bob <"$T/dead.1"
	same "$(fcfs-report --dead-letters <"$T/dead.1" | sed -n 2p)" "$output"
	fcfs-issue -q --redrive <"$T/dead.1" >"$T/again"
	same "$(sed -n 1p "$T/w" | sed 's/}$/,"replays":1}/')" "$(sed -n 1p "$T/again")"
	same "$(sed -n 2p "$T/w" | sed 's/}$/,"replays":2}/')" "$(sed -n 2p "$T/again")"
	same 2 "$(wc -l <"$T/again")"
	fcfs-issue <"$T/again" >"$T/issued"
	same 'ann CODE-ann bob CODE-bob' "$(printed_codes "$T/issued" | paste -sd ' ')"
	same '0 2' "$(field e parked) $(field e issued)"
	# the same again is no harm
	fcfs-issue -q --redrive <"$T/dead.1" | fcfs-issue -v >"$T/issued" 2>"$T/err"
	same '' "$(cat "$T/issued")"
	grep -q 'already 2' "$T/err"
}

@test "undeliverable, repaired, sent again through the pipe, still not for one: the next run has the rest" {
	event e 3 3
	fcfs-dispatch e | fcfs-issue -q --deliver "$(courier "$(but p0000001 p0000002 "$NEVER")")" --dead-letters "$T/dead" >"$T/issued" 2>/dev/null ||
		same 65 $?
	same '1 2' "$(field e issued) $(field e parked)"
	code=$(redis hget "$(key e pending)" p0000001 | sed 's/.* //')
	same 'undeliverable p0000001 dead undeliverable p0000002 dead' "$(fcfs-report --dead-letters <"$T/dead" | cut -f 2,4,8 | paste -sd ' ' | tr '\t' ' ')"
	mv "$T/dead" "$T/dead.1"
	fcfs-issue -q --redrive <"$T/dead.1" | fcfs-issue -q --deliver "$(courier "$(but p0000002 "$NEVER")")" --dead-letters "$T/dead" >>"$T/issued" 2>/dev/null ||
		same 65 $?
	same "$code" "$(jq -r 'select(.user == "p0000001") | .code' "$T/issued")"
	same 'p0000002 1 dead' "$(fcfs-report --dead-letters <"$T/dead" | cut -f 4,7,8 | tr '\t' ' ')"
	same '2 1' "$(field e issued) $(field e parked)"
	run -0 fcfs-issue --return-dead "$(fcfs-report --dead-letters <"$T/dead" | cut -f 12)"
	same $'e\t1' "$output"
	# a file that an issuer is writing to while it is moved is read when that one has done
	exec {held}>>"$T/dead.1"
	flock "$held"
	spawn from "$T/dead.1" fcfs-issue -q --redrive >"$T/again"
	redriver=$pid
	soon waits_for_lock "$redriver"
	cat "$T/dead" >>"$T/dead.1"
	flock -u "$held"
	ends "$redriver" 0
	same '1 1 2' "$(jq .replays "$T/again" | paste -sd ' ')"
}

@test "a line that is no dead letter is named, and makes it 65; the others are dealt with; counts say what was what" {
	event e 2 0
	fcfs-join e ann bob >/dev/null
	fcfs-dispatch e >"$T/w"
	{
		letters
		echo 'hello'
		cat "$T/w"
		echo '{"type":"dead"}'
		head -c 600000 /dev/zero | tr '\0' x
	} >"$T/dead.1"
	run -65 --separate-stderr fcfs-issue --redrive --limit 1 <"$T/dead.1"
	same 1 "${#lines[@]}"
	same 'fcfs-issue: line 5: not a dead letter: not a JSON object
fcfs-issue: line 6: not a dead letter: field '\''type'\'' is not '\''dead'\''
fcfs-issue: line 7: not a dead letter: field '\''type'\'' is not '\''dead'\''
fcfs-issue: line 9: not a dead letter: not a JSON object
fcfs-issue: in 9 = redriven 1 + before 0 + final 3 + kept 1 + bad 4' "$stderr"
	run -65 --separate-stderr fcfs-report --dead-letters e <"$T/dead.1"
	same 3 "${#lines[@]}"
	same 4 "${#stderr_lines[@]}"
	letters >"$T/dead.1"
	run -1 --separate-stderr fcfs-issue --redrive --match user=zoe <"$T/dead.1"
	same '' "$output"
	run -1 fcfs-issue -q --redrive </dev/null
	same '' "$output"
	run -0 fcfs-report --dead-letters </dev/null
	run -74 bash -c "fcfs-issue -q --redrive <'$T/dead.1' >/dev/full"
}

@test "a signal stops it: what was read is out, and it says that there may be more" {
	event e 2 2
	fcfs-dispatch e >"$T/w"
	mkfifo "$T/fifo"
	exec {letters}<>"$T/fifo"
	letter undeliverable 0 "$(sed -n 1p "$T/w")" >&"$letters"
	spawn from "$T/fifo" fcfs-issue --redrive >"$T/again" 2>"$T/err"
	redriver=$pid
	soon waits_for_input "$redriver"
	kill -TERM "$redriver"
	ends "$redriver" 75
	out=$(wc -l <"$T/again") # none, if it was stopped right after it had read
	same "fcfs-issue: in $out = redriven $out + before 0 + final 0 + kept 0 + bad 0
fcfs-issue: asked to stop: run again for what is left" "$(cat "$T/err")"
}

@test "what does not go together is misuse, in one line" {
	for given in '--dry-run' '--match user=ann' '--limit 3' '--redrive --chunk 3' '--redrive --follow' '--redrive --return-dead all' \
		"--return-dead all --stats x" '--return-dead all --deliver cat' '--redrive --deliver cat' '--redrive --ledger sqlite:x' \
		'--redrive e' '--redrive --limit 0' '--redrive --match user' '--redrive --match shoe=9' \
		'--redrive --match ticket=x' '--return-dead' '--return-dead me' '--return-dead all a/b' \
		"--redrive$(printf ' --match user=%s' {1..17})"; do
		# shellcheck disable=SC2086 # a word each
		run -64 --separate-stderr fcfs-issue $given </dev/null
		[[ ${stderr_lines[0]} == 'fcfs-issue: '* ]]
		same '' "$output"
	done
}

# --- giving back -----------------------------------------------------------------------------------

@test "--return-dead: the slots of a run's parked tickets, or of all, go to the next in line; codes are burnt" {
	event e 4 0
	fcfs-join e ann bob cid dan eve fay gus >/dev/null
	fcfs-dispatch e >"$T/w"
	parked $RUN ann bob
	parked $OTHER cid
	fcfs-issue <"$T/w" >/dev/null
	same '1 3' "$(field e issued) $(field e parked)"
	run -64 fcfs-issue --return-dead '' e # as of a variable that is not set: nobody's, not all
	same 3 "$(field e parked)"
	event f 1 1
	run -1 fcfs-issue --return-dead $OTHER f
	same '' "$output"
	run -0 fcfs-issue --return-dead $RUN e
	same $'e\t2' "$output"
	same '1 1 2 2 2' "$(field e issued) $(field e parked) $(field e returned) $(field e revoked) $(field e burnt)"
	same 'left revoked' "$(fcfs-rank e ann | cut -f 1,6 | tr '\t' ' ')"
	run -1 fcfs-issue --return-dead $RUN
	run -0 fcfs-issue -j --return-dead all
	same '{"event":"e","returned":1}' "$output"
	fcfs-dispatch e | fcfs-issue >"$T/issued"
	same 'eve fay gus' "$(jq -r .user "$T/issued" | paste -sd ' ')"
	same '4 0' "$(field e issued) $(field e parked)"
	same '3 revoke' "$(redis lrange "$(key e outbox)" 0 -1 | jq -r .what | grep -x revoke | uniq -c | sed 's/^ *//')"
	run -78 fcfs-issue --return-dead all nosuch
	redis sadd "${FCFS_PREFIX}fcfs:events" never-made no/name >/dev/null
	run -1 fcfs-issue --return-dead all
}

# halted ARGUMENT...: giving back, asked to stop when it has begun with an event; sets output
halted() {
	redis client pause 60000 write >/dev/null
	spawn fcfs-issue --return-dead "$@" >"$T/out" 2>"$T/err"
	soon write_waits
	kill -TERM "$pid"
	redis client unpause >/dev/null
	ends "$pid" 75
	same 'fcfs-issue: asked to stop: run again for what is left' "$(cat "$T/err")"
	output=$(cat "$T/out")
}

@test "--return-dead: a signal ends it behind the event it has begun, and it says that there may be more" {
	for one in e f g; do
		event $one 2 2
		fcfs-dispatch $one | fcfs-issue -q --deliver "$(courier "$NEVER")" 2>/dev/null || same 65 $?
	done
	halted all e f
	same $'e\t2' "$output"
	halted all
	same 2 "$(cut -f 2 <<<"$output")"
	same 2 $(($(field e parked) + $(field f parked) + $(field g parked)))
	run -0 fcfs-issue --return-dead all
	same 2 "$(cut -f 2 <<<"$output")"
}

# states: the ledger's, by ticket
states() {
	sqlite3 "$T/ledger" 'select state from issued order by ticket' | paste -sd ' '
}

@test "--return-dead and the ledger: the rows are returned, at once or when it is told of them; by the operator's role" {
	event e 4 7
	fcfs-dispatch e | fcfs-issue -q --ledger "sqlite:$T/ledger" --deliver "$(courier "$(but p0000001 p0000002 p0000003 "$NEVER")")" \
		--dead-letters "$T/dead" >"$T/issued" 2>/dev/null || same 65 $?
	same 'parked parked parked issued' "$(states)"
	step leave me revoke p0000001 >/dev/null # as one that was killed before it could tell the ledger
	fcfs-setup acl | redis >/dev/null
	redis acl setuser fcfs-operator on '>secret' >/dev/null
	echo secret >"$T/password"
	FCFS_REDIS=redis://fcfs-operator@127.0.0.1:$REDIS_PORT FCFS_REDIS_PASSWORD_FILE=$T/password \
		run -0 fcfs-issue --return-dead all --ledger "sqlite:$T/ledger"
	same $'e\t2' "$output"
	same 'returned returned returned issued' "$(states)"
	fcfs-dispatch e | fcfs-issue --ledger "sqlite:$T/ledger" >>"$T/issued"
	same 'returned returned returned issued issued issued issued' "$(states)"
	same 4 "$(sqlite3 "$T/ledger" "select count(distinct code) from issued where state = 'issued'")"
	step leave me revoke p0000004 >/dev/null
	run -1 fcfs-issue --return-dead all --ledger "sqlite:$T/ledger"
	same 'returned returned returned returned issued issued issued' "$(states)"
	run -64 fcfs-issue --return-dead all --ledger oracle:x
}

@test "--return-dead takes nothing but what is parked, whatever happens in between" {
	event e 4 0
	fcfs-join e ann bob cid dan >/dev/null
	fcfs-dispatch e >"$T/w"
	parked $RUN ann bob cid
	# sent again: bob is being issued, cid is issued, dan never was parked
	same 2 "$(award e $RUN bob 2 OTHER 1 - - cid 3 OTHER 1 - - | grep -c assigned)"
	same 1 "$(step "done" "$(field e id)" cid)"
	same "$(printf '%s\n' returned 1 busy 2 issued 3 issued 4)" "$(step leave me parked:$RUN ann bob cid dan)"
	same "$(printf '%s\n' returned 1 busy 2 issued 3 issued 4)" "$(step leave me parked:$RUN ann bob cid dan)"
	same '1 1' "$(field e returned) $(field e issued)"
	parked $OTHER bob
	same "$(printf '%s\n' issued 2)" "$(step leave me parked:$RUN bob)"
	same "$(printf '%s\n' returned 2)" "$(step leave me parked: bob)"
}

@test "--return-dead of thousands, killed and run again" {
	event e 2500 2500
	fcfs-dispatch e >"$T/w"
	mapfile -t winners < <(people 2500 | awk -v OFS='\n' '{ print $0, NR, "C" NR, 0, "-", "-" }')
	for ((i = 0; i < ${#winners[@]}; i += 3000)); do
		award e $RUN "${winners[@]:i:3000}" >/dev/null
	done
	people 2500 | sed 's/$/ - -/' | xargs -n 900 redis-cli -p "$REDIS_PORT" fcall fcfs_park_1 2 "$(key e event)" "$(key e line)" "$(field e id)" $RUN >/dev/null
	same 2500 "$(field e parked)"
	# it sends: SMEMBERS, then who is parked, and revokes them, a part at a time
	for nth in 1 2 3 4; do
		run trip write,sendto "$nth" fcfs-issue --return-dead all
		same 137 "$status"
		same 2500 $(($(field e parked) + $(field e returned)))
	done
	same 1 $(($(field e returned) / 900))
	run -0 fcfs-issue --return-dead all e
	same '0 2500 2500' "$(field e parked) $(field e returned) $(field e burnt)"
}
