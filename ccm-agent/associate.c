#include "ccm-agent/associate.h"

#include "ccm-agent/compose.h"
#include "ccm-agent/setup.h"

#include <errno.h>
#include <string.h>

void ccm_associate_init(struct ccm_session *s)
{
	s->app.due = MAMS_TIME_NEVER;
	s->app.review = MAMS_TIME_NEVER;
}

void ccm_associate_fini(struct ccm_session *s)
{
	mx_msg_free(s->app.analytics);
	s->app.analytics = NULL;
}

static bool is_up(const struct ccm_session *s)
{
	return s->state == CCM_STATE_ACTIVE || s->state == CCM_STATE_HANDOVER;
}

static void tell(struct ccm_session *s, uint32_t id, enum ccm_verdict verdict, const char *text)
{
	ccm_session_push(
		s, (struct ccm_action){
			   .kind = CCM_ACT_NEED, .need = id, .verdict = verdict, .text = text});
}

/* It never was, or no longer is, in effect: forget it. */
static void drop(
	struct ccm_session *s, struct ccm_need *k, enum ccm_verdict verdict, const char *text)
{
	uint32_t id = k->id;

	/* what the NCM has been told of, it must be told again without */
	if (k->state != CCM_NEED_NEW || s->app.asked == id)
		s->app.stale = true;
	*k = (struct ccm_need){0};
	tell(s, id, verdict, text);
}

static struct ccm_need *next_new(struct ccm_session *s)
{
	struct ccm_need *first = NULL;

	for (size_t i = 0; i < CCM_NEEDS_MAX; i++) {
		struct ccm_need *k = &s->app.needs.need[i];

		if (k->id && k->state == CCM_NEED_NEW && (!first || k->id < first->id))
			first = k;
	}
	return first;
}

static bool any_accepted(const struct ccm_session *s)
{
	for (size_t i = 0; i < CCM_NEEDS_MAX; i++)
		if (s->app.needs.need[i].id && s->app.needs.need[i].state != CCM_NEED_NEW)
			return true;
	return false;
}

static bool ask_predictions(struct ccm_session *s, mams_time now)
{
	if (mx_exchange_has(&s->exchange, MX_NETWORK_ANALYTICS_REQ))
		return true;
	return mx_exchange_begin(&s->exchange, ccm_compose_analytics_req(s), 0, now) == 0;
}

static bool is_fresh(const struct ccm_session *s, mams_time now)
{
	return s->app.analytics &&
	       mams_time_before(now, mams_time_add_ms(s->app.analytics_at, CCM_FRESH_MS));
}

static uint32_t candidates(const struct ccm_session *s)
{
	const struct ccm_anchor *a = ccm_setup_caught(s);
	uint32_t bits = 0;

	for (size_t i = 0; a && i < CCM_LINKS_MAX; i++)
		if (s->link[i].admitted && s->link[i].now.usable && a->lane[i].named)
			bits |= 1u << i;
	return bits;
}

/* What was chosen before is where the choice begins. */
static void recall(const struct ccm_session *s, struct ccm_class *k)
{
	for (size_t i = 0; i < s->app.n_wanted; i++) {
		const struct ccm_class *old = &s->app.wanted[i];

		if (!ccm_class_same_flow(old, k))
			continue;
		memcpy(k->links, old->links, sizeof(k->links));
		k->n_links = old->n_links;
	}
}

/* The classes as they should be.  An accepted need that can no longer be kept stays where it is;
 * the new one must be kept.
 *  @return NULL, or why the new one cannot be */
static const char *choose(struct ccm_session *s, const struct ccm_need *fresh,
	struct ccm_class out[CCM_CLASSES_MAX], size_t *n)
{
	int have = ccm_needs_classes(&s->app.needs, fresh ? fresh->id : 0, out);

	if (have < 0)
		return "too many different flows";
	*n = 0;
	for (int i = 0; i < have; i++) {
		struct ccm_class k = out[i];
		const char *why;

		recall(s, &k);
		why = ccm_class_choose(&k, s->app.quality, candidates(s));
		if (why && fresh)
			return why;
		if (k.n_links > 0)
			out[(*n)++] = k;
	}
	return NULL;
}

/* Would the links be others now? */
static bool has_changed(struct ccm_session *s)
{
	struct ccm_class k[CCM_CLASSES_MAX];
	size_t n = 0;

	(void)choose(s, NULL, k, &n);
	if (n != s->app.n_wanted)
		return true;
	for (size_t i = 0; i < n; i++)
		if (!ccm_class_eq(&s->app.wanted[i], &k[i]))
			return true;
	return false;
}

static void put(struct ccm_session *s, const struct ccm_class *k, size_t n, mams_time now)
{
	struct ccm_associate *a = &s->app;

	memcpy(a->wanted, k, n * sizeof(*k));
	a->n_wanted = n;
	a->stale = false;
	if (mx_exchange_begin(&s->exchange, ccm_compose_assoc_req(s, k, n), 0, now) == 0)
		return;
	a->asked = 0;
	a->stale = true; /* no memory, or too many flows and links for one message */
	a->review = mams_time_add_ms(now, CCM_NEED_REVIEW_MS);
}

/* Predictions are at hand.  @return false when there was nothing to send */
static bool associate(struct ccm_session *s, struct ccm_need *fresh, mams_time now)
{
	struct ccm_class k[CCM_CLASSES_MAX];
	size_t n = 0;
	const char *why = choose(s, fresh, k, &n);

	if (why && fresh) {
		drop(s, fresh, CCM_VERDICT_REFUSED, why);
		return false;
	}
	if (n == 0 && !s->app.told) {
		s->app.n_wanted = 0;
		s->app.stale = false;
		return false;
	}
	s->app.asked = fresh ? fresh->id : 0;
	put(s, k, n, now);
	if (fresh && s->app.stale)
		drop(s, fresh, CCM_VERDICT_REFUSED, "too many flows for one association");
	return true;
}

/* What is next, if nothing is under way. */
static void step(struct ccm_session *s, mams_time now)
{
	struct ccm_need *fresh;

	while (is_up(s) && !mx_exchange_has(&s->exchange, MX_APP_MADP_ASSOC_REQ)) {
		fresh = next_new(s);
		if (!fresh && !s->app.stale)
			return;
		if ((fresh || any_accepted(s)) && !is_fresh(s, now)) {
			if (!ask_predictions(s, now) && fresh)
				drop(s, fresh, CCM_VERDICT_AWAY, "no memory");
			return;
		}
		if (associate(s, fresh, now) || !fresh)
			return;
	}
}

/* ---- for the API ---- */

int64_t ccm_session_need(struct ccm_session *s, const struct ccm_need *in, uint32_t owner,
	mams_time expires, mams_time now)
{
	struct ccm_need *k;

	if (!is_up(s))
		return -MAMS_ESTATE;
	k = ccm_needs_add(&s->app.needs, in, owner, expires);
	if (!k)
		return -MAMS_ELIMIT;
	if (mams_time_is_never(s->app.review))
		s->app.review = mams_time_add_ms(now, CCM_NEED_REVIEW_MS);
	s->counters.needs++;
	/* by tick(): the verdict must not come before the caller knows the id */
	s->app.due = now;
	return k->id;
}

void ccm_session_need_end(struct ccm_session *s, uint32_t id, mams_time now)
{
	struct ccm_need *k = ccm_needs_find(&s->app.needs, id);

	if (!k)
		return;
	s->app.stale |= k->state != CCM_NEED_NEW || s->app.asked == id;
	*k = (struct ccm_need){0};
	step(s, now);
}

int ccm_session_predict(struct ccm_session *s, mams_time now)
{
	if (!is_up(s) || !ask_predictions(s, now))
		return -MAMS_ESTATE;
	s->app.predicting = true;
	return 0;
}

/* ---- answers ---- */

static void predicted(struct ccm_session *s, const char *text)
{
	if (!s->app.predicting)
		return;
	s->app.predicting = false;
	ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_ANALYTICS, .text = text});
}

static void take_prediction(struct ccm_quality *q, const struct mx_prediction *p, bool seconds)
{
	const double v = mx_prediction_value(p, seconds);

	if (p->param_name == MX_P_LATENCY) {
		q->has_latency = true;
		q->latency_ms = v;
	} else if (p->param_name == MX_P_JITTER) {
		q->has_jitter = true;
		q->jitter_ms = v;
	} else if (p->param_name == MX_P_BANDWIDTH) {
		q->has_bandwidth = true;
		q->bandwidth = v;
	}
}

int ccm_associate_analytics(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_network_analytics_rsp *r = &m->network_analytics_rsp;
	struct mx_msg *copy = mx_msg_copy(m);

	(void)err;
	if (!copy)
		return -ENOMEM;
	mx_msg_free(s->app.analytics);
	s->app.analytics = copy;
	s->app.analytics_at = now;
	memset(s->app.quality, 0, sizeof(s->app.quality));
	for (size_t i = 0; i < r->n_param_list; i++)
		for (size_t k = 0; k < r->param_list[i].n_predictions; k++)
			if (r->param_list[i].connection_id < CCM_LINKS_MAX)
				take_prediction(&s->app.quality[r->param_list[i].connection_id],
					&r->param_list[i].predictions[k],
					s->conf->analytics_unit == CCM_UNIT_S);
	predicted(s, NULL);
	if (any_accepted(s) && !mx_exchange_has(&s->exchange, MX_APP_MADP_ASSOC_REQ))
		s->app.stale |= has_changed(s);
	step(s, now);
	return 0;
}

int ccm_associate_rsp(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	struct ccm_need *k = ccm_needs_find(&s->app.needs, s->app.asked);

	(void)err;
	s->app.asked = 0;
	if (m->app_madp_assoc_rsp.is_success) {
		s->app.told = s->app.n_wanted > 0;
		s->counters.associations++;
	} else {
		s->counters.associations_refused++;
	}
	if (k && m->app_madp_assoc_rsp.is_success) {
		k->state = CCM_NEED_ACCEPTED;
		tell(s, k->id, CCM_VERDICT_ACCEPTED, NULL);
		/* the steering request may have come first, on its own way */
		if (!s->steer_req)
			ccm_associate_steered(s, now);
	} else if (k) {
		/* all or nothing: what the NCM held before, it holds still */
		s->app.stale = true;
		drop(s, k, CCM_VERDICT_REFUSED, "the NCM does not agree");
	}
	step(s, now);
	return 0;
}

void ccm_associate_steered(struct ccm_session *s, mams_time now)
{
	struct ccm_associate *a = &s->app;

	(void)now;
	for (size_t i = 0; i < CCM_NEEDS_MAX; i++) {
		struct ccm_need *k = &a->needs.need[i];
		size_t hits = 0;

		for (size_t t = 0; k->id && t < k->n_streams; t++) {
			const struct ccm_class flow = {.protocol = k->streams[t].protocol,
				.port_first = k->streams[t].port_first,
				.port_last = k->streams[t].port_last};
			bool hit = false;

			for (size_t c = 0; c < a->n_classes; c++)
				hit |= ccm_class_same_flow(&a->classes[c], &flow);
			hits += hit;
		}
		if (!k->id || k->state == CCM_NEED_NEW)
			continue;
		if (hits < k->n_streams) {
			k->state = CCM_NEED_ACCEPTED;
		} else if (k->state == CCM_NEED_ACCEPTED) {
			k->state = CCM_NEED_IN_EFFECT;
			tell(s, k->id, CCM_VERDICT_EFFECT, NULL);
		}
	}
}

void ccm_associate_setup(struct ccm_session *s, mams_time now)
{
	s->app.stale |= any_accepted(s) || s->app.told;
	step(s, now);
}

bool ccm_associate_expired(struct ccm_session *s, enum mx_type type, mams_time now)
{
	struct ccm_need *k;

	if (type == MX_NETWORK_ANALYTICS_REQ) {
		predicted(s, "the NCM does not answer");
		while ((k = next_new(s)))
			drop(s, k, CCM_VERDICT_AWAY, "the NCM does not answer");
		return true;
	}
	if (type != MX_APP_MADP_ASSOC_REQ)
		return false;
	k = ccm_needs_find(&s->app.needs, s->app.asked);
	s->app.asked = 0;
	if (k)
		drop(s, k, CCM_VERDICT_AWAY, "the NCM does not answer");
	s->app.stale = true;
	s->app.review = mams_time_add_ms(now, CCM_NEED_REVIEW_MS);
	return true;
}

void ccm_associate_lost(struct ccm_session *s)
{
	struct ccm_need *k;

	s->app.asked = 0;
	predicted(s, "the session with the NCM is lost");
	while ((k = next_new(s)))
		drop(s, k, CCM_VERDICT_AWAY, "the session with the NCM is lost");
}

void ccm_associate_forget(struct ccm_session *s)
{
	s->app.told = false;
	s->app.n_classes = 0;
	for (size_t i = 0; i < CCM_NEEDS_MAX; i++)
		if (s->app.needs.need[i].state == CCM_NEED_IN_EFFECT)
			s->app.needs.need[i].state = CCM_NEED_ACCEPTED;
}

/* ---- time ---- */

mams_time ccm_associate_deadline(const struct ccm_session *s)
{
	mams_time t = mams_time_min(s->app.due, ccm_needs_deadline(&s->app.needs));

	return is_up(s) ? mams_time_min(t, s->app.review) : t;
}

static void review(struct ccm_session *s, mams_time now)
{
	bool any = any_accepted(s);

	s->app.review =
		any || s->app.stale ? mams_time_add_ms(now, CCM_NEED_REVIEW_MS) : MAMS_TIME_NEVER;
	if (any)
		(void)!ask_predictions(s, now);
	if (s->app.stale)
		step(s, now);
}

void ccm_associate_tick(struct ccm_session *s, mams_time now)
{
	for (size_t i = 0; i < CCM_NEEDS_MAX; i++) {
		struct ccm_need *k = &s->app.needs.need[i];

		if (k->id && !mams_time_before(now, k->expires)) {
			s->app.due = now;
			drop(s, k, CCM_VERDICT_EXPIRED, "its lifetime is over");
		}
	}
	if (!mams_time_before(now, s->app.due)) {
		s->app.due = MAMS_TIME_NEVER;
		step(s, now);
	}
	if (is_up(s) && !mams_time_before(now, s->app.review))
		review(s, now);
}
