#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# With --wait: an answer counts once replicas have it, and so nothing that was acknowledged is lost when one of them is
# promoted (P1, P2, P5, P6); what they do not have is `unconfirmed`, never `joined`.

load ../helper
load ../flow
load ../failover

setup_file() {
	servers_start --brokers 0
	"$TREE/scripts/servers" start "$SERVERS" redis-2 >/dev/null 3>&-
	REPLICA=$(cat "$SERVERS/redis-2/pid")
	export REPLICA
}

teardown_file() { servers_stop; }

setup() {
	namespace
	export FCFS_WAIT=1,5000
}

teardown() {
	kill -CONT "$REPLICA"
	reap
	[ ! -d "$T/servers" ] || servers stop "$T/servers" 3>&-
}

# column N
column() {
	cut -f "$1"
}

@test "joined and already are confirmed; without the replica both are unconfirmed, and afterwards the same ticket" {
	fcfs-event create e --stock 10 >/dev/null
	us=$(fcfs-join e ann | cut -f 4)
	freeze "$REPLICA"
	run -75 --separate-stderr fcfs-join --wait 1,100 e bob
	same $'unconfirmed\tbob\t-\t-\t-' "$output"
	same "fcfs-join: redis '127.0.0.1:$REDIS_PORT': only 0 of 1 replicas have it: not confirmed: ask again" "$stderr"
	run -75 --separate-stderr fcfs-join --wait 1,100 -j e ann
	same '{"status":"unconfirmed","user":"ann","ticket":null,"joined_us":null,"detail":null}' "$output"
	same "$us" "$(redis zscore "$(key e line)" ann)"
	run -0 fcfs-join --wait 0 e ann # nobody is waited for
	kill -CONT "$REPLICA"
	same "already ann 1 $us -" "$(fcfs-join e ann | tr '\t' ' ')"
	same 'already bob 2' "$(fcfs-join e bob | cut -f 1-3 | tr '\t' ' ')"
	run -75 --separate-stderr fcfs-join --wait 2,100 e cem
	[[ $stderr == *'only 1 of 2 replicas have it'* ]]
}

@test "a stream goes on over what is unconfirmed, answers everybody in order, and ends with 75" {
	fcfs-event create e --stock 5000 >/dev/null
	freeze "$REPLICA"
	{
		people 1200
		printf 'a\ab\n'
	} >"$T/in"
	run -75 --separate-stderr fcfs-join -v --wait 1,50 e <"$T/in"
	same 'fcfs-join: 1201 asked = 1 invalid + 1200 unconfirmed' "${stderr_lines[1]}"
	same "$(people 1200)" "$(grep -a ^unconfirmed <<<"$output" | column 2)"
	kill -CONT "$REPLICA"
	run -65 fcfs-join e <"$T/in"
	same "$(seq 1200)" "$(grep -a ^already <<<"$output" | column 3)"
}

@test "what was sent and is not confirmed when the connection is lost is asked again, and confirmed then" {
	fcfs-event create e --stock 10 >/dev/null
	freeze "$REPLICA"
	spawn fcfs-join --wait 1,60000 e ann >"$T/out"
	soon redis_blocks
	redis client kill type normal >/dev/null
	soon redis_blocks
	kill -CONT "$REPLICA"
	ends "$pid" 0
	same 'already ann 1' "$(cut -f 1-3 "$T/out" | tr '\t' ' ')"
}

# redis_blocks: somebody is in WAIT
redis_blocks() {
	[[ $(redis info clients) == *blocked_clients:1* ]]
}

@test "leave, revoke and set: 75 while they are not confirmed, the same answer again afterwards" {
	fcfs-event create e --stock 3 >/dev/null
	people 3 | fcfs-join e >/dev/null
	fcfs-dispatch e | fcfs-issue >/dev/null
	freeze "$REPLICA"
	export FCFS_WAIT=1,50 FCFS_RECONNECT=100ms
	run -75 --separate-stderr fcfs-leave --revoke e p0000001
	same $'unconfirmed\tp0000001\t-' "$output"
	run -75 --separate-stderr fcfs-leave e nobody
	same $'unconfirmed\tnobody\t-' "$output"
	run -75 --separate-stderr fcfs-event set e --stock 4
	same "fcfs-event: redis '127.0.0.1:$REDIS_PORT': only 0 of 1 replicas have it: not confirmed: ask again" "$stderr"
	run -75 --separate-stderr fcfs-event create e2 --stock 3
	same '' "$output"
	kill -CONT "$REPLICA"
	export FCFS_WAIT=1,5000
	same $'returned\tp0000001\t1' "$(fcfs-leave --revoke e p0000001)"
	run -1 fcfs-leave e nobody
	fcfs-event set e --stock 4
	run -1 fcfs-event create e2 --stock 3
	[[ $output == exists* ]]
}

@test "dispatch writes no winner and issue keeps no code that is not confirmed; both go on when it is" {
	fcfs-event create e --stock 100 >/dev/null
	people 100 | fcfs-join e >/dev/null
	fcfs-dispatch e >"$T/winners"
	freeze "$REPLICA"
	for command in "fcfs-dispatch e" "fcfs-issue --ledger sqlite:$T/ledger.db <$T/winners"; do
		FCFS_WAIT=1,50 FCFS_RECONNECT=200ms run -75 --separate-stderr sh -c "$command"
		same '' "$output"
		[[ $stderr == *'only 0 of 1 replicas have it'* ]]
	done
	same 0 "$(sqlite3 "$T/ledger.db" 'SELECT count(*) FROM issued')"
	same 0 "$(redis hlen "$(key e issued)")"
	FCFS_WAIT=1,50 spawn from "$T/winners" fcfs-issue --ledger "sqlite:$T/ledger.db" >"$T/issued"
	soon redis_asked_again
	kill -CONT "$REPLICA"
	ends "$pid" 0
	all_issued e 100 "$T/issued"
	same "$(redis_codes e)" "$(sqlite3 -separator ' ' "$T/ledger.db" 'SELECT user, code FROM issued ORDER BY user')"
}

# redis_asked_again: some calls more than there were at the first look
redis_asked_again() {
	local now
	now=$(redis info commandstats | sed -n 's/^cmdstat_wait:calls=\([0-9]*\).*/\1/p')
	[ -e "$T/calls" ] || echo "$now" >"$T/calls"
	[ "$now" -ge $(($(cat "$T/calls") + 4)) ]
}

# check OPTION...: what fcfs-event check says of the replicas
check() {
	fcfs-event check "$@" e | sed -n 's/\treplicas\t/ /p'
}

@test "check and show tell of the replicas: none, behind, too few, refused, a replica itself" {
	fcfs-event create e --stock 1 >/dev/null
	redis config set repl-ping-replica-period 3600 >/dev/null # the replica is behind by each of them for a second
	soon in_step
	[[ $(check) =~ ^'ok 1 in step, at most 0 bytes and '[0-9]+' s behind; an answer waits for 1'$ ]] # it reports once a second
	same '1 0 true' "$(fcfs-event -j show e | jq -r '"\(.replicas) \(.behind_bytes) \(.behind_s >= 0)"')"
	[[ $(check --wait 0) == 'warn 1 in step, '*': answers that they lack are lost when one takes over (use --wait)' ]]
	run -78 fcfs-event check --wait 2,100 e
	[[ $output == *$'fail\treplicas\t1 in step, '*': --wait asks for 2: nothing is confirmed'* ]]
	redis config set min-replicas-to-write 2 >/dev/null
	run -78 fcfs-event check e
	[[ $output == *$'fail\treplicas\t1 in step, '*': min-replicas-to-write is 2: nobody is let in'* ]]
	run -75 fcfs-join e ann
	redis config set min-replicas-to-write 0 >/dev/null
	run -78 fcfs-event check -r "redis://127.0.0.1:$(cat "$SERVERS/redis-2/port")" e
	[[ $output == *$'fail\treplicas\t'"this is a replica of '127.0.0.1:$REDIS_PORT', and takes no writes: name its primary"* ]]
	freeze "$REPLICA"
	fcfs-event set --wait 0 e --name "$(printf 'x%.0s' {1..60})"
	[ "$(fcfs-event -j show e | jq .behind_bytes)" -gt 60 ]
}

in_step() {
	[[ $(check) == *'at most 0 bytes and 0 s'* ]]
}

# writes COMMAND...: it changes the server's data
writes() {
	local before after
	before=$(redis info persistence | tr -d '\r' | sed -n 's/rdb_changes_since_last_save://p')
	"$@" >/dev/null
	after=$(redis info persistence | tr -d '\r' | sed -n 's/rdb_changes_since_last_save://p')
	[ "$after" -gt "$before" ] || {
		echo "nothing was written by: $*" >&2
		return 1
	}
}

# fcall FUNCTION ARGUMENT...
fcall() {
	redis fcall "fcfs_$1_1" 2 "$(key e event)" "$(key e line)" "${@:2}"
}

@test "every step writes, also one that only says again what was decided: WAIT speaks of a connection's writes" {
	fcfs-event create e --stock 3 --codes pool >/dev/null
	printf '%s\n' one two three | fcfs-codes load e >/dev/null
	people 4 | fcfs-join e >/dev/null
	fcfs-dispatch e | fcfs-issue >/dev/null
	id=$(field e id)
	fcfs-leave e p0000004 >/dev/null || :
	for step in "join p0000001" "leave me leave p0000004" "leave me leave p0000001" "leave me leave nobody" \
		"set me stock 3" "create $id x me" "load $id l one 1" "loaded $id me" "touch" "done $id p0000001" \
		"award $id r 1 p0000001 1 x 0:0 1 0" "award other r 1 p0000001 1 x 0:0 1 0" "renew nobody 0 1" "release nobody 0" \
		"job r h 1000" "free other" "run other {}" "lease d 5000 kafka" \
		"park $id r" "annul $id nobody 1 1 one me" "adopt $id nobody 1 1 one" "replace $id nobody one x live"; do
		# shellcheck disable=SC2086 # a word each
		writes fcall $step
	done
	run -0 fcall touch
	same 'NOEVENT no such event' "$(redis fcall fcfs_touch_1 2 "$(key none event)" "$(key none line)" 2>&1)"
	run ! writes redis fcall_ro fcfs_rank_1 2 "$(key e event)" "$(key e line)" p0000001
}

@test "each role may wait" {
	fcfs-setup acl | redis >/dev/null
	as() {
		local role=fcfs-$1
		redis acl setuser "$role" on nopass >/dev/null
		FCFS_REDIS=redis://$role@127.0.0.1:$REDIS_PORT "${@:2}"
	}
	as operator fcfs-event create e --stock 1 >/dev/null
	same joined "$(as web fcfs-join e ann | column 1)"
	same $'left\tann\t1' "$(as operator fcfs-leave e ann)"
	same joined "$(as web fcfs-join e bob | column 1)"
	as worker fcfs-dispatch e >"$T/winners"
	as worker fcfs-issue --ledger "sqlite:$T/ledger.db" <"$T/winners" | jq -e '.user == "bob"'
	as operator fcfs-event check e | grep -q $'^ok\treplicas\t1 in step'
	as operator fcfs-event set e --state closed
	as archivist fcfs-archive save e >"$T/saved"
	as archivist fcfs-archive purge --force e
	as archivist fcfs-archive restore e <"$T/saved"
}

@test "the connection is lost while the revoked codes are read: the ledger is told of none that a new primary may lack" {
	fcfs-event create e --stock 1 >/dev/null
	fcfs-join e ann >/dev/null
	fcfs-dispatch e | fcfs-issue --ledger "sqlite:$T/ledger.db" >/dev/null
	fcfs-leave --revoke e ann >/dev/null
	freeze "$REPLICA"
	FCFS_WAIT=1,60000 spawn from /dev/null fcfs-issue --ledger "sqlite:$T/ledger.db" 2>"$T/err"
	soon redis_blocks
	redis client kill type normal >/dev/null
	kill -CONT "$REPLICA"
	ends "$pid" 75
	grep -q "event 'e': the connection to redis was lost while its revoked codes were read: run again" "$T/err"
	same issued "$(sqlite3 "$T/ledger.db" 'SELECT state FROM issued')"
	fcfs-issue --ledger "sqlite:$T/ledger.db" </dev/null
	same returned "$(sqlite3 "$T/ledger.db" 'SELECT state FROM issued')"
}

# --- failover -----------------------------------------------------------------------------------------

# joiners: four streams with the same people in other orders, an eternal dispatcher and an issuer with a ledger
joiners() {
	local i
	fcfs-event create e --stock 1000 --standby 1000000 >/dev/null
	for i in 1 2 3 4; do
		mkfifo in$i
		spawn from in$i fcfs-join e >answers$i 2>errors$i
		crowd $i >in$i 2>/dev/null 3>&- &
	done
	mkfifo winners
	spawn from winners fcfs-issue --chunk 10 --ledger "sqlite:$T/ledger.db" >issued 2>errors6
	spawn fcfs-dispatch --batch 20 --every 10ms --follow e >winners 2>errors5
}

# crowd SEED: people in some order, fifty at a time, until somebody says `enough`
crowd() {
	people 100000 | shuf --random-source=<(yes "$1") |
		awk '{ print } NR % 50 == 0 { fflush(); if (system("[ -e enough ]") == 0) exit }'
}

# acknowledged: PERSON TICKET of each whom an answer on stdin gives one
acknowledged() {
	awk -F '\t' '$1 == "joined" || $1 == "already" { print $2, $3 }'
}

# lost: how many of what is on stdin, PERSON TICKET, are not in the line there, or with another ticket
lost() {
	redis-cli -s address zrange "${FCFS_PREFIX}fcfs:{e}:line" 0 -1 | awk '{ print $1, NR }' | sort >line
	sort -u | comm -23 - line | wc -l
}

# more_answers: each stream has some more than it has now
more_answers() {
	local i
	for i in 1 2 3 4; do
		soon many $(($(wc -l <answers$i) + 300)) answers$i
	done
}

# many N FILE...: each has so many lines
many() {
	local file
	for file in "${@:2}"; do
		has "$file" "$1" || return 1
	done
}

@test "a replica is promoted under load: with --wait each acknowledged place, in order, and each code is there" {
	FCFS_WAIT=1,50
	three
	joiners
	soon many 500 answers?
	soon many 100 issued
	link_down
	more_answers
	failover
	more_answers
	touch enough
	for pid in $(head -n 4 "$T/pids"); do soon gone "$pid"; done
	grep -q ^unconfirmed answers1
	cat answers? | acknowledged >told
	same 0 "$(lost <told)"
	for i in 1 2 3 4; do # P2: each stream's newcomers in the order of their answers
		same '' "$(awk -F '\t' '$1 == "joined" && $3 <= last { print } $1 == "joined" { last = $3 }' answers$i)"
	done
	same '' "$(sort -u told | cut -d ' ' -f 1 | uniq -d)" # P1
	FCFS_WAIT=0 fcfs-event set e --state closed
	soon gone "$(sed -n 5p "$T/pids")"
	soon gone "$(sed -n 6p "$T/pids")"
	redis-cli -s address hgetall "${FCFS_PREFIX}fcfs:{e}:issued" | paste -d ' ' - - | cut -d ' ' -f 1,4 | sort >codes
	same '' "$(jq -r '.user + " " + .code' issued | sort -u | comm -3 - codes)" # P5
	same '' "$(sqlite3 -separator ' ' ledger.db 'SELECT user, code FROM issued' | sort | comm -3 - codes)"
	same "$(cut -d ' ' -f 1 codes)" "$(head -n "$(wc -l <codes)" <(redis-cli -s address zrange "${FCFS_PREFIX}fcfs:{e}:line" 0 -1) | sort)"
}

@test "the same without --wait: what was acknowledged and is lost is counted, and shown" {
	unset FCFS_WAIT
	three
	fcfs-event create e --stock 1000 --standby 1000000 >/dev/null
	same 2 "$(redis-cli -s address wait 2 5000)"
	link_down
	people 20000 | fcfs-join e >answers
	failover
	echo "# a replica promoted without --wait: $(acknowledged <answers | lost) of $(wc -l <answers) acknowledged places lost" >&3
}

@test "a replica takes over between the name and the event: with --wait the event is among all" {
	FCFS_WAIT=1,60000
	three
	link_down
	spawn fcfs-event create e --stock 1
	soon waited_for
	failover
	ends "$pid" 0
	same e "$(redis-cli -s address smembers "${FCFS_PREFIX}fcfs:events")"
}
