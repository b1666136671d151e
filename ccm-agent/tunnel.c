#include "ccm-agent/tunnel.h"

#include "ccm-agent/leave.h"
#include "ccm-agent/protect.h"
#include "ccm-agent/session.h"
#include "ccm-agent/setup.h"
#include "lib/ctl/ctl_treat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINKS_MAX 8u /* of a trailer's session */

_Static_assert((int)MX_GMA_TRAILER == CTL_TR_TRAILER && (int)MX_GMA_HEADER_IP == CTL_TR_HEADER_IP &&
		       (int)MX_GMA_HEADER_NON_IP == CTL_TR_HEADER_NON_IP &&
		       (int)MX_MODE_SINGLE == CTL_TR_SINGLE &&
		       (int)MX_MODE_DUPLICATE == CTL_TR_DUPLICATE,
	"names of the control plane are those of the trailer MADP");

/* ---- what an UP setup says ---- */

static bool is_end(const struct ccm_session *s, const struct mx_setup_delivery *d)
{
	const struct mx_adaptation_params *p = d->adaptation_method_param;
	const bool nat = d->adaptation_method == MX_ADAPT_CLIENT_NAT;
	struct mams_addr a;

	return d->has_adaptation_method &&
	       (s->adaptation & MX_GMA_ADAPTATIONS & 1u << d->adaptation_method) && p &&
	       p->tunnel_ip_addr && mams_addr_parse(p->tunnel_ip_addr, &a) == 0 &&
	       (p->has_tunnel_end_port || nat) && (!nat || a.family == AF_INET) &&
	       p->shared_secret && strlen(p->shared_secret) < CCM_SECRET_MAX &&
	       (d->adaptation_method != MX_ADAPT_IPSEC || ccm_protect_is_secret(p->shared_secret));
}

/* The proof of a session names it and has one secret, the same for all its links: their shared
 * secret, or where IPsec takes that for the link the anchor's client key.  NULL: there is none. */
static const char *secret_of(const struct mx_convergence_config *c)
{
	const char *secret = c->convergence_method_params->client_key;

	for (size_t i = 0; i < c->n_delivery_connections; i++) {
		const struct mx_setup_delivery *d = &c->delivery_connections[i];

		if (d->adaptation_method == MX_ADAPT_IPSEC)
			continue;
		if (secret && strcmp(secret, d->adaptation_method_param->shared_secret) != 0)
			return NULL;
		secret = d->adaptation_method_param->shared_secret;
	}
	return secret && strlen(secret) < CCM_SECRET_MAX ? secret : NULL;
}

bool ccm_tunnel_can(const struct ccm_session *s, const struct mx_convergence_config *c)
{
	const struct mx_convergence_params *p = c->convergence_method_params;

	if (c->convergence_method != MX_CONV_GMA || !(s->convergence & 1u << MX_CONV_GMA) ||
		!s->has_id || !p || (!p->anchor_ipv4 && !p->anchor_ipv6) || !c->has_udp_port ||
		c->n_delivery_connections == 0)
		return false;
	for (size_t i = 0; i < c->n_delivery_connections; i++)
		if (!is_end(s, &c->delivery_connections[i]))
			return false;
	return secret_of(c) != NULL;
}

void ccm_tunnel_take(struct ccm_anchor *a, const struct mx_convergence_config *c)
{
	const struct mx_convergence_params *p = c->convergence_method_params;
	const struct mx_adaptation_params *end = c->delivery_connections[0].adaptation_method_param;
	struct ccm_inside *in = &a->inside;

	a->tunnelled = true;
	*in = (struct ccm_inside){.mtu = p->has_anchor_mtu ? p->anchor_mtu : 1280,
		.control_port = c->udp_port,
		.encapsulation = p->has_gma_encapsulation ? p->gma_encapsulation : MX_GMA_TRAILER,
		.header_optimization =
			end->has_mx_header_optimization && end->mx_header_optimization};
	snprintf(in->secret, sizeof(in->secret), "%s", secret_of(c));
	/* the message was checked */
	if (p->anchor_ipv4)
		(void)!mams_addr_parse(p->anchor_ipv4, &in->anchor4);
	if (p->anchor_ipv6)
		(void)!mams_addr_parse(p->anchor_ipv6, &in->anchor6);
	for (size_t i = 0; i < p->n_dns_servers && in->n_dns < CCM_DNS_MAX; i++)
		in->n_dns += mams_addr_parse(p->dns_servers[i], &in->dns[in->n_dns]) == 0;
}

/* ---- what is wanted ---- */

static uint32_t have_of(const struct ccm_tunnel *t)
{
	uint32_t have = 0;

	for (size_t i = 0; i < t->n_links; i++)
		have |= 1u << t->links[i].connection_id;
	return have;
}

/* While a handover is not confirmed the uplink has one link, and not the one being left
 * (RFC 8743 8.3.2). */
static void hold_uplink(const struct ccm_session *s, struct ccm_tunnel *t)
{
	const struct ccm_tunnel_link *best = NULL;

	for (size_t i = 0; i < t->n_links; i++) {
		const struct ccm_tunnel_link *l = &t->links[i];

		if (l->connection_id != s->handover && !s->link[l->connection_id].fade.on &&
			(!best || l->conf->priority < best->conf->priority))
			best = l;
	}
	if (!best)
		return;
	t->ul = (struct ccm_tunnel_way){
		.links = 1u << best->connection_id, .first = best->connection_id};
}

void ccm_tunnel_want(const struct ccm_session *s, const struct ccm_anchor *a, bool caught,
	struct ccm_target *target)
{
	struct ccm_tunnel *out = &target->tunnel;
	const uint32_t features = s->features & ~a->off;
	uint8_t first = a->first;

	*out = (struct ccm_tunnel){.session_id = s->id.session_id,
		.anchor_id = a->id,
		.inside = a->inside,
		.all = !caught,
		.lossless = (features & 1u << MX_F_LOSSLESS_SWITCHING) != 0,
		.fragmentation = (features & 1u << MX_F_FRAGMENTATION) != 0,
		.concatenation = (features & 1u << MX_F_CONCATENATION) != 0};
	for (uint8_t i = 0; i < CCM_LINKS_MAX && out->n_links < LINKS_MAX; i++) {
		const struct ccm_session_link *l = &s->link[i];

		if (!a->lane[i].named || !ccm_setup_carries(s, i) ||
			a->lane[i].proxy.family != l->now.address.family ||
			!ccm_protect_path(s, a, i, target))
			continue;
		if (!a->steered &&
			(out->n_links == 0 || l->conf->priority < s->link[first].conf->priority))
			first = i;
		out->links[out->n_links++] = (struct ccm_tunnel_link){.connection_id = i,
			.conf = l->conf,
			.local = l->now.address,
			.remote = a->lane[i].proxy,
			.mtu = l->now.mtu,
			.dtls = a->lane[i].dtls,
			.client_nat = a->lane[i].client_nat,
			.ipsec = a->lane[i].protect};
	}
	out->on = out->n_links > 0;
	out->catching = out->on && !s->fallen_back;
	out->ul = (struct ccm_tunnel_way){.links = a->ul,
		.first = first,
		.mode = a->ul_mode,
		.aggregate = (features & 1u << MX_F_UPLINK_AGGREGATION) != 0};
	out->dl = (struct ccm_tunnel_way){.links = a->dl,
		.first = first,
		.mode = a->dl_mode,
		.aggregate = (features & 1u << MX_F_DOWNLINK_AGGREGATION) != 0};
	out->ul.links = ccm_leave_list(s, a->ul, have_of(out));
	out->dl.links = ccm_leave_list(s, a->dl, have_of(out));
	if (s->state == CCM_STATE_HANDOVER) {
		hold_uplink(s, out);
		return;
	}
	memcpy(out->classes, a->classes, a->n_classes * sizeof(out->classes[0]));
	out->n_classes = a->n_classes;
	for (size_t i = 0; i < out->n_classes; i++)
		ccm_leave_class(s, &out->classes[i], have_of(out));
}

/* ---- comparing, composing ---- */

static bool link_eq(const struct ccm_tunnel_link *a, const struct ccm_tunnel_link *b)
{
	return a->connection_id == b->connection_id && a->mtu == b->mtu && a->dtls == b->dtls &&
	       a->client_nat == b->client_nat && a->ipsec == b->ipsec &&
	       mams_addr_eq_ip(&a->local, &b->local) && mams_addr_eq(&a->remote, &b->remote);
}

static bool way_eq(const struct ccm_tunnel_way *a, const struct ccm_tunnel_way *b)
{
	return a->links == b->links && a->first == b->first && a->mode == b->mode &&
	       a->aggregate == b->aggregate;
}

static bool inside_eq(const struct ccm_inside *a, const struct ccm_inside *b)
{
	if (a->n_dns != b->n_dns)
		return false;
	for (size_t i = 0; i < a->n_dns; i++)
		if (!mams_addr_eq_ip(&a->dns[i], &b->dns[i]))
			return false;
	return mams_addr_eq_ip(&a->anchor4, &b->anchor4) &&
	       mams_addr_eq_ip(&a->anchor6, &b->anchor6) && a->mtu == b->mtu &&
	       a->control_port == b->control_port && a->encapsulation == b->encapsulation &&
	       a->header_optimization == b->header_optimization &&
	       strcmp(a->secret, b->secret) == 0;
}

static bool classes_eq(const struct ccm_tunnel *a, const struct ccm_tunnel *b)
{
	if (a->n_classes != b->n_classes)
		return false;
	for (size_t i = 0; i < a->n_classes; i++)
		if (!ccm_class_eq(&a->classes[i], &b->classes[i]))
			return false;
	return true;
}

bool ccm_tunnel_eq(const struct ccm_tunnel *a, const struct ccm_tunnel *b)
{
	if (a->on != b->on || a->catching != b->catching || a->all != b->all ||
		a->n_links != b->n_links)
		return false;
	for (size_t i = 0; i < a->n_links; i++)
		if (!link_eq(&a->links[i], &b->links[i]))
			return false;
	return a->session_id == b->session_id && a->anchor_id == b->anchor_id &&
	       inside_eq(&a->inside, &b->inside) && way_eq(&a->ul, &b->ul) &&
	       way_eq(&a->dl, &b->dl) && classes_eq(a, b) && a->lossless == b->lossless &&
	       a->fragmentation == b->fragmentation && a->concatenation == b->concatenation;
}

static int put_links(struct ctl_msg *m, const struct ccm_tunnel *t)
{
	struct ctl_tr_session_set *s = &m->tr_session_set;

	s->links = ctl_alloc(m, LINKS_MAX * sizeof(*s->links));
	if (!s->links)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_links; i++) {
		const struct ccm_tunnel_link *l = &t->links[i];
		struct ctl_tr_link *out = &s->links[s->n_links++];

		*out = (struct ctl_tr_link){.connection_id = l->connection_id,
			.name = ctl_strdup(m, l->conf->name),
			.mtu = l->mtu < 576          ? 576
			       : l->mtu > UINT16_MAX ? UINT16_MAX
						     : l->mtu,
			.local = l->local,
			.remote = l->remote,
			.remote_port = l->remote.port,
			.device = l->ipsec ? NULL : ctl_strdup(m, l->conf->interface),
			.has_dtls = true,
			.dtls = l->dtls,
			.has_client_nat = l->client_nat,
			.client_nat = l->client_nat,
			.has_ipsec = l->ipsec,
			.ipsec = l->ipsec};
		out->remote.port = 0;
	}
	return 0;
}

static int put_way(struct ctl_msg *m, const struct ccm_tunnel *t, const struct ccm_tunnel_way *w,
	struct ctl_tr_treat *out)
{
	struct ctl_tr_wish wish = {.wanted = w->links,
		.first = w->first,
		.mode = w->mode,
		.aggregate = w->aggregate,
		.lossless = t->lossless};

	for (size_t i = 0; i < t->n_links; i++)
		wish.have |= 1u << t->links[i].connection_id;
	return ctl_tr_treat(m, &wish, out);
}

static int put_rule(struct ctl_msg *m, const struct ccm_class *k, struct ctl_tr_class *c)
{
	c->rules = ctl_alloc(m, sizeof(*c->rules));
	if (!c->rules)
		return -ENOMEM;
	c->n_rules = 1;
	*c->rules = (struct ctl_tr_rule){.remote = k->remote[0] ? ctl_strdup(m, k->remote) : NULL,
		.has_remote_port_first = true,
		.has_remote_port_last = true,
		.remote_port_first = k->port_first,
		.remote_port_last = k->port_last,
		.has_protocol = k->protocol != CCM_ANY_PROTOCOL,
		.protocol = k->protocol,
		.has_dscp = k->has_dscp,
		.dscp = k->dscp,
		.local = k->local[0] ? ctl_strdup(m, k->local) : NULL,
		.has_local_port_first = k->local_last > 0,
		.has_local_port_last = k->local_last > 0,
		.local_port_first = k->local_first,
		.local_port_last = k->local_last,
		.has_flow_label = k->flow_label > 0,
		.flow_label = k->flow_label};
	return (k->remote[0] && !c->rules->remote) || (k->local[0] && !c->rules->local) ? -ENOMEM
											: 0;
}

/* Class 0 is all that has no class of its own; the others have its downlink, which is the N-MADP's
 * business. */
static int put_classes(struct ctl_msg *m, const struct ccm_tunnel *t)
{
	struct ctl_tr_session_set *s = &m->tr_session_set;
	int rc;

	s->n_classes = 1 + t->n_classes;
	s->classes = ctl_alloc(m, s->n_classes * sizeof(*s->classes));
	if (!s->classes)
		return -ENOMEM;
	rc = put_way(m, t, &t->ul, &s->classes->ul);
	for (size_t i = 0; rc == 0 && i < s->n_classes; i++) {
		s->classes[i].flow_id = (uint8_t)i;
		rc = put_way(m, t, &t->dl, &s->classes[i].dl);
	}
	for (size_t i = 0; rc == 0 && i < t->n_classes; i++) {
		const struct ccm_class *k = &t->classes[i];
		struct ccm_tunnel_way way = {.first = k->links[0], .mode = k->mode};

		for (size_t n = 0; n < k->n_links; n++)
			way.links |= 1u << k->links[n];
		rc = put_rule(m, k, &s->classes[i + 1]);
		if (rc == 0)
			rc = put_way(m, t, &way, &s->classes[i + 1].ul);
	}
	return rc;
}

struct ctl_msg *ccm_tunnel_compose(const struct ccm_tunnel *t, uint32_t id)
{
	struct ctl_msg *m = ctl_msg_new(CTL_TR_SESSION_SET, id);
	struct ctl_tr_session_set *s = m ? &m->tr_session_set : NULL;

	if (!m)
		return NULL;
	*s = (struct ctl_tr_session_set){.client = CCM_TUNNEL_CLIENT,
		.session_id = t->session_id,
		.secret = ctl_strdup(m, t->inside.secret),
		.anchor4 = t->inside.anchor4,
		.anchor6 = t->inside.anchor6,
		.anchor_connection_id = t->anchor_id,
		.mtu = t->inside.mtu,
		.control_port = t->inside.control_port,
		.encapsulation = t->inside.encapsulation,
		.header_optimization = t->inside.header_optimization,
		.has_fragmentation = true,
		.has_concatenation = true,
		.fragmentation = t->fragmentation,
		.concatenation = t->concatenation};
	if (s->secret && put_links(m, t) == 0 && put_classes(m, t) == 0)
		return m;
	ctl_msg_free(m);
	return NULL;
}
