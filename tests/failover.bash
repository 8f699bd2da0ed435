# failover.bash - what the bats files share in which a replica takes over; loaded after flow.bash. Who uses it stops $T/servers.
# shellcheck shell=bash disable=SC2154 # T is set by namespace

# three: a primary and two replicas of this test's own, and their address, a socket whose name outlives each of them
three() {
	FCFS_REDIS_SERVER_ARGS='--unixsocket ./socket' servers start --brokers 0 "$T/servers" redis redis-2 redis-3 >/dev/null 3>&-
	ln -s servers/redis/socket "$T/address"
	cd "$T" || return
	export FCFS_REDIS=unix:/$T/address
}

# offset SERVER: how much of its primary's stream it has
offset() {
	redis-cli -s "servers/$1/socket" info replication | tr -d '\r' | sed -n 's/slave_repl_offset://p'
}

# link_down: the replicas have no more of what is written from now on
link_down() {
	freeze "$(cat servers/redis-2/pid)"
	freeze "$(cat servers/redis-3/pid)"
	redis-cli -s address client kill type replica >/dev/null
}

# failover: the primary dies at once, the replicas can be reached again; the replica that has most of it takes its place, the other one follows
failover() {
	local next=redis-2 other=redis-3
	kill -9 "$(cat servers/redis/pid)"
	kill -CONT "$(cat servers/redis-2/pid)" "$(cat servers/redis-3/pid)"
	if [ "$(offset redis-3)" -gt "$(offset redis-2)" ]; then
		next=redis-3 other=redis-2
	fi
	same OK "$(redis-cli -s servers/$next/socket replicaof no one)"
	same OK "$(redis-cli -s servers/$other/socket replicaof 127.0.0.1 "$(cat servers/$next/port)")"
	ln -s servers/$next/socket new
	mv -T new address
}

# waited_for: somebody is in WAIT there
waited_for() {
	[[ $(redis-cli -s address info clients) == *blocked_clients:1* ]]
}
