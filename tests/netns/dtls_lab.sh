# shellcheck shell=bash disable=SC2034,SC2154
# A tunnel with DTLS on wifi and none on lte, and what the wire shows of it; sourced after
# trailer_lab.sh.
both=("split:1,2:lossless" "split:1,2:lossless")
protect() { set_n "${both[@]}" dtls=wifi >/dev/null && set_c "${both[@]}" dtls=wifi "$@" >/dev/null; }
open() { [ "$(link c 1 dtls) $(link n 1 dtls)" = "true true" ]; }
capture() { # NAME INTERFACE
	cl tcpdump -q -i "$2" -U -s 0 -w "$LAB_DIR/$1.pcap" udp 2>"$LAB_DIR/$1.tcpdump.log" &
	LAB_PID[$1]=$!
	lab_wait 30 grep -q listening "$LAB_DIR/$1.tcpdump.log"
}
packets() { tshark -r "$LAB_DIR/$1.pcap" -d udp.port==7446,dtls -Y "$2" 2>/dev/null | wc -l; }
# A proof: 28 octets of an inner IPv4 and UDP header, 64 of proof, none of them of the session's
# inside.  tshark calls everything on the port dtls; what is DTLS has a record.
proof='udp.length == 100 && udp.payload[0:1] == 45 && udp.payload[28:1] == f1'
inside='udp.payload contains 0a:3c:00:02:0a:09:09:02'
