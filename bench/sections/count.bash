# count.bash: instructions a person, under callgrind: figures that do not depend on the machine's mood
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash
#
# Of two events, one of few people and one of more, the difference is what each person more has cost: starting and ending is
# in neither. The server runs under callgrind, too, with its log. What the kernel does is not counted. The goals are what it
# was, and a twentieth: what is dearer should be so on purpose. For a call of one person, where a command of Redis more or
# less is a thirtieth, it is a fiftieth.

describe() {
	series join instructions 'fcfs-join, a person who enters'
	series already instructions 'fcfs-join, a person who is in line already'
	series rank instructions 'fcfs-rank, a person in line'
	series join_server instructions 'redis-server, a person who enters'
	series already_server instructions 'redis-server, a person who is in line already'
	series rank_server instructions 'redis-server, a person in line whose place is asked'
	series issue instructions 'fcfs-issue, a code, from a pipe and without a ledger'
	series issue_server instructions 'redis-server, a code'
	series kept instructions 'fcfs-issue, a code, from a pipe and with the SQLite ledger'
	series alone_server instructions 'redis-server, a call of one person, who enters'
	series alone_already_server instructions 'redis-server, a call of one person, who is in line already'
	series alone_soldout_server instructions 'redis-server, a call of one person, who finds it sold out'
	series alone_left_server instructions 'redis-server, a call of one person, who has left'
	series zadd_server instructions 'redis-server, a member of a bare ZADD NX of 500'
	ratio join_zadd join_server zadd_server 'in redis-server, entering to a bare ZADD'
	goal join at_most 1650
	goal already at_most 1650
	goal rank at_most 5900
	goal join_server at_most 9950
	goal already_server at_most 4400
	goal rank_server at_most 21400
	goal issue at_most 9300
	goal issue_server at_most 38100
	goal kept at_most 26000
	goal alone_server at_most 114500
	goal alone_already_server at_most 64300
	goal alone_soldout_server at_most 88300
	goal alone_left_server at_most 60300
}

sizes() {
	few=$(size 4000) many=$(size 24000)
	names "$few" >few.ids
	names "$many" >many.ids
	few_alone=$(size 500) many_alone=$(size 3000)
}

# A Redis under callgrind; by a socket, which needs no free port. What it does by the clock it does once a second.
prepare() {
	local deadline=$((SECONDS + 60))
	once
	command -v valgrind >/dev/null || skip "no valgrind: 'scripts/deps bench' installs it"
	mkdir server
	export FCFS_REDIS=unix:$PWD/server/socket
	valgrind --tool=callgrind --callgrind-out-file=server/counts redis-server "$tree/scripts/redis.conf" \
		--port 0 --hz 1 --unixsocket "$PWD/server/socket" --dir "$PWD/server" >server/log 2>&1 &
	server=$!
	until redis ping >/dev/null 2>&1; do
		{ kill -0 $server 2>/dev/null && [ $SECONDS -lt $deadline ]; } || fail 'redis-server does not start under callgrind' 71
		sleep 0.1
	done
}

redis() {
	redis-cli -s "$PWD/server/socket" "$@"
}

round() {
	each entering join join_server
	each entering already already_server
	each asking rank rank_server
	each issuing issue issue_server
	each keeping kept ''
	each bare '' zadd_server
	expect 'people in line' "$many" "$(redis zcard 'fcfs:{many}:line')"
	expect 'codes issued' "$many" "$(redis hget 'fcfs:{many}:event' issued)"
	expect 'members of the peer' "$many" "$(redis zcard zadd-many)"
	audited many
	audited kept-many --ledger "sqlite:many.db"
	alone
}

# As a web backend calls it.
alone() {
	local few=$few_alone many=$many_alone
	fcfs-event create alone-few --stock "$few" >/dev/null
	fcfs-event create alone-many --stock "$many" >/dev/null
	each 'joining joined a' '' alone_server
	each 'joining already a' '' alone_already_server
	each 'joining soldout b' '' alone_soldout_server
	names "$many" | fcfs-leave alone-many >/dev/null
	names "$few" | fcfs-leave alone-few >/dev/null
	each 'joining left a' '' alone_left_server
	audited alone-many
}

# each FUNCTION CLIENT SERVER: what a person more costs the tool and the server, as samples of these series ('': of none)
each() {
	local client_few server_few
	$1 few
	client_few=$client_spent server_few=$server_spent
	$1 many
	[ -z "$2" ] || sample "$2" $(((client_spent - client_few) / (many - few)))
	[ -z "$3" ] || sample "$3" $(((server_spent - server_few) / (many - few)))
}

# entering SIZE: into an event of that name, again if there is one
entering() {
	[ "$(redis exists "fcfs:{$1}:event")" -eq 1 ] || fcfs-event create "$1" --stock "$many" >/dev/null
	counted fcfs-join "$1" <"$1.ids"
}

# joining ANSWER LETTER SIZE: one person after the other, of those names, who all get that answer
joining() {
	local event=alone-$3
	names "${!3}" "$2" | sed "s/^/FCALL fcfs_join_1 2 fcfs:{$event}:event fcfs:{$event}:line /" >calls
	server_counts >/dev/null
	redis <calls >answers
	server_spent=$(server_counts) client_spent=0
	expect "calls answered '$1'" "${!3}" "$(grep -cx "$1" answers)"
}

asking() {
	counted fcfs-rank "$1" <"$1.ids"
}

# issuing SIZE: what dispatch has granted before; all of them are winners
issuing() {
	fcfs-dispatch -b '' "$1" >winners
	counted fcfs-issue -b '' --chunk 1000 <winners
}

# keeping SIZE: codes of an event of its own, as those of the other one are out
keeping() {
	fcfs-event create "kept-$1" --stock "$many" >/dev/null
	fcfs-join "kept-$1" <"$1.ids" >/dev/null
	fcfs-dispatch -b '' "kept-$1" >winners
	counted fcfs-issue -b '' --chunk 1000 --ledger "sqlite:$1.db" <winners
}

bare() {
	counted ceiling "$PWD/server/socket" "zadd-$1" 500 <"$1.ids"
}

# counted COMMAND...: sets client_spent and server_spent, in instructions
counted() {
	server_counts >/dev/null
	valgrind --tool=callgrind --callgrind-out-file=client.counts "$@" >answers 2>client.log ||
		fail "$1 failed under callgrind: $(tail -n 1 client.log)"
	client_spent=$(sed -n 's/^totals: //p' client.counts)
	server_spent=$(server_counts)
}

# server_counts: since it was asked last
server_counts() {
	callgrind_control -d now "$server" >/dev/null 2>&1
	cat server/counts.* | sed -n 's/^totals: //p'
	rm server/counts.*
}
