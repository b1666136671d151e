#!/usr/bin/env bash
# A client beside others that rule its network: NetworkManager has one access, systemd-networkd the other,
# both by DHCP, and there are the firewall rules of a Docker.  Hosts: tests/support/hosts.sh.
set -euo pipefail
CLAIMS_LIVE=1
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=deploy/lab/claims.sh
. "$top/deploy/lab/claims.sh"
# shellcheck source=tests/support/docker.sh
. "$top/tests/support/docker.sh"
# shellcheck source=tests/support/packages.sh
. "$top/tests/support/packages.sh"
# shellcheck source=tests/support/hosts.sh
. "$top/tests/support/hosts.sh"
: "$CLAIMS_LIVE"
work=$(mktemp -d /var/tmp/mams-beside.XXXXXX)

end() {
	local status=$?
	trap - EXIT
	if [ "$status" != 0 ] && [ -n "$DOCKER_DIR" ]; then
		echo "-- journal of the client"
		on client journalctl --no-pager -o short-precise -n 150 || :
		on client sh -c 'ip addr; ip rule; ip route show table all' || :
		[ ! -s "$work/log" ] || tail -n 30 "$work/log"
	fi
	docker_down
	rm -rf "$work"
	exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

say() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }
yes_no() { "$@" >/dev/null 2>&1 && echo yes || echo no; }
cl() { on client "$@"; }
device() { cl ip -o -4 addr | awk -v net="$1" 'index($4, net) == 1 { print $2 }'; }
status() { cl mamsctl --json -s "/run/mams/$1.ctl" status; }
is_ready() { # with both links
	[ "$(status ccm | jq -r '[.state, (.links[] | select(.up) | .name)] | join(" ")')" = "ACTIVE $wifi $lte" ] &&
		status proxy | jq -e .catching && [ "$(by_udp)" = 198.18.3.20 ]
}
# Whom the server sees.
by_udp() { cl sh -c 'echo hello | socat -t 0.5 - UDP:198.18.3.30:5000'; }
without_wifi() { [ "$(status ccm | jq -r '[.links[] | select(.up) | .name] | join(" ")')" = "$lte" ]; }
rx() { cl cat "/sys/class/net/$1/statistics/rx_bytes"; }

# What others have made: addresses, routes, rules, filters; without what counts or runs down.
theirs() {
	cl sh -c 'ip -4 -br addr; ip rule; ip -6 rule; ip route show table all; nft list ruleset' |
		sed -E 's/counter packets [0-9]+ bytes [0-9]+ ?//' | sort
}
# Our own rules, and routes of our tables.
ours() { cl sh -c '{ ip -d rule; ip -d -6 rule; } | grep "proto 77"; ip route show table all proto 77' | sort; }
all_stand() { [ "$(ours)" = "$standing" ]; }

# download SECONDS: in the background, at most at a rate for which it takes so long
download() {
	before="$(rx "$wifi") $(rx "$lte")"
	cl sh -c "curl -sS --max-time 60 --limit-rate $((16 / $1))M http://198.18.3.30/16M | sha256sum" \
		>"$work/got" 2>&1 </dev/null &
	downloading=$!
	sleep 1
}
downloaded() { # CLAIM
	wait "$downloading" || :
	claim "$1: download" "$(sed "s/^$file .*/whole/" "$work/got" | head -c 200)" = whole
}
share() { # of wifi in what both have received since the download began, percent
	local w l
	read -r w l <<<"$before"
	w=$(($(rx "$wifi") - w)) l=$(($(rx "$lte") - l))
	echo $((w * 100 / (w + l)))
}
# Both links carry?
both() { # CLAIM
	download 1
	downloaded "$1"
	claim "$1: of it over wifi" "$(share)" '>=' 10 %
	claim "$1: of it over wifi" "$(share)" '<=' 90 %
}
# disturb CLAIM COMMAND...: a manager is made to do it while a download runs
disturb() {
	local what=$1
	shift
	download 8
	cl "$@"
	claim "$what: all that is ours stands" "$(yes_no hosts_wait 10 all_stand)" = yes
	downloaded "$what"
	claim "$what: session, both links, proxy, tunnel" "$(yes_no hosts_wait 20 is_ready)" = yes
	sleep 1
	claim "$what: and it stays" "$(yes_no all_stand)" = yes
}

if [ -n "${MAMS_DEBS:-}" ]; then
	# built by a run before: a folder with now/
	cp -r "$MAMS_DEBS" "$work/debs"
else
	say "packages are built"
	"$top/deploy/lab/install" build package >/dev/null
	packages_source "$work/src/mams"
	packages_build "$work/src/mams" "$work/debs/now"
	rm -f "$work"/debs/now/*dbgsym*
fi

say "hosts"
docker_up "$work/docker"
hosts_image_bare mams-bare "$work/debs" nginx-light socat
hosts_image mams-host mams-bare
docker build -q --network host -t mams-beside - >/dev/null <<'D'
FROM mams-host
RUN apt-get install -y -q --no-install-recommends network-manager dnsmasq-base iptables nftables && \
	systemctl disable NetworkManager systemd-networkd
D
hosts_networks
host mams-beside madp 20 "wifi lte core" /sbin/init --sysctl net.ipv4.ip_forward=1 \
	--sysctl net.mptcp.pm_type=1
host mams-beside client 10 "wifi lte" /sbin/init --sysctl net.ipv4.ip_forward=1
host mams-bare server 30 core "nginx -g 'daemon off;'"
hosts_wait 30 is_booted madp
hosts_wait 30 is_booted client
on server ip route replace default via 198.18.3.20
on server sh -c 'head -c 16M /dev/urandom >/var/www/html/16M'
file=$(on server sha256sum /var/www/html/16M | cut -d' ' -f1)
# shellcheck disable=SC2016 # socat's shell
on -d server socat -T 5 UDP-LISTEN:5000,fork SYSTEM:'cat >/dev/null & echo $SOCAT_PEERADDR'
wifi=$(device 198.18.1.)
lte=$(device 198.18.2.)
on madp bash -e >>"$work/log" 2>&1 <<'S'
for n in 1 2; do
	device=$(ip -o -4 addr | awk -v net="198.18.$n." 'index($4, net) == 1 { print $2 }')
	tc qdisc add dev "$device" root tbf rate $((n * 20))mbit burst 32kb latency 50ms
done
dnsmasq --port=0 --dhcp-range=198.18.1.100,198.18.1.110,2m --dhcp-range=198.18.2.100,198.18.2.110,2m
cd /debs/now
apt-get install -y -q --no-install-recommends ./mams-{tools,mptcpd-plugin,proxy,trailer,ncm}_*.deb
mams-ca -a wifi=198.18.1.20/24 -a lte=198.18.2.20/24 network
mams-ca enrol laptop
S
hosts_tunnel madp 20
on madp systemctl enable -q --now mams-proxy mams-trailer mams-ncm

say "NetworkManager, systemd-networkd and Docker rule the client's network"
cl bash -e -s "$wifi" "$lte" >>"$work/log" 2>&1 <<'S'
for d in "$1" "$2"; do
	ip addr flush dev "$d"
	ip link set "$d" down
done
cat >/etc/NetworkManager/conf.d/wifi.conf <<C
[main]
dns=none
no-auto-default=*
[keyfile]
unmanaged-devices=interface-name:$2
C
cat >/etc/NetworkManager/system-connections/wifi.nmconnection <<C
[connection]
id=wifi
type=ethernet
interface-name=$1
[ipv4]
method=auto
route-metric=100
[ipv6]
method=disabled
C
chmod 600 /etc/NetworkManager/system-connections/wifi.nmconnection
cat >/etc/systemd/network/lte.network <<C
[Match]
Name=$2
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[DHCPv4]
RouteMetric=200
UseDNS=no
C
systemctl start systemd-networkd NetworkManager
# As Docker makes them, for a bridge and one container on it.
ip link add docker0 type bridge
ip addr add 172.17.0.1/16 dev docker0
ip link set docker0 up
iptables -P FORWARD DROP
for c in DOCKER DOCKER-USER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2; do iptables -N $c; done
iptables -A FORWARD -j DOCKER-USER
iptables -A FORWARD -j DOCKER-ISOLATION-STAGE-1
iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A FORWARD -o docker0 -j DOCKER
iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
iptables -A FORWARD -i docker0 -o docker0 -j ACCEPT
iptables -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
iptables -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
for c in DOCKER-USER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2; do iptables -A $c -j RETURN; done
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t nat -A DOCKER -i docker0 -j RETURN
unshare -n sleep infinity </dev/null >/dev/null 2>&1 &
echo $! >/run/box
sleep 0.5
ip link add box0 type veth peer name eth0 netns $!
ip link set box0 master docker0 up
nsenter -t $! -n sh -c 'ip addr add 172.17.0.2/16 dev eth0 && ip link set eth0 up && ip route add default via 172.17.0.1'
S
# shellcheck disable=SC2016 # of the client
box() { cl sh -c 'exec nsenter -t "$(cat /run/box)" -n "$@"' - "$@"; }
has_both() { [ -n "$(device 198.18.1.1)" ] && [ -n "$(device 198.18.2.1)" ]; }
hosts_wait 20 has_both || :
claim "who has wifi: NetworkManager" "$(cl nmcli -g GENERAL.STATE device show "$wifi")" = "100 (connected)"
claim "who has lte: networkd" "$(cl networkctl --no-legend list "$lte" | awk '{ print $4, $5 }')" = "routable configured"
on madp cat /etc/mams/ca/laptop.mams | cl sh -c 'cat >/debs/now/laptop.mams'
cl bash -e -s "$wifi" "$lte" >>"$work/log" 2>&1 <<'S'
cd /debs/now
apt-get install -y -q --no-install-recommends ./mams-{tools,mptcpd-plugin,proxy,trailer,ccm}_*.deb
mams-ca -a wifi="$1" -a lte="$2" apply laptop.mams
echo "methods = { MPTCP_Proxy, GMA }" >>/etc/mams/ccm.conf
systemctl enable -q --now mams-proxy mams-trailer
S
# once the trailer is there, whose device stays
hosts_wait 10 cl test -S /run/mams/trailer.ctl
theirs >"$work/before"
cl systemctl enable -q --now mams-ccm

say "a session"
claim "session, both links, proxy, tunnel" "$(yes_no hosts_wait 30 is_ready)" = yes
standing=$(ours)
both "begun"
saw() { on server tail -n 1 /var/log/nginx/access.log | cut -d' ' -f1; }
claim "whom the server saw" "$(saw)" = 198.18.3.20
claim "a container of the client's gets its file" \
	"$(box curl -sS --max-time 20 http://198.18.3.30/16M | sha256sum | cut -d' ' -f1)" = "$file"

say "systemd-networkd"
disturb "systemd-networkd started anew" systemctl restart systemd-networkd
disturb "networkctl reconfigure" networkctl reconfigure "$lte"
disturb "networkctl reload" networkctl reload
both "afterwards"

say "NetworkManager"
disturb "NetworkManager started anew" systemctl restart NetworkManager
disturb "nmcli device reapply" nmcli device reapply "$wifi"
disturb "nmcli connection up" nmcli connection up wifi
download 8
cl nmcli connection down wifi >/dev/null
claim "nmcli connection down: one link" "$(yes_no hosts_wait 5 without_wifi)" = yes
downloaded "nmcli connection down"
claim "session" "$(status ccm | jq -r .state)" = ACTIVE
download 8
cl nmcli connection up wifi >/dev/null
claim "nmcli connection up: two again" "$(yes_no hosts_wait 20 is_ready)" = yes
downloaded "nmcli connection up"
claim "all that is ours stands" "$(yes_no hosts_wait 10 all_stand)" = yes
both "afterwards"

say "the agent's end"
cl systemctl stop mams-ccm
claim "rules, routes, filters that are not as before" "$(theirs | diff "$work/before" - | grep -c '^[<>]' || :)" = 0
theirs | diff "$work/before" - || :
claim "who has wifi: NetworkManager" "$(cl nmcli -g GENERAL.STATE device show "$wifi")" = "100 (connected)"
claim "who has lte: networkd" "$(cl networkctl --no-legend list "$lte" | awk '{ print $4, $5 }')" = "routable configured"

docker_down
claim "bridges, rules, mounts left on this machine" "$(docker_left | tr '\n' ' ')" = ""
claims_table
