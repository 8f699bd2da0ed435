#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# fcfs-audit: nothing is found where nothing is broken; and each promise, broken by hand, is named.

load ../helper
load ../flow
load ../kafka
load ../deliver

setup_file() { servers_start --brokers 1; }
teardown_file() { servers_stop; }
teardown() { reap; }
setup() {
	namespace
	LEDGER=sqlite:$T/ledger SEEN=$BATS_FILE_TMPDIR/seen
}

# audit [OPTION...] EVENT
audit() {
	timeout 60 fcfs-audit --ledger "$LEDGER" "$@"
}

# clean EVENT NAME=VALUE...: nothing is broken nor under way, and these are the counts
clean() {
	local pair
	run -0 --separate-stderr audit --final -j "$1"
	same '' "$stderr"
	for pair in breaches=0 under_way=0 "${@:2}"; do
		same "$pair" "${pair%%=*}=$(jq ".${pair%%=*}" <<<"$output")"
	done
}

# keep EVENT; put_back EVENT: all that Redis and the ledger have of it
keep() {
	cp "$T/ledger" "$T/ledger.kept"
	redis eval "for _, one in ipairs(redis.call('KEYS', ARGV[1])) do
		redis.call('COPY', one, 'kept:' .. one, 'REPLACE') end" 0 "$(key "$1" '*')" >/dev/null
}

put_back() {
	rm -f "$T/ledger"*-wal "$T/ledger"*-shm
	cp "$T/ledger.kept" "$T/ledger"
	redis eval "for _, one in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', one) end
		for _, one in ipairs(redis.call('KEYS', 'kept:' .. ARGV[1])) do
			redis.call('COPY', one, string.sub(one, 6), 'REPLACE') end" 0 "$(key "$1" '*')" >/dev/null
}

# finds EVENT PATTERN...: breaches match each of these; a code is in none. $SEEN is each query that found what it was to find
finds() {
	local pattern
	run -1 audit --final -q "$1"
	for pattern in "${@:2}"; do
		grep -E "$pattern" <<<"$output" >"$T/found" || {
			printf 'no breach: %s\n%s\n' "$pattern" "$output" >&2
			return 1
		}
		cut -f 1,2 "$T/found" >>"$SEEN"
	done
	! grep -F "$(redis --raw hvals "$(key "$1" issued)" | cut -d ' ' -f 3)" <<<"$output" || return 1
}

# broken EVENT PATTERN COMMAND...: with this done to Redis or the ledger, that is found; all is put back
broken() {
	"${@:3}" >/dev/null
	finds "$1" "$2"
	put_back "$1"
}

# of EVENT NAME PERSON: a value
value() {
	redis --raw hget "$(key "$1" "$2")" "$3"
}

ledger() {
	sqlite3 "$T/ledger" "$1"
}

# world EVENT: six slots and eleven people. p3 left before, p2 was revoked, p4's slot was returned, p5 is parked, p10 left
# while waiting, p11 waits.
world() {
	event "$1" 6 8
	fcfs-leave "$1" p0000003 >/dev/null
	fcfs-dispatch "$1" >"$T/winners"
	fcfs-leave "$1" p0000004 >/dev/null
	courier_issue <"$T/winners"
	fcfs-leave --revoke "$1" p0000002 >/dev/null
	people 11 | tail -n 3 | fcfs-join "$1" >/dev/null
	fcfs-leave "$1" p0000010 >/dev/null
	fcfs-dispatch "$1" >"$T/winners"
	courier_issue <"$T/winners"
}

# courier_issue: nothing can be delivered to p5
courier_issue() {
	fcfs-issue -q --ledger "$LEDGER" --deliver "$(courier "$(but p0000005 "$NEVER")")" >/dev/null || same 65 $?
}

@test "an event through a pipe: left, returned, revoked, parked, with a ledger: all is compared, nothing is broken" {
	export FCFS_BROKERS=
	world a
	clean a people=11 returned=2 left=2 parked=1 unissued=0 event_requests=null
	same "$(ledger 'SELECT count(*) FROM issued')" "$(jq .ledger <<<"$output")"
	run -0 fcfs-audit a
	same $'ledger_runs\t-\nledger\t-' "$(grep ^ledger <<<"$output")"
	same "$(printf '%s\t%s\n' event a)" "${lines[0]}"
}

@test "an event through Kafka, the same; sent again; others' records, and those of an earlier event, are not its" {
	topics 2
	event other 3 3
	world a
	event old 2 2
	fcfs-dispatch old other
	purge old
	event old 1 1
	fcfs-dispatch old
	courier_issue
	clean a people=11 returned=2 left=2 parked=1 unissued=0 event_requests=11 dead_letters=1
	fcfs-issue -q --redrive --match event=a
	fcfs-issue -q --ledger "$LEDGER"
	clean a parked=0
	fcfs-leave --revoke a p0000006 >/dev/null
	run -0 audit a # a slot, a decision, a row of the ledger
	same 3 "$(sed -n 's/^under_way.//p' <<<"$output")"
	fcfs-dispatch a
	courier_issue
	clean a
}

@test "supplied codes: all are of the pool, and the pool adds up" {
	export FCFS_BROKERS=
	event a 3 5 --codes pool
	seq -f 'CODE-%03.0f' 9 | fcfs-codes load a >/dev/null
	fcfs-dispatch a | courier_issue
	fcfs-leave --revoke a p0000001 >/dev/null
	fcfs-dispatch a | courier_issue
	clean a pool=9 codes=4
	keep a
	broken a '^P5.*never loaded' redis hdel "$(key a loaded)" CODE-002
	broken a '^P5.*no ticket has' redis rpush "$(key a codes)" CODE-002
	broken a '^P6.*codes_loaded is 9, and there are 8' redis lpop "$(key a codes)"
	broken a '^P3.*slots' redis hset "$(key a event)" codes_loaded 3 codes_logged 3
}

# Redis and the ledger alone
@test "broken in Redis, each promise is named, and what is put back is whole again" {
	export FCFS_BROKERS=
	world a
	clean a
	keep a
	line=$(key a line) hash=$(key a event) issued=$(key a issued)
	broken a '^P2.*p0000002.2.joined_us' redis zadd "$line" "$(redis zscore "$line" p0000001)" p0000002
	broken a '^P3.*slots are granted of 2$' redis hset "$hash" stock 2
	broken a '^P3.*stock is 2$' redis lset "$(key a outbox)" 0 "$(redis --raw lindex "$(key a outbox)" 0 | sed 's/stock=6/stock=2/')"
	broken a '^P3.*p0000009.9.issued in Redis, and slots' redis eval "redis.call('HSET', KEYS[1], 'cursor', 8)
		return redis.call('HSET', KEYS[2], 'p0000009', '1 2 XYZ')" 2 "$hash" "$issued"
	broken a '^P3.*p0000006.6.*left only 9999' redis hset "$(key a left)" p0000006 '9999999999999999 waiting me '
	broken a '^P3.*in the order of the line.*granted 1,' redis eval "redis.call('ZREMRANGEBYRANK', KEYS[1], -1, -1)
		return redis.call('ZADD', KEYS[1], 9, 1)" 1 "$(key a grants)"
	broken a '^P4.*settled.*p0000001.1.granted in Redis' redis hdel "$issued" p0000001
	broken a '^P4.*slots are free' redis hset "$hash" stock 7
	broken a '^P4.*p0000001.1.granted in Redis' redis hdel "$issued" p0000001
	broken a '^P5.-?.*the code of ticket 6, too' redis hset "$issued" p0000001 "$(value a issued p0000006)"
	broken a '^P6.*joined is 77, and there are 11' redis hset "$hash" joined 77
	broken a '^P6.*burnt is 0, and' redis hset "$hash" burnt 0
	broken a '^P6.*entries in issued, of people' redis hset "$issued" nobody '1 2 XYZ'
	broken a '^P6.*p0000001.1.in issued pending at once' redis hset "$(key a pending)" p0000001 'assigned - - 1 2 XYZ'
	broken a '^P6.*p0000001.1.granted 1 with the code' redis hset "$issued" p0000001 '1 2 XYZ'
	broken a '^P7.*in 999, done' redis lset "$(key a runs)" 0 "$(redis --raw lindex "$(key a runs)" 0 | sed 's/"in":[0-9]*/"in":999/')"
	broken a '^P7.*the same books.*: completed, in ([0-9]*), done .*, in the ledger of issue: completed, in ' \
		ledger 'UPDATE runs SET done = done + 1, "in" = "in" + 1'
	broken a '^P7.*in the ledger, run .* of issue: in 9' ledger 'UPDATE runs SET "in" = 9'
	broken a '^P10.*is missing' redis rpop "$(key a outbox)"
	broken a '^P10.*2 times entry 1' redis lpush "$(key a outbox)" "$(redis --raw lindex "$(key a outbox)" 0)"
	broken a '^P10.*behind entry' redis rpoplpush "$(key a outbox)" "$(key a outbox)"
	broken a '^P10.*p0000006.6.left as granted, in the log not' redis hset "$(key a left)" p0000006 '1 granted me '
	broken a '^P10.*p0000010.10.leave in the log, waiting' redis hdel "$(key a left)" p0000010
	broken a '^P10.*as_given is other, in the log stock=6' redis hset "$hash" as_given other
	broken a '^P10.*stock is 7, in the log 6' redis hset "$hash" stock 7
	fcfs-event set a --stock 7
	fcfs-event set a --stock 6
	keep a
	broken a '^P10.*stock is 8, in the log 6' redis hset "$hash" stock 8
	clean a
}

@test "what makes no sense in Redis is named, and no end of the audit; a key of another type is" {
	export FCFS_BROKERS=
	world a
	clean a
	keep a
	hash=$(key a event)
	local -a fields=() patterns=()
	for field in $(redis hkeys "$hash"); do
		case $field in id | name | bus) continue ;; esac
		fields+=("$field" abc) patterns+=("^P(6|10).*$field is abc")
	done
	redis hset "$hash" "${fields[@]}" bus kafak >/dev/null
	finds a "${patterns[@]}" '^P6.*bus is kafak'
	put_back a
	broken a '^P6.*epoch is missing' redis hdel "$hash" epoch
	broken a '^P6.*joined is 1.5, and there are 11' redis hset "$hash" joined 1.5
	broken a '^P3.*p0000001.1.issued by no grant step' redis zadd "$(key a grants)" 1 abc
	broken a '^P2.*p0000010.11.joined_us' redis zadd "$(key a line)" inf p0000010
	broken a '^P6.*entries in codes, of people in line 0' redis rpush "$(key a codes)" XYZ
	redis eval "for i, value in ipairs(ARGV) do
		for _, one in ipairs(KEYS) do redis.call('HSET', one, 'p000000' .. i, value) end end" 3 \
		"$(key a left)" "$(key a issued)" "$(key a pending)" abc '' 1 '1 2' assigned 'assigned:x 1:2 3' '-1 waiting' >/dev/null
	run -1 audit --final -q a
	grep -q '^P6.*p0000001.1.in left issued pending at once' <<<"$output"
	put_back a
	records=('' abc '[]' 5 null '{}' $'\xff')
	broken a '^P7.*a run record, of run none' redis rpush "$(key a runs)" "${records[@]}"
	broken a '^P10.*12 entries in the outbox, records of the log 5' redis rpush "$(key a outbox)" "${records[@]}"
	redis del "$(key a grants)" >/dev/null
	redis set "$(key a grants)" x >/dev/null
	run -76 fcfs-audit a
	[[ $output == *"WRONGTYPE Operation against a key holding the wrong kind of value: 'grants'" ]]
}

@test "broken in the ledger, it is named; it is only read, and one that is none is refused" {
	export FCFS_BROKERS=
	world a
	clean a
	keep a
	broken a '^P5.*p0000001.1.issued in Redis, not in the ledger' ledger 'DELETE FROM issued WHERE ticket = 1'
	broken a '^P5.*p0000001.1.another code in the ledger' ledger "UPDATE issued SET code = 'XYZ' WHERE ticket = 1"
	broken a '^P5.*zed.1.in the ledger, in Redis it is p0000001' ledger "UPDATE issued SET user = 'zed' WHERE ticket = 1"
	broken a '^P5.*p0000001.1.other times' ledger 'UPDATE issued SET issued_us = 3 WHERE ticket = 1'
	broken a '^P5.*p0000005.5.issued in the ledger, parked in Redis' ledger "UPDATE issued SET state = 'issued' WHERE ticket = 5"
	broken a '^P5.*p0000002.2.issued in the ledger, revoked' ledger "UPDATE issued SET state = 'issued' WHERE ticket = 2"
	broken a '^P3.*in the ledger, in Redis not in line' ledger 'UPDATE issued SET ticket = 99 WHERE ticket = 1'
	broken a '^P1.*p0000001.1.ticket 99, too, in' ledger 'UPDATE issued SET ticket = 99 WHERE ticket = 1'
	broken a '^P5.*p0000001.1.of event zed in the ledger' ledger "UPDATE issued SET event = 'zed' WHERE ticket = 1"
	broken a '^P7.*in the ledger, run .*: 2 times' ledger "INSERT INTO runs SELECT run, tool, host, 'zed', id, status, started_us,
		ended_us, \"in\", done, already, refused, dead, error, retried FROM runs LIMIT 1"
	# somebody has made it without its constraints
	ledger 'CREATE TABLE free AS SELECT * FROM issued; DROP TABLE issued; ALTER TABLE free RENAME TO issued;
		CREATE TABLE ran AS SELECT * FROM runs; DROP TABLE runs; ALTER TABLE ran RENAME TO runs'
	keep a
	broken a '^P5.*p0000001.1.2 rows of the ledger' ledger 'INSERT INTO issued SELECT * FROM issued WHERE ticket = 1'
	for column in event ticket user code joined_us granted_us issued_us state; do
		broken a '^P5.*a row of the ledger that fcfs did not write' ledger "UPDATE issued SET $column = NULL WHERE ticket = 1"
	done
	broken a '^P5.*a row of the ledger that fcfs did not write' ledger "UPDATE issued SET user = printf('%.*c', 999, 'x') WHERE ticket = 1"
	broken a '^P5.*a row of the ledger that fcfs did not write' ledger "UPDATE issued SET user = CAST(user || x'007A' AS TEXT) WHERE ticket = 1"
	broken a '^P7.*in the ledger, run  of ' ledger 'UPDATE runs SET run = NULL, tool = NULL, status = NULL'
	before=$(md5sum <"$T/ledger")
	clean a
	same "$before" "$(md5sum <"$T/ledger")"
	run -71 fcfs-audit --ledger "sqlite:$T/none" a
	[ ! -e "$T/none" ]
	: >"$T/empty"
	run -78 fcfs-audit --ledger "sqlite:$T/empty" a
	same 0 "$(stat -c %s "$T/empty")"
}

@test "broken between Redis and Kafka, it is named" {
	topics 2
	world a
	clean a
	keep a
	hash=$(key a event) issued=$(key a issued)
	broken a '^P2.*p0000001.1.in event_requests p0000001, joined_us' redis zadd "$(key a line)" 1 p0000001
	broken a '^P4.*p0000001.1.read at [01]:' redis hdel "$issued" p0000001
	broken a '^P5.*p0000001.1.another code in gifticon_issued' \
		redis hset "$issued" p0000001 "$(value a issued p0000001 | sed 's/[^ ]*$/XYZ/')"
	broken a '^P5.*p0000001.1.in gifticon_issued, and granted' redis hdel "$issued" p0000001
	broken a '^P5.*p0000005.5.issued in Redis, not in gifticon_issued' redis hset "$issued" p0000005 "$(value a issued p0000001)"
	broken a '^P8.*p0000005.5.no dead letter of' redis hset "$(key a pending)" p0000005 "$(value a pending p0000005 | sed 's/:[^ ]*/:none/')"
	broken a '^P9.*winners: fcfs_progress' redis hset "$hash" published_winners 99
	broken a '^P9.*decisions: fcfs_progress' redis hset "$hash" seq 1
	broken a '^P4.*requests up to 11 are published, of 12' fcfs-join -q a zed
	clean a
}

# copy TOPIC FILTER [OPTION...]: a record that is there, once more, with what the filter of jq makes of it
copy() {
	values "$1" | jq -c "select(.event == \"a\" and .user == \"p0000001\") | $2" | head -n 1 | tr -d '\n' | produce "$1" p0000001 "${@:3}"
}

@test "broken in the topics, it is named" {
	topics 2
	world a
	clean a
	copy event_requests . -H v=1
	copy event_requests '.ticket = 99'
	finds a '^P2.*p0000001.1.2 times in event_requests' '^P2.*in event_requests at [01]:[0-9]*, behind' \
		'^P2.*p0000001.99.in event_requests, and the line ends' '^P1.*p0000001.1.ticket 99, too, in'
	copy gifticon_publish . -H v=1
	finds a '^P4.*p0000001.1.2 times in gifticon_publish'
	copy gifticon_publish '.ticket = 99'
	finds a '^P3.*p0000001.99.in gifticon_publish at [01]:[0-9]*, in Redis not in line'
	copy gifticon_issued . -H v=1
	copy gifticon_issued '.ticket = 11 | .user = "p0000011" | .code = "XYZ"'
	finds a '^P5.*p0000001.1.2 times in gifticon_issued' '^P3.*p0000011.11.in gifticon_issued, in Redis'
	values event_log | jq -c 'select(.event == "a" and .seq == 1)' | tr -d '\n' | produce event_log a -H v=1
	finds a '^P10.*2 times entry 1 in event_log' '^P10.*entry 1 behind entry'
	# what the progress says is out, and is not
	redis hincrby "$(key a event)" seq 1 >/dev/null
	redis hset "$(key a event)" cursor 11 >/dev/null
	fcfs-join a zed >/dev/null
	progress=$(consume fcfs_progress | jq -c 'select(.event == "a")' | tail -n 1)
	jq -c '.requests += 1 | .winners += 2 | .seq += 1' <<<"$progress" | tr -d '\n' | produce fcfs_progress "$(field a id)"
	finds a '^P2.*zed.12.not in event_requests' '^P4.*not in gifticon_publish' '^P10.*entry [0-9]* is missing'
	printf '{}' | produce fcfs_progress "$(field a id)"
	finds a '^P9.*winners: fcfs_progress makes no sense'
}

@test "winners' records that somebody copied or forged are no breach once who issues has passed over them" {
	topics 2
	world a
	copy gifticon_publish .
	copy gifticon_publish '.granted_us = 1'
	copy gifticon_publish '.ticket = 6'
	copy gifticon_publish '.user = "p0000009" | .ticket = 1'
	finds a '^P3.*p0000001.6.in gifticon_publish' '^P3.*p0000009.1.in gifticon_publish'
	run -65 fcfs-issue -q --ledger "$LEDGER"
	run -0 --separate-stderr audit --final -j a
	same 1 "$(jq .notices <<<"$output")"
	same "fcfs-audit: event 'a': no breach: p0000001 ticket 1 2 times in gifticon_publish by somebody else" "${stderr% (P8*}"
	stderr=${stderr#*(P8 }
	printf 'P8\t%s\n' "${stderr%)}" >>"$SEEN"
}

@test "records of the line, the codes and the log that somebody copied are no breach; another code is one" {
	topics 2
	world a
	copy event_requests .
	copy gifticon_issued .
	copy gifticon_issued .
	values event_log | jq -c 'select(.event == "a" and .seq == 1)' | tr -d '\n' | produce event_log a
	run -0 --separate-stderr audit --final -j a
	same '11 3 5 0' "$(jq -r '[.event_requests, .notices, .event_log, .breaches] | join(" ")' <<<"$output")"
	same "$(printf "fcfs-audit: event 'a': no breach: %s by somebody else\n" '1 times in event_log' 'p0000001 ticket 1 1 times in event_requests' \
		'p0000001 ticket 1 2 times in gifticon_issued')" "$(printf '%s\n' "$stderr" | sed 's/ (P8.*//')"
	copy gifticon_issued '.code = "XYZ"'
	finds a '^P5.*p0000001.1.another code in gifticon_issued'
	copy gifticon_issued '.user = null'
	finds a '^P5.*-.1.in gifticon_issued, in Redis it is p0000001'
	copy event_requests '.joined_us = null'
	finds a '^P2.*p0000001.1.in event_requests p0000001, joined_us none'
}

@test "whose code was revoked while it was parked was given up, and has not been given out" {
	topics 2
	world a
	fcfs-leave --revoke a p0000005 >/dev/null
	fcfs-dispatch a
	courier_issue
	fcfs-leave --revoke a p0000001 >/dev/null
	fcfs-dispatch a
	courier_issue
	clean a parked=0
	keep a
	broken a '^P8.*p0000001.1.revoked while it was parked' redis hset "$(key a left)" p0000001 \
		"$(value a left p0000001 | sed 's/issued/parked/')"
	copy gifticon_issued '.user = "p0000005" | .ticket = 5'
	finds a '^P5.*p0000005.5.in gifticon_issued, and revoked while it was parked'
}

# at TOPIC PERSON: where the records of a person stand, as kcat sees it
at() {
	envelopes "$1" | jq -r "select(.payload | fromjson | .event == \"a\" and .user == \"$2\") | \"\(.partition):\(.offset)\"" | paste -sd , | sed 's/,/, /g'
}

@test "explained: where the records of one person stand, and their row of the ledger; no code" {
	topics 2
	world a
	run -0 audit --explain p0000001 -j a
	for topic in event_requests gifticon_publish gifticon_issued; do
		same "$(at $topic p0000001)" "$(jq -r ".$topic" <<<"$output")"
	done
	same "issued issued 1 null null $(ledger 'SELECT issued_us FROM issued WHERE ticket = 1')" \
		"$(jq -r '[.state, .ledger, .ledger_ticket, .event_log, .["gifticon_publish.dlq"], .ledger_issued_us] | map(tostring) | join(" ")' <<<"$output")"
	[[ $output != *$(value a issued p0000001 | cut -d ' ' -f 3)* ]]
	run -0 audit --explain p0000005 a
	same $'gifticon_publish.dlq\t'"$(at gifticon_publish.dlq p0000005) undeliverable" "$(grep dlq <<<"$output")"
	same $'ledger\tparked' "$(grep ^ledger.p <<<"$output")"
	printf '{"id":"%s","user":"p0000006"}' "$(field a id)" |
		produce gifticon_publish.dlq p0000006 -H error_class=$'a\tb\n\e[31mc\xff' # somebody else's
	run -0 audit --explain p0000006 a
	[[ $(grep dlq <<<"$output") == *'a\x09b\x0A\x1B[31mc\xFF' ]]
	run -0 audit --explain p0000004 a
	same $'event_log\t'"$(at event_log p0000004)" "$(grep ^event_log <<<"$output")"
	same $'ledger\t-' "$(grep ^ledger. <<<"$output" | head -n 1)"
	run -1 audit --explain zed a
	run -65 audit --explain $'a\tb' a
	run -78 audit --explain zed nosuch
}

@test "breaches: at most so many are listed, all are counted; as JSON; what is under way is none" {
	export FCFS_BROKERS=
	event a 300 300
	fcfs-dispatch a >/dev/null
	run -0 fcfs-audit -j a
	same 300 "$(jq .under_way <<<"$output")"
	run -1 --separate-stderr fcfs-audit --final a
	same 100 "${#lines[@]}"
	same "fcfs-audit: event 'a': 300 breaches, 100 listed" "$stderr"
	run -1 --separate-stderr fcfs-audit --final --limit 0 a
	same '' "$output"
	run -1 fcfs-audit -q --final --limit 1 -j a
	same '{"promise":"P4","what":"every winner has a code, or is parked","user":"p0000001","ticket":1,"found":"granted in Redis"}' "$output"
}

@test "an event that moves is not judged" {
	export FCFS_BROKERS=
	event a 1 20000
	exec {feed}< <(exec yes "hincrby $(key a event) joined 1")
	spawn from "/dev/fd/$feed" redis-cli -p "$REDIS_PORT" --pipe # the server has always more of it to do
	soon at_least a joined 20001
	run -75 fcfs-audit a
	same "fcfs-audit: event 'a': it moves while it is read: audit it when nothing of it runs" "$output"
}

@test "no such event, no brokers, brokers away, no topics" {
	run -78 fcfs-audit nosuch
	run -64 fcfs-audit
	run -64 fcfs-audit a b
	topics 2
	event a 1 1
	fcfs-dispatch a
	run -78 fcfs-audit -b '' a
	same "fcfs-audit: event 'a' goes through kafka and no brokers are set: set -b or FCFS_BROKERS" "$output"
	run -69 fcfs-audit -b 127.0.0.1:1 --connect-timeout 1s a
	run -64 fcfs-audit --ledger nosuch:x a
}

@test "who may only audit may audit, and decides nothing" {
	export FCFS_BROKERS=
	world a
	fcfs-setup acl | redis >/dev/null
	redis acl setuser fcfs-auditor on '>secret' >/dev/null
	echo secret >"$T/password"
	export FCFS_REDIS=redis://fcfs-auditor@127.0.0.1:$REDIS_PORT FCFS_REDIS_PASSWORD_FILE=$T/password
	clean a
	run -78 fcfs-join a zed
	run -78 fcfs-leave a p0000001
	run -78 fcfs-event set a --stock 9
}

# The last: of what the tests before it broke.
@test "each query was seen to find what it is for" {
	same '' "$(comm -23 <(sed -nE 's/^-- (P[0-9]+) ((final|notice): )?(.*)/\1\t\4/p' "$TREE/common/sql/promises.sql" | sort -u) \
		<(sort -u "$SEEN"))"
}
