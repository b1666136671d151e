#!/usr/bin/env bash
# What path estimation finds (seed 6.5), against the truth of the link emulator: rate, loss and delay of
# an idle link by a test of probes; the throughput of one that carries user data.  With MAMS_EXTENDED
# ten settings of rate, delay, jitter and loss.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-probes
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_WIFI_EMU=rate=20m,delay=10ms,queue=60k
LAB_LTE_EMU=rate=30m,delay=40ms,queue=100k

lab_net && lab_certs && lab_conf
cat >>"$LAB_DIR/ncm.conf" <<-X
	control_port = 7444
	probe wifi { type = Wi-Fi active_duration = 10s active_interval = 500ms }
	probe lte { type = LTE init_rate = 5 init_size = 1000 init_duration = 1s init_ack = true period = 0s }
X
echo 'control_listen = { "10.1.1.1:7444", "10.1.2.1:7444" }' >>"$LAB_DIR/px.conf"
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
lab_file 60 >/dev/null
ncm() { lab_mamsctl -s "$LAB_DIR/ncm.ctl" "$@"; }
found() { # LINK FIELD: of the last path estimation
	ncm --json status | jq -r --arg l "$1" --arg f "$2" \
		'[.sessions[0].links[] | select(.name == $l) | .path_est[$f]? // empty][0] // "none"'
}
emu() { # LINK DIRECTION NAME...: the sum of these counters of the emulator
	lab_emu show | awk -v l="$1" -v d="$2" -v n="$(printf ' %s' "${@:3}") " '$1 == l && $2 == d {
		for (i = 3; i <= NF; i++) if (split($i, p, "=") && index(n, " " p[1] " ")) s += p[2] }
		END { print s + 0 }'
}
is_fresh() { # SINCE_MS: the test on lte has come to its end
	local age
	age=$(found lte init_age_ms)
	[ "$age" != none ] && [ "$age" -lt $(($(lab_now_ms) - $1)) ]
}
holds() { # EXPRESSION of awk
	awk "BEGIN { exit !($1) }"
}
# RATE DELAY JITTER LOSS QUEUE: Mbit/s, ms, ms, percent, kB; sets what a test finds and what is true
tested() {
	local in lost since
	lab_emu set lte "rate=${1}m,delay=${2}ms,jitter=${3}ms,loss=$4,queue=${5}k" >/dev/null
	in=$(emu lte ba in)
	lost=$(emu lte ba lost queue_full)
	since=$(lab_now_ms)
	ncm probe lte >/dev/null
	lab_wait 8 is_fresh "$since" || lab_fail "no result"
	in=$(($(emu lte ba in) - in))
	lost=$(($(emu lte ba lost queue_full) - lost))
	got_rate=$(found lte rate_kbps)
	got_lost=$(found lte lost_ppm)
	got_delay=$(found lte delay_us)
	# of a link that is slower than the test: what it carries of PDUs, and half of its full queue
	read -r rate rate_off loss loss_off delay delay_off < <(
		awk -v r="$1" -v d="$2" -v j="$3" -v p="$4" -v q="$5" -v n="$in" -v l="$lost" 'BEGIN {
			full = r < 5.14
			rate = (full ? r * 1000 / 1.028 : 5000) * (1 - p / 100)
			x = l / n
			off = 1e6 * (2.576 * sqrt(x * (1 - x) / n) + 1 / n)
			# jitter that keeps the order, of probes 1.6 ms apart
			for (i = 0; i < 2000; i++) {
				at = 1.6 * i + j * rand()
				if (at > out) out = at
				late += (out - 1.6 * i) / 2000
			}
			delay = 1000 * (d + late + 8 / r / 2) + (full ? q * 8000 / r / 2 : 0)
			near = delay / 20 > 2000 ? delay / 20 : 2000
			printf "%d %d %d %d %d %d\n", rate, rate / 10, x * 1e6, off, delay, full ? delay / 10 : near
		}')
	holds "sqrt(($got_rate - $rate) ^ 2) <= $rate_off && sqrt(($got_lost - $loss) ^ 2) <= $loss_off &&
		sqrt(($got_delay - $delay) ^ 2) <= $delay_off"
}
setting() {
	# a busy machine delays a test or two
	tested "$@" || tested "$@" || tested "$@" || :
	claim "$1 Mbit/s, $2 + $3 ms, $4 %: rate, true $rate" "$got_rate" '>=' "$((rate - rate_off))" kbit/s
	claim "... at most" "$got_rate" '<=' "$((rate + rate_off))" kbit/s
	claim "... lost, true $loss" "$got_lost" '>=' "$((loss - loss_off))" ppm
	claim "... at most" "$got_lost" '<=' "$((loss + loss_off))" ppm
	claim "... delay, true $delay" "$got_delay" '>=' "$((delay - delay_off))" us
	claim "... at most" "$got_delay" '<=' "$((delay + delay_off))" us
}

say "Active phase: a download over wifi, whatever the estimation does"
claim "steered to wifi" "$(ncm steer --dl wifi --ul wifi)" = applied
cl curl -s --max-time 16 -o /dev/null http://10.9.9.2/60M &
load=$!
ncm probe wifi >/dev/null
octets=$(emu wifi ba octets)
begun=$(lab_now_ms)
say "Initialization phase: tests of idle lte meanwhile"
setting 50 10 0 0 100
setting 20 40 0 1 100
setting 3 60 5 1 30
is_active_found() { [ "$(found wifi active_kbps)" != none ]; }
lab_wait 14 is_active_found || :
truth=$((($(emu wifi ba octets) - octets) * 8 / ($(lab_now_ms) - begun)))
claim "wifi in use: throughput, true $truth" "$(found wifi active_kbps)" '>=' $((truth * 9 / 10)) kbit/s
claim "... at most" "$(found wifi active_kbps)" '<=' $((truth * 11 / 10)) kbit/s
if [ -n "${MAMS_EXTENDED:-}" ]; then
	setting 10 150 0 0 100
	setting 6 350 0 5 100
	setting 100 5 5 0 100
	setting 20 20 10 2 100
	setting 2 30 0 0 20
	setting 1 100 0 0 10
	setting 50 15 2 10 100
fi
kill "$load" 2>/dev/null || :
wait "$load" || :
no_reports
claims_table
