#!/bin/bash
# Every key of docs/configuration.md, which is written from the tables, stands in its manual and in an
# example, commented or not, and neither has another one; defaults that the manual shows are the table's.
. "$(dirname "$0")/common.sh"

# Keys are written SECTION.KEY, those outside of sections .KEY.

# in_document MANUAL
in_document() {
	awk -v manual="## $1" '/^## / { on = $0 == manual; section = "" }
		/^### Section / { section = $3 }
		on && split($0, cell, "`") > 2 && /^\| `/ { print section "." cell[2] }' docs/configuration.md
}

in_manual() {
	awk '/^\.S[hs] / { on = /^\.Ss Keys/ || /^\.Ss Section /; section = "" }
		/^\.Ss Section / { section = $3; print "." section }
		on && /^\.It Ic / {
			for (i = 3; i <= NF && $i != "=" && $i != "Ar"; i++)
				if ($i != ",")
					print section "." $i
		}' "$1"
}

# defaults_in_document MANUAL: SECTION.KEY=DEFAULT, of those that have one
defaults_in_document() {
	awk -v manual="## $1" '/^## / { on = $0 == manual; section = "" }
		/^### Section / { section = $3 }
		on && split($0, cell, / \| /) > 2 && cell[3] ~ /^`/ {
			gsub(/[|` ]/, "", cell[1])
			gsub(/`/, "", cell[3])
			print section "." cell[1] "=" cell[3]
		}' docs/configuration.md
}

defaults_in_manual() {
	awk '/^\.S[hs] / { section = /^\.Ss Section / ? $3 : ""; key = "" }
		/^\.It / { key = $2 == "Ic" && $4 == "=" ? section "." $3 : "" }
		key && was == "Default:" && /^\.Ql [^ ]+ \.$/ { print key "=" $2 }
		{ was = $0 }' "$1"
}

# A line of an example is a key, a section, its first or last line, or words; several keys may stand
# in a line of a section.
in_examples() {
	awk 'FNR == 1 { section = "" }
		{ sub(/^#?[ \t]*#?[ \t]*/, "") }
		match($0, /^[a-z_0-9]+ +[a-z0-9-]+ *\{/) {
			section = $1
			print "." section
			$0 = substr($0, RLENGTH + 1)
		}
		{ sub(/[ \t]#.*/, "") }
		/^[ \t]*[a-z_0-9]+ *= / {
			line = $0
			gsub(/"[^"]*"/, "x", line)
			while (match(line, /[a-z_0-9]+ *= */)) {
				key = substr(line, RSTART, RLENGTH)
				sub(/ *=.*/, "", key)
				print section "." key
				line = substr(line, RSTART + RLENGTH)
				sub(/^\{[^}]*\}/, "", line)
			}
			$0 = line
		}
		/^[ \t]*\}|[^{]\}[ \t]*$/ { section = "" }' "$@"
}

# differ PLACE KEYS: against the document's
differ() {
	local key
	while IFS= read -r key; do
		violation "$1 has no ${key#.}"
	done < <(comm -23 <(sort -u <<<"$keys") <(sort -u <<<"$2"))
	while IFS= read -r key; do
		violation "$1 has ${key#.}, which is no key"
	done < <(comm -13 <(sort -u <<<"$keys") <(sort -u <<<"$2") | grep .)
}

n=0
while IFS= read -r line; do
	case $line in
	'## '*) manual=${line#\#\# } ;;
	Manual:*)
		n=$((n + 1))
		mapfile -t examples < <(grep -oE 'deploy/examples/[a-z-]+\.conf' <<<"$line")
		keys=$(in_document "$manual")
		differ "docs/man/$manual.5" "$(in_manual "docs/man/$manual.5")"
		while IFS= read -r line; do
			violation "docs/man/$manual.5 has the default ${line#.}, which is not the table's"
		done < <(comm -13 <(defaults_in_document "$manual" | sort -u) \
			<(defaults_in_manual "docs/man/$manual.5" | sort -u))
		differ "${examples[*]}" "$(in_examples "${examples[@]}")"
		;;
	*'| |') violation "docs/configuration.md: no meaning: $line" ;;
	esac
done <docs/configuration.md
[ "$n" -gt 0 ] || violation "docs/configuration.md names no manual"
lint_end "$n"
