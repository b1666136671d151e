#include "ncm-service/steerer_private.h"

#include "ncm-service/appreq.h"
#include "ncm-service/links.h"
#include "ncm-service/steering.h"
#include "ncm-service/tunnel.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS 200    /* least time between two looks */
#define LIVELY_MS 2000 /* from one to the next, while figures come */
#define QUIET_MS 5000  /* while none come: times run out */
#define FRESH_MS 10000 /* so old, figures are said to come */
#define AGAIN_MS 60000 /* after an order that was not done; doubles */
#define AGAIN_CAP_MS 3600000

/* ---- which traffic ---- */

static bool find_app(const struct ncm_policy *p, const char *name, uint8_t *out)
{
	for (size_t i = 0; i < p->n_apps; i++)
		if (strcmp(p->apps[i].name, name) == 0) {
			*out = (uint8_t)(1 + i);
			return true;
		}
	return false;
}

static bool find_traffic(
	const struct ncm_session *s, const struct steer_class *c, struct ncm_traffic *out)
{
	const int tunnel = ncm_tunnel_anchor(s);

	*out = (struct ncm_traffic){0};
	if (c->application && !find_app(s->policy, c->application, &out->app))
		return false;
	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		if (!s->s.anchors[a].used || !ncm_session_methods(s, a) ||
			(c->application && (int)a != tunnel) ||
			(c->anchor && strcmp(c->anchor, s->policy->anchors[a].name) != 0))
			continue;
		out->anchor = a;
		return true;
	}
	return false;
}

static bool is_held(const struct ncm_session *s, const struct ncm_traffic *t)
{
	const struct ncm_saved_app *app = t->app ? ncm_appreq_steered(s, t->app - 1u) : NULL;

	return t->app ? app && app->held : s->s.anchors[t->anchor].held;
}

/* ---- decisions ---- */

static uint8_t mode_to_mx(uint8_t mode)
{
	static const uint8_t modes[STEER_MODES] = {[STEER_ACTIVE_STANDBY] = MX_MODE_ACTIVE_STANDBY,
		[STEER_SMALLEST_DELAY] = MX_MODE_SMALLEST_DELAY,
		[STEER_LOAD_BALANCING] = MX_MODE_SPLIT,
		[STEER_PRIORITY_BASED] = MX_MODE_PRIORITY,
		[STEER_REDUNDANT] = MX_MODE_DUPLICATE};

	return mode ? (uint8_t)(1 + modes[mode - 1]) : 0;
}

static void keep_marks(struct ncm_steer_class *c, const struct steer_decision *d, mams_time now)
{
	for (size_t i = 0; i < d->n_shares; i++) {
		const struct steer_share *x = &d->shares[i];
		struct ncm_steer_mark *dl = &c->dl[x->id];
		struct ncm_steer_mark *ul = &c->ul[x->id];

		if (dl->why != x->dl_mark.why)
			*dl = (struct ncm_steer_mark){.why = x->dl_mark.why, .since = now};
		if (ul->why != x->ul_mark.why)
			*ul = (struct ncm_steer_mark){.why = x->ul_mark.why, .since = now};
		dl->tries = x->dl_mark.tries;
		ul->tries = x->ul_mark.tries;
	}
}

/* The same wish again is nothing new. */
static bool is_new(const struct ncm_steer_kept *k, const struct steer_decision *d)
{
	const struct steer_decision *was = &k->record.decision;

	if (!k->any || was->what != d->what || was->n_shares != d->n_shares ||
		d->what == STEER_APPLY)
		return true;
	for (size_t i = 0; i < d->n_shares; i++)
		if (was->shares[i].id != d->shares[i].id || was->shares[i].dl != d->shares[i].dl ||
			was->shares[i].ul != d->shares[i].ul)
			return true;
	return false;
}

static bool keep(struct ncm_steer_kept *k, const struct steer_record *r, mams_time now)
{
	const size_t n = r->input.n_links;
	struct steer_link *links = realloc(k->links, (n + 1) * sizeof(*links));
	struct steer_share *shares;

	if (!links)
		return false;
	k->links = links;
	shares = realloc(k->shares, (n + 1) * sizeof(*shares));
	if (!shares)
		return false;
	k->shares = shares;
	memcpy(links, r->input.links, n * sizeof(*links));
	memcpy(shares, r->decision.shares, n * sizeof(*shares));
	k->record = *r;
	k->record.input.links = links;
	k->record.decision.shares = shares;
	k->at = now;
	k->any = true;
	return true;
}

static struct ncm_order order_of(const struct ncm_session *s, const struct steer_class *c,
	const struct ncm_traffic *t, const struct steer_decision *d)
{
	struct ncm_order o = {.anchor = t->anchor, .app = t->app};
	uint32_t dl = 0;
	uint32_t ul = 0;

	for (size_t i = 0; i < d->n_shares; i++) {
		dl |= d->shares[i].dl_on ? 1u << d->shares[i].id : 0;
		ul |= d->shares[i].ul_on ? 1u << d->shares[i].id : 0;
	}
	ncm_steering_lists(s, &o);
	if (t->app) {
		o.steered = (struct ncm_saved_app){.dl = {dl, d->dl_first, mode_to_mx(d->dl_mode)},
			.ul = {ul, d->ul_first, mode_to_mx(d->ul_mode)}};
		memcpy(o.steered.name, c->application, strlen(c->application) + 1);
		return o;
	}
	o.dl = dl;
	o.ul = ul;
	o.dl_mode = mode_to_mx(d->dl_mode);
	o.ul_mode = mode_to_mx(d->ul_mode);
	return o;
}

static bool is_in_force(
	const struct ncm_session *s, const struct ncm_traffic *t, const struct ncm_order *o)
{
	const struct ncm_saved_anchor *a = &s->s.anchors[t->anchor];
	const uint32_t have = ncm_session_deliveries(s, t->anchor);

	return !t->app && o->dl == (a->dl & have) && o->ul == (a->ul & have) &&
	       o->dl_mode == a->dl_mode && o->ul_mode == a->ul_mode;
}

static void not_done(struct ncm_steer_class *c, const char *why)
{
	int64_t ms = AGAIN_MS;

	for (unsigned i = 0; i < c->refused && ms < AGAIN_CAP_MS; i++)
		ms *= 2;
	c->refused++;
	c->why = why;
	c->not_before = mams_time_add_ms(c->asked_at, ms < AGAIN_CAP_MS ? ms : AGAIN_CAP_MS);
}

static void apply(struct ncm_session *s, struct ncm_steer_class *c, const struct steer_class *conf,
	const struct ncm_traffic *t, mams_time now)
{
	const struct ncm_order o = order_of(s, conf, t, &c->last.record.decision);
	struct mams_error err = {0};

	c->asked_at = now;
	if (!c->told && is_in_force(s, t, &o)) {
		c->told = true;
		/* nothing has changed that would have to last */
		c->since = mams_time_add_ms(now, -(int64_t)conf->dwell_ms);
		return;
	}
	c->asked = ncm_session_steer(s, NCM_STEERER_REQUEST, &o, now, &err) == 0;
	s->counters->policy_orders += c->asked;
	if (!c->asked)
		not_done(c, "the order cannot be given");
}

/* A dwell time or a probation ends: nobody tells that. */
static void wait_for(struct ncm_steerer *st, const struct steer_record *r, mams_time now)
{
	const struct steer_decision *d = &r->decision;
	uint32_t ms = d->wait_ms ? d->wait_ms : QUIET_MS;

	for (size_t i = 0; i < d->n_shares; i++) {
		const uint32_t ready_ms = r->input.links[i].ready_ms;
		const bool waits = d->shares[i].dl == STEER_R_PROBATION ||
				   d->shares[i].ul == STEER_R_PROBATION;

		if (waits && r->policy.probation_ms - ready_ms < ms)
			ms = r->policy.probation_ms - ready_ms;
	}
	st->look_at = mams_time_min(st->look_at, mams_time_add_ms(now, ms));
}

static void look_at(struct ncm_session *s, size_t i, mams_time now)
{
	struct ncm_steerer *st = s->steerer;
	const struct steer_class *conf = &st->policy->classes[i];
	struct ncm_steer_class *c = &st->classes[i];
	struct steer_link links[NCM_LINKS_MAX];
	struct steer_share shares[STEER_LINKS_MAX];
	struct ncm_traffic t;
	struct steer_record r = {
		.at_ms = (uint64_t)(now.us / 1000), .client = s->s.identity, .policy = *conf};
	bool new;

	if (!find_traffic(s, conf, &t) || is_held(s, &t) || s->steer.open)
		return;
	ncm_outlook(s, c, &t, now, links, &r.input);
	if (r.input.n_links == 0)
		return;
	r.by = s->policy->anchors[t.anchor].name;
	steer_decide(conf, &r.input, shares, &r.decision);
	keep_marks(c, &r.decision, now);
	wait_for(st, &r, now);
	if (r.decision.what == STEER_APPLY && mams_time_before(now, c->not_before))
		return;
	new = is_new(&c->last, &r.decision);
	/* why it is as it is; a wish that has gone is no reason */
	if (r.decision.what == STEER_KEEP
			? c->last.any && c->last.record.decision.what == STEER_APPLY
			: !new)
		return;
	if (!keep(&c->last, &r, now))
		return;
	if (r.decision.what == STEER_KEEP)
		return;
	s->counters->policy_decisions++;
	ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_DECIDED, .decided = (uint8_t)i});
	if (r.decision.what == STEER_APPLY)
		apply(s, c, conf, &t, now);
}

/* ---- time ---- */

static bool is_ready(const struct ncm_session *s, uint8_t id)
{
	const struct ncm_link *l = &s->s.links[id];

	return l->up && l->in_setup && l->confirmed && (!l->handover || ncm_link_is_fading(l));
}

static bool is_lively(const struct ncm_session *s, mams_time now)
{
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_quality *q = &s->quality[i];
		const bool dl = q->dl.has_rate || q->dl.has_delay || q->dl.has_loss;
		const bool ul = q->ul.has_rate || q->ul.has_delay || q->ul.has_loss;

		if ((dl && ncm_ms_since(q->dl.at, now) < FRESH_MS) ||
			(ul && ncm_ms_since(q->ul.at, now) < FRESH_MS))
			return true;
	}
	return false;
}

void ncm_steerer_tick(struct ncm_session *s, mams_time now)
{
	struct ncm_steerer *st = s->steerer;

	if (!st || s->state != NCM_STATE_ACTIVE || mams_time_before(now, st->look_at))
		return;
	st->looked = now;
	st->look_at = mams_time_add_ms(now, is_lively(s, now) ? LIVELY_MS : QUIET_MS);
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const bool ready = is_ready(s, i);
		const bool fading = ready && s->s.links[i].handover;

		if (ready && (!st->ready[i] || st->fading[i] != fading))
			st->ready_since[i] = now;
		st->ready[i] = ready;
		st->fading[i] = fading;
	}
	for (size_t i = 0; i < st->n; i++)
		look_at(s, i, now);
}

mams_time ncm_steerer_deadline(const struct ncm_session *s)
{
	return s->steerer && s->state == NCM_STATE_ACTIVE ? s->steerer->look_at : MAMS_TIME_NEVER;
}

void ncm_steerer_news(struct ncm_session *s, mams_time now)
{
	struct ncm_steerer *st = s->steerer;

	if (!st)
		return;
	st->look_at = mams_time_min(st->look_at, mams_time_add_ms(st->looked, LOOK_MS));
	if (mams_time_before(st->look_at, now))
		st->look_at = now;
}

void ncm_steerer_back(struct ncm_session *s, uint8_t id, bool ul, bool dl, mams_time now)
{
	struct ncm_steerer *st = s->steerer;

	if (!st || !(ul || dl))
		return;
	st->ready_since[id] = now;
	for (size_t i = 0; i < st->n; i++) {
		if (ul)
			st->classes[i].ul[id] = (struct ncm_steer_mark){0};
		if (dl)
			st->classes[i].dl[id] = (struct ncm_steer_mark){0};
	}
}

static bool is_same(const struct ncm_forecast *a, const struct ncm_forecast *b)
{
	return a->has_load == b->has_load && a->load == b->load && a->fading == b->fading &&
	       a->maintenance == b->maintenance;
}

bool ncm_steerer_network(struct ncm_session *s, mams_time now)
{
	bool any = false;

	for (uint8_t i = 0; s->steerer && i < NCM_LINKS_MAX; i++) {
		const struct ncm_forecast f = ncm_forecast_of(s, i, now);

		any |= !is_same(&f, &s->steerer->told[i]);
		s->steerer->told[i] = f;
	}
	if (any)
		ncm_steerer_news(s, now);
	return any;
}

void ncm_steerer_done(struct ncm_session *s, int code, const char *text)
{
	struct ncm_steerer *st = s->steerer;

	for (size_t i = 0; st && i < st->n; i++) {
		struct ncm_steer_class *c = &st->classes[i];

		if (!c->asked)
			continue;
		c->asked = false;
		if (code == 0) {
			/* the first order makes what is wanted of what was found: it need not last
			 */
			c->since = c->told ? c->asked_at
					   : mams_time_add_ms(c->asked_at,
						     -(int64_t)st->policy->classes[i].dwell_ms);
			c->told = true;
			c->refused = 0;
			continue;
		}
		s->counters->policy_refused++;
		not_done(c, text);
	}
	if (st)
		st->look_at = mams_time_min(st->look_at, mams_time_add_ms(st->looked, LOOK_MS));
}

/* ---- life ---- */

static void class_fini(struct ncm_steer_class *c)
{
	free(c->last.links);
	free(c->last.shares);
	c->last = (struct ncm_steer_kept){0};
}

static const struct ncm_steer_class *find_old(
	const struct ncm_steerer *old, const struct steer_class *conf)
{
	for (size_t i = 0; old && i < old->n; i++)
		if (strcmp(old->policy->classes[i].name, conf->name) == 0)
			return &old->classes[i];
	return NULL;
}

void ncm_steerer_forget(struct ncm_session *s)
{
	for (size_t i = 0; s->steerer && i < s->steerer->n; i++)
		class_fini(&s->steerer->classes[i]);
	free(s->steerer);
	s->steerer = NULL;
}

void ncm_steerer_renew(struct ncm_session *s, mams_time now)
{
	const struct steer_policy *p = s->policy->steer;
	struct ncm_steerer *old = s->steerer;
	struct ncm_steerer *st =
		p ? calloc(1, sizeof(*st) + p->n_classes * sizeof(st->classes[0])) : NULL;

	if (st && old)
		*st = *old;
	if (st) {
		st->policy = p;
		st->looked = st->look_at = now;
		st->n = p->n_classes;
	}
	for (size_t i = 0; st && i < st->n; i++) {
		const struct ncm_steer_class *c = find_old(old, &p->classes[i]);

		if (c)
			st->classes[i] = *c;
		st->classes[i].last = (struct ncm_steer_kept){0};
	}
	ncm_steerer_forget(s);
	s->steerer = st;
}

void ncm_steerer_auto(struct ncm_session *s, mams_time now)
{
	for (size_t a = 0; a < NCM_ANCHORS_MAX; a++)
		s->s.anchors[a].held = false;
	for (size_t i = 0; i < NCM_APPS_MAX; i++)
		s->s.apps[i].held = false;
	for (size_t i = 0; s->steerer && i < s->steerer->n; i++) {
		s->steerer->classes[i].told = false;
		s->steerer->classes[i].refused = 0;
		s->steerer->classes[i].not_before = now;
	}
	ncm_session_store(s);
	ncm_steerer_news(s, now);
}

/* ---- for who asks ---- */

size_t ncm_steerer_count(const struct ncm_session *s)
{
	return s->steerer ? s->steerer->n : 0;
}

enum ncm_steered ncm_steerer_state(const struct ncm_session *s, size_t class, const char **why)
{
	const struct ncm_steer_class *c = &s->steerer->classes[class];
	struct ncm_traffic t;

	if (why)
		*why = c->refused ? c->why : NULL;
	if (!find_traffic(s, &s->steerer->policy->classes[class], &t))
		return NCM_STEERED_NOT;
	if (is_held(s, &t))
		return NCM_STEERED_HELD;
	return c->refused ? NCM_STEERED_REFUSED : NCM_STEERED_AUTO;
}

int ncm_steerer_class(const struct ncm_session *s, size_t anchor, int app)
{
	for (size_t i = 0; i < ncm_steerer_count(s); i++) {
		struct ncm_traffic t;

		if (find_traffic(s, &s->steerer->policy->classes[i], &t) && t.anchor == anchor &&
			t.app == app + 1)
			return (int)i;
	}
	return -1;
}

const struct steer_record *ncm_steerer_record(
	const struct ncm_session *s, size_t class, mams_time *at)
{
	const struct ncm_steer_kept *k = &s->steerer->classes[class].last;

	*at = k->at;
	return k->any ? &k->record : NULL;
}
