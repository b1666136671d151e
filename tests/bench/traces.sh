# shellcheck shell=bash disable=SC2154,SC2034
# Four days of links that change (tests/bench/traces), each played to every contender in turn: a
# download, a call of 1,000 packets/s and short web fetches at once.  Sourced by tests/bench/run, after
# grid.sh.

TRACE_SECONDS=40
FETCH=200 # KiB

trace_play() { # FILE: until it has come to its end
	local at link settings start
	start=$(lab_now_ms)
	while read -r at link settings; do
		while [ $(($(lab_now_ms) - start)) -lt "$(awk -v s="$at" 'BEGIN { printf "%d", s * 1000 }')" ]; do
			sleep 0.05
		done
		lab_emu set "$link" "$settings" >/dev/null
	done < <(grep -v '^#' "$1")
}

# As it is at its begin; to the kernel, too, which makes plain TCP of all MPTCP for an hour once SYNs of
# some have stayed without an answer.
trace_first() {
	local at link settings
	cl sysctl -qw net.mptcp.blackhole_timeout=3600
	while read -r at link settings; do
		[ "$at" != 0 ] || lab_emu set "$link" "dead=0,$settings" >/dev/null
	done < <(grep -v '^#' "$1")
}

# trace_fetches FILE OPTIONS...: one each second, and each in its own time; seconds, or 30 for one that
# did not come
trace_fetches() {
	local out=$1 i
	shift
	for ((i = 0; i < TRACE_SECONDS - 4; i++)); do
		# shellcheck disable=SC2086
		(cl ${around:-} curl -sf --max-time 30 -o /dev/null -w '%{time_total}\n' "$@" \
			http://10.9.9.2/fetch || echo 30) >>"$out" &
		sleep 1
	done
	wait
}

# trace_run WHO TRACE SOURCE CALL-OPTIONS...; SOURCE "" as routed
trace_run() {
	local who=$1 name=$2 source=$3 said jobs=() bound=() p
	shift 3
	[ -z "$source" ] || bound=(-B "$source")
	# shellcheck disable=SC2086
	lab_start iperf "$SV" ${around:-} iperf3 -s -1
	case " $* " in *" -t "*) p=-t ;; *) p= ;; esac
	# shellcheck disable=SC2086
	lab_start answer "$SV" ${p:+${around:-}} "$call" answer $p -o "$LAB_DIR/up.call" \
		10.9.9.2:9300
	lab_wait 10 listening 5201 && lab_wait 10 listening 9300
	lab_watch "$LAB_DIR/$who-$name.watch"
	: >"$LAB_DIR/fetches"
	trace_play "$top/tests/bench/traces/$name.trace" &
	jobs+=($!)
	# shellcheck disable=SC2086
	cl timeout 90 ${around:-} iperf3 -c 10.9.9.2 -R -t "$TRACE_SECONDS" -C "$congestion" -J \
		"${bound[@]}" >"$LAB_DIR/down.json" 2>/dev/null &
	jobs+=($!)
	trace_fetches "$LAB_DIR/fetches" ${source:+--interface "$source"} &
	jobs+=($!)
	# shellcheck disable=SC2086
	said=$(cl timeout 90 ${p:+${around:-}} "$call" call $p "${bound[@]}" -r 1000 -s 160 \
		-d $((TRACE_SECONDS - 1)) -o "$LAB_DIR/down.call" 10.9.9.2:9300) || said=
	wait "${jobs[@]}" || :
	lab_wait 10 lab_gone "${LAB_PID[answer]}" || :
	lab_end answer
	lab_end watch
	lab_end iperf
	said+=$'\n'$(tail -n 1 "$LAB_DIR/answer.log")
	note "down@$name" "$who" "$(jq '(.end.sum_received.bits_per_second // 0) / 1e6' "$LAB_DIR/down.json" ||
		echo 0)"
	for p in gone p99_ms; do
		note "call-$p@$name" "$who" "$(sed -n "s/.*\b$p=\([0-9.]*\).*/\1/p" <<<"$said" | sort -n |
			tail -n 1 | grep . || echo 99999)"
	done
	note "fetch-p95@$name" "$who" "$(sort -n "$LAB_DIR/fetches" |
		awk '{ v[NR] = $1 } END { print NR ? v[int((NR - 1) * 0.95) + 1] : 99999 }')"
	# to look at afterwards
	cp "$LAB_DIR/$who-$name.watch" "$watches/" 2>/dev/null || :
	for p in up.call down.call down.json fetches decisions; do
		cp "$LAB_DIR/$p" "$watches/$who-$name.$p" 2>/dev/null || :
	done
}

wants() { [ -z "$contenders" ] || [[ ,$contenders, == *,$1,* ]]; }

traces_others() {
	local name n who flags
	around="mptcpize run"
	lab_start nginx "$SV" mptcpize run nginx -c "$LAB_DIR/nginx.conf" -p "$LAB_DIR"
	for name in $traces; do
		for n in 1 2; do
			wants "link$n" || continue
			grid_progress "$name: link$n"
			trace_first "$top/tests/bench/traces/$name.trace"
			around=
			trace_run "link$n" "$name" "10.1.$n.2"
		done
		around="mptcpize run"
		for who in mptcp backup; do
			wants $who || continue
			grid_progress "$name: $who"
			trace_first "$top/tests/bench/traces/$name.trace"
			flags=subflow
			[ $who = mptcp ] || flags+=" backup"
			# shellcheck disable=SC2086
			cl ip mptcp endpoint add 10.1.2.2 dev lte $flags
			trace_run $who "$name" "" -t
			cl ip mptcp endpoint flush
		done
	done
	around=
	lab_end nginx
}

traces_ours() {
	local name d n
	grid_conf both
	# a host that knows its accesses may begin with more than ten packets (docs/operations.md)
	for n in 1 2; do
		# shellcheck disable=SC2046
		px ip route change $(px ip -4 route show "10.1.$n.0/24") initcwnd 32
	done
	printf 'steering %s\n' 'tcp { anchor = tcp mode = load-balancing dwell = 5s probation = 500ms }' \
		'rest { anchor = all mode = redundant dwell = 5s probation = 500ms }' >"$LAB_DIR/steering.conf"
	lab_start tr-n "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-n.conf" -d
	lab_start tr-c "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-c.conf" -d
	for d in nginx px-pm cl-pm px cl ncm; do lab_start_one $d; done
	for name in $traces; do
		grid_progress "$name: the toolkit"
		trace_first "$top/tests/bench/traces/$name.trace"
		grid_session both
		trace_run mams "$name" ""
	done
}

traces_bench() {
	results=$LAB_DIR/results
	: >"$results"
	watches=$top/build/traces
	mkdir -p "$watches"
	traces=$(printf '%s\n' walk train evening portal | grep -E -- "${cells:-.}") ||
		lab_fail "no trace has '$cells' in its name"
	grid_plain
	lab_conf
	head -c "${FETCH}K" /dev/urandom >"$LAB_DIR/www/fetch"
	[ "$contenders" = mams ] || traces_others
	px sysctl -qw net.mptcp.pm_type=1
	! wants mams || traces_ours
	printf 'cores %s, MTU %s, kernel %s, %s, %s, %s\n\n' "$(nproc)" "$(cl cat /sys/class/net/wifi/mtu)" \
		"$(uname -r)" "$congestion" "$("$BUILD/proxy/mams-proxy" -V)" "$(date -u +%F)"
	"$top/tests/bench/traces_table.py" "$results" --watches "$watches" --svg "$top/build" ${json:+--json "$json"}
}
