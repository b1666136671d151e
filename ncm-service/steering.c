#include "ncm-service/steering.h"

#include "ncm-service/appreq.h"
#include "ncm-service/links.h"

/* An instance that the session has left carries what still runs as its first anchor wants it. */
static size_t anchor_at(const struct ncm_session *s, size_t madp)
{
	size_t first = NCM_ANCHORS_MAX;

	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		if (!s->s.anchors[a].used || !s->policy->anchors[a].methods)
			continue;
		if (s->anchor[a].madp == (int)madp)
			return a;
		if (first == NCM_ANCHORS_MAX)
			first = a;
	}
	return first;
}

size_t ncm_session_downlink(const struct ncm_session *s, size_t madp, struct mams_addr *local,
	bool backup[NCM_LINKS_MAX])
{
	size_t a = anchor_at(s, madp);
	uint8_t id[NCM_LINKS_MAX];
	uint32_t have = 0;
	uint32_t carry;
	size_t n = 0;

	for (uint8_t i = 0; a < NCM_ANCHORS_MAX && i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];
		const struct mams_addr *proxy =
			l->known && l->in_setup && l->admission == NCM_ADMIT_OK
				? ncm_policy_proxy(s->policy, madp, l->access, &l->address)
				: NULL;

		if (!proxy)
			continue;
		local[n] = *proxy;
		local[n].port = 0;
		id[n++] = i;
		have |= 1u << i;
	}
	if (n == 0)
		return 0;
	/* a link that the client is leaving carries nothing until it is confirmed (RFC 8743 8.3.2)
	 */
	carry = ncm_links_left(s, s->s.anchors[a].dl, have);
	for (size_t i = 0; i < n; i++)
		backup[i] = (carry & 1u << id[i]) == 0;
	return n;
}

static bool is_tunnel(const struct ncm_session *s, size_t anchor)
{
	return (ncm_session_methods(s, anchor) & 1u << MX_CONV_GMA) != 0;
}

/* A tunnel is one configuration, and has no number. */
static bool has_configuration(const struct ncm_session *s, const struct ncm_order *o)
{
	return ncm_session_methods(s, o->anchor) && !is_tunnel(s, o->anchor) &&
	       o->configuration <= NCM_LINKS_MAX &&
	       (ncm_session_deliveries(s, o->anchor) & 1u << (o->configuration - 1));
}

uint32_t ncm_steering_features(const struct ncm_session *s, const struct ncm_order *o)
{
	return s->s.features & ~o->off & ~(is_tunnel(s, o->anchor) ? 0 : MX_GMA_FEATURES);
}

void ncm_steering_lists(const struct ncm_session *s, struct ncm_order *o)
{
	const struct ncm_saved_anchor *a = &s->s.anchors[o->anchor];
	const uint32_t have = ncm_session_deliveries(s, o->anchor);

	o->dl = a->dl & have ? a->dl & have : have;
	o->ul = a->ul & have ? a->ul & have : have;
	o->ul_mode = a->ul_mode;
	o->dl_mode = a->dl_mode;
	o->off = a->off;
}

/* Of an application lists and modes are told with its flows. */
static const char *check_app(const struct ncm_session *s, const struct ncm_order *o, uint32_t have)
{
	if (!is_tunnel(s, o->anchor))
		return "applications are steered on an anchor with GMA only";
	if ((o->steered.dl.links | o->steered.ul.links) & ~have)
		return "only delivery connections that are set up can carry traffic";
	return NULL;
}

const char *ncm_steering_check(const struct ncm_session *s, const struct ncm_order *o)
{
	uint32_t have;

	if (o->anchor >= s->policy->n_anchors || !s->s.anchors[o->anchor].used)
		return "the session has no such anchor";
	have = ncm_session_deliveries(s, o->anchor);
	if (o->app)
		return check_app(s, o, have);
	if (!o->dl || !o->ul || (o->dl & ~have) || (o->ul & ~have))
		return "only delivery connections that are set up can carry traffic";
	if (o->configuration && !has_configuration(s, o))
		return "the anchor has no such MX configuration";
	if ((o->ul_mode || o->dl_mode || (o->off & ~MX_SESSION_FEATURES)) &&
		!is_tunnel(s, o->anchor))
		return "modes, and features other than measurement and probing, are switched on an "
		       "anchor with GMA only";
	return NULL;
}

bool ncm_steering_apart(const struct ncm_session *s, size_t anchor)
{
	return is_tunnel(s, anchor);
}

void ncm_steering_keep(struct ncm_session *s, const struct ncm_order *o, bool own)
{
	struct ncm_saved_anchor *anchors = s->s.anchors;

	if (o->app) {
		struct ncm_order mine = *o;

		mine.steered.held = !own && o->steered.name[0];
		ncm_appreq_keep(s, &mine);
		return;
	}
	anchors[o->anchor].dl = o->dl;
	anchors[o->anchor].ul = o->ul;
	anchors[o->anchor].ul_mode = o->ul_mode;
	anchors[o->anchor].dl_mode = o->dl_mode;
	anchors[o->anchor].off = o->off;
	anchors[o->anchor].held |= !own;
	for (size_t a = 0; a < NCM_ANCHORS_MAX; a++)
		anchors[a].off =
			(anchors[a].off & ~MX_SESSION_FEATURES) | (o->off & MX_SESSION_FEATURES);
}

static uint32_t features_in(const struct mx_traffic_steering_rsp *r)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < r->n_feature_active; i++)
		if (r->feature_active[i].active)
			bits |= 1u << r->feature_active[i].feature_name;
	return bits;
}

static bool several(uint32_t bits)
{
	return (bits & (bits - 1)) != 0;
}

int ncm_steering_verdict(
	const struct ncm_session *s, const struct mx_traffic_steering_rsp *r, const char **text)
{
	const struct ncm_order *o = &s->steer.order;
	bool native = ncm_session_methods(s, o->anchor) == 0;
	uint32_t wanted = ncm_steering_features(s, o);
	/* what else a client says is no reason to call it disobedient */
	uint32_t judged = o->off | 1u << MX_F_DOWNLINK_AGGREGATION | 1u << MX_F_UPLINK_AGGREGATION;

	if (is_tunnel(s, o->anchor))
		judged |= 1u << MX_F_LOSSLESS_SWITCHING | MX_GMA_FEATURES;
	if (!several(o->dl) || native)
		wanted &= ~(1u << MX_F_DOWNLINK_AGGREGATION);
	if (!several(o->ul) || native)
		wanted &= ~(1u << MX_F_UPLINK_AGGREGATION);

	if (o->dl != o->ul && native) {
		*text = "not applied: without convergence the answers come over the link that the "
			"requests take";
		return MAMS_EVALUE;
	}
	if ((features_in(r) ^ wanted) & judged) {
		*text = "not applied: the client reports other features in effect";
		return MAMS_EPEER;
	}
	*text = "applied";
	return 0;
}
