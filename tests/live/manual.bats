#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# The examples of the manual and of the README, run as they stand: "$ " begins a command, "> " goes on with it, what
# follows is what it prints, "(status N)" how it ends where that is not 0. "..." stands for anything.

load ../helper
load ../manual

# Kafka is there for the examples that name its usual address; the others have the pipe.
setup_file() {
	servers_start --brokers 1
	export BROKERS=$FCFS_BROKERS
	unset FCFS_BROKERS
}

teardown_file() { servers_stop; }

# D is README's folder.
teardown() {
	[ -z "${D-}" ] || "$TREE/scripts/servers" stop "$D" 3>&-
}

# kafka TOOL ARGUMENT...: one of Kafka's own
kafka() {
	"$TREE/scripts/kafka" "$1" --bootstrap-server "$BROKERS" "${@:2}"
}

# topics: those there are, a line each
topics() {
	kcat -L -J -b "$BROKERS" | jq -r '.topics[].topic | select(startswith("__") | not)'
}

no_topics() {
	[ -z "$(topics)" ]
}

# Empty servers, and an empty folder to work in. redis-cli is on our server, and prints as on a terminal.
setup() {
	T=$BATS_TEST_TMPDIR
	unset FCFS_PREFIX
	export FCFS_STATE=$T/state
	redis flushall >/dev/null
	redis function flush >/dev/null
	no_topics || kafka topics --delete --topic "$(topics | paste -sd '|')"
	wait_for 60 no_topics
	mkdir "$T/bin" "$T/work"
	cat >"$T/bin/redis-cli" <<-END
	#!/bin/sh
	exec "$(command -v redis-cli)" -p "\${FCFS_REDIS##*:}" \${1:+--no-raw} "\$@"
	END
	chmod +x "$T/bin/redis-cli"
	PATH=$T/bin:$PATH
	cd "$T/work" || return
}

# masked: what differs from run to run as words, columns with one space between them
masked() {
	sed -E -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g' -e 's/\b1[0-9]{15}\b/TIME/g' \
		-e 's/\b[0-9A-HJKMNP-TV-Z]{26}\b/CODE/g' -e 's/127\.0\.0\.1:[0-9]+/ADDRESS/g' \
		-e 's/^(early[[:space:]].*[[:space:]])[0-9]+$/\1SECONDS/' -e 's/\bis -?[0-9]+ ms\b/is N ms/' \
		-e 's/\bpartition [0-9]+ offset [0-9]+:/partition N offset N:/' \
		-e 's/(version|ours is|\(integer\)) 1[0-9]{3}\b/\1 VERSION/g' \
		-e 's/[[:space:]]+/ /g' -e 's/^ //' -e 's/ $//'
}

# matches GOT WANT: "..." in WANT is anything
matches() {
	local rest=$1 want=$2 piece
	[[ $want == *...* ]] || {
		[ "$rest" = "$want" ]
		return
	}
	piece=${want%%...*}
	[[ $rest == "$piece"* ]] || return 1
	rest=${rest#"$piece"}
	want=${want#*...}
	while [[ $want == *...* ]]; do
		piece=${want%%...*}
		[[ $rest == *"$piece"* ]] || return 1
		rest=${rest#*"$piece"}
		want=${want#*...}
	done
	[[ $rest == *"$want" ]]
}

# try COMMAND STATUS OUTPUT: runs it in this shell, so that umask and export last
try() {
	local got status=0 command
	set -o pipefail
	command=${1//127.0.0.1:6379/127.0.0.1:$REDIS_PORT}
	eval "${command//127.0.0.1:9092/$BROKERS}" >"$T/out" 2>&1 || status=$?
	set +o pipefail
	got=$(masked <"$T/out")
	if [ "$status" -ne "$2" ] || ! matches "$got" "$(masked <<<"$3")"; then
		printf '$ %s\nwant status %s:\n%s\ngot status %s:\n%s\n' "$1" "$2" "$3" "$status" "$got" >&2
		return 1
	fi
	tried=$((tried + 1))
}

# follow FILE: tries each example in it; at least one
follow() {
	local line command='' want_status=0 want=''
	tried=0
	while IFS= read -r line <&4; do
		case $line in
		'$ '*)
			[ -z "$command" ] || try "$command" "$want_status" "$want"
			command=${line#'$ '} want_status=0 want=''
			;;
		'> '*) command+=$'\n'${line#'> '} ;;
		'(status '*) want_status=${line//[!0-9]/} ;;
		*) want+=${want:+$'\n'}$line ;;
		esac
	done 4<"$1"
	[ -n "$command" ]
	try "$command" "$want_status" "$want"
}

# examples PAGE: the literal blocks of its EXAMPLES, as they are read
examples() {
	section "$MAN/$1" EXAMPLES | sed -n 's/^           //p'
}

# shows PAGE: its examples are true
shows() {
	examples "$1" >"$T/examples"
	follow "$T/examples"
}

@test "EXAMPLES of fcfs-archive(1)" { shows fcfs-archive.1; }
@test "EXAMPLES of fcfs-audit(1)" { shows fcfs-audit.1; }
@test "EXAMPLES of fcfs-codes(1)" { shows fcfs-codes.1; }
@test "EXAMPLES of fcfs-dispatch(1)" { shows fcfs-dispatch.1; }
@test "EXAMPLES of fcfs-event(1)" { shows fcfs-event.1; }
@test "EXAMPLES of fcfs-issue(1)" { shows fcfs-issue.1; }
@test "EXAMPLES of fcfs-join(1)" { shows fcfs-join.1; }
@test "EXAMPLES of fcfs-leave(1)" { shows fcfs-leave.1; }
@test "EXAMPLES of fcfs-rank(1)" { shows fcfs-rank.1; }
@test "EXAMPLES of fcfs-report(1)" { shows fcfs-report.1; }
@test "EXAMPLES of fcfs-setup(1)" { shows fcfs-setup.1; }
@test "EXAMPLES of fcfs(7)" { shows fcfs.7; }

@test "every page has examples that are tried here" {
	for page in $(pages); do
		examples "$page" | grep -q '^\$ '
		grep -q "^@test .* shows $page; }" "$BATS_TEST_FILENAME"
	done
}

# README starts servers of its own, with scripts beside it.
@test "README's examples" {
	unset FCFS_REDIS FCFS_STATE
	export TMPDIR=$T
	ln -s "$TREE/scripts" scripts
	awk '/^```/ { on = $0 == "```console"; next } on' "$TREE/README.md" >"$T/examples"
	follow "$T/examples"
	run ! "$TREE/scripts/servers" status "$D"
}
