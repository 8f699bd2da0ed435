#!/usr/bin/env bats
# kill -9 with Kafka: of dispatch and issue at random moments and at each kind of thing they send, and of the broker:
# the same commands again lead to where an undisturbed run would have led, seen from outside (P1 to P5, P7, P8).
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../stage

# --- at random -------------------------------------------------------------------------------------

# revive: dispatch and issue run, each anew where it ended
revive() {
	if gone "$dispatch"; then
		spawn fcfs-dispatch --batch 10 --every 50ms --follow e 2>>"$T/dispatch.err"
		dispatch=$pid
	fi
	if gone "$issue"; then
		spawn fcfs-issue --chunk 10 --ledger "sqlite:$T/ledger" --follow 2>>"$T/issue.err"
		issue=$pid
	fi
}

# come: people one after another, in one stream, until it is enough
come() {
	local person=0
	until [ -e "$T/enough" ]; do
		printf 'p%07d\n' $((person += 1))
		sleep 0.03
	done | fcfs-join e
}

# leave_some: two of those who have just won, or nearly so, think better of it
leave_some() {
	local cursor
	cursor=$(field e cursor)
	redis --raw zrange "$(key e line)" $((cursor > 15 ? cursor - 15 : 0)) $((cursor + 5)) | shuf -n 2 --random-source=<(yes "$RANDOM") | fcfs-leave e >>"$T/leaves"
}

@test "dispatch and issue killed 30 times at random, people coming and leaving: every record once" {
	local seed=${FCFS_SEED:-$RANDOM} dispatch='' issue='' kills=0 stock=100 victim
	echo "# FCFS_SEED=$seed" >&3
	RANDOM=$seed
	topics 4
	event e $stock 0
	spawn come >"$T/joined"
	come=$pid
	touch "$T/leaves"
	while [ $kills -lt 30 ] || { [ $kills -lt 200 ] && ! grep -q ^returned "$T/leaves"; }; do
		fcfs-event set e --stock $((stock += 15)) >/dev/null
		revive
		sleep 0.$((RANDOM % 800 + 150))
		if [ $((RANDOM % 2)) -eq 0 ]; then victim=$dispatch; else victim=$issue; fi
		kill -9 "$victim" || continue
		wait "$victim" || same 137 $?
		leave_some
		kills=$((kills + 1))
	done
	kill -9 "$dispatch" "$issue" || :
	touch "$T/enough"
	ends "$come" 0
	finish e --chunk 100 --ledger "sqlite:$T/ledger"
	once e $stock
	grep -q ^returned "$T/leaves"
}

# --- at exact moments ------------------------------------------------------------------------------

# known_codes EVENT: PERSON CODE of what Redis has issued or assigned
known_codes() {
	redis_codes "$1"
	redis hgetall "$(key "$1" pending)" | paste -d ' ' - - | cut -d ' ' -f 1,7
}

more_out_than_issued() {
	[ "$(kafka_codes "$1" | wc -l)" -gt "$(field "$1" issued)" ]
}

@test "fcfs-issue killed between commit and done: the next marks what is out, and writes nothing again" {
	local nth
	topics 2
	for nth in 1 2 3; do
		event e$nth 20 25
		fcfs-dispatch e$nth
		struck fcfs_done_1 $nth before fcfs-issue --chunk 5
		soon more_out_than_issued e$nth
		kafka_codes e$nth >"$T/out"
		same '' "$(grep -vxFf <(known_codes e$nth) "$T/out")"
		run -0 fcfs-issue -v --chunk 5
		[[ $output == *' codes were out already, and are marked so'* ]]
		once e$nth 20
	done
}

@test "taking over, an answer that is no number of people: 76, and the next run is none the wiser" {
	topics 1
	event e 5 5
	fcfs-dispatch e
	struck fcfs_done_1 1 before fcfs-issue
	run -76 forged 's/return moved/return -1/' fcfs-issue
	[[ $output == *": the server's reply makes no sense"* ]]
	fcfs-issue
	once e 5
}

# out EVENT N: N of its winners are to be seen
out() {
	[ "$(winners_of "$1" | wc -l)" -eq "$2" ]
}

@test "fcfs-dispatch killed between commit and mirror: the next mirrors, and publishes nothing again" {
	local nth
	topics 2
	for nth in 1 2 3 5; do
		event e$nth 20 25
		struck fcfs_mirror_1 $nth before fcfs-dispatch --batch 5 e$nth
		soon out e$nth $((5 * (nth - 1))) # the ends of a transaction are written after its commit is answered
		same $((nth > 2 ? 5 * (nth - 2) : 0)) "$(published e$nth | cut -d ' ' -f 2)"
		fcfs-dispatch --batch 5 e$nth
		same '25 20 1' "$(published e$nth)"
		fcfs-issue
		once e$nth 20
	done
}


# come_more N: the event has N more people in line, and as many more codes
come_more() {
	local has
	has=$(field e joined)
	fcfs-event set e --stock $((has + $1)) >/dev/null
	people $((has + $1)) | tail -n "$1" | fcfs-join e >/dev/null
}

# What each sends: steps in Redis, and requests to Kafka by their API keys: 0 Produce, 1 Fetch, 9 OffsetFetch,
# 11 JoinGroup, 13 LeaveGroup, 14 SyncGroup, 22 InitProducerId, 24 AddPartitionsToTxn, 25 AddOffsetsToTxn, 26 EndTxn,
# 28 TxnOffsetCommit. Once in a run, or once and more a transaction: the second then.
DISPATCH='fcfs_lease_1:1 1:1 22:1 fcfs_mirror_1:1 fcfs_mirror_1:2 fcfs_serve_1:2 ZRANGE:2 fcfs_decisions_1:1 24:2 0:1 0:5
	26:1 26:2 fcfs_run_1:1 fcfs_run_1:2 fcfs_release_1:1'
ISSUE='11:1 14:1 9:1 fcfs_stranded_1:1 1:1 22:1 fcfs_show_1:1 fcfs_award_1:1 fcfs_award_1:2 0:1 0:3 24:2 25:2 28:2
	26:1 26:2 fcfs_done_1:1 fcfs_done_1:2 fcfs_run_1:1 fcfs_run_1:2 13:1'

@test "fcfs-dispatch killed before and after each kind of thing it sends: every record once" {
	local at when
	topics 3
	event e 5 5
	fcfs-dispatch e
	for at in $DISPATCH; do
		for when in before after; do
			come_more 15
			struck "${at%:*}" "${at#*:}" $when fcfs-dispatch --batch 5 e
		done
	done
	finish e
	once e $((5 + 15 * 2 * $(wc -w <<<"$DISPATCH")))
}

@test "fcfs-issue killed before and after each kind of thing it sends: every code once" {
	local at when
	topics 2
	event e 5 5
	finish e --ledger "sqlite:$T/ledger"
	for at in $ISSUE; do
		for when in before after; do
			come_more 20
			fcfs-dispatch e
			struck "${at%:*}" "${at#*:}" $when fcfs-issue --chunk 5 --ledger "sqlite:$T/ledger"
		done
	done
	finish e --ledger "sqlite:$T/ledger"
	once e $((5 + 20 * 2 * $(wc -w <<<"$ISSUE")))
}

# Each transaction ends with a marker, which has an offset of its own.
@test "chunks that are ready together go out in one transaction, and come again together where that was not committed" {
	local nth when transactions
	topics 1
	event a 300 300
	fcfs-dispatch a
	fcfs-issue --chunk 5 --ledger "sqlite:$T/ledger"
	once a 300
	transactions=$(($(ends_at gifticon_issued 0 committed) - 300))
	echo "# 60 chunks, $transactions transactions" >&3
	[ "$transactions" -lt 60 ]
	event e 300 300
	fcfs-dispatch e
	for nth in 2 3; do
		for when in before after; do
			struck 26 $nth $when fcfs-issue --chunk 5 --ledger "sqlite:$T/ledger"
		done
	done
	finish e --ledger "sqlite:$T/ledger"
	once e 300
}

# --- the broker ------------------------------------------------------------------------------------

@test "the broker killed with -9 in mid-flow and started again, three times: dispatch and issue go on, every record once" {
	local dispatch issue stop
	topics 3
	event e 300 0
	spawn come >"$T/joined"
	come=$pid
	spawn fcfs-dispatch --batch 5 --every 50ms --follow e 2>"$T/dispatch.err"
	dispatch=$pid
	spawn fcfs-issue --chunk 5 --ledger "sqlite:$T/ledger" --follow 2>"$T/issue.err"
	issue=$pid
	for stop in 10 100 200; do
		soon at_least e issued $stop
		kill -9 "$(kafka_pid)"
		kafka_start
	done
	ends "$dispatch" 0
	soon field_is e issued 300
	kill -TERM "$issue"
	ends "$issue" 0
	touch "$T/enough"
	ends "$come" 0
	finish e
	once e 300
}

@test "the topic of winners is made anew while one is assigned, and grows past that: they are not taken for issued" {
	topics 1
	event a 2 2
	fcfs-dispatch a
	struck 24 1 before fcfs-issue # before the first record of its transaction
	same '2 0' "$(redis hlen "$(key a pending)") $(field a issued)"
	kafka topics --delete --topic "${FCFS_PREFIX}gifticon_publish"
	soon topics 1
	event b 5 5
	fcfs-dispatch b
	fcfs-issue
	fcfs-issue
	all_out b 5
	same '2 0' "$(redis hlen "$(key a pending)") $(field a issued)"
	codes=$(redis hvals "$(key a pending)" | awk '{ print $NF }' | sort)
	for person in p0000001 p0000002; do # as fcfs-issue(1) has it
		fcfs-rank --explain -j a $person | jq -cj '{type: "winner", event, id, user, ticket, joined_us, granted_us}' |
			produce gifticon_publish $person
	done
	fcfs-issue
	all_out a 2
	same "$codes" "$(kafka_codes a | cut -d ' ' -f 2 | sort)"
}
