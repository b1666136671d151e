#!/bin/bash
# docs/messages.md, docs/ctl-messages.md and docs/configuration.md are what the tables say.
# usage: check_messages.sh MAMS-MXDOC [ROOT]
set -euo pipefail
mxdoc=$1
root=${2:-"$(dirname "$0")/../.."}

# check NAME ARGUMENT...: of mams-mxdoc, for docs/NAME.md
check() {
	local file=docs/$1.md
	shift
	if ! "$mxdoc" "$@" | diff -u "$root/$file" -; then
		echo "$file is out of date: cmake --build build/debug --target messages"
		exit 1
	fi
	echo "$file is up to date"
}

check messages
check ctl-messages ctl
check configuration conf
