# shellcheck shell=bash
# Docker Engine and docker-compose of Debian, for a test: a daemon of its own, with socket and images in
# a folder of its own.  Sourced.
#
#	docker_up DIR      installs what is missing, starts the daemon, has debian:bookworm-slim
#	docker_down        removes containers, networks, images and the daemon; safe to call at any time
#	docker_left        after docker_down: what it has left on the machine, which must be nothing
#
# The daemon makes no firewall rule, sets no sysctl and leads no traffic out of the machine, so images
# are built with the host's network (docker build --network host; build: { network: host }).  There
# may be no registry: the base image is made by mmdebstrap then, once for all tests (build/docker).
# Networks of tests: 198.18.0.0/16; each service has its networks named, with addresses.

DOCKER_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
DOCKER_BASE=debian:bookworm-slim
DOCKER_DIR=
DOCKER_WAS=
DOCKER_PID=
DOCKER_NETWORKS=
DOCKER_TABLES=

docker_say() { echo "docker: $*" >&2; }

# Bridges of its networks, tables of the packet filter that were not there, mounts.
docker_left() {
	local id
	for id in $DOCKER_NETWORKS; do
		[ ! -e "/sys/class/net/br-${id:0:12}" ] || echo "bridge br-${id:0:12}"
	done
	docker_tables | comm -13 <(echo "$DOCKER_TABLES") -
	awk -v d="$DOCKER_WAS/" 'index($5, d) == 1 { print "mount", $5 }' /proc/self/mountinfo
}
docker_tables() { nft list tables 2>/dev/null | sort; }

docker_wait() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

docker_start() {
	# a file of the machine's own daemon is none of ours
	echo "{ \"deprecated-key-path\": \"$DOCKER_DIR/key.json\" }" >"$DOCKER_DIR/daemon.json"
	setsid dockerd --config-file "$DOCKER_DIR/daemon.json" --data-root "$DOCKER_DIR/data" \
		--exec-root "$DOCKER_DIR/exec" --pidfile "$DOCKER_DIR/pid" -H "$DOCKER_HOST" \
		--iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
		--userland-proxy=false --bridge=none \
		--default-address-pool base=198.19.0.0/16,size=24 \
		>"$DOCKER_DIR/log" 2>&1 </dev/null &
	DOCKER_PID=$!
	docker_wait 30 docker info && return 0
	tail -n 20 "$DOCKER_DIR/log" >&2
	docker_say "the daemon does not start"
	return 1
}

# As Debian's own image: no manuals, apt keeps no archives.  mmdebstrap gives /bin/sh the number of a
# descriptor to write to, and that knows numbers of one digit only: what is open besides is closed.
docker_debootstrap() { # FILE
	local sources=/etc/apt/sources.list.d/debian.sources
	[ -s "$sources" ] || sources=
	TMPDIR=$DOCKER_DIR mmdebstrap -q --variant=minbase --dpkgopt=force-unsafe-io \
		--aptopt='Acquire::Retries "5"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		bookworm "$1" ${sources:+"$sources"} >&2 \
		3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
}

# The archive of a Debian 12 without anything.  Made under a lock: two tests may want it at once.
# A mirror may be away for a moment.
docker_base_archive() { # FILE
	local file=$1 pause
	mkdir -p "${file%/*}"
	(
		flock 9
		[ -z "$(find "$file" -size +1M -mtime -7 2>/dev/null)" ] || exit 0
		for pause in 20 60 0; do
			docker_say "making $DOCKER_BASE"
			docker_debootstrap "$file.new.tar" && mv "$file.new.tar" "$file" && exit 0
			sleep "$pause"
		done
		docker_say "$DOCKER_BASE cannot be made: neither a registry nor Debian's mirror answers"
		exit 1
	) 9>"$file.lock"
}

# From the registry where there is one, so that it is the image that users have.
docker_base() {
	local archive=$DOCKER_TOP/build/docker/base.tar
	docker image inspect "$DOCKER_BASE" >/dev/null 2>&1 && return 0
	timeout 60 docker pull -q "$DOCKER_BASE" >/dev/null 2>&1 && return 0
	docker_base_archive "$archive" || return 1
	docker import -c 'CMD ["bash"]' "$archive" "$DOCKER_BASE" >/dev/null
}

docker_up() { # DIR: made when it is not there, removed by docker_down
	# Debian's programs before any others: theirs fit each other
	export PATH=/usr/bin:/usr/sbin:/bin:/sbin DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
	"$DOCKER_TOP/deploy/lab/install" docker >&2 || return 1
	mkdir -p "$1"
	DOCKER_DIR=$(cd "$1" && pwd)
	DOCKER_WAS=$DOCKER_DIR
	DOCKER_TABLES=$(docker_tables)
	export DOCKER_HOST=unix://$DOCKER_DIR/socket
	docker_start && docker_base
}

docker_down() {
	local pid=$DOCKER_PID path
	[ -n "$DOCKER_DIR" ] || return 0
	if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
		docker ps -aq | xargs -r docker rm -fv >/dev/null 2>&1 || :
		# a network takes its bridge with it
		DOCKER_NETWORKS=$(docker network ls -q -f type=custom)
		echo "$DOCKER_NETWORKS" | xargs -r docker network rm >/dev/null 2>&1 || :
		kill "$pid" 2>/dev/null || :
		docker_wait 20 docker_gone "$pid" || kill -KILL "$pid" 2>/dev/null || :
	fi
	awk -v d="$DOCKER_DIR/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		while IFS= read -r path; do umount -l "$path" || :; done
	rm -rf "$DOCKER_DIR"
	DOCKER_DIR=
	DOCKER_PID=
}

docker_gone() { ! kill -0 "$1" 2>/dev/null; }
