# shellcheck shell=bash
# Sourced by tests/bench/run: a crowd of CCMs and one mams-ncm, over https and over wss.  Everything
# but the clients' own network set-up is real: TLS with a certificate each, the N-MADP, the store.
# Needs: top, BUILD, LAB (lab.sh sourced), clients, hold.

clients=${clients:-5000} hold=${hold:-40}
crowd=$BUILD/tests/bench/mams-bench-clients
control_kib() { awk '/^Pss:/ { print $2 }' "/proc/${LAB_PID[ncm]}/smaps_rollup"; }
control_cpu() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($14 + $15) / hz }' "/proc/${LAB_PID[ncm]}/stat"; }
bare() { cl "$crowd" -d "$LAB_DIR" -n "$clients" -u "${url/wss:/https:}" bare; }
said() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p" <<<"$2" | head -n 1; }

control_lab() {
	local ns
	lab_net
	lab_certs
	lab_conf
	sed -i 's|{ "10.1.1.0/24"|{ "10.64.0.0/11", "10.1.1.0/24"|
		s|{ "10.1.2.0/24"|{ "10.96.0.0/11", "10.1.2.0/24"|' "$LAB_DIR/ncm.conf"
	cat >>"$LAB_DIR/ncm.conf" <<-X
		listen_wss = "10.1.1.1:8444"
		max_connections = 19000
		max_per_address = 19000
		max_sessions = $((clients + 10))
	X
	for ns in "$CL" "$PX"; do
		ip netns exec "$ns" sysctl -qw net.core.somaxconn=4096 \
			net.ipv4.tcp_max_syn_backlog=8192 net.ipv4.ip_local_port_range="10000 65000"
	done
	cp "$LAB_DIR/ca/ca.crt" "$LAB_DIR/ca/ca.key" "$LAB_DIR/"
	"$crowd" -d "$LAB_DIR" -n "$clients" certs
}

# crowd_says SECONDS WORD: up to the line that begins with WORD; a look at a file every few
# milliseconds would cost the crowd a third of a core.
crowd_says() {
	local end=$((SECONDS + $1)) line
	while ((SECONDS < end)); do
		if read -r -t 1 line <&8; then
			printf '%s\n' "$line" >>"$LAB_DIR/crowd.out"
			[[ $line != "$2"* ]] || return 0
		elif ! kill -0 "${LAB_PID[crowd]}" 2>/dev/null; then
			lab_fail "the crowd has died: $(tail -n 3 "$LAB_DIR/crowd.log")"
		fi
	done
	lab_fail "the crowd says nothing of \"$2\" within $1 s"
}

# control_one TRANSPORT PORT: one line of the table's columns.
control_one() {
	local transport=$1 url=https://10.1.1.1:8443 bare0 bare1 out kib0 kib1 kib2 cpu0 cpu1 d
	[ "$transport" = https ] || url=wss://10.1.1.1:8444
	rm -f "$LAB_DIR"/ncm.db* "$LAB_DIR/go" "$LAB_DIR/said"
	for d in px-pm px ncm; do lab_start_one "$d"; done
	lab_wait 10 test -S "$LAB_DIR/ncm.ctl"
	sleep 1
	echo "$transport: TLS handshakes" >&2
	bare0=$(bare)
	kib0=$(control_kib) cpu0=$(control_cpu)
	echo "$transport: $clients sessions" >&2
	mkfifo "$LAB_DIR/go" "$LAB_DIR/said"
	exec 9<>"$LAB_DIR/go" 8<>"$LAB_DIR/said"
	: >"$LAB_DIR/crowd.out"
	ip netns exec "$CL" "$crowd" -d "$LAB_DIR" -n "$clients" -u "$url" -c "$LAB_DIR/ncm.ctl" \
		-r 100 -s "$hold" -p crowd <"$LAB_DIR/go" >"$LAB_DIR/said" 2>>"$LAB_DIR/crowd.log" &
	LAB_PID[crowd]=$!
	crowd_says 300 active
	kib1=$(control_kib) cpu1=$(control_cpu)
	echo "$transport: 100 steering requests a second for $hold s" >&2
	echo go >&9
	sleep "$hold"
	kib2=$(control_kib)
	crowd_says 60 steers
	exec 9>&- 8>&-
	lab_end crowd
	sleep 2
	echo "$transport: TLS handshakes, again" >&2
	bare1=$(bare)
	out=$(cat "$LAB_DIR/crowd.out")
	for d in ncm px px-pm; do lab_end "$d"; done
	awk -v t="$transport" -v bare="$(said per_s "$bare0")" -v again="$(said per_s "$bare1")" \
		-v failed="$(($(said failed "$bare0") + $(said failed "$bare1")))" \
		-v per="$(sed -n 's/^setups.*per_s=//p' <<<"$out")" -v n="$clients" \
		-v active="$(sed -n 's/^end.*active=\([0-9]*\).*/\1/p' <<<"$out")" \
		-v lost="$(sed -n 's/^end.*lost=\([0-9]*\).*/\1/p' <<<"$out")" \
		-v cpu="$(awk -v a="$cpu0" -v b="$cpu1" 'BEGIN { print b - a }')" \
		-v k1=$((kib1 - kib0)) -v k2=$((kib2 - kib0)) \
		-v steers="$(said steers "$out")" -v applied="$(said applied "$out")" \
		-v p50="$(said delivery_p50_ms "$out")" -v p99="$(said delivery_p99_ms "$out")" \
		-v a99="$(said answer_p99_ms "$out")" 'BEGIN {
		printf "%s\n", t
		printf "bare TLS handshakes/s (failed), before|%.0f (%d)\n", bare, failed
		printf "bare TLS handshakes/s, after|%.0f\n", again
		bare = again > bare ? again : bare
		printf "set-ups/s, discovery to ACTIVE|%.0f\n", per
		printf "set-ups/s to the better of the two|%.2f\n", per / bare
		printf "CPU ms of mams-ncm for each set-up|%.2f\n", cpu * 1000 / n
		printf "sessions ACTIVE at the end (lost meanwhile)|%d (%d)\n", active, lost
		printf "KiB of mams-ncm per session, just set up|%.0f\n", k1 / n
		printf "KiB per session after keep-alives|%.0f\n", k2 / n
		printf "steering requests (applied)|%d (%d)\n", steers, applied
		printf "NCM to CCM delivery, ms, median|%.2f\n", p50
		printf "NCM to CCM delivery, ms, p99|%.2f\n", p99
		printf "steering answered, ms, p99|%.2f\n", a99 }'
}

control_bench() {
	ulimit -n "$(ulimit -Hn)"
	control_lab
	control_one https >"$LAB_DIR/https.table"
	control_one wss >"$LAB_DIR/wss.table"
	echo "cores $(nproc), kernel $(uname -r), $("$BUILD/ncm-service/mams-ncm" -V | head -n 1)," \
		"$clients clients, all on this machine, $(date +%F)"
	echo
	paste -d'|' "$LAB_DIR/https.table" "$LAB_DIR/wss.table" |
		awk -F'|' 'NR == 1 { printf "%-46s %12s %12s\n", "", $1, $2; next }
			{ printf "%-46s %12s %12s\n", $1, $2, $4 }
			$1 ~ /^set-ups.*better/ { bad = bad || $2 < 0.5 || $4 < 0.5 }
			$1 ~ /^KiB/ { bad = bad || $2 > 64 || $4 > 64 }
			$1 ~ /^sessions|^steering requests/ { bad = bad || !all($2) || !all($4) }
			function all(text) { split(text, n, /[ ()]+/)
				return n[1] > 0 && ($1 ~ /^sessions/ ? n[2] == 0 : n[1] == n[2]) }
			END { exit bad }'
}
