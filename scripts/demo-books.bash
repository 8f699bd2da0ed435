# demo-books.bash - scripts/demo's books: what each way did, counted from all sides and compared.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are the demo's, or known by name

declare -A requests joined already soldout seconds

# issued FILE...: user, ticket, code, joined_us, issued_us of each record
issued() {
	sed -E 's/.*"user":"([^"]*)","ticket":([0-9]*),"code":"([^"]*)","joined_us":([0-9]*).*"issued_us":([0-9]*).*/\1\t\2\t\3\t\4\t\5/' "$@"
}

# tickets FILE: user, ticket of each record
tickets() {
	sed -E 's/.*"user":"([^"]*)","ticket":([0-9]*).*/\1\t\2/' "$1"
}

# report WAY NAME: a figure of fcfs-report
report() {
	awk -F '\t' -v name="$2" '$1 == name { print $2 }' "$D/$1/report"
}

# out WAY: user, ticket, code that were written: before the kill and after it
out() {
	case $1 in
	pipe) issued "$D/pipe/first.jsonl" "$D/pipe/second.jsonl" ;;
	kafka) issued "$D/kafka/before" "$D/kafka/gifticon_issued" ;;
	esac | cut -f 1-3 | sort -u
}

figure() {
	printf '%-9s %7s %7s   %s\n' "$@"
}

# check NAME PIPE KAFKA NOTE COMMAND: a figure of each way, '-' if it has none, and whether the command, asked about the
# way, finds nothing wrong with it
check() {
	local verdict=ok bad=''
	[ "$2" = - ] || "$5" pipe || bad+=' pipe'
	[ "$3" = - ] || "$5" kafka || bad+=' kafka'
	[ -z "$bad" ] || verdict="BROKEN:$bad" broken="${broken:+$broken, }$1 (${bad# })"
	printf '%-9s %7s %7s   %-46s %s\n' "${@:1:4}" "$verdict"
}

# Counted by those who asked, counted by the server, and the sum of the answers.
requests_add_up() {
	[ $((joined[$1] + already[$1] + soldout[$1])) -eq "${requests[$1]}" ] &&
		[ "$(answers "$1" | wc -l)" -eq "${requests[$1]}" ] &&
		[ "$(report "$1" requests)" -eq "${requests[$1]}" ] && [ "$(report "$1" joined)" -eq "${joined[$1]}" ] &&
		[ "$(report "$1" already)" -eq "${already[$1]}" ] &&
		[ "$(report "$1" refused_soldout)" -eq "${soldout[$1]}" ]
}

# From the line itself: it goes 1, 2, 3 ... and has the people who were told so, with the same tickets.
tickets_are_dense() {
	cut -f 2 "$D/$1/line" | cmp -s - <(seq "${joined[$1]}") &&
		answers "$1" | awk -F '\t' '$1 == "joined" { print $2 "\t" $3 }' | sort | cmp -s - <(sort "$D/$1/line")
}

same_ticket_again() {
	answers "$1" | awk -F '\t' '$1 == "already" { again[$2] = $3 } $1 == "joined" { ticket[$2] = $3 } END {
		for (person in again)
			if (ticket[person] != again[person])
				exit 1 }'
}

# The times grow strictly with the tickets, and the tickets with each process' own answers.
order_is_kept() {
	answers "$1" | awk -F '\t' '$1 == "joined" { print $3 "\t" $4 }' | sort -n |
		awk '$2 <= last { exit 1 } { last = $2 }' &&
		awk -F '\t' 'FNR == 1 { last = 0 } $1 == "joined" { if ($3 <= last) exit 1; last = $3 }' "$D/$1"/out.*
}

slots_add_up() {
	[ "$(($(report "$1" granted) - $(report "$1" returned)))" -eq "$stock" ] &&
		[ "$(report "$1" issued)" -eq "$stock" ] && [ "$(report "$1" returned)" -eq 1 ]
}

slot_went_on() {
	fcfs-rank "chicken-$1" "${leaver[$1]}" "${next[$1]}" | cut -f 1,3 |
		cmp -s - <(printf 'left\t%d\nissued\t%d\n' "$gives_back" $((stock + 1)))
}

# Of its own line, and in order.
the_first_won() {
	head -n $((stock + 1)) "$D/$1/line" | grep -vx ".*[[:blank:]]$gives_back" | cmp -s - <(cut -f 1,3 "$D/$1/issued")
}

codes_are_unique() {
	[ "$(wc -l <"$D/$1/issued")" -eq "$stock" ] && [ "$(cut -f 2 "$D/$1/issued" | sort -u | wc -l)" -eq "$stock" ] &&
		sqlite3 -separator $'\t' "$D/$1/ledger.db" 'select user, code, ticket from issued order by ticket' |
		cmp -s - "$D/$1/issued"
}

# What was written before the kill and after it is what everybody has.
codes_were_kept() {
	out "$1" | cmp -s - <(awk -F '\t' '{ print $1 "\t" $3 "\t" $2 }' "$D/$1/issued" | sort)
}

# Requests are the line, winners those who were granted a slot, codes those in Redis: no record more, none twice; each has
# its person as the key, and its event.
kcat_saw_each_once() {
	local topic
	for topic in "${topics[@]}"; do
		tickets "$D/kafka/$topic" | cut -f 1 | cmp -s - <(cut -f 2 "$D/kafka/$topic") &&
			cut -f 3 "$D/kafka/$topic" | sort -u | cmp -s - <(echo event=chicken-kafka,v=1) || return 1
	done
	tickets "$D/kafka/event_requests" | sort | cmp -s - <(sort "$D/kafka/line") &&
		tickets "$D/kafka/gifticon_publish" | sort |
		cmp -s - <(head -n "$(report kafka granted)" "$D/kafka/line" | sort) &&
		issued "$D/kafka/gifticon_issued" | awk -F '\t' '{ print $1 "\t" $3 "\t" $2 }' | sort |
		cmp -s - <(sort "$D/kafka/issued")
}

# lag: what the issuers have yet to read, as Kafka counts it
lag() {
	awk '$2 == "gifticon_publish" { n++; lag += $6 } END { print n ? lag : "unknown" }' "$D/kafka/group"
}

nothing_lags() {
	[ "$(lag)" = 0 ]
}

same_line_same_winners() {
	cut -f 1,3 "$D/pipe/issued" | cmp -s - <(cut -f 1,3 "$D/again")
}

# count WAY ANSWER
count() {
	answers "$1" | awk -F '\t' -v status="$2" '$1 == status { n++ } END { print n + 0 }'
}

# gather WAY: what there is to compare, in files and figures
gather() {
	fcfs-report "chicken-$1" >"$D/$1/report"
	fcfs-report --issued "chicken-$1" | cut -f 1-3 >"$D/$1/issued"
	fcfs-rank --list "chicken-$1" | cut -f 2,3 >"$D/$1/line"
	requests[$1]=$(cat "$D/$1"/in.* | wc -l)
	joined[$1]=$(count "$1" joined) already[$1]=$(count "$1" already) soldout[$1]=$(count "$1" soldout)
	seconds[$1]=$(sqlite3 "$D/$1/ledger.db" 'select printf("%.1f", (max(issued_us) - min(granted_us)) / 1e6) from issued')
}

# pair NAME: of an array, or of the reports, pipe's and kafka's; sets both
pair() {
	local -n array=$1
	both=("$(commas "${array[pipe]}")" "$(commas "${array[kafka]}")")
}

books() {
	local both
	gather pipe
	gather kafka
	fcfs-report --issued chicken-again | cut -f 1-3 >"$D/again"
	section '13. The books, both ways'
	printf '%17s %7s\n' pipe kafka
	figure people "$(commas "$people")" "$(commas "$people")" "in $processes processes, $(commas $((people / 5))) of them twice"
	pair requests && check requests "${both[@]}" '= joined + already + sold out' requests_add_up
	pair joined && check joined "${both[@]}" "tickets 1 to ${joined[pipe]}, each given once" tickets_are_dense
	pair already && check already "${both[@]}" 'who came twice was told the same ticket' same_ticket_again
	pair joined && check order "${both[@]}" 'later ticket, later time, in every process' order_is_kept
	check granted "$(report pipe granted)" "$(report kafka granted)" \
		'- 1 returned = stock = issued' slots_add_up
	check 'given up' "$gives_back" "$gives_back" "the slot of this ticket went to $((stock + 1)), the next" slot_went_on
	check issued "$(report pipe issued)" "$(report kafka issued)" "the first $((stock + 1)) in line but the one who left" \
		the_first_won
	check codes "$(cut -f 2 "$D/pipe/issued" | sort -u | wc -l)" "$(cut -f 2 "$D/kafka/issued" | sort -u | wc -l)" \
		'all different, and the same in the ledger' codes_are_unique
	pair printed && check 'kill -9' "${both[@]}" 'codes were out then, and none changed' codes_were_kept
	check records - "$(cat "${topics[@]/#/$D/kafka/}" | wc -l)" 'request, winner, code: each once, says kcat' \
		kcat_saw_each_once
	check lag - "$(lag)" 'winners that the issuers have yet to read' nothing_lags
	check again "$stock" "$(wc -l <"$D/again")" "pipe's line, through Kafka: the same winners" same_line_same_winners
	pair seconds && figure seconds "${both[@]}" 'from the first grant to the last code'
}
