# shellcheck shell=bash
# Sourced by tests/bench/run: what a hundred honest clients notice of the hostile ones of
# tests/netns/hostile.py, the same minute, by turns: quiet, attacked, quiet, attacked, ...
# Needs: top, BUILD, LAB (lab.sh sourced), rounds, hold.
# shellcheck disable=SC2034,SC2154 # read by hostile_lab.sh; set by run

honest=100
LAB_CROWD=("$BUILD/tests/bench/mams-bench-clients")
# shellcheck source=tests/netns/hostile_lab.sh
. "$top/tests/netns/hostile_lab.sh"

# hostile_turn TRANSPORT quiet|attacked: a line "p50 p99 steers applied lost".
hostile_turn() {
	local url=https://10.1.1.1:8443 f=$LAB_DIR/turn
	[ "$1" = https ] || url=wss://10.1.1.1:8444
	if [ "$2" = attacked ]; then
		cl "$top/tests/netns/hostile.py" "$LAB_DIR/ca" 10.1.2.1 10.1.2.2 $((hold + 4)) \
			>"$LAB_DIR/cases" 2>>"$LAB_DIR/hostile.log" &
		LAB_PID[hostile]=$!
		sleep 2
	fi
	honest_up "$url" 200 "$hold"
	honest_end "$f"
	if [ "$2" = attacked ]; then
		wait "${LAB_PID[hostile]}" || echo "hostile.py: $(tail -n 3 "$LAB_DIR/hostile.log")" >&2
		awk -F'|' '$2 != $3 { print "wrong answer: " $0 }' "$LAB_DIR/cases" >&2
	fi
	echo "$(hostile_said delivery_p50_ms "$f") $(hostile_said delivery_p99_ms "$f")" \
		"$(hostile_said steers "$f") $(hostile_said applied "$f") $(hostile_said lost "$f")"
}

hostile_bench() {
	local transport turn failed=0
	hostile_up
	for transport in https wss; do
		for ((turn = 0; turn < rounds; turn++)); do
			echo "$transport: round $((turn + 1)) of $rounds" >&2
			hostile_turn "$transport" quiet >>"$LAB_DIR/$transport.quiet"
			hostile_turn "$transport" attacked >>"$LAB_DIR/$transport.attacked"
		done
	done
	echo "cores $(nproc), kernel $(uname -r), $("$BUILD/ncm-service/mams-ncm" -V | head -n 1)," \
		"$honest clients, 200 steering requests/s, $rounds times $hold s, $(date +%F)"
	echo
	printf '%-46s %12s %12s %8s\n' "" quiet attacked ratio
	for transport in https wss; do
		paste "$LAB_DIR/$transport.quiet" "$LAB_DIR/$transport.attacked" | awk -v t="$transport" '
			function median(v, n, i, k, x) {
				for (i = 1; i <= n; i++)
					for (k = i + 1; k <= n; k++)
						if (v[k] < v[i]) { x = v[i]; v[i] = v[k]; v[k] = x }
				return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
			}
			function row(what, a, b) {
				printf "%-46s %12.2f %12.2f %8.2f\n", t ": " what, a, b, b / a
			}
			{ a50[NR] = $1; a99[NR] = $2; b50[NR] = $6; b99[NR] = $7
			  sent += $3 + $8; bad += $3 - $4 + $8 - $9; lost += $5 + $10 }
			END {
				row("NCM to CCM delivery, ms, median", median(a50, NR), median(b50, NR))
				q = median(a99, NR); h = median(b99, NR)
				row("NCM to CCM delivery, ms, p99", q, h)
				printf "%-46s %12d %12d\n", t ": steering requests (not applied)", sent, bad
				printf "%-46s %12d\n", t ": sessions lost", lost
				exit !(h <= 2 * q && bad == 0 && lost == 0 && sent > 0)
			}' || failed=1
	done
	echo
	echo "p99: medians of the rounds; attacked is to be at most twice quiet"
	return $failed
}
