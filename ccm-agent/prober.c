#include "ccm-agent/prober.h"
#include "ccm-agent/linkstat.h"
#include "lib/base/log.h"
#include "lib/io/udpsock.h"

#include <errno.h>
#include <stdlib.h>

#define LOG_MODULE "prober"
#define DATAGRAM_MAX 2048u

/* One link's socket. */
struct way {
	struct ccm_prober *of;
	uint8_t id;
	struct mams_udpsock *sock; /* NULL: not open */
	struct mams_addr local, peer;
};

struct ccm_prober {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	struct ccm_session *session;
	void (*news)(void *user);
	void *user;
	struct mams_loop_timer *timer;
	struct way ways[CCM_LINKS_MAX];
	struct mams_log_rl quiet;
};

static uint64_t received(const struct way *w)
{
	return ccm_linkstat_rx(w->of->session->link[w->id].conf->interface);
}

static void say(struct way *w, const uint8_t *pdu, size_t len)
{
	/* a network that takes nothing shows in the results */
	if (len > 0 && w->sock)
		(void)!mams_udpsock_send(w->sock, &w->peer, pdu, len);
}

static void on_datagram(
	void *user, const struct mams_addr *peer, const char *data, size_t len, bool whole)
{
	struct way *w = user;
	struct ccm_prober *p = w->of;
	uint8_t answer[CCM_ESTIMATE_ANSWER];

	if (!whole || !mams_addr_eq(peer, &w->peer)) {
		p->session->counters.probes_strange++;
		return;
	}
	say(w, answer,
		ccm_estimate_pdu(
			p->session, w->id, data, len, received(w), mams_loop_now(p->loop), answer));
	ccm_prober_review(p);
}

static void close_way(struct way *w)
{
	mams_udpsock_free(w->sock);
	w->sock = NULL;
}

static void open_way(struct way *w, const struct mams_addr *local, const struct mams_addr *peer)
{
	struct ccm_prober *p = w->of;
	struct mams_error err = {0};
	const struct mams_udpsock_opts o = {.local = local,
		.interface = p->session->link[w->id].conf->interface,
		.mark = p->conf->mark,
		.max = DATAGRAM_MAX};

	w->local = *local;
	w->peer = *peer;
	if (mams_udpsock_new(p->loop, &o, on_datagram, w, &w->sock, &err) < 0)
		mams_log_limited(&p->quiet, mams_loop_now(p->loop), MAMS_LOG_WARN, LOG_MODULE,
			"no probes on link %s: %s %s", p->session->link[w->id].conf->name,
			err.where, err.text);
}

static void review_way(struct way *w)
{
	struct mams_addr local;
	struct mams_addr peer;
	bool wanted = ccm_estimate_wants(w->of->session, w->id, &local, &peer);

	if (w->sock &&
		(!wanted || !mams_addr_eq(&local, &w->local) || !mams_addr_eq(&peer, &w->peer)))
		close_way(w);
	if (wanted && !w->sock)
		open_way(w, &local, &peer);
}

void ccm_prober_review(struct ccm_prober *p)
{
	mams_time next = MAMS_TIME_NEVER;

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		review_way(&p->ways[i]);
		next = mams_time_min(next, ccm_estimate_deadline(p->session, i));
	}
	mams_loop_timer_at(p->timer, next);
}

static void tick(void *user)
{
	struct ccm_prober *p = user;

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct way *w = &p->ways[i];
		uint8_t pdu[CCM_ESTIMATE_ANSWER];

		if (!p->session->estimate[i].on || !p->session->link[i].conf)
			continue;
		review_way(w);
		say(w, pdu,
			ccm_estimate_tick(p->session, i, received(w), mams_loop_now(p->loop), pdu));
	}
	ccm_prober_review(p);
	p->news(p->user);
}

int ccm_prober_new(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_session *s,
	void (*news)(void *user), void *user, struct ccm_prober **out)
{
	struct ccm_prober *p = calloc(1, sizeof(*p));
	int rc = p ? mams_loop_timer_new(l, tick, p, &p->timer) : -ENOMEM;

	if (rc < 0) {
		free(p);
		return rc;
	}
	p->loop = l;
	p->conf = conf;
	p->session = s;
	p->news = news;
	p->user = user;
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++)
		p->ways[i] = (struct way){.of = p, .id = i};
	*out = p;
	return 0;
}

void ccm_prober_free(struct ccm_prober *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		close_way(&p->ways[i]);
	mams_loop_timer_del(p->timer);
	free(p);
}
