#!/usr/bin/env bats
# The fault campaign (tests/faults, make check-faults) in small: a cell or two of each kind, and no violation.

load ../helper

@test "a short slice of the fault campaign: nothing lost, twice, in another order, over or under" {
	FCFS_FAULTS=$BATS_TEST_TMPDIR FCFS_FAULT_TIMES=3 run -0 "$TREE/tests/faults/run" redis-pipe-1 kill-codes
	[[ ${lines[-1]} == kills*': lost 0, twice 0, reordered 0, over 0, under 0, audit 0' ]]
}
