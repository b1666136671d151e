#include "proxy/pump.h"

#include "proxy/apart.h"
#include "proxy/room.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define BUDGET (4u << 20) /* octets of one direction in one turn */

/** When so many big buffers are held by slow readers, further reads are small: memory of a blocked
 *  flow then stays below two small buffers. */
#define BIG_HELD_LIMIT 256u

static uint32_t read_size(const struct px_worker *w)
{
	return w->bufs.out_big > BIG_HELD_LIMIT ? PX_SMALL_BUF : w->scratch->cap;
}

/** Octets move again: whoever watches the paths sleeps without them. */
static void wake_watchers(struct px_worker *w)
{
	atomic_thread_fence(memory_order_seq_cst); /* counted before it is looked, see watcher.c */
	if (atomic_load_explicit(w->asleep, memory_order_relaxed) &&
		atomic_exchange(w->asleep, false))
		px_conn_awake(w);
}

static void count(struct px_worker *w, struct px_conn *c, int dir, size_t n)
{
	struct px_client *cl = c->client;

	px_flow_moved(&c->flow, dir, n, w->now);
	px_add(dir == 0 ? &w->counters.octets_up : &w->counters.octets_down, n);
	if (w->cfg->set.role == PX_ROLE_CLIENT)
		wake_watchers(w);
	if (cl) {
		_Atomic uint64_t *v = dir == 0 ? &cl->counts[w->index].octets_up
					       : &cl->counts[w->index].octets_down;

		atomic_store_explicit(
			v, atomic_load_explicit(v, memory_order_relaxed) + n, memory_order_relaxed);
	}
}

/** Octets go out as they come.  The first ones do in any case, as nothing is unacknowledged yet: a
 *  connection of one request and one answer saves the call. */
static void be_prompt(struct px_leg *leg)
{
	int on = 1;

	(void)setsockopt(leg->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	leg->prompt = true;
}

static void make_room(const struct px_worker *w, struct px_leg *leg)
{
	if (w->roomy)
		px_room_make(leg->fd);
	leg->roomy = true;
}

/** Send what b holds. @return 0 all gone, -EAGAIN, or the far leg's error */
static int push(struct px_worker *w, struct px_conn *c, int dir, struct px_buf *b)
{
	struct px_leg *dst = &c->leg[c->to[dir]];

	if (!dst->prompt && c->flow.dir[dir].octets > 0)
		be_prompt(dst);
	while (b->start < b->end) {
		ssize_t n = send(dst->fd, b->data + b->start, b->end - b->start, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0) {
			dst->writable = false;
			if (dst->mptcp && c->flow.dir[dir].octets >= PX_ROOM_FROM)
				px_backlog_full(w, c, c->to[dir]);
			return -EAGAIN;
		}
		b->start += (uint32_t)n;
		count(w, c, dir, (size_t)n);
	}
	return 0;
}

/** Keep the rest of the scratch buffer with the flow: copied when little, else the buffer itself.
 */
static int keep(struct px_worker *w, struct px_conn *c, int dir)
{
	struct px_buf *s = w->scratch;
	uint32_t left = s->end - s->start;
	struct px_buf *b = px_bufs_get(&w->bufs, left <= PX_SMALL_BUF ? PX_SMALL_BUF : s->cap);

	if (!b)
		return -ENOMEM;
	if (left <= PX_SMALL_BUF) {
		memcpy(b->data, s->data + s->start, left);
		b->end = left;
		c->held[dir] = b;
	} else {
		c->held[dir] = s;
		w->scratch = b;
	}
	px_flow_held(&c->flow, dir, true);
	return 0;
}

static enum px_pump far_failed(struct px_worker *w, struct px_conn *c, int dir)
{
	px_flow_broken(&c->flow, !dir, w->now);
	return PX_PUMP_FAIL;
}

static enum px_pump near_failed(struct px_worker *w, struct px_conn *c, int dir)
{
	px_flow_broken(&c->flow, dir, w->now);
	px_flow_drained(&c->flow);
	return PX_PUMP_FAIL;
}

static enum px_pump near_ended(struct px_worker *w, struct px_conn *c, int dir)
{
	switch (px_flow_end(&c->flow, dir)) {
	case PX_END_WAIT:
		return PX_PUMP_WAIT;
	case PX_END_SHORT:
		return near_failed(w, c, dir);
	case PX_END_FLOW:
		break;
	}
	px_flow_eof(&c->flow, dir);
	return PX_PUMP_END;
}

/** @return PX_PUMP_MORE when nothing is held any more */
static enum px_pump push_held(struct px_worker *w, struct px_conn *c, int dir)
{
	int err;

	if (!c->leg[c->to[dir]].writable)
		return PX_PUMP_WAIT;
	err = push(w, c, dir, c->held[dir]);
	if (err == -EAGAIN)
		return PX_PUMP_WAIT;
	if (err)
		return far_failed(w, c, dir);
	px_bufs_put(&w->bufs, c->held[dir]);
	c->held[dir] = NULL;
	px_flow_held(&c->flow, dir, false);
	return PX_PUMP_MORE;
}

enum px_pump px_pump(struct px_worker *w, struct px_conn *c, int dir)
{
	struct px_leg *src = &c->leg[c->from[dir]];
	size_t moved = 0;

	if (c->held[dir]) {
		enum px_pump r = push_held(w, c, dir);

		if (r != PX_PUMP_MORE)
			return r;
	}
	while (moved < BUDGET) {
		uint32_t size = read_size(w);
		ssize_t n;
		int err;

		if (px_flow_turns(&c->flow, dir))
			src = px_apart_turn(w, c);
		if (!src->readable)
			return PX_PUMP_WAIT;
		n = recv(src->fd, w->scratch->data, size, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			src->readable = false;
			return PX_PUMP_WAIT;
		}
		if (n < 0)
			return near_failed(w, c, dir);
		if (n == 0)
			return near_ended(w, c, dir);
		/* a short read from TCP has emptied the queue, unless the end stands behind it */
		if ((uint32_t)n < size && !src->mptcp && !src->hangup)
			src->readable = false;
		if (src->mptcp && !src->roomy && c->flow.dir[dir].octets >= PX_ROOM_FROM)
			make_room(w, src);
		if (src->roomy)
			px_room_watch(w, c);
		w->scratch->start = 0;
		w->scratch->end = (uint32_t)n;
		moved += (size_t)n;
		err = push(w, c, dir, w->scratch);
		if (err == 0)
			continue;
		if (err != -EAGAIN || keep(w, c, dir) != 0)
			return far_failed(w, c, dir);
		return PX_PUMP_WAIT;
	}
	return PX_PUMP_MORE;
}
