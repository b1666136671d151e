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
# What a killed agent remembers, and what it might know: gone after it was cleaned up.
left_files() { find "$LAB_DIR" -name 'ccm.state*' -printf '%f '; }
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
# An application that makes one connection after the other, through everything: lines "WAY" or none.
applications() {
	while :; do
		way
		sleep 0.05
	done
}

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
# says no length, and never ends
lab_start endless "$SV" python3 -c '
import socket, threading
def serve(s):
    try:
        s.recv(1000)
        s.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            s.sendall(bytes(65536))
    except OSError:
        pass
with socket.create_server(("10.9.9.2", 81)) as l:
    while True:
        threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()'
claim "with a session" "$(way)" = proxied
claim "the snapshot sees what we add" "$(yes_no plain)" = no

say "mams-ncm killed in the middle of a transfer"
id=$(session_id)
applications >"$LAB_DIR/ways" &
LAB_PID[applications]=$!
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
lab_end applications
claim "NCM dead and back: new connections meanwhile" "$(grep -c proxied "$LAB_DIR/ways")" '>=' 20
claim "NCM dead and back: of these failed, or went past the proxies" \
	"$(grep -vc proxied "$LAB_DIR/ways" || :)" = 0

say "mams-ccm killed in the middle of a transfer"
begin
lab_end ccm KILL
ended "CCM dead"
claim "CCM dead: a new connection" "$(yes_no cl curl -sSf --max-time 10 http://10.9.9.2/whoami)" = yes
cl "$BUILD/ccm-agent/mams-ccm" -c "$LAB_DIR/ccm.conf" --cleanup >>"$LAB_DIR/ccm.log" 2>&1
claim "after --cleanup the host is as before" "$(is_plain)" = yes
claim "after --cleanup: a new connection" "$(way)" = direct
claim "after --cleanup: files of the agent" "$(left_files)" = ""
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
claim "after a kill, a start and a stop: files of the agent" "$(left_files)" = ""

say "a mistake in a configuration"
mistake() { # NAME PROGRAM LINE: what it does to the host when it is really started
	local said
	{ cat "$LAB_DIR/$1.conf" && echo "$3"; } >"$LAB_DIR/wrong.conf"
	said=$(cl timeout 5 "$2" -c "$LAB_DIR/wrong.conf" -d 2>&1) && said="started"
	claim "$1 with \"$3\": file, line and key" \
		"$(grep -cE "wrong\.conf:$(wc -l <"$LAB_DIR/wrong.conf"): .*${3%% *}" <<<"$said")" = 1
	claim "$1 with \"$3\": the host is as before" "$(is_plain)" = yes
}
mistake ccm "$BUILD/ccm-agent/mams-ccm" "keep_alive = soon"
mistake ccm "$BUILD/ccm-agent/mams-ccm" "nosuch = 1"
mistake cl "$BUILD/proxy/mams-proxy" "race = -3"

say "mams-proxy of the client killed"
lab_start_one ccm
lab_wait 15 lab_ready
# without a length a transfer that ends early would look complete: it must end with a reset
broken() { # NAME: what an application sees when this proxy dies in the middle of its transfer
	cl curl -sS --http1.0 --max-time 20 -o /dev/null "http://10.9.9.2:81/" 2>"$LAB_DIR/broken" &
	local job=$!
	sleep 1
	lab_end "$1" KILL
	wait $job || :
	grep -o 'reset by peer' "$LAB_DIR/broken" || cat "$LAB_DIR/broken"
}
claim "client proxy dead: a transfer without a length ends with" "$(broken cl)" = "reset by peer"
claim "client proxy dead: a new connection" "$(way)" = direct
claim "client proxy dead: rules of nftables" "$(cl nft list ruleset | wc -l)" = 0
lab_start_one cl
lab_wait 15 lab_ready
claim "client proxy back: a new connection" "$(way)" = proxied

say "the N-MADP dies"
claim "N-MADP dead: a transfer without a length ends with" "$(broken px)" = "reset by peer"
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

say "a session ends while its N-MADP is out of reach, and the NCM is killed before it is back"
granted() { # CTL: is the client valid at the N-MADP?
	lab_mamsctl --json -s "$LAB_DIR/$1" status | jq '[.clients[] | select(.client == "laptop")] | length'
}
forgotten() { [ "$(granted px.ctl)" = 0 ]; }
no_session() { [ "$(session_id)" = none ]; }
for d in cl ccm; do lab_start_one $d; done
lab_wait 20 is_way proxied
claim "valid at the N-MADP" "$(granted px.ctl)" = 1
lab_end ncm KILL
mv "$LAB_DIR/px.ctl" "$LAB_DIR/px.away"
lab_start_one ncm
polled() { [ "$(session_id)" != none ] && [ "$(lab_ccm_state)" = ACTIVE ]; }
lab_wait 15 polled
sleep 2
lab_end ccm
lab_wait 15 no_session
claim "the session has ended" "$(session_id)" = none
claim "out of reach, the N-MADP knows nothing of it" "$(granted px.away)" = 1
lab_end ncm KILL
mv "$LAB_DIR/px.away" "$LAB_DIR/px.ctl"
lab_start_one ncm
lab_wait 10 forgotten || :
claim "within reach: the client is no longer valid there" "$(granted px.ctl)" = 0
lab_end cl
ctl_say() { # MESSAGE: to the N-MADP's proxy, as an NCM would
	python3 - "$LAB_DIR/px.ctl" "$1" <<-'E'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		s.connect(sys.argv[1])
		s.send(json.dumps({"ctl": 1, "id": 7, **json.loads(sys.argv[2])}).encode())
		print(json.loads(s.recv(262144)).get("code"))
	E
}
ghost() {
	lab_mamsctl --json -s "$LAB_DIR/px.ctl" status | jq '[.clients[] | select(.client == "ghost")] | length'
}
claim "a client, told by hand" "$(ctl_say \
	'{"type": "px_client_set", "client": "ghost", "client_key": "Z2hvc3Q=", "session_id": 5}')" = 0
ctl_say '{"type": "px_client_del", "client": "ghost", "session_id": 4}' >/dev/null
claim "a late release of an earlier session: still valid" "$(ghost)" = 1
ctl_say '{"type": "px_client_del", "client": "ghost", "session_id": 5}' >/dev/null
claim "a release of this session" "$(ghost)" = 0
no_reports
claims_table
