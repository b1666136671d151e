#!/usr/bin/env bash
# IPsec on wifi, none on lte (seed 6.4, 7, figure 8): real charons at both ends, MPTCP through the
# proxies, and not one packet of it in the clear on wifi, whatever is killed.
#
#        client                          N-MADP host
#     +----------+ wifi 20 Mbit/s  +------------------+
#     |  .2 =====+== IPsec ========+== 10.1.1.3 proxy |     10.1.1.0/24
#     |  .2 -----+-- lte ----------+-- 10.1.2.1 proxy |     10.1.2.0/24; the NCM is here
#     |  charon  |                 |   charon         |
#     +----------+                 +------------------+
LAB=${LAB:-mamsip}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/ipsec_lab.sh
. "$(dirname "$0")/ipsec_lab.sh"

lab_net
d=$LAB_DIR
lab_certs
lab_conf
LAB_KEYS=$d/keys.log
ipsec_conf
# lines that can be found in a packet
seq -f 'MAMS in the clear %.0f' 1200000 >"$d/www/lines"
seq -f 'MAMS in the clear %.0f' 200000 >"$d/www/short"

ipsec_captures
lab_start tcpdump "$PX" tcpdump -i any -n -w "$d/control.pcap" -U 'tcp port 8443'
lab_wait 10 test -s "$d/control.pcap"
lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
for p in nginx px-pm cl-pm px cl ncm ccm; do
	lab_start_one "$p"
done

say "figure 8: link, parameters, IKE, association, subflow"
lab_wait "$LAB_PATIENCE" lab_ready || lab_fail "no session"
claim "the association is up at both ends" "$(up)" = yes
claim "mamsctl status tells the adaptation of wifi" "$(link wifi .adaptation)" = IPsec
claim "and none of lte" "$(link lte .adaptation)" = null
claim "the NCM's of wifi" "$(lab_mamsctl --json -s "$d/ncm.ctl" status |
	jq -r '.sessions[0].links[] | select(.name == "wifi") | .adaptation')" = IPsec

say "both links carry"
mark
claim "a download is right" "$(get lines)" = yes
claim "wifi carried, inside IPsec, kB" "$(carried wifi)" '>=' 1000 kB
claim "lte carried, in the clear, kB" "$(carried lte)" '>=' 1000 kB
claim "an upload is right" "$(lab_put 4 >/dev/null && same "$d/www/4M" "$d/www/up/put")" = yes

say "the client's charon is killed in mid-transfer"
get_during lab_end cl-charon KILL
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "mamsctl status says so" "$(link wifi .sa)" = "no charon"
claim "new connections work, over lte" "$(get short)" = yes
lab_charon cl-charon "$CL"
claim "the association comes back by itself" "$(up)" = yes
mark
claim "a download is right" "$(get lines)" = yes
claim "wifi carried again, kB" "$(carried wifi)" '>=' 1000 kB

say "the N-MADP's charon is killed in mid-transfer"
get_during lab_end px-charon KILL
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
lab_charon px-charon "$PX"
claim "the association comes back by itself" "$(up)" = yes

say "the association is ended in mid-transfer"
# by the client's charon; the next one is to be authenticated
end_sa() {
	lab_swan cl-charon --terminate --force --ike "$(lab_swan cl-charon --list-conns |
		grep -o 'mams-ccm-n1-s[0-9]*-a0-c0' | head -n 1)"
}
get_during end_sa
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "the association comes back by itself" "$(up)" = yes

say "a wrong secret"
python3 "$NETNS_TOP/tests/netns/vici_secret.py" "$d/px-charon.vici" "some other secret"
wrong() { grep -q 'connection=0 is down, others carry: the peer does not accept our secret' "$d/ccm.log"; }
get_during end_sa
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "one clear line" "$(lab_wait 20 wrong && echo yes || echo no)" = yes
lab_end px-charon TERM
lab_charon px-charon "$PX" # told again, the right one
claim "the association comes back when the cause is gone" "$(up)" = yes

say "everybody dead"
lab_end ccm KILL
lab_end cl-charon KILL
lab_end px KILL
claim "the client's filter stands" "$(yes_no cl nft list table inet mams_guard_client)" = yes
claim "the N-MADP's filter stands" "$(yes_no px nft list table inet mams_guard_network)" = yes
claim "no TCP to the proxy gets out" "$(yes_no cl timeout 2 bash -c \
	'exec 3<>/dev/tcp/10.1.1.3/7443')" = no
lab_start_one px
lab_charon cl-charon "$CL"
lab_start_one ccm
claim "started again, the association is up" "$(up)" = yes
claim "and the session, and its proxy" "$(lab_wait 30 lab_ready && echo yes || echo no)" = yes
claim "a download is right" "$(get short)" = yes

say "the agent's end"
lab_end ccm
claim "its filter is gone" "$(yes_no cl nft list table inet mams_guard_client)" = no
claim "its connections in charon" "$(lab_swan cl-charon --list-conns | grep -c mams- || :)" = 0
px_idle() { [ "$(lab_swan px-charon --list-conns | grep -c mams- || :)" = 0 ]; }
claim "the N-MADP's are gone, too" "$(lab_wait 20 px_idle && echo yes || echo no)" = yes

say "a client that has no IPsec"
sed -i '/^vici_socket/d' "$d/ccm.conf"
lab_start_one ccm
lab_wait "$LAB_PATIENCE" lab_ready || lab_fail "no session"
claim "it is told which method was refused" "$(lab_mamsctl --json -s "$d/ccm.ctl" status |
	jq -r '.dropped[] | select(.item == "IPsec") | .group')" = adaptation
claim "the NCM says why wifi is not used" \
	"$(grep -c 'its access wants IPsec, which the client cannot do' "$d/ncm.log")" '>=' 1
claim "wifi is not set up" "$(link wifi .admitted)" = false
claim "a download is right, over lte" "$(get short)" = yes

say "what was on the links"
lab_end ccm
lab_end dump-wifi
lab_end dump-lte
seen() { tshark -r "$d/$1.pcap" -Y "$2" 2>/dev/null | wc -l; }
claim "wifi: TCP in the clear" "$(seen wifi 'tcp')" = 0
claim "wifi: IP that is no IKE, no ESP in UDP, no ICMP" \
	"$(seen wifi 'ip && !icmp && !(udp.port == 500 || udp.port == 4500)')" = 0
claim "wifi: ESP in UDP" "$(seen wifi esp)" '>=' 1000
claim "wifi: the file's lines" "$(grep -c 'MAMS in the clear' "$d/wifi.pcap" || :)" = 0
claim "lte: MPTCP in the clear" "$(seen lte 'tcp.option_kind == 30')" '>=' 1000
claim "lte: the file's lines" "$(grep -c 'MAMS in the clear' "$d/lte.pcap")" '>=' 100
lab_end tcpdump
"$NETNS_TOP/tests/netns/messages.py" "$d/control.pcap" "$LAB_KEYS" "$NETNS_TOP/tests/vectors/schema/rfc8743_c3.json" \
	8443 8444 8445 MPTCP_Proxy IPsec shared_secret adaptation_method >"$d/messages"
read -r _ n missing bad < <(grep '^https ' "$d/messages")
claim "control messages, at least" "$n" '>=' 20
claim "members and values of IPsec that were not said" "$missing" = -
claim "messages that the schemas of RFC 8743 C.3 refuse" "$bad" = 0
no_reports
claims_table
