# shellcheck shell=bash disable=SC2154
# Sourced after common.sh and charon.sh: both convergence methods, each with an address of its own on the
# N-MADP's wifi, since an association catches all IP between the two that it has.
#
#     10.1.1.3 proxy, 10.1.1.4 trailer on wifi; 10.1.2.1 both on lte, and the NCM

# beside_conf TUNNEL [LINE]: after lab_conf; how wifi's tunnel is adapted, TCP's subflows there being in
# IPsec, and one more line of wifi's access section.
beside_conf() {
	local d=$LAB_DIR
	ip -n "$PX" addr add 10.1.1.3/24 dev wifi
	ip -n "$PX" addr add 10.1.1.4/24 dev wifi
	sed -i -e '/^listen =/c listen = { "10.1.2.1:8443" }' -e '/proxies =/d' -e '/^proxy_socket/d' \
		-e '/^pm_socket/d' \
		-e "s/access wifi {/&\nadaptation = IPsec\ntunnel = $1\n${2:-}/" "$d/ncm.conf"
	cat >>"$d/ncm.conf" <<-X
		madp proxy {
			ctl = $d/px.ctl
			pm = $d/px-pm.ctl
			proxies = { "wifi 10.1.1.3:7443", "lte 10.1.2.1:7443" }
		}
		madp trailer {
			trailer = $d/n.ctl
			tunnels = { "wifi 10.1.1.4", "lte 10.1.2.1" }
			addresses = { "10.60.0.0/16" }
		}
		anchor tcp {
			id = 0
			methods = { MPTCP_Proxy }
		}
		anchor udp {
			id = 1
			methods = { GMA }
		}
	X
	sed -i "/^listen =/c listen = { \"10.1.1.3:7443\", \"10.1.2.1:7443\" }\nprotected = { \"10.1.1.3:7443\" }\nvici_socket = $d/px-charon.vici" "$d/px.conf"
	sed -i "/^ncm =/c ncm = { \"https://10.1.2.1:8443\" }\nvici_socket = $d/cl-charon.vici" "$d/ccm.conf"
	cat >>"$d/ccm.conf" <<-X
		methods = { MPTCP_Proxy, GMA }
		trailer_socket = $d/c.ctl
	X
	cat >"$d/n.conf" <<-X
		role = network
		ctl_socket = $d/n.ctl
		workers = 1
		listen = { "10.1.1.4", "10.1.2.1" }
		masquerade = { "10.60.0.0/16" }
	X
	printf 'role = client\nctl_socket = %s\n' "$d/c.ctl" >"$d/c.conf"
}
