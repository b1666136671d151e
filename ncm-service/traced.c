#include "ncm-service/traced.h"

#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/steer/record.h"
#include "ncm-service/policy_text.h"
#include "ncm-service/saved.h"
#include "ncm-service/start.h"
#include "ncm-service/steerer.h"

#include <stdio.h>
#include <string.h>

/* @param text  copied */
static struct ctl_msg *line(struct ncm_traced *t, const struct ncm_session *s,
	enum ctl_trace_what what, const char *text, mams_time now)
{
	struct ctl_msg *m = ctl_msg_new(CTL_TRACE, 0);

	t->number++; /* a line that is not to be had is one that is missing */
	if (!m)
		return NULL;
	m->trace = (struct ctl_trace){.client = ctl_strdup(m, t->identity),
		.what = what,
		.text = ctl_strdup(m, text),
		.has_number = true,
		.number = t->number};
	if (s) {
		m->trace.has_session_id = m->trace.has_at_us = true;
		m->trace.session_id = s->s.session_id;
		m->trace.at_us = (uint64_t)now.us;
	}
	if (m->trace.client && m->trace.text)
		return m;
	ctl_msg_free(m);
	return NULL;
}

/* ---- words ---- */

static const char *link_name(const struct ncm_session *s, uint8_t id)
{
	const struct ncm_link *l = &s->s.links[id];

	return l->known && l->admission == NCM_ADMIT_OK ? s->policy->accesses[l->access].name : "-";
}

static void put_links(const struct ncm_session *s, uint32_t bits, struct mams_buf *out)
{
	const char *sep = "";

	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		if ((bits & 1u << i) && s->s.links[i].known) {
			mams_buf_printf(out, "%s%s", sep, link_name(s, i));
			sep = ",";
		}
}

static void put_steer(
	const struct ncm_session *s, const struct ctl_trace_order *o, struct mams_buf *out)
{
	const bool known = o->app <= s->policy->n_apps && o->anchor < s->policy->n_anchors;

	mams_buf_printf(out, "%s steers %s: DL ", o->own ? "the policy" : "an operator",
		!known   ? "?"
		: o->app ? s->policy->apps[o->app - 1].name
			 : s->policy->anchors[o->anchor].name);
	if (o->app && !o->steered) {
		mams_buf_printf(out, "and UL as configured");
		return;
	}
	put_links(s, o->app ? o->steered->dl : o->dl, out);
	mams_buf_printf(out, " UL ");
	put_links(s, o->app ? o->steered->ul : o->ul, out);
}

static void put_way(const char *name, const struct ctl_quality_way *w, struct mams_buf *out)
{
	mams_buf_printf(out, "; %s %u kbit/s", name, w->used_kbps);
	if (w->has_rate_kbps)
		mams_buf_printf(out, " of %u", w->rate_kbps);
	if (w->has_delay_us)
		mams_buf_printf(out, ", delay %u us", w->delay_us);
	if (w->has_packets)
		mams_buf_printf(out, ", %u of %u packets lost", w->lost, w->packets);
}

static void put_madps(const struct ctl_trace_input *in, struct mams_buf *out)
{
	for (size_t i = 0; i < in->n_madps; i++)
		mams_buf_printf(out, "%sN-MADP %s: %s%s, %u anchors", i ? "; " : "",
			in->madps[i].name, in->madps[i].state,
			in->madps[i].drained ? ", drained" : "", in->madps[i].used);
}

static void put_words(
	const struct ncm_session *s, const struct ctl_trace_input *in, struct mams_buf *out)
{
	switch ((enum ctl_trace_input_kind)in->kind) {
	case CTL_TRACE_MADPS:
		put_madps(in, out);
		break;
	case CTL_TRACE_PREPARED:
		mams_buf_printf(out, "N-MADP %s has the client", in->madp);
		if (in->tunnel)
			mams_buf_printf(out, ", tunnel at port %u", in->tunnel->port);
		break;
	case CTL_TRACE_PROBING:
		mams_buf_printf(out, "link %s: the N-MADP %s", link_name(s, in->connection_id),
			in->ready ? "is ready to probe" : "has no room to probe");
		break;
	case CTL_TRACE_MEASURED:
		mams_buf_printf(out, "link %s measured by a %s", link_name(s, in->connection_id),
			in->trailer ? "trailer" : "proxy");
		put_way("UL", in->ul, out);
		put_way("DL", in->dl, out);
		break;
	case CTL_TRACE_REVIEW:
		mams_buf_printf(out, "N-MADP instances have changed");
		break;
	case CTL_TRACE_FAR:
		mams_buf_printf(out, "of N-MADP instances others are nearer than:");
		for (size_t i = 0; i < s->policy->n_madps; i++)
			if (in->far & 1u << i)
				mams_buf_printf(out, " %s", s->policy->madps[i].name);
		break;
	case CTL_TRACE_STEER:
		put_steer(s, in->order, out);
		break;
	case CTL_TRACE_PROBE:
		mams_buf_printf(out, "an operator has links estimated: ");
		put_links(s, in->links, out);
		break;
	case CTL_TRACE_SEEN:
		mams_buf_printf(out, "the client is at its transport");
		break;
	case CTL_TRACE_ENDED:
		break;
	}
}

/* As the log has it (session_log.c), without the client. */
bool ncm_traced_words(
	const struct ncm_session *s, const struct ncm_action *a, char *out, size_t size)
{
	const struct ncm_link *l = &s->s.links[a->connection_id];
	const char *madp = a->madp >= 0 ? s->policy->madps[a->madp].name : "none";

	switch (a->kind) {
	case NCM_ACT_STATE:
		snprintf(out, size, "state %s -> %s: %s", ncm_state_name(a->from),
			ncm_state_name(a->to), a->text);
		return true;
	case NCM_ACT_LINK:
		snprintf(out, size, "link %u: %s", a->connection_id,
			l->up ? ncm_admission_text(l->admission) : "down");
		return true;
	case NCM_ACT_AGREED:
		snprintf(out, size, "agreed: features 0x%02x, convergence 0x%x, adaptation 0x%x",
			s->s.features, s->s.convergence, s->s.adaptation);
		return true;
	case NCM_ACT_ASSIGNED:
		snprintf(out, size, "anchor %s: N-MADP %s: %s", s->policy->anchors[a->anchor].name,
			madp, a->text);
		return true;
	case NCM_ACT_PREPARE:
		snprintf(out, size, "N-MADP %s is told of the client", madp);
		return true;
	case NCM_ACT_RELEASE:
		snprintf(out, size, "N-MADP %s is to forget the client", madp);
		return true;
	case NCM_ACT_POLICY:
		snprintf(out, size, "N-MADP %s is told how to treat the downlink", madp);
		return true;
	case NCM_ACT_PROBE:
		snprintf(out, size, "N-MADP %s is to probe link %u", madp, a->connection_id);
		return true;
	case NCM_ACT_STEER_DONE:
		snprintf(out, size, "steering: %s", a->text);
		return true;
	case NCM_ACT_END:
		snprintf(out, size, "the session is over");
		return true;
	case NCM_ACT_REPLY:
	case NCM_ACT_SEND:
	case NCM_ACT_STORE:
	case NCM_ACT_DECIDED:
	case NCM_ACT_ORDERED:
		break;
	}
	return false;
}

/* ---- inputs ---- */

void ncm_traced_order(
	const struct ncm_order *o, bool own, struct ctl_trace_order *out, struct ctl_ncm_app *app)
{
	const struct ncm_saved_app *x = &o->steered;

	*out = (struct ctl_trace_order){.own = own,
		.anchor = (uint8_t)o->anchor,
		.configuration = o->configuration,
		.dl = o->dl,
		.ul = o->ul,
		.dl_mode = o->dl_mode,
		.ul_mode = o->ul_mode,
		.off = o->off,
		.app = o->app,
		.steered = o->app && x->name[0] ? app : NULL};
	*app = (struct ctl_ncm_app){.name = x->name,
		.dl = x->dl.links,
		.ul = x->ul.links,
		.dl_first = x->dl.first,
		.ul_first = x->ul.first,
		.dl_mode = x->dl.mode,
		.ul_mode = x->ul.mode,
		.has_held = x->held,
		.held = x->held};
}

static enum ctl_trace_what what_of(const struct ctl_trace_input *in)
{
	if (!in)
		return CTL_TRACE_TIMER;
	return in->kind == CTL_TRACE_STEER || in->kind == CTL_TRACE_PROBE ? CTL_TRACE_ORDER
									  : CTL_TRACE_PLANE;
}

struct ctl_msg *ncm_traced_input(struct ncm_traced *t, const struct ncm_session *s,
	const struct ctl_trace_input *in, const char *text, mams_time now)
{
	struct mams_buf words = {0};
	struct ctl_msg *m;

	if (in && !text)
		put_words(s, in, &words);
	m = line(t, s, what_of(in), text ? text : words.data ? words.data : "", now);
	mams_buf_fini(&words);
	if (m && in)
		m->trace.input = ctl_alloc(m, sizeof(*in));
	if (m && m->trace.input)
		*m->trace.input = *in;
	return m;
}

struct ctl_msg *ncm_traced_plane(
	struct ncm_traced *t, const struct ncm_session *s, const char *text, mams_time now)
{
	return line(t, s, CTL_TRACE_PLANE, text, now);
}

static bool knows(const struct ncm_traced *t, const struct ncm_madps *m)
{
	for (size_t i = 0; t->any_madps && i < m->policy->n_madps; i++) {
		const struct ncm_madp_use *was = &t->madps[i];

		if (was->state != m->use[i].state || was->drained != m->use[i].drained ||
			was->used != m->use[i].used)
			return false;
	}
	return t->any_madps;
}

struct ctl_msg *ncm_traced_madps(struct ncm_traced *t, const struct ncm_madps *m, mams_time now)
{
	struct ctl_trace_madp madps[NCM_MADPS_MAX];
	struct ctl_trace_input in = {
		.kind = CTL_TRACE_MADPS, .madps = madps, .n_madps = m->policy->n_madps};
	struct ctl_trace_madp *copy;
	struct ctl_msg *msg;

	if (knows(t, m))
		return NULL;
	memcpy(t->madps, m->use, sizeof(t->madps));
	t->any_madps = true;
	for (size_t i = 0; i < in.n_madps; i++)
		madps[i] = (struct ctl_trace_madp){.name = m->policy->madps[i].name,
			.state = ncm_madp_state_name(m->use[i].state),
			.drained = m->use[i].drained,
			.used = m->use[i].used};
	msg = ncm_traced_input(t, NULL, &in, NULL, now);
	copy = msg && msg->trace.input ? ctl_alloc(msg, sizeof(madps)) : NULL;
	if (!copy) {
		ctl_msg_free(msg);
		return NULL;
	}
	memcpy(copy, madps, in.n_madps * sizeof(*madps));
	msg->trace.input->madps = copy;
	msg->trace.has_at_us = true;
	msg->trace.at_us = (uint64_t)now.us;
	return msg;
}

/* ---- messages and actions ---- */

struct ctl_msg *ncm_traced_message(struct ncm_traced *t, const struct ncm_session *s,
	enum ncm_transport transport, bool sent, const struct mx_msg *m, mams_time now)
{
	struct mams_buf text = {0};
	struct ctl_msg *msg = NULL;
	struct mams_error err;

	if (mx_encode(m, MAMS_ENC_MASK, &text, &err) == 0 && !text.failed)
		msg = line(t, s, sent ? CTL_TRACE_SENT : CTL_TRACE_RECEIVED, text.data, now);
	else
		t->number++;
	if (msg)
		msg->trace.transport = ncm_transport_name(transport);
	mams_buf_fini(&text);
	return msg;
}

static struct ctl_msg *decision(
	struct ncm_traced *t, const struct ncm_session *s, size_t class, mams_time now)
{
	mams_time at;
	const struct steer_record *r = ncm_steerer_record(s, class, &at);
	struct mams_buf text = {0};
	struct ctl_msg *msg = NULL;
	struct mams_error err;

	if (r && steer_record_write(r, &text, &err) == 0 && !text.failed)
		msg = line(t, s, CTL_TRACE_DECISION, text.data, now);
	mams_buf_fini(&text);
	return msg;
}

static struct ctl_msg *ordered(struct ncm_traced *t, const struct ncm_session *s, mams_time now)
{
	struct {
		struct ctl_trace_order order;
		struct ctl_ncm_app app;
	} local, *o;
	struct ctl_trace_input in = {.kind = CTL_TRACE_STEER, .order = &local.order};
	struct ctl_msg *m;

	ncm_traced_order(&s->steer.order, true, &local.order, &local.app);
	m = ncm_traced_input(t, s, &in, NULL, now);
	o = m && m->trace.input ? ctl_alloc(m, sizeof(*o)) : NULL;
	if (!o) {
		ctl_msg_free(m);
		return NULL;
	}
	ncm_traced_order(&s->steer.order, true, &o->order, &o->app);
	m->trace.input->order = &o->order;
	return m;
}

struct ctl_msg *ncm_traced_action(struct ncm_traced *t, const struct ncm_session *s,
	const struct ncm_action *a, mams_time now)
{
	char words[256];

	if (a->kind == NCM_ACT_REPLY || a->kind == NCM_ACT_SEND)
		return ncm_traced_message(t, s, s->transport, true, a->msg, now);
	if (a->kind == NCM_ACT_DECIDED)
		return decision(t, s, a->decided, now);
	if (a->kind == NCM_ACT_ORDERED)
		return ordered(t, s, now);
	if (a->kind == NCM_ACT_END)
		t->started = false;
	return ncm_traced_words(s, a, words, sizeof(words))
		       ? line(t, s, CTL_TRACE_EVENT, words, now)
		       : NULL;
}

/* ---- where a replay can begin ---- */

static struct ctl_msg *start(struct ncm_traced *t, const struct ncm_session *s, mams_time now)
{
	struct mams_buf saved = {0};
	struct mams_buf policy = {0};
	struct ctl_msg *m = NULL;

	if (ncm_saved_write(&s->s, MAMS_ENC_MASK, &saved) == 0 && !saved.failed &&
		ncm_policy_write(s->policy, &policy) == 0 && !policy.failed)
		m = line(t, s, CTL_TRACE_START, saved.data, now);
	if (m)
		m->trace.start = ncm_start_put(m, s, policy.data, now);
	mams_buf_fini(&saved);
	mams_buf_fini(&policy);
	return m;
}

struct ctl_msg *ncm_traced_before(
	struct ncm_traced *t, const struct ncm_session *s, const struct mx_msg *m, mams_time now)
{
	if (t->session_id != s->s.session_id)
		t->started = false;
	if (!t->started && ncm_start_can(s, m)) {
		t->started = true;
		t->session_id = s->s.session_id;
		t->any_madps = false; /* they belong to it */
		return start(t, s, now);
	}
	return ncm_traced_madps(t, s->madps, now);
}
