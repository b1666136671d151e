#!/usr/bin/env bash
# Uplink and downlink of the trailer over different links, changed back and forth ten times under a
# stream that goes both ways.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-trapart
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/both_lab.sh
. "$(dirname "$0")/both_lab.sh"
here=$(dirname "$0")

least() { printf '%s\n' "$@" | sort -n | head -n 1; }
most() { printf '%s\n' "$@" | sort -n | tail -n 1; }
# rates MS: Mbit/s from one second after that moment on: wifi down, wifi up, lte down, lte up
rates() {
	for i in 2 3 4 5; do
		lab_rate "$LAB_DIR/watch" $(($1 + 1000)) $(($1 + 1300)) "$i"
		echo
	done
}

lab_net && lab_certs && lab_conf
both_conf
both_up || lab_fail "no session; see $LAB_DIR/*.log"
lab_start echo "$SV" "$here/trailer_traffic.py" echo 10.9.9.2 9999 100
lab_wait 5 eval 'sv ss -Hnul sport = 9999 | grep -q .'
lab_watch "$LAB_DIR/watch"

say "one stream, ten changes"
# 3.3 Mbit/s each way with all headers
cl "$here/trailer_traffic.py" talk 10.9.9.2 9999 400 18 >"$LAB_DIR/talk" &
talk=$!
sleep 1
applied=0 up=() down=() wrong_up=() wrong_down=()
for change in 1 2 3 4 5 6 7 8 9 10; do
	lists=(--dl lte --ul wifi)
	[ $((change % 2)) = 1 ] || lists=(--dl wifi --ul lte)
	t0=$(lab_now_ms)
	[ "$(ncm steer --anchor udp "${lists[@]}")" = applied ] && applied=$((applied + 1))
	sleep 1.4
	mapfile -t r < <(rates "$t0")
	[ $((change % 2)) = 0 ] || r=("${r[@]:2}" "${r[@]:0:2}")
	down+=("${r[0]}") wrong_up+=("${r[1]}") wrong_down+=("${r[2]}") up+=("${r[3]}")
done
wait "$talk" || :
read -r sent lost twice disorder <"$LAB_DIR/talk"
claim "changes that mamsctl says are applied" "$applied" = 10
claim "UL by its link within 1 s: at least" "$(least "${up[@]}")" '>=' 2 Mbit/s
claim "DL by its link within 1 s: at least" "$(least "${down[@]}")" '>=' 2 Mbit/s
claim "the link of DL carries UL: at most, with reports" "$(most "${wrong_up[@]}")" '<=' 0.6 Mbit/s
claim "the link of UL carries DL: at most, with reports" "$(most "${wrong_down[@]}")" '<=' 0.6 Mbit/s
claim "datagrams sent, at least" "$sent" '>=' 4000
claim "lost, twice, out of order" "$lost $twice $disorder" = "0 0 0"

lab_end ccm
no_reports
claims_table
