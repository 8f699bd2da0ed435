# stage.bash - how a file begins and ends whose tests are on one real Kafka, with processes that die in the middle: in
# place of helper, flow, kafka and strike. A file that needs more defines that hook anew behind it.
# shellcheck shell=bash disable=SC2317 # bats calls the hooks

load ../helper
load ../flow
load ../kafka
load ../strike

setup_file() {
	servers_start --brokers 1
	strike_build
}
teardown_file() { servers_stop; }
setup() { namespace; }
teardown() { reap; }
