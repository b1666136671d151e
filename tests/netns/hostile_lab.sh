# shellcheck shell=bash
# Sourced by tests/netns/hostile.sh and tests/bench/run: an NCM, a crowd of honest clients that are
# steered through its ctl socket, and certificates of everybody who is to be refused.
# Needs: lab.sh sourced, LAB_CROWD (the command mams-bench-clients), honest (how many).
# shellcheck disable=SC2154 # honest, LAB_CROWD: set by who sources this

hostile_said() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p" "$2" | head -n 1; } # NAME FILE
hostile_is_up() { grep -q "$1" "$LAB_DIR/crowd.out" || ! kill -0 "${LAB_PID[crowd]}"; }

# honest_up URL RATE SECONDS: the crowd stands, and so many steering requests a second begin.
honest_up() {
	rm -f "$LAB_DIR/go"
	mkfifo "$LAB_DIR/go"
	exec 9<>"$LAB_DIR/go"
	: >"$LAB_DIR/crowd.out"
	ip netns exec "$CL" "${LAB_CROWD[@]}" -d "$LAB_DIR/ca" -n "$honest" -u "$1" \
		-c "$LAB_DIR/ncm.ctl" -r "$2" -s "$3" crowd <"$LAB_DIR/go" \
		>"$LAB_DIR/crowd.out" 2>>"$LAB_DIR/crowd.log" &
	LAB_PID[crowd]=$!
	lab_wait 120 hostile_is_up ^active
	echo go >&9
}
honest_end() { # FILE: for what was measured
	lab_wait 90 hostile_is_up ^steers
	exec 9>&-
	cp "$LAB_DIR/crowd.out" "$1"
	lab_end crowd
}

hostile_ca() { "$LAB_TOP/tools/mams-ca" "$@" >/dev/null; }

hostile_identities() {
	local identity ca=$LAB_DIR/ca
	for identity in other gone late; do hostile_ca -d "$ca" client $identity; done
	hostile_ca -d "$ca" revoke gone
	cp "$ca/gone.crt.revoked" "$ca/gone.crt"
	# as old as it is: it ends in the second in which it begins
	cp "$ca/late.key" "$ca/expired.key"
	openssl req -new -key "$ca/expired.key" -subj /CN=expired |
		openssl x509 -req -CA "$ca/ca.crt" -CAkey "$ca/ca.key" -days 0 \
			-out "$ca/expired.crt" 2>/dev/null
	hostile_ca -d "$LAB_DIR/foreign" init "lab CA"
	hostile_ca -d "$LAB_DIR/foreign" client foreign
	cp "$LAB_DIR"/foreign/foreign.* "$ca/"
	cp "$LAB_DIR/password" "$ca/password"
	"${LAB_CROWD[@]}" -d "$ca" -n "$honest" certs
}

# The lab, with the NCM listening: https on 8443, wss on 8444.
hostile_up() {
	local d
	lab_net && lab_certs && lab_conf || return 1
	sed -i 's|{ "10.1.1.0/24"|{ "10.64.0.0/11", "10.1.1.0/24"|
		s|{ "10.1.2.0/24"|{ "10.96.0.0/11", "10.1.2.0/24"|' "$LAB_DIR/ncm.conf"
	cat >>"$LAB_DIR/ncm.conf" <<-E
		listen_wss = { "10.1.1.1:8444", "10.1.2.1:8444" }
		client_crl = $LAB_DIR/ca/ca.crl
		max_per_address = 1200
	E
	hostile_identities
	for d in px-pm px ncm; do lab_start_one $d; done
	lab_wait 10 test -S "$LAB_DIR/ncm.ctl"
	sleep 2
}
