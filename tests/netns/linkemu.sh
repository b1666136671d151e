#!/usr/bin/env bash
# The link emulator does what it is told: round trip, rate, loss, carrier, live changes.  Bounds are
# wide on the slow side: a busy machine delays, it does not hurry.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-linkemu
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_WIFI_EMU=rate=20m,delay=10ms,queue=100k
LAB_LTE_EMU=rate=50m,delay=60ms,queue=300k

lab_net
emu=$BUILD/tests/support/mams-linkemu

counter() { # LINK DIRECTION NAME
	lab_emu show | sed -n "s/^$1 $2 .* $3=\([0-9]*\).*/\1/p"
}
rtt() { # ADDRESS: least and mean, ms
	cl ping -q -i 0.02 -c 50 "$1" | sed -n 's|^rtt.*= \([0-9.]*\)/\([0-9.]*\)/.*|\1 \2|p'
}
udp() { # ADDRESS MBIT: received Mbit/s (of UDP payload) and lost packets
	px iperf3 -s -1 -B "$1" >/dev/null &
	local server=$!
	lab_wait 5 sh -c "ip netns exec $PX ss -Hltn sport = :5201 | grep -q ." || lab_fail "no server"
	cl iperf3 -u -c "$1" -b "$2M" -l 1400 -t 2 --json |
		jq -r '.end.sum | "\(.bits_per_second * (1 - .lost_percent / 100) / 1e6) \(.lost_packets)"'
	wait "$server"
}

say "delay"
read -r least mean < <(rtt 10.1.1.1)
claim "wifi: round trip of 20 ms, least, ms" "$least" '>=' 20
claim "wifi: mean, ms" "$mean" '<=' 22
read -r least mean < <(rtt fd01:2::1)
claim "lte, IPv6: round trip of 120 ms, least, ms" "$least" '>=' 120
claim "lte, IPv6: mean, ms" "$mean" '<=' 122

say "rate"
read -r rate lost < <(udp 10.1.1.1 18)
claim "18 of 20 Mbit/s: received, Mbit/s" "$rate" '>=' 17.6
claim "lost" "$lost" = 0
read -r rate lost < <(udp 10.1.2.1 80)
claim "80 over 50 Mbit/s: received, Mbit/s" "$rate" '>=' 46
# payload of 50 Mbit/s, and the queue of 300 kB that empties after the two seconds
claim "no more than the link and its queue hold, Mbit/s" "$rate" '<=' 50.5
claim "queue overflowed" "$(counter lte ab queue_full)" '>=' 1000

say "loss"
lab_emu set wifi rate=none,delay=0,ab.loss=10 >/dev/null
cl ping -q -f -c 2000 10.1.1.1 >"$LAB_DIR/ping"
claim "10 % one way, in percent" "$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$LAB_DIR/ping")" '<=' 13
claim "the same, counted" "$(counter wifi ab lost)" '>=' 140
claim "the way back loses nothing" "$(counter wifi ba lost)" = 0

say "carrier"
lab_emu set wifi ab.loss=0 >/dev/null
state() { cl cat /sys/class/net/wifi/carrier; }
claim "up" "$(state)" = 1
lab_emu down wifi a >/dev/null
claim "down at the client" "$(state)" = 0
claim "not at the other end" "$(px cat /sys/class/net/wifi/carrier)" = 1
claim "nothing passes" "$(yes_no cl ping -q -c 1 -W 1 10.1.1.1)" = no
lab_emu up wifi >/dev/null
claim "up again" "$(state)" = 1
claim "passes again" "$(yes_no cl ping -q -c 1 -W 1 10.1.1.1)" = yes
lab_emu set wifi dead=1 >/dev/null
claim "blackhole: carrier stays" "$(state)" = 1
claim "blackhole: nothing passes" "$(yes_no cl ping -q -c 1 -W 1 10.1.1.1)" = no
claim "wrong settings change nothing" "$("$emu" -c "$LAB_DIR/emu.sock" set wifi dead=0,loss=120 2>&1)" = \
	"error: loss=120"
claim "still a blackhole" "$(yes_no cl ping -q -c 1 -W 1 10.1.1.1)" = no
no_reports
claims_table
