# deliver.bash - what the bats files about delivery share: a command that delivers; loaded after flow.bash.
# shellcheck shell=bash disable=SC2034 # what is set here is read by the tests

OK='{ok: true}'
NEVER='{ok: false, retry: false, why: "no such address"}'
LATER='{ok: false, retry: true, why: "busy"}'

# courier ANSWER: a command for --deliver that appends what it is given to $T/got and answers as this jq filter says, of
# a record that it is given for the $n-th time since it was started
courier() {
	printf '%s' "unset LD_PRELOAD; tee -a '$T/got' | jq -nc --unbuffered 'foreach inputs as \$r ({};
		.[\"\\(\$r.ticket)\"] += 1; .[\"\\(\$r.ticket)\"] as \$n | \$r | {id, ticket} + ($1))'"
}

# but USER... ANSWER: that answer for these people, yes for all others
but() {
	local people
	people=$(printf '"%s",' "${@:1:$#-1}")
	printf 'if IN(.user; %s) then %s else %s end' "${people%,}" "${!#}" "$OK"
}

# given USER: how often the command was given the record of a person
given() {
	jq -c "select(.user == \"$1\")" "$T/got" | wc -l
}

# by_hand CODE: a command for --deliver that runs this bash code for each record, of $user and $ticket, then says yes
by_hand() {
	cat >"$T/by_hand" <<-END
		unset LD_PRELOAD
		while read -r line; do
			id=\${line#*\"id\":\"} user=\${line#*\"user\":\"} ticket=\${line#*\"ticket\":}
			id=\${id%%\"*} user=\${user%%\"*} ticket=\${ticket%%,*}
			$1
			echo "{\"id\":\"\$id\",\"ticket\":\$ticket,\"ok\":true}"
		done
	END
	printf '%s' "exec bash '$T/by_hand'"
}
