#!/usr/bin/env bash
# Another program of the client takes the agent's rules and routes away, as systemd-networkd does with
# what is not its own: they are put back under running traffic, and go with the agent all the same.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-taken
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/both_lab.sh
. "$(dirname "$0")/both_lab.sh"

# Rules, routes of our tables, and the guards of addresses.
ours() {
	local family
	for family in -4 -6; do
		ip -n "$CL" -d "$family" rule show | grep 'proto 77' || :
		ip -n "$CL" "$family" route show table all proto 77
	done | sort
}
stand() { [ "$(ours)" = "$all" ]; }
back_within() { # COMMAND...: ms until all stands again that it takes away
	local began
	began=$(lab_now_ms)
	"$@" 2>/dev/null || :
	! stand || echo "nothing was taken" >&2
	lab_wait 5 stand && echo $(($(lab_now_ms) - began)) || echo never
}
take_rules() {
	ip -n "$CL" rule flush protocol 77
	ip -n "$CL" -6 rule flush protocol 77
}
take_routes() { # of the links' tables, of the tunnel's, and the guards
	local table
	for table in $(ours | sed -n 's/.*from 10.*lookup \([0-9]*\) .*/\1/p') local; do
		ip -n "$CL" route flush table "$table" proto 77
		ip -n "$CL" -6 route flush table "$table" proto 77
	done
}
left() { ours | head -n 3 | tr '\n' ';'; }

lab_net && lab_certs && lab_conf
both_conf
both_up || lab_fail "no session"
all=$(ours)
claim "rules and routes of ours" "$(wc -l <<<"$all")" '>=' 10
lab_file 60 >/dev/null

say "taken away under a download"
lab_watch "$LAB_DIR/watch"
lab_get /60M >"$LAB_DIR/rate" &
get=$!
sleep 2
claim "rules stand again" "$(back_within take_rules)" '<=' 1000 ms
sleep 1
claim "routes stand again" "$(back_within take_routes)" '<=' 1000 ms
sleep 1
claim "both stand again" "$(back_within eval 'take_rules; take_routes')" '<=' 1000 ms
wait "$get" || :
lab_end watch
claim "the download is right" "$(same "$LAB_DIR/got" "$LAB_DIR/www/60M")" = yes
claim "its rate" "$(cat "$LAB_DIR/rate")" '>=' 50 Mbit/s
claim "its longest stall" "$(lab_stall "$LAB_DIR/watch")" '<=' 1000 ms
claim "the session is the one of before" "$(grep -c 'state NEGOTIATED -> ' "$LAB_DIR/ccm.log")" = 1
claim "UDP goes into the tunnel" "$(yes_no both_tunnelled)" = yes
claim "the agent has said so" "$(grep -c 'were taken away' "$LAB_DIR/ccm.log")" '>=' 3

say "and with the agent they go"
lab_end ccm
claim "rules and routes of ours" "$(left)" = ""
no_reports
claims_table
