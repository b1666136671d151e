#!/usr/bin/env bash
# Transparent mode: applications that speak MPTCP themselves, the N-MADP host as their router, no
# C-MADP and no session.  The host's rules are those of mams-proxy(8).
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-tproxy
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# Links with the delay that accesses have: without any, an upload is spoilt in one of some hundred
# runs by the kernel (docs/architecture.md, "What the kernel gets wrong"), with no proxy at all too.
LAB_WIFI_EMU=rate=20m,delay=5ms,queue=100k
LAB_LTE_EMU=rate=50m,delay=5ms,queue=250k

host_rules() {
	px nft -f - <<-X
		table inet divert {
			chain pre {
				type filter hook prerouting priority mangle; policy accept;
				meta l4proto tcp socket transparent 1 meta mark set 1 accept
				iifname { "wifi", "lte" } ip daddr 10.9.9.0/24 meta l4proto tcp tproxy ip to :7444 meta mark set 1 accept
				iifname { "wifi", "lte" } ip6 daddr fd09::/64 meta l4proto tcp tproxy ip6 to :7444 meta mark set 1 accept
			}
		}
	X
	local f
	for f in -4 -6; do
		ip -n "$PX" $f rule add fwmark 1 lookup 100 pref 50
		ip -n "$PX" $f route add local default dev lo table 100
	done
	px sysctl -qw net.mptcp.allow_join_initial_addr_port=0
}

conf() { # KEEP_SOURCE
	cat >"$LAB_DIR/px.conf" <<-X
		role = network
		ctl_socket = $LAB_DIR/px.ctl
		pm_socket = $LAB_DIR/px-pm.ctl
		transparent = { "[::]:7444" }
		join = { "10.1.1.1:7445", "10.1.2.1:7445" }
		allow = { "10.9.9.0/24", "fd09::/64" }
		keep_source = $1
	X
}

transfer() { # TEXT SERVER
	local w0 l0 ratio before after
	say "$1"
	before=$(px_counter relayed_total)
	w0=$(lab_octets wifi rx)
	l0=$(lab_octets lte rx)
	rm -f "$LAB_DIR/got"
	cl mptcpize run curl -sSf --max-time 60 -o "$LAB_DIR/got" "http://$2/30M"
	after=$(px_counter relayed_total)
	claim "$1: SHA-256 of the file is right" "$(same "$LAB_DIR/got" "$LAB_DIR/www/30M")" = yes
	claim "$1: MPTCP ends at the N-MADP" "$((after - before))" = 1
	claim "$1: octets over wifi" "$(($(lab_octets wifi rx) - w0))" '>=' 4000000
	claim "$1: octets over lte" "$(($(lab_octets lte rx) - l0))" '>=' 10000000
	w0=$(lab_octets wifi tx)
	l0=$(lab_octets lte tx)
	cl mptcpize run curl -sSf --max-time 60 -T "$LAB_DIR/www/30M" -o "$LAB_DIR/answer" \
		"http://$2/up/put"
	claim "$1, upload: SHA-256 of the file is right" \
		"$(same "$LAB_DIR/www/up/put" "$LAB_DIR/www/30M")" = yes
	claim "$1, upload: octets over wifi" "$(($(lab_octets wifi tx) - w0))" '>=' 4000000
	claim "$1, upload: octets over lte" "$(($(lab_octets lte tx) - l0))" '>=' 10000000
	rm -f "$LAB_DIR/www/up/put"
}
px_counter() {
	lab_mamsctl --json --counters -s "$LAB_DIR/px.ctl" status |
		jq "[.counters[] | select(.name == \"$1\") | .value] | add // 0"
}
whoami_there() { cl "$@" curl -sS --max-time 10 "http://$server/whoami"; }

lab_net && lab_certs && lab_conf
host_rules
conf no
cl sysctl -qw net.mptcp.enabled=1 net.mptcp.pm_type=0
# A receive buffer that waiting octets do not fill: a full one never empties (same place).
cl sysctl -qw net.ipv4.tcp_rmem="4096 4194304 16777216"
cl ip mptcp limits set subflow 4 add_addr_accepted 4
cl ip mptcp endpoint add 10.1.2.2 dev lte subflow
ip -n "$CL" rule add from 10.1.2.2 lookup 202
ip -n "$CL" route add default via 10.1.2.1 dev lte table 202
lab_file 30 >/dev/null
for d in nginx px-pm px; do lab_start_one $d; done
lab_wait 10 test -S "$LAB_DIR/px.ctl"
sleep 0.5

transfer "IPv4" 10.9.9.2
transfer "IPv6" '[fd09::2]'
server=10.9.9.2
claim "the server sees, IPv4" "$(whoami_there mptcpize run)" = 10.9.9.1
claim "the server sees of a plain TCP client" "$(whoami_there)" = 10.9.9.1
server='[fd09::2]'
claim "the server sees, IPv6" "$(whoami_there mptcpize run)" = fd09::1
refused=$(px_counter aborted_total)
claim "a destination that is not allowed: curl gets something" \
	"$(yes_no cl curl -sS --max-time 5 http://10.9.9.1:7445/)" = no
claim "  and the proxy has refused it" "$(($(px_counter aborted_total) - refused))" '>=' 1

lab_end px
conf yes
lab_start_one px
lab_wait 10 test -S "$LAB_DIR/px.ctl"
sleep 0.5
transfer "IPv4 with the client's address kept" 10.9.9.2
server=10.9.9.2
claim "with keep_source the server sees, IPv4" "$(whoami_there mptcpize run)" = 10.1.1.2
server='[fd09::2]'
claim "with keep_source the server sees, IPv6" "$(whoami_there mptcpize run)" = fd01:1::2

no_reports
claims_table
