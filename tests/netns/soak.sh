#!/usr/bin/env bash
# The trailer MADP for half an hour (MAMS_SOAK_S seconds): links that flap, both at once now and then,
# modes that change, each direction for itself, clients that come and go, with sanitizers.  Nothing
# here depends on time or load: what must hold is that every packet is accounted for.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-soak
LAB_PATIENCE=60
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")
lasts=${MAMS_SOAK_S:-1800}
flapping=15 # seconds of each life of the client
crowd=6     # clients that come and go
read -ra modes <<<"single:1,2 single:2,1 split:1,2 duplicate:1,2 smallest-delay:1,2 active-standby:1,2 \
single:1,2:lossless split:1,2:lossless active-standby:2,1:lossless smallest-delay:1,2:lossless"
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4" # memory is looked at

status() { "$here/trailer_ctl.py" "$LAB_DIR/$1.ctl" status laptop; } # SIDE: n, c
steer() {                                                            # UL DL
	"$here/trailer_ctl.py" "$LAB_DIR/n.ctl" set network "secret=$LAB_DIR/key" \
		anchor4=10.60.0.2 "ul=$1" "dl=$2" >/dev/null &&
		"$here/trailer_ctl.py" "$LAB_DIR/c.ctl" set client "secret=$LAB_DIR/key" port=7446 \
			anchor4=10.60.0.2 "ul=$1" "dl=$2" >/dev/null
}
any_mode() { echo "${modes[RANDOM % ${#modes[@]}]}"; }
both_up() {
	local side
	for side in c n; do
		status "$side" | jq -e '[.sessions[0].links[].up] == [true, true]' || return 1
	done
}
listens() { sv ss -Hnul "sport = :9998" | grep -q .; }
memory() { awk '/^VmRSS:/ { print $2 }' "/proc/${LAB_PID[n]}/status"; }

# tally SIDE: packets numbered and sent, received, lost and did not come later; taken from the device, and
# dropped unsent; come after they were given up
tally() {
	status "$1" | jq -r '(.counters | map({(.name): .value}) | add) as $n | .sessions[0].classes as $c |
		[($c | map(.tx_packets - .tx_again) | add), ($c | map(.rx_packets) | add),
		($c | map(.lost - .rx_passed) | add), $n.sdus_sent_total, $n.no_link_total + $n.hold_full_total +
		$n.hold_expired_total + $n.too_long_total + $n.no_memory_total,
		($c | map(.rx_passed) | add)] | map(tostring) | join(" ")'
}
# balance: what one end has sent since the life began is what the other has received or lost, and what
# it took from its device is what it sent or dropped; "up", "down" and "taken" as claims show them.
balance() {
	local sent got lost taken unsent late nsent ngot nlost ntaken nunsent nlate
	read -r sent got lost taken unsent late <<<"$(tally c)"
	read -r nsent ngot nlost ntaken nunsent nlate <<<"$(tally n)"
	passed=$((late + nlate - born[5]))
	up="$sent = $((ngot + nlost - born[1] - born[2]))"
	down="$((nsent - born[0])) = $((got + lost))"
	at_client="$taken = $((sent + unsent))"
	at_network="$((ntaken - born[3])) = $((nsent + nunsent - born[0] - born[4]))"
	told="$((nlost - born[2])) up, $lost down, $unsent and $((nunsent - born[4])) not sent"
}
is_equal() { [ "${1% = *}" = "${1#* = }" ]; }
# The newest packets: that one is missing is seen when a later one comes.
balanced() {
	cl ping -c 2 -i 0.2 -W 1 -q 10.9.9.2
	sleep 0.3
	balance
	is_equal "$up" && is_equal "$down" && is_equal "$at_client" && is_equal "$at_network"
}

flap() { # SECONDS
	local end=$((SECONDS + $1)) link
	declare -A to=([wifi]=down [lte]=down)
	while [ "$SECONDS" -lt "$end" ]; do
		case $((RANDOM % 3)) in
		0) steer "$(any_mode)" "$(any_mode)" ;;
		*)
			link=wifi
			[ $((RANDOM % 2)) = 0 ] || link=lte
			cl ip link set "$link" "${to[$link]}"
			[ "${to[$link]}" = up ] && to[$link]=down || to[$link]=up
			;;
		esac
		sleep "0.$((RANDOM % 10))"
	done
	cl ip link set wifi up
	cl ip link set lte up
}

# Others come, prove themselves, send, and are taken away.
visit() {
	local i
	cl "$BUILD/tests/bench/mams-bench-sessions" -n "$crowd" -p "${LAB_PID[n]}" \
		-c "$LAB_DIR/n.ctl" -k 1 -r 1600 10.1.2.2 10.1.2.1:7446 >"$LAB_DIR/crowd.out"
	for ((i = 0; i < crowd; i++)); do
		"$here/trailer_ctl.py" "$LAB_DIR/n.ctl" del "client$i" >/dev/null
	done
	sed 's/ .*//' "$LAB_DIR/crowd.out"
}

life() { # NUMBER
	local sent lost twice disorder
	lab_start c "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/c.conf"
	lab_wait 60 test -S "$LAB_DIR/c.ctl"
	steer single:1,2 single:1,2
	cl ip route replace 10.9.9.0/24 dev mams src 10.60.0.2
	lab_wait 60 both_up || lab_fail "the links do not come up"
	cl ping -c 1 -W 5 -q 10.9.9.2 >/dev/null || lab_fail "the tunnel does not carry"
	read -ra born <<<"$(tally n)"
	# what went before the tally: the ping, both ways
	read -r sent _ <<<"$(tally c)"
	born[0]=$((born[0] - sent)) born[1]=$((born[1] - sent)) born[3]=$((born[3] - sent))
	lab_start talk "$CL" "$here/trailer_traffic.py" talk 10.9.9.2 9998 200 $((flapping + 8))
	flap "$flapping"
	lab_wait 60 both_up || lab_fail "the links do not come up again"
	claim "$1: others that came, proven" "$(visit)" = "sessions=$crowd"
	wait "${LAB_PID[talk]}" || lab_fail "no talk"
	unset "LAB_PID[talk]"
	read -r sent lost twice disorder < <(tail -n 1 "$LAB_DIR/talk.log")
	lab_wait 60 balanced || :
	# a class that repeats passes what comes after its 60 ms
	claim "$1: $sent packets and $lost not answered: twice, out of order but $passed that were given up" \
		"$twice $((disorder > passed ? disorder - passed : 0))" = "0 0"
	claim "$1: up: numbered = received + lost" "$up" = "${up% = *} = ${up% = *}"
	claim "$1: down: numbered = received + lost" "$down" = "${down% = *} = ${down% = *}"
	claim "$1: client: taken = numbered + dropped" "$at_client" = "${at_client% = *} = ${at_client% = *}"
	claim "$1: N-MADP: taken = numbered + dropped" "$at_network" = \
		"${at_network% = *} = ${at_network% = *}"
	echo "       lost: $told"
	lab_end c
	rm -f "$LAB_DIR/c.ctl"
}

lab_net
(umask 077 && head -c 32 /dev/urandom | base64 -w0 >"$LAB_DIR/key")
cat >"$LAB_DIR/n.conf" <<-X
	role = network
	ctl_socket = $LAB_DIR/n.ctl
	workers = 1
	waiting_max = 8192
	listen = { "10.1.1.1", "10.1.2.1" }
X
cat >"$LAB_DIR/c.conf" <<-X
	role = client
	ctl_socket = $LAB_DIR/c.ctl
	waiting_max = 8192
X
ip -n "$PX" route add blackhole 198.18.0.0/15 # where the others send to
lab_start n "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/n.conf"
lab_wait 60 test -S "$LAB_DIR/n.ctl"
lab_start echo "$SV" "$here/trailer_traffic.py" echo 10.9.9.2 9998 $((lasts + 600))
lab_wait 30 listens
born=()
begun=$SECONDS
lives=0
while [ "$lives" -lt 2 ] || [ $((SECONDS - begun)) -lt "$lasts" ]; do
	lives=$((lives + 1))
	life "life $lives"
	[ "$lives" != 2 ] || first=$(memory)
done
claim "KiB that the N-MADP has grown by since its second client" "$(($(memory) - first))" '<=' 65536
claim "sessions that are left" "$("$here/trailer_ctl.py" "$LAB_DIR/n.ctl" status | jq .sessions_total)" = 1
lab_end n
no_reports
claims_table
