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
	# the better of two windows: a machine that pauses for 0.2 s spoils one
	rate() {
		{ lab_rate "$w" $((t0 + 700)) $((t0 + 1000)) "$1" && echo &&
			lab_rate "$w" $((t0 + 1000)) $((t0 + 1300)) "$1"; } | sort -rn | head -n 1
	}
	left() { lab_rate "$w" $((t0 + 700)) $((t0 + 1000)) "$1"; }
	sleep 1.5
	for to in lte wifi wifi,lte; do
		t0=$(lab_now_ms)
		claim "$text to $to: mamsctl" "$(steer --dl $to --ul $to)" = applied
		sleep 1.5
		carries="$(rate "$wifi") $(rate "$lte")"
		case $to in
		lte)
			claim "$text to lte: wifi within 1 s" "$(left "$wifi")" '<=' 0.5 Mbit/s
			claim "$text to lte: lte within 1.3 s" "${carries#* }" '>=' 35 Mbit/s
			;;
		wifi)
			claim "$text to wifi: wifi within 1.3 s" "${carries% *}" '>=' 14 Mbit/s
			claim "$text to wifi: lte within 1 s" "$(left "$lte")" '<=' 0.5 Mbit/s
			;;
		*)
			claim "$text to both: wifi within 1.3 s" "${carries% *}" '>=' 10 Mbit/s
			claim "$text to both: lte within 1.3 s" "${carries#* }" '>=' 25 Mbit/s
			;;
		esac
	done
}

probe_conf() {
	cat >>"$LAB_DIR/ncm.conf" <<-X
		control_port = 7444
		probe wifi { type = Wi-Fi init_rate = 2 active_interval = 200ms }
		probe lte { type = LTE active_interval = 200ms }
	X
	echo 'control_listen = { "10.1.1.1:7444", "10.1.2.1:7444" }' >>"$LAB_DIR/px.conf"
}
lab_net && lab_certs && lab_conf && probe_conf
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
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

say "path estimation"
found() { # LINK FIELD: of the last path estimation
	lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" status |
		jq -r --arg l "$1" --arg f "$2" '[.sessions[0].links[] | select(.name == $l) |
			.path_est[$f]? // empty][0] // "none"'
}
is_found() { # LINK FIELD -le|-ge LIMIT
	local n
	n=$(found "$1" "$2")
	if [ "$3" = -le ]; then [ "$n" -le "$4" ]; else [ "$n" -ge "$4" ]; fi
}
probed() { # LINK FIELD -le|-ge LIMIT: asks until it is so; a busy machine may spoil a test
	is_found "$@" && return
	lab_mamsctl -s "$LAB_DIR/ncm.ctl" probe "$1" >/dev/null
	lab_wait 4 is_found "$@"
}
claim "steered to wifi" "$(steer --dl wifi --ul wifi)" = applied
lab_wait 30 probed lte lost_ppm -le 20000 || :
claim "idle lte: probes lost, of a million" "$(found lte lost_ppm)" '<=' 20000
claim "idle lte: rate of the probes" "$(found lte rate_kbps)" '>=' 500 kbit/s
claim "idle lte: rate of the probes, at most" "$(found lte rate_kbps)" '<=' 2000 kbit/s
claim "idle lte: one-way delay" "$(found lte delay_us)" '<=' 200000 us
cl nft -f - <<-X
	table inet loss {
		chain in {
			type filter hook input priority 0;
			udp sport 7444 numgen inc mod 4 == 0 drop
		}
	}
X
claim "asked for by the operator" "$(lab_mamsctl -s "$LAB_DIR/ncm.ctl" probe lte)" = \
	"begun; mamsctl paths shows what comes of it"
lab_wait 30 probed lte lost_ppm -ge 200000 || :
claim "a quarter of the probes lost: at least" "$(found lte lost_ppm)" '>=' 230000
claim "a quarter of the probes lost: at most" "$(found lte lost_ppm)" '<=' 400000
cl nft delete table inet loss
lab_get /60M >"$LAB_DIR/rate" &
job=$!
lab_mamsctl -s "$LAB_DIR/ncm.ctl" probe wifi >/dev/null
lab_wait 20 is_found wifi active_kbps -ge 8000 || :
claim "busy wifi: throughput in the probe duration" "$(found wifi active_kbps)" '>=' 8000 kbit/s
claim "in words" "$(lab_mamsctl -s "$LAB_DIR/ncm.ctl" paths | grep -c '^ *laptop *wifi.*Mbit/s')" \
	'>=' 1
counts() { # SOCKET COUNTER
	lab_mamsctl --json -s "$LAB_DIR/$1.ctl" status |
		jq ".counters[] | select(.name == \"$2_total\").value"
}
is_probing() { [ "$(counts px probes_sent)" -gt "$1" ]; }
claim "probing and measurement switched off" \
	"$(steer --dl wifi,lte --ul wifi,lte --off probing,measurement)" = applied
sleep 0.3
before="$(counts px probes_sent) $(counts ncm measurement_reports)"
claim "nothing can be probed" "$(yes_no lab_mamsctl -s "$LAB_DIR/ncm.ctl" probe wifi)" = no
sleep 2.2
claim "no probe is sent, nothing is reported" \
	"$(counts px probes_sent) $(counts ncm measurement_reports)" = "$before"
claim "steered to both" "$(steer --dl wifi,lte --ul wifi,lte)" = applied
claim "probes again" "$(yes_no lab_wait 10 is_probing "${before% *}")" = yes
wait "$job"
# what follows measures what links carry while they are steered: no probes beside it
lab_end ncm
sed -i '/^ *probe /d; /^ *control_port/d' "$LAB_DIR/ncm.conf"
lab_start_one ncm
is_steered() { [ "$(steer --dl wifi,lte --ul wifi,lte 2>/dev/null)" = applied ]; }
claim "without probes: steered to both" "$(yes_no lab_wait 15 is_steered)" = yes

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

# what a sender sends beyond the window is dropped, and comes again slowly (proxy/room.h)
beyond() { "$1" nstat -asz MPTcpExtNoDSSInWindow | awk '/NoDSSInWindow/ { print $2 }'; }
claim "packets beyond the window, at the N-MADP" "$(beyond px)" = 0
claim "packets beyond the window, at the client" "$(beyond cl)" = 0

say "what cannot be done"
answer=$(steer --dl nosuch --ul wifi 2>&1) && status=0 || status=$?
claim "unknown link: exit status of mamsctl" "$status" '!=' 0
claim "unknown link: the answer names it" "$(grep -c nosuch <<<"$answer" || :)" '>=' 1
claim "afterwards: a download" "$(lab_get "$(lab_file 5)" >/dev/null &&
	same "$LAB_DIR/got" "$LAB_DIR/www/5M")" = yes

lab_end ccm
lab_end cl
no_reports
claims_table
