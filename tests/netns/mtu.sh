#!/usr/bin/env bash
# The largest packet inside the trailer's tunnel: for each way of adaptation and family of addresses what
# the links leave is computed, told to the networks at both ends, and true.  Every size up to it arrives in
# one piece, one octet more is answered with that number, at both ends.  No packet is cut for it: what
# fragmentation by GMA adds is trailer.sh's, IPsec under the tunnel ipsec_mtu.sh's.  IPsec under the proxy
# carries TCP, whose segments follow the MTU of charon's device by themselves.
#
#     outside:  IPv4 20 or IPv6 40, UDP 8;  DTLS 37;  client NAT nothing
#     inside:   a trailer of 13 octets, which is longer than the header before IPv6 packets
# shellcheck disable=SC2034,SC2154 # read by lab.sh; set by trailer_lab.sh
LAB=nt-mtu
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"

announced() { # client's status, N-MADP's status, the client's device
	echo "$(lab_mamsctl --json -s "$LAB_DIR/c.ctl" status | jq '.sessions[0].mtu')" \
		"$(lab_mamsctl --json -s "$LAB_DIR/n.ctl" status | jq '.sessions[0].mtu')" \
		"$(cl cat /sys/class/net/mams/mtu)"
}
link_up() { [ "$(link c 1 up) $(link n 1 up)" = "true true" ]; }
pings() { # cl|sv ADDRESS: sizes, and which are not answered
	"$1" "$here/trailer_traffic.py" pings "$2" "$mtu"
}
# what is one octet too long: the MTU that the answer names
too_long() { # cl|sv ADDRESS HEADERS
	"$1" ping -M "do" -c 1 -W 2 -s "$((mtu + 1 - $3))" "$2" 2>&1 |
		sed -n 's/.*\(too long\|too big\|DF set\)[^0-9]*\([0-9]*\).*/\2/p' | head -n 1
}
# adapted WORDS MTU WHICH SETTING...: by these settings of the session
adapted() {
	local words=$1 which=$3 before
	mtu=$2
	shift 3
	say "$words"
	before=$(c too_long)
	set_n single:1 single:1 mtu=1500 "$@" >/dev/null
	set_c single:1 single:1 mtu=1500 "$@" >/dev/null
	claim "up within 30 s" "$(yes_no lab_wait 30 link_up)" = yes
	claim "told by client and N-MADP; the client's device" "$(announced)" = "$mtu $mtu $mtu"
	trailer_routes 2>/dev/null || :
	claim "IPv4 up: sizes, of them unanswered" "$(pings cl 10.9.9.2)" = "$((mtu - 27)) none"
	claim "one more: told MTU" "$(too_long cl 10.9.9.2 28)" = "$mtu"
	claim "IPv4 down" "$(pings sv 10.60.0.2)" = "$((mtu - 27)) none"
	claim "one more" "$(too_long sv 10.60.0.2 28)" = "$mtu"
	if [ "$which" = both ]; then
		claim "IPv6 up" "$(pings cl fd09::2)" = "$((mtu - 47)) none"
		claim "one more" "$(too_long cl fd09::2 48)" = "$mtu"
		claim "IPv6 down" "$(pings sv fd60::2)" = "$((mtu - 47)) none"
		claim "one more" "$(too_long sv fd60::2 48)" = "$mtu"
	fi
	claim "cut, too long" "$(c fragmented) $(n fragmented) $(($(c too_long) - before))" = "0 0 0"
}

lab_net
trailer_conf
echo "client_nat = yes" | tee -a "$LAB_DIR/c.conf" >>"$LAB_DIR/n.conf"
echo "mtu = 1500" >>"$LAB_DIR/n.conf"
start n
start c

# from the largest on: a server that was told a number keeps it for ten minutes
adapted "client NAT" 1487 v4 links=wifi nat=wifi anchor6=
adapted "UDP over IPv4" 1459 both links=wifi
adapted "UDP over IPv6" 1439 both links=wifi family=6
adapted "DTLS over IPv4" 1422 both links=wifi dtls=wifi
adapted "DTLS over IPv6" 1402 both links=wifi dtls=wifi family=6
for side in cl px; do "$side" ip link set wifi mtu 1400; done
adapted "two links, one with DTLS, the other's MTU is 1400" 1359 both mtu-wifi=1400 dtls=lte

no_reports
claims_table
