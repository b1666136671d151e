#!/bin/bash
# Files below 600 lines, functions below 60.  Tables (*_tables.c) may be longer.
. "$(dirname "$0")/common.sh"

mapfile -t files < <(lint_c)
# The formatter puts a function's braces, and no others, alone into the first column.
while IFS= read -r long; do
	violation "$long"
done < <([ ${#files[@]} = 0 ] || awk '
	FNR == 1 { if (NR > 1) judge(); start = 0; table = FILENAME ~ /_tables\.c$/ }
	{ name = FILENAME; lines = FNR }
	/^[a-zA-Z_].*\(/ { head = $0; sub(/\(.*/, "", head); sub(/.*[ *]/, "", head) }
	/^\{$/ { start = FNR }
	/^\}$/ && start {
		if (!table && FNR - start - 1 >= 60)
			printf "%s:%d: %s() has %d lines, 59 are the most\n", FILENAME, start,
				head, FNR - start - 1
		start = 0
	}
	END { judge() }
	function judge() {
		if (lines >= 600 && name !~ /_tables\.c$/)
			printf "%s: %d lines, 599 are the most\n", name, lines
	}' "${files[@]}")
lint_end ${#files[@]}
