#!/usr/bin/env bash
# Uplink and downlink of TCP over different links: one flow that runs is steered back and forth, many
# begin so, and a link goes and comes back.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-apart
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
here=$(dirname "$0")

steer() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" steer "$@"; }
count() { # DAEMON COUNTER
	lab_mamsctl --json --counters -s "$LAB_DIR/$1.ctl" status |
		jq ".counters[] | select(.name == \"$2_total\").value"
}
call() { # SECONDS CONNECTIONS: in the background; both send as much as they can
	: >"$LAB_DIR/both.log"
	cl "$here/both_ways.py" call 10.9.9.2 7001 "$@" >"$LAB_DIR/call" &
	job=$!
}
all_said() { [ "$(wc -l <"$LAB_DIR/both.log")" -ge "$1" ]; }
# what both ends say of what was sent and received, as many lines as connections
claim_contents() { # TEXT CONNECTIONS
	wait "$job" || :
	lab_wait 10 all_said "$2" || :
	claim "$1: connections that end in order" \
		"$(cat "$LAB_DIR/call" "$LAB_DIR/both.log" | grep -c 'in order$' || :)" = $(($2 * 2))
	claim "$1: the same octets at both ends" "$(yes_no cmp \
		<(awk '{ print $1, $2, $3, $4 }' "$LAB_DIR/call" | sort) \
		<(awk '{ print $3, $4, $1, $2 }' "$LAB_DIR/both.log" | sort))" = yes
}
# the extreme of a list of numbers
least() { printf '%s\n' "$@" | sort -n | head -n 1; }
most() { printf '%s\n' "$@" | sort -n | tail -n 1; }
# rates MS: Mbit/s a second after that moment: wifi down, wifi up, lte down, lte up
rates() {
	for i in 2 3 4 5; do
		lab_rate "$LAB_DIR/watch" $(($1 + 1000)) $(($1 + 1250)) "$i"
		echo
	done
}

lab_up
lab_start both "$SV" "$here/both_ways.py" serve 10.9.9.2 7001
lab_watch "$LAB_DIR/watch"

say "one flow, ten changes"
call 14.5 1
sleep 1
applied=0 up=() down=() wrong_up=() wrong_down=()
for change in 1 2 3 4 5 6 7 8 9 10; do
	t0=$(lab_now_ms)
	if [ $((change % 2)) = 1 ]; then
		[ "$(steer --dl lte --ul wifi)" = applied ] && applied=$((applied + 1))
		sleep 1.3
		mapfile -t r < <(rates "$t0")
		r=("${r[@]:2}" "${r[@]:0:2}")
	else
		[ "$(steer --dl wifi --ul lte)" = applied ] && applied=$((applied + 1))
		sleep 1.3
		mapfile -t r < <(rates "$t0")
	fi
	down+=("${r[0]}") wrong_up+=("${r[1]}") wrong_down+=("${r[2]}") up+=("${r[3]}")
done
claim "changes that mamsctl says are applied" "$applied" = 10
claim "UL by its link within 1 s: at least" "$(least "${up[@]}")" '>=' 14 Mbit/s
claim "DL by its link within 1 s: at least" "$(least "${down[@]}")" '>=' 14 Mbit/s
claim "the link of DL carries UL: at most, with ACKs" "$(most "${wrong_up[@]}")" '<=' 4 Mbit/s
claim "the link of UL carries DL: at most, with ACKs" "$(most "${wrong_down[@]}")" '<=' 4 Mbit/s
claim_contents "ten changes" 1
claim "flows in two parts" "$(count cl apart) $(count px attach_turned)" = "1 1"

say "many that begin so"
# more than buffers hold: an uplink that has been read to its end needs no second connection
call 9 8 1200000
claim_contents "many" 8
claim "many: flows in two parts" "$(count cl apart) $(count px attach_turned)" = "9 9"

say "the link of DL goes and comes back"
call 6 1
sleep 1
ip -n "$CL" link set wifi down
t0=$(lab_now_ms)
sleep 1.3
mapfile -t r < <(rates "$t0")
claim "without wifi: DL by lte" "${r[2]}" '>=' 10 Mbit/s
claim "without wifi: UL by lte" "${r[3]}" '>=' 5 Mbit/s
ip -n "$CL" link set wifi up
lab_client_routes
t0=$(lab_now_ms)
sleep 2.8
t0=$((t0 + 1500))
mapfile -t r < <(rates "$t0")
claim "wifi is back: DL by it" "${r[0]}" '>=' 10 Mbit/s
claim "wifi is back: not UL" "${r[1]}" '<=' 4 Mbit/s
claim_contents "a link goes" 1

say "equal lists"
claim "steered to both" "$(steer --dl wifi,lte --ul wifi,lte)" = applied
call 9 4 300000
claim_contents "equal lists" 4
claim "equal lists: no second connection" "$(count cl apart_asked) $(count px attached)" = "10 10"
claim "second connections that came to nothing" \
	"$(count cl apart_failed) $(count cl apart_refused) $(count px attach_dropped)" = "0 0 0"

lab_end watch
lab_end ccm
lab_end cl
no_reports
claims_table
