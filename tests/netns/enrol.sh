#!/usr/bin/env bash
# First set-up by mams-ca alone: a network's host, an enrolled client; the certificates of both renewed
# under a running transfer; one client revoked while the other's transfer runs, then the other one.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-enrol
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

ca() { "$NETNS_TOP/tools/mams-ca" -d "$LAB_DIR/ca" -e "$LAB_DIR" "$@"; }
network() { ca "$@" -a wifi=10.1.1.1/24 -a lte=10.1.2.1/24 network; }
ncm_reload() { kill -HUP "${LAB_PID[ncm]}"; }
ncm() { lab_mamsctl --json --counters -s "$LAB_DIR/ncm.ctl" status; }
counter() { ncm | jq "[.counters[] | select(.name == \"$1\") | .value] | add // 0"; }
session() { ncm | jq -r "[.sessions[] | select(.client == \"$1\" and .state != \"ENDED\").session_id][0] // \"none\""; }
sha() { openssl x509 -noout -fingerprint -sha256; }
# What a client that comes now is shown, and what the file has.
shown() { cl openssl s_client -connect 10.1.1.1:8443 </dev/null 2>/dev/null | sha; }
shows_new() { [ "$(shown)" = "$(sha <"$LAB_DIR/ncm.crt")" ]; }
# ask CLIENT: HTTP status of an mx_discover with its certificate
ask() {
	printf '{"version":"1.0","message_type":"mx_discover","sequence_num":%d}' $RANDOM |
		cl curl -s --max-time 5 --cacert "$LAB_DIR/ca/ca.crt" --cert "$LAB_DIR/ca/$1.keep" \
			--key "$LAB_DIR/ca/$1.key" -H 'Content-Type: application/json' --data-binary @- \
			-o "$LAB_DIR/answer" -w '%{http_code}' https://10.1.1.1:8443/mams/v1/message || :
}
is_refused() { [ "$(ask "$1")" = 403 ]; }
# enrol CLIENT: with a copy of the certificate, since revoke takes it away
enrol() {
	ca "${@:2}" enrol "$1" >>"$LAB_DIR/ca.log"
	cp "$LAB_DIR/ca/$1.crt" "$LAB_DIR/ca/$1.keep"
}
serves() { # CLIENT: does the N-MADP know a key of it?
	lab_mamsctl --json -s "$LAB_DIR/px.ctl" status | jq -e --arg c "$1" \
		'[.clients[] | select(.client == $c)] | length > 0' >/dev/null
}
gone_from_madp() { ! serves "$1"; }
fallen_back() { [ "$(lab_ccm_state)" != ACTIVE ]; }
way() {
	case $(cl curl -sS --max-time 10 http://10.9.9.2/whoami || :) in
	10.9.9.1) echo proxied ;;
	10.1.*) echo direct ;;
	*) echo none ;;
	esac
}

say "first set-up"
lab_net
began=$(lab_now_ms)
network >"$LAB_DIR/ca.log"
enrol phone
enrol tablet
ca enrol laptop >>"$LAB_DIR/ca.log"
mkdir "$LAB_DIR/carried"
cp "$LAB_DIR/ca/laptop.mams" "$LAB_DIR/carried/"
ca -a wifi=wifi -a lte=lte apply "$LAB_DIR/carried/laptop.mams" >>"$LAB_DIR/ca.log"
claim "authority, NCM, three clients, applied" $(($(lab_now_ms) - began)) '<=' 5000 ms
# the lab's places for sockets
cat >>"$LAB_DIR/ncm.conf" <<E
	store = $LAB_DIR/ncm.db
	ctl_socket = $LAB_DIR/ncm.ctl
	proxy_socket = $LAB_DIR/px.ctl
	pm_socket = $LAB_DIR/px-pm.ctl
E
cat >>"$LAB_DIR/ccm.conf" <<E
	ctl_socket = $LAB_DIR/ccm.ctl
	proxy_socket = $LAB_DIR/cl.ctl
	pm_socket = $LAB_DIR/cl-pm.ctl
	state_file = $LAB_DIR/ccm.state
E
mv "$LAB_DIR/ncm.conf" "$LAB_DIR/set-up.ncm"
mv "$LAB_DIR/ccm.conf" "$LAB_DIR/set-up.ccm"
mv "$LAB_DIR/proxy.conf" "$LAB_DIR/set-up.px"
lab_conf
mv "$LAB_DIR/set-up.ncm" "$LAB_DIR/ncm.conf"
mv "$LAB_DIR/set-up.ccm" "$LAB_DIR/ccm.conf"
# the lab's server is in a network that is refused otherwise
grep -v '^deny' "$LAB_DIR/set-up.px" >"$LAB_DIR/px.conf"
cat >>"$LAB_DIR/px.conf" <<E
	ctl_socket = $LAB_DIR/px.ctl
	pm_socket = $LAB_DIR/px-pm.ctl
	allow = { "10.9.9.0/24" }
E
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready || lab_fail "no session with what mams-ca has made"
claim "modes of what was made: keys, bundle" \
	"$(stat -c %a "$LAB_DIR/ncm.key" "$LAB_DIR/client.key" "$LAB_DIR/ca/laptop.mams" | sort -u)" = 600
claim "the session is the enrolled client's" "$(yes_no [ "$(session laptop)" != none ])" = yes
claim "a connection goes" "$(way)" = proxied

say "both certificates are renewed in mid-download"
lab_file 100 >/dev/null
before=$(session laptop)
lab_watch "$LAB_DIR/watch"
lab_get /100M >"$LAB_DIR/rate" &
job=$!
sleep 1.5
network -f >>"$LAB_DIR/ca.log"
claim "the NCM's: shown before it is told" "$(yes_no shows_new)" = no
ncm_reload
claim "the NCM's: a client that comes now sees the new one" "$(yes_no lab_wait 3 shows_new)" = yes
cp "$LAB_DIR/ca/laptop.crt" "$LAB_DIR/ca/former.crt"
ca -f enrol laptop >>"$LAB_DIR/ca.log"
ca apply "$LAB_DIR/ca/laptop.mams" >>"$LAB_DIR/ca.log"
kill -HUP "${LAB_PID[ccm]}"
sleep 0.5
claim "  orders meanwhile" "$(for to in wifi,lte lte,wifi wifi,lte; do
	lab_mamsctl -s "$LAB_DIR/ncm.ctl" steer --dl $to --ul $to
done | sort -u)" = applied
# who still showed the former one would lose the session now
ca revoke former >>"$LAB_DIR/ca.log"
ncm_reload
sleep 1
claim "the client's: shown, its former one is revoked" "$(session laptop)" = "$before"
claim "  the client is" "$(lab_ccm_state)" = ACTIVE

say "a client is revoked in mid-download of another"
claim "phone: before" "$(ask phone)" = 200
ca revoke phone >>"$LAB_DIR/ca.log"
revoked=$(lab_now_ms)
ncm_reload
lab_wait 10 is_refused phone || :
claim "phone: refused after" $(($(lab_now_ms) - revoked)) '<=' 5000 ms
claim "tablet: served" "$(ask tablet)" = 200
wait "$job" && ok=yes || ok=no
lab_end watch
claim "download: curl ends without an error" "$ok" = yes
claim "  SHA-256 of the file is right" "$(same "$LAB_DIR/got" "$LAB_DIR/www/100M")" = yes
claim "  longest stall" "$(lab_stall "$LAB_DIR/watch")" '<=' 400 ms
claim "  of the sum of both links" \
	"$(awk -v r="$(cat "$LAB_DIR/rate")" 'BEGIN { printf "%.2f", r / 67 }')" '>=' 0.85
claim "  the session is the same" "$(session laptop)" = "$before"

say "the client itself is revoked"
claim "the N-MADP knows its key" "$(yes_no serves laptop)" = yes
ca revoke laptop >>"$LAB_DIR/ca.log"
revoked=$(lab_now_ms)
ncm_reload
lab_wait 10 gone_from_madp laptop || :
claim "its key is gone from the N-MADP after" $(($(lab_now_ms) - revoked)) '<=' 5000 ms
lab_wait 10 fallen_back || :
claim "it is back on its plain network after" $(($(lab_now_ms) - revoked)) '<=' 5000 ms
claim "  a connection goes" "$(way)" = direct
was_refused() { [ "$(counter https_bad_certificate_total)" -gt "$refused" ]; }
refused=$(counter https_bad_certificate_total)
claim "it comes again, and is refused" "$(yes_no lab_wait 15 was_refused)" = yes
claim "tablet: served" "$(ask tablet)" = 200
no_reports
claims_table
