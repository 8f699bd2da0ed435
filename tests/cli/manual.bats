#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# The manual against the tools: what -h says and what a page says are the same.

load ../helper
load ../manual

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	unset "${!FCFS_@}"
	export FCFS_CONFIG=/dev/null
}

# tools: the names of all tools, from the Makefile
tools() {
	sed -n 's/^TOOLS = //p' "$TREE/Makefile" | tr ' ' '\n' | sort
}

@test "every tool has a page, and every page a tool" {
	same "$(tools)" "$(pages | sed -n 's/\.1$//p' | sort)"
	[ -f "$MAN/fcfs.7" ]
}

@test "SYNOPSIS is what -h prints behind 'usage:'" {
	for tool in $(tools); do
		same "$("$tool" -h | sed -E '/^[A-Z]/,$d; s/^usage: //; s/^ {7}([^ ])/\1/' | sed -E ':a; N; $!ba; s/\n {8,}/ /g')" \
			"$(section "$MAN/$tool.1" SYNOPSIS | sed 's/^ *//')"
	done
}

@test "OPTIONS are those of -h, in the same order" {
	for tool in $(tools); do
		same "$("$tool" -h | sed -nE 's/^  (-[a-zA-Z], |    )(--[^ ]+( [A-Z=,]+)?)  .*/\1\2/p' | sed 's/^ *//')" \
			"$(source_of "$MAN/$tool.1" OPTIONS | sed -n 's/^\.It Fl /-/p' |
				sed 's/ , -/, --/; s/Ar //')"
	done
}

@test "what is long in a page may be broken: else man complains of each, on a terminal of 80 columns" {
	same '' "$(awk '/^\.Bd/ { shown = 1 }
		/^\.Ed/ { shown = 0 }
		!shown {
			gsub(/\\:/, " ")
			for (i = 1; i <= NF; i++)
				if (length($i) > 60)
					print FILENAME ": " $i
		}' "$MAN"/*.[17])"
}

@test "mandoc finds nothing to say about any page" {
	# whether another page is there is asked below, and of a machine's index only by its owner
	mandoc -T lint "$MAN"/*.[17] >said 2>/dev/null || :
	same '' "$(grep -v 'referenced manual not found' said || :)"
}

@test "every page of ours that is referred to is there" {
	for page in $(pages); do
		sed -n 's/^\.Xr \(fcfs[a-z-]*\) \([0-9]\).*/\1.\2/p' "$MAN/$page" | sort -u >named
		while read -r name; do
			[ -f "$MAN/$name" ] || {
				echo "$page refers to $name" >&2
				return 1
			}
		done <named
		[ -s named ]
	done
}

@test "fcfs(7) lists every page, and every page fcfs(7)" {
	same "$(pages | sed -n 's/\.1$/ 1/p' | sort)" \
		"$(source_of "$MAN/fcfs.7" 'SEE ALSO' | sed -n 's/^\.Xr \(fcfs-[a-z]* 1\).*/\1/p')"
	for page in "$MAN"/*.1; do
		source_of "$page" 'SEE ALSO' | grep -qx '\.Xr fcfs 7'
	done
}

@test "fcfs(7) names every setting, and a page each that its tool has" {
	sed -n 's/^ \*   \(FCFS_[A-Z_]*\) .*/\1/p' "$TREE/common/config.h" >settings
	[ "$(wc -l <settings)" -ge 7 ]
	same "$(sort settings)" "$(source_of "$MAN/fcfs.7" CONFIGURATION | sed -n 's/^\.It Ev //p' | sort)"
	for page in "$MAN"/*.1; do
		source_of "$page" ENVIRONMENT | sed -n 's/^\.Ev \(FCFS_[A-Z_]*\).*/\1/p' >named
		same '' "$(grep -vxF -f settings -e FCFS_CONFIG named || :)"
		grep -qx FCFS_REDIS named
	done
}

# table NAME: the strings of a table in kafka.c, a line each
table() {
	sed -n "/ $1\[\] = {/,/};/p" "$TREE/common/kafka.c" | grep -v '{0}' | grep -o '"[^"]*"' | tr -d '"'
}

@test "fcfs(7) lists the properties of Kafka's clients that are refused, and the values of the others" {
	source_of "$MAN/fcfs.7" KAFKA >text
	table RESERVED >refused
	[ "$(wc -l <refused)" -ge 10 ]
	same "$(cat refused)" "$(sed -n 's/^\.Li \([a-z.]*\) [,.]$/\1/p' text)"
	table COMMON | paste -d ' ' - - >begin
	[ "$(wc -l <begin)" -ge 10 ]
	same "$(cat begin)" "$(sed -n 's/^\.It Li \(.*\) Ta /\1 /p' text)"
}

@test "exit statuses on the pages are of the known ones, in order" {
	source_of "$MAN/fcfs.7" 'EXIT STATUS' | sed -n 's/^\.It //p' >known
	for page in "$MAN"/*.1; do
		source_of "$page" 'EXIT STATUS' | sed -n 's/^\.It //p' >named
		[ "$(wc -l <named)" -ge 7 ]
		same "$(sort -nu named)" "$(cat named)"
		same '' "$(grep -vxF -f known named || :)"
	done
}

@test "fcfs(7) lists what every Kafka client begins with, as kafka.c has it" {
	sed -n '/^static const struct kafka_setting COMMON/,/{0}/ s/.*{"\(.*\)", "\(.*\)"}.*/\1 \2/p' "$TREE/common/kafka.c" >ours
	[ "$(wc -l <ours)" -gt 15 ]
	same "$(cat ours)" "$(sed -n '/^These begin as follows/,/^\.El/ s/^\.It Li \(.*\) Ta /\1 /p' "$MAN/fcfs.7")"
}
