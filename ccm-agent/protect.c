#include "ccm-agent/protect.h"

#include <stdio.h>
#include <string.h>

#define SECRET_MIN 16u

bool ccm_protect_is_secret(const char *secret)
{
	size_t len = secret ? strlen(secret) : 0;

	return len >= SECRET_MIN && len < CCM_SECRET_MAX;
}

bool ccm_protect_can(const struct ccm_session *s, const struct mx_convergence_config *c,
	const struct mx_setup_delivery *d)
{
	const struct mx_adaptation_params *p = d->adaptation_method_param;
	struct mams_addr end;
	struct mams_addr proxy;

	if (d->adaptation_method != MX_ADAPT_IPSEC || !(s->adaptation & 1u << MX_ADAPT_IPSEC) ||
		!s->has_id || !c->has_convergence_method || !p ||
		!ccm_protect_is_secret(p->shared_secret))
		return false;
	/* what is protected is what goes to the proxy */
	return !p->tunnel_ip_addr ||
	       (mams_addr_parse(p->tunnel_ip_addr, &end) == 0 &&
		       mams_addr_parse(c->convergence_method_params->proxy_ip, &proxy) == 0 &&
		       mams_addr_eq_ip(&end, &proxy));
}

void ccm_protect_take(struct ccm_lane *lane, const struct mx_setup_delivery *d)
{
	lane->protect = d->has_adaptation_method && d->adaptation_method == MX_ADAPT_IPSEC;
	lane->nat = lane->protect && d->adaptation_method_param->has_nat &&
		    d->adaptation_method_param->nat;
	if (lane->protect)
		snprintf(lane->secret, sizeof(lane->secret), "%s",
			d->adaptation_method_param->shared_secret);
}

bool ccm_protect_same(const struct ccm_assoc *a, const struct ccm_sa *sa)
{
	return a->anchor_id == sa->anchor_id && a->connection_id == sa->connection_id &&
	       mams_addr_eq_ip(&a->local, &sa->local) && mams_addr_eq_ip(&a->proxy, &sa->proxy);
}

bool ccm_protect_path(
	const struct ccm_session *s, const struct ccm_anchor *a, uint8_t id, struct ccm_target *out)
{
	struct ccm_assoc *w = &out->assocs[out->n_assocs];

	if (!a->lane[id].protect)
		return true;
	if (out->n_assocs == CCM_ASSOCS_MAX)
		return false;
	*w = (struct ccm_assoc){.anchor_id = a->id,
		.connection_id = id,
		.local = s->link[id].now.address,
		.proxy = a->lane[id].proxy,
		.tunnel = a->tunnelled,
		.nat = a->lane[id].nat};
	memcpy(w->secret, a->lane[id].secret, sizeof(w->secret));
	out->n_assocs++;
	out->ncm_id = s->id.ncm_id;
	out->session_id = s->id.session_id;
	for (size_t i = 0; i < s->n_sas; i++)
		if (ccm_protect_same(w, &s->sas[i]))
			return true;
	return false;
}

bool ccm_session_sa(struct ccm_session *s, const struct ccm_sa *sa, bool up)
{
	size_t i = 0;

	while (i < s->n_sas && !(s->sas[i].anchor_id == sa->anchor_id &&
				       s->sas[i].connection_id == sa->connection_id))
		i++;
	if (!up && i == s->n_sas)
		return false;
	if (up && i < s->n_sas && mams_addr_eq_ip(&s->sas[i].local, &sa->local) &&
		mams_addr_eq_ip(&s->sas[i].proxy, &sa->proxy))
		return false;
	if (up && i == s->n_sas && s->n_sas == CCM_ASSOCS_MAX)
		return false;
	if (up)
		s->sas[i] = *sa;
	else
		s->sas[i] = s->sas[--s->n_sas];
	if (up && i == s->n_sas)
		s->n_sas++;
	/* who heard nothing over it before hears anew */
	(void)!ccm_session_path(s, sa->connection_id, &s->link[sa->connection_id].silent_local,
		&s->link[sa->connection_id].silent_proxy, false);
	if (s->set_up)
		ccm_session_apply(s);
	return true;
}
