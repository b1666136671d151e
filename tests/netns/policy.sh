#!/usr/bin/env bash
# The policy steers by itself: by its mode, when a link is lost and when it has come back; an operator
# goes before it; what the network and the battery say counts; it is read again while a download runs; each
# decision is told, and replays.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-policy
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

ctl() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" "$@"; }
policy() { # TEXT: as one class, and read again when the NCM runs
	printf 'steering all { %s dwell = 3s probation = 4s }\n' "$1" >"$LAB_DIR/policy.conf"
	[ -z "${LAB_PID[ncm]:-}" ] || kill -HUP "${LAB_PID[ncm]}"
}
lists() { ctl --json sessions | jq -r '.sessions[0].anchors[0] | "\(.dl | join(",")) \(.ul | join(",")) \(.steered_by)"'; }
are() { [ "$(lists)" = "$*" ]; }
turns() { # SECONDS TEXT LISTS: until it is so
	lab_wait "$1" are "$3" || :
	claim "$2" "$(lists)" = "$3"
}
used() { # ACCESS: MB of its quota
	ctl --json status | jq --arg l "$1" '[.. | objects | select(.name? == $l and has("quota")).quota.used] | max / 1e6 | floor'
}
logged() { grep -c "$1" "$LAB_DIR/ncm.log" || :; }
has_logged() { [ "$(logged "$1")" -ge 1 ]; }

lab_net && lab_certs && lab_conf
"$LAB_TOP/tools/mams-ca" -d "$LAB_DIR/ca" client oam >/dev/null
policy 'mode = active-standby order = { wifi, lte }'
cat >>"$LAB_DIR/ncm.conf" <<-X
	policy_file = "$LAB_DIR/policy.conf"
	decision_log = "$LAB_DIR/decisions.jsonl"
	feed_clients = { "oam" }
	measure battery { type = Wi-Fi parameter = BATTERY period = 1s low = 20 high = 100 }
X
sed -i "1i power_supply = $LAB_DIR/power" "$LAB_DIR/ccm.conf"
mkdir -p "$LAB_DIR/power/BAT0"
echo Battery >"$LAB_DIR/power/BAT0/type"
battery() { # STATUS PERCENT
	echo "$1" >"$LAB_DIR/power/BAT0/status"
	echo "$2" >"$LAB_DIR/power/BAT0/capacity"
}
battery Discharging 64
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
lab_file 60 >/dev/null

say "active-standby"
turns 10 "the preferred one" "wifi wifi policy all"
lab_watch "$LAB_DIR/watch"
lab_get /60M >"$LAB_DIR/rate" &
job=$!
sleep 2.5
now=$(lab_now_ms)
claim "wifi carries" "$(lab_rate "$LAB_DIR/watch" $((now - 1000)) "$now" 2)" '>=' 12 Mbit/s
claim "lte stands by" "$(lab_rate "$LAB_DIR/watch" $((now - 1000)) "$now" 4)" '<=' 0.5 Mbit/s

say "another policy while the download runs"
policy 'mode = best'
lab_wait 5 has_logged 'the policy stays as it was' || :
claim "a wrong one is refused" "$(logged 'the policy stays as it was.*policy.conf:1')" '>=' 1
claim "the running one stays" "$(lists)" = "wifi wifi policy all"
policy 'mode = load-balancing'
turns 8 "both carry" "wifi,lte wifi,lte policy all"
sleep 2
now=$(lab_now_ms)
claim "wifi carries" "$(lab_rate "$LAB_DIR/watch" $((now - 1000)) "$now" 2)" '>=' 10 Mbit/s
claim "lte carries" "$(lab_rate "$LAB_DIR/watch" $((now - 1000)) "$now" 4)" '>=' 25 Mbit/s
policy 'mode = active-standby order = { wifi, lte }'
turns 8 "back to wifi" "wifi wifi policy all"

say "a link that is lost, and back"
cl ip link set wifi down
turns 8 "lte carries, before its time" "lte lte policy all"
wait "$job" && ok=yes || ok=no
lab_end watch
claim "the download: curl ends without an error" "$ok" = yes
claim "the download: SHA-256 is right" "$(same "$LAB_DIR/got" "$LAB_DIR/www/60M")" = yes
cl ip link set wifi up
lab_client_routes
sleep 2
claim "on probation" "$(lists)" = "lte lte policy all"
claim "mamsctl why: in words" "$(ctl why | grep -c '^    wifi .*not there: down')" = 2
turns 25 "wifi again" "wifi wifi policy all"

say "the network's word"
feed() { # STATEMENT ON WIFI
	printf '{"statements":[{"access":"wifi",%s}]}' "$1" |
		cl curl -s --max-time 10 --cacert "$LAB_DIR/ca/ca.crt" --cert "$LAB_DIR/ca/oam.crt" \
			--key "$LAB_DIR/ca/oam.key" -o /dev/null -w '%{http_code}' --data-binary @- \
			https://10.1.1.1:8443/mams/v1/network-information
}
claim "maintenance of wifi is told" "$(feed "\"valid_for\":600,\"maintenance\":{\"from\":$(date +%s),\"until\":$(($(date +%s) + 600))}")" = 204
turns 5 "wifi is left" "lte lte policy all"
claim "mamsctl why: in words" "$(ctl why | grep -ci '^    wifi .*maintenance')" '>=' 1
claim "it is taken back" "$(feed '"valid_for":0')" = 204
turns 25 "wifi again" "wifi wifi policy all"

say "an operator"
claim "steers" "$(ctl steer --dl lte --ul lte)" = applied
sleep 4
claim "his order holds" "$(lists)" = "lte lte operator"
claim "mamsctl why says so" "$(ctl why | grep -c 'held: an operator')" = 1
claim "policy auto" "$(ctl policy auto)" = "steered by the policy again"
turns 20 "the policy again" "wifi wifi policy all"

say "a quota"
echo 'price wifi { quota_mb = 5 quota_near = 80 }' >>"$LAB_DIR/policy.conf"
kill -HUP "${LAB_PID[ncm]}"
lab_file 10 >/dev/null
lab_file 1 >/dev/null
lab_get /10M >"$LAB_DIR/rate" && ok=yes || ok=no
claim "the download over wifi" "$ok" = yes
turns 10 "used up: wifi is left" "lte lte policy all"
claim "mamsctl status: MB used of wifi, of 5" "$(used wifi)" '>=' 5
claim "mamsctl why: in words" "$(ctl why | grep -ci '^    wifi .*quota')" '>=' 1

say "it is the client's, and counts while nobody listens"
echo 'price lte { quota_mb = 100 }' >>"$LAB_DIR/policy.conf"
kill -HUP "${LAB_PID[ncm]}"
lab_end ccm
lab_start_one ccm
lab_wait 15 lab_ready || lab_fail "no session"
claim "another session: MB used of wifi" "$(used wifi)" '>=' 5
turns 10 "another session: wifi is left" "lte lte policy all"
was=$(used lte)
lab_end ncm KILL
lab_get /10M >"$LAB_DIR/rate" && ok=yes || ok=no
claim "a download without the NCM" "$ok" = yes
lab_start_one ncm
more() { [ "$(used lte)" -ge $((was + 10)) ]; }
lab_wait 10 are "lte lte policy all" || :
lab_get /1M >"$LAB_DIR/rate" || :
lab_wait 10 more || :
claim "the NCM is back: MB used of lte" "$(used lte)" '>=' $((was + 10))
claim "the NCM is back: MB used of wifi" "$(used wifi)" '>=' 5
policy 'mode = active-standby order = { wifi, lte }'
turns 25 "without quota: wifi again" "wifi wifi policy all"

say "a battery"
policy 'mode = load-balancing order = { wifi, lte } battery_low = 20'
turns 20 "at 64 percent both carry" "wifi,lte wifi,lte policy all"
battery Discharging 15
turns 15 "at 15 percent one does" "wifi wifi policy all"
claim "mamsctl why: in words" "$(ctl why | grep -cE 'battery 15 %, low at 20 %|^    lte .*battery is low')" = 3
battery Charging 15
turns 15 "with power both do again" "wifi,lte wifi,lte policy all"

say "the decision log"
log=$LAB_DIR/decisions.jsonl
claim "mode of the file" "$(stat -c %a "$log")" = 640
claim "decisions" "$(wc -l <"$log")" '>=' 6
claim "replay: all the same" "$(ctl policy replay "$log" | sed 's/^[0-9]* decisions, [0-9]* identical, //')" = \
	"0 different"
printf 'steering all { mode = redundant }\n' >"$LAB_DIR/other.conf"
claim "simulated with another policy" "$(ctl policy simulate "$LAB_DIR/other.conf" "$log" |
	grep -c 'would be apply DL wifi,lte')" '>=' 1

lab_end ccm
lab_end cl
no_reports
claims_table
