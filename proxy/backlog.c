#include "proxy/backlog.h"

#include "proxy/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEAST (192u << 10)
#define AHEAD_US 100000u
#define IDLE_LOOKS 10u

static void seen(struct px_backlog_subflow *s, const struct mams_mptcp_subflow *f)
{
	const uint64_t window = (uint64_t)f->cwnd * f->mss;

	if (f->bytes_acked != s->acked || f->unacked == 0)
		s->silent = 0;
	else if (s->silent < UINT8_MAX)
		s->silent++;
	s->acked = f->bytes_acked;
	s->window -= s->window / 32;
	if (s->window < window)
		s->window = window;
}

/* Nothing has come back over it for a while: what it may send is of no use. */
static bool stands_still(const struct px_backlog_subflow *s, const struct mams_mptcp_subflow *f)
{
	const uint32_t us = s->silent * PX_BACKLOG_PERIOD_MS * 1000u;

	return us >= 300000 && us >= 2 * f->rtt_us;
}

/* Three windows, or a tenth of a second: where round trips are short, that is soon over. */
static double times(const struct mams_mptcp_subflow *f)
{
	return f->rtt_us < AHEAD_US / 3 ? (double)AHEAD_US / f->rtt_us : 3;
}

uint32_t px_backlog_wanted(
	struct px_backlog_subflow *known, const struct mams_mptcp_subflow *f, size_t n)
{
	struct px_backlog_subflow next[PX_BACKLOG_SUBFLOWS] = {{0}};
	double octets = 0;

	n = n < PX_BACKLOG_SUBFLOWS ? n : PX_BACKLOG_SUBFLOWS;
	for (size_t i = 0; i < n; i++) {
		next[i].id = f[i].id;
		for (size_t k = 0; k < PX_BACKLOG_SUBFLOWS; k++)
			if (known[k].window && known[k].id == f[i].id)
				next[i] = known[k];
		seen(&next[i], &f[i]);
		if (f[i].rtt_us && !stands_still(&next[i], &f[i]))
			octets += (double)next[i].window * times(&f[i]);
	}
	memcpy(known, next, sizeof(next));
	if (octets >= PX_BACKLOG_MOST)
		return PX_BACKLOG_MOST;
	return octets > LEAST ? (uint32_t)octets : LEAST;
}

/* No more than net.core.wmem_max, without a word; setsockopt() doubles it, for what packets cost
 * beside their octets. */
static bool set_plain(int fd, int half)
{
	int is = 0;
	socklen_t len = sizeof(is);

	return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half)) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &is, &len) == 0 && is >= half * 2;
}

static bool set(int fd, uint32_t octets)
{
	const int half = (int)(octets / 2);

	return setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &half, sizeof(half)) == 0 ||
	       set_plain(fd, half);
}

bool px_backlog_can(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can;

	if (fd < 0)
		return false;
	can = set_plain(fd, (int)(PX_BACKLOG_MOST / 2));
	close(fd);
	return can;
}

/* @return whether it goes on being looked at */
static bool look(struct px_backlog_slot *s)
{
	struct mams_mptcp_subflow now[PX_BACKLOG_SUBFLOWS];
	struct px_leg *leg = &s->conn->leg[s->leg];
	size_t n;
	uint32_t wanted;

	s->idle = leg->writable ? s->idle + 1 : 0;
	if (leg->fd < 0 || s->idle > IDLE_LOOKS ||
		mams_mptcp_subflows(leg->fd, now, PX_BACKLOG_SUBFLOWS, &n) < 0)
		return false;
	wanted = px_backlog_wanted(s->known, now, n);
	if (!leg->bounded && (n < 2 || wanted == PX_BACKLOG_MOST))
		return true;
	if (wanted >= s->set - s->set / 8 && wanted <= s->set + s->set / 8)
		return true;
	s->set = wanted;
	leg->bounded = set(leg->fd, wanted);
	return leg->bounded;
}

static void arm(struct px_worker *w)
{
	w->backlog.timer.kind = PX_TIMER_BACKLOG;
	(void)!mams_timerq_set(
		&w->timers, &w->backlog.timer, mams_time_add_ms(w->now, PX_BACKLOG_PERIOD_MS));
}

void px_backlog_full(struct px_worker *w, struct px_conn *c, uint8_t leg)
{
	struct px_backlog *b = &w->backlog;
	size_t i = 0;

	if (c->backlog) {
		b->slots[c->backlog - 1].idle = 0;
		return;
	}
	if (b->used == PX_BACKLOG_SLOTS)
		return;
	if (!b->slots && !(b->slots = calloc(PX_BACKLOG_SLOTS, sizeof(*b->slots))))
		return;
	while (b->slots[i].conn)
		i++;
	b->slots[i] = (struct px_backlog_slot){.conn = c, .leg = leg};
	c->backlog = (uint8_t)(i + 1);
	if (b->used++ == 0)
		arm(w);
}

void px_backlog_tick(struct px_worker *w)
{
	struct px_backlog *b = &w->backlog;

	for (size_t i = 0; i < PX_BACKLOG_SLOTS; i++)
		if (b->slots[i].conn && !look(&b->slots[i]))
			px_backlog_ended(w, b->slots[i].conn);
	if (b->used)
		arm(w);
}

void px_backlog_ended(struct px_worker *w, struct px_conn *c)
{
	if (!c->backlog)
		return;
	w->backlog.slots[c->backlog - 1].conn = NULL;
	c->backlog = 0;
	w->backlog.used--;
}

void px_backlog_fini(struct px_worker *w)
{
	free(w->backlog.slots);
	w->backlog.slots = NULL;
}
