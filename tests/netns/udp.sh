#!/usr/bin/env bash
# UDP and all other IP of a client through the trailer MADP while TCP goes through the proxy, all of it
# negotiated by MAMS: both links at once, steered each way for itself, every daemon killed in turn.
# shellcheck disable=SC2034,SC2154 # read by lab.sh; set by carried
LAB=nt-udp
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")

ncm() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" "$@"; }
ncm_json() { ncm --json status; }
ccm_json() { lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status; }
count() { # SIDE COUNTER: of a trailer
	"$here/trailer_ctl.py" "$LAB_DIR/tr-$1.ctl" status |
		jq ".counters[] | select(.name == \"$2_total\").value"
}
again() { # packets that the client has sent a second time
	"$here/trailer_ctl.py" "$LAB_DIR/tr-c.ctl" status | jq '[.sessions[0].classes[].tx_again] | add'
}
wifi_is() { # true|false: up, as the client sees it
	"$here/trailer_ctl.py" "$LAB_DIR/tr-c.ctl" status |
		jq -e "[.sessions[0].links[] | select(.connection_id == 0).up] == [$1]"
}
long_ping() { cl ping -c 2 -i 0.2 -W 1 -q -s 1372 10.9.9.2; }
is_cut() { # an IP packet of 1400 octets
	local before
	before=$(count c fragmented)
	long_ping >/dev/null && [ "$(count c fragmented)" -gt "$before" ]
}
together() { # of small packets in bursts, those that left with others
	local before
	before=$(count c concatenated)
	cl ping -f -l 20 -c 400 -W 2 -q -s 16 10.9.9.2 >/dev/null
	echo $(($(count c concatenated) - before))
}
# What the client sends a second time when wifi falls silent under way.
blackhole() {
	local before
	before=$(again)
	px nft -f - <<-X
		table inet hole {
			chain in {
				type filter hook prerouting priority -300;
				iifname wifi drop
			}
			chain out {
				type filter hook output priority 0;
				oifname wifi drop
			}
		}
	X
	lab_wait 10 wifi_is false || echo "wifi is not missed" >&2
	sleep 0.5
	px nft delete table inet hole
	lab_wait 10 both_up c || echo "wifi does not come back" >&2
	echo $(($(again) - before))
}
# What the NCM has kept of the tunnel, as a sum: a secret is in no log.
kept() {
	python3 - "$LAB_DIR/ncm.db" <<-X | sha256sum
		import sqlite3, sys
		db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
		row = db.execute("SELECT tunnel_secret, anchor4, anchor6, tunnel_port FROM session").fetchone()
		assert len(row[0]) == 44 and row[1] and row[2] and row[3], "no tunnel is kept"
		print(row, db.execute("SELECT connection_id, dl_mode, ul_mode, off FROM anchor").fetchall(),
			db.execute("SELECT * FROM application").fetchall())
	X
}
start() { # SIDE: the trailer of n or c
	local ns=$PX
	[ "$1" = n ] || ns=$CL
	lab_start "tr-$1" "$ns" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-$1.conf" -d
}
steer() { ncm steer --anchor udp "$@"; }
goes_by() { cl ip route get "${@:2}" "$1" | grep -o 'dev [a-z0-9]*'; }
is_tunnelled() { [ "$(goes_by 10.9.9.2 ipproto udp)" = "dev mams" ]; }
is_direct() { [ "$(goes_by 10.9.9.2 ipproto udp)" = "dev wifi" ]; }
both_up() {
	lab_mamsctl --json -s "$LAB_DIR/tr-$1.ctl" status |
		jq -e '[.sessions[0].links[].up] == [true, true]'
}
# rules, routes and addresses of the client that are not there without MAMS
left() {
	{
		cl ip rule
		cl ip -6 rule
		cl ip route show table all
		cl ip -6 route show table all
		cl ip -br link
	} | grep -E '77[0-9][0-9]|mams|proto 77' || :
}
hears() { sv ss -Hnul sport = "${1:-9999}" | grep -q .; }
# the CCM, where control groups can be seen
start_ccm() {
	lab_wait 5 test -S "$LAB_DIR/ncm.ctl" || :
	# shellcheck disable=SC2016 # the inner shell's
	lab_start ccm "$CL" bash -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' - \
		"$BUILD/ccm-agent/mams-ccm" -c "$LAB_DIR/ccm.conf" -d
}
# The control group is the host's, and goes with its processes.
also_end() {
	# shellcheck disable=SC2016
	unshare -m bash -c 'mount -t cgroup2 none /sys/fs/cgroup && cd "/sys/fs/cgroup/$1" || exit 0
		for i in {1..20}; do
			xargs -r kill -KILL <cgroup.procs
			rmdir "$PWD" && exit
			sleep 0.1
		done' - "$LAB-game"
}
is_marked() { cl nft list table inet mams_ccm | grep -q 'cgroupv2.*dscp set'; }
# kb: within a time, in kB, what the classes 0, 1, 2 send by UL and by DL, and what the links carry:
# wifi UL, lte UL, wifi DL, lte DL
watch_classes() {
	read -r -a kb < <(cl "$here/class_octets.py" "$LAB_DIR/tr-c.ctl" "$LAB_DIR/tr-n.ctl" 1.5 wifi lte)
}
# of LINK DIRECTION CLASS...: its octets, in percent of those of the classes (0 rest, 1 voice, 2 game)
of() {
	local at=6 base=0 sum=0
	[ "$2" = ul ] || at=8 base=3
	[ "$1" = wifi ] || at=$((at + 1))
	local link=${kb[$at]}
	shift 2
	for c in "$@"; do sum=$((sum + kb[base + c])); done
	echo $((100 * link / (sum > 0 ? sum : 1)))
}
# carries TEXT LINK DIRECTION CLASS...: that and nothing else.  Headers, probes and reports included it
# is a tenth to a fifth more; half of it away, or half as much beside it, is outside the bounds
carries() {
	local text=$1 percent
	shift
	percent=$(of "$@")
	claim "$text: $2 of $1, of what it should carry" "$percent" '>=' 75 %
	claim "$text: $2 of $1, at most" "$percent" '<=' 150 %
}
flows() { # DIRECTION: over either link
	local before=$(($(lab_octets wifi "$1") + $(lab_octets lte "$1")))
	sleep 0.2
	[ $(($(lab_octets wifi "$1") + $(lab_octets lte "$1"))) -gt $((before + 40000)) ]
}
# wifi_tx, wifi_rx, lte_tx, lte_rx: kB that the client's links carry within a second
carried() {
	local n
	for n in wifi_tx wifi_rx lte_tx lte_rx; do printf -v "$n" %d "$(lab_octets ${n/_/ })"; done
	sleep 1
	for n in wifi_tx wifi_rx lte_tx lte_rx; do
		printf -v "$n" %d $((($(lab_octets ${n/_/ }) - ${!n}) / 1000))
	done
}

protected() { # SOCKET
	"$NETNS_TOP/tests/netns/trailer_ctl.py" "$LAB_DIR/$1.ctl" status |
		jq -r '[.sessions[0].links[] | "\(.name)=\(.dtls)"] | join(" ")'
}

say "Set-up"
lab_net && lab_certs && lab_conf
LAB_KEYS=$LAB_DIR/keys.log
plain=$(left)
# wifi is a path that is not secure
sed -i '/proxies =/d; s/access wifi {/&\ntunnel = UDP_with_DTLS/' "$LAB_DIR/ncm.conf"
cat >>"$LAB_DIR/ncm.conf" <<-X
	madp proxy {
		ctl = $LAB_DIR/px.ctl
		pm = $LAB_DIR/px-pm.ctl
		proxies = { "wifi 10.1.1.1:7443", "wifi [fd01:1::1]:7443",
			"lte 10.1.2.1:7443", "lte [fd01:2::1]:7443" }
	}
	madp trailer {
		trailer = $LAB_DIR/tr-n.ctl
		tunnels = { "wifi 10.1.1.1", "wifi fd01:1::1", "lte 10.1.2.1", "lte fd01:2::1" }
		addresses = { "10.60.0.0/16", "fd60::/64" }
		dns = { "10.9.9.2" }
	}
	anchor tcp {
		id = 0
		methods = { MPTCP_Proxy }
	}
	anchor udp {
		id = 1
		methods = { GMA }
	}
	application voice {
		dscp = 46
		accesses = { lte }
	}
	application game {
		dscp = 43
		accesses = { wifi, lte }
	}
X
cat >>"$LAB_DIR/ccm.conf" <<-X
	methods = { MPTCP_Proxy, GMA }
	trailer_socket = $LAB_DIR/tr-c.ctl
	dns_file = $LAB_DIR/resolv
	exempt = { "10.9.9.77/32" }
	keep_alive = 1s
	ncm_lost = 6s
	application game {
		cgroup = $LAB-game
		dscp = 43
	}
X
cat >"$LAB_DIR/tr-n.conf" <<-X
	role = network
	ctl_socket = $LAB_DIR/tr-n.ctl
	workers = 2
	listen = { "10.1.1.1", "10.1.2.1", "[fd01:1::1]", "[fd01:2::1]" }
	masquerade = { "10.60.0.0/16", "fd60::/64" }
X
cat >"$LAB_DIR/tr-c.conf" <<-X
	role = client
	ctl_socket = $LAB_DIR/tr-c.ctl
X
lab_start tcpdump "$PX" tcpdump -i any -nn -w "$LAB_DIR/control.pcap" -U 'tcp port 8443'
lab_wait 10 test -s "$LAB_DIR/control.pcap"
start n
start c
# shellcheck disable=SC2016
cl bash -c 'mount -t cgroup2 none /sys/fs/cgroup && mkdir -p "/sys/fs/cgroup/$1"' - "$LAB-game"
for d in nginx px-pm cl-pm px cl ncm; do lab_start_one $d; done
start_ccm
lab_start iperf "$SV" iperf3 -s
lab_wait 15 lab_ready
claim "UDP goes into the tunnel within 10 s" "$(yes_no lab_wait 10 is_tunnelled)" = yes
claim "the NCM tells how the tunnel is adapted" "$(ncm_json | jq -r '[.sessions[0].links[].adaptation] |
	join(" ")')" = "UDP_with_DTLS UDP_without_DTLS"
claim "wifi is protected at both ends, lte is not" \
	"$(protected tr-c) / $(protected tr-n)" = "wifi=true lte=null / wifi=true lte=null"
claim "anchors of the session" "$(ncm_json | jq -r '[.sessions[0].anchors[] |
	"\(.name)=\(.method)"] | join(" ")')" = "tcp=MPTCP_Proxy udp=GMA"
claim "UDP leaves by" "$(goes_by 10.9.9.2 ipproto udp)" = "dev mams"
claim "IPv6 leaves by" "$(goes_by fd09::2 ipproto udp)" = "dev mams"
claim "TCP, which the proxy takes, leaves by" "$(goes_by 10.9.9.2 ipproto tcp)" = "dev wifi"
claim "our own daemons' packets leave by" "$(goes_by 10.9.9.2 mark 19777)" = "dev wifi"
claim "an exempt destination" "$(goes_by 10.9.9.77)" = "dev wifi"
claim "a neighbour" "$(goes_by 10.1.2.1)" = "dev lte"
claim "what has another address already" "$(goes_by 10.9.9.2 from 10.1.2.2)" = "dev lte"
claim "what has another IPv6 address already" "$(goes_by fd09::2 from fd01:1::2)" = "dev wifi"
claim "name servers" "$(cat "$LAB_DIR/resolv")" = "nameserver 10.9.9.2"
claim "ping through the tunnel" "$(yes_no cl ping -c 2 -i 0.2 -W 2 10.9.9.2)" = yes
claim "IPv6 ping" "$(yes_no cl ping -6 -c 2 -i 0.2 -W 2 fd09::2)" = yes
claim "status says so" "$(ccm_json | jq -r '[.trailer_up, (.anchors[] | .method)] | join(" ")')" = \
	"true MPTCP_Proxy GMA"

say "Both links at once, beside a download through the proxy"
lab_file 10 >/dev/null
lab_get /10M --limit-rate 3M >"$LAB_DIR/rate" &
job=$!
# more than either link holds: of less, all may go over one
cl iperf3 -u -c 10.9.9.2 -b 60M -l 1200 -t 4 -J >"$LAB_DIR/up.json" &
udp=$!
sleep 1.5
carried
claim "UDP of 60 Mbit/s: kB/s on wifi" "$wifi_tx" '>=' 150
claim "... and on lte" "$lte_tx" '>=' 150
wait "$job" && ok=yes || ok=no
wait "$udp" || :
claim "UDP received" "$(jq '.end.sum | .bits_per_second * (100 - .lost_percent) / 1e8 | floor' \
	"$LAB_DIR/up.json")" '>=' 8 Mbit/s
claim "the download is right" "$ok $(same "$LAB_DIR/got" "$LAB_DIR/www/10M")" = "yes yes"

say "Applications by DSCP"
# marked PATH: fetch it with EF on all packets of the connection; its octets
marked() {
	cl python3 - "$1" <<-'E'
		import socket, sys
		s = socket.socket()
		s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2)
		s.settimeout(60)
		s.connect(("10.9.9.2", 80))
		s.sendall(f"GET {sys.argv[1]} HTTP/1.0\r\n\r\n".encode())
		data = b"".join(iter(lambda: s.recv(65536), b""))
		print(len(data.split(b"\r\n\r\n", 1)[1]))
	E
}
# wifi_tx, wifi_rx, lte_tx, lte_rx: kB that the client's links carry while a command runs
carried_by() {
	local n
	for n in wifi_tx wifi_rx lte_tx lte_rx; do printf -v "$n" %d "$(lab_octets ${n/_/ })"; done
	"$@"
	for n in wifi_tx wifi_rx lte_tx lte_rx; do
		printf -v "$n" %d $((($(lab_octets ${n/_/ }) - ${!n}) / 1000))
	done
}
lab_wait 10 lab_ready
carried_by marked /10M >"$LAB_DIR/marked"
claim "TCP with EF: octets" "$(cat "$LAB_DIR/marked")" = 10485760
claim "... kB on lte" "$lte_rx" '>=' 10000
claim "... kB on wifi" "$wifi_rx" '<=' 1000
carried_by cl iperf3 -u -c 10.9.9.2 --dscp EF -b 8M -l 1200 -t 2 >/dev/null
claim "UDP with EF, of 2000 kB: on lte" "$lte_tx" '>=' 1500
claim "... on wifi" "$wifi_tx" '<=' 400
# the server marks what it sends to whoever asks
lab_start voice "$SV" python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2)
s.bind(("10.9.9.2", 9998))
peer = s.recvfrom(2000)[1]
for _ in range(1500):
    s.sendto(bytes(1200), peer)
    time.sleep(0.001)'
lab_wait 10 eval 'sv ss -Hnul sport = 9998 | grep -q .'
carried_by cl python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"?", ("10.9.9.2", 9998))
s.settimeout(2)
try:
    while s.recv(2000):
        pass
except TimeoutError:
    pass'
claim "UDP with EF, downlink, of 1800 kB: on lte" "$lte_rx" '>=' 1000
claim "... on wifi" "$wifi_rx" '<=' 400

say "Steered each way for itself, and the NCM killed, under load"
address=$(ccm_json | jq -r '.anchors[1].anchor4')
lab_start echo "$SV" "$here/trailer_traffic.py" echo 10.9.9.2 9999 100
lab_wait 10 hears
cl "$here/trailer_traffic.py" talk 10.9.9.2 9999 400 15 >"$LAB_DIR/talk" &
talk=$!
lab_wait 10 flows tx && lab_wait 10 flows rx
claim "UL wifi, DL lte" "$(steer --ul wifi --dl lte)" = applied
sleep 0.3
carried
claim "UL on wifi, kB/s" "$wifi_tx" '>=' 120
claim "UL on lte" "$lte_tx" '<=' 80
claim "DL on wifi" "$wifi_rx" '<=' 80
claim "DL on lte" "$lte_rx" '>=' 120
claim "UL lte, DL wifi" "$(steer --ul lte --dl wifi --off lossless_switching)" = applied
sleep 0.3
carried
claim "UL on wifi" "$wifi_tx" '<=' 80
claim "UL on lte" "$lte_tx" '>=' 120
claim "DL on wifi" "$wifi_rx" '>=' 120
claim "DL on lte" "$lte_rx" '<=' 80
claim "both, UL twice" "$(steer --ul wifi,lte --dl wifi,lte --ul-mode duplicate)" = applied
sleep 0.3
carried
claim "UL on wifi" "$wifi_tx" '>=' 120
claim "UL on lte" "$lte_tx" '>=' 120
claim "both, UL not aggregated" \
	"$(steer --ul wifi,lte --dl wifi,lte --off uplink_aggregation)" = applied
sleep 0.3
carried
claim "UL on wifi" "$wifi_tx" '>=' 120
claim "UL on lte" "$lte_tx" '<=' 80
claim "DL not aggregated" \
	"$(steer --ul wifi,lte --dl wifi,lte --off downlink_aggregation)" = applied
sleep 0.3
carried
claim "DL on wifi" "$wifi_rx" '>=' 120
claim "DL on lte" "$lte_rx" '<=' 80
claim "both, UL not aggregated, DL once for each" "$(steer --ul wifi,lte --dl wifi,lte \
	--off uplink_aggregation --dl-mode duplicate)" = applied
before=$(kept)
lab_end ncm KILL
lab_start_one ncm
wait "$talk" || :
read -r sent lost twice disorder <"$LAB_DIR/talk"
claim "datagrams sent" "$sent" '>=' 1000
claim "lost, twice, out of order" "$lost $twice $disorder" = "0 0 0"
lab_wait 10 lab_is_active || :
claim "NCM back: the same address inside" "$(ccm_json | jq -r '.anchors[1].anchor4')" = "$address"
claim "UDP leaves by" "$(goes_by 10.9.9.2 ipproto udp)" = "dev mams"
claim "paths are up" "$(yes_no lab_wait 5 both_up n)" = yes
claim "NCM back: secret, addresses, port and modes that it keeps" "$(kept)" = "$before"
claim "... in a file that is its own" "$(stat -c %a "$LAB_DIR/ncm.db")" = 600
cl "$here/trailer_traffic.py" talk 10.9.9.2 9999 400 3 >/dev/null &
talk=$!
lab_wait 10 flows tx && lab_wait 10 flows rx
carried
claim "NCM back: UL on wifi, as steered before" "$wifi_tx" '>=' 120
claim "UL on lte" "$lte_tx" '<=' 80
claim "DL on wifi" "$wifi_rx" '>=' 120
claim "DL on lte" "$lte_rx" '>=' 120
wait "$talk" || :
claim "both" "$(steer --ul wifi,lte --dl wifi,lte)" = applied
claim "a mode of the other anchor is refused" \
	"$(ncm steer --anchor tcp --ul wifi --dl wifi --ul-mode split 2>&1 | grep -c 'GMA only' || :)" = 1

say "One class steered, the others stay"
lab_wait 5 is_marked || :
for p in 9991 9992 9993; do lab_start echo-$p "$SV" "$here/trailer_traffic.py" echo 10.9.9.2 $p 100; done
for p in 9991 9992 9993; do lab_wait 10 hears $p; done
stream=("$here/trailer_traffic.py" talk 10.9.9.2)
claim "UL and DL of all on wifi" "$(steer --ul wifi --dl wifi)" = applied
lab_start talk-rest "$CL" "${stream[@]}" 9991 200 120
lab_start talk-voice "$CL" "${stream[@]}" 9992 200 120 46
# shellcheck disable=SC2016 # a stream that says nothing of itself: it is its cgroup that counts
lab_start talk-game "$CL" bash -c 'mount -t cgroup2 none /sys/fs/cgroup && echo $$ >"$1/cgroup.procs" &&
	shift && exec "$@"' - "/sys/fs/cgroup/$LAB-game" "${stream[@]}" 9993 200 120
lab_wait 10 flows tx && lab_wait 10 flows rx
claim "voice: UL alone to lte" "$(steer --application voice --ul lte)" = applied
claim "game: DL alone to lte" "$(steer --application game --dl lte)" = applied
sleep 0.3
watch_classes
claim "the class by DSCP is there, kB sent" "${kb[1]}" '>=' 50
claim "the class by cgroup, both ways" "$((kb[2] < kb[5] ? kb[2] : kb[5]))" '>=' 50
carries "UL of voice moved" lte ul 1
carries "... the others stay" wifi ul 0 2
carries "DL of game moved" lte dl 2
carries "... the others stay" wifi dl 0 1
claim "voice: split" "$(steer --application voice --ul wifi,lte --ul-mode split)" = applied
sleep 0.3
watch_classes
claim "split" "$("$here/trailer_ctl.py" "$LAB_DIR/tr-c.ctl" status |
	jq -r '[.sessions[0].classes[].ul] | join(" ")')" = "active-standby split active-standby"
claim "UL of all over both, %" "$((100 * (kb[6] + kb[7]) / (kb[0] + kb[1] + kb[2])))" '>=' 75
carries "DL is not touched" lte dl 2
claim "voice: duplicate" "$(steer --application voice --ul-mode duplicate)" = applied
sleep 0.3
watch_classes
carries "duplicate" lte ul 1
carries "... with the others" wifi ul 0 1 2
carries "DL is not touched" wifi dl 0 1
claim "voice: active-standby, DL to lte" \
	"$(steer --application voice --ul lte,wifi --ul-mode active-standby --dl lte)" = applied
sleep 0.3
watch_classes
carries "active-standby" lte ul 1
carries "... without voice" wifi ul 0 2
carries "DL of both" lte dl 1 2
carries "DL of the rest" wifi dl 0
claim "status" "$(ncm_json | jq -c '[.sessions[0].applications[] | .name, .dl, .ul, .ul_mode]')" = \
	'["voice",["lte"],["lte","wifi"],"active-standby","game",["lte"],[],null]'
before=$(kept)
lab_end ncm KILL
lab_start_one ncm
lab_wait 10 lab_is_active || :
sleep 1
watch_classes
claim "NCM killed, and back: kept" "$(kept)" = "$before"
carries "... UL of voice" lte ul 1
carries "... DL" lte dl 1 2
claim "voice: as configured, which is as the others" \
	"$(steer --application voice --as-configured)" = applied
claim "game: likewise" "$(steer --application game --as-configured)" = applied
sleep 0.3
watch_classes
carries "UL of all" wifi ul 0 1 2
carries "DL of all" wifi dl 0 1 2
for t in rest voice game; do
	lab_end talk-$t
	read -r sent lost twice disorder < <(tail -n 1 "$LAB_DIR/talk-$t.log")
	claim "$t: datagrams" "$sent" '>=' 500
	claim "$t: lost, twice, out of order" "$lost $twice $disorder" = "0 0 0"
done
claim "an application that there is not" \
	"$(ncm steer --application moon --ul wifi 2>&1 | grep -c 'no application section' || :)" = 1
claim "on the proxy's anchor" "$(ncm steer --anchor tcp --application voice --ul wifi 2>&1 |
	grep -c 'GMA only' || :)" = 1
claim "both" "$(steer --ul wifi,lte --dl wifi,lte)" = applied

say "Features, switched by request"
cl ip link set lte mtu 1280
px ip link set lte mtu 1280
claim "UL and DL on lte" "$(steer --ul lte --dl lte)" = applied
claim "fragmentation: what is too long for lte is cut, and arrives" "$(yes_no lab_wait 10 is_cut)" = yes
claim "off" "$(steer --ul lte --dl lte --off fragmentation)" = applied
before=$(count c too_long)
claim "... it does not arrive" "$(yes_no long_ping)" = no
claim "... and is counted" "$(($(count c too_long) - before))" '>=' 1
claim "on again" "$(steer --ul lte --dl lte)" = applied
claim "... it arrives" "$(yes_no is_cut)" = yes
claim "concatenation: small packets leave together" "$(together)" '>=' 1
claim "off" "$(steer --ul lte --dl lte --off concatenation)" = applied
before=$(count n concatenated)
claim "... no longer" "$(together) $(($(count n concatenated) - before))" = "0 0"
cl ip link set lte mtu 1500
px ip link set lte mtu 1500
claim "UL and DL on wifi" "$(steer --ul wifi --dl wifi)" = applied
cl "$here/trailer_traffic.py" talk 10.9.9.2 9999 400 12 >"$LAB_DIR/talk" &
talk=$!
lab_wait 10 flows tx
claim "lossless switching: sent again when wifi falls silent" "$(blackhole)" '>=' 1
claim "off" "$(steer --ul wifi --dl wifi --off lossless_switching)" = applied
claim "... nothing is" "$(blackhole)" = 0
claim "both" "$(steer --ul wifi,lte --dl wifi,lte)" = applied
kill "$talk" 2>/dev/null || :
wait "$talk" || :

say "Trailers killed, and back"
lab_end tr-c KILL
claim "C-MADP dead: UDP goes direct within 2 s" "$(yes_no lab_wait 2 is_direct)" = yes
claim "... and arrives" "$(yes_no cl ping -c 1 -W 2 10.9.9.2)" = yes
start c
claim "C-MADP back: tunnelled within 10 s" "$(yes_no lab_wait 10 is_tunnelled)" = yes
claim "... and arrives" "$(yes_no cl ping -c 1 -W 2 10.9.9.2)" = yes
lab_end tr-n KILL
claim "N-MADP dead: direct within 15 s" "$(yes_no lab_wait 15 is_direct)" = yes
start n
claim "N-MADP back: tunnelled within 15 s" "$(yes_no lab_wait 15 is_tunnelled)" = yes
claim "... and arrives" "$(yes_no cl ping -c 1 -W 2 10.9.9.2)" = yes

say "CCM killed, and back; NCM away for long"
lab_end ccm KILL
claim "the tunnel goes on" "$(goes_by 10.9.9.2 ipproto udp) $(yes_no cl ping -c 1 -W 2 10.9.9.2)" = \
	"dev mams yes"
start_ccm
claim "CCM back: tunnelled within 15 s" "$(yes_no lab_wait 15 is_tunnelled)" = yes
lab_wait 10 lab_is_active || :
lab_end ncm KILL
claim "NCM silent past ncm_lost: direct within 20 s" "$(yes_no lab_wait 20 is_direct)" = yes
lab_start_one ncm
claim "NCM back: tunnelled within 20 s" "$(yes_no lab_wait 20 is_tunnelled)" = yes

say "The end"
lab_end ccm KILL
cl "$BUILD/ccm-agent/mams-ccm" -c "$LAB_DIR/ccm.conf" --cleanup
claim "killed and --cleanup: no address inside" "$(cl ip addr show mams | grep -cE '10\.60|fd60' || :)" = 0
claim "no rule that marks cgroups" "$(yes_no cl nft list table inet mams_ccm)" = no
claim "no file of name servers" "$(yes_no test -e "$LAB_DIR/resolv")" = no
lab_end tr-c
lab_end cl
claim "rules, routes and devices left" "$(left)" = "$plain"
lab_end ncm
lab_end tr-n

say "on the wire"
lab_end tcpdump
"$here/messages.py" "$LAB_DIR/control.pcap" "$LAB_KEYS" "$NETNS_TOP/tests/vectors/schema/rfc8743_c3.json" \
	8443 8444 8445 GMA MPTCP_Proxy UDP_with_DTLS UDP_without_DTLS tunnel_ip_addr shared_secret \
	udp_adapt_port anchor_ipv4 anchor_ipv6 anchor_mtu dns_servers traffic_class uplink_mode uplink_modes \
	lossless_switching fragmentation concatenation >"$LAB_DIR/messages"
read -r _ n missing bad < <(grep '^https ' "$LAB_DIR/messages")
claim "messages with the tunnel, at least" "$n" '>=' 20
claim "members and values of the tunnel that were not said" "$missing" = -
claim "messages that the schemas of RFC 8743 C.3 refuse" "$bad" = 0
no_reports
claims_table
