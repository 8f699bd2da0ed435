# table.jq - bench.json as a table for people

def padded($width): tostring | . + " " * ($width - length) // .;
def right($width): tostring | " " * ($width - length) + . // .;

# 268123 is 268,123; what is small keeps some digits
def number:
  if . == null then "-"
  elif . >= 100 then
    round | tostring | [while(length > 0; .[:-3])] | map(.[-3:]) | reverse | join(",")
  elif . >= 10 then . * 10 | round / 10 | tostring
  else . * 100 | round / 100 | tostring end;

def bound: "\(.bound | sub("_"; " ")) \(.number | number)";

def spread: if .median == null then "" else "(\(.least | number) - \(.most | number))" end;

def row:
  "  \(.name | padded(20)) \(.median | number | right(11)) \(.unit | padded(12)) \(spread | padded(23))"
  + (if .goal then "  \(.goal | bound): \(if .goal.met then "met" else "MISSED" end)" else "" end);

def section:
  "", "\(.name): \(.text)" + (if .load then " (load \(.load))" else "" end),
  if .skipped then "  not measured: \(.skipped)"
  else (.figures[] | row), (.lost[] | "  LOST: \(.)"), (.broken // empty | "  BROKE OFF, status \(.)") end;

(.machine | to_entries[] | "\(.key | padded(8)) \(.value)"),
(.sections[] | section),
"",
(.missed[] | "missed: \(.section) \(.name): \(.median | number), \(.goal | bound)"),
(.lost[] | "lost: \(.)"),
(.broken[] | "broke off: \(.)"),
(.sections[] | select(.skipped) | "not measured: \(.name): \(.skipped)"),
(if .good then "all goals are met, nothing was lost" else empty end)
