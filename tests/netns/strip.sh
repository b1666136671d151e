#!/usr/bin/env bash
# A network that takes MPTCP's options out: connections work there, as plain TCP and over it alone, until
# it is known; then they begin over another one.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-strip
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_WIFI_EMU=rate=20m,delay=5ms,queue=60k,strip=1
LAB_LTE_EMU=rate=20m,delay=20ms,queue=100k

counter() {
	lab_mamsctl --json --counters -s "$LAB_DIR/cl.ctl" status |
		jq "[.counters[] | select(.name == \"$1\") | .value] | add // 0"
}
of() { # LINK FIELD
	lab_mamsctl --json -s "$LAB_DIR/cl.ctl" status |
		jq -r --arg l "$1" --arg f "$2" '.paths[] | select(.path.name == $l) | .[$f] // false'
}
get() { # FILE: "octets, whole"
	cl timeout 20 curl -s -o "$LAB_DIR/got" "http://10.9.9.2/$1" || :
	same "$LAB_DIR/got" "$LAB_DIR/www/$1"
}
over() { # LINK: octets that have come over it
	lab_emu show | sed -n "s/^$1 ba .* octets=\([0-9]*\).*/\1/p"
}

lte_left() { [ -z "$(of lte up)" ]; }

lab_net && lab_certs && lab_conf
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
lab_file 1 >/dev/null
lab_file 20 >/dev/null

say "not known yet"
claim "the first download is whole" "$(get 1M)" = yes
claim "one was plain TCP" "$(counter fallbacks_total)" = 1
claim "one may be an accident: wifi strips" "$(of wifi plain)" = false
claim "the second is whole" "$(get 1M)" = yes
claim "now it is known" "$(of wifi plain)" = true
claim "of lte" "$(of lte plain)" = false

say "known"
wifi=$(over wifi) lte=$(over lte)
for _ in 1 2 3; do claim "a download is whole" "$(get 1M)" = yes; done
claim "plain ones still" "$(counter fallbacks_total)" = 2
claim "over lte" $(($(over lte) - lte)) '>=' 3000000
claim "over wifi" $(($(over wifi) - wifi)) '<=' 100000
claim "mamsctl says it" "$(lab_mamsctl -s "$LAB_DIR/cl.ctl" status | grep -c 'wifi.*strips MPTCP')" = 1
claim "the log says it, once" "$(grep -c 'strips MPTCP' "$LAB_DIR/cl.log")" = 1

say "lte has gone"
lab_emu down lte >/dev/null
lab_wait 5 lte_left
claim "a download is whole, over wifi alone" "$(get 1M)" = yes
lab_emu up lte >/dev/null
lab_wait 10 lab_ready || :

say "the middlebox has gone"
lab_emu set wifi strip=0 >/dev/null
wifi=$(over wifi) lte=$(over lte)
claim "20 MiB are whole" "$(get 20M)" = yes
claim "begun over lte, over wifi, too" $(($(over wifi) - wifi)) '>=' 5000000
claim "over lte" $(($(over lte) - lte)) '>=' 5000000

say "what the kernel makes of unanswered SYNs of others"
claim "does not make plain TCP of ours" "$(cl sysctl -n net.mptcp.blackhole_timeout)" = 0
lab_end ccm
claim "as it was after the agent's end" "$(cl sysctl -n net.mptcp.blackhole_timeout)" = 3600
lab_end cl
no_reports
claims_table
