#include "ncm-service/replay.h"

#include "lib/base/buf.h"
#include "lib/steer/record.h"
#include "ncm-service/policy_text.h"
#include "ncm-service/protect.h"
#include "ncm-service/saved.h"
#include "ncm-service/start.h"
#include "ncm-service/steerer.h"
#include "ncm-service/traced.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define SECRET "***" /* whatever it was */

/* What the session has said or done and the trace has not been looked at for. */
struct made {
	char *text;
	char *cause;
	STAILQ_ENTRY(made) link;
};

struct result {
	struct ncm_replayed x;
	STAILQ_ENTRY(result) link;
};

struct ncm_replay {
	struct mams_arena *arena; /* of the policy */
	struct ncm_policy policy;
	struct ncm_counters counters;
	struct ncm_madps madps;
	struct ncm_session *session; /* NULL: there was no start yet */
	STAILQ_HEAD(, made) made;
	STAILQ_HEAD(, result) results;
	struct ncm_replay_sum sum;
	uint32_t number; /* of the line before; 0: none */
	uint64_t time_ms;
	struct mams_buf cause; /* of the line being replayed */
};

struct ncm_replay *ncm_replay_new(void)
{
	struct ncm_replay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	STAILQ_INIT(&r->made);
	STAILQ_INIT(&r->results);
	return r;
}

static void free_made(struct made *m)
{
	free(m->text);
	free(m->cause);
	free(m);
}

static struct made *pop(struct ncm_replay *r)
{
	struct made *m = STAILQ_FIRST(&r->made);

	if (m)
		STAILQ_REMOVE_HEAD(&r->made, link);
	return m;
}

static void drop_session(struct ncm_replay *r)
{
	struct made *m;

	while ((m = pop(r)))
		free_made(m);
	ncm_session_free(r->session);
	r->session = NULL;
	mams_arena_free(r->arena);
	r->arena = NULL;
}

void ncm_replay_free(struct ncm_replay *r)
{
	struct ncm_replayed x;

	if (!r)
		return;
	drop_session(r);
	while (ncm_replay_next(r, &x))
		ncm_replayed_fini(&x);
	mams_buf_fini(&r->cause);
	free(r);
}

/* ---- results ---- */

static int put_result(
	struct ncm_replay *r, enum ncm_replayed_kind kind, const char *text, const char *cause)
{
	struct result *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->x = (struct ncm_replayed){
		.kind = kind, .time_ms = r->time_ms, .text = strdup(text), .cause = strdup(cause)};
	STAILQ_INSERT_TAIL(&r->results, x, link);
	r->sum.differ += kind != NCM_REPLAYED_CHANGE;
	return x->x.text && x->x.cause ? 0 : -ENOMEM;
}

bool ncm_replay_next(struct ncm_replay *r, struct ncm_replayed *out)
{
	struct result *x = STAILQ_FIRST(&r->results);

	if (!x)
		return false;
	STAILQ_REMOVE_HEAD(&r->results, link);
	*out = x->x;
	free(x);
	return true;
}

void ncm_replayed_fini(struct ncm_replayed *x)
{
	free(x->text);
	free(x->cause);
	*x = (struct ncm_replayed){0};
}

struct ncm_replay_sum ncm_replay_sum(const struct ncm_replay *r)
{
	return r->sum;
}

/* ---- what the session does ---- */

static void draw_secret(char out[NCM_KEY_MAX])
{
	snprintf(out, NCM_KEY_MAX, SECRET);
}

static void message_text(const struct mx_msg *m, const char *way, char *out, size_t size)
{
	snprintf(out, size, "%s %s %u", way, mx_type_name(m->type), m->sequence_num);
}

static int make(struct ncm_replay *r, const char *text)
{
	struct made *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->text = strdup(text);
	m->cause = strdup(r->cause.data ? r->cause.data : "");
	STAILQ_INSERT_TAIL(&r->made, m, link);
	return m->text && m->cause ? 0 : -ENOMEM;
}

static int collect(struct ncm_replay *r)
{
	struct ncm_action a;
	char text[256];
	int rc = 0;

	while (rc == 0 && ncm_session_next(r->session, &a)) {
		if (a.kind == NCM_ACT_PREPARE)
			ncm_protect_fill(r->session, draw_secret);
		if (a.kind == NCM_ACT_REPLY || a.kind == NCM_ACT_SEND)
			message_text(a.msg, "sent", text, sizeof(text));
		else if (!ncm_traced_words(r->session, &a, text, sizeof(text)))
			continue;
		rc = make(r, text);
	}
	return rc;
}

/* ---- what was recorded ---- */

/* What came about and is not in the trace, up to m. */
static int put_extra(struct ncm_replay *r, const struct made *until)
{
	int rc = 0;

	while (rc == 0 && STAILQ_FIRST(&r->made) && STAILQ_FIRST(&r->made) != until) {
		struct made *m = pop(r);

		rc = put_result(r, NCM_REPLAYED_EXTRA, m->text, m->cause);
		free_made(m);
	}
	return rc;
}

static int compare(struct ncm_replay *r, const char *text, bool is_message)
{
	struct made *m;
	int rc;

	STAILQ_FOREACH(m, &r->made, link)
	if (strcmp(m->text, text) == 0)
		break;
	if (!m)
		return put_result(
			r, NCM_REPLAYED_MISSING, text, r->cause.data ? r->cause.data : "");
	rc = put_extra(r, m);
	m = rc == 0 ? pop(r) : NULL;
	if (!m)
		return rc;
	r->sum.messages += is_message;
	r->sum.changes += !is_message;
	if (!is_message)
		rc = put_result(r, NCM_REPLAYED_CHANGE, m->text, m->cause);
	free_made(m);
	return rc;
}

static int compare_message(struct ncm_replay *r, const struct ctl_trace *t, struct mams_error *err)
{
	struct mx_msg *m = NULL;
	char text[128];
	int rc = mx_decode(t->text, strlen(t->text), &m, err);

	if (rc < 0)
		return rc;
	message_text(m, "sent", text, sizeof(text));
	mx_msg_free(m);
	return compare(r, text, true);
}

static int decide_again(struct ncm_replay *r, const struct ctl_trace *t, struct mams_error *err)
{
	struct mams_arena *arena = mams_arena_new();
	struct steer_record record;
	char why[128];
	int rc = arena ? steer_record_read(t->text, strlen(t->text), arena, &record, err) : -ENOMEM;

	if (rc == 0 && steer_record_repeats(&record, why, sizeof(why)))
		r->sum.decisions++;
	else if (rc == 0)
		rc = put_result(r, NCM_REPLAYED_DECISION, why, record.policy.name);
	mams_arena_free(arena);
	return rc;
}

/* ---- what the session is given ---- */

static int madp_named(const struct ncm_replay *r, const char *name, struct mams_error *err)
{
	int madp = name ? ncm_madps_find(&r->madps, name) : -1;

	return madp >= 0 ? madp
			 : mams_fail(err, MAMS_EVALUE, "madp", "%s: no N-MADP of the policy",
				   name ? name : "none");
}

static uint32_t own_places(const struct ncm_session *s, int madp)
{
	uint32_t n = 0;

	for (size_t a = 0; a < s->policy->n_anchors; a++)
		n += s->anchor[a].madp == madp;
	return n;
}

static int take_madps(
	struct ncm_replay *r, const struct ctl_trace_input *in, struct mams_error *err)
{
	for (size_t i = 0; i < in->n_madps; i++) {
		const struct ctl_trace_madp *m = &in->madps[i];
		const int madp = madp_named(r, m->name, err);
		enum ncm_madp_state st = NCM_MADP_UNKNOWN;
		uint32_t own;

		if (madp < 0)
			return madp;
		while (st < NCM_MADP_DEAD && strcmp(ncm_madp_state_name(st), m->state) != 0)
			st++;
		if (strcmp(ncm_madp_state_name(st), m->state) != 0)
			return mams_fail(err, MAMS_EVALUE, "state", "%s: no such", m->state);
		own = own_places(r->session, madp);
		r->madps.use[madp] = (struct ncm_madp_use){
			.state = st, .drained = m->drained, .used = m->used > own ? m->used : own};
	}
	return 0;
}

static int take_prepared(struct ncm_replay *r, const struct ctl_trace_input *in, mams_time now,
	struct mams_error *err)
{
	const int madp = madp_named(r, in->madp, err);
	struct ncm_tunnel t = {.secret = SECRET};

	if (madp < 0)
		return madp;
	if (in->tunnel) {
		t.anchor4 = in->tunnel->anchor4;
		t.anchor6 = in->tunnel->anchor6;
		t.port = in->tunnel->port;
	}
	ncm_session_prepared(r->session, (size_t)madp, in->tunnel ? &t : NULL, now);
	return 0;
}

static int take_measured(struct ncm_replay *r, const struct ctl_trace_input *in, mams_time now,
	struct mams_error *err)
{
	struct ncm_way_report ul;
	struct ncm_way_report dl;

	if (!in->ul || !in->dl)
		return mams_fail(err, MAMS_EMISSING, "input", "ul and dl");
	ul = ncm_quality_report(in->ul);
	dl = ncm_quality_report(in->dl);
	ncm_session_quality(r->session, in->connection_id,
		in->trailer ? NCM_QUALITY_TRAILER : NCM_QUALITY_PROXY, &ul, &dl, now);
	return 0;
}

static int read_order(const struct ncm_replay *r, const struct ctl_trace_order *from,
	struct ncm_order *out, struct mams_error *err)
{
	const struct ctl_ncm_app *app = from->steered;

	if (from->anchor >= r->policy.n_anchors || from->app > r->policy.n_apps)
		return mams_fail(err, MAMS_EVALUE, "order", "no such anchor or application");
	*out = (struct ncm_order){.anchor = from->anchor,
		.configuration = from->configuration,
		.dl = from->dl,
		.ul = from->ul,
		.dl_mode = from->dl_mode,
		.ul_mode = from->ul_mode,
		.off = from->off,
		.app = from->app};
	if (!app)
		return 0;
	out->steered.dl = (struct ncm_app_way){app->dl, app->dl_first, app->dl_mode};
	out->steered.ul = (struct ncm_app_way){app->ul, app->ul_first, app->ul_mode};
	out->steered.held = app->held;
	if (strlen(app->name) >= sizeof(out->steered.name))
		return mams_fail(err, MAMS_EVALUE, "steered", "its name is too long");
	snprintf(out->steered.name, sizeof(out->steered.name), "%s", app->name);
	return 0;
}

static int take_steer(struct ncm_replay *r, const struct ctl_trace_input *in, mams_time now,
	struct mams_error *err)
{
	struct mams_error refused = {0};
	struct ncm_order o;
	int rc = in->order ? read_order(r, in->order, &o, err)
			   : mams_fail(err, MAMS_EMISSING, "order", "is required");

	if (rc == 0) /* it was refused then, too */
		(void)!ncm_session_steer(
			r->session, in->order->own ? NCM_STEERER_REQUEST : 1, &o, now, &refused);
	return rc;
}

static int take_input(
	struct ncm_replay *r, const struct ctl_trace *t, mams_time now, struct mams_error *err)
{
	const struct ctl_trace_input *in = t->input;
	struct ncm_session *s = r->session;

	switch ((enum ctl_trace_input_kind)in->kind) {
	case CTL_TRACE_MADPS:
		return take_madps(r, in, err);
	case CTL_TRACE_PREPARED:
		return take_prepared(r, in, now, err);
	case CTL_TRACE_MEASURED:
		return take_measured(r, in, now, err);
	case CTL_TRACE_STEER:
		return take_steer(r, in, now, err);
	case CTL_TRACE_PROBING:
		ncm_session_probing(s, in->connection_id, in->ready, now);
		break;
	case CTL_TRACE_REVIEW:
		ncm_session_review(s, mams_time_us(now.us + (int64_t)in->after_us));
		break;
	case CTL_TRACE_FAR:
		ncm_session_far(s, in->far, now);
		break;
	case CTL_TRACE_PROBE:
		(void)ncm_session_probe(s, in->links, now);
		break;
	case CTL_TRACE_SEEN:
		ncm_session_seen(s, now);
		break;
	case CTL_TRACE_ENDED:
		if (s->state != NCM_STATE_ENDED)
			ncm_session_end(s, t->text);
		break;
	}
	return 0;
}

/* One at which the NCM can be reached, as its answer to a Discover says. */
static int read_transport(struct ncm_replay *r, const char *name, struct mams_error *err)
{
	for (int i = 0; name && i < NCM_TRANSPORTS; i++) {
		if (strcmp(ncm_transport_name((enum ncm_transport)i), name) != 0 ||
			r->policy.endpoints[i].n == 0)
			continue;
		r->session->transport = (enum ncm_transport)i;
		return 0;
	}
	return mams_fail(
		err, MAMS_EVALUE, "transport", "%s: not of the policy", name ? name : "none");
}

static int take_message(
	struct ncm_replay *r, const struct ctl_trace *t, mams_time now, struct mams_error *err)
{
	struct mams_error refused = {0};
	struct mx_msg *m = NULL;
	char text[128];
	int rc = read_transport(r, t->transport, err);

	if (rc == 0)
		rc = mx_decode(t->text, strlen(t->text), &m, err);
	if (rc < 0)
		return rc;
	message_text(m, "received", text, sizeof(text));
	mams_buf_clear(&r->cause);
	mams_buf_printf(&r->cause, "%s", text);
	(void)!ncm_session_input(r->session, m, now, &refused);
	mx_msg_free(m);
	return 0;
}

/* ---- start ---- */

static int start(
	struct ncm_replay *r, const struct ctl_trace *t, mams_time now, struct mams_error *err)
{
	const struct ctl_trace_start *st = t->start;
	struct ncm_saved saved;
	int rc;

	drop_session(r);
	if (!st)
		return mams_fail(err, MAMS_EMISSING, "start", "is required");
	r->arena = mams_arena_new();
	rc = r->arena ? ncm_policy_read(st->policy, strlen(st->policy), r->arena, &r->policy, err)
		      : mams_fail(err, ENOMEM, NULL, "out of memory");
	if (rc == 0)
		rc = ncm_saved_read(t->text, strlen(t->text), &saved, err);
	if (rc < 0)
		return rc;
	if (strcmp(st->state, ncm_state_name(NCM_STATE_NONE)) != 0)
		ncm_saved_fit(&r->policy, &saved);
	r->counters = (struct ncm_counters){0};
	ncm_madps_init(&r->madps, &r->policy, now);
	r->session =
		ncm_session_new(&r->policy, &r->counters, &r->madps, &saved, st->sequence_num, now);
	if (!r->session)
		return mams_fail(err, ENOMEM, NULL, "out of memory");
	r->sum.starts++;
	return ncm_start_take(r->session, st, draw_secret, now, err);
}

/* ---- lines ---- */

static int gap(struct ncm_replay *r, const struct ctl_trace *t)
{
	const uint32_t before = r->number;
	char text[96];

	r->number = t->has_number ? t->number : 0;
	if (!before || !r->number || r->number == 1 || r->number == before + 1 || !r->session)
		return 0;
	snprintf(text, sizeof(text), "lines %u to %u of the trace are missing", before + 1,
		r->number - 1);
	drop_session(r);
	return put_result(r, NCM_REPLAYED_GAP, text, "they were not read in time");
}

static bool is_own_order(const struct ctl_trace *t)
{
	return t->input && t->input->kind == CTL_TRACE_STEER && t->input->order &&
	       t->input->order->own;
}

static int give(struct ncm_replay *r, const struct ctl_trace *t, struct mams_error *err)
{
	const mams_time now = mams_time_us((int64_t)t->at_us);
	/* an order of the policy comes amid what else its cause has brought about */
	int rc = is_own_order(t) ? 0 : put_extra(r, NULL);

	if (rc < 0)
		return rc;
	mams_buf_clear(&r->cause);
	mams_buf_printf(&r->cause, "%s", t->what == CTL_TRACE_TIMER ? "timer" : t->text);
	if (t->what == CTL_TRACE_RECEIVED)
		rc = take_message(r, t, now, err);
	else if (t->what == CTL_TRACE_TIMER)
		ncm_session_tick(r->session, now);
	else
		rc = take_input(r, t, now, err);
	return rc == 0 ? collect(r) : rc;
}

static bool is_of_session(const struct ncm_replay *r, const struct ctl_trace *t)
{
	return r->session && t->has_at_us &&
	       (!t->has_session_id || t->session_id == r->session->s.session_id);
}

int ncm_replay_line(struct ncm_replay *r, const struct ctl_trace *t, struct mams_error *err)
{
	int rc;

	r->sum.lines++;
	r->time_ms = t->time_ms;
	*err = (struct mams_error){0};
	rc = gap(r, t);
	if (rc < 0)
		return rc;
	if (t->what == CTL_TRACE_START)
		return start(r, t, mams_time_us((int64_t)t->at_us), err);
	if (t->what == CTL_TRACE_DECISION)
		return decide_again(r, t, err);
	if (!is_of_session(r, t)) {
		r->sum.before++;
		return 0;
	}
	if (t->what == CTL_TRACE_EVENT)
		return compare(r, t->text, false);
	if (t->what == CTL_TRACE_SENT)
		return compare_message(r, t, err);
	if (t->what == CTL_TRACE_PLANE && !t->input)
		return 0;
	if ((t->what == CTL_TRACE_PLANE || t->what == CTL_TRACE_ORDER) && !t->input)
		return mams_fail(err, MAMS_EMISSING, "input", "is required");
	return give(r, t, err);
}
