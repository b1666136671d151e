#include "ncm-service/appreq.h"

#include "ncm-service/advice.h"

#include <stdio.h>
#include <string.h>

#define TCP 6
#define ANY 255

static bool same_flow(const struct ncm_flow *a, const struct ncm_flow *b)
{
	return a->has_protocol == b->has_protocol && a->protocol == b->protocol &&
	       a->port_first == b->port_first && a->port_last == b->port_last &&
	       strcmp(a->remote, b->remote) == 0;
}

static bool any_address(const char *mask)
{
	return !mask || strcmp(mask, "0.0.0.0/0") == 0 || strcmp(mask, "::/0") == 0;
}

/* MPTCP_Proxy knows a flow by its server; all else it cannot tell, and says so.  RFC 8743 C.2.16:
 * told at its default is not told. */
static bool is_plain(const struct mx_tft *t)
{
	const struct mx_port_range *r = t->local_port_range;

	return any_address(t->local_addr_mask) && (!r || (r->start == 0 && r->end == UINT16_MAX)) &&
	       (!t->has_traffic_class || t->traffic_class == ANY) &&
	       (!t->has_flow_label || t->flow_label == 0);
}

static bool take_template(const struct mx_tft *t, struct ncm_flow *f)
{
	struct mams_prefix net;

	*f = (struct ncm_flow){.port_last = UINT16_MAX};
	f->has_protocol = t->has_protocol_type && t->protocol_type != ANY;
	f->protocol = f->has_protocol ? t->protocol_type : 0;
	if (!is_plain(t) || (f->has_protocol && f->protocol != TCP))
		return false;
	if (!any_address(t->remote_addr_mask)) {
		if (mams_prefix_parse(t->remote_addr_mask, &net) < 0)
			return false;
		snprintf(f->remote, sizeof(f->remote), "%s", t->remote_addr_mask);
	}
	if (t->remote_port_range) {
		f->port_first = t->remote_port_range->start;
		f->port_last = t->remote_port_range->end;
	}
	return true;
}

static void put_links(const struct ncm_session *s, struct ncm_flow *f, uint32_t bits)
{
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		if (!(bits & 1u << i) || !s->policy->accesses[s->s.links[i].access].applications ||
			memchr(f->order, i, f->n_order))
			continue;
		f->order[f->n_order++] = i;
	}
}

static bool put_flow(
	const struct ncm_session *s, struct ncm_appreq *a, const struct mx_tft *t, uint32_t bits)
{
	struct ncm_flow f;
	size_t i = 0;

	if (!take_template(t, &f))
		return false;
	while (i < a->n_flows && !same_flow(&a->flows[i], &f))
		i++;
	if (i == NCM_FLOWS_MAX)
		return false;
	if (i == a->n_flows)
		a->flows[a->n_flows++] = f;
	put_links(s, &a->flows[i], bits);
	return true;
}

static bool read_request(
	const struct ncm_session *s, const struct mx_app_madp_assoc_req *q, struct ncm_appreq *out)
{
	for (size_t i = 0; i < q->n_app_madp_assoc_list; i++) {
		const struct mx_app_madp_assoc *a = &q->app_madp_assoc_list[i];
		size_t anchor = 0;
		uint32_t bits = ncm_advice_instance(s, a, &anchor);

		if (bits == 0 || (i > 0 && anchor != out->anchor))
			return false;
		out->anchor = anchor;
		for (size_t k = 0; k < a->n_ul_tft_list; k++)
			if (!put_flow(s, out, &a->ul_tft_list[k], bits))
				return false;
	}
	for (size_t i = 0; i < out->n_flows; i++)
		if (out->flows[i].n_order == 0)
			return false; /* not for applications */
	return true;
}

bool ncm_appreq_take(struct ncm_session *s, const struct mx_app_madp_assoc_req *q)
{
	struct ncm_appreq *a = calloc(1, sizeof(*a));

	if (!a || !read_request(s, q, a)) {
		free(a);
		return false;
	}
	/* the anchor that it leaves must be told, too */
	if (s->app)
		s->flows_due |= s->flows_told & 1u << s->app->anchor;
	free(s->app);
	s->app = a->n_flows > 0 ? a : NULL;
	if (s->app)
		s->flows_due |= 1u << a->anchor;
	else
		free(a);
	return true;
}

/* ---- the operator's categories ---- */

static struct ncm_flow flow_of(const struct ncm_session *s, const struct ncm_app_conf *a)
{
	struct ncm_flow f = {.name = a->name,
		.has_protocol = a->protocol != ANY,
		.protocol = (uint8_t)a->protocol,
		.port_first = (uint16_t)a->port_first,
		.port_last = (uint16_t)a->port_last,
		.has_dscp = a->dscp < NCM_DSCP_ANY,
		.dscp = a->dscp < NCM_DSCP_ANY ? (uint8_t)a->dscp : 0};

	if (a->n_destinations > 0)
		(void)mams_prefix_str(a->destinations, f.remote);
	for (size_t k = 0; k < a->n_order; k++)
		for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
			if (s->s.links[i].known && s->s.links[i].access == a->order[k] &&
				!memchr(f.order, i, f.n_order))
				f.order[f.n_order++] = i;
	return f;
}

static void keep(struct ncm_flow *f, uint32_t may)
{
	size_t n = 0;

	f->dl = 0;
	for (size_t i = 0; i < f->n_order; i++) {
		if (!(may & 1u << f->order[i]))
			continue;
		f->dl |= 1u << f->order[i];
		f->order[n++] = f->order[i];
	}
	f->n_order = n;
	f->dl_first = f->order[0];
}

const struct ncm_saved_app *ncm_appreq_steered(const struct ncm_session *s, size_t app)
{
	for (size_t i = 0; i < NCM_APPS_MAX; i++)
		if (s->s.apps[i].name[0] &&
			strcmp(s->s.apps[i].name, s->policy->apps[app].name) == 0)
			return &s->s.apps[i];
	return NULL;
}

void ncm_appreq_keep(struct ncm_session *s, const struct ncm_order *o)
{
	const struct ncm_saved_app *was = ncm_appreq_steered(s, o->app - 1u);
	size_t i = 0;

	/* the policy has no more of them than there are places, and other names are not kept */
	while (i + 1 < NCM_APPS_MAX && (was ? &s->s.apps[i] != was : s->s.apps[i].name[0] != '\0'))
		i++;
	s->s.apps[i] = o->steered;
}

static void put_order(struct ncm_flow *f, const uint8_t *ids, size_t n, uint32_t links)
{
	for (size_t i = 0; i < n; i++)
		if ((links & 1u << ids[i]) && !memchr(f->order, ids[i], f->n_order))
			f->order[f->n_order++] = ids[i];
}

/* What is steered by itself goes where it was steered to while a link of those is there.  Links as
 * they stand in f are the configured ones. */
static void steer_flow(
	struct ncm_flow *f, const struct ncm_saved_app *to, uint32_t have, uint32_t may)
{
	static const uint8_t all[NCM_LINKS_MAX] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	const struct ncm_flow was = *f;
	const uint32_t ul = to->ul.links & have;

	f->ul_mode = to->ul.mode;
	f->dl_mode = to->dl.mode;
	f->dl_steered = (to->dl.links & have) != 0;
	if (f->dl_steered) {
		f->dl = to->dl.links & have;
		f->dl_first = to->dl.first;
	}
	if (!ul && f->n_order > 0)
		return;
	f->n_order = 0;
	if (ul) {
		put_order(f, &to->ul.first, 1, ul);
		put_order(f, was.order, was.n_order, ul);
	}
	put_order(f, all, NCM_LINKS_MAX, ul ? ul : may);
}

size_t ncm_appreq_flows(const struct ncm_session *s, const struct ncm_order *o, uint32_t may,
	struct ncm_flow out[NCM_ALL_FLOWS_MAX])
{
	const size_t anchor = o->anchor;
	const uint32_t have = ncm_session_deliveries(s, anchor);
	const uint32_t methods = ncm_session_methods(s, anchor);
	const bool tunnel = (methods & 1u << MX_CONV_GMA) != 0;
	const size_t max = tunnel ? NCM_APPS_MAX : NCM_ALL_FLOWS_MAX;
	const size_t own = s->app && s->app->anchor == anchor ? s->app->n_flows : 0;
	size_t n = 0;

	for (size_t i = 0; methods && i < s->policy->n_apps; i++) {
		const struct ncm_saved_app *to =
			o->app == i + 1 ? &o->steered : ncm_appreq_steered(s, i);

		out[n] = flow_of(s, &s->policy->apps[i]);
		keep(&out[n], may);
		if (tunnel && to && to->name[0])
			steer_flow(&out[n], to, have, may);
		/* a proxy has TCP only */
		n += out[n].n_order > 0 &&
		     (tunnel || !out[n].has_protocol || out[n].protocol == TCP);
	}
	for (size_t i = 0; i < own && n < max; i++) {
		out[n] = s->app->flows[i];
		keep(&out[n], may);
		n += out[n].n_order > 0;
	}
	return n;
}

/* ---- steering ---- */

void ncm_appreq_setup(struct ncm_session *s)
{
	struct ncm_flow flows[NCM_ALL_FLOWS_MAX];

	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		const struct ncm_order o = {.anchor = a};

		if (s->s.anchors[a].used &&
			((s->flows_told & 1u << a) ||
				ncm_appreq_flows(s, &o, ncm_session_deliveries(s, a), flows) > 0))
			s->flows_due |= 1u << a;
	}
}

void ncm_appreq_step(struct ncm_session *s, mams_time now)
{
	size_t a = 0;

	if (!s->flows_due || s->state != NCM_STATE_ACTIVE || s->steer.open)
		return;
	while (!(s->flows_due & 1u << a))
		a++;
	s->flows_due &= ~(1u << a);
	if (ncm_session_steer_again(s, a, now))
		s->flows_told |= 1u << a;
}

void ncm_appreq_forget(struct ncm_session *s)
{
	free(s->app);
	s->app = NULL;
	s->flows_due = s->flows_told = 0;
}
