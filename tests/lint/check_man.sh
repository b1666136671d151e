#!/bin/bash
# Manual pages are clean under mandoc, and every program of the build has one in docs/man.
. "$(dirname "$0")/common.sh"

need mandoc mandoc
n=0
while IFS= read -r f; do
	n=$((n + 1))
	while IFS= read -r line; do
		violation "${line#mandoc: }"
	done < <(mandoc -T lint -W warning "$f" 2>&1 || true)
done < <(lint_tree | grep -E '^docs/man/.*\.[1-8]$' || true)

# Programs: mams_daemon(NAME in any CMakeLists.txt, and tools installed as they are.
while IFS= read -r program; do
	compgen -G "docs/man/$program.[1-8]" >/dev/null || violation "$program has no page in docs/man"
done < <(lint_tree | grep -E 'CMakeLists.txt$' | while IFS= read -r list; do
	sed -nE 's/^ *mams_daemon\(([a-z0-9_-]+).*/\1/p
		s/^ *install\(PROGRAMS ([a-z0-9_-]+) .*/\1/p' "$list"
done)
lint_end "$n"
