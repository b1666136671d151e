#!/bin/bash
# What may not be written: unbounded or shell-calling functions, notes of unfinished work, conflicts of a
# merge, paths of one machine, JSON outside the codec, JSON keys outside the tables.
. "$(dirname "$0")/common.sh"

# Only the lints name what they look for.
not_ours() {
	grep -vE '^tests/lint/' || true
}

# look PATTERN MESSAGE: in the files of the list on standard input
look() {
	local files line rest
	mapfile -t files
	[ ${#files[@]} -gt 0 ] || return 0
	while IFS= read -r line; do
		rest=${line#*:}
		violation "${line%%:*}:${rest%%:*}: $2"
	done < <(grep -nHE "$1" -- "${files[@]}" || true)
}

forbidden='(^|[^_[:alnum:]])(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|alloca|system|popen|strtok|rand|mktemp|tmpnam)[[:space:]]*\('
look "$forbidden" "forbidden function" < <(lint_c | not_ours)

# text files of every kind; corpora and vectors are data
lint_texts() {
	lint_tree | grep -vE '^(tests/fuzz/corpus|tests/vectors)/|\.(png|svg|pcap|pcapng)$' | not_ours
}
look '(^|[^[:alnum:]_])(TODO|FIXME|XXX)([^[:alnum:]_X]|$)' "unfinished work" < <(lint_texts)
look '^(<<<<<<<|>>>>>>>) ' "a conflict of a merge" < <(lint_texts)
look '(^|[^[:alnum:]_./-])(/work/|/home/[a-z]|/tmp/bash)' "a path of one machine" < <(lint_texts)

look '(^|[^[:alnum:]_])json_(object|array|string|integer|real|loads|dumps|load|dump|decref|t)[_[:alnum:]]*([[:space:]]*\(|[[:space:]]+\*)' \
	"jansson outside lib/codec" < <(lint_c | grep -vE '^(lib/codec|tests)/' || true)

# keys of the two protocols: every string of the tables that is followed by a colon in a literal
look '\\"[a-zA-Z_]+\\"[[:space:]]*:' "a JSON key outside the tables" < <(lint_c |
	grep -vE '_tables\.c$|^tests/|^lib/codec/' || true)

lint_end "$(lint_tree | wc -l)"
