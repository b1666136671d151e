#include "proxy/conn.h"

#include "proxy/apart.h"
#include "proxy/pump.h"
#include "proxy/room.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLUSH_POLL_MS 10

static void set_linger(int fd, bool abort)
{
	struct linger l = {.l_onoff = abort, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void count_flow(struct px_worker *w, struct px_conn *c, int by)
{
	struct px_client_counts *n;

	if (!c->client)
		return;
	n = &c->client->counts[w->index];
	atomic_store_explicit(&n->flows_open,
		atomic_load_explicit(&n->flows_open, memory_order_relaxed) + (uint64_t)(int64_t)by,
		memory_order_relaxed);
	if (by > 0)
		atomic_store_explicit(&n->flows_total,
			atomic_load_explicit(&n->flows_total, memory_order_relaxed) + 1,
			memory_order_relaxed);
}

/* Paths are watched while flows move. */
void px_conn_awake(struct px_worker *w)
{
	struct px_note note = {.kind = PX_NOTE_AWAKE};

	if (w->cfg->set.role == PX_ROLE_CLIENT && !px_notes_put(w->notes, &note))
		px_inc(&w->counters.notes_dropped);
}

struct px_conn *px_conn_new(struct px_worker *w, int fd, enum px_phase phase, bool mptcp)
{
	unsigned known = PX_SOCKET_CONNECTED | PX_SOCKET_ABORTS | PX_SOCKET_PROMPT |
			 (mptcp ? PX_SOCKET_MPTCP : 0);
	struct px_conn *c;

	if (atomic_load_explicit(w->flows, memory_order_relaxed) >= w->cfg->set.max_flows) {
		px_inc(&w->counters.flow_limit);
		return NULL;
	}
	c = px_slab_get(&w->conns);
	if (!c) {
		px_inc(&w->counters.no_memory);
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->setup = px_slab_get(&w->setups);
	if (!c->setup) {
		px_inc(&w->counters.no_memory);
		px_slab_put(&w->conns, c);
		return NULL;
	}
	memset(c->setup, 0, sizeof(*c->setup));
	c->setup->source = UINT32_MAX;
	px_flow_init(&c->flow, phase, w->now);
	c->timer.kind = PX_TIMER_CONN;
	for (int i = 0; i < PX_LEGS; i++)
		c->leg[i].fd = -1;
	c->from[1] = 1;
	c->to[0] = 1;
	if (fd >= 0 && px_conn_attach(w, c, 0, fd, known) != 0) {
		px_slab_put(&w->setups, c->setup);
		px_slab_put(&w->conns, c);
		return NULL;
	}
	LIST_INSERT_HEAD(&w->all, c, all);
	if (atomic_fetch_add_explicit(w->flows, 1, memory_order_relaxed) == 0)
		px_conn_awake(w);
	return c;
}

int px_conn_attach(struct px_worker *w, struct px_conn *c, int side, int fd, unsigned known)
{
	struct px_leg *leg = &c->leg[side];
	int err;

	*leg = (struct px_leg){.handle = PX_HANDLE_LEG, .fd = fd, .side = (uint8_t)side};
	leg->mptcp = known & PX_SOCKET_MPTCP;
	leg->writable = known & PX_SOCKET_CONNECTED;
	leg->prompt = known & PX_SOCKET_PROMPT;
	/* from here to an orderly end a close() resets: a daemon that dies does not leave its peers
	 * with what looks like a complete transfer */
	if (!(known & PX_SOCKET_ABORTS))
		set_linger(fd, true);
	err = px_worker_watch(w, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, leg);
	if (err)
		leg->fd = -1;
	return err;
}

int px_conn_adopt(struct px_worker *w, struct px_conn *c, struct px_leg *leg)
{
	struct px_leg *up = &c->leg[PX_LEG_UP];
	int err;

	*up = *leg;
	up->side = PX_LEG_UP;
	/* what epoll has said already, it will not say again: try */
	up->readable = true;
	up->writable = true;
	err = px_worker_watch(w, up->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, up);
	if (err) {
		up->fd = -1;
		return err;
	}
	leg->fd = -1;
	c->tuned = false;
	return 0;
}

void px_conn_wake(struct px_worker *w, struct px_conn *c)
{
	if (c->queued || c->flow.phase == PX_PHASE_OVER)
		return;
	c->queued = true;
	TAILQ_INSERT_TAIL(&w->run, c, run);
}

void px_conn_arm(struct px_worker *w, struct px_conn *c, mams_time when)
{
	/* without memory for the timer the connection would never expire: end it at once */
	if (mams_timerq_set(&w->timers, &c->timer, when) != 0)
		px_conn_end(w, c, true);
}

void px_conn_release_pending(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;

	if (!s)
		return;
	if (s->counted)
		atomic_fetch_sub_explicit(&c->client->pending, 1, memory_order_relaxed);
	s->counted = false;
	if (s->source != UINT32_MAX)
		w->sources[s->source].pending--;
	s->source = UINT32_MAX;
}

static void free_setup(struct px_worker *w, struct px_conn *c)
{
	if (!c->setup)
		return;
	px_conn_release_pending(w, c);
	mams_wipe(c->setup->cookie, c->setup->n_cookie);
	px_slab_put(&w->setups, c->setup);
	c->setup = NULL;
}

int px_conn_keep(struct px_worker *w, struct px_conn *c, int dir, const uint8_t *data, size_t len)
{
	struct px_buf *b;

	if (len == 0)
		return 0;
	b = px_bufs_get(&w->bufs, PX_SMALL_BUF);
	if (!b || len > PX_SMALL_BUF)
		return -ENOMEM;
	memcpy(b->data, data, len);
	b->end = (uint32_t)len;
	c->held[dir] = b;
	px_flow_held(&c->flow, dir, true);
	return 0;
}

void px_conn_relay(struct px_worker *w, struct px_conn *c)
{
	free_setup(w, c);
	c->flow.phase = PX_PHASE_RELAY;
	c->flow.last = w->now;
	px_inc(&w->counters.relayed);
	count_flow(w, c, 1);
	px_conn_arm(w, c, px_flow_deadline(&c->flow, &w->cfg->set.limits));
	px_conn_wake(w, c);
}

static void close_leg(struct px_leg *leg, bool abort)
{
	if (leg->fd < 0)
		return;
	if (!abort)
		set_linger(leg->fd, false);
	close(leg->fd);
	leg->fd = -1;
}

void px_conn_end(struct px_worker *w, struct px_conn *c, bool abort)
{
	if (c->ended)
		return;
	c->ended = true;
	/* a second connection without an end in order would take its flow with it */
	abort = abort && !c->part.second;
	if (!c->part.second)
		px_inc(abort ? &w->counters.aborted : &w->counters.closed);
	px_apart_end(w, c);
	if (!c->setup)
		count_flow(w, c, -1);
	if (c->setup)
		px_race_drop(c);
	px_race_learn(w, c);
	px_gauge_ended(w, c);
	px_room_ended(c);
	px_backlog_ended(w, c);
	for (int i = 0; i < PX_LEGS; i++)
		close_leg(&c->leg[i], abort);
	c->flow.phase = PX_PHASE_OVER;
	if (c->queued)
		TAILQ_REMOVE(&w->run, c, run);
	c->queued = false;
	mams_timerq_del(&w->timers, &c->timer);
	LIST_REMOVE(c, all);
	TAILQ_INSERT_TAIL(&w->dead, c, run);
	atomic_fetch_sub_explicit(w->flows, 1, memory_order_relaxed);
}

void px_conn_bury(struct px_worker *w)
{
	struct px_conn *c;

	while ((c = TAILQ_FIRST(&w->dead))) {
		TAILQ_REMOVE(&w->dead, c, run);
		free_setup(w, c);
		px_bufs_put(&w->bufs, c->held[0]);
		px_bufs_put(&w->bufs, c->held[1]);
		px_client_unref(c->client);
		px_slab_put(&w->conns, c);
	}
}

/** Has the kernel delivered everything to the peer of this leg? */
static bool is_flushed(const struct px_leg *leg)
{
	int left = 0;

	return leg->fd < 0 || ioctl(leg->fd, SIOCOUTQ, &left) != 0 || left == 0;
}

bool px_conn_settle(struct px_worker *w, struct px_conn *c)
{
	for (;;) {
		switch (px_flow_next(&c->flow)) {
		case PX_ACT_NONE:
			return true;
		case PX_ACT_SHUT_0:
			(void)shutdown(c->leg[c->to[1]].fd, SHUT_WR);
			break;
		case PX_ACT_SHUT_1:
			(void)shutdown(c->leg[c->to[0]].fd, SHUT_WR);
			break;
		case PX_ACT_FLUSH:
			if (!is_flushed(&c->leg[!c->flow.broken]) ||
				!is_flushed(&c->leg[c->to[c->flow.broken]])) {
				px_conn_arm(w, c, mams_time_add_ms(w->now, FLUSH_POLL_MS));
				return true;
			}
			px_flow_flushed(&c->flow);
			break;
		case PX_ACT_CLOSE:
			px_conn_end(w, c, false);
			return false;
		case PX_ACT_ABORT:
			px_conn_end(w, c, true);
			return false;
		}
	}
}

/** Keepalive only for connections that live long: short ones save the system calls. */
static void tune(struct px_worker *w, struct px_conn *c)
{
	int on = 1;
	int idle = (int)w->cfg->set.keepalive_s;
	int interval = 30;
	int probes = 4;

	c->tuned = true;
	if (idle == 0)
		return;
	for (int i = 0; i < PX_LEGS; i++) {
		int fd = c->leg[i].fd;

		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	}
}

static void relay_rearm(struct px_worker *w, struct px_conn *c)
{
	mams_time when = px_flow_deadline(&c->flow, &w->cfg->set.limits);
	mams_time soon = mams_time_add_ms(w->now, 10000);

	px_conn_arm(w, c, c->tuned ? when : mams_time_min(when, soon));
}

static void relay_run(struct px_worker *w, struct px_conn *c)
{
	bool had_end = c->flow.dir[0].eof || c->flow.dir[1].eof || c->flow.broken >= 0;
	bool more = false;

	for (int leg = 0; leg < 2; leg++)
		if (c->leg[leg].failed)
			px_flow_broken(&c->flow, leg, w->now);
	if (c->leg[PX_LEG_UP].fd >= 0)
		px_apart_run(w, c);
	for (int dir = 0; dir < 2; dir++) {
		if (c->flow.broken == !dir && c->held[dir]) {
			px_bufs_put(&w->bufs, c->held[dir]);
			c->held[dir] = NULL;
		}
		if (px_flow_can_move(&c->flow, dir) && (!c->flow.dir[dir].eof || c->held[dir]))
			more |= px_pump(w, c, dir) == PX_PUMP_MORE;
	}
	if (!had_end && (c->flow.dir[0].eof || c->flow.dir[1].eof || c->flow.broken >= 0))
		relay_rearm(w, c);
	if (w->cfg->set.role == PX_ROLE_NETWORK)
		px_gauge_moved(w, c);
	if (px_conn_settle(w, c) && more)
		px_conn_wake(w, c);
}

void px_conn_run(struct px_worker *w, struct px_conn *c)
{
	switch (c->flow.phase) {
	case PX_PHASE_HELLO:
		px_hello_run(w, c);
		break;
	case PX_PHASE_CONNECT:
		if (w->cfg->set.role == PX_ROLE_CLIENT)
			px_race_run(w, c);
		else
			px_origin_run(w, c);
		break;
	case PX_PHASE_CONFIRM:
		px_confirm_run(w, c);
		break;
	case PX_PHASE_RELAY:
		relay_run(w, c);
		break;
	case PX_PHASE_TAIL:
		px_answer_run(w, c);
		break;
	case PX_PHASE_OVER:
		break;
	}
}

static void relay_timeout(struct px_worker *w, struct px_conn *c)
{
	bool was_broken = c->flow.broken >= 0;

	if (!c->tuned)
		tune(w, c);
	if (px_flow_tick(&c->flow, &w->cfg->set.limits, w->now) && !was_broken)
		px_inc(&w->counters.idle_expired);
	if (c->flow.broken >= 0)
		px_conn_wake(w, c);
	relay_rearm(w, c);
}

void px_conn_timeout(struct px_worker *w, struct px_conn *c)
{
	switch (c->flow.phase) {
	case PX_PHASE_HELLO:
		px_inc(&w->counters.hello_timeout);
		px_conn_end(w, c, true);
		break;
	case PX_PHASE_CONNECT:
		if (w->cfg->set.role == PX_ROLE_CLIENT)
			px_race_timeout(w, c);
		else
			px_origin_timeout(w, c);
		break;
	case PX_PHASE_CONFIRM:
	case PX_PHASE_TAIL:
		px_conn_end(w, c, true);
		break;
	case PX_PHASE_RELAY:
		relay_timeout(w, c);
		break;
	case PX_PHASE_OVER:
		break;
	}
}
