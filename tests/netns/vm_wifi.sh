#!/usr/bin/env bash
# Wi-Fi by the kernel's own stack, in a virtual machine, whose radios mac80211_hwsim makes: wpa_supplicant is
# the access point at one end of the link wifi and the station at the other.  The client reads the network's
# name, its signal and load, tells them to the NCM, and leaves the link when its signal fades.
# shellcheck disable=SC2034 # read by lab.sh
[ -n "${MAMS_VM:-}" ] || VM_KERNEL=amd64 exec "$(dirname "$0")/../support/vm/run" "$(realpath "$0")"
LAB=${LAB:-mamsvw}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_PATIENCE=90

status() { lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status; }
# of the client's link wifi, of its session at the NCM
of_client() { status ccm | jq -r ".links[0] | $1"; }
at_ncm() { lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" sessions | jq -r ".sessions[0].links[0] | $1"; }
measured() { echo "[.measured[]? | select(.name == \"$1\").value][0]"; }
is() { # WHERE EXPRESSION VALUE
	[ "$("$1" "$2")" = "$3" ]
}
turns() { # TEXT WHERE EXPRESSION VALUE
	lab_wait 30 is "${@:2}" || :
	claim "$1" "$("$2" "$3")" = "$4"
}
counter() { status ccm | jq --arg n "$1" '.counters[] | select(.name == $n).value'; }
power() { px iw dev wifi set txpower fixed "$1"; } # mBm
signal() { cl iw dev wifi link | sed -n 's/.*signal: \(-[0-9]*\) dBm/\1/p'; }
is_associated() { cl iw dev wifi link | grep -q '^Connected'; }

# radio NAMESPACE HOST PHY: its interface takes the place of the lab's
radio() {
	local name
	name=$(ls "/sys/class/ieee80211/$3/device/net")
	iw phy "$3" set netns name "$1"
	ip -n "$1" link set "$name" name wifi
	ip -n "$1" addr add "10.1.1.$2/24" dev wifi
	ip -n "$1" addr add "fd01:1::$2/64" dev wifi nodad
	lab_start "radio-$2" "$1" wpa_supplicant -D nl80211 -i wifi -c "$LAB_DIR/radio-$2.conf"
}

lab_net && lab_certs && lab_conf
d=$LAB_DIR
# 0b...: of three stations, channel half busy (802.11 9.4.2.27)
printf 'ap_vendor_elements=0b050300800000\nnetwork={\nssid=436166c3a9\nmode=2\nfrequency=2412\nkey_mgmt=NONE\n}\n' >"$d/radio-1.conf"
printf 'network={\nssid=436166c3a9\nscan_freq=2412\nkey_mgmt=NONE\n}\n' >"$d/radio-2.conf"
cat >>"$d/ncm.conf" <<-X
	measure signal { type = Wi-Fi parameter = WLAN_RSSI period = 1s }
	measure load { type = Wi-Fi parameter = WLAN_LOAD period = 1s }
X
sed -i 's/^link wifi {/&\nsignal_low = -45\nsignal_good = -40/' "$d/ccm.conf"
grep -q signal_low "$d/ccm.conf"
ip -n "$CL" link del wifi
modprobe mac80211_hwsim radios=2
mapfile -t phys < <(ls /sys/class/ieee80211)
radio "$PX" 1 "${phys[0]}"
radio "$CL" 2 "${phys[1]}"
lab_wait 60 is_associated
lab_client_routes
for p in nginx px-pm cl-pm px cl ncm ccm; do
	lab_start_one "$p"
done
lab_wait "$LAB_PATIENCE" lab_ready || lab_fail "no session"

say "what the client reads"
bssid=$(px cat /sys/class/net/wifi/address)
turns "the network's name" of_client .ssid "Café"
claim "its access point" "$(of_client .node_id)" = "$bssid"
claim "signal, as iw says, dBm" "$(of_client "$(measured WLAN_RSSI)")" = "$(signal)"
claim "load of the channel, percent" "$(of_client "$(measured WLAN_LOAD)")" = 50
claim "of lte nothing" "$(status ccm | jq -c '.links[1] | [.ssid, .measured // []]')" = "[null,[]]"

say "what the NCM is told"
turns "the network's name" at_ncm .ssid "Café"
claim "its access point" "$(at_ncm .node_id)" = "$bssid"
turns "signal, dBm" at_ncm "$(measured WLAN_RSSI)" "$(signal)"
turns "load, percent" at_ncm "$(measured WLAN_LOAD)" 50

say "it fades"
power 0
turns "the client leaves it" of_client .fading true
claim "the signal, dBm" "$(signal)" '<=' -45
turns "the NCM knows" at_ncm .fading true
claim "by a handover" "$(counter handovers_total)" = 1
power 2000
turns "good again" of_client .fading false

lab_end ccm
lab_end cl
no_reports
claims_table
