#!/usr/bin/env bash
# Two NCM instances on one Redis behind a TCP balancer: a thousand clients, one instance killed while
# they are set up and again while they are steered; then Redis restarted, emptied, and one
# instance stopped for longer than it may be silent.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-cluster
LAB_WIFI_RATE=none LAB_LTE_RATE=none # a thousand handshakes at once would overflow the queues
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# the crowd ends with everything open, as hosts that are switched off
crowd=(env ASAN_OPTIONS=detect_leaks=0 "$BUILD/tests/bench/mams-bench-clients")
clients=${CLUSTER_CLIENTS:-1000} rate=100
# MAMS_TIMEOUT 1 s, doubled up to 4 s, MAMS_RETRY 3: a client's retry time
retry_time=11

ncm_status() { lab_mamsctl --json -s "$LAB_DIR/ncm-$1.ctl" status; } # INSTANCE
sessions() { ncm_status "$1" | jq '.sessions | length'; }
counter() { # INSTANCE NAME
	ncm_status "$1" | jq -r --arg n "$2" '[.counters[] | select(.name == $n).value] | add // 0'
}
said() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p" "$2" | tail -n 1; }
has_active() { [ "$(($(active a) + $(active b)))" -ge "$1" ]; }
active() {
	{ ncm_status "$1" 2>/dev/null || echo '{}'; } |
		jq '[.sessions[]? | select(.state == "ACTIVE")] | length'
}
ids() { # INSTANCE: of sessions that are ACTIVE there
	ncm_status "$1" | jq -r '.sessions[] | select(.state == "ACTIVE") | "\(.client) \(.session_id)"' | sort
}
# missing FILE: how many of these sessions neither instance has
missing() { comm -23 "$1" <({ ids a 2>/dev/null || :; ids b; } | sort -u) | wc -l; }
drained() { ncm_status "$1" | jq -r '.madps[0].drained'; } # INSTANCE
is_drained() { [ "$(drained "$1")" = "$2" ]; }
is_up() { grep -q "$1" "$LAB_DIR/crowd.out" || ! kill -0 "${LAB_PID[crowd]}"; }

# bad_between FILE FROM TO: the last of these seconds in which a request was made that was not applied.
bad_between() {
	sed -n 's/^bad_s=//p' "$1" | tr , '\n' |
		awk -v from="$2" -v to="$3" '$1 != "" && $1 >= from && $1 < to { last = $1 } END { print last + 0 }'
}

start_ncm() { # INSTANCE
	lab_start "ncm-$1" "$PX" "$BUILD/ncm-service/mams-ncm" -c "$LAB_DIR/ncm-$1.conf" -d
}
start_redis() { lab_start redis "$PX" redis-server "$LAB_DIR/redis.conf"; }
crowd_up() { # URL SECONDS: sets up; go: steers
	rm -f "$LAB_DIR/go"
	mkfifo "$LAB_DIR/go"
	exec 9<>"$LAB_DIR/go"
	: >"$LAB_DIR/crowd.out"
	ip netns exec "$CL" "${crowd[@]}" -d "$LAB_DIR/ca" -n "$clients" -w 16 -u "$1" \
		-c "$LAB_DIR/ncm-b.ctl" -r $rate -s "$2" crowd <"$LAB_DIR/go" \
		>"$LAB_DIR/crowd.out" 2>>"$LAB_DIR/crowd.log" &
	LAB_PID[crowd]=$!
}
crowd_end() { # NAME
	lab_wait 120 is_up ^bad_s
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
start_redis
for d in px-pm px; do lab_start_one $d; done
start_ncm a
start_ncm b
lab_start balance "$PX" nginx -c "$LAB_DIR/balance.conf" -p "$LAB_DIR"
lab_wait 10 test -S "$LAB_DIR/ncm-b.ctl"
sleep 2
for i in a b; do claim "$i has its Redis" "$(counter $i cluster_redis_up)" = 1; done

say "an N-MADP instance is drained at a and used again at b"
madp=$(ncm_status a | jq -r '.madps[0].name')
lab_mamsctl -s "$LAB_DIR/ncm-a.ctl" drain "$madp" >/dev/null
lab_wait 3 is_drained b true || :
claim "b knows that it is drained" "$(drained b)" = true
lab_mamsctl -s "$LAB_DIR/ncm-b.ctl" undrain "$madp" >/dev/null
lab_wait 3 is_drained a false || :
claim "a knows that it is in use again" "$(drained a)" = false

say "a is killed during the set-up of $clients clients"
crowd_up https://10.1.1.1:8443 30
lab_wait 60 has_active $((clients / 3))
ids a >"$LAB_DIR/before"
lab_end ncm-a KILL
lab_wait 120 is_up ^active
cp "$LAB_DIR/crowd.out" "$LAB_DIR/setup.out"
claim "set up" "$(said active "$LAB_DIR/setup.out")" = "$clients"
claim "sessions that a had, at least" "$(wc -l <"$LAB_DIR/before")" '>=' $((clients / 10))
claim "of them lost" "$(missing "$LAB_DIR/before")" = 0
claim "sessions that b has" "$(sessions b)" = "$clients"
claim "set up within" "$(said s "$LAB_DIR/setup.out")" '<=' 60 s
claim "taken over from a, at least" "$(counter b cluster_sessions_adopted_total)" '>' 0

say "a comes back; over wss it is killed while $rate clients a second are steered"
lab_end crowd
start_ncm a
sleep 3
crowd_up wss://10.1.1.1:8444 16
lab_wait 120 is_up ^active
sleep 1
ids a >"$LAB_DIR/before"
claim "sessions that a has, at least" "$(wc -l <"$LAB_DIR/before")" '>=' $((clients / 10))
echo go >&9
sleep 3
lab_end ncm-a KILL
sleep 8
start_ncm a
crowd_end steered
steered=$LAB_DIR/steered.out
claim "sessions of before, lost" "$(missing "$LAB_DIR/before")" = 0
claim "sessions that clients have lost" "$(said lost "$steered")" = 0
claim "active at the end" "$(said active "$steered")" = "$clients"
claim "steering requests" "$(said steers "$steered")" '>' $((rate * 10))
claim "the last second with one that was not applied, after the kill at 3 s" \
	"$(bad_between "$steered" 0 99)" '<=' $((3 + retry_time)) s

say "Redis is killed and comes back empty, then a is stopped for 5 s, while they are steered"
crowd_up wss://10.1.1.1:8444 30
lab_wait 120 is_up ^active
sleep 1
{ ids a; ids b; } | sort >"$LAB_DIR/before"
claim "sessions, at a and at b" "$(wc -l <"$LAB_DIR/before")" = "$clients"
echo go >&9
sleep 2
lab_end redis KILL
sleep 3
start_redis
sleep 9
kill -STOP "${LAB_PID[ncm-a]}"
sleep 5
kill -CONT "${LAB_PID[ncm-a]}"
crowd_end redis
redis=$LAB_DIR/redis.out
claim "sessions of before, lost" "$(missing "$LAB_DIR/before")" = 0
claim "sessions that a has lost to b by being stopped" "$(counter a cluster_sessions_lost_total)" '>' 0
claim "sessions that both have" "$(comm -12 <(ids a) <(ids b) | wc -l)" = 0
claim "active at the end" "$(said active "$redis")" = "$clients"
claim "sessions that clients have lost" "$(said lost "$redis")" = 0
claim "the last second with one that was not applied, after Redis's end at 2 s" \
	"$(bad_between "$redis" 0 14)" '<=' $((2 + retry_time)) s
claim "the last, after a was stopped from 14 s to 19 s" \
	"$(bad_between "$redis" 14 99)" '<=' $((19 + retry_time)) s
no_reports
claims_table
