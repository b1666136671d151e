#include "ccm-agent/signals.h"

#include "ccm-agent/radio.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_MS 1000
/* No source knows any of the links: one may come, and some answer one look later, or after some to
 * be there at all.  Each time it waits four times as long, so often: a laptop without a radio
 * sleeps. */
#define PATIENCE 3u

struct ccm_signals {
	struct mams_loop *loop;
	struct ccm_session *session;
	void (*heard)(void *user);
	void *user;
	struct mams_loop_timer *timer;
	struct ccm_radio *radio;
	bool running;
	bool wanted;    /* somebody waits for figures of some link */
	unsigned looks; /* in vain, up to PATIENCE */
};

static bool has_radio(const struct ccm_session_link *l)
{
	return l->conf && l->conf->connection_type != MX_MULTEFIRE && l->now.usable;
}

static void look(void *user)
{
	struct ccm_signals *p = user;
	mams_time now = mams_loop_now(p->loop);
	int64_t ms = FIRST_MS << 2 * p->looks;
	bool any = false;
	struct ccm_heard h;

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		const struct ccm_session_link *l = &p->session->link[i];

		if (!has_radio(l) || !ccm_radio_read(p->radio, l->conf->interface, &h))
			continue;
		ccm_session_heard(p->session, i, &h, now);
		if (!any || ccm_heard_pause(p->session, i) < ms)
			ms = ccm_heard_pause(p->session, i);
		any = true;
	}
	mams_loop_timer_at(p->timer, p->running ? mams_time_add_ms(now, ms) : MAMS_TIME_NEVER);
	p->looks = any ? 0 : p->looks + (p->looks < PATIENCE);
	if (any)
		p->heard(p->user);
}

void ccm_signals_review(struct ccm_signals *p)
{
	const bool waited = p->wanted;
	bool any = false;

	p->wanted = false;
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		any |= has_radio(&p->session->link[i]);
		p->wanted |= ccm_heard_is_wanted(p->session, i);
	}
	if (any == p->running && p->wanted <= waited)
		return;
	p->running = any;
	p->looks = 0;
	mams_loop_timer_at(p->timer, any ? mams_loop_now(p->loop) : MAMS_TIME_NEVER);
}

int ccm_signals_new(struct mams_loop *l, struct ccm_session *s, void (*heard)(void *user),
	void *user, struct ccm_signals **out)
{
	struct ccm_signals *p = calloc(1, sizeof(*p));
	int rc = p ? mams_loop_timer_new(l, look, p, &p->timer) : -ENOMEM;

	if (rc == 0)
		rc = ccm_radio_new(l, &p->radio);
	if (rc < 0) {
		ccm_signals_free(p);
		return rc;
	}
	p->loop = l;
	p->session = s;
	p->heard = heard;
	p->user = user;
	*out = p;
	return 0;
}

void ccm_signals_free(struct ccm_signals *p)
{
	if (!p)
		return;
	mams_loop_timer_del(p->timer);
	ccm_radio_free(p->radio);
	free(p);
}
