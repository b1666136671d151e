#!/usr/bin/env bash
# deploy/compose.yaml as an operator has it: Docker Engine and docker-compose of Debian, the image built
# from the tree, everything up and healthy; then traffic over both accesses, an access that goes and
# comes, daemons that are killed, two of each.  Ends with a table of claims and leaves nothing behind.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/support/docker.sh
. "$top/tests/support/docker.sh"
# shellcheck source=deploy/lab/claims.sh
. "$top/deploy/lab/claims.sh"
# shellcheck disable=SC2034 # read by claim
CLAIMS_LIVE=1
work=$(mktemp -d)
export MAMS_SECRETS=$work/secrets COMPOSE_PROJECT_NAME=mamstest
compose() { docker-compose -f "$top/deploy/compose.yaml" "$@"; }
# The README's own commands, one after the other, as somebody without a terminal.
mapfile -t readme < <(awk '$0 == "<!-- commands of a host with Docker -->" { on = 1; next } on && /^[^ ]/ { exit }
	on && NF { sub(/^ +/, ""); sub(/ exec /, " exec -T "); print }' "$top/README.md")
readme() { (cd "$top" && bash -c "${readme[$1]}"); } # NUMBER
within() { compose exec -T "$@"; } # SERVICE COMMAND...
ctl() { within "$1" mams-run ctl "${@:2}"; }
name() { echo "mamstest_$1_${2:-1}"; } # SERVICE [NUMBER]: of its container
say() { printf '\n== [%d s] %s\n' "$SECONDS" "$*"; }
yes_no() { "$@" >/dev/null 2>&1 && echo yes || echo no; }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

end() {
	local status=$?
	trap - EXIT
	if [ "$status" != 0 ] && [ -n "$DOCKER_DIR" ]; then
		compose ps || :
		for c in $(docker ps -aq); do
			docker inspect -f '== {{.Name}}' "$c"
			docker logs --tail 15 "$c" 2>&1 | grep -v 'Unhandled MPTCP event' || :
		done
	fi
	docker_down
	rm -rf "$work"
	exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

interface() { # SERVICE ADDRESS: found by it, since Docker numbers them as it likes
	within "$1" ip -o -4 addr | awk -v a="$2" 'index($4, a) == 1 { print $2; exit }'
}
received() { within client cat "/sys/class/net/$1/statistics/rx_bytes"; } # INTERFACE
shape() { # SERVICE BEGINNING-OF-ADDRESS RATE
	within "$1" tc qdisc replace dev "$(interface "$1" "$2")" root tbf rate "$3" burst 32kb latency 50ms
}
shape_all() {
	shape nmadp 198.18.1. 20mbit
	shape nmadp 198.18.2. 50mbit
	shape client 198.18.1. 20mbit
	shape client 198.18.2. 50mbit
}
# get: downloads the file; prints Mbit/s
get() {
	within client curl -sSf --max-time 60 -o /tmp/got -w '%{speed_download}' http://198.18.3.2/60M |
		awk '{ printf "%.1f", $1 * 8 / 1e6 }'
}
sum_of() { within "$1" sha256sum "$2" | cut -d' ' -f1; } # SERVICE FILE
is_right() { [ "$(sum_of client /tmp/got)" = "$sum" ]; }
way() { within client curl -sS --max-time 3 http://198.18.3.2/whoami | grep -q '^198\.18\.3\.'; }
is_active() { ctl client ccm --json status | grep -q '"state": "ACTIVE"'; }
session() { ctl client ccm --json status | jq -r .session_id; }
healthy() { docker ps -q -f health=healthy | wc -l; }
are_healthy() { [ "$(healthy)" = "$1" ]; }
has_links() { ctl client ccm --json status | jq -e '[.links[] | select(.up and .admitted)] | length == 2' >/dev/null; }
has_tunnel() { ctl client trailer --json status | jq -e '[.sessions[0].links[].up] == [true, true]' >/dev/null; }

say "Docker, the image"
docker_up "$work/docker"
readme 0
compose build -q ncm >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log"; exit 1; }

say "up"
began=$(now_ms)
readme 1 2>&1 | tail -n 1
docker_wait 60 are_healthy 6 || :
claim "containers healthy" "$(healthy)" = 6
claim "  after" $(($(now_ms) - began)) '<=' 60000 ms
claim "privileged, or with a writable root" "$(docker ps -q | xargs docker inspect \
	-f '{{.HostConfig.Privileged}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' |
	grep -vc '^false true \[ALL\]$' || :)" = 0
claim "daemons that run as root" "$(for s in redis ncm front nmadp server client; do
	within $s ps -eo user=,comm= | grep -E '^root +(mams-(ncm|ccm|proxy|trailer)|mptcpd|redis|nginx|iperf3)' || :
done | wc -l)" = 0
docker_wait 20 has_links || :
docker_wait 20 has_tunnel || :
claim "both links of the client are up, in TCP's user plane" "$(yes_no has_links)" = yes
claim "  and in the tunnel" "$(yes_no has_tunnel)" = yes
claim "the client's status, by the README" "$(readme 2 | grep -c ACTIVE)" '>=' 1

say "download over both accesses"
within server sh -c 'mkdir -p -m 755 /tmp/www && head -c 60M /dev/urandom >/tmp/www/60M && chmod 644 /tmp/www/60M'
sum=$(sum_of server /tmp/www/60M)
shape_all
wifi=$(interface client 198.18.1.2/) lte=$(interface client 198.18.2.2/)
w=$(received "$wifi") l=$(received "$lte")
rate=$(get)
w=$(($(received "$wifi") - w)) l=$(($(received "$lte") - l))
claim "SHA-256 of the file is right" "$(yes_no is_right)" = yes
# a full packet of 1,514 octets carries 1,448 of plain TCP
claim "of the sum of 20 and 50 Mbit/s" "$(awk -v r="$rate" 'BEGIN { printf "%.3f", r / (70 * 1448 / 1514) }')" '>=' 0.9
claim "  wifi's part of the octets" "$(awk -v w=$w -v l=$l 'BEGIN { printf "%.2f", w / (w + l) }')" '>=' 0.2
claim "  lte's part of the octets" "$(awk -v w=$w -v l=$l 'BEGIN { printf "%.2f", l / (w + l) }')" '>=' 0.6

say "UDP through the tunnel"
t=$(within client cat /sys/class/net/mams/statistics/tx_bytes)
within client iperf3 -c 198.18.3.2 -u -b 10M -l 1200 -t 3 -J >"$work/udp.json" || :
t=$(($(within client cat /sys/class/net/mams/statistics/tx_bytes) - t))
claim "received" "$(jq '.end.sum.bits_per_second / 1e4 | floor / 100' "$work/udp.json")" '>=' 9 Mbit/s
claim "lost" "$(jq '.end.sum.lost_percent * 100 | floor / 100' "$work/udp.json")" '<=' 1 %
claim "octets that went into the tunnel" "$t" '>=' 3500000

say "an access is disconnected and connected again in mid-download"
get >"$work/rate" &
job=$!
sleep 2
docker network disconnect mamstest_wifi "$(name client)"
sleep 2
docker network connect --ip 198.18.1.2 mamstest_wifi "$(name client)"
wifi=$(interface client 198.18.1.2/)
w=$(received "$wifi")
sleep 2
w=$(($(received "$wifi") - w))
wait "$job" && ok=yes || ok=no
claim "curl ends without an error" "$ok" = yes
claim "  SHA-256 of the file is right" "$(yes_no is_right)" = yes
claim "  wifi carries again: octets in 2 s" "$w" '>=' 1000000

say "the NCM is killed in mid-download"
id=$(session)
get >"$work/rate" &
job=$!
sleep 1
docker kill "$(name ncm)" >/dev/null
sleep 1
docker start "$(name ncm)" >/dev/null
wait "$job" && ok=yes || ok=no
claim "curl ends without an error" "$ok" = yes
claim "  SHA-256 of the file is right" "$(yes_no is_right)" = yes
docker_wait 40 are_healthy 6 || :
claim "  containers healthy" "$(healthy)" = 6
began=$(now_ms)
docker_wait 20 is_active || :
claim "  the session is the same, and is active" "$(session) $(yes_no is_active)" = "$id yes"
claim "    after" $(($(now_ms) - began)) '<=' 20000 ms

say "the N-MADP is killed"
docker kill "$(name nmadp)" >/dev/null
docker start "$(name nmadp)" >/dev/null
began=$(now_ms)
docker_wait 40 way || :
claim "new connections go again after" $(($(now_ms) - began)) '<=' 20000 ms
docker_wait 30 has_tunnel || :
claim "  the tunnel is up" "$(yes_no has_tunnel)" = yes

say "two of each"
compose up -d --no-recreate --scale ncm=2 --scale nmadp=2 2>&1 | tail -n 1
docker_wait 60 are_healthy 8 || :
claim "containers healthy" "$(healthy)" = 8
ncm() { docker exec "$(name ncm "$1")" mams-run ctl ncm "${@:2}"; } # NUMBER
alive() { ncm "$1" --json status | jq '[.madps[] | select(.state != "dead")] | length'; }
sees_all() { [ "$(alive 1)" = 4 ] && [ "$(alive 2)" = 4 ]; }
docker_wait 20 sees_all || :
claim "N-MADP instances, TCP's and the tunnel's, that each NCM has" "$(alive 1) $(alive 2)" = "4 4"
# who serves the client is killed and stays away: the other one takes over
where=0
for n in 1 2; do
	docker exec "$(name nmadp $n)" mams-run ctl proxy --json status |
		jq -e '[.clients[] | select(.client == "laptop")] | length > 0' >/dev/null && where=$n
done
claim "the client is at one of them" "$where" '>=' 1
docker kill "$(name nmadp "$where")" >/dev/null
began=$(now_ms)
docker_wait 40 way || :
claim "it is killed: new connections go over the other after" $(($(now_ms) - began)) '<=' 20000 ms
docker kill "$(name ncm 1)" >/dev/null
sleep 4
# it may be set up anew just then, at the other one
docker_wait 20 is_active || :
claim "an NCM is killed: the session is active" "$(yes_no is_active)" = yes
has_session() { ncm 2 --json status | jq -e '[.sessions[] | select(.client == "laptop" and .state == "ACTIVE")] | length == 1' >/dev/null; }
docker_wait 30 has_session || :
claim "  at the other one" "$(yes_no has_session)" = yes
claim "  which steers it" "$(ncm 2 steer --anchor tcp --dl lte --ul lte 2>&1 || :)" = applied

say "down"
compose down -v -t 2 >/dev/null 2>&1
docker_down
claim "bridges, rules, mounts left on this machine" "$(docker_left | tr '\n' ' ')" = ""
claims_table
