#!/usr/bin/env bash
# An N-MADP is drained for maintenance with 200 flows through its trailer and 100 through its proxy, and
# drained back: two hosts that share the anchor addresses, and a router that follows their routes late.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-drain
# links that lose nothing of themselves, whatever bursts TCP makes
LAB_WIFI_RATE=500mbit LAB_LTE_RATE=500mbit
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")
WS=$LAB-west

ncm() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" "$@"; }
madp() { ncm --json status | jq -r ".madps[] | select(.name == \"$1\") | $2"; }
is_at() { # TRAILER PROXY
	[ "$(ncm --json status | jq -r '[.sessions[0].anchors[].madp] | join(" ")')" = "$2 $1" ]
}
is_empty() { [ "$(madp "$1" .empty)" = true ]; }
sum() { # DAEMON FIELD: a counter
	lab_mamsctl --json --counters -s "$LAB_DIR/$1.ctl" status |
		jq ".counters[] | select(.name == \"$2_total\").value"
}
served() { # PROXY: connections of the client, in all
	lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status |
		jq -r '[.clients[] | select(.client == "laptop").flows_total][0] // 0'
}
router() { ip -n "$SV" route get "$address" | grep -o 'via [0-9.]*'; }
goes_by() { [ "$(router)" = "via $1" ]; }
tunnelled() { cl ip route get 10.9.9.2 ipproto udp | grep -q 'dev mams'; }
also_end() {
	ip netns pids "$WS" | xargs -r kill -KILL
	ip netns del "$WS"
}
# What a routing daemon does with the host routes of an N-MADP, half a second late.
follow() { # NAMESPACE NEXT-HOP
	ip -n "$1" monitor route | while read -r line; do
		case $line in
		"Deleted 10.60."*" dev mams"*)
			line=${line#Deleted }
			sleep 0.5
			ip -n "$SV" route del "${line%% *}" via "$2" || : ;;
		10.60.*" dev mams"*)
			sleep 0.5
			ip -n "$SV" route replace "${line%% *}" via "$2" ;;
		esac
	done
}
link_west() { # NAME OTHER-NAMESPACE ADDRESS OTHER-ADDRESS
	ip link add "$1" netns "$WS" type veth peer name "$1" netns "$2"
	ip -n "$WS" addr add "$3/24" dev "$1"
	ip -n "$2" addr add "$4/24" dev "$1"
	ip -n "$WS" link set "$1" up
	ip -n "$2" link set "$1" up
}
west_net() {
	ip netns del "$WS" 2>/dev/null || :
	ip netns add "$WS"
	ip -n "$WS" link set lo up
	ip netns exec "$WS" sysctl -qw net.ipv4.ip_forward=1 net.mptcp.pm_type=1
	link_west back "$PX" 10.1.3.1 10.1.3.254
	link_west core2 "$SV" 10.9.8.1 10.9.8.2
	ip -n "$WS" addr add 10.1.4.1/24 dev back
	ip -n "$PX" route add 10.1.4.0/24 dev back
	ip -n "$WS" route add 10.1.0.0/16 via 10.1.3.254
	ip -n "$WS" route add 10.9.9.0/24 via 10.9.8.2
	ip -n "$SV" route add unreachable 10.60.0.0/16
}
confs() {
	sed -i '/proxies =/d' "$LAB_DIR/ncm.conf"
	cat >>"$LAB_DIR/ncm.conf" <<-X
		madp_grace = 3s
		madp east-px {
			ctl = $LAB_DIR/px.ctl
			pm = $LAB_DIR/px-pm.ctl
			proxies = { "wifi 10.1.1.1:7443", "lte 10.1.2.1:7443" }
			capacity = 100
		}
		madp west-px {
			ctl = $LAB_DIR/px2.ctl
			pm = $LAB_DIR/px2-pm.ctl
			proxies = { "wifi 10.1.3.1:7443", "lte 10.1.4.1:7443" }
			capacity = 10
		}
		madp east-tr {
			trailer = $LAB_DIR/tr-e.ctl
			tunnels = { "wifi 10.1.1.1", "lte 10.1.2.1" }
			addresses = { "10.60.0.0/16" }
			capacity = 100
		}
		madp west-tr {
			trailer = $LAB_DIR/tr-w.ctl
			tunnels = { "wifi 10.1.3.1", "lte 10.1.4.1" }
			addresses = { "10.60.0.0/16" }
			capacity = 10
		}
		anchor tcp {
			id = 0
			methods = { MPTCP_Proxy }
		}
		anchor udp {
			id = 1
			methods = { GMA }
		}
	X
	cat >>"$LAB_DIR/ccm.conf" <<-X
		methods = { MPTCP_Proxy, GMA }
		trailer_socket = $LAB_DIR/tr-c.ctl
	X
	sed "s|px|px2|g; s|^listen.*|listen = { \"10.1.3.1:7443\", \"10.1.4.1:7443\" }|" \
		"$LAB_DIR/px.conf" >"$LAB_DIR/px2.conf"
	printf 'role = client\nctl_socket = %s/tr-c.ctl\n' "$LAB_DIR" >"$LAB_DIR/tr-c.conf"
	printf 'role = network\nctl_socket = %s/tr-e.ctl\nlisten = { "10.1.1.1", "10.1.2.1" }\n' \
		"$LAB_DIR" >"$LAB_DIR/tr-e.conf"
	printf 'role = network\nctl_socket = %s/tr-w.ctl\nlisten = { "10.1.3.1", "10.1.4.1" }\n' \
		"$LAB_DIR" >"$LAB_DIR/tr-w.conf"
	# what is slow runs while the N-MADP is drained
	sed -i "s|location /up/|location /slow/ { alias $LAB_DIR/www/; limit_rate 20k; }\n&|" \
		"$LAB_DIR/nginx.conf"
	head -c 240k /dev/urandom >"$LAB_DIR/www/240k"
}
trailer() { lab_start "$1" "$2" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/$1.conf" -d; }
everything() {
	local d
	follow "$PX" 10.9.9.1 &
	LAB_PID[follow-e]=$!
	follow "$WS" 10.9.8.1 &
	LAB_PID[follow-w]=$!
	trailer tr-e "$PX" && trailer tr-w "$WS" && trailer tr-c "$CL"
	lab_mptcpd px2-pm "$WS" "$LAB_DIR/px2-pm.ctl"
	lab_start px2 "$WS" "$BUILD/proxy/mams-proxy" -c "$LAB_DIR/px2.conf" -d
	for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
	lab_wait 15 lab_ready && lab_wait 10 tunnelled
}

say "two hosts, one network of anchor addresses"
lab_net && lab_certs && lab_conf
west_net
confs
everything || lab_fail "no session; see $LAB_DIR/*.log"
claim "served at first by" "$(yes_no lab_wait 5 is_at east-tr east-px)" = yes
address=$(lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r '.anchors[1].anchor4')
claim "the router leads to the east" "$(yes_no lab_wait 5 goes_by 10.9.9.1)" = yes
lab_start echo "$SV" "$here/trailer_traffic.py" echo 10.9.9.2 9999 100
lab_wait 5 eval 'sv ss -Hnul sport = 9999 | grep -q .'

say "drained under 200 flows of the trailer and 100 of the proxy"
cl "$here/trailer_traffic.py" flows 10.9.9.2 9999 200 5 22 >"$LAB_DIR/udp" &
udp=$!
cl "$here/many_gets.py" 10.9.9.2 /slow/240k 100 "$(lab_sum "$LAB_DIR/www/240k")" >"$LAB_DIR/tcp" &
tcp=$!
sleep 3
claim "flows open at the proxy" "$(lab_mamsctl --json -s "$LAB_DIR/px.ctl" status | jq .flows_open)" = 100
t0=$(lab_now_ms)
claim "drain" "$(ncm drain east-tr) $(ncm drain east-px)" = "drained drained"
claim "not empty at once" "$(madp east-tr .empty) $(madp east-px .empty)" = "false false"
claim "moved" "$(yes_no lab_wait 5 is_at west-tr west-px)" = yes
claim "the router leads to the west" "$(yes_no lab_wait 5 goes_by 10.9.8.1)" = yes
claim "the trailer is empty" "$(yes_no lab_wait 10 is_empty east-tr)" = yes
claim "... after" "$(($(lab_now_ms) - t0))" '<=' 8000 ms
claim "the same address inside" "$(lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status |
	jq -r '.anchors[1].anchor4')" = "$address"
claim "proxy: connections still run" "$(madp east-px '.open > 0 and (.empty | not)')" = true
sdus=$(sum tr-e sdus_received)
connections=$(served px)
cl "$here/trailer_traffic.py" flows 10.9.9.2 9999 20 5 1 >"$LAB_DIR/fresh"
claim "new connections" "$(cl "$here/many_gets.py" 10.9.9.2 /240k 5 \
	"$(lab_sum "$LAB_DIR/www/240k")")" = "5 of 5"
claim "new flows of the trailer, lost" "$(cut -d' ' -f2 "$LAB_DIR/fresh")" = 0
claim "nothing new at the drained ones" "$(($(sum tr-e sdus_received) - sdus)) $(($(served px) - connections))" \
	= "0 0"
wait "$tcp" || :
claim "connections that ran: whole and right" "$(cat "$LAB_DIR/tcp")" = "100 of 100"
claim "the proxy is empty" "$(yes_no lab_wait 5 is_empty east-px)" = yes
claim "status says so in words" "$(ncm status | grep -c 'drained, empty')" = 2

say "back again"
claim "undrain" "$(ncm undrain east-tr)" = "in use again"
claim "nobody moves without need" "$(yes_no is_at west-tr west-px)" = yes
claim "drain" "$(ncm drain west-tr)" = drained
claim "moved back" "$(yes_no lab_wait 5 is_at east-tr west-px)" = yes
claim "the west is empty" "$(yes_no lab_wait 10 is_empty west-tr)" = yes
claim "the router leads to the east" "$(yes_no lab_wait 5 goes_by 10.9.9.1)" = yes
wait "$udp" || :
read -r sent lost twice <"$LAB_DIR/udp"
claim "packets sent by 200 flows, at least" "$sent" '>=' 12000
claim "lost" "$lost" = 0
claim "twice" "$twice" = 0
claim "the client's session has moved" "$(sum tr-c moves)" = 2

lab_end ccm
lab_end cl
no_reports
claims_table
