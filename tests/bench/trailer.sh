# shellcheck shell=bash disable=SC2154,SC2034
# The trailer MADP beside other tunnels in user space; sourced by tests/bench/run.
# One veth pair, both ends on this machine, 1400 octets inside.  The server is the far end itself, so
# that all pay for one hop only.

TUNNEL_MTU=1400
packets=$BUILD/tests/bench/mams-bench-packets

start_tunnel() {
	local session end
	case $1 in
	raw) far=10.1.1.1 ;;
	raw-no-offload)
		far=10.1.1.1
		for end in "$CL" "$PX"; do
			ip netns exec "$end" ethtool -K wifi tso off gso off gro off tx off >/dev/null 2>&1
		done
		;;
	mams | dtls)
		far=10.9.9.1
		session="secret=$LAB_DIR/key anchor4=10.60.0.2 mtu=$TUNNEL_MTU ul=single:1 dl=single:1"
		[ "$1" = mams ] || session+=" dtls=wifi"
		printf 'role = network\nctl_socket = %s\nworkers = 1\nlisten = { "10.1.1.1" }\n' \
			"$LAB_DIR/tn.ctl" >"$LAB_DIR/tn.conf"
		printf 'role = client\nctl_socket = %s\n' "$LAB_DIR/tc.ctl" >"$LAB_DIR/tc.conf"
		lab_start tn "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tn.conf" -d
		lab_start tc "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tc.conf" -d
		lab_wait 10 test -S "$LAB_DIR/tn.ctl"
		lab_wait 10 test -S "$LAB_DIR/tc.ctl"
		# shellcheck disable=SC2086 # words
		"$top/tests/netns/trailer_ctl.py" "$LAB_DIR/tn.ctl" set network links=wifi $session >/dev/null
		# shellcheck disable=SC2086
		"$top/tests/netns/trailer_ctl.py" "$LAB_DIR/tc.ctl" set client links=wifi port=7446 \
			$session >/dev/null
		ip -n "$CL" route replace 10.9.9.1 dev mams src 10.60.0.2
		;;
	openvpn) # neither cipher nor MAC: its tunnel alone
		far=10.60.0.1
		lab_start tn "$PX" openvpn --dev ovpn --dev-type tun --local 10.1.1.1 --remote 10.1.1.2 \
			--port 1194 --ifconfig 10.60.0.1 10.60.0.2 --tun-mtu "$TUNNEL_MTU" --cipher none \
			--auth none --fast-io --sndbuf 4194304 --rcvbuf 4194304 --txqueuelen 10000
		lab_start tc "$CL" openvpn --dev ovpn --dev-type tun --local 10.1.1.2 --remote 10.1.1.1 \
			--port 1194 --ifconfig 10.60.0.2 10.60.0.1 --tun-mtu "$TUNNEL_MTU" --cipher none \
			--auth none --fast-io --sndbuf 4194304 --rcvbuf 4194304 --txqueuelen 10000
		;;
	wireguard-go)
		far=10.60.0.1
		(umask 077 && wg genkey >"$LAB_DIR/wc" && wg genkey >"$LAB_DIR/wn")
		lab_start tn "$PX" wireguard-go -f mamswgn
		lab_start tc "$CL" wireguard-go -f mamswgc
		lab_wait 10 px wg show mamswgn
		lab_wait 10 cl wg show mamswgc
		px wg set mamswgn private-key "$LAB_DIR/wn" listen-port 5101 peer \
			"$(wg pubkey <"$LAB_DIR/wc")" allowed-ips 10.60.0.2/32
		cl wg set mamswgc private-key "$LAB_DIR/wc" listen-port 5100 peer \
			"$(wg pubkey <"$LAB_DIR/wn")" allowed-ips 10.60.0.1/32 endpoint 10.1.1.1:5101
		for end in "$CL mamswgc 10.60.0.2" "$PX mamswgn 10.60.0.1"; do
			# shellcheck disable=SC2086
			set -- "$1" $end
			ip -n "$2" link set "$3" mtu "$TUNNEL_MTU" up
			ip -n "$2" addr replace "$4/24" dev "$3"
		done
		;;
	esac
	lab_wait 15 cl ping -c 1 -W 1 -q "$far" || lab_fail "$1 does not carry; see $LAB_DIR/t?.log"
	# at that address only: else it would answer from another one
	lab_start sink "$PX" "$packets" sink "$far:9200" 10.1.2.2:9201
}

stop_tunnel() {
	lab_end sink
	lab_end tc
	lab_end tn
	local end
	for end in "$CL" "$PX"; do
		ip netns exec "$end" ethtool -K wifi tso on gso on gro on tx on >/dev/null 2>&1 || :
	done
}

# CPU seconds of both ends of the tunnel
tunnel_cpu() {
	local n
	for n in tc tn; do
		[ -z "${LAB_PID[$n]:-}" ] || cat "/proc/${LAB_PID[$n]}"/task/*/schedstat
	done | awk '{ s += $1 } END { printf "%.6f", s / 1e9 }'
}
tunnel_machine() {
	awk -v hz="$(getconf CLK_TCK)" '/^cpu / { printf "%.2f", ($2 + $3 + $4 + $7 + $8) / hz }' /proc/stat
}

note() { echo "$*" >>"$results"; } # METRIC CONTENDER VALUE
tunnel_value() { sed -n "s/.*\b$2=\([0-9.-]*\).*/\1/p" <<<"$1"; }

tunnel_tcp() { # METRIC CONTENDER IPERF-OPTIONS...
	local metric=$1 who=$2 said octets c0 m0
	shift 2
	c0=$(tunnel_cpu) m0=$(tunnel_machine)
	said=$(cl iperf3 -c "$far" -t "$seconds" -J "$@")
	octets=$(jq .end.sum_received.bytes <<<"$said")
	note "$metric" "$who" "$(jq '.end.sum_received.bits_per_second / 1e9' <<<"$said")"
	note "machine-$metric" "$who" "$(awk -v o="$octets" -v a="$m0" -v b="$(tunnel_machine)" \
		'BEGIN { printf "%.3f", (b - a) / (o / 2^30) }')"
	case $who in raw*) return ;; esac
	note "cpu-$metric" "$who" "$(awk -v o="$octets" -v a="$c0" -v b="$(tunnel_cpu)" \
		'BEGIN { printf "%.3f", (b - a) / (o / 2^30) }')"
}

tunnel_packets() { # CONTENDER OCTETS-OF-THE-IP-PACKET
	local said
	said=$(cl "$packets" -s $(($2 - 28)) -t "$seconds" send "$far:9200" 10.1.2.2:9201)
	note "pps-$2" "$1" "$(tunnel_value "$said" pps)"
	note "lost-$2" "$1" "$(tunnel_value "$said" lost)"
}

trailer_bench() {
	local who round said
	results=$LAB_DIR/results
	: >"$results"
	(umask 077 && head -c 32 /dev/urandom | base64 -w0 >"$LAB_DIR/key")
	lab_start iperf "$PX" iperf3 -s
	for ((round = 1; round <= rounds; round++)); do
		for who in ${contenders//,/ }; do
			echo "round $round: $who" >&2
			start_tunnel "$who"
			tunnel_tcp tcp "$who"
			tunnel_tcp tcp-down "$who" -R
			for size in 64 512 1400; do
				tunnel_packets "$who" "$size"
			done
			said=$(cl "$packets" -s 64 -n 2000 ping "$far:9200") || lab_fail "$who: no answers"
			note p50 "$who" "$(tunnel_value "$said" p50_us)"
			note p99 "$who" "$(tunnel_value "$said" p99_us)"
			stop_tunnel
		done
	done
	printf 'cores %s, MTU %s outside and %s inside, kernel %s, %s, openvpn %s, wireguard-go %s, %s\n\n' \
		"$(nproc)" "$(cl cat /sys/class/net/wifi/mtu)" "$TUNNEL_MTU" "$(uname -r)" \
		"$("$BUILD/trailer-madp/mams-trailer" -V | head -n 1)" \
		"$(dpkg-query -W -f='${Version}' openvpn)" \
		"$(dpkg-query -W -f='${Version}' wireguard-go)" "$(date -u +%F)"
	python3 "$top/tests/bench/trailer_table.py" "$results" ${json:+--json "$json"}
}
