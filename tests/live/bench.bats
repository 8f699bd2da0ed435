#!/usr/bin/env bats
# scripts/bench: its sums and its verdict, on figures that are made up; then a real section, small.

load ../helper

setup() {
	T=$BATS_TEST_TMPDIR
	export TMPDIR=$T
}

# section NAME: from stdin, without servers
section() {
	{
		echo "# $1.bash: made up"
		echo 'sizes() { :; }; prepare() { :; }'
		cat
	} >"$T/$1.bash"
}

# bench ARGUMENT...: into $T/out
bench() {
	scripts/bench --out "$T/out" "$@" 3>&-
}

result() {
	jq -c "$1" "$T/out/bench.json"
}

@test "median and spread, of a series and of ratios round by round; what is missed is named, and it is 1" {
	section made <<-'END'
		describe() {
			series ours people/s 'us'
			series peer people/s 'them'
			ratio ours_peer ours peer 'beside them'
			goal ours at_least 26000
			goal ours_peer at_least 2.5
		}
		round() {
			turns ours peer
		}
		ours() { sample ours $((round * 10000)); }
		peer() { sample peer $((round == 3 ? 1000 : 4000)).0; }
	END
	cd "$TREE"
	run -1 --separate-stderr bench --pairs 4 "$T/made.bash"
	[[ ${lines[-1]} == 'missed: made ours: 25,000, at least 26,000' ]]
	[[ $output == *'ours_peer'*'7.5 x'*'(2.5 - 30)'*'at least 2.5: met'* ]]
	same '[25000,10000,40000]' "$(result '.sections[0].figures[0] | [.median, .least, .most]')"
	same '[["made","ours"]]' "$(result '[.missed[] | [.section, .name]]')"
	# in turn; what warms up is not counted
	same '1 ours 1 peer 2 peer 2 ours 3 ours 3 peer 4 peer 4 ours' \
		"$(awk '$1 == "sample" { print $4, $3 }' "$T/out/samples.tsv" | paste -sd ' ')"
	# the plot has a line each for what has a goal
	same 2 "$(grep -c 'made ours' "$T/out/bench.svg")"
	grep -q . "$T/out/bench.txt"
}

@test "all goals met is 0; a loss is 1, whatever was met; a section that breaks off does not stop the next" {
	section fine <<-'END'
		describe() { series took us 'a time'; goal took at_most 3; }
		round() { sample took 3; expect people 5 5; }
	END
	section leaky <<-'END'
		describe() { series took us 'a time'; goal took at_most 3; }
		round() { sample took 1; [ "$round" -ne 2 ] || expect people 5 4; }
	END
	section broken <<-'END'
		describe() { series took us 'a time'; goal took at_most 3; }
		round() { sleep 60 & timed sh -c 'exit 69'; }
	END
	section without <<-'END'
		describe() { series took us 'a time'; goal took at_most 3; }
		prepare() { skip 'no --peer DIR'; }
		round() { false; }
	END
	cd "$TREE"
	run -0 --separate-stderr bench --pairs 1 "$T/fine.bash" "$T/without.bash"
	same 'all goals are met, nothing was lost' "${lines[-1]}"
	[[ $output == *'not measured: without: no --peer DIR'* ]]
	run -1 --separate-stderr bench --pairs 2 "$T/leaky.bash"
	same 'lost: leaky: round 2: people: 4, not 5' "${lines[-1]}"
	run -69 --separate-stderr bench --pairs 1 "$T/broken.bash" "$T/fine.bash"
	same 'broke off: broken: ended with status 69' "${lines[-1]}"
	same 3 "$(result '.sections[1].figures[0].median')"
	same '' "$(ls -d "$T"/fcfs-bench.* 2>/dev/null)" # nor is anything left of them
}

@test "a section on real servers measures all that it says, and sees what a tool loses" {
	cd "$TREE"
	same "$(basename -s .bash bench/sections/*.bash)" "$(scripts/bench --list | grep -o '^[a-z]*:' | tr -d :)"
	bench --scale 0.01 --pairs 1 joins || [ $? -eq 1 ] # how fast it is, is not asked here
	same '[[],[]]' "$(result '[.lost, .broken]')"
	same 0 "$(result '[.sections[].figures[] | select(.median == null)] | length')"
	# one that leaves out a person, and counts one too many
	mkdir "$T/bin"
	ln -s "$(dirname "$(command -v fcfs-join)")"/fcfs-* "$T/bin"
	rm "$T/bin/fcfs-join"
	cat >"$T/bin/fcfs-join" <<-END
		#!/bin/sh
		sed '2d' | '$(command -v fcfs-join)' "\$@"
		redis-cli -u "\$FCFS_REDIS" hincrby 'fcfs:{bench}:event' joined 1 >/dev/null
	END
	chmod +x "$T/bin/fcfs-join"
	section lossy <<-'END'
		. "$tree/bench/sections/joins.bash"
		round() { always_and_already; }
	END
	FCFS_BIN=$T/bin run -1 --separate-stderr bench --scale 0.01 --pairs 1 "$T/lossy.bash"
	[[ $output == *"lost: lossy: round 1: answers 'joined': 3999, not 4000"* ]]
	[[ $output == *'lost: lossy: round 1: people in line: 3999, not 4000'* ]]
	[[ $output == *'lost: lossy: round 1: audit: P'* ]]
}
