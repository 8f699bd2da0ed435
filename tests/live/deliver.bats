#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# The delivery commands in scripts/deliver, by themselves and below fcfs-issue.

load ../helper
load ../flow

ID=11111111-2222-4333-8444-555555555555

setup_file() {
	servers_start
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -o "$BATS_FILE_TMPDIR/httpd" "$TREE/tests/httpd.c"
}

teardown_file() { servers_stop; }

setup() {
	namespace
	PATH=$TREE/scripts/deliver:$PATH
}

teardown() { reap; }

# record TICKET [USER]: an issued record
record() {
	printf '{"type":"issued","event":"e","id":"%s","user":"%s","ticket":%d,"code":"SECRET-%d","joined_us":1,"granted_us":2,"issued_us":3}\n' \
		"$ID" "${2:-p$1@example.com}" "$1" "$1"
}

# records N
records() {
	local n
	for ((n = 1; n <= $1; n++)); do
		record "$n"
	done
}

# verdicts FILE: TICKET ok|again|never WHY of each answer, by ticket
verdicts() {
	jq -r "select(.id == \"$ID\") | \"\\(.ticket) \\(if .ok then \"ok\" elif .retry then \"again \" + .why
		else \"never \" + .why end)\"" "$1" | sort -n
}

# httpd: sets url
httpd() {
	mkdir "$T/http"
	spawn "$BATS_FILE_TMPDIR/httpd" "$T/http" >"$T/port"
	soon has "$T/port" 1
	url=http://127.0.0.1:$(cat "$T/port")/issued
}

# --- http ----------------------------------------------------------------------------------------

@test "http: each record is posted as it is, with its key" {
	httpd
	records 30 >"$T/records"
	run -0 --separate-stderr http "$url" <"$T/records"
	same '' "$stderr"
	verdicts /dev/stdin <<<"$output" >"$T/got"
	diff <(seq -f '%.0f ok' 30) "$T/got"
	diff <(seq -f "POST $ID-%.0f 200" 30 | sort) <(cut -d ' ' -f 1-3 "$T/http/log" | sort)
	diff <(sort "$T/records") <(cut -d ' ' -f 4- "$T/http/log" | sed '/^$/d' | sort)
}

@test "http: what each status means" {
	httpd
	local status ticket=0 want=''
	for status in 200 201 204 301 400 401 403 404 407 408 409 410 422 425 429 500 502 503 504 0; do
		ticket=$((ticket + 1))
		echo $status >"$T/http/$ID-$ticket"
		case $status in
		2*) want+="$ticket ok" ;;
		301 | 401 | 403 | 407 | 408 | 425 | 429 | 5*) want+="$ticket again HTTP $status" ;;
		0) want+="$ticket again curl ended with status 52" ;;
		*) want+="$ticket never HTTP $status" ;;
		esac
		want+=$'\n'
	done
	records $ticket | http -n 3 "$url" >"$T/answers"
	diff <(printf %s "$want") <(verdicts "$T/answers")
}

@test "http: nobody listens: tried again, and the reason is no code" {
	httpd
	kill -9 "$pid"
	soon gone "$pid"
	records 2 | http "$url" >"$T/answers"
	diff <(seq -f '%.0f again curl ended with status 7' 2) <(verdicts "$T/answers")
	run ! grep SECRET "$T/answers"
}

@test "http: options go to curl; misuse is 64" {
	httpd
	echo 'header = "Authorization: Bearer hidden"' >"$T/curl"
	record 1 | http "$url" --config "$T/curl" --request PUT >"$T/answers"
	same "1 ok" "$(verdicts "$T/answers")"
	grep -q '^PUT ' "$T/http/log"
	run -64 http </dev/null
	run -64 http -n 0 "$url" </dev/null
	run -64 http -n </dev/null
}

# --- sendmail ------------------------------------------------------------------------------------

# mailer: a sendmail that keeps each message, and fails with the status in its address: s75@...
mailer() {
	export FCFS_SENDMAIL=$T/mailer
	cat >"$T/mailer" <<-END
	#!/bin/sh
	echo "\$@" >>"$T/arguments"
	cat >"$T/mail.new"
	to=\$(sed -n 's/^To: //p' "$T/mail.new")
	case \$to in s[0-9]*) status=\${to%%@*}; exit \${status#s} ;; esac
	cat "$T/mail.new" >>"$T/mails"
	echo 'noise on stdout'
	END
	chmod +x "$T/mailer"
}

@test "sendmail: a message a code, to its person" {
	mailer
	records 2 | sendmail -f shop@example.com 'Your chicken' >"$T/answers" 2>"$T/errors"
	diff <(seq -f '%.0f ok' 2) <(verdicts "$T/answers")
	diff - <(sed '/^Message-ID/s/@.*/@HOST>/' "$T/mails") <<-END
	From: shop@example.com
	To: p1@example.com
	Subject: Your chicken
	Message-ID: <$ID.1@HOST>
	MIME-Version: 1.0
	Content-Type: text/plain; charset=utf-8
	Content-Transfer-Encoding: 8bit

	You are number 1 in line for "e".

	Your code: SECRET-1
	From: shop@example.com
	To: p2@example.com
	Subject: Your chicken
	Message-ID: <$ID.2@HOST>
	MIME-Version: 1.0
	Content-Type: text/plain; charset=utf-8
	Content-Transfer-Encoding: 8bit

	You are number 2 in line for "e".

	Your code: SECRET-2
	END
	same '-t -i' "$(sort -u "$T/arguments")"
}

@test "sendmail: who is no address is refused, unheard; statuses say the rest" {
	mailer
	local ticket=0 user
	for user in ann 'a@b c@d' 'x@y,z@y' '-oQ/tmp' '한국@example.com' s64@h s65@h s67@h s68@h s69@h s70@h s71@h s75@h s1@h; do
		record $((++ticket)) "$user"
	done >"$T/records"
	sendmail <"$T/records" >"$T/answers" 2>"$T/errors"
	diff <(seq -f '%.0f never not a plain mail address' 5
		printf '%s never sendmail ended with status %s\n' 6 64 7 65 8 67 9 68
		printf '%s again sendmail ended with status %s\n' 10 69 11 70 12 71 13 75 14 1) <(verdicts "$T/answers")
	same 9 "$(wc -l <"$T/arguments")"
	run ! grep -r SECRET "$T/answers" "$T/errors" "$T/arguments"
	FCFS_SENDMAIL=$T/none run -69 sendmail <"$T/records"
	run -64 sendmail a b
}

# --- file ----------------------------------------------------------------------------------------

@test "file: appends each record once, for its owner alone" {
	records 200 >"$T/records"
	file "$T/kept" <"$T/records" >"$T/answers"
	diff <(seq -f '%.0f ok' 200) <(verdicts "$T/answers")
	diff "$T/records" "$T/kept"
	same 600 "$(stat -c %a "$T/kept")"
	record 201 >>"$T/records"
	sed p "$T/records" | file "$T/kept" >"$T/answers"
	same 402 "$(verdicts "$T/answers" | wc -l)"
	diff "$T/records" "$T/kept"
}

@test "file: the rest of a cut line goes; a disk that is full answers nothing" {
	records 3 >"$T/records"
	{
		record 1
		record 2 | head -c 50
	} >"$T/kept"
	file "$T/kept" <"$T/records" >"$T/answers"
	diff "$T/records" "$T/kept"
	same 3 "$(wc -l <"$T/answers")"
	records 100 >"$T/records"
	(ulimit -f 4 && ! file "$T/kept" <"$T/records" >"$T/answers" 2>"$T/errors")
	same 4096 "$(stat -c %s "$T/kept")"
	same '' "$(cat "$T/answers")"
	file "$T/kept" <"$T/records" >"$T/answers"
	diff "$T/records" "$T/kept"
}

@test "file: it answers what is on disk, at once, and is locked" {
	mkfifo "$T/in"
	spawn from "$T/in" file "$T/kept" >"$T/answers"
	exec {in}>"$T/in"
	record 1 >&"$in"
	soon has "$T/answers" 1
	diff <(record 1) "$T/kept"
	run -75 file "$T/kept" </dev/null
	exec {in}>&-
	ends "$pid" 0
	run -64 file
}

# --- below fcfs-issue ----------------------------------------------------------------------------

@test "http, from fcfs-issue: an endpoint that is busy at times, and refuses two, has each code once" {
	httpd
	event e 40 42
	id=$(field e id)
	for ticket in 3 9 27; do
		echo 503 429 >"$T/http/$id-$ticket"
	done
	for ticket in 5 30; do
		echo 422 >"$T/http/$id-$ticket"
	done
	fcfs-dispatch e >"$T/winners"
	run -65 --separate-stderr fcfs-issue --retry-max 50ms --deliver "http $url" <"$T/winners"
	diff - <(sort -n -k 3 <<<"$stderr") <<-END
	fcfs-issue: line 5: HTTP 422
	fcfs-issue: line 30: HTTP 422
	END
	diff <(seq 40 | grep -vx -e 5 -e 30) <(jq .ticket <<<"$output")
	same '38 2' "$(field e issued) $(field e parked)"
	same "$(redis_codes e)" "$(grep -E ' 200 .' "$T/http/log" | cut -d ' ' -f 4- | jq -r '.user + " " + .code' | sort)"
	same '46' "$(grep -c "^POST $id-" "$T/http/log")"
	same '38 6' "$(run_field e 'done' | tail -n 1) $(run_field e retried | tail -n 1)"
}

@test "file, from an fcfs-issue that is killed again and again: each record is in it once" {
	event e 300 300
	fcfs-dispatch e >"$T/winners"
	touch "$T/kept"
	chmod 600 "$T/kept"
	for lines in 40 120 200; do
		exec {feed}< <(head -n $((lines + 50)) "$T/winners" && exec sleep 1000) # it does not end before it is killed
		echo $! >>"$T/pids"
		spawn from "/dev/fd/$feed" fcfs-issue --chunk 10 --retry-max 100ms --deliver "file '$T/kept'" >>"$T/out"
		soon has "$T/kept" "$lines"
		kill -9 "$pid"
		soon gone "$pid"
		exec {feed}<&-
	done
	fcfs-issue --chunk 10 --retries 50 --retry-max 100ms --deliver "file '$T/kept'" <"$T/winners" >>"$T/out"
	all_issued e 300 "$T/kept"
	sort -u "$T/out" | jq -sc 'sort_by(.ticket)[]' | cmp - "$T/kept"
}
