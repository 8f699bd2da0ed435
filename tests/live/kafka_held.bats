#!/usr/bin/env bats
# An issuer that cannot be told what its group has committed, or what became of its own commit: another issuer died with
# its transaction open, a coordinator says nothing, an answer is lost, a topic is not the one of before (P4, P5, P7, P8).
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../stage

SHORT=(-X session.timeout.ms=3000 -X heartbeat.interval.ms=500 -X transaction.timeout.ms=5000 -X socket.timeout.ms=4000)

setup_file() {
	FCFS_KAFKA_SERVER_ARGS='--override transaction.abort.timed.out.transaction.cleanup.interval.ms=1000 --override broker.session.timeout.ms=60000' servers_start --brokers 1
	strike_build
}

teardown() {
	kill -CONT "$(kafka_pid)" "$(cat "$SERVERS/redis/pid")"
	reap
}

# --- another's transaction -------------------------------------------------------------------------

@test "an issuer is killed before EndTxn: another says what it waits for, waits for its end, and drains" {
	topics 2
	event e 30 30
	fcfs-dispatch e
	struck 26 2 before fcfs-issue --chunk 5 --instance dead "${SHORT[@]}"
	run -0 --separate-stderr timeout "$LIMIT" fcfs-issue --instance other "${SHORT[@]}"
	same "fcfs-issue: kafka '$FCFS_BROKERS': another issuer has left a transaction open: waiting for its end" "$stderr"
	once e 30
}

@test "an issuer's transaction stays open for longer than one may: another ends with 75 and that reason, not for ever" {
	topics 2
	event e 30 30
	fcfs-dispatch e
	struck 26 2 before fcfs-issue --chunk 5 --instance dead "${SHORT[@]}" -X transaction.timeout.ms=600000
	run -75 --separate-stderr timeout "$LIMIT" fcfs-issue --instance other "${SHORT[@]}" -X transaction.timeout.ms=4000
	same "fcfs-issue: kafka '$FCFS_BROKERS': another issuer has left a transaction open over '${FCFS_PREFIX}gifticon_publish': run again later" \
		"${stderr##*$'\n'}"
	fcfs-issue --instance dead
	once e 30
}

# --- a coordinator that says nothing ---------------------------------------------------------------

@test "the group's coordinator does not answer: that is said, and who is asked to stop, stops" {
	topics 2
	event e 10 10
	fcfs-dispatch e
	STRIKE_UNTIL=$T/held spawn strike 9 1 before fcfs-issue --follow 2>"$T/err"
	soon test -e "$T/held"
	freeze "$(kafka_pid)"
	rm "$T/held"
	soon grep -q "^fcfs-issue: kafka '$FCFS_BROKERS': the group's coordinator does not answer: waiting for it$" "$T/err"
	kill -TERM "$pid"
	start=$SECONDS
	soon gone "$pid"
	[ $((SECONDS - start)) -lt 25 ] # --reconnect is 30s
	kill -CONT "$(kafka_pid)"
	fcfs-issue
	once e 10
}

@test "a broker stands still for longer than a question takes: it is asked again, for as long as --reconnect says" {
	topics 2
	event e 10 10
	fcfs-dispatch e
	STRIKE_UNTIL=$T/held spawn strike 3 3 before fcfs-issue --connect-timeout 20s
	soon test -e "$T/held"
	freeze "$(kafka_pid)"
	rm "$T/held"
	sleep 7 # the length is the case
	kill -CONT "$(kafka_pid)"
	ends "$pid" 0
	once e 10
}

@test "who dispatches or issues and is asked to stop while a broker does not answer ends with 75 and that reason" {
	local one other
	topics 1
	event e 10 10
	STRIKE_UNTIL=$T/held.1 spawn strike 22 1 before fcfs-dispatch --every 1s --follow e 2>"$T/1"
	one=$pid
	STRIKE_UNTIL=$T/held.2 spawn strike 22 1 before fcfs-issue --follow 2>"$T/2"
	other=$pid
	soon test -e "$T/held.1" -a -e "$T/held.2"
	freeze "$(kafka_pid)"
	rm "$T"/held.?
	kill -TERM "$one" "$other"
	ends "$one" 75
	ends "$other" 75
	same "fcfs-dispatch: kafka '$FCFS_BROKERS': asked to stop: no answer" "$(tail -n 1 "$T/1")"
	same "fcfs-issue: kafka '$FCFS_BROKERS': asked to stop: no answer" "$(tail -n 1 "$T/2")"
	kill -CONT "$(kafka_pid)"
	fcfs-dispatch e
	fcfs-issue
	once e 10
}

@test "a broker falls silent in the middle of the question where a partition ends: the tool ends within --reconnect" {
	topics 1
	event e 5 5
	fcfs-dispatch e
	STRIKE_UNTIL=$T/held spawn strike 2 1 before fcfs-audit -q --reconnect 3s e 2>"$T/err"
	soon test -e "$T/held"
	freeze "$(kafka_pid)"
	rm "$T/held"
	start=$SECONDS
	ends "$pid" 69
	[ $((SECONDS - start)) -lt 25 ] # it is 30s unless told
	same "fcfs-audit: kafka '$FCFS_BROKERS': no answer: start it, or name another with -b or FCFS_BROKERS" "$(cat "$T/err")"
	kill -CONT "$(kafka_pid)"
	run -0 fcfs-audit e
}

@test "a broker stands still while records go out, for longer than a request may take, and while offsets are committed: all is out once" {
	topics 2
	event e 3000 3000
	STRIKE_UNTIL=$T/held.1 spawn strike 0 1 before fcfs-dispatch "${SHORT[@]}" e
	soon test -e "$T/held.1"
	freeze "$(kafka_pid)"
	rm "$T/held.1"
	sleep 5 # the length is the case
	kill -CONT "$(kafka_pid)"
	ends "$pid" 0
	STRIKE_UNTIL=$T/held.2 spawn strike 28 2 before fcfs-issue --ledger "sqlite:$T/ledger"
	soon test -e "$T/held.2"
	freeze "$(kafka_pid)"
	rm "$T/held.2"
	sleep 5
	kill -CONT "$(kafka_pid)"
	ends "$pid" 0
	once e 3000
}

# --- taking over -----------------------------------------------------------------------------------

@test "taking over lasts longer than a poll may: the issuer stays in the group; who is asked to stop meanwhile, stops" {
	topics 2
	event e 10 10
	fcfs-dispatch e
	struck fcfs_done_1 1 before fcfs-issue
	STRIKE_UNTIL=$T/held spawn strike fcfs_stranded_1 1 before fcfs-issue -v --follow -X session.timeout.ms=4000 \
		-X heartbeat.interval.ms=500 -X max.poll.interval.ms=4000 2>"$T/err"
	soon test -e "$T/held"
	freeze "$(cat "$SERVERS/redis/pid")"
	rm "$T/held"
	sleep 6 # the length is the case
	freeze "$(kafka_pid)"
	kill -CONT "$(cat "$SERVERS/redis/pid")"
	soon grep -q 'no answer: waiting for it' "$T/err"
	kill -TERM "$pid"
	ends "$pid" 0
	kill -CONT "$(kafka_pid)"
	same '' "$(grep -E 'MAXPOLL|asked to stop' "$T/err")"
	fcfs-issue
	once e 10
}

@test "asked to stop as it meets its first event: what it has taken is issued" {
	topics 1
	event e 10 10
	fcfs-dispatch e
	STRIKE_UNTIL=$T/held spawn strike fcfs_show_1 1 before fcfs-issue
	soon test -e "$T/held"
	kill -TERM "$pid"
	rm "$T/held"
	ends "$pid" 0
	once e 10
}

# --- an answer that is lost ------------------------------------------------------------------------

@test "a commit is done and its answer lost: it is found, and its records are in the books" {
	topics 2
	event e 30 30
	fcfs-dispatch e
	STRIKE_UNTIL=$T/held spawn strike 26 2 after fcfs-issue -v --follow --chunk 5 "${SHORT[@]}" 2>"$T/err"
	soon test -e "$T/held"
	soon grep -q ': a commit has no answer, it is looked for: ' "$T/err"
	rm "$T/held"
	soon field_is e issued 30
	kill -TERM "$pid"
	ends "$pid" 0
	grep -q "event 'e': in 30 = done 30 + already 0 + refused 0 + dead 0" "$T/err"
	grep -v 'out already' "$T/err" | cmp - "$T/err"
	once e 30
}

@test "a commit is asked for too late, when it may have been aborted: whatever became of it, it is counted once" {
	topics 2
	event e 30 30
	fcfs-dispatch e
	STRIKE_UNTIL=$T/held spawn strike 26 2 before fcfs-issue -v --follow --chunk 5 "${SHORT[@]}" 2>"$T/err"
	soon test -e "$T/held"
	soon grep -q ': a commit has no answer, it is looked for: ' "$T/err"
	rm "$T/held"
	soon field_is e issued 30
	kill -TERM "$pid"
	ends "$pid" 0
	grep -q "event 'e': in 30 = done 30 + already 0 + refused 0 + dead 0" "$T/err"
	once e 30
}

# --- not the topic of before -----------------------------------------------------------------------

@test "what is committed lies beyond the topic's end: that is said, all is read again, and the new is issued" {
	topics 1
	event e 10 10
	both e
	"${CC:-cc}" -o "$T/commit" "$TREE/tests/commit.c" -lrdkafka
	"$T/commit" "$FCFS_BROKERS" "${FCFS_PREFIX}fcfs-issue" "${FCFS_PREFIX}gifticon_publish" 0 5000
	fcfs-event set e --stock 15 >/dev/null
	people 15 | fcfs-join e >/dev/null
	fcfs-dispatch e
	end=$(ends_at gifticon_publish 0 committed)
	run -0 --separate-stderr timeout "$LIMIT" fcfs-issue -v
	[[ $stderr == *"kafka '$FCFS_BROKERS': partition 0 of '${FCFS_PREFIX}gifticon_publish' ends at $end, before what is committed, 5000: \
it is read from its beginning"* ]]
	[[ $stderr == *"event 'e': in 15 = done 5 + already 10 + "* ]]
	once e 15
	same "$end" "$(fcfs-report --offsets | cut -f 3)"
	run -0 --separate-stderr fcfs-issue
	same '' "$stderr"
	# an issuer that follows sees it, too
	"$T/commit" "$FCFS_BROKERS" "${FCFS_PREFIX}fcfs-issue" "${FCFS_PREFIX}gifticon_publish" 0 5000
	spawn fcfs-issue --follow 2>"$T/err"
	soon grep -q 'before what is committed, 5000' "$T/err"
	all_read() { [ "$(fcfs-report --offsets | cut -f 3)" = "$end" ]; }
	soon all_read
	kill -TERM "$pid"
	ends "$pid" 0
}

# retain OFFSET: all before it goes, as with retention
retain() {
	echo "{\"partitions\": [{\"topic\": \"${FCFS_PREFIX}gifticon_publish\", \"partition\": 0, \"offset\": $1}], \"version\": 1}" >"$T/cut"
	kafka delete-records --offset-json-file "$T/cut" >/dev/null
}

# skips BEGIN RECORDS: a run says that these were cut, and goes on; the next has nothing to say
skips() {
	run -0 --separate-stderr timeout "$LIMIT" fcfs-issue
	same "fcfs-issue: kafka '$FCFS_BROKERS': partition 0 of '${FCFS_PREFIX}gifticon_publish' begins at $1: \
up to $2 records before that were cut before they were read: fcfs-report shows how many winners have no code" "$stderr"
	run -0 --separate-stderr timeout "$LIMIT" fcfs-issue
	same '' "$stderr"
}

@test "records are cut before anybody has read them, a few, and all: that is said, and the others are issued" {
	local committed end
	topics 1
	event e 10 10
	fcfs-dispatch e
	retain 4
	skips 4 4
	field_is e issued 6
	committed=$(fcfs-report --offsets | cut -f 3)
	fcfs-event set e --stock 20 >/dev/null
	people 20 | fcfs-join e >/dev/null
	fcfs-dispatch e
	end=$(ends_at gifticon_publish 0 committed)
	retain "$end"
	skips "$end" $((end - committed))
	same '6 14' "$(fcfs-report -j e | jq -r '"\(.issued) \(.unissued)"')"
}

@test "a record is cut after its issuer died between the code and the commit: no later run takes it for issued" {
	topics 1
	event e 10 10
	fcfs-dispatch e
	struck 28 1 before fcfs-issue
	same 10 "$(redis hlen "$(key e pending)")"
	retain 4
	skips 4 4
	fcfs-issue
	same '4 6' "$(redis hlen "$(key e pending)") $(field e issued)"
	same "$(issued_of e | jq -r .user | sort)" "$(redis --raw hkeys "$(key e issued)" | sort)"
	same 'winner' "$(redis --raw zrange "$(key e line)" 0 3 | fcfs-rank e | cut -f 1 | sort -u)"
	same 4 "$(fcfs-report -j e | jq .unissued)"
}
