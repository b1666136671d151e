#!/usr/bin/env bash
# IPsec through a NAT (RFC 3948, RFC 7296 2.23) that knows nothing of it: the subflows and the tunnel of
# wifi, each in an association of its own between the address that the client reports and the N-MADP's.
#
#        client                     NAT                        N-MADP host
#     +----------+              +----------+ wifi        +--------------------+
#     |  .2 =====+== 192.168.7 =+= .1   .2 +== IPsec ====+== 10.1.1.3 proxy   |   10.1.1.0/24
#     |     =====+=====/24======+==========+== IPsec ====+== 10.1.1.4 trailer |
#     |  .2 -----+-------------------------+-- lte ------+-- 10.1.2.1 both    |   10.1.2.0/24; the NCM
#     |  charon  |              +----------+             |   charon           |
#     +----------+                                       +--------------------+
# shellcheck disable=SC2034 # read by lab.sh
LAB=${LAB:-nt-ipnat}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=deploy/lab/charon.sh
. "$NETNS_TOP/deploy/lab/charon.sh"
# shellcheck source=tests/netns/beside_lab.sh
. "$(dirname "$0")/beside_lab.sh"
# shellcheck source=tests/netns/nat_lab.sh
. "$(dirname "$0")/nat_lab.sh"

lab_net
d=$LAB_DIR
lab_certs
lab_conf
nat_between
beside_conf IPsec 'nat = yes'
sed -i 's/"10.1.1.0\/24", "fd01:1::\/64"/"192.168.7.0\/24"/' "$d/ncm.conf"
printf 'protected = { "10.1.1.4" }\nvici_socket = %s\n' "$d/px-charon.vici" >>"$d/n.conf"
# lines that can be found in a packet
seq -f 'MAMS in the clear %.0f' 450000 >"$d/www/lines"

# behind the NAT, and before there is anything
px tcpdump -i wifi -n -s 160 -w "$d/wifi.pcap" -U 2>/dev/null &
LAB_PID[dump]=$!
lab_wait 10 test -s "$d/wifi.pcap"
lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
lab_start tr-n "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$d/n.conf" -d
lab_start tr-c "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$d/c.conf" -d
for p in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one "$p"; done
lab_start iperf "$SV" iperf3 -s

of() { lab_mamsctl --json -s "$d/$1.ctl" status | jq -r "$2"; } # DAEMON FILTER
of_wifi() { of "$1" ".sessions[0].links[] | select(.connection_id == 0) | $2"; } # TRAILER FIELD
sas() { lab_swan px-charon --list-sas | grep -o "$1=[^ }]*" | sort -u | paste -sd' '; } # FIELD
both_up() {
	[ "$(of px '.sas[0].state') $(of ccm '.links[] | select(.name == "wifi") | .sa')" = "up up" ] &&
		[ "$(of_wifi c .up) $(of_wifi n .up) $(of_wifi n .sa)" = "true true up" ]
}
up() { lab_wait 40 both_up && echo yes || echo no; }
goes_udp() { cl ip route get 10.9.9.2 ipproto udp | grep -q 'dev mams'; }
mark() { marked=$(lab_octets wifi rx) inside=$(of_wifi n .rx_bytes); }
carried() { echo $((($(lab_octets wifi rx) - marked) / 1000)); } # kB since mark
in_tunnel() { echo $((($(of_wifi n .rx_bytes) - inside) / 1000)); }
# transfers: a download, and beside it UDP that one link cannot carry
transfers() {
	mark
	cl iperf3 -u -c 10.9.9.2 -b 55M -l 1200 -t 3 -J >"$d/udp.json" &
	local pid=$!
	lab_get /lines >"$d/rate"
	wait "$pid" || :
	claim "a download is right" "$(same "$d/got" "$d/www/lines")" = yes
	claim "wifi carried, kB" "$(carried)" '>=' 500 kB
	claim "of UDP in the tunnel, kB" "$(in_tunnel)" '>=' 500 kB
}
begun() { [ "$(stat -c %s "$d/got" 2>/dev/null || echo 0)" -gt 2000000 ]; }
# rebind FIRST-PORT ADDRESS: under a download
rebind() {
	local pid
	rm -f "$d/got"
	lab_watch "$d/watch"
	lab_get /lines >"$d/rate" &
	pid=$!
	lab_wait 20 begun
	nat_rebind "$@"
	wait "$pid" || :
	lab_end watch
	claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
	claim "it stood still for, ms" "$(lab_stall "$d/watch")" '<=' 5000 ms
	claim "wifi carries in both within 40 s" "$(up)" = yes
}

say "Up, through the NAT"
lab_wait "$LAB_PATIENCE" lab_ready || lab_fail "no session"
claim "both associations" "$(up)" = yes
claim "the N-MADP's peer is the NAT" "$(sas remote-host)" = remote-host=10.1.1.2
claim "its ports are the NAT's" "$(sas remote-port | grep -cE '^(remote-port=20[0-9]{3} ?)+$')" = 1
claim "inside, the client has the address that it reports" \
	"$(sas remote-ts)" = "remote-ts=[192.168.7.2/32]"
claim "UDP goes into the tunnel" "$(yes_no lab_wait 10 goes_udp)" = yes
transfers

say "The NAT gives other ports under load"
rebind 30000 10.1.1.2
claim "... from them" "$(sas remote-port | grep -cE '^(remote-port=30[0-9]{3} ?)+$')" = 1
transfers

say "The NAT has another address under load"
rebind 40000 10.1.1.9
claim "... from there" "$(sas remote-host)" = remote-host=10.1.1.9
transfers

say "An access that has no NAT"
lab_end ncm
sed -i 's/^nat = yes/nat = no/' "$d/ncm.conf"
lab_start_one ncm
down() { [ "$(of ccm '.links[] | select(.name == "wifi") | .sa')" != up ] && [ "$(of_wifi n .sa)" != up ]; }
claim "takes nobody who comes from elsewhere" "$(yes_no lab_wait 20 down)" = yes
claim "a download is right, over lte" "$(lab_get /lines >"$d/rate" && same "$d/got" "$d/www/lines")" = yes

say "What was on the wire"
lab_end ccm
lab_end dump
ike='udp.port == 500'
mapfile -t seen < <(frames "$d/wifi.pcap" -- esp '!(udp.port == 4500 || udp.port == 500 || arp || icmpv6)' \
	"$ike" "$ike && isakmp.exchangetype != 34" 'esp && udp.port != 4500' \
	'frame contains c0:a8:07:02:0a:01:01')
claim "ESP in UDP" "${seen[0]}" '>=' 2000
claim "what is neither that nor IKE, of neighbours apart" "${seen[1]}" = 0
claim "IKE begins at port 500" "${seen[2]}" '>=' 2
claim "... and goes on at 4500" "${seen[3]}" = 0
claim "ESP elsewhere" "${seen[4]}" = 0
claim "the client's own address before an N-MADP's" "${seen[5]}" = 0
claim "the file's lines" "$(grep -c 'MAMS in the clear' "$d/wifi.pcap" || :)" = 0
no_reports
claims_table
