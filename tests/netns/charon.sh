#!/usr/bin/env bash
# lib/io/ipsec against two real charons: up, the peer killed and back, a wrong secret, a new secret
# without a new association, everything removed.
#
#     client 10.1.1.2 --- wifi --- 10.1.1.1 N-MADP host          (both accesses of the lab; no daemon)
LAB=${LAB:-mamsch}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=deploy/lab/charon.sh
. "$NETNS_TOP/deploy/lab/charon.sh"

lab_net
d=$LAB_DIR
lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
mkfifo "$d/in"
"$BUILD/tests/netns/mams-test-ipsec" "$d/cl-charon.vici" "$d/px-charon.vici" 10.1.1.2 10.1.1.1 \
	<"$d/in" >"$d/states" 2>"$d/driver.log" &
LAB_PID[driver]=$!
exec 5>"$d/in"

# seen LINE [N]: has the driver said it, N times?
seen() { [ "$(grep -cxF "$1" "$d/states")" -ge "${2:-1}" ]; }
said() { lab_wait 20 seen "$@" && echo yes || echo no; }
reaches() { cl ping -c 1 -W 1 -I 10.1.1.2 10.1.1.1; }
count() { lab_swan "$1" "$2" | grep -o "mams-[a-z]*-n7" | sort -u | wc -l; }
# spi: of the client's child SA
spi() { lab_swan cl-charon --list-sas | grep -o 'spi-in=[0-9a-f]*'; }

say "an association"
echo "set first secret" >&5
claim "the client's side is up" "$(said 'client up')" = yes
claim "the network's side is up" "$(said 'network up')" = yes
px tcpdump --immediate-mode -i wifi -n -w "$d/wifi.pcap" -U 2>/dev/null &
LAB_PID[dump]=$!
lab_wait 5 test -s "$d/wifi.pcap"
claim "what it protects arrives" "$(yes_no reaches)" = yes
sleep 0.2
lab_end dump
claim "packets on the link that are neither IKE nor ESP in UDP" \
	"$(tshark -r "$d/wifi.pcap" -Y 'ip && !(udp.port == 500 || udp.port == 4500)' 2>/dev/null | wc -l)" = 0
claim "packets of ESP in UDP on the link" \
	"$(tshark -r "$d/wifi.pcap" -Y 'esp' 2>/dev/null | wc -l)" '>=' 2

say "another secret"
before=$(spi)
echo "set second secret" >&5
sleep 0.3
claim "the association stands" "$([ "$(spi)" = "$before" ] && echo yes || echo no)" = yes
lab_end px-charon KILL
claim "the network's side says so" "$(said 'network charon gone')" = yes
claim "the client's side notices" "$(said 'client waiting: the association has ended')" = yes
lab_charon px-charon "$PX"
claim "it comes back by itself, by the second secret" "$(said 'client up' 2)" = yes
claim "what it protects arrives again" "$(yes_no reaches)" = yes

say "the client's own charon"
lab_end cl-charon KILL
claim "its side knows at once" "$(said 'client no charon')" = yes
lab_charon cl-charon "$CL"
claim "it comes back by itself" "$(said 'client up' 3)" = yes

say "a wrong secret"
echo "network wrong secret" >&5
sleep 0.3
echo "anew" >&5
claim "the client's side says why" \
	"$(said 'client waiting: the peer does not accept our secret')" = yes
claim "child SAs that stand" "$(lab_swan cl-charon --list-sas | grep -c state=INSTALLED || :)" = 0
echo "network second secret" >&5
claim "it comes back when the secret is right" "$(said 'client up' 4)" = yes

say "another session that reports the same address, behind a NAT"
echo "nat second secret" >&5
claim "an association, for whatever address" "$(said 'client up' 5)" = yes
before=$(spi)
echo "rival second secret" >&5
claim "the other one is not taken" "$(said "rival's network waiting: another client has this address")" = yes
claim "charon does not know it" "$(lab_swan px-charon --list-conns | grep -c 'mams-proxy-n7-s2-' || :)" = 0
claim "the first one stands" "$([ "$(spi)" = "$before" ] && echo yes || echo no)" = yes

say "the end"
claim "connections of the client in charon" "$(count cl-charon --list-conns)" = 1
echo "del" >&5
gone() { [ "$(count cl-charon --list-sas)$(count px-charon --list-sas)" = 00 ]; }
claim "its SAs are gone" "$(lab_wait 5 gone && echo yes || echo no)" = yes
taken() { [ "$(lab_swan px-charon --list-conns | grep -o 'mams-proxy-n7-s2-' | sort -u | wc -l)" = 1 ]; }
claim "the other session has its turn" "$(yes_no lab_wait 20 taken)" = yes
claim "and its configuration" "$(count cl-charon --list-conns)" = 0
echo "set third secret" >&5
claim "one more" "$(said 'client up' 6)" = yes
echo "end" >&5
exec 5>&-
wait "${LAB_PID[driver]}" && status=0 || status=$?
unset 'LAB_PID[driver]'
claim "the driver ends well" "$status" = 0
claim "nothing is left in the client's charon" "$(lab_wait 5 gone && echo yes || echo no)" = yes
claim "not even its configuration" "$(count cl-charon --list-conns)" = 0
claim "secrets in the logs" "$(cat "$d"/*.log | grep -cE 'first secret|second secret' || :)" = 0
no_reports
claims_table
