#!/usr/bin/env bash
# The status page in a headless Chromium: graphs move, a link that dies is seen, an operator steers from
# it and a viewer cannot; nothing from elsewhere, no error, nothing that axe-core calls serious.  Then the
# client's own page, that of mams-ccm.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-page
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/page_lab.sh
. "$(dirname "$0")/page_lab.sh"

lab_net && lab_certs && lab_conf && page_conf
printf 'steering all { mode = load-balancing }\n' >"$LAB_DIR/policy.conf"
echo "policy_file = $LAB_DIR/policy.conf" >>"$LAB_DIR/ncm.conf"
printf 'page_listen = { "127.0.0.1:8651" }\napi_users = { "daemon" }\n' >>"$LAB_DIR/ccm.conf"
for d in nginx px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
lab_mamsctl -s "$LAB_DIR/ncm.ctl" steer --dl wifi,lte --ul wifi,lte >/dev/null
lab_get "$(lab_file 300)" >/dev/null 2>&1 &
job=$!
PAGE_DOWN="ip -n $CL link set wifi down"
PAGE_UP="ip -n $CL link set wifi up && ip -n $CL route replace default via 10.1.1.1 dev wifi metric 100"
page_look lab
kill "$job" 2>/dev/null || :

claim "the only session is opened" "$(saw chosen_ms)" '<=' 3000 ms
claim "a download is seen in the figures" "$(saw moving_ms)" '<=' 5000 ms
claim "graphs move" "$(saw graph_moves)" = yes
claim "a link taken down shows" "$(saw down_ms)" '<=' 1000 ms
claim "and stands on top" "$(saw down_verdict)" = "Client laptop: wifi is down"
claim "it shows again" "$(saw up_ms_1)" '<=' 3000 ms
claim "nothing is wrong again" "$(saw verdict_again_ms_1)" '<=' 8000 ms
claim "share of wifi before steering" "$(saw share_before)" '>=' 5 %
claim "steered from the page" "$(saw steered_ms)" '<=' 5000 ms
claim "share of wifi afterwards" "$(saw share_after)" '<=' 1 %
claim "by whom" "$(saw steered_by)" = operator
claim "why: octets" "$(saw why)" '>=' 20
claim "the link that went is among the events" "$(saw down_event)" = 2
claim "the order is among the events" "$(saw events)" '>=' 1
claim "by keyboard to the session" "$(saw keyboard)" = detail
claim "a viewer has no form" "$(saw guest_form)" = hidden
claim "a viewer cannot steer" "$(saw guest_steer)" = 403
claim "nor give it back to the policy" "$(saw guest_auto)" = 403
claim "nor drain" "$(saw guest_drain)" = 403
claim "nor anything else of ctl" "$(saw guest_log)" = 403
claim "what another site's form could send" "$(saw other_type)" = 415
claim "no JSON" "$(saw no_json)" = 400
claim "width of the page on a phone of 390" "$(saw phone_overflow)" '<=' 390
claim "errors in the console" "$(saw wrong_console)" = nothing
claim "requests to elsewhere" "$(saw wrong_outside)" = nothing
claim "axe-core: serious or critical" "$(saw wrong_axe)" = nothing
claim "nobody but operators has steered" "$(lab_mamsctl --json -s "$LAB_DIR/ncm.ctl" sessions |
	jq -r '.sessions[0].anchors[0].dl | join(",")')" = lte

say "the client's own page"
lab_get /300M >/dev/null 2>&1 &
job=$!
page_look agent "$CL" http://127.0.0.1:8651
kill "$job" 2>/dev/null || :
asks() { # USER CURL ARGUMENTS...: status
	cl setpriv --reuid="$1" --regid="$(id -g "$1")" --clear-groups curl -sS --max-time 5 -o /dev/null \
		-w '%{http_code}' "${@:2}" http://127.0.0.1:8651/
}
claim "links are shown" "$(saw agent_links_ms)" '<=' 3000 ms
claim "a download is seen" "$(saw agent_moving_ms)" '<=' 5000 ms
claim "its graphs move" "$(saw agent_graph_moves)" = yes
claim "links with a delay" "$(saw agent_delay)" '>=' 1
claim "links with their method" "$(saw agent_method)" = 2
claim "what is wrong" "$(saw agent_verdict)" = Nothing.
claim "a link taken down shows" "$(saw agent_down_ms)" '<=' 1000 ms
claim "in words, on top" "$(saw agent_down_verdict)" = "wifi is down."
claim "it shows again" "$(saw agent_up_ms)" '<=' 3000 ms
claim "nothing is wrong again" "$(saw agent_verdict_again_ms)" '<=' 8000 ms
claim "by keyboard to the links" "$(saw agent_keyboard)" = h-links
claim "it cannot steer, nor set a log level" "$(saw agent_steer) $(saw agent_log)" = "403 403"
claim "nor ask others than the client's daemons" "$(saw agent_other) $(saw agent_proxy)" = "404 200"
claim "width on a phone of 390" "$(saw agent_phone_overflow)" '<=' 390
claim "errors in the console" "$(saw agent_wrong_console)" = nothing
claim "requests to elsewhere" "$(saw agent_wrong_outside)" = nothing
claim "axe-core: serious or critical" "$(saw agent_wrong_axe)" = nothing
claim "an address that others reach is refused" "$(sed 's/127.0.0.1:8651/10.1.1.2:8651/' "$LAB_DIR/ccm.conf" \
	>"$LAB_DIR/open.conf"; "$BUILD/ccm-agent/mams-ccm" -t -c "$LAB_DIR/open.conf" 2>&1 | grep -c 'for this host')" = 1
claim "a user of api_users" "$(asks daemon)" = 200
claim "another user" "$(asks nobody)" = 403
claim "another site's page" "$(asks daemon -H 'Origin: http://elsewhere') $(asks daemon \
	-H 'Sec-Fetch-Site: cross-site')" = "403 403"
claim "a name that points to us" "$(asks daemon -H 'Host: rebind.example')" = 403

lab_end ccm
lab_end cl
no_reports
claims_table
