#!/usr/bin/env bash
# An operator moves running transfers between links; what cannot be done is said.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-steer
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

steer() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" steer "$@"; }

# walk TEXT COLUMN_WIFI COLUMN_LTE: while a transfer runs, whose job is $job
walk() {
	local text=$1 wifi=$2 lte=$3 w=$LAB_DIR/walk.watch to t0 carries
	rate() { lab_rate "$w" $((t0 + 700)) $((t0 + 1000)) "$1"; }
	sleep 1.5
	for to in lte wifi wifi,lte; do
		t0=$(lab_now_ms)
		claim "$text to $to: mamsctl" "$(steer --dl $to --ul $to)" = applied
		sleep 1.2
		carries="$(rate "$wifi") $(rate "$lte")"
		case $to in
		lte)
			claim "$text to lte: wifi within 1 s" "${carries% *}" '<=' 0.5 Mbit/s
			claim "$text to lte: lte within 1 s" "${carries#* }" '>=' 35 Mbit/s
			;;
		wifi)
			claim "$text to wifi: wifi within 1 s" "${carries% *}" '>=' 14 Mbit/s
			claim "$text to wifi: lte within 1 s" "${carries#* }" '<=' 0.5 Mbit/s
			;;
		*)
			claim "$text to both: wifi within 1 s" "${carries% *}" '>=' 10 Mbit/s
			claim "$text to both: lte within 1 s" "${carries#* }" '>=' 25 Mbit/s
			;;
		esac
	done
}

lab_up
lab_file 60 >/dev/null

say "advice and measurements"
lab_end ncm
cat >>"$LAB_DIR/ncm.conf" <<-X
	measure down { type = LTE parameter = DL_TPUT period = 1s high = 30 low = 0 }
	measure signal { type = LTE parameter = LTE_RSRP period = 1s }
	prefer office { type = ssid id = "office-5GHz" }
X
lab_start_one ncm
preferred() { lab_mamsctl --json -s "$LAB_DIR/ccm.ctl" status | jq -r '.preferred[0].id'; }
measured() { # LINK PARAMETER: the last value that the NCM knows, Mbit/s
	lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status |
		jq -r --arg l "$1" --arg p "$2" '[.sessions[0].links[] | select(.name == $l) |
			.measured[]? | select(.name == $p) | .value][0] // "none"'
}
is_measured() { [ "$(measured lte DL_TPUT)" -ge 0 ]; }
lab_wait 10 is_measured || :
claim "advised network at the client" "$(preferred)" = office-5GHz
claim "throughput of idle lte, reported" "$(measured lte DL_TPUT)" '<=' 1 Mbit/s
lab_get /60M >"$LAB_DIR/rate" &
job=$!
sleep 4
claim "throughput of busy lte, reported" "$(measured lte DL_TPUT)" '>=' 35 Mbit/s
claim "what is not asked for: wifi" "$(measured wifi DL_TPUT)" = none
claim "what cannot be measured here: LTE_RSRP" "$(measured lte LTE_RSRP)" = none
wait "$job"

say "a download"
lab_watch "$LAB_DIR/walk.watch"
lab_get /60M >"$LAB_DIR/rate" &
job=$!
walk "download steered" 2 4
wait "$job" && ok=yes || ok=no
lab_end watch
claim "download steered: curl ends without an error" "$ok" = yes
claim "download steered: SHA-256 of the file is right" \
	"$(same "$LAB_DIR/got" "$LAB_DIR/www/60M")" = yes

say "an upload"
lab_watch "$LAB_DIR/walk.watch"
lab_put 60 >"$LAB_DIR/rate" &
job=$!
walk "upload steered" 3 5
wait "$job" && ok=yes || ok=no
lab_end watch
claim "upload steered: curl ends without an error" "$ok" = yes
claim "upload steered: SHA-256 of the file is right" \
	"$(same "$LAB_DIR/www/up/put" "$LAB_DIR/www/60M")" = yes

say "what cannot be done"
answer=$(steer --dl lte --ul wifi 2>&1) && status=0 || status=$?
claim "different lists: exit status of mamsctl" "$status" '!=' 0
claim "different lists: the answer names the reason" \
	"$(grep -c 'not applied' <<<"$answer" || :)" = 1
answer=$(steer --dl nosuch --ul wifi 2>&1) && status=0 || status=$?
claim "unknown link: exit status of mamsctl" "$status" '!=' 0
claim "unknown link: the answer names it" "$(grep -c nosuch <<<"$answer" || :)" '>=' 1
claim "afterwards: a download" "$(lab_get "$(lab_file 5)" >/dev/null &&
	same "$LAB_DIR/got" "$LAB_DIR/www/5M")" = yes

lab_end ccm
lab_end cl
no_reports
claims_table
