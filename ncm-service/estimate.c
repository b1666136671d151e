#include "ncm-service/estimate.h"
#include "lib/mx/mx_control.h"
#include "ncm-service/compose.h"

#define AGAIN_MS 5000 /* after an instance had no room for another test */
#define AROUND 48u    /* octets of IPv6 and UDP */
#define ANSWER (AROUND + 8u)
#define BESIDE 1000u /* octets of Keep-Alives and last words */

static const struct ncm_probe_conf *conf_of(const struct ncm_session *s, uint8_t id)
{
	for (size_t i = 0; i < s->policy->n_probes; i++)
		if (s->policy->probes[i].connection_type == s->s.links[id].connection_type)
			return &s->policy->probes[i];
	return NULL;
}

/* The anchor whose user data the connection carries, or might. */
static bool anchor_of(const struct ncm_session *s, uint8_t id, size_t *anchor)
{
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if ((ncm_session_methods(s, a) & 1u << MX_CONV_MPTCP_PROXY) &&
			(ncm_session_deliveries(s, a) & 1u << id)) {
			*anchor = a;
			return true;
		}
	return false;
}

static bool is_active(const struct ncm_session *s, uint8_t id, size_t anchor)
{
	return (s->s.anchors[anchor].dl & 1u << id) && !s->s.links[id].handover;
}

static bool can_be_probed(const struct ncm_session *s, uint8_t id, size_t *anchor)
{
	const struct ncm_link *l = &s->s.links[id];

	return (s->s.features & 1u << MX_F_PROBING) && s->policy->control_port && s->probe_port &&
	       l->confirmed && l->up && conf_of(s, id) && anchor_of(s, id, anchor);
}

static bool is_switched_off(const struct ncm_session *s, size_t anchor)
{
	return (s->s.anchors[anchor].off & 1u << MX_F_PROBING) != 0;
}

static bool is_probed(const struct ncm_session *s, uint8_t id, size_t *anchor)
{
	return can_be_probed(s, id, anchor) && !is_switched_off(s, *anchor);
}

bool ncm_estimate_order(const struct ncm_session *s, uint8_t id, struct ncm_probe_order *out)
{
	const struct ncm_link *l = &s->s.links[id];
	const struct mams_addr *proxy;
	size_t anchor;

	if (!can_be_probed(s, id, &anchor))
		return false;
	proxy = ncm_policy_proxy(s->policy, (size_t)s->anchor[anchor].madp, l->access, &l->address);
	if (!proxy)
		return false;
	*out = (struct ncm_probe_order){.conf = conf_of(s, id),
		.stop = is_switched_off(s, anchor),
		.active = is_active(s, id, anchor) && s->probe[id].busy,
		.local = *proxy,
		.remote = l->address};
	out->local.port = s->policy->control_port;
	out->remote.port = s->probe_port;
	return true;
}

void ncm_estimate_confirmed(struct ncm_session *s, const struct mx_up_setup_cnf *c)
{
	s->probe_port = c->probe_param ? c->probe_param->probe_port : 0;
	/* a new user plane: what was under way may have another address */
	for (size_t i = 0; i < NCM_LINKS_MAX; i++)
		s->probe[i] = (struct ncm_probing){.paid = s->probe[i].paid};
}

/* Octets of an estimation on the connection, both ways. */
static uint64_t cost_of(const struct ncm_probe_conf *c, bool active)
{
	const uint64_t n = active ? c->active_duration_ms / c->active_ms
				  : mx_control_init_probes(c->init_ms, c->init_rate, c->init_size);
	const uint64_t size = active ? c->active_size : c->init_size;

	return n * (size + AROUND + ((active ? c->active_ack : c->init_ack) ? ANSWER : 0)) + BESIDE;
}

/* The next one has to wait until the budget allows for this one. */
static void pay(struct ncm_probing *p, const struct ncm_probe_conf *c, mams_time now)
{
	if (c->budget)
		p->paid = mams_time_add_ms(
			now, (int64_t)(cost_of(c, p->active && p->busy) * 3600 / c->budget));
}

/* A connection just set up carries nothing yet.  Later those that tell quality do so of all that
 * carry; where none does, as of kernels before 6.5, whoever may carry is taken to do so. */
static bool is_busy(const struct ncm_session *s, uint8_t id, mams_time now)
{
	bool told = false;

	for (size_t i = 0; i < NCM_LINKS_MAX; i++)
		told |= s->quality[i].dl.at.us != 0;
	return s->probe[id].once && (!told || ncm_quality_is_fresh(&s->quality[id].dl, now));
}

static void order_probes(struct ncm_session *s, uint8_t id, size_t anchor)
{
	ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_PROBE,
				    .connection_id = id,
				    .madp = s->anchor[anchor].madp});
}

void ncm_estimate_review(struct ncm_session *s, mams_time now)
{
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct ncm_probing *p = &s->probe[i];
		size_t anchor;

		if (!is_probed(s, i, &anchor)) {
			if (p->on && can_be_probed(s, i, &anchor))
				order_probes(s, i, anchor);
			p->on = false;
			continue;
		}
		if (p->on && p->active == is_active(s, i, anchor))
			continue;
		p->on = true;
		p->active = is_active(s, i, anchor);
		p->next = mams_time_max(now, p->paid);
	}
}

bool ncm_session_probe(struct ncm_session *s, uint32_t links, mams_time now)
{
	bool any = false;

	if (s->state != NCM_STATE_ACTIVE)
		return false;
	ncm_estimate_review(s, now);
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		if (!(links & 1u << i) || !s->probe[i].on ||
			mams_time_before(now, s->probe[i].paid))
			continue;
		s->probe[i].next = now;
		any = true;
	}
	return any;
}

mams_time ncm_estimate_deadline(const struct ncm_session *s)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t i = 0; s->state == NCM_STATE_ACTIVE && i < NCM_LINKS_MAX; i++)
		if (s->probe[i].on)
			t = mams_time_min(t, s->probe[i].next);
	return t;
}

void ncm_estimate_tick(struct ncm_session *s, mams_time now)
{
	for (uint8_t i = 0; s->state == NCM_STATE_ACTIVE && i < NCM_LINKS_MAX; i++) {
		struct ncm_probing *p = &s->probe[i];
		const struct ncm_probe_conf *conf = conf_of(s, i);
		size_t anchor;

		if (!p->on || mams_time_before(now, p->next))
			continue;
		p->next = MAMS_TIME_NEVER;
		if (!is_probed(s, i, &anchor)) {
			p->on = false;
			continue;
		}
		p->busy = is_busy(s, i, now);
		p->once = true;
		pay(p, conf, now);
		if (conf->period_ms)
			p->next = mams_time_max(mams_time_add_ms(now, conf->period_ms), p->paid);
		order_probes(s, i, anchor);
	}
}

void ncm_session_probing(struct ncm_session *s, uint8_t id, bool ready, mams_time now)
{
	struct ncm_probe_order o;

	if (id >= NCM_LINKS_MAX || s->state != NCM_STATE_ACTIVE || !ncm_estimate_order(s, id, &o) ||
		o.stop)
		return;
	if (!ready) {
		s->counters->probes_put_off++;
		s->probe[id].paid = now; /* nothing was sent */
		s->probe[id].next =
			mams_time_min(s->probe[id].next, mams_time_add_ms(now, AGAIN_MS));
		return;
	}
	if (mx_exchange_post(&s->exchange, ncm_compose_path_est(o.conf, id)) == 0)
		s->counters->path_estimations++;
}

int ncm_estimate_results(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_path_est_results *r = &m->path_est_results;
	const struct mx_init_probe_results *init = r->init_probe_results;
	uint8_t id = r->connection_id;
	struct ncm_path *p = &s->path[id < NCM_LINKS_MAX ? id : 0];

	if (id >= NCM_LINKS_MAX || !s->s.links[id].known)
		return mams_fail(err, MAMS_EVALUE, "connection_id",
			"%u is none of the delivery connections", id);
	if (init) {
		p->has_init = true;
		p->init_at = now;
		p->lost_percent = init->lost_probes_percentage;
		p->rate_mbps = init->probe_rate_mbps;
		p->delay_us = init->has_probe_delay_us ? init->probe_delay_us : 0;
	}
	if (r->active_probe_results) {
		p->has_active = true;
		p->active_at = now;
		p->active_mbps = r->active_probe_results->avg_tput_last_probe_duration_mbps;
	}
	s->counters->path_results++;
	return 0;
}
