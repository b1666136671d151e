#!/usr/bin/env bash
# Every element killed in turn while transfers run, and the host put back as it was.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-restart
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# What the issue calls the plain network: everything that we could have left behind.
snapshot() {
	{
		cl nft list ruleset
		cl ip rule
		cl ip -6 rule
		cl ip route show table all
		cl ip -6 route show table all
		cl ip mptcp endpoint
		cl sysctl net.mptcp.enabled net.mptcp.pm_type
	} 2>/dev/null | sed -E 's/ expires [0-9]+sec//' | grep -v 'fe80\|ff00' | sort >"$1"
}
plain() {
	snapshot "$LAB_DIR/now"
	cmp -s "$LAB_DIR/before" "$LAB_DIR/now"
}
# Says yes, or what differs.
is_plain() {
	if plain; then
		echo yes
	else
		diff "$LAB_DIR/before" "$LAB_DIR/now" | grep '^[<>]' | head -n 3
	fi
}
session_id() {
	lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status | jq -r '.sessions[0].session_id // "none"'
}
begin() { # a download in the background
	lab_watch "$LAB_DIR/watch"
	lab_get /60M >"$LAB_DIR/rate" &
	job=$!
	sleep 2
}
ended() { # TEXT
	local ok
	wait "$job" && ok=yes || ok=no
	lab_end watch
	claim "$1: curl ends without an error" "$ok" = yes
	claim "$1: SHA-256 of the file is right" "$(same "$LAB_DIR/got" "$LAB_DIR/www/60M")" = yes
}
# Does a new connection go through the proxies, as the server sees it?
way() {
	case $(cl curl -sS --max-time 10 http://10.9.9.2/whoami || :) in
	10.9.9.1) echo proxied ;;
	10.1.*) echo direct ;;
	*) echo none ;;
	esac
}
is_way() { [ "$(way)" = "$1" ]; }

lab_net && lab_certs && lab_conf
# so that a test need not wait for minutes
cat >>"$LAB_DIR/ccm.conf" <<-X
	keep_alive = 2s
	ncm_lost = 6s
	madp_lost = 4s
	discovery_slow = 3s
X
snapshot "$LAB_DIR/before"
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
lab_file 60 >/dev/null
claim "with a session" "$(way)" = proxied
claim "the snapshot sees what we add" "$(yes_no plain)" = no

say "mams-ncm killed in the middle of a transfer"
id=$(session_id)
begin
killed=$(lab_now_ms)
lab_end ncm KILL
claim "NCM dead: a new connection" "$(way)" = proxied
sleep 2
claim "NCM dead: rate" "$(lab_rate "$LAB_DIR/watch" "$killed" $((killed + 2000)) 6)" '>=' 58 Mbit/s
lab_start_one ncm
ended "NCM dead"
lab_wait 10 lab_ready
claim "NCM back: the session" "$(lab_ccm_state)" = ACTIVE
claim "NCM back: the same session" "$(session_id)" = "$id"
claim "NCM back: a new connection" "$(way)" = proxied

say "mams-ccm killed in the middle of a transfer"
begin
lab_end ccm KILL
ended "CCM dead"
claim "CCM dead: a new connection" "$(yes_no cl curl -sSf --max-time 10 http://10.9.9.2/whoami)" = yes
cl "$BUILD/ccm-agent/mams-ccm" -c "$LAB_DIR/ccm.conf" --cleanup >>"$LAB_DIR/ccm.log" 2>&1
claim "after --cleanup the host is as before" "$(is_plain)" = yes
claim "after --cleanup: a new connection" "$(way)" = direct
lab_start_one ccm
lab_wait 15 lab_ready
claim "CCM back: a new connection" "$(way)" = proxied
lab_end ccm KILL
lab_start_one ccm
lab_wait 15 lab_ready
begin
lab_end ccm
claim "CCM ended by SIGTERM: a new connection meanwhile" "$(way)" = direct
ended "CCM ended by SIGTERM"
lab_wait 5 plain || :
claim "after a kill, a start and a stop the host is as before" "$(is_plain)" = yes

say "mams-proxy of the client killed"
lab_start_one ccm
lab_wait 15 lab_ready
lab_end cl KILL
claim "client proxy dead: a new connection" "$(way)" = direct
claim "client proxy dead: rules of nftables" "$(cl nft list ruleset | wc -l)" = 0
lab_start_one cl
lab_wait 15 lab_ready
claim "client proxy back: a new connection" "$(way)" = proxied

say "the N-MADP dies"
lab_end px KILL
lab_wait 15 is_way direct
claim "N-MADP dead: new connections" "$(way)" = direct
other_than_settings() { is_plain | grep -v pm_type | tr -d '> \n'; }
plain_but_settings() { [ -z "$(other_than_settings)" ]; }
lab_wait 20 plain_but_settings || :
claim "N-MADP dead for long: the host is as before but for MPTCP's settings" \
	"$(other_than_settings)" = ""
lab_start_one px
lab_wait 20 is_way proxied
claim "N-MADP back: a new connection" "$(way)" = proxied

say "the NCM stays away"
lab_end ncm KILL
lab_wait 20 is_way direct
claim "NCM away for long: a new connection" "$(way)" = direct
lab_start_one ncm
lab_wait 20 is_way proxied
claim "NCM back after long: a new connection" "$(way)" = proxied

lab_end ccm
lab_end cl
claim "at the end the host is as before" "$(is_plain)" = yes
no_reports
claims_table
