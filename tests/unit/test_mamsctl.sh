#!/bin/bash
# mamsctl against canned answers: tables, JSON, exit status, and errors that name the cure.
# usage: test_mamsctl.sh MAMSCTL
set -eu
mamsctl=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
checks=0
failed=0
cleanup() {
	rm -rf "$dir"
}
trap cleanup EXIT

# serve NAME ANSWERS: a daemon's socket NAME.ctl that lives until cleanup
serve() {
	printf '%s' "$2" >"$dir/$1.json"
	mkfifo "$dir/$1.in"
	python3 "$here/../support/ctl_server.py" "$dir/$1.ctl" "$dir/$1.json" "$dir/$1.log" \
		<"$dir/$1.in" &
	eval "exec {keep_$1}>\"$dir/$1.in\""
	for _ in $(seq 100); do
		[ -S "$dir/$1.ctl" ] && return 0
		sleep 0.05
	done
	echo "the server $1 did not start" >&2
	exit 1
}

# run STATUS ARGUMENTS...: output in $out, errors in $err
run() {
	local want=$1 got=0
	shift
	"$mamsctl" "$@" >"$dir/out" 2>"$dir/err" || got=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
	checks=$((checks + 1))
	if [ "$got" != "$want" ]; then
		printf 'mamsctl %s: exit status %s, not %s\n%s\n%s\n' "$*" "$got" "$want" "$out" "$err"
		failed=$((failed + 1))
	fi
}

# has TEXT PATTERN
has() {
	checks=$((checks + 1))
	if ! grep -Eq -- "$2" <<<"$1"; then
		printf 'no "%s" in:\n%s\n' "$2" "$1"
		failed=$((failed + 1))
	fi
}

serve ncm '{
"status_req": {"type": "ncm_status", "version": "1.0", "uptime_ms": 61000, "sessions": [
  {"client": "alice", "ncm_id": 1, "session_id": 42, "state": "active", "age_ms": 5000,
   "links": [{"connection_id": 0, "name": "wifi", "type": "Wi-Fi", "up": true, "admitted": true,
     "address": "10.1.1.2", "mtu": 1500, "ul": true, "dl": true, "rx_bytes": 0, "tx_bytes": 0}],
   "madp": "m1", "anchors": [{"name": "tcp", "connection_id": 0, "type": "LTE", "method": "MPTCP_Proxy",
     "madp": "m1", "refused": false, "dl": ["wifi"], "ul": ["wifi"]}],
   "features": ["measurement"], "convergence": ["MPTCP_Proxy"], "adaptation": [],
   "dropped": [{"group": "feature", "item": "fragmentation", "reason": "it is not offered here"}]}],
  "more": false,
  "madps": [{"name": "m1", "proxy_up": true, "plugin_up": false, "state": "up", "drained": true,
    "used": 3, "capacity": 9},
    {"name": "m2", "proxy_up": true, "plugin_up": true, "state": "up", "drained": true,
     "used": 0, "capacity": 0, "open": 0, "empty": true}],
  "counters": [{"name": "refused_total", "value": 2}]},
"trace_req": [{"type": "result", "code": 1005, "text": "which client? the NCM has several sessions"},
  {"type": "result", "code": 0, "text": "watched", "then": '"$(cat "$here/mamsctl_trace.json")"'},
  {"type": "result", "code": 0, "text": "watched", "then": '"$(cat "$here/mamsctl_trace.json")"'}],
"steer": [{"type": "result", "code": 0, "text": "alice: DL wifi, UL wifi"},
  {"type": "result", "code": 4098, "text": "no link named moon"},
  {"type": "result", "code": 4098, "text": "no link named moon"},
  {"type": "result", "code": 4098, "text": "no link named moon"},
  {"type": "result", "code": 0, "text": "applied"},
  {"type": "result", "code": 0, "text": "applied"}],
"drain": [{"type": "result", "code": 0, "text": "drained"},
  {"type": "result", "code": 0, "text": "in use again"},
  {"type": "result", "code": 4101, "text": "m9: is no N-MADP instance"}],
"policy": ['"$(python3 - "$here/../vectors/decisions.jsonl" <<'END'
import json, sys
lines = open(sys.argv[1]).read().splitlines()
print(json.dumps({"type": "policy_status", "client": "alice", "classes": [
    {"name": "all", "state": "auto", "age_ms": 12000, "record": lines[0]},
    {"name": "calls", "state": "held"}, {"name": "bulk", "state": "refused", "age_ms": 5000,
     "why": "the client does not answer", "record": lines[1]}]}))
END
)"', {"type": "policy_status", "client": "bob"}, {"type": "result", "code": 0, "text": "steered"},
  {"type": "result", "code": 4098, "text": "no such session"}],
"network_req": [{"type": "network", "statements": [], "more": false},
  {"type": "network", "more": true, "statements": [{"access": "wifi", "node_id": "ap7", "valid_for": 90,
    "load_percent": 85, "fading_within": 40, "age": 30, "feeder": "oam"}]},
  {"type": "network", "more": false, "statements": [{"access": "lte", "valid_for": 60, "rate_kbps": 900,
    "delay_ms": 7, "maintenance": {"from": 1800000000, "until": 1800003600}, "age": 1, "feeder": "o\u001bm"}]},
  {"type": "network", "more": true, "statements": []}],
"log_level": {"type": "result", "code": 0}}'
serve proxy '{
"status_req": {"type": "px_status", "role": "client", "version": "1.0", "uptime_ms": 500,
  "catching": true, "flows_open": 3, "paths": [], "clients": [{"client": "alice",
   "flows_open": 3, "flows_total": 9, "bytes_up": 1536, "bytes_down": 20971520}],
  "counters": []},
"log_level": {"type": "result", "code": 0}}'
serve trailer '{
"status_req": [{"type": "tr_status", "role": "network", "version": "1.0", "uptime_ms": 500,
  "sessions_total": 2, "more": 7, "sessions": [{"client": "alice", "session_id": 1, "port": 7446,
   "spoofed": 0, "links": [], "classes": []}], "counters": []},
 {"type": "tr_status", "role": "network", "version": "1.0", "uptime_ms": 500,
  "sessions_total": 2, "sessions": [{"client": "bob", "session_id": 2, "port": 7446,
   "spoofed": 0, "links": [], "classes": []}], "counters": []},
 {"type": "tr_status", "role": "network", "version": "1.0", "uptime_ms": 500,
  "sessions_total": 2, "more": 7, "sessions": [{"client": "alice", "session_id": 1, "port": 7446,
   "spoofed": 0, "links": [], "classes": []}], "counters": []},
 {"type": "tr_status", "role": "network", "version": "1.0", "uptime_ms": 500,
  "sessions_total": 2, "more": 7, "sessions": [{"client": "alice", "session_id": 1, "port": 7446,
   "spoofed": 0, "links": [], "classes": []}], "counters": []}]}'
page='"type": "ncm_status", "version": "1.0", "uptime_ms": 1, "madps": [], "counters": []'
session='"ncm_id": 1, "state": "ACTIVE", "age_ms": 1, "links": [], "madp": "m1", "anchors": [], "features": [], "convergence": [],
  "adaptation": [], "dropped": []'
serve many '{"status_req": [
  {'"$page"', "more": true, "sessions": [
    {"client": "first", "session_id": 1, '"$session"'}, {"client": "second", "session_id": 2, '"$session"'}]},
  {'"$page"', "more": true, "sessions": [{"client": "third", "session_id": 3, '"$session"'}]},
  {'"$page"', "more": false, "sessions": [{"client": "last", "session_id": 4, '"$session"'}]}]}'
serve silent '{}'

run 0 status --ncm "$dir/ncm.ctl" --proxy "$dir/proxy.ctl"
has "$out" 'mams-ncm 1\.0, up 1 min 01 s'
has "$out" 'm1 +drained +up +down +3 +9 +-'
has "$out" 'm2 +drained, empty +up +up +0 +- +0'
has "$out" 'alice +1/42 +active'
has "$out" 'mams-proxy \(client\) 1\.0, up 500 ms'
has "$out" 'alice +3 +9 +1\.5 KiB +20\.0 MiB'
run 0 status --json -s "$dir/many.ctl"
has "$(tr -d "\n" <<<"$out")" "\"first\".*\"second\".*\"third\".*\"last\""
has "$out" '"more": ?false'
has "$(tail -n 1 "$dir/many.log")" '"skip": ?3'
run 0 status --counters -s "$dir/ncm.ctl"
has "$out" 'refused_total +2'
run 0 status --json -s "$dir/ncm.ctl"
has "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["sessions"][0]["client"])' <<<"$out")" '^alice$'
run 0 sessions --ncm "$dir/ncm.ctl"
has "$out" '0 +wifi +Wi-Fi +up +yes +UL DL +10\.1\.1\.2 +1500'
has "$out" 'alice +0 +tcp +LTE +MPTCP_Proxy +m1 +wifi +wifi'
has "$out" 'alice +feature +fragmentation +it is not offered here'
run 1 sessions -s "$dir/proxy.ctl"
has "$err" 'not the NCM'

run 0 --json status -s "$dir/trailer.ctl"
has "$(python3 -c 'import json,sys; print([s["client"] for s in json.load(sys.stdin)["sessions"]])' <<<"$out")" \
	"^\\['alice', 'bob'\\]$"
has "$(sed -n 2p "$dir/trailer.log")" '"after": ?7[^0-9]'
run 1 status -s "$dir/trailer.ctl"
has "$err" 'does not go on'

run 0 network --ncm "$dir/ncm.ctl"
has "$out" '^nothing is told'
run 0 network --ncm "$dir/ncm.ctl"
has "$out" '^wifi +ap7 +- +85 % +10(\.0)? s +- +- +- +30(\.0)? s +1 min 00 s +oam$'
has "$out" '^lte .*2027-01-15 08:00 to 2027-01-15 09:00 UTC +900 kbit/s +7 ms .* o\?m$'
has "$(tail -n 1 "$dir/ncm.log")" '"skip": ?1'
run 1 network --ncm "$dir/ncm.ctl"
has "$err" 'does not go on'
run 1 network -s "$dir/proxy.ctl"

run 0 steer --ncm "$dir/ncm.ctl" --dl wifi,lte --ul wifi --client alice
has "$out" '^alice: DL wifi, UL wifi$'
has "$(grep '"steer"' "$dir/ncm.log")" '"client": ?"alice".*"dl": ?\["wifi", ?"lte"\].*"ul": ?\["wifi"\]'
run 1 steer --ncm "$dir/ncm.ctl" --dl moon --ul moon
has "$err" 'no link named moon'
run 1 steer --json --ncm "$dir/ncm.ctl" --dl moon --ul moon
has "$out" '"code": 4098'
run 1 steer --ncm "$dir/ncm.ctl" --dl moon --ul moon --anchor tcp --config 2
has "$(grep '"steer"' "$dir/ncm.log" | tail -n 1)" '"anchor": ?"tcp".*"configuration": ?2'
run 0 steer --ncm "$dir/ncm.ctl" --application voice --ul-mode duplicate --client alice
has "$(grep '"steer"' "$dir/ncm.log" | tail -n 1)" '"application": ?"voice".*"ul_mode": ?"duplicate"'
run 0 steer --ncm "$dir/ncm.ctl" --application voice --as-configured
has "$(grep '"steer"' "$dir/ncm.log" | tail -n 1)" '"application": ?"voice".*"as_configured": ?true'
run 0 drain m1 --ncm "$dir/ncm.ctl"
has "$out" '^drained$'
has "$(grep '"drain"' "$dir/ncm.log")" '"madp": ?"m1".*"drain": ?true'
run 0 undrain m1 --ncm "$dir/ncm.ctl"
run 1 drain m9 --ncm "$dir/ncm.ctl"
has "$err" 'm9: is no N-MADP instance'
run 0 why alice --ncm "$dir/ncm.ctl"
has "$(grep '"policy"' "$dir/ncm.log")" '"client": ?"alice"'
has "$out" '^all: active-standby, anchor tcp, decided 12 s ago: changed$'
has "$out" 'wifi +carries; rate 42\.1 Mbit/s; delay 12\.0 ms; loss 0\.10 %; 2\.0 s old$'
has "$out" 'lte +stands by: .*; nothing is known'
has "$out" '^calls: held: an operator has steered it'
has "$out" '^bulk: refused: the client does not answer$'
has "$out" 'wants to change, and has not; the dwell time of 60 s .* 40\.0 s later'
has "$out" 'wifi +not used: its delay is above the class.s limit \(carries until then\)'
run 0 why --ncm "$dir/ncm.ctl"
has "$out" 'no policy.*policy_file'
run 0 policy auto bob --ncm "$dir/ncm.ctl"
has "$out" '^steered$'
has "$(grep '"policy"' "$dir/ncm.log" | tail -n 1)" '"client": ?"bob".*"automatic": ?true'
run 1 policy auto --ncm "$dir/ncm.ctl"
has "$err" 'no such session'
records=$here/../vectors/decisions.jsonl
run 0 policy replay "$records"
has "$out" '^2 decisions, 2 identical, 0 different$'
sed 's/"since_ms":20000/"since_ms":70000/' "$records" >"$dir/other.jsonl"
run 1 policy replay "$dir/other.jsonl"
has "$out" ':2: alice, class all: what: recorded wait, now apply$'
has "$out" '^2 decisions, 1 identical, 1 different$'
run 1 policy replay --json "$dir/other.jsonl"
has "$(head -n 1 <<<"$out")" '^\{"type":"difference","line":2,"client":"alice","class":"all","why":"what: recorded wait, now apply"\}$'
has "$(tail -n 1 <<<"$out")" '^\{"type":"summary","decisions":2,"different":1\}$'
printf 'steering all { mode = load-balancing }\n' >"$dir/policy.conf"
run 0 policy simulate --json "$dir/policy.conf" "$records"
has "$(head -n 1 <<<"$out")" '"was":\{"what":"apply","dl":\["wifi"\],"ul":\["wifi"\]\},"would_be":\{"what":"apply","dl":\["wifi","lte"\]'
has "$(tail -n 1 <<<"$out")" '"decisions":2,"different":2,"without_class":0,"changes_recorded":1,"changes_simulated":1\}$'
run 0 policy simulate "$dir/policy.conf" "$records"
has "$out" ':1: alice, class all: was apply DL wifi UL wifi; would be apply DL wifi,lte UL wifi,lte$'
has "$out" '^2 decisions, 2 different, 0 of classes .*; changes: 1 recorded, 1 simulated$'
printf 'steering none { mode = load-balancing }\n' >"$dir/policy.conf"
run 0 policy simulate "$dir/policy.conf" "$records"
has "$out" '^2 decisions, 0 different, 2 of classes'
printf 'steering none { mode = best }\n' >"$dir/policy.conf"
run 1 policy simulate "$dir/policy.conf" "$records"
has "$err" 'policy.conf:1: .*mode'
printf 'nonsense\n' >"$dir/other.jsonl"
run 1 policy replay "$dir/other.jsonl"
has "$err" 'other.jsonl:1: is no decision record'
run 1 policy replay "$dir/absent.jsonl"
has "$err" 'absent.jsonl'
run 2 policy
has "$err" 'usage: mamsctl policy auto'
run 2 policy replay
run 2 why a b
run 0 log debug --ncm "$dir/ncm.ctl" --proxy "$dir/proxy.ctl"
has "$(cat "$dir/proxy.log")" '"level": ?"debug"'

run 2 status --connect 127.0.0.1:1
has "$err" 'connect wants --ca, --cert and --key'
run 2 status --connect 127.0.0.1:1 --ca a --cert b --key c --ncm "$dir/ncm.ctl"
run 2 status --ca a
run 2 trace --connect 127.0.0.1:1 --ca a --cert b --key c
has "$err" 'trace takes no --connect'
run 1 status --connect nowhere --ca a --cert b --key c
has "$err" 'want https:'
run 1 status --connect 127.0.0.1:1 --ca a --cert b --key "$dir/absent"
has "$err" "$dir/absent: No such file"

run 1 status -s "$dir/nobody.ctl"
has "$err" 'no such socket.*running'
run 1 status -s "$dir/silent.ctl" --timeout 0.2
has "$err" 'no answer in 200 ms'
run 1 status --ncm "$dir/nobody.ctl" --proxy "$dir/proxy.ctl"
has "$out" 'mams-proxy'
run 2 steer --dl wifi
has "$err" 'steer wants --dl and --ul'
run 2 steer --application voice
has "$err" 'wants --dl, --ul, --dl-mode or --ul-mode'
run 2 steer --application voice --as-configured --ul wifi
run 2 steer --dl wifi --ul wifi --as-configured
has "$err" 'wants --application'
run 2 sessions --dl wifi
has "$err" 'takes no --dl'
run 2 status more
run 2 nothing
has "$err" 'no command "nothing"'
run 2 status --timeout soon
run 2 drain
run 2 drain m1 --dl wifi
run 2 steer --dl wifi --ul wifi --config none
run 2
for command in status sessions metrics steer drain undrain trace replay watch why policy log; do
	run 0 "$command" -h
	has "$out" "^usage: mamsctl $command"
done
run 0 -V
has "$out" '^mamsctl '
run 0 -h
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$dir"
	checks=$((checks + 1))
	if setpriv --reuid 65534 --regid 65534 --clear-groups "$mamsctl" status -s "$dir/ncm.ctl" \
		>"$dir/out" 2>"$dir/err"; then
		echo "a stranger was served"
		failed=$((failed + 1))
	fi
	has "$(cat "$dir/err")" 'be root, or a member of the group'
fi

# what lives on is stopped; it has drawn at once and again
timeout 1.5 "$mamsctl" watch -s "$dir/ncm.ctl" >"$dir/out" 2>"$dir/err" || :
has "$(cat "$dir/out")" '^alice +wifi +up +dl ul'
has "$(grep -c '^CLIENT' "$dir/out")" '^[23]$'

# a trace: refused in words, and nobody there
run 1 trace -s "$dir/ncm.ctl" nobody
has "$err" 'which client'
timeout 0.5 "$mamsctl" trace -s "$dir/ncm.ctl" alice >"$dir/out" 2>"$dir/err" || :
has "$(jq -r '.what + " " + (.transport // "-")' "$dir/out" | paste -sd ' ')" \
	'^received https sent https event - received https$'
timeout 0.5 "$mamsctl" trace --pcapng -s "$dir/ncm.ctl" alice >"$dir/out" 2>"$dir/err" || :
has "$(tshark -r "$dir/out" -T fields -e frame.comment -e json.value.string -E occurrence=f \
	-e _ws.malformed -E separator='|' 2>/dev/null | paste -sd ' ')" \
	'^received from alice over https\|1\.0\| sent to alice over https\|1\.0\| event of alice\|\| received from alice over https\|1\.0\|$'
has "$(tshark -r "$dir/out" -T fields -e frame.time_epoch -c 1 2>/dev/null)" '^1764205200\.123'
# ... and what our dissector makes of it
has "$(tshark -r "$dir/out" -X "lua_script:$here/../../tools/wireshark/mams.lua" -T fields -E separator='|' \
	-e mams.what -e mams.direction -e mams.type -e mams.seq -e mams.state -e _ws.malformed \
	-e _ws.lua.error 2>/dev/null | paste -sd ' ')" \
	'^message\|from the client\|mx_discover\|1\|\|\| message\|to the client\|mx_system_info\|1\|\|\| event\|\|\|\|CAP_WAIT\|\| message\|'
run 1 trace --timeout 0.2 -s "$dir/none.ctl"
has "$err" 'is mams-ncm running'
run 2 trace one two

# ... and replayed: as recorded, touched, and what makes no sense
life=$here/../vectors/trace.jsonl
run 0 replay "$life"
has "$out" '^[0-9:]{8}\.[0-9]{3}  state NONE -> CAP_WAIT: mx_discover  \(received mx_discover [0-9]+\)$'
has "$out" ', 0 of them before a start; as recorded: [0-9]{2} changes, .* 0 different$'
run 0 replay --json "$life"
has "$(jq -c 'select(.kind == "done") | [.sum.starts, .sum.differ]' <<<"$out")" '^\[1,0\]$'
sed 's/ACK_WAIT -> NEGOTIATED/ACK_WAIT -> ACTIVE/' "$life" >"$dir/touched"
run 1 replay "$dir/touched"
has "$out" 'touched:[0-9]+: recorded, and does not come about: state ACK_WAIT -> ACTIVE'
has "$out" 'touched:[0-9]+: comes about, and is not recorded: state ACK_WAIT -> NEGOTIATED'
sed '3s/"what":"[a-z]*"/"what":"dream"/' "$life" >"$dir/touched"
run 1 replay "$dir/touched"
has "$err" 'touched:3: .*what'
sed '1d' "$life" >"$dir/touched"
run 1 replay "$dir/touched"
has "$err" 'no start of a session'
run 1 replay "$dir/none"
has "$err" 'No such file'
run 2 replay

# completion: what stands on the line, the last word as far as it is typed; "$out" is what is offered
complete_line() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_mamsctl
	out=${COMPREPLY[*]}
}
mamsctl() { if [[ " $* " == *" --json "* ]]; then "$mamsctl" "$@" -s "$dir/ncm.ctl"; else "$mamsctl" "$@"; fi; }
. "$here/../../deploy/completion/mamsctl"
complete_line mamsctl ''
for command in status sessions metrics paths network probe steer drain undrain trace replay watch why policy log; do
	has "$out" "\\b$command\\b"
done
complete_line mamsctl st
has "$out" '^status steer$'
complete_line mamsctl steer --dl-
has "$out" '^--dl-mode$'
complete_line mamsctl steer --dl-mode du
has "$out" '^duplicate$'
complete_line mamsctl steer --dl ''
has "$out" '^wifi$'
complete_line mamsctl steer --dl lte,w
has "$out" '^lte,wifi$'
complete_line mamsctl steer --client al
has "$out" '^alice$'
complete_line mamsctl log w
has "$out" '^warn$'

echo "$checks checks, $failed failed"
[ "$failed" = 0 ]
