#!/usr/bin/env bash
# The trailer MADP between client, N-MADP and server over two links, driven over ctl: every size, both
# address families, every mode switched live, a link that goes, peers that are not who they say.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-trailer
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")

# n COUNTER, c COUNTER: of the N-MADP, of the client
count() { "$here/trailer_ctl.py" "$1" status | jq ".counters[] | select(.name == \"$2_total\").value"; }
n() { count "$LAB_DIR/n.ctl" "$1"; }
c() { count "$LAB_DIR/c.ctl" "$1"; }
# link SIDE ID FIELD
link() {
	"$here/trailer_ctl.py" "$LAB_DIR/$1.ctl" status |
		jq ".sessions[0].links[] | select(.connection_id == $2).$3"
}
start() { # SIDE: n, c
	case $1 in
	n) lab_start n "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/n.conf" -d ;;
	c) lab_start c "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/c.conf" -d ;;
	esac
	lab_wait 30 test -S "$LAB_DIR/$1.ctl"
}
set_n() {
	"$here/trailer_ctl.py" "$LAB_DIR/n.ctl" set network "secret=$LAB_DIR/key" \
		anchor4=10.60.0.2 anchor6=fd60::2 "ul=$1" "dl=$2" "${@:3}"
}
set_c() {
	"$here/trailer_ctl.py" "$LAB_DIR/c.ctl" set client "secret=$LAB_DIR/key" port=7446 \
		anchor4=10.60.0.2 anchor6=fd60::2 "ul=$1" "dl=$2" "${@:3}"
}
steer() { # UL DL: both ends
	set_n "$@" >/dev/null && set_c "$@" >/dev/null
}
both_up() {
	local side
	for side in c n; do
		"$here/trailer_ctl.py" "$LAB_DIR/$side.ctl" status |
			jq -e '[.sessions[0].links[].up] == [true, true]' || return 1
	done
}
is_up() { # CONNECTION true|false: at both ends
	[ "$(link c "$1" up) $(link n "$1" up)" = "$2 $2" ]
}
# A stream of RATE datagrams a second to the server; it flows when this returns.
stream_begin() {
	local before
	before=$(n sdus_received)
	lab_start sink "$SV" "$here/trailer_traffic.py" sink 10.9.9.2 9999 3
	lab_wait 30 listens 9999
	lab_start stream "$CL" "$here/trailer_traffic.py" stream 10.9.9.2 9999 "$1" 120
	lab_wait 30 has_come "$((before + $1 / 2))"
}
listens() { sv ss -Hnul "sport = :$1" | grep -q .; }
has_come() { [ "$(n sdus_received)" -ge "$1" ]; }
# It goes on for half a second, ends, and has arrived whole and in order.
stream_end() {
	local got lost twice disorder sent
	lab_wait 30 has_come "$(($(n sdus_received) + 250))"
	lab_end stream
	wait "${LAB_PID[sink]}"
	read -r got lost twice disorder < <(tail -n 1 "$LAB_DIR/sink.log")
	sent=$(tail -n 1 "$LAB_DIR/stream.log")
	claim "datagrams received of those sent" "$got of $sent" = "$sent of $sent"
	claim "lost, received twice, out of order" "$lost $twice $disorder" = "0 0 0"
}
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
tcp() { # OPTIONS: Mbit/s
	cl iperf3 -c "$@" -J | jq '.end.sum_received.bits_per_second / 1e6 | floor'
}
# octets that the client's links carry within a second: "wifi lte", in kB
carried() { # DIRECTION
	local w l
	w=$(lab_octets wifi "$1") l=$(lab_octets lte "$1")
	sleep 1
	echo "$((($(lab_octets wifi "$1") - w) / 1000)) $((($(lab_octets lte "$1") - l) / 1000))"
}

lab_net
(umask 077 && head -c 32 /dev/urandom | base64 -w0 >"$LAB_DIR/key")
cat >"$LAB_DIR/n.conf" <<-X
	role = network
	ctl_socket = $LAB_DIR/n.ctl
	workers = 2
	listen = { "10.1.1.1", "10.1.2.1", "[fd01:1::1]", "[fd01:2::1]" }
	masquerade = { "10.60.0.0/16", "fd60::/64" }
X
cat >"$LAB_DIR/c.conf" <<-X
	role = client
	ctl_socket = $LAB_DIR/c.ctl
X
start n
start c
lab_start iperf "$SV" iperf3 -s

say "Set-up"
claim "N-MADP names port and device" "$(set_n single:1,2 single:1,2)" = "7446 mams0"
claim "client names its device" "$(set_c single:1,2 single:1,2)" = "0 mams"
cl ip route add 10.9.9.0/24 dev mams src 10.60.0.2
cl ip -6 route add fd09::/64 dev mams src fd60::2
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
