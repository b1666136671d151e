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

netem() { # LINK SETTING...: both ways
	local ns
	for ns in "$CL" "$PX"; do
		tc -n "$ns" qdisc replace dev "$1" root netem rate 10mbit limit 400 "${@:2}"
	done
}
good() { netem "$1" delay 40ms loss 1%; }
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
# a stream of numbered datagrams each way for so long, and a command in it
streams() { # SECONDS RATE COMMAND...
	local seconds=$1 rate=$2 f
	shift 2
	for f in ul dl; do before[$f]=$(drops $f wifi lte); done
	lab_start sink-ul "$SV" "$here/trailer_traffic.py" sink 10.9.9.2 9999 10
	lab_start sink-dl "$CL" "$here/trailer_traffic.py" sink "$anchor" 9998 10
	lab_wait 30 listens "$SV" 9999
	lab_wait 30 listens "$CL" 9998
	lab_start stream-ul "$CL" "$here/trailer_traffic.py" stream 10.9.9.2 9999 "$rate" "$seconds" 500
	lab_start stream-dl "$SV" "$here/trailer_traffic.py" stream "$anchor" 9998 "$rate" "$seconds" 500
	"$@"
	for f in ul dl; do
		wait "${LAB_PID[stream-$f]}" "${LAB_PID[sink-$f]}" || :
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
# found_at SIDE: ms of the day when this trailer last called wifi down
found_at() {
	sed -n 's/^\([0-9:.]*\) .* path down .* link=wifi .*/\1/p' "$LAB_DIR/tr-$1.log" | tail -n 1 |
		awk -F'[:.]' '{ print (($1 * 60 + $2) * 60 + $3) * 1000 + $4 }'
}
# wifi swallows everything for 1.5 s, and nobody is told
silence() {
	local f begin
	sleep 3
	for f in ul dl; do hidden[$f]=$(drops $f wifi); done
	begin=$(date -u +%T.%3N | awk -F'[:.]' '{ print (($1 * 60 + $2) * 60 + $3) * 1000 + $4 }')
	netem wifi delay 40ms loss 100%
	sleep 1.5
	for f in ul dl; do hidden[$f]=$(($(drops $f wifi) - hidden[$f])); done
	good wifi
	found=$(printf '%s\n' "$(found_at c)" "$(found_at n)" | awk -v b="$begin" '
		{ if ($1 - b > m) m = $1 - b; if ($1 < b) m = 99999 } END { print m }')
}
listens() { ip netns exec "$1" ss -Hnul "sport = :$2" | grep -q .; }
declare -A hidden=() before=() sent=() got=() twice=() disorder=() dropped=()

lab_net
d=$LAB_DIR
lab_certs
lab_conf
trailer_ipsec_conf 4
for link in wifi lte; do good $link; done
trailer_ipsec_captures
lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
trailer n
trailer c
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
streams 15 300 :
for f in ul dl; do
	claim "$f: packets sent" "${sent[$f]}" '>=' 3000
	arrived "$f" "${dropped[$f]}"
done
claim "wifi carried, kB" "$(carried wifi)" '>=' 200 kB
claim "lte carried, kB" "$(carried lte)" '>=' 500 kB

say "Duplicate"
# of N packets 0.0001 N are lost on both
claim "ordered" "$(steer duplicate wifi,lte)" = applied
streams 15 300 :
for f in ul dl; do
	claim "$f: packets sent" "${sent[$f]}" '>=' 3000
	claim "$f: lost, where netem has dropped ${dropped[$f]}" "$((sent[$f] - got[$f]))" '<=' 5
	claim "$f: twice, out of order" "${twice[$f]} ${disorder[$f]}" = "0 0"
done

say "wifi falls silent, lossless"
claim "ordered" "$(steer active-standby wifi,lte)" = applied
streams 15 300 silence
claim "both ends know within 3 probe intervals, ms" "$found" '<=' $((3 * INTERVAL)) ms
claim "wifi swallowed meanwhile, packets" "$((hidden[ul] + hidden[dl]))" '>=' 100
for f in ul dl; do
	claim "$f: packets sent" "${sent[$f]}" '>=' 3000
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
