#!/usr/bin/env bash
# Clients that do everything wrong, while a hundred honest ones are steered: each gets its documented
# answer, and the honest ones do not notice.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-hostile
LAB_WIFI_RATE=none LAB_LTE_RATE=none # the NCM is looked at, not the queues of slow links
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# the crowd ends with everything open, as a host that is switched off
crowd=(env ASAN_OPTIONS=detect_leaks=0 "$BUILD/tests/bench/mams-bench-clients")
honest=100 hold=15

counter() { # NAME: of the NCM
	lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status |
		jq -r --arg n "$1" '[.counters[] | select(.name == $n).value] | add // 0'
}
# Whatever the crowd has measured: NAME LINE
said() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p" "$2" | head -n 1; }
is_up() { grep -q "$1" "$LAB_DIR/crowd.out" || ! kill -0 "${LAB_PID[crowd]}"; }
honest_up() {
	rm -f "$LAB_DIR/go"
	mkfifo "$LAB_DIR/go"
	exec 9<>"$LAB_DIR/go"
	: >"$LAB_DIR/crowd.out"
	ip netns exec "$CL" "${crowd[@]}" -d "$LAB_DIR/ca" -n $honest -u https://10.1.1.1:8443 \
		-c "$LAB_DIR/ncm.ctl" -r 50 -s $hold crowd <"$LAB_DIR/go" \
		>"$LAB_DIR/crowd.out" 2>>"$LAB_DIR/crowd.log" &
	LAB_PID[crowd]=$!
	lab_wait 60 is_up ^active
	echo go >&9
}
honest_end() { # FILE: for what was measured
	lab_wait 90 is_up ^steers
	exec 9>&-
	cp "$LAB_DIR/crowd.out" "$1"
	lab_end crowd
}

say "lab"
lab_net && lab_certs && lab_conf
ca=$LAB_DIR/ca
sed -i 's|{ "10.1.1.0/24"|{ "10.64.0.0/11", "10.1.1.0/24"|
	s|{ "10.1.2.0/24"|{ "10.96.0.0/11", "10.1.2.0/24"|' "$LAB_DIR/ncm.conf"
cat >>"$LAB_DIR/ncm.conf" <<-X
	listen_wss = "10.1.2.1:8444"
	client_crl = $ca/ca.crl
	max_per_address = 1200
X
mams_ca() { "$NETNS_TOP/tools/mams-ca" "$@" >/dev/null; }
for identity in other gone late; do mams_ca -d "$ca" client $identity; done
mams_ca -d "$ca" revoke gone
cp "$ca/gone.crt.revoked" "$ca/gone.crt"
# as old as it is: it ends in the second in which it begins
cp "$ca/late.key" "$ca/expired.key"
openssl req -new -key "$ca/expired.key" -subj /CN=expired |
	openssl x509 -req -CA "$ca/ca.crt" -CAkey "$ca/ca.key" -days 0 -out "$ca/expired.crt" 2>/dev/null
mams_ca -d "$LAB_DIR/foreign" init "lab CA"
mams_ca -d "$LAB_DIR/foreign" client foreign
cp "$LAB_DIR"/foreign/foreign.* "$ca/"
cp "$LAB_DIR/password" "$ca/password"
"${crowd[@]}" -d "$ca" -n $honest certs
for d in px-pm px ncm; do lab_start_one $d; done
lab_wait 10 test -S "$LAB_DIR/ncm.ctl"
sleep 2

say "quiet"
honest_up
honest_end "$LAB_DIR/quiet"
quiet=$(said delivery_p99_ms "$LAB_DIR/quiet")
claim "honest clients, quiet" "$(said active "$LAB_DIR/quiet")" = $honest
claim "steering requests not applied, quiet" \
	"$(($(said steers "$LAB_DIR/quiet") - $(said applied "$LAB_DIR/quiet")))" = 0

say "under attack"
pid=${LAB_PID[ncm]}
honest_up
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
