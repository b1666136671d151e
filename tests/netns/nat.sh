#!/usr/bin/env bash
# Client NAT on lte beside plain UDP on wifi, driven over ctl: what the wire shows, what both links
# carry, what happens when links go, addresses change and the N-MADP dies, what strangers can do.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-nat
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"

both=("split:1,2:lossless" "split:1,2:lossless")
# natted UL DL OPTIONS OF THE CLIENT
natted() {
	set_n "$1" "$2" anchor6= nat=lte >/dev/null &&
		set_c "$1" "$2" anchor6= nat=lte "${@:3}" >/dev/null
}
capture() { # NAME NAMESPACE INTERFACE
	ip netns exec "$2" tcpdump -q -i "$3" -U -s 120 -w "$LAB_DIR/$1.pcap" 2>"$LAB_DIR/$1.tcpdump.log" &
	LAB_PID[$1]=$!
	lab_wait 30 grep -q listening "$LAB_DIR/$1.tcpdump.log"
}
packets() { tshark -r "$LAB_DIR/$1.pcap" -Y "$2" 2>/dev/null | wc -l; }
ping_size() { cl ping -c 2 -i 0.2 -W 2 -q -s "$1" -M "$2" 10.9.9.2; }
more() { [ "$(n "$1")" -gt "$2" ]; } # COUNTER THAN
# hop FROM TO TTL: ten packets of protocol 114 from the client's lte, as a stranger would send them
hop() {
	cl python3 - "$@" <<-'X'
		import socket, struct, sys
		src, dst, ttl = sys.argv[1:]
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lte")
		body = struct.pack(">HHHH", 1000, 53, 12, 0) + b"mams" + bytes([64, 17, 0, 0x80])
		head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 7, 0, int(ttl), 114, 0,
			socket.inet_aton(src), socket.inet_aton(dst))
		for _ in range(10): s.sendto(head + body, ("10.1.2.1", 0))
	X
}

lab_net
trailer_conf
start n
say "A trailer that is not to have it"
claim "refuses" "$(set_n "${both[@]}" anchor6= nat=lte 2>&1 | grep -c 'has it off' || :)" = 1
lab_end n
echo 'client_nat = yes' | tee -a "$LAB_DIR/n.conf" >>"$LAB_DIR/c.conf"
start n
start c
lab_start iperf "$SV" iperf3 -s
capture wifi "$CL" wifi
capture lte "$CL" lte

say "One link with client NAT, one with UDP"
claim "IPv6 inside is refused" "$(set_n "${both[@]}" nat=lte | grep -c 'IPv4 only' || :)" = 1
natted "${both[@]}"
cl ip route add 10.9.9.0/24 dev mams src 10.60.0.2
claim "both links are up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
claim "client NAT at both ends, on lte alone" "$(link c 2 client_nat) $(link n 2 client_nat) \
$(link c 1 client_nat) $(link n 1 client_nat)" = "true true null null"
before=$(lab_octets wifi tx) lte=$(lab_octets lte tx)
claim "TCP over both, Mbit/s" "$(tcp 10.9.9.2 -t 4)" '>=' 15
claim "of it by wifi, kB" "$((($(lab_octets wifi tx) - before) / 1000))" '>=' 500
claim "of it by lte, kB" "$((($(lab_octets lte tx) - lte) / 1000))" '>=' 500
before=$(lab_octets wifi rx) lte=$(lab_octets lte rx)
claim "TCP down, Mbit/s" "$(tcp 10.9.9.2 -t 4 -R)" '>=' 15
claim "of it by wifi, kB" "$((($(lab_octets wifi rx) - before) / 1000))" '>=' 500
claim "of it by lte, kB" "$((($(lab_octets lte rx) - lte) / 1000))" '>=' 500
stream_begin 500
stream_end

say "All of it by lte"
natted single:2 single:2
claim "ping" "$(yes_no ping_size 56 "do")" = yes
claim "as large as the anchor's MTU" "$(yes_no ping_size 1372 "do")" = yes
claim "IP fragments, both ways" "$(yes_no ping_size 4000 dont)" = yes
claim "an ICMP error of the N-MADP finds its application" \
	"$(cl ping -c 1 -t 1 -W 2 10.9.9.2 | grep -c 'Time to live exceeded' || :)" = 1

say "lte falls silent under a stream, and returns"
natted priority:2,1:lossless priority:2,1:lossless
lab_wait 30 both_up || :
stream_begin 500
px nft -f - <<-X
	table netdev hole {
		chain in {
			type filter hook ingress device lte priority -500;
			ip protocol 114 drop
		}
	}
X
claim "it is missed within 30 s" "$(yes_no lab_wait 30 is_up 2 false)" = yes
claim "the stream goes on by wifi" \
	"$(yes_no lab_wait 30 has_come "$(($(n sdus_received) + 500))")" = yes
px nft delete table netdev hole
claim "it is up again within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
before=$(lab_octets lte tx)
claim "... and carries" "$(yes_no lab_wait 30 has_come "$(($(n sdus_received) + 500))") \
$((($(lab_octets lte tx) - before) / 1000 > 100))" = "yes 1"
lab_end stream
lab_end sink

say "Another address, another N-MADP process"
cl ip addr add 10.1.2.3/24 dev lte
before=$(n proof_accepted)
natted "${both[@]}" local-lte=10.1.2.3
claim "a new address is proven" "$(yes_no lab_wait 30 more proof_accepted "$before")" = yes
claim "both links are up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
stream_begin 500
stream_end
dead_from=$EPOCHREALTIME
lab_end n KILL
start n
set_n "${both[@]}" anchor6= nat=lte >/dev/null
claim "N-MADP killed and back: both up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
dead_to=$EPOCHREALTIME
stream_begin 500
stream_end

say "Strangers"
capture server "$SV" core
before=$(n unknown_source)
hop 10.1.2.77 10.9.9.2 1
hop 10.1.2.77 10.9.9.2 64
claim "not proven: counted" "$(yes_no lab_wait 10 more unknown_source "$((before + 19))")" = yes
before=$(n no_sequence)
hop 10.1.2.3 10.9.9.2 1
claim "no sequence number, and no MX Control PDU: counted" \
	"$(yes_no lab_wait 10 more no_sequence "$((before + 9))")" = yes
claim "the links are as they were" "$(yes_no both_up)" = yes
claim "ping" "$(yes_no ping_size 56 "do")" = yes
lab_end server
claim "protocol 114 at the server" "$(packets server 'ip.proto == 114')" = 0
lab_end wifi
lab_end lte

say "What the wire showed"
all=$(packets lte 'ip.proto == 114')
claim "packets on lte" "$all" '>=' 5000
claim "neither PDU nor ARP nor neighbour discovery" \
	"$(packets lte "!(ip.proto == 114) && !arp && !icmpv6")" = 0
# what it quotes is of protocol 114, too
claim "ICMP, but of a host whose trailer was dead" \
	"$(packets lte "icmp && (frame.time_epoch < $dead_from || frame.time_epoch > $dead_to)")" = 0
claim "addresses of clients on lte" "$(tshark -r "$LAB_DIR/lte.pcap" -Y 'ip.proto == 114 && !icmp' -T fields \
	-E occurrence=f -e ip.src -e ip.dst 2>/dev/null | tr '\t' '\n' | grep '^10\.1\.2\.\|^10\.60\.' | sort -u | tr '\n' ' ')" = \
	"10.1.2.2 10.1.2.3 10.1.2.77 "
# client and server of the inside, side by side
inside='frame contains 0a:3c:00:02:0a:09:09:02 || frame contains 0a:09:09:02:0a:3c:00:02'
claim "inner addresses on lte, but for the one ICMP error that quotes them" \
	"$(packets lte "$inside")" '<=' 1
claim "on wifi, in the tunnel, they are seen" "$(packets wifi "$inside")" '>=' 100
claim "TTLs but 1, our own strangers' apart" \
	"$(packets lte 'ip.proto == 114 && ip.ttl != 1 && ip.src != 10.1.2.77')" = 0

say "Negotiated by MAMS"
lab_end c
lab_end n
claim "the host's own tables are gone with the daemons" \
	"$({ px nft list tables && cl nft list tables; } | grep -c mams || :)" = 0
cl ip addr del 10.1.2.3/24 dev lte
lab_certs && lab_conf
sed -i '/proxies =/d; s/access lte {/&\ntunnel = Client_NAT/' "$LAB_DIR/ncm.conf"
cat >>"$LAB_DIR/ncm.conf" <<-X
	madp trailer {
		trailer = $LAB_DIR/n.ctl
		tunnels = { "wifi 10.1.1.1", "lte 10.1.2.1" }
		addresses = { "10.60.0.0/16" }
	}
	anchor all {
		id = 0
		methods = { GMA }
	}
X
cat >>"$LAB_DIR/ccm.conf" <<-X
	methods = { GMA }
	trailer_socket = $LAB_DIR/c.ctl
X
ccm_begin() {
	start n
	start c
	lab_start_one ncm
	lab_start_one ccm
	lab_wait 30 lab_is_active || echo "no session" >&2
}
goes_by() { cl ip route get "${@:2}" "$1" | grep -o 'dev [a-z0-9]*'; }
is_tunnelled() { [ "$(goes_by 10.9.9.2 ipproto udp)" = "dev mams" ]; }
drops() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" sessions 2>/dev/null; }
ccm_begin
claim "a client that does not offer it: the tunnel stands, by wifi alone" \
	"$(yes_no lab_wait 30 is_tunnelled) $(link c 0 up) $(link c 1 up)" = "yes true "
claim "... and the NCM says why" \
	"$(drops | grep -c 'Client_NAT.*the client does not have it' || :)" '>=' 1
for d in ccm ncm c n; do lab_end $d; done
rm -f "$LAB_DIR/ncm.db"
sed -i '1i client_nat = yes' "$LAB_DIR/ccm.conf"
ccm_begin
both_negotiated() { [ "$(link c 0 up) $(link c 1 up) $(link n 1 up)" = "true true true" ]; }
claim "one that does: both links are up within 30 s" "$(yes_no lab_wait 30 both_negotiated)" = yes
claim "client NAT on lte at both ends, and on wifi not" "$(link c 1 client_nat) \
$(link n 1 client_nat) $(link c 0 client_nat)" = "true true null"
claim "UDP leaves by the device of both within 30 s" "$(yes_no lab_wait 30 is_tunnelled)" = yes
claim "ping" "$(yes_no ping_size 56 "do")" = yes
claim "all by lte, as the NCM is told" \
	"$(lab_mamsctl -s "$LAB_DIR/ncm.ctl" steer --ul lte --dl lte)" = applied
before=$(lab_octets lte tx)
claim "ping" "$(yes_no ping_size 1300 "do")" = yes
claim "... by lte, octets" "$(($(lab_octets lte tx) - before))" '>=' 2600
no_reports
claims_table
