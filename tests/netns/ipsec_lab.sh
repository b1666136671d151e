# shellcheck shell=bash disable=SC2034
# Sourced by tests of IPsec on wifi and none on lte, after common.sh: real charons at both ends.
# shellcheck source=deploy/lab/charon.sh
. "$NETNS_TOP/deploy/lab/charon.sh"

# Where the protected link's proxy is, and who tells which charon.
ipsec_conf() {
	local d=$LAB_DIR
	# an address of its own, so that the association's selector does not catch the other link
	ip -n "$PX" addr add 10.1.1.3/24 dev wifi
	sed -i -e '/^listen =/c listen = { "10.1.2.1:8443" }' \
		-e 's|proxies = { "10.1.1.1:7443".*|proxies = { "10.1.1.3:7443" }\nadaptation = IPsec|' \
		-e 's|proxies = { "10.1.2.1:7443".*|proxies = { "10.1.2.1:7443" }|' "$d/ncm.conf"
	sed -i "/^listen =/c listen = { \"10.1.1.3:7443\", \"10.1.2.1:7443\" }\nprotected = { \"10.1.1.3:7443\" }\nvici_socket = $d/px-charon.vici" "$d/px.conf"
	sed -i "/^ncm =/c ncm = { \"https://10.1.2.1:8443\" }\nvici_socket = $d/cl-charon.vici" "$d/ccm.conf"
}

# Captures of both links, which begin before there is anything on them.
ipsec_captures() {
	local link
	for link in wifi lte; do
		cl tcpdump -i "$link" -n -s 200 -w "$LAB_DIR/$link.pcap" -U 2>/dev/null &
		LAB_PID["dump-$link"]=$!
		lab_wait 10 test -s "$LAB_DIR/$link.pcap"
	done
}

link() { lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r ".links[] | select(.name == \"$1\") | $2"; }
sa_is() { [ "$(link wifi .sa)" = "$1" ]; }
sa_up() { sa_is up && [ "$(lab_mamsctl --json -s "$LAB_DIR/px.ctl" status | jq -r '.sas[0].state')" = up ]; }
up() { lab_wait 30 sa_up && echo yes || echo no; }
# get NAME: from the server; then: is it right?
get() {
	lab_get "/$1" >"$LAB_DIR/rate"
	same "$LAB_DIR/got" "$LAB_DIR/www/$1"
}
# carried LINK: kB that the client has received over it since mark
declare -A marked=()
mark() { marked=([wifi]=$(lab_octets wifi rx) [lte]=$(lab_octets lte rx)); }
carried() { echo $((($(lab_octets "$1" rx) - marked[$1]) / 1000)); }
# get_during COMMAND...: a download in which the command comes after about a fifth
get_during() {
	rm -f "$LAB_DIR/got" # the one before is no begin of this one
	lab_get /lines >"$LAB_DIR/rate" &
	local pid=$!
	lab_wait 20 begun
	"$@"
	wait "$pid" || return 0
}
begun() { [ "$(stat -c %s "$LAB_DIR/got" 2>/dev/null || echo 0)" -gt "${BEGUN:-6000000}" ]; }
