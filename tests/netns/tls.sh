#!/usr/bin/env bash
# What a stranger gets of the control plane: nothing.  NCM and CCM run for real; the rest are curl,
# openssl and tshark.  Ends with a table of claims.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034 # read by lab.sh
LAB=dx-tls LAB_DEBUG=1 CLAIMS_LIVE=1
# shellcheck source=deploy/lab/lab.sh
. "$top/deploy/lab/lab.sh"
# shellcheck source=deploy/lab/claims.sh
. "$top/deploy/lab/claims.sh"
trap lab_down EXIT
trap 'exit 130' INT TERM
url=https://10.1.1.1:8443

say() { printf '\n== %s\n' "$*"; }
yes_no() { "$@" >/dev/null 2>&1 && echo yes || echo no; }

# ---- who asks ----

# A client of the lab's authority whose certificate is wrong in one way.
make_certs() {
	local d=$LAB_DIR/ca
	"$top/tools/mams-ca" -d "$d" client expired >/dev/null
	"$top/tools/mams-ca" -d "$d" client oam >/dev/null
	"$top/tools/mams-ca" -d "$LAB_DIR/other" init >/dev/null
	"$top/tools/mams-ca" -d "$LAB_DIR/other" client laptop >/dev/null
	cat >"$d/cnf" <<-X
		[ca]
		default_ca = c
		[c]
		database = $d/index
		serial = $d/serial
		new_certs_dir = $d
		default_md = sha256
		policy = p
		x509_extensions = x
		unique_subject = no
		[p]
		commonName = optional
		organizationName = optional
		[x]
		extendedKeyUsage = clientAuth
	X
	: >"$d/index"
	echo 01 >"$d/serial"
	{
		openssl req -new -subj /CN=expired -key "$d/expired.key" -out "$d/csr"
		openssl ca -batch -config "$d/cnf" -cert "$d/ca.crt" -keyfile "$d/ca.key" -in "$d/csr" \
			-out "$d/expired.crt" -notext -startdate 20200101000000Z -enddate 20210101000000Z
		cp -p "$d/laptop.key" "$d/nameless.key"
		openssl req -new -subj /O=somebody -key "$d/nameless.key" -out "$d/csr"
		openssl ca -batch -config "$d/cnf" -cert "$d/ca.crt" -keyfile "$d/ca.key" -in "$d/csr" \
			-out "$d/nameless.crt" -notext -days 2
	} >"$LAB_DIR/openssl.log" 2>&1
}

# Options of curl for each identity; in files, as argument lists can be read by everyone.
make_identities() {
	local d=$LAB_DIR
	cert() { printf 'cert = "%s.crt"\nkey = "%s.key"\n' "$1" "$1"; }
	user() { printf 'digest\nuser = "phone:%s"\n' "$1"; }
	cert "$d/ca/laptop" >"$d/laptop.id"
	cert "$d/ca/oam" >"$d/oam.id"
	cert "$d/ca/expired" >"$d/expired.id"
	cert "$d/ca/nameless" >"$d/nameless.id"
	cert "$d/other/laptop" >"$d/foreign.id"
	user "$(cat "$d/password")" >"$d/phone.id"
	user 'wrong horse battery' >"$d/wrong.id"
	printf 'user = "phone:%s"\n' "$(cat "$d/password")" >"$d/basic.id"
	: >"$d/nobody.id"
	chmod 600 "$d"/*.id
}

# ask IDENTITY [CURL OPTIONS]: prints "STATUS OCTETS" of the answer; 000 when TLS was refused.
# The answer is in $LAB_DIR/answer.
ask() {
	local id=$1 got
	shift
	: >"$LAB_DIR/answer"
	got=$(cl curl -s --max-time "${patience:-20}" --cacert "$LAB_DIR/ca/ca.crt" -K "$LAB_DIR/$id.id" \
		-o "$LAB_DIR/answer" -w '%{http_code} %{size_download}' "$@" || :)
	echo "$got"
}
post() { # IDENTITY [CURL OPTIONS]: the message on standard input
	ask "$1" -H 'Content-Type: application/json' --data-binary @- "${@:2}" "$url/mams/v1/message"
}
post_status() { post "$@" | cut -d' ' -f1; }
mx() { # TYPE [SESSION [MEMBERS]]: a message
	printf '{"version":"1.0","message_type":"%s","sequence_num":%d%s%s}' "$1" $(((RANDOM << 15) + RANDOM)) \
		"${2:+,\"unique_session_id\":{\"ncm_id\":1,\"session_id\":$2\}}" "${3:+,$3}"
}

# ---- what the NCM says of itself ----

status_json() { lab_mamsctl --json --counters -s "$LAB_DIR/ncm.ctl" status; }
counter() { status_json | jq "[.counters[] | select(.name == \"$1\") | .value] | add // 0"; }
session_of() { status_json | jq ".sessions[] | select(.client == \"$1\") | .session_id"; }
# All of a session but its age and where it was last seen.
session_state() { status_json | jq -cS ".sessions[] | select(.client == \"$1\") | del(.age_ms)"; }
has_session() { [ -n "$(session_of "$1")" ]; }
in_state() { [ "$(status_json | jq -r ".sessions[] | select(.client == \"$1\") | .state")" = "$2" ]; }

nothing() { # TEXT IDENTITY COUNTER [CURL OPTIONS]
	local text=$1 id=$2 name=$3 before got
	shift 3
	before=$(counter "$name")
	got=$(mx mx_discover | post "$id" "$@")
	case $got in
	'401 0' | '403 0' | '000 0') got="nothing ($got)" ;;
	esac
	claim "$text" "${got%% *}" = nothing
	claim "  $name went up" "$(($(counter "$name") - before))" '>=' 1
}

check_capture() {
	say "the capture of discovery and capability exchange"
	local n octets strange plain versions v
	read -r _ n _ octets _ strange _ plain _ versions <<<"$("$here/tls_records.py" \
		"$LAB_DIR/control.pcap" 8443)"
	claim "captured connections" "$n" '>=' 1
	claim "captured octets" "$octets" '>=' 1000
	claim "octets that are no TLS record" "$strange" = 0
	claim "connections with readable words of the protocol" "$plain" = 0
	for v in $versions; do
		claim "TLS version in use ($v) at least 1.2 (0x0303)" "$((v))" '>=' $((0x0303))
	done
	claim "TLS versions seen" "$(wc -w <<<"$versions")" '>=' 1
	claim "a client that speaks only TLS 1.1 comes in" "$(yes_no cl openssl s_client -connect \
		10.1.1.1:8443 -tls1_1 -cipher DEFAULT@SECLEVEL=0 -brief </dev/null)" = no
	claim "a client that speaks TLS 1.2 comes in" "$(yes_no cl openssl s_client -connect \
		10.1.1.1:8443 -tls1_2 -brief </dev/null)" = yes
}

check_credentials() {
	say "credentials"
	nothing "without credentials" nobody https_no_credentials_total
	nothing "wrong Digest password" wrong https_wrong_password_total
	nothing "Basic instead of Digest" basic https_auth_unsupported_total
	nothing "expired certificate" expired https_bad_certificate_total
	nothing "certificate of a foreign authority" foreign https_bad_certificate_total
	nothing "certificate without a common name" nameless https_bad_certificate_total
	check_md5
	claim "no session was made for any of them" "$(status_json | jq '.sessions | length')" = 1
	claim "right password" "$(mx mx_discover | post_status phone)" = 200
	claim "  the answer" "$(jq -r .message_type "$LAB_DIR/answer")" = mx_system_info
	claim "right certificate" "$(mx mx_keep_alive_req "$laptop" '"keep_alive_reason":"Timeout"' |
		post_status laptop)" = 200
}

md5() { printf '%s' "$1" | md5sum | cut -d' ' -f1; }
# RFC 7616 still knows MD5; a right answer by it must not let anyone in.
check_md5() {
	local offer nonce ha1 ha2 answer uri=/mams/v1/message
	offer=$(mx mx_discover | post nobody -D - -o /dev/null | tr -d '\r' | grep -i '^www-authenticate:')
	claim "MD5 is offered" "$(grep -qiE 'algorithm="?(MD5|$)' <<<"$offer" && echo yes || echo no)" = no
	claim "SHA-256 is offered" "$(yes_no grep -qi 'algorithm="\?SHA-256' <<<"$offer")" = yes
	nonce=$(sed -nE 's/.*[ ,]nonce="([^"]*)".*/\1/p' <<<"$offer")
	claim "the challenge has a nonce" "${#nonce}" '>=' 16
	ha1=$(md5 "phone:mams:$(cat "$LAB_DIR/password")")
	ha2=$(md5 "POST:$uri")
	answer=$(md5 "$ha1:$nonce:00000001:00c0ffee:auth:$ha2")
	cat >"$LAB_DIR/md5.id" <<-X
		header = "Authorization: Digest username=\"phone\", realm=\"mams\", nonce=\"$nonce\", uri=\"$uri\", algorithm=MD5, response=\"$answer\", qop=auth, nc=00000001, cnonce=\"00c0ffee\""
	X
	nothing "right password by MD5" md5 https_auth_unsupported_total
}

check_sessions() {
	say "another client's session"
	local before phone
	phone=$(session_of phone)
	before=$(session_state laptop)
	claim "two sessions" "$(yes_no [ -n "$phone" -a "$phone" != "$laptop" ])" = yes
	foreign() { # TEXT TYPE [MEMBERS]
		local n
		n=$(counter messages_foreign_session_total)
		claim "$1 with another's session id" "$(mx "$2" "$laptop" "${3:-}" | post_status phone)" = 403
		claim "  messages_foreign_session_total went up" \
			"$(($(counter messages_foreign_session_total) - n))" = 1
	}
	foreign "termination" mx_session_termination_req '"reason":"MX_NORMAL_RELEASE"'
	foreign "keep-alive" mx_keep_alive_req '"keep_alive_reason":"Timeout"'
	foreign "link report" mx_reconf_req '"reconf_action":"release","connection_id":0'
	claim "unknown session id" "$(mx mx_keep_alive_req 4711 '"keep_alive_reason":"Timeout"' |
		post_status phone)" = 404
	claim "foreign ncm_id" "$(mx mx_keep_alive_req "$laptop" '"keep_alive_reason":"Timeout"' |
		sed 's/"ncm_id":1/"ncm_id":2/' | post_status laptop)" = 404
	claim "the first session is as it was" "$(yes_no [ "$(session_state laptop)" = "$before" ])" = yes
	claim "the other's poll" "$(ask phone "$url/mams/v1/poll" | cut -d' ' -f1)" = 200
	claim "  brings its own session's message" \
		"$(jq -r .unique_session_id.session_id "$LAB_DIR/answer")" = "$phone"
	patience=3 ask phone "$url/mams/v1/poll" >/dev/null
	claim "  and of no other when it comes again" \
		"$(jq -r .unique_session_id.session_id "$LAB_DIR/answer")" = "$phone"
	claim "a poll without credentials" "$(ask nobody "$url/mams/v1/poll")" = '401 0'
}

# ---- network information ----

network=$url/mams/v1/network-information
feed() { ask "$1" --data-binary @- "$network" | cut -d' ' -f1; } # IDENTITY: the post on standard input
told() { lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" network | jq -c "$1"; }
load() { # ACCESS PERCENT
	printf '{"statements":[{"access":"%s","node_id":"ap7","valid_for":600,"load_percent":%s}]}' "$1" "$2"
}
check_network() {
	say "network information"
	local n
	claim "a feeder's post" "$(load wifi 85 | feed oam)" = 204
	claim "  mamsctl shows it" "$(lab_mamsctl -s "$LAB_DIR/ncm.ctl" network |
		grep -cE '^wifi +ap7 +- +85 % .* oam$')" = 1
	claim "a client's post" "$(load wifi 1 | feed laptop)" = 403
	claim "a Digest user's post" "$(load wifi 1 | feed phone)" = 403
	claim "a post without credentials" "$(load wifi 1 | feed nobody)" = 401
	claim "a post with a foreign certificate" "$(load wifi 1 | feed foreign)" = 403
	claim "a feeder's message" "$(mx mx_discover | post_status oam)" = 403
	claim "a feeder's poll" "$(ask oam "$url/mams/v1/poll")" = '403 0'
	claim "  its session" "$(has_session oam && echo yes || echo no)" = no
	claim "a load of 101" "$(load wifi 101 | feed oam)" = 400
	claim "  the words" "$(cat "$LAB_DIR/answer")" = \
		'network.statements[0].load_percent: must be 0..100, not 101'
	claim "an unknown access behind a good one" "$({
		load wifi 3 | sed 's/]}$/,/'
		load wimax 3 | sed 's/.*\[//'
	} | feed oam)" = 400
	claim "  the words" "$(cat "$LAB_DIR/answer")" = \
		'network.statements[1].access: no access section is called "wimax"'
	claim "what was told stays" "$(told '[.statements[].load_percent]')" = '[85]'
	claim "a feeder reads it" "$(ask oam "$network" | cut -d' ' -f1)" = 200
	claim "  load" "$(jq -c '[.statements[] | [.access, .load_percent, .feeder]]' "$LAB_DIR/answer")" = \
		'[["wifi",85,"oam"]]'
	claim "a client reads it" "$(ask laptop "$network")" = '403 0'
	claim "another method" "$(ask oam -X DELETE "$network" | cut -d' ' -f1)" = 404
	n=$(cl curl -s --max-time 20 --cacert "$LAB_DIR/ca/ca.crt" -K "$LAB_DIR/oam.id" -o /dev/null \
		-w '%{http_code}\n' "$network?[1-400]" | grep -c 429)
	claim "of 400 requests at once beyond max_burst" "$n" '>=' 1
}

# refused TEXT STATUS COUNTER [IDENTITY]: the message on standard input
refused() {
	local n
	n=$(counter "$3")
	claim "$1" "$(post_status "${4:-phone}")" = "$2"
	# curl asks again when a connection that it kept ends before the answer is read
	claim "  $3 went up" "$(($(counter "$3") - n))" '>=' 1
}

check_bad_input() {
	say "bad input (E1 to E8)"
	local phone bad=messages_bad_total
	phone=$(session_of phone)
	refused "E1 not JSON" 400 $bad <<<mx_discover
	refused "E1 array" 400 $bad <<<"[$(mx mx_discover)]"
	refused "E1 nothing" 400 $bad </dev/null
	refused "E1 without message_type" 400 $bad <<<'{"version":"1.0","sequence_num":7}'
	refused "E1 sequence_num of the wrong type" 400 $bad \
		<<<'{"version":"1.0","message_type":"mx_discover","sequence_num":"x"}'
	refused "E1 70 KiB" 413 https_body_too_long_total <<<"$(printf ' %.0s' {1..71680})"
	refused "E1 depth 40" 400 $bad \
		<<<"$(mx mx_discover '' "\"x\":$(printf '[%.0s' {1..40})$(printf ']%.0s' {1..40})")"
	refused "E2 unknown message_type" 400 $bad <<<"$(mx mx_no_such)"
	refused "E3 version 2.0" 400 $bad <<<"$(mx mx_discover | sed 's/1\.0/2.0/')"
	refused "E6 a message that only an NCM sends" 409 messages_wrong_direction_total \
		<<<"$(mx mx_system_info "" '"ncm_connections":[{"connection_id":0,"connection_type":"LTE","ncm_end_point":{"ip_address":"192.0.2.1","port":1}}]')"
	# on a slow machine the first session is over by now
	mx mx_discover | post_status phone >/dev/null
	phone=$(session_of phone)
	refused "E6 a message in the wrong state" 409 messages_wrong_state_total \
		<<<"$(mx mx_reconf_req "$phone" '"reconf_action":"setup","connection_id":0,"ip_address":"10.1.1.2","mtu_size":1500,"connection_status":"connected"')"
	refused "E7 unknown enumeration" 400 $bad laptop \
		<<<"$(mx mx_reconf_req "$laptop" '"reconf_action":"destroy","connection_id":0')"
	refused "E8 a response to nothing" 204 responses_unmatched_total laptop \
		<<<"$(mx mx_capability_rsp "$laptop" '"num_anchor_connections":0,"anchor_connections":[],"num_delivery_connections":0,"delivery_connections":[],"convergence_methods":[],"adaptation_methods":[],"feature_active":[]')"
	claim "an unknown path" "$(ask phone "$url/etc/passwd" | cut -d' ' -f1)" = 404
	check_log_rate
	claim "the NCM still answers" "$(mx mx_keep_alive_req "$laptop" '"keep_alive_reason":"Timeout"' |
		post_status laptop)" = 200
}

# Many refusals in one window of ten seconds: each is counted, a few are logged.
check_log_rate() {
	local n lines
	n=$(counter messages_bad_total)
	lines=$(grep -c 'message refused' "$LAB_DIR/ncm.log")
	for _ in {1..30}; do post phone <<<'{' >/dev/null; done
	claim "30 bad messages: counted" "$(($(counter messages_bad_total) - n))" '>=' 30
	claim "  lines in the log" "$(($(grep -c 'message refused' "$LAB_DIR/ncm.log") - lines))" \
		'<=' 10
	claim "  lines for those before" "$lines" '>=' 1
}

slow_closed() { [ "$(counter https_slow_requests_total)" -ge $((slow0 + 8)) ]; }
check_slow() {
	say "slow senders"
	local t0
	slow0=$(counter https_slow_requests_total)
	ip netns exec "$CL" python3 - "$LAB_DIR/ca" <<-'X' >"$LAB_DIR/slow.log" 2>&1 &
		import socket, ssl, sys, time
		tls = ssl.create_default_context(cafile=sys.argv[1] + "/ca.crt")
		tls.load_cert_chain(sys.argv[1] + "/laptop.crt", sys.argv[1] + "/laptop.key")
		def dial():
		    return socket.create_connection(("10.1.1.1", 8443))
		silent = [dial() for _ in range(2)]           # not even a handshake
		idle = [tls.wrap_socket(dial(), server_hostname="10.1.1.1") for _ in range(2)]
		dripping = [tls.wrap_socket(dial(), server_hostname="10.1.1.1") for _ in range(4)]
		text = "POST /mams/v1/message HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + "x" * 9000
		for c in text:
		    for s in list(dripping):
		        try:
		            s.send(c.encode())
		        except OSError:
		            dripping.remove(s)
		    if not dripping:
		        break
		    time.sleep(1)
	X
	LAB_PID[slow]=$!
	sleep 2
	t0=$(lab_now_ms)
	claim "another client meanwhile" "$(mx mx_keep_alive_req "$laptop" '"keep_alive_reason":"Timeout"' |
		post_status laptop)" = 200
	claim "  is answered within" $(($(lab_now_ms) - t0)) '<=' 1000 ms
	claim "eight that send nothing, or an octet a second, are cut off within 20 s" \
		"$(yes_no lab_wait 20 slow_closed)" = yes
	lab_end slow
}

check_secrets() {
	say "secrets"
	local name f pid text where
	for name in px-pm cl-pm px cl; do lab_start_one $name; done # a session in the making is not stored
	lab_wait 20 in_state laptop ACTIVE || lab_fail "the session is not set up; see the logs"
	sleep 0.5
	python3 - "$LAB_DIR/ncm.db" >"$LAB_DIR/client-keys" <<-'X'
		import sqlite3, sys
		db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
		for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
		    cursor = db.execute("select * from " + table)
		    names = [c[0] for c in cursor.description]
		    for row in cursor:
		        if "client_key" in names:
		            print(row[names.index("client_key")])
	X
	cat "$LAB_DIR/password" "$LAB_DIR/client-keys" >"$LAB_DIR/secrets"
	for name in ncm laptop; do
		grep -v -- ----- "$LAB_DIR/ca/$name.key" | head -n 1 >>"$LAB_DIR/secrets"
	done
	cut -d: -f3 "$LAB_DIR/ca/digest.users" >>"$LAB_DIR/secrets"
	claim "secrets looked for" "$(grep -c . "$LAB_DIR/secrets")" '>=' 5
	where=0
	for f in "$LAB_DIR"/ncm.log "$LAB_DIR"/ccm.log "$LAB_DIR"/control.pcap; do
		where=$((where + $(grep -cFf "$LAB_DIR/secrets" "$f" || :)))
	done
	claim "logs (at debug level) and capture hold a secret" "$where" = 0
	claim "the logs say something" "$(cat "$LAB_DIR"/[nc]cm.log | wc -l)" '>=' 20
	where=0
	for name in ncm ccm; do
		pid=${LAB_PID[$name]}
		for f in cmdline environ; do
			text=$(tr '\0' '\n' <"/proc/$pid/$f")
			where=$((where + $(grep -cFf "$LAB_DIR/secrets" <<<"$text" || :)))
		done
	done
	claim "argument lists and environments hold a secret" "$where" = 0
	claim "mode of the session store" "$(stat -c %a "$LAB_DIR/ncm.db")" = 600
	claim "mode of the ctl socket lets others in" \
		"$(stat -c %a "$LAB_DIR/ncm.ctl" | grep -c '[1-7]$' || :)" = 0
}

say "the lab, its NCM and one client"
lab_net && lab_certs && lab_conf
make_certs
make_identities
cl tcpdump -q -i wifi -U -s 0 -w "$LAB_DIR/control.pcap" tcp port 8443 2>"$LAB_DIR/tcpdump.log" &
LAB_PID[tcpdump]=$!
lab_wait 5 test -s "$LAB_DIR/control.pcap"
lab_start_one ncm
lab_wait 10 test -S "$LAB_DIR/ncm.ctl"
# nobody may feed unless named
claim "network information without feed_clients" "$(ask oam "$url/mams/v1/network-information")" = '404 0'
lab_end ncm
echo 'feed_clients = { "oam" }' >>"$LAB_DIR/ncm.conf"
lab_start_one ncm
lab_wait 10 test -S "$LAB_DIR/ncm.ctl"
lab_start_one ccm
lab_wait 10 has_session laptop || lab_fail "no session; see the logs"
lab_wait 10 in_state laptop PREPARE || lab_fail "capabilities were not agreed"
laptop=$(session_of laptop)
sleep 0.5
lab_end tcpdump

check_capture
check_credentials
check_sessions
check_network
check_bad_input
check_slow
check_secrets
claim "the NCM is the same process" "$(yes_no kill -0 "${LAB_PID[ncm]}")" = yes
claim "sanitizer reports in the logs" "$(cat "$LAB_DIR"/[nc]cm.log | grep -cE 'Sanitizer|runtime error' || :)" = 0
claims_table
