#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# Dead letters listed, and sent again, each once: through Kafka (fcfs-issue --redrive, fcfs-report --dead-letters).

load ../stage
load ../deliver

setup() {
	namespace
	topics 2
}

# winner EVENT ID USER TICKET: a winner's record
winner() {
	printf '{"type":"winner","event":"%s","id":"%s","user":"%s","ticket":%s,"joined_us":1,"granted_us":2}\n' "$@"
}

# foreign N [EVENT] [TOPIC]: winners of an event that nobody has made, N of them, from p0000001 on; on the issuers' topic,
# or another
foreign() {
	winner "${2:-later}" 00000000-0000-4000-8000-000000000000 PERSON 1 >"$T/winner"
	people "$1" | awk -v record="$(cat "$T/winner")" '{ line = record; sub(/PERSON/, $1, line); print $1 "\t" line }' |
		kcat -P -b "$FCFS_BROKERS" -t "$FCFS_PREFIX${3:-gifticon_publish}" -K $'\t' -H v=1 -H mine=yes
}

# column N...: those of the letters listed
column() {
	fcfs-report --dead-letters | cut -f "$1"
}

# redrives COUNTS [OPTION...]: it says so, and ends with 0
redrives() {
	run -0 --separate-stderr fcfs-issue --redrive "${@:2}"
	same "fcfs-issue: in $1" "$stderr"
}

# dead N [OPTION...]: issues what is there; N of the records are dead
dead() {
	run -65 fcfs-issue "${@:2}"
	same "$1" "${#lines[@]}"
}

@test "listed: a line a letter, in order, '-' for what it does not say, no value; foreign tools' too" {
	event a 1 1
	id=$(field a id)
	winner a "$id" zoe 9 | produce gifticon_publish zoe
	dead 1
	printf 'no\tcode\n' | produce gifticon_publish.dlq zed
	printf 'x' | produce gifticon_publish.dlq zed -H event=b -H "error_class=$(printf 'a\tb\e[2J')" -H replays=7 -H attempts=-1 -H last_failure_us=0
	run -0 fcfs-report --dead-letters
	same 3 "${#lines[@]}"
	[[ ${lines[0]} =~ ^20[0-9T:.-]+Z ]]
	same $'foreign\ta\tzoe\t9\t1\t0\tdead\t0\t0\tthis person is not in line' "$(cut -f 2-11 <<<"${lines[0]}")"
	same "$(fcfs-report -j --runs a | jq -r 'select(.dead == 1) | .run')" "$(cut -f 12 <<<"${lines[0]}")"
	same $'-\t-\t-\t-\t-\t-\t0\tdead\t0\t2\t-\t-' "${lines[1]}"
	same $'1970-01-01T00:00:00Z\ta\\x09b\\x1B[2J\tb\t-\t-\t-\t7\tfinal\t0\t3\t-\t-' "${lines[2]}"
	run -0 fcfs-report -j --dead-letters b
	same '{"time":"1970-01-01T00:00:00Z","class":"a\\x09b\\x1B[2J","event":"b","user":null,"ticket":null,"attempts":null,"replays":7,"status":"final","partition":0,"offset":3,"message":null,"run":null}' "$output"
	run -0 fcfs-report --dead-letters nosuch
	same '' "$output"
	run -78 fcfs-report --prefix nosuch. --dead-letters
	run -64 fcfs-report --dead-letters --runs
	run -64 fcfs-report --dead-letters 'a b'
}

# later PERSON...: the event they are of is made after all, with them in line
later() {
	fcfs-event create later --stock $# >/dev/null
	redis hset "$(key later event)" id 00000000-0000-4000-8000-000000000000 >/dev/null
	fcfs-join later "$@" >/dev/null
	fcfs-dispatch later
}

# replayed [EVENT]: how often each was sent again, "TIMES USER" a line
replayed() {
	consume gifticon_publish -J | jq -r 'select(.headers | index("replays")) | .payload | fromjson?
		| select(.event == "'"${1:-later}"'") | .user' | sort | uniq -c | sed 's/^ *//'
}

@test "of an event that is made later: sent again, with key and headers, and issued; --dry-run, --match, --limit" {
	foreign 3
	dead 3
	later p0000001
	fcfs-issue
	run -1 --separate-stderr fcfs-issue --redrive --match event=nosuch
	same 'fcfs-issue: in 3 = redriven 0 + before 0 + final 0 + kept 3 + bad 0' "$stderr"
	run -0 --separate-stderr fcfs-issue --redrive --dry-run --match event=later --match user=p0000002
	same "$(fcfs-report --dead-letters | grep p0000002)" "$output"
	same 'fcfs-issue: in 3 = to redrive 1 + before 0 + final 0 + kept 2 + bad 0' "$stderr"
	same 'dead dead dead' "$(column 8 | paste -sd ' ')"
	same '' "$(replayed)"
	redrives '3 = redriven 1 + before 0 + final 0 + kept 2 + bad 0' --match offset=2
	same '1 p0000003' "$(replayed)"
	same 'dead dead redriven' "$(column 8 | paste -sd ' ')"
	redrives '3 = redriven 1 + before 1 + final 0 + kept 1 + bad 0' --limit 1
	run -1 --separate-stderr fcfs-issue --redrive --match offset=2
	same 'fcfs-issue: in 3 = redriven 0 + before 1 + final 0 + kept 2 + bad 0' "$stderr"
	redrives '3 = redriven 1 + before 2 + final 0 + kept 0 + bad 0'
	same $'1 p0000001\n1 p0000002\n1 p0000003' "$(replayed)"
	same '["v","mine","replays"] ["1","yes","1"]' "$(consume gifticon_publish -J | jq -c 'select(.headers | index("replays")) | .headers |
		"\([range(0; length; 2) as $i | .[$i]]) \([range(1; length; 2) as $i | .[$i]])"' -r | sort -u)"
	same 7 "$(consume gifticon_publish -f '%k %s\n' | grep 0000-0000 | grep -cE '^(p[0-9]+) .*"user":"\1"')"
	dead 2 # p0000001 is issued already
	same 'redriven redriven redriven dead dead' "$(column 8 | paste -sd ' ')"
	same '0 0 0 1 1' "$(column 7 | paste -sd ' ')"
}

@test "sent again up to five times, then it is final; headers are not piled up" {
	local n
	foreign 1
	dead 1
	for n in 1 2 3 4 5; do
		redrives "$n = redriven 1 + before $((n - 1)) + final 0 + kept 0 + bad 0"
		dead 1
	done
	same '0 1 2 3 4 5' "$(column 7 | paste -sd ' ')"
	same 'redriven redriven redriven redriven redriven final' "$(column 8 | paste -sd ' ')"
	run -1 --separate-stderr fcfs-issue --redrive
	same 'fcfs-issue: in 6 = redriven 0 + before 5 + final 1 + kept 0 + bad 0' "$stderr"
	same 'attempts error_class error_message first_failure_us last_failure_us mine original_offset original_partition original_topic replays run v' \
		"$(consume gifticon_publish.dlq -J | tail -n 1 | jq -r '.headers | [range(0; length; 2) as $i | .[$i]] | sort | join(" ")')"
}

@test "what there is of it cannot be sent again: cut, or longer than a record may be" {
	head -c 70000 /dev/zero | tr '\0' x | produce gifticon_publish.dlq zed
	echo x | produce gifticon_publish.dlq zed -H truncated=3000000
	run -1 --separate-stderr fcfs-issue --redrive
	same 'fcfs-issue: in 2 = redriven 0 + before 0 + final 2 + kept 0 + bad 0' "$stderr"
}

@test "thousands, on several partitions, with tombstones and without keys: each once; no event's progress is disturbed" {
	event a 3 3
	fcfs-dispatch a
	kafka topics --alter --topic "${FCFS_PREFIX}gifticon_publish.dlq" --partitions 2
	foreign 4200
	produce_empty gifticon_publish zed -Z
	produce_empty gifticon_publish ''
	fcfs-issue -q --chunk 1000 2>/dev/null || same 65 $?
	same 4202 "$(column 8 | grep -c dead)"
	redrives '4202 = redriven 4202 + before 0 + final 0 + kept 0 + bad 0'
	same 4200 "$(replayed | grep -c '^1 p')"
	same 4202 "$(column 8 | grep -c redriven)"
	[ "$(consume fcfs_progress -f '%k\n' | grep -c ^redriven-)" -ge 2 ]
	run -1 fcfs-issue --redrive
	fcfs-event set a --stock 5 >/dev/null
	people 5 | fcfs-join a >/dev/null
	fcfs-dispatch a
	same '5 5 2' "$(published a)"
	same 5 "$(winners_of a | wc -l)"
}

@test "a topic that is made anew: what is at the offsets of others that were sent again is dead" {
	foreign 3
	dead 3
	redrives '3 = redriven 3 + before 0 + final 0 + kept 0 + bad 0'
	kafka topics --delete --topic "${FCFS_PREFIX}gifticon_publish.dlq"
	soon topics 2
	dead 3
	same 'dead dead dead' "$(column 8 | paste -sd ' ')"
	redrives '3 = redriven 3 + before 0 + final 0 + kept 0 + bad 0'
	same 'redriven redriven redriven' "$(column 8 | paste -sd ' ')"
}

# --- what could not be delivered -------------------------------------------------------------------

# code_of PERSON: what is assigned to them in event a, or what they are parked with
code_of() {
	redis hget "$(key a pending)" "$1" | sed 's/.* //'
}

# undelivered PERSON...: event a has three slots and five people; these could not be delivered to, and are parked
undelivered() {
	event a 3 5
	fcfs-dispatch a
	run -65 fcfs-issue --deliver "$(courier "$(but "$@" "$NEVER")")" --ledger "sqlite:$T/ledger"
	same "$#" "$(field a parked)"
}

@test "an address that takes codes again: sent again, issued with the same code and the same times, parked no more" {
	undelivered p0000002 p0000003
	same 'undeliverable p0000002 dead
undeliverable p0000003 dead' "$(column 2,4,8 | tr '\t' ' ' | sort)"
	pending=$(redis hget "$(key a pending)" p0000002 | cut -d ' ' -f 4-)
	redrives '2 = redriven 1 + before 0 + final 0 + kept 1 + bad 0' --match user=p0000002 --match error_class=undeliverable
	same 'p0000002 redriven p0000003 dead' "$(column 4,8 | sort | paste -sd ' ' | tr '\t' ' ')"
	same 2 "$(field a parked)"
	run -0 fcfs-issue --deliver "$(courier "$OK")" --ledger "sqlite:$T/ledger"
	same "$pending" "$(redis hget "$(key a issued)" p0000002)"
	same "${pending##* }" "$(kafka_codes a | sed -n 's/^p0000002 //p')"
	same '1 2' "$(field a parked) $(field a issued)"
	same 'p0000003' "$(redis hkeys "$(key a pending)")"
	same 'issued issued parked' "$(sqlite3 "$T/ledger" 'select state from issued order by ticket' | paste -sd ' ')"
}

@test "still not to be delivered: another letter, parked again by that run, the same code; returned, the next in line has the slot" {
	local n code
	undelivered p0000002
	code=$(code_of p0000002)
	for n in 1 2 3 4 5; do
		redrives "$n = redriven 1 + before $((n - 1)) + final 0 + kept 0 + bad 0"
		run -65 fcfs-issue --deliver "$(courier "$NEVER")" --ledger "sqlite:$T/ledger"
		same "1 $code" "$(field a parked) $(code_of p0000002)"
	done
	run -1 fcfs-issue -q --redrive
	same '5 final' "$(fcfs-report --dead-letters a | tail -n 1 | cut -f 7,8 | tr '\t' ' ')"
	[[ $(consume gifticon_publish.dlq -f '%h\n' | tail -n 1) =~ ^event=a,v=1,error_class=undeliverable,error_message=no\ such\ address,attempts=1,first_failure_us=[0-9]+,last_failure_us=[0-9]+,original_topic=${FCFS_PREFIX}gifticon_publish,original_partition=[0-9]+,original_offset=[0-9]+,replays=5,run=[0-9a-f-]+$ ]]
	first=$(fcfs-report --dead-letters a | head -n 1 | cut -f 12)
	last=$(fcfs-report --dead-letters a | tail -n 1 | cut -f 12)
	run -1 fcfs-issue --return-dead "$first" a
	run -0 fcfs-issue --return-dead "$last" a
	same $'a\t1' "$output"
	fcfs-dispatch a
	run -0 fcfs-issue --deliver "$(courier "$OK")" --ledger "sqlite:$T/ledger"
	same 'p0000001 p0000003 p0000004' "$(issued_of a | jq -r .user | paste -sd ' ')"
	same '0 3' "$(field a parked) $(field a issued)"
	run ! grep -r "$code" <(values gifticon_issued)
}

# What an issuer sends over a replay: assign, EndTxn (26), and park.
@test "an issuer killed over what was sent again: parked again, once more, with the same code" {
	local at n=0 code
	undelivered p0000002
	code=$(code_of p0000002)
	for at in fcfs_award_1 26 fcfs_park_1; do
		fcfs-issue -q --redrive
		struck $at 1 after fcfs-issue --deliver "$(courier "$NEVER")"
		run timeout "$LIMIT" fcfs-issue --deliver "$(courier "$NEVER")"
		same "1 $code" "$(field a parked) $(code_of p0000002)"
		same $((n += 1)) "$(column 7 | sort -n | tail -n 1)"
	done
	fcfs-issue -q --redrive
	struck fcfs_done_1 1 before fcfs-issue --deliver "$(courier "$OK")"
	fcfs-issue --deliver "$(courier "$OK")"
	all_out a 3
}

# --- dying, and two at once ------------------------------------------------------------------------

# Requests to Kafka by their API keys: 1 Fetch, 22 InitProducerId, 24 AddPartitionsToTxn, 0 Produce, 26 EndTxn.
@test "killed before and after each thing it sends, then run again: each is sent again once" {
	local at when n=0
	for at in 22:1 1:1 1:2 24:1 0:1 0:2 26:1; do
		for when in before after; do
			foreign 4 e$((n += 1)) gifticon_publish.dlq
			struck "${at%:*}" "${at#*:}" $when fcfs-issue --redrive --match event=e$n
			run timeout "$LIMIT" fcfs-issue --redrive --match event=e$n
			[ "$status" -le 1 ]
			same 'redriven 4' "$(fcfs-report --dead-letters e$n | cut -f 8 | sort | uniq -c | awk '{ print $2, $1 }')"
			same "$(people 4 | sed 's/^/1 /')" "$(replayed e$n)"
		done
	done
}

@test "two at once: the one that came first is fenced, ends with 75, and has sent nothing" {
	foreign 4
	dead 4
	export STRIKE_UNTIL=$T/held
	spawn strike 26 1 before fcfs-issue --redrive 2>"$T/err"
	first=$pid
	unset STRIKE_UNTIL
	soon [ -e "$T/held" ]
	redrives '4 = redriven 4 + before 0 + final 0 + kept 0 + bad 0'
	rm "$T/held"
	ends "$first" 75
	same 'fcfs-issue: in 0 = redriven 0 + before 0 + final 0 + kept 0 + bad 0
fcfs-issue: another fcfs-issue --redrive runs, and has taken over' "$(cat "$T/err")"
	same "$(people 4 | sed 's/^/1 /')" "$(replayed)"
}

@test "what comes after it has begun is left for the next" {
	foreign 2
	dead 2
	export STRIKE_UNTIL=$T/held
	spawn strike 22 1 before fcfs-issue --redrive 2>"$T/err"
	first=$pid
	unset STRIKE_UNTIL
	soon [ -e "$T/held" ]
	foreign 3
	dead 3
	rm "$T/held"
	ends "$first" 0
	same 'fcfs-issue: in 2 = redriven 2 + before 0 + final 0 + kept 0 + bad 0' "$(cat "$T/err")"
	same 3 "$(column 8 | grep -c dead)"
}

# runs PID: it has not ended
runs() {
	! gone "$1"
}

@test "what was sent again may be hidden behind a dispatcher's open transaction: it is waited for" {
	foreign 2
	dead 2
	event a 2 2
	STRIKE_UNTIL=$T/redrive spawn strike 0 1 before fcfs-issue --redrive
	first=$pid
	soon [ -e "$T/redrive" ] # it is to write
	STRIKE_UNTIL=$T/dispatch spawn strike 26 1 before fcfs-dispatch a
	dispatch=$pid
	soon [ -e "$T/dispatch" ] # it has written
	rm "$T/redrive"
	ends "$first" 0
	same '' "$(consume fcfs_progress -f '%k\n')"
	spawn fcfs-issue --redrive
	second=$pid
	sleep 3 # it would not have waited so long
	runs "$second"
	rm "$T/dispatch"
	ends "$dispatch" 0
	ends "$second" 1
	same "$(people 2 | sed 's/^/1 /')" "$(replayed)"
}
