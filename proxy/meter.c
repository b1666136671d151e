#include "proxy/meter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define BEHIND_US 250000 /* workers look at whole seconds: all have told by then */
#define LINKS_MAX 65536u

struct key {
	uint64_t session_id;
	uint8_t local[16], remote[16];
};

/* What is measured of a link, which says nothing later. */
struct figures {
	uint32_t seconds; /* that it has waited to be told */
	uint64_t acked, received;
	uint64_t sent, lost;
	uint64_t rtt_us, jitter_us; /* sums of so many: */
	uint32_t n_rtt;
	uint32_t rate_kbps, train_kbps;
};

struct row {
	struct key key;
	UT_hash_handle hh;
	struct mams_addr local, remote;
	uint64_t dl_octets, ul_octets; /* not told yet, also of when nobody listened */
	struct figures f;
};

struct px_meter {
	struct mams_loop *loop;
	struct mams_loop_timer *timer;
	struct mams_ctl_server *server;
	struct row *rows;
	bool armed;
};

static void drop(struct px_meter *m, struct row *r)
{
	HASH_DEL(m->rows, r);
	free(r);
}

static struct row *row_of(struct px_meter *m, uint64_t session_id, const struct px_sample *s)
{
	struct key k;
	struct row *r;

	memset(&k, 0, sizeof(k));
	k.session_id = session_id;
	memcpy(k.local, s->local.ip, sizeof(k.local));
	memcpy(k.remote, s->remote.ip, sizeof(k.remote));
	HASH_FIND(hh, m->rows, &k, sizeof(k), r);
	if (r || HASH_COUNT(m->rows) >= LINKS_MAX)
		return r;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->key = k;
	r->local = s->local;
	r->remote = s->remote;
	HASH_ADD(hh, m->rows, key, sizeof(r->key), r);
	return r;
}

static void arm(struct px_meter *m)
{
	int64_t now = mams_loop_now(m->loop).us;

	m->armed = true;
	mams_loop_timer_at(
		m->timer, mams_time_us((now - BEHIND_US) / PX_GAUGE_PERIOD_US * PX_GAUGE_PERIOD_US +
				       PX_GAUGE_PERIOD_US + BEHIND_US));
}

void px_meter_take(struct px_meter *m, const struct px_note *n)
{
	const struct px_sample *s = &n->sample;
	struct figures *f;
	struct row *r;

	/* clients of the configuration file are no session's */
	if (!m || !n->client->has_session_id)
		return;
	r = row_of(m, n->client->session_id, s);
	if (!r)
		return;
	r->dl_octets += s->acked;
	r->ul_octets += s->received;
	if (!m->armed)
		arm(m);
	if (!mams_ctl_is_news_wanted(m->server))
		return;
	f = &r->f;
	f->acked += s->acked;
	f->received += s->received;
	f->sent += s->sent;
	f->lost += s->lost;
	if (s->rtt_us) {
		f->rtt_us += s->rtt_us;
		f->jitter_us += s->jitter_us;
		f->n_rtt++;
	}
	if (s->rate_kbps > f->rate_kbps)
		f->rate_kbps = s->rate_kbps;
	if (s->train_kbps > f->train_kbps)
		f->train_kbps = s->train_kbps;
}

static uint32_t kbps(uint64_t octets, uint32_t seconds)
{
	return (uint32_t)(octets * 8 / 1000 / (seconds ? seconds : 1));
}

static struct ctl_quality_link link_of(const struct row *r)
{
	struct ctl_quality_link l = {
		.session_id = r->key.session_id, .local = r->local, .remote = r->remote};
	const struct figures *f = &r->f;
	uint32_t carried = kbps(f->acked, f->seconds);
	/* a link goes at least as fast as a train, and how much faster is not known */
	const bool train = f->rate_kbps == 0 && carried < f->train_kbps / 5 * 4;
	const uint32_t rate = train ? f->train_kbps : f->rate_kbps;

	l.dl = (struct ctl_quality_way){.used_kbps = carried,
		.has_rate_kbps = rate > 0,
		.rate_kbps = carried >= rate / 5 * 4 ? carried : rate,
		.has_packets = f->sent > 0,
		.packets = (uint32_t)f->sent,
		.lost = (uint32_t)f->lost,
		.has_octets = true,
		.octets = r->dl_octets};
	l.ul.used_kbps = kbps(f->received, f->seconds);
	l.ul.has_octets = true;
	l.ul.octets = r->ul_octets;
	if (f->n_rtt) {
		l.dl.has_delay_us = l.dl.has_jitter_us = true;
		l.dl.delay_us = (uint32_t)(f->rtt_us / f->n_rtt / 2);
		l.dl.jitter_us = (uint32_t)(f->jitter_us / f->n_rtt / 2);
		l.ul.has_delay_us = l.ul.has_jitter_us = true;
		l.ul.delay_us = l.dl.delay_us;
		l.ul.jitter_us = l.dl.jitter_us;
	}
	return l;
}

/* The first rows, as many as a packet takes.  @return false: nobody has taken them */
static bool tell_some(struct px_meter *m)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_QUALITY, 0);
	struct ctl_quality *q = msg ? &msg->quality : NULL;
	struct row *r;
	struct row *next;

	if (!msg)
		return false;
	q->links = ctl_alloc(msg, CTL_QUALITY_LINKS * sizeof(*q->links));
	for (r = m->rows; q->links && r && q->n_links < CTL_QUALITY_LINKS; r = r->hh.next)
		q->links[q->n_links++] = link_of(r);
	next = r;
	if (!q->links) {
		ctl_msg_free(msg);
		return false;
	}
	if (!mams_ctl_tell_news(m->server, msg))
		return false;
	while (m->rows != next)
		drop(m, m->rows);
	return true;
}

static void tick(void *user)
{
	struct px_meter *m = user;
	const bool wanted = mams_ctl_is_news_wanted(m->server);

	m->armed = false;
	for (struct row *r = m->rows; r; r = r->hh.next)
		r->f.seconds++;
	while (wanted && m->rows && tell_some(m))
		;
	if (m->rows)
		arm(m);
	for (struct row *r = m->rows; !wanted && r; r = r->hh.next)
		r->f = (struct figures){0};
}

int px_meter_new(struct mams_loop *l, struct mams_ctl_server *server, struct px_meter **out)
{
	struct px_meter *m = calloc(1, sizeof(*m));
	int rc = m ? mams_loop_timer_new(l, tick, m, &m->timer) : -ENOMEM;

	if (rc < 0) {
		free(m);
		return rc;
	}
	m->loop = l;
	m->server = server;
	*out = m;
	return 0;
}

void px_meter_free(struct px_meter *m)
{
	if (!m)
		return;
	while (m->rows)
		drop(m, m->rows);
	mams_loop_timer_del(m->timer);
	free(m);
}
