# shellcheck shell=bash
# Sourced by tests of mams-trailer driven over ctl, after common.sh: the client's and the N-MADP's.
here=$(dirname "${BASH_SOURCE[0]}")

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
# RATE [SIZE]: a stream of so many datagrams a second to the server; it flows when this returns.
stream_begin() {
	local before
	before=$(n sdus_received)
	lab_start sink "$SV" "$here/trailer_traffic.py" sink 10.9.9.2 9999 3
	lab_wait 30 listens 9999
	lab_start stream "$CL" "$here/trailer_traffic.py" stream 10.9.9.2 9999 "$1" 120 "${2:-1000}"
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
	read -r got lost twice disorder _ < <(tail -n 1 "$LAB_DIR/sink.log")
	sent=$(tail -n 1 "$LAB_DIR/stream.log")
	claim "datagrams received of those sent" "$got of $sent" = "$sent of $sent"
	claim "lost, received twice, out of order" "$lost $twice $disorder" = "0 0 0"
}
tcp() { # OPTIONS: Mbit/s
	cl iperf3 -c "$@" -J | jq '.end.sum_received.bits_per_second / 1e6 | floor'
}

trailer_conf() {
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
}

# Everything inside goes through the tunnel.
trailer_routes() {
	cl ip route replace 10.9.9.0/24 dev mams src 10.60.0.2
	cl ip -6 route replace fd09::/64 dev mams src fd60::2
}
# shellcheck disable=SC2016 # awk
# lab_drops ul|dl: what queues of the lab have dropped so far on the way
lab_drops() {
	local dir=ab from=cl to=px end=sv dev=mams
	[ "$1" = ul ] || dir=ba from=px to=cl end=cl dev=mams0
	{
		lab_emu show | sed -n "s/^[a-z]* $dir .* queue_full=\([0-9]*\) .* no_memory=\([0-9]*\).*/\1 \2/p"
		"$from" cat "/sys/class/net/$dev/statistics/tx_dropped"
		for ns in "$to" "$end"; do "$ns" awk '/^Udp: [0-9]/ { print $6 }' /proc/net/snmp; done
	} | awk '{ for (i = 1; i <= NF; i++) n += $i } END { print n }'
}
