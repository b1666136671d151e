# shellcheck shell=bash disable=SC2034
# Sourced by tests of a tunnel with IPsec on wifi and none on lte, after common.sh: negotiated by MAMS,
# real charons at both ends, all of the client's IP over both links.
# shellcheck source=deploy/lab/charon.sh
. "$NETNS_TOP/deploy/lab/charon.sh"

# trailer_ipsec_conf [4|6]: where the protected link's tunnel ends, and who tells which charon.  The
# link has an address of that family alone: else it would go on by the other when it is renumbered, and
# there is no tunnel's end for that.
trailer_ipsec_conf() {
	local d=$LAB_DIR end=10.1.1.3 listen=10.1.1.3
	if [ "${1:-4}" = 6 ]; then
		end=fd01:1::3 listen="[fd01:1::3]"
		ip -n "$PX" addr add fd01:1::3/64 dev wifi nodad
		ip -n "$CL" addr del 10.1.1.2/24 dev wifi
	else
		ip -n "$PX" addr add 10.1.1.3/24 dev wifi
		ip -n "$CL" addr del fd01:1::2/64 dev wifi
	fi
	sed -i -e '/^listen =/c listen = { "10.1.2.1:8443" }' -e '/proxies =/d' \
		-e 's/access wifi {/&\ntunnel = IPsec/' -e '/^proxy_socket/d' -e '/^pm_socket/d' "$d/ncm.conf"
	cat >>"$d/ncm.conf" <<-X
		madp trailer {
			trailer = $d/n.ctl
			tunnels = { "wifi $end", "lte 10.1.2.1" }
			addresses = { "10.60.0.0/16" }
		}
		anchor all {
			id = 1
			methods = { GMA }
		}
	X
	sed -i "/^ncm =/c ncm = { \"https://10.1.2.1:8443\" }\nvici_socket = $d/cl-charon.vici" "$d/ccm.conf"
	cat >>"$d/ccm.conf" <<-X
		methods = { GMA }
		trailer_socket = $d/c.ctl
	X
	cat >"$d/n.conf" <<-X
		role = network
		ctl_socket = $d/n.ctl
		workers = 2
		listen = { "$listen", "10.1.2.1" }
		protected = { "$listen" }
		vici_socket = $d/px-charon.vici
		masquerade = { "10.60.0.0/16" }
	X
	cat >"$d/c.conf" <<-X
		role = client
		ctl_socket = $d/c.ctl
	X
}

# Captures of both links, which begin before there is anything on them.
trailer_ipsec_captures() {
	local link
	for link in wifi lte; do
		cl tcpdump -i "$link" -n -s 160 -w "$LAB_DIR/$link.pcap" -U 2>/dev/null &
		LAB_PID["dump-$link"]=$!
		lab_wait 10 test -s "$LAB_DIR/$link.pcap"
	done
}

trailer() { # SIDE: n or c
	local ns=$PX
	[ "$1" = n ] || ns=$CL
	lab_start "tr-$1" "$ns" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/$1.conf" -d
	lab_wait 10 test -S "$LAB_DIR/$1.ctl"
}
ccm() { lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r "$1"; }
at() { # SIDE FIELD: of wifi, at a trailer
	lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status |
		jq -r ".sessions[0].links[] | select(.connection_id == 0) | $2"
}
wifi_carries() { [ "$(at c .up) $(at n .up) $(at n .sa)" = "true true up" ]; }
carries() { lab_wait $((LAB_PATIENCE > 40 ? LAB_PATIENCE : 40)) wifi_carries && echo yes || echo no; }
wifi_gone() { [ "$(at c .up)" != true ] && [ "$(at n .up)" != true ]; }
tunnelled() { cl ip route get 10.9.9.2 | grep -q 'dev mams'; }
said() { grep -c "$2" "$LAB_DIR/$1.log" || :; }
get() { # NAME: is it right?
	lab_get "/$1" >"$LAB_DIR/rate"
	same "$LAB_DIR/got" "$LAB_DIR/www/$1"
}
begun() { [ "$(stat -c %s "$LAB_DIR/got" 2>/dev/null || echo 0)" -gt 2000000 ]; }
declare -A marked=()
mark() { marked=([wifi]=$(lab_octets wifi rx) [lte]=$(lab_octets lte rx)); }
carried() { echo $((($(lab_octets "$1" rx) - marked[$1]) / 1000)); } # LINK: kB since mark
