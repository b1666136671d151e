#!/usr/bin/env bash
# The CCM API (RFC 8743 appendix B): what an application requires reaches the NCM and changes the way
# of its flows, and of no others; who may ask; what happens without an NCM.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-api
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
BASE=http://localhost/ccm/v1.0

api() { cl curl -sS --max-time 10 --unix-socket "$LAB_DIR/ccm-api.sock" "$@"; }
code() { api -o "$LAB_DIR/answer" -D "$LAB_DIR/headers" -w '%{http_code}' "$@"; }
as() { # USER CURL ARGUMENTS...: another user of the client
	local user=$1
	shift
	cl setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups \
		curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "$@"
}
need() { # PROTO PORT PARAMETER VALUE: a body
	printf '{"num-streams":1,"stream-feature":[{"proto":%s,"port-range":{"start":%s,"end":%s},' \
		"$1" "$2" "$2"
	printf '"traffic-qos":{"qos-param-name":"%s","qos-param-value":%s}}]}' "$3" "$4"
}
post() { # BODY [CURL ARGUMENTS]: prints the status
	local body=$1
	shift
	code -H 'Content-Type: application/json' -d "$body" "$BASE/app_requirements" "$@"
}
location() { tr -d '\r' <"$LAB_DIR/headers" | awk 'tolower($1) == "location:" { print $2 }'; }
message() { jq -r .message "$LAB_DIR/answer"; }
needs() { api "$BASE/app_requirements" | jq length; }
has_needs() { [ "$(needs)" = "$1" ]; }
counter() { # DAEMON NAME
	lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status |
		jq -r --arg n "$2" '[.counters[] | select(.name == $n).value][0] // 0'
}

# carried PORT: kB that wifi and lte have carried of a download of 4 MiB
carried() {
	local wifi lte
	wifi=$(lab_octets wifi rx)
	lte=$(lab_octets lte rx)
	lab_get /4M --connect-to "::10.9.9.2:$1" >/dev/null
	echo "$((($(lab_octets wifi rx) - wifi) / 1000)) $((($(lab_octets lte rx) - lte) / 1000))"
}
over_both() { # TEXT PORT
	local c
	c=$(carried "$2")
	claim "$1: over wifi" "${c% *}" '>=' 300 kB
	claim "$1: over lte" "${c#* }" '>=' 300 kB
}
over_wifi() { # TEXT PORT
	local c
	c=$(carried "$2")
	claim "$1: over wifi" "${c% *}" '>=' 4000 kB
	claim "$1: over lte" "${c#* }" '<=' 60 kB
}

lab_net
lab_certs
lab_conf
sed -i -e '/type = Wi-Fi/a latency = 10ms\nbandwidth = 20' \
	-e '/type = LTE/a latency = 50ms\nbandwidth = 50' "$LAB_DIR/ncm.conf"
printf 'api_users = { "daemon" }\napi_group = games\napi_listen = { "127.0.0.1:8650" }\n' \
	>>"$LAB_DIR/ccm.conf"
chmod 711 "$LAB_DIR"
for d in nginx px-pm cl-pm px cl ncm ccm; do
	lab_start_one "$d"
done
lab_wait 15 lab_ready
lab_file 4 >/dev/null

say "capabilities"
claim "GET capabilities" "$(code "$BASE/capabilities")" = 200
claim "features agreed" "$(jq -c '.features | sort' "$LAB_DIR/answer")" = \
	'["downlink_aggregation","lossless_switching","measurement","uplink_aggregation"]'
claim "convergence in use" "$(jq -r '.["conv-methods"][0]["conv-method"]' "$LAB_DIR/answer")" = \
	MPTCP_Proxy
claim "links" "$(jq -c '[.connections[]["conn-type"]]' "$LAB_DIR/answer")" = '["Wi-Fi","LTE"]'

say "a requirement changes the way of its flows"
over_both "before, port 8080" 8080
claim "POST: port 8080 within 20 ms" "$(post "$(need 6 8080 latency 20)")" = 200
one=$(location)
claim "its name" "${one%[0-9]*}" = /ccm/v1.0/app_requirements/
claim "its state" "$(api "http://localhost$one" | jq -r '.[0].state')" = in-effect
claim "its links" "$(api "http://localhost$one" | jq -c '.[0].links')" = '[0]'
over_wifi "port 8080" 8080
over_both "port 80" 80
lab_get /4M --connect-to ::10.9.9.2:8080 >/dev/null &
job=$!
sleep 0.5
lte=$(lab_octets lte rx)
claim "DELETE, while a download runs" "$(code -X DELETE "http://localhost$one")" = 204
wait "$job"
claim "that download: over lte after it" $((($(lab_octets lte rx) - lte) / 1000)) '>=' 300 kB
over_both "afterwards, port 8080" 8080
claim "no requirement is left" "$(needs)" = 0

say "predictions"
claim "GET predictive_link_params" "$(code "$BASE/predictive_link_params")" = 200
latencies() { jq -c '[.[] | select(.param == "latency") | .prediction]' "$LAB_DIR/answer"; }
claim "latency of wifi and lte, ms" "$(latencies)" = '[10,50]'

say "what cannot be had is said"
claim "1 ms: status" "$(post "$(need 6 8080 latency 1)")" = 409
claim "1 ms: words" "$(message | grep -c predictions)" = 1
claim "jitter, of which nothing is known" "$(post "$(need 6 8080 jitter 5)")" = 409
claim "UDP" "$(post "$(need 17 8080 latency 20)")" = 409
claim "a wrong body" "$(post '{"num-streams":1,"stream-feature":[{"proto":6}]}')" = 400
claim "it is named" "$(message | grep -c 'stream-feature\[0\].traffic-qos')" = 1
claim "no JSON" "$(post 'latency=20')" = 400
claim "no Content-Type of JSON" "$(code -d '{}' "$BASE/app_requirements")" = 415
claim "16 KiB and more" "$(post "{\"x\":\"$(head -c 17000 /dev/zero | tr '\0' x)\"}")" = 413
claim "no such path" "$(code "$BASE/nothing")" = 404
claim "no such requirement" "$(code "$BASE/app_requirements/999")" = 404
claim "a wrong method" "$(code -X PUT -d '{}' "$BASE/capabilities")" = 405
claim "the right one is named" "$(tr -d '\r' <"$LAB_DIR/headers" | grep -ic '^allow: GET$')" = 1

say "who may ask"
sock=(--unix-socket "$LAB_DIR/ccm-api.sock" "$BASE/capabilities")
tcp=http://127.0.0.1:8650/ccm/v1.0/capabilities
claim "a page in a browser (Origin)" "$(code -H 'Origin: http://localhost' "$BASE/capabilities")" = 403
claim "a name that points to us (Host)" "$(code -H 'Host: rebind.example' "$BASE/capabilities")" = 403
claim "the user of api_users" "$(as daemon "${sock[@]}")" = 200
claim "a user whose group is api_group" "$(as games "${sock[@]}")" = 200
claim "another user" "$(as nobody "${sock[@]}")" = 403
claim "loopback: the user of api_users" "$(as daemon "$tcp")" = 200
claim "loopback: groups do not count" "$(as games "$tcp")" = 403
claim "loopback: another user" "$(as nobody "$tcp")" = 403
claim "loopback: a name that points to us" "$(as daemon -H 'Host: rebind.example' "$tcp")" = 403
post "$(need 6 8080 latency 20)" >/dev/null
claim "another user's requirement: DELETE" \
	"$(as daemon -X DELETE --unix-socket "$LAB_DIR/ccm-api.sock" "http://localhost$(location)")" = 404
claim "it stands" "$(needs)" = 1
claim "its owner: DELETE" "$(code -X DELETE "http://localhost$(location)")" = 204

say "the end of a requirement"
claim "for 2 s" "$(code -H 'Content-Type: application/json' -d "$(need 6 8080 latency 20)" \
	"$BASE/app_requirements?lifetime=2")" = 200
claim "it stands" "$(needs)" = 1
claim "it expires" "$(yes_no lab_wait 10 has_needs 0)" = yes
cat >"$LAB_DIR/stay.py" <<-'P'
	import http.client, socket, sys, time
	c = http.client.HTTPConnection("localhost")
	c.sock = socket.socket(socket.AF_UNIX)
	c.sock.connect(sys.argv[1])
	c.request("POST", "/ccm/v1.0/app_requirements?lifetime=process", sys.argv[2],
	          {"Content-Type": "application/json"})
	print(c.getresponse().status, flush=True)
	time.sleep(60)
P
lab_start stay "$CL" python3 "$LAB_DIR/stay.py" "$LAB_DIR/ccm-api.sock" "$(need 6 8080 latency 20)"
claim "for the life of a process" "$(yes_no lab_wait 10 has_needs 1)" = yes
lab_end stay KILL
claim "it is killed" "$(yes_no lab_wait 5 has_needs 0)" = yes

say "without an NCM"
post "$(need 6 8080 latency 20)" >/dev/null
two=$(location)
lab_end ncm KILL
claim "predictions" "$(code "$BASE/predictive_link_params")" = 503
claim "when to come again" "$(grep -ic '^retry-after:' "$LAB_DIR/headers")" = 1
claim "the words" "$(message)" = "the NCM does not answer"
over_wifi "what was in effect, port 8080" 8080
lab_start_one ncm
answers() { [ "$(code "$BASE/predictive_link_params")" = 200 ]; }
claim "predictions again" "$(yes_no lab_wait 15 answers)" = yes
told() { [ "$(counter ncm associations_total)" -ge 1 ]; }
claim "the new NCM knows the requirement" "$(yes_no lab_wait 10 told)" = yes
claim "its state" "$(api "http://localhost$two" | jq -r '.[0].state')" = in-effect
over_wifi "port 8080" 8080

say "too many"
burst=$(for i in $(seq 60); do printf '%s\n' "$BASE/capabilities"; done)
# shellcheck disable=SC2086 # sixty words
claim "sixty at once: too many" "$(api -o /dev/null -w '%{http_code}\n' $burst |
	grep -c 429 || :)" '>=' 5

say "https on loopback"
"$LAB_TOP/tools/mams-ca" -d "$LAB_DIR/ca" -s 127.0.0.1 server api >/dev/null
printf 'api_certificate = %s/ca/api.crt\napi_key = %s/ca/api.key\n' "$LAB_DIR" "$LAB_DIR" \
	>>"$LAB_DIR/ccm.conf"
install -m 644 "$LAB_DIR/ca/ca.crt" "$LAB_DIR/api-ca.crt"
lab_end ccm
lab_start_one ccm
lab_wait 10 test -S "$LAB_DIR/ccm-api.sock"
tls=(--cacert "$LAB_DIR/api-ca.crt" "https${tcp#http}")
claim "the user of api_users" "$(as daemon "${tls[@]}")" = 200
claim "groups do not count" "$(as games "${tls[@]}")" = 403
claim "another user" "$(as nobody "${tls[@]}")" = 403
claim "plain http there" "$(as daemon "$tcp" 2>/dev/null || :)" != 200
claim "its certificate is of another authority than the system's" \
	"$(as daemon "https${tcp#http}" 2>/dev/null || :)" = 000

lab_end ccm
claim "the socket is removed" "$(yes_no test -e "$LAB_DIR/ccm-api.sock")" = no
lab_end cl
no_reports
claims_table
