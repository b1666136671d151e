#!/usr/bin/env bash
# Two N-MADP instances of which one is 30 ms away, each way, behind the host of the other.  Nobody knows
# that before the first client's traffic; then another client of the same network tries the other
# instance, and whoever comes later is sent to the near one, though it has least room.
#
#   client -- wifi, lte -- N-MADP host (near, NCM) -- core -- server
#                                |  30 ms
#                               far
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-nearer
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
FAR=$LAB-far
also_end() {
	ip netns pids "$FAR" | xargs -r kill -KILL
	ip netns del "$FAR"
}

ncm_json() { lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status; }
at() { ncm_json | jq -r '.sessions[0] | "\(.client) \(.anchors[0].madp // "none")"'; }
fetch() { # how long until the first octet of a new connection comes, ms
	cl curl -sS --max-time 10 -o /dev/null -w '%{time_starttransfer}' http://10.9.9.2/1M |
		awk '{ print int($1 * 1000) }'
}
# comes CLIENT INSTANCE: with a session of its own, and where it is sent
comes() {
	lab_end ccm
	[ -f "$LAB_DIR/ca/$1.crt" ] || "$LAB_TOP/tools/mams-ca" -d "$LAB_DIR/ca" client "$1" >/dev/null
	sed -i -E "s|^(\s*certificate =).*|\1 $LAB_DIR/ca/$1.crt|; s|^(\s*key =).*|\1 $LAB_DIR/ca/$1.key|" \
		"$LAB_DIR/ccm.conf"
	lab_start_one ccm
	lab_wait 15 lab_ready || lab_fail "no session"
	claim "$1 is sent to" "$(at)" = "$1 $2"
}
loads() {
	lab_get /10M >"$LAB_DIR/rate" && ok=yes || ok=no
	claim "a download" "$ok" = yes
	sleep 1.5 # figures come once a second
}

lab_net && lab_certs && lab_conf
ip netns del "$FAR" 2>/dev/null || :
ip netns add "$FAR"
ip -n "$FAR" link set lo up
lab_start far-link "$PX" "$BUILD/tests/support/mams-linkemu" -s "$LAB_DIR/far.sock" \
	"far:$PX:$FAR:rate=100m,delay=30ms,queue=500k"
lab_wait 5 test -S "$LAB_DIR/far.sock" || lab_fail "no emulator; see $LAB_DIR/far-link.log"
ip -n "$PX" addr add 10.3.0.1/24 dev far
ip -n "$FAR" addr add 10.3.0.2/24 dev far
for n in 1 2; do ip -n "$FAR" addr add "10.3.$n.1/32" dev lo; done
for ns in "$PX" "$FAR"; do ip -n "$ns" link set far up; done
ip -n "$FAR" route add default via 10.3.0.1
for n in 1 2; do ip -n "$PX" route add "10.3.$n.1/32" via 10.3.0.2; done
ip netns exec "$FAR" sysctl -qw net.mptcp.pm_type=1

sed -i '/proxies =/d' "$LAB_DIR/ncm.conf"
cat >>"$LAB_DIR/ncm.conf" <<-X
	madp near {
		ctl = $LAB_DIR/px.ctl
		pm = $LAB_DIR/px-pm.ctl
		proxies = { "wifi 10.1.1.1:7443", "lte 10.1.2.1:7443" }
		capacity = 10
	}
	madp far {
		ctl = $LAB_DIR/far.ctl
		pm = $LAB_DIR/far-pm.ctl
		proxies = { "wifi 10.3.1.1:7443", "lte 10.3.2.1:7443" }
		capacity = 100
	}
X
cat >"$LAB_DIR/far.conf" <<-X
	role = network
	ctl_socket = $LAB_DIR/far.ctl
	pm_socket = $LAB_DIR/far-pm.ctl
	listen = { "10.3.1.1:7443", "10.3.2.1:7443" }
	allow = { "10.9.9.0/24" }
X
lab_file 10 >/dev/null
lab_file 1 >/dev/null
lab_mptcpd far-pm "$FAR" "$LAB_DIR/far-pm.ctl"
lab_start far "$FAR" "$BUILD/proxy/mams-proxy" -c "$LAB_DIR/far.conf" -d
for d in nginx px-pm cl-pm px cl ncm; do lab_start_one $d; done

say "nothing is known: most room"
comes laptop far
far=$(fetch)
claim "a fetch takes" "$far" '>=' 60 ms
loads
claim "nobody is moved to find out: still at" "$(at)" = "laptop far"

say "another client of that network: the other instance is tried"
comes phone near
claim "a fetch takes less, by" $((far - $(fetch))) '>=' 50 ms
loads

say "both are known: the near one"
comes tablet near
comes laptop near

lab_end ccm
no_reports
claims_table
