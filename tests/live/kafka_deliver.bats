#!/usr/bin/env bats
# fcfs-issue --deliver through Kafka: dead letters once, parked only when they are out, whatever dies; a delivery that
# takes long keeps its place in the group, or loses its chunk with it (P4, P5, P7, P8).
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../stage
load ../deliver

# header NAME: of each dead letter, by ticket
header() {
	letters | jq -r ".headers as \$h | \$h[(\$h | index(\"$1\")) + 1]"
}

# letters: the dead letters' envelopes, by ticket
letters() {
	envelopes gifticon_publish.dlq | jq -c '.payload = (.payload | fromjson)' | jq -sc 'sort_by(.payload.ticket)[]'
}

# refused EVENT: the tickets that are parked, in order
refused() {
	redis --raw hgetall "$(key "$1" pending)" | paste -d ' ' - - | awk '$2 ~ /^parked:/ { print $1 }' |
		xargs -r fcfs-rank "$1" | cut -f 3 | sort -n
}

# settled EVENT STOCK: all winners but every tenth ticket are issued, once; those are parked, with one dead letter each
settled() {
	soon seen "$1"
	issued_of "$1" >"$T/issued"
	same "$(seq "$2" | grep -v '0$')" "$(jq .ticket "$T/issued")"
	diff <(redis_codes "$1") <(printed_codes "$T/issued")
	same "$(seq "$2" | grep '0$')" "$(letters | jq "select(.payload.event == \"$1\").payload.ticket")"
	same "$(seq "$2" | grep '0$')" "$(refused "$1")"
	same "$(redis hlen "$(key "$1" pending)")" "$(field "$1" parked)"
	same "$2 $((${2} - ${2} / 10))" "$(field "$1" granted) $(field "$1" issued)"
	redis --raw lrange "$(key "$1" runs)" 0 -1 | books
	[ ! -e "$T/ledger" ] || same "$(seq "$2" | awk '{ print $1, $1 % 10 ? "issued" : "parked" }')" \
		"$(sqlite3 -separator ' ' "$T/ledger" "select ticket, state from issued where event = '$1' order by ticket")"
}

TENTH='if .ticket % 10 == 0 then {ok: false, retry: false, why: "no such address"} else {ok: true} end'

# issue: every tenth is refused for good; ends with 65 or 0
issue() {
	local status=0
	timeout "$LIMIT" fcfs-issue -q --ledger "sqlite:$T/ledger" --deliver "$(courier "$TENTH")" 2>>"$T/err" || status=$?
	[ $status -eq 0 ] || same 65 $status
}

@test "refused for good: one dead letter with its headers, parked; revoked, the next in line wins; sent again, it is issued" {
	topics 3
	event e 20 25
	fcfs-dispatch e
	run -65 --separate-stderr fcfs-issue -v --deliver "$(courier "$TENTH")"
	[[ $stderr == *"in 20 = done 18 + already 0 + refused 0 + dead 2, retried 0" ]]
	settled e 20
	same "$(winners_of e | jq -c 'select(.ticket % 10 == 0)')" "$(letters | jq -c .payload)"
	same "$(winners_of e | jq -r 'select(.ticket % 10 == 0) | .user')" "$(letters | jq -r .key)"
	same 'undeliverable no such address 1 0 e' "$(for h in error_class error_message attempts replays event; do header $h | sort -u; done | paste -sd ' ')"
	same "$(run_field e run | tail -n 1)" "$(header run | sort -u)"
	same "$(header first_failure_us)" "$(header last_failure_us)"
	# the letters say where the records were
	while read -r partition offset; do
		consume gifticon_publish -p "$partition" -o "$offset" -c 1 | jq .ticket
	done < <(paste -d ' ' <(header original_partition) <(header original_offset)) >"$T/tickets"
	same '10 20' "$(paste -sd ' ' "$T/tickets")"
	# the slot of the one
	fcfs-leave --revoke e p0000010
	fcfs-dispatch e
	fcfs-issue --deliver "$(courier "$OK")"
	same 21 "$(issued_of e | jq .ticket | tail -n 1)"
	# the other again, as it was, but for a header
	winners_of e | jq -cj 'select(.ticket == 20)' | produce gifticon_publish p0000020 -H event=e -H v=1 -H replays=1
	run -65 fcfs-issue --deliver "$(courier "$TENTH")"
	same '0 1' "$(header replays | paste -sd ' ' | cut -d ' ' -f 2,3)"
	same 1 "$(field e parked)"
	winners_of e | jq -c 'select(.ticket == 20)' | head -n 1 | tr -d '\n' | produce gifticon_publish p0000020 -H event=e -H v=1 -H replays=2
	fcfs-issue --deliver "$(courier "$OK")"
	same '20 0' "$(field e issued) $(field e parked)"
	same 1 "$(jq -r 'select(.ticket == 20).code' "$T/got" | sort -u | wc -l)"
}

@test "a ticket that is in a chunk twice, refused for good: parked, and still so for the next issuer (P4)" {
	topics 1
	event e 1 1
	fcfs-dispatch e
	winners_of e | tr -d '\n' | produce gifticon_publish p0000001 -H event=e -H v=1
	run -65 --separate-stderr fcfs-issue -v --deliver "$(courier "$NEVER")"
	[[ $stderr == *"in 2 = done 0 + already 1 + refused 0 + dead 1, retried 0" ]]
	same '0 1' "$(field e issued) $(field e parked)"
	fcfs-issue --deliver "$(courier "$OK")"
	same '0 1 ' "$(field e issued) $(field e parked) $(issued_of e)"
}

@test "killed between commit and park, or done: the next issuer parks what has a dead letter, marks the rest, delivers nothing again" {
	local at n=0
	topics 1 # all of them are one chunk
	for at in fcfs_park_1 fcfs_done_1; do
		n=$((n + 1))
		event e$n 10 10
		fcfs-dispatch e$n
		rm -f "$T/got"
		run strike $at 1 before timeout "$LIMIT" fcfs-issue --chunk 100 --deliver "$(courier "$TENTH")"
		same 137 "$status"
		same 0 "$(field e$n parked)"
		run -0 --separate-stderr fcfs-issue -v --deliver "$(courier "$TENTH")"
		[[ $stderr == *'1 were given up, and are parked'* ]]
		settled e$n 10
		same 10 "$(wc -l <"$T/got")"
		same "$(redis hget "$(key e$n pending)" p0000010 | cut -d ' ' -f 1)" "parked:$(header run | tail -n 1)"
	done
}

# bury AGE_S VALUE: the dead letter of the first record
bury() {
	[ -e "$T/bury" ] || "${CC:-cc}" -o "$T/bury" "$TREE/tests/bury.c" -lrdkafka
	"$T/bury" "$FCFS_BROKERS" "${FCFS_PREFIX}gifticon_publish.dlq" "$1" "$2" error_class=exhausted \
		original_partition=0 original_offset=0 run=99999999-9999-4999-8999-999999999999
}

# A topic that was made anew has the same places again.
@test "a dead letter from the same place, another person's, or one of before there was a code, parks nothing (P4)" {
	topics 1
	event e 1 1
	fcfs-dispatch e
	bury 7200 "$(winners_of e)"
	bury 0 '{}'
	run strike fcfs_done_1 1 before timeout "$LIMIT" fcfs-issue
	same 137 "$status"
	fcfs-issue
	all_out e 1
}

AT='fcfs_award_1:2 24:2 28:1 26:1 fcfs_done_1:1 fcfs_park_1:1'

@test "killed before and after each kind of thing it sends: every code once, every dead letter once" {
	local at when stock=0
	topics 2
	event e 1 0
	for at in $AT; do
		for when in before after; do
			people $((stock + 20)) | tail -n 20 | fcfs-join e >/dev/null
			fcfs-event set e --stock $((stock += 20)) >/dev/null
			fcfs-dispatch e
			struck "${at%:*}" "${at#*:}" $when fcfs-issue --chunk 10 --ledger "sqlite:$T/ledger" --deliver "$(courier "$TENTH")"
		done
	done
	issue
	issue
	settled e $stock
	# what the ledger knows as delivered was delivered once, but for what was under way at a kill
	same "$stock" "$(jq .ticket "$T/got" | sort -u | wc -l)"
}

@test "a delivery longer than the group's time-outs: the issuer stays its member, and nothing is delivered twice" {
	topics 2
	event e 4 4
	fcfs-dispatch e
	fcfs-issue -X session.timeout.ms=6000 -X max.poll.interval.ms=6000 --deliver "$(by_hand "echo \$ticket >>$T/asked; sleep 2")"
	all_out e 4
	same '1 2 3 4' "$(sort "$T/asked" | paste -sd ' ')"
}

@test "another issuer joins during a delivery: it gets its partitions at once, the chunk is dropped, every code is out once" {
	topics 2
	event e 40 40
	fcfs-dispatch e
	spawn fcfs-issue -q --instance first --ledger "sqlite:$T/ledger" --deliver-timeout 1h \
		--deliver "$(by_hand "echo \$ticket >>$T/asked; until [ -e $T/go ]; do sleep 0.02; done")" 2>"$T/first"
	first=$pid
	soon test -e "$T/asked"
	spawn fcfs-issue -q --instance second --ledger "sqlite:$T/ledger" --deliver "$(courier "$OK")" 2>"$T/second"
	wait_for 60 at_least e issued 1
	# the first has dropped its chunk, and delivers what is left to it
	soon has "$T/asked" 2
	touch "$T/go"
	ends "$first" 0
	ends "$pid" 0
	once e 40
	[ "$(wc -l <"$T/got")" -lt 40 ]
}

@test "killed between delivery and commit: what the ledger knows as delivered is not delivered again" {
	topics 2
	event e 10 10
	fcfs-dispatch e
	struck 26 1 before fcfs-issue --chunk 100 --ledger "sqlite:$T/ledger" --deliver "$(courier "$TENTH")"
	[ -s "$T/got" ]
	same '0 0' "$(field e issued) $(field e parked)"
	issue
	settled e 10
	# one that was refused is asked again
	same "$(seq 9)" "$(jq .ticket "$T/got" | grep -v 10 | sort)"
}

@test "another issuer has assigned a chunk meanwhile: it is not marked and not out, but taken again (P9)" {
	topics 1
	touch "$T/asked"
	event e 2 2
	fcfs-dispatch e
	spawn fcfs-issue -v --ledger "sqlite:$T/ledger" --deliver "$(by_hand "echo \$ticket >>$T/asked; until [ -e $T/go ]; do sleep 0.02; done")" 2>"$T/err"
	soon has "$T/asked" 1
	award e 99999999-9999-4999-8999-999999999999 p0000002 2 X 0 0 1
	touch "$T/go"
	ends "$pid" 0
	same '1 2 1 2' "$(paste -sd ' ' "$T/asked")"
	all_out e 2
	grep -q 'in 2 = done 2 + already 0 + refused 0 + dead 0' "$T/err"
}

# --- a ticket's record in two partitions -----------------------------------------------------------

# place PERSON: partition and offset of their record
place() {
	envelopes gifticon_publish | jq -r "select(.key == \"$1\") | \"\(.partition) \(.offset)\"" | head -n 1
}

# copied PERSON [OPTION...]: their record once more, in the other of two partitions
copied() {
	winners_of e | jq -cj "select(.user == \"$1\")" | head -n 1 |
		produce gifticon_publish "$1" -p $((1 - $(place "$1" | cut -d ' ' -f 1))) -H event=e -H v=1 "${@:2}"
}

# buried N: so many dead letters are out
buried() {
	[ "$(letters | wc -l)" -ge "$1" ]
}

# unmarked PERSON VALUE: as its issuer leaves a ticket that has died, or is, between its commit and its mark
unmarked() {
	redis hset "$(key e pending)" "$1" "assigned${3:+:$3} $(place "$1") $2" >/dev/null
}

@test "a copy of a winner's record in another partition, while the first is delivered: one code, and a dead letter (P5)" {
	local name pids=() partition offset
	topics 2
	event e 1 1
	touch "$T/asked"
	for name in one other; do
		spawn fcfs-issue -q --follow --instance $name \
			--deliver "$(by_hand "echo \$ticket >>$T/asked; until [ -e $T/go ]; do sleep 0.02; done")" 2>"$T/$name"
		pids+=("$pid")
	done
	soon members 2
	fcfs-dispatch e
	soon has "$T/asked" 1
	read -r partition offset < <(place p0000001)
	copied p0000001
	soon buried 1
	same foreign "$(header error_class)"
	same "this ticket is being issued from partition $partition offset $offset" "$(header error_message)"
	touch "$T/go"
	soon field_is e issued 1
	kill -TERM "${pids[@]}"
	soon gone "${pids[0]}"
	soon gone "${pids[1]}"
	same 1 "$(wc -l <"$T/asked")"
	all_out e 1
}

@test "a copy in another partition, of what is out but is not marked: it is marked, and the copy is already issued; or parked" {
	topics 2
	event e 2 2
	fcfs-dispatch e
	spawn fcfs-issue -v --follow --deliver "$(courier "if .ticket == 2 and \$n == 1 then $NEVER else $OK end")" 2>"$T/err"
	soon field_is e issued 1
	soon field_is e parked 1
	unmarked p0000001 "$(redis hget "$(key e issued)" p0000001)"
	redis hdel "$(key e issued)" p0000001
	redis hincrby "$(key e event)" issued -1
	copied p0000001
	soon field_is e issued 1
	unmarked p0000002 "$(redis hget "$(key e pending)" p0000002 | cut -d ' ' -f 4-)" "$(header run)"
	redis hset "$(key e event)" parked 0
	copied p0000002 -H replays=1
	soon field_is e issued 2
	kill -TERM "$pid"
	ends "$pid" 65 # the dead letter from before
	same 1 "$(letters | wc -l)"
	grep -q ': 1 codes were out already, and are marked so; 0 were given up, and are parked' "$T/err"
	grep -q ': 0 codes were out already, and are marked so; 1 were given up, and are parked' "$T/err"
	grep -q 'in 4 = done 2 + already 1 + refused 0 + dead 1' "$T/err"
	all_out e 2
}

@test "a ticket whose record is gone with its topic is issued from the one that is there (P4)" {
	topics 2
	event e 3 3
	fcfs-dispatch e
	redis hset "$(key e pending)" p0000001 'assigned 7 3 11 22 ABCDEFGH' p0000002 'assigned 0 99 11 22 HGFEDCBA' >/dev/null
	redis hset "$(key e pending)" p0000003 "assigned $((1 - $(place p0000003 | cut -d ' ' -f 1))) 99 11 22 AAAAAAAA" >/dev/null
	fcfs-issue --deliver "$(courier "$OK")"
	same '3 ' "$(field e issued) $(letters)"
	same 'ABCDEFGH HGFEDCBA AAAAAAAA' "$(issued_of e | jq -r .code | paste -sd ' ')"
}
