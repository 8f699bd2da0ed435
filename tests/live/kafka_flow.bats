#!/usr/bin/env bats
# Through Kafka: create, join, dispatch, issue on a real Redis and a real broker; an outsider reads the topics.
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../stage

# fields TOPIC: the names of the records' fields, one line where all are alike
fields() {
	values "$1" | jq -r 'keys_unsorted | join(" ")' | sort -u
}

# ordered TOPIC FIELD: in every partition it rises
ordered() {
	same '' "$(envelopes "$1" | jq -r --arg f "$2" '"\(.partition) \(.payload | fromjson[$f])"' |
		awk '$2 <= last[$1] { print } { last[$1] = $2 }')"
}

# in_line EVENT: PERSON JOINED_US of everybody, in order
in_line() {
	redis zrange "$(key "$1" line)" 0 -1 withscores | paste -d ' ' - -
}

# --- the whole flow --------------------------------------------------------------------------------

@test "create, join, leave, dispatch, issue: every record of the contract is there exactly once" {
	topics 3
	event a 40 60
	fcfs-event set a --name 'Fried & "chicken"' >/dev/null
	printf 'p%07d\n' 3 50 | fcfs-leave a >/dev/null
	fcfs-dispatch -v -X debug=msg a 2>"$T/said"
	fcfs-leave a p0000010 >/dev/null
	run -0 fcfs-dispatch a
	run -0 --separate-stderr fcfs-issue -v
	same "fcfs-issue: event 'a': in 41 = done 40 + already 0 + refused 1 + dead 0, retried 0" "$stderr"

	# who wins: the first 42 in line, but for those that left
	people 42 | grep -v -e p0000003 -e p0000010 >"$T/winners"
	same "$(in_line a | nl -w 1 -s ' ')" "$(values event_requests | jq -r '"\(.ticket) \(.user) \(.joined_us)"' | sort -n)"
	same "$(sort "$T/winners" - <<<p0000010)" "$(winners_of a | jq -r .user)"
	same "$(cat "$T/winners")" "$(issued_of a | jq -r .user)"
	same 40 "$(issued_of a | jq -r .code | grep -cE "$CODE")"
	same "$(fcfs-report --issued a | cut -f 1,2 | tr '\t' ' ' | sort)" "$(kafka_codes a)"
	same "$(redis_codes a)" "$(kafka_codes a)"
	same "$(winners_of a | jq -c 'select(.user != "p0000010") | [.id, .user, .ticket, .joined_us, .granted_us]')" \
		"$(issued_of a | jq -c '[.id, .user, .ticket, .joined_us, .granted_us]')"
	same '' "$(issued_of a | jq -c 'select(.joined_us > .granted_us or .granted_us > .issued_us)')"

	# the log: its settings and decisions in the order in which they were made
	same 'create 0 1,set 0 2,leave 3 3,leave 50 4,leave 10 5' \
		"$(values event_log | jq -r '"\(.what) \(.ticket) \(.seq)"' | paste -sd ,)"
	same '["Fried & \"chicken\"",true]' "$(values event_log | jq -c 'select(.what == "set") | [.after, (.who | test("^[0-9]+@."))]' |
		sed 's/name=//')"

	# Redis knows how far it is out, and keeps nothing more for it
	same '60 42 5' "$(published a)"
	same '60 42 5' "$(redis zcard "$(key a line)") $(field a cursor) $(field a seq)"
	same "$(published a)" "$(values fcfs_progress | tail -n 1 | jq -r '"\(.requests) \(.winners) \(.seq)"')"
	same '0 0' "$(redis llen "$(key a outbox)") $(redis hlen "$(key a pending)")"
	same '41 1 40 kafka' "$(field a granted) $(field a returned) $(field a issued) $(field a bus)"
	redis --raw lrange "$(key a runs)" 0 -1 | books
	same '' "$(values gifticon_publish.dlq)"
	grep -q "gifticon_publish .*Produce MessageSet with .* lz4" "$T/said"
}

@test "a backlog goes out in transactions that begin small and grow, whatever it is of: tickets, winners, decisions" {
	topics 1
	event a 0 7500
	run -1 fcfs-dispatch a
	same '1000 3000 7000 7500' "$(values fcfs_progress | jq .requests | paste -sd ' ')"
	fcfs-event set a --stock 7500 >/dev/null
	before=$(values fcfs_progress | wc -l)
	fcfs-dispatch a
	same '1000 3000 7000 7500' "$(values fcfs_progress | tail -n +$((before + 1)) | jq .winners | paste -sd ' ')"
	before=$(values fcfs_progress | wc -l) seq=$(field a seq)
	people 3500 | fcfs-leave --revoke a >/dev/null || :
	same 3500 $(($(field a seq) - seq))
	fcfs-dispatch --batch 1000 a
	same '1000 2000 3000 3500' "$(values fcfs_progress | tail -n +$((before + 1)) | jq ".seq - $seq" | paste -sd ' ')"
}

@test "fields, keys, headers, partitions and their order are those of the contract" {
	topics 3
	event a 40 60
	event b 5 5
	fcfs-dispatch a b
	fcfs-leave a p0000001 >/dev/null
	fcfs-dispatch --batch 7 a
	run -0 fcfs-issue
	same 'type event id user ticket joined_us' "$(fields event_requests)"
	same 'type event id user ticket joined_us granted_us' "$(fields gifticon_publish)"
	same 'type event id user ticket code joined_us granted_us issued_us' "$(fields gifticon_issued)"
	same 'type event id seq at_us who what user ticket before after' "$(fields event_log)"
	same 'type event id requests winners seq' "$(fields fcfs_progress)"
	same "$(printf '%s\n' issued log progress request winner)" "$(for topic in event_requests gifticon_publish gifticon_issued \
		event_log fcfs_progress; do values $topic; done | jq -r .type | sort -u)"
	for topic in event_requests gifticon_publish gifticon_issued event_log fcfs_progress; do
		envelopes $topic
	done >"$T/all"
	same '' "$(jq -c 'select((.payload | fromjson) as $p | .headers != ["event", $p.event, "v", "1"] or
		.key != (if $p.type == "progress" then $p.id elif ($p.user // "") == "" then $p.event else $p.user end))' "$T/all")"
	same "$(printf '%s %s\n' a "$(field a id)" b "$(field b id)")" "$(jq -r '.payload | fromjson | "\(.event) \(.id)"' "$T/all" | sort -u)"
	for topic in event_requests gifticon_publish gifticon_issued; do
		same '0 1 2' "$(envelopes $topic | jq .partition | sort -u | paste -sd ' ')"
		same 1 "$(envelopes $topic | jq -r '"\(.key) \(.partition)"' | sort -u | awk '{ n[$1]++ } END { for (k in n) print n[k] }' | sort -u)"
	done
	jq -c 'select((.payload | fromjson).event == "a")' "$T/all" >"$T/a"
	ordered event_log at_us
	for type in request winner; do
		same '' "$(jq -r --arg t $type 'select(.payload | fromjson.type == $t) | "\(.partition) \(.payload | fromjson.ticket)"' "$T/a" |
			awk '$2 <= last[$1] { print } { last[$1] = $2 }')"
	done
	# a person's partition is the same in every topic
	same 60 "$(jq -r 'select(.topic | endswith("event_log") or endswith("fcfs_progress") | not) | "\(.key) \(.partition)"' "$T/all" |
		sort -u | wc -l)"
}

@test "Kafka's own clients see the same, and nothing of a transaction that was aborted" {
	topics 2
	event a 20 25
	hold fcfs-dispatch a
	kill_held
	fcfs-dispatch a
	run -0 --separate-stderr fcfs-issue -v
	same "fcfs-issue: event 'a': in 20 = done 20 + already 0 + refused 0 + dead 0, retried 0" "$stderr"
	all_out a 20
	same 20 "$(winners_of a | wc -l)"
	[ "$(consume gifticon_publish -X isolation.level=read_uncommitted | wc -l)" -ge 40 ]
	kafka console-consumer --include "$FCFS_PREFIX"'(event_requests|gifticon_(publish|issued))' --from-beginning --max-messages 65 --timeout-ms 60000 \
		--isolation-level read_committed --property print.key=true --property print.headers=true 2>/dev/null >"$T/java"
	same "$(for topic in event_requests gifticon_publish gifticon_issued; do envelopes $topic; done |
		jq -r '"event:a,v:1\t\(.key)\t\(.payload)"' | sort)" "$(sort "$T/java")"
	# its producer puts a key where ours does
	people 20 | sed 's/$/\tx/' | kafka console-producer --topic "${FCFS_PREFIX}gifticon_issued" --property parse.key=true 2>/dev/null
	same '40 20' "$(values gifticon_issued | wc -l) $(consume gifticon_issued -f '%k %p\n' | sort -u | wc -l)"
}

@test "pipe and Kafka: the same joins give the same winners in the same order, and neither takes the other's event" {
	topics 3
	for name in p k; do
		event $name 30 50
		printf 'p%07d\n' 2 9 | fcfs-leave $name >/dev/null
	done
	fcfs-dispatch -b '' p >"$T/p"
	fcfs-dispatch k
	same "$(jq -c '[.user, .ticket]' "$T/p")" "$(winners_of k | jq -c '[.user, .ticket]')"
	same "$(jq -c 'keys_unsorted' "$T/p" | sort -u)" "$(winners_of k | jq -c 'keys_unsorted' | sort -u)"
	run -78 --separate-stderr fcfs-dispatch -b '' k
	same "fcfs-dispatch: event 'k': it was first dispatched through 'kafka', and stays there: name the brokers with -b or FCFS_BROKERS" "$stderr"
	run -78 --separate-stderr fcfs-dispatch p
	same "fcfs-dispatch: event 'p': it was first dispatched through 'pipe', and stays there: name no brokers, -b ''" "$stderr"
	run -78 --separate-stderr fcfs-issue -b '' < <(winners_of k)
	same '' "$output"
	same "fcfs-issue: event 'k': it is dispatched through 'kafka', and stays there: name the brokers with -b or FCFS_BROKERS" "$stderr"
	same '0 0' "$(field k issued) $(redis hlen "$(key k pending)")"
	head -n 1 "$T/p" | tr -d '\n' | produce gifticon_publish p0000001
	run -65 --separate-stderr fcfs-issue -v
	[[ $stderr == *': this event is dispatched through a pipe'* ]]
	same "$(head -n 1 "$T/p")" "$(values gifticon_publish.dlq)"
	same foreign "$(envelopes gifticon_publish.dlq | jq -r '.headers | .[index("error_class") + 1]')"
	same '30 0' "$(field k issued) $(field p issued)"
	fcfs-issue -b '' <"$T/p" >"$T/out"
	same "$(jq -c '[.user, .ticket]' "$T/out")" "$(issued_of k | jq -c '[.user, .ticket]')"
}

# --- dead letters ----------------------------------------------------------------------------------

# good TICKET [JQ...]: a winner's record as it is on the topic, changed; without a newline
good() {
	jq -c "select(.ticket == $1)${2:+ | $2}" "$T/w" | tr -d '\n'
}

# poison NAME: puts stdin on the topic under that key; keeps it as what is to come out again
poison() {
	tee "$T/bad/$1" | produce gifticon_publish "$1" -p 1 -H "mine=$1" -H attempts=7
}

@test "what is no winner goes to the dead letters once, byte for byte, with the reason; the good ones around it are issued" {
	topics 2
	event a 20 25
	event b 1 1
	mkdir "$T/bad"
	fcfs-dispatch a
	winners_of a >"$T/w"
	echo 'not JSON' | poison text
	printf '\0\1\xff\xfe{"a":\n\r\0' | poison binary
	head -c 900000 /dev/urandom | poison big
	good 3 '.ticket = "3"' | poison string
	good 3 'del(.user)' | poison lacks
	good 3 '.event = "nosuch"' | poison nosuch
	good 3 ".id = \"$(field b id)\"" | poison id
	good 3 '.ticket = 4' | poison ticket
	good 3 '.user = "stranger"' | poison stranger
	good 3 '.user = "p0000022" | .ticket = 22' | poison ungranted
	good 3 | sed 's/}$/,"user":"p0000004"}/' | poison twice
	printf '{"a":%070000d}' 0 | poison long
	: | tee "$T/bad/empty" "$T/bad/tombstone"
	produce_empty gifticon_publish empty -p 1 -H mine=empty
	produce_empty gifticon_publish tombstone -p 1 -Z -H mine=tombstone
	good 3 | produce gifticon_publish p0000003 -p 0
	good 3 | produce gifticon_publish p0000003 -p 1
	consume gifticon_publish -p 1 -f '%k %o\n' | grep -v ^p0 >"$T/offsets"
	before=$(date +%s%6N)

	run -65 --separate-stderr fcfs-issue -v --chunk 5
	echo "$stderr" >"$T/err"
	all_out a 20
	grep -q "event 'a': in 25 = done 20 + already 2 + refused 0 + dead 3, retried 0" "$T/err"
	grep -q 'no event: in 11 = done 0 + already 0 + refused 0 + dead 11, retried 0' "$T/err"
	same 14 "$(grep -c '^fcfs-issue: partition 1 offset ' "$T/err")"
	envelopes gifticon_publish.dlq >"$T/dead"
	same "$(cut -d ' ' -f 1 "$T/offsets" | sort)" "$(jq -r .key "$T/dead" | sort)"
	for file in "$T"/bad/*; do
		name=${file##*/}
		line=$(jq -c "select(.key == \"$name\")" "$T/dead")
		offset=$(jq .offset <<<"$line")
		consume gifticon_publish.dlq -o "$offset" -c 1 -f '%s' >"$T/value"
		cmp "$file" "$T/value"
		jq -r '.headers | [range(0; length; 2) as $i | "\(.[$i])=\(.[$i + 1])"] | sort[]' <<<"$line" >"$T/headers"
		same "mine=$name" "$(grep ^mine= "$T/headers")"
		grep -qx 'attempts=1' "$T/headers"
		grep -qx "original_topic=${FCFS_PREFIX}gifticon_publish" "$T/headers"
		grep -qx 'original_partition=1' "$T/headers"
		same "$(grep "^$name " "$T/offsets" | cut -d ' ' -f 2)" "$(sed -n 's/^original_offset=//p' "$T/headers")"
		for header in first_failure_us last_failure_us; do
			[ "$(sed -n "s/^$header=//p" "$T/headers")" -ge "$before" ]
		done
		printf '%s: %s: %s\n' "$name" "$(sed -n 's/^error_class=//p' "$T/headers")" "$(sed -n 's/^error_message=//p' "$T/headers")"
	done >"$T/reasons"
	same "big: malformed: longer than 65536 bytes
binary: malformed: not JSON
empty: malformed: not JSON
id: foreign: this event has another id
lacks: malformed: field 'user' is missing
long: malformed: longer than 65536 bytes
nosuch: foreign: no such event
stranger: foreign: this person is not in line
string: malformed: field 'ticket' is not an integer
text: malformed: not JSON
ticket: foreign: this ticket is another person's
tombstone: malformed: not JSON
twice: malformed: a field is named twice
ungranted: foreign: this ticket was not granted" "$(cat "$T/reasons")"
	same null "$(jq -c 'select(.key == "tombstone").payload' "$T/dead")"
	for list in "$(key a runs)" "${FCFS_PREFIX}fcfs:runs"; do
		redis --raw lrange "$list" 0 -1
	done >"$T/runs"
	same '14 22' "$(jq -s -r '"\(map(.dead) | add) \(map(select(.tool == "issue") | .done + .already) | add)"' "$T/runs")"
	books <"$T/runs"
	run -0 --separate-stderr fcfs-issue -v
	same 'fcfs-issue: no event: in 0 = done 0 + already 0 + refused 0 + dead 0, retried 0' "$stderr"
	same 14 "$(envelopes gifticon_publish.dlq | wc -l)"
}

# --- passes ----------------------------------------------------------------------------------------

@test "cron passes at once: everybody wins once; where nothing can be done a pass is quick, silent and writes nothing" {
	topics 2
	event a 100 150
	for i in 1 2 3; do
		spawn fcfs-dispatch --batch 10 a >"$T/$i" 2>&1
		pids[i]=$pid
	done
	for i in 1 2 3; do
		status=0
		wait "${pids[i]}" || status=$?
		[[ $status == [01] ]]
		same '' "$(cat "$T/$i")"
	done
	fcfs-issue
	all_out a 100
	same 100 "$(winners_of a | wc -l)"
	same 150 "$(values event_requests | wc -l)"
	event idle 5 2
	fcfs-dispatch idle
	event paused 1 1
	fcfs-event set paused --state paused >/dev/null
	event early 1 0 --opens +1h
	event empty 1 0
	run -1 fcfs-dispatch paused
	run -1 fcfs-dispatch early
	run -0 fcfs-dispatch empty
	same 0 "$(winners_of paused | wc -l)"
	same '1 0 2' "$(published paused)" # the log of the line and of the settings does not wait
	before=$(ends_at fcfs_progress 0 uncommitted) start=$SECONDS
	run -1 fcfs-dispatch a
	same '' "$output"
	run -1 fcfs-dispatch a paused early
	same '' "$output"
	run -0 fcfs-dispatch idle
	same '' "$output"
	run -0 fcfs-dispatch a empty
	[ $((SECONDS - start)) -lt 30 ]
	same "$before" "$(ends_at fcfs_progress 0 uncommitted)"
	run -78 fcfs-dispatch nosuch
	same "fcfs-dispatch: event 'nosuch': no such event" "$output"
}

@test "--batch 10 --every D --follow, several events in one process, one that stands by, an issuer beside them" {
	topics 3
	event a 60 40
	event b 25 30 --codes uuid
	event c 5 0
	spawn fcfs-issue --follow
	issuer=$pid
	spawn fcfs-dispatch --batch 10 --every 100ms --follow a b c 2>"$T/first"
	first=$pid
	soon field_is a issued 40
	spawn fcfs-dispatch --batch 10 --every 100ms --follow a b c 2>"$T/second"
	soon has "$T/second" 3
	same 3 "$(grep -c "^fcfs-dispatch: event '[abc]': '.*' is dispatching it: standing by$" "$T/second")"
	soon field_is b issued 25
	kill -TERM "$first"
	ends "$first" 0
	people 80 | fcfs-join a >/dev/null
	people 9 | fcfs-join c >/dev/null
	ends "$pid" 0
	soon field_is a issued 60
	soon field_is c issued 5
	kill -TERM "$issuer"
	ends "$issuer" 0
	all_out a 60
	all_out b 25 '^[0-9a-f-]{36}$'
	all_out c 5
	same '10 20 30 40' "$(redis zrange "$(key a grants)" 0 3 withscores | paste - - | cut -f 2 | paste -sd ' ')"
	for name in a b c; do
		same 0 "$(redis exists "$(key $name lease)")"
		redis --raw lrange "$(key $name runs)" 0 -1 | books
	done
	same '80 60 1' "$(published a)"
	same '' "$(cat "$T/first")"
}

@test "an issuer that does not follow drains what is there: no lag, markers included; again is quick" {
	topics 4
	event a 30 30
	fcfs-dispatch --batch 7 a
	run -0 timeout "$LIMIT" fcfs-issue --chunk 4
	same '' "$output"
	all_out a 30
	kafka consumer-groups --describe --group "${FCFS_PREFIX}fcfs-issue" 2>/dev/null | awk '$3 ~ /^[0-9]+$/ { print $3, $4, $6 }' |
		sort >"$T/group"
	same "$(for part in 0 1 2 3; do echo "$part $(ends_at gifticon_publish $part committed) 0"; done)" "$(cat "$T/group")"
	same "$(for part in 0 1 2 3; do ends_at gifticon_publish $part uncommitted; done)" "$(cut -d ' ' -f 2 "$T/group")"
	before=$(for part in 0 1 2 3; do ends_at gifticon_issued $part uncommitted; done)
	start=$SECONDS
	run -0 --separate-stderr fcfs-issue -v
	[ $((SECONDS - start)) -lt 20 ]
	same 'fcfs-issue: no event: in 0 = done 0 + already 0 + refused 0 + dead 0, retried 0' "$stderr"
	same "$before" "$(for part in 0 1 2 3; do ends_at gifticon_issued $part uncommitted; done)"
}

@test "who leaves after the grant is refused, the slot goes to the next, who is issued; the ledger has the same rows" {
	topics 2
	event a 10 16
	fcfs-dispatch a
	printf 'p%07d\n' 2 4 | fcfs-leave a >/dev/null
	run -0 --separate-stderr fcfs-issue -v --ledger "sqlite:$T/ledger"
	same "fcfs-issue: event 'a': in 10 = done 8 + already 0 + refused 2 + dead 0, retried 0" "$stderr"
	fcfs-dispatch a
	run -0 --separate-stderr fcfs-issue -v --ledger "sqlite:$T/ledger"
	same "fcfs-issue: event 'a': in 2 = done 2 + already 0 + refused 0 + dead 0, retried 0" "$stderr"
	run -0 fcfs-leave --revoke a p0000001
	fcfs-dispatch a
	fcfs-issue --ledger "sqlite:$T/ledger"
	same "$(people 13 | grep -v '000[24]$')" "$(issued_of a | jq -r .user)"
	same "$(people 13 | grep -v '000[124]$')" "$(redis_codes a | cut -d ' ' -f 1)"
	same '13 3 10' "$(field a granted) $(field a returned) $(redis hlen "$(key a issued)")"
	same "$(issued_of a | jq -r '[.event, .id, .ticket, .user, .code, .joined_us, .granted_us, .issued_us] | join("|")')" \
		"$(sqlite3 "$T/ledger" 'select event, id, ticket, "user", code, joined_us, granted_us, issued_us from issued order by ticket')"
	same "$(redis --raw lrange "$(key a runs)" 0 -1 | jq -r 'select(.tool == "issue") | "\(.run)|\(.in)|\(.done)|\(.refused)"' | sort)" \
		"$(sqlite3 "$T/ledger" 'select run, "in", done, refused from runs order by run')"
	same 'leave,leave,revoke' "$(values event_log | jq -r .what | tail -n 3 | paste -sd ,)"
}

@test "supplied codes run out, and are filled up while both stages follow; the log tells of the loads, without a code" {
	topics 3
	event a 30 40 --codes pool
	seq -f 'CODE-%04.0f' 11 | fcfs-codes load a >/dev/null
	spawn fcfs-issue --follow
	issuer=$pid
	spawn fcfs-dispatch --every 50ms --follow a 2>"$T/said"
	soon field_is a issued 11
	soon has "$T/said" 1
	same 11 "$(field a granted)"
	seq -f 'CODE-%04.0f' 12 40 | fcfs-codes load a >/dev/null
	ends "$pid" 0
	kill -TERM "$issuer"
	ends "$issuer" 0
	all_out a 30 '^CODE-'
	same '30 10 40' "$(fcfs-codes -j count a | jq -r '"\(.issued) \(.left) \(.loaded)"')"
	same "fcfs-dispatch: event 'a': no code is left, and people wait: load more with fcfs-codes load" "$(cat "$T/said")"
	same 'codes_loaded=0 codes_loaded=11|codes_loaded=11 codes_loaded=40' \
		"$(values event_log | jq -r 'select(.what == "load") | .before + " " + .after' | paste -sd '|')"
	same '' "$(for topic in event_requests event_log gifticon_publish fcfs_progress; do values $topic; done | grep CODE-)"
}

@test "a clock that the brokers refuse is named, at once, and nothing is out; set right, everything is" {
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -shared -fPIC -o "$T/clock.so" "$TREE/tests/faults/clock.c"
	ahead() { LD_PRELOAD=clock.so LD_LIBRARY_PATH=$T CLOCK_OFFSET_S=7200 ASAN_OPTIONS=verify_asan_link_order=0 timeout 20 "$@"; }
	topics 2
	event a 3000 30000
	run -78 ahead fcfs-dispatch a
	[[ $output == *'Invalid timestamp'*': the clock of this machine or of the broker is more than an hour off: set it' ]]
	same '' "$(values gifticon_publish)"
	fcfs-dispatch a
	run -78 ahead fcfs-issue
	[[ $output == *'Invalid timestamp'*': the clock of this machine or of the broker is more than an hour off: set it' ]]
	same '' "$(values gifticon_issued)"
	fcfs-issue
	all_out a 3000
}
