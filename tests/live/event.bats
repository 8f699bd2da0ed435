#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# fcfs-event: settings are written once, changed in the open, and never cost anybody a slot already granted.

load ../helper

setup_file() { servers_start; }
teardown_file() { servers_stop; }
setup() { namespace; }

teardown() {
	"$TREE/scripts/servers" stop "$T/other" 3>&-
}

# other_server ARGUMENT...: a second server, for this test alone; FCFS_REDIS names it from here on
other_server() {
	eval "$(FCFS_REDIS_SERVER_ARGS="$*" "$TREE/scripts/servers" start --brokers 0 "$T/other" 3>&-)"
	REDIS_PORT=${FCFS_REDIS##*:}
}

create() {
	fcfs-event create "$@" >/dev/null
}

# shown FIELD: a line of show
shown() {
	fcfs-event show e | awk -F '\t' -v field="$1" '$1 == field { print $2 }'
}

# log_of FILTER: what jq says about the event's records for event_log
log_of() {
	redis lrange "$(key e outbox)" 0 -1 | jq -rc "$1"
}

@test "create: a new id, and the settings as given" {
	run -0 fcfs-event create e --stock 3 --standby 2 --opens 2026-01-01T09:00:00+09:00 --closes 2199-01-01T00:00:00Z --codes uuid --name 'Summer chicken'
	grep -qxP 'created\te\t[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' <<<"$output"
	same "$(cut -f 3 <<<"$output")" "$(field e id)"
	run -0 fcfs-event show e
	same "$(printf '%s\n' event id name state stock standby created opens closes codes \
		codes_loaded codes_left bus joined waiting left granted returned issued lease epoch \
		eviction durability window replicas behind_bytes behind_s)" "$(cut -f 1 <<<"$output")"
	same "e|Summer chicken|open|3|2|2026-01-01T00:00:00Z|2199-01-01T00:00:00Z|uuid|-|0" \
		"$(for f in event name state stock standby opens closes codes bus joined; do shown $f; done | paste -sd '|')"
}

@test "creating again with the same settings is a no, and changes nothing" {
	run -0 fcfs-event create e --stock 3 --opens +10m
	first=$(redis hgetall "$(key e event)")
	run -1 fcfs-event create e --opens +10m --stock 3
	[ "$output" = $'exists\te\t'"$(field e id)" ]
	same "$first" "$(redis hgetall "$(key e event)")"
	run -1 fcfs-event -j create e --stock 3 --opens +10m
	same "exists e $(field e id)" "$(jq -r '"\(.status) \(.event) \(.id)"' <<<"$output")"
}

@test "creating again with other settings is an error, and changes nothing" {
	create e --stock 3 --opens +10m
	first=$(redis hgetall "$(key e event)")
	for other in '--stock 4 --opens +10m' '--stock 3' '--stock 3 --opens +600s' '--stock 3 --opens +10m --standby 1' \
		'--stock 3 --opens +10m --codes uuid' '--stock 3 --opens +10m --name x'; do
		# shellcheck disable=SC2086 # several words
		run -65 --separate-stderr fcfs-event create e $other
		[[ $stderr == "fcfs-event: event 'e' exists with other settings (stock=3 standby=0 opens=+10m "* ]]
		[ -z "$output" ]
	done
	same "$first" "$(redis hgetall "$(key e event)")"
}

@test "creating again does not reload the stock, after a set or after winners (P3)" {
	create e --stock 1 --standby 5
	fcfs-join e a b c >/dev/null
	fcfs-dispatch e >/dev/null
	run -1 fcfs-event create e --stock 1 --standby 5
	same 1 "$(field e granted)"
	fcfs-event set e --stock 2
	run -1 fcfs-event create e --stock 1 --standby 5
	same 2 "$(field e stock)"
}

@test "eight creates at once: one id, one created" {
	for i in 1 2 3 4 5 6 7 8; do
		fcfs-event create e --stock 3 >"$T/$i" 3>&- &
	done
	wait
	same "1 created 7 exists" "$(cut -f 1 "$T"/? | sort | uniq -c | awk '{ print $1, $2 }' | paste -sd ' ')"
	same "$(field e id)" "$(cut -f 3 "$T"/? | sort -u)"
	same 1 "$(log_of .seq)"
}

@test "stock raised while people wait: the next in line win" {
	create e --stock 1 --standby 9
	fcfs-join e a b c d >/dev/null
	fcfs-dispatch e >/dev/null
	fcfs-event set e --stock 3
	same "a b c" "$(fcfs-dispatch e | jq -r .user | paste -sd ' ')"
	same 3 "$(field e granted)"
}

@test "stock lowered to what is granted passes, below it is refused with the number (P3)" {
	create e --stock 5
	fcfs-join e a b c >/dev/null
	fcfs-dispatch e >/dev/null
	run -65 fcfs-event set e --stock 2
	[ "$output" = "fcfs-event: event 'e': 3 are granted already: stock cannot go below that" ]
	same 5 "$(field e stock)"
	run -0 fcfs-event set e --stock 3
	same 3 "$(field e stock)"
	fcfs-leave e a
	run -0 fcfs-event set e --stock 2
	run -65 fcfs-event set e --stock 1
}

@test "set: an event cannot come to close before it opens; an empty time takes a time back" {
	create e --stock 5 --opens +1h --closes +2h
	run -65 fcfs-event set e --closes +30m
	same "fcfs-event: event 'e': it would close before it opens" "$output"
	run -65 fcfs-event set e --opens +3h
	run -0 fcfs-event set e --closes +30m --opens now
	run -0 --separate-stderr fcfs-event create past --stock 1 --closes 2020-01-01T00:00:00Z
	same "fcfs-event: --closes '2020-01-01T00:00:00Z' is past: nobody can join" "$stderr"
	run -1 fcfs-join past ann
	run -0 --separate-stderr fcfs-event set past --closes now
	same '' "$stderr"
	run -0 fcfs-event set e --closes ''
	same 0 "$(field e closes_us)"
	run -0 fcfs-event set e --opens +3h
}

@test "a set that is refused changes none of its settings" {
	create e --stock 2
	fcfs-join e a b >/dev/null
	fcfs-dispatch e >/dev/null
	run -65 fcfs-event set e --standby 7 --stock 1 --state closed
	same "2 0 open" "$(field e stock) $(field e standby) $(field e state)"
	same 1 "$(log_of .seq)"
}

@test "set: each change is a record with before and after; what stays the same is none (P10)" {
	create e --stock 2
	fcfs-event set e --stock 4 --standby 0 --state paused --name 'Größe "L"'
	fcfs-event set e --stock 4
	fcfs-event set e --closes 2199-01-01T00:00:00Z
	same "$(printf '%s\n' '1 create' '2 set stock=2 stock=4' '3 set name= name=Größe "L"' \
		'4 set state=open state=paused' '5 set closes_us=0 closes_us=7226582400000000')" \
		"$(log_of '"\(.seq) \(.what) \(.before) \(.after)"' | sed 's/create .*/create/')"
	same "$(id -u)@$(uname -n) $(field e id)" "$(log_of '"\(.who) \(.id)"' | sort -u)"
	same "stock=2 standby=0 opens= closes= codes=random name=" "$(log_of 'select(.seq == 1) | .after')"
}

@test "the state shown is the door's: by hand and by time" {
	create e --stock 2 --opens +1h
	same early "$(shown state)"
	fcfs-event set e --state paused
	same paused "$(shown state)"
	fcfs-event set e --state open --opens now
	same open "$(shown state)"
	fcfs-event set e --closes now
	same closed "$(shown state)"
}

@test "+10m is counted from the server's clock" {
	create e --stock 2 --opens +10m --closes +20m
	between=$(($(field e opens_us) - $(field e created_us)))
	[ "$between" -gt $((600 * 1000000 - 10 * 1000000)) ]
	[ "$between" -le $((600 * 1000000)) ]
	same $((600 * 1000000)) $(($(field e closes_us) - $(field e opens_us)))
}

@test "show -j: one object, the same names, numbers as numbers, null where there is none" {
	create e --stock 3 --name 'a "b" ü'
	fcfs-join e a b >/dev/null
	run -0 fcfs-event -j show e
	same "$(fcfs-event show e | cut -f 1)" "$(jq -r 'keys_unsorted[]' <<<"$output")"
	same '["a \"b\" ü",3,2,2,null,null]' "$(jq -c '[.name, .stock, .joined, .waiting, .opens, .lease]' <<<"$output")"
}

@test "show counts waiting, left, granted, returned, issued" {
	create e --stock 3 --standby 9
	fcfs-join e a b c d e f >/dev/null
	fcfs-leave e f >/dev/null
	fcfs-dispatch e | head -n 1 | fcfs-issue >/dev/null
	fcfs-leave e b >/dev/null
	run -0 fcfs-event -j show e
	same '[6,2,1,3,1,1,"pipe"]' "$(jq -c '[.joined, .waiting, .left, .granted, .returned, .issued, .bus]' <<<"$output")"
}

@test "list: the events of this namespace by name; one that was named and never created is none, nor is what is no name" {
	create b --stock 2
	create a --stock 1
	fcfs-join b x >/dev/null
	FCFS_PREFIX=other. fcfs-event create c --stock 1 >/dev/null
	redis sadd "${FCFS_PREFIX}fcfs:events" ghost no/name >/dev/null
	printf 'a\0z' | redis -x sadd "${FCFS_PREFIX}fcfs:events" >/dev/null
	run -0 fcfs-event list
	[ "$output" = $'a\topen\t1\t0\t0\t0\t0\nb\topen\t2\t1\t0\t0\t0' ]
	run -0 fcfs-event -j list
	same '[["a","open",1,0,0,0,0],["b","open",2,1,0,0,0]]' \
		"$(jq -sc 'map([.event, .state, .stock, .joined, .granted, .returned, .issued])' <<<"$output")"
}

@test "list without events prints nothing" {
	run -0 fcfs-event list
	[ -z "$output" ]
}

@test "bad names, numbers, times and words are 64, name what is wrong, and create nothing" {
	long=$(printf 'x%.0s' {1..65})
	while IFS='|' read -r words complaint; do
		eval "set -- $words"
		run -64 --separate-stderr fcfs-event "$@"
		[ -z "$output" ]
		[[ $stderr == *"$complaint"* ]] || { echo "$words: $stderr" && false; }
	done <<-END
		create 'a b' --stock 1|event 'a b': a name is
		create '' --stock 1|event '': a name is
		create $long --stock 1|a name is
		create 'é' --stock 1|a name is
		create 'a{b}' --stock 1|a name is
		create a|create needs --stock
		create a b --stock 1|name one event
		create|name one event
		create a --stock -1|--stock '-1' is not a whole number
		create a --stock 1x|--stock '1x'
		create a --stock ''|--stock ''
		create a --stock 1.5|--stock '1.5'
		create a --stock 2147483648|--stock '2147483648'
		create a --stock 1 --standby x|--standby 'x'
		create a --stock 1 --opens soon|--opens 'soon'
		create a --stock 1 --opens 2026-13-01T00:00:00Z|--opens '2026-13-01
		create a --stock 1 --opens 2026-01-01T00:00:00|--opens '2026-01-01
		create a --stock 1 --closes +5|--closes '+5'
		create a --stock 1 --opens +2h --closes +1h|--closes '+1h' is not after --opens
		create a --stock 1 --codes pond|--codes 'pond'
		create a --stock 1 --state open|--state goes with set
		create a --stock 1 --name \$'a\tb'|--name: has white space
		create a --stock 1 --name \$'a\xff'|--name: not valid UTF-8
		create a --stock 1 --name \$'\u202eb'|--name: has a text direction mark
		create a --stock 1 --name '$long$long'|--name: longer than 128 bytes
		set a|set what?
		set a --state ajar|--state 'ajar'
		set a --codes uuid|the kind of codes is fixed
		list a|list takes no operand
		make a|say create, set, show, list or check
		|say create, set, show, list or check
	END
	run -0 fcfs-event list
	[ -z "$output" ]
	same 0 "$(redis exists "$(key a event)")"
}

@test "an unknown event is 78, and is named" {
	for verb in "set nobody --stock 5" "show nobody"; do
		# shellcheck disable=SC2086 # several words
		run -78 fcfs-event $verb
		[ "$output" = "fcfs-event: event 'nobody': no such event" ]
	done
	run -78 fcfs-event check nobody
	[ "${lines[-1]}" = $'fail\tevent\tevent '"'nobody': no such event" ]
	same 0 "$(redis exists "$(key nobody event)")"
}

@test "names of 64 characters, and titles in any script with single spaces" {
	longest=$(printf 'x%.0s' {1..64})
	create "$longest" --stock 1
	run -0 fcfs-join "$longest" ann
	for title in 'Summer Chicken' '여름 치킨 100' 'Eté — "déjà" \vu' '🍗 🍗'; do
		fcfs-event set "$longest" --name "$title"
		same "$title" "$(fcfs-event -j show "$longest" | jq -r .name)"
		same "$title" "$(fcfs-event show "$longest" | sed -n $'s/^name\t//p')"
	done
	fcfs-event set "$longest" --name ''
	same null "$(fcfs-event -j show "$longest" | jq .name)"
}

@test "check: all is well" {
	create e --stock 2
	run -0 fcfs-event check e
	same "ok redis ok eviction ok durability ok replicas ok functions ok clock ok event ok codes" \
		"$(cut -f 1,2 <<<"$output" | tr '\t' ' ' | paste -sd ' ')"
	[ "${lines[0]}" = $'ok\tredis\t127.0.0.1:'"$REDIS_PORT" ]
	[[ $output == *$'ok\tevent\topen, stock 2, standby 0, 0 in line'* ]]
	run -0 fcfs-event -j check e
	same '["verdict","what","detail"]' "$(jq -c keys_unsorted <<<"$output" | sort -u)"
}

@test "check: nothing to give, or a closed door, is a no; a pause is a warning" {
	create e --stock 0
	run -78 fcfs-event check e
	[[ $output == *$'fail\tevent\topen, stock 0,'* ]]
	fcfs-event set e --stock 1 --state paused
	run -0 fcfs-event check e
	[[ $output == *$'warn\tevent\tpaused,'* ]]
	fcfs-event set e --state closed
	run -78 fcfs-event check e
	[[ $output == *$'fail\tevent\tclosed,'* ]]
}

@test "check warns of functions that are not loaded yet" {
	other_server
	create e --stock 1
	redis function delete fcfs
	run -0 fcfs-event check e
	[[ $output == *$'warn\tfunctions\tnot loaded yet'* ]]
}

@test "a server that may evict: 78, nothing is written, and --force passes" {
	other_server --maxmemory-policy allkeys-lru
	run -78 fcfs-event create e --stock 1
	[[ $output == *"maxmemory-policy is 'allkeys-lru'"*"--force"* ]]
	same 0 "$(redis dbsize)"
	run -0 fcfs-event create e --stock 1 --force
	run -78 fcfs-setup redis
	[[ $output == *$'fail\teviction\t'* ]]
	run -0 fcfs-setup --force redis
	run -78 fcfs-event check e
	[[ $output == *$'fail\teviction\t'*"allkeys-lru"* ]]
	run -78 fcfs-join e < <(people 3)
	same 0 "$(redis exists "$(key e line)")"
	run -78 fcfs-leave e < <(people 3)
	run -78 fcfs-rank e < <(people 3)
	run -78 fcfs-dispatch e
	run -0 fcfs-join e one # not checked on every join
	run -0 fcfs-join --force e < <(people 3)
	redis config set maxmemory-policy noeviction
	run -0 fcfs-join e < <(people 3)
}

@test "weaker durability is warned of, with its window; -q is silent (P6)" {
	other_server --appendfsync everysec
	run -0 --separate-stderr fcfs-event create e --stock 9
	[[ $stderr == "fcfs-event: redis syncs its file once a second: "*"(set appendfsync always)" ]]
	run -0 --separate-stderr fcfs-join e < <(people 3)
	[[ $stderr == "fcfs-join: redis syncs its file once a second: "* ]]
	run -0 --separate-stderr fcfs-join -q e < <(people 3)
	same "" "$stderr"
	run -0 fcfs-setup redis
	[[ $output == *$'warn\tdurability\tredis syncs its file once a second: '* ]]
	run -0 fcfs-event check e
	[[ $output == *$'warn\tdurability\tredis syncs'* ]]
	redis config set appendfsync no
	run -0 fcfs-event check e
	[[ $output == *$'warn\tdurability\tredis never syncs its file: '* ]]
	redis config set appendfsync always no-appendfsync-on-rewrite yes
	run -0 fcfs-event check e
	[[ $output == *$'warn\tdurability\tredis does not sync its file while it rewrites it: '* ]]
	same 'always noeviction 0 null' \
		"$(fcfs-event -j show e | jq -r '"\(.durability) \(.eviction) \(.replicas) \(.behind_bytes)"')"
	redis config set appendfsync always appendonly no
	[[ $(fcfs-event -j show e | jq -r '.durability + " " + .window') == 'off redis keeps no append-only file: '* ]]
	run -0 fcfs-event check e
	[[ $output == *$'warn\tdurability\tredis keeps no append-only file: '* ]]
}

@test "a server that does not tell its settings: warned of, and the event goes on" {
	other_server --rename-command CONFIG HIDDEN
	run -0 --separate-stderr fcfs-event create e --stock 1
	[[ $stderr == "fcfs-event: redis does not tell its settings: "* ]]
	run -0 fcfs-join e ann
}

@test "a report of no event is 78, its runs, too" {
	for what in "" --issued --runs; do
		# shellcheck disable=SC2086 # none or one word
		run -78 fcfs-report $what none
		same "fcfs-report: event 'none': no such event" "$output"
	done
}
