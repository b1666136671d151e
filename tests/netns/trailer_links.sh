#!/usr/bin/env bash
# The trailer MADP over two emulated links of 20 and 50 Mbit/s, 10 and 60 ms: TCP over both; a game's
# packets; lossless switching under a stream of 1,000 packets/s each way while a link is taken down, goes
# silent, flaps; duplicates over links that lose 2 % each.  MAMS_EXTENDED: 60,000 packets for each kind of
# outage, 100,000 in duplicate.
#
# What the lab's own queues drop where the machine is too busy for it is counted, printed, and taken off
# what is claimed: the emulator's byte queues, the TUN devices' and the sockets' queues in the kernel.
# shellcheck disable=SC2034,SC2154 # read by lab.sh; set by trailer_lab.sh
LAB=nt-trailer-links
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"
LAB_WIFI_EMU=rate=20m,delay=10ms,queue=300k
LAB_LTE_EMU=rate=50m,delay=60ms,queue=600k
LONG=${MAMS_EXTENDED:-}
LOSSLESS=active-standby:1,2:lossless
INTERVAL=200 # of probes, ms: the default

# flow_begin NAME TO ADDRESS PORT FROM RATE SIZE: numbered datagrams, until flow_end
flow_begin() {
	lab_start "sink-$1" "$2" "$here/trailer_traffic.py" sink "$3" "$4" 2
	lab_wait 30 sh -c "ip netns exec $2 ss -Hnul 'sport = :$4' | grep -q ."
	lab_start "stream-$1" "$5" "$here/trailer_traffic.py" stream "$3" "$4" "$6" 3600 "$7"
}
flow_end() { # NAME...: sets sent, got, twice, disorder of each
	local f _
	for f in "$@"; do lab_end "stream-$f"; done
	for f in "$@"; do
		wait "${LAB_PID[sink-$f]}"
		sent[$f]=$(tail -n 1 "$LAB_DIR/stream-$f.log")
		read -r "got[$f]" _ "twice[$f]" "disorder[$f]" _ < <(tail -n 1 "$LAB_DIR/sink-$f.log")
	done
}
declare -A sent=() got=() twice=() disorder=() before=()
# detection KIND: ms until both ends knew, in the middle of all outages.  What the watching process
# itself missed of the processor is taken off.
detection() {
	awk -v k="$1" '$1 == k { print ($2 > $3 ? $2 : $3) - $4 }' "$LAB_DIR/outages" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
has_sent() { [ "$(c sdus_sent)" -ge "$1" ]; }
again() { # SIDE: packets sent again
	"$here/trailer_ctl.py" "$LAB_DIR/$1.ctl" status | jq '[.sessions[].classes[].tx_again] | add'
}

reasons() { # what each end says of packets that it did not deliver
	local side name
	for side in c n; do
		for name in hold_full hold_expired no_link send_full send_failed late ahead no_memory; do
			echo "$side $name $("$side" "$name")"
		done
	done
}

# outages PACKETS KIND...: while so many flow each way
outages() {
	local packets=$1 f lost packets_c packets_n
	shift
	for f in ul dl; do before[$f]=$(lab_drops $f); done
	packets_c=$(($(c sdus_sent) + packets)) packets_n=$(($(n sdus_sent) + packets))
	flow_begin ul "$SV" 10.9.9.2 9999 "$CL" 1000 1000
	flow_begin dl "$CL" 10.60.0.2 9998 "$SV" 1000 1000
	sleep 1
	while :; do
		"$here/trailer_outage.py" "$LAB_DIR" "$LOSSLESS" "$@" | tee -a "$LAB_DIR/outages"
		[ "$(c sdus_sent)" -lt "$packets_c" ] || [ "$(n sdus_sent)" -lt "$packets_n" ] || break
	done
	flow_end ul dl
	for f in ul dl; do
		lost=$((sent[$f] - got[$f]))
		before[$f]=$(($(lab_drops $f) - before[$f]))
		[ "$lost" = 0 ] || reasons
		claim "$f: packets sent" "${sent[$f]}" '>=' "$packets"
		claim "$f: lost, and not by the lab's queues, which lost ${before[$f]}" \
			"$((lost > before[$f] ? lost - before[$f] : 0))" = 0
		claim "$f: twice, out of order" "${twice[$f]} ${disorder[$f]}" = "0 0"
	done
}

lab_net
trailer_conf
start n
start c
steer split:1,2 split:1,2
trailer_routes
lab_wait 30 both_up

say "TCP over both, split"
lab_start iperf "$SV" iperf3 -s
# 70 Mbit/s on the wire are 65.5 of TCP's payload
for control in bbr cubic; do
	claim "$control up, Mbit/s" "$(tcp 10.9.9.2 -C "$control" -t 15 -O 4)" '>=' 59
	claim "$control down, Mbit/s" "$(tcp 10.9.9.2 -C "$control" -t 15 -O 4 -R)" '>=' 59
done

say "A stream like a game's, by the link of the least delay"
steer smallest-delay:1,2 smallest-delay:1,2
flow_begin ul "$SV" 10.9.9.2 9999 "$CL" 50 200
flow_begin dl "$CL" 10.60.0.2 9998 "$SV" 50 200
sleep 20
flow_end ul dl
for f in ul dl; do
	claim "$f: packets sent" "${sent[$f]}" '>=' 900
	claim "$f: 99 % of them come within the better link's 10 ms and 5, us" \
		"$(awk 'END { printf "%d", $6 * 1000 }' "$LAB_DIR/sink-$f.log")" '<=' 15000
done
steer "$LOSSLESS" "$LOSSLESS"

if [ -n "$LONG" ]; then
	say "Taken down"
	outages 60000 taken
	say "Flapping every second"
	outages 60000 flap flap flap flap
	lab_wait 30 both_up
	say "Silent"
	outages 60000 silent
else
	say "Taken down, flapping, silent"
	outages 8000 taken flap flap silent silent
fi
claim "sent again, UL" "$(again c)" '>=' 500
claim "sent again, DL" "$(again n)" '>=' 500
claim "taken down: both ends know within a probe interval, ms" "$(detection taken)" '<=' "$INTERVAL"
claim "silent: both ends know within 3 probe intervals, ms" "$(detection silent)" '<=' $((3 * INTERVAL))

say "Duplicate over links that lose 2 % each"
# of N packets 0.0004 N are lost on both; what is allowed beyond is five times the deviation
packets=6000 most=11
[ -z "$LONG" ] || packets=100000 most=72
for link in wifi lte; do lab_emu set "$link" loss=2 >/dev/null; done
steer duplicate:1,2 duplicate:1,2
late=$(n late)
before[ul]=$(lab_drops ul)
end=$(($(c sdus_sent) + packets))
flow_begin ul "$SV" 10.9.9.2 9999 "$CL" 2000 200
lab_wait 300 has_sent "$end"
flow_end ul
late=$(($(n late) - late))
before[ul]=$(($(lab_drops ul) - before[ul]))
lost=$((sent[ul] - got[ul] - late - before[ul]))
claim "packets sent" "${sent[ul]}" '>=' "$packets"
claim "lost, where $((sent[ul] / 2500)) are to be expected, beside $late late and ${before[ul]} of the lab's queues" \
	"$((lost > 0 ? lost : 0))" '<=' "$most"
# a pause of the emulator is longer than the N-MADP waits for the slower link
claim "late: the one copy came after the N-MADP had given it up" "$late" '<=' $((packets / 100))
claim "twice, out of order" "${twice[ul]} ${disorder[ul]}" = "0 0"

no_reports
claims_table
