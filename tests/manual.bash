# manual.bash - what the bats files about the manual share; loaded after helper.bash.
# shellcheck shell=bash

MAN=$TREE/man

# pages: every page's file name, a line each
pages() {
	(cd "$MAN" && printf '%s\n' *.[17])
}

# section PAGE NAME: a section as it is read, without its title, on lines as long as they want to be
section() {
	mandoc -T ascii -O width=1000 "$1" | sed 's/.\x08//g' |
		awk -v name="$2" '/^[^ ]/ { on = $0 == name; next } on && NF'
}

# source PAGE NAME: the lines of a section as they are written
source_of() {
	awk -v title=".Sh $2" '/^\.Sh/ { on = $0 == title; next } on' "$1"
}
