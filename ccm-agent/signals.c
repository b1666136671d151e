#include "ccm-agent/signals.h"

#include "ccm-agent/linkstat.h"

#include <errno.h>
#include <stdlib.h>

#define NEAR_MS 250
#define FAR_MS 1000
#define FAR_DB 15 /* so much above the level at which it fades, there is time */

struct ccm_signals {
	struct mams_loop *loop;
	const struct ccm_session *session;
	void (*read)(void *user, uint8_t connection_id, int dbm);
	void *user;
	struct mams_loop_timer *timer;
	bool running;
};

static bool is_watched(const struct ccm_session_link *l)
{
	return l->conf && l->conf->connection_type == MX_WIFI && l->conf->fade.low && l->now.usable;
}

static void look(void *user)
{
	struct ccm_signals *p = user;
	int64_t ms = FAR_MS;

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		const struct ccm_session_link *l = &p->session->link[i];
		int dbm;

		if (!is_watched(l) || !ccm_linkstat_rssi(l->conf->interface, &dbm))
			continue;
		if (dbm < l->conf->fade.low + FAR_DB)
			ms = NEAR_MS;
		p->read(p->user, i, dbm);
	}
	mams_loop_timer_at(p->timer,
		p->running ? mams_time_add_ms(mams_loop_now(p->loop), ms) : MAMS_TIME_NEVER);
}

void ccm_signals_review(struct ccm_signals *p)
{
	bool any = false;

	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		any |= is_watched(&p->session->link[i]);
	if (any == p->running)
		return;
	p->running = any;
	mams_loop_timer_at(p->timer, any ? mams_loop_now(p->loop) : MAMS_TIME_NEVER);
}

int ccm_signals_new(struct mams_loop *l, const struct ccm_session *s,
	void (*read)(void *user, uint8_t connection_id, int dbm), void *user,
	struct ccm_signals **out)
{
	struct ccm_signals *p = calloc(1, sizeof(*p));
	int rc = p ? mams_loop_timer_new(l, look, p, &p->timer) : -ENOMEM;

	if (rc < 0) {
		free(p);
		return rc;
	}
	p->loop = l;
	p->session = s;
	p->read = read;
	p->user = user;
	*out = p;
	return 0;
}

void ccm_signals_free(struct ccm_signals *p)
{
	if (!p)
		return;
	mams_loop_timer_del(p->timer);
	free(p);
}
