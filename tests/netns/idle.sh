#!/usr/bin/env bash
# Connections that are idle for minutes live on through the proxies as they do without them, and the
# client's daemons sleep meanwhile.  Waits, and measures nothing that others could disturb: it may run
# beside other tests.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-idle
LAB_PATIENCE=60
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
idle=130
[ -z "${MAMS_EXTENDED:-}" ] || idle=900
mark=19777 # of the proxy's own sockets: what carries it is not caught

# wakes NAME: how often it has woken up so far, all threads
wakes() { awk '/^voluntary/ { n += $2 } END { print n }' /proc/"${LAB_PID[$1]}"/task/*/status; }
# memory NAME: resident KiB, and those of them that are its own alone
memory() { awk '/^Rss/ { r = $2 } /^Pss:/ { p = $2 } /^Anonymous/ { a = $2 }
	END { print r " KiB resident, " p " with shared ones in part, " a " anonymous" }' \
	/proc/"${LAB_PID[$1]}"/smaps_rollup; }
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
sleep 10
declare -A before
for name in ccm cl; do before[$name]=$(wakes "$name"); done
sleep 100
for name in ccm cl; do
	woken=$(awk -v a="${before[$name]}" -v b="$(wakes "$name")" 'BEGIN { print (b - a) * 60 / 100 }')
	echo "$name: $(memory "$name")"
	claim "mams-$name: wake-ups a minute" "$woken" '<=' 6
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
