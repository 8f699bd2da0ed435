# servers-postgresql.bash - scripts/servers' part that knows PostgreSQL. Its folder is the server's own (PGDATA), with our
# pid, port and log beside its files. It is for trying things out: what it has written is not synced.
# shellcheck shell=bash disable=SC2034,SC2154,SC2164 # dir, server, pid and port are its, and set -e

postgresql_program='^[^ ]*postgres '

# postgresql_find: sets postgresql_bin to the folder of the newest that is installed
postgresql_find() {
	local found
	found=$(command -v postgres || printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
	[ -x "$found" ] || fail 'no postgres: install it with scripts/deps check' 69
	found=$(readlink -f "$found")
	postgresql_bin=${found%/*}
}

# as_nobody COMMAND...: the server refuses to run as root, so it is nobody then; the folders on the way to its own may be
# root's, hence the capability
as_nobody() {
	if [ "$(id -u)" -eq 0 ]; then
		set -- setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all,+dac_override \
			--ambient-caps=+dac_override --bounding-set=-all,+dac_override "$@"
	fi
	"${run_with[@]}" "$@"
}

# postgresql_answers: it is our server that does
postgresql_answers() {
	[ "$("$postgresql_bin/psql" -XAtq -h 127.0.0.1 -p "$port" -U fcfs -d postgres -c 'show data_directory' 2>/dev/null)" = \
		"$dir/postgresql" ]
}

postgresql_settled() {
	postgresql_answers || ended
}

postgresql_make() {
	local run_with=()
	mkdir -p "$dir/postgresql"
	[ "$(id -u)" -ne 0 ] || chown nobody:nogroup "$dir/postgresql"
	chmod 700 "$dir/postgresql"
	as_nobody "$postgresql_bin/initdb" -D "$dir/postgresql" -U fcfs -A trust -E UTF8 --no-locale --no-sync \
		</dev/null >"$dir/postgresql.log" 2>&1 || {
		tail -n 5 "$dir/postgresql.log" >&2
		fail "postgresql cannot make its folder: see '$dir/postgresql.log'" 71
	}
	mv "$dir/postgresql.log" "$dir/postgresql/log"
}

# postgresql_empty: no server works in the folder; a killed one's sessions end when they notice
postgresql_empty() {
	local comm
	for comm in $(grep -lx postgres /proc/[0-9]*/comm 2>/dev/null); do
		[ "$(readlink "${comm%comm}cwd" 2>/dev/null)" != "$dir/postgresql" ] || return 1
	done
}

# postgresql_try: one attempt on $port; 0 it answers, 1 the port is another's
postgresql_try() {
	local log_size arguments run_with=(detached log)
	read -ra arguments <<<"${FCFS_POSTGRESQL_SERVER_ARGS-}"
	log_size=$(stat -c %s log)
	as_nobody "$postgresql_bin/postgres" -D "$dir/postgresql" -p "$port" -c listen_addresses=127.0.0.1 \
		-c unix_socket_directories= -c fsync=off "${arguments[@]}"
	echo "$pid" >pid
	echo "$port" >port
	limit_s=60 wait_until postgresql_settled || { end && fail "postgresql does not answer: see '$dir/postgresql/log'" 75; }
	! postgresql_answers || return 0
	rm -f pid
	! tail -c "+$((log_size + 1))" log | grep -q 'Address already in use' || return 1
	tail -c "+$((log_size + 1))" log | tail -n 5 >&2
	fail "postgresql did not start: see '$dir/postgresql/log'" 71
}

postgresql_launch() {
	local before attempt
	before=$(read_number "$dir/postgresql/port")
	limit_s=60 wait_until postgresql_empty || fail "a session of the killed postgresql does not end" 75
	rm -f "$dir/postgresql/postmaster.pid" # may name a process that waits for a parent that does not ask
	cd "$dir/postgresql"
	for attempt in {1..50}; do
		port=${before:-$(random_port)}
		if postgresql_try; then
			return
		fi
		[ -n "$before" ] || continue
		sleep 0.1 # a killed server's last thread may still have it
		[ "$attempt" -ge 5 ] || continue
		echo "servers: port $before is taken, postgresql gets another" >&2
		before=''
	done
	fail "no free port after $attempt attempts" 75
}

postgresql_start() {
	server=postgresql
	postgresql_find
	[ -s "$dir/postgresql/PG_VERSION" ] || postgresql_make
	if running; then
		wait_until postgresql_settled || fail "postgresql, pid $pid, runs and does not answer" 75
	fi
	if ! running; then
		postgresql_launch
	fi
}

# What psql and libpq take from the environment; the ledger's URL is then postgresql:///postgres, say
postgresql_environment() {
	port=$(read_number "$dir/postgresql/port")
	[ -z "$port" ] || printf 'export %s\n' PGHOST=127.0.0.1 "PGPORT=$port" PGUSER=fcfs
}
