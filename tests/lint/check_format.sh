#!/bin/bash
# clang-format 14 with the tree's .clang-format changes nothing.
. "$(dirname "$0")/common.sh"

format=clang-format-14
command -v $format >/dev/null || format=clang-format
need $format clang-format
case $($format --version) in
*' 14.'*) ;;
*)
	echo "$($format --version): the tree is formatted with version 14" >&2
	exit 2
	;;
esac
mapfile -t files < <(lint_c)
while IFS= read -r line; do
	violation "$line"
done < <([ ${#files[@]} = 0 ] ||
	$format --style=file --dry-run "${files[@]}" 2>&1 | grep -E 'warning|error' | cut -d: -f1 |
	uniq -c | awk '{ print $2 ": " $1 " places; clang-format -i " $2 }')
lint_end ${#files[@]}
