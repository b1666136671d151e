#!/usr/bin/env bash
# IPsec by the kernel's own ESP, in transport mode (seed 6.4, 7, figure 8), on wifi and none on lte, in a
# virtual machine, as the kernel at hand may have no ESP.  The laboratory is that of ipsec.sh; its links
# have 10 Mbit/s, so that they and not the emulated processor are what is scarce.
# shellcheck disable=SC2034 # read by lab.sh
[ -n "${MAMS_VM:-}" ] || exec "$(dirname "$0")/../support/vm/run" "$(realpath "$0")"
LAB=${LAB:-mamsesp} LAB_WIFI_RATE=10mbit LAB_LTE_RATE=10mbit
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/ipsec_lab.sh
. "$(dirname "$0")/ipsec_lab.sh"
LAB_PATIENCE=60 LAB_ESP=kernel LAB_RETRANSMIT=3 BEGUN=1000000

# sas NAMESPACE: one line for each of the kernel's
sas() { "$1" ip -o xfrm state; }
# look: at the subflows, as soon as there are two
look() { lab_wait 10 look_once || :; }
look_once() {
	cl ss -Htin state established '( dport = :7443 )' >"$d/subflows"
	[ "$(grep -c '10\.1\.[12]\.[13]:7443' "$d/subflows")" -ge 2 ]
}
# peers of the subflows of a connection that had two
subflows() {
	awk '
		!/^[ \t]/ { to = $4 }
		match($0, /\/[0-9a-f]+\(id:/) { of[substr($0, RSTART, RLENGTH)] = of[substr($0, RSTART, RLENGTH)] to "\n" }
		END { for (t in of) if (of[t] ~ /\n./) printf "%s", of[t] }' "$d/subflows" | sort | paste -sd' '
}
# by the filter, of what leaves the client outside of IPsec
dropped() { cl nft list chain inet mams_guard_client leaves | sed -n 's/.* counter packets \([0-9]*\) .*/\1/p'; }
# a download by both
carries() {
	mark
	claim "a download is right" "$(get lines)" = yes
	claim "wifi carried, inside ESP, kB" "$(carried wifi)" '>=' 300 kB
	claim "lte carried, in the clear, kB" "$(carried lte)" '>=' 300 kB
}

lab_net
d=$LAB_DIR
lab_certs
lab_conf
ipsec_conf
# lines that can be found in a packet
head -c 8000000 < <(yes 'MAMS in the clear') >"$d/www/lines"
ipsec_captures
lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
for p in nginx px-pm cl-pm px cl ncm ccm; do
	lab_start_one "$p"
done

say "transport mode"
lab_wait "$LAB_PATIENCE" lab_ready || lab_fail "no session"
claim "the association is up at both ends" "$(up)" = yes
for side in cl px; do
	sas "$side" >"$d/sas"
	claim "$side: SAs in transport mode" "$(grep -c 'mode transport' "$d/sas" || :)" '>=' 2
	claim "$side: in another mode, or in UDP" "$(grep -cE 'mode (tunnel|beet)|encap' "$d/sas" || :)" = 0
done

say "one subflow inside ESP, one in the clear"
for _ in 1 2 3 4 5; do
	mark
	get_during look
	[ -z "$(subflows)" ] || break
done
claim "both are of one connection" "$(subflows)" = "10.1.1.3:7443 10.1.2.1:7443"
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "wifi carried, inside ESP, kB" "$(carried wifi)" '>=' 300 kB
claim "lte carried, in the clear, kB" "$(carried lte)" '>=' 300 kB

say "policies and SAs are removed from the kernel in mid-transfer"
flush() {
	cl ip xfrm policy flush
	cl ip xfrm state flush
}
get_during flush
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "packets that the filter dropped" "$(dropped)" '>=' 1

say "the client's charon is killed in mid-transfer"
get_during lab_end cl-charon KILL
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "mamsctl status says so" "$(link wifi .sa)" = "no charon"
# nobody tells the kernel to forget them; they end with their time
orphans=$(sas cl | grep -o 'spi 0x[0-9a-f]*' || echo none)
lab_charon cl-charon "$CL"
claim "the association comes back by itself" "$(up)" = yes
carries

say "the agent's end"
lab_end ccm
bare() { ! sas cl | grep -vF "$orphans" && [ -z "$(sas px)" ]; }
claim "its SAs are gone from both kernels" "$(lab_wait 20 bare && echo yes || echo no)" = yes
claim "its policies" "$(cl ip xfrm policy | grep -c '10\.1\.1\.3' || :)" = 0
claim "its filter" "$(yes_no cl nft list table inet mams_guard_client)" = no

say "what was on the links"
lab_end dump-wifi
lab_end dump-lte
# seen LINK FILTER: packets
seen() { tcpdump -n --count -r "$d/$1.pcap" "$2" 2>/dev/null | sed 's/ .*//'; }
claim "wifi: ESP" "$(seen wifi 'ip proto 50')" '>=' 1000
# a slow NCM is asked over the other link, too, in TLS
control='host 10.1.2.1 and tcp port 8443'
other="(ip and not (ip proto 50 or udp port 500 or icmp or ($control))) or (ip6 and (tcp or udp))"
claim "wifi: IP that is no ESP, no IKE, no ICMP, no HTTPS to the NCM ($(seen wifi "$control"))" \
	"$(seen wifi "$other")" = 0
tcpdump -n -c 10 -r "$d/wifi.pcap" "$other" 2>/dev/null
claim "wifi: the file's lines" "$(grep -c 'MAMS in the clear' "$d/wifi.pcap" || :)" = 0
claim "lte: TCP to the proxy" "$(seen lte 'tcp port 7443')" '>=' 1000
claim "lte: ESP" "$(seen lte 'ip proto 50')" = 0
claim "lte: the file's lines" "$(grep -c 'MAMS in the clear' "$d/lte.pcap")" '>=' 100
no_reports
claims_table
