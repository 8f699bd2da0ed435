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

# reported: codes a second of the event, between the first code and the last
reported() {
	fcfs-report bench | awk '$1 == "issued_per_s" { printf "%d", $2 }'
}

# until_counter FIELD N: it has come so far. One process asks, every 5 ms: one for each question would take a core's quarter.
until_counter() {
	{ redis -r 12000 -i 0.005 hget "${FCFS_PREFIX}fcfs:{bench}:event" "$1" || :; } | grep -qx "$2" ||
		fail "$1 is not $2 after 60 s" 75
}

# read_topic TOPIC FORMAT: with an outsider's eyes, what is in it, in committed transactions
read_topic() {
	kcat -q -C -b "$brokers" -X isolation.level=read_committed -t "$FCFS_PREFIX$1" -o beginning -e -f "$2"
}
