# network.bash - cells with a faulty network between a tool and a server (proxy.c): nothing hangs, what has no answer is
# asked again, what comes late does no harm. A fault is an event of its own; the rerun goes without the proxy. Sourced by run.
# shellcheck shell=bash disable=SC2154,SC2317 # T, pid; what is called by name

REDIS_FAULTS='latency:40 bandwidth:3000 reset:0 reset:1 reset:150 hole:0 hole:1 hole:150 slow:800'
OTHER_FAULTS='latency:40 bandwidth:20000 reset:0 reset:1 reset:900 hole:0 hole:1 hole:900 slow:800'
QUICK=(--timeout 500ms --connect-timeout 500ms)

# free_port: one below those that are given out by the kernel
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12768))
		(: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo $port
}

# proxy PORT [LISTEN]: sets proxy to the port to ask instead
proxy() {
	proxy=${2:-$(free_port)}
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -o "$T/proxy" "$FAULTS/proxy.c"
	rule none
	spawn "$T/proxy" "$proxy" "$1" "$T/rule" >"$T/strikes"
	# shellcheck disable=SC2016 # for the inner shell
	soon bash -c ': <>"/dev/tcp/127.0.0.1/$1"' - "$proxy" 2>/dev/null
}

# rule WORDS: as proxy.c says
rule() {
	echo "$*" >"$T/rule.new"
	mv "$T/rule.new" "$T/rule"
}

strikes_again() {
	[ "$(wc -l <"$T/strikes")" -gt "$1" ]
}

# knocked PID: it is connected to the proxy, or has been, and has ended
knocked() {
	gone "$1" || grep -qE ": [0-9A-F]{8}:[0-9A-F]{4} 0100007F:$(printf %04X "$proxy") 01 " /proc/net/tcp
}

# through FAULT COMMAND...: it runs with the fault between it and its server; that of what keeps it from ending is over
# half a second after it struck; slow: it is killed, and nobody hears of it at once. Its stdin is $T/in
through() {
	local before
	before=$(wc -l <"$T/strikes")
	rule "${1%:*}" "${1#*:}"
	[ "${1%:*}" != slow ] || sleep 0.05
	spawn reading "$T/in" "${@:2}" >"$T/through" 2>"$T/through.err"
	case $1 in
	reset* | hole*)
		soon strikes_again "$before"
		sleep 0.5
		rule none
		;;
	slow*)
		soon knocked "$pid"
		sleep 0.1
		gone "$pid" || kill -9 "$pid"
		soon strikes_again "$before"
		;;
	esac
	soon gone "$pid"
	count network 1
}

# --- a tool and what is done with it -------------------------------------------------------------

asked() {
	whole "$T/through" | awk -v OFS='\t' 'NR == FNR { at[$1] = NR; next } { print at[$2], at[$2], $0 }' "$T/in" - >>"$T/$1/answers"
}

net_join() {
	fresh "$1" 15 0
	people 300 >"$T/in"
	cp "$T/in" "$T/people"
	through "$2" fcfs-join -r "$away" "${QUICK[@]}" "$1"
	asked "$1"
	told "$1" "$T/people" env
}

net_leave() {
	fresh "$1" 15 30
	fcfs-dispatch "$1" >/dev/null
	people 20 >"$T/in"
	through "$2" fcfs-leave -r "$away" "${QUICK[@]}" "$1"
	whole "$T/through" >>"$T/$1/leaves"
	leaves "$1" env <"$T/in"
}

net_dispatch() {
	fresh "$1" 15 30
	: >"$T/in"
	through "$2" fcfs-dispatch -r "$away" "${QUICK[@]}" --batch 3 "$1"
	whole "$T/through" >"$T/w"
	issue "$1" <"$T/w"
}

net_issue() {
	fresh "$1" 15 30
	: >"$T/$1/ledger"
	fcfs-dispatch "$1" >"$T/in"
	through "$2" fcfs-issue -r "$away" "${QUICK[@]}" --chunk 3 --ledger "sqlite:$T/$1/ledger"
	out "$1" "$T/through"
}

net_codes() {
	fresh "$1" 15 30 --codes pool
	people 300 CODE >"$T/in"
	through "$2" fcfs-codes load -r "$away" "${QUICK[@]}" "$1"
	fcfs-codes load "$1" <"$T/in" || [ $? -eq 65 ]
	same 300 "$(field "$1" codes_loaded)"
}

net_set() {
	fresh "$1" 5 30
	: >"$T/in"
	through "$2" fcfs-event set -r "$away" "${QUICK[@]}" "$1" --stock 15
	fcfs-event set "$1" --stock 15
	echo 15 >"$T/$1/stock"
}

net_dispatch_kafka() {
	fresh "$1" 15 30
	: >"$T/in"
	through "$2" fcfs-dispatch -b "$away" --batch 5 "${SHORT[@]}" "$1"
}

net_issue_kafka() {
	fresh "$1" 15 30
	: >"$T/in"
	fcfs-dispatch "$1"
	through "$2" fcfs-issue -b "$away" --chunk 5 --connect-timeout 2s "${SHORT[@]}"
}

net_ledger() {
	fresh "$1" 15 30
	fcfs-dispatch "$1" >"$T/in"
	through "$2" fcfs-issue "${QUICK[@]}" --chunk 3 --ledger "postgresql://$away"
	out "$1" "$T/through"
	fcfs-dispatch "$1" >"$T/w" || [ $? -eq 1 ]
	fcfs-issue --ledger "$ledger_url" <"$T/w" >"$T/1"
	out "$1" "$T/1"
	same "$(redis_codes "$1")" "$(psql -XAtq -F ' ' -c "select \"user\", code from issued where event = '$1'" | sort)"
}

# net TOOL FAULTS: each of them
net() {
	local n=0 fault
	for fault in $2; do
		n=$((n + 1))
		[ $n -le "${FCFS_FAULT_TIMES:-100}" ] || break
		"net_$1" "$1.$n" "$fault"
		settle "$1.$n" "${SHORT[@]}"
		verdict "$1.$n"
	done
}

# --- the cells -----------------------------------------------------------------------------------

redis_net() {
	local away
	world
	proxy "$REDIS_PORT"
	away=redis://127.0.0.1:$proxy
	net "$1" "$REDIS_FAULTS"
}

cell_net_join_redis() {
	redis_net join
}

cell_net_leave_redis() {
	redis_net leave
}

cell_net_dispatch_redis() {
	redis_net dispatch
}

cell_net_issue_redis() {
	redis_net issue
}

cell_net_codes_redis() {
	redis_net codes
}

cell_net_event_redis() {
	REDIS_FAULTS=${REDIS_FAULTS//150/4} redis_net set # it is answered little
}

# A broker tells its clients where to go: those that come from outside, to the proxy.
kafka_net() {
	local away inside outside controller map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,OUT:PLAINTEXT at=127.0.0.1
	inside=$(free_port) outside=$(free_port) controller=$(free_port) away=$(free_port)
	mkdir -p "$T/servers/kafka-1"
	echo "$inside" >"$T/servers/kafka-1/port"
	echo "$controller" >"$T/servers/kafka-1/controller-port"
	export FCFS_KAFKA_SERVER_ARGS="--override listener.security.protocol.map=$map
		--override listeners=PLAINTEXT://$at:$inside,CONTROLLER://$at:$controller,OUT://$at:$outside
		--override advertised.listeners=PLAINTEXT://$at:$inside,OUT://$at:$away"
	FCFS_KAFKA_SERVER_ARGS=${FCFS_KAFKA_SERVER_ARGS//[$'\n\t']/ }
	world 1
	proxy "$outside" "$away"
	away=127.0.0.1:$proxy
	net "$1" "$OTHER_FAULTS"
}

cell_net_dispatch_kafka() {
	kafka_net dispatch_kafka
}

cell_net_issue_kafka() {
	kafka_net issue_kafka
}

cell_net_issue_postgresql() {
	local away ledger_url
	world
	eval "$("$TREE/scripts/servers" start "$SERVERS" postgresql 3>&-)"
	export PGDATABASE=ledger
	psql -XAtq -d postgres -c "create database $PGDATABASE"
	ledger_url=postgresql:///$PGDATABASE
	proxy "$PGPORT"
	away=$PGUSER@127.0.0.1:$proxy/$PGDATABASE
	net ledger "$OTHER_FAULTS"
}
