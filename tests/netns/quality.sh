#!/usr/bin/env bash
# What the NCM knows of links by what runs over them, against the emulator's truth: of TCP through the
# proxies by the kernel's figures of subflows, of the rest through the trailers by theirs.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-quality
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/both_lab.sh
. "$(dirname "$0")/both_lab.sh"
LAB_WIFI_EMU=rate=20m,delay=10ms,queue=60k
LAB_LTE_EMU=rate=30m,delay=40ms,queue=150k

lab_net && lab_certs && lab_conf && both_conf
both_up
lab_file 60 >/dev/null

told=
look() { told=$(ncm --json status); }
of() { # LINK ul|dl FIELD: of the last look
	jq -r --arg l "$1" --arg w "$2_quality" --arg f "$3" \
		'[.sessions[0].links[] | select(.name == $l) | .[$w][$f]? // empty][0] // "none"' <<<"$told"
}
within() { # TEXT LINK ul|dl FIELD LEAST MOST UNIT
	claim "$1" "$(of "$2" "$3" "$4")" '>=' "$5" "$7"
	claim "$1, at most" "$(of "$2" "$3" "$4")" '<=' "$6" "$7"
}
emu() { # LINK DIRECTION NAME: a counter of the emulator
	lab_emu show | sed -n "s/^$1 $2 .*$3=\([0-9]*\).*/\1/p"
}
counts() { # LINK DIRECTION: what was lost on the way, what the queue could not hold, what came
	echo "$(emu "$1" "$2" lost) $(emu "$1" "$2" queue_full) $(emu "$1" "$2" in)"
}
lost_ppm() { # COUNTS-THEN COUNTS-NOW [only]: without what the queue could not hold
	awk -v was="$1" -v now="$2" -v only="${3:-}" 'BEGIN {
		split(was, a, " "); split(now, b, " "); n = b[3] - a[3]
		printf "%d", (b[1] - a[1] + (only ? 0 : b[2] - a[2])) * 1e6 / (n ? n : 1) }'
}

say "TCP down, both links full"
cl timeout 5 curl -s -o /dev/null http://10.9.9.2/60M &
sleep 4.8
look
wait $! || :
within "wifi carries 20 Mbit/s: told" wifi dl rate_kbps 18000 22000 kbit/s
within "lte carries 30 Mbit/s: told" lte dl rate_kbps 27000 33000 kbit/s
claim "used of wifi" "$(of wifi dl used_kbps)" '>=' 15000 kbit/s
# half the round trip: 10 ms, and half of what the queue holds, 24 ms
within "wifi: delay" wifi dl delay_us 10000 24000 us
within "lte: delay" lte dl delay_us 40000 62000 us

say "TCP down, wifi loses 3 %"
lab_emu set wifi ba.loss=3 >/dev/null
sleep 1
cl timeout 6.5 curl -s -o /dev/null http://10.9.9.2/60M &
sleep 2
was=$(counts wifi ba)
sleep 4
now=$(counts wifi ba)
look
wait $! || :
# Of two reports the lesser share counts, so less is told than is lost; what TCP loses to a queue that it
# fills is the link's or not, as it goes on or comes at once.
truth=$(lost_ppm "$was" "$now" only)
within "wifi lost $truth of a million on the way: told" wifi dl loss_ppm "$((truth / 2))" \
	"$(($(lost_ppm "$was" "$now") + 15000))" ppm
lab_emu set wifi ba.loss=0 >/dev/null

say "UDP down, both links full"
lab_start iperf "$SV" iperf3 -s
lab_wait 5 eval 'sv ss -Hltn sport = :5201 | grep -q .' || lab_fail "no server"
cl iperf3 -R -u -c 10.9.9.2 -b 60M -l 1200 -t 4 >/dev/null &
sleep 4
look
wait $! || :
within "wifi: told" wifi dl rate_kbps 18000 22000 kbit/s
within "lte: told" lte dl rate_kbps 27000 33000 kbit/s

say "UDP up, both links full"
cl iperf3 -u -c 10.9.9.2 -b 60M -l 1200 -t 4 >/dev/null &
sleep 4
look
wait $! || :
within "wifi: told" wifi ul rate_kbps 18000 22000 kbit/s
within "lte: told" lte ul rate_kbps 27000 33000 kbit/s

say "UDP both ways on both links, each way with its own delay and loss"
claim "every packet over both links" "$(ncm steer --anchor udp --dl wifi,lte --ul wifi,lte \
	--dl-mode duplicate --ul-mode duplicate)" = applied
lab_emu set wifi ba.loss=3 >/dev/null
lab_emu set lte ab.delay=60ms,ba.delay=25ms,ab.loss=5 >/dev/null
lab_start echo "$SV" "$(dirname "$0")/trailer_traffic.py" echo 10.9.9.2 9999 3
up=$(counts wifi ab)
down=$(counts lte ba)
lossy_down=$(counts wifi ba)
lossy_up=$(counts lte ab)
cl "$(dirname "$0")/trailer_traffic.py" talk 10.9.9.2 9999 400 7 >/dev/null &
sleep 7
look
# a busy machine delays, it does not hurry
within "wifi down, 10 ms" wifi dl delay_us 8000 15000 us
within "wifi up, 10 ms" wifi ul delay_us 8000 15000 us
within "lte down, 25 ms" lte dl delay_us 23000 30000 us
within "lte up, 60 ms" lte ul delay_us 57000 66000 us
# some 1,600 packets weigh
truth=$(lost_ppm "$lossy_down" "$(counts wifi ba)")
within "wifi down loses 3 %, $truth of a million" wifi dl loss_ppm "$((truth / 2))" "$((truth + 15000))" ppm
truth=$(lost_ppm "$lossy_up" "$(counts lte ab)")
within "lte up loses 5 %, $truth of a million" lte ul loss_ppm "$((truth / 2))" "$((truth + 15000))" ppm
# but some ten packets, and what a queue could not hold, when the machine paused
claim "wifi up loses nothing" "$(of wifi ul loss_ppm)" '<=' \
	"$((8000 + 2 * $(lost_ppm "$up" "$(counts wifi ab)")))" ppm
claim "lte down loses nothing" "$(of lte dl loss_ppm)" '<=' \
	"$((8000 + 2 * $(lost_ppm "$down" "$(counts lte ba)")))" ppm
claim "in words" "$(ncm paths | grep -cE '^ *laptop *(wifi|lte) *(up|down) .*Mbit/s.* ms .*%')" = 4
kill $! 2>/dev/null || :
wait $! || :
claim "reports on strangers" "$(jq '.counters[] | select(.name == "quality_unknown_total").value' \
	<<<"$told")" = 0
no_reports
claims_table
