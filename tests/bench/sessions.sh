# shellcheck shell=bash disable=SC2154
# One N-MADP, one worker, and so many clients: memory of each at rest, CPU time of each packet; sourced
# by tests/bench/run.  The same bursts come from one session, from ACTIVE of many by turns while the
# others rest, and from all of them by turns: then each is as busy with reports and probes as any.
# Then the rate grows until packets are lost: the most that is forwarded.
#
# The N-MADP has one core, the clients another.  What it sends to clients is received on theirs: over
# veth the sender's core would do it, work that on a real network is another machine's.  It has its
# memory as its service has it.

ACTIVE=50
RATE=700000 # where CPU time is compared

session_one() { # SESSIONS ACTIVE
	lab_start tn "$PX" env "$(sed -n 's/^Environment=//p' "$top/deploy/systemd/mams-trailer.service")" \
		taskset -c 0 "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tn.conf"
	lab_wait 10 test -S "$LAB_DIR/tn.ctl"
	cl taskset -c 1 "$BUILD/tests/bench/mams-bench-sessions" -n "$1" -a "$2" -p "${LAB_PID[tn]}" -c "$LAB_DIR/tn.ctl" \
		-r "$RATE" -m 10.1.1.2 10.1.1.1:7446
	lab_end tn
}

# so many of the middle one of: WORD=VALUE lines on stdin
session_median() { sed -n "s/.*\b$1=\([0-9.-]*\).*/\1/p" | sort -n | sed -n "$(((rounds + 1) / 2))p"; }

sessions_bench() {
	local round n word
	ulimit -n "$(ulimit -Hn)"
	printf 'role = network\nctl_socket = %s\nworkers = 1\nproofs = 100000\nlisten = { "10.1.1.1" }\n' \
		"$LAB_DIR/tn.ctl" >"$LAB_DIR/tn.conf"
	ip -n "$PX" route add blackhole 198.18.0.0/15 # where the packets go
	# shellcheck disable=SC2016
	cl sh -c 'for f in /sys/class/net/*/queues/rx-0/rps_cpus; do echo 2 >"$f"; done'
	for ((round = 1; round <= rounds; round++)); do
		session_one 1 1 >>"$LAB_DIR/sessions-one"
		session_one "$clients" "$ACTIVE" >>"$LAB_DIR/sessions-some"
		session_one "$clients" "$clients" >>"$LAB_DIR/sessions-all"
	done
	printf 'cores %s, kernel %s, %s, medians of %s, %s\n\n' "$(nproc)" "$(uname -r)" \
		"$("$BUILD/trailer-madp/mams-trailer" -V | head -n 1)" "$rounds" "$(date -u +%F)"
	for n in one some all; do
		for word in sessions active idle_kib idle_cpu_percent lost ns_per_packet control_sent \
			control_received most_pps most_ns again; do
			printf '%s=%s ' "$word" "$(session_median "$word" <"$LAB_DIR/sessions-$n")"
		done
		echo
	done
	for n in some all; do
		ratio "$n" "throughput per packet (CPU time of one at $RATE/s)" ns_per_packet -1
		ratio "$n" "throughput at most" most_pps 1
	done
}

ratio() { # WHICH TEXT WORD 1|-1
	awk -v n="$1" -v text="$2" -v up="$4" -v one="$(session_median "$3" <"$LAB_DIR/sessions-one")" \
		-v many="$(session_median "$3" <"$LAB_DIR/sessions-$1")" \
		'BEGIN { printf "%s, %s of many to one: %.2f\n", text, n, (up > 0) ? many / one : one / many }'
}
