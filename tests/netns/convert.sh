#!/usr/bin/env bash
# The explicit proxy answers as RFC 8803 says, to those it knows and those it does not.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-convert
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

lab_net && lab_certs && lab_conf
head -c 32 /dev/urandom | base64 >"$LAB_DIR/key"
head -c 32 /dev/urandom | base64 >"$LAB_DIR/other"
chmod 600 "$LAB_DIR/key" "$LAB_DIR/other"
echo small >"$LAB_DIR/www/small"
sed -i '/pm_socket/d' "$LAB_DIR/px.conf"
cat >>"$LAB_DIR/px.conf" <<-X
	pm_socket = none
	hello = 1s
	connect = 2s
	cookie_networks = { "10.1.2.0/24" }
	client static { key_file = $LAB_DIR/key }
	client other { key_file = $LAB_DIR/other }
	workers = 3
X
px ip route add unreachable 10.77.0.0/16
sv nft -f - <<-X
	table inet silent {
		chain in {
			type filter hook input priority 0; policy accept;
			tcp dport 82 drop
			meta nfproto ipv4 tcp dport 83 reject with icmp type admin-prohibited
			meta nfproto ipv6 tcp dport 83 reject with icmpv6 type admin-prohibited
		}
	}
X
lab_start_one nginx
lab_start_one px
lab_wait 10 test -S "$LAB_DIR/px.ctl"
sleep 0.5
cl sysctl -qw net.mptcp.enabled=1
cl "$(dirname "$0")/convert.py" 10.1.1.1 7443 "$LAB_DIR/key" >"$LAB_DIR/said"

expect() { # CASE ANSWER
	claim "$1" "$(sed -n "s/^$1 //p" "$LAB_DIR/said")" = "$2"
}
expect good-IPv4 'ok small'
expect good-IPv6 'ok small'
expect good-in-pieces 'ok small'
expect good-plain-TCP 'ok small'
expect unsupported-version 'error 0 1'
expect two-connects 'error 1 echo'
expect tlv-too-long 'error 1 echo'
expect tlv-of-length-0 'error 1 echo'
expect unknown-tlv 'error 2 echo'
expect no-cookie 'error 32 0'
expect cookie-given 'info 20'
expect wrong-cookie 'error 32 0'
expect option-AO 'error 33 29'
expect zero-length reset
expect foreign-protocol reset
expect half-a-message reset
expect info 'info 21'
expect to-loopback 'error 1 echo'
expect to-loopback-IPv6 'error 1 echo'
expect to-link-local 'error 32 0'
expect to-the-proxy 'error 32 0'
expect to-an-access-network 'error 32 0'
expect to-a-closed-port 'error 96 0'
expect to-nobody 'error 65 1'
expect to-an-unreachable-net 'error 97 1'
expect to-a-silent-port 'error 65 1'
expect refused-by-icmp 'error 97 13'
expect refused-by-icmp-IPv6 'error 97 1'
expect good-after-all 'ok small'

say "a flow in two parts"
cl "$(dirname "$0")/attach.py" 10.1.1.1 7443 "$LAB_DIR/key" "$LAB_DIR/other" >"$LAB_DIR/said"
for c in in-two-parts more-on-the-first many attach-in-pieces turn-before-octets given-up \
	given-up-at-the-end; do
	expect $c 'ok small'
done
expect twice 'error 64 1'
expect too-late 'error 96 0'
expect unknown-flow 'error 96 0'
expect unknown-worker 'error 96 0'
expect foreign-flow 'error 32 0'
expect no-cookie 'error 32 0'
expect attach-and-connect 'error 1'
expect attach-with-octets 'error 1 0'
expect attach-with-turn 'error 1 0'
for c in turn-too-early turn-of-another no-turn second-reset first-ends-short; do
	expect $c reset
done
expect good-after-all-that 'ok small'

say "counters"
lab_mamsctl --json --counters -s "$LAB_DIR/px.ctl" status >"$LAB_DIR/status"
for c in unsupported_version malformed unsupported_message missing_cookie not_authorized \
	unsupported_option connection_reset unreachable; do
	claim "answered_${c}_total" \
		"$(jq "[.counters[] | select(.name == \"answered_${c}_total\") | .value] | add" \
			"$LAB_DIR/status")" '>=' 1
done
for c in attached attach_turned attach_dropped attach_wrong_turn attach_malformed attach_unknown \
	attach_foreign attach_twice; do
	claim "${c}_total" "$(jq ".counters[] | select(.name == \"${c}_total\").value" \
		"$LAB_DIR/status")" '>=' 1
done
no_reports
claims_table
