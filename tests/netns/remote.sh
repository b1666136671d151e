#!/usr/bin/env bash
# The NCM on another host than the N-MADP: ctl in TLS with certificates on both sides.  Who is refused;
# a cut of ctl alone, and what is made good after it.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-remote
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

#   client == wifi, lte == N-MADP host (.1) -- ctl, 10.5.5.0/24 -- (.2) host of the NCM
FAR=$LAB-ncm
far() { ip netns exec "$FAR" "$@"; }
far_end() {
	local status=$?
	set +e
	ip netns pids "$FAR" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
	ip netns del "$FAR" 2>/dev/null
	(exit "$status")
	netns_end
}
trap far_end EXIT

ncm_json() { lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status; }
state() { ncm_json | jq -r --arg n "$1" '.madps[] | select(.name == $n).state'; } # MADP
is_state() { [ "$(state "$1")" = "$2" ]; }
granted() { # is the client valid at the N-MADP?
	lab_mamsctl --json -s "$LAB_DIR/px.ctl" status | jq '[.clients[] | select(.client == "laptop")] | length'
}
is_granted() { [ "$(granted)" = "$1" ]; }
no_session() { ncm_json | jq -e '.sessions | length == 0' >/dev/null; }
logged() { grep -c "$2" "$LAB_DIR/$1.log" || :; } # NAME TEXT
is_logged() { [ "$(logged "$1" "$2")" -ge 1 ]; }
way() {
	case $(cl curl -sS --max-time 10 http://10.9.9.2/whoami || :) in
	10.9.9.1) echo proxied ;;
	10.1.*) echo direct ;;
	*) echo none ;;
	esac
}
start_far() { lab_start ncm "$FAR" "$BUILD/ncm-service/mams-ncm" -c "$LAB_DIR/${1:-ncm}.conf" -d; }
# who NAME [OPTIONS]: how ctl ends for this certificate
who() {
	local name=$1
	shift
	far timeout 5 openssl s_client -connect 10.5.5.1:7450 -CAfile "$LAB_DIR/ca/ca.crt" \
		-cert "$LAB_DIR/$name.crt" -key "$LAB_DIR/$name.key" "$@" </dev/null 2>&1 || :
}
subflows() { # backup or not, downlink, of what the N-MADP has open: "WIFI LTE"
	lab_mamsctl --json -s "$LAB_DIR/px-pm.ctl" status | jq -r '[.connections[] |
		select(.client == "laptop").subflows[] | select(.local | startswith("10.1.")) |
		"\(.local)=\(.backup)"] | sort | unique | join(" ")'
}
are_subflows() { [ "$(subflows)" = "$1" ]; }
cut_ctl() {
	px nft -f - <<-E
		table inet cut {
			chain in { type filter hook input priority 0; tcp dport { 7450, 7451 } drop; }
			chain out { type filter hook output priority 0; tcp sport { 7450, 7451 } drop; }
		}
	E
}

say "lab: the NCM on a host of its own"
lab_net && lab_certs && lab_conf
ip netns del "$FAR" 2>/dev/null || :
ip netns add "$FAR"
ip -n "$FAR" link set lo up
ip link add ctl netns "$PX" type veth peer name ctl netns "$FAR"
ip -n "$PX" addr add 10.5.5.1/24 dev ctl
ip -n "$FAR" addr add 10.5.5.2/24 dev ctl
ip -n "$PX" link set ctl up
ip -n "$FAR" link set ctl up
ip -n "$FAR" route add default via 10.5.5.1
ca=$LAB_DIR/ca
mams_ca() { "$NETNS_TOP/tools/mams-ca" "$@" >/dev/null; }
mams_ca -d "$ca" -s 10.5.5.2 server far
mams_ca -d "$ca" -s 10.5.5.1 server east
mams_ca -d "$ca" client ncm1
mams_ca -d "$LAB_DIR/other" init "another CA"
mams_ca -d "$LAB_DIR/other" client ncm1
sed -i -e 's|^listen = .*|listen = "10.5.5.2:8443"|' -e "s|^certificate = .*|certificate = $ca/far.crt|" \
	-e "s|^key = .*|key = $ca/far.key|" -e '/proxies =/d;/_socket =/d' "$LAB_DIR/ncm.conf"
cat >>"$LAB_DIR/ncm.conf" <<-X
	ctl_socket = $LAB_DIR/ncm.ctl
	ctl_ca = $ca/ca.crt
	ctl_certificate = $ca/ncm1.crt
	ctl_key = $ca/ncm1.key
	madp_lost = 1s
	madp east {
		ctl = "10.5.5.1:7450"
		proxies = { "wifi 10.1.1.1:7443", "lte 10.1.2.1:7443" }
	}
	madp tunnels {
		trailer = "10.5.5.1:7451"
		tunnels = { "wifi 10.1.1.1", "lte 10.1.2.1" }
		addresses = { "10.60.0.0/24" }
	}
	X
sed "/trailer = /i ctl_name = west.example" "$LAB_DIR/ncm.conf" |
	sed "s|ncm.db|wrong.db|" >"$LAB_DIR/wrong.conf"
sed -i 's|^ncm = .*|ncm = "https://10.5.5.2:8443"|' "$LAB_DIR/ccm.conf"
offer() { # PORT
	cat <<-X
		ctl_listen = "10.5.5.1:$1"
		ctl_ca = $ca/ca.crt
		ctl_certificate = $ca/east.crt
		ctl_key = $ca/east.key
		ctl_peers = { "ncm1" }
	X
}
offer 7450 >>"$LAB_DIR/px.conf"
{
	echo 'role = network'
	echo "ctl_socket = $LAB_DIR/tr.ctl"
	echo 'listen = { "10.1.1.1", "10.1.2.1" }'
	offer 7451
} >"$LAB_DIR/tr.conf"
chmod 644 "$ca/east.key"
said=$("$BUILD/proxy/mams-proxy" -t -c "$LAB_DIR/px.conf" 2>&1) || :
claim "-t: a key that others may read is refused, by its name" "$(grep -c "ctl_key.*east.key" <<<"$said" || :)" = 1
chmod 600 "$ca/east.key"
claim "-t: the proxy's file" "$(yes_no "$BUILD/proxy/mams-proxy" -t -c "$LAB_DIR/px.conf")" = yes
claim "-t: the trailer's file" "$(yes_no "$BUILD/trailer-madp/mams-trailer" -t -c "$LAB_DIR/tr.conf")" = yes
claim "-t: the NCM's file" "$(yes_no "$BUILD/ncm-service/mams-ncm" -t -c "$LAB_DIR/ncm.conf")" = yes
for d in nginx px-pm cl-pm px cl; do lab_start_one $d; done
lab_start tr "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr.conf" -d
lab_wait 10 test -S "$LAB_DIR/px.ctl"
lab_wait 10 test -S "$LAB_DIR/tr.ctl"

say "who is refused"
claim "TLS 1.2" "$(who ca/ncm1 -tls1_2 | grep -c 'alert protocol version' || :)" '>=' 1
who ca/laptop -quiet >/dev/null
lab_wait 5 is_logged px "certificate of laptop, who is not one of the names" || :
claim "a client's certificate: the N-MADP's log" \
	"$(logged px "certificate of laptop, who is not one of the names")" '>=' 1
start_far wrong
lab_wait 10 is_logged ncm "no connection between hosts: [Hh]ostname mismatch" || :
lab_wait 10 is_state tunnels dead || :
claim "an N-MADP of another name: the NCM's log" \
	"$(logged ncm "no connection between hosts: [Hh]ostname mismatch")" '>=' 1
claim "... which is not connected" "$(state tunnels)" = dead
claim "... the other one is" "$(state east)" = up
lab_end ncm
sed -i "s|$ca/ncm1|$LAB_DIR/other/ncm1|" "$LAB_DIR/wrong.conf"
start_far wrong
lab_wait 10 is_state east dead || :
claim "an NCM of another CA is not connected" "$(state east)" = dead
lab_end ncm

# asked CERTIFICATE [ARGUMENT...]: what mamsctl is told over TLS, or its complaint
asked() {
	far "$BUILD/tools/mamsctl" status --connect 10.5.5.1:7450 --ca "$ca/ca.crt" --cert "$1.crt" --key "$1.key" \
		"${@:2}" 2>&1 || :
}
say "mamsctl over TLS"
claim "the N-MADP's status" "$(asked "$ca/ncm1" --json | jq -r .role)" = network
claim "with a client's certificate" "$(asked "$ca/laptop" --timeout 1 | grep -c 'name in ctl_peers')" = 1
claim "another name is wanted of it" "$(asked "$ca/ncm1" --timeout 1 --name west.example |
	grep -c '[Hh]ostname mismatch')" '>=' 1

say "a client, set up over ctl between hosts"
far tcpdump -q -i ctl -U -s 0 -w "$LAB_DIR/ctl.pcap" tcp port 7450 2>/dev/null &
LAB_PID[pcap]=$!
start_far
lab_start_one ccm
lab_wait 20 lab_ready || :
claim "states of both instances" "$(state east) $(state tunnels)" = "up up"
claim "a new connection" "$(way)" = proxied
claim "valid at the N-MADP" "$(granted)" = 1
lab_file 40 >/dev/null
lab_get /40M --limit-rate 3M >/dev/null & # long enough for what follows
job=$!
both="10.1.1.1=false 10.1.2.1=false"
lab_wait 10 are_subflows "$both" || :
claim "downlink, as the plugin has it" "$(subflows)" = "$both"
claim "steered, by rules that the proxy passes on" \
	"$(lab_mamsctl -s "$LAB_DIR/ncm.ctl" steer --dl lte --ul lte)" = applied
lte="10.1.1.1=true 10.1.2.1=false"
lab_wait 10 are_subflows "$lte" || :
claim "... at the plugin" "$(subflows)" = "$lte"
wait "$job" && ok=yes || ok=no
claim "the download ends without an error" "$ok" = yes
lab_end pcap
claim "ctl captured, octets" "$(stat -c %s "$LAB_DIR/ctl.pcap")" '>=' 4000
claim "... in the clear" "$(grep -ac 'px_client_set\|client_key\|pm_policy' "$LAB_DIR/ctl.pcap" || :)" = 0

say "ctl is cut: the session ends while the N-MADP is out of reach"
cut_ctl
cut=$(lab_now_ms)
lab_wait 20 is_state east dead || :
claim "noticed, and dead after" "$(($(lab_now_ms) - cut))" '<=' 12000 ms
claim "state" "$(state east)" = dead
claim "meanwhile: a new connection" "$(way)" = proxied
lab_end ccm
lab_wait 10 no_session || :
claim "the session has ended" "$(yes_no no_session)" = yes
claim "the N-MADP knows nothing of it" "$(granted)" = 1
px nft delete table inet cut
lab_wait 15 is_granted 0 || :
claim "ctl is back: the client is no longer valid" "$(granted)" = 0
lab_wait 15 is_state tunnels up || :
claim "states of both instances" "$(state east) $(state tunnels)" = "up up"
lab_start_one ccm
lab_wait 20 lab_ready || :
claim "a new session: a new connection" "$(way)" = proxied
for d in ccm cl ncm; do lab_end $d; done
no_reports
claims_table
