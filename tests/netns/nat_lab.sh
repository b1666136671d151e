# shellcheck shell=bash
# Sourced after common.sh: a NAT between the client's wifi and the N-MADP's, that knows nothing of MAMS.
#
#     client                            NAT                         N-MADP host
#       wifi 192.168.7.2 --- 192.168.7.1 in | out 10.1.1.2 --- wifi 10.1.1.1
NAT=$LAB-nat
nat() { ip netns exec "$NAT" "$@"; }
also_end() { ip netns del "$NAT"; }

# What leaves has the NAT's address, and ports from here on.
nat_ports() { # FIRST-PORT
	nat nft -f - <<-X
		table ip nat
		delete table ip nat
		table ip nat {
			chain out {
				type nat hook postrouting priority srcnat;
				oifname "out" meta l4proto { tcp, udp } masquerade to :$1-$(($1 + 999))
				oifname "out" masquerade
			}
		}
	X
}
# After lab_net.
nat_between() {
	ip netns del "$NAT" 2>/dev/null || :
	ip netns add "$NAT"
	nat sysctl -qw net.ipv4.ip_forward=1
	ip -n "$CL" link set wifi netns "$NAT" name out
	ip -n "$NAT" addr add 10.1.1.2/24 dev out
	ip -n "$NAT" link set out up
	tc -n "$NAT" qdisc replace dev out root tbf rate "$LAB_WIFI_RATE" burst 32kb latency 50ms
	ip link add wifi netns "$CL" type veth peer name in netns "$NAT"
	ip -n "$NAT" addr add 192.168.7.1/24 dev in
	ip -n "$NAT" link set in up
	ip -n "$CL" addr add 192.168.7.2/24 dev wifi
	ip -n "$CL" link set wifi up
	ip -n "$CL" route add default via 192.168.7.1 dev wifi metric 100
	nat_ports 20000
}
# nat_rebind FIRST-PORT ADDRESS: it forgets all that it knew, with its address
nat_rebind() {
	ip -n "$NAT" addr flush dev out
	nat_ports "$1"
	ip -n "$NAT" addr add "$2/24" dev out
}
