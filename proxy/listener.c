#include "proxy/listener.h"

#include "lib/io/mptcp.h"
#include "proxy/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_BATCH 64
#define BACKLOG 4096
#define PAUSE_MS 100
#define FASTOPEN_QUEUE 1024
#define ORIGINAL_DST 80 /* SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST */

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int set_options(int fd, const struct px_listen *l, const struct px_settings *set)
{
	const struct linger reset = {.l_onoff = 1};
	int err = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (!err)
		err = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!err && l->addr.family == AF_INET6)
		err = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, l->kind != PX_LISTEN_TRANSPARENT);
	if (!err && l->kind == PX_LISTEN_TRANSPARENT)
		err = l->addr.family == AF_INET6 ? set_int(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
						 : set_int(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
	/* inherited by accepted sockets: octets go out as they come, and a close() resets (see
	 * px_conn_attach).  No TCP_DEFER_ACCEPT, although clients speak first: it holds every
	 * MP_JOIN back, too */
	if (!err)
		err = set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (!err && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0)
		err = -errno;
	if (!err && set->fastopen && l->kind == PX_LISTEN_CONVERT)
		(void)set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, FASTOPEN_QUEUE);
	if (!err && l->kind == PX_LISTEN_APP)
		err = set_int(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
	if (l->kind != PX_LISTEN_APP)
		mams_mptcp_set_congestion(fd, set->congestion);
	return err;
}

int px_listener_open(
	const struct px_listen *l, const struct px_settings *set, struct px_listener *out)
{
	int protocol = l->kind == PX_LISTEN_APP ? IPPROTO_TCP : IPPROTO_MPTCP;
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&l->addr, &sa);
	int fd = socket(l->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	int err;

	if (fd < 0)
		return -errno;
	err = set_options(fd, l, set);
	if (!err && bind(fd, (struct sockaddr *)&sa, len) != 0)
		err = -errno;
	if (!err && listen(fd, BACKLOG) != 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	*out = (struct px_listener){.handle = PX_HANDLE_LISTENER, .fd = fd, .kind = l->kind};
	return 0;
}

/** Where the application wanted to go.  @return false when it came here on purpose */
static bool original_server(int fd, struct mams_addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct mams_addr own;
	int level;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0 ||
		mams_addr_from_sa((struct sockaddr *)&sa, &own) != 0)
		return false;
	level = own.family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	len = sizeof(sa);
	if (getsockopt(fd, level, ORIGINAL_DST, &sa, &len) != 0 ||
		mams_addr_from_sa((struct sockaddr *)&sa, out) != 0)
		return false;
	return !mams_addr_eq(&own, out);
}

/** How the application has marked its packets; 0 where that cannot be told. */
static uint8_t dscp_of(int fd)
{
	uint8_t syn[128] = {0};
	socklen_t len = sizeof(syn);

	/* the kernel gives it once, and then forgets it */
	if (getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len) != 0 || len < 20)
		return 0;
	return px_class_dscp(syn);
}

static bool local_address(int fd, struct mams_addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0 ||
		mams_addr_from_sa((struct sockaddr *)&sa, out) != 0)
		return false;
	mams_addr_unmap(out);
	return true;
}

/** Network role: too many of this address are unfinished? */
static bool take_source(struct px_worker *w, struct px_conn *c, const struct mams_addr *peer)
{
	uint32_t slot = px_worker_source(w, peer);

	if (w->sources[slot].pending >= w->cfg->set.max_pending_per_source) {
		px_inc(&w->counters.source_limit);
		return false;
	}
	w->sources[slot].pending++;
	c->setup->source = slot;
	return true;
}

static void begin(struct px_worker *w, struct px_listener *l, struct px_conn *c)
{
	switch (l->kind) {
	case PX_LISTEN_APP:
		c->dscp = dscp_of(c->leg[0].fd);
		if (original_server(c->leg[0].fd, &c->server)) {
			px_race_start(w, c);
			return;
		}
		px_inc(&w->counters.loop_refused);
		break;
	case PX_LISTEN_TRANSPARENT:
		c->setup->transparent = true;
		if (local_address(c->leg[0].fd, &c->server)) {
			px_origin_start(w, c);
			return;
		}
		break;
	case PX_LISTEN_CONVERT:
		px_hello_start(w, c);
		return;
	case PX_LISTEN_JOIN:
		break;
	}
	px_conn_end(w, c, true);
}

static void accepted(
	struct px_worker *w, struct px_listener *l, int fd, const struct sockaddr_storage *sa)
{
	enum px_phase phase = l->kind == PX_LISTEN_CONVERT ? PX_PHASE_HELLO : PX_PHASE_CONNECT;
	bool mptcp = l->kind != PX_LISTEN_APP && mams_mptcp_is(fd);
	struct px_conn *c = px_conn_new(w, fd, phase, mptcp);
	struct mams_addr peer;

	px_inc(&w->counters.accepted);
	if (!c) {
		close(fd);
		return;
	}
	px_inc(mptcp ? &w->counters.accepted_mptcp : &w->counters.accepted_tcp);
	if (mams_addr_from_sa((const struct sockaddr *)sa, &peer) != 0) {
		px_conn_end(w, c, true);
		return;
	}
	mams_addr_unmap(&peer);
	c->v4 = peer.family == AF_INET;
	if (l->kind != PX_LISTEN_APP && !take_source(w, c, &peer)) {
		px_conn_end(w, c, true);
		return;
	}
	begin(w, l, c);
}

static void pause_accepting(struct px_worker *w)
{
	px_inc(&w->counters.accept_failed);
	w->listener_timer.kind = PX_TIMER_LISTENERS;
	if (mams_timerq_set(&w->timers, &w->listener_timer, mams_time_add_ms(w->now, PAUSE_MS)) !=
		0)
		return;
	w->accepting = false;
	for (size_t i = 0; i < w->n_listeners; i++)
		(void)px_worker_watch(w, w->listeners[i].fd, 0, &w->listeners[i]);
}

void px_listener_run(struct px_worker *w, struct px_listener *l)
{
	for (int i = 0; i < ACCEPT_BATCH && w->accepting; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		int fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			accepted(w, l, fd, &sa);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(w);
			return;
		}
	}
}
