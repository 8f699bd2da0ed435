#!/usr/bin/env bats
# Through Kafka what other files show of the pipe and of SQLite: Redis killed and lost, the ledger's conflicts, deliveries
# that fail, a ledger in PostgreSQL, an archive (P1 to P5, P7, P8). Most of it is waiting, so it is done side by side.
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # each test is a subshell; run sets variables, beside calls

load ../stage
load ../deliver

setup_file() {
	servers_start --brokers 1
	eval "$("$TREE/scripts/servers" start "$SERVERS" postgresql 3>&-)"
	strike_build
}
teardown() {
	local T
	for T in "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"/*/; do
		reap
	done
}

# ended STATUS COMMAND...: it ends with that
ended() {
	local status=0
	timeout "$LIMIT" "${@:2}" || status=$?
	same "$1" $status
}

# --- Redis -----------------------------------------------------------------------------------------

# follow [OPTION...]: both stages; sets dispatch and issue
follow() {
	spawn fcfs-dispatch --batch 5 --every 50ms --follow "$@" e 2>>"$T/err"
	dispatch=$pid
	spawn fcfs-issue --chunk 5 --ledger "sqlite:$T/ledger" --follow "$@" 2>>"$T/err"
	issue=$pid
}

redis_kill() {
	kill -9 "$(cat "$SERVERS/redis/pid")"
}

@test "Redis killed with -9 in mid-flow: both go on; lost for good: both end with 69, and their reruns complete" {
	local dispatch issue stop
	topics 3
	event e 2000 2400
	follow
	for stop in 10 80; do
		soon at_least e issued $stop
		redis_kill
		servers_start --brokers 1
	done
	soon at_least e issued 150
	kill -TERM "$dispatch" "$issue"
	ends "$dispatch" 0
	ends "$issue" 0
	follow --reconnect 300ms
	soon at_least e issued 200
	redis_kill
	ends "$dispatch" 69
	ends "$issue" 69
	same 2 "$(grep -c "^fcfs-[a-z]*: .*redis '127.0.0.1:$REDIS_PORT': " "$T/err")"
	servers_start --brokers 1
	[ "$(field e issued)" -lt 2000 ]
	finish e --ledger "sqlite:$T/ledger"
	once e 2000
}

# --- the ledger ------------------------------------------------------------------------------------

@test "of chunks that share a transaction of the ledger one fits neither: those before it are out, none behind it" {
	topics 1
	event a 8 8
	fcfs-issue --ledger "sqlite:$T/ledger"
	fcfs-dispatch a
	sqlite3 "$T/ledger" "insert into issued (event, id, ticket, \"user\", code, joined_us, granted_us, issued_us, state)
		values ('a', '$(field a id)', 5, 'mallory', 'X', 1, 1, 1, 'issued')"
	run -70 timeout "$LIMIT" fcfs-issue --chunk 2 --ledger "sqlite:$T/ledger"
	same "fcfs-issue: event 'a': redis has ticket 5 for 'p0000005', the ledger has ticket 5 for 'mallory': one of them is not this event's" "$output"
	same '1 2 3 4' "$(issued_of a | jq .ticket | xargs)"
	same '1 2 3 4 5' "$(sqlite3 "$T/ledger" 'select ticket from issued order by ticket' | xargs)"
	same '4 failed' "$(field a issued) $(redis --raw lindex "$(key a runs)" -1 | jq -r .status)"
	sqlite3 "$T/ledger" 'delete from issued where ticket = 5'
	ended 0 fcfs-issue --chunk 2 --ledger "sqlite:$T/ledger"
	all_out a 8
	ended 0 fcfs-audit --final --ledger "sqlite:$T/ledger" a
}

# at_commit DATABASE TEXT: a new ledger there, url, that does this for each row when it is committed
at_commit() {
	export PGDATABASE=$1
	url=postgresql:///$1
	psql -XAtq -d postgres -c "CREATE DATABASE $1"
	fcfs-issue --ledger "$url"
	psql -XAtq <<-END
		CREATE SEQUENCE rows;
		CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN $2; RETURN NULL; END \$\$;
		CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON issued DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION at_commit();
	END
}

@test "a transaction of the ledger that several share fails for a moment: that is told, counted, and all is kept" {
	local url
	topics 1
	at_commit moment "IF nextval('rows') = 3 THEN RAISE EXCEPTION 'busy' USING ERRCODE = '40001'; END IF"
	event a 8 8
	fcfs-dispatch a
	ended 0 fcfs-issue -v --chunk 2 --ledger "$url" 2>"$T/err"
	same "fcfs-issue: ledger '$url': busy
fcfs-issue: event 'a': in 8 = done 8 + already 0 + refused 0 + dead 0, retried 1" "$(grep -v kafka "$T/err")"
	all_out a 8
	ended 0 fcfs-audit --final --ledger "$url" a
}

# locked yes|no: somebody has the lock; somebody waits for it
locked() {
	[ "$(psql -XAtq -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted = '$1'")" -ge 1 ]
}

# more N: the event has N more people, and as many more winners are on their way
more() {
	local stock
	stock=$(($(field a stock) + $1))
	fcfs-event set a --stock $stock >/dev/null
	people $stock | tail -n "$1" | fcfs-join a >/dev/null
	fcfs-dispatch a
}

four_are_out() {
	[ "$(values gifticon_issued | wc -l)" -eq 4 ]
}

# Four are out, the next four are in the ledger's commit, and others are asked for: Redis refuses to mark one of the first,
# which is heard of when an answer is waited for that comes behind it.
refused() {
	local issuer
	spawn psql -XAtq -c 'SELECT pg_advisory_lock(7), pg_sleep(1000)' 2>/dev/null
	soon locked yes
	STRIKE_UNTIL=$T/held spawn strike 26 1 before fcfs-issue --follow --chunk 1 --ledger "$url" 2>"$T/err"
	issuer=$pid
	soon [ -e "$T/held" ]
	soon locked no
	more 1
	redis set refused a >/dev/null
	rm "$T/held"
	soon four_are_out
	psql -XAtq -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'ExclusiveLock' AND locktype = 'advisory'" >/dev/null
	soon gone "$issuer" || kill "$issuer"
	ends "$issuer" 75
	same "fcfs-issue: redis '127.0.0.1:$REDIS_PORT': OOM none is left: nobody is let in until it has memory" "$(cat "$T/err")"
}

@test "Redis refuses to mark what is out, while chunks behind it are kept: the run ends with that, the next one marks it" {
	local url
	topics 1
	at_commit marks 'IF NEW.ticket > 4 THEN PERFORM pg_advisory_xact_lock_shared(7); END IF'
	event a 10 10
	fcfs-dispatch a
	forged "s/^local function done(.*/&\n\tif redis.call('DEL', 'refused') == 1 then return redis.error_reply('OOM none is left') end/" refused
	ended 0 fcfs-issue --ledger "$url"
	all_out a 11
	ended 0 fcfs-audit --final --ledger "$url" a
}

# --- side by side ----------------------------------------------------------------------------------

# beside CHECK...: each in a namespace and a folder of its own, all at once; says where one has failed
beside() {
	local check failed=''
	declare -A pids
	for check; do # first, and one after another: a broker that is busy takes too long over so many
		FCFS_PREFIX=$FCFS_PREFIX$check. topics 2
	done
	for check; do
		(
			set -eE
			T=$T/$check FCFS_PREFIX=$FCFS_PREFIX$check.
			export FCFS_PREFIX FCFS_STATE=$T/state
			mkdir "$T"
			exec >"$T/log" 2>&1
			trap - DEBUG
			trap 'echo "$BASH_COMMAND: lines ${BASH_LINENO[*]}" >&2' ERR
			$check
		) 3>&- &
		pids[$check]=$!
	done
	for check; do
		wait "${pids[$check]}" || {
			failed+=" $check"
			sed "s/^/$check: /" "$T/$check/log" >&2
		}
	done
	same '' "$failed"
}

audited() {
	ended 0 fcfs-audit --final --ledger "$1" a
}

# header NAME: of each dead letter, in order
header() {
	envelopes gifticon_publish.dlq | jq -r ".headers as \$h | \$h[(\$h | index(\"$1\")) + 1]"
}

# fails COMMAND: a delivery that has this done to it over ticket 2, each time
fails() {
	event a 4 4
	fcfs-dispatch a
	ended 65 fcfs-issue -v --ledger "sqlite:$T/ledger" --retries 1 --retry-max 10ms --deliver-timeout 5s \
		--deliver "$(by_hand "[ \$ticket != 2 ] || $1")" 2>"$T/err"
	grep -q 'in 4 = done 3 + already 0 + refused 0 + dead 1, retried [1-9]' "$T/err"
	same 'exhausted 2' "$(header error_class) $(header attempts)"
	[ "$(header first_failure_us)" -lt "$(header last_failure_us)" ]
	same '1 3 4' "$(issued_of a | jq .ticket | paste -sd ' ')"
	same '3 1' "$(field a issued) $(field a parked)"
	audited "sqlite:$T/ledger"
}

hangs() { fails 'sleep 1000'; }
dies() { fails 'exit 1'; }

# The ledger has a ticket as somebody else's.
contradicts() {
	event a 5 5
	fcfs-issue --ledger "sqlite:$T/ledger"
	fcfs-dispatch a
	sqlite3 "$T/ledger" "insert into issued (event, id, ticket, \"user\", code, joined_us, granted_us, issued_us, state)
		select 'a', '$(field a id)', value, 'mallory' || value, 'X' || value, 1, 1, 1, 'issued' from generate_series(1, 5)"
	ended 70 fcfs-issue --ledger "sqlite:$T/ledger" 2>"$T/err"
	grep -qE "^fcfs-issue: event 'a': redis has ticket ([1-5]) for 'p000000\1', the ledger has ticket \1 for 'mallory\1': one of them is not this event's$" \
		"$T/err"
	same '0 0' "$(field a issued) $(values gifticon_issued | wc -l)"
	sqlite3 "$T/ledger" 'delete from issued'
	ended 0 fcfs-issue --ledger "sqlite:$T/ledger"
	all_out a 5
	audited "sqlite:$T/ledger"
}

rows() {
	sqlite3 "$T/ledger" 'select ticket, code, issued_us from issued order by ticket'
}

# forget COMMAND...: does that, and then Redis has all of the event as before
forget() {
	local one
	for one in $(redis keys "$(key a '*')"); do
		redis copy "$one" "kept:$one" >/dev/null
	done
	"$@"
	purge a
	for one in $(redis keys "kept:$(key a '*')"); do
		redis rename "$one" "${one#kept:}" >/dev/null
	done
	same '0 0' "$(redis exists "$(key a pending)") $(field a issued)"
	rows >"$T/rows"
	[ -s "$T/rows" ]
}

# as_before N: N have a code, those that the ledger had are its own, and nothing else is wrong
as_before() {
	all_out a "$1"
	same '' "$(rows | grep -vxFf - "$T/rows" || :)"
	audited "sqlite:$T/ledger"
}

# What was assigned and kept, and not committed: the same codes come out.
forgets() {
	event a 10 12
	fcfs-dispatch a
	forget struck 26 1 before fcfs-issue --ledger "sqlite:$T/ledger"
	ended 0 fcfs-issue --ledger "sqlite:$T/ledger"
	as_before 10
}

# What was committed: no issuer reads it again, the report tells of it, and the ledger and the topics have it.
loses() {
	event a 10 12
	fcfs-dispatch a
	forget ended 0 fcfs-issue --ledger "sqlite:$T/ledger"
	ended 0 fcfs-issue --ledger "sqlite:$T/ledger"
	same 10 "$(fcfs-report -j a | jq .stranded)"
	fcfs-archive rebuild --replace --ledger "sqlite:$T/ledger" a
	same 0 "$(fcfs-report -j a | jq .stranded)"
	fcfs-dispatch a || same 1 $? # that it was rebuilt is in the log
	as_before 10
}

AT='28:1 26:1 fcfs_done_1:1 fcfs_park_1:1'

# Two issuers, one ledger on a server; the one is killed again and again while both deliver, the other goes on.
two_on_postgresql() {
	local at url=postgresql:///twins issuer second third="if .ticket % 3 == 0 then $NEVER else $OK end"
	export PGDATABASE=twins
	psql -XAtq -d postgres -c 'CREATE DATABASE twins'
	event a 1 1
	fcfs-dispatch a
	spawn fcfs-issue -q --follow --instance second --chunk 10 --ledger "$url" --deliver "$(courier "$third")" 2>"$T/second"
	second=$pid
	for at in $AT; do
		spawn strike "${at%:*}" "${at#*:}" before fcfs-issue -q --follow --instance first --chunk 10 --ledger "$url" \
			--deliver "$(courier "$third")" 2>>"$T/first"
		issuer=$pid
		until gone "$issuer"; do
			more 20
			sleep 0.2
		done
		wait "$issuer" || same 137 $?
	done
	spawn fcfs-issue -q --follow --instance first --ledger "$url" --deliver "$(courier "$third")" 2>>"$T/first"
	issuer=$pid
	settled() { [ $(($(field a issued) + $(field a parked))) -eq "$(field a stock)" ]; }
	soon settled
	kill -TERM "$issuer" "$second"
	ends "$issuer" 65
	ends "$second" 65
	people "$(field a parked)" q | fcfs-join a >/dev/null
	same '' "$(envelopes gifticon_publish.dlq | jq '.payload | fromjson | .ticket' | sort | uniq -d)"
	fcfs-issue --return-dead all --ledger "$url"
	fcfs-dispatch a
	ended 0 fcfs-issue --ledger "$url" --deliver "$(courier "$OK")"
	same "$(field a stock)" "$(issued_of a | jq -r .code | sort -u | wc -l)"
	same "$(issued_of a | jq -r '"\(.ticket)|\(.code)"')" \
		"$(psql -XAtq -c "SELECT ticket, code FROM issued WHERE state = 'issued' ORDER BY ticket")"
	audited "$url"
}

# What a pass of one, of several, and one that follows do by themselves.
passes() {
	event closes 10 2
	spawn fcfs-dispatch --every 50ms --follow closes
	soon field_is closes published_winners 2
	people 6 | fcfs-join closes >/dev/null
	soon field_is closes published_winners 6
	kill -0 "$pid"
	fcfs-event set closes --state closed >/dev/null
	fcfs-issue
	ends "$pid" 0

	event paused 2 5
	fcfs-dispatch paused
	fcfs-event set paused --stock 5 --state paused >/dev/null
	fcfs-issue
	ended 1 fcfs-dispatch paused
	same '2 2' "$(field paused granted) $(field paused issued)"
	fcfs-event set paused --state open >/dev/null
	fcfs-dispatch paused

	event one 2 2
	event piped 2 2
	fcfs-dispatch -b '' piped >"$T/w"
	event twice 3 3
	ended 78 fcfs-dispatch one nosuch piped twice twice 2>"$T/err"
	same "fcfs-dispatch: event 'piped': it was first dispatched through 'pipe'
fcfs-dispatch: event 'nosuch': no such event" "$(cut -d , -f 1 "$T/err")"
	same 3 "$(winners_of twice | wc -l)"

	fcfs-event create names --stock 9 >/dev/null
	printf '%s\n' 'a"b' '{a,b}' "o'neil" 'back\slash' '\"' '%s' '김' 'x:y@z' >"$T/people"
	fcfs-join names <"$T/people" >/dev/null
	fcfs-dispatch names
	ended 0 fcfs-issue --ledger "sqlite:$T/ledger"
	same "$(cat "$T/people")" "$(issued_of names | jq -r .user)"
	same "$(sort "$T/people")" "$(envelopes gifticon_issued | jq -r 'select(.payload | fromjson | .event == "names") | .key' | sort)"
	all_out closes 6
	all_out paused 5
	all_out one 2
	all_out twice 3
}

# dead N: there are so many dead letters, of as many records
dead() {
	same "$1 $1" "$(header original_offset | wc -l) $(header original_offset | sort -u | wc -l)"
}

# --skip-limit ends a run with the chunk in which there were more; the next goes on behind it.
skips() {
	local n
	event a 2 2
	fcfs-dispatch a
	seq -f 'bad%.0f' 30 | kcat -P -b "$FCFS_BROKERS" -t "${FCFS_PREFIX}gifticon_publish" -p 0
	fcfs-event set a --stock 4 >/dev/null
	printf 'p%07d\n' 3 4 | fcfs-join a >/dev/null
	fcfs-dispatch a
	ended 1 fcfs-issue -q --chunk 2 --skip-limit 3 2>"$T/err"
	same 'fcfs-issue: more than 3 dead records: ended early, as --skip-limit says' "$(grep -v ': not JSON' "$T/err")"
	n=$(header original_offset | wc -l)
	((n > 3 && n <= 3 + 2))
	ended 65 fcfs-issue -q --skip-limit 30 2>>"$T/err"
	dead 30
	all_out a 4
}

# told [OPTION...]: the report, but for what a restore begins anew
told() {
	fcfs-report -j "$@" | jq -S 'del(.epoch)'
}

# An event is archived, purged and restored; the archive is read as it is, too.
archived() {
	event a 5 8
	both a
	fcfs-leave a p0000007 >/dev/null
	fcfs-event set a --state closed >/dev/null
	fcfs-dispatch a || same 1 $?
	told a >"$T/live"
	fcfs-archive save a >"$T/a"
	fcfs-archive verify a <"$T/a"
	fcfs-archive purge a
	fcfs-archive restore a <"$T/a"
	diff "$T/live" <(told a)
	same '[0,0,0,0]' "$(jq -c '[.stranded, .unissued, .dead_letters, .kafka_lag]' "$T/live")"
	diff <(jq -S '.kafka_lag = null | .dead_letters = null | .dead_letters_other = null' "$T/live") <(told --archive "$T/a")
	all_out a 5
}

@test "side by side: deliveries, the ledger's conflicts, PostgreSQL, passes, --skip-limit, an archive" {
	beside hangs dies contradicts forgets loses two_on_postgresql passes skips archived
}
