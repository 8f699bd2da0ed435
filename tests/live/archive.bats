#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# An event that has ended, as a file: saved, verified, put back, purged; killed on the way, and given what is no archive.

load ../helper
load ../flow
load ../strike
load ../manual

setup_file() {
	servers_start
	strike_build
}

teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

# ended NAME: an event with names of all kinds, leavers, revoked and parked ones, a pool with codes left, that has ended
ended() {
	fcfs-event create "$1" --stock 4 --standby 100 --name 'Fried "chicken"' >/dev/null
	printf '%s\n' 'ann:1@x' 'quo"te' 'back\slash' 'żółć' '{}' "it's" 'é,;' zed last >"$T/names"
	fcfs-join "$1" <"$T/names" >/dev/null
	fcfs-leave "$1" 'quo"te' last >/dev/null
	fcfs-dispatch "$1" | fcfs-issue >/dev/null
	fcfs-leave --revoke "$1" 'ann:1@x' >/dev/null
	redis rpush "$(key "$1" codes)" 'NEXT "1"' >/dev/null
	redis hset "$(key "$1" loaded)" 'NEXT "1"' load:1 USED load:2 OTHER ledger:0 >/dev/null
	fcfs-dispatch "$1" | fcfs-issue >/dev/null
	fcfs-event set "$1" --state closed
}

# parked EVENT: the same, and two more slots: one is parked and one revoked when it was
parked() {
	local run=11111111-1111-4111-8111-111111111111 person
	ended "$1"
	fcfs-event set "$1" --stock 6
	fcfs-dispatch "$1" >"$T/w"
	for person in 'é,;' zed; do
		award "$1" $run "$person" "$(jq -r --arg user "$person" 'select(.user == $user).ticket' "$T/w")" "CODE-$person" 0 - - >/dev/null
		redis fcall fcfs_park_1 2 "$(key "$1" event)" "$(key "$1" line)" "$(field "$1" id)" $run "$person" - - >/dev/null
	done
	fcfs-leave --revoke "$1" zed >/dev/null
	same 'parked revoked' "$(fcfs-rank "$1" 'é,;' zed | cut -f 6 | paste -sd ' ')"
}

# dump EVENT: all that Redis has of it, but for what goes on: sorted where it has no order
dump() {
	local name
	for name in line grants; do
		redis zrange "$(key "$1" $name)" 0 -1 withscores
	done
	for name in left issued pending loaded; do
		redis hgetall "$(key "$1" $name)" | paste - - | sort
	done
	redis hgetall "$(key "$1" event)" | paste - - | grep -vE '^(epoch|pass_us|settled|already|refused_.*|archived_.*|token)	' | sort
	for name in outbox codes runs; do
		redis lrange "$(key "$1" $name)" 0 -1
	done
}

# reports EVENT: what fcfs-report says, but for the time and who holds the lease
reports() {
	fcfs-report "$1" | grep -vE '^(epoch|lease|last_pass)'
	fcfs-report --issued "$1"
	fcfs-report --runs "$1"
}

# kept: of an archive on stdin, the lines that the next one of the event has, too
kept() {
	jq -c 'select(.type | IN("archive", "passing", "end") | not)' | sort
}

# saved_reports FILE: the same of an archive
saved_reports() {
	fcfs-report --archive "$1" | grep -vE '^(epoch|lease|last_pass)'
	fcfs-report --issued --archive - <"$1"
	fcfs-report --runs --archive "$1"
}

# nothing EVENT: no key of it is there
nothing() {
	same '' "$(redis keys "$(key "$1" '*')")"
	same '' "$(fcfs-event list | grep -P "^$1\t" || :)"
}

# reseal: an archive whose counts and digest are those of its lines, from one where they may not be
reseal() {
	python3 -c '
import json, sys, uuid
lines = sys.stdin.buffer.read().split(b"\n")[:-2]
digest, count = uuid.UUID(int=0), dict.fromkeys(("fields passing people left grants issued pending outbox codes loaded runs").split(), 0)
kinds = {"field": "fields", "passing": "passing", "person": "people", "log": "outbox", "code": "codes", "loaded": "loaded", "run": "runs"}
last = 0
for line in lines:
    digest = uuid.UUID(bytes=__import__("hashlib").sha1(digest.bytes + line).digest()[:16], version=5)
    record = json.loads(line)
    if record["type"] in kinds:
        count[kinds[record["type"]]] += 1
    for name in ("left", "issued", "pending"):
        count[name] += record["type"] == "person" and name in record
    if record.get("granted_us", 0) > last:
        last = record["granted_us"]
        count["grants"] += 1
for line in lines:
    sys.stdout.buffer.write(line + b"\n")
print(json.dumps({"type": "end", **count, "digest": str(digest)}, separators=(",", ":")))'
}

@test "an event comes back as it was: names, leavers, codes, the pool, the log, the runs" {
	ended e
	fcfs-archive save e >"$T/a"
	same 600 "$(stat -c %a "$T/a")"
	dump e >"$T/dump"
	reports e >"$T/reports"
	fcfs-rank --list e >"$T/ranks"
	run -0 fcfs-archive verify e <"$T/a"
	same '' "$output"
	run -0 fcfs-archive purge e
	nothing e
	run -0 fcfs-archive restore e <"$T/a"
	same '' "$output"
	diff "$T/dump" <(dump e)
	diff "$T/reports" <(reports e)
	diff "$T/ranks" <(fcfs-rank --list e)
	run -0 fcfs-archive verify e <"$T/a"
	diff <(kept <"$T/a") <(fcfs-archive save e | kept)
}

@test "parked tickets and codes of a pool come back, and are told of" {
	parked e
	run --separate-stderr -0 fcfs-archive save e
	same "fcfs-archive: event 'e': parked, and saved as they are: 1" "$stderr"
	fcfs-archive -q save e >"$T/a"
	dump e >"$T/dump"
	reports e >"$T/reports"
	diff "$T/reports" <(saved_reports "$T/a")
	fcfs-archive verify e <"$T/a"
	fcfs-archive purge e
	fcfs-archive restore e <"$T/a"
	diff "$T/dump" <(dump e)
	same $'returned\té,;\t7' "$(fcfs-leave --revoke e 'é,;')"
	fcfs-archive purge --force e
	fcfs-event create e --stock 2 --codes pool >/dev/null
	printf '%s\n' first 'sec"ond' third | fcfs-codes load e >/dev/null
	fcfs-join e ann bob cid >/dev/null || :
	fcfs-dispatch e | fcfs-issue >/dev/null
	fcfs-event set e --state closed
	fcfs-archive save e >"$T/a"
	reports e >"$T/reports"
	diff "$T/reports" <(saved_reports "$T/a")
	fcfs-codes count e >"$T/count"
	fcfs-archive purge --force e
	fcfs-archive restore e <"$T/a"
	diff "$T/reports" <(reports e)
	diff "$T/count" <(fcfs-codes count e)
	same third "$(fcfs-codes export e)"
}

@test "what comes back answers as before, with the next epoch" {
	ended e
	epoch=$(field e epoch)
	fcfs-join e <"$T/names" | cut -f 2-4 >"$T/tickets"
	fcfs-archive save e >"$T/a"
	fcfs-archive purge --force e
	fcfs-archive restore e <"$T/a"
	same $((epoch + 1)) "$(field e epoch)"
	diff "$T/tickets" <(fcfs-join e <"$T/names" | cut -f 2-4)
	same already "$(fcfs-join e zed | cut -f 1)"
	same $'issued\tback\\slash\t3' "$(fcfs-leave e 'back\slash' || same 1 $?)"
	same $'returned\tback\\slash\t3' "$(fcfs-leave --revoke e 'back\slash')"
	fcfs-event set e --state open
	fcfs-dispatch e | fcfs-issue >"$T/more"
	same 'é,;' "$(jq -r .user "$T/more")" # the next in line
	same closed "$(fcfs-event set e --state closed && fcfs-join e new | cut -f 1)"
	same e "$(fcfs-event list | cut -f 1)"
}

@test "restored under a prefix of its own, an archive is asked about beside what is there" {
	parked a
	fcfs-archive save a >"$T/archive"
	fcfs-archive --prefix old. restore a <"$T/archive"
	while read -r person; do
		same "$(fcfs-rank --explain a "$person")" "$(fcfs-rank --prefix old. --explain a "$person")"
	done <"$T/names"
}

@test "an archive is read by others: codes, counts, the digest as fcfs(7) says" {
	ended e
	fcfs-archive save e >"$T/a"
	diff <(redis_codes e) <(jq -r 'select(.issued) | "\(.user) \(.issued | split(" ")[2])"' "$T/a" | sort)
	diff <(cut -f 2 "$T/names" | nl -w 1 -s ' ') <(jq -r 'select(.type == "person") | "\(.ticket) \(.user)"' "$T/a")
	diff "$T/a" <(reseal <"$T/a")
}

@test "fcfs-report tells of an archive what it tells of the event, to the byte, and asks no server" {
	ended e
	fcfs-archive save e >"$T/a"
	reports e >"$T/reports"
	fcfs-report -j --issued e >"$T/json"
	export FCFS_REDIS=unix:/nowhere
	diff "$T/reports" <(saved_reports "$T/a")
	diff "$T/json" <(fcfs-report -j --issued --archive "$T/a")
	fcfs-report --issued --archive "$T/a" >"$T/codes"
	same 600 "$(stat -c %a "$T/codes")"
	run -65 fcfs-report --archive - < <(sed '$d' "$T/a")
	[[ $output == *'the archive is cut off'* ]]
	run -74 fcfs-report --archive "$T/none"
	run -65 fcfs-report --archive "$T/codes"
	for wrong in "--archive $T/a e" "--archive $T/a --offsets" "--archive $T/a --dead-letters" "--issued --runs --archive $T/a"; do
		# shellcheck disable=SC2086 # several words
		run -64 fcfs-report $wrong
	done
}

@test "names that are not UTF-8 come back, too" {
	fcfs-event create e --stock 1 >/dev/null
	redis fcall fcfs_join_1 2 "$(key e event)" "$(key e line)" $'bad\xff\x01\nname' >/dev/null
	redis zadd "$(key e line)" 9999999999999999 "$(printf 'a\\x00b')" >/dev/null
	redis hset "$(key e event)" joined 2 stock 0 state closed $'\xfe\xfe\xfe' 1 $'\xff' 2 $'\xff\xfe' 3 >/dev/null
	fcfs-archive save e >"$T/a"
	same 626164ff010a6e616d65 "$(jq -r 'select(.ticket == 1).user_hex' "$T/a")"
	same fefefe,ff,fffe "$(jq -r 'select(.type == "field").name_hex // empty' "$T/a" | paste -sd ,)"
	dump e >"$T/dump"
	fcfs-archive verify e <"$T/a"
	fcfs-archive purge e
	fcfs-archive restore e <"$T/a"
	diff "$T/dump" <(dump e)
}

# bounded COMMAND...: with 60 MB of addresses, libraries and all; a sanitizer needs more
bounded() (
	[ -n "${ASAN_OPTIONS-}" ] || ulimit -v 60000
	"$@"
)

@test "more than a page of everything, in bounded memory" {
	event e 3000 4500
	fcfs-dispatch --batch 7 e | fcfs-issue --chunk 500 >/dev/null
	people 4500 | tail -n 1200 | fcfs-leave e >/dev/null
	for i in $(seq 2500); do
		echo "rpush $(key e codes) code$i"
		echo "hset $(key e loaded) code$i x:$i other$i y:$i"
	done | redis >/dev/null
	fcfs-event set e --state closed
	fcfs-archive save e >"$T/a"
	dump e >"$T/dump"
	diff <(reports e) <(saved_reports "$T/a")
	fcfs-archive verify e <"$T/a"
	fcfs-archive purge e
	bounded fcfs-archive restore e <"$T/a"
	diff "$T/dump" <(dump e)
	bounded fcfs-archive verify e <"$T/a"
	bounded fcfs-archive save e >"$T/b"
	same "$(tail -n 1 "$T/a" | jq .people,.left,.grants,.codes,.loaded)" "$(tail -n 1 "$T/b" | jq .people,.left,.grants,.codes,.loaded)"
}

# --- what is no answer ---------------------------------------------------------------------------

@test "save: an event that has not ended is a no that says what is open, and writes nothing" {
	event e 2 3
	run -1 --separate-stderr fcfs-archive save e
	same "fcfs-archive: event 'e' is not closed: fcfs-event set e --state closed" "$stderr"
	same '' "$output"
	fcfs-event set e --state paused
	run -1 fcfs-archive save e
	fcfs-event set e --state closed
	run -1 fcfs-archive save e
	[[ $output == *": 2 still to be granted: "* ]]
	fcfs-dispatch e >"$T/w"
	run -1 fcfs-archive save e
	[[ $output == *": 2 granted and not issued: "* ]]
	fcfs-issue <"$T/w" >/dev/null
	run -0 fcfs-archive save e
	fcfs-leave --revoke e p0000001 >/dev/null
	run -1 fcfs-archive save e
	[[ $output == *": 1 still to be granted: "* ]]
	run -78 fcfs-archive save nobody
	redis hset "$(key e event)" stock 0 bus kafka published_winners 1 seq 9 >/dev/null
	run -1 fcfs-archive save e
	[[ $output == *": 3 requests not in Kafka yet, 1 tickets not in Kafka yet, 9 decisions not in Kafka yet: "* ]]
}

@test "save: by its closing time; --ended passes over what was closed later, without a word" {
	event e 0 3
	redis hset "$(key e event)" closes_us "$(($(date +%s) * 1000000 - 7200000000))" >/dev/null
	run -1 fcfs-archive save --ended 3h e
	same '' "$output"
	run -0 fcfs-archive save --ended 1h e
	fcfs-event set e --state closed
	run -0 fcfs-archive save --ended 1h e # closed twice: the first counts
	redis hset "$(key e event)" closes_us 0 >/dev/null
	run -1 fcfs-archive save --ended 1h e
	run -64 fcfs-archive verify --ended 1h e
}

@test "verify: what goes on at a closed door is no difference; all else is, and is named" {
	ended e
	fcfs-archive save e >"$T/a"
	fcfs-join e new zed >/dev/null
	fcfs-dispatch e || same 1 $?
	run -0 fcfs-archive verify e <"$T/a"
	while read -r said command; do
		cp_event "$command"
		run -1 --separate-stderr fcfs-archive verify e <"$T/a"
		[[ $stderr == *"event 'e' differs: ${said//+/ }"* ]] || { echo "$command: $stderr" && false; }
		[[ $stderr != *NEXT* && $stderr != *USED* ]]
		run -1 fcfs-archive purge e
		fcfs-archive purge --force e && fcfs-archive restore e <"$T/a"
	done <<-END
		field+'stock'+has+another+value hset event stock 5
		field+'more'+is+in+Redis+alone hset event more 5
		field+'burnt'+is+in+the+file+alone hdel event burnt
		field+'already'+has+another+value hset event already -1
		ticket+9+has+another+joined_us zincrby line 1 last
		ticket+9+is+in+the+file+alone zrem line last
		ticket+10+is+in+Redis+alone zadd line 9999999999999999 new
		ticket+8+has+another+left hset left zed none
		ticket+2+has+another+left hdel left quo"te
		ticket+3+has+another+issued hset issued back\\slash none
		ticket+8+has+another+pending hset pending zed none
		log+1+has+another+value lset outbox 0 none
		code+1+has+another+code lset codes 0 none
		code+2+is+in+Redis+alone rpush codes more
		loaded+4+is+in+Redis+alone hset loaded more x:1
		loaded+3+is+in+the+file+alone hdel loaded USED
	END
	redis hset "$(key e loaded)" USED load:3 >/dev/null
	run -1 fcfs-archive verify e <"$T/a"
	[[ $output == *"differs: the codes ever loaded are others" ]]
}

# cp_event COMMAND: one change in Redis: COMMAND KEY ARG...
cp_event() {
	read -r command name arguments <<<"$1"
	# shellcheck disable=SC2086 # several words
	redis "$command" "$(key e "$name")" $arguments >/dev/null
}

@test "verify: another event of the same name differs; without one the file alone is checked, and that is said" {
	ended e
	fcfs-archive save e >"$T/a"
	fcfs-archive purge --force e
	run -0 fcfs-archive verify e <"$T/a"
	same "fcfs-archive: event 'e' is not there: the archive alone was checked" "$output"
	ended e
	run -1 fcfs-archive verify e <"$T/a"
	[[ $output == *"event 'e' differs: field 'id' has another value"* ]]
	run -65 fcfs-archive verify f <"$T/a"
	same "fcfs-archive: line 1: an archive of event 'e'" "$output"
}

@test "purge: not what was not verified, not what has changed since; and it is gone for good" {
	ended e
	run -1 fcfs-archive purge e
	same "fcfs-archive: event 'e' is in no verified archive: save and verify it, or say --force" "$output"
	fcfs-archive save e >"$T/a"
	fcfs-archive verify e <"$T/a"
	same closed "$(fcfs-join e new | cut -f 1)"
	fcfs-leave --revoke e zed >/dev/null
	run -1 fcfs-archive purge e
	same "fcfs-archive: event 'e' has changed since its archive was verified: save and verify it, or say --force" "$output"
	fcfs-dispatch e || same 1 $?
	fcfs-archive save e >"$T/a"
	fcfs-archive verify e <"$T/a"
	run -0 fcfs-archive purge e
	nothing e
	run -1 fcfs-archive purge e
	same "fcfs-archive: event 'e': no such event" "$output"
}

@test "restore: not over an event that there is, whatever it is" {
	ended e
	fcfs-archive save e >"$T/a"
	dump e >"$T/dump"
	run -1 fcfs-archive restore e <"$T/a"
	same "fcfs-archive: event 'e' exists: purge it, or keep it" "$output"
	diff "$T/dump" <(dump e)
	fcfs-archive purge --force e
	fcfs-event create e --stock 1 >/dev/null
	run -1 fcfs-archive restore e <"$T/a"
	run -65 fcfs-archive restore f <"$T/a"
}

@test "the keys of an event are those of fcfs(7)" {
	sed -n '/^local EVENT_KEYS/,/^}/p' "$TREE/common/lua/head.lua" | grep -o "{ '[a-z]*'" | tr -dc 'a-z\n' | sort >"$T/keys"
	source_of "$MAN/fcfs.7" KEYS | sed -n 's/^\.It Li //p' | grep -o '{EVENT}:[a-z]*' | cut -d : -f 2 | grep -vx restore |
		sort >"$T/named"
	diff "$T/keys" "$T/named"
}

# --- hostile files -------------------------------------------------------------------------------

# faulty LINE SAID: what is on stdin is refused, by both: neither harms, the second leaves nothing
faulty() {
	cat >"$T/bad"
	run -65 --separate-stderr fcfs-archive verify e <"$T/bad"
	[[ $stderr == "fcfs-archive: line $1: $2"* ]] || { echo "verify: $stderr" && false; }
	run -65 --separate-stderr fcfs-archive restore e <"$T/bad"
	[[ $stderr == "fcfs-archive: line $1: $2"* ]] || { echo "restore: $stderr" && false; }
	nothing e
}

@test "files that are no archive are refused with the line, and leave nothing behind" {
	ended e
	fcfs-archive save e >"$T/a"
	fcfs-archive purge --force e
	end=$(wc -l <"$T/a") first=$(grep -n '"ticket":1,' "$T/a" | cut -d : -f 1)
	: | faulty 1 'not the first line'
	echo hello | faulty 1 'not JSON'
	tail -n +2 "$T/a" | faulty 1 'not the first line'
	gzip <"$T/a" | faulty 1 'it is compressed: gzip -dc it first'
	sed '1s/"v":1/"v":2/' "$T/a" | faulty 1 'version 2, ours is 1'
	sed 1q "$T/a" | faulty 2 'the archive is cut off'
	sed '$d' "$T/a" | faulty "$end" 'the archive is cut off'
	head -c -300 "$T/a" | faulty "$((end - 1))" 'not JSON'
	head -c -2 "$T/a" | faulty "$end" 'not JSON'
	sed "${first}s/ann/bob/" "$T/a" | faulty "$end" 'the digest is another'
	sed "${first}d" "$T/a" | faulty "$first" 'ticket 2, where 1 is due'
	sed "${first}{h;d};$((first + 1)){G}" "$T/a" | faulty "$first" 'ticket 2, where 1 is due'
	sed '3{h;d};4{G}' "$T/a" | faulty 4 'field '
	sed "${first}{p}" "$T/a" | faulty $((first + 1)) 'ticket 1, where 2 is due'
	sed "${first}s/\"joined_us\":[0-9]*/\"joined_us\":\"1\"/" "$T/a" | faulty "$first" "field 'joined_us' is not an integer"
	sed "${first}s/,\"joined_us\":[0-9]*//" "$T/a" | faulty "$first" "field 'joined_us' is missing"
	sed "${first}s/}\$/,\"x\":1}/" "$T/a" | faulty "$first" 'it has a field too many'
	sed "${first}s/\"joined_us\":[0-9]*/\"joined_us\":9999999999999999/" "$T/a" | faulty $((first + 1)) 'joined_us is not later'
	sed "${first}s/.*/not json/" "$T/a" | faulty "$first" 'not JSON'
	sed "${first}s/.*/[]/" "$T/a" | faulty "$first" 'not a JSON object'
	sed "${first}s/\"user\"/\"user_hex\"/" "$T/a" | faulty "$first" "field 'user_hex' is not in hex"
	{
		head -n $((first - 1)) "$T/a"
		printf '{"type":"person","ticket":1,"user":"'
		head -c 3000000 /dev/zero | tr '\0' a
		printf '"}\n'
		tail -n +"$first" "$T/a"
	} | faulty "$first" 'longer than 65536 bytes'
	cat "$T/a" "$T/a" | faulty $((end + 1)) 'the archive has ended before'
	sed 's/"people":[0-9]*/"people":3/' "$T/a" | faulty "$end" 'it counts 3 people, and there are 9'
	sed "${first}s/ann:1@x/zed/" "$T/a" | reseal >"$T/twice"
	run -65 fcfs-archive restore e <"$T/twice"
	same 'fcfs-archive: a name or a code is there twice: nothing of it is put back' "$output"
	nothing e
	run -0 fcfs-archive restore e <"$T/a"
}

@test "verify goes on behind a faulty line, and names each" {
	ended e
	fcfs-archive save e >"$T/a"
	first=$(grep -n '"ticket":1,' "$T/a" | cut -d : -f 1)
	sed -e "$((first + 1))s/.*/{}/" -e "$((first + 4))s/\"user\"/\"usr\"/" "$T/a" >"$T/bad"
	run -65 fcfs-archive verify e <"$T/bad"
	[[ ${lines[0]} == "fcfs-archive: line $((first + 1)): "* ]]
	[[ $output == *$'\n'"fcfs-archive: line $((first + 4)): field 'user' is missing"$'\n'* ]]
	[[ ${lines[-1]} == "fcfs-archive: the archive is faulty: "* ]]
	run -1 fcfs-archive purge e
}

@test "a signal ends a restore where it is, not at the end of the file" {
	fcfs-event create e --stock 1 >/dev/null
	fcfs-event set e --state closed
	fcfs-archive save e | grep -v '"end"' >"$T/a"
	fcfs-archive purge --force e
	{ yes '{"type":"loaded","code":"C","mark":"load:1"}' | head -n 2000 && echo 'no archive'; } >>"$T/a"
	redis client pause 60000 write >/dev/null
	spawn from "$T/a" fcfs-archive restore e 2>"$T/err"
	soon write_waits
	kill -TERM "$pid"
	redis client unpause >/dev/null
	ends "$pid" 75
	same 'fcfs-archive: stopped by a signal' "$(cat "$T/err")"
	same '' "$(redis keys "$(key e '*')")"
}

@test "restore into a server without memory: 75, and what was put is cleared away" {
	event e 0 20000
	fcfs-event set e --state closed
	fcfs-archive save e >"$T/a"
	fcfs-archive purge --force e
	used=$(redis info memory | tr -d '\r' | sed -n 's/^used_memory://p')
	redis config set maxmemory $((used + 500000)) >/dev/null
	run -75 fcfs-archive restore e <"$T/a"
	redis config set maxmemory 0 >/dev/null
	[[ $output == *OOM* ]]
	nothing e
	run -0 fcfs-archive restore e <"$T/a"
}

# --- killed --------------------------------------------------------------------------------------

@test "restore killed at each of its writes: nothing is there, and again it is all there" {
	ended e
	fcfs-archive save e >"$T/a"
	dump e >"$T/dump"
	for what in fcfs_restore_start SADD fcfs_restore_1 fcfs_restore_finish; do
		for n in 1 2 3 4; do
			for when in before after; do
				fcfs-archive purge --force e || same 1 $?
				nothing e
				run strike "$what" "$n" "$when" fcfs-archive restore e <"$T/a"
				[ "$status" -ne 0 ] || continue
				same 137 "$status"
				kills=$((kills + 1))
				if [ "$what $when" != 'fcfs_restore_finish after' ]; then
					run -78 fcfs-event show e
					same absent "$(fcfs-rank e zed 2>/dev/null || echo absent)"
					run -0 fcfs-archive restore e <"$T/a"
				else
					run -1 fcfs-archive restore e <"$T/a"
				fi
				diff "$T/dump" <(dump e)
				same '' "$(redis keys "$(key e 'restore:*')")"
			done
		done
	done
	[ "$kills" -ge 14 ]
}

@test "a restore cut off leaves keys of its own, which a new event is not harmed by, and a purge takes" {
	ended e
	fcfs-archive save e >"$T/a"
	fcfs-archive purge --force e
	run strike fcfs_restore_finish 1 before fcfs-archive restore e <"$T/a"
	[ "$(redis keys "$(key e 'restore:*')" | wc -l)" -gt 5 ]
	fcfs-event create e --stock 1 >/dev/null
	same $'joined\tzed\t1' "$(fcfs-join e zed | cut -f 1-3)"
	fcfs-archive purge --force e
	nothing e
}

@test "what a restore has left is not mixed into the next" {
	ended e
	fcfs-archive save e >"$T/a"
	dump e >"$T/dump"
	fcfs-archive purge --force e
	event e 0 30 # another one, with more
	fcfs-event set e --state closed
	fcfs-archive save e >"$T/b"
	fcfs-archive purge --force e
	run strike fcfs_restore_finish 1 before fcfs-archive restore e <"$T/b"
	fcfs-archive restore e <"$T/a"
	diff "$T/dump" <(dump e)
}

@test "a page whose answer was lost is not put twice" {
	call() {
		redis fcall "fcfs_$1_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
	}
	call restore_start me "" >/dev/null
	for _ in 1 2; do
		same 1 "$(call restore me outbox 0 a b)"
		same 1 "$(call restore me outbox 2 c)"
	done
	same 'a b c' "$(redis lrange "$(key e restore:outbox)" 0 -1 | paste -sd ' ')"
	same 0 "$(call restore you outbox 3 d)"
}

@test "of two restores at once the later one wins" {
	ended e
	fcfs-archive save e >"$T/a"
	dump e >"$T/dump"
	fcfs-archive purge --force e
	mkfifo "$T/fifo"
	fcfs-archive restore e <"$T/fifo" 2>"$T/said" 3>&- &
	first=$!
	exec {feed}>"$T/fifo"
	head -n 20 "$T/a" >&"$feed"
	begun() { [ -n "$(redis keys "$(key e 'restore:*')")" ]; }
	soon begun
	fcfs-archive restore e <"$T/a"
	tail -n +21 "$T/a" >&"$feed" || :
	exec {feed}>&-
	ends "$first" 75
	diff "$T/dump" <(dump e)
}

@test "purge killed before and after its step, and again" {
	ended e
	fcfs-archive save e >"$T/a"
	for what in fcfs_archive_state fcfs_purge SREM; do
		for when in before after; do
			fcfs-archive restore e <"$T/a" || same 1 $?
			fcfs-archive verify e <"$T/a"
			struck $what 1 $when fcfs-archive purge e
			fcfs-archive purge e || same 1 $?
			nothing e
		done
	done
}

@test "the connection lost under each verb: it goes on" {
	ended e
	fcfs-archive save e >"$T/a"
	for verb in verify purge restore; do
		spawn lose
		run -0 fcfs-archive "$verb" e <"$T/a"
		kill "$pid"
	done
}

lose() {
	while :; do
		redis client kill type normal skipme yes >/dev/null
		sleep 0.01
	done
}

@test "a pipe that nobody reads: 74; a full disk: 74" {
	ended e
	closed_pipe
	run -74 into "$pipe" fcfs-archive save e
	run -74 sh -c 'fcfs-archive save e >/dev/full'
}
