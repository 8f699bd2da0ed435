#!/usr/bin/env bats
# The ledger in PostgreSQL: what every ledger does (tests/unit/test_ledger.c), and what a server adds: it is away, it
# restarts, it is somebody else's.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets stderr, spawn sets pid

load ../helper
load ../flow

setup_file() {
	servers_start
	postgresql_start
}

teardown_file() {
	servers_stop
}

# A database a test, but the first ones make theirs.
setup() {
	namespace
	export PGDATABASE=d$BATS_TEST_NUMBER
	url=postgresql:///$PGDATABASE
	psql -XAtq -d postgres -c "CREATE DATABASE $PGDATABASE" >/dev/null
	children=()
}

teardown() {
	reap
}

postgresql_start() {
	eval "$("$TREE/scripts/servers" start "$SERVERS" postgresql 3>&-)"
}

postgresql_stop() {
	"$TREE/scripts/servers" stop "$SERVERS" postgresql 3>&-
}

# sql TEXT: its answer, columns with | between
sql() {
	psql -XAtq -v ON_ERROR_STOP=1 -c "$1"
}

issue() {
	timeout "$LIMIT" fcfs-issue --ledger "$url" "$@"
}

# in_ledger FILE: the ledger's rows are the records in FILE, and nothing else
in_ledger() {
	diff <(jq -r '[.id, .event, .ticket, .user, .code, .joined_us, .granted_us, .issued_us, "", "issued"] | join("|")' "$1") \
		<(sql 'SELECT * FROM issued ORDER BY ticket')
}

# counts N SQL: its answer is N
counts() {
	[ "$(sql "$2")" = "$1" ]
}

# waiting_for_a_lock: some session is
waiting_for_a_lock() {
	! counts 0 "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
}

# hold SQL: another session has done it, and does not commit; sets pid
hold() {
	spawn psql -XAtq -c "BEGIN; $1; SELECT pg_sleep(1000)"
	soon counts 1 "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
}

# let_go: ends all other sessions of this database
let_go() {
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
		AND datname = '$PGDATABASE'" >/dev/null
}

@test "what every ledger does, PostgreSQL does" {
	run "${FCFS_UNIT:-$TREE/build/tests/unit}/test_ledger" postgresql
	printf '%s\n' "$output" | grep -v '^ok' >&2
	[ "$status" -eq 0 ]
	[[ $output == *$'\nok 60 '* ]]
}

@test "its rows are what is printed, the runs are there, and a rerun changes nothing" {
	event a 250 250
	fcfs-dispatch a >"$T/w"
	issue --chunk 100 <"$T/w" >"$T/out"
	all_issued a 250 "$T/out"
	in_ledger "$T/out"
	same "$(redis --raw lindex "$(key a runs)" -1 | jq -r '[.run, .tool, .host, .event, .id, .status, .started_us, .ended_us, .in,
		.done, .already, .refused, .dead, .retried, .error] | join("|")')" "$(sql 'SELECT * FROM runs')"
	run -0 issue <"$T/w"
	same '' "$output"
	in_ledger "$T/out"
	same 2 "$(sql 'SELECT count(*) FROM runs')"
}

@test "names with quotes, braces and backslashes are rows like others" {
	fcfs-event create a --stock 9 >/dev/null
	printf '%s\n' 'a"b' '{a,b}' "o'neil" 'back\slash' '\"' 'NULL' '김' >"$T/people"
	fcfs-join a <"$T/people" >/dev/null
	fcfs-dispatch a >"$T/w"
	issue <"$T/w" >"$T/out"
	in_ledger "$T/out"
	same "$(cat "$T/people")" "$(sql 'SELECT "user" FROM issued ORDER BY ticket')"
}

@test "audited: more rows than a page, and the runs, are read; what differs is named" {
	event a 1200 1201
	fcfs-dispatch a | issue >"$T/issued"
	run -0 fcfs-audit --final -j --ledger "$url" a
	same '1200 1 0' "$(jq -r '"\(.ledger) \(.ledger_runs) \(.breaches)"' <<<"$output")"
	run -0 fcfs-audit --explain p0001100 -j --ledger "$url" a
	same "issued 1100 $(sql 'SELECT issued_us FROM issued WHERE ticket = 1100')" \
		"$(jq -r '"\(.ledger) \(.ledger_ticket) \(.ledger_issued_us)"' <<<"$output")"
	sql 'UPDATE issued SET joined_us = 1 WHERE ticket = 1150' >/dev/null
	sql 'UPDATE runs SET done = done + 1, "in" = "in" + 1' >/dev/null
	run -1 fcfs-audit -q --ledger "$url" a
	same 2 "${#lines[@]}"
	[[ ${lines[0]} == P5*$'p0001150\t1150\tother times in the ledger than in Redis' ]]
	[[ ${lines[1]} == P7*'completed, in 1200, done 1200, in the ledger of issue: completed, in 1201, done 1201' ]]
}

@test "Redis has forgotten what the ledger kept: the ledger's codes and times win" {
	event a 40 40
	fcfs-dispatch a >"$T/w"
	issue <"$T/w" >"$T/out"
	redis del "$(key a issued)" >/dev/null
	redis hset "$(key a event)" issued 0 settled 0 >/dev/null
	run -0 --separate-stderr issue <"$T/w"
	same "$(cat "$T/out")" "$output"
	in_ledger "$T/out"
}

@test "issuers at once over the same winners, in a new ledger: each ticket once" {
	event a 300 300
	fcfs-dispatch a >"$T/w"
	for i in 1 2 3 4; do
		spawn from "$T/w" fcfs-issue --chunk 9 --ledger "$url" >"$T/out$i" 2>"$T/err$i"
	done
	for child in "${children[@]}"; do
		wait "$child" || [ $? -eq 75 ] # another one finished the same ticket just now
	done
	issue <"$T/w" >"$T/out5"
	same 300 "$(sql 'SELECT count(DISTINCT ticket) FROM issued')"
	diff <(redis_codes a) <(sql "SELECT \"user\" || ' ' || code FROM issued" | sort)
	diff <(redis_codes a) <(printed_codes "$T"/out? | sort -u)
}

@test "killed between rows and commit: nothing is left of it, and the rerun is complete" {
	event a 30 30
	fcfs-dispatch a >"$T/w"
	head -n 10 "$T/w" | issue >"$T/1"
	# the next chunk waits for a lock inside the transaction that has its first rows
	hold "INSERT INTO issued SELECT '$(field a id)', 'x', 15, 'x', 'x', 1, 1, 1, NULL, 'issued'"
	spawn from "$T/w" fcfs-issue --chunk 10 --ledger "$url" >>"$T/1"
	soon waiting_for_a_lock
	kill -9 "$pid"
	let_go
	soon counts 10 'SELECT count(*) FROM issued'
	issue --chunk 10 <"$T/w" >>"$T/1"
	sort -u "$T/1" | jq -sc 'sort_by(.ticket)[]' >"$T/out"
	all_issued a 30 "$T/out"
	in_ledger "$T/out"
}

@test "the server is restarted between two chunks: the issuer goes on" {
	event a 20 20
	fcfs-dispatch a >"$T/w"
	mkfifo "$T/in"
	spawn from "$T/in" fcfs-issue --ledger "$url" >"$T/out"
	exec {feed}>"$T/in"
	head -n 5 "$T/w" >&$feed
	soon field_is a issued 5
	postgresql_stop
	postgresql_start
	tail -n +6 "$T/w" >&$feed
	soon field_is a issued 20
	exec {feed}>&-
	ends "$pid" 0
	all_issued a 20 "$T/out"
	in_ledger "$T/out"
}

@test "the server is killed inside a transaction and started again: a rerun is complete" {
	event a 20 20
	fcfs-dispatch a >"$T/w"
	issue </dev/null
	hold 'LOCK TABLE issued'
	spawn from "$T/w" fcfs-issue --ledger "$url" >"$T/out" 2>"$T/err"
	soon waiting_for_a_lock
	kill -9 "$(cat "$SERVERS/postgresql/pid")"
	postgresql_start
	soon gone "$pid"
	issue <"$T/w" >>"$T/out"
	all_issued a 20 "$T/out"
	in_ledger "$T/out"
}

@test "what was committed survives a kill, though the server's own setting would lose it" {
	event a 20 20
	fcfs-dispatch a >"$T/w"
	sql "ALTER SYSTEM SET synchronous_commit = off"
	sql "ALTER SYSTEM SET wal_writer_delay = '10s'"
	postgresql_stop
	postgresql_start
	issue <"$T/w" >"$T/out"
	freeze "$(cat "$SERVERS/postgresql/pid")"
	pkill -9 -P "$(cat "$SERVERS/postgresql/pid")"
	kill -9 "$(cat "$SERVERS/postgresql/pid")"
	postgresql_start
	in_ledger "$T/out"
	sql "ALTER SYSTEM RESET ALL"
	postgresql_stop
	postgresql_start
}

@test "another session has the table: waits, and says 75 when that takes too long" {
	event a 2 2
	fcfs-dispatch a >"$T/w"
	issue </dev/null
	hold 'LOCK TABLE issued'
	run -75 --separate-stderr issue --retries 0 <"$T/w"
	same "fcfs-issue: ledger '$url': canceling statement due to lock timeout" "$stderr"
	let_go
	issue <"$T/w" >"$T/out"
	all_issued a 2 "$T/out"
}

@test "a run is in the ledger while it lasts; killed, it is abandoned when another begins a minute later" {
	local ledger
	for ledger in "$url" "sqlite:$T/ledger"; do
		url=$ledger
		event a 3 3
		fcfs-dispatch a >"$T/w"
		mkfifo "$T/in$BASHPID" 2>/dev/null || true
		spawn from "$T/in$BASHPID" fcfs-issue --ledger "$url" >"$T/out"
		exec {feed}>"$T/in$BASHPID"
		head -n 1 "$T/w" >&$feed
		soon field_is a issued 1
		same running "$(runs)"
		kill -9 "$pid"
		exec {feed}>&-
		soon gone "$pid"
		case $url in
		sqlite:*) sqlite3 "$T/ledger" 'UPDATE runs SET ended_us = ended_us - 61000000' ;;
		*) sql 'UPDATE runs SET ended_us = ended_us - 61000000' ;;
		esac
		issue <"$T/w" >"$T/out"
		same 'abandoned completed' "$(runs | xargs)"
		purge a
	done
}

# runs: the status of each, in the order they began
runs() {
	case $url in
	sqlite:*) sqlite3 "$T/ledger" 'SELECT status FROM runs ORDER BY started_us' ;;
	*) sql 'SELECT status FROM runs ORDER BY started_us' ;;
	esac
}

# states: TICKET STATE a line
states() {
	case $url in
	sqlite:*) sqlite3 -separator ' ' "$T/ledger" 'SELECT ticket, state FROM issued ORDER BY ticket' ;;
	*) sql 'SELECT ticket, state FROM issued ORDER BY ticket' | tr '|' ' ' ;;
	esac
}

@test "what was revoked, issued or parked, is returned in the ledger at the end of the next run, and its slot goes on" {
	printf '%s\n' '#!/bin/sh' "exec jq -c --unbuffered '{id, ticket, ok: (.ticket != 3), retry: false, why: \"no\"}'" >"$T/deliver"
	chmod +x "$T/deliver"
	for url in "$url" "sqlite:$T/ledger"; do
		event a 5 8
		fcfs-dispatch a >"$T/w"
		run -65 --separate-stderr issue --deliver "$T/deliver" <"$T/w"
		same $'1 issued\n2 issued\n3 parked\n4 issued\n5 issued' "$(states)"
		fcfs-leave --revoke a p0000002 >/dev/null
		fcfs-leave a p0000008 >/dev/null
		same $'a\t1' "$(fcfs-issue --return-dead all)"
		run -0 --separate-stderr issue -v </dev/null
		[[ $stderr == *'2 rows of the ledger were revoked, and are marked so'* ]]
		same $'1 issued\n2 returned\n3 returned\n4 issued\n5 issued' "$(states)"
		run -0 --separate-stderr issue -v </dev/null
		[[ $stderr != *revoked* ]]
		fcfs-dispatch a | issue >"$T/out"
		same $'1 issued\n2 returned\n3 returned\n4 issued\n5 issued\n6 issued\n7 issued' "$(states)"
		purge a
	done
}

@test "a return that Redis does not know of hides none that it does" {
	for url in "$url" "sqlite:$T/ledger"; do
		event a 3 3
		fcfs-dispatch a | issue >"$T/out"
		case $url in
		sqlite:*) sqlite3 "$T/ledger" "UPDATE issued SET state = 'returned' WHERE ticket = 1" ;;
		*) sql "UPDATE issued SET state = 'returned' WHERE ticket = 1" ;;
		esac
		fcfs-leave --revoke a p0000003 >/dev/null
		issue </dev/null
		same $'1 returned\n2 issued\n3 returned' "$(states)"
		purge a
	done
}

@test "a database whose files fail is as good as away: 69, and all is issued when they are well" {
	event a 2 2
	fcfs-dispatch a >"$T/w"
	issue </dev/null
	for state in 58030 XX001; do
		sql "CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
			RAISE EXCEPTION 'could not read a block' USING ERRCODE = '$state'; END \$\$;
			CREATE OR REPLACE TRIGGER fails BEFORE INSERT ON issued EXECUTE FUNCTION fails()"
		run -69 issue --retries 0 <"$T/w"
		same "fcfs-issue: ledger '$url': could not read a block" "$output"
	done
	sql 'DROP TRIGGER fails ON issued'
	issue <"$T/w" >"$T/out"
	all_issued a 2 "$T/out"
	in_ledger "$T/out"
}

@test "a ledger of a newer fcfs, somebody else's tables, another encoding: 78, and nothing is given or changed" {
	event a 2 2
	fcfs-dispatch a >"$T/w"
	issue </dev/null
	sql "UPDATE meta SET value = '3'"
	run -78 issue <"$T/w"
	same "fcfs-issue: ledger '$url': schema 3 is newer than this program knows (2), upgrade fcfs" "$output"
	sql 'DROP TABLE meta'
	run -78 issue <"$T/w"
	same "fcfs-issue: ledger '$url': its tables are not a ledger of fcfs, name another database" "$output"
	sql 'CREATE TABLE meta (x int)'
	run -78 issue <"$T/w"
	[[ $output == *'not a ledger of fcfs'* ]]
	sql 'DROP TABLE meta, issued, runs; CREATE TABLE people (name text)'
	sql "CREATE DATABASE ${PGDATABASE}latin ENCODING latin1 TEMPLATE template0"
	run -78 issue --ledger "${url}latin" <"$T/w"
	[[ $output == *'has the encoding LATIN1, make one with UTF8' ]]
	run -69 issue --ledger "${url}none" <"$T/w"
	[[ $output == *"database \"${PGDATABASE}none\" does not exist" ]]
	same 1 "$(sql "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")"
	same "0 2" "$(redis hlen "$(key a pending)") $(field a granted)"
	issue <"$T/w" >"$T/out"
	in_ledger "$T/out" # beside the tables of others
}

@test "what the server remarks on a row is not repeated: it may have the code in it" {
	event a 2 2
	issue </dev/null
	sql "CREATE FUNCTION remark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING \$\$%\$\$, NEW; RETURN NEW; END'"
	sql 'CREATE TRIGGER remarks BEFORE INSERT ON issued FOR EACH ROW EXECUTE FUNCTION remark()'
	fcfs-dispatch a | issue >"$T/out" 2>"$T/err"
	same '' "$(cat "$T/err")"
	in_ledger "$T/out"
}

@test "a role that may only read and write rows is enough; one that may not is 78" {
	event a 2 2
	fcfs-dispatch a >"$T/w"
	issue </dev/null
	sql 'CREATE ROLE clerk LOGIN; CREATE ROLE guest LOGIN'
	sql 'GRANT SELECT, INSERT, UPDATE ON issued, runs TO clerk; GRANT SELECT ON meta TO clerk'
	run -78 issue --ledger "postgresql://guest@/$PGDATABASE" <"$T/w"
	[[ $output == *"permission denied for table meta" ]]
	issue --ledger "postgres://clerk@127.0.0.1:$PGPORT/$PGDATABASE" <"$T/w" >"$T/out"
	in_ledger "$T/out"
}

@test "a password in the URL is refused and not shown; so is what is no URL; nobody there is 69" {
	for bad in 'postgresql://u:geheim@h/d' 'postgresql://h/d?password=geheim' 'postgresql://u:gehe@im@h:geheim/d'; do
		run -64 fcfs-issue --ledger "$bad" </dev/null
		[[ $output != *gehe* ]]
		[ "${#lines[@]}" -eq 1 ]
	done
	run -64 fcfs-issue --ledger 'postgresql://u:geheim@h/d' </dev/null
	[[ $output == *'name a file with PGPASSFILE instead' ]]
	PGPASSWORD=geheim run -69 fcfs-issue --ledger "postgresql://127.0.0.1:1/d" </dev/null
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"ledger 'postgresql://127.0.0.1:1/d': "*'Connection refused'* ]]
}
