# shellcheck shell=bash
# The lab: a client with two accesses, an N-MADP host with the NCM, a server.  Sourced by deploy/demo
# and by the tests in tests/netns.  Everything lives in namespaces and one directory; lab_down ends
# and removes all of it, whatever happened before.
#
#        client                      N-MADP host                     server
#     +----------+ wifi 20 Mbit/s  +-------------+               +-----------+
#     |  .2 -----+-- 10.1.1.0/24 --+-- .1        | core          |           |
#     |          |   fd01:1::/64   |      .1 ----+-- 10.9.9.0/24-+-- .2      |
#     |  .2 -----+-- 10.1.2.0/24 --+-- .1        |   fd09::/64   |   nginx   |
#     |          | lte 50 Mbit/s   |             |               |           |
#     +----------+   fd01:2::/64   +-------------+               +-----------+
#     mptcpd+mams_pm               mptcpd+mams_pm
#     mams-proxy (client)          mams-proxy (network)
#     mams-ccm                     mams-ncm
#
# Before lab_net: LAB (prefix of the namespaces' names) and BUILD (build directory) may be set.
# With LAB_WIFI_EMU or LAB_LTE_EMU set, such as rate=20m,delay=10ms,queue=100k,loss=1, both accesses
# are links of the emulator (tests/support/linkemu.c); then lab_emu changes them.

LAB=${LAB:-mams}
LAB_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$LAB_TOP/build/debug}
CL=$LAB-client
PX=$LAB-madp
SV=$LAB-server
LAB_WIFI_RATE=${LAB_WIFI_RATE:-20mbit}
LAB_LTE_RATE=${LAB_LTE_RATE:-50mbit}
LAB_PATIENCE=${LAB_PATIENCE:-15}
LAB_DIR=
declare -A LAB_PID=()

cl() { ip netns exec "$CL" "$@"; }
px() { ip netns exec "$PX" "$@"; }
sv() { ip netns exec "$SV" "$@"; }

lab_fail() {
	echo "lab: $*" >&2
	return 1
}

# lab_wait SECONDS COMMAND...: until it succeeds.
lab_wait() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# The emulator's links: both devices of both accesses.
lab_emu_start() {
	lab_start emu "$CL" "$BUILD/tests/support/mams-linkemu" -s "$LAB_DIR/emu.sock" \
		"wifi:$CL:$PX:${LAB_WIFI_EMU:-}" "lte:$CL:$PX:${LAB_LTE_EMU:-}"
	lab_wait 5 test -S "$LAB_DIR/emu.sock" || lab_fail "no emulator; see $LAB_DIR/emu.log"
}

# lab_emu COMMAND...: set wifi loss=1, down lte, up lte, show; settings of one direction begin with
# ab. (from the client) or ba.
lab_emu() { "$BUILD/tests/support/mams-linkemu" -c "$LAB_DIR/emu.sock" "$@"; }

lab_link() { # NAME NET RATE: between client and N-MADP host
	local name=$1 net=$2 rate=$3
	if [ -n "${LAB_WIFI_EMU:-}${LAB_LTE_EMU:-}" ]; then
		rate=none
	else
		ip link add "$name" netns "$CL" type veth peer name "$name" netns "$PX"
	fi
	local side
	for side in "$CL 2" "$PX 1"; do
		# shellcheck disable=SC2086 # two words
		set -- $side
		ip -n "$1" addr add "10.1.$net.$2/24" dev "$name"
		ip -n "$1" addr add "fd01:$net::$2/64" dev "$name" nodad
		ip -n "$1" link set "$name" up
		[ "$rate" = none ] || tc -n "$1" qdisc replace dev "$name" root tbf \
			rate "$rate" burst 32kb latency 50ms
	done
}

# What DHCP and router advertisements would have made; lost with every link down.
lab_client_routes() {
	ip -n "$CL" route replace default via 10.1.1.1 dev wifi metric 100 2>/dev/null || :
	ip -n "$CL" route replace default via 10.1.2.1 dev lte metric 200 2>/dev/null || :
	ip -n "$CL" -6 route replace default via fd01:1::1 dev wifi metric 100 2>/dev/null || :
	ip -n "$CL" -6 route replace default via fd01:2::1 dev lte metric 200 2>/dev/null || :
}

lab_net() {
	local ns
	[ "$(id -u)" = 0 ] || lab_fail "must be run as root: namespaces and routes are made" || return 1
	LAB_DIR=$(mktemp -d "/tmp/$LAB-lab.XXXXXX")
	for ns in "$CL" "$PX" "$SV"; do
		ip netns del "$ns" 2>/dev/null || :
		ip netns add "$ns"
		ip -n "$ns" link set lo up
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 net.ipv4.tcp_fastopen=3
	done
	[ -z "${LAB_WIFI_EMU:-}${LAB_LTE_EMU:-}" ] || lab_emu_start || return 1
	lab_link wifi 1 "$LAB_WIFI_RATE"
	lab_link lte 2 "$LAB_LTE_RATE"
	ip link add core netns "$PX" type veth peer name core netns "$SV"
	ip -n "$PX" addr add 10.9.9.1/24 dev core
	ip -n "$PX" addr add fd09::1/64 dev core nodad
	ip -n "$SV" addr add 10.9.9.2/24 dev core
	ip -n "$SV" addr add fd09::2/64 dev core nodad
	ip -n "$PX" link set core up
	ip -n "$SV" link set core up
	ip -n "$SV" route add default via 10.9.9.1
	ip -n "$SV" -6 route add default via fd09::1
	px sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.mptcp.pm_type=1
	cl sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.wifi.keep_addr_on_down=1 \
		net.ipv6.conf.lte.keep_addr_on_down=1
	lab_client_routes
}

lab_certs() {
	local ca=$LAB_DIR/ca
	"$LAB_TOP/tools/mams-ca" -d "$ca" init "lab CA" >/dev/null
	"$LAB_TOP/tools/mams-ca" -d "$ca" -s 10.1.1.1 -s 10.1.2.1 -s fd01:1::1 -s fd01:2::1 \
		server ncm >/dev/null
	"$LAB_TOP/tools/mams-ca" -d "$ca" client laptop >/dev/null
	head -c 18 /dev/urandom | base64 >"$LAB_DIR/password"
	chmod 600 "$LAB_DIR/password"
	"$LAB_TOP/tools/mams-ca" -d "$ca" -p "$LAB_DIR/password" digest-add phone >/dev/null
}

lab_conf() {
	local d=$LAB_DIR
	cat >"$d/ncm.conf" <<-E
		ncm_id = 1
		listen = { "10.1.1.1:8443", "10.1.2.1:8443" }
		certificate = $d/ca/ncm.crt
		key = $d/ca/ncm.key
		client_ca = $d/ca/ca.crt
		digest_users = $d/ca/digest.users
		store = $d/ncm.db
		ctl_socket = $d/ncm.ctl
		proxy_socket = $d/px.ctl
		pm_socket = $d/px-pm.ctl
		access wifi {
			type = Wi-Fi
			client_networks = { "10.1.1.0/24", "fd01:1::/64" }
			proxies = { "10.1.1.1:7443", "[fd01:1::1]:7443" }
		}
		access lte {
			type = LTE
			client_networks = { "10.1.2.0/24", "fd01:2::/64" }
			proxies = { "10.1.2.1:7443", "[fd01:2::1]:7443" }
		}
	E
	cat >"$d/ccm.conf" <<-E
		ncm = { "https://10.1.1.1:8443", "https://10.1.2.1:8443" }
		ca = $d/ca/ca.crt
		certificate = $d/ca/laptop.crt
		key = $d/ca/laptop.key
		ctl_socket = $d/ccm.ctl
		proxy_socket = $d/cl.ctl
		pm_socket = $d/cl-pm.ctl
		state_file = $d/ccm.state
		link wifi {
			connection_id = 0
			type = Wi-Fi
			interface = wifi
		}
		link lte {
			connection_id = 1
			type = LTE
			interface = lte
			priority = 1
		}
	E
	cat >"$d/px.conf" <<-E
		role = network
		ctl_socket = $d/px.ctl
		pm_socket = $d/px-pm.ctl
		listen = { "10.1.1.1:7443", "10.1.2.1:7443", "[fd01:1::1]:7443", "[fd01:2::1]:7443" }
		allow = { "10.9.9.0/24", "fd09::/64" }
	E
	cat >"$d/cl.conf" <<-E
		role = client
		ctl_socket = $d/cl.ctl
		pm_socket = $d/cl-pm.ctl
	E
	mkdir -p "$d/www/up"
	cat >"$d/nginx.conf" <<-E
		daemon off;
		master_process off;
		pid $d/nginx.pid;
		error_log $d/nginx.log;
		events { worker_connections 4096; }
		http {
			access_log $d/nginx.access.log;
			client_max_body_size 0;
			client_body_temp_path $d/nginx.body;
			proxy_temp_path $d/nginx.proxy;
			fastcgi_temp_path $d/nginx.fcgi;
			uwsgi_temp_path $d/nginx.uwsgi;
			scgi_temp_path $d/nginx.scgi;
			sendfile on;
			server {
				listen 10.9.9.2:80;
				listen [fd09::2]:80;
				listen 10.9.9.2:8080;
				listen [fd09::2]:8080;
				root $d/www;
				location /up/ { dav_methods PUT; }
				location = /whoami { default_type text/plain; return 200 "\$remote_addr\n"; }
			}
		}
	E
}

# lab_start NAME NAMESPACE COMMAND...: in the background, output in $LAB_DIR/NAME.log.
lab_start() {
	local name=$1 ns=$2
	shift 2
	ip netns exec "$ns" "$@" >>"$LAB_DIR/$name.log" 2>&1 &
	LAB_PID[$name]=$!
}

lab_end() { # NAME [SIGNAL]: end it and wait for it
	local pid=${LAB_PID[$1]:-}
	[ -n "$pid" ] || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null || :
	if ! lab_wait 10 lab_gone "$pid"; then
		echo "lab: $1 does not end, killed" >&2
		kill -KILL "$pid" 2>/dev/null || :
	fi
	wait "$pid" 2>/dev/null || :
	unset "LAB_PID[$1]"
}

lab_gone() { ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]; }

lab_mptcpd() { # NAME NAMESPACE SOCKET
	local dir=$LAB_DIR/plugins
	if [ ! -d "$dir" ]; then
		mkdir -m 755 "$dir"
		cp "$BUILD/plugins/mams_pm.so" "$dir/"
	fi
	lab_start "$1" "$2" env MAMS_PM_SOCKET="$3" /usr/libexec/mptcpd --log=stderr \
		--plugin-dir="$dir" --load-plugins=mams_pm --path-manager=mams_pm \
		--notify-flags=existing,skip_link_local,skip_loopback
}

lab_start_one() {
	local d=$LAB_DIR
	case $1 in
	nginx) lab_start nginx "$SV" nginx -c "$d/nginx.conf" -p "$d" ;;
	px-pm) lab_mptcpd px-pm "$PX" "$d/px-pm.ctl" ;;
	cl-pm) lab_mptcpd cl-pm "$CL" "$d/cl-pm.ctl" ;;
	px) lab_start px "$PX" "$BUILD/proxy/mams-proxy" -c "$d/px.conf" -d ;;
	cl) lab_start cl "$CL" "$BUILD/proxy/mams-proxy" -c "$d/cl.conf" -d ;;
	ncm)
		# LAB_KEYS: a file for the TLS keys, to read a capture by
		lab_start ncm "$PX" env ${LAB_KEYS:+"SSLKEYLOGFILE=$LAB_KEYS"} \
			"$BUILD/ncm-service/mams-ncm" -c "$d/ncm.conf" -d ${LAB_DEBUG:+-v}
		;;
	ccm)
		# one that is refused waits for seconds before it tries again
		[ -z "${LAB_PID[ncm]:-}" ] || lab_wait 5 test -S "$d/ncm.ctl" || :
		lab_start ccm "$CL" "$BUILD/ccm-agent/mams-ccm" -c "$d/ccm.conf" -d ${LAB_DEBUG:+-v}
		;;
	*) lab_fail "no daemon $1" ;;
	esac
}

lab_mamsctl() { "$BUILD/tools/mamsctl" "$@"; }

lab_ccm_state() { lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r .state; }
lab_is_active() { [ "$(lab_ccm_state 2>/dev/null)" = ACTIVE ]; }
lab_is_catching() {
	lab_mamsctl --json -s "$LAB_DIR/cl.ctl" status | jq -e .catching >/dev/null
}
lab_ready() { lab_is_active && lab_is_catching; }

# lab_up: everything running, session ACTIVE, client's proxy catching.
lab_up() {
	lab_net && lab_certs && lab_conf || return 1
	local d
	for d in nginx px-pm cl-pm px cl ncm ccm; do
		lab_start_one "$d"
	done
	lab_wait "$LAB_PATIENCE" lab_ready ||
		lab_fail "no session within $LAB_PATIENCE s; see $LAB_DIR/*.log"
}

lab_down() {
	local n
	for n in ccm cl cl-pm ncm px px-pm nginx "${!LAB_PID[@]}"; do
		lab_end "$n"
	done
	for n in "$CL" "$PX" "$SV"; do
		# what a test started in the background and did not live to end
		ip netns pids "$n" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || :
		ip netns del "$n" 2>/dev/null || :
	done
	if [ -n "$LAB_DIR" ] && [ -z "${LAB_KEEP:-}" ]; then
		rm -rf "$LAB_DIR"
	fi
}

# Octets that a link of the client has received (rx) or sent (tx).
lab_octets() { cl cat "/sys/class/net/$1/statistics/$2_bytes"; }
lab_now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# ---- measuring ----

# lab_file MIB: random octets on the server, named by their size; prints the path below /.
lab_file() {
	local f=$LAB_DIR/www/$1M
	[ -f "$f" ] || head -c "${1}M" /dev/urandom >"$f"
	echo "/$1M"
}

lab_sum() { sha256sum "$1" | cut -d' ' -f1; }

# lab_get PATH [CURL OPTIONS]: download to $LAB_DIR/got; prints goodput in Mbit/s.
lab_get() {
	local path=$1
	shift
	rm -f "$LAB_DIR/got"
	cl curl -sSf --max-time 120 -o "$LAB_DIR/got" -w '%{speed_download}' "$@" \
		"http://${LAB_SERVER:-10.9.9.2}$path" | awk '{ printf "%.1f", $1 * 8 / 1e6 }'
}

# lab_put MIB [CURL OPTIONS]: upload; prints goodput in Mbit/s.
lab_put() {
	local file=$LAB_DIR/www/$1M
	lab_file "$1" >/dev/null
	shift
	rm -f "$LAB_DIR/www/up/put"
	cl curl -sSf --max-time 120 -o /dev/null -w '%{speed_upload}' -T "$file" "$@" \
		"http://${LAB_SERVER:-10.9.9.2}/up/put" | awk '{ printf "%.1f", $1 * 8 / 1e6 }'
}

# lab_watch FILE: appends "ms wifi_rx wifi_tx lte_rx lte_tx file_octets" ten times a second, until
# its pid, LAB_PID[watch], is ended.
lab_watch() {
	local out=$1
	# one process reads everything: starting five for each line would take half the machine
	ip netns exec "$CL" python3 - "$LAB_DIR/got" >"$out" <<-'E' &
		import os, sys, time
		names = ["/sys/class/net/%s/statistics/%s_bytes" % (l, d)
		         for l in ("wifi", "lte") for d in ("rx", "tx")]
		files = [open(n, "rb", 0) for n in names]
		while True:
		    row = [int(time.time() * 1000)]
		    for f in files:
		        f.seek(0)
		        row.append(int(f.read()))
		    try:
		        row.append(os.stat(sys.argv[1]).st_size)
		    except OSError:
		        row.append(0)
		    print(*row, flush=True)
		    time.sleep(0.05)
	E
	LAB_PID[watch]=$!
	# a busy machine takes seconds to start it, and what is not seen counts as nothing
	lab_wait 10 test -s "$out" || lab_fail "the counters cannot be watched"
}

# lab_rate FILE FROM_MS TO_MS COLUMN: Mbit/s of a counter column (2 wifi rx, 3 wifi tx, 4 lte rx,
# 5 lte tx, 6 file) between two moments.
lab_rate() {
	awk -v a="$2" -v b="$3" -v c="$4" '$1 >= a && !t0 { t0 = $1; v0 = $c }
		$1 <= b { t1 = $1; v1 = $c }
		END { if (t1 > t0) printf "%.1f", (v1 - v0) * 8 / (t1 - t0) / 1000; else print 0 }' "$1"
}

# lab_stall FILE: longest time in ms in which the downloaded file did not grow, from its first
# octet to its last.
lab_stall() {
	awk '$6 > 0 { if ($6 != v) { if (v && $1 - t > max) max = $1 - t; v = $6; t = $1 } }
		END { print max + 0 }' "$1"
}
