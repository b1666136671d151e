#!/bin/bash
# Files below 600 lines, functions below 60.  Tables (*_tables.c) may be longer.
. "$(dirname "$0")/common.sh"

n=0
while IFS= read -r f; do
	n=$((n + 1))
	case $f in
	*_tables.c) continue ;;
	esac
	lines=$(wc -l <"$f")
	[ "$lines" -lt 600 ] || violation "$f: $lines lines, 599 are the most"
	# The formatter puts a function's braces, and no others, alone into the first column.
	while IFS= read -r long; do
		violation "$long"
	done < <(awk '
		/^[a-zA-Z_].*\(/ { head = $0; sub(/\(.*/, "", head); sub(/.*[ *]/, "", head) }
		/^\{$/ { start = NR }
		/^\}$/ && start {
			if (NR - start - 1 >= 60)
				printf "%s:%d: %s() has %d lines, 59 are the most\n", FILENAME, start,
					head, NR - start - 1
			start = 0
		}' "$f")
done < <(lint_c)
lint_end "$n"
