#include "ncm-service/status.h"

#include "lib/base/log.h"
#include "lib/mx/mx_tables.h"
#include "ncm-service/admin_policy.h"
#include "ncm-service/agree.h"
#include "ncm-service/appreq.h"
#include "ncm-service/overview.h"
#include "ncm-service/protect.h"
#include "ncm-service/tunnel.h"

#include <stdio.h>
#include <string.h>

static const char **put_names(
	struct ctl_msg *msg, uint32_t bits, int count, const char *(*name)(int), size_t *n)
{
	const char **out = ctl_alloc(msg, (size_t)count * sizeof(*out));

	for (int i = 0; out && i < count; i++)
		if (bits & 1u << i)
			out[(*n)++] = ctl_strdup(msg, name(i));
	return out;
}

void ncm_status_agreed(
	struct ctl_msg *msg, const struct ncm_session *s, struct ctl_session_status *out)
{
	char text[MX_DROP_LEN];

	out->features =
		put_names(msg, s->s.features, MX_F_COUNT, mx_feature_name, &out->n_features);
	out->convergence = put_names(
		msg, s->s.convergence, MX_CONV_COUNT, mx_convergence_name, &out->n_convergence);
	out->adaptation = put_names(
		msg, s->s.adaptation, MX_ADAPT_COUNT, mx_adaptation_name, &out->n_adaptation);
	out->dropped = ctl_alloc(msg, (s->n_drops + 1) * sizeof(*out->dropped));
	for (size_t i = 0; out->dropped && i < s->n_drops; i++)
		out->dropped[out->n_dropped++] = (struct ctl_dropped){
			.group = ctl_strdup(msg, mx_group_name(s->drops[i].group)),
			.item = ctl_strdup(msg, mx_drop_name(&s->drops[i], text)),
			.reason = ctl_strdup(msg, ncm_drop_reason(&s->drops[i]))};
}

static const char **put_links(
	struct ctl_msg *msg, const struct ncm_session *s, uint32_t bits, size_t *n)
{
	const char **out = ctl_alloc(msg, NCM_LINKS_MAX * sizeof(*out));

	for (uint8_t i = 0; out && i < NCM_LINKS_MAX; i++)
		if (bits & 1u << i)
			out[(*n)++] =
				ctl_strdup(msg, s->policy->accesses[s->s.links[i].access].name);
	return out;
}

static uint32_t admitted(const struct ncm_session *s, uint32_t bits)
{
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		if (s->s.links[i].admission != NCM_ADMIT_OK)
			bits &= ~(1u << i);
	return bits;
}

static void put_way(struct ctl_msg *msg, const struct ncm_session *s, const struct ncm_app_way *w,
	const char ***names, size_t *n, const char **mode)
{
	const uint32_t links = admitted(s, w->links);
	const uint32_t first = links & 1u << w->first;
	size_t rest = 0;
	const char **behind;

	*names = put_links(msg, s, first, n);
	behind = put_links(msg, s, links & ~first, &rest);
	for (size_t i = 0; *names && behind && i < rest; i++)
		(*names)[(*n)++] = behind[i];
	*mode = w->mode ? mams_enum_str(mx_mode_names, w->mode - 1) : NULL;
}

void ncm_status_apps(
	struct ctl_msg *msg, const struct ncm_session *s, struct ctl_session_status *out)
{
	out->applications = ctl_alloc(msg, NCM_APPS_MAX * sizeof(*out->applications));
	for (size_t i = 0; out->applications && i < s->policy->n_apps; i++) {
		const struct ncm_saved_app *a = ncm_appreq_steered(s, i);
		struct ctl_app_status *x = &out->applications[out->n_applications];

		if (!a)
			continue;
		x->name = ctl_strdup(msg, a->name);
		x->steered_by =
			ncm_policy_who(msg, s, (size_t)ncm_tunnel_anchor(s), (int)i, a->held);
		put_way(msg, s, &a->dl, &x->dl, &x->n_dl, &x->dl_mode);
		put_way(msg, s, &a->ul, &x->ul, &x->n_ul, &x->ul_mode);
		out->n_applications++;
	}
}

static const char *method_name(const struct ncm_session *s, size_t a)
{
	uint32_t methods = ncm_session_methods(s, a);

	for (int i = 0; i < MX_CONV_COUNT; i++)
		if (methods & 1u << i)
			return mx_convergence_name(i);
	return "none";
}

void ncm_status_anchors(
	struct ctl_msg *msg, const struct ncm_session *s, struct ctl_session_status *out)
{
	const struct ncm_policy *p = s->policy;

	out->anchors = ctl_alloc(msg, p->n_anchors * sizeof(*out->anchors));
	for (size_t a = 0; out->anchors && a < p->n_anchors; a++) {
		struct ctl_anchor_status *x = &out->anchors[out->n_anchors];
		uint32_t have = ncm_session_deliveries(s, a);

		if (!s->s.anchors[a].used)
			continue;
		*x = (struct ctl_anchor_status){.name = ctl_strdup(msg, p->anchors[a].name),
			.connection_id = s->s.anchors[a].id,
			.type = ctl_strdup(
				msg, mx_connection_type_name(p->anchors[a].connection_type)),
			.method = ctl_strdup(msg, method_name(s, a)),
			.refused = s->anchor[a].refused};
		if (ncm_session_methods(s, a) & 1u << MX_CONV_GMA) {
			x->anchor4 = s->s.tunnel.anchor4;
			x->anchor6 = s->s.tunnel.anchor6;
		}
		if (s->anchor[a].madp >= 0)
			x->madp = ctl_strdup(msg, p->madps[s->anchor[a].madp].name);
		if (!out->madp)
			out->madp = x->madp;
		x->steered_by = ncm_policy_who(msg, s, a, -1, s->s.anchors[a].held);
		x->dl = put_links(msg, s, have & s->s.anchors[a].dl, &x->n_dl);
		x->ul = put_links(msg, s, have & s->s.anchors[a].ul, &x->n_ul);
		out->n_anchors++;
	}
}

const char *ncm_status_adaptation(const struct ncm_session *s, uint8_t id)
{
	const struct ncm_link *l = &s->s.links[id];
	const int gma = ncm_tunnel_anchor(s);

	if (l->admission != NCM_ADMIT_OK)
		return NULL;
	if (ncm_protect_wanted(s->policy, l) || ncm_protect_tunnels(s, l))
		return mx_adaptation_name(MX_ADAPT_IPSEC);
	if (gma >= 0 && ncm_session_deliveries(s, (size_t)gma) & 1u << id && ncm_tunnel_may(s, l))
		return mx_adaptation_name(s->policy->accesses[l->access].tunnel);
	return NULL;
}

void ncm_status_madps(struct ctl_msg *msg, struct ncm_service *v)
{
	struct ctl_ncm_status *st = &msg->ncm_status;
	const struct ncm_madps *m = ncm_registry_madps(ncm_service_registry(v));
	const struct ncm_madp *d = ncm_service_madp(v);
	uint64_t open;

	st->madps = ctl_alloc(msg, NCM_MADPS_MAX * sizeof(*st->madps));
	for (size_t i = 0; st->madps && i < m->policy->n_madps; i++) {
		bool has_open = ncm_madp_open(d, i, &open);

		st->madps[st->n_madps++] =
			(struct ctl_madp_status){.name = ctl_strdup(msg, m->policy->madps[i].name),
				.proxy_up = ncm_madp_proxy_up(d, i),
				.plugin_up = ncm_madp_plugin_up(d, i),
				.state = ctl_strdup(msg, ncm_madp_state_name(m->use[i].state)),
				.drained = m->use[i].drained,
				.used = m->use[i].used,
				.capacity = m->policy->madps[i].capacity,
				.has_open = has_open,
				.open = has_open ? open : 0,
				.has_empty = m->use[i].drained,
				.empty = ncm_madp_is_empty(d, i)};
	}
}

void ncm_status_overview(struct ctl_msg *msg, struct ncm_service *v, mams_time now)
{
	struct ctl_ncm_status *st = &msg->ncm_status;
	const struct ncm_registry *r = ncm_service_registry(v);
	const struct ncm_policy *p = ncm_registry_madps(ncm_service_registry(v))->policy;
	struct ncm_overview o;

	ncm_overview_take(r, now, &o);
	st->has_sessions_total = st->has_sessions_troubled = true;
	st->sessions_total = o.total;
	st->sessions_troubled = o.troubled;
	st->accesses = ctl_alloc(msg, p->n_accesses * sizeof(*st->accesses));
	for (size_t i = 0; st->accesses && i < p->n_accesses; i++)
		st->accesses[st->n_accesses++] =
			(struct ctl_access_status){.name = ctl_strdup(msg, p->accesses[i].name),
				.up = o.access[i].up,
				.down = o.access[i].down,
				.dl_kbps = (uint32_t)o.access[i].dl_kbps,
				.ul_kbps = (uint32_t)o.access[i].ul_kbps};
}

struct ctl_msg *ncm_status_events(uint32_t id, uint64_t after)
{
	static const char *const levels[] = {"err", "warn", "info", "debug"};
	struct ctl_msg *msg = ctl_msg_new(CTL_EVENTS, id);
	const struct mams_log_line *l;

	if (!msg)
		return NULL;
	msg->events.events = ctl_alloc(msg, MAMS_LOG_KEPT * sizeof(*msg->events.events));
	while (msg->events.events && (l = mams_log_kept(after)) != NULL) {
		msg->events.events[msg->events.n_events++] = (struct ctl_event){.number = l->number,
			.time_ms = (uint64_t)l->wall_ms,
			.level = levels[l->level],
			.module = ctl_strdup(msg, l->module),
			.text = ctl_strdup(msg, l->text)};
		after = l->number;
	}
	return msg;
}

int ncm_status_anchor(const struct ncm_session *s, const char *text, bool tunnel, size_t *out,
	struct mams_error *err)
{
	const int gma = tunnel && !text ? ncm_tunnel_anchor(s) : -1;
	char id[4];

	if (gma >= 0) {
		*out = (size_t)gma;
		return 0;
	}
	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		snprintf(id, sizeof(id), "%u", s->s.anchors[a].id);
		*out = a;
		if (s->s.anchors[a].used &&
			(!text || strcmp(text, s->policy->anchors[a].name) == 0 ||
				strcmp(text, id) == 0))
			return 0;
	}
	return mams_fail(err, MAMS_EVALUE, text ? text : "anchor",
		"the session has no such anchor (mamsctl sessions lists them)");
}
