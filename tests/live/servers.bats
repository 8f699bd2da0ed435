#!/usr/bin/env bats
# scripts/servers: private servers that start once, come back with their data and port, and go when told.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets stderr

bats_require_minimum_version 1.5.0

setup() {
	servers=$BATS_TEST_DIRNAME/../../scripts/servers
	kafka=$BATS_TEST_DIRNAME/../../scripts/kafka
	version=$(sed -n 's/^kafka=\([^ ]*\).*/\1/p' "$kafka-java")
	dir=$BATS_TEST_TMPDIR/a
	other=$BATS_TEST_TMPDIR/b
}

teardown() {
	"$servers" stop "$dir"
	"$servers" stop "$other"
}

start() {
	eval "$("$servers" start --brokers 0 "${1:-$dir}")"
	pid=$(cat "${1:-$dir}/redis/pid")
	port=$(cat "${1:-$dir}/redis/port")
}

# kafka_start [OPTION...]: the brokers of $dir, without Redis
kafka_start() {
	eval "$("$servers" start "$@" "$dir" kafka 3>&-)"
}

# broker N WHAT: its pid or port
broker() {
	cat "$dir/kafka-$1/$2"
}

produce() {
	kcat -P -b "$FCFS_BROKERS" -X acks=all -X message.timeout.ms=20000 -t "$1"
}

consume() {
	kcat -C -b "$FCFS_BROKERS" -t "$1" -o beginning -e -q
}

# ended PID: gone, or waiting for a parent that does not ask
ended() {
	! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c 1)" = Z ]
}

# ends PID: within the limit: its working folder, which stop looks at, goes a moment before it does
ends() {
	local deadline=$((SECONDS + 30))
	until ended "$1"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

@test "start prints the environment of a server that answers" {
	run -0 "$servers" start --brokers 0 "$dir"
	port=$(cat "$dir/redis/port")
	[ "$output" = "export FCFS_REDIS=redis://127.0.0.1:$port
unset FCFS_BROKERS
export FCFS_STATE='$dir/state'" ]
	[ "$(redis-cli -p "$port" ping)" = PONG ]
	[ -d "$dir/state" ]
}

@test "PostgreSQL is there once it is named, and is killed, and comes back with its data and port" {
	eval "$("$servers" start --brokers 0 "$dir" postgresql 3>&-)"
	port=$PGPORT
	[ "$(readlink "/proc/$(cat "$dir/postgresql/pid")/cwd")" = "$dir/postgresql" ]
	psql -XAtqd postgres -c 'CREATE TABLE kept AS SELECT 7 AS x'
	[ "$("$servers" start --brokers 0 "$dir" postgresql 3>&-)" = "$("$servers" start "$dir" postgresql 3>&-)" ]
	kill -9 "$(cat "$dir/postgresql/pid")"
	eval "$("$servers" start --brokers 0 "$dir" 3>&-)" # Redis, too
	[ "$PGPORT" = "$port" ]
	[ "$(psql -XAtqd postgres -c 'SELECT x FROM kept')" = 7 ]
	"$servers" stop "$dir"
	run -1 "$servers" status "$dir"
	[ "${lines[1]}" = "postgresql stopped dir=$dir/postgresql" ]
	[ "$(tail -n 1 "$dir/postgresql/log" | sed 's/.*LOG: *//')" = 'database system is shut down' ]
}

@test "start twice: the same server, the same lines" {
	run -0 "$servers" start --brokers 0 "$dir"
	first=$output pid=$(cat "$dir/redis/pid")
	run -0 "$servers" start --brokers 0 "$dir"
	[ "$output" = "$first" ]
	[ "$(cat "$dir/redis/pid")" = "$pid" ]
}

@test "several starts at once: one server" {
	for i in 1 2 3 4; do
		"$servers" start --brokers 0 "$dir" >"$BATS_TEST_TMPDIR/$i" 3>&- &
	done
	wait
	for i in 2 3 4; do
		cmp "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/$i"
	done
	grep -q FCFS_REDIS "$BATS_TEST_TMPDIR/1"
}

@test "the settings are the recommended ones, and more from the environment" {
	FCFS_REDIS_SERVER_ARGS='--maxmemory-policy allkeys-lru --maxmemory 50mb' start
	run -0 redis-cli -p "$port" config get 'append[of]*'
	[[ $output == *$'appendonly\nyes'* ]]
	[[ $output == *$'appendfsync\nalways'* ]]
	[ "$(redis-cli -p "$port" config get save)" = "$(printf 'save\n\n')" ]
	[ "$(redis-cli -p "$port" config get maxmemory-policy | tail -n 1)" = allkeys-lru ]
	[ "$(redis-cli -p "$port" debug sleep 0)" = OK ]
	start "$other"
	[ "$(redis-cli -p "$port" config get maxmemory-policy | tail -n 1)" = noeviction ]
}

@test "config rewrite changes the folder's file, not the shipped one" {
	before=$(cat "$BATS_TEST_DIRNAME/../../scripts/redis.conf")
	start
	[ "$(redis-cli -p "$port" config rewrite)" = OK ]
	[ "$(cat "$BATS_TEST_DIRNAME/../../scripts/redis.conf")" = "$before" ]
}

@test "a server killed with -9 comes back on its port with its data" {
	start
	old_pid=$pid old_port=$port
	redis-cli -p "$port" set answer 42
	for _ in 1 2 3 4 5; do
		kill -9 "$pid"
		start
		[ "$pid" != "$old_pid" ]
		[ "$port" = "$old_port" ]
		old_pid=$pid
	done
	[ "$(redis-cli -p "$port" get answer)" = 42 ]
}

@test "stop, and start again: same port, same data" {
	start
	old_port=$port
	redis-cli -p "$port" set answer 42
	"$servers" stop "$dir"
	start
	[ "$port" = "$old_port" ]
	[ "$(redis-cli -p "$port" get answer)" = 42 ]
}

@test "when another has taken the port meanwhile, a server gets a new one" {
	start
	old_port=$port
	"$servers" stop "$dir"
	mkdir -p "$other/redis"
	echo "$port" >"$other/redis/port"
	start "$other"
	[ "$port" = "$old_port" ]
	run -0 --separate-stderr "$servers" start --brokers 0 "$dir"
	[ "$stderr" = "servers: port $old_port is taken, redis gets another" ]
	[ "$(cat "$dir/redis/port")" != "$old_port" ]
	[ "$(redis-cli -p "$(cat "$dir/redis/port")" config get dir | tail -n 1)" = "$dir/redis" ]
}

@test "stop ends the server, and a second stop has nothing to do" {
	start
	run -0 "$servers" stop "$dir"
	[ "$output" = '' ]
	ends "$pid"
	run -0 "$servers" stop "$dir"
	run -0 "$servers" stop "$BATS_TEST_TMPDIR/never"
	[ ! -e "$BATS_TEST_TMPDIR/never" ]
}

@test "stop ends a server that is suspended" {
	start
	kill -STOP "$pid"
	run -0 "$servers" stop "$dir"
	ends "$pid"
}

@test "status says running or stopped" {
	run -1 "$servers" status "$dir"
	[ "$output" = "redis stopped dir=$dir/redis" ]
	start
	run -0 "$servers" status "$dir"
	[ "$output" = "redis running pid=$pid port=$port dir=$dir/redis" ]
	kill -9 "$pid"
	ends "$pid"
	run -1 "$servers" status "$dir"
}

@test "a folder with a space and a quote" {
	dir="$BATS_TEST_TMPDIR/it's a folder"
	start
	[ "$FCFS_STATE" = "$dir/state" ]
	[ "$FCFS_REDIS" = "redis://127.0.0.1:$port" ]
	[ "$(redis-cli -p "$port" ping)" = PONG ]
	run -0 "$servers" status "$dir"
	run -0 "$servers" stop "$dir"
	run -1 "$servers" status "$dir"
}

@test "a foreign pid in the pid file is left alone" {
	sleep 300 3>&- &
	stranger=$!
	mkdir -p "$dir/redis"
	echo "$stranger" >"$dir/redis/pid"
	run -1 "$servers" status "$dir"
	run -0 "$servers" stop "$dir"
	[ "$output" = "servers: pid $stranger is not the redis of '$dir': left alone" ]
	kill -0 "$stranger"
	kill "$stranger"
}

@test "another folder's redis in the pid file is left alone" {
	start "$other"
	mkdir -p "$dir/redis"
	echo "$pid" >"$dir/redis/pid"
	run -0 "$servers" stop "$dir"
	[ "$output" = "servers: pid $pid is not the redis of '$dir': left alone" ]
	[ "$(redis-cli -p "$port" ping)" = PONG ]
	echo '-1' >"$dir/redis/pid"
	run -0 "$servers" stop "$dir"
	kill -0 "$pid"
}

@test "the server holds none of the caller's descriptors" {
	exec 7>"$BATS_TEST_TMPDIR/held" 12>&7
	start
	exec 7>&- 12>&-
	run ! bash -c "readlink /proc/$pid/fd/* | grep held"
	[ "$(ps -o sid= -p "$pid" | tr -d ' ')" != "$(ps -o sid= -p $$ | tr -d ' ')" ]
}

@test "a server that refuses its arguments: status 71 and its words" {
	FCFS_REDIS_SERVER_ARGS='--no-such-option 1' run -71 "$servers" start --brokers 0 "$dir"
	[[ $output == *'no-such-option'* ]]
	[[ $output == *"servers: redis did not start: see '$dir/redis/log'" ]]
	run -1 "$servers" status "$dir"
}

@test "misuse is status 64, no redis-server status 69" {
	run -64 "$servers"
	run -64 "$servers" start
	run -64 "$servers" restart "$dir"
	run -64 "$servers" start ''
	mkdir "$BATS_TEST_TMPDIR/bin"
	for tool in bash dirname mkdir flock; do
		ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/bin/"
	done
	PATH=$BATS_TEST_TMPDIR/bin run -69 "$servers" start --brokers 0 "$dir"
	[ "$output" = 'servers: no redis-server: install it with scripts/deps' ]
}

@test "brokers: the number is the folder's, the options go anywhere" {
	run -0 "$servers" --brokers 0 start "$dir"
	run -0 "$servers" start "$dir"
	[[ $output == *'unset FCFS_BROKERS'* ]]
	[ ! -e "$dir/kafka-1" ]
	mkdir "$other" "$other/kafka-1"
	echo 3 >"$other/brokers"
	for words in "--brokers 1 start $other" "start --brokers=1 $other" "start $other --brokers 1" "start --brokers 0 $other"; do
		# shellcheck disable=SC2086 # a word each
		run -64 "$servers" $words
		[[ $output == "servers: '$other' has 3 brokers, not "[01]': take another folder' ]]
	done
	run -64 "$servers" start "$other" kafka-4
	[ "$output" = "servers: '$other' has no server 'kafka-4'" ]
	run -75 "$servers" start "$other" kafka-2
	[ "$output" = 'servers: more than half of the 3 brokers must run: start the others with kafka-2' ]
	run -64 "$servers" start --brokers
	run -64 "$servers" start --brokers many "$dir"
	run -64 "$servers" start --brokers 10 "$dir"
	run -64 "$servers" start --broker 1 "$dir"
}

@test "a broker beside Redis: its environment, its status, its end" {
	for i in 1 2; do
		"$servers" start "$dir" >"$BATS_TEST_TMPDIR/$i" 3>&- &
	done
	wait
	run -0 cat "$BATS_TEST_TMPDIR/1"
	cmp "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2"
	pid=$(broker 1 pid) port=$(broker 1 port)
	[ "$output" = "export FCFS_REDIS=redis://127.0.0.1:$(cat "$dir/redis/port")
export FCFS_BROKERS=127.0.0.1:$port
export FCFS_STATE='$dir/state'" ]
	run -0 "$servers" status "$dir"
	[ "${lines[0]}" = "redis running pid=$(cat "$dir/redis/pid") port=$(cat "$dir/redis/port") dir=$dir/redis" ]
	[ "${lines[1]}" = "kafka-1 running pid=$pid port=$port dir=$dir/kafka-1" ]
	[ ${#lines[@]} -eq 2 ]
	kcat -L -b "127.0.0.1:$port" | grep -q '1 brokers:'
	for name in port controller-port; do
		run -0 grep -h ":$(printf %04X "$(broker 1 $name)") .* 0A " /proc/net/tcp /proc/net/tcp6
		[[ ! $output =~ :\ 0+: ]]
	done
	"$servers" stop "$dir" kafka
	ends "$pid"
	run -1 "$servers" status "$dir"
	[ "${lines[1]}" = "kafka-1 stopped dir=$dir/kafka-1" ]
	run -0 "$servers" status "$dir" redis
	run -0 "$servers" stop "$dir"
	run -0 "$servers" stop "$dir"
	[ "$output" = '' ]
	run ! bash -c "readlink /proc/[0-9]*/cwd | grep '^$dir/'"
}

@test "a broker has its data and its port again: after stop, after kill -9, after SIGSTOP" {
	kafka_start
	before=$FCFS_BROKERS
	"$kafka" topics --bootstrap-server "$FCFS_BROKERS" --create --topic t
	seq 3 | produce t
	"$servers" stop "$dir"
	kafka_start
	seq 4 6 | produce t
	pid=$(broker 1 pid)
	kill -9 "$pid"
	kafka_start
	[ "$(broker 1 pid)" != "$pid" ]
	pid=$(broker 1 pid)
	kill -STOP "$pid"
	"$servers" stop "$dir" kafka-1
	ends "$pid"
	kafka_start
	[ "$FCFS_BROKERS" = "$before" ]
	[ "$(consume t)" = "$(seq 6)" ]
	run -0 "$kafka" get-offsets --bootstrap-server "$FCFS_BROKERS" --topic t
	[ "$output" = t:0:6 ]
	run -1 consume misspelt
}

@test "three brokers: copies of everything, and one may be gone" {
	kafka_start --brokers 3
	[ "$FCFS_BROKERS" = "127.0.0.1:$(broker 1 port),127.0.0.1:$(broker 2 port),127.0.0.1:$(broker 3 port)" ]
	kcat -L -b "127.0.0.1:$(broker 3 port)" | grep -q '3 brokers:'
	"$kafka" topics --bootstrap-server "$FCFS_BROKERS" --create --topic t
	run -0 "$kafka" topics --bootstrap-server "$FCFS_BROKERS" --describe --topic t
	[[ $output == *'ReplicationFactor: 3'*'min.insync.replicas=2'* ]]
	"$servers" stop "$dir" kafka-2
	run -1 "$servers" status "$dir" kafka
	[ "${lines[1]}" = "kafka-2 stopped dir=$dir/kafka-2" ]
	run -0 "$servers" status "$dir" kafka-3
	seq 3 | produce t
	kill -9 "$(broker 3 pid)"
	eval "$("$servers" start "$dir" kafka-2 3>&-)"
	eval "$("$servers" start "$dir" kafka 3>&-)"
	run -0 "$servers" status "$dir"
	[ "$(consume t)" = "$(seq 3)" ]
	pids=$(cat "$dir"/kafka-?/pid)
	run -0 "$servers" stop "$dir"
	for pid in $pids; do
		ends "$pid"
	done
}

@test "when others have taken its ports meanwhile, a broker gets new ones, and has its data" {
	kafka_start
	before=$(broker 1 port)
	"$kafka" topics --bootstrap-server "$FCFS_BROKERS" --create --topic t
	seq 3 | produce t
	"$servers" stop "$dir"
	for name in port controller-port; do
		mkdir -p "$other/$name"
		cp "$dir/kafka-1/$name" "$other/$name/port"
		redis-server --port "$(broker 1 $name)" --bind 127.0.0.1 --save '' --dir "$other" >"$other/log" 3>&- &
		echo $! >>"$other/pids"
	done
	while [ "$(grep -c 'Ready to accept' "$other/log")" -lt 1 ]; do sleep 0.05; done
	run -0 --separate-stderr "$servers" start "$dir" kafka
	xargs kill <"$other/pids"
	[[ $stderr == *"servers: port $before is taken, kafka-1 gets another"* ]]
	eval "$output"
	[ "$FCFS_BROKERS" = "127.0.0.1:$(broker 1 port)" ]
	[ "$(broker 1 port)" != "$before" ]
	[ "$(consume t)" = "$(seq 3)" ]
}

@test "a foreign pid in a broker's pid file is left alone" {
	sleep 300 3>&- &
	stranger=$!
	mkdir -p "$dir/kafka-1"
	echo "$stranger" >"$dir/kafka-1/pid"
	run -1 "$servers" status "$dir"
	run -0 "$servers" stop "$dir"
	[ "$output" = "servers: pid $stranger is not the kafka of '$dir': left alone" ]
	kill "$stranger"
}

@test "a broker that refuses its settings: status 71 and its words" {
	FCFS_KAFKA_SERVER_ARGS='--override num.partitions=none' run -71 "$servers" start "$dir" kafka
	[[ $output == *'Invalid value none'* ]]
	[[ $output == *"servers: kafka-1 did not start: see '$dir/kafka-1/log'" ]]
	run -1 "$servers" status "$dir"
	[ ! -e "$dir/kafka-1/pid" ]
}

@test "the jars: two fetch them once, into an empty cache" {
	export FCFS_CACHE=$BATS_TEST_TMPDIR/cache FCFS_KAFKA_ARCHIVE=no
	"$kafka-java" >"$BATS_TEST_TMPDIR/1" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	"$kafka-java" >"$BATS_TEST_TMPDIR/2" 2>>"$BATS_TEST_TMPDIR/err" 3>&-
	wait
	cmp "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2"
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = "servers: fetching Kafka $version from Maven Central, about 43 MB, once" ]
	[ "$(ls "$FCFS_CACHE")" = "kafka-$version
lock" ]
	run -64 "$kafka" nothing
	run -0 --separate-stderr "$kafka" topics --version
	[ "$output" = "$version" ]
	[ "$stderr" = '' ]
}

@test "the jars: a fetch that fails says why, one that is killed leaves nothing half" {
	export FCFS_CACHE=$BATS_TEST_TMPDIR/cache
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "no way to the repository"\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/mvn"
	chmod +x "$BATS_TEST_TMPDIR/bin/mvn"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run -69 "$servers" start "$dir"
	[ "${lines[1]}" = 'no way to the repository' ]
	[ "${lines[2]}" = "servers: Maven could not fetch Kafka $version: see above" ]
	[ "$(ls "$FCFS_CACHE")" = lock ]
	# shellcheck disable=SC2016 # the script's
	printf '#!/bin/sh\nfor word; do dir=${word#-DoutputDirectory=}; done\nmkdir "$dir"\n: >"$dir/a.jar"\nkill -9 $PPID\n' \
		>"$BATS_TEST_TMPDIR/bin/mvn"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run -137 "$kafka-java"
	[ ! -e "$FCFS_CACHE/kafka-$version" ]
	sed -i 's/^kill.*//' "$BATS_TEST_TMPDIR/bin/mvn"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH FCFS_KAFKA_ARCHIVE=no run -0 "$kafka-java"
	[ "$(ls "$FCFS_CACHE" "$FCFS_CACHE/kafka-$version")" = "$FCFS_CACHE:
kafka-$version
lock

$FCFS_CACHE/kafka-$version:
a.jar" ]
}
