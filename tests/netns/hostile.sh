#!/usr/bin/env bash
# Clients that do everything wrong, while a hundred honest ones are steered: each gets its documented
# answer, and the honest ones do not notice.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-hostile
LAB_WIFI_RATE=none LAB_LTE_RATE=none # the NCM is looked at, not the queues of slow links
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/hostile_lab.sh
. "$NETNS_TOP/tests/netns/hostile_lab.sh"
# the crowd ends with everything open, as a host that is switched off
LAB_CROWD=(env ASAN_OPTIONS=detect_leaks=0 "$BUILD/tests/bench/mams-bench-clients")
honest=100 hold=15

counter() { # NAME: of the NCM
	lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status |
		jq -r --arg n "$1" '[.counters[] | select(.name == $n).value] | add // 0'
}
said() { hostile_said "$@"; }

say "lab"
hostile_up
ca=$LAB_DIR/ca

say "quiet"
honest_up https://10.1.1.1:8443 50 $hold
honest_end "$LAB_DIR/quiet"
quiet=$(said delivery_p99_ms "$LAB_DIR/quiet")
claim "honest clients, quiet" "$(said active "$LAB_DIR/quiet")" = $honest
claim "steering requests not applied, quiet" \
	"$(($(said steers "$LAB_DIR/quiet") - $(said applied "$LAB_DIR/quiet")))" = 0

say "under attack"
pid=${LAB_PID[ncm]}
honest_up https://10.1.1.1:8443 50 $hold
cl "$NETNS_TOP/tests/netns/hostile.py" "$ca" 10.1.2.1 10.1.2.2 $((hold + 5)) \
	>"$LAB_DIR/cases" 2>"$LAB_DIR/hostile.log" &
LAB_PID[hostile]=$!
honest_end "$LAB_DIR/attacked"
wait "${LAB_PID[hostile]}" || say "hostile.py: $(tail -n 3 "$LAB_DIR/hostile.log")"
while IFS='|' read -r what got wanted; do
	claim "$what" "$got" = "$wanted"
done <"$LAB_DIR/cases"
claim "cases that were tried, at least" "$(wc -l <"$LAB_DIR/cases")" '>=' 35
claim "the NCM has not restarted" "$(yes_no kill -0 "$pid")" = yes
claim "honest clients" "$(said active "$LAB_DIR/attacked")" = $honest
claim "sessions that honest clients lost" "$(said lost "$LAB_DIR/attacked")" = 0
claim "steering requests not applied" \
	"$(($(said steers "$LAB_DIR/attacked") - $(said applied "$LAB_DIR/attacked")))" = 0
attacked=$(said delivery_p99_ms "$LAB_DIR/attacked")
# Below 50 ms it is the scheduler of two busy cores under the sanitizers that is measured.
claim "NCM to CCM delivery, p99, to twice the quiet one of $quiet ms, or 50 ms" "$attacked" '<=' \
	"$(awk -v q="$quiet" 'BEGIN { print (2 * q > 50 ? 2 * q : 50) }')" ms
for name in https_bad_certificate_total https_stale_nonce_total https_body_too_long_total \
	https_slow_requests_total https_without_request_total wss_forbidden_total wss_slow_handshakes_total \
	messages_bad_total messages_foreign_session_total messages_unknown_session_total \
	messages_too_many_total; do
	claim "counted: $name" "$(counter $name)" '>' 0
done
no_reports
claims_table
