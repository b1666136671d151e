#!/usr/bin/env bash
# The trailer MADP between client, N-MADP and server over two links, driven over ctl: every size, both
# address families, every mode switched live, a link that goes, peers that are not who they say.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-trailer
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"

sweep() { # ADDRESS STEP
	cl "$here/trailer_traffic.py" sweep "$1" 9998 "$2" | sed 's/.*sizes/sizes/'
}
burst() { # ADDRESS: pings of 44 octets, twenty at a time, that are answered
	cl ping -f -l 20 -c 1000 -W 2 -q -s 16 "$1" | awk '/received/ { print $4 }'
}
pings() { # FAMILY ADDRESS: sizes that do not come back
	local s lost=
	for s in 0 1 16 64 500 1000 1371 1372 1373 2000 4000 8972; do
		cl ping "-$1" -c 2 -i 0.2 -W 2 -q -s "$s" "$2" >/dev/null || lost+=" $s"
	done
	echo "${lost:-none}"
}
# octets that the client's links carry within a second: "wifi lte", in kB
carried() { # DIRECTION
	local w l
	w=$(lab_octets wifi "$1") l=$(lab_octets lte "$1")
	sleep 1
	echo "$((($(lab_octets wifi "$1") - w) / 1000)) $((($(lab_octets lte "$1") - l) / 1000))"
}

lab_net
trailer_conf
start n
start c
lab_start iperf "$SV" iperf3 -s

say "Set-up"
claim "N-MADP names port and device" "$(set_n single:1,2 single:1,2)" = "7446 mams0"
claim "client names its device" "$(set_c single:1,2 single:1,2)" = "0 mams"
trailer_routes
claim "both links are proven and up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
claim "route to the anchor" "$(px ip route show 10.60.0.2 | tr -s ' ')" = \
	"10.60.0.2 dev mams0 proto 77 scope link "
claim "an unknown link in a class is refused" \
	"$(set_c single:5 single:1 || :)" = "4100 links: connection 5 is none of the session's links"
claim "the session stays as it was" "$(link c 1 up)" = true

say "Every size, both families"
claim "IPv4 sizes that fail" "$(pings 4 10.9.9.2)" = none
claim "IPv6 sizes that fail" "$(pings 6 fd09::2)" = none
claim "IPv4 TCP up, 20 Mbit/s link, Mbit/s" "$(tcp 10.9.9.2 -t 3)" '>=' 15
claim "IPv4 TCP down" "$(tcp 10.9.9.2 -t 3 -R)" '>=' 15
claim "IPv6 TCP up" "$(tcp fd09::2 -t 2)" '>=' 14

say "Packets longer than a link"
lab_start echo4 "$SV" "$here/trailer_traffic.py" echo 10.9.9.2 9998 180
lab_start echo6 "$SV" "$here/trailer_traffic.py" echo fd09::2 9998 180
lab_wait 30 listens 9998
cl ip link set lte mtu 1280
px ip link set lte mtu 1280
long=("split:1,2" "split:1,2" mtu=1500 mtu-lte=1280)
set_n "${long[@]}" fragmentation=no >/dev/null
set_c "${long[@]}" fragmentation=no >/dev/null
cl ip link set mams mtu 1500
px ip link set mams0 mtu 1500
claim "links are up again within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
before=$(c too_long)
cl ping -M "do" -c 40 -i 0.02 -W 1 -q -s 1472 10.9.9.2 >/dev/null || :
claim "fragmentation off: dropped and counted" "$(($(c too_long) - before))" '>=' 1
set_n "${long[@]}" fragmentation=yes >/dev/null
set_c "${long[@]}" fragmentation=yes >/dev/null
before=$(c too_long)
sizes=13
[ -z "${MAMS_EXTENDED:-}" ] || sizes=1
claim "fragmentation on, IPv4: UDP" "$(sweep 10.9.9.2 "$sizes")" = "sizes fail none"
claim "fragmentation on, IPv6: UDP" "$(sweep fd09::2 "$sizes")" = "sizes fail none"
claim "fragmentation on: TCP over both, Mbit/s" "$(tcp 10.9.9.2 -t 3)" '>=' 22
claim "too long, not cut" "$(($(c too_long) - before))" = 0
claim "packets were cut" "$(c fragmented)" '>=' 100
claim "and put together" "$(n reassembly_complete)" '>=' 100
claim "by contradiction, invalid" "$(n reassembly_conflict) $(n reassembly_invalid)" = "0 0"
claim "nothing leaves together" "$(c concatenated) $(n concatenated)" = "0 0"
set_n "${long[@]}" fragmentation=yes concatenation=yes >/dev/null
set_c "${long[@]}" fragmentation=yes concatenation=yes >/dev/null
claim "concatenation on: 1000 small pings in bursts, answers" "$(burst 10.9.9.2)" = 1000
claim "IPv6" "$(burst fd09::2)" = 1000
claim "packets left together" "$(c concatenated)" '>=' 200
claim "as many as arrived so" "$(c concatenated) $(n concatenated)" = "$(n split) $(c split)"
claim "both on, IPv4: UDP" "$(sweep 10.9.9.2 97)" = "sizes fail none"
claim "both on, IPv6: UDP" "$(sweep fd09::2 97)" = "sizes fail none"
claim "both on: TCP over both, Mbit/s" "$(tcp 10.9.9.2 -t 3)" '>=' 22
cl ip link set lte mtu 1500
px ip link set lte mtu 1500
px ip link set mams0 mtu 1400
steer single:1,2 single:1,2
lab_wait 30 both_up
lab_end echo4
lab_end echo6

say "Modes, switched under load"
cl iperf3 -c 10.9.9.2 -t 120 >"$LAB_DIR/iperf.out" 2>&1 &
load=$!
sleep 1
read -r w l <<<"$(carried tx)"
claim "single:1: kB/s on wifi" "$w" '>=' 1500
claim "single:1: kB/s on lte" "$l" '<=' 100
steer single:2 single:2
sleep 0.5
read -r w l <<<"$(carried tx)"
claim "single:2: kB/s on wifi" "$w" '<=' 100
claim "single:2: kB/s on lte" "$l" '>=' 3500
steer split:1,2 split:1,2
sleep 5
read -r w l <<<"$(carried tx)"
claim "split: kB/s on wifi" "$w" '>=' 1000
claim "split: kB/s on lte" "$l" '>=' 500
steer duplicate:1,2 single:1
sleep 1
twice=$(n duplicate)
read -r w l <<<"$(carried tx)"
claim "duplicate: kB/s on wifi" "$w" '>=' 1000
claim "duplicate: kB/s on lte" "$l" '>=' 1000
claim "duplicates are removed at the N-MADP" "$(($(n duplicate) - twice))" '>=' 500
claim "UL duplicate, DL single: kB/s of DL on lte" "$(carried rx | cut -d' ' -f2)" '<=' 50
claim "the TCP connection outlives it" "$(grep -c 'error' "$LAB_DIR/iperf.out" || :) $(yes_no kill -0 "$load")" \
	= "0 yes"
kill "$load" 2>/dev/null || :
wait "$load" || :

say "A link goes, nothing is lost"
steer active-standby:1,2:lossless active-standby:1,2:lossless
stream_begin 500
cl ip link set wifi down
claim "both ends find out within 30 s" "$(yes_no lab_wait 30 is_up 1 false)" = yes
claim "the other link is up" "$(yes_no lab_wait 30 is_up 2 true)" = yes
cl ip link set wifi up
claim "it is up again within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
stream_end

if [ -n "${MAMS_EXTENDED:-}" ]; then
	say "A link goes while nothing flows, and the next packet wants to go there"
	sleep 12 # until both ends are idle and probe seldom
	before=$(link c 2 downs)
	cl ip link set wifi down
	stream_begin 500
	claim "both ends find out within 30 s" "$(yes_no lab_wait 30 is_up 1 false)" = yes
	cl ip link set wifi up
	claim "it is up again within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
	claim "the other link was never in doubt" "$(($(link c 2 downs) - before))" = 0
	stream_end
fi

say "Who is not who he says"
port=$(cl ss -Hnu src 10.1.1.2 | awk '$NF ~ /:7446$/ { sub(/.*:/, "", $(NF - 1)); print $(NF - 1) }')
before=$(n spoofed_source)
# a GMA header with a Flow SN and an IPv6 packet, from the client's own address: fd60::99 is not its
# anchor, fd60::2 is
packet=0200fffff0600000000008
packet+=1140fd600000000000000000000000000099fd0900000000000000000000000000021000200000080000
cl "$here/trailer_traffic.py" raw 10.1.1.2 "$port" 10.1.1.1 7446 "$packet"
sleep 0.2
claim "a foreign source address inside is dropped" "$(($(n spoofed_source) - before))" = 1
before=$(n unknown_source)
claim "a stranger gets no answer" "$(cl "$here/trailer_traffic.py" ask 10.1.1.1 7446 "$packet")" = ""
claim "and is counted" "$(($(n unknown_source) - before))" = 1
hello=$(printf '4500005c00000000011100000a3c0002c00000011d4c1d4c00480000f1010100%016x' 4711)
hello+=$(printf '%0104d' 0)
claim "a wrong secret gets no answer" "$(cl "$here/trailer_traffic.py" ask 10.1.1.1 7446 "$hello")" = ""
claim "and is counted" "$(n proof_refused)" = 1
claim "the session goes on" "$(yes_no cl ping -c 2 -i 0.2 -W 1 10.9.9.2)" = yes
before=$(c tun_foreign)
cl ip addr add 10.60.0.77/32 dev mams
cl ping -c 1 -W 1 -I 10.60.0.77 10.9.9.2 >/dev/null 2>&1 || :
claim "the client does not send what is not its own" "$(($(c tun_foreign) - before))" '>=' 1

say "The N-MADP dies and comes back"
lab_end n KILL
start n
set_n single:1,2 single:1,2 >/dev/null
claim "the client proves itself again within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
claim "packets are in order again, and flow" "$(yes_no cl ping -c 2 -i 0.2 -W 1 10.9.9.2)" = yes

say "The end"
"$here/trailer_ctl.py" "$LAB_DIR/n.ctl" del laptop >/dev/null
claim "no route is left" "$(px ip route show 10.60.0.2)" = ""
lab_end c
claim "no device is left" "$(cl ip -br link show mams 2>&1 | grep -c UNKNOWN || :)" = 0
lab_end n
claim "no table is left" "$(px nft list tables | grep -c mams || :)" = 0
no_reports
claims_table
