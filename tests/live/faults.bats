#!/usr/bin/env bats
# The fault campaign (tests/faults, make check-faults) in small: a cell of each kind, three times.

load ../helper

@test "a short slice of the fault campaign: nothing lost, twice, in another order, over or under" {
	FCFS_FAULTS=$BATS_TEST_TMPDIR FCFS_FAULT_TIMES=3 run -0 "$TREE/tests/faults/run" \
		kill-codes redis-pipe-1 zombie-issue-pipe net-dispatch-redis disk-archive
	[[ ${lines[-1]} == kills*': lost 0, twice 0, reordered 0, over 0, under 0, audit 0' ]]
}
