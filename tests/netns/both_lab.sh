# shellcheck shell=bash
# Sourced after common.sh: a client with both convergence methods, TCP by the proxies and the rest by
# the trailers, over links of the emulator.
both_conf() {
	sed -i '/proxies =/d' "$LAB_DIR/ncm.conf"
	cat >>"$LAB_DIR/ncm.conf" <<-X
		madp proxy {
			ctl = $LAB_DIR/px.ctl
			pm = $LAB_DIR/px-pm.ctl
			proxies = { "wifi 10.1.1.1:7443", "lte 10.1.2.1:7443" }
		}
	X
	both_trailer
}
# The trailer beside a madp section of the proxy's.
both_trailer() {
	cat >>"$LAB_DIR/ncm.conf" <<-X
		madp trailer {
			trailer = $LAB_DIR/tr-n.ctl
			tunnels = { "wifi 10.1.1.1", "lte 10.1.2.1" }
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
	cat >>"$LAB_DIR/ccm.conf" <<-X
		methods = { MPTCP_Proxy, GMA }
		trailer_socket = $LAB_DIR/tr-c.ctl
	X
	cat >"$LAB_DIR/tr-n.conf" <<-X
		role = network
		ctl_socket = $LAB_DIR/tr-n.ctl
		listen = { "10.1.1.1", "10.1.2.1" }
		masquerade = { "10.60.0.0/16" }
	X
	cat >"$LAB_DIR/tr-c.conf" <<-X
		role = client
		ctl_socket = $LAB_DIR/tr-c.ctl
	X
}
both_tunnelled() { cl ip route get 10.9.9.2 ipproto udp | grep -q 'dev mams'; }
both_up() {
	local d
	lab_start tr-n "$PX" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-n.conf" -d
	lab_start tr-c "$CL" "$BUILD/trailer-madp/mams-trailer" -c "$LAB_DIR/tr-c.conf" -d
	for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
	lab_wait 15 lab_ready && lab_wait 10 both_tunnelled
}
ncm() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" "$@"; }
