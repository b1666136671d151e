/* What N-MADP instances tell of links, on its way to the sessions. */
#include "ncm-service/madp_private.h"

#include "lib/base/log.h"
#include "ncm-service/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MODULE "madp"

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

static bool take(const struct ncm_madp *m, size_t madp, enum ncm_quality_source from,
	struct ctl_quality_link *q)
{
	struct ncm_session *s = ncm_registry_by_id(m->registry, q->session_id);
	struct ncm_madp_measured x = {.madp = madp,
		.from = from,
		.ul = ncm_quality_report(&q->ul),
		.dl = ncm_quality_report(&q->dl),
		.told_ul = &q->ul,
		.told_dl = &q->dl};
	int id = -1;

	if (s)
		id = q->has_connection_id ? q->connection_id : link_of(s, madp, q);
	if (id < 0 || id >= (int)NCM_LINKS_MAX || !s->s.links[id].known)
		return false;
	x.id = (uint8_t)id;
	if (m->ops)
		m->ops->measured(m->user, s, &x);
	return true;
}

void ncm_madp_take_quality(
	struct ncm_madp *m, size_t madp, enum ncm_quality_source from, const struct ctl_quality *q)
{
	for (size_t i = 0; i < q->n_links; i++)
		if (!take(m, madp, from, &q->links[i]))
			ncm_registry_counters(m->registry)->quality_unknown++;
}

/* ---- paths ---- */

/* By the name that it has there (ncm_tunnel_client()). */
static const struct ncm_session *session_called(const struct ncm_madp *m, const char *client)
{
	const struct ncm_session *s = ncm_registry_by_identity(m->registry, client);

	if (s || strncmp(client, NCM_TUNNEL_SESSION, strlen(NCM_TUNNEL_SESSION)) != 0)
		return s;
	return ncm_registry_by_id(
		m->registry, strtoull(client + strlen(NCM_TUNNEL_SESSION), NULL, 10));
}

void ncm_madp_take_path(const struct ncm_madp *m, size_t madp, const struct ctl_tr_event *e)
{
	static const char *const words[] = {[CTL_TR_PATH_UP] = "up",
		[CTL_TR_PATH_DOWN] = "down",
		[CTL_TR_PATH_PROVEN] = "proven"};
	const struct ncm_session *s = session_called(m, e->client);
	char text[128];

	snprintf(text, sizeof(text), "path of link %u to N-MADP %s: %s", e->connection_id,
		m->policy->madps[madp].name, words[e->kind]);
	log_debug("%s client=%s", text, e->client);
	if (s && m->ops)
		m->ops->said(m->user, s, text);
}
