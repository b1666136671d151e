#!/usr/bin/env bash
# The trailer MADP between client, N-MADP and server over two links, driven over ctl: every size, both
# address families, every mode switched live, a link that goes, peers that are not who they say.
# shellcheck disable=SC2016,SC2034,SC2154 # awk; read by lab.sh; set by trailer_lab.sh
LAB=nt-trailer
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"

sweep() { # ADDRESS STEP: sizes that fail, and did what did not go beside the tunnel?
	local before of n rest
	before=$(c sdus_sent)
	read -r of n rest < <(cl "$here/trailer_traffic.py" sweep "$1" 9998 "$2")
	[ "$of" = of ] && [ "$(($(c sdus_sent) - before))" -ge "$n" ] || rest+=", beside the tunnel"
	echo "$rest"
}
datagrams() { # ADDRESS: sizes of datagrams, 100 each, of which iperf3 loses some
	local s lost=
	for s in 16 ${LONG:+200 600 1000 1252 1253 1300 1372 1400 1452 1472 1473 2000 3000 6000} 1450 9000; do
		cl iperf3 -u -c "$1" -b 4M -l "$s" -k 100 -J 2>/dev/null |
			jq -e '.end.sum.lost_packets == 0 and .end.sum.packets >= 50' >/dev/null || lost+=" $s"
	done
	echo "${lost:-none}"
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

is_quiet() { # the client sends no TCP, but for what a finished connection needs
	[ -z "$(cl ss -Htn state established state fin-wait-1 state closing state last-ack)" ]
}

LONG=${MAMS_EXTENDED:-}

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
	"10.60.0.2 dev mams0 proto 77 scope link mtu 1400 "
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
for side in cl px; do
	"$side" ip link set wifi mtu 1400
	"$side" ip link set lte mtu 1280
done
long=("split:1,2" "split:1,2" mtu=1500 mtu-wifi=1400 mtu-lte=1280)
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
[ -z "$LONG" ] || sizes=1
claim "fragmentation on, IPv4: UDP" "$(sweep 10.9.9.2 "$sizes")" = "sizes fail none"
claim "fragmentation on, IPv6: UDP" "$(sweep fd09::2 "$sizes")" = "sizes fail none"
if [ -n "$LONG" ]; then
	for side in cl px; do "$side" ip link set wifi mtu 1500; done
	set_n "${long[@]}" fragmentation=yes mtu-wifi=1500 >/dev/null
	set_c "${long[@]}" fragmentation=yes mtu-wifi=1500 >/dev/null
	claim "links of 1500 and 1280, IPv4: UDP" "$(sweep 10.9.9.2 7)" = "sizes fail none"
	claim "IPv6" "$(sweep fd09::2 7)" = "sizes fail none"
	for side in cl px; do "$side" ip link set wifi mtu 1400; done
	set_n "${long[@]}" fragmentation=yes >/dev/null
	set_c "${long[@]}" fragmentation=yes >/dev/null
fi
claim "fragmentation on: TCP over both, Mbit/s" "$(tcp 10.9.9.2 -t 3)" '>=' 22
claim "too long, not cut" "$(($(c too_long) - before))" = 0
claim "packets were cut" "$(c fragmented)" '>=' 100
claim "and put together" "$(n reassembly_complete)" '>=' 100
claim "by contradiction, invalid" "$(n reassembly_conflict) $(n reassembly_invalid)" = "0 0"
claim "nothing leaves together" "$(c concatenated) $(n concatenated)" = "0 0"
set_n "${long[@]}" fragmentation=yes concatenation=yes >/dev/null
set_c "${long[@]}" fragmentation=yes concatenation=yes >/dev/null
if [ -n "$LONG" ]; then
	claim "both on, every size, IPv4: UDP" "$(sweep 10.9.9.2 1)" = "sizes fail none"
	claim "IPv6" "$(sweep fd09::2 1)" = "sizes fail none"
fi
claim "concatenation on: 1000 small pings in bursts, answers" "$(burst 10.9.9.2)" = 1000
claim "IPv6" "$(burst fd09::2)" = 1000
claim "packets left together" "$(c concatenated)" '>=' 200
claim "as many as arrived so" "$(c concatenated) $(n concatenated)" = "$(n split) $(c split)"
# segmented by the kernel before it is seen
for side in cl px; do
	"$side" ethtool -K wifi tx-udp-segmentation off
	"$side" ethtool -K lte tx-udp-segmentation off
done >/dev/null
lab_start capture "$CL" tcpdump -Z root -c 3000 -U -w "$LAB_DIR/gma.pcap" -i any udp port 7446
lab_wait 10 grep -q listening "$LAB_DIR/capture.log"
claim "both on, IPv4: UDP" "$(sweep 10.9.9.2 97)" = "sizes fail none"
claim "both on, IPv6: UDP" "$(sweep fd09::2 97)" = "sizes fail none"
burst 10.9.9.2 >/dev/null
lab_end capture
for side in cl px; do
	"$side" ethtool -K wifi tx-udp-segmentation on
	"$side" ethtool -K lte tx-udp-segmentation on
done >/dev/null
claim "both on, IPv4: datagrams of iperf3, sizes that lose" "$(datagrams 10.9.9.2)" = none
claim "IPv6" "$(datagrams fd09::2)" = none
claim "both on: TCP over both, Mbit/s" "$(tcp 10.9.9.2 -t 3)" '>=' 22
# shorter inside than the links
short=("split:1,2" "split:1,2" mtu=1280 mtu-wifi=1400 mtu-lte=1400)
for side in cl px; do
	"$side" ip link set lte mtu 1400
	"$side" ip link set "$([ "$side" = cl ] && echo mams || echo mams0)" mtu 1280
done
sv ip link set core mtu 1280
set_n "${short[@]}" concatenation=yes >/dev/null
set_c "${short[@]}" concatenation=yes >/dev/null
before=$(c fragmented)
claim "concatenation alone: IPv4 UDP" "$(sweep 10.9.9.2 197)" = "sizes fail none"
claim "IPv6" "$(sweep fd09::2 197)" = "sizes fail none"
claim "1000 small pings in bursts, answers" "$(burst 10.9.9.2)" = 1000
claim "nothing was cut" "$(($(c fragmented) - before))" = 0
set_n "${short[@]}" >/dev/null
set_c "${short[@]}" >/dev/null
before=$(c concatenated)
claim "neither: IPv4 UDP" "$(sweep 10.9.9.2 197)" = "sizes fail none"
claim "IPv6" "$(sweep fd09::2 197)" = "sizes fail none"
claim "nothing left together" "$(($(c concatenated) - before))" = 0
for side in cl px; do
	"$side" ip link set wifi mtu 1500
	"$side" ip link set lte mtu 1500
done
sv ip link set core mtu 1500
cl ip link set mams mtu 1400
px ip link set mams0 mtu 1400
steer single:1,2 single:1,2
lab_wait 30 both_up
lab_end echo4
lab_end echo6

say "What Wireshark's dissector says of it"
# one line a packet: form, offset of a part, packets inside, control, malformed, error
tshark -n -r "$LAB_DIR/gma.pcap" -X "lua_script:$NETNS_TOP/tools/wireshark/gma.lua" \
	-o gma.udp_ports:7446 -o mxcontrol.udp_ports:7500 -T fields -E 'separator=|' -e gma.form \
	-e gma.fc.offset -e gma.sdus -e mxcontrol.type -e _ws.malformed -e _ws.lua.error \
	>"$LAB_DIR/dissected" 2>"$LAB_DIR/tshark.log"
dissected() { awk -F'|' "$1" "$LAB_DIR/dissected" | wc -l; }
claim "packets" "$(dissected 1)" '>=' 300
claim "malformed, or an error" "$(dissected '$5 != "" || $6 != ""')" = 0
claim "neither packets, part of one, nor control" \
	"$(dissected '$2 == "" && $3 == "" && $4 == ""')" = 0
claim "parts" "$(dissected '$2 != ""')" '>=' 20
claim "control" "$(dissected '$4 != ""')" '>=' 5
claim "IPv4 and IPv6 inside: forms" "$(cut -d'|' -f1 "$LAB_DIR/dissected" | sort -u | sed '/^$/d' | paste -sd';')" = \
	"header, non-IP;trailer"

say "Modes, switched under load"
lab_start load "$CL" iperf3 -c 10.9.9.2 -t 120
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
claim "the TCP connection outlives it" "$(grep -c 'error' "$LAB_DIR/load.log" || :) $(yes_no kill -0 "${LAB_PID[load]}")" \
	= "0 yes"
lab_end load
# what its sockets hold yet flows on without it, and fills the link's queue
lab_wait 30 is_quiet

say "A link goes, nothing is lost"
steer active-standby:1,2:lossless active-standby:1,2:lossless
stream_begin 500
cl ip link set wifi down
claim "both ends find out within 30 s" "$(yes_no lab_wait 30 is_up 1 false)" = yes
claim "the other link is up" "$(yes_no lab_wait 30 is_up 2 true)" = yes
cl ip link set wifi up
claim "it is up again within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
stream_end

if [ -n "$LONG" ]; then
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

say "Fragments of a session that means ill, on each worker, beside one whose packets are cut"
rss() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/${LAB_PID[n]}/status"; }
cut=("active-standby:2,1:lossless" "active-standby:2,1:lossless" mtu-lte=1280 fragmentation=yes)
set_n "${cut[@]}" >/dev/null && set_c "${cut[@]}" >/dev/null
# the second goes where the first session is
for i in 1 2; do
	read -r "evil_port[i]" _ < <("$here/trailer_ctl.py" "$LAB_DIR/n.ctl" set network "client=evil$i" "id=$((6660 + i))" \
		"secret=$LAB_DIR/key" "anchor4=10.60.0.6$i" ul=single:1 dl=single:1)
done
claim "a session on each worker" "$(printf '%s\n' "${evil_port[@]}" | sort | paste -sd' ')" = "7446 7447"
whole=$(n reassembly_complete) ill=$(($(n reassembly_conflict) + $(n reassembly_evicted) + $(n reassembly_timeout)))
stream_begin 300 1350
before=$(rss)
for i in 1 2; do
	lab_start "evil$i" "$CL" "$here/trailer_hostile.py" "$LAB_DIR/key" "$((6660 + i))" 1 10.1.1.2 10.1.1.1 \
		"${evil_port[i]}" 6
done
wait "${LAB_PID[evil1]}" "${LAB_PID[evil2]}" || :
for i in 1 2; do
	read -r fragments back < <(tail -n 1 "$LAB_DIR/evil$i.log")
	claim "hostile fragments sent" "$fragments" '>=' 2000
	claim "answered, but for control" "$back" = 0
done
claim "SDUs of them discarded" \
	"$(($(n reassembly_conflict) + $(n reassembly_evicted) + $(n reassembly_timeout) - ill))" '>=' 500
claim "memory that the N-MADP has taken meanwhile, MiB" "$(($(rss) - before))" '<=' 48
stream_end
claim "the others' packets were put together" "$(($(n reassembly_complete) - whole))" '>=' 500
for i in 1 2; do "$here/trailer_ctl.py" "$LAB_DIR/n.ctl" del "evil$i" >/dev/null; done
cut=("active-standby:1,2:lossless" "active-standby:1,2:lossless")
set_n "${cut[@]}" >/dev/null && set_c "${cut[@]}" >/dev/null

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

say "Many sessions"
claim "sessions taken" "$("$here/trailer_ctl.py" "$LAB_DIR/n.ctl" crowd 300 "secret=$LAB_DIR/key" \
	ul=single:1 dl=single:1)" = 300
claim "mamsctl shows each" "$(lab_mamsctl --json -s "$LAB_DIR/n.ctl" status |
	jq '[.sessions[].client] | "\(length) \(unique | length)"')" = '"301 301"'
claim "in words" "$(lab_mamsctl -s "$LAB_DIR/n.ctl" status | grep -c '^  crowd')" = 300

say "The end"
"$here/trailer_ctl.py" "$LAB_DIR/n.ctl" del laptop >/dev/null
claim "no route is left" "$(px ip route show 10.60.0.2)" = ""
lab_end c
claim "no device is left" "$(cl ip -br link show mams 2>&1 | grep -c UNKNOWN || :)" = 0
lab_end n
claim "no table is left" "$(px nft list tables | grep -c mams || :)" = 0
no_reports
claims_table
