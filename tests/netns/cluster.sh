#!/usr/bin/env bash
# Two NCM instances on one Redis behind a TCP balancer.  Over https: one is killed while the clients
# are set up; the other, which then has all sessions, is stopped for longer than it may be silent, and
# killed.  Over wss: Redis is killed and comes back empty; then one instance is killed.  Everything
# while clients are steered.  200 clients, 1,000 with --extended.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-cluster
LAB_WIFI_RATE=none LAB_LTE_RATE=none # a thousand handshakes at once would overflow the queues
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# the crowd ends with everything open, as hosts that are switched off
crowd=(env ASAN_OPTIONS=detect_leaks=0 "$BUILD/tests/bench/mams-bench-clients")
clients=${CLUSTER_CLIENTS:-200} rate=100
[ -z "${MAMS_EXTENDED:-}" ] || clients=${CLUSTER_CLIENTS:-1000}
at_once=16 # clients under way in the set-up
# MAMS_TIMEOUT 1 s, doubled up to 4 s, MAMS_RETRY 3: a client's retry time.  A client is asked for
# something every clients / rate seconds, and shows only then that it is served again.  Without
# --extended the machine may be half as fast as it should be.  A client that runs out of patience
# with such a machine begins anew, at the session that it has.
served_within=$((11 + (clients + rate - 1) / rate + 7)) impatient=0
[ -n "${MAMS_EXTENDED:-}" ] || { served_within=$((2 * served_within)) impatient=$((clients / 20)); }

ncm_status() { lab_mamsctl --json -s "$LAB_DIR/ncm-$1.ctl" status; } # INSTANCE
sessions() { ncm_status "$1" | jq '.sessions | length'; }
counter() { # INSTANCE NAME
	ncm_status "$1" | jq -r --arg n "$2" '[.counters[] | select(.name == $n).value] | add // 0'
}
# said NAME FILE [LINE]: what the crowd has measured, the last or that of a line
said() { sed -n "/^${3:-}/s/.*\b$1=\([0-9.]*\).*/\1/p" "$2" | tail -n 1; }
has_active() { [ "$(($(active a) + $(active b)))" -ge "$1" ]; }
active() {
	{ ncm_status "$1" 2>/dev/null || echo '{}'; } |
		jq '[.sessions[]? | select(.state == "ACTIVE")] | length'
}
ids() { # INSTANCE: of sessions that are ACTIVE there
	ncm_status "$1" | jq -r '.sessions[] | select(.state == "ACTIVE") | "\(.client) \(.session_id)"' | sort
}
all_ids() { # INSTANCE: also of those that are set up again
	{ ncm_status "$1" 2>/dev/null || echo '{}'; } |
		jq -r '.sessions[]? | "\(.client) \(.session_id)"' | sort
}
# missing FILE: how many of these sessions neither instance has
missing() { comm -23 "$1" <({ all_ids a; all_ids b; } | sort -u) | wc -l; }
none_missing() { [ "$(missing "$1")" = 0 ]; }
twice() { comm -12 <(all_ids a) <(all_ids b) | wc -l; }
none_twice() { [ "$(twice)" = 0 ]; } # the two are not asked in one moment
has_redis() { [ "$(counter "$1" cluster_redis_up)" = 1 ]; }
has_all() { has_active "$clients"; }
b_has_all() { [ "$(active b)" = "$clients" ]; }
drained() { ncm_status "$1" | jq -r '.madps[0].drained'; } # INSTANCE
is_drained() { [ "$(drained "$1")" = "$2" ]; }
is_up() { grep -q "$1" "$LAB_DIR/crowd.out" || ! kill -0 "${LAB_PID[crowd]}"; }

start_ncm() { # INSTANCE
	lab_start "ncm-$1" "$PX" "$BUILD/ncm-service/mams-ncm" -c "$LAB_DIR/ncm-$1.conf" -d
}
start_redis() { lab_start redis "$PX" redis-server "$LAB_DIR/redis.conf"; }
crowd_up() { # URL SECONDS INSTANCE: sets up; go: steers, at this instance
	rm -f "$LAB_DIR/go"
	mkfifo "$LAB_DIR/go"
	exec 9<>"$LAB_DIR/go"
	: >"$LAB_DIR/crowd.out"
	ip netns exec "$CL" "${crowd[@]}" -d "$LAB_DIR/ca" -n "$clients" -w $at_once -u "$1" \
		-c "$LAB_DIR/ncm-$3.ctl" -r $rate -s "$2" crowd <"$LAB_DIR/go" \
		>"$LAB_DIR/crowd.out" 2>>"$LAB_DIR/crowd.log" &
	LAB_PID[crowd]=$!
}
crowd_end() { # NAME
	lab_wait 200 is_up ^steers
	exec 9>&-
	cp "$LAB_DIR/crowd.out" "$LAB_DIR/$1.out"
	lab_end crowd
}

say "lab: two instances, Redis with TLS and a password, nginx in front"
lab_net && lab_certs && lab_conf
ca=$LAB_DIR/ca
"$NETNS_TOP/tools/mams-ca" -d "$ca" -s 127.0.0.1 server redis >/dev/null
(umask 077 && head -c 24 /dev/urandom | base64 >"$LAB_DIR/redis.password")
cat >"$LAB_DIR/redis.conf" <<-X
	bind 127.0.0.1
	port 0
	tls-port 6380
	tls-cert-file $ca/redis.crt
	tls-key-file $ca/redis.key
	tls-ca-cert-file $ca/ca.crt
	tls-auth-clients no
	save ""
	dir $LAB_DIR
X
hash=$(tr -d '\n' <"$LAB_DIR/redis.password" | sha256sum | cut -d' ' -f1)
cat >>"$LAB_DIR/redis.conf" <<-X
	user default off
	user mams on #$hash ~mams:* &mams:* -@all +eval +ping +publish +subscribe +get +set +del +hget +hset +hexists +sadd +srem +smembers
X
for i in a b; do
	sed "s|^listen = .*|listen = \"127.0.0.1:900$([ $i = a ] && echo 1 || echo 2)\"|
		s|{ \"10.1.1.0/24\"|{ \"10.64.0.0/11\", \"10.1.1.0/24\"|
		s|{ \"10.1.2.0/24\"|{ \"10.96.0.0/11\", \"10.1.2.0/24\"|
		s|^ctl_socket.*|ctl_socket = $LAB_DIR/ncm-$i.ctl|" "$LAB_DIR/ncm.conf" >"$LAB_DIR/ncm-$i.conf"
	cat >>"$LAB_DIR/ncm-$i.conf" <<-X
		listen_wss = "127.0.0.1:901$([ $i = a ] && echo 1 || echo 2)"
		endpoints = "10.1.1.1:8443"
		endpoints_wss = "10.1.1.1:8444"
		max_per_address = 19000
		max_connections = 19000
		redis = "127.0.0.1:6380"
		redis_ca = $ca/ca.crt
		redis_user = mams
		redis_password = $LAB_DIR/redis.password
		instance = $i
	X
done
cat >"$LAB_DIR/balance.conf" <<-X
	load_module /usr/lib/nginx/modules/ngx_stream_module.so;
	daemon off;
	master_process off;
	pid $LAB_DIR/balance.pid;
	error_log $LAB_DIR/balance.err crit;
	events { worker_connections 20000; }
	stream {
		upstream https { server 127.0.0.1:9001 fail_timeout=1s; server 127.0.0.1:9002 fail_timeout=1s; }
		upstream wss { server 127.0.0.1:9011 fail_timeout=1s; server 127.0.0.1:9012 fail_timeout=1s; }
		proxy_connect_timeout 1s;
		server { listen 10.1.1.1:8443; proxy_pass https; }
		server { listen 10.1.1.1:8444; proxy_pass wss; }
	}
X
ulimit -n "$(ulimit -Hn)"
for ns in "$CL" "$PX"; do
	ip netns exec "$ns" sysctl -qw net.core.somaxconn=4096 net.ipv4.ip_local_port_range="10000 65000"
done
"${crowd[@]}" -d "$ca" -n "$clients" certs
cluster_start() {
	start_redis
	for i in a b; do
		start_ncm $i
		lab_wait 10 test -S "$LAB_DIR/ncm-$i.ctl"
		lab_wait 10 has_redis $i
	done
	sleep 2 # an instance that is new waits for what the others may have
}
for d in px-pm px; do lab_start_one $d; done
cluster_start
lab_start balance "$PX" nginx -c "$LAB_DIR/balance.conf" -p "$LAB_DIR"
for i in a b; do claim "$i has its Redis" "$(counter $i cluster_redis_up)" = 1; done

# in_redis COMMAND...: as the instances may
in_redis() {
	REDISCLI_AUTH=$(cat "$LAB_DIR/redis.password") px redis-cli --tls --cacert "$ca/ca.crt" -p 6380 \
		--user mams "$@" 2>/dev/null
}
say "an instance has died before the session of a client was stored"
madp=$(ncm_status a | jq -r '.madps[0].name')
in_redis hset mams:1:s:ghost owner 'z#0' held "77 $madp
" >/dev/null
in_redis sadd 'mams:1:of:z#0' ghost >/dev/null
in_redis sadd mams:1:instances 'z#0' >/dev/null
claim "what the N-MADP holds of that client is recorded" "$(in_redis hget mams:1:s:ghost held)" = "77 $madp"

say "an N-MADP instance is drained at a and used again at b"
lab_mamsctl -s "$LAB_DIR/ncm-a.ctl" drain "$madp" >/dev/null
lab_wait 10 is_drained b true || :
claim "b knows that it is drained" "$(drained b)" = true
lab_mamsctl -s "$LAB_DIR/ncm-b.ctl" undrain "$madp" >/dev/null
lab_wait 10 is_drained a false || :
claim "a knows that it is in use again" "$(drained a)" = false

say "https: a is killed during the set-up of $clients clients"
crowd_up https://10.1.1.1:8443 22 a
lab_wait 120 has_active $((clients / 3))
ids a >"$LAB_DIR/before"
lab_end ncm-a KILL
lab_wait 200 is_up ^active
setup=$LAB_DIR/crowd.out
lab_wait 60 none_missing "$LAB_DIR/before" || :
claim "set up" "$(said active "$setup" active)" = "$clients"
claim "sessions that a had, at least" "$(wc -l <"$LAB_DIR/before")" '>=' $((clients / 20))
claim "of them lost" "$(missing "$LAB_DIR/before")" = 0
claim "clients that began anew, beside those whose set-up was not over" \
	"$(said lost "$setup" active)" '<=' $((at_once + impatient))
claim "taken over from a, at least" "$(counter b cluster_sessions_adopted_total)" '>' 0

say "b, which has all sessions, is stopped for 5 s, and then killed, while $rate a second are steered"
begun_anew=$(said lost "$setup" active)
lab_wait 40 b_has_all || :
start_ncm a
lab_wait 10 has_redis a
sleep 2
ids b >"$LAB_DIR/before"
claim "sessions that b has" "$(wc -l <"$LAB_DIR/before")" = "$clients"
claim "what the N-MADP holds of a client of b, in Redis" \
	"$(in_redis hget mams:1:s:c00000 held | sed "s/^[0-9]* //")" = "$madp"
echo go >&9
sleep 2
kill -STOP "${LAB_PID[ncm-b]}"
sleep 5
kill -CONT "${LAB_PID[ncm-b]}"
sleep 6
claim "sessions that b has lost to a by being stopped" "$(counter b cluster_sessions_lost_total)" '>' 0
lab_wait 20 none_twice || :
claim "sessions that both have" "$(twice)" = 0
lab_end ncm-b KILL
crowd_end https
https=$LAB_DIR/https.out
lab_wait 60 none_missing "$LAB_DIR/before" || : # the silent ones come last
claim "sessions of before, lost" "$(missing "$LAB_DIR/before")" = 0
claim "clients that began anew" "$(($(said lost "$https" end) - begun_anew))" '<=' $impatient
claim "active at the end" "$(said active "$https" end)" = "$clients"
claim "steering requests applied" "$(said applied "$https")" '>' $((rate * 2))
claim "the longest that a client was not served" "$(said longest_unserved_s "$https")" '<=' \
	$served_within s

is_forgotten() { [ -z "$(in_redis hget mams:1:s:ghost owner)" ]; }
lab_wait 40 is_forgotten || :
claim "the client of the dead instance is forgotten by the N-MADP" "$(yes_no is_forgotten)" = yes

say "wss: Redis is killed and comes back empty, then a is killed, while $rate a second are steered"
for d in ncm-a redis; do lab_end $d; done
cluster_start
crowd_up wss://10.1.1.1:8444 19 b
lab_wait 200 is_up ^active
lab_wait 40 has_all || :
ids a >"$LAB_DIR/before-a"
{ ids a; ids b; } | sort >"$LAB_DIR/before"
claim "sessions, at a and at b" "$(wc -l <"$LAB_DIR/before")" = "$clients"
claim "sessions that a has, at least" "$(wc -l <"$LAB_DIR/before-a")" '>=' $((clients / 10))
echo go >&9
sleep 2
lab_end redis KILL
sleep 3
start_redis
sleep 4
lab_wait 20 none_missing "$LAB_DIR/before" || :
claim "sessions of before, lost with Redis" "$(missing "$LAB_DIR/before")" = 0
lab_wait 20 none_twice || :
claim "sessions that both have" "$(twice)" = 0
lab_end ncm-a KILL
crowd_end wss
wss=$LAB_DIR/wss.out
lab_wait 60 none_missing "$LAB_DIR/before" || :
claim "sessions of before, lost" "$(missing "$LAB_DIR/before")" = 0
claim "clients that began anew" "$(said lost "$wss" end)" '<=' $impatient
claim "active at the end" "$(said active "$wss" end)" = "$clients"
claim "steering requests applied" "$(said applied "$wss")" '>' $((rate * 2))
claim "the longest that a client was not served" "$(said longest_unserved_s "$wss")" '<=' \
	$served_within s
no_reports
claims_table
