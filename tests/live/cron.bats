#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# The lines for cron and the units for systemd, run as they stand: only the folders are others, and /etc/fcfs.conf.

load ../helper
load ../flow
load ../kafka
load ../manual

CRONTAB=$TREE/scripts/crontab.example
UNITS=$TREE/scripts/systemd

setup_file() { servers_start --brokers 1; }
teardown_file() { servers_stop; }

# What stands for /etc/fcfs.conf and /var/lib/fcfs. The tools that this file itself calls are not cron's.
setup() {
	namespace
	mkdir -m 700 "$T/lib"
	printf '%s\n' "FCFS_REDIS=$FCFS_REDIS" "FCFS_BROKERS=$FCFS_BROKERS" "FCFS_PREFIX=$FCFS_PREFIX" >"$T/fcfs.conf"
	bin=$T/bin # neither cron nor systemd has a folder with a space
	ln -s "$(dirname "$(command -v fcfs-issue)")" "$bin"
	ln -s "$TREE/scripts" "$T/scripts"
	cd "$T" || return
}

teardown() { reap; }

# here: our folders in what is read
here() {
	sed -e "s|/usr/local/bin|$bin|g" -e "s|/var/lib/fcfs|$T/lib|g"
}

# commands: what cron would run each minute
commands() {
	sed -n 's/^\* \* \* \* \* //p' "$1"
}

# bare COMMAND...: with what cron gives, the settings of its table, and the file
bare() {
	local settings
	mapfile -t settings < <(grep -E '^[A-Z_]+=' "$CRONTAB" | here)
	env -i HOME="$T" SHELL=/bin/sh FCFS_CONFIG="$T/fcfs.conf" "${settings[@]}" "$@"
}

# minute [OUT]: all lines at the same time, as cron does; what it would mail is in OUT
minute() {
	local line children=()
	while read -r line; do
		bare timeout "$LIMIT" sh -c "$(here <<<"$line")" >>"${1:-mail}" 2>&1 3>&- &
		children+=($!)
	done < <(commands "$CRONTAB")
	[ ${#children[@]} -ge 2 ]
	wait "${children[@]}" || :
}

# issued_out N: in the ledger, too
issued_out() {
	all_out chicken "$1"
	same "$1" "$(sqlite3 lib/ledger.db 'SELECT count(*) FROM issued')"
}

@test "cron: the lines of the example issue an event, and say nothing" {
	topics
	event chicken 50 60
	for _ in 1 2 3; do
		minute
	done
	same '' "$(cat mail)"
	issued_out 50
	same 600 "$(stat -c %a lib/ledger.db)"
	minute
	same '' "$(cat mail)"
	issued_out 50
	fcfs-leave -q --revoke chicken p0000001 >/dev/null
	minute
	minute
	same '' "$(cat mail)"
	same 51 "$(kafka_codes chicken | wc -l)"
	same 'issued p0000051' "$(fcfs-rank chicken p0000051 | cut -f 1,2 | tr '\t' ' ')"
}

@test "cron: minutes that overlap do no harm" {
	topics
	event chicken 500 500
	for n in 1 2 3; do
		minute "mail.$n" &
		sleep 0.2
	done
	wait
	minute
	minute
	issued_out 500
	cat mail* >said
	run ! grep -vE 'try again later|run again' said
}

@test "cron: the lines in fcfs(7) are those of the example; the pipe's works, and works again" {
	section "$MAN/fcfs.7" CRON | sed 's/^ *//' >page
	commands page >lines
	same "$(commands "$CRONTAB")" "$(grep -v '|' lines)"
	grep '|' lines >pipe
	same 1 "$(wc -l <pipe)"
	sed -i /BROKERS/d fcfs.conf
	event chicken 2 3
	for _ in 1 2; do
		run -0 bare sh -c "$(here <pipe)"
		same '' "$output"
		same 'p0000001 p0000002' "$(jq -r .user lib/issued.jsonl | paste -sd ' ')"
		same 2 "$(sqlite3 lib/ledger.db 'SELECT count(*) FROM issued')"
	done
}

# --- what has ended ------------------------------------------------------------------------------

# daily [OUT]: the line that runs once a day; what it would mail is in OUT
daily() {
	local line status=0
	line=$(sed -n 's/^7 4 \* \* \* //p' "$CRONTAB" | here | sed "s|fcfs-archive-ended|$T/scripts/&|")
	bare timeout "$LIMIT" sh -c "$line" >>"${1:-mail}" 2>&1 3>&- || status=$?
	return $status
}

# past NAME N: an event that is issued out and was closed N days ago
past() {
	FCFS_BROKERS='' event "$1" 2 3
	FCFS_BROKERS='' fcfs-dispatch "$1" | FCFS_BROKERS='' fcfs-issue >/dev/null
	fcfs-event set "$1" --state closed
	redis hset "$(key "$1" event)" state_us $((($(date +%s) - $2 * 86400) * 1000000)) >/dev/null
}

# kept EVENT: it is in a file of its own, whole, and no more in Redis
kept() {
	same 1 "$(find lib/archive -name "$1.*.jsonl.gz" | wc -l)"
	same 600 "$(stat -c %a "lib/archive/$1".*.jsonl.gz)"
	same '' "$(redis keys "$(key "$1" '*')")"
	gzip -dc "lib/archive/$1".*.jsonl.gz | fcfs-archive -q verify "$1"
}

@test "cron: what ended a week ago is archived and purged, and nothing else; again it does nothing" {
	past old 8
	past a.b-c 30
	past young 6
	event open 2 3
	event closed 2 3
	fcfs-event set closed --state closed
	same "7 4 * * * fcfs-archive-ended /var/lib/fcfs/archive" "$(section "$MAN/fcfs.7" CRON | sed -n 's/^ *\(7 4 .*\)/\1/p')"
	for _ in 1 2; do
		daily
		same '' "$(cat mail)"
		kept old
		kept a.b-c
		same 2 "$(find lib/archive -name '*.gz' | wc -l)"
		same 'closed open young' "$(fcfs-event list | cut -f 1 | paste -sd ' ')"
	done
	redis hset "$(key closed event)" state_us 1 >/dev/null
	daily
	same "fcfs-archive: event 'closed' has not ended: 2 still to be granted: run fcfs-dispatch and fcfs-issue" "$(cat mail)"
}

@test "cron: an event of Kafka that comes back has nothing more to publish" {
	topics
	event chicken 2 3
	minute
	minute
	issued_out 2
	fcfs-event set chicken --state closed
	run -1 fcfs-archive save chicken
	[[ $output == *"1 decisions not in Kafka yet"* ]]
	minute
	redis hset "$(key chicken event)" state_us 1 >/dev/null
	for topic in event_requests event_log gifticon_publish gifticon_issued; do
		values $topic
	done >before
	daily
	kept chicken
	minute
	gzip -dc lib/archive/chicken.*.gz | fcfs-archive restore chicken
	: >mail
	minute
	same '' "$(cat mail)"
	for topic in event_requests event_log gifticon_publish gifticon_issued; do
		values $topic
	done >after
	diff before after
	fcfs-report chicken | grep -E '^(unpublished|unissued)' | cut -f 2 | sort -u >open
	same 0 "$(cat open)"
}

@test "cron: an event that has changed since its file was written is saved anew" {
	past old 8
	mkdir -p lib/archive
	id=$(field old id)
	fcfs-archive save old | gzip >"lib/archive/old.$id.jsonl.gz"
	fcfs-leave --revoke old p0000001 >/dev/null
	FCFS_BROKERS='' fcfs-dispatch old | FCFS_BROKERS='' fcfs-issue >/dev/null
	daily
	same '' "$(cat mail)"
	kept old
	same 'p0000002 p0000003' "$(gzip -dc "lib/archive/old.$id.jsonl.gz" | jq -r 'select(.ticket and .issued).user' | paste -sd ' ')"
	past old 8
	echo damaged >"lib/archive/old.$(field old id).jsonl.gz"
	daily
	same '' "$(cat mail)"
	same 2 "$(find lib/archive -name 'old.*.jsonl.gz' -size +100c | wc -l)"
}

@test "cron: archiving at the same time, twice: one does it" {
	past old 8
	daily mail.1 &
	local first=$! # a process substitution sets it, too
	daily mail.2
	wait "$first"
	same '' "$(cat mail.*)"
	kept old
}

# stub NAME NTH: kills whoever calls it for the NTH time, before it is run or, with NTH.5, behind
stub() {
	mkdir -p stub
	cat >"stub/$1" <<-END
	#!/bin/bash
	echo >>"$T/calls"
	n=\$(wc -l <"$T/calls")
	[ \$n != $2 ] || { kill -9 \$PPID; exit 1; }
	"$(command -v "$1")" "\$@"
	status=\$?
	[ \$n.5 != $2 ] || kill -9 \$PPID
	exit \$status
	END
	chmod +x "stub/$1"
}

@test "cron: archiving killed before and after each of its commands, and again" {
	here <"$CRONTAB" | sed "s|^PATH=|&$T/stub:|" >table
	for name in fcfs-archive gzip sync mv; do
		for n in 1 1.5 2 2.5 3 3.5; do
			rm -rf stub calls mail lib/archive
			past "e.$name.$n" 8
			stub $name $n
			CRONTAB=$T/table daily || killed=$((killed + 1))
			rm -rf stub
			daily
			kept "e.$name.$n"
			same '' "$(find lib/archive -name '.*.part')"
		done
	done
	[ "$killed" -ge 16 ]
}

@test "cron: a full disk while archiving: 74, and the event stays" {
	past old 8
	stub gzip 0
	printf '#!/bin/sh\ncat >/dev/full\n' >stub/gzip
	here <"$CRONTAB" | sed "s|^PATH=|&$T/stub:|" >table
	status=0
	CRONTAB=$T/table daily || status=$?
	same 74 "$status"
	same '' "$(find lib/archive -name '*.gz*')"
	same old "$(fcfs-event list | cut -f 1)"
}

# --- systemd -------------------------------------------------------------------------------------

# unit NAME: its copy with our folders
unit() {
	here <"$UNITS/$1@.service" >"$1@.service"
}

# started NAME INSTANCE: its command line, as it is with this instance
started() {
	sed -n 's/^ExecStart=//p' "$1@.service" | sed -e "s|%i|$2|g" -e "s|%S/fcfs|$T/lib|g"
}

# A path that is not there, a name that is none, a value that is wrong. Names with a dash are no paths here.
@test "systemd: the units are sound, and closed" {
	for name in fcfs-dispatch fcfs-issue; do
		unit $name
		for file in $name@.service $name@fried-chicken.1.service; do
			[ -e "$file" ] || ln -s $name@.service "$file"
			run -0 systemd-analyze verify --man=no "./$file"
			same '' "$output"
		done
		run -0 systemd-analyze security --offline=true --threshold=15 "./$name@.service"
	done
	same "$(ls "$UNITS")" "$(ls -- *@.service)"
}

@test "systemd: an unsound unit is found" {
	unit fcfs-issue
	sed -i 's|^ExecStart=/|&no/where/|' fcfs-issue@.service
	run ! systemd-analyze verify --man=no ./fcfs-issue@.service
}

# calls FILE...: names of the system calls in what strace -c wrote
calls() {
	awk '/^-+ / { on = !on; next } on && NF { print $NF }' "$@" | sort -u
}

# allowed NAME: those the unit's filter lets pass, as systemd says
allowed() {
	local groups group
	groups=$(sed -n 's/^SystemCallFilter=\([^~]\)/\1/p' "$1@.service")
	calls_of "$groups" >"$1.in"
	groups=$(sed -n 's/^SystemCallFilter=~//p' "$1@.service")
	for group in $groups; do
		calls_of "$group"
	done >"$1.out"
	grep -vxF -f "$1.out" "$1.in"
}

# calls_of GROUP: and of the groups in it
calls_of() {
	local word
	while read -r word; do
		case $word in
		@*) calls_of "$word" ;;
		*) echo "$word" ;;
		esac
	done < <(systemd-analyze syscall-filter "$1" | sed -n 's/^ \{4\}\([@a-z0-9_-]*\)$/\1/p')
}

@test "systemd: the units' commands issue an event, end when told, and make no call that is filtered" {
	topics
	event chicken 50 60
	for name in fcfs-dispatch fcfs-issue; do
		unit $name
		same "FCFS_STATE=$T/lib/state" "$(sed -n 's|^Environment=||p' $name@.service | sed "s|%S/fcfs|$T/lib|")"
		# shellcheck disable=SC2046 # systemd splits it, too
		spawn env -i HOME="$T" FCFS_CONFIG="$T/fcfs.conf" FCFS_STATE="$T/lib/state" strace -D -f -qq -c -o $name.calls \
			$(started $name chicken)
		pids+=("$pid")
	done
	soon at_least chicken issued 50
	soon test ! -d "/proc/${pids[0]}" # the event has ended
	wait "${pids[0]}"
	kill -TERM "${pids[1]}"
	wait "${pids[1]}"
	issued_out 50
	for name in fcfs-dispatch fcfs-issue; do
		soon grep -q total $name.calls
		{
			allowed $name
			[ "$(id -u)" -ne 0 ] || echo fchown # SQLite's, for root only
		} >$name.allowed
		[ "$(calls $name.calls | wc -l)" -gt 20 ]
		[ "$(wc -l <$name.allowed)" -gt 200 ]
		same '' "$(calls $name.calls | grep -vxF -f $name.allowed -e total || :)"
	done
}
