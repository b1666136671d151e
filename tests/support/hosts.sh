# shellcheck shell=bash
# Hosts of tests that install packages: containers with systemd, or without any init.  Sourced after
# docker.sh.
#
#	client (.10)  phone (.11)          N-MADP host madp (.20)         server (.30)
#	   |    |        |    |               |    |     |                     |
#	   +----|--------+----|---------------+    |     +-- core 198.18.3.0/24 +
#	   wifi 198.18.1.0/24 |                    |
#	        +-------------+--------------------+
#	   lte  198.18.2.0/24

# Both images are debian with the packages named, and ready to install those of the folder DEBS from /debs
# without a network.

# hosts_image_bare NAME DEBS PACKAGE...: without systemd
hosts_image_bare() {
	local name=$1 debs=$2 context=$DOCKER_DIR/context
	shift 2
	rm -rf "$context"
	mkdir -p "$context"
	cp -r "$debs" "$context/debs"
	# examples are among what images of Debian leave out
	cat >"$context/Dockerfile" <<-D
		FROM $DOCKER_BASE
		ENV DEBIAN_FRONTEND=noninteractive container=docker
		RUN rm -f /etc/apt/apt.conf.d/docker-clean && \\
			sed -i /^path-exclude/d /etc/dpkg/dpkg.cfg.d/* && apt-get update -q && \\
			apt-get install -y -q --no-install-recommends curl iproute2 jq procps $*
		COPY debs /debs
		RUN for d in /debs/*/; do apt-get install -y -q -d --no-install-recommends \\
			\$d*.deb systemd-standalone-sysusers || exit 1; done
	D
	docker build -q --network host -t "$name" "$context" >/dev/null
}

# hosts_image NAME BARE PACKAGE...: the image BARE with systemd
hosts_image() {
	local name=$1 bare=$2
	shift 2
	# systemd would set the kernel's sysctls, which are the machine's
	docker build -q --network host -t "$name" - >/dev/null <<-D
		FROM $bare
		RUN mkdir -p /etc/systemd/system && \\
			ln -s /dev/null /etc/systemd/system/systemd-sysctl.service && \\
			ln -s /dev/null /etc/systemd/system/nginx.service && \\
			apt-get install -y -q --no-install-recommends systemd-sysv dbus $*
		RUN for d in /debs/*/; do apt-get install -y -q -d --no-install-recommends \$d*.deb || exit 1; done
		STOPSIGNAL SIGRTMIN+3
	D
}

hosts_networks() {
	local n=0 name
	for name in wifi lte core; do
		n=$((n + 1))
		docker network create --internal --subnet "198.18.$n.0/24" "$name" >/dev/null
	done
}

# host IMAGE NAME NUMBER NETWORKS COMMAND [DOCKER OPTION...]: started; NETWORKS as "wifi lte".
host() {
	local image=$1 name=$2 number=$3 networks=$4 command=$5 net
	declare -A subnet=([wifi]=1 [lte]=2 [core]=3)
	shift 5
	net=${networks%% *}
	docker create --name "$name" --hostname "$name" --network "$net" \
		--ip "198.18.${subnet[$net]}.$number" --device /dev/net/tun \
		--cap-add NET_ADMIN --cap-add NET_RAW --cap-add SYS_ADMIN \
		--tmpfs /run --tmpfs /run/lock --tmpfs /tmp --tmpfs /sys/fs/cgroup \
		-v /sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd:rw "$@" "$image" \
		sh -c "exec $command" >/dev/null
	for net in $networks; do
		[ "$net" = "${networks%% *}" ] || docker network connect \
			--ip "198.18.${subnet[$net]}.$number" "$net" "$name"
	done
	docker start "$name" >/dev/null 2>&1
}

# hosts_tunnel HOST NUMBER: mams-trailer beside mams-proxy, added to a configuration with the proxy alone;
# the server's network may be reached.
hosts_tunnel() {
	on "$1" sh -e -s "$2" <<'S'
cd /etc/mams
grep -q ^allow proxy.conf || echo 'allow = { "198.18.3.0/24" }' >>proxy.conf
sed -i /proxies/d ncm.conf
cat >>ncm.conf <<C
madp proxy {
	ctl = /run/mams/proxy.ctl
	pm = /run/mams/pm.ctl
	proxies = { "wifi 198.18.1.$1:7443", "lte 198.18.2.$1:7443" }
}
madp tunnel {
	trailer = /run/mams/trailer.ctl
	tunnels = { "wifi 198.18.1.$1", "lte 198.18.2.$1" }
	addresses = { "10.60.0.0/16" }
}
anchor tcp {
	id = 0
	methods = { MPTCP_Proxy }
}
anchor ip {
	id = 1
	methods = { GMA }
}
C
cat >trailer.conf <<C
role = network
listen = { "198.18.1.$1", "198.18.2.$1" }
masquerade = { "10.60.0.0/16" }
C
S
}

# on HOST COMMAND...; a script on standard input with: on HOST bash
on() { docker exec -i "$@"; }

hosts_wait() { # SECONDS COMMAND...
	docker_wait "$@"
}
is_booted() { [ "$(on "$1" systemctl is-system-running 2>/dev/null)" = running ]; }
