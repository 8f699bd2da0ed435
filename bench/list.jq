# list.jq - what scripts/bench --list shows of bench.json: what is measured, and the goals

.sections[] | "\(.name): \(.text)",
  (.figures[] | "  \(.name)\t\(.text)" + (if .of then ": \(.of | join(" / "))" else ", \(.unit)" end)
    + (if .goal then "\t\(.goal.bound | sub("_"; " ")) \(.goal.number)" else "" end))
