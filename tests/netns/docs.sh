#!/usr/bin/env bash
# Every command of README and docs is run, as it stands there: tests/docs/walk.py reads the documents, and
# tests/docs/commands tells where each is run.  Scenes and hosts of that table are made here.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-docs
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/both_lab.sh
. "$(dirname "$0")/both_lab.sh"
here=$(dirname "$0")
DESK=$LAB-desk
also_end() { ip netns del "$DESK"; }

# host NAME NAMESPACE: a root with the files of a host where the documents have them.  Programs are those of
# the build.  sudo and systemctl are stubs: the second does what the units' ExecReload says.
host() {
	local root=$LAB_DIR/hosts/$1 p
	mkdir -p "$root"/{opt/bin,opt/plugins,var/lib/mams,run/mams,etc/mams/ca,tmp,root}
	cp -a /etc/. "$root/etc/"
	grep -q ^mams: /etc/passwd || echo 'mams:x:977:977::/:/bin/false' >>"$root/etc/passwd"
	grep -q ^mams: /etc/group || echo 'mams:x:977:' >>"$root/etc/group"
	for p in bin sbin lib lib64; do ln -s usr/$p "$root/$p"; done
	for p in ncm-service/mams-ncm ccm-agent/mams-ccm proxy/mams-proxy trailer-madp/mams-trailer tools/mamsctl; do
		ln -s "$BUILD/$p" "$root/opt/bin/"
	done
	ln -s "$NETNS_TOP/tools/mams-ca" "$root/opt/bin/"
	cp "$BUILD/plugins/mams_pm.so" "$root/opt/plugins/"
	# where its daemons run as that user
	[ "$1" != desk ] || chown 977:977 "$root/var/lib/mams" "$root/run/mams"
	echo "$2" >"$root/netns"
	cat >"$root/opt/bin/sudo" <<-'X'
		#!/bin/bash
		exec "$@"
	X
	cat >"$root/opt/bin/systemctl" <<-'X'
		#!/bin/bash -e
		[ "$1" = reload ]
		MAINPID=$(pgrep -x "$2")
		sed -n 's,^ExecReload=/usr/sbin/,,p; s,^ExecReload=,,p' "$TREE/deploy/systemd/$2.service" >/tmp/reload
		grep -q HUP /tmp/reload
		. /tmp/reload
	X
	# daemon ncm|ccm [ADDRESS:PORT]: as the user of its unit; until it listens there
	cat >"$root/opt/bin/daemon" <<-'X'
		#!/bin/bash -e
		setpriv --reuid=mams --regid=mams --clear-groups --inh-caps=+net_admin --ambient-caps=+net_admin \
			"mams-$1" -d -c "/etc/mams/$1.conf" >>"/tmp/$1.log" 2>&1 &
		for i in {1..50}; do
			[ -z "$2" ] || ss -Hltn "src $2" | grep -q . || { sleep 0.1; continue; }
			exit 0
		done
		cat "/tmp/$1.log" && exit 1
	X
	chmod 755 "$root"/opt/bin/{sudo,systemctl,daemon}
}

# walk SCENE: its commands
walk() {
	local said=$LAB_DIR/walk.$1
	BUILD=$BUILD TREE=$NETNS_TOP "$NETNS_TOP/tests/docs/walk.py" run "$1" "$LAB_DIR/hosts" | tee "$said" || :
	claim "$1: commands that do what the documents say" "$(grep -c '^ok' "$said" || :)" '>=' "$2"
	claim "$1: that do not" "$(tail -n 1 "$said" | sed 's/.*, //')" = "0 wrong"
}

say "a desk"
lab_net
ip netns del "$DESK" 2>/dev/null || :
ip netns add "$DESK"
ip -n "$DESK" link set lo up
ip -n "$DESK" addr add 192.0.2.1/24 dev lo
ip -n "$DESK" addr add 198.51.100.1/24 dev lo
host desk "$DESK"
host network "$PX"
host client "$CL"
walk desk 50

say "client and N-MADP host"
lab_certs && lab_conf
ca() { "$LAB_TOP/tools/mams-ca" -d "$LAB_DIR/ca" "$@" >/dev/null; }
ca client alice
ca -f -s 10.1.1.1 -s 10.1.2.1 -s 192.0.2.1 server ncm
for who in ncm1 boss guest; do ca client $who; done
ca -s 192.0.2.9 server east
cp "$LAB_DIR"/ca/* "$LAB_DIR/hosts/network/etc/mams/ca/"
ip -n "$PX" addr add 192.0.2.1/32 dev lo
ip -n "$PX" addr add 192.0.2.9/32 dev lo
cat >>"$LAB_DIR/px.conf" <<-X
	ctl_listen = "192.0.2.9:7450"
	ctl_ca = $LAB_DIR/ca/ca.crt
	ctl_certificate = $LAB_DIR/ca/east.crt
	ctl_key = $LAB_DIR/ca/east.key
	ctl_peers = { "ncm1" }
X
sed -i 's,/laptop\.,/alice.,' "$LAB_DIR/ccm.conf"
sed -i -e '/proxies =/d; s/^listen = {/& "192.0.2.1:8443",/' -e '/type = Wi-Fi/a latency = 10ms\nbandwidth = 20' \
	-e '/type = LTE/a latency = 50ms\nbandwidth = 50' "$LAB_DIR/ncm.conf"
cat >>"$LAB_DIR/ncm.conf" <<-X
	madp east {
		ctl = $LAB_DIR/px.ctl
		pm = $LAB_DIR/px-pm.ctl
		proxies = { "wifi 10.1.1.1:7443", "lte 10.1.2.1:7443" }
	}
	feed_clients = { "oam" }
	admin_listen = { "192.0.2.1:8446" }
	viewers = { "guest" }
	operators = { "boss" }
	policy_file = $LAB_DIR/policy.conf
	decision_log = $LAB_DIR/hosts/network/var/lib/mams/decisions.jsonl
X
printf 'steering all { mode = load-balancing }\n' >"$LAB_DIR/policy.conf"
# the daemons' sockets, where the hosts have them
sockets() {
	local network=$LAB_DIR/hosts/network/run/mams client=$LAB_DIR/hosts/client/run/mams
	ln -f "$LAB_DIR/ncm.ctl" "$network/ncm.ctl"
	ln -f "$LAB_DIR/px.ctl" "$network/proxy.ctl"
	ln -f "$LAB_DIR/px-pm.ctl" "$network/pm.ctl"
	ln -f "$LAB_DIR/ccm.ctl" "$client/ccm.ctl"
	ln -f "$LAB_DIR/ccm-api.sock" "$client/ccm-api.sock"
}
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
sockets
walk proxy 40

say "and the tunnel"
for d in ccm ncm; do lab_end $d; done
both_trailer
cat >>"$LAB_DIR/ncm.conf" <<-X
	application voice {
		dscp = 46
		accesses = { wifi, lte }
	}
X
lab_start tr-n "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-n.conf" -d
lab_start tr-c "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-c.conf" -d
lab_start tcpdump "$PX" tcpdump --immediate-mode -i any -nn -w "$LAB_DIR/hosts/network/var/lib/mams/tunnel.pcap" -U 'udp port 7446'
for d in ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
lab_wait 10 both_tunnelled
sockets
cl ping -c 3 -i 0.2 10.9.9.2 >/dev/null
lab_end tcpdump
walk both 3

for d in ccm cl tr-c tr-n; do lab_end $d; done
no_reports
claims_table
