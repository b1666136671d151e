#!/bin/bash
# docs/messages.md and docs/ctl-messages.md are what the tables say.
# usage: check_messages.sh MAMS-MXDOC [ROOT]
set -euo pipefail
root=${2:-"$(dirname "$0")/../.."}
for file in messages ctl-messages; do
	[ $file = messages ] && arguments=() || arguments=(ctl)
	if ! "$1" "${arguments[@]}" | diff -u "$root/docs/$file.md" -; then
		echo "docs/$file.md is out of date: cmake --build build/debug --target messages"
		exit 1
	fi
	echo "docs/$file.md is up to date"
done
