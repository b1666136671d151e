#!/usr/bin/env bash
# Every daemon: -h, -V, -t on its examples; a mistake in a file names file, line, key and cure, and
# nothing is started.
# usage: test_daemons.sh BUILD-DIRECTORY
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# in a file: much of what fails stands behind a pipe, where a variable would be lost
fail() {
	echo "FAILED: $*" >&2
	: >"$dir/failed"
}

# wrong PROGRAM EXPECTED-LINE TEXT...: the configuration on standard input is refused with TEXT
wrong() {
	local program=$1 line=$2 said t
	shift 2
	cat >"$dir/wrong.conf"
	said=$("$program" -t -c "$dir/wrong.conf" 2>&1) && fail "$program accepts: $1"
	[ "$(wc -l <<<"$said")" = 1 ] || fail "$program says more than one line: $said"
	for t in "$dir/wrong.conf" ${line:+":$line"} "$@"; do
		grep -qF -- "$t" <<<"$said" || fail "$program does not say \"$t\": $said"
	done
}

for p in ncm-service/mams-ncm ccm-agent/mams-ccm proxy/mams-proxy trailer-madp/mams-trailer; do
	"$build/$p" -h | grep -q '^usage:' || fail "$p -h"
	"$build/$p" -V | grep -qE "^mams-[a-z]+ [0-9]+\.[0-9]" || fail "$p -V"
	"$build/$p" --nonsense >/dev/null 2>&1
	[ $? = 2 ] || fail "$p with an unknown option does not exit 2"
	"$build/$p" -t -c "$dir/absent.conf" 2>&1 | grep -qF "$dir/absent.conf" ||
		fail "$p does not name the absent file"
done

proxy=$build/proxy/mams-proxy
for e in proxy-client proxy-network; do
	"$proxy" -t -c "$top/deploy/examples/$e.conf" >/dev/null || fail "example $e"
done
printf 'role = client\nmark = 0\n' | wrong "$proxy" 2 mark
printf 'role = client\nnosuch = 1\n' | wrong "$proxy" 2 nosuch
printf 'role = server\n' | wrong "$proxy" 1 role client network
printf 'role = client\nidle = "3 fortnights"\n' | wrong "$proxy" 2 idle
printf 'role = client\nlisten = { "10.0.0.1:7080" }\n' | wrong "$proxy" '' listen loopback
printf 'role = network\n' | wrong "$proxy" '' 'listen or transparent'
printf 'role = network\nlisten = { "10.0.0.1" }\nallow = { "10.0.0.0/33" }\n' |
	wrong "$proxy" 3 allow
printf 'role = network\nlisten = { "10.0.0.1" }\nclient x { key_file = %s/none }\nclient y {\n' \
	"$dir" | wrong "$proxy" ''
printf 'listen = { "10.0.0.1" }\n' | wrong "$proxy" '' role

trailer=$build/trailer-madp/mams-trailer
for e in trailer-client trailer-network; do
	"$trailer" -t -c "$top/deploy/examples/$e.conf" >/dev/null || fail "example $e"
done
printf 'role = network\n' | wrong "$trailer" '' 'listen is required'
printf 'role = client\nlisten = { "10.0.0.1" }\n' | wrong "$trailer" '' listen network
printf 'role = client\nworkers = 2\n' | wrong "$trailer" '' workers
printf 'role = network\nlisten = { "10.0.0.1" }\nprotected = { "10.0.0.1" }\n' |
	wrong "$trailer" '' 'vici_socket and protected belong together'
printf 'role = network\nlisten = { "10.0.0.1" }\nprotected = { "10.0.0.2" }\nvici_socket = x\n' |
	wrong "$trailer" '' 'protected: 10.0.0.2:7446 is not among'
printf 'role = client\nprotected = { "10.0.0.1" }\nvici_socket = x\n' |
	wrong "$trailer" '' 'are of the network role'
printf 'role = client\nmtu = 100\n' | wrong "$trailer" 2 mtu
printf 'role = client\nmtu = 9000\n' | wrong "$trailer" '' mtu packet_max
printf 'role = client\ninterface = "muchtoolonganame"\n' | wrong "$trailer" '' interface
printf 'role = network\nworkers = 2\nlisten = { "10.0.0.1:65535" }\n' | wrong "$trailer" '' ports
printf 'role = network\nlisten = { "10.0.0.1" }\nmasquerade = { "10.0.0.1/8" }\n' |
	wrong "$trailer" 3 masquerade
for p in laptop tablet; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$p" -days 2 \
		-keyout "$dir/$p.key" -out "$dir/$p.crt" 2>/dev/null || fail "no certificate"
done
cp "$dir/laptop.key" "$dir/open.key"
chmod 640 "$dir/open.key"
# dtls CA CERTIFICATE KEY [ROLE]
dtls() {
	if [ "${4:-client}" = client ]; then printf 'role = client\ndtls_peer = n\n'; else
		printf 'role = network\nlisten = { "10.0.0.1" }\n'; fi
	printf 'dtls_ca = %s\ndtls_certificate = %s\ndtls_key = %s\n' "$dir/$1" "$dir/$2" "$dir/$3"
}
for p in client network; do
	dtls laptop.crt laptop.crt laptop.key $p >"$dir/dtls.conf"
	"$trailer" -t -c "$dir/dtls.conf" >/dev/null || fail "certificates for DTLS, $p"
	dtls laptop.crt laptop.crt absent.key $p | wrong "$trailer" '' absent.key 'No such file'
	dtls laptop.crt absent.crt laptop.key $p | wrong "$trailer" '' absent.crt 'No such file'
	dtls absent.crt laptop.crt laptop.key $p | wrong "$trailer" '' absent.crt 'No such file'
	dtls laptop.crt laptop.key laptop.key $p | wrong "$trailer" '' laptop.key 'no certificate'
	dtls laptop.crt laptop.crt tablet.key $p | wrong "$trailer" '' tablet.key "not the certificate's"
	dtls laptop.crt laptop.crt open.key $p | wrong "$trailer" '' open.key 'chmod 0600'
	dtls laptop.crt laptop.crt laptop.key $p | grep -v dtls_key | wrong "$trailer" '' dtls_key
done
dtls laptop.crt laptop.crt laptop.key | grep -v dtls_peer | wrong "$trailer" '' dtls_peer required
{ dtls laptop.crt laptop.crt laptop.key network && echo 'dtls_peer = n'; } |
	wrong "$trailer" '' dtls_peer client

# the examples of NCM and CCM, with the certificates that the README makes for them
ca=$dir/etc
{
	"$top/tools/mams-ca" -d "$ca" init
	"$top/tools/mams-ca" -d "$ca" -s 192.0.2.1 -s 198.51.100.1 server ncm
	"$top/tools/mams-ca" -d "$ca" client client
} >/dev/null || fail "mams-ca"
example() { # PROGRAM NAME: prints the file of the example as it would be here
	sed "s,/etc/mams,$ca,g" "$top/deploy/examples/$2.conf" >"$dir/$2.conf"
	"$1" -t -c "$dir/$2.conf" >/dev/null || fail "example $2"
}

ccm=$build/ccm-agent/mams-ccm
ncm=$build/ncm-service/mams-ncm
example "$ncm" ncm
example "$ccm" ccm
# what stands in the file is right, and what it points to is not
chmod 644 "$ca/ncm.key" "$ca/client.key"
wrong "$ncm" '' key "$ca/ncm.key" <"$dir/ncm.conf"
wrong "$ccm" '' key "$ca/client.key" <"$dir/ccm.conf"
chmod 600 "$ca/ncm.key" "$ca/client.key"
sed "s,$ca/ca.crt,$ca/none.crt," "$dir/ccm.conf" | wrong "$ccm" '' "$ca/none.crt"
{ cat "$dir/ccm.conf" && printf 'nosuch = 1\n'; } |
	wrong "$ccm" "$(($(wc -l <"$dir/ccm.conf") + 1))" nosuch
{ cat "$dir/ncm.conf" && printf 'keep_alive = "a while"\n'; } |
	wrong "$ncm" "$(($(wc -l <"$dir/ncm.conf") + 1))" keep_alive
sed 's/connection_id = 1/connection_id = 0/' "$dir/ccm.conf" | wrong "$ccm" '' connection_id
printf 'ncm = { "http://192.0.2.1" }\nca = %s\nlink a {\nconnection_id = 0\ntype = LTE\ninterface = x\n}\n' "$0" | wrong "$ccm" '' ncm https
printf 'link a {\n\tconnection_id = 16\n}\n' | wrong "$ccm" 2 connection_id
printf 'link a {\n\ttype = Pigeon\n}\n' | wrong "$ccm" 2 type
{ cat "$dir/ccm.conf" && printf 'application a%d { cgroup = a dscp = 1 }\n' $(seq 17); } |
	wrong "$ccm" '' 'application: at most 16 sections'
app() { # FILE TEXT...: with an application section
	cat "$dir/$1.conf"
	printf 'application game {\n%s\n}\n' "$2"
}
app ccm "$(printf 'cgroup = "game.slice"\ndscp = 64')" | wrong "$ccm" "$(($(wc -l <"$dir/ccm.conf") + 3))" dscp
app ccm 'dscp = 43' | wrong "$ccm" '' cgroup
for path in /tmp ../etc 'a\"b'; do
	app ccm "$(printf 'cgroup = "%s"\ndscp = 43' "$path")" | wrong "$ccm" '' 'application game' cgroup
done
app ccm "$(printf 'cgroup = "/sys/fs/cgroup/game.slice/a b"\ndscp = 43')" >"$dir/app.conf"
"$ccm" -t -c "$dir/app.conf" >/dev/null || fail "a cgroup by its path"
# the policy: checked with the configuration that names it
policy() { # TEXT: the configuration with this policy
	printf '%s\n' "$1" >"$dir/policy.conf"
	cat "$dir/ncm.conf"
	printf 'policy_file = "%s"\n' "$dir/policy.conf"
}
policy "$(cat "$top/deploy/examples/policy.conf")" >"$dir/steered.conf"
"$ncm" -t -c "$dir/steered.conf" >/dev/null || fail "example policy"
bad_policy() { # TEXT SAID...: what is wrong with the policy is said of the policy's file
	local said t
	policy "$1" >"$dir/steered.conf"
	shift
	said=$("$ncm" -t -c "$dir/steered.conf" 2>&1) && fail "mams-ncm accepts the policy: $1"
	[ "$(wc -l <<<"$said")" = 1 ] || fail "mams-ncm says more than one line: $said"
	for t in "$dir/policy.conf" "$@"; do
		grep -qF -- "$t" <<<"$said" || fail "mams-ncm does not say \"$t\": $said"
	done
}
bad_policy 'steering all { mode = best }' policy.conf:1 mode active-standby
bad_policy 'steering all { mode = redundant order = { moon } }' 'steering all' moon access
bad_policy 'steering all { mode = redundant anchor = moon }' 'steering all' moon anchor
bad_policy 'steering all { mode = redundant application = moon }' moon application
bad_policy 'steering all { mode = redundant } price moon { cost = 1 }' 'price moon' access
bad_policy "$(printf 'steering all { mode = redundant }\nsteering b { mode = redundant }')" 'same traffic'
app ncm "$(printf 'dscp = 43\naccesses = { moon }')" | wrong "$ncm" '' 'application game' moon
app ncm 'accesses = { wifi }' | wrong "$ncm" '' 'application game' dscp
sed 's/application game/application a-name-that-is-longer-than-31-octets/' \
	<(app ncm "$(printf 'dscp = 43\naccesses = { wifi }')") | wrong "$ncm" '' 31

printf 'ncm_id = -1\n' | wrong "$ncm" 1 ncm_id
printf 'listen = { "nowhere" }\n' | wrong "$ncm" 1 listen
(umask 077 && echo secret >"$dir/secret")
echo secret >"$dir/open"
chmod 644 "$dir/open"
small() { # LINES...: a good configuration, and these
	printf '%s\n' 'ncm_id = 1' 'listen = { "192.0.2.1" }' "certificate = $0" "key = $dir/secret" \
		"client_ca = $0" 'access a {' 'type = LTE' 'client_networks = { "192.0.2.0/24" }' \
		'proxies = { "192.0.2.1" }' '}' "$@"
}
small >"$dir/right.conf"
"$ncm" -t -c "$dir/right.conf" >/dev/null || fail "$ncm refuses a good configuration"
small 'redis = "r:1"' "redis_ca = $0" 'instance = a' "redis_password = $dir/secret" >"$dir/right.conf"
"$ncm" -t -c "$dir/right.conf" >/dev/null || fail "$ncm refuses a good configuration with redis"
small 'redis = "r"' "redis_ca = $0" 'instance = a' | wrong "$ncm" '' redis host:port
small 'redis = "r:1"' 'instance = a' | wrong "$ncm" '' redis_ca TLS
small 'redis = "r:1"' "redis_ca = $0" | wrong "$ncm" '' instance
small 'redis = "r:1"' "redis_ca = $0" 'instance = "a b"' | wrong "$ncm" '' instance
small 'redis = "r:1"' "redis_ca = $0" 'instance = a' "redis_password = $dir/open" |
	wrong "$ncm" 14 redis_password

# what needs the whole file: certificates of the example are not there
sed -E "s|^(certificate\|key\|client_ca) = .*|\1 = $dir/pem|" "$top/deploy/examples/ncm.conf" >"$dir/ncm.conf"
: >"$dir/pem"
chmod 600 "$dir/pem"
with() { # TEXT...: the example and this; without WITHOUT
	grep -v "${WITHOUT:-^no such line}" "$dir/ncm.conf"
	printf '%s\n' "$@"
}
with >"$dir/good.conf"
"$ncm" -t -c "$dir/good.conf" >/dev/null || fail "example ncm"
MADP='madp a { ctl = /run/a.ctl pm = /run/pm.ctl proxies = { "wifi 192.0.2.1:7443" } }'
with "$MADP" | wrong "$ncm" '' 'access wifi' 'madp sections'
WITHOUT='proxies =' with | wrong "$ncm" '' 'access wifi' 'proxies is missing'
WITHOUT='proxies =' with "${MADP/wifi/moon}" | wrong "$ncm" '' 'madp a' moon
WITHOUT='proxies =' with "$MADP" "${MADP/madp a/madp b}" | wrong "$ncm" '' 'same ctl'
WITHOUT='proxies =' with "$MADP" >"$dir/good.conf"
"$ncm" -t -c "$dir/good.conf" >/dev/null || fail "a madp section"
with 'anchor x { id = 1 methods = { MPQUIC } }' | wrong "$ncm" '' 'anchor x' MPQUIC 'not driven'
with 'anchor x { id = 1 methods = { GMA } }' | wrong "$ncm" '' 'anchor x' GMA 'no madp section'
with 'anchor x { id = 1 methods = { GMA, MPTCP_Proxy } }' | wrong "$ncm" '' 'anchor x' 'has one'
TRAILER='madp t { trailer = t.ctl tunnels = { "wifi 192.0.2.1" } addresses = { "10.60.0.0/16" } }'
WITHOUT='proxies =' with "$TRAILER" | wrong "$ncm" '' anchor GMA
WITHOUT='proxies =' with "$TRAILER" 'anchor x { id = 1 methods = { GMA } }' >"$dir/good.conf"
"$ncm" -t -c "$dir/good.conf" >/dev/null || fail "a madp section of a trailer"
WITHOUT='proxies =' with "${TRAILER/tunnels/proxies}" | wrong "$ncm" '' 'madp t' "a proxy's"
WITHOUT='proxies =' with "${TRAILER/wifi/moon}" | wrong "$ncm" '' 'madp t' moon
WITHOUT='proxies =' with "${TRAILER/0\/16/0\/31}" | wrong "$ncm" '' 'madp t' '/30'
WITHOUT='proxies =' with "${TRAILER/10.60.0.0\/16/fd60::\/64\" \} mtu = 1000 dns = \{ \"192.0.2.53}" |
	wrong "$ncm" '' 'madp t' 1280
NAT='/access wifi {/ s/$/ tunnel = Client_NAT/'
WITHOUT='proxies =' with "$TRAILER" 'anchor x { id = 1 methods = { GMA } }' | sed "$NAT" >"$dir/good.conf"
"$ncm" -t -c "$dir/good.conf" >/dev/null || fail "client NAT"
WITHOUT='proxies =' with "${TRAILER/192.0.2.1/2001:db8::1}" | sed "$NAT" |
	wrong "$ncm" '' 'madp t' 'IPv4 only'
WITHOUT='proxies =' with "${TRAILER/10.60.0.0\/16/fd60::\/64}" | sed "$NAT" |
	wrong "$ncm" '' 'addresses: IPv4 only'
IPSEC='/access wifi {/ s/$/ tunnel = IPsec/'
WITHOUT='proxies =' with "$TRAILER" 'anchor x { id = 1 methods = { GMA } }' | sed "$IPSEC" >"$dir/good.conf"
"$ncm" -t -c "$dir/good.conf" >/dev/null || fail "a tunnel with IPsec"
WITHOUT='proxies =' with "${TRAILER/\}/, \"lte 192.0.2.1\" \}}" | sed "$IPSEC" |
	wrong "$ncm" '' 'IPsec on access wifi' 'on access lte' 'an address of its own'
WITHOUT='proxies =' with "$TRAILER" \
	'madp p { ctl = p.ctl pm = p.pm proxies = { "wifi 192.0.2.1:7443" } }' | sed "$IPSEC" |
	wrong "$ncm" '' 'madp t has IPsec on access wifi' 'madp p has' 'an address of its own'
WITHOUT='proxies =' with "$TRAILER" \
	'madp p { ctl = p.ctl pm = p.pm proxies = { "wifi 192.0.2.1:7443" } }' |
	sed '/access wifi {/ s/$/ adaptation = IPsec tunnel = UDP_with_DTLS/' |
	wrong "$ncm" '' 'madp p has IPsec on access wifi' 'madp t has' 'an address of its own'
WITHOUT='proxies =' with "$TRAILER" 'anchor x { id = 1 methods = { GMA } }' \
	'anchor y { id = 2 methods = { GMA } }' | wrong "$ncm" '' 'at most'
with 'anchor x { id = 1 methods = { none } }' 'anchor y { id = 1 methods = { MPTCP_Proxy } }' |
	wrong "$ncm" '' 'same id'
with 'anchor x { id = 1 methods = { none } }' 'anchor y { id = 2 methods = { none } }' |
	wrong "$ncm" '' 'at most'
with 'anchor x { id = 1 methods = { none } accesses = { moon } }' | wrong "$ncm" '' moon
with 'features = { teleportation }' | wrong "$ncm" '' teleportation
with 'redirect r { }' | wrong "$ncm" '' 'redirect r' endpoints
with 'redirect r { endpoints = { "nowhere" } }' | wrong "$ncm" '' 'redirect r' nowhere

[ ! -e "$dir/failed" ] || exit 1
echo "all daemons refuse what they should"
