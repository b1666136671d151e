# Sourced by every lint: which files there are, how a violation is told, how a lint ends.
# usage of a lint: check_NAME.sh [ROOT]; ROOT is the source tree, by default the one it stands in.
# shellcheck shell=bash
set -eu
export LC_ALL=C
root=$(cd "${1:-"$(dirname "${BASH_SOURCE[0]}")/../.."}" && pwd)
cd "$root"
violations=0

# Files of the tree, one per line: what git tracks, or in a released tree everything but builds.
lint_tree() {
	if [ -e .git ] && command -v git >/dev/null; then
		comm -23 <(git -c safe.directory="$root" ls-files | sort) \
			<(git -c safe.directory="$root" ls-files -d | sort)
	else
		find . -type f -not -path './build/*' -printf '%P\n' | sort
	fi
}

lint_c() {
	lint_tree | grep -E '\.[ch]$' || true
}

# Shell scripts by their first line, plus those that are sourced.
lint_shell() {
	lint_tree | while IFS= read -r f; do
		case $f in
		*.[ch] | *.json | *.md | *.txt | tests/fuzz/corpus/*) continue ;;
		*.sh) printf '%s\n' "$f" ;;
		*)
			IFS= read -r first <"$f" 2>/dev/null || true
			case ${first-} in
			'#!'*sh) printf '%s\n' "$f" ;;
			esac
			;;
		esac
	done 2>/dev/null
}

violation() {
	printf '%s\n' "$*"
	violations=$((violations + 1))
}

# need PROGRAM PACKAGE: without the tool nothing is checked, and that is no success
need() {
	if ! command -v "$1" >/dev/null; then
		echo "$1 is missing: apt-get install $2" >&2
		exit 2
	fi
}

lint_end() {
	if [ "$violations" -gt 0 ]; then
		echo "$violations violations"
		exit 1
	fi
	echo "no violation in $1 files"
}
