#!/usr/bin/env bash
# Applications see the same of TCP through the proxies as without them: a table of cases, run both
# ways and compared.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-behaviour
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
mark=19777 # of the proxy's own sockets: what carries it is not caught

count() {
	lab_mamsctl --json --counters -s "$LAB_DIR/cl.ctl" status |
		jq "[.counters[] | select(.name == \"$1\") | .value] | add // 0"
}

lab_up
# servers remember what they saw: those that are reached directly are others
ip -n "$SV" addr add 10.9.9.3/24 dev core
ip -n "$SV" addr add fd09::3/64 dev core nodad
for host in 10.9.9.2 10.9.9.3 fd09::2 fd09::3; do
	name=$(tr -d ':.' <<<"server$host")
	lab_start "$name" "$SV" "$(dirname "$0")/behaviour.py" server "$host"
done
sleep 1
cl "$(dirname "$0")/behaviour.py" client 10.9.9.3 $mark >"$LAB_DIR/direct" &
direct=$!
cl "$(dirname "$0")/behaviour.py" client 10.9.9.2 0 >"$LAB_DIR/proxied" &
proxied=$!
wait $direct
wait $proxied
cl "$(dirname "$0")/behaviour.py" client fd09::3 $mark >"$LAB_DIR/direct6"
cl "$(dirname "$0")/behaviour.py" client fd09::2 0 >"$LAB_DIR/proxied6"

# compare TEXT DIRECT PROXIED
compare() {
	local case rest
	while read -r case rest; do
		claim "$1 $case" "$(sed -n "s/^$case //p" "$LAB_DIR/$3" | cut -c 1-60)" = \
			"$(cut -c 1-60 <<<"$rest")"
	done <"$LAB_DIR/$2"
	claim "$1: cases" "$(wc -l <"$LAB_DIR/$2")" = 11
}
compare IPv4 direct proxied
compare IPv6 direct6 proxied6
claim "200 at once, all right" "$(grep -c '^many (200, \[\])' "$LAB_DIR/proxied")" = 1
claim "connections that went through the proxies" "$(count relayed_total)" '>=' 400
claim "connections that went past them" "$(count direct_total)" = 0
lab_end ccm
lab_end cl
no_reports
claims_table
