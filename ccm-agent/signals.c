#include "ccm-agent/signals.h"

#include "ccm-agent/radio.h"

#include <errno.h>
#include <stdlib.h>

#define NEAR_MS 250
#define FAR_MS 1000
#define CALM_MS 30000 /* of a link that has no level at which it fades: its network may change */
/* No source knows any of the links: one may come, and some answer one look later, or after some to
 * be there at all.  Each time it waits four times as long, so often: a laptop without a radio
 * sleeps. */
#define PATIENCE 3u
#define FAR_DB 15 /* so much above the level at which it fades, there is time */

struct ccm_signals {
	struct mams_loop *loop;
	struct ccm_session *session;
	void (*heard)(void *user);
	void *user;
	struct mams_loop_timer *timer;
	struct ccm_radio *radio;
	bool running;
	unsigned looks; /* in vain, up to PATIENCE */
};

static bool has_radio(const struct ccm_session_link *l)
{
	return l->conf && l->conf->connection_type != MX_MULTEFIRE && l->now.usable;
}

static bool is_near(const struct ccm_session_link *l, const struct ccm_heard *h)
{
	static const int signals[] = {MX_M_WLAN_RSSI, MX_M_LTE_RSRP, MX_M_NR_RSRP};
	const int low = l->conf->fade.low;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(signals); i++)
		if ((h->known & 1u << signals[i]) && h->value[signals[i]] < low + FAR_DB)
			return true;
	return false;
}

static int64_t pause_of(const struct ccm_session_link *l, const struct ccm_heard *h)
{
	if (l->conf->fade.low == 0)
		return CALM_MS;
	return is_near(l, h) ? NEAR_MS : FAR_MS;
}

static void look(void *user)
{
	struct ccm_signals *p = user;
	mams_time now = mams_loop_now(p->loop);
	int64_t ms = FAR_MS << 2 * p->looks;
	bool any = false;
	struct ccm_heard h;

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		const struct ccm_session_link *l = &p->session->link[i];

		if (!has_radio(l) || !ccm_radio_read(p->radio, l->conf->interface, &h))
			continue;
		if (!any || pause_of(l, &h) < ms)
			ms = pause_of(l, &h);
		any = true;
		ccm_session_heard(p->session, i, &h, now);
	}
	mams_loop_timer_at(p->timer, p->running ? mams_time_add_ms(now, ms) : MAMS_TIME_NEVER);
	p->looks = any ? 0 : p->looks + (p->looks < PATIENCE);
	if (any)
		p->heard(p->user);
}

void ccm_signals_review(struct ccm_signals *p)
{
	bool any = false;

	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		any |= has_radio(&p->session->link[i]);
	if (any == p->running)
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
