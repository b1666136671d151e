#!/usr/bin/env bash
# UDP tunnel with DTLS on one link beside a plain one, driven over ctl: what the wire shows, what
# happens when the other end is plain, when keys and addresses change, when the N-MADP dies.
# shellcheck disable=SC2034,SC2154 # read by lab.sh; set by dtls_lab.sh
LAB=nt-dtls
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"
# shellcheck source=tests/netns/dtls_lab.sh
. "$(dirname "$0")/dtls_lab.sh"

more() { [ "$(n dtls_open)" -gt "$1" ]; }

lab_net
trailer_conf
start n
start c
lab_start iperf "$SV" iperf3 -s
capture wifi wifi
capture lte lte

say "One link protected, one plain"
protect
trailer_routes
claim "both links are up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
claim "wifi by DTLS at both ends" "$(yes_no open)" = yes
claim "lte says nothing of DTLS" "$(link c 2 dtls)" = null
before=$(lab_octets wifi tx) lte=$(lab_octets lte tx)
claim "TCP over both, Mbit/s" "$(tcp 10.9.9.2 -t 4)" '>=' 15
claim "of it by wifi, kB" "$((($(lab_octets wifi tx) - before) / 1000))" '>=' 500
claim "of it by lte, kB" "$((($(lab_octets lte tx) - lte) / 1000))" '>=' 500
claim "IPv6 inside" "$(yes_no cl ping -6 -c 2 -i 0.2 -W 2 fd09::2)" = yes
stream_begin 500
stream_end

say "Keys and addresses change under load"
stream_begin 500
made=$(n dtls_open)
(umask 077 && head -c 32 /dev/urandom | base64 -w0 >"$LAB_DIR/key")
protect
claim "a new secret makes a new association within 30 s" \
	"$(yes_no lab_wait 30 more "$made")" = yes
cl ip addr add 10.1.1.3/24 dev wifi
made=$(n dtls_open)
protect local-wifi=10.1.1.3
claim "so does another address" \
	"$(yes_no lab_wait 30 more "$made")" = yes
claim "both links are up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
stream_end

say "An end that is plain"
plain_from=$EPOCHREALTIME
set_n "${both[@]}" >/dev/null
claim "nothing comes up there" "$(yes_no lab_wait 30 is_up 1 false)" = yes
claim "the other link carries" "$(yes_no cl ping -c 2 -i 0.2 -W 2 10.9.9.2)" = yes
protect local-wifi=10.1.1.3
claim "it is up again by itself within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
plain_to=$EPOCHREALTIME

say "The N-MADP dies and comes back"
lab_end n KILL
start n
set_n "${both[@]}" dtls=wifi >/dev/null
claim "both links are up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
claim "wifi by DTLS at both ends" "$(yes_no open)" = yes
stream_begin 500
stream_end

say "What the wire showed"
lab_end wifi
lab_end lte
all=$(packets wifi 'udp.port == 7446')
claim "datagrams on wifi" "$all" '>=' 3000
clear="udp.port == 7446 && !(dtls.record) && !($proof)"
claim "neither DTLS nor a proof, from the client" "$(packets wifi "$clear && ip.src != 10.1.1.1")" = 0
claim "from the N-MADP, but while it was told to be plain" "$(packets wifi "$clear && ip.src == 10.1.1.1 &&
	(frame.time_epoch < $plain_from || frame.time_epoch > $plain_to)")" = 0
claim "and then" "$(packets wifi "$clear && ip.src == 10.1.1.1")" '>=' 1
# Client and server of the inside, side by side: four octets alone come in any megabytes of ciphertext.
claim "inner addresses in what the client sent" "$(packets wifi "ip.src != 10.1.1.1 && $inside")" = 0
claim "on lte they are seen" "$(packets lte "$inside")" '>=' 100
claim "ciphers without forward secrecy or AEAD" "$(tshark -r "$LAB_DIR/wifi.pcap" \
	-d udp.port==7446,dtls -Y 'dtls.handshake.type == 2' -T fields \
	-e dtls.handshake.ciphersuite 2>/dev/null | grep -vc 0x00aa || :)" = 0
no_reports
claims_table
