#!/bin/bash
# docs/coverage.md is what a new run says.
# usage: check_coverage.sh ROOT COMMAND...: the generator and its arguments
set -euo pipefail
root=$1
shift
if ! "$@" | diff -u "$root/docs/coverage.md" -; then
	echo "docs/coverage.md is out of date: cmake --build build/debug --target coverage"
	exit 1
fi
echo "docs/coverage.md is up to date"
