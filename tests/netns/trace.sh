#!/usr/bin/env bash
# The trace of a session with both methods: set up, steered by the policy and by an operator, a link and
# an N-MADP that go and come back, released.  Replayed it comes to the states that the NCM has logged;
# Wireshark shows it.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-trace
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/both_lab.sh
. "$(dirname "$0")/both_lab.sh"

# lines FILTER: how many of the trace it leaves
lines() { jq -c "select($1)" "$LAB_DIR/trace.log" 2>/dev/null | wc -l; }
has() { [ "$(lines "$1")" -ge "${2:-1}" ]; }
words() { lines ".what == \"$1\" and (.text | startswith(\"$2\"))"; }
replay() { lab_mamsctl replay "$1" >"$LAB_DIR/replayed" 2>"$LAB_DIR/replay.err" && echo 0 || echo $?; }
states() { grep -oE 'state [A-Z_]+ -> [A-Z_]+' "$1" | paste -sd ';'; }

lab_net && lab_certs && lab_conf
both_conf
echo "policy_file = $LAB_DIR/policy.conf" >>"$LAB_DIR/ncm.conf"
echo 'steering all { mode = active-standby anchor = tcp order = { wifi, lte } dwell = 1s probation = 1s }' \
	>"$LAB_DIR/policy.conf"
lab_start tr-n "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-n.conf" -d
lab_start tr-c "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-c.conf" -d
for d in nginx px-pm cl-pm px cl ncm; do lab_start_one $d; done
lab_wait 5 test -S "$LAB_DIR/ncm.ctl"
lab_start trace "$PX" "$BUILD/tools/mamsctl" trace laptop -s "$LAB_DIR/ncm.ctl"
lab_start pcap "$PX" "$BUILD/tools/mamsctl" trace --pcapng laptop -s "$LAB_DIR/ncm.ctl"
sleep 0.3
lab_start_one ccm
both_ready() { lab_wait 15 lab_ready && lab_wait 10 both_tunnelled; }
both_ready || lab_fail "no session; see $LAB_DIR/*.log"

say "what is told"
lab_wait 8 has '.what == "event" and .text == "steering: applied"' || :
# N-MADPs that come only then are told of before there is a session
claim "the first line of it begins it" "$(jq -r 'select(.session_id or .what == "start") |
	.what + " " + .start.state' "$LAB_DIR/trace.log" 2>/dev/null | head -n 1)" = "start NONE"
claim "the proxy has the client" "$(words plane 'N-MADP proxy has the client')" '>=' 1
claim "the trailer has it" "$(words plane 'N-MADP trailer has the client, tunnel at port')" '>=' 1
claim "paths of the tunnel" "$(words plane 'path of link')" '>=' 2
claim "the policy decides" "$(lines '.what == "decision" and (.text | fromjson | .policy.name) == "all"')" '>=' 1
claim "and orders" "$(words order 'the policy steers tcp: DL wifi UL wifi')" '>=' 1
lab_file 10 >/dev/null
lab_get /10M >/dev/null
lab_wait 5 has '.input.kind == "measured"' || :
claim "links measured" "$(words plane 'link wifi measured by a proxy')" '>=' 1

say "steered, a link down and up, an N-MADP away and back"
ncm steer --anchor tcp --dl lte --ul lte >/dev/null
claim "an operator's order" "$(words order 'an operator steers tcp: DL lte UL lte')" = 1
lab_start late "$PX" "$BUILD/tools/mamsctl" trace laptop -s "$LAB_DIR/ncm.ctl"
cl ip link set wifi down
lab_wait 5 has '.text == "link 0: down"' || :
claim "the link is down" "$(words event 'link 0: down')" = 1
lab_end px
lab_wait 5 has '.what == "plane" and (.text | contains("N-MADP proxy: away"))' || :
claim "the proxy is away" "$(lines '.input.kind == "madps" and (.text | contains("N-MADP proxy: away"))')" '>=' 1
lab_start_one px
cl ip link set wifi up
lab_client_routes
lab_wait 8 has '.what == "event" and (.text | contains("SETUP_WAIT -> ACTIVE"))' 3 || :
claim "set up again" "$(words event 'state SETUP_WAIT -> ACTIVE')" '>=' 2
sleep 1
lab_end ccm
lab_wait 5 has '.text == "the session is over"' || :
claim "the session is over" "$(words event 'the session is over')" = 1
for t in trace pcap late; do lab_end $t; done

say "replayed"
claim "exit status" "$(replay "$LAB_DIR/trace.log")" = 0
cat "$LAB_DIR/replay.err"
tail -n 1 "$LAB_DIR/replayed"
claim "what differs" "$(grep -c '^/' "$LAB_DIR/replayed" || :)" = 0
claim "states" "$(states "$LAB_DIR/replayed" | tr ';' '\n' | wc -l)" '>=' 8
logged=$(states <(grep 'client=laptop' "$LAB_DIR/ncm.log"))
claim "those that the NCM has logged" "$(yes_no [ "$(states "$LAB_DIR/replayed")" = "$logged" ])" = yes
claim "decisions, as recorded" "$(lab_mamsctl replay --json "$LAB_DIR/trace.log" |
	jq 'select(.kind == "done") | .sum.decisions')" '>=' 1
claim "watched from amid it: exit status" "$(replay "$LAB_DIR/late.log")" = 0
claim "and states" "$(states "$LAB_DIR/replayed" | tr ';' '\n' | wc -l)" '>=' 3
sed '0,/-> SETUP_WAIT: /s//-> ACTIVE: /' "$LAB_DIR/trace.log" >"$LAB_DIR/touched"
claim "another state: exit status" "$(replay "$LAB_DIR/touched")" = 1
claim "and which it is" "$(grep -c '^/.*touched:[0-9]*: recorded, and does not come about: state PREPARE -> ACTIVE' \
	"$LAB_DIR/replayed" || :)" = 1
sed '/mx_up_setup_cnf/d' "$LAB_DIR/trace.log" >"$LAB_DIR/touched"
claim "a message taken out: exit status" "$(replay "$LAB_DIR/touched")" = 1
claim "and where" "$(grep -c 'of the trace are missing' "$LAB_DIR/replayed" || :)" '>=' 1

say "in Wireshark"
shows() { tshark -r "$LAB_DIR/pcap.log" -X "lua_script:$NETNS_TOP/tools/wireshark/mams.lua" "$@" 2>/dev/null; }
claim "packets" "$(shows | wc -l)" = "$(lines '.type == "trace" and .what != "timer"')"
claim "messages by type" "$(shows -Y 'mams.type == "mx_up_setup_conf_req"' | wc -l)" = \
	"$(lines '.what == "sent" and (.text | contains("mx_up_setup_conf_req"))')"
claim "states" "$(shows -Y 'mams.state == "ACTIVE"' | wc -l)" = "$(lines '.text | contains("-> ACTIVE")')"
claim "data plane" "$(shows -Y 'mams.what == "data plane"' | wc -l)" = "$(lines '.what == "plane"')"
claim "of one session" "$(shows -Y mams.session -T fields -e mams.session | sort -u | wc -l)" = 1
claim "malformed, or an error" "$(shows -Y '_ws.malformed || _ws.lua.error || _ws.expert.severity == error' | wc -l)" = 0

for d in tr-c tr-n cl; do lab_end $d; done
no_reports
claims_table
