#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# What every tool shares towards people, without a server: settings and where they come from, misuse, -h, -V.

load ../helper

TOOLS="event codes join leave rank dispatch issue report archive audit setup"
KAFKA="event archive dispatch issue report audit setup" # those that say so in --help

setup() {
	T=$BATS_TEST_TMPDIR
	unset "${!FCFS_@}"
	export FCFS_CONFIG=/dev/null FCFS_STATE=$T/state
}

# tool NAME: a command line of this tool that connects, and then has nothing to ask
tool() {
	case $1 in
	event) echo "fcfs-event show e" ;;
	codes) echo "fcfs-codes count e" ;;
	join | leave | rank) echo "fcfs-$1 e" ;;
	dispatch | report | audit) echo "fcfs-$1 e" ;;
	issue) echo "fcfs-issue" ;;
	archive) echo "fcfs-archive save e" ;;
	setup) echo "fcfs-setup redis" ;;
	esac
}

# address COMMAND...: where this command line looks for its server; nobody listens there
address() {
	run -69 "$@" </dev/null
	[[ $output =~ ^fcfs-[a-z]*:\ redis\ \'([^\']*)\':\  ]]
	echo "${BASH_REMATCH[1]}"
}

# prefix COMMAND...: the prefix in force
prefix() {
	"$@" | sed -n '1s/.* ~\([^ ]*\)fcfs:\* .*/\1/p'
}

@test "the server: flag before environment before file" {
	echo "FCFS_REDIS=unix:$T/file" >"$T/conf"
	for name in $TOOLS; do
		command=$(tool "$name")
		# shellcheck disable=SC2086 # several words
		{
			same "$T/file" "$(FCFS_CONFIG=$T/conf address $command)"
			same "$T/env" "$(FCFS_CONFIG=$T/conf FCFS_REDIS=unix:$T/env address $command)"
			same "$T/flag" "$(FCFS_CONFIG=$T/conf FCFS_REDIS=unix:$T/env address $command -r "unix:$T/flag")"
			same "$T/flag" "$(FCFS_CONFIG=$T/conf FCFS_REDIS=unix:$T/env address $command --redis="unix:$T/flag")"
		}
	done
}

@test "the prefix: flag before environment before file before none" {
	echo "FCFS_PREFIX=file." >"$T/conf"
	same "" "$(prefix fcfs-setup acl)"
	same file. "$(FCFS_CONFIG=$T/conf prefix fcfs-setup acl)"
	same env. "$(FCFS_CONFIG=$T/conf FCFS_PREFIX=env. prefix fcfs-setup acl)"
	same flag. "$(FCFS_CONFIG=$T/conf FCFS_PREFIX=env. prefix fcfs-setup acl --prefix flag.)"
	same "" "$(FCFS_CONFIG=$T/conf FCFS_PREFIX='' prefix fcfs-setup acl)"
	same "" "$(FCFS_CONFIG=$T/conf FCFS_PREFIX=env. prefix fcfs-setup acl --prefix '')"
}

@test "the file: comments, empty lines, names of others, blanks in front, CR LF, no last newline, = in a value" {
	printf '# FCFS_PREFIX=comment\n\n  # another\nOTHER=1\n \tFCFS_PREFIX=kept.\r\nFCFS_REDIS=unix:%s/a=b' "$T" >"$T/conf"
	export FCFS_CONFIG=$T/conf
	same kept. "$(prefix fcfs-setup acl)"
	same "$T/a=b" "$(address fcfs-rank e ann)"
}

@test "a file that is named must be there and be read; a line that is none is 78 with its number" {
	FCFS_CONFIG=$T/none run -78 fcfs-setup acl
	[ "$output" = "fcfs-setup: configuration '$T/none': No such file or directory" ]
	printf 'FCFS_PREFIX=a\n\nFCFS_PREFIX a\n' >"$T/conf"
	FCFS_CONFIG=$T/conf run -78 fcfs-setup acl
	[ "$output" = "fcfs-setup: $T/conf: line 3: expected KEY=value" ]
	for line in 'export FCFS_PREFIX=a' 'export OTHER=a' 'FCFS_PREFIX = a' $'FCFS_PREFIX\t=a'; do # else it would be passed over
		echo "$line" >"$T/conf"
		FCFS_CONFIG=$T/conf run -78 fcfs-setup acl
		[ "$output" = "fcfs-setup: $T/conf: line 1: expected KEY=value" ]
	done
}

@test "a bad value is 78 from the file and the environment, 64 from a flag, and its place is named" {
	while IFS='|' read -r name flag value complaint; do
		printf '# one line before\n%s=%s\n' "$name" "$value" >"$T/conf"
		FCFS_CONFIG=$T/conf run -78 fcfs-setup acl
		[[ $output == "fcfs-setup: $T/conf: line 2$complaint"* ]] || { echo "$output" && false; }
		run -78 env "$name=$value" fcfs-setup acl
		[[ $output == "fcfs-setup: $name$complaint"* ]] || { echo "$output" && false; }
		run -64 fcfs-setup acl "$flag" "$value"
		[[ $output == "fcfs-setup: $flag$complaint"*usage:* ]] || { echo "$output" && false; }
	done <<-END
		FCFS_PREFIX|--prefix|a b|: a prefix is up to 64 of
		FCFS_PREFIX|--prefix|a{b|: a prefix is up to 64 of
		FCFS_PREFIX|--prefix|$(printf 'x%.0s' {1..65})|: a prefix is up to 64 of
		FCFS_TIMEOUT|--timeout|5| '5'
		FCFS_TIMEOUT|--timeout|-1s| '-1s'
		FCFS_TIMEOUT|--timeout|| ''
		FCFS_CONNECT_TIMEOUT|--connect-timeout|1y| '1y'
		FCFS_RECONNECT|--reconnect|soon| 'soon'
		FCFS_WAIT|--wait|1| '1': expected N,MS
		FCFS_WAIT|--wait|0,100| '0,100': expected N,MS
		FCFS_WAIT|--wait|00000001,1| '00000001,1': expected N,MS
		FCFS_WAIT|--wait|1,0| '1,0': expected N,MS
		FCFS_WAIT|--wait|1,100ms| '1,100ms': expected N,MS
		FCFS_REDIS|--redis|redis://$(printf 'x%.0s' {1..600})|: longer than 511 bytes
		FCFS_REDIS|--redis|localhost| is no URL of a server
		FCFS_REDIS|--redis|redis://u:secret@h| is no URL of a server
		FCFS_REDIS|--redis|| is no URL of a server
		FCFS_BROKERS|--brokers|a b|: 'a b' is not HOST[:PORT][,...]
		FCFS_BROKERS|--brokers|$(printf 'x%.0s' {1..1100})|: longer than 1023 bytes
		FCFS_KAFKA_PROPERTIES|--properties|/$(printf 'x%.0s' {1..4095})|: longer than 4095 bytes
	END
}

@test "a URL that is none: 64 with what to write; a password in it is refused and never shown" {
	for url in '' nonsense http://localhost redis:// redis://:1 redis://h:0 redis://h:65536 redis://h:x redis://h/x \
		redis://h/-1 unix: unix:relative redis://user:secret@h redis://:secret@h:1 redis://user:secret@h:1/0 \
		'redis://[::1' 'redis://[::1]6379' 'redis://[]' redis://::1 redis://h: redis://h:4294967297 redis://h/4294967296 \
		redis://h/0/1 "redis://$(printf 'x%.0s' {1..300})" "unix:/$(printf 'x%.0s' {1..300})"; do
		run -64 --separate-stderr fcfs-join -r "$url" e ann
		[[ $stderr == "fcfs-join: --redis is no URL of a server: write redis://[user@]host[:port][/db] or unix:/path"* ]] ||
			{ echo "$url: $stderr" && false; }
		[[ $stderr != *secret* ]]
		[ -z "$output" ]
	done
	FCFS_REDIS=redis://user:secret@h run -78 fcfs-join e ann
	[[ $output == "fcfs-join: FCFS_REDIS is no URL"* && $output != *secret* ]]
}

@test "a list of brokers that is none: 64, and what may be a password is never shown" {
	for list in ',' 'a,' ',a' 'a,,b' 'a b' ' a' 'a, b' $'a\n' $'a\t' $'\e[31m' é a: :1 a:0 a:65536 a:99999999999999999999 a:x a:1x a:-1 \
		a:1:2 ::1 '[]' '[' '[::1' '[::1]1' '[::1]:' PLAINTEXT://a:1 a/b; do
		run -64 --separate-stderr fcfs-dispatch -b "$list" e
		[[ $stderr == "fcfs-dispatch: --brokers: '"*"' is not HOST[:PORT][,...]"* ]] || { echo "$list: $stderr" && false; }
		[[ $stderr != *$'\e'* ]]
	done
	run -64 fcfs-dispatch -b ann:secret@a:1 e
	[[ $output != *secret* ]]
	FCFS_BROKERS=ann:secret@a:1 run -78 fcfs-dispatch e
	[[ $output != *secret* ]]
}

@test "a list of brokers is host names and addresses, with a port or without, or nothing" {
	for list in '' a kafka_1.example.com:9092 127.0.0.1:1 a:65535,b,c:1 '[::1]' '[::1]:9092,a' '[fe80::1%eth0]:9092'; do
		run -0 fcfs-setup -b "$list" acl
		FCFS_BROKERS=$list run -0 fcfs-setup acl
	done
}

@test "a property is K=V, 64 of them at most; what is none is not shown" {
	for property in '' secret =secret =; do
		run -64 --separate-stderr fcfs-dispatch -X "$property" e
		[[ $stderr == "fcfs-dispatch: --property: expected K=V"* ]]
		[[ $stderr != *secret* ]]
	done
	for property in a= a=b a=b=c; do
		run -0 fcfs-setup -X "$property" --property "$property" --property="$property" acl
	done
	mapfile -t many < <(for i in {1..64}; do printf -- '-X\na=%s\n' "$i"; done)
	run -0 fcfs-setup "${many[@]}" acl
	run -64 fcfs-setup "${many[@]}" -X b=1 acl
	[[ $output == "fcfs-setup: --property: at most 64"* ]]
}

@test "the options for Kafka go with every tool, as settings do" {
	for name in $TOOLS; do
		command=$(tool "$name")
		# shellcheck disable=SC2086 # several words
		{
			same "$T/none" "$(address $command -b '' -X acks=all -F "$T/none" -r "unix:$T/none")"
			same "$T/none" "$(FCFS_BROKERS='' FCFS_KAFKA_PROPERTIES=$T/none address $command -r "unix:$T/none")"
			same "$T/none" "$(FCFS_BROKERS=127.0.0.1:1 address $command --brokers= -r "unix:$T/none")"
		}
	done
}

@test "an address is taken apart as it is written" { # port 1 is nobody's
	while read -r url shown; do
		same "$shown" "$(address fcfs-join -r "$url" --connect-timeout 1s e ann)"
	done <<-END
		unix:$T/none $T/none
		redis://127.0.0.1:1 127.0.0.1:1
		redis://ann@127.0.0.1:1 127.0.0.1:1
		redis://127.0.0.1:1/3 127.0.0.1:1
		redis://127.0.0.1:1/ 127.0.0.1:1
		redis://[::1]:1 [::1]:1
	END
}

@test "-h: usage, what it does and every option on stdout, 0" {
	for name in $TOOLS; do
		for h in -h --help; do
			run -0 --separate-stderr "fcfs-$name" $h
			same "" "$stderr"
			[[ ${lines[0]} == "usage: fcfs-$name "* ]]
			[ "$(wc -L <<<"$output")" -le 80 ]
			for option in --redis --prefix --connect-timeout --timeout --reconnect --wait --json --quiet --verbose --help --version; do
				grep -qE -- "^  (-[a-zA-Z], |    )$option( |$)" <<<"$output"
			done
			same "$([[ " $KAFKA " != *" $name "* ]] || echo 3)" \
				"$(grep -cE '^  -[bXF], --(brokers|property|properties) ' <<<"$output" | grep -vx 0)"
		done
	done
}

@test "-h explains every option of the usage line" {
	for name in $TOOLS; do
		"fcfs-$name" -h >"$T/help"
		while read -r option; do
			grep -qE -- "^  (-[a-zA-Z], |    )$option( |$)" "$T/help" || { echo "$name $option" && false; }
		done < <(sed '/^[A-Z]/,$d' "$T/help" | grep -oE -- '--[a-z-]+' | sort -u)
	done
}

@test "-V: the name and version, 0" {
	for name in $TOOLS; do
		for v in -V --version; do
			run -0 --separate-stderr "fcfs-$name" $v
			[[ $output =~ ^fcfs-$name\ \(fcfs\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
			same "" "$stderr"
		done
	done
}

@test "misuse: 64, what is wrong and the usage line on stderr, nothing on stdout" {
	while read -r words; do
		eval "set -- $words"
		run -64 --separate-stderr "fcfs-$1" "${@:2}" </dev/null
		[ -z "$output" ]
		[[ $stderr == "fcfs-$1: "*"usage: fcfs-$1 "* ]] || { echo "$words: $stderr" && false; }
	done <<-'END'
		join
		leave
		rank
		rank --list
		rank --list e ann
		dispatch
		dispatch --batch 0 e
		dispatch --batch x e
		dispatch --every 5 e
		dispatch --instance ../x e
		issue e
		issue --chunk 0
		issue --chunk 1001
		issue --instance ../x
		setup
		setup kafka
		setup redis redis
		setup --dry-run redis
		setup --partitions 0 kafka
		setup --retention 1m kafka
		event
		event create
		event show
		event list e
		event set e
		event set e --codes uuid
		event create e --stock x
		event create e --stock 1 --standby -1
		event create e --stock 1 --opens soon
		event create e --stock 1 --state open
		event show e --stock 1
		event check e --name x
		event list --closes +1h
		join -z e
		join --nonsense e
		join --redis
		join -r
		join --json=yes e
		dispatch -F
		dispatch e --properties
		dispatch -X
		dispatch -b
		dispatch e --stats
		issue --stats
		issue --ledger ledger.db
		audit --ledger '' e
		archive rebuild --ledger file:x e
		archive rebuild --id 1 e
		join -b , e
		rank -X x e
	END
}

@test "misuse shows the form that was meant, without one all of them, and where there is more" {
	local n form words
	while IFS='|' read -r words n form; do
		eval "set -- $words"
		run -64 --separate-stderr "fcfs-$1" "${@:2}" </dev/null
		[ "$(grep -c ' \[-jqv\] ' <<<"$stderr")" -eq "$n" ] || { echo "$words: $stderr" && false; }
		[[ $(tr -s ' \n' ' ' <<<"$stderr") == *" $form help: fcfs-$1 -h " ]] || { echo "$words: $stderr" && false; }
	done <<-'END'
		dispatch --batch 0 e|1|EVENT ...
		event show|1|show EVENT
		event set create|1|set EVENT [--stock N] [--name TEXT] [--standby N] [--opens T] [--closes T] [--state STATE]
		event --stock x create e|1|create EVENT --stock N [--name TEXT] [--standby N] [--opens T] [--closes T] [--codes KIND] [--force]
		event|5|check EVENT
		event nonsense e|5|check EVENT
		setup --partitions 0|3|acl
		setup --partitions 0 kafka|1|[--partitions N] [--replication N] [--retention D] [--dry-run] kafka
		rank --list|1|--list EVENT
		rank|1|[--force] EVENT [PERSON ...]
		issue --chunk 5 --return-dead=all|1|--return-dead RUN [--ledger URL] [EVENT ...]
		report --archive x y|1|[--issued | --runs] --archive FILE
	END
}

@test "fcfs-archive-ended says what it is, too, and takes no option for a folder" {
	for help in -h --help; do
		run -0 --separate-stderr fcfs-archive-ended $help
		[[ $output == "usage: fcfs-archive-ended FOLDER [AGE]"* ]]
		same '' "$stderr"
	done
	for words in '' -x --version '-x 7d' 'a 7d b'; do
		# shellcheck disable=SC2086 # several words
		run -64 --separate-stderr fcfs-archive-ended $words
		same '' "$output"
		[[ $stderr == "usage: fcfs-archive-ended FOLDER [AGE]"* ]]
	done
	[ ! -e -x ]
}

@test "an illegal event name is 64, and is shown without what a terminal would obey" {
	for name in '' 'a b' 'a/b' 'a{b}' é $'a\n' "$(printf 'x%.0s' {1..65})"; do
		for tool in join leave rank "rank --list" dispatch "dispatch e" "event show" "codes count" report audit; do
			# shellcheck disable=SC2086 # several words
			run -64 fcfs-$tool "$name" </dev/null
			[[ $output == *"a name is 1-64 of A-Z a-z 0-9 . _ -" ]]
		done
	done
	run -64 fcfs-join $'\e[31m' ann
	[[ $output != *$'\e'* ]]
}

@test "a file that is a folder, a setting that is none, a line too long: 78" {
	FCFS_CONFIG=$T run -78 fcfs-setup acl
	[ "$output" = "fcfs-setup: configuration '$T': Is a directory" ]
	echo 'FCFS_PREFIXES=x.' >"$T/conf"
	FCFS_CONFIG=$T/conf run -78 fcfs-setup acl
	[ "$output" = "fcfs-setup: $T/conf: line 1: 'FCFS_PREFIXES' is no setting of fcfs" ]
	printf '#%05000d\n' 0 >"$T/conf"
	FCFS_CONFIG=$T/conf run -78 fcfs-setup acl
	[ "$output" = "fcfs-setup: $T/conf: line 1: too long" ]
}

@test "a time-out of nothing is refused, one of a year is none" {
	for name in connect-timeout timeout; do
		run -64 fcfs-rank "--$name" 0ms e ann
		[[ $output == "fcfs-rank: --$name '0ms' is not more than 0"* ]]
	done
	FCFS_TIMEOUT=0s run -78 fcfs-rank e ann
	run -64 fcfs-dispatch --every 0s e
	[[ $output == "fcfs-dispatch: --every '0s' is not more than 0"* ]]
	run -64 fcfs-issue --deliver cat --deliver-timeout 0s </dev/null
	[[ $output == "fcfs-issue: --deliver-timeout '0s' is not more than 0"* ]]
	same "$T/none" "$(address fcfs-rank --timeout 366d --reconnect 0s -r "unix:$T/none" e ann)"
}

@test "what speaks another protocol is 76, and is not asked again" {
	mkfifo "$T/port"
	perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1");
		print $s->sockport, "\n"; close STDOUT;
		while ($c = $s->accept) { sysread $c, $b, 4096; syswrite $c, "HTTP/1.1 400 Bad Request\r\n\r\n" }' \
		>"$T/port" 3>&- &
	pid=$!
	read -r port <"$T/port"
	run -76 timeout 10 fcfs-join -r "redis://127.0.0.1:$port" e ann
	[[ $output == *"'127.0.0.1:$port': "*"is it a Redis?" ]]
	kill "$pid"
}

@test "options may stand behind operands; -- ends them" {
	same "$T/flag" "$(address fcfs-rank e ann -r "unix:$T/flag")"
	run -69 fcfs-rank -r "unix:$T/flag" e -- -h
	run -0 fcfs-rank e ann -h
}

@test "-q and -v go with every tool" {
	for name in $TOOLS; do
		command=$(tool "$name")
		# shellcheck disable=SC2086 # several words
		same "$T/none" "$(address $command -q -v -j -r "unix:$T/none")"
	done
}
