#!/usr/bin/env bash
# Three adaptations of one client at once: TCP through the proxy inside IPsec on wifi, UDP through the
# trailer in DTLS on wifi, and neither on lte.  Each has an address of its own on wifi, since an
# association catches all IP between the two that it has; and the N-MADP host keeps its way to the
# client for what it sends from the other one, by a rule before charon's.
#
#        client                          N-MADP host
#     +----------+ wifi 20 Mbit/s  +--------------------+
#     |  .2 =====+== IPsec ========+== 10.1.1.3 proxy   |     10.1.1.0/24
#     |     =====+== DTLS =========+== 10.1.1.4 trailer |
#     |  .2 -----+-- lte ----------+-- 10.1.2.1 both    |     10.1.2.0/24; the NCM is here
#     |  charon  |                 |   charon           |
#     +----------+                 +--------------------+
# shellcheck disable=SC2034 # read by lab.sh
LAB=${LAB:-nt-beside}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=deploy/lab/charon.sh
. "$NETNS_TOP/deploy/lab/charon.sh"
# shellcheck source=tests/netns/beside_lab.sh
. "$(dirname "$0")/beside_lab.sh"
here=$(dirname "$0")

lab_net
d=$LAB_DIR
lab_certs
lab_conf
beside_conf UDP_with_DTLS
ip -n "$PX" rule add from 10.1.1.4 lookup main priority 219
ip -n "$CL" addr del fd01:1::2/64 dev wifi
# lines that can be found in a packet
seq -f 'MAMS in the clear %.0f' 600000 >"$d/www/lines"

# the captures begin before there is anything
for link in wifi lte; do
	cl tcpdump -i "$link" -n -s 160 -w "$d/$link.pcap" -U 2>/dev/null &
	LAB_PID[dump-$link]=$!
	lab_wait 10 test -s "$d/$link.pcap"
done
lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
lab_start tr-n "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$d/n.conf" -d
lab_start tr-c "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$d/c.conf" -d
for p in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one "$p"; done

of() { lab_mamsctl --json -s "$d/$1.ctl" status | jq -r "$2"; } # DAEMON FILTER
path() { of "$1" ".sessions[0].links[] | select(.connection_id == $2) | $3"; } # TRAILER CONNECTION FIELD
open() { [ "$(path c 0 '"\(.up) \(.dtls)"') $(path n 0 '"\(.up) \(.dtls)"')" = "true true true true" ]; }
sa_up() { [ "$(of ccm '.links[] | select(.name == "wifi") | .sa') $(of px '.sas[0].state')" = "up up" ]; }
all_up() { sa_up && open; }
up() { lab_wait 40 all_up && echo yes || echo no; }
declare -A marked=()
mark() {
	local l
	for l in 0 1; do marked[$l]=$(path c $l .tx_bytes); done
	marked[wifi]=$(lab_octets wifi rx) marked[lte]=$(lab_octets lte rx)
}
tunnelled() { echo $((($(path c "$1" .tx_bytes) - marked[$1]) / 1000)); } # CONNECTION: kB since mark
carried() { echo $((($(lab_octets "$1" rx) - marked[$1]) / 1000)); }      # LINK: kB since mark
# A download beside UDP the other way, more than one link carries
both_ways() {
	cl iperf3 -u -c 10.9.9.2 -b 60M -l 1200 -t 3 -J >"$d/udp.json" &
	local pid=$!
	lab_get /lines >"$d/rate"
	wait "$pid" || :
}
got() { jq '.end.sum | 100 - .lost_percent | floor' "$d/udp.json"; }
begun() { [ "$(stat -c %s "$d/got" 2>/dev/null || echo 0)" -gt 2000000 ]; }
goes_udp() { cl ip route get 10.9.9.2 ipproto udp | grep -q 'dev mams'; }

say "Three adaptations"
lab_wait "$LAB_PATIENCE" lab_ready || lab_fail "no session"
claim "the association is up and DTLS open, at both ends" "$(up)" = yes
claim "UDP goes into the tunnel" "$(yes_no lab_wait 10 goes_udp)" = yes
claim "the tunnel has no IPsec, and on lte no DTLS" \
	"$(path c 0 .ipsec) $(path c 1 .ipsec) $(path c 1 .dtls)" = "null null null"
lab_start iperf "$SV" iperf3 -s
lab_start echo "$SV" "$here/trailer_traffic.py" echo 10.9.9.2 9999 100
mark
both_ways
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "of UDP received" "$(got)" '>=' 50 %
claim "UDP over wifi, in DTLS, kB" "$(tunnelled 0)" '>=' 200 kB
claim "UDP over lte, kB" "$(tunnelled 1)" '>=' 200 kB
claim "TCP over wifi, in IPsec, kB" "$(carried wifi)" '>=' 500 kB
claim "TCP over lte, kB" "$(carried lte)" '>=' 500 kB

# client and server of the inside, side by side, as they stand in a packet
# shellcheck disable=SC2046 # its octets are words
inside=$(printf '%02x:' $(of ccm '.anchors[] | select(.method == "GMA") | .anchor4' | tr . ' ') 10 9 9 2)
inside=${inside%:}

say "wifi goes under load of both"
lab_get /lines >"$d/rate" &
get=$!
cl "$here/trailer_traffic.py" talk 10.9.9.2 9999 300 4 >"$d/talk" &
talk=$!
lab_wait 20 begun
px ip link set wifi down
wait "$get" || :
wait "$talk" || :
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
read -r sent lost _ <"$d/talk"
claim "datagrams that were answered, of $sent" "$((sent > 0 ? 100 * (sent - lost) / sent : 0))" '>=' 90 %
px ip link set wifi up
lab_client_routes
claim "all is back by itself" "$(up)" = yes
mark
both_ways
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "UDP over wifi again, kB" "$(tunnelled 0)" '>=' 200 kB
claim "TCP over wifi again, kB" "$(carried wifi)" '>=' 500 kB

say "What was on the links"
lab_end ccm
lab_end dump-wifi
lab_end dump-lte
kept='ip.addr == 10.1.1.3 && (udp.port == 500 || udp.port == 4500)'
# a proof, as in dtls_lab.sh: it comes before DTLS, and tells nothing
proof='udp.length == 100 && udp.payload[0:1] == 45 && udp.payload[28:1] == f1'
dtls="ip.addr == 10.1.1.4 && udp.port == 7446 && (dtls.record || ($proof))"
neighbours='arp || icmpv6'
mapfile -t wifi < <(frames "$d/wifi.pcap" -d udp.port==7446,dtls -- "esp && $kept" "dtls.record && $dtls" \
	"!(($kept) || ($dtls) || $neighbours)" "frame contains $inside")
claim "wifi: ESP in UDP, to the proxy's address" "${wifi[0]}" '>=' 1000
claim "wifi: DTLS, to the trailer's" "${wifi[1]}" '>=' 500
claim "wifi: what is none of both, of neighbours apart" "${wifi[2]}" = 0
claim "wifi: client and server of the inside" "${wifi[3]}" = 0
claim "wifi: the file's lines" "$(grep -c 'MAMS in the clear' "$d/wifi.pcap" || :)" = 0
mapfile -t lte < <(frames "$d/lte.pcap" -- 'tcp.option_kind == 30' "frame contains $inside" \
	"!(tcp.port == 7443 || tcp.port == 8443 || udp.port == 7446 || $neighbours)")
claim "lte: MPTCP in the clear" "${lte[0]}" '>=' 1000
claim "lte: the tunnel in the clear" "${lte[1]}" '>=' 500
claim "lte: what is neither, nor the control plane, of neighbours apart" "${lte[2]}" = 0
claim "lte: the file's lines" "$(grep -c 'MAMS in the clear' "$d/lte.pcap")" '>=' 100
no_reports
claims_table
