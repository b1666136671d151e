#!/usr/bin/env bash
# The tunnel's DTLS by certificates on both sides, one link beside a plain one: what a wrong one does,
# what the wire shows of it.
# shellcheck disable=SC2034,SC2154 # read by lab.sh; set by dtls_lab.sh
LAB=nt-dcert
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/trailer_lab.sh
. "$(dirname "$0")/trailer_lab.sh"
# shellcheck source=tests/netns/dtls_lab.sh
. "$(dirname "$0")/dtls_lab.sh"

lab_net
trailer_conf
capture wifi wifi

say "Certificates instead of the secret"
ca=$LAB_DIR/ca
"$NETNS_TOP/tools/mams-ca" -d "$ca" init "lab CA" >/dev/null
"$NETNS_TOP/tools/mams-ca" -d "$ca" -s 10.1.1.1 server madp >/dev/null
"$NETNS_TOP/tools/mams-ca" -d "$ca" -s 10.1.1.9 server elsewhere >/dev/null
for p in laptop tablet expired; do "$NETNS_TOP/tools/mams-ca" -d "$ca" client "$p" >/dev/null; done
"$NETNS_TOP/tools/mams-ca" -d "$LAB_DIR/other" init "other CA" >/dev/null
"$NETNS_TOP/tools/mams-ca" -d "$LAB_DIR/other" client laptop >/dev/null
openssl req -new -key "$ca/expired.key" -subj /CN=laptop |
	openssl x509 -req -CA "$ca/ca.crt" -CAkey "$ca/ca.key" -days 0 -out "$ca/expired.crt" 2>/dev/null
with() { # SIDE CERTIFICATE: start it anew, with that one; none: by the secret
	lab_end "$1"
	sed -i '/^dtls_/d' "$LAB_DIR/$1.conf"
	[ "$2" = none ] || cat >>"$LAB_DIR/$1.conf" <<-X
		dtls_ca = $ca/ca.crt
		dtls_certificate = $2.crt
		dtls_key = $2.key
	X
	[ "$1$2" = cnone ] || [ "$1" = n ] || echo "dtls_peer = 10.1.1.1" >>"$LAB_DIR/$1.conf"
	start "$1"
}
failures() { grep -c "DTLS handshake failed, nothing is sent client=laptop link=wifi: $2" "$LAB_DIR/$1.log" || :; }
says() { [ "$(failures "$1" "$2")" -ge 1 ]; }
# refused WHO SAYS WHY: the link fails closed, once, in words; the other one carries
refused() {
	claim "$1: the log says so" "$(yes_no lab_wait 30 says "$2" "$3")" = yes
	claim "the other link carries" "$(yes_no lab_wait 30 cl ping -c 1 -W 1 10.9.9.2)" = yes
	claim "wifi is up, by DTLS, at the N-MADP" "$(link n 1 up) $(link n 1 dtls)" = "false false"
	claim "times that it was told" "$(failures "$2" "$3")" = 1
	claim "handshakes counted as failed" "$("$2" dtls_failed)" '>=' 1
}
with n "$ca/madp"
set_n "${both[@]}" dtls=wifi >/dev/null
come() { with c "$1" && set_c "${both[@]}" dtls=wifi >/dev/null && trailer_routes; }
come "$ca/laptop"
claim "both links are up within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
claim "wifi by DTLS at both ends" "$(yes_no open)" = yes
stream_begin 500
stream_end
come "$ca/tablet"
refused "another client's" n "the certificate is another one's"
come "$LAB_DIR/other/laptop"
refused "another CA's" n "unable to get local issuer certificate"
come "$ca/expired"
refused "an expired one" n "certificate has expired"
come none
refused "none, but the secret" n "no shared cipher"
come "$ca/laptop"
claim "the right one is in again within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
with n "$ca/elsewhere"
set_n "${both[@]}" dtls=wifi >/dev/null
refused "another N-MADP's" c "IP address mismatch"
with n "$ca/madp"
set_n "${both[@]}" dtls=wifi >/dev/null
claim "with the right one the client is in by itself within 30 s" "$(yes_no lab_wait 30 both_up)" = yes
claim "wifi by DTLS at both ends" "$(yes_no open)" = yes
stream_begin 500
stream_end

say "What the wire showed"
lab_end wifi
clear="udp.port == 7446 && !(dtls.record) && !($proof)"
claim "datagrams on wifi" "$(packets wifi 'udp.port == 7446')" '>=' 500
claim "neither DTLS nor a proof" "$(packets wifi "$clear")" = 0
claim "inner addresses" "$(packets wifi "$inside")" = 0
no_reports
claims_table
