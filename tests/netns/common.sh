# shellcheck shell=bash
# Sourced by each network test after it has set LAB: the lab, claims, and an end that cleans up
# whatever happened.  A test prints each claim as it is measured and ends with claims_table.
set -euo pipefail
CLAIMS_LIVE=1
NETNS_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$NETNS_TOP/build/debug}
# shellcheck source=deploy/lab/lab.sh
. "$NETNS_TOP/deploy/lab/lab.sh"
# shellcheck source=deploy/lab/claims.sh
. "$NETNS_TOP/deploy/lab/claims.sh"
: "$CLAIMS_LIVE"

netns_end() {
	local status=$?
	trap - EXIT
	if [ "$status" != 0 ] && [ -n "$LAB_DIR" ]; then
		grep -v "Unhandled MPTCP event" "$LAB_DIR"/*.log | grep -v access.log: | tail -n 60 || :
	fi
	lab_down
	# what a test has made outside of the lab
	if declare -F also_end >/dev/null; then
		also_end >/dev/null 2>&1 || :
	fi
	exit "$status"
}
trap netns_end EXIT
trap 'exit 130' INT TERM

say() { printf '\n== %s\n' "$*"; }
yes_no() { "$@" >/dev/null 2>&1 && echo yes || echo no; }
same() { [ "$(lab_sum "$1")" = "$(lab_sum "$2")" ] && echo yes || echo no; }

# frames CAPTURE [TSHARK OPTION...] -- FILTER...: how many each of them shows, in one reading; none may
# have a comma
frames() {
	local capture=$1 options=() filters
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	filters=$(printf ',%s' "$@")
	tshark -q -r "$capture" "${options[@]}" -z "io,stat,0$filters" 2>/dev/null |
		awk -F'|' '/<>/ { for (i = 3; i < NF; i += 2) print $i + 0 }'
}

# What sanitizers said, in all logs.
no_reports() {
	claim "sanitizer reports" \
		"$(cat "$LAB_DIR"/*.log | grep -cE 'Sanitizer|runtime error' || :)" = 0
}

# carries_after FILE COLUMN MS: how long after MS the counter first grew by more than 100 kB within
# a quarter of a second; 99999 when never.
carries_after() {
	awk -v c="$2" -v a="$3" '$1 >= a - 50 { t[n] = $1; v[n++] = $c }
		END { for (i = j = 0; j < n; j++) { while (t[j] - t[i] > 250) i++
			if (v[j] - v[i] > 100000) { print t[j] - a; exit } } print 99999 }' "$1"
}

# happens FILE [WORDS]: that this happens now, for a drawing.  $now: in ms
happens() {
	now=$(lab_now_ms)
	echo "$now ${*:2}" >>"$1"
}

# plot NAME TITLE WATCH MARKS GROUP...: draws NAME.svg into $MAMS_PLOTS; see tests/support/plot.py
plot() {
	mkdir -p "${MAMS_PLOTS:=$BUILD/plots}"
	"$NETNS_TOP/tests/support/plot.py" "$MAMS_PLOTS/$1.svg" "${@:2}"
}
