#include "ncm-service/start.h"

#include "ncm-service/protect.h"

#include <errno.h>
#include <string.h>

/* ---- to the trace ---- */

static bool is_clear(const struct ncm_session *s)
{
	bool clear = !s->steer.open && !s->app && !s->left;

	for (size_t a = 0; a < s->policy->n_anchors; a++)
		clear &= !s->anchor[a].leaving && !s->anchor[a].refused;
	return clear;
}

/* Nothing is under way that a start line does not tell. */
static bool is_at_rest(const struct ncm_session *s)
{
	return s->state == NCM_STATE_ACTIVE && !s->away && !s->flows_due && !s->setup_stale &&
	       s->n == 0 && mams_time_is_never(mx_exchange_deadline(&s->exchange)) &&
	       mams_time_is_never(s->gather_until);
}

/* It begins anew, whatever was; one that is only repeated does not. */
static bool is_new_discover(const struct ncm_session *s, const struct mx_msg *m)
{
	const struct mx_msg *stored;

	return m && m->type == MX_DISCOVER && !mx_exchange_repeated(&s->exchange, m, &stored);
}

bool ncm_start_can(const struct ncm_session *s, const struct mx_msg *m)
{
	return is_clear(s) && (is_new_discover(s, m) || is_at_rest(s));
}

static uint64_t us_until(mams_time now, mams_time t)
{
	return mams_time_before(now, t) ? (uint64_t)(t.us - now.us) : 0;
}

static void put_known(struct ctl_trace_start *out, const struct ncm_session *s, mams_time now)
{
	for (uint8_t i = 0; out->links && i < NCM_LINKS_MAX; i++) {
		const struct ncm_probing *p = &s->probe[i];
		const mams_time measured = s->quality[i].dl.at;
		const bool next = p->on && !mams_time_is_never(p->next);

		if (s->s.links[i].known)
			out->links[out->n_links++] = (struct ctl_trace_link){.connection_id = i,
				.probed = p->on,
				.active = p->active,
				.busy = p->busy,
				.once = p->once,
				.has_next_us = next,
				.next_us = next ? us_until(now, p->next) : 0,
				.paid_us = us_until(now, p->paid),
				.has_measured_us = measured.us != 0,
				.measured_us = us_until(measured, now),
				.has_left = s->s.links[i].handover,
				.left = s->s.links[i].handover};
	}
}

/* Requests that it has answered, oldest first: repeated, they are answered again and not acted on.
 */
static void put_given(struct ctl_trace_start *out, const struct mx_exchange *x)
{
	for (size_t i = 0; out->given && i < MX_GIVEN_MAX; i++) {
		const struct mx_given *g = &x->given[(x->next_given + i) % MX_GIVEN_MAX];

		if (g->sequence_num)
			out->given[out->n_given++] =
				(struct ctl_trace_given){.type = mx_type_name(g->type),
					.sequence_num = g->sequence_num,
					.answered = g->response != NULL};
	}
}

struct ctl_trace_start *ncm_start_put(
	struct ctl_msg *m, const struct ncm_session *s, const char *policy, mams_time now)
{
	struct ctl_trace_start *out = ctl_alloc(m, sizeof(*out));

	if (out)
		*out = (struct ctl_trace_start){.state = ncm_state_name(s->state),
			.policy = ctl_strdup(m, policy),
			.sequence_num = s->exchange.next_sequence,
			.modern = s->modern,
			.advised = s->advised,
			.prepared = s->prepared,
			.told = s->told,
			.has_far = s->far != 0,
			.far = s->far,
			.tunnelled = s->tunnelled,
			.flows_told = s->flows_told,
			.heard_us = (uint64_t)(now.us - s->last_heard.us),
			.probe_port = s->probe_port,
			.links = ctl_alloc(m, NCM_LINKS_MAX * sizeof(*out->links)),
			.given = ctl_alloc(m, MX_GIVEN_MAX * sizeof(*out->given))};
	if (out) {
		put_known(out, s, now);
		put_given(out, &s->exchange);
	}
	return out;
}

/* ---- from the trace ---- */

static mams_time after(mams_time now, uint64_t us)
{
	return mams_time_us(now.us + (int64_t)us);
}

static int read_state(const char *name, enum ncm_state *out, struct mams_error *err)
{
	for (*out = NCM_STATE_NONE; *out < NCM_STATE_COUNT; ++*out)
		if (strcmp(ncm_state_name(*out), name) == 0)
			return 0;
	return mams_fail(err, MAMS_EVALUE, "state", "%s: no such", name);
}

static void take_known(struct ncm_session *s, const struct ctl_trace_link *l, mams_time now)
{
	s->probe[l->connection_id] = (struct ncm_probing){.on = l->probed,
		.active = l->active,
		.busy = l->busy,
		.once = l->once,
		.next = l->has_next_us ? after(now, l->next_us) : MAMS_TIME_NEVER,
		.paid = after(now, l->paid_us)};
	s->s.links[l->connection_id].handover = l->left;
	if (l->has_measured_us)
		s->quality[l->connection_id].dl.at = mams_time_us(now.us - (int64_t)l->measured_us);
}

static int take_given(
	struct ncm_session *s, const struct ctl_trace_given *g, struct mams_error *err)
{
	struct mx_msg *request;
	enum mx_type type = 0;

	while (type < MX_TYPE_COUNT && strcmp(mx_type_name(type), g->type) != 0)
		type++;
	if (type == MX_TYPE_COUNT)
		return mams_fail(err, MAMS_EVALUE, "given", "%s: no such message", g->type);
	request = mx_msg_new(type, g->sequence_num);
	if (!request)
		return mams_fail(err, ENOMEM, NULL, "out of memory");
	/* of an answer type and number count */
	(void)mx_exchange_give(&s->exchange, request,
		g->answered && mx_type_response(type) != MX_TYPE_COUNT
			? mx_msg_new(mx_type_response(type), 0)
			: NULL);
	mx_msg_free(request);
	return 0;
}

static void take_state(struct ncm_session *s, const struct ctl_trace_start *st,
	enum ncm_state state, mams_time now)
{
	const uint32_t madps = (uint32_t)((1ull << s->policy->n_madps) - 1);

	s->state = state;
	s->head = s->n = 0; /* what a restart would have to do is done */
	s->away = false;
	s->gather_until = MAMS_TIME_NEVER;
	s->modern = st->modern;
	s->advised = st->advised;
	s->prepared = st->prepared & madps;
	s->told = st->told & madps;
	s->far = st->has_far ? st->far & madps : 0;
	s->tunnelled = st->tunnelled & NCM_ALL_CONNECTIONS;
	s->flows_told = st->flows_told & ((1u << s->policy->n_anchors) - 1);
	s->probe_port = st->probe_port;
	s->last_heard = mams_time_us(now.us - (int64_t)st->heard_us);
	s->seen = now;
	for (size_t i = 0; i < st->n_links; i++)
		take_known(s, &st->links[i], now);
}

int ncm_start_take(struct ncm_session *s, const struct ctl_trace_start *st,
	void (*draw)(char out[NCM_KEY_MAX]), mams_time now, struct mams_error *err)
{
	enum ncm_state state = NCM_STATE_NONE;
	int rc = read_state(st->state, &state, err);

	if (rc < 0)
		return rc;
	take_state(s, st, state, now);
	if (state == NCM_STATE_ACTIVE) /* what is set up has its secrets */
		ncm_protect_fill(s, draw);
	for (size_t i = 0; rc == 0 && i < st->n_given; i++)
		rc = take_given(s, &st->given[i], err);
	return rc;
}
