# kafka.bash - what the sections of scripts/bench share that need a broker; bench/run reads it after lib.bash.
# shellcheck shell=bash disable=SC2034,SC2154

# start_kafka: one broker, beside a Redis
start_kafka() {
	start_servers --brokers 1
	brokers=$FCFS_BROKERS
}

# fresh NAME: topics of its own, and an empty Redis
fresh() {
	export FCFS_BROKERS=$brokers FCFS_PREFIX=$1-$round.
	empty
	fcfs-setup -q kafka >/dev/null
}

# fresh_pipe NAME: the same, for winners and codes in a pipe
fresh_pipe() {
	fresh "$1"
	export FCFS_BROKERS=
}

# crowd N: an event, bench; all of them are in line and will win
crowd() {
	fcfs-event create bench --stock "$1" >/dev/null
	names "$1" | fcfs-join bench >/dev/null
}

# counter FIELD: of the event
counter() {
	redis hget "${FCFS_PREFIX}fcfs:{bench}:event" "$1"
}

# until_counter FIELD N [PID]: it has come so far; fails the section if the process ends before
until_counter() {
	local deadline=$((SECONDS + 60))
	until [ "$(counter "$1")" = "$2" ]; do
		[ $SECONDS -lt $deadline ] || fail "$1 is not $2 in 60 s" 75
		[ -z "${3-}" ] || kill -0 "$3" 2>/dev/null || fail "the process that should bring $1 to $2 has ended" 70
		sleep 0.01
	done
}

# read_topic TOPIC FORMAT: with an outsider's eyes, what is in it, in committed transactions
read_topic() {
	kcat -q -C -b "$brokers" -X isolation.level=read_committed -t "$FCFS_PREFIX$1" -o beginning -e -f "$2"
}
