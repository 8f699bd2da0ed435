#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets output, stderr, lines
# What brokers must allow: a client that may do what ROLES in fcfs(7) lists, and nothing else, can do its work.

load ../helper
load ../flow
load ../kafka
load ../manual

# A broker with an authorizer, and a second listener where clients have names. We ourselves have none, and may do all.
setup_file() {
	local port client
	export FCFS_KAFKA_ARCHIVE=no FCFS_PREFIX=r.
	servers_start --brokers 1
	kafka_stop
	port=$(cat "$SERVERS/kafka-1/port")
	client=$((port + 1))
	while [ $client = "$(cat "$SERVERS/kafka-1/controller-port")" ] || (: <>"/dev/tcp/127.0.0.1/$client") 2>/dev/null; do
		client=$((client + 1))
	done
	cat >"$SERVERS/jaas.conf" <<-END
	KafkaServer {
	  org.apache.kafka.common.security.plain.PlainLoginModule required
	  $(printf 'user_%s="secret" ' fcfs-dispatch fcfs-issue fcfs-report fcfs-audit fcfs-event fcfs-setup);
	};
	END
	printf -v FCFS_KAFKA_SERVER_ARGS -- '--override %s ' \
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer super.users=User:ANONYMOUS \
		"listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$(cat "$SERVERS/kafka-1/controller-port"),CLIENT://127.0.0.1:$client" \
		"advertised.listeners=PLAINTEXT://127.0.0.1:$port,CLIENT://127.0.0.1:$client" sasl.enabled.mechanisms=PLAIN \
		listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CLIENT:SASL_PLAINTEXT
	export FCFS_KAFKA_SERVER_ARGS CLIENT=127.0.0.1:$client
	FCFS_KAFKA_JVM_ARGS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m -Djava.security.auth.login.config=$SERVERS/jaas.conf" \
		kafka_start
}

teardown_file() { servers_stop; }

setup() {
	T=$BATS_TEST_TMPDIR
	export FCFS_STATE=$T/state
	cd "$T" || return
}

# as TOOL ARGUMENT...: the tool, on the listener where it has its own name
as() {
	printf '%s\n' security.protocol=SASL_PLAINTEXT sasl.mechanism=PLAIN "sasl.username=$1" sasl.password=secret >"$T/$1"
	"$1" -b "$CLIENT" -F "$T/$1" "${@:2}"
}

# rows TOOL: what the page lists for it
rows() {
	section "$MAN/fcfs.7" ROLES | sed -n "s/^ *$1  *\([A-Z][A-Za-z]*  *[a-z]*  *.*\)/\1/p"
}

# allow TOOL: what the page lists for it, with our prefix
allow() {
	local operation kind names name arguments
	set -f
	while read -r operation kind names; do
		arguments=()
		for name in $names; do
			arguments+=("--${kind/#id/transactional-id}" "$FCFS_PREFIX${name%\*}")
		done
		[[ $names != *\* ]] || arguments+=(--resource-pattern-type prefixed)
		kafka org.apache.kafka.tools.AclCommand --add --allow-principal "User:$1" --operation "$operation" "${arguments[@]}" \
			>/dev/null
	done < <(rows "$1")
	set +f
}

@test "fcfs(7) lists what each tool needs that speaks to Kafka" {
	for tool in fcfs-dispatch fcfs-issue fcfs-report fcfs-audit fcfs-event fcfs-setup; do
		[ "$(rows $tool | wc -l)" -ge 2 ]
	done
}

@test "fcfs-setup may create and change the topics, fcfs-event check them" {
	run -1 as fcfs-setup --dry-run kafka
	run ! as fcfs-setup kafka
	allow fcfs-setup
	run -0 as fcfs-setup kafka
	same 6 "$(grep -c ^created <<<"$output")"
	run -0 as fcfs-setup --partitions 7 --retention 200d kafka
	same 4 "$(grep -c ^repaired <<<"$output")"
	event chicken 1 0
	run -78 as fcfs-event check chicken
	allow fcfs-event
	run -0 as fcfs-event check chicken
	same 6 "$(grep -cF $'ok\t'"$FCFS_PREFIX" <<<"$output")"
}

@test "fcfs-dispatch may publish, again and again; fcfs-issue may issue, and write dead letters; fcfs-report may tell, fcfs-audit check" {
	topics 7
	event pizza 2 3
	run -78 as fcfs-dispatch pizza
	allow fcfs-dispatch
	run -0 as fcfs-dispatch pizza
	run -78 as fcfs-issue
	allow fcfs-issue
	run -0 as fcfs-issue
	fcfs-leave -q --revoke pizza p0000001
	run -0 as fcfs-dispatch pizza
	echo hello | produce gifticon_publish zed
	run -65 as fcfs-issue
	same 'p0000001 p0000002 p0000003' "$(values gifticon_issued | jq -r .user | sort | paste -sd ' ')"
	run -0 --separate-stderr as fcfs-report -j pizza
	same '[null,null]' "$(jq -c '[.kafka_lag, .dead_letters_other]' <<<"$output")"
	allow fcfs-report
	run -0 --separate-stderr as fcfs-report -j pizza
	same '[0,1]' "$(jq -c '[.kafka_lag, .dead_letters_other]' <<<"$output")"
	run -0 as fcfs-report --offsets
	same 7 "${#lines[@]}"
	run -0 as fcfs-report --dead-letters
	same dead "$(cut -f 8 <<<"$output")"
	run -0 as fcfs-issue --redrive
	run -65 as fcfs-issue
	run -78 as fcfs-audit pizza
	allow fcfs-audit
	run -0 as fcfs-audit --final pizza
	same 'redriven dead' "$(as fcfs-report --dead-letters | cut -f 8 | paste -sd ' ')"
}
