#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# fcfs-join: one place a person (P1), first come, first served (P2), never more than there is room for (P3).

load ../helper

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }

# event STOCK [OPTION...]: creates the event e
event() {
	fcfs-event create e --stock "$@" >/dev/null
}

# pairs: STATUS:TICKET of each answer on stdin, in one line
pairs() {
	awk -F '\t' '{ printf "%s%s:%s", sep, $1, $3; sep = " " } END { print "" }'
}

# join_function PERSON...: the public function, as a web backend calls it
join_function() {
	redis fcall fcfs_join_1 2 "$(key e event)" "$(key e line)" "$@"
}

# asker NAME: an fcfs-join as co-process behind the descriptors ask and answer of this shell
asker() {
	mkfifo "$T/$1.in" "$T/$1.out"
	fcfs-join e <"$T/$1.in" >"$T/$1.out" 3>&- &
	exec {ask}>"$T/$1.in" {answer}<"$T/$1.out"
}

@test "an answer: status, person, ticket, time in us, detail" {
	event 5
	run -0 fcfs-join e ann
	grep -qxP 'joined\tann\t1\t[0-9]{16}\t-' <<<"$output"
	run -0 fcfs-join e bob
	grep -qxP 'joined\tbob\t2\t[0-9]{16}\t-' <<<"$output"
}

@test "the time is the server's, in the line as in the answer (P2)" {
	event 5
	before=$(redis time | paste -sd ' ' | awk '{ printf "%.0f", $1 * 1000000 + $2 }')
	us=$(fcfs-join e ann | cut -f 4)
	after=$(redis time | paste -sd ' ' | awk '{ printf "%.0f", $1 * 1000000 + $2 }')
	[ "$before" -le "$us" ]
	[ "$us" -le "$after" ]
	same "$us" "$(redis zscore "$(key e line)" ann)"
}

@test "joining again gives the same ticket and time, whatever came in between (P1)" {
	event 50
	first=$(fcfs-join e ann)
	people 20 | fcfs-join e >/dev/null
	fcfs-dispatch e >/dev/null
	fcfs-event set e --stock 500 --state paused
	same "already${first#joined}" "$(fcfs-join e ann)"
	fcfs-event set e --state closed
	same "already${first#joined}" "$(fcfs-join e ann)"
	same 21 "$(redis zcard "$(key e line)")"
}

@test "one person's exit status" {
	event 1 --opens +1h
	run -75 fcfs-join e ann
	[[ $output == early$'\t'ann$'\t'-$'\t'-$'\t'* ]]
	fcfs-event set e --opens now
	run -0 fcfs-join e ann
	run -0 fcfs-join e ann
	run -1 fcfs-join e bob
	[ "$output" = $'soldout\tbob\t-\t-\t-' ]
	fcfs-event set e --state paused
	run -75 fcfs-join e bob
	[ "$output" = $'paused\tbob\t-\t-\t-' ]
	fcfs-event set e --state closed
	run -1 fcfs-join e bob
	[ "$output" = $'closed\tbob\t-\t-\t-' ]
	fcfs-leave e ann
	run -1 fcfs-join e ann
	[[ $output == left$'\t'ann$'\t'1$'\t'* ]]
	run -65 fcfs-join e 'a b'
	[ "$output" = $'invalid\ta b\t-\t-\thas white space' ]
	run -78 fcfs-join nobody ann
	[ "$output" = "fcfs-join: event 'nobody': no such event" ]
	run -78 fcfs-join nobody </dev/null
	[ "$output" = "fcfs-join: event 'nobody': no such event" ]
	run -0 fcfs-join e </dev/null
	[ -z "$output" ]
}

@test "- is a name like any other, not standard input; of an empty one it is said that it is invalid" {
	event 2
	run -0 fcfs-join e - <<<ann
	[[ $output == $'joined\t-\t1\t'* ]]
	fcfs-dispatch e >/dev/null
	run -65 fcfs-rank e - '' ann
	same $'winner\t-\t1\ninvalid\t-\t-\nabsent\tann\t-' "$(cut -f 1-3 <<<"$output")"
	run -65 fcfs-rank -j e - ''
	same '"-" ""' "$(jq .user <<<"$output" | paste -sd ' ')"
	run -0 fcfs-leave e - </dev/null
	[ "$output" = $'returned\t-\t1' ]
}

@test "several people and streams: 0 when all were answered, whatever the answer; 65 with an invalid one" {
	event 1
	run -0 fcfs-join e ann bob
	[ "${#lines[@]}" -eq 2 ]
	run -65 fcfs-join e ann '' bob
	same "already:1 invalid:- soldout:-" "$(pairs <<<"$output")"
	run -0 fcfs-join e < <(people 10)
	[ "${#lines[@]}" -eq 10 ]
	run -65 fcfs-join e < <(printf 'ann\nb b\nbob\n')
	same "already:1 invalid:- soldout:-" "$(pairs <<<"$output")"
	run -0 fcfs-join e </dev/null
	[ -z "$output" ]
	run -78 fcfs-join nobody < <(people 10)
}

@test "early tells the seconds to wait, rounded up, and the door opens by itself" {
	event 5 --opens +1h
	run -75 fcfs-join e ann
	wait_s=$(cut -f 5 <<<"$output")
	[ "$wait_s" -le 3600 ]
	[ "$wait_s" -gt 3500 ]
	fcfs-event set e --opens +1s
	wait_for 60 fcfs-join e ann >"$T/answers"
	[ "$(tail -n 1 "$T/answers" | cut -f 4)" -ge "$(field e opens_us)" ]
	run grep -v -e ^joined -e $'^early\tann\t-\t-\t1$' "$T/answers"
	[ -z "$output" ]
}

@test "it closes by itself: nobody enters at or after that time" {
	event 100000
	fcfs-join e p0 >"$T/answers" # the second may be over before anybody else asks
	fcfs-event set e --closes +1s
	door_is_shut() {
		n=$((n + 1))
		run fcfs-join e "p$n"
		echo "$output" >>"$T/answers"
		[[ $output == closed* ]]
	}
	wait_for 60 door_is_shut
	last=$(redis zrange "$(key e line)" -1 -1 withscores | tail -n 1)
	[ "$last" -lt "$(field e closes_us)" ]
	same "$(redis zcard "$(key e line)")" "$(grep -c ^joined "$T/answers")"
	run -0 fcfs-join e p0
}

@test "the order of the steps: in line, then state and times, then room" {
	event 1
	fcfs-join e ann bob >/dev/null # ann is in, bob is not
	decisions() {
		fcfs-join e ann bob | cut -f 1 | paste -sd ' '
	}
	same "already soldout" "$(decisions)"
	fcfs-event set e --state paused
	same "already paused" "$(decisions)"
	fcfs-event set e --opens +1h
	same "already paused" "$(decisions)"
	fcfs-event set e --state open
	same "already early" "$(decisions)"
	fcfs-event set e --state closed
	same "already closed" "$(decisions)"
	fcfs-event set e --state open --opens now
	fcfs-event set e --closes now
	same "already closed" "$(decisions)"
	fcfs-event set e --state paused
	same "already paused" "$(decisions)"
	fcfs-leave e ann
	same "left paused" "$(decisions)"
}

@test "somebody named twice in one call has one place" {
	event 2
	run -0 fcfs-join e ann bob ann cid cid bob
	same "joined:1 joined:2 already:1 soldout:- soldout:- already:2" "$(pairs <<<"$output")"
	same "$(sed -n 1p <<<"$output" | cut -f 4)" "$(sed -n 3p <<<"$output" | cut -f 4)"
	same 2 "$(redis zcard "$(key e line)")"
}

@test "somebody named twice in a call of 2,500 has one place, and a full house is full in the middle of it" {
	event 2200
	mapfile -t names < <(people 2499)
	join_function "${names[@]}" p0000001 >"$T/reply"
	same "2200 joined 299 soldout 1 already" "$(awk 'NR % 4 == 1' "$T/reply" | uniq -c |
		awk '{ printf "%s%s %s", sep, $1, $2; sep = " " }')"
	same "1 2200" "$(awk 'NR % 4 == 2 && $1' "$T/reply" | sed -n '1p; 2200p' | paste -sd ' ')"
	same 1 "$(tail -n 3 "$T/reply" | head -n 1)"
	same 2200 "$(redis zcard "$(key e line)")"
}

@test "10,000 people within the same 10 ms of the server's clock stay in order (P2)" {
	event 10000
	mapfile -t names < <(people 10000 | shuf)
	join_function "${names[@]}" >"$T/reply"
	awk 'NR % 4 == 2' "$T/reply" | cmp - <(seq 10000)
	awk 'NR % 4 == 3 { if (last && $1 != last + 1) exit 1; last = $1 }' "$T/reply"
	redis zrange "$(key e line)" 0 -1 | cmp - <(printf '%s\n' "${names[@]}")
}

@test "a stream of 10,000 keeps its order, in the answers and in the line (P2)" {
	event 10000
	people 10000 | shuf >"$T/names"
	fcfs-join e <"$T/names" >"$T/answers"
	cut -f 2 "$T/answers" | cmp - "$T/names"
	cut -f 3 "$T/answers" | cmp - <(seq 10000)
	awk -F '\t' '$1 != "joined" || $4 <= last { exit 1 } { last = $4 }' "$T/answers"
	redis zrange "$(key e line)" 0 -1 | cmp - "$T/names"
	# again, in the same order, backwards and with gaps: each call holds neighbours and strangers
	for order in cat tac 'awk NR%3' shuf; do
		$order "$T/answers" | sed s/^joined/already/ >"$T/expected"
		cut -f 2 "$T/expected" | fcfs-join e | cmp - "$T/expected"
	done
}

@test "eight processes at once: dense tickets, no duplicate, the exact stock (P1, P2, P3)" {
	event 5000
	people 400 all >"$T/all"
	for i in 1 2 3 4 5 6 7 8; do
		{ people 1000 "p$i." && cat "$T/all"; } | shuf >"$T/names.$i"
		fcfs-join e <"$T/names.$i" >"$T/answers.$i" 3>&- &
	done
	wait
	for i in 1 2 3 4 5 6 7 8; do
		cut -f 2 "$T/answers.$i" | cmp - "$T/names.$i"
		# in each process the new tickets rise
		awk -F '\t' '$1 == "joined" { if ($3 <= last) exit 1; last = $3 }' "$T/answers.$i"
	done
	cat "$T"/answers.? >"$T/answers"
	awk -F '\t' '$1 == "joined" { print $3 }' "$T/answers" | sort -n | cmp - <(seq 5000)
	same 5000 "$(redis zcard "$(key e line)")"
	# whoever has a ticket has it in every answer, and joined once
	awk -F '\t' '$3 != "-" { if (t[$2] && t[$2] != $3 || $1 == "joined" && joined[$2]++) exit 1; t[$2] = $3 }' "$T/answers"
	run grep -vcE $'^(joined|already|soldout)\t' "$T/answers"
	same 0 "$output"
	# ticket order is time order
	awk -F '\t' '$1 == "joined" { print $3, $4 }' "$T/answers" | sort -n |
		awk '$2 <= last { exit 1 } { last = $2 }'
}

@test "whose answer was out before another asked has the lower ticket (P2)" {
	event 10000
	now_us() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }
	ask_100() {
		local i person before status ticket rest
		asker "$1"
		for i in {1..100}; do
			before=$(now_us)
			echo "$1.$i" >&"$ask"
			IFS=$'\t' read -r -t 10 status person ticket rest <&"$answer" || return
			printf '%s %s %s\n' "$before" "$(now_us)" "$ticket"
		done >"$T/$1.times"
		exec {ask}>&- {answer}<&-
		wait
	}
	for i in 1 2 3 4; do
		ask_100 "$i" 3>&- &
	done
	wait
	cat "$T"/?.times >"$T/times"
	same 400 "$(wc -l <"$T/times")"
	awk '{ asked[NR] = $1; out[NR] = $2; ticket[NR] = $3 }
		END { for (a = 1; a <= NR; a++) for (b = 1; b <= NR; b++)
			if (out[a] < asked[b]) { pairs++; if (ticket[a] >= ticket[b]) exit 1 }
			if (pairs < NR) exit 1 }' "$T/times"
}

@test "as a co-process it answers as soon as input pauses" {
	event 5
	asker a
	for person in ann bob ann; do
		echo $person >&"$ask"
		IFS=$'\t' read -r -t 10 status who ticket _ <&"$answer"
		echo "$status $who $ticket" >>"$T/answers"
	done
	printf 'cid\n\nd' >&"$ask" # two whole lines; the third is not ended yet
	for _ in 1 2; do
		IFS=$'\t' read -r -t 10 status who ticket _ <&"$answer"
		echo "$status $who $ticket" >>"$T/answers"
	done
	echo ora >&"$ask"
	IFS=$'\t' read -r -t 10 status who ticket _ <&"$answer"
	echo "$status $who $ticket" >>"$T/answers"
	exec {ask}>&-
	run -1 read -r -t 10 _ <&"$answer"
	diff - "$T/answers" <<-END
		joined ann 1
		joined bob 2
		already ann 1
		joined cid 3
		invalid - -
		joined dora 4
	END
}

@test "room is stock and standby, less who left: a leave reopens the door" {
	event 2 --standby 1
	run -0 fcfs-join e a b c d
	same "joined:1 joined:2 joined:3 soldout:-" "$(pairs <<<"$output")"
	fcfs-leave e a
	run -0 fcfs-join e d f a
	same "joined:4 soldout:- left:1" "$(pairs <<<"$output")"
	fcfs-dispatch e >/dev/null # b and c win
	run -0 fcfs-leave e b
	[[ $output == returned* ]]
	run -0 fcfs-join e f g
	same "joined:5 soldout:-" "$(pairs <<<"$output")"
	fcfs-event set e --standby 2
	run -0 fcfs-join e g h
	same "joined:6 soldout:-" "$(pairs <<<"$output")"
	fcfs-event set e --stock 3
	run -0 fcfs-join e h i
	same "joined:7 soldout:-" "$(pairs <<<"$output")"
}

@test "a stock of none is sold out" {
	event 0
	run -1 fcfs-join e ann
	[[ $output == soldout* ]]
}

@test "-j: a JSON object a line, fields named and ordered as documented" {
	event 2
	run -65 fcfs-join -j e ann bob ann cid 'x"\y' $'\xff'
	for line in "${lines[@]}"; do
		same '["status","user","ticket","joined_us","detail"]' "$(jq -c keys_unsorted <<<"$line")"
	done
	same '["joined","ann",1,"number",null]' \
		"$(jq -c '[.status, .user, .ticket, (.joined_us | type), .detail]' <<<"${lines[0]}")"
	same "$(jq .joined_us <<<"${lines[0]}")" "$(jq .joined_us <<<"${lines[2]}")"
	same '{"status":"soldout","user":"cid","ticket":null,"joined_us":null,"detail":null}' "${lines[3]}"
	same 'x"\y' "$(jq -r .user <<<"${lines[4]}")"
	same '{"status":"invalid","user":"\\xFF","ticket":null,"joined_us":null,"detail":"not valid UTF-8"}' "${lines[5]}"
}

@test "-j: early tells the seconds" {
	event 2 --opens +1h
	run -75 fcfs-join -j e ann
	[ "$(jq '.detail | tonumber' <<<"$output")" -gt 3500 ]
}

@test "-t: percentiles of latency on stderr, stdout as ever" {
	event 100
	run -0 --separate-stderr fcfs-join -t e < <(people 50)
	[ "${#lines[@]}" -eq 50 ]
	[[ $stderr =~ ^'latency_us p50 '[0-9]+' p90 '[0-9]+' p99 '[0-9]+' p99.9 '[0-9]+' max '[0-9]+' n 50'$ ]]
	read -r _ _ p50 _ p90 _ p99 _ p999 _ max _ <<<"$stderr"
	[ "$p50" -gt 0 ]
	[ "$p50" -le "$p90" ]
	[ "$p90" -le "$p99" ]
	[ "$p99" -le "$p999" ]
	[ "$p999" -le "$max" ]
}

@test "-v: what came in is what was answered, counted (P7); without it stderr is silent" {
	event 2
	run -65 --separate-stderr fcfs-join -v e < <(printf 'a\nb\na\nc\n\nd\n')
	same "fcfs-join: 6 asked = 2 joined + 1 already + 2 soldout + 1 invalid" "$stderr"
	run -0 --separate-stderr fcfs-join e < <(people 5)
	same "" "$stderr"
}

@test "the event counts who joined and who was refused, by reason" {
	event 2
	fcfs-join e a b a c d >/dev/null
	fcfs-leave e a >/dev/null
	fcfs-join e a a a >/dev/null
	fcfs-event set e --opens +1h
	people 3 | fcfs-join e >/dev/null
	fcfs-event set e --state paused
	people 4 | fcfs-join e >/dev/null
	fcfs-event set e --state closed
	people 5 | fcfs-join e >/dev/null
	for want in joined:2 already:1 refused_soldout:2 refused_left:3 refused_early:3 refused_paused:4 refused_closed:5; do
		same "$want" "${want%:*}:$(field e "${want%:*}")"
	done
	same 2 "$(redis zcard "$(key e line)")"
}
