#!/usr/bin/env bash
# The control plane over https, wss and udp: the same session, the same steering, the same recovery;
# and what each transport shows on the wire.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-transport
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

ncm_status() { lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status; }
by() { ncm_status | jq -r '.sessions[0].transport // "none"'; }
client() { ncm_status | jq -r '.sessions[0].client // "none"'; }
session_id() { ncm_status | jq -r '.sessions[0].session_id // "none"'; }
ccm_by() { lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r .transport; }
counter() { # NAME: of the NCM
	ncm_status | jq -r --arg n "$1" '[.counters[] | select(.name == $n).value][0] // 0'
}
steered() { # LINKS: how long it took until the client had applied them, in ms
	local start
	start=$(lab_now_ms)
	if [ "$(lab_mamsctl -s "$LAB_DIR/ncm.ctl" --timeout 20 steer --dl "$1" --ul "$1" 2>&1)" = applied ]; then
		echo $(($(lab_now_ms) - start))
	else
		echo 99999
	fi
}
use() { # URL...: the CCM's from now on
	local list
	list=$(printf '"%s", ' "$@")
	sed -i "s|^ncm = .*|ncm = { ${list%, } }|" "$LAB_DIR/ccm.conf"
}
is_session() { [ "$(session_id)" = "$1" ]; }
is_new() { # nothing at all is what an NCM says that is not there yet
	local id
	id=$(session_id) && [ -n "$id" ] && [ "$id" != none ] && [ "$id" != "$1" ] && lab_ready
}

api() { cl curl -sS --max-time 10 --unix-socket "$LAB_DIR/ccm-api.sock" "$@"; }
# The first of a session's links that has a path estimation's results of both phases.
estimated() {
	ncm_status | jq -r '[.sessions[0].links[] | .path_est // empty |
		select(.lost_ppm != null)][0] | if . then "\(.lost_ppm) \(.delay_us)" else "none" end'
}
is_estimated() { [ "$(estimated)" != none ]; }
# What an application asks for, and an estimation of a path that carries nothing.
all_messages() { # NAME
	local name=$1
	api -o /dev/null http://localhost/ccm/v1.0/predictive_link_params
	api -o /dev/null -H 'Content-Type: application/json' -d '{"num-streams":1,
		"stream-feature":[{"proto":6,"port-range":{"start":8080,"end":8080},
		"traffic-qos":{"qos-param-name":"latency","qos-param-value":30}}]}' \
		"http://localhost/ccm/v1.0/app_requirements?lifetime=2"
	lab_mamsctl -s "$LAB_DIR/ncm.ctl" probe wifi >/dev/null
	lab_wait 10 is_estimated || :
	claim "$name: path estimation of idle wifi" "$(yes_no is_estimated)" = yes
}

# What every transport has to do.
common_part() { # NAME
	local name=$1 id limit=1000
	# a datagram that is lost is sent again after MAMS_TIMEOUT
	[ "$name" != udp ] || limit=2500
	claim "$name: the CCM says" "$(ccm_by)" = "$name"
	claim "$name: the NCM says" "$(by)" = "$name"
	claim "$name: steering to lte" "$(steered lte)" '<' $limit ms
	all_messages "$name"
	claim "$name: steering back" "$(steered wifi,lte)" '<' $limit ms
	claim "$name: a download through the proxy" "$(yes_no lab_get /whoami)" = yes

	id=$(session_id)
	lab_end ncm KILL
	lab_start_one ncm
	lab_wait 12 is_session "$id" || :
	claim "$name: NCM restarted, the same session" "$(session_id)" = "$id"
	lab_wait 12 reached lte || :
	claim "$name: NCM restarted, steering" "$(steered wifi,lte)" '<' 1000 ms

	# E4: the NCM has forgotten everything
	lab_end ncm KILL
	rm -f "$LAB_DIR"/ncm.db*
	echo "capability_initiator = ccm" >>"$LAB_DIR/ncm.conf" # RFC 8743's flow: REQ, RSP, ACK
	lab_start_one ncm
	lab_wait 25 is_new "$id" || :
	sed -i '/^capability_initiator/d' "$LAB_DIR/ncm.conf"
	claim "$name: NCM without memory, another session" "$(yes_no is_new "$id")" = yes
	claim "$name: by the same transport" "$(by)" = "$name"
	reached lte || :
	all_messages "$name"
	reached wifi,lte || :
	sleep 3.5 # nothing is said, and after 2 s of that a Keep-Alive REQ
}
reached() { [ "$(steered "$1")" -lt 3000 ]; }

say "lab"
lab_net && lab_certs && lab_conf
LAB_KEYS=$LAB_DIR/keys.log
cat >>"$LAB_DIR/ncm.conf" <<-X
	measure wifi {
		type = Wi-Fi
		parameter = DL_TPUT
		period = 1s
	}
	prefer cafe {
		id = cafe
	}
	probe wifi { type = Wi-Fi period = 0s init_duration = 200ms }
	control_port = 7444
	retries = 6
	listen_wss = { "10.1.1.1:8444", "10.1.2.1:8444" }
	secure_udp lte {
		interface = lte
		listen = "10.1.2.1:8445"
	}
X
sed -i '/access wifi {/a latency = 10ms' "$LAB_DIR/ncm.conf"
echo 'control_listen = { "10.1.1.1:7444", "10.1.2.1:7444" }' >>"$LAB_DIR/px.conf"
cat >>"$LAB_DIR/ccm.conf" <<-X
	keep_alive = 2s
	retries = 6
	ncm_lost = 30s
	discovery = 1s
	secure_interfaces = { "lte" }
X
# from the first handshake on: what comes later cannot be read without it
lab_start tcpdump "$PX" tcpdump -i any -nn -w "$LAB_DIR/control.pcap" -U \
	'tcp port 8443 or tcp port 8444 or udp port 8445'
lab_wait 10 test -s "$LAB_DIR/control.pcap"
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready

say "https"
common_part https

say "wss"
lab_end ccm
use wss://10.1.1.1:8444 wss://10.1.2.1:8444
lab_start_one ccm
lab_wait 15 lab_ready
common_part wss
claim "wss: connections open" "$(counter wss_connections_open)" = 1
cl ip link set wifi down
lab_wait 5 reached lte || :
claim "wss: wifi down, steering over lte" "$(steered lte)" '<' 1000 ms
cl ip link set wifi up
lab_client_routes
sleep 1
claim "wss: wifi back, steering" "$(steered wifi,lte)" '<' 1000 ms

say "udp"
lab_end ccm
use udp://10.1.2.1:8445
lab_start_one ccm
lab_wait 15 lab_ready
common_part udp
claim "udp: the client's identity" "$(client)" = udp:10.1.2.2
# two of ten datagrams lost, both ways: the sessions' own retransmission has to do
cl nft -f - <<-X
	table inet loss {
		chain in {
			type filter hook input priority 0;
			udp sport 8445 numgen random mod 10 < 2 drop
		}
		chain out {
			type filter hook output priority 0;
			udp dport 8445 numgen random mod 10 < 2 drop
		}
	}
X
n=0
for i in 1 2 3 4 5 6; do
	[ "$(steered "$([ $((i % 2)) = 1 ] && echo lte || echo wifi,lte)")" = 99999 ] || n=$((n + 1))
done
cl nft delete table inet loss
claim "udp: steered under 20 % loss each way, of 6" "$n" '>=' 4
claim "udp: state after the loss" "$(lab_ccm_state)" = ACTIVE
cl nft -f - <<-X
	table inet wrong {
		chain out {
			type filter hook output priority 0;
			oifname "wifi" udp dport 8445 counter
		}
	}
X
sleep 3
claim "udp: datagrams on a link that is not called secure" \
	"$(cl nft -j list table inet wrong | jq '[.. | .counter? // empty | .packets][0]')" = 0

say "failover between transports"
lab_end ccm
use udp://10.1.2.1:9 wss://10.1.1.1:8444
lab_start_one ccm
lab_wait 20 lab_ready
claim "udp dead, wss there: the CCM says" "$(ccm_by)" = wss
lab_end ccm
use wss://10.1.1.1:9 https://10.1.1.1:8443
lab_start_one ccm
lab_wait 20 lab_ready
claim "wss dead, https there: the CCM says" "$(ccm_by)" = https

say "failover between the endpoints of MX System INFO"
lab_end ccm
use wss://10.1.1.1:8444
lab_start_one ccm
lab_wait 15 lab_ready
px nft -f - <<-X
	table inet gone {
		chain in {
			type filter hook input priority 0;
			ip daddr 10.1.1.1 tcp dport 8444 reject with tcp reset
		}
	}
X
lab_wait 15 reached lte || :
claim "the URL's own address is gone: steering" "$(steered wifi,lte)" '<' 1000 ms
sleep 2 # the old connection's end at the NCM
claim "by the other address that the NCM has told" \
	"$(px ss -Htn state established '( sport = 8444 )' | awk '{ print $3 }')" = 10.1.2.1:8444
px nft delete table inet gone

say "on the wire"
lab_end tcpdump
tcp_clear=$(tshark -r "$LAB_DIR/control.pcap" -Y 'tcp.len > 0' -T fields -e tcp.payload 2>/dev/null |
	xxd -r -p | grep -ac 'mx_\|"version"\|message_type' || :)
claim "cleartext messages on https and wss" "$tcp_clear" = 0
datagrams=$(tshark -r "$LAB_DIR/control.pcap" -Y 'udp.port == 8445' 2>/dev/null | wc -l)
claim "datagrams over the secure link, at least" "$datagrams" '>=' 20
claim "datagrams over the secure link, at most" "$datagrams" '<=' 400
"$NETNS_TOP/tests/netns/messages.py" "$LAB_DIR/control.pcap" "$LAB_KEYS" \
	"$NETNS_TOP/tests/vectors/schema/rfc8743_c3.json" 8443 8444 8445 >"$LAB_DIR/messages"
while read -r name n missing bad; do
	claim "$name: messages on the wire, at least" "$n" '>=' 20
	claim "$name: types of messages that were not said" "$missing" = -
	claim "$name: messages that the schemas of RFC 8743 C.3 refuse" "$bad" = 0
done <"$LAB_DIR/messages"
no_reports
claims_table
