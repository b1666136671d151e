#!/usr/bin/env bash
# The tunnel's DTLS and who is not in it: first flights of strangers, and of the client's own address,
# records that come again; all of it while a stream runs.
# shellcheck disable=SC2034,SC2119 # read by lab.sh
LAB=nt-dhost
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"
# shellcheck source=tests/netns/dtls_lab.sh
. "$(dirname "$0")/dtls_lab.sh"

lab_net
trailer_conf
start n
start c
capture wifi wifi

say "Strangers, and records once more"
hostile() { cl "$here/dtls_hostile.py" "$1" "$2" wifi 10.1.1.2 10.1.1.1 7446; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/${LAB_PID[n]}/status"; }
sessions() { "$here/trailer_ctl.py" "$LAB_DIR/n.ctl" status | jq '.sessions | length'; }
# what the N-MADP would say to them could be seen
ip -n "$PX" route add 10.77.0.0/16 via 10.1.1.2
protect
trailer_routes
claim "both links are up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
stream_begin 500
hostile strangers 100 >/dev/null
made=$(n dtls_open) was=$(n unknown_source) memory=$(resident)
read -r sent _ < <(hostile strangers 10000)
many() { [ "$(($(n unknown_source) - was))" -ge 9000 ]; }
claim "first flights from as many addresses" "$sent" = 10000
claim "most of them counted" "$(yes_no lab_wait 20 many)" = yes
claim "memory of the N-MADP grows by, kB" "$(($(resident) - memory))" '<=' 1024
read -r sent length < <(hostile own 1000)
claim "first flights from the client's own address" "$sent" = 1000
was=$(n dtls_dropped)
read -r sent _ < <(hostile replay 200)
replayed() { [ "$(($(n dtls_dropped) - was))" -ge 180 ]; }
claim "records sent once more" "$sent" = 200
claim "most of them dropped and counted" "$(yes_no lab_wait 20 replayed)" = yes
claim "associations made meanwhile, sessions" "$(($(n dtls_open) - made)) $(sessions)" = "0 1"
stream_end

say "What the wire showed"
lab_end wifi
claim "said to strangers" "$(packets wifi 'ip.dst == 10.77.0.0/16')" = 0
# several datagrams stand in one packet of the capture, as they left the N-MADP
octets=$(tshark -r "$LAB_DIR/wifi.pcap" -d udp.port==7446,dtls -Y 'dtls.handshake.type == 3' \
	-T fields -e udp.length 2>/dev/null | awk '{ n += $1 - 8 } END { print n + 0 }')
claim "octets of answers to the client's address" "$octets" '<=' "$((1000 * (length - 8)))"
claim "there were such" "$octets" '>=' 6000
no_reports
claims_table
