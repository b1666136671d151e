#!/usr/bin/env bash
# A tunnel with IPsec on wifi and none on lte, negotiated by MAMS: real charons at both ends, all of the
# client's IP over both links, and not one datagram of the tunnel in the clear on wifi, whatever is
# killed, ended or renumbered.
#
#        client                          N-MADP host
#     +----------+ wifi 20 Mbit/s  +--------------------+
#     |  .2 =====+== IPsec ========+== 10.1.1.3 trailer |     10.1.1.0/24
#     |  .2 -----+-- lte ----------+-- 10.1.2.1 trailer |     10.1.2.0/24; the NCM is here
#     |  charon  |                 |   charon           |
#     +----------+                 +--------------------+
# shellcheck disable=SC2034 # read by lab.sh
LAB=${LAB:-nt-tips}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")
# shellcheck source=tests/netns/trailer_ipsec_lab.sh
. "$here/trailer_ipsec_lab.sh"

lab_net
d=$LAB_DIR
lab_certs
lab_conf
LAB_KEYS=$d/keys.log
trailer_ipsec_conf 4
# lines that can be found in a packet
seq -f 'MAMS in the clear %.0f' 450000 >"$d/www/lines"
seq -f 'MAMS in the clear %.0f' 100000 >"$d/www/short"

trailer_ipsec_captures
lab_start tcpdump "$PX" tcpdump -i any -n -w "$d/control.pcap" -U 'tcp port 8443'
lab_wait 10 test -s "$d/control.pcap"

# get_during COMMAND...: a download in which the command comes after about a fifth; then the longest
# time in which it stood still, in ms
get_during() {
	local watch pid
	rm -f "$d/got"
	lab_watch "$d/watch"
	watch=${LAB_PID[watch]}
	lab_get /lines >"$d/rate" &
	pid=$!
	lab_wait 20 begun
	"$@"
	wait "$pid" || :
	kill "$watch"
	wait "$watch" 2>/dev/null || :
	unset 'LAB_PID[watch]'
	stall=$(lab_stall "$d/watch")
}
# of the client's association
spi() { lab_swan cl-charon --list-sas | grep -o 'spi-in=[0-9a-f]*' | tail -n 1; }

lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
trailer n
trailer c
for p in nginx ncm ccm; do
	lab_start_one "$p"
done

say "Negotiated, associated, up"
lab_wait "$LAB_PATIENCE" lab_is_active || lab_fail "no session"
claim "wifi carries at both ends, inside its association" "$(carries)" = yes
claim "everything goes into the tunnel" "$(yes_no lab_wait 10 tunnelled)" = yes
claim "mamsctl status tells the adaptation of wifi" \
	"$(ccm '.links[] | select(.name == "wifi") | "\(.adaptation) \(.sa)"')" = "IPsec up"
claim "and none of lte" "$(ccm '.links[] | select(.name == "lte") | .adaptation')" = null
claim "the NCM's" "$(lab_mamsctl --json -s "$d/ncm.ctl" status |
	jq -r '[.sessions[0].links[] | "\(.name)=\(.adaptation)"] | join(" ")')" = "wifi=IPsec lte=UDP_without_DTLS"
claim "MTU left inside, at both ends" "$(at c .mtu) $(at n .mtu)" = "1400 1400"

# server and client of the inside, side by side, as they stand in a packet
# shellcheck disable=SC2046 # its octets are words
inside=$(printf '%02x:' 10 9 9 2 $(ccm '.anchors[0].anchor4' | tr . ' '))
inside=${inside%:}

say "Both links carry"
mark
claim "a download is right" "$(get lines)" = yes
claim "wifi carried, inside IPsec, kB" "$(carried wifi)" '>=' 500 kB
claim "lte carried, kB" "$(carried lte)" '>=' 500 kB
claim "an upload is right" "$(lab_put 4 >/dev/null && same "$d/www/4M" "$d/www/up/put")" = yes
mtu=$(cl cat /sys/class/net/mams/mtu)
claim "sizes up to the MTU inside, of them unanswered" "$(cl "$here/trailer_traffic.py" pings 10.9.9.2 "$mtu")" \
	= "$((mtu - 27)) none"
claim "sizes up to what is left inside the association" "$(cl "$here/trailer_traffic.py" pings 10.1.1.3 1400)" \
	= "1373 none"
claim "one more: told MTU" "$(cl ping -M "do" -c 1 -W 2 -s 1373 10.1.1.3 2>&1 | grep -o 'mtu=1400' | head -n 1)" \
	= mtu=1400

say "The N-MADP's charon is killed under load"
get_during lab_end px-charon KILL
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "it stood still for, ms" "$stall" '<=' 5000 ms
claim "wifi is not used at either end" "$(yes_no lab_wait 20 wifi_gone)" = yes
claim "one line says so there" "$(said tr-n 'connection=0 is no charon')" = 1
claim "new transfers go over lte" "$(get short)" = yes
lab_charon px-charon "$PX"
claim "wifi comes back by itself" "$(carries)" = yes
claim "... one line at the client" \
	"$(said ccm 'connection=0 is down, others carry: the association has ended')" = 1

say "The client's charon is killed under load"
charon_gone=$(said ccm 'charon is gone')
get_during lab_end cl-charon KILL
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "it stood still for, ms" "$stall" '<=' 5000 ms
claim "wifi is not used at either end" "$(yes_no lab_wait 20 wifi_gone)" = yes
claim "one line says so there" "$(($(said ccm 'charon is gone') - charon_gone))" = 1
claim "new transfers go over lte" "$(get short)" = yes
lab_charon cl-charon "$CL"
claim "wifi comes back by itself" "$(carries)" = yes

# end_sa CHARON NAME: the association that this one knows by that name
end_sa() {
	lab_swan "$1" --terminate --ike "$(lab_swan "$1" --list-conns |
		grep -o "mams-$2-n1-s[0-9]*-a1-c0" | head -n 1)" >/dev/null
}
# ended CHARON NAME: under load
ended() {
	local before
	before=$(spi)
	get_during end_sa "$@"
	claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
	claim "it stood still for, ms" "$stall" '<=' 5000 ms
	claim "wifi comes back by itself" "$(carries)" = yes
	claim "... in another association" "$([ "$(spi)" != "$before" ] && echo yes || echo no)" = yes
}
say "The association is ended under load, at the client"
ended cl-charon ccm
say "The association is ended under load, at the N-MADP"
ours='connection=0 is down, others carry: the association has ended'
theirs='connection=0 is waiting: the association has ended'
lines=$(($(said ccm "$ours") + $(said tr-n "$theirs")))
ended px-charon trailer
claim "... one line at each end" "$(($(said ccm "$ours") + $(said tr-n "$theirs") - lines))" = 2

say "The N-MADP's charon has another secret"
python3 "$here/vici_secret.py" "$d/px-charon.vici" "some other secret"
get_during end_sa cl-charon ccm
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "it stood still for, ms" "$stall" '<=' 5000 ms
refused() { [ "$(said ccm 'connection=0 is down, others carry: the peer does not accept our secret')" -ge 1 ]; }
claim "one line says why" "$(yes_no lab_wait 20 refused)" = yes
again() { [ "$(said cl-charon AUTHENTICATION_FAILED)" -ge 3 ]; }
claim "it is tried again" "$(yes_no lab_wait 20 again)" = yes
claim "... without another line" "$(said ccm 'the peer does not accept our secret')" = 1
claim "wifi is not used at either end" "$(yes_no wifi_gone)" = yes
claim "new transfers go over lte" "$(get short)" = yes
lab_end px-charon TERM
lab_charon px-charon "$PX" # told again, the right one
claim "wifi comes back by itself" "$(carries)" = yes

say "wifi is renumbered under load"
renumber() {
	ip -n "$CL" addr del 10.1.1.2/24 dev wifi
	ip -n "$CL" addr add 10.1.1.5/24 dev wifi
	lab_client_routes
}
get_during renumber
claim "the download is right" "$(same "$d/got" "$d/www/lines")" = yes
claim "it stood still for, ms" "$stall" '<=' 5000 ms
claim "wifi comes back by itself" "$(carries)" = yes
claim "... from its new address" "$(lab_swan px-charon --list-sas |
	grep -o 'remote-host=10.1.1.[0-9]*' | sort -u | paste -sd ' ')" = "remote-host=10.1.1.5"
mark
claim "a download is right" "$(get lines)" = yes
claim "wifi carried again, kB" "$(carried wifi)" '>=' 500 kB

say "Everybody dead"
for p in ccm cl-charon px-charon; do lab_end $p KILL; done
lab_end tr-c KILL
lab_end tr-n KILL
# what a daemon without its charon would send, both ways
datagram() { # NAMESPACE FROM FROM-PORT TO TO-PORT
	ip netns exec "$1" "$here/trailer_traffic.py" raw "${@:2}" \
		"$(printf 'MAMS in the clear, from the dead' | od -An -tx1 | tr -d ' \n')" 2>/dev/null || :
}
datagram "$CL" 10.1.1.5 4711 10.1.1.3 7446
datagram "$PX" 10.1.1.3 7447 10.1.1.5 4711
dropped() { ip netns exec "$1" nft list table inet "$2" | grep 'udp' | grep -c 'packets [1-9]' || :; }
claim "the client's filter has caught some" "$(dropped "$CL" mams_guard_client)" '>=' 1
claim "the N-MADP's as well" "$(dropped "$PX" mams_guard_tunnel)" '>=' 1
lab_charon cl-charon "$CL"
lab_charon px-charon "$PX"
trailer n
trailer c
lab_start_one ccm
claim "started again, wifi carries" "$(carries)" = yes

say "The agent's end"
lab_end ccm
claim "its filter is gone" "$(yes_no cl nft list table inet mams_guard_client)" = no
claim "its connections in charon" "$(lab_swan cl-charon --list-conns | grep -c mams- || :)" = 0
px_idle() { [ "$(lab_swan px-charon --list-conns | grep -c mams- || :)" = 0 ]; }
claim "the N-MADP's are gone, too" "$(lab_wait 20 px_idle && echo yes || echo no)" = yes

say "A client that has no IPsec"
sed -i '/^vici_socket/d' "$d/ccm.conf"
lab_start_one ccm
lab_wait "$LAB_PATIENCE" lab_is_active || lab_fail "no session"
claim "it is told which method was refused" \
	"$(ccm '.dropped[] | select(.item == "IPsec") | .group')" = adaptation
claim "lte alone is in the tunnel" "$(lab_wait 10 tunnelled; lab_mamsctl --json -s "$d/c.ctl" status |
	jq -r '[.sessions[0].links[].name] | join(" ")')" = lte
claim "a download is right" "$(get short)" = yes

say "What was on the links"
lab_end ccm
lab_end dump-wifi
lab_end dump-lte
# ICMP counts by what it quotes
kept='udp.port == 500 || udp.port == 4500'
neighbours='arp || icmpv6'
mapfile -t wifi < <(frames "$d/wifi.pcap" -- esp "!($kept || $neighbours)" "frame contains $inside")
claim "wifi: ESP in UDP" "${wifi[0]}" '>=' 2000
claim "wifi: what is neither that nor IKE, of neighbours apart" "${wifi[1]}" = 0
claim "wifi: server and client of the inside" "${wifi[2]}" = 0
claim "wifi: the file's lines" "$(grep -c 'MAMS in the clear' "$d/wifi.pcap" || :)" = 0
tunnel='udp.port == 7446 || udp.port == 7447'
mapfile -t lte < <(frames "$d/lte.pcap" -- "!($tunnel || tcp.port == 8443 || $neighbours)" \
	"frame contains $inside")
claim "lte: what is neither the tunnel nor the control plane, of neighbours apart" "${lte[0]}" = 0
claim "lte: server and client of the inside" "${lte[1]}" '>=' 500
claim "lte: the file's lines" "$(grep -c 'MAMS in the clear' "$d/lte.pcap")" '>=' 100
lab_end tcpdump
# secrets of wifi's associations, in the order of setups, each once
secrets() {
	PYTHONPATH=$here python3 - "$d/control.pcap" "$LAB_KEYS" <<-'X'
		import json, sys
		from messages import messages
		seen, links = {}, set()
		for _, data in messages(*sys.argv[1:3], 8443, 8444, 8445):
		    if b'"mx_up_setup_conf_req"' not in data:
		        continue
		    for a in json.loads(data)["anchor_connections"]:
		        for c in a["convergence_config"]:
		            for l in c["delivery_connections"]:
		                p = l["adaptation_method_param"]
		                (seen if l["adaptation_method"] == "IPsec" else links).update(
		                    {p["shared_secret"]: 1} if l["adaptation_method"] == "IPsec"
		                    else [p["shared_secret"]])
		print(len(seen), len(links & set(seen)))
	X
}
read -r secrets shared < <(secrets)
claim "secrets of wifi's associations, another one after it was renumbered" "$secrets" '>=' 2
claim "of them, secrets of anything else" "$shared" = 0
"$here/messages.py" "$d/control.pcap" "$LAB_KEYS" "$NETNS_TOP/tests/vectors/schema/rfc8743_c3.json" \
	8443 8444 8445 GMA IPsec UDP_without_DTLS shared_secret client_key tunnel_end_port >"$d/messages"
read -r _ n missing bad < <(grep '^https ' "$d/messages")
claim "control messages, at least" "$n" '>=' 20
claim "members and values of the tunnel that were not said" "$missing" = -
claim "messages that the schemas of RFC 8743 C.3 refuse" "$bad" = 0
no_reports
claims_table
