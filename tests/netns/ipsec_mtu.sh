#!/usr/bin/env bash
# The largest packet inside a tunnel inside IPsec, over IPv4 and IPv6, where the link and not charon's
# device is what bounds it: computed, told, and true; every size up to it arrives, and one octet more is
# answered with that number.  (mtu.sh has the other adaptations, trailer_ipsec.sh the device.)
#
#     outside:  IPv4 20 or IPv6 40, UDP 8, ESP 16 and 16, all of it on 4 octets with 2 at the end
#     inside:   IPv4 20 or IPv6 40, UDP 8; a trailer of 13 octets and its flags of 1
# shellcheck disable=SC2034 # read by lab.sh
LAB=${LAB:-nt-ipmtu}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")
# shellcheck source=tests/netns/trailer_ipsec_lab.sh
. "$here/trailer_ipsec_lab.sh"

pings() { # cl|sv ADDRESS: sizes, and which are not answered
	"$1" "$here/trailer_traffic.py" pings "$2" "$mtu"
}
too_long() { # cl|sv ADDRESS: of what is one octet too long: the MTU that the answer names
	"$1" ping -M "do" -c 1 -W 2 -s "$((mtu + 1 - 28))" "$2" 2>&1 |
		sed -n 's/.*\(too long\|too big\|DF set\)[^0-9]*\([0-9]*\).*/\2/p' | head -n 1
}
only_wifi() {
	[ "$(lab_mamsctl -s "$LAB_DIR/ncm.ctl" steer --ul wifi --dl wifi --off fragmentation)" = applied ]
}
is_told() { [ "$(cl cat /sys/class/net/mams/mtu)" = "$1" ]; }
# over FAMILY INSIDE TUNNEL: with a link of 1400 octets, these are left inside the association, and inside
# the tunnel in it
over() {
	local p anchor
	say "IPv$1 outside"
	lab_net
	lab_certs
	lab_conf
	trailer_ipsec_conf "$1"
	for p in "$CL" "$PX"; do ip -n "$p" link set wifi mtu 1400; done
	lab_charon cl-charon "$CL"
	lab_charon px-charon "$PX"
	trailer n
	trailer c
	lab_start_one ncm
	lab_start_one ccm
	lab_wait "$LAB_PATIENCE" lab_is_active || lab_fail "no session"
	claim "wifi carries at both ends, inside its association" "$(carries)" = yes
	claim "everything goes into the tunnel" "$(yes_no lab_wait 10 tunnelled)" = yes
	claim "all of it by wifi, nothing cut" "$(yes_no lab_wait 10 only_wifi)" = yes
	lab_wait 10 is_told "$3" || :
	claim "left inside the association, at both ends" "$(at c .mtu) $(at n .mtu)" = "$2 $2"
	mtu=$(cl cat /sys/class/net/mams/mtu)
	claim "of the tunnel's device" "$mtu" = "$3"
	anchor=$(ccm '.anchors[0].anchor4')
	claim "up: sizes, of them unanswered" "$(pings cl 10.9.9.2)" = "$((mtu - 27)) none"
	claim "one more: told MTU" "$(too_long cl 10.9.9.2)" = "$mtu"
	claim "down: sizes, of them unanswered" "$(pings sv "$anchor")" = "$((mtu - 27)) none"
	claim "one more: told MTU" "$(too_long sv "$anchor")" = "$mtu"
	no_reports
	lab_down
	LAB_PID=()
}
over 4 1338 1297
over 6 1318 1257
claims_table
