#!/usr/bin/env bash
# UDP tunnel with DTLS through a NAT that gives other ports, or has another address, under load, beside
# a plain link: nothing is lost, and the link carries again by itself, in an association made anew.
#
#     client 192.168.7.2 --- NAT 10.1.1.2 === DTLS === 10.1.1.1 N-MADP;  lte as in the lab
# shellcheck disable=SC2034,SC2154 # read by lab.sh; set by dtls_lab.sh
LAB=nt-dtlsnat
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"
# shellcheck source=tests/netns/dtls_lab.sh
. "$(dirname "$0")/dtls_lab.sh"
# shellcheck source=tests/netns/nat_lab.sh
. "$(dirname "$0")/nat_lab.sh"

more() { [ "$(n dtls_open)" -gt "$1" ]; }
# rebind FIRST-PORT ADDRESS: under a stream, which loses nothing
rebind() {
	local made before
	made=$(n dtls_open)
	stream_begin 500
	nat_rebind "$@"
	claim "a new association, with keys of its own, within 30 s" \
		"$(yes_no lab_wait 30 more "$made")" = yes
	claim "both links are up" "$(yes_no lab_wait 30 both_up)" = yes
	stream_end
	claim "wifi by DTLS at both ends" "$(yes_no open)" = yes
	before=$(link n 1 rx_bytes)
	claim "TCP over both, Mbit/s" "$(tcp 10.9.9.2 -t 3)" '>=' 10
	claim "of it by wifi, kB" "$((($(link n 1 rx_bytes) - before) / 1000))" '>=' 300
}

lab_net
nat_between
trailer_conf
start n
start c
lab_start iperf "$SV" iperf3 -s
px tcpdump -q -i wifi -U -s 0 -w "$LAB_DIR/wifi.pcap" udp 2>"$LAB_DIR/wifi.tcpdump.log" &
LAB_PID[wifi]=$!
lab_wait 30 grep -q listening "$LAB_DIR/wifi.tcpdump.log"

say "Up, through the NAT"
protect local-wifi=192.168.7.2
trailer_routes
claim "both links are up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
claim "wifi by DTLS at both ends" "$(yes_no open)" = yes
say "The NAT gives other ports"
rebind 30000 10.1.1.2
say "The NAT has another address"
rebind 40000 10.1.1.9

say "What was on the wire"
lab_end wifi
claim "datagrams from the NAT's new address" "$(packets wifi 'ip.src == 10.1.1.9 && dtls.record')" '>=' 200
claim "... and to it" "$(packets wifi 'ip.dst == 10.1.1.9 && dtls.record')" '>=' 10
claim "neither DTLS nor a proof" "$(packets wifi "!(dtls.record) && !icmp && !($proof)")" = 0
claim "inner addresses" "$(packets wifi "$inside")" = 0
no_reports
claims_table
