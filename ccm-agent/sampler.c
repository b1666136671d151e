#include "ccm-agent/sampler.h"
#include "ccm-agent/battery.h"
#include "ccm-agent/linkstat.h"

#include <errno.h>
#include <stdlib.h>

#define BATTERY_MS 5000 /* it lasts longer than that, and some take their time to say */
#define MOST_MS 1000    /* so long at most until a crossed threshold is seen */

struct ccm_sampler {
	struct mams_loop *loop;
	struct ccm_session *session;
	void (*sampled)(void *user);
	void *user;
	struct mams_loop_timer *timer;
	bool running;
	const char *power_supply;
	mams_time battery_at; /**< NEVER: not yet */
	int battery;          /**< percent; -1: none */
	struct {
		mams_time at; /**< NEVER: not yet */
		uint64_t rx, tx;
	} last[CCM_LINKS_MAX];
};

static uint32_t interval(const struct ccm_sampler *p)
{
	uint32_t ms = ccm_session_measure_ms(p->session);

	return ms > MOST_MS ? MOST_MS : ms;
}

/* Mbit/s */
static int64_t rate(uint64_t octets, int64_t us)
{
	return us > 0 ? (int64_t)((double)octets * 8 / (double)us + 0.5) : 0;
}

static void measure_traffic(struct ccm_sampler *p, uint8_t id, const char *interface, mams_time now)
{
	uint64_t rx = ccm_linkstat_rx(interface);
	uint64_t tx = ccm_linkstat_tx(interface);
	int64_t us = now.us - p->last[id].at.us;
	bool again = !mams_time_is_never(p->last[id].at);

	/* a new interface of the same name counts from zero */
	if (again && rx >= p->last[id].rx)
		ccm_session_measured(p->session, id, MX_M_DL_TPUT, rate(rx - p->last[id].rx, us));
	if (again && tx >= p->last[id].tx)
		ccm_session_measured(p->session, id, MX_M_UL_TPUT, rate(tx - p->last[id].tx, us));
	p->last[id].at = now;
	p->last[id].rx = rx;
	p->last[id].tx = tx;
}

/* Whichever connections it is wanted of. */
static void measure_battery(struct ccm_sampler *p, mams_time now)
{
	bool wanted = false;

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++)
		wanted |= ccm_measures_wants(&p->session->measures, i, MX_M_BATTERY);
	if (!wanted)
		return;
	if (mams_time_is_never(p->battery_at) ||
		mams_time_ms_until(p->battery_at, now) >= BATTERY_MS) {
		p->battery = ccm_battery_read(p->power_supply);
		p->battery_at = now;
	}
	for (uint8_t i = 0; p->battery >= 0 && i < CCM_LINKS_MAX; i++)
		ccm_session_measured(p->session, i, MX_M_BATTERY, p->battery);
}

static void sample(void *user)
{
	struct ccm_sampler *p = user;
	mams_time now = mams_loop_now(p->loop);

	measure_battery(p, now);

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		const struct ccm_session_link *l = &p->session->link[i];

		if (!l->conf || !l->now.usable) {
			p->last[i].at = MAMS_TIME_NEVER;
			continue;
		}
		measure_traffic(p, i, l->conf->interface, now);
	}
	mams_loop_timer_at(p->timer, mams_time_add_ms(now, interval(p)));
	p->sampled(p->user);
}

void ccm_sampler_review(struct ccm_sampler *p)
{
	bool wanted = ccm_session_measure_ms(p->session) > 0;

	if (wanted == p->running)
		return;
	p->running = wanted;
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		p->last[i].at = MAMS_TIME_NEVER;
	mams_loop_timer_at(p->timer, wanted ? mams_loop_now(p->loop) : MAMS_TIME_NEVER);
}

int ccm_sampler_new(struct mams_loop *l, const char *power_supply, struct ccm_session *s,
	void (*sampled)(void *user), void *user, struct ccm_sampler **out)
{
	struct ccm_sampler *p = calloc(1, sizeof(*p));
	int rc = p ? mams_loop_timer_new(l, sample, p, &p->timer) : -ENOMEM;

	if (rc < 0) {
		free(p);
		return rc;
	}
	p->loop = l;
	p->power_supply = power_supply;
	p->battery_at = MAMS_TIME_NEVER;
	p->session = s;
	p->sampled = sampled;
	p->user = user;
	*out = p;
	return 0;
}

void ccm_sampler_free(struct ccm_sampler *p)
{
	if (!p)
		return;
	mams_loop_timer_del(p->timer);
	free(p);
}
