#!/usr/bin/env bats
# Through Kafka: create, join, dispatch, issue on a real Redis and a real broker; an outsider reads the topics.
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, spawn calls

load ../helper
load ../flow
load ../kafka

setup_file() { servers_start --brokers 1; }
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }

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
	same "fcfs-issue: event 'a': in 41 = done 40 + already 0 + refused 1 + dead 0" "$stderr"

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
	# a person's partition is the same in every topic, and the one that Java's clients would choose
	same 60 "$(jq -r 'select(.topic | endswith("event_log") or endswith("fcfs_progress") | not) | "\(.key) \(.partition)"' "$T/all" |
		sort -u | wc -l)"
}

@test "Kafka's own consumer sees the same, and nothing of a transaction that was aborted" {
	topics 2
	event a 20 25
	hold fcfs-dispatch a
	kill_held
	both a
	all_out a 20
	same 20 "$(winners_of a | wc -l)"
	[ "$(consume gifticon_publish -X isolation.level=read_uncommitted | wc -l)" -ge 40 ]
	kafka console-consumer --include "$FCFS_PREFIX"'gifticon_(publish|issued)' --from-beginning --timeout-ms 1500 \
		--isolation-level read_committed --property print.key=true --property print.headers=true 2>/dev/null >"$T/java"
	same "$(for topic in gifticon_publish gifticon_issued; do envelopes $topic; done |
		jq -r '"event:a,v:1\t\(.key)\t\(.payload)"' | sort)" "$(sort "$T/java")"
}
