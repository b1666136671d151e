#include "ncm-service/agree.h"

#include "ncm-service/advice.h"
#include "ncm-service/appreq.h"
#include "ncm-service/tunnel.h"

#include <string.h>

/* Adaptations that GMA has on any access. */
static uint32_t tunnels(const struct ncm_policy *p)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < p->n_anchors; i++)
		if (p->anchors[i].methods & 1u << MX_CONV_GMA)
			bits |= ncm_tunnel_adaptations(p, &p->anchors[i]);
	return bits;
}

struct mx_offer ncm_offer(const struct ncm_policy *p)
{
	struct mx_offer o = {.features = p->features, .adaptation = tunnels(p)};

	for (size_t i = 0; i < p->n_anchors; i++) {
		o.convergence |= p->anchors[i].methods;
		o.anchors |= 1u << p->anchors[i].connection_id;
		o.anchor_type[p->anchors[i].connection_id] = (uint8_t)p->anchors[i].connection_type;
	}
	if (!(o.convergence & 1u << MX_CONV_GMA))
		o.features &= ~MX_GMA_FEATURES;
	for (size_t i = 0; i < p->n_accesses; i++) {
		if (p->accesses[i].adaptation == NCM_ADAPT_IPSEC)
			o.adaptation |= 1u << MX_ADAPT_IPSEC;
		o.deliveries |= 1u << i;
		o.delivery_type[i] = (uint8_t)p->accesses[i].connection_type;
	}
	return o;
}

static void drop(struct ncm_session *s, enum mx_group g, size_t id, int type, bool by_peer)
{
	if (s->n_drops < MX_DROPS_MAX)
		s->drops[s->n_drops++] = (struct mx_drop){
			.group = g, .item = (uint8_t)id, .type = (uint8_t)type, .by_peer = by_peer};
}

/* A link of a type that no access has cannot be admitted, whatever its address.  It is known
 * nevertheless: a report of it is no mistake. */
static void take_deliveries(
	struct ncm_session *s, const struct mx_offer *own, const struct mx_offer *peer)
{
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		int type = peer->delivery_type[i];

		if (!(peer->deliveries & 1u << i))
			continue;
		s->s.links[i] = (struct ncm_link){
			.known = true, .connection_type = type, .admission = NCM_ADMIT_NO_ADDRESS};
		if (!mx_offer_has_type(own->deliveries, own->delivery_type, type))
			drop(s, MX_GROUP_DELIVERY, i, type, false);
	}
}

/* A client that answers names the anchors that it takes.  One that asks, or that knows only its own
 * links, has no say in them. */
static uint32_t agreed_anchors(const struct mx_offer *own, const struct mx_offer *peer, bool answer)
{
	uint32_t both = own->anchors & peer->anchors;

	for (size_t i = 0; i < MX_MAX_CONNECTIONS; i++)
		if (own->anchor_type[i] != peer->anchor_type[i])
			both &= ~(1u << i);
	return answer && both ? both : own->anchors;
}

static void take_anchors(struct ncm_session *s, uint32_t agreed)
{
	const struct ncm_policy *p = s->policy;

	for (size_t a = 0; a < p->n_anchors; a++) {
		struct ncm_saved_anchor *x = &s->s.anchors[a];

		x->id = (uint8_t)p->anchors[a].connection_id;
		x->used = (agreed & 1u << x->id) != 0;
		x->ul_mode = x->dl_mode = 0;
		x->off = 0;
		x->dl = NCM_ALL_CONNECTIONS;
		x->ul = NCM_ALL_CONNECTIONS;
		if (!x->used)
			drop(s, MX_GROUP_ANCHOR, x->id, p->anchors[a].connection_type, true);
	}
}

int ncm_agree(struct ncm_session *s, const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_offer own = ncm_offer(s->policy);
	struct mx_offer peer;
	struct mx_offer both;
	int rc = mx_offer_read(&m->capability, &peer, err);

	if (rc < 0)
		return rc;
	s->offer = peer;
	s->n_drops = mx_agree(&own, &peer, &both, s->drops);
	s->s.features = both.features;
	s->s.convergence = both.convergence;
	/* the secret is told inside TLS or not at all */
	if (s->transport == NCM_UDP)
		both.adaptation &= ~(1u << MX_ADAPT_IPSEC | 1u << MX_ADAPT_DTLS);
	s->s.adaptation = both.adaptation;
	/* GMA comes in a tunnel */
	if (!(both.adaptation & tunnels(s->policy)))
		s->s.convergence &= ~(1u << MX_CONV_GMA);
	mams_wipe(s->s.links, sizeof(s->s.links));
	ncm_advice_forget(s);
	ncm_appreq_forget(s);
	take_deliveries(s, &own, &peer);
	memset(s->s.apps, 0, sizeof(s->s.apps));
	take_anchors(s, agreed_anchors(&own, &peer, m->type == MX_CAPABILITY_RSP));
	ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_AGREED});
	return 0;
}

const char *ncm_drop_reason(const struct mx_drop *d)
{
	if (d->group == MX_GROUP_DELIVERY)
		return "no access of this type is configured here";
	if (d->group == MX_GROUP_ANCHOR)
		return "the client does not take it";
	return d->by_peer ? "the client does not have it" : "it is not offered here";
}
