#include "tests/sim/world.h"

#include "ccm-agent/compose.h"
#include "lib/ctl/ctl_msg.h"
#include "ncm-service/compose.h"
#include "ncm-service/protect.h"

#include <stdio.h>
#include <string.h>

/* An event is a message under way or an answer of the world; kind of its timer. */
enum kind {
	TURN,    /* no event: a client's own deadline */
	TO_NCM,  /* text is a message POSTed */
	TO_CCM,  /* text is a reply or what a poll brought */
	UNKNOWN, /* the NCM answered 404 */
	PREPARED,
	APPLIED,
	PROBING, /* text is a digit: may it? then the connection id */
};

struct event {
	struct mams_timer timer;
	struct world_client *client;
	char *text;
	struct mx_msg *copy; /* instead of the text */
};

static const struct ccm_link_conf links[3] = {
	{.name = "wifi",
		.connection_id = 0,
		.connection_type = MX_WIFI,
		.interface = "wifi0",
		.ssid = "office-5GHz",
		.node_id = "ap-7",
		.fade = {.low = -75, .good = -69, .ahead_ms = 1000}},
	{.name = "lte",
		.connection_id = 1,
		.connection_type = MX_LTE,
		.interface = "lte0",
		.priority = 1,
		.fade = {.low = -110, .good = -104, .ahead_ms = 1000}},
	{.name = "dock",
		.connection_id = 2,
		.connection_type = MX_WIFI,
		.interface = "eth0",
		.priority = 2},
};

static const struct mx_timing timing = {.timeout_ms = 1000, .timeout_cap_ms = 4000, .retries = 3};

/* The instances that are there connect at once. */
static struct ncm_registry *new_registry(struct world *w)
{
	struct ncm_registry *r = ncm_registry_new(&w->policy, w->now);

	for (size_t i = 0; r && i < w->policy.n_madps; i++)
		if (!w->madp_away[i])
			ncm_madps_connected(ncm_registry_madps(r), i);
	return r;
}

static void start_ccm(struct world *w, struct world_client *c)
{
	ccm_session_init(&c->ccm, &w->conf, mams_prng_next(&w->prng));
	c->applied = (struct ccm_target){0};
	c->up = true;
	c->stopped = false;
	ccm_session_start(&c->ccm, w->now);
}

void world_init(struct world *w, uint64_t seed, size_t n)
{
	world_init_with(w, seed, n, 1, 1);
}

void world_init_with(struct world *w, uint64_t seed, size_t n, size_t madps, size_t anchors)
{
	*w = (struct world){.prng = {seed ? seed : 1},
		.now = {1000000},
		.delay_ms = 20,
		.ncm_up = true,
		.clients = calloc(n, sizeof(*w->clients)),
		.n_clients = n};
	world_policy(w, madps, anchors);
	w->registry = new_registry(w);
	mams_assert(w->registry && w->clients);
	w->conf = (struct ccm_session_conf){.timing = timing,
		.discovery_ms = 5000,
		.discovery_slow_ms = 60000,
		.cap_wait_ms = 200,
		.keep_alive_ms = 30000,
		.fallback_ms = 45000,
		.retire_ms = 600000,
		.features = CCM_FEATURES,
		.convergence = 1u << MX_CONV_MPTCP_PROXY,
		.links = links,
		.n_links = 3};
	for (size_t i = 0; i < n; i++) {
		struct world_client *c = &w->clients[i];

		snprintf(c->identity, sizeof(c->identity), "client-%zu", i);
		c->timer.kind = TURN;
		c->steer_code = -1;
		start_ccm(w, c);
	}
}

static void free_event(struct event *e)
{
	free(e->text);
	mx_msg_free(e->copy);
	free(e);
}

void world_fini(struct world *w)
{
	struct mams_timer *t;

	while ((t = mams_timerq_pop(&w->timers, MAMS_TIME_NEVER)))
		if (t->kind != TURN)
			free_event(MAMS_CONTAINER_OF(t, struct event, timer));
	mams_timerq_fini(&w->timers);
	ncm_registry_free(w->registry);
	for (size_t i = 0; i < w->n_clients; i++)
		ccm_session_fini(&w->clients[i].ccm);
	free(w->clients);
}

static char *digit(size_t i)
{
	const char text[] = {(char)('0' + i), '\0'};

	return strdup(text);
}

static struct event *put(struct world *w, struct world_client *c, int64_t delay_ms, enum kind kind)
{
	struct event *e = calloc(1, sizeof(*e));

	mams_assert(e);
	*e = (struct event){.timer.kind = kind, .client = c};
	mams_assert(
		mams_timerq_set(&w->timers, &e->timer, mams_time_add_ms(w->now, delay_ms)) == 0);
	return e;
}

/* Over the wire: lost, late, or twice. */
static void carry(struct world *w, struct world_client *c, enum kind kind, const struct mx_msg *m)
{
	struct mams_buf text = {0};
	unsigned copies = 1;

	w->sends++;
	mams_assert(!m || w->by_copy || mx_encode(m, 0, &text, NULL) == 0);
	world_write(kind == TO_NCM, text.data);
	if (m && w->tap && !w->tap(w->tap_user, kind == TO_NCM, m))
		copies = 0;
	else if (mams_prng_below(&w->prng, 1000) < w->loss || (w->hold_replies && kind == TO_CCM))
		copies = 0;
	else if (mams_prng_below(&w->prng, 1000) < w->repeat)
		copies = 2;
	while (copies-- > 0) {
		int64_t delay = 1 + (int64_t)mams_prng_below(&w->prng, w->delay_ms + 1);
		struct event *e = put(w, c, delay, kind);

		e->copy = m && w->by_copy ? mx_msg_copy(m) : NULL;
		e->text = text.data ? strdup(text.data) : NULL;
		mams_assert(!m || e->copy || e->text);
	}
	mams_buf_fini(&text);
}

struct ncm_session *world_session(const struct world *w, const struct world_client *c)
{
	return ncm_registry_by_identity(w->registry, c->identity);
}

static struct world_client *client_of(const struct world *w, const struct ncm_session *s)
{
	return &w->clients[strtoul(strchr(s->s.identity, '-') + 1, NULL, 10)];
}

static void run_policy(struct world_client *c, const struct ncm_session *s, size_t madp)
{
	struct mams_addr local[NCM_LINKS_MAX];
	bool backup[NCM_LINKS_MAX];
	size_t n = ncm_session_downlink(s, madp, local, backup);

	c->backup = 0;
	for (size_t i = 0; i < n; i++)
		if (backup[i])
			c->backup |=
				local[i].ip[2] == s->policy->accesses[0].proxies[0].ip[2] ? 1u : 2u;
}

static void order_probe(
	struct world *w, struct world_client *c, const struct ncm_session *s, uint8_t id)
{
	char text[8];

	if (!ncm_estimate_order(s, id, &c->probe[id]))
		return;
	snprintf(text, sizeof(text), "%c%u", c->busy ? '0' : '1', id);
	c->busy -= c->busy > 0;
	c->probes[id]++;
	put(w, c, 2, PROBING)->text = strdup(text);
}

static void draw_secret(char out[NCM_KEY_MAX])
{
	static unsigned n;

	snprintf(out, NCM_KEY_MAX, "a secret of IPsec, number %u", ++n);
}

static void act_ncm(
	struct world *w, struct world_client *c, struct ncm_session *s, const struct ncm_action *a)
{
	world_trace_action(w, s, a);
	switch (a->kind) {
	case NCM_ACT_REPLY:
	case NCM_ACT_SEND:
		carry(w, c, TO_CCM, a->msg);
		break;
	case NCM_ACT_PREPARE:
		ncm_protect_fill(s, draw_secret);
		if (w->madp_away[a->madp])
			break;
		if (c->deaf == 0)
			put(w, c, 2, PREPARED)->text = digit((size_t)a->madp);
		else
			c->deaf--;
		break;
	case NCM_ACT_RELEASE:
		c->releases += s->state == NCM_STATE_ENDED;
		c->moved += s->state != NCM_STATE_ENDED;
		break;
	case NCM_ACT_POLICY:
		run_policy(c, s, (size_t)a->madp);
		break;
	case NCM_ACT_PROBE:
		order_probe(w, c, s, a->connection_id);
		break;
	case NCM_ACT_STEER_DONE:
		c->steer_code = a->code;
		c->steer_text = a->text;
		break;
	case NCM_ACT_STORE:
		c->stored = s->s;
		c->has_stored = true;
		break;
	case NCM_ACT_STATE:
	case NCM_ACT_LINK:
	case NCM_ACT_AGREED:
	case NCM_ACT_ASSIGNED:
	case NCM_ACT_DECIDED:
	case NCM_ACT_ORDERED:
		break;
	case NCM_ACT_END:
		c->has_stored = false;
		break;
	}
}

static void run_ncm(struct world *w, struct ncm_session *s)
{
	struct world_client *c = client_of(w, s);
	struct ncm_action a;
	bool ended = false;

	while (ncm_session_next(s, &a)) {
		act_ncm(w, c, s, &a);
		ended |= a.kind == NCM_ACT_END;
	}
	if (ended)
		ncm_registry_remove(w->registry, s);
	else
		ncm_registry_arm(w->registry, s, ncm_session_deadline(s));
}

static void run_ccm(struct world *w, struct world_client *c)
{
	struct ccm_action a;

	while (c->up && ccm_session_next(&c->ccm, &a)) {
		switch (a.kind) {
		case CCM_ACT_SEND:
			carry(w, c, TO_NCM, a.msg);
			break;
		case CCM_ACT_APPLY:
			c->applies++;
			(void)put(w, c, 3, APPLIED);
			break;
		case CCM_ACT_FALLBACK:
			c->fallbacks++;
			break;
		case CCM_ACT_STOPPED:
			c->stopped = true;
			break;
		case CCM_ACT_REDIRECT:
			c->redirects++;
			break;
		case CCM_ACT_NEED:
			c->need = a.need;
			c->verdict = (int)a.verdict;
			c->verdict_text = a.text;
			break;
		case CCM_ACT_ANALYTICS:
			c->analytics++;
			c->analytics_text = a.text;
			break;
		case CCM_ACT_STATE:
		case CCM_ACT_SIGNAL:
		case CCM_ACT_AGREED:
			break;
		}
	}
	mams_assert(mams_timerq_set(&w->timers, &c->timer,
			    c->up ? ccm_session_deadline(&c->ccm) : MAMS_TIME_NEVER) == 0);
}

static struct ncm_session *make_session(struct world *w, const struct world_client *c)
{
	struct ncm_saved saved = {.session_id = mams_prng_next(&w->prng) >> 12};
	struct ncm_session *s = NULL;

	snprintf(saved.identity, sizeof(saved.identity), "%s", c->identity);
	snprintf(saved.client_key, sizeof(saved.client_key), "key-%llu",
		(unsigned long long)saved.session_id);
	mams_assert(ncm_registry_add(w->registry, &saved, (uint32_t)mams_prng_next(&w->prng) >> 1,
			    w->now, &s) == 0);
	return s;
}

/* An NCM that redirects: System INFO to a Discover, and no session (E4) for the poll that follows.
 */
static void answer_only(struct world *w, struct world_client *c, const struct mx_msg *m)
{
	struct mx_msg *info;

	if (m->type == MX_DISCOVER) {
		info = ncm_compose_system_info(&w->policy, NCM_HTTPS);
		mams_assert(info);
		info->sequence_num = m->sequence_num;
		carry(w, c, TO_CCM, info);
		mx_msg_free(info);
	} else {
		carry(w, c, UNKNOWN, NULL);
	}
}

static void to_ncm(struct world *w, struct world_client *c, struct mx_msg *m)
{
	struct mams_error err;
	struct ncm_session *s = NULL;

	if (w->seed_only || w->seed_ncm)
		world_forget_rfc8743(m);
	if (w->serves_elsewhere) {
		answer_only(w, c, m);
		return;
	}
	if (m->type == MX_DISCOVER)
		s = world_session(w, c) ? world_session(w, c) : make_session(w, c);
	else if (ncm_registry_find(w->registry, c->identity, mx_msg_session(m), &s) < 0)
		carry(w, c, UNKNOWN, NULL);
	if (s) {
		world_trace_message(w, s, m);
		(void)!ncm_session_input(s, m, w->now, &err);
		run_ncm(w, s);
	}
}

/* What was put on the wire. */
static void arrive(
	struct world *w, struct world_client *c, enum kind kind, const char *text, struct mx_msg *m)
{
	struct mams_error err;
	struct mx_msg *read = NULL;

	mams_assert(m || mx_decode(text, strlen(text), &read, &err) == 0);
	m = m ? m : read;
	if (w->seed_ncm && kind == TO_CCM)
		world_forget_rfc8743(m);
	if (w->seed_ncm && (m->type == MX_KEEP_ALIVE_REQ || m->type == MX_KEEP_ALIVE_RSP)) {
		mx_msg_free(read);
		return;
	}
	if (kind == TO_NCM && w->ncm_up)
		to_ncm(w, c, m);
	else if (kind == TO_CCM && !(w->seed_only && m->type == MX_KEEP_ALIVE_REQ))
		(void)!ccm_session_input(&c->ccm, m, w->now, &err);
	mx_msg_free(read);
}

static void applied(struct world *w, struct world_client *c)
{
	uint16_t ports[CCM_LINKS_MAX] = {0};
	bool any = false;
	uint32_t ok = 0;

	ccm_session_wanted(&c->ccm, &c->applied);
	for (size_t i = 0; i < c->applied.n_paths; i++)
		ok |= 1u << c->applied.paths[i].connection_id;
	for (size_t i = 0; i < c->applied.n_assocs; i++)
		ok |= 1u << c->applied.assocs[i].connection_id;
	for (size_t i = 0; i < c->applied.tunnel.n_links; i++) {
		uint8_t id = c->applied.tunnel.links[i].connection_id;

		ports[id] = c->broken & 1u << id                    ? 0
			    : c->applied.tunnel.links[i].client_nat ? CCM_PORT_NONE
								    : (uint16_t)(40000 + id);
		any |= ports[id] != 0;
	}
	ccm_session_applied(&c->ccm, ok & ~c->broken, any ? ports : NULL, w->now);
}

static void happen(struct world *w, struct event *e)
{
	struct world_client *c = e->client;
	struct ncm_session *s = world_session(w, c);

	if (e->timer.kind == TO_NCM) {
		arrive(w, c, TO_NCM, e->text, e->copy);
	} else if (e->timer.kind == PREPARED) {
		if (s) {
			world_prepared(w, s, (size_t)(e->text[0] - '0'));
			run_ncm(w, s);
		}
	} else if (e->timer.kind == PROBING) {
		if (s) {
			const struct ctl_trace_input in = {.kind = CTL_TRACE_PROBING,
				.has_connection_id = true,
				.connection_id = (uint8_t)strtoul(e->text + 1, NULL, 10),
				.has_ready = true,
				.ready = e->text[0] == '1'};

			world_trace_input(w, s, &in);
			ncm_session_probing(s, in.connection_id, in.ready, w->now);
			run_ncm(w, s);
		}
	} else if (c->up) {
		if (e->timer.kind == TO_CCM)
			arrive(w, c, TO_CCM, e->text, e->copy);
		else if (e->timer.kind == UNKNOWN)
			ccm_session_unknown(&c->ccm, w->now);
		else
			applied(w, c);
		run_ccm(w, c);
	}
	free_event(e);
}

/* What the test did to the cores since the last run. */
static void take_up(struct world *w)
{
	struct ncm_session *next;

	for (size_t i = 0; i < w->n_clients; i++)
		run_ccm(w, &w->clients[i]);
	for (struct ncm_session *s = ncm_registry_next(w->registry, NULL); w->ncm_up && s;
		s = next) {
		next = ncm_registry_next(w->registry, s);
		run_ncm(w, s);
	}
}

static void review(struct world *w)
{
	for (struct ncm_session *s = ncm_registry_next(w->registry, NULL); w->ncm_up && s;
		s = ncm_registry_next(w->registry, s)) {
		world_trace_input(w, s, &(struct ctl_trace_input){.kind = CTL_TRACE_REVIEW});
		ncm_session_review(s, w->now);
		ncm_registry_arm(w->registry, s, ncm_session_deadline(s));
	}
}

void world_madp(struct world *w, size_t i, bool up)
{
	struct ncm_madps *m = ncm_registry_madps(w->registry);

	w->madp_away[i] = !up;
	if (!up) {
		ncm_madps_lost(m, i, w->now);
		return;
	}
	ncm_madps_connected(m, i);
	for (struct ncm_session *s = ncm_registry_next(w->registry, NULL); s;
		s = ncm_registry_next(w->registry, s))
		for (size_t a = 0; a < w->policy.n_anchors; a++)
			if (s->anchor[a].madp == (int)i)
				put(w, client_of(w, s), 2, PREPARED)->text = digit(i);
	review(w);
}

void world_drain(struct world *w, size_t i, bool drain)
{
	ncm_registry_madps(w->registry)->use[i].drained = drain;
	review(w);
}

static bool turn_ncm(struct world *w)
{
	struct ncm_session *s = w->ncm_up ? ncm_registry_due(w->registry, w->now) : NULL;

	if (!s)
		return false;
	w->turns++;
	world_trace_input(w, s, NULL);
	ncm_session_tick(s, w->now);
	run_ncm(w, s);
	return true;
}

void world_run(struct world *w, int64_t ms)
{
	mams_time end = mams_time_add_ms(w->now, ms);
	struct mams_timer *t;

	take_up(w);
	for (;;) {
		mams_time next = mams_time_min(end, mams_timerq_next(&w->timers));

		if (w->ncm_up) {
			next = mams_time_min(next, ncm_registry_deadline(w->registry));
			next = mams_time_min(
				next, ncm_madps_deadline(ncm_registry_madps(w->registry)));
		}
		if (mams_time_before(w->now, next))
			w->now = next;
		if (w->ncm_up && ncm_madps_tick(ncm_registry_madps(w->registry), w->now))
			review(w);
		t = mams_timerq_pop(&w->timers, w->now);
		if (t && t->kind == TURN) {
			struct world_client *c = MAMS_CONTAINER_OF(t, struct world_client, timer);

			w->turns++;
			ccm_session_tick(&c->ccm, w->now);
			run_ccm(w, c);
		} else if (t) {
			happen(w, MAMS_CONTAINER_OF(t, struct event, timer));
		} else if (!turn_ncm(w) && !mams_time_before(w->now, end)) {
			return;
		}
	}
}

static void hand_in(struct world *w, struct world_client *c, enum kind kind, const struct mx_msg *m)
{
	struct mams_buf text = {0};

	mams_assert(mx_encode(m, 0, &text, NULL) == 0);
	if (text.len <= MX_MAX_BYTES && (kind == TO_NCM || c->up))
		arrive(w, c, kind, text.data, NULL);
	if (kind == TO_CCM)
		run_ccm(w, c);
	mams_buf_fini(&text);
}

void world_to_ncm(struct world *w, struct world_client *c, const struct mx_msg *m)
{
	hand_in(w, c, TO_NCM, m);
}

void world_to_ccm(struct world *w, struct world_client *c, const struct mx_msg *m)
{
	hand_in(w, c, TO_CCM, m);
}

void world_restart_ncm(struct world *w, bool with_store)
{
	struct ncm_session *s = NULL;

	ncm_registry_free(w->registry);
	w->registry = new_registry(w);
	mams_assert(w->registry);
	for (size_t i = 0; with_store && i < w->n_clients; i++)
		if (w->clients[i].has_stored)
			mams_assert(
				ncm_registry_add(w->registry, &w->clients[i].stored,
					(uint32_t)mams_prng_next(&w->prng) >> 1, w->now, &s) == 0);
}

void world_restart_ccm(struct world *w, struct world_client *c)
{
	ccm_session_fini(&c->ccm);
	start_ccm(w, c);
}
