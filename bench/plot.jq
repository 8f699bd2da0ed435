# plot.jq - the figures that have a goal, for bench/plot.gnuplot: name, and median, least and most as a part of the goal, so that
# 1 and above is met: what should be at most so much is turned over

[.sections[] | .name as $section | .figures[] | select(.goal and .median and .median > 0 and .least > 0)
  | . as $figure | .goal.number as $goal
  | (if .goal.bound == "at_least" then [.median, .least, .most] | map(. / $goal)
    else [.median, .most, .least] | map($goal / .) end) as [$median, $low, $high]
  | [$section + " " + .name, $median, $low, $high]]
| reverse | .[] | @tsv
