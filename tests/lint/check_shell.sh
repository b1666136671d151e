#!/bin/bash
# Shell scripts are clean under shellcheck.
. "$(dirname "$0")/common.sh"

need shellcheck shellcheck
mapfile -t files < <(lint_shell)
while IFS= read -r line; do
	violation "$line"
done < <([ ${#files[@]} = 0 ] || shellcheck -f gcc -e SC1091 "${files[@]}" || true)
lint_end ${#files[@]}
