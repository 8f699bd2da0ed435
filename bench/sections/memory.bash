# memory.bash: the most memory of every tool, with 10 million people who all win
# shellcheck shell=bash disable=SC2034,SC2154 # bench/lib.bash
#
# Measured once: it takes an hour and more. Without Kafka, whose part does not grow with the event, and is measured in the
# section costs; Redis without a log, which changes nothing for the tools. It needs about 4 GB of memory and 10 GB of disk.

describe() {
	local tool
	for tool in "${tools[@]}"; do
		series "${tool%%:*}" KiB "${tool#*:}"
		goal "${tool%%:*}" at_most 32768
	done
}

tools=(
	'join:fcfs-join' 'already:fcfs-join, once more' 'rank:fcfs-rank' 'list:fcfs-rank --list' 'dispatch:fcfs-dispatch to a pipe'
	'issue_100:fcfs-issue from a pipe, the ledger in SQLite, chunk 100' 'issue_1000:fcfs-issue, chunk 1000' 'report:fcfs-report'
	'report_issued:fcfs-report --issued' 'audit:fcfs-audit with the ledger' 'save:fcfs-archive save'
	'verify:fcfs-archive verify' 'report_file:fcfs-report --archive' 'issued_file:fcfs-report --issued --archive'
	'purge:fcfs-archive purge' 'restore:fcfs-archive restore' 'leave:fcfs-leave' 'load:fcfs-codes load'
	'export:fcfs-codes export'
)

sizes() {
	people=$(size 10000000)
	names "$people" >ids
}

# The whole way of an event
prepare() {
	named_only
	once
	start_redis
	log no
}

round() {
	empty
	line
	codes
	archive
	pool
}

# most TOOL COMMAND...
most() {
	timed "${@:2}"
	sample "$1" "$took_kib"
}

line() {
	fcfs-event -q create bench --stock "$people" >/dev/null
	most join fcfs-join -q bench <ids >out
	expect "answers 'joined'" "$people" "$(grep -c ^joined out)"
	most already fcfs-join -q bench <ids >out
	most rank fcfs-rank -q bench <ids >out
	most list fcfs-rank -q --list bench >out
	expect 'people in the list' "$people" "$(wc -l <out)"
	most dispatch fcfs-dispatch -q bench >winners
	expect winners "$people" "$(wc -l <winners)"
}

# Half of the winners in small chunks, then all of them in large ones
codes() {
	local ledger=sqlite:$PWD/ledger.db
	rm -f ledger.db*
	head -n $((people / 2)) winners >half
	most issue_100 fcfs-issue -q --ledger "$ledger" <half >out
	most issue_1000 fcfs-issue -q --chunk 1000 --ledger "$ledger" <winners >out
	rm -f winners half
	most report fcfs-report -q bench >report.out
	most report_issued fcfs-report -q --issued bench >out
	expect 'codes' "$people" "$(cut -f 2 out | sort -u | wc -l)"
	most audit fcfs-audit -q --final --ledger "$ledger" bench >out
	rm -f ledger.db*
}

archive() {
	fcfs-event -q set bench --state closed >/dev/null
	most save fcfs-archive -q save bench >archive
	most verify fcfs-archive -q verify bench <archive
	most report_file fcfs-report -q --archive archive >out
	expect "what the archive's report says" "$(grep ^issued report.out)" "$(grep ^issued out)"
	most issued_file fcfs-report -q --issued --archive archive >out
	expect 'codes of the archive' "$people" "$(wc -l <out)"
	most purge fcfs-archive -q purge bench <archive
	most restore fcfs-archive -q restore bench <archive
	rm -f archive
	expect 'people restored' "$people" "$(redis zcard 'fcfs:{bench}:line')"
	most leave fcfs-leave -q bench <ids >out
	expect "answers 'issued'" "$people" "$(grep -c ^issued out)"
}

pool() {
	empty
	fcfs-event -q create pool --stock 1 --codes pool >/dev/null
	most load fcfs-codes -q load pool <ids >out
	expect 'codes loaded' "$people" "$(redis llen 'fcfs:{pool}:codes')"
	most export fcfs-codes -q export pool >out
	expect 'codes exported' "$people" "$(wc -l <out)"
}
