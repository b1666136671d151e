#!/usr/bin/env bash
# The tutorial as it stands: each line below a mark "commands of the lab" of docs/tutorial.md, one after the
# other in this shell; the lines of output that it shows must come.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-tutorial
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
cd "$NETNS_TOP"
said=$(mktemp "/tmp/$LAB-said.XXXXXX")
also_end() { rm -f "$said"; }

# shows LINE: did the last command say it?  Any number is like any other, with any unit; what ends with "…"
# may go on.
shows() {
	SHOWN=$1 awk 'function alike(s) {
			gsub(/0\.1(\+[0-9a-f]+)?,/, "V,", s)
			gsub(/[0-9]+(\.[0-9]+)?/, "N", s)
			gsub(/N ([kMG]?bit\/s|[KMG]?i?B|ms|s)/, "N U", s)
			gsub(/[ \t]+/, " ", s)
			gsub(/^ | $/, "", s)
			return s
		}
		BEGIN { want = alike(ENVIRON["SHOWN"]); part = sub(/ ?…$/, "", want) }
		{ got = alike($0); ok = ok || got == want || part && index(got, want) == 1 }
		END { exit !(ok || part && want == "") }' "$said"
}

did=0 other=0
while IFS= read -r line; do
	if [ "${line:0:2}" = '$ ' ]; then
		echo "$line"
		[ "$line" != '$ lab_down' ] || no_reports
		# not in a function: what it declares stays
		eval "${line:2}" >"$said" 2>&1 </dev/null || { cat "$said" && exit 1; }
		did=$((did + 1))
	elif ! shows "$line"; then
		other=$((other + 1))
		echo "it shows '$line', and this was said:" && cat "$said"
	fi
done < <(awk '/^<!-- commands of the lab -->$/ { on = 1; next }
	on && /^    / { print substr($0, 5); next }
	/./ { on = 0 }' docs/tutorial.md)
claim "commands of the tutorial" "$did" '>=' 35
claim "lines that it shows, and that did not come" "$other" = 0
claim "namespaces left" "$(ip netns | grep -c "^$LAB-" || :)" = 0
claims_table
