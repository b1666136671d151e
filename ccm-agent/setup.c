#include "ccm-agent/setup.h"

#include "ccm-agent/detour.h"
#include "ccm-agent/leave.h"
#include "ccm-agent/protect.h"

#include <stdio.h>
#include <string.h>

bool ccm_setup_carries(const struct ccm_session *s, uint8_t id)
{
	const struct ccm_session_link *l = &s->link[id];

	/* a link that comes back with the address that was admitted is usable at once */
	return l->admitted && l->now.usable &&
	       mams_addr_eq_ip(&l->now.address, &l->admitted_address);
}

/* ---- what is wanted ---- */

static bool is_silent(const struct ccm_session_link *l, const struct ccm_path *p)
{
	return mams_addr_is_set(&l->silent_local) && mams_addr_eq_ip(&l->silent_local, &p->local) &&
	       mams_addr_eq(&l->silent_proxy, &p->proxy);
}

/* @param dl, ul  bits of connection ids; others are backup */
static void put_lists(struct ccm_path *p, uint32_t dl, uint32_t ul)
{
	const uint32_t bit = 1u << p->connection_id;

	p->backup = ((dl | ul) & bit) == 0;
	p->backup_up = (ul & bit) == 0;
	p->backup_down = (dl & bit) == 0;
}

static struct ccm_path *add_path(struct ccm_target *out, uint8_t id, uint32_t group)
{
	struct ccm_path *p = &out->paths[out->n_paths++];

	*p = (struct ccm_path){.connection_id = id, .group = group};
	return p;
}

/* While a handover is not confirmed there is one path: the others wait behind it (RFC 8743 8.3.2).
 */
static void only_one(struct ccm_target *out, size_t from, uint8_t leaving)
{
	const struct ccm_path *best = NULL;

	for (size_t i = from; i < out->n_paths; i++) {
		const struct ccm_path *p = &out->paths[i];

		if (p->connection_id != leaving && !p->backup && !p->silent &&
			(!best || p->priority < best->priority))
			best = p;
	}
	for (size_t i = from; best && i < out->n_paths; i++)
		put_lists(&out->paths[i], &out->paths[i] == best ? CCM_ALL_CONNECTIONS : 0,
			&out->paths[i] == best ? CCM_ALL_CONNECTIONS : 0);
}

/* @return does it have a path? */
static bool want_anchor(const struct ccm_session *s, const struct ccm_anchor *a, bool caught,
	struct ccm_target *out)
{
	size_t from = out->n_paths;
	uint32_t have = 0;

	for (uint8_t i = 0; i < CCM_LINKS_MAX && out->n_paths < CCM_PATHS_MAX; i++) {
		const struct mams_addr *proxy = &a->lane[i].proxy;
		struct ccm_path *p;

		/* of another family when the setup was made for an address that is gone */
		if (!a->lane[i].named || !ccm_setup_carries(s, i) ||
			proxy->family != s->link[i].now.address.family ||
			!ccm_protect_path(s, a, i, out))
			continue;
		p = add_path(out, i, a->group);
		p->caught = caught;
		p->local = s->link[i].now.address;
		p->proxy = *proxy;
		p->priority = s->link[i].conf->priority;
		/* after a fallback the proxy has no paths, and nobody would say that it is back */
		p->silent = caught && !s->fallen_back && is_silent(&s->link[i], p);
		have |= p->silent ? 0 : 1u << i;
	}
	for (size_t i = from; i < out->n_paths; i++) {
		put_lists(&out->paths[i], ccm_leave_list(s, a->dl, have),
			ccm_leave_list(s, a->ul, have));
		out->paths[i].gently = s->state == CCM_STATE_HANDOVER ||
				       s->link[out->paths[i].connection_id].fade.on;
	}
	if (s->state == CCM_STATE_HANDOVER)
		only_one(out, from, s->handover);
	return out->n_paths > from;
}

static void want_retired(
	const struct ccm_session *s, const struct ccm_retired *r, struct ccm_target *out)
{
	for (uint8_t i = 0; i < CCM_LINKS_MAX && out->n_paths < CCM_PATHS_MAX; i++) {
		const struct ccm_session_link *l = &s->link[i];
		struct ccm_path *p;

		if (!mams_addr_is_set(&r->proxy[i]) || !l->now.usable ||
			!mams_addr_eq_ip(&l->now.address, &r->local[i]))
			continue;
		p = add_path(out, i, r->group);
		p->local = r->local[i];
		p->proxy = r->proxy[i];
		p->priority = l->conf->priority;
		put_lists(p, r->dl, r->ul);
	}
}

/* Steering without convergence: the first link of the list that works. */
static void want_native(
	const struct ccm_session *s, const struct ccm_anchor *a, struct ccm_target *out)
{
	uint8_t id = a->first;

	if (!a->steered)
		return;
	for (uint8_t i = 0; i < CCM_LINKS_MAX && !((a->ul & 1u << id) && ccm_setup_carries(s, id));
		i++)
		id = (uint8_t)((id + 1u) % CCM_LINKS_MAX);
	if (!(a->ul & 1u << id) || !ccm_setup_carries(s, id))
		return;
	out->native = true;
	out->native_id = id;
}

void ccm_session_wanted(const struct ccm_session *s, struct ccm_target *out)
{
	const struct ccm_anchor *tunnel = NULL;
	uint32_t have = 0;
	bool caught = true;
	bool native = false;

	*out = (struct ccm_target){0};
	if (!s->set_up)
		return;
	for (size_t i = 0; i < CCM_ANCHORS_MAX; i++) {
		const struct ccm_anchor *a = &s->anchor[i];

		if (!a->used)
			continue;
		if (a->tunnelled) {
			tunnel = tunnel ? tunnel : a;
			continue;
		}
		if (!a->proxied && !native && !s->fallen_back) {
			want_native(s, a, out);
			native = true;
		}
		if (!a->proxied || !want_anchor(s, a, caught, out) || !caught)
			continue;
		/* applications' TCP goes by the first anchor that has a proxy */
		caught = false;
		out->catching = !s->fallen_back;
		snprintf(out->client_key, sizeof(out->client_key), "%s", a->client_key);
	}
	out->detour = tunnel && ccm_detour_wanted(s, out);
	if (tunnel)
		ccm_tunnel_want(s, tunnel, ccm_setup_caught(s) != NULL && !out->detour, out);
	for (size_t i = 0; i < CCM_RETIRED_MAX; i++)
		if (s->retired[i].group)
			want_retired(s, &s->retired[i], out);
	memcpy(out->classes, s->app.classes, s->app.n_classes * sizeof(out->classes[0]));
	out->n_classes = s->app.n_classes;
	for (size_t i = 0; i < out->n_paths; i++)
		have |= out->paths[i].caught && !out->paths[i].silent
				? 1u << out->paths[i].connection_id
				: 0;
	for (size_t i = 0; i < out->n_classes; i++)
		ccm_leave_class(s, &out->classes[i], have);
}

/* ---- a setup ---- */

/* An adaptation that was not agreed, or a method that we do not have: omitted from the CNF. */
static bool can_do(const struct ccm_session *s, const struct mx_convergence_config *c)
{
	const struct mx_convergence_params *p = c->convergence_method_params;

	if (!c->has_convergence_method)
		return true;
	if (c->convergence_method == MX_CONV_GMA)
		return ccm_tunnel_can(s, c);
	return c->convergence_method == MX_CONV_MPTCP_PROXY &&
	       (s->convergence & 1u << MX_CONV_MPTCP_PROXY) && p && p->proxy_ip;
}

static void take_end(const struct mx_convergence_config *c, const struct mx_setup_delivery *d,
	struct mams_addr *out)
{
	const struct mx_adaptation_params *end = d->adaptation_method_param;
	const struct mx_convergence_params *p = c->convergence_method_params;
	bool tunnel = c->convergence_method == MX_CONV_GMA;

	if (c->has_convergence_method &&
		mams_addr_parse(tunnel ? end->tunnel_ip_addr : p->proxy_ip, out) == 0)
		out->port = tunnel ? end->tunnel_end_port : p->proxy_port;
}

static void name_link(struct ccm_session *s, struct ccm_anchor *a,
	const struct mx_convergence_config *c, const struct mx_setup_delivery *d)
{
	struct ccm_session_link *l;
	struct ccm_lane *lane;

	if (d->connection_id >= CCM_LINKS_MAX || !s->link[d->connection_id].conf ||
		(d->has_adaptation_method && !a->tunnelled && !ccm_protect_can(s, c, d)))
		return;
	l = &s->link[d->connection_id];
	lane = &a->lane[d->connection_id];
	*lane = (struct ccm_lane){.named = true,
		.configuration = c->has_mx_configuration_id ? c->mx_configuration_id : 0,
		.control_port = c->has_udp_port ? c->udp_port : 0,
		.dtls = d->has_adaptation_method && d->adaptation_method == MX_ADAPT_DTLS,
		.client_nat =
			d->has_adaptation_method && d->adaptation_method == MX_ADAPT_CLIENT_NAT};
	take_end(c, d, &lane->proxy);
	ccm_protect_take(lane, d);
	l->admitted = true;
	l->admitted_address = mams_addr_is_set(&l->known) ? l->known : l->sent.address;
}

static void take_proxy(struct ccm_anchor *a, const struct mx_convergence_config *c)
{
	if (!c->has_convergence_method)
		return;
	a->proxied = true;
	if (c->convergence_method_params->client_key)
		snprintf(a->client_key, sizeof(a->client_key), "%s",
			c->convergence_method_params->client_key);
}

static void take_anchor(
	struct ccm_session *s, const struct mx_setup_anchor *from, struct ccm_anchor *a)
{
	*a = (struct ccm_anchor){.used = true,
		.id = from->connection_id,
		.type = from->connection_type,
		.dl = CCM_ALL_CONNECTIONS,
		.ul = CCM_ALL_CONNECTIONS};
	for (size_t i = 0; i < from->n_convergence_config; i++) {
		const struct mx_convergence_config *c = &from->convergence_config[i];
		bool gma;

		if (!can_do(s, c))
			continue;
		/* an anchor is the proxy's or the trailer's; its first configuration says whose */
		gma = c->has_convergence_method && c->convergence_method == MX_CONV_GMA;
		if (a->tunnelled || (gma && a->proxied))
			continue;
		if (gma)
			ccm_tunnel_take(a, c);
		else
			take_proxy(a, c);
		for (size_t k = 0; k < c->n_delivery_connections; k++)
			name_link(s, a, c, &c->delivery_connections[k]);
	}
}

/* Another N-MADP instance shares no address with the one before. */
static bool same_instance(const struct ccm_anchor *a, const struct ccm_anchor *b)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		for (size_t k = 0; k < CCM_LINKS_MAX; k++)
			if (mams_addr_is_set(&a->lane[i].proxy) &&
				mams_addr_eq(&a->lane[i].proxy, &b->lane[k].proxy))
				return true;
	return false;
}

static bool has_proxies(const struct ccm_anchor *a)
{
	for (size_t i = 0; a->proxied && i < CCM_LINKS_MAX; i++)
		if (a->lane[i].named)
			return true;
	return false;
}

static void retire(struct ccm_session *s, const struct ccm_anchor *a,
	const struct ccm_session_link *links, mams_time now)
{
	struct ccm_retired *r = &s->retired[0];

	for (size_t i = 0; i < CCM_RETIRED_MAX; i++) {
		if (s->retired[i].group == 0) {
			r = &s->retired[i];
			break;
		}
		if (mams_time_before(s->retired[i].until, r->until))
			r = &s->retired[i];
	}
	*r = (struct ccm_retired){.group = a->group,
		.until = s->conf->retire_ms ? mams_time_add_ms(now, s->conf->retire_ms)
					    : MAMS_TIME_NEVER,
		.dl = a->dl,
		.ul = a->ul};
	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		/* without its association nothing goes there any more */
		if (!a->lane[i].named || !links[i].admitted || a->lane[i].protect)
			continue;
		r->local[i] = links[i].admitted_address;
		r->proxy[i] = a->lane[i].proxy;
	}
	s->counters.moves++;
}

/* What is steered stays steered; what runs over an instance that it has left is kept. */
static void succeed(struct ccm_session *s, struct ccm_anchor *a, const struct ccm_anchor *old,
	const struct ccm_session_link *links, mams_time now)
{
	a->dl = old->dl;
	a->ul = old->ul;
	a->first = old->first;
	a->steered = old->steered;
	a->ul_mode = old->ul_mode;
	a->dl_mode = old->dl_mode;
	a->off = old->off;
	memcpy(a->classes, old->classes, sizeof(a->classes));
	a->n_classes = old->n_classes;
	if (!has_proxies(old))
		return;
	if (same_instance(a, old))
		a->group = old->group;
	else
		retire(s, old, links, now);
}

/* An instance to which the anchor returns is no longer one that it has left. */
static void recall(struct ccm_session *s, struct ccm_anchor *a)
{
	for (size_t k = 0; k < CCM_RETIRED_MAX; k++)
		for (size_t i = 0; s->retired[k].group && i < CCM_LINKS_MAX; i++)
			if (mams_addr_is_set(&a->lane[i].proxy) &&
				mams_addr_eq(&a->lane[i].proxy, &s->retired[k].proxy[i])) {
				a->group = s->retired[k].group;
				s->retired[k].group = 0;
			}
}

void ccm_setup_admit(struct ccm_session *s, const struct mx_up_setup_conf_req *u, mams_time now,
	uint32_t (*group)(struct ccm_session *s))
{
	struct ccm_anchor old[CCM_ANCHORS_MAX];
	struct ccm_session_link links[CCM_LINKS_MAX];
	bool gone[CCM_ANCHORS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		links[i] = s->link[i];
		s->link[i].admitted = false;
	}
	for (size_t i = 0; i < CCM_ANCHORS_MAX; i++) {
		old[i] = s->anchor[i];
		gone[i] = old[i].used;
		mams_wipe(&s->anchor[i], sizeof(s->anchor[i]));
	}
	for (size_t i = 0; i < u->n_anchor_connections && n < CCM_ANCHORS_MAX; i++) {
		struct ccm_anchor *a = &s->anchor[n++];

		take_anchor(s, &u->anchor_connections[i], a);
		for (size_t k = 0; k < CCM_ANCHORS_MAX; k++) {
			if (!old[k].used || old[k].id != a->id)
				continue;
			succeed(s, a, &old[k], links, now);
			gone[k] = false;
		}
		if (has_proxies(a) && !a->group)
			recall(s, a);
		if (has_proxies(a) && !a->group)
			a->group = group(s);
	}
	for (size_t k = 0; k < CCM_ANCHORS_MAX; k++)
		if (gone[k] && has_proxies(&old[k]))
			retire(s, &old[k], links, now);
	mams_wipe(old, sizeof(old));
}

uint32_t ccm_setup_named(const struct ccm_session *s)
{
	uint32_t bits = 0;

	for (size_t a = 0; a < CCM_ANCHORS_MAX; a++)
		for (uint8_t i = 0; s->anchor[a].used && i < CCM_LINKS_MAX; i++)
			bits |= s->anchor[a].lane[i].named ? 1u << i : 0;
	return bits;
}

uint32_t ccm_setup_native(const struct ccm_session *s)
{
	uint32_t native = 0;
	uint32_t proxied = 0;

	for (size_t a = 0; a < CCM_ANCHORS_MAX; a++)
		for (uint8_t i = 0; s->anchor[a].used && i < CCM_LINKS_MAX; i++) {
			if (!s->anchor[a].lane[i].named || !ccm_setup_carries(s, i))
				continue;
			if (s->anchor[a].proxied || s->anchor[a].tunnelled)
				proxied |= 1u << i;
			else
				native |= 1u << i;
		}
	return native & ~proxied;
}

mams_time ccm_setup_deadline(const struct ccm_session *s)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t i = 0; i < CCM_RETIRED_MAX; i++)
		if (s->retired[i].group)
			t = mams_time_min(t, s->retired[i].until);
	return t;
}

bool ccm_setup_tick(struct ccm_session *s, mams_time now)
{
	bool any = false;

	for (size_t i = 0; i < CCM_RETIRED_MAX; i++) {
		if (!s->retired[i].group || mams_time_before(now, s->retired[i].until))
			continue;
		s->retired[i].group = 0;
		any = true;
	}
	return any;
}

const struct ccm_anchor *ccm_setup_caught(const struct ccm_session *s)
{
	for (size_t i = 0; i < CCM_ANCHORS_MAX; i++)
		if (s->anchor[i].used && s->anchor[i].proxied)
			return &s->anchor[i];
	return NULL;
}
