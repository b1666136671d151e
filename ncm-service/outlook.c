/* What is known of a session's links, for its steering. */
#include "ncm-service/appreq.h"
#include "ncm-service/links.h"
#include "ncm-service/steerer_private.h"
#include "ncm-service/steering.h"
#include "ncm-service/usage.h"

#define IDLE_MS 3600000       /* what a path's delay was without load counts for so long */
#define BATTERY_AGE_MS 900000 /* the client's battery, as it was reported, likewise */
#define OTHER_MODE 255        /* in force, and none of ours */

/* ---- what is known ---- */

static void put_measured(const struct ncm_session *s, uint8_t id, enum mx_measurement_type type,
	mams_time now, struct steer_figures *f)
{
	const struct ncm_measured *m = s->measured[id] ? &s->measured[id][type] : NULL;
	int64_t value;

	if (!m || m->n == 0 || f->has_rate || ncm_ms_since(m->last, now) > STEER_MAX_AGE_MS)
		return;
	value = m->value[(m->next + NCM_MEASURED_MAX - 1) % NCM_MEASURED_MAX];
	if (value <= 0 || value > UINT32_MAX / 1000)
		return;
	f->has_rate = true;
	f->rate_kbps = (uint32_t)value * 1000;
}

/* What runs over the link tells most; of one that carries nothing probes do. */
static struct steer_figures figures_of(
	const struct ncm_way_quality *q, const struct ncm_path *p, mams_time now)
{
	const bool any = q->has_rate || q->has_delay || q->has_loss;
	struct steer_figures f = {.has_rate = q->has_rate,
		.has_used = q->at.us > 0,
		.has_delay = q->has_delay,
		.has_jitter = q->has_jitter,
		.has_loss = q->has_loss,
		.rate_kbps = q->rate_kbps,
		.used_kbps = q->used_kbps,
		.delay_us = q->delay_us,
		.jitter_us = q->jitter_us,
		.loss_ppm = q->loss_ppm > 1000000 ? 1000000 : q->loss_ppm,
		.age_ms = any ? ncm_ms_since(q->at, now) : 0};

	if (p->has_init && (!any || f.age_ms > STEER_MAX_AGE_MS))
		f = (struct steer_figures){.has_delay = p->delay_us > 0,
			.delay_us = p->delay_us,
			.has_loss = true,
			.loss_ppm = p->lost_percent >= 100 ? 1000000
				    : p->lost_percent > 0  ? (uint32_t)(p->lost_percent * 10000)
							   : 0,
			.age_ms = ncm_ms_since(p->init_at, now)};
	f.has_idle = p->has_init && p->delay_us > 0 && ncm_ms_since(p->init_at, now) < IDLE_MS;
	f.idle_us = f.has_idle ? p->delay_us : 0;
	return f;
}

static void put_load(const struct ncm_session *s, uint8_t id, mams_time now, struct steer_link *l)
{
	const struct ncm_forecast f = ncm_forecast_of(s, id, now);
	const struct ncm_measured *m = s->measured[id] ? &s->measured[id][MX_M_WLAN_LOAD] : NULL;
	int64_t load = f.load;

	l->has_load = f.has_load;
	if (!l->has_load && m && m->n > 0 && ncm_ms_since(m->last, now) <= STEER_MAX_AGE_MS) {
		load = m->value[(m->next + NCM_MEASURED_MAX - 1) % NCM_MEASURED_MAX];
		l->has_load = load >= 0;
	}
	if (l->has_load)
		l->load = load > 100 ? 100 : (uint32_t)load;
	l->fading = f.fading || ncm_link_is_fading(&s->s.links[id]);
	l->maintenance = f.maintenance;
}

static struct steer_mark mark_of(const struct ncm_steer_mark *m, mams_time now)
{
	return (struct steer_mark){.why = m->why,
		.ms = m->why == STEER_R_CARRIES ? 0 : ncm_ms_since(m->since, now),
		.has_tries = m->tries > 0,
		.tries = m->tries};
}

static void put_link(const struct ncm_session *s, const struct ncm_steer_class *c, size_t anchor,
	uint8_t id, mams_time now, struct steer_link *out)
{
	const struct ncm_steerer *st = s->steerer;
	const char *access = s->policy->accesses[s->s.links[id].access].name;
	uint64_t used = 0;

	(void)ncm_usage_of(s, id, now, &used);
	used /= 1000000;
	*out = (struct steer_link){.id = id,
		.access = access,
		.ready = st->ready[id] && (ncm_session_deliveries(s, anchor) & 1u << id),
		.ready_ms = st->ready[id] ? ncm_ms_since(st->ready_since[id], now) : 0,
		.used_mb = used < UINT32_MAX ? (uint32_t)used : UINT32_MAX,
		.dl = figures_of(&s->quality[id].dl, &s->path[id], now),
		.ul = figures_of(&s->quality[id].ul, &s->path[id], now),
		.dl_mark = mark_of(&c->dl[id], now),
		.ul_mark = mark_of(&c->ul[id], now)};
	steer_price_put(steer_policy_price(st->policy, access), out);
	put_measured(s, id, MX_M_EST_DL_TPUT, now, &out->dl);
	put_measured(s, id, MX_M_EST_UL_TPUT, now, &out->ul);
	put_load(s, id, now, out);
}

/* ---- what is in force ---- */

static uint8_t mode_of_mx(uint8_t mode)
{
	switch (mode) {
	case 0:
		return 0;
	case 1 + MX_MODE_ACTIVE_STANDBY:
		return 1 + STEER_ACTIVE_STANDBY;
	case 1 + MX_MODE_SMALLEST_DELAY:
		return 1 + STEER_SMALLEST_DELAY;
	case 1 + MX_MODE_PRIORITY:
		return 1 + STEER_PRIORITY_BASED;
	case 1 + MX_MODE_SPLIT:
		return 1 + STEER_LOAD_BALANCING;
	case 1 + MX_MODE_DUPLICATE:
		return 1 + STEER_REDUNDANT;
	}
	return OTHER_MODE;
}

/* A list stays as it was ordered when a link of it goes; if all have gone those that there are
 * carry.
 */
static uint32_t in_force(uint32_t list, uint32_t have)
{
	return list & have ? list : list | have;
}

static void put_force(
	const struct ncm_session *s, const struct ncm_traffic *t, struct steer_input *in)
{
	const uint32_t have = ncm_session_deliveries(s, t->anchor);
	const struct ncm_saved_app *app = t->app ? ncm_appreq_steered(s, t->app - 1u) : NULL;
	const struct ncm_saved_anchor *a = &s->s.anchors[t->anchor];
	const uint32_t dl = in_force(app ? app->dl.links : a->dl, have);
	const uint32_t ul = in_force(app ? app->ul.links : a->ul, have);

	in->dl_mode = mode_of_mx(app ? app->dl.mode : a->dl_mode);
	in->ul_mode = mode_of_mx(app ? app->ul.mode : a->ul_mode);
	in->dl_first = app ? app->dl.first : 0;
	in->ul_first = app ? app->ul.first : 0;
	in->told &= !t->app || app;
	for (size_t i = 0; i < in->n_links; i++) {
		in->links[i].dl_on = (dl & 1u << in->links[i].id) != 0;
		in->links[i].ul_on = (ul & 1u << in->links[i].id) != 0;
	}
}

/* Whichever of its connections the client has reported it of last. */
static void put_battery(const struct ncm_session *s, mams_time now, struct steer_input *in)
{
	const struct ncm_measured *last = NULL;
	int64_t value;

	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_measured *m =
			s->measured[i] ? &s->measured[i][MX_M_BATTERY] : NULL;

		if (m && m->n > 0 && (!last || mams_time_before(last->last, m->last)))
			last = m;
	}
	if (!last || ncm_ms_since(last->last, now) > BATTERY_AGE_MS)
		return;
	value = last->value[(last->next + NCM_MEASURED_MAX - 1) % NCM_MEASURED_MAX];
	in->has_battery = value >= 0 && value <= 100;
	in->battery = in->has_battery ? (uint32_t)value : 0;
}

/* Not all clients do the same at the same time. */
static uint32_t spread_of(const struct ncm_session *s)
{
	return (uint32_t)(s->s.session_id * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

void ncm_outlook(const struct ncm_session *s, const struct ncm_steer_class *c,
	const struct ncm_traffic *t, mams_time now, struct steer_link links[NCM_LINKS_MAX],
	struct steer_input *in)
{
	*in = (struct steer_input){.apart = ncm_steering_apart(s, t->anchor),
		.tunnel = (ncm_session_methods(s, t->anchor) & 1u << MX_CONV_GMA) != 0,
		.told = c->told,
		.since_ms = c->told ? ncm_ms_since(c->since, now) : 0,
		.spread = spread_of(s),
		.links = links};
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];

		if (l->known && l->admission == NCM_ADMIT_OK && (l->in_setup || c->told) &&
			(s->policy->anchors[t->anchor].accesses & 1u << l->access))
			put_link(s, c, t->anchor, i, now, &links[in->n_links++]);
	}
	put_force(s, t, in);
	put_battery(s, now, in);
}
