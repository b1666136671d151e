# shellcheck shell=bash disable=SC2154,SC2034
# Pairs of links of which one is worse, and what a download and a call get of them: over each link
# alone, over both by the kernel's own MPTCP, and over both by the toolkit.  Sourced by tests/bench/run.
# wifi is the good link, lte the worse one; their settings are the emulator's.

call=$BUILD/tests/bench/mams-bench-call
GRID_RATES="100:5 50:50"
GRID_DELAYS="10:10 10:150 10:350"
GRID_LOSSES="0 1 5"
GRID_BLOATS="0 500"
GRID_SETTLE=4 # s

note() { echo "$*" >>"$results"; } # METRIC CONTENDER VALUE

# RATE DELAY: octets of a queue of 50 ms and a round trip, at least 30 kB
grid_queue() { echo $((($1 * 125 * (50 + 2 * $2) + 30000) / 1000)); }

# "RATES-DELAYS-LOSS-BLOAT": a cell's settings; with bloat the worse link's queue holds so many ms
grid_cell() {
	local rates delays loss bloat queue
	IFS=- read -r rates delays loss bloat <<<"$1"
	queue=$(grid_queue "${rates#*:}" "${delays#*:}")
	[ "$bloat" = 0 ] || queue=$((${rates#*:} * 125 * bloat / 1000))
	lab_emu set wifi "rate=${rates%:*}m,delay=${delays%:*}ms,loss=0,queue=$(grid_queue "${rates%:*}" \
		"${delays%:*}")k" >/dev/null
	lab_emu set lte "rate=${rates#*:}m,delay=${delays#*:}ms,loss=$loss,queue=${queue}k" >/dev/null
}

listening() { sv ss -Hltun "sport = :$1" | grep -q .; }

# grid_down WHO CELL IPERF-OPTIONS...: a download of $seconds; $around is put before both ends
grid_down() {
	local who=$1 cell=$2
	shift 2
	# a server for each: it keeps the congestion control of the one before
	# shellcheck disable=SC2086 # words
	lab_start iperf "$SV" ${around:-} iperf3 -s -1
	lab_wait 10 listening 5201
	# shellcheck disable=SC2086
	cl timeout 60 ${around:-} iperf3 -c 10.9.9.2 -R -t "$seconds" -C "$congestion" -J "$@" \
		>"$LAB_DIR/down.json" || :
	note "down@$cell" "$who" "$(jq '(.end.sum_received.bits_per_second // 0) / 1e6' "$LAB_DIR/down.json")"
	lab_end iperf
}

# grid_call WHO CELL CALL-OPTIONS...: both directions; the worse of the two is noted
grid_call() {
	local who=$1 cell=$2 said
	shift 2
	# shellcheck disable=SC2086
	case " $* " in
	*" -t "*) lab_start answer "$SV" ${around:-} "$call" answer -t 10.9.9.2:9300 ;;
	*) lab_start answer "$SV" "$call" answer 10.9.9.2:9300 ;;
	esac
	lab_wait 10 listening 9300
	# shellcheck disable=SC2086
	said=$(cl timeout 60 ${around:-} "$call" call -r 100 -s 200 -d 3 "$@" 10.9.9.2:9300) || said=
	wait "${LAB_PID[answer]}" || :
	unset "LAB_PID[answer]"
	said+=$'\n'$(tail -n 1 "$LAB_DIR/answer.log")
	# one that never came is as late as can be
	for metric in lost p99_ms; do
		note "call-$metric@$cell" "$who" "$(sed -n "s/.*\b$metric=\([0-9.]*\).*/\1/p" <<<"$said" |
			sort -n | tail -n 1 | grep . || echo 99999)"
	done
}

# The plain networks, with a table for each link.
grid_plain() {
	local n name
	for n in 1 2; do
		name=wifi
		[ "$n" = 1 ] || name=lte
		cl ip route replace default via "10.1.$n.1" dev "$name" table "20$n"
		cl ip rule add from "10.1.$n.2" table "20$n" pref 100
	done
	for n in "$CL" "$PX" "$SV"; do
		ip netns exec "$n" sysctl -qw net.ipv4.tcp_no_metrics_save=1
		ip -n "$n" mptcp limits set subflow 2 add_addr_accepted 2
	done
}

grid_conf() { # METHOD
	lab_conf
	sed -i '/proxies =/d' "$LAB_DIR/ncm.conf"
	[ "$1" = trailer ] || cat >>"$LAB_DIR/ncm.conf" <<-X
		madp proxy {
			ctl = $LAB_DIR/px.ctl
			pm = $LAB_DIR/px-pm.ctl
			proxies = { "wifi 10.1.1.1:7443", "lte 10.1.2.1:7443" }
		}
		anchor tcp {
			id = 0
			methods = { MPTCP_Proxy }
		}
	X
	[ "$1" = proxy ] || cat >>"$LAB_DIR/ncm.conf" <<-X
		madp trailer {
			trailer = $LAB_DIR/tr-n.ctl
			tunnels = { "wifi 10.1.1.1", "lte 10.1.2.1" }
			addresses = { "10.60.0.0/16" }
		}
		anchor all {
			id = 1
			methods = { GMA }
		}
	X
	[ "$1" = proxy ] || cat >>"$LAB_DIR/ccm.conf" <<-X
		methods = { $([ "$1" = trailer ] || echo "MPTCP_Proxy,") GMA }
		trailer_socket = $LAB_DIR/tr-c.ctl
		dns_file = $LAB_DIR/resolv
	X
	cat >"$LAB_DIR/tr-n.conf" <<-X
		role = network
		ctl_socket = $LAB_DIR/tr-n.ctl
		listen = { "10.1.1.1", "10.1.2.1" }
		masquerade = { "10.60.0.0/16" }
	X
	printf 'role = client\nctl_socket = %s\n' "$LAB_DIR/tr-c.ctl" >"$LAB_DIR/tr-c.conf"
	cat >>"$LAB_DIR/ncm.conf" <<-X
		policy_file = $LAB_DIR/steering.conf
		decision_log = $LAB_DIR/decisions
		control_port = 7444
		probe wifi { type = Wi-Fi init_duration = 1s init_rate = 2 }
		probe lte { type = LTE init_duration = 1s init_rate = 2 }
	X
	# by its name: mams-proxy does not start where it is not permitted to use what the others do
	printf 'control_listen = { "10.1.1.1:7444", "10.1.2.1:7444" }\ncongestion = %s\n' \
		"$congestion" >>"$LAB_DIR/px.conf"
	grid_policy "$1" load-balancing
}

grid_cells() {
	local r d l b
	for r in $GRID_RATES; do for d in $GRID_DELAYS; do for l in $GRID_LOSSES; do
		for b in $GRID_BLOATS; do echo "$r-$d-$l-$b"; done
	done; done; done | grep -E -- "${cells:-.}"
}
grid_wants() { [[ ,$1, == *,"$2",* ]]; } # LIST ITEM

# grid_policy METHOD MODE: what the NCM steers by
grid_policy() {
	printf 'steering all { anchor = %s mode = %s call_like = %s }\n' "$([ "$1" = proxy ] && echo tcp ||
		echo all)" "$2" "$([ "$2" = smallest-delay ] && echo yes || echo no)" >"$LAB_DIR/steering.conf"
}

# grid_ours METHOD: the toolkit's daemons
grid_ours() {
	local d
	grid_conf "$1"
	for d in n c; do
		[ "$1" = proxy ] || lab_start "tr-$d" "$([ $d = n ] && echo "$PX" || echo "$CL")" \
			"$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-$d.conf" -d
	done
	for d in px-pm cl-pm px cl ncm; do lab_start_one $d; done
}

# grid_session METHOD: a client that comes to links as they are now, and is left a while to get to
# know them
grid_session() {
	lab_end ccm
	lab_start_one ccm
	if [ "$1" = proxy ]; then lab_wait 20 lab_ready; else lab_wait 20 grid_tunnelled; fi ||
		lab_fail "no session; see $LAB_DIR/*.log"
	sleep "$GRID_SETTLE"
}
grid_tunnelled() { lab_is_active && cl ip route get 10.9.9.2 | grep -q 'dev mams'; }

# What the policy goes by comes from what is carried, too: the figures are of a session that has carried
# something before.
grid_warm() {
	lab_start iperf "$SV" iperf3 -s -1
	lab_wait 10 listening 5201
	cl timeout 30 iperf3 -c 10.9.9.2 -R -t 3 >/dev/null || :
	lab_end iperf
}

grid_progress() { [ ! -t 2 ] || printf '\r%-60s' "$*" >&2; }

# The links alone, and the kernel's MPTCP.
grid_link() { # 1|2 CELL
	if grid_wants "$kinds" down; then grid_down "link$1" "$2" -B "10.1.$1.2"; fi
	grid_wants "$kinds" call || return 0
	grid_call "link$1" "$2" -B "10.1.$1.2"
	grid_call "link$1-tcp" "$2" -t -B "10.1.$1.2"
}

grid_mptcp() { # CELL
	cl ip mptcp endpoint add 10.1.2.2 dev lte subflow
	around="mptcpize run"
	if grid_wants "$kinds" down; then grid_down mptcp "$1"; fi
	if grid_wants "$kinds" call; then grid_call mptcp "$1" -t; fi
	around=
	cl ip mptcp endpoint flush
}

grid_others() {
	local cell n
	for cell in $(grid_cells); do
		grid_progress "$cell: each link alone, kernel MPTCP"
		grid_cell "$cell"
		for n in 1 2; do
			if grid_wants "$contenders" "link$n"; then grid_link $n "$cell"; fi
		done
		if grid_wants "$contenders" mptcp; then grid_mptcp "$cell"; fi
	done
}

grid_toolkit() { # METHOD
	local cell kind mode
	local -a options=()
	[ "$1" != proxy ] || options=(-t)
	grid_ours "$1"
	for kind in ${kinds//,/ }; do
		[ "$kind" = call ] && mode=smallest-delay || mode=load-balancing
		grid_policy "$1" "$mode"
		lab_end ncm
		lab_start_one ncm
		for cell in $(grid_cells); do
			grid_progress "$cell: $1, $mode"
			grid_cell "$cell"
			grid_session "$1"
			grid_warm
			if [ "$kind" = down ]; then
				grid_down "$1" "$cell"
			else
				grid_call "$1" "$cell" "${options[@]}"
			fi
			grid_keep "$1-$kind-$cell"
		done
	done
	for d in ccm cl cl-pm ncm px px-pm tr-c tr-n; do lab_end "$d"; done
}

# grid_keep NAME: what the policy knew, and why it did what it did
grid_keep() {
	mkdir -p "$top/build/grid"
	lab_mamsctl -s "$LAB_DIR/ncm.ctl" paths >"$top/build/grid/$1.paths" || :
	cp "$LAB_DIR/decisions" "$top/build/grid/$1.decisions" 2>/dev/null || :
	cp "$LAB_DIR/down.json" "$top/build/grid/$1.json" 2>/dev/null || :
}

grid_bench() {
	results=$LAB_DIR/results
	: >"$results"
	contenders=${contenders:-link1,link2,mptcp,proxy,trailer} kinds=${kinds:-down,call}
	grid_cells >/dev/null || lab_fail "no pair of links has '$cells' in its name"
	grid_plain
	grid_others
	px sysctl -qw net.mptcp.pm_type=1
	for method in proxy trailer; do
		if grid_wants "$contenders" $method; then grid_toolkit $method; fi
	done
	"$top/tests/bench/grid_table.py" "$results" --svg "$top/build/grid.svg" ${json:+--json "$json"} \
		--run "$(date -u '+%F %H:%M') UTC" --of "cores $(nproc), MTU $(cl cat /sys/class/net/wifi/mtu), \
kernel $(uname -r), $congestion, downloads of $seconds s, $("$BUILD/proxy/mams-proxy" -V)"
}
