#!/usr/bin/env bash
# Two N-MADP instances and two anchors: assignment, drain under a running download, the death of an
# instance, a restart of the NCM, the anchor without convergence, a handover; then a second NCM, to
# which the first one sends its clients.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-instances
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

ncm() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" "$@"; }
ncm_json() { ncm --json status; }
at() { ncm_json | jq -r '.sessions[0].anchors[0].madp // "none"'; }
is_at() { [ "$(at)" = "$1" ]; }
ccm_counter() {
	lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status |
		jq -r --arg n "$1" '[.counters[] | select(.name == $n).value][0] // 0'
}
ncm_counter() {
	ncm_json | jq -r --arg n "$1" '[.counters[] | select(.name == $n).value][0] // 0'
}
# Connections of the client that a proxy has served, in all.
served() {
	lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status |
		jq -r '[.clients[] | select(.client == "laptop").flows_total][0] // 0'
}
open_at() {
	lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status | jq -r .flows_open
}
way() {
	case $(cl curl -sS --max-time 10 http://10.9.9.2/whoami || :) in
	10.9.9.1) echo proxied ;;
	10.1.*) echo direct ;;
	*) echo none ;;
	esac
}
# Which instance serves a new connection?
goes_to() {
	local east west
	east=$(served px)
	west=$(served px2)
	[ "$(way)" = proxied ] || { echo none; return; }
	sleep 0.2
	if [ "$(served px)" -gt "$east" ]; then echo east
	elif [ "$(served px2)" -gt "$west" ]; then echo west
	else echo "nobody"; fi
}
goes() { [ "$(goes_to)" = "$1" ]; }
start_px2() { lab_start px2 "$PX" "$BUILD/proxy/mams-proxy" -c "$LAB_DIR/px2.conf" -d; }

say "lab with two instances"
lab_net && lab_certs && lab_conf
for a in "10.1.1.9/24 dev wifi" "10.1.2.9/24 dev lte"; do
	# shellcheck disable=SC2086 # several words
	ip -n "$PX" addr add $a
done
sed -i '/proxies =/d' "$LAB_DIR/ncm.conf"
cat >>"$LAB_DIR/ncm.conf" <<-X
	madp east {
		ctl = $LAB_DIR/px.ctl
		pm = $LAB_DIR/px-pm.ctl
		proxies = { "wifi 10.1.1.1:7443", "lte 10.1.2.1:7443" }
		capacity = 100
	}
	madp west {
		ctl = $LAB_DIR/px2.ctl
		pm = $LAB_DIR/px-pm.ctl
		proxies = { "wifi 10.1.1.9:7443", "lte 10.1.2.9:7443" }
		capacity = 10
	}
	anchor tcp {
		id = 0
		methods = { MPTCP_Proxy }
	}
	anchor plain {
		id = 4
		type = 5G_NR
		methods = { none }
	}
	features = { lossless_switching, uplink_aggregation, downlink_aggregation }
	madp_lost = 1s
X
echo 'features = { uplink_aggregation, downlink_aggregation, measurement }' >>"$LAB_DIR/ccm.conf"
cat >"$LAB_DIR/px2.conf" <<-X
	role = network
	ctl_socket = $LAB_DIR/px2.ctl
	pm_socket = $LAB_DIR/px-pm.ctl
	listen = { "10.1.1.9:7443", "10.1.2.9:7443" }
	allow = { "10.9.9.0/24", "fd09::/64" }
X
start_px2
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
lab_file 100 >/dev/null
claim "assigned by free capacity to" "$(at)" = east
claim "a new connection goes to" "$(goes_to)" = east
claim "anchors of the session" "$(ncm_json | jq -r '[.sessions[0].anchors[] |
	"\(.name)=\(.method)"] | join(" ")')" = "tcp=MPTCP_Proxy plain=none"
claim "the client's view of them" "$(lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status |
	jq -r '[.anchors[] | "\(.connection_id)=\(.method)"] | join(" ")')" = "0=MPTCP_Proxy 4=none"
claim "not agreed, said by the NCM" "$(ncm_json | jq -r '[.sessions[0].dropped[] |
	select(.item == "lossless_switching").reason][0]')" = "the client does not have it"
claim "not agreed, said by the CCM" "$(lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status |
	jq -r '[.dropped[] | select(.item == "measurement").reason][0]')" = "the NCM does not have it"
claim "not agreed, in words" "$(ncm sessions | grep -c 'lossless_switching *the client does not have it' || :)" = 1

say "drained in the middle of a download"
lab_watch "$LAB_DIR/watch"
lab_get /100M >"$LAB_DIR/rate" &
job=$!
sleep 1.5
claim "drain" "$(ncm drain east)" = drained
drained=$(lab_now_ms)
lab_wait 5 is_at west
claim "the download still runs at the old one" "$(open_at px)" '>=' 1
claim "moved to" "$(at)" = west
claim "a new connection goes to" "$(goes_to)" = west
wait "$job" && ok=yes || ok=no
lab_end watch
claim "drained: curl ends without an error" "$ok" = yes
claim "drained: SHA-256 of the file is right" "$(same "$LAB_DIR/got" "$LAB_DIR/www/100M")" = yes
claim "drained: the download goes on over both links" \
	"$(lab_rate "$LAB_DIR/watch" $((drained + 500)) $((drained + 2500)) 6)" '>=' 55 Mbit/s
claim "drained: longest stall" "$(lab_stall "$LAB_DIR/watch")" '<=' 400 ms
claim "a drained instance serves nobody" "$(ncm_json | jq -r \
	'.madps[] | select(.name == "east") | "\(.drained) \(.used)"')" = "true 0"
claim "an unknown instance is an error" "$(yes_no ncm drain nosuch)" = no

say "restart of the NCM"
lab_end ncm KILL
lab_start_one ncm
lab_wait 10 is_at west
claim "after a restart at" "$(at)" = west
claim "after a restart drained is" "$(ncm_json | jq -r \
	'[.madps[] | select(.drained).name] | join(" ")')" = east
claim "after a restart, a new connection goes to" "$(goes_to)" = west

say "an instance dies"
claim "undrain" "$(ncm undrain east)" = "in use again"
claim "nobody is moved without need" "$(at)" = west
lab_end px2 KILL
killed=$(lab_now_ms)
lab_wait 10 goes east
claim "dead: new connections go to the other one after" "$(($(lab_now_ms) - killed))" '<=' 6000 ms
claim "dead: the instance's state" "$(ncm_json | jq -r \
	'.madps[] | select(.name == "west").state')" = dead
start_px2

say "the anchor without convergence"
claim "before: the host's own route" "$(cl ip route get 10.9.9.2 | grep -o 'dev [a-z]*')" = "dev wifi"
claim "steered to lte" "$(ncm steer --anchor plain --dl lte --ul lte)" = applied
claim "what is not caught leaves by" "$(cl ip route get 10.9.9.2 | grep -o 'dev [a-z]*')" = "dev lte"
claim "it arrives" "$(yes_no cl ping -c 1 -W 2 10.9.9.2)" = yes
claim "the other anchor carries over" "$(ncm_json | jq -r \
	'.sessions[0].anchors[0].dl | join(",")')" = wifi,lte
answer=$(ncm steer --anchor plain --dl wifi --ul lte 2>&1) || :
claim "different lists: the answer names the reason" "$(grep -c 'not applied' <<<"$answer" || :)" = 1

say "handover"
cl sysctl -qw net.ipv4.conf.wifi.promote_secondaries=1
ip -n "$CL" addr add 10.1.1.66/24 dev wifi
ip -n "$CL" addr del 10.1.1.2/24 dev wifi
lab_client_routes
is_new_address() {
	ncm_json | jq -e '.sessions[0].links[] | select(.name == "wifi") |
		.address == "10.1.1.66" and .admitted' >/dev/null
}
lab_wait 10 is_new_address
claim "Keep-Alive REQ (Handover) of the CCM" "$(ccm_counter handovers_total)" = 1
claim "... heard by the NCM" "$(ncm_counter handovers_total)" = 1
claim "... and over" "$(lab_ccm_state)" = ACTIVE
claim "a new connection goes to" "$(goes_to)" = east

say "another NCM"
sed -e "s|^ncm_id = 1|ncm_id = 2|" -e "s|:8443|:9443|g" \
	-e "s|$LAB_DIR/ncm\.|$LAB_DIR/ncm2.|g" "$LAB_DIR/ncm.conf" >"$LAB_DIR/ncm2.conf"
cat >>"$LAB_DIR/ncm.conf" <<-X
	redirect away {
		sessions = all
		endpoints = { "10.1.1.1:9443", "10.1.2.1:9443" }
	}
X
lab_start ncm2 "$PX" "$BUILD/ncm-service/mams-ncm" -c "$LAB_DIR/ncm2.conf" -d
lab_wait 5 test -S "$LAB_DIR/ncm2.ctl"
lab_end ncm
lab_start_one ncm
is_with() {
	lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status |
		jq -e --argjson n "$1" '.ncm_id == $n and .state == "ACTIVE"' >/dev/null
}
lab_wait 20 is_with 2 || :
claim "the CCM is with NCM" "$(lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r .ncm_id)" = 2
claim "... at" "$(lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r .ncm)" \
	= https://10.1.1.1:9443
claim "sessions left at the first" "$(ncm_json | jq '.sessions | length')" = 0
claim "redirects of the first" "$(ncm_counter redirects_total)" '>=' 1
lab_wait 10 goes east || goes west
claim "a new connection" "$(way)" = proxied

lab_end ccm
lab_end cl
claim "no rule of the native network is left" "$(cl ip rule | grep -c 77 || :)" = 0
no_reports
claims_table
