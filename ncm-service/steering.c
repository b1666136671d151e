#include "ncm-service/steering.h"

uint32_t ncm_session_deliveries(const struct ncm_session *s)
{
	uint32_t bits = 0;

	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		if (s->s.links[i].known && s->s.links[i].in_setup &&
			s->s.links[i].admission == NCM_ADMIT_OK)
			bits |= 1u << i;
	return bits;
}

size_t ncm_session_downlink(
	const struct ncm_session *s, struct mams_addr *local, bool backup[NCM_LINKS_MAX])
{
	size_t n = 0;

	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];
		const struct mams_addr *proxy;

		if (!l->known || !l->in_setup || l->admission != NCM_ADMIT_OK)
			continue;
		proxy = ncm_policy_proxy(&s->policy->accesses[l->access], &l->address);
		if (!proxy)
			continue;
		local[n] = *proxy;
		local[n].port = 0;
		backup[n++] = (s->s.dl & 1u << i) == 0;
	}
	return n;
}

static bool feature_in(const struct mx_traffic_steering_rsp *r, int feature)
{
	for (size_t i = 0; i < r->n_feature_active; i++)
		if (r->feature_active[i].feature_name == feature)
			return r->feature_active[i].active;
	return false;
}

static bool several(uint32_t bits)
{
	return (bits & (bits - 1)) != 0;
}

int ncm_steering_verdict(
	const struct ncm_session *s, const struct mx_traffic_steering_rsp *r, const char **text)
{
	bool dl = several(s->steer.dl) && (s->s.features & 1u << MX_F_DOWNLINK_AGGREGATION);
	bool ul = several(s->steer.ul) && (s->s.features & 1u << MX_F_UPLINK_AGGREGATION);

	if (s->steer.dl != s->steer.ul) {
		*text = "not applied: the MPTCP proxy carries UL and DL over the same links "
			"(a subflow is backup in both directions)";
		return MAMS_EVALUE;
	}
	if (feature_in(r, MX_F_DOWNLINK_AGGREGATION) != dl ||
		feature_in(r, MX_F_UPLINK_AGGREGATION) != ul) {
		*text = "not applied: the client reports other features in effect";
		return MAMS_EPEER;
	}
	*text = "applied";
	return 0;
}
