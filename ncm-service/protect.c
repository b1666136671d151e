#include "ncm-service/protect.h"

#include "ncm-service/setup.h"
#include "ncm-service/tunnel.h"

#define IKE_PORT 500u

bool ncm_protect_wanted(const struct ncm_policy *p, const struct ncm_link *l)
{
	return l->access < p->n_accesses && p->accesses[l->access].adaptation == NCM_ADAPT_IPSEC;
}

bool ncm_protect_nat(const struct ncm_policy *p, const struct ncm_link *l)
{
	return l->access < p->n_accesses && p->accesses[l->access].nat;
}

bool ncm_protect_tunnels(const struct ncm_session *s, const struct ncm_link *l)
{
	return l->access < s->policy->n_accesses &&
	       s->policy->accesses[l->access].tunnel == MX_ADAPT_IPSEC && ncm_tunnel_may(s, l) &&
	       ncm_tunnel_anchor(s) >= 0;
}

bool ncm_protect_can(const struct ncm_policy *p, const struct ncm_link *l, uint32_t adaptation)
{
	return !ncm_protect_wanted(p, l) || (adaptation & 1u << MX_ADAPT_IPSEC);
}

static bool is_protected(const struct ncm_session *s, const struct ncm_link *l)
{
	return l->known && l->up && l->admission == NCM_ADMIT_OK &&
	       ncm_protect_wanted(s->policy, l);
}

static bool is_tunnelled(const struct ncm_session *s, const struct ncm_link *l)
{
	return l->known && l->up && l->admission == NCM_ADMIT_OK && ncm_protect_tunnels(s, l);
}

void ncm_protect_fill(struct ncm_session *s, void (*draw)(char out[NCM_KEY_MAX]))
{
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct ncm_link *l = &s->s.links[i];

		if ((is_protected(s, l) || is_tunnelled(s, l)) && l->secret[0] == '\0')
			draw(l->secret);
	}
}

static const char *address_text(struct mx_msg *m, const struct mams_addr *a)
{
	char text[MAMS_ADDR_STRLEN];

	return mx_strdup(m, mams_addr_str(a, text));
}

bool ncm_protect_put(struct mx_msg *m, const struct ncm_session *s, uint8_t id,
	const struct mams_addr *proxy, struct mx_setup_delivery *d)
{
	const struct ncm_link *l = &s->s.links[id];
	struct mx_adaptation_params *p;

	if (!ncm_protect_wanted(s->policy, l))
		return true;
	p = mx_alloc(m, sizeof(*p));
	if (!p)
		return false;
	*p = (struct mx_adaptation_params){.tunnel_ip_addr = address_text(m, proxy),
		.has_tunnel_end_port = true,
		.tunnel_end_port = IKE_PORT,
		.shared_secret = mx_strdup(m, l->secret),
		.has_nat = ncm_protect_nat(s->policy, l),
		.nat = true};
	d->has_adaptation_method = true;
	d->adaptation_method = MX_ADAPT_IPSEC;
	d->adaptation_method_param = p;
	return p->tunnel_ip_addr && p->shared_secret;
}

static bool put_one(struct ctl_msg *m, const struct ncm_session *s, size_t anchor, uint8_t id)
{
	struct ctl_px_client_set *out = &m->px_client_set;
	const struct ncm_link *l = &s->s.links[id];
	const struct mams_addr *proxy =
		ncm_policy_proxy(s->policy, (size_t)s->anchor[anchor].madp, l->access, &l->address);
	struct ctl_protect *c = &out->protect[out->n_protect];

	if (!proxy)
		return true;
	*c = (struct ctl_protect){.ncm_id = s->policy->ncm_id,
		.session_id = s->s.session_id,
		.anchor_id = s->s.anchors[anchor].id,
		.connection_id = id,
		.local = *proxy,
		.remote = l->address,
		.secret = ctl_strdup(m, l->secret),
		.has_nat = ncm_protect_nat(s->policy, l),
		.nat = true};
	c->local.port = c->remote.port = 0;
	out->n_protect++;
	return c->secret != NULL;
}

bool ncm_protect_tunnel(struct ctl_msg *m, const struct ncm_session *s, size_t anchor, uint8_t id,
	struct ctl_protect **out)
{
	const struct ncm_link *l = &s->s.links[id];
	const struct mams_addr *end =
		ncm_policy_proxy(s->policy, (size_t)s->anchor[anchor].madp, l->access, &l->address);

	*out = NULL;
	if (l->secret[0] == '\0' || !end || !mams_addr_is_set(&l->address))
		return true;
	*out = ctl_alloc(m, sizeof(**out));
	if (!*out)
		return false;
	**out = (struct ctl_protect){.ncm_id = s->policy->ncm_id,
		.session_id = s->s.session_id,
		.anchor_id = s->s.anchors[anchor].id,
		.connection_id = id,
		.local = *end,
		.remote = l->address,
		.secret = ctl_strdup(m, l->secret),
		.has_nat = ncm_protect_nat(s->policy, l),
		.nat = true};
	(*out)->local.port = (*out)->remote.port = 0;
	return (*out)->secret != NULL;
}

/* What cannot be told whole is not told: the proxy keeps what it has. */
static bool is_whole(const struct ncm_session *s)
{
	for (size_t i = 0; i < NCM_LINKS_MAX; i++)
		if (is_protected(s, &s->s.links[i]) && s->s.links[i].secret[0] == '\0')
			return false;
	return true;
}

bool ncm_protect_tell(struct ctl_msg *m, const struct ncm_session *s, size_t madp)
{
	struct ctl_px_client_set *out = &m->px_client_set;

	if (!is_whole(s))
		return true;
	out->has_protecting = out->protecting = true;
	out->protect = ctl_alloc(m, NCM_ANCHORS_MAX * NCM_LINKS_MAX * sizeof(*out->protect));
	if (!out->protect)
		return false;
	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		if (!s->s.anchors[a].used || s->anchor[a].madp != (int)madp ||
			!(ncm_session_methods(s, a) & 1u << MX_CONV_MPTCP_PROXY))
			continue;
		for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
			if (is_protected(s, &s->s.links[i]) &&
				(s->policy->anchors[a].accesses & 1u << s->s.links[i].access) &&
				!put_one(m, s, a, i))
				return false;
	}
	return true;
}

bool ncm_protect_is_ready(const struct ncm_session *s, const struct ncm_link *l)
{
	return l->secret[0] != '\0' ||
	       !(ncm_protect_wanted(s->policy, l) || ncm_protect_tunnels(s, l));
}

void ncm_protect_release(struct ncm_session *s, struct ncm_link *l)
{
	if (l->secret[0] == '\0')
		return;
	mams_wipe(l->secret, sizeof(l->secret));
	for (int i = 0; i < (int)s->policy->n_madps; i++)
		if (s->told & 1u << i)
			ncm_session_push(
				s, (struct ncm_action){.kind = NCM_ACT_PREPARE, .madp = i});
}
