#include "ccm-agent/agree.h"

uint32_t ccm_session_links(const struct ccm_session *s)
{
	uint32_t bits = 0;

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++)
		if (s->link[i].conf)
			bits |= 1u << i;
	return bits;
}

struct mx_offer ccm_offer(const struct ccm_session *s)
{
	struct mx_offer o = {.features = s->conf->features,
		.convergence = s->conf->convergence,
		.deliveries = ccm_session_links(s)};

	/* GMA comes in a tunnel */
	if (o.convergence & 1u << MX_CONV_GMA)
		o.adaptation = 1u << MX_ADAPT_UDP | 1u << MX_ADAPT_DTLS |
			       (s->conf->client_nat ? 1u << MX_ADAPT_CLIENT_NAT : 0);
	else
		o.features &= ~MX_GMA_FEATURES;

	if (s->conf->ipsec)
		o.adaptation |= 1u << MX_ADAPT_IPSEC;
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		if (s->link[i].conf)
			o.delivery_type[i] = (uint8_t)s->link[i].conf->connection_type;
	return o;
}

static void drop(struct ccm_session *s, enum mx_group g, size_t id, int type, bool by_peer)
{
	if (s->n_drops < MX_DROPS_MAX)
		s->drops[s->n_drops++] = (struct mx_drop){
			.group = g, .item = (uint8_t)id, .type = (uint8_t)type, .by_peer = by_peer};
}

/* An NCM that asks names its accesses: what counts is the type.  One that answers names our links,
 * those that it has a use for.  An NCM that names none has not said. */
static bool is_unwanted(const struct mx_offer *ncm, bool answer, size_t id, int type)
{
	if (ncm->deliveries == 0)
		return false;
	if (answer)
		return !(ncm->deliveries & 1u << id);
	return !mx_offer_has_type(ncm->deliveries, ncm->delivery_type, type);
}

static void judge_links(struct ccm_session *s, bool answer)
{
	s->unwanted = 0;
	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		const struct ccm_link_conf *c = s->link[i].conf;

		if (!c || !is_unwanted(&s->offer, answer, i, c->connection_type))
			continue;
		s->unwanted |= 1u << i;
		drop(s, MX_GROUP_DELIVERY, i, c->connection_type, true);
	}
}

/* So many instances can be held at once. */
static void judge_anchors(struct ccm_session *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < MX_MAX_CONNECTIONS; i++)
		if ((s->offer.anchors & 1u << i) && ++n > CCM_ANCHORS_MAX) {
			drop(s, MX_GROUP_ANCHOR, i, s->offer.anchor_type[i], false);
			s->offer.anchors &= ~(1u << i);
		}
}

static void reset_lists(struct ccm_session *s)
{
	for (size_t i = 0; i < CCM_ANCHORS_MAX; i++) {
		s->anchor[i].dl = CCM_ALL_CONNECTIONS;
		s->anchor[i].ul = CCM_ALL_CONNECTIONS;
		s->anchor[i].steered = false;
		s->anchor[i].ul_mode = s->anchor[i].dl_mode = 0;
		s->anchor[i].off = 0;
	}
	ccm_associate_forget(s);
}

bool ccm_agree_id(struct ccm_session *s, const struct mx_session_id *id)
{
	if (id) {
		s->id = *id;
		s->has_id = true;
	}
	return id != NULL;
}

bool ccm_agree_info(struct ccm_session *s, const struct mx_msg *m)
{
	if (m->type != MX_SYSTEM_INFO || s->discover_tries < 2 ||
		!mx_exchange_has(&s->exchange, MX_DISCOVER))
		return false;
	mx_exchange_cancel(&s->exchange, MX_DISCOVER);
	return true;
}

uint32_t ccm_agree_wait(const struct ccm_session_conf *c)
{
	if (c->initiator == MX_INITIATOR_CCM)
		return 0;
	return c->initiator == MX_INITIATOR_NCM ? c->discovery_ms : c->cap_wait_ms;
}

int ccm_agree(struct ccm_session *s, const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_capability *c = &m->capability;
	const struct mx_offer own = ccm_offer(s);
	struct mx_offer both;
	int rc = mx_offer_read(c, &s->offer, err);

	if (rc < 0)
		return rc;
	s->n_drops = mx_agree(&own, &s->offer, &both, s->drops);
	s->features = both.features;
	s->convergence = both.convergence;
	s->adaptation = both.adaptation;
	if (!(both.adaptation & MX_GMA_ADAPTATIONS))
		s->convergence &= ~(1u << MX_CONV_GMA);
	judge_links(s, m->type == MX_CAPABILITY_RSP);
	judge_anchors(s);
	ccm_measures_clear(&s->measures);
	ccm_estimate_clear(s);
	s->off = 0;
	(void)ccm_agree_id(s, c->unique_session_id);
	reset_lists(s);
	return 0;
}

const char *ccm_drop_reason(const struct mx_drop *d)
{
	if (d->group == MX_GROUP_DELIVERY)
		return "the NCM has no access of this type";
	if (d->group == MX_GROUP_ANCHOR)
		return "more anchors than this client holds";
	return d->by_peer ? "the NCM does not have it" : "it is not offered here";
}
