# shellcheck shell=bash
# strongSwan's charon in a namespace of the lab.  Sourced after lab.sh.
#
# The lab's kernel may have no ESP: charon does it itself (kernel-libipsec), in UDP.  Its own packets
# carry a mark, so that the route into its TUN device does not catch them.  With LAB_ESP=kernel the
# kernel does it; LAB_RETRANSMIT: seconds that charon waits for an answer at first.

CHARON=/usr/lib/ipsec/charon

# What only a charon with ESP of its own is told.
lab_charon_esp() {
	cat <<-'E'
		socket-default {
			fwmark = 0x42
		}
		kernel-netlink {
			fwmark = !0x42
		}
		kernel-libipsec {
			load = yes
			allow_peer_ts = yes
		}
	E
}

# lab_charon NAME NAMESPACE: its VICI socket is $LAB_DIR/NAME.vici, its log NAME.log
lab_charon() {
	local name=$1 ns=$2 esp=kernel-libipsec more
	[ "${LAB_ESP:-}" != kernel ] || esp=
	more=${esp:+$(lab_charon_esp)}
	cat >"$LAB_DIR/$name.strongswan.conf" <<-E
		charon {
			load = random nonce aes sha1 sha2 hmac kdf gcm openssl curve25519 $esp kernel-netlink socket-default vici
			retransmit_timeout = ${LAB_RETRANSMIT:-1}
			retransmit_base = 1.5
			retransmit_tries = 3
			filelog {
				stderr {
					default = 1
					flush_line = yes
				}
			}
			plugins {
				vici {
					socket = unix://$LAB_DIR/$name.vici
				}
				$more
			}
		}
	E
	# it writes its pid file to /run, where another charon's may be
	lab_start "$name" "$ns" bash -c "mount -t tmpfs none /run &&
		STRONGSWAN_CONF='$LAB_DIR/$name.strongswan.conf' exec $CHARON"
	lab_wait 10 test -S "$LAB_DIR/$name.vici" ||
		lab_fail "no charon; see $LAB_DIR/$name.log"
}

# What it has: raw text of swanctl, such as lab_swan cl-charon --list-sas
lab_swan() {
	local name=$1
	shift
	swanctl "$@" --raw --uri "unix://$LAB_DIR/$name.vici" 2>/dev/null
}
