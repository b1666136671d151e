#!/usr/bin/env bash
# A link is left while it still works: the platform tells by the CCM API that the signal of wifi fades,
# and a second later wifi is dead, though it is up.  TCP and UDP go on as if nothing had been; and the
# same without a word before.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-fading
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/both_lab.sh
. "$(dirname "$0")/both_lab.sh"
here=$(dirname "${BASH_SOURCE[0]}")
LAB_WIFI_EMU=rate=20m,delay=10ms,queue=60k
LAB_LTE_EMU=rate=20m,delay=20ms,queue=60k

signal() { # CURL ARGUMENTS...: prints the status
	cl curl -sS --max-time 10 --unix-socket "$LAB_DIR/ccm-api.sock" -o "$LAB_DIR/answer" \
		-w '%{http_code}' -H 'Content-Type: application/json' \
		http://localhost/ccm/v1.0/link_signal "$@"
}
rssi() { signal -d "{\"conn-id\":0,\"signal\":\"wifi-rssi\",\"value\":$1}"; }
counter() { # DAEMON NAME
	lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status |
		jq -r --arg n "$2" '[.counters[] | select(.name == $n).value][0] // 0'
}
logged() { grep -q "$1" "$LAB_DIR/ccm.log"; }

# A download and 1,000 packets/s up, both over both links; then what is given, and its ends.
traffic_begin() {
	lab_watch "$LAB_DIR/watch"
	cl timeout 20 curl -s -o "$LAB_DIR/got" http://10.9.9.2/60M &
	get=$!
	lab_start sink "$SV" "$here/trailer_traffic.py" sink 10.9.9.2 9999 1
	lab_wait 10 listens
	lab_start stream "$CL" "$here/trailer_traffic.py" stream 10.9.9.2 9999 1000 30 200
	sleep 1.5
}
listens() { sv ss -Hnul 'sport = :9999' | grep -q .; }
traffic_end() { # sets stall, got, lost, half, late
	lab_end stream
	wait "${LAB_PID[sink]}" || :
	kill "$get" 2>/dev/null || :
	wait "$get" 2>/dev/null || :
	lab_end watch
	stall=$(lab_stall "$LAB_DIR/watch")
	read -r got lost _ _ half late < <(tail -n 1 "$LAB_DIR/sink.log")
	sent=$(tail -n 1 "$LAB_DIR/stream.log")
	echo "   download stood still for at most $stall ms; of $sent datagrams $lost lost," \
		"delay ${half%.*} ms (half), ${late%.*} ms (99 %)"
}

lab_net && lab_certs && lab_conf && both_conf
sed -i 's/^link wifi {/&\nsignal_low = -75/' "$LAB_DIR/ccm.conf"
grep -q signal_low "$LAB_DIR/ccm.conf"
both_up
lab_file 60 >/dev/null

say "what the platform says"
claim "a signal" "$(rssi -60)" = 204
claim "one that the link does not have" \
	"$(signal -d '{"conn-id":0,"signal":"lte-rsrp","value":-90}')" = 400
claim "no such link" "$(signal -d '{"conn-id":7,"signal":"wifi-rssi","value":-60}')" = 400
claim "no body" "$(signal -d '{"conn-id":0}')" = 400
claim "another method" "$(signal -X GET)" = 405

say "wifi fades, and is dead a second later"
traffic_begin
for dbm in -66 -71 -76 -78; do
	rssi $dbm >/dev/null
	sleep 0.2
done
claim "it is announced" "$(counter ccm handovers_total) $(counter ncm handovers_total)" = "1 1"
claim "the session goes on" "$(lab_ccm_state)" = ACTIVE
claim "mamsctl status says so, at both ends" "$(lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status |
	jq -c '[.links[].fading]') $(ncm --json sessions | jq -c '.sessions[0].links | map(.fading // false)')" \
	= "[true,null] [true,false]"
wifi=$(($(lab_octets wifi rx) + $(lab_octets wifi tx)))
sleep 0.3
claim "what wifi carries still" $((($(lab_octets wifi rx) + $(lab_octets wifi tx) - wifi) / 1000)) \
	'<=' 60 kB
sleep 0.3
lab_emu set wifi loss=100 >/dev/null
sleep 2.5
traffic_end
claim "the download stands still for at most" "$stall" '<=' 300 ms
claim "datagrams lost of $sent" "$lost" = 0
claim "99 % have arrived within" "${late%.*}" '<=' 150 ms
with=$stall
with_late=${late%.*}

say "it is good again"
lab_emu set wifi loss=0 >/dev/null
for _ in 1 2 3 4; do
	rssi -55 >/dev/null
	sleep 1
done
claim "said so" "$(yes_no lab_wait 5 logged 'signal of link wifi is good again')" = yes
traffic_begin
wifi=$(lab_octets wifi rx)
sleep 1
claim "wifi carries again" $((($(lab_octets wifi rx) - wifi) / 1000)) '>=' 300 kB

say "without a word"
lab_emu set wifi loss=100 >/dev/null
sleep 2.5
traffic_end
claim "the download stood still for longer" "$stall" '>=' "$((with + 50))" ms

lab_end ccm
lab_end cl
no_reports
claims_table
