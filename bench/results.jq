# results.jq - what a run of scripts/bench noted, TAB-separated lines (bench/lib.bash: note), as one object: the machine, the sections
# with their series and ratios, the verdict. Everything that is shown is made of it. jq -Rn

# of KIND: the lines of a kind, without it
def of($kind): .[$kind] // [] | map(.[1:]);

def median:
  sort | length as $n
  | if $n == 0 then null else (.[($n - 1) / 2 | floor] + .[$n / 2 | floor]) / 2 end;

# The median of numbers a round, how far they spread, and whether they meet a goal; one that was not measured is missed.
def judged($goal):
  . + {median: (.rounds | map(.[1]) | median), least: (.rounds | map(.[1]) | min), most: (.rounds | map(.[1]) | max)}
  | if $goal then
      .goal = {bound: $goal[0], number: ($goal[1] | tonumber)}
      | .goal.met = (.median != null and
          if .goal.bound == "at_least" then .median >= .goal.number else .median <= .goal.number end)
    else . end;

# Round by round, the first series through the second.
def divided($by):
  . as $rounds | $by
  | [.[] | . as [$round, $peer] | $rounds[] | select(.[0] == $round and $peer != 0) | [$round, .[1] / $peer]];

def section($name):
  map(select(.[1] == $name) | del(.[1])) | group_by(.[0]) | map({key: .[0][0], value: .}) | from_entries
  | (of("goal") | map({key: .[0], value: .[1:]}) | from_entries) as $goals
  | (of("sample") | reduce .[] as [$series, $round, $value] ({}; .[$series] += [[($round | tonumber), ($value | tonumber)]]))
    as $samples
  | {
      name: $name,
      text: (of("section")[0][0]),
      load: (of("load")[0][0]),
      skipped: (of("skipped")[0][0]),
      broken: (of("broken")[0][0]),
      lost: (of("lost") | map(.[0])),
      figures: (
        (of("series") | map({name: .[0], unit: .[1], text: .[2], rounds: ($samples[.[0]] // [])}))
        + (of("ratio") | map({name: .[0], unit: "x", text: .[3], of: .[1:3],
            rounds: (. as [$_, $ours, $peer] | $samples[$ours] // [] | divided($samples[$peer] // []))}))
        | map(.name as $figure | judged($goals[$figure])))
    };

[inputs / "\t"]
| (map(select(.[0] == "machine") | {key: .[1], value: .[2]}) | from_entries) as $machine
| . as $lines
| {machine: $machine, sections: [$lines[] | select(.[0] == "section") | .[1] as $name | $lines | section($name)]}
| .missed = [.sections[] | select(.skipped == null) | . as {$name, $broken}
    | .figures[] | select(.goal.met == false and (.median != null or $broken == null)) | {section: $name, name, median, goal}]
| .lost = [.sections[] | .name as $name | .lost[] | "\($name): \(.)"]
| .broken = [.sections[] | select(.broken != null) | "\(.name): ended with status \(.broken)"]
| .good = (.missed + .lost + .broken | length == 0)
