#!/usr/bin/env bash
# Each steering mode of the policy, by both convergence methods at once: TCP down through the proxies,
# UDP up through the trailers.  What of either arrives over each link, as the kernel at its end counts it,
# has the shares that the mode means, and is drawn.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-modes
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/both_lab.sh
. "$(dirname "$0")/both_lab.sh"
LAB_WIFI_EMU=rate=16m,delay=10ms,queue=80k
LAB_LTE_EMU=rate=16m,delay=25ms,queue=120k,ab.queue=300k
here=$(dirname "$0")
WIFI="wifi (16 Mbit/s and 10 ms)"
LTE="lte (16 Mbit/s and 25 ms)"

mode() { # MODE [LINE]: of both anchors
	local anchor
	for anchor in tcp udp; do
		printf 'steering %s { anchor = %s mode = %s dwell = 1s probation = 1s %s }\n' \
			"$anchor" "$anchor" "$1" "${2:-}"
	done >"$LAB_DIR/policy.conf"
	[ -z "${LAB_PID[ncm]:-}" ] || kill -HUP "${LAB_PID[ncm]}"
}
dl() { ncm --json sessions | jq -r '.sessions[0].anchors[] | select(.name == "tcp").dl | join(",")'; }
ul() { ncm --json sessions | jq -r '.sessions[0].anchors[] | select(.name == "udp").ul | join(",")'; }
sends() { "$here/trailer_ctl.py" "$LAB_DIR/tr-c.ctl" status | jq -r '.sessions[0].classes[0].ul'; }
is() { [ "$($1)" = "$2" ]; }
are() { is dl "$1" && is ul "$2" && is sends "$3"; }
turns() { # DL-OF-TCP UL-OF-UDP HOW-THE-TRAILER-SENDS
	lab_wait 8 are "$@" || :
	claim "lists" "$(dl) $(ul) $(sends)" = "$*"
}

# arrives NAMESPACE tcp|udp: watches what comes there over each link: "ms wifi lte" ten times a second
arrives() {
	ip netns exec "$1" nft -f - <<-X
		table inet watch {
			counter wifi { }
			counter lte { }
			chain in {
				type filter hook input priority 0;
				meta l4proto $2 counter name iifname map { wifi : "wifi", lte : "lte" }
			}
		}
	X
	lab_start "watch-$2" "$1" python3 -c 'import json, subprocess, sys, time
with open(sys.argv[1], "w") as out:
    while True:
        said = subprocess.check_output(["nft", "-j", "list", "counters", "table", "inet", "watch"])
        octets = {c["counter"]["name"]: c["counter"]["bytes"] for c in json.loads(said)["nftables"]
                  if "counter" in c}
        print(int(time.time() * 1000), octets["wifi"], octets["lte"], file=out, flush=True)
        time.sleep(0.1)' "$LAB_DIR/$2"
	lab_wait 10 test -s "$LAB_DIR/$2" || lab_fail "what arrives cannot be counted"
}
# share tcp|udp FROM TO: percent of what arrives that comes over wifi, between two moments
share() {
	awk -v w="$(lab_rate "$LAB_DIR/$1" "$2" "$3" 2)" -v l="$(lab_rate "$LAB_DIR/$1" "$2" "$3" 3)" \
		'BEGIN { if (w + l > 0.5) printf "%.1f", 100 * w / (w + l); else print "none" }'
}
of_wifi() { # TEXT tcp|udp FROM TO OPERATOR PERCENT
	claim "$1: share of wifi" "$(share "$2" "$3" "$4")" "$5" "$6" %
}

jobs=()
load() { # tcp|udp PORT SECONDS RATE: TCP down, UDP up; RATE 0: as much as TCP can
	local way=(-R)
	[ "$1" = tcp ] || way=(-u -l 1200)
	ip netns exec "$CL" iperf3 -c 10.9.9.2 -p "$2" "${way[@]}" -t "$3" -b "$4" -J >"$LAB_DIR/load-$2" &
	jobs+=($!)
}
begin() { # NAME: of a scenario
	name=$1 marks=$LAB_DIR/$1.marks
	happens "$marks"
	began=$now
}
# decided ANCHOR dl|ul: what the policy put in force since the scenario began, as marks
decided() {
	# its records have the clock that starts with the machine
	local offset
	offset=$(python3 -c 'import time; print(round((time.time() - time.monotonic()) * 1000))')
	jq -r --arg anchor "$1" --arg on "$2_on" --argjson offset "$offset" --argjson began "$began" '
		select(.anchor == $anchor and .decision.what == "apply") | (.at_ms + $offset) as $ms |
		select($ms >= $began) | .input.links as $links | [.decision.links[] | select(.[$on]).id as $id |
		$links[] | select(.id == $id).access] | "\($ms) policy: \(join(", "))"' "$LAB_DIR/decisions.jsonl"
}
ends() {
	wait "${jobs[@]}" || :
	jobs=()
	happens "$marks"
	plot "modes-$name-mptcp" "$name, TCP down by MPTCP_Proxy" "$LAB_DIR/tcp" \
		<(sort -n "$marks" <(decided tcp dl)) "down:$WIFI=2,$LTE=3"
	plot "modes-$name-gma" "$name, UDP up by GMA" "$LAB_DIR/udp" \
		<(sort -n "$marks" <(decided udp ul)) "up:$WIFI=2,$LTE=3"
}

lab_net && lab_certs && lab_conf && both_conf
mode load-balancing
cat >>"$LAB_DIR/ncm.conf" <<-X
	policy_file = $LAB_DIR/policy.conf
	decision_log = $LAB_DIR/decisions.jsonl
	control_port = 7444
	probe wifi { type = Wi-Fi active_interval = 200ms }
	probe lte { type = LTE active_interval = 200ms }
X
echo 'control_listen = { "10.1.1.1:7444", "10.1.2.1:7444" }' >>"$LAB_DIR/px.conf"
both_up || lab_fail "no session; see $LAB_DIR/*.log"
for port in {5201..5206}; do lab_start "iperf-$port" "$SV" iperf3 -s -p "$port"; done
arrives "$CL" tcp
arrives "$PX" udp

say "load-balancing: by the rates"
turns wifi,lte wifi,lte split
begin load-balancing
load tcp 5201 4.6 0
load udp 5202 4.6 40M
sleep 2.4
happens "$marks" "lte has 8 Mbit/s"
lab_emu set lte rate=8m >/dev/null
t1=$now
ends
lab_emu set lte rate=16m >/dev/null
for m in tcp udp; do
	of_wifi "$m, equal links" $m $((t1 - 1000)) "$t1" '>=' 38
	of_wifi "$m, equal links" $m $((t1 - 1000)) "$t1" '<=' 62
	of_wifi "$m, lte has half of wifi's" $m $((t1 + 1000)) $((t1 + 2000)) '>=' 57
	of_wifi "$m, lte has half of wifi's" $m $((t1 + 1000)) $((t1 + 2000)) '<=' 77
done

say "priority-based: the second while the first is full"
mode priority-based 'order = { wifi, lte }'
turns wifi wifi active-standby
begin priority-based
load tcp 5201 30 5M
load udp 5202 30 5M
sleep 1.5
happens "$marks" "much more to send"
t1=$now
load tcp 5203 30 0
load udp 5204 30 18M
lab_wait 8 are wifi,lte wifi,lte split || :
claim "both have lte, too, after" $(($(lab_now_ms) - t1)) '<=' 5000 ms
sleep 1.3
happens "$marks" "as little as before"
t2=$now
kill "${jobs[@]:2}"
lab_wait 6 are wifi wifi active-standby || :
t3=$(lab_now_ms)
sleep 1
kill "${jobs[@]:0:2}"
ends
for m in tcp udp; do
	of_wifi "$m, little to send" $m $((began + 400)) "$t1" '>=' 97
	of_wifi "$m, more than wifi carries" $m $((t2 - 700)) "$t2" '<=' 70
	claim "$m, wifi goes on meanwhile" "$(lab_rate "$LAB_DIR/$m" $((t2 - 700)) "$t2" 2)" '>=' 7 Mbit/s
	of_wifi "$m, little again" $m $((t3 + 300)) $((t3 + 1000)) '>=' 97
done

say "smallest-delay: the nearer one"
mode smallest-delay
turns wifi wifi,lte smallest-delay
begin smallest-delay
load tcp 5205 30 5M
load udp 5206 30 5M
sleep 1.3
happens "$marks" "wifi has 70 ms"
lab_emu set wifi delay=70ms >/dev/null
t1=$now
lab_wait 6 is dl lte || :
t2=$(lab_now_ms)
sleep 2
kill "${jobs[@]}"
ends
lab_emu set wifi delay=10ms >/dev/null
of_wifi "tcp, wifi is nearer" tcp $((began + 400)) "$t1" '>=' 97
of_wifi "tcp, lte is nearer" tcp $((t2 + 1000)) $((now - 300)) '<=' 3
of_wifi "udp, wifi is nearer" udp $((began + 400)) "$t1" '>=' 97
of_wifi "udp, lte is nearer, 0.5 s later" udp $((t1 + 500)) $((now - 300)) '<=' 3

say "redundant: all over each, where the method can repeat"
mode redundant
turns wifi,lte wifi,lte duplicate
begin redundant
load tcp 5205 3 0
load udp 5206 3 5M
sleep 1.7
happens "$marks" "UL of wifi loses 20 %"
lab_emu set wifi ab.loss=20 >/dev/null
t1=$now
ends
lab_emu set wifi ab.loss=0 >/dev/null
of_wifi "tcp: both carry, each octet once" tcp $((t1 - 900)) "$t1" '>=' 30
of_wifi "tcp: both carry, each octet once" tcp $((t1 - 900)) "$t1" '<=' 70
for link in 2 3; do
	claim "udp: each link carries all 5 Mbit/s" "$(lab_rate "$LAB_DIR/udp" $((t1 - 900)) "$t1" $link)" '>=' 4.9 Mbit/s
done
of_wifi "udp: what is lost comes over the other" udp $((t1 + 300)) $((t1 + 1200)) '<=' 48
claim "udp: lost" "$(jq .end.sum.lost_packets "$LAB_DIR/load-5206")" = 0

say "active-standby: the first while it lives"
mode active-standby 'order = { wifi, lte }'
turns wifi wifi active-standby
begin active-standby
load tcp 5205 30 0
load udp 5206 30 5M
sleep 1.5
happens "$marks" "wifi is dead"
lab_emu down wifi >/dev/null
t1=$now
sleep 1.5
happens "$marks" "wifi is back"
lab_emu up wifi >/dev/null
t2=$now
sleep 5
kill "${jobs[@]}"
ends
for m in tcp udp; do
	of_wifi "$m, all is well" $m $((began + 400)) $((t1 - 100)) '>=' 97
	of_wifi "$m, wifi is dead, 0.7 s later" $m $((t1 + 700)) "$t2" '<=' 1
	claim "$m: lte carries" "$(lab_rate "$LAB_DIR/$m" $((t1 + 700)) "$t2" 3)" '>=' 4 Mbit/s
	of_wifi "$m, wifi is back" $m $((now - 1000)) $((now - 300)) '>=' 97
done

claim "replay of the decisions: all the same" "$(ncm policy replay "$LAB_DIR/decisions.jsonl" |
	sed 's/^[0-9]* decisions, [0-9]* identical, //')" = "0 different"
claim "drawings" "$(find "$MAMS_PLOTS" -name 'modes-*.svg' -newer "$LAB_DIR/ncm.conf" -size +2 | wc -l)" = 10
lab_end ccm
no_reports
claims_table
