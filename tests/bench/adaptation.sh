# shellcheck shell=bash disable=SC2154,SC2034
# What each adaptation of a link costs, beside the plain UDP tunnel; sourced by tests/bench/run after
# trailer.sh.  One veth pair, both ends and the load on this machine, 1400 octets inside the tunnels.
# The server is the far end itself, so that all pay for one hop only.
#
#   trailer, plain and with DTLS     IP in mams-trailer, one link, workers 1
#   proxy, none and in IPsec         TCP in mams-proxy at both ends, one subflow; IPsec by two charons,
#                                    in tunnel mode over UDP, by the kernel if it has ESP
#   OpenVPN                          AES-128-GCM, for comparison
#
# Before it the association itself: handshakes and memory, ASSOCIATIONS of them on one N-MADP.

ASSOCIATIONS=500
ADAPTATION_LEAST=2.5 # of DTLS to OpenVPN

adaptation_proxy() { # none | ipsec
	local d=$LAB_DIR p
	far=10.9.9.1
	lab_certs && lab_conf || return 1
	# one access, and a way to the NCM beside it
	sed -i -e '/^listen =/c listen = { "10.1.2.1:8443" }' -e '/access lte/,/^\s*}/d' "$d/ncm.conf"
	sed -i -e '/^ncm =/c ncm = { "https://10.1.2.1:8443" }' -e '/link lte/,/^\s*}/d' "$d/ccm.conf"
	sed -i 's|^allow =.*|allow = { "10.9.9.1/32" }|' "$d/px.conf"
	if [ "$1" = ipsec ]; then
		ip -n "$PX" addr replace 10.1.1.3/24 dev wifi
		sed -i 's|proxies = .*|proxies = { "10.1.1.3:7443" }\nadaptation = IPsec|' "$d/ncm.conf"
		sed -i "/^listen =/c listen = { \"10.1.1.3:7443\" }\nprotected = { \"10.1.1.3:7443\" }\nvici_socket = $d/px-charon.vici" "$d/px.conf"
		echo "vici_socket = $d/cl-charon.vici" >>"$d/ccm.conf"
		lab_charon cl-charon "$CL" && lab_charon px-charon "$PX" || return 1
	fi
	for p in px-pm cl-pm px cl ncm ccm; do
		lab_start_one "$p"
	done
	lab_wait 30 lab_ready || lab_fail "proxy, $1: no session; see $d/*.log"
	[ "$1" = none ] || lab_wait 30 adaptation_protected ||
		lab_fail "no association; see $d/*-charon.log"
}
adaptation_protected() {
	[ "$(lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r '.links[0].sa')" = up ]
}

adaptation_openvpn() {
	local ca=$LAB_DIR/ca o end
	far=10.60.0.1
	lab_certs
	o="--dev ovpn --dev-type tun --port 1194 --tun-mtu $TUNNEL_MTU --data-ciphers AES-128-GCM
		--cipher AES-128-GCM --ca $ca/ca.crt --fast-io --sndbuf 4194304 --rcvbuf 4194304
		--txqueuelen 10000 --disable-dco --verb 3"
	# shellcheck disable=SC2086 # words
	lab_start tn "$PX" openvpn $o --tls-server --dh none --local 10.1.1.1 --remote 10.1.1.2 \
		--ifconfig 10.60.0.1 10.60.0.2 --cert "$ca/ncm.crt" --key "$ca/ncm.key"
	# shellcheck disable=SC2086
	lab_start tc "$CL" openvpn $o --tls-client --local 10.1.1.2 --remote 10.1.1.1 \
		--ifconfig 10.60.0.2 10.60.0.1 --cert "$ca/laptop.crt" --key "$ca/laptop.key"
	for end in tn tc; do
		lab_wait 20 grep -q "Initialization Sequence Completed" "$LAB_DIR/$end.log" ||
			lab_fail "no OpenVPN; see $LAB_DIR/$end.log"
		grep -q "Data Channel: cipher 'AES-128-GCM'" "$LAB_DIR/$end.log" ||
			lab_fail "OpenVPN without AES-128-GCM; see $LAB_DIR/$end.log"
	done
}

adaptation_start() {
	case $1 in
	mams | dtls) start_tunnel "$1" ;;
	proxy) adaptation_proxy none ;;
	proxy-ipsec) adaptation_proxy ipsec ;;
	openvpn-aes)
		adaptation_openvpn
		lab_start sink "$PX" "$packets" sink "$far:9200" 10.1.2.2:9201
		;;
	esac
}

adaptation_stop() {
	local n
	for n in sink tc tn ccm cl cl-pm ncm px px-pm cl-charon px-charon; do
		lab_end "$n"
	done
	rm -rf "$LAB_DIR/ca" "$LAB_DIR"/*.log "$LAB_DIR"/ncm.db* "$LAB_DIR"/ccm.state
	ip -n "$PX" addr del 10.1.1.3/24 dev wifi 2>/dev/null || :
}

# CPU seconds of both ends: all that carries, not what only controls
tunnel_cpu() {
	local n
	for n in tc tn cl px cl-charon px-charon; do
		[ -z "${LAB_PID[$n]:-}" ] || cat "/proc/${LAB_PID[$n]}"/task/*/schedstat
	done | awk '{ s += $1 } END { printf "%.6f", s / 1e9 }'
}

adaptation_associations() {
	local round said="$LAB_DIR/associations" with
	printf 'role = network\nctl_socket = %s\nworkers = 1\nproofs = 100000\nlisten = { "10.1.1.1" }\n' \
		"$LAB_DIR/tn.ctl" >"$LAB_DIR/tn.conf"
	for ((round = 1; round <= rounds; round++)); do
		for with in i d; do
			echo "round $round: associations, -$with" >&2
			lab_start tn "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tn.conf"
			lab_wait 10 test -S "$LAB_DIR/tn.ctl"
			cl "$BUILD/tests/bench/mams-bench-sessions" -n "$ASSOCIATIONS" -"$with" -p "${LAB_PID[tn]}" \
				-c "$LAB_DIR/tn.ctl" 10.1.1.2 10.1.1.1:7446 >"$said"
			note "kib-$with" association "$(tunnel_value "$(cat "$said")" idle_kib)"
			lab_end tn
		done
		note handshake association "$(tunnel_value "$(cat "$said")" handshake_ms)"
		note handshake-network association "$(tunnel_value "$(cat "$said")" of_network_ms)"
	done
}

adaptation_bench() {
	local who round
	results=$LAB_DIR/results
	: >"$results"
	ulimit -n "$(ulimit -Hn)"
	(umask 077 && head -c 32 /dev/urandom | base64 -w0 >"$LAB_DIR/key")
	lab_start iperf "$PX" iperf3 -s
	for ((round = 1; round <= rounds; round++)); do
		for who in ${contenders//,/ }; do
			echo "round $round: $who" >&2
			adaptation_start "$who"
			lab_wait 15 cl iperf3 -c "$far" -n 1M || lab_fail "$who does not carry; see $LAB_DIR/*.log"
			tunnel_tcp tcp "$who"
			tunnel_tcp tcp-down "$who" -R
			[[ $who == proxy* ]] || tunnel_packets "$who" 1400
			adaptation_stop
		done
	done
	rounds=1 adaptation_associations
	printf 'cores %s, MTU %s outside and %s inside, kernel %s, %s, openvpn %s, strongswan %s, %s\n\n' \
		"$(nproc)" "$(cl cat /sys/class/net/wifi/mtu)" "$TUNNEL_MTU" "$(uname -r)" \
		"$("$BUILD/trailer-madp/mams-trailer" -V | head -n 1)" \
		"$(dpkg-query -W -f='${Version}' openvpn)" \
		"$(dpkg-query -W -f='${Version}' strongswan-charon)" "$(date -u +%F)"
	python3 "$top/tests/bench/adaptation_table.py" "$results" --least "$ADAPTATION_LEAST" \
		${json:+--json "$json"}
}
