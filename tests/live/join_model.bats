#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# Calls of every mix, at random, compared with a plain model of the rules: the public function, a stream, and one person at a
# time give the same tickets (P1, P2, P3), and the counters agree with the answers (P7).

load ../helper

setup_file() {
	servers_start
	redis config set appendonly no >/dev/null # a promise of its own
}
teardown_file() { servers_stop; }
setup() { namespace; }

# steps SEED: 'join NAME...', 'leave NAME...' or 'set OPTION...', a line each
steps() {
	awk -v seed="$1" '
	function any(n) { return int(rand() * n) }
	function fresh() { return "p" known++ }
	function old() { return known ? "p" any(known) : fresh() }
	# new people; those before, a row of them in order or shuffled, the last of them, with two in the place of each other or
	# not; all sorts; a few retries; people named twice
	function call(kind, n,    i, at, line) {
		at = known > n ? (kind ~ /^last|^swapped/ ? known - n : any(known - n)) : any(known)
		for (i = 1; i <= n; i++)
			name[i] = kind == "fresh" || known == 0 ? fresh() : \
				kind ~ /^row|^shuffled|^last|^swapped/ ? "p" (at + i - 1) % known : \
				kind == "mixed" ? (any(2) ? old() : fresh()) : \
				kind == "retries" ? (any(50) ? fresh() : old()) : \
				i > 1 && any(4) == 0 ? name[i - 1 - any(i < 40 ? i - 1 : 40)] : fresh()
		for (i = kind == "shuffled" ? n : 1; i > 1; i--) {
			at = 1 + any(i)
			line = name[i]; name[i] = name[at]; name[at] = line
		}
		if (kind == "swapped" && n > 3) {
			at = 2 + any(n - 3)
			line = name[at]; name[at] = name[at + 1]; name[at + 1] = line
		}
		line = "join"
		for (i = 1; i <= n; i++)
			line = line " " name[i]
		print line
	}
	BEGIN {
		srand(seed)
		kinds = split("fresh fresh fresh row shuffled last swapped mixed retries twice", kind, " ")
		print "set --stock " (stock = 900)
		call("fresh", 40)
		call("fresh", 40)
		call("last", 60)
		call("last", 40)
		call("swapped", 30)
		call("twice", 1000)
		print "set --state paused"
		call("mixed", 20)
		print "set --state " (state = "closed")
		call("mixed", 20)
		for (step = 0; step < 40; step++) {
			what = any(10)
			if (step == 20) # from here on somebody has left
				print "leave p1 p80\njoin p0 p1 p2 p3"
			else if (what == 0 && step > 20)
				print "leave " old() " " old()
			else if (what == 1 || (state != "open" && what < 6))
				print "set --state " (state = state != "open" ? "open" : any(2) ? "paused" : "closed")
			else if (what < 4)
				print "set --stock " (stock += any(1500))
			else
				call(kind[1 + any(kinds)], 1 + any(any(3) ? 700 : any(2) ? 5 : 2500))
		}
	}'
}

# model <STEPS: STATUS NAME TICKET of each answer
model() {
	awk '
	$1 == "join" { for (i = 2; i <= NF; i++) {
		if (!ticket[$i] && state == "open" && size - gone < stock)
			print "joined", $i, ticket[$i] = ++size
		else if (!ticket[$i])
			print state == "open" ? "soldout" : state, $i, 0
		else
			print left[$i] ? "left" : "already", $i, ticket[$i]
	} }
	$1 == "leave" { for (i = 2; i <= NF; i++) if (ticket[$i] && !left[$i]) { left[$i] = 1; gone++ } }
	$1 == "set" { if ($2 == "--state") state = $3; else stock = $3 }
	BEGIN { state = "open" }'
}

# Three ways to ask about the people named: STATUS NAME TICKET JOINED_US of each answer.
by_function() {
	printf '%s\n' "$@" | paste -d ' ' - <(redis fcall fcfs_join_1 2 "$(key by_function event)" "$(key by_function line)" "$@" |
		paste -d ' ' - - - -) | awk '{ print $2, $1, $3, $4 }'
}

by_stream() {
	printf '%s\n' "$@" | fcfs-join by_stream | awk '{ print $1, $2, $3 == "-" ? 0 : $3, $4 == "-" ? 0 : $4 }'
}

one_by_one() {
	printf '%s\n' "$@" | sed "s/^/fcall fcfs_join_1 2 $(key one_by_one event) $(key one_by_one line) /" | redis |
		paste -d ' ' - - - - | paste -d ' ' - <(printf '%s\n' "$@") | awk '{ print $1, $NF, $2, $3 }'
}

# follow WAY <STEPS: all its answers
follow() {
	local what words
	while read -r what words; do
		# shellcheck disable=SC2086 # several words
		case $what in
		join) $1 $words ;;
		leave) fcfs-leave "$1" $words >"$T/left" || : ;;
		set) fcfs-event set "$1" $words ;;
		esac
	done
}

# agrees WAY: its answers in $T/WAY with the model's, with each other, with the line, and with what the event counts
agrees() {
	cut -d ' ' -f 1-3 "$T/$1" | cmp - "$T/model"
	redis zrange "$(key "$1" line)" 0 -1 withscores | paste -d ' ' - - >"$T/line"
	awk '$2 <= last { exit 1 } { last = $2 }' "$T/line"
	awk 'NR == FNR { us[$1] = $2; ticket[$1] = FNR; next }
		($3 ? $4 != us[$2] || $3 != ticket[$2] : $4) { print; exit 1 }' "$T/line" "$T/$1"
	for counter in already:already left:refused_left soldout:refused_soldout paused:refused_paused closed:refused_closed; do
		same "$counter $(grep -c "^${counter%:*} " "$T/model")" "$counter $(field "$1" "${counter#*:}")"
	done
	same "$(wc -l <"$T/line")" "$(field "$1" joined)"
}

# follows_rules SEED
follows_rules() {
	steps "$1" >"$T/steps"
	model <"$T/steps" >"$T/model"
	for status in joined already left soldout paused closed; do
		grep -q "^$status " "$T/model"
	done
	for way in by_function by_stream one_by_one; do
		fcfs-event create $way --stock 0 >/dev/null
		follow $way <"$T/steps" >"$T/$way"
		agrees $way
	done
}

@test "calls of every mix follow the rules, whichever way people are asked about (seed 1)" {
	follows_rules 1
}

@test "calls of every mix follow the rules (seed 2)" {
	follows_rules 2
}
