#!/bin/bash
# docs/messages.md is what the tables say.
# usage: check_messages.sh MAMS-MXDOC [ROOT]
set -euo pipefail
root=${2:-"$(dirname "$0")/../.."}
if ! "$1" | diff -u "$root/docs/messages.md" -; then
	echo "docs/messages.md is out of date: cmake --build build/debug --target messages"
	exit 1
fi
echo "docs/messages.md is up to date"
