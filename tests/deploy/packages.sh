#!/usr/bin/env bash
# Debian packages: built, clean under lintian, installed on hosts with systemd, upgraded and downgraded
# under traffic, purged; and installed by the README, with systemd and without.  Hosts are containers, see
# tests/support/hosts.sh.
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
work=$(mktemp -d /var/tmp/mams-packages.XXXXXX)
network="mams-tools mams-mptcpd-plugin mams-proxy mams-trailer mams-ncm"
client="mams-tools mams-mptcpd-plugin mams-proxy mams-trailer mams-ccm"

end() {
	local status=$?
	trap - EXIT
	kill ${echoes:-} ${talking:-} 2>/dev/null || :
	if [ "$status" != 0 ] && [ -n "$DOCKER_DIR" ]; then
		for h in madp client; do
			echo "-- journal of $h"
			on "$h" journalctl --no-pager -o cat -n 40 || :
		done 2>/dev/null
		tail -n 20 "$work"/bare*.log 2>/dev/null || :
		echo "-- what installing said"
		tail -n 20 "$work/apt.log" 2>/dev/null || :
	fi
	docker_down
	rm -rf "$work"
	exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

say() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }
yes_no() { "$@" >/dev/null 2>&1 && echo yes || echo no; }

# ---- what is asked of a host ----

# install HOST now|before PACKAGE...: of that version; with configuration files as they are
install() {
	local on=$1 version=$2 p files=()
	shift 2
	for p in "$@"; do files+=("/debs/$version/${p}_*.deb"); done
	on "$on" sh -c "apt-get install -y -q --no-install-recommends --allow-downgrades \
		-o Dpkg::Options::=--force-confold ${files[*]}" >>"$work/apt.log" 2>&1 ||
		{ tail -n 20 "$work/apt.log" && return 1; }
}
active() { # HOST UNIT...: those that are
	local on=$1
	shift
	on "$on" systemctl is-active "$@" | grep -cx active || :
}
pid_of() { on "$1" systemctl show -p MainPID --value "$2"; }
status() { on "$1" mamsctl --json -s "/run/mams/$2.ctl" status; }
session() { status client ccm | jq -r '"\(.ncm_id)/\(.session_id)"'; }
is_session() { [ "$(status "$1" ccm | jq -r .state)" = ACTIVE ]; }
is_ready() { is_session "$1" && status "$1" proxy | jq -e .catching >/dev/null; }

# A download that takes SECONDS.
download() { # HOST SECONDS
	on "$1" sh -c "curl -sS --max-time 120 --limit-rate $((32 / $2))M http://198.18.3.30/32M | sha256sum" \
		>"$work/got" 2>&1 </dev/null &
	downloading=$!
	sleep 1
}
downloaded() { # CLAIM: is it whole?
	wait "$downloading" || :
	claim "$1" "$(sed "s/^$file .*/whole/" "$work/got" | head -c 200)" = whole
}

# The README's own commands below a marker, with the addresses of our networks, whose interfaces are of no
# kind that could be found.  The hosts are root, and have their sysctls from Docker.
readme() { # MARKER HOST-PART
	awk -v m="<!-- $1 -->" '$0 == m { on = 1; next } on && /^[^ ]/ { exit }
		on { sub(/^    /, ""); print }' "$top/README.md" |
		sed "s/sudo //g; s/apt install/apt-get install -y -q --no-install-recommends/
			s/^sysctl -w \(.*\)=1/test \$(sysctl -n \1) = 1/
			s/192\\.0\\.2\\.1/198.18.1.$2/g; s/198\\.51\\.100\\.1/198.18.2.$2/g
			s/mams-ca apply/mams-ca -a wifi=\$(device 198.18.1.) -a lte=\$(device 198.18.2.) apply/"
}
# follow MARKER HOST HOST-PART [SED SCRIPT]
follow() {
	readme "$1" "$3" | sed "${4:-}" >"$work/commands"
	commands=$((commands + $(grep -c . "$work/commands")))
	# shellcheck disable=SC2016 # the host's
	on "$2" bash -e -c 'device() { ip -o -4 addr | awk -v net="$1" "index(\$4, net) == 1 { print \$2 }"; }
		cd /debs/now; . /dev/stdin' <"$work/commands" >>"$work/apt.log" 2>&1
}
# start_bare HOST DAEMON: all that the README starts without systemd, in its foreground; how each of them
# ended is in the file ended.HOST then.
start_bare() {
	local host=$1
	{
		readme "commands without systemd" 0
		if [ "$2" = mams-ncm ]; then
			readme "commands of the N-MADP host without systemd" 0
		else
			echo "\$as_mams $2 &"
		fi
	} >"$work/start.$host"
	# shellcheck disable=SC2016 # the host's
	on "$host" bash -c '. /dev/stdin; jobs -p >/run/daemons
		for p in $(cat /run/daemons); do wait "$p"; echo $?; done' \
		<"$work/start.$host" >"$work/ended.$host" 2>"$work/$host.log" &
}
# stop_bare HOST: by SIGTERM; says how each of them ended
stop_bare() {
	# shellcheck disable=SC2016 # the host's
	on "$1" sh -c 'kill -TERM $(cat /run/daemons)'
	hosts_wait 15 has_lines 4 "$work/ended.$1" || :
	tr '\n' ' ' <"$work/ended.$1"
}
has_lines() { [ "$(wc -l <"$2")" = "$1" ]; }

say "packages are built"
"$top/deploy/lab/install" build package >/dev/null
before=$(packages_before)
if [ -n "${MAMS_DEBS:-}" ]; then
	# built by a run before: a folder with now/ and before/
	cp -r "$MAMS_DEBS" "$work/debs"
else
	packages_source "$work/src/mams"
	packages_version "$work/src/mams" now
	packages_build "$work/src/mams" "$work/debs/now"
	packages_source "$work/src/mams" "$before"
	packages_version "$work/src/mams" before
	packages_build "$work/src/mams" "$work/debs/before"
fi
now=$(dpkg-deb -f "$work"/debs/now/mams-ncm_*.deb Version)
older=$(dpkg-deb -f "$work"/debs/before/mams-ncm_*.deb Version)
echo "$now; before: $older, of ${before:-the same tree}"
claim "packages" "$(find "$work/debs/now" -name '*.deb' ! -name '*dbgsym*' | wc -l)" = 6
claim "lintian: neither errors nor warnings" "$(yes_no lintian --fail-on error,warning \
	"$work"/debs/now/*.deb)" = yes
rm -f "$work"/debs/*/*dbgsym*

say "hosts"
docker_up "$work/docker"
hosts_image_bare mams-bare "$work/debs" nginx-light socat
hosts_image mams-host mams-bare
hosts_networks
host mams-host madp 20 "wifi lte core" /sbin/init --sysctl net.ipv4.ip_forward=1 \
	--sysctl net.mptcp.pm_type=1
host mams-host client 10 "wifi lte" /sbin/init
host mams-bare server 30 core "nginx -g 'daemon off;'"
for h in madp client; do
	hosts_wait 30 is_booted "$h"
	on "$h" find / -xdev -name '*mams*' -not -path '/debs/*' >"$work/$h.files"
	on "$h" cat /etc/passwd >"$work/$h.passwd"
done
on server ip route replace default via 198.18.3.20
on server sh -c 'head -c 32M /dev/urandom >/var/www/html/32M'
file=$(on server sha256sum /var/www/html/32M | cut -d' ' -f1)

say "installed: $older"
# shellcheck disable=SC2086 # lists of words
install madp before $network
# shellcheck disable=SC2086
install client before $client
daemons="mams-ncm mams-ccm mams-proxy mams-trailer"
# shellcheck disable=SC2086
claim "daemons that run before anybody has configured them" \
	"$(($(active madp $daemons) + $(active client $daemons)))" = 0
claim "mptcpd runs with the plugin at once" "$(yes_no hosts_wait 10 on madp test -S /run/mams/pm.ctl)" = yes
claim "a wrong configuration does not start" "$(yes_no on madp systemctl start mams-ncm)" = no
claim "and the journal says what is wrong" "$(on madp journalctl -o cat -u mams-ncm |
	grep -c '/etc/mams/ncm.crt' | sed 's/^[1-9].*/yes/')" = yes
on madp systemctl reset-failed mams-ncm
# shellcheck disable=SC2016 # the host's
offered() { # WORD...: what completion offers for the last of them
	on client bash -c '. /usr/share/bash-completion/completions/mamsctl; COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1)); _mamsctl "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
		echo "${COMPREPLY[*]}"' - "$@"
}
claim "completion: mamsctl st" "$(offered mamsctl st)" = "status steer"
claim "completion: mamsctl steer --dl-" "$(offered mamsctl steer --dl-)" = "--dl-mode"

say "configured"
on madp bash -e <<'S'
mams-ca init >/dev/null
mams-ca -s 198.18.1.20 -s 198.18.2.20 server ncm >/dev/null
mams-ca client laptop >/dev/null
mams-ca client phone >/dev/null
cd /etc/mams
install -m 644 ca/ca.crt ca/ncm.crt .
install -m 600 -o mams -g mams ca/ncm.key .
cat >ncm.conf <<'C'
ncm_id = 1
listen = { "198.18.1.20:8443", "198.18.2.20:8443" }
certificate = /etc/mams/ncm.crt
key = /etc/mams/ncm.key
client_ca = /etc/mams/ca.crt
policy_file = /etc/mams/policy.conf
access wifi {
	type = Wi-Fi
	client_networks = { "198.18.1.0/24" }
	proxies = { "198.18.1.20:7443" }
}
access lte {
	type = LTE
	client_networks = { "198.18.2.0/24" }
	proxies = { "198.18.2.20:7443" }
}
C
cat >proxy.conf <<'C'
role = network
listen = { "198.18.1.20:7443", "198.18.2.20:7443" }
allow = { "198.18.3.0/24" }
C
cat >trailer.conf <<'C'
role = network
listen = { "198.18.1.20", "198.18.2.20" }
C
systemctl enable -q --now mams-proxy mams-trailer mams-ncm
S

# configure_client HOST IDENTITY: certificate and links
configure_client() {
	on madp tar -c -C /etc/mams/ca ca.crt "$2.crt" "$2.key" | on "$1" tar -x -C /etc/mams
	on "$1" bash -e -s "$2" <<'S'
cd /etc/mams
mv "$1.crt" client.crt
mv "$1.key" client.key
chown mams: client.key
chmod 644 ca.crt client.crt
device() { ip -o -4 addr | awk -v net="$1" 'index($4, net) == 1 { print $2 }'; }
cat >ccm.conf <<C
ncm = { "https://198.18.1.20:8443", "https://198.18.2.20:8443" }
ca = /etc/mams/ca.crt
certificate = /etc/mams/client.crt
key = /etc/mams/client.key
link wifi {
	connection_id = 0
	type = Wi-Fi
	interface = $(device 198.18.1.)
	gateway = 198.18.1.20
}
link lte {
	connection_id = 1
	type = LTE
	interface = $(device 198.18.2.)
	gateway = 198.18.2.20
	priority = 1
}
C
ip route replace default via 198.18.1.20
S
}
configure_client client laptop
on client systemctl enable -q --now mams-proxy mams-trailer mams-ccm
claim "client: session and proxy" "$(yes_no hosts_wait 20 is_ready client)" = yes
claim "units of the network's host that are active" \
	"$(active madp mptcp mams-proxy mams-trailer mams-ncm)" = 4
claim "units of the client that are active" "$(active client mptcp mams-proxy mams-trailer mams-ccm)" = 4
for u in madp:mams-ncm client:mams-ccm client:mams-proxy client:mams-trailer client:mptcp; do
	claim "exposure of ${u#*:}.service" "$(on "${u%:*}" systemd-analyze security --no-pager "${u#*:}.service" |
		sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p')" '<=' 2.5
done
claim "capabilities of mams-ncm" "$(on madp cat "/proc/$(pid_of madp mams-ncm)/status" |
	awk '/^CapBnd/ { print $2 }')" = 0000000000000000
claim "daemons that run as root" "$(for h in madp client; do on "$h" ps -eo user=,args=; done |
	awk '$1 == "root" && $2 ~ /^\/usr\/(sbin\/mams|libexec\/mptcpd)/' | wc -l)" = 0

say "a tunnel beside the proxy"
hosts_tunnel madp 20
on madp systemctl restart mams-trailer mams-ncm
on client sh -c 'echo "methods = { MPTCP_Proxy, GMA }" >>/etc/mams/ccm.conf; systemctl restart mams-ccm'
is_tunnelled() { [[ $(on client ip route get 198.18.3.30 ipproto 17) == *"dev mams"* ]]; }
is_both() { is_ready client && is_tunnelled; }
claim "client: session, proxy and tunnel" "$(yes_no hosts_wait 20 is_both)" = yes
# in HOST MODE...: datagrams by a program of the tests, in that host's network
in_net() {
	local pid
	pid=$(docker inspect -f '{{.State.Pid}}' "$1")
	shift
	exec nsenter --net="/proc/$pid/ns/net" "$top/tests/netns/trailer_traffic.py" "$@"
}
(in_net server echo 198.18.3.30 9999 600) &
echoes=$!

say "upgrade under traffic"
first=$(session)
# moved VERSION: both hosts, one after the other, while a download runs
moved() {
	local is proxy
	proxy=$(pid_of client mams-proxy)
	download client 16
	(in_net client talk 198.18.3.30 9999 100 300) >"$work/talk" &
	talking=$!
	# shellcheck disable=SC2086
	install madp "$1" $network
	hosts_wait 20 is_session client || :
	is=$(dpkg-deb -f "$work/debs/$1/"mams-ncm_*.deb Version)
	claim "$is: mams-ncm runs" "$(status madp ncm | jq -r .version)" = "$is"
	claim "with the client's other version: session" "$(yes_no hosts_wait 20 is_session client)" = yes
	# shellcheck disable=SC2086
	install client "$1" $client
	claim "$is: session" "$(yes_no hosts_wait 20 is_session client)" = yes
	claim "$is: mams-ccm runs" "$(status client ccm | jq -r .version)" = "$is"
	claim "session is the one of before" "$(session)" = "$first"
	downloaded "download meanwhile"
	kill "$talking"
	wait "$talking" || :
	read -r sent lost _ <"$work/talk"
	claim "datagrams through the tunnel meanwhile" "$sent" '>=' 500
	# a new agent sets the tunnel up anew
	claim "of them lost, 100 a second" "$lost" '<=' 100
	claim "mams-proxy was left running" "$(pid_of client mams-proxy)" = "$proxy"
	for h in madp client; do on "$h" systemctl restart mams-proxy mams-trailer mptcp; done
	claim "user plane started anew: caught again" "$(yes_no hosts_wait 20 is_ready client)" = yes
	claim "and through the tunnel" "$(yes_no hosts_wait 20 is_tunnelled)" = yes
	claim "$is: mams-proxy runs" "$(status client proxy | jq -r .version)" = "$is"
	download client 4
	downloaded "$is: download"
}
moved now

say "reload"
ncm=$(pid_of madp mams-ncm)
ccm=$(pid_of client mams-ccm)
download client 6
on madp systemctl reload mams-ncm
on client systemctl reload mams-ccm
claim "a good policy is read again" "$(on madp journalctl -o cat -u mams-ncm | grep -c 'policy read again')" '>=' 1
on madp sh -c 'cp /etc/mams/policy.conf /tmp/ && echo nonsense >>/etc/mams/policy.conf'
claim "a wrong one is refused" "$(yes_no on madp systemctl reload mams-ncm)" = no
on madp cp /tmp/policy.conf /etc/mams/policy.conf
claim "both run on" "$(pid_of madp mams-ncm) $(pid_of client mams-ccm)" = "$ncm $ccm"
downloaded "download meanwhile"
claim "session is the one of before" "$(session)" = "$first"

# wakes HOST: how often mams-ccm has woken up so far
wakes() {
	on "$1" cat "/proc/$(pid_of "$1" mams-ccm)/status" | awk '/^voluntary/ { print $2 }'
}

say "a newcomer follows the README"
commands=0
host mams-host newmadp 21 "wifi lte core" /sbin/init --sysctl net.ipv4.ip_forward=1 \
	--sysctl net.mptcp.pm_type=1
host mams-host newclient 12 "wifi lte" /sbin/init
hosts_wait 30 is_booted newmadp
hosts_wait 30 is_booted newclient
follow "commands of the N-MADP host" newmadp 21
# our server is in a network of the N-MADP's own
on newmadp sh -c 'echo "allow = { \"198.18.3.0/24\" }" >>/etc/mams/proxy.conf; systemctl restart mams-proxy'
on newmadp cat /etc/mams/ca/laptop.mams | on newclient sh -c 'cat >/debs/now/laptop.mams'
on newclient sh -c 'ip route replace default via 198.18.1.21; ip route add default via 198.18.2.21 metric 9'
follow "commands of the client" newclient 21
claim "commands" "$commands" '<=' 10
claim "the new client: session and proxy" "$(yes_no hosts_wait 20 is_ready newclient)" = yes
download newclient 4
downloaded "its download"

sleep 5
idle_since=$SECONDS
idle_wakes=$(wakes newclient)

say "without systemd"
# as on the hosts before, with the tunnel as well
without() { # how they differ, as a script of sed
	echo 's/no-install-recommends/& systemd-standalone-sysusers/; s/proxy,/proxy,trailer,/; /systemctl/d'
}
host mams-bare baremadp 22 "wifi lte core" "sleep infinity" --sysctl net.ipv4.ip_forward=1 \
	--sysctl net.mptcp.pm_type=1
host mams-bare bareclient 13 "wifi lte" "sleep infinity" --sysctl net.mptcp.pm_type=1
for h in baremadp bareclient; do
	on "$h" find / -xdev -name '*mams*' -not -path '/debs/*' >"$work/$h.files"
	on "$h" cat /etc/passwd >"$work/$h.passwd"
done
follow "commands of the N-MADP host" baremadp 22 "$(without)"
on baremadp cat /etc/mams/ca/laptop.mams | on bareclient sh -c 'cat >/debs/now/laptop.mams'
follow "commands of the client" bareclient 22 "$(without)"
on bareclient sh -c 'ip route replace default via 198.18.1.22; ip route add default via 198.18.2.22 metric 9
	echo "methods = { MPTCP_Proxy, GMA }" >>/etc/mams/ccm.conf'
hosts_tunnel baremadp 22
claim "systemd is there" "$(yes_no on baremadp test -e /lib/systemd/systemd)" = no
start_bare baremadp mams-ncm
start_bare bareclient mams-ccm
claim "session and proxy" "$(yes_no hosts_wait 20 is_ready bareclient)" = yes
download bareclient 4
downloaded "download"
claim "whom the server saw" "$(on server tail -n 1 /var/log/nginx/access.log | cut -d' ' -f1)" = 198.18.3.22
# shellcheck disable=SC2016 # socat's shell
on -d server socat -T 5 UDP-LISTEN:5000,fork SYSTEM:'cat >/dev/null & echo $SOCAT_PEERADDR'
hosts_wait 5 on server sh -c 'ss -Hlun sport = :5000 | grep .'
by_udp() { [ "$(on bareclient sh -c 'echo hello | socat -t 0.5 - UDP:198.18.3.30:5000')" = 198.18.3.22 ]; }
claim "the server sees the N-MADP, by UDP too" "$(yes_no hosts_wait 10 by_udp)" = yes
claim "daemons that run as root" "$(for h in baremadp bareclient; do on "$h" ps -eo user=,args=; done |
	awk '$1 == "root" && $2 ~ /^(mams-|\/usr\/libexec\/mptcpd)/' | wc -l)" = 0
claim "the client's end by SIGTERM" "$(stop_bare bareclient)" = "0 0 0 0 "
claim "what is left of its rules" "$(on bareclient ip rule | grep -cvE 'lookup (local|main|default)' || :)" = 0
claim "the network's end by SIGTERM" "$(stop_bare baremadp)" = "0 0 0 0 "

say "back to the version before"
moved before

say "the newcomer's agent, idle meanwhile"
while [ $((SECONDS - idle_since)) -lt 60 ]; do sleep 1; done
claim "wake-ups of mams-ccm in a minute" \
	"$((($(wakes newclient) - idle_wakes) * 60 / (SECONDS - idle_since)))" '<=' 6
claim "its memory, KiB resident" "$(on newclient cat "/proc/$(pid_of newclient mams-ccm)/status" |
	awk '/^VmRSS/ { print $2 }')" '<=' $((12 * 1024))

say "purge"
on client sh -c 'rm -f /etc/mams/ca.crt /etc/mams/client.crt /etc/mams/client.key'
on madp sh -c 'rm -rf /etc/mams/ca /etc/mams/ca.crt /etc/mams/ncm.crt /etc/mams/ncm.key'
on bareclient sh -c 'rm -f /etc/mams/ca.crt /etc/mams/client.crt /etc/mams/client.key'
on baremadp sh -c 'rm -rf /etc/mams/ca /etc/mams/ca.crt /etc/mams/ncm.crt /etc/mams/ncm.key'
for h in madp client baremadp bareclient; do
	on "$h" sh -c "apt-get purge -y -q 'mams-*'" >>"$work/apt.log" 2>&1
	claim "$h: files left" "$(on "$h" find / -xdev -name '*mams*' -not -path '/debs/*' |
		diff "$work/$h.files" - | grep '^>' | tr '\n' ' ')" = ""
	claim "$h: users left" "$(on "$h" cat /etc/passwd | diff "$work/$h.passwd" - | grep '^>' |
		tr '\n' ' ')" = ""
	claim "$h: processes left" "$(on "$h" ps -eo args= | grep -cE '^(/usr/sbin/)?mams-' || :)" = 0
	claim "$h: rules left" "$(on "$h" ip rule | grep -cvE 'lookup (local|main|default)' || :)" = 0
done
for h in madp client; do
	claim "$h: in mptcpd's unit" "$(on "$h" systemctl cat mptcp | grep -c mams || :)" = 0
done

docker_down
claim "bridges, rules, mounts left on this machine" "$(docker_left | tr '\n' ' ')" = ""
claims_table
