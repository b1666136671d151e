#!/usr/bin/env bash
# A Prometheus scrapes a lab; an alert fires when a link dies.  Who may read is who is named.  The client
# is traced from its first message on.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-metrics
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

top=$NETNS_TOP
lab_net && lab_certs && lab_conf
for name in prometheus boss; do
	"$top/tools/mams-ca" -d "$LAB_DIR/ca" client $name >/dev/null
done
cat >>"$LAB_DIR/ncm.conf" <<-X
	admin_listen = { "10.1.1.1:8446", "10.1.2.1:8446" }
	viewers = { "prometheus" }
	operators = { "boss", "phone" }
X
for d in nginx px-pm cl-pm px cl ncm; do lab_start_one $d; done
lab_wait 5 test -S "$LAB_DIR/ncm.ctl"
lab_start trace "$PX" "$BUILD/tools/mamsctl" trace laptop -s "$LAB_DIR/ncm.ctl"
lab_start pcap "$PX" "$BUILD/tools/mamsctl" trace laptop --pcapng -s "$LAB_DIR/ncm.ctl"
sleep 0.5
printf 'role = client\nctl_socket = %s\n' "$LAB_DIR/tr.ctl" >"$LAB_DIR/tr.conf"
lab_start tr "$SV" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr.conf" -d
lab_start_one ccm
lab_wait 15 lab_ready
lab_wait 5 test -S "$LAB_DIR/tr.ctl"

# get IDENTITY PATH [CURL OPTION...]: the body is in $LAB_DIR/body
get() {
	local who=$1 path=$2 login=()
	shift 2
	[ "$who" = nobody ] || login=(--cert "$LAB_DIR/ca/$who.crt" --key "$LAB_DIR/ca/$who.key")
	px curl -s -o "$LAB_DIR/body" -w '%{http_code}' --cacert "$LAB_DIR/ca/ca.crt" "${login[@]}" "$@" \
		"https://10.1.2.1:8446$path" || :
}
ctl_metrics() { lab_mamsctl -s "$LAB_DIR/$1.ctl" metrics; }
# value FILE SAMPLE
value() { awk -v s="$2" '$1 == s { print $2; n++ } END { if (n != 1) print "none" }' "$1"; }
lints() { promtool check metrics <"$1" 2>&1 | head -n 3; }

# traced FILTER: how many lines of the trace it leaves
traced() { jq -c "select(.type == \"trace\") | $1" "$LAB_DIR/trace.log" 2>/dev/null | wc -l; }
message() { traced "select(.what == \"$1\") | .text | fromjson | select(.message_type == \"$2\")"; }

say "a trace of the client"
claim "the first message" "$(jq -r 'select(.transport) | .what + " " + .transport + " " +
	(.text | fromjson | .message_type)' "$LAB_DIR/trace.log" | head -n 1)" = "received https mx_discover"
claim "the NCM's answer" "$(message sent mx_system_info)" = 1
claim "what the NCM starts" "$(message sent mx_up_setup_conf_req)" '>=' 1
claim "and its answer" "$(message received mx_up_setup_cnf)" '>=' 1
claim "states" "$(traced 'select(.what == "event" and (.text | startswith("state SETUP_WAIT -> ACTIVE")))')" '>=' 1
claim "the client's key is masked" "$(traced 'select(.text | contains("\"client_key\":\"***\""))')" '>=' 1
key=$(python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT client_key FROM session").fetchone()[0])' "$LAB_DIR/ncm.db")
claim "octets of the key" ${#key} '>=' 16
claim "the key is nowhere" "$(grep -c -F "$key" "$LAB_DIR/trace.log" || :)" = 0

seen() { tshark -r "$LAB_DIR/pcap.log" -X "lua_script:$top/tools/wireshark/mams.lua" -Y "$1" 2>/dev/null | wc -l; }
claim "messages for Wireshark" "$(seen 'json && mams.type')" '>=' 8
claim "as many as lines of JSON" "$(seen 'mams.type')" = "$(traced 'select(.what == "sent" or .what == "received")')"
claim "a state for Wireshark" "$(seen 'mams.state == "ACTIVE" && mams.client == "laptop"')" '>=' 1
claim "packets that it calls malformed" "$(seen '_ws.malformed || _ws.lua.error || _ws.expert.severity == error')" = 0

say "who may read"
claim "nobody" "$(get nobody /metrics)" = 401
claim "a MAMS client" "$(get laptop /metrics)" = 403
claim "a viewer" "$(get prometheus /metrics)" = 200
claim "an operator" "$(get boss /metrics)" = 200
claim "an operator by Digest" "$(get nobody /metrics --digest -u "phone:$(cat "$LAB_DIR/password")")" = 200
claim "another path" "$(get prometheus /nothing)" = 404
claim "no such N-MADP" "$(get prometheus '/metrics?madp=nosuch')" = 404
claim "a viewer is no MAMS client" "$(px curl -s -o "$LAB_DIR/body" -w '%{http_code}' \
	--cacert "$LAB_DIR/ca/ca.crt" --cert "$LAB_DIR/ca/prometheus.crt" \
	--key "$LAB_DIR/ca/prometheus.key" https://10.1.2.1:8443/mams/v1/poll)" = 403

say "what is told"
lab_get "$(lab_file 5)" >/dev/null
get prometheus /metrics >/dev/null && cp "$LAB_DIR/body" "$LAB_DIR/ncm.prom"
claim "the N-MADP, through the NCM" "$(get prometheus '/metrics?madp=local')" = 200
cp "$LAB_DIR/body" "$LAB_DIR/madp.prom"
for d in ncm ccm px cl px-pm cl-pm tr; do
	ctl_metrics $d >"$LAB_DIR/$d.ctl.prom"
	claim "promtool check metrics: $d over ctl" "$(lints "$LAB_DIR/$d.ctl.prom")" = ""
done
for f in ncm madp; do
	claim "promtool check metrics: $f over HTTPS" "$(lints "$LAB_DIR/$f.prom")" = ""
done
claim "sessions" "$(value "$LAB_DIR/ncm.prom" 'mams_ncm_sessions{state="ACTIVE"}')" = 1
claim "links up" "$(value "$LAB_DIR/ncm.prom" 'mams_ncm_links{access="wifi",state="up"}')" = 1
claim "a login refused is counted" "$(value "$LAB_DIR/ncm.prom" mams_ncm_admin_denied_total)" = 1
claim "octets relayed" "$(value "$LAB_DIR/madp.prom" mams_proxy_octets_down_total)" '>=' 5242880
claim "octets of the client's links" "$(awk '/^mams_ccm_link_receive_bytes_total/ { n += $2 }
	END { print n }' "$LAB_DIR/ccm.ctl.prom")" '>=' 5242880

# every series that rules and dashboard ask for is one that somebody tells
known=$(sed -nE 's/^# TYPE ([a-z_]+) .*/\1/p' "$LAB_DIR"/*.prom)
asked=$(grep -ohE 'mams_(ncm|proxy|trailer|ccm|pm)_[a-z_]+' "$top/deploy/prometheus/mams.rules.yml" \
	"$top/deploy/grafana/mams.json" | sort -u)
claim "series that rules and dashboard ask for" "$(wc -w <<<"$asked")" '>=' 30
claim "of these, told by nobody" "$(comm -23 <(echo "$asked") <(sort -u <<<"$known") | paste -sd ' ')" = ""

say "an alert"
sed -E "s|/etc/prometheus/mams-ca.crt|$LAB_DIR/ca/ca.crt|; s|/etc/prometheus|$LAB_DIR/ca|
	s|192.0.2.1:|10.1.2.1:|; s|scrape_interval: .*|scrape_interval: 1s\n  evaluation_interval: 1s|" \
	"$top/deploy/prometheus/prometheus.yml" >"$LAB_DIR/prometheus.yml"
sed 's/for: 1m$/for: 3s/' "$top/deploy/prometheus/mams.rules.yml" >"$LAB_DIR/mams.rules.yml"
lab_start prometheus "$PX" prometheus --config.file="$LAB_DIR/prometheus.yml" \
	--storage.tsdb.path="$LAB_DIR/tsdb" --web.listen-address=127.0.0.1:9090 --log.level=warn
ask() { px curl -sf "http://127.0.0.1:9090/api/v1/$1"; }
scraped() { [ "$(ask targets | jq '[.data.activeTargets[] | select(.health == "up")] | length')" = 2 ]; }
firing() { ask alerts | jq -r '[.data.alerts[] | select(.state == "firing") |
	.labels.alertname + " " + (.labels.access // "")] | join(", ")'; }
fires() { [ "$(firing)" = "MamsAccessDown wifi" ]; }
quiet() { [ "$(firing)" = "" ]; }
claim "both targets are up" "$(yes_no lab_wait 10 scraped)" = yes
claim "nothing fires" "$(firing)" = ""
cl ip link set wifi down
t0=$(lab_now_ms)
lab_wait 15 fires || :
claim "wifi dies: what fires" "$(firing)" = "MamsAccessDown wifi"
claim "after" $(($(lab_now_ms) - t0)) '<=' 10000 ms
claim "the trace tells it, too" "$(traced 'select(.what == "event" and .text == "link 0: down")')" = 1
cl ip link set wifi up
lab_client_routes
claim "wifi is back: nothing fires" "$(yes_no lab_wait 15 quiet)" = yes

lab_end trace
lab_end pcap
lab_end tr
lab_end prometheus
lab_end ccm
lab_end cl
no_reports
claims_table
