/* What N-MADP instances tell of links with traffic, on its way to the sessions. */
#include "ncm-service/madp_private.h"

/* The connection whose two ends these are; behind NAT the N-MADP's end alone tells, if only one has
 * it.  @return -1: none */
static int link_of(const struct ncm_session *s, size_t madp, const struct ctl_quality_link *q)
{
	int found = -1;
	size_t n = 0;

	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];
		const struct mams_addr *proxy;

		if (!l->in_setup || l->admission != NCM_ADMIT_OK)
			continue;
		proxy = ncm_policy_proxy(s->policy, madp, l->access, &l->setup_address);
		if (!proxy || !mams_addr_eq_ip(proxy, &q->local))
			continue;
		if (mams_addr_eq_ip(&l->setup_address, &q->remote))
			return i;
		found = i;
		n++;
	}
	return n == 1 ? found : -1;
}

static struct ncm_way_report report_of(const struct ctl_quality_way *w)
{
	return (struct ncm_way_report){.has_rate = w->has_rate_kbps,
		.has_delay = w->has_delay_us,
		.has_jitter = w->has_jitter_us,
		.has_packets = w->has_packets,
		.rate_kbps = w->rate_kbps,
		.used_kbps = w->used_kbps,
		.delay_us = w->delay_us,
		.jitter_us = w->jitter_us,
		.packets = w->packets,
		.lost = w->lost};
}

static bool take(const struct ncm_madp *m, size_t madp, enum ncm_quality_source from,
	const struct ctl_quality_link *q)
{
	struct ncm_session *s = ncm_registry_by_id(m->registry, q->session_id);
	const struct ncm_way_report ul = report_of(&q->ul);
	const struct ncm_way_report dl = report_of(&q->dl);
	int id = -1;

	if (s)
		id = q->has_connection_id ? q->connection_id : link_of(s, madp, q);
	if (id < 0 || id >= (int)NCM_LINKS_MAX || !s->s.links[id].known)
		return false;
	ncm_session_quality(s, (uint8_t)id, from, &ul, &dl, mams_loop_now(m->loop));
	if (m->ops)
		m->ops->measured(m->user, s);
	return true;
}

void ncm_madp_take_quality(
	struct ncm_madp *m, size_t madp, enum ncm_quality_source from, const struct ctl_quality *q)
{
	for (size_t i = 0; i < q->n_links; i++)
		if (!take(m, madp, from, &q->links[i]))
			ncm_registry_counters(m->registry)->quality_unknown++;
}
