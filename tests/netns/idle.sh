#!/usr/bin/env bash
# Connections that are idle for minutes live on through the proxies as they do without them.
# Waits and measures nothing: it may run beside other tests.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-idle
LAB_PATIENCE=60
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
idle=130
[ -z "${MAMS_EXTENDED:-}" ] || idle=900
mark=19777 # of the proxy's own sockets: what carries it is not caught

listens() { [ -n "$(sv ss -Hltn "src [$1] and sport = :9008")" ]; }

lab_up
waiting=()
for host in 10.9.9.2 fd09::2; do
	name=server$(tr -d ':.' <<<"$host")
	lab_start "$name" "$SV" "$(dirname "$0")/behaviour.py" server "$host"
	lab_wait 30 listens "$host" || lab_fail "no server at $host"
	for m in 0 "$mark"; do
		cl "$(dirname "$0")/behaviour.py" idle "$host" "$m" "$idle" >"$LAB_DIR/$host.$m" &
		waiting+=($!)
	done
done
wait "${waiting[@]}"
for host in 10.9.9.2 fd09::2; do
	for m in 0 "$mark"; do
		claim "$host, $([ "$m" = 0 ] && echo proxied || echo direct): idle for $idle s" \
			"$(cat "$LAB_DIR/$host.$m")" = "idle (b'BEFORE', b'AFTER')"
	done
done
claim "connections that went through the proxies" "$(lab_mamsctl --json --counters \
	-s "$LAB_DIR/cl.ctl" status |
	jq '[.counters[] | select(.name == "relayed_total") | .value] | add // 0')" = 2
lab_end ccm
lab_end cl
no_reports
claims_table
