#!/usr/bin/env bash
# The faster one of two links has a gap, in which the other one, very slow by then, gets all that was under
# way: when the fast one is back, a download does not wait until the slow one has brought that.  It is so slow
# that the least send buffer takes it three seconds: what is larger follows its window (proxy/backlog.h).
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-holdup
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_WIFI_EMU=rate=40m,delay=15ms,queue=300k
LAB_LTE_EMU=rate=40m,delay=15ms,queue=400k

lab_up
lab_file 40 >/dev/null
anew() { # DAEMON
	lab_mamsctl -s "$LAB_DIR/$1.ctl" metrics | sed -n 's/^mams_.*_subflows_anew_total \([0-9]*\)$/\1/p'
}

say "lte has a gap of 4 s, and wifi 0.5 Mbit/s from then on"
lab_get /40M >"$LAB_DIR/rate" &
sleep 2.5
lab_emu set wifi rate=500k,queue=100k >/dev/null
lab_emu set lte dead=1 >/dev/null
sleep 4
lab_emu set lte dead=0 >/dev/null
back=$(lab_now_ms)
wait $! && ok=yes || ok=no
took=$(($(lab_now_ms) - back))
claim "curl ends without an error" "$ok" = yes
claim "SHA-256 of the file is right" "$(same "$LAB_DIR/got" "$LAB_DIR/www/40M")" = yes
# some 17 MB were missing: 4 s of lte, 270 of wifi; a busy machine took 15 s
claim "the rest, after lte is back" "$took" '<=' 25000 ms
claim "subflows made anew, as the proxy asked for" "$(anew px)" '>=' 1
claim "and as the plugin did" "$(anew px-pm)" '>=' 1

no_reports
claims_table
