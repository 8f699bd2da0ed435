#!/usr/bin/env bats
# scripts/servers: private servers that start once, come back with their data and port, and go when told.
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets stderr

bats_require_minimum_version 1.5.0

setup() {
	servers=$BATS_TEST_DIRNAME/../../scripts/servers
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

# ended PID: gone, or waiting for a parent that does not ask
ended() {
	! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c 1)" = Z ]
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
	ended "$pid"
	run -0 "$servers" stop "$dir"
	run -0 "$servers" stop "$BATS_TEST_TMPDIR/never"
	[ ! -e "$BATS_TEST_TMPDIR/never" ]
}

@test "stop ends a server that is suspended" {
	start
	kill -STOP "$pid"
	run -0 "$servers" stop "$dir"
	ended "$pid"
}

@test "status says running or stopped" {
	run -1 "$servers" status "$dir"
	[ "$output" = "redis stopped dir=$dir/redis" ]
	start
	run -0 "$servers" status "$dir"
	[ "$output" = "redis running pid=$pid port=$port dir=$dir/redis" ]
	kill -9 "$pid"
	for ((i = 0; i < 200; i++)); do
		! ended "$pid" || break
		sleep 0.05
	done
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
