#!/usr/bin/env bash
# The trailer MADP over two emulated links of 20 and 50 Mbit/s, 10 and 60 ms, split: UDP by iperf3 over
# sessions that have just begun, on links as they are, with jitter, with loss, with both.
# shellcheck disable=SC2034,SC2154 # read by lab.sh; set by common.sh
LAB=nt-trailer-fresh
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"
LAB_WIFI_EMU=rate=20m,delay=10ms,queue=300k
LAB_LTE_EMU=rate=50m,delay=60ms,queue=600k

# dropped ab|ba: packets that the emulated links have lost on purpose
dropped() { lab_emu show | sed -n "s/^[a-z]* $1 .* lost=\([0-9]*\).*/\1/p" | awk '{ n += $1 } END { print n + 0 }'; }
# A session that knows nothing of its links yet.
begin_anew() {
	"$here/trailer_ctl.py" "$LAB_DIR/c.ctl" del laptop >/dev/null
	"$here/trailer_ctl.py" "$LAB_DIR/n.ctl" del laptop >/dev/null
	steer split:1,2 split:1,2
	trailer_routes
	lab_wait 30 both_up
}
# fresh TEXT LOSS: UDP by iperf3 for 15 s, 0.985 of what both links carry; LOSS is
# what the links lose, in percent.  What queues drop counts as lost here, since it is for the sender to fill
# none of them: a thousandth at most, a hundredth where the links lose some, since jitter and loss together
# may hide a link's rate for most of the first second.  Of 70 Mbit/s on the wire, datagrams of 1360 octets
# have 66.6: with headers each has 1388, and its PDU 1429.  iperf3 has a buffer for the pauses that a busy
# machine makes.
fresh() {
	local way dir option json was queued packets lost beside disorder whole first later
	for way in ul dl; do
		[ "$way" = ul ] && option=() dir=ab json=$LAB_DIR/udp-server.log
		[ "$way" = dl ] && option=(-R) dir=ba json=$LAB_DIR/udp-client.log
		rm -f "$LAB_DIR"/udp-*.log
		begin_anew
		lab_start udp-server "$SV" iperf3 -s -1 -J -p 5301
		lab_wait 30 sh -c "ip netns exec $SV ss -Hntl 'sport = :5301' | grep -q ."
		was=$(dropped $dir) queued=$(lab_drops $way)
		cl iperf3 -u -c 10.9.9.2 -p 5301 -b 65600000 -l 1360 -w 2M -t 15 -J "${option[@]}" >"$LAB_DIR/udp-client.log"
		wait "${LAB_PID[udp-server]}" || :
		was=$(($(dropped $dir) - was)) queued=$(($(lab_drops $way) - queued))
		jq -r --argjson links "$was" '.end.streams[0].udp as $u |
			[.intervals[].sum] as $i | [$u.packets, $u.lost_packets,
			([$u.lost_packets - $links, 0] | max) * 100 / $u.packets, $u.out_of_order,
			([$i, $i[:1], $i[1:]][] | (map(.bytes) | add) * 8 / (map(.seconds) | add) / 66.6e6)] |
			map(. * 10000 | round / 10000) | join(" ")' "$json" >"$LAB_DIR/fresh"
		read -r packets lost beside disorder whole first later <"$LAB_DIR/fresh"
		claim "$1, $way: received, of the sum of both links ($first in the first second, then $later)" \
			"$whole" '>=' "$(awk -v l="$2" 'BEGIN { print 0.97 * (1 - l / 100) }')"
		claim "$1, $way: lost, beside $was by the links ($lost of $packets, $queued in queues)" \
			"$beside" '<=' "$([ "$2" = 0 ] && echo 0.1 || echo 1)" %
		claim "$1, $way: out of order" "$disorder" = 0
	done
}

lab_net
trailer_conf
start n
start c
say "UDP by iperf3 over sessions that have just begun, split"
fresh "10 and 60 ms" 0
for link in wifi lte; do lab_emu set "$link" jitter=5ms >/dev/null; done
fresh "jitter of 5 ms" 0
for link in wifi lte; do lab_emu set "$link" loss=1 >/dev/null; done
fresh "jitter of 5 ms, 1 % loss" 1
for link in wifi lte; do lab_emu set "$link" jitter=0 >/dev/null; done
fresh "1 % loss" 1

no_reports
claims_table
