#!/usr/bin/env bash
# The tunnel of mams-trailer over wifi inside the kernel's own ESP, in transport mode, and over lte with
# nothing, negotiated by MAMS, in a virtual machine; on both links netem delays by 40 ms each way and
# loses 1 % (trailer_links.sh has the project's own emulator, and more of it).  The links have
# 10 Mbit/s, so that they and not the emulated processor are what is scarce.
# shellcheck disable=SC2034 # read by lab.sh
[ -n "${MAMS_VM:-}" ] || exec "$(dirname "$0")/../support/vm/run" "$(realpath "$0")"
LAB=${LAB:-mamsvt}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")
# shellcheck source=tests/netns/trailer_ipsec_lab.sh
. "$here/trailer_ipsec_lab.sh"
LAB_PATIENCE=90 LAB_ESP=kernel LAB_RETRANSMIT=3
INTERVAL=200 # of probes, ms: the default
RATE=100     # datagrams a second, each way
DELAY=40     # of each link, ms

netem() { # LINK SETTING...: both ways
	local ns
	for ns in "$CL" "$PX"; do
		tc -n "$ns" qdisc replace dev "$1" root netem rate 10mbit limit 400 "${@:2}"
	done
}
good() { netem "$1" delay ${DELAY}ms loss 1%; }
# drops ul|dl LINK...: what netem has dropped so far; ul is sent by the client
drops() {
	local ns=$CL link
	[ "$1" = ul ] || ns=$PX
	for link in "${@:2}"; do tc -n "$ns" -s qdisc show dev "$link"; done |
		sed -n 's/.*(dropped \([0-9]*\),.*/\1/p' | awk '{ n += $1 } END { print n }'
}
sas() { "$1" ip -o xfrm state; }
# steer MODE LINKS: both ways
steer() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" steer --ul-mode "$1" --dl-mode "$1" --ul "$2" --dl "$2"; }
# a stream of numbered datagrams each way, of which no two fit into one PDU, while a command runs
streams() { # COMMAND...
	local f
	for f in ul dl; do before[$f]=$(drops $f wifi lte); done
	lab_start sink-ul "$SV" "$here/trailer_traffic.py" sink 10.9.9.2 9999 10
	lab_start sink-dl "$CL" "$here/trailer_traffic.py" sink "$anchor" 9998 10
	lab_wait 30 listens "$SV" 9999
	lab_wait 30 listens "$CL" 9998
	# one processor each: a kernel whose processors have queues of their own may else reorder them
	lab_start stream-ul "$CL" taskset -c 0 "$here/trailer_traffic.py" stream 10.9.9.2 9999 "$RATE" 3600 1000
	lab_start stream-dl "$SV" taskset -c 1 "$here/trailer_traffic.py" stream "$anchor" 9998 "$RATE" 3600 1000
	"$@"
	for f in ul dl; do lab_end "stream-$f"; done
	for f in ul dl; do
		wait "${LAB_PID[sink-$f]}" || :
		sent[$f]=$(tail -n 1 "$LAB_DIR/stream-$f.log")
		read -r "got[$f]" _ "twice[$f]" "disorder[$f]" _ < <(tail -n 1 "$LAB_DIR/sink-$f.log")
		dropped[$f]=$(($(drops $f wifi lte) - before[$f]))
	done
}
# arrived ul|dl DROPPED: all but what netem has dropped
arrived() {
	local lost=$((sent[$1] - got[$1]))
	claim "$1: lost, beside what netem has dropped ($2)" "$((lost > $2 ? lost - $2 : 0))" = 0
	claim "$1: twice, out of order" "${twice[$1]} ${disorder[$1]}" = "0 0"
}
# An emulated processor takes a second to start tc: one for each end is there and reads orders.
at_once_begin() {
	local ns fd
	for ns in "$CL" "$PX"; do
		mkfifo "$LAB_DIR/tc-$ns"
		tc -n "$ns" -force -batch "$LAB_DIR/tc-$ns" &
		LAB_PID["tc-$ns"]=$!
		exec {fd}>"$LAB_DIR/tc-$ns"
		order[$ns]=$fd
	done
}
at_once() { # SETTING...: of wifi, both ways
	echo "qdisc replace dev wifi root netem rate 10mbit limit 400 $*" >&"${order[$CL]}"
	echo "qdisc replace dev wifi root netem rate 10mbit limit 400 $*" >&"${order[$PX]}"
}
day_ms() { now=$((${EPOCHREALTIME/[.,]/} / 1000 % 86400000)); }
# found SIDE ADDRESS: ms until this trailer called wifi down, since that peer's last packet on it left; which
# was DELAY before it could be seen
found() {
	local last
	last=$(tcpdump -tt -n -r "$LAB_DIR/wifi.pcap" "ip proto 50 and src $2" 2>/dev/null |
		awk -v b="$begin" '{ t = int($1 * 1000) % 86400000 } t < b + 1500 { m = t } END { print m + 0 }')
	sed -n 's/^\([0-9:.]*\) .* path down .* link=wifi .*/\1/p' "$LAB_DIR/tr-$1.log" |
		awk -F'[:.]' -v b="$begin" -v l="$((last - DELAY))" '
			{ t = (($1 * 60 + $2) * 60 + $3) * 1000 + $4 }
			t >= b { print t - l; f = 1; exit }
			END { if (!f) print 99999 }'
}
# wifi swallows everything for two seconds, and nobody is told.  Before, it loses nothing, so that what it
# drops from then on is what the silence took.
silence() {
	local f
	sleep 3
	at_once delay ${DELAY}ms
	sleep 1
	for f in ul dl; do hidden[$f]=$(drops $f wifi); done
	day_ms
	begin=$now
	at_once delay ${DELAY}ms loss 100%
	sleep 2
	for f in ul dl; do hidden[$f]=$(($(drops $f wifi) - hidden[$f])); done
	at_once delay ${DELAY}ms loss 1%
	sleep 5
}
listens() { ip netns exec "$1" ss -Hnul "sport = :$2" | grep -q .; }
declare -A order=() hidden=() before=() sent=() got=() twice=() disorder=() dropped=()

lab_net
d=$LAB_DIR
lab_certs
lab_conf
trailer_ipsec_conf 4
for link in wifi lte; do good $link; done
at_once_begin
trailer_ipsec_captures
lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
trailer n
trailer c
# Between namespaces the kernel keeps order within a processor only: a thread that changes processors while
# the one before is slow overtakes itself there.
taskset -apc 0 "${LAB_PID[tr-n]}" >/dev/null
taskset -apc 1 "${LAB_PID[tr-c]}" >/dev/null
for p in nginx ncm ccm; do
	lab_start_one "$p"
done

say "Transport mode"
lab_wait "$LAB_PATIENCE" lab_is_active || lab_fail "no session"
claim "wifi carries at both ends, inside its association" "$(carries)" = yes
claim "everything goes into the tunnel" "$(yes_no lab_wait 30 tunnelled)" = yes
for side in cl px; do
	sas "$side" >"$d/sas"
	claim "$side: SAs in transport mode" "$(grep -c 'mode transport' "$d/sas" || :)" '>=' 2
	claim "$side: in another mode, or in UDP" "$(grep -cE 'mode (tunnel|beet)|encap' "$d/sas" || :)" = 0
done
anchor=$(ccm '.anchors[0].anchor4')

say "Split over both"
claim "ordered" "$(steer split wifi,lte)" = applied
mark
streams sleep 15
for f in ul dl; do
	claim "$f: packets sent" "${sent[$f]}" '>=' 500
	arrived "$f" "${dropped[$f]}"
done
claim "wifi carried, kB" "$(carried wifi)" '>=' 100 kB
claim "lte carried, kB" "$(carried lte)" '>=' 500 kB

say "Duplicate"
# of N packets 0.0001 N are lost on both
claim "ordered" "$(steer duplicate wifi,lte)" = applied
streams sleep 15
for f in ul dl; do
	claim "$f: packets sent" "${sent[$f]}" '>=' 500
	claim "$f: lost, where netem has dropped ${dropped[$f]}" "$((sent[$f] - got[$f]))" '<=' 5
	claim "$f: twice, out of order" "${twice[$f]} ${disorder[$f]}" = "0 0"
done

say "wifi falls silent, lossless"
claim "ordered" "$(steer active-standby wifi,lte)" = applied
lab_start pauses "$CL" "$here/trailer_traffic.py" pauses
streams silence
lab_end pauses
found=$(printf '%s\n' "$(found c 10.1.1.3)" "$(found n 10.1.1.2)" | sort -n | tail -n 1)
# the longest that a process which does nothing but sleep was late meanwhile: so was the tunnel's
pause=$(awk -v b="$begin" -v f="$found" '$1 >= b && $1 <= b + f + 500 && $2 > m { m = $2 } END { print m + 0 }' \
	"$LAB_DIR/pauses.log")
claim "both ends know within 3 probe intervals and the machine's longest pause, $pause ms" "$found" '<=' \
	$((3 * INTERVAL + pause)) ms
claim "wifi swallowed meanwhile, packets" "$((hidden[ul] + hidden[dl]))" '>=' 50
for f in ul dl; do
	claim "$f: packets sent" "${sent[$f]}" '>=' 500
	arrived "$f" "$((dropped[$f] - hidden[$f]))"
done
claim "wifi carries again" "$(carries)" = yes

say "What was on wifi"
lab_end ccm
lab_end dump-wifi
lab_end dump-lte
# seen LINK FILTER: packets
seen() { tcpdump -n --count -r "$d/$1.pcap" "$2" 2>/dev/null | sed 's/ .*//'; }
claim "wifi: ESP" "$(seen wifi 'ip proto 50')" '>=' 2000
# a slow NCM is asked over the other link, too, in TLS
control='host 10.1.2.1 and tcp port 8443'
claim "wifi: IP that is no ESP, no IKE, no HTTPS to the NCM" \
	"$(seen wifi "(ip and not (ip proto 50 or udp port 500 or ($control))) or (ip6 and (tcp or udp))")" = 0
claim "lte: the tunnel" "$(seen lte 'udp port 7446 or udp port 7447')" '>=' 2000
claim "lte: ESP" "$(seen lte 'ip proto 50')" = 0
no_reports
claims_table
