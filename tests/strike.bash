# strike.bash - what the bats files about death and sleep in the middle of the flow share; `once` needs kafka.bash.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set here is read by the tests

# strike_build: in setup_file; the library that strike preloads
strike_build() {
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -shared -fPIC -o "$BATS_FILE_TMPDIR/strike.so" "$TREE/tests/strike.c"
}

# strike AT NTH before|after COMMAND...: in its place, struck as strike.c says; STRIKE_WITH=19 stops it
strike() {
	local after=''
	[ "$3" = before ] || after=yes
	# by its name alone: a space in a path would end it
	export LD_PRELOAD=strike.so LD_LIBRARY_PATH=$BATS_FILE_TMPDIR STRIKE_AT=$1 STRIKE_NTH=$2 STRIKE_AFTER=$after
	export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0
	exec "${@:4}"
}

# struck AT NTH before|after COMMAND...: it is killed there, and nowhere else
struck() {
	run strike "$1" "$2" "$3" timeout "$LIMIT" "${@:4}"
	[ "$status" -eq 137 ] || {
		printf 'not struck: %s\nstatus %s: %s\n' "$*" "$status" "$output" >&2
		return 1
	}
}

# seen EVENT: an outsider sees all codes; the ends of a transaction are written after its commit is answered
seen() {
	[ "$(kafka_codes "$1" | wc -l)" -ge "$(field "$1" issued)" ]
}

# once EVENT STOCK: all is done, and whoever reads the topics finds every request once, every decision in order, every
# winner once, the first STOCK in line who did not leave, and every code once; Redis, the ledger ($T/ledger, if it is
# there) and the run records agree (P1 to P5, P7)
once() {
	soon seen "$1"
	redis --raw zrange "$(key "$1" line)" 0 -1 | nl -w 1 -s ' ' >"$T/line"
	redis --raw hkeys "$(key "$1" left)" >"$T/left"
	awk -v stock="$2" 'NR == FNR { left[$1]; next } !($2 in left) && n++ < stock' "$T/left" "$T/line" >"$T/winners"
	issued_of "$1" >"$T/issued"
	winners_of "$1" | jq -r '"\(.ticket) \(.user)"' >"$T/published"
	diff "$T/line" <(values event_requests | jq -r "select(.event == \"$1\") | \"\(.ticket) \(.user)\"" | sort -n)
	diff <(seq "$(field "$1" seq)") <(values event_log | jq -r "select(.event == \"$1\") | .seq")
	same '' "$(uniq -d "$T/published")"
	diff "$T/winners" <(awk 'NR == FNR { left[$1]; next } !($2 in left)' "$T/left" "$T/published")
	diff "$T/winners" <(jq -r '"\(.ticket) \(.user)"' "$T/issued")
	same "$(wc -l <"$T/winners")" "$(jq -r .code "$T/issued" | sort -u | grep -cE "$CODE")"
	diff <(redis_codes "$1") <(printed_codes "$T/issued")
	same 0 "$(redis hlen "$(key "$1" pending)")"
	same "$(wc -l <"$T/published") $(wc -l <"$T/line")" "$(field "$1" granted) $(field "$1" published_requests)"
	same "$(wc -l <"$T/winners")" "$(field "$1" issued)"
	redis --raw lrange "$(key "$1" runs)" 0 -1 | books
	[ ! -e "$T/ledger" ] || diff <(jq -r '[.user, .ticket, .code, .joined_us, .granted_us, .issued_us] | join("|")' "$T/issued") \
		<(sqlite3 "$T/ledger" "select \"user\", ticket, code, joined_us, granted_us, issued_us from issued
			where event = '$1' order by ticket")
}

# finish EVENT [OPTION...]: plain reruns of both, issue with these options, until nothing is left to do
finish() {
	for _ in 1 2 3; do
		timeout "$LIMIT" fcfs-dispatch "$1" || same 1 $?
		timeout "$LIMIT" fcfs-issue "${@:2}"
	done
}
