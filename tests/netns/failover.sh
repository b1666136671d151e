#!/usr/bin/env bash
# Links that die, are dead from the start, come back, change their address, or were never admitted.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-failover
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# Nothing passes on wifi in either direction, and nobody is told.
blackhole() {
	px nft -f - <<-X
		table inet hole {
			chain in { type filter hook prerouting priority -500; iifname "wifi" drop; }
			chain out { type filter hook postrouting priority 500; oifname "wifi" drop; }
		}
	X
}
unhole() { px nft delete table inet hole; }

subflows() { cl ss -MHnt | wc -l; }

# outage TEXT BREAK-COMMAND MEND-COMMAND MOST-STALL MOST-BACK: in the middle of a download, for
# LAB_OUTAGE seconds
outage() {
	local text=$1 w=$LAB_DIR/$2.watch job ok back
	lab_watch "$w"
	lab_get /60M >"$LAB_DIR/rate" &
	job=$!
	sleep 2
	"$2"
	sleep "${LAB_OUTAGE:-2}"
	"$3"
	back=$(lab_now_ms)
	wait "$job" && ok=yes || ok=no
	lab_end watch
	claim "$text: curl ends without an error" "$ok" = yes
	claim "$text: SHA-256 of the file is right" "$(same "$LAB_DIR/got" "$LAB_DIR/www/60M")" = yes
	claim "$text: longest stall" "$(lab_stall "$w")" '<=' "$4" ms
	claim "$text: wifi carries again after" "$(carries_after "$w" 2 "$back")" '<=' "$5" ms
}

# outage_up TEXT BREAK-COMMAND MEND-COMMAND MOST-BACK: in the middle of an upload
outage_up() {
	local text=$1 w=$LAB_DIR/$2.up job ok back
	lab_watch "$w"
	lab_put 60 >"$LAB_DIR/rate" &
	job=$!
	sleep 2
	"$2"
	sleep "${LAB_OUTAGE:-2}"
	"$3"
	back=$(lab_now_ms)
	wait "$job" && ok=yes || ok=no
	lab_end watch
	claim "$text: curl ends without an error" "$ok" = yes
	claim "$text: SHA-256 of the file is right" \
		"$(same "$LAB_DIR/www/up/put" "$LAB_DIR/www/60M")" = yes
	claim "$text: wifi carries again after" "$(carries_after "$w" 3 "$back")" '<=' "$4" ms
}

down() { ip -n "$CL" link set wifi down; }
up() { ip -n "$CL" link set wifi up && lab_client_routes; }
leave() {
	ip -n "$CL" addr del 10.1.1.2/24 dev wifi
	ip -n "$CL" addr del fd01:1::2/64 dev wifi
}
return_elsewhere() {
	ip -n "$CL" addr add 10.1.1.77/24 dev wifi
	ip -n "$CL" addr add fd01:1::77/64 dev wifi nodad
	lab_client_routes
}

leave2() {
	ip -n "$CL" addr del 10.1.1.77/24 dev wifi
	ip -n "$CL" addr del fd01:1::77/64 dev wifi
}
return_first() {
	ip -n "$CL" addr add 10.1.1.2/24 dev wifi
	ip -n "$CL" addr add fd01:1::2/64 dev wifi nodad
	lab_client_routes
}

lab_up
lab_file 60 >/dev/null
echo small >"$LAB_DIR/www/small"

say "links that the NCM has not admitted"
# a docking LAN that the agent knows of but no access of the NCM, and a bridge nobody asked for
ip -n "$CL" link add dock type veth peer name dock netns "$PX"
ip -n "$CL" addr add 10.1.3.2/24 dev dock
ip -n "$PX" addr add 10.1.3.1/24 dev dock
ip -n "$CL" link set dock up
ip -n "$PX" link set dock up
ip -n "$CL" link add br0 type bridge
ip -n "$CL" addr add 10.1.4.2/24 dev br0
ip -n "$CL" link set br0 up
ip -n "$CL" route add default via 10.1.3.1 dev dock metric 50
cat >>"$LAB_DIR/ccm.conf" <<-X
	link dock {
		connection_id = 2
		type = Wi-Fi
		interface = dock
	}
X
lab_end ccm
lab_start_one ccm
lab_wait 15 lab_ready
cl nft -f - <<-X
	table inet watch {
		chain out {
			type filter hook postrouting priority 500;
			meta l4proto tcp oifname { "dock", "br0" } counter
		}
	}
X
lab_get /60M >/dev/null
claim "unadmitted: download" "$(same "$LAB_DIR/got" "$LAB_DIR/www/60M")" = yes
claim "unadmitted: links of the session" "$(lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status |
	jq '[.sessions[].links[] | select(.admitted)] | length')" = 2
claim "unadmitted: packets of TCP on the dock or the bridge" \
	"$(cl nft -j list table inet watch | jq '[.. | .counter? | .packets? // empty] | add')" = 0
cl nft delete table inet watch
ip -n "$CL" link del dock
ip -n "$CL" link del br0

say "outages in the middle of a download"
outage "wifi down and up" down up 600 1000
outage "wifi with another address" leave return_elsewhere 600 1000
LAB_SERVER='[fd09::2]' outage "IPv6: wifi with another address" leave2 return_first 600 1000
# long enough to be noticed also where the processor is busy
LAB_OUTAGE=3 outage "wifi silent" blackhole unhole 5000 1000
LAB_OUTAGE=3 outage_up "wifi silent, upload" blackhole unhole 1000
counter() { lab_mamsctl --json -s "$LAB_DIR/cl.ctl" status |
	jq "[.counters[] | select(.name == \"$1\") | .value] | add // 0"; }
claim "wifi silent: times that it was noticed" "$(counter paths_silent_total)" '>=' 2
claim "wifi silent: times that it answered again" "$(counter paths_back_total)" '>=' 2

say "new connections while wifi is up but dead"
lab_wait 10 lab_ready
sleep 1
blackhole
before=$(lab_octets wifi rx)
lte=$(lab_octets lte rx)
try() {
	cl curl -sS --max-time 20 -o /dev/null -w '%{time_total} %{http_code}\n' \
		http://10.9.9.2/small || :
}
for _ in {1..40}; do try; done >"$LAB_DIR/times"
percentile() { # FILE: the 95th, in ms
	sort -n "$1" | awk '{ t[NR] = $1 } END { printf "%d", t[int(NR * 0.95 + 0.999)] * 1000 }'
}
claim "dead wifi: answers" "$(grep -c ' 200$' "$LAB_DIR/times")" = 40
claim "dead wifi: 95th percentile" "$(percentile "$LAB_DIR/times")" '<=' 500 ms
# The proxy remembers which path failed.  One that has just started knows nothing, and tries wifi.
for _ in {1..10}; do
	lab_end cl
	lab_start_one cl
	lab_wait 10 lab_is_catching
	try
done >"$LAB_DIR/first"
claim "dead wifi, nothing known of it: answers" "$(grep -c ' 200$' "$LAB_DIR/first")" = 10
claim "dead wifi, nothing known of it: fastest" \
	"$(sort -n "$LAB_DIR/first" | awk 'NR == 1 { printf "%d", $1 * 1000 }')" '>=' 100 ms
claim "dead wifi, nothing known of it: 95th percentile" "$(percentile "$LAB_DIR/first")" '<=' 500 ms
# what is left is ARP, which the hole lets through
claim "dead wifi: octets that came over it" "$(($(lab_octets wifi rx) - before))" '<=' 500
claim "dead wifi: octets that came over lte" "$(($(lab_octets lte rx) - lte))" '>=' 10000
unhole

lab_end ccm
lab_end cl
no_reports
claims_table
