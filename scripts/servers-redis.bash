# servers-redis.bash - scripts/servers' part that knows Redis.
# shellcheck shell=bash disable=SC2034,SC2154,SC2164 # dir, server, pid and port are its, and set -e

redis_program='^[^ ]*(redis|valkey)-server '

# redis_answers: whoever else may have the port, it is our process that answers on it, with its data loaded
redis_answers() {
	local info
	info=$("$redis_cli" -h 127.0.0.1 -p "$port" info 2>/dev/null | tr -d '\r')
	[[ $info == *$'\n'"process_id:$pid"$'\n'* && $info == *$'\n'loading:0$'\n'* ]]
}

# redis_linked: this replica has all that its primary had, and follows it
redis_linked() {
	[[ $("$redis_cli" -h 127.0.0.1 -p "$port" info replication 2>/dev/null) == *master_link_status:up* ]]
}

redis_settled() {
	redis_answers || ended
}

# The shipped settings, and what only a private server should have.
redis_configure() {
	cat "$scripts/redis.conf"
	printf '\n# added by %s\n' "${0##*/}"
	printf '%s\n' 'enable-debug-command local' 'daemonize no' 'logfile log' 'dir ./' 'repl-diskless-sync-delay 0'
	[ "$server" = redis ] || printf 'replicaof 127.0.0.1 %s\n' "$(read_number "$dir/redis/port")"
}

# redis_try: one attempt on $port; 0 it answers, 1 the port is another's
redis_try() {
	local log_size arguments
	read -ra arguments <<<"${FCFS_REDIS_SERVER_ARGS-}"
	touch log
	log_size=$(stat -c %s log)
	detached log "$redis_server" ./redis.conf --port "$port" "${arguments[@]}"
	echo "$pid" >pid
	echo "$port" >port
	wait_until redis_settled || { end && fail "$server does not answer within $limit_s s: see '$dir/$server/log'" 75; }
	! redis_answers || return 0
	rm -f pid
	! tail -c "+$((log_size + 1))" log | grep -q 'Address already in use' || return 1
	tail -c "+$((log_size + 1))" log | tail -n 5 >&2
	fail "$server did not start: see '$dir/$server/log'" 71
}

redis_launch() {
	local before attempt
	before=$(read_number "$dir/$server/port")
	redis_configure >"$dir/$server/redis.conf"
	cd "$dir/$server"
	for attempt in {1..50}; do
		port=${before:-$(random_port)}
		if redis_try; then
			return
		fi
		[ -n "$before" ] || continue
		sleep 0.1 # a killed server's last thread may still have it
		[ "$attempt" -ge 5 ] || continue
		echo "servers: port $before is taken, $server gets another" >&2
		before=''
	done
	fail "no free port after $attempt attempts" 75
}

# redis_start NAME: redis, or a replica of it
redis_start() {
	server=$1
	redis_server=$(command -v redis-server || command -v valkey-server) ||
		fail 'no redis-server: install it with scripts/deps' 69
	redis_cli=$(command -v redis-cli || command -v valkey-cli) || fail 'no redis-cli: install it with scripts/deps' 69
	mkdir -p "$dir/$server"
	if running; then
		wait_until redis_settled || fail "$server, pid $pid, runs and does not answer" 75
		redis_answers || redis_launch
	else
		wait_until gone || :
		redis_launch
	fi
	[ "$server" = redis ] || wait_until redis_linked || fail "$server does not follow redis within $limit_s s" 75
}

redis_environment() {
	port=$(read_number "$dir/redis/port")
	[ -z "$port" ] || echo "export FCFS_REDIS=redis://127.0.0.1:$port"
}
