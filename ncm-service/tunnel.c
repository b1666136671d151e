#include "ncm-service/tunnel.h"

#include "lib/ctl/ctl_treat.h"
#include "ncm-service/appreq.h"
#include "ncm-service/links.h"
#include "ncm-service/protect.h"
#include "ncm-service/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINKS_MAX 8u   /* of a trailer's session */
#define CLIENT_MAX 63u /* octets of a client's name at a trailer */
#define LINK_MTU 1500u /* of a link whose client has not told it */

_Static_assert((int)MX_MODE_SINGLE == CTL_TR_SINGLE &&
		       (int)MX_MODE_ACTIVE_STANDBY == CTL_TR_ACTIVE_STANDBY &&
		       (int)MX_MODE_SMALLEST_DELAY == CTL_TR_SMALLEST_DELAY &&
		       (int)MX_MODE_PRIORITY == CTL_TR_PRIORITY &&
		       (int)MX_MODE_SPLIT == CTL_TR_SPLIT &&
		       (int)MX_MODE_DUPLICATE == CTL_TR_DUPLICATE,
	"modes of steering are those of the trailer MADP");

int ncm_tunnel_anchor(const struct ncm_session *s)
{
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (s->s.anchors[a].used &&
			(s->policy->anchors[a].methods & s->s.convergence & 1u << MX_CONV_GMA))
			return (int)a;
	return -1;
}

uint32_t ncm_tunnel_adaptations(const struct ncm_policy *p, const struct ncm_anchor_conf *anchor)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < p->n_accesses; i++)
		if (anchor->accesses & 1u << i)
			bits |= 1u << p->accesses[i].tunnel;
	return bits;
}

bool ncm_tunnel_may(const struct ncm_session *s, const struct ncm_link *l)
{
	return s->s.adaptation & 1u << s->policy->accesses[l->access].tunnel;
}

bool ncm_tunnel_is_nat(const struct ncm_session *s, const struct ncm_link *l)
{
	return s->policy->accesses[l->access].tunnel == MX_ADAPT_CLIENT_NAT;
}

uint32_t ncm_tunnel_features(const struct ncm_session *s, size_t anchor)
{
	return s->s.features & ~s->s.anchors[anchor].off;
}

/* ---- to the trailer ---- */

/* A long name would be cut, and two that are the same for so long are two clients. */
const char *ncm_tunnel_client(struct ctl_msg *m, const char *identity, uint64_t session_id)
{
	char number[32];

	if (strlen(identity) <= CLIENT_MAX)
		return ctl_strdup(m, identity);
	snprintf(number, sizeof(number), NCM_TUNNEL_SESSION "%llu", (unsigned long long)session_id);
	return ctl_strdup(m, number);
}

static bool put_links(struct ctl_msg *m, const struct ncm_session *s, size_t anchor, uint32_t bits)
{
	struct ctl_tr_session_set *t = &m->tr_session_set;

	t->links = ctl_alloc(m, LINKS_MAX * sizeof(*t->links));
	if (!t->links)
		return false;
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];
		struct ctl_tr_link *out = &t->links[t->n_links];

		if (!(bits & 1u << i))
			continue;
		t->n_links++;
		*out = (struct ctl_tr_link){.connection_id = i,
			.name = ctl_strdup(m, s->policy->accesses[l->access].name),
			.mtu = l->mtu >= 576 ? l->mtu : LINK_MTU,
			.remote = l->address, /* what is outside is of its family */
			.has_dtls = true,
			.dtls = s->policy->accesses[l->access].tunnel == MX_ADAPT_DTLS,
			.has_client_nat = ncm_tunnel_is_nat(s, l),
			.client_nat = ncm_tunnel_is_nat(s, l),
			.has_ipsec = ncm_protect_tunnels(s, l),
			.ipsec = ncm_protect_tunnels(s, l)};
		if (out->ipsec && !ncm_protect_tunnel(m, s, anchor, i, &out->protect))
			return false;
	}
	return true;
}

static int put_rule(struct ctl_msg *m, const struct ncm_flow *f, struct ctl_tr_class *c)
{
	c->rules = ctl_alloc(m, sizeof(*c->rules));
	if (!c->rules)
		return -ENOMEM;
	c->n_rules = 1;
	*c->rules = (struct ctl_tr_rule){.remote = f->remote[0] ? ctl_strdup(m, f->remote) : NULL,
		.has_remote_port_first = true,
		.has_remote_port_last = true,
		.remote_port_first = f->port_first,
		.remote_port_last = f->port_last,
		.has_protocol = f->has_protocol,
		.protocol = f->protocol,
		.has_dscp = f->has_dscp,
		.dscp = f->dscp};
	return f->remote[0] && !c->rules->remote ? -ENOMEM : 0;
}

/* Flows with links of their own: downlink as uplink, as far as the anchor's lists allow. */
static int put_flows(struct ctl_msg *m, const struct ncm_session *s, size_t a, uint32_t have)
{
	const struct ncm_saved_anchor *x = &s->s.anchors[a];
	struct ctl_tr_session_set *t = &m->tr_session_set;
	struct ncm_flow flow[NCM_ALL_FLOWS_MAX];
	const struct ncm_order kept = {.anchor = a};
	size_t n = ncm_appreq_flows(s, &kept, x->ul & have, flow);

	for (size_t i = 0; i < n; i++) {
		struct ctl_tr_class *c = &t->classes[t->n_classes];
		const struct ncm_flow *f = &flow[i];
		struct ctl_tr_wish wish = {.have = have,
			.first = f->order[0],
			.mode = f->ul_mode,
			.lossless = t->classes->ul.lossless};
		uint32_t dl = f->dl_steered ? f->dl : f->dl & x->dl;
		int rc;

		for (size_t k = 0; k < f->n_order; k++)
			wish.wanted |= 1u << f->order[k];
		rc = ctl_tr_treat(m, &wish, &c->ul);
		wish.wanted = ncm_links_left(s, dl ? dl : x->dl & have, have);
		wish.first = f->dl_first;
		wish.mode = f->dl_mode;
		if (rc == 0)
			rc = ctl_tr_treat(m, &wish, &c->dl);
		c->name = f->name ? ctl_strdup(m, f->name) : NULL;
		if (rc == 0)
			rc = put_rule(m, &flow[i], c);
		if (rc < 0)
			return rc;
		c->flow_id = (uint8_t)t->n_classes++;
	}
	return 0;
}

static int put_class(struct ctl_msg *m, const struct ncm_session *s, size_t a, uint32_t have)
{
	struct ctl_tr_session_set *t = &m->tr_session_set;
	const struct ncm_saved_anchor *x = &s->s.anchors[a];
	const uint32_t features = ncm_tunnel_features(s, a);
	const bool lossless = (features & 1u << MX_F_LOSSLESS_SWITCHING) != 0;
	const struct ctl_tr_wish dl = {.have = have,
		.wanted = ncm_links_left(s, x->dl & have, have),
		.mode = x->dl_mode,
		.aggregate = (features & 1u << MX_F_DOWNLINK_AGGREGATION) != 0,
		.lossless = lossless};
	const struct ctl_tr_wish ul = {.have = have,
		.wanted = x->ul,
		.mode = x->ul_mode,
		.aggregate = (features & 1u << MX_F_UPLINK_AGGREGATION) != 0,
		.lossless = lossless};
	int rc;

	t->classes = ctl_alloc(m, (1 + NCM_APPS_MAX) * sizeof(*t->classes));
	if (!t->classes)
		return -ENOMEM;
	t->n_classes = 1;
	rc = ctl_tr_treat(m, &dl, &t->classes->dl);
	if (rc == 0)
		rc = ctl_tr_treat(m, &ul, &t->classes->ul);
	return rc == 0 ? put_flows(m, s, a, have) : rc;
}

/* At most as many as a trailer's session holds. */
static uint32_t some(uint32_t bits)
{
	uint32_t out = 0;
	unsigned n = 0;

	for (uint8_t i = 0; i < NCM_LINKS_MAX && n < LINKS_MAX; i++)
		if (bits & 1u << i) {
			out |= 1u << i;
			n++;
		}
	return out;
}

/* A link that has gone has no association any more. */
static uint32_t released(const struct ncm_session *s)
{
	uint32_t bits = 0;

	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		if (!s->s.links[i].up && ncm_protect_tunnels(s, &s->s.links[i]))
			bits |= 1u << i;
	return bits;
}

struct ctl_msg *ncm_tunnel_compose(
	const struct ncm_session *s, size_t madp, const struct ncm_tunnel *t, uint32_t id)
{
	int anchor = ncm_tunnel_anchor(s);
	uint32_t features = anchor < 0 ? 0 : ncm_tunnel_features(s, (size_t)anchor);
	uint32_t have =
		anchor < 0 ? 0 : some(ncm_setup_reaches(s, (size_t)anchor, madp) & ~released(s));
	struct ctl_msg *m = have ? ctl_msg_new(CTL_TR_SESSION_SET, id) : NULL;

	if (!m)
		return NULL;
	m->tr_session_set = (struct ctl_tr_session_set){
		.client = ncm_tunnel_client(m, s->s.identity, s->s.session_id),
		.session_id = s->s.session_id,
		.secret = ctl_strdup(m, t->secret),
		.anchor4 = t->anchor4,
		.anchor6 = t->anchor6,
		.anchor_connection_id = s->s.anchors[anchor].id,
		.mtu = (uint16_t)s->policy->madps[madp].mtu,
		.control_port = NCM_TUNNEL_CONTROL_PORT,
		.encapsulation = CTL_TR_TRAILER,
		.has_fragmentation = true,
		.has_concatenation = true,
		.fragmentation = (features & 1u << MX_F_FRAGMENTATION) != 0,
		.concatenation = (features & 1u << MX_F_CONCATENATION) != 0};
	if (m->tr_session_set.client && m->tr_session_set.secret &&
		put_links(m, s, (size_t)anchor, have) && put_class(m, s, (size_t)anchor, have) == 0)
		return m;
	ctl_msg_free(m);
	return NULL;
}

bool ncm_tunnel_take(struct ncm_session *s, const struct ncm_tunnel *t)
{
	struct ncm_tunnel *x = &s->s.tunnel;
	bool changed = x->port != t->port || strcmp(x->secret, t->secret) != 0 ||
		       !mams_addr_eq_ip(&x->anchor4, &t->anchor4) ||
		       !mams_addr_eq_ip(&x->anchor6, &t->anchor6);

	*x = *t;
	return changed;
}

/* ---- to the client ---- */

static const char *text_of(struct mx_msg *m, const struct mams_addr *a)
{
	char text[MAMS_ADDR_STRLEN];

	return mx_strdup(m, mams_addr_str(a, text));
}

static bool put_inside(struct mx_msg *m, const struct ncm_session *s,
	const struct ncm_madp_conf *conf, struct mx_convergence_params *p)
{
	const struct ncm_tunnel *t = &s->s.tunnel;
	struct mams_addr a;

	p->has_anchor_mtu = true;
	p->anchor_mtu = (uint16_t)conf->mtu;
	if (mams_addr_is_set(&t->anchor4))
		p->anchor_ipv4 = text_of(m, &t->anchor4);
	if (mams_addr_is_set(&t->anchor6))
		p->anchor_ipv6 = text_of(m, &t->anchor6);
	p->dns_servers = conf->n_dns ? mx_alloc(m, conf->n_dns * sizeof(*p->dns_servers)) : NULL;
	for (size_t i = 0; p->dns_servers && i < conf->n_dns; i++) {
		a = conf->dns[i];
		a.port = 0;
		p->dns_servers[p->n_dns_servers++] = text_of(m, &a);
		if (!p->dns_servers[i])
			return false;
	}
	return (!mams_addr_is_set(&t->anchor4) || p->anchor_ipv4) &&
	       (!mams_addr_is_set(&t->anchor6) || p->anchor_ipv6) &&
	       p->n_dns_servers == conf->n_dns;
}

static bool put_end(struct mx_msg *m, const struct ncm_session *s, size_t madp, uint8_t id,
	struct mx_setup_delivery *d)
{
	const struct ncm_link *l = &s->s.links[id];
	const struct mams_addr *end = ncm_policy_proxy(s->policy, madp, l->access, &l->address);

	*d = (struct mx_setup_delivery){.connection_id = id,
		.connection_type = l->connection_type,
		.has_adaptation_method = true,
		.adaptation_method = s->policy->accesses[l->access].tunnel,
		.adaptation_method_param = mx_alloc(m, sizeof(*d->adaptation_method_param))};
	if (!end || !d->adaptation_method_param)
		return false;
	/* where there is no tunnel it is the next hop, and has no port */
	*d->adaptation_method_param =
		(struct mx_adaptation_params){.tunnel_ip_addr = text_of(m, end),
			.has_tunnel_end_port = !ncm_tunnel_is_nat(s, l),
			.tunnel_end_port = ncm_tunnel_is_nat(s, l) ? 0 : s->s.tunnel.port,
			.shared_secret = mx_strdup(
				m, ncm_protect_tunnels(s, l) ? l->secret : s->s.tunnel.secret),
			.has_nat = ncm_protect_tunnels(s, l) && ncm_protect_nat(s->policy, l),
			.nat = true};
	return d->adaptation_method_param->tunnel_ip_addr &&
	       d->adaptation_method_param->shared_secret;
}

bool ncm_tunnel_put(struct mx_msg *m, const struct ncm_session *s, size_t anchor, uint32_t links,
	struct mx_convergence_config *c)
{
	size_t madp = (size_t)s->anchor[anchor].madp;

	*c = (struct mx_convergence_config){.has_convergence_method = true,
		.convergence_method = MX_CONV_GMA,
		.convergence_method_params = mx_alloc(m, sizeof(*c->convergence_method_params)),
		.has_udp_port = true,
		.udp_port = NCM_TUNNEL_CONTROL_PORT,
		.delivery_connections =
			mx_alloc(m, NCM_LINKS_MAX * sizeof(*c->delivery_connections))};
	if (!c->convergence_method_params || !c->delivery_connections ||
		!put_inside(m, s, &s->policy->madps[madp], c->convergence_method_params))
		return false;
	links = some(links);
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		if (!(links & 1u << i))
			continue;
		if (!put_end(m, s, madp, i, &c->delivery_connections[c->n_delivery_connections++]))
			return false;
		/* the link's secret is the association's, so the tunnel's own comes apart */
		if (ncm_protect_tunnels(s, &s->s.links[i]))
			c->convergence_method_params->client_key = mx_strdup(m, s->s.tunnel.secret);
	}
	c->num_delivery_connections = (uint32_t)c->n_delivery_connections;
	return true;
}
