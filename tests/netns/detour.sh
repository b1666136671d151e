#!/usr/bin/env bash
# No network lets MPTCP through: new TCP goes by the trailer, over both links, until one does again.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-detour
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/both_lab.sh
. "$(dirname "$0")/both_lab.sh"
LAB_WIFI_EMU=rate=20m,delay=5ms,queue=60k,strip=1
LAB_LTE_EMU=rate=20m,delay=20ms,queue=100k

of() { lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status | jq -r "$2"; } # DAEMON FILTER
fallbacks() {
	lab_mamsctl --json --counters -s "$LAB_DIR/cl.ctl" status |
		jq '[.counters[] | select(.name == "fallbacks_total") | .value] | add // 0'
}
tcp_by() { of ccm '[.anchors[] | select(.tcp) | .method] | join(" ")'; }
is_by() { [ "$(tcp_by)" = "$1" ] && { [ "$1" = GMA ] || caught; }; }
# the proxy catches: what comes out of the loopback listener has its address
caught() { [ "$(of cl .catching)" = true ]; }
strips() { of ccm '[.links[] | select(.plain) | .name] | join(" ")'; }
get() { # FILE [CURL OPTION...]: is it whole?
	cl timeout 30 curl -s -o "$LAB_DIR/got" "${@:2}" "http://10.9.9.2/$1" || :
	same "$LAB_DIR/got" "$LAB_DIR/www/$1"
}
begin() { # one that takes 6 s
	cl timeout 30 curl -s --limit-rate 300k -o "$LAB_DIR/$1" http://10.9.9.2/2M &
	slow=$!
	lab_wait 5 test -s "$LAB_DIR/$1"
}
whole() { same "$LAB_DIR/$1" "$LAB_DIR/www/2M"; }
inside() { of tr-c '[.sessions[].links[] | .rx_bytes] | add'; }

lab_net && lab_certs && lab_conf && both_conf
both_up || lab_fail "no session"
for n in 1 2 20; do lab_file $n >/dev/null; done

say "one of two"
for _ in 1 2 3; do claim "a download is whole" "$(get 1M)" = yes; done
claim "known: strips" "$(strips)" = wifi
claim "TCP by" "$(tcp_by)" = MPTCP_Proxy

say "the other has gone"
lab_emu down lte >/dev/null
ip -n "$CL" link set lte down
claim "TCP goes by GMA" "$(yes_no lab_wait 5 is_by GMA)" = yes
before=$(fallbacks) bytes=$(inside)
for _ in 1 2 3; do claim "a download is whole" "$(get 1M)" = yes; done
claim "through the tunnel" $(($(inside) - bytes)) '>=' 3000000
claim "connections of the proxy that fell back meanwhile" $(($(fallbacks) - before)) = 0
begin tunnelled

say "and is back"
ip -n "$CL" link set lte up
lab_emu up lte >/dev/null
claim "TCP goes by the proxy" "$(yes_no lab_wait 15 is_by MPTCP_Proxy)" = yes
bytes=$(inside)
wait "$slow" || :
claim "one that began in the tunnel is whole" "$(whole tunnelled)" = yes
claim "there" $(($(inside) - bytes)) '>=' 200000
bytes=$(inside)
claim "a download is whole" "$(get 1M)" = yes
claim "not through the tunnel" $(($(inside) - bytes)) '<=' 300000

say "both strip"
lab_emu set lte strip=1 >/dev/null
claim "a download is whole" "$(get 1M)" = yes
begin running # over lte, the second that falls back there
claim "TCP goes by GMA" "$(yes_no lab_wait 5 is_by GMA)" = yes
claim "strip" "$(strips)" = "wifi lte"
claim "mamsctl says it" "$(lab_mamsctl -s "$LAB_DIR/ccm.ctl" status | grep -c 'strips MPTCP')" = 2
claim "mamsctl why: in words" "$(lab_mamsctl why --ccm "$LAB_DIR/ccm.ctl" |
	grep -c "tunnel: no network in use lets MPTCP through; MPTCP is stripped on wifi, lte")" = 1
bytes=$(of tr-c '[.sessions[].links[] | .rx_bytes] | min')
claim "20 MiB are whole" "$(get 20M)" = yes
claim "over both links, the lesser" \
	$(($(of tr-c '[.sessions[].links[] | .rx_bytes] | min') - bytes)) '>=' 3000000

wait "$slow" || :
claim "one that ran before is whole" "$(whole running)" = yes

say "the tunnel's end"
lab_end tr-c KILL
claim "TCP goes by the proxy" "$(yes_no lab_wait 8 is_by MPTCP_Proxy)" = yes
claim "a download is whole" "$(get 1M)" = yes
no_reports
claims_table
