#include "lib/mx/mx_agree.h"

#include "lib/mx/mx_tables.h"

#include <stdio.h>

const struct mams_enum_name mx_initiator_names[] = {
	{"auto", MX_INITIATOR_AUTO, false},
	{"ncm", MX_INITIATOR_NCM, false},
	{"ccm", MX_INITIATOR_CCM, false},
	{NULL, 0, false},
};

static uint32_t methods(const struct mx_method *m, size_t n, int count)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++)
		if (m[i].supported && m[i].method < count)
			bits |= 1u << m[i].method;
	return bits;
}

static int connections(const struct mx_connection *c, size_t n, uint32_t *bits, uint8_t *types,
	const char *where, struct mams_error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (c[i].connection_id >= MX_MAX_CONNECTIONS)
			return mams_fail(err, MAMS_EVALUE, where, "connection_id above %d",
				MX_MAX_CONNECTIONS - 1);
		*bits |= 1u << c[i].connection_id;
		types[c[i].connection_id] = (uint8_t)c[i].connection_type;
	}
	return 0;
}

int mx_offer_read(const struct mx_capability *c, struct mx_offer *out, struct mams_error *err)
{
	*out = (struct mx_offer){0};
	for (size_t i = 0; i < c->n_feature_active; i++)
		if (c->feature_active[i].active)
			out->features |= 1u << c->feature_active[i].feature_name;
	out->convergence = methods(c->convergence_methods, c->n_convergence_methods, MX_CONV_COUNT);
	out->adaptation = methods(c->adaptation_methods, c->n_adaptation_methods, MX_ADAPT_COUNT);
	/* an anchor that we cannot name is one that we do not use */
	(void)!connections(c->anchor_connections, c->n_anchor_connections, &out->anchors,
		out->anchor_type, "anchor_connections", NULL);
	return connections(c->delivery_connections, c->n_delivery_connections, &out->deliveries,
		out->delivery_type, "delivery_connections", err);
}

bool mx_offer_has_type(uint32_t ids, const uint8_t *types, int type)
{
	for (size_t i = 0; i < MX_MAX_CONNECTIONS; i++)
		if ((ids & 1u << i) && types[i] == type)
			return true;
	return false;
}

static size_t compare(enum mx_group g, uint32_t own, uint32_t peer, int count, struct mx_drop *out)
{
	size_t n = 0;

	for (int i = 0; out && i < count; i++)
		if ((own ^ peer) & 1u << i)
			out[n++] = (struct mx_drop){
				.group = g, .item = (uint8_t)i, .by_peer = (own & 1u << i) != 0};
	return n;
}

size_t mx_agree(const struct mx_offer *own, const struct mx_offer *peer, struct mx_offer *agreed,
	struct mx_drop *drops)
{
	size_t n = 0;

	*agreed = *own;
	agreed->features &= peer->features;
	agreed->convergence &= peer->convergence;
	agreed->adaptation &= peer->adaptation;
	if (!drops)
		return 0;
	n += compare(MX_GROUP_FEATURE, own->features, peer->features, MX_F_COUNT, drops);
	n += compare(MX_GROUP_CONVERGENCE, own->convergence, peer->convergence, MX_CONV_COUNT,
		drops + n);
	n += compare(
		MX_GROUP_ADAPTATION, own->adaptation, peer->adaptation, MX_ADAPT_COUNT, drops + n);
	return n;
}

const char *mx_group_name(enum mx_group g)
{
	static const char *const names[MX_GROUP_COUNT] = {
		"feature", "convergence", "adaptation", "delivery connection", "anchor connection"};

	return (unsigned)g < MX_GROUP_COUNT ? names[g] : "?";
}

char *mx_drop_name(const struct mx_drop *d, char text[MX_DROP_LEN])
{
	switch (d->group) {
	case MX_GROUP_FEATURE:
		snprintf(text, MX_DROP_LEN, "%s", mx_feature_name(d->item));
		break;
	case MX_GROUP_CONVERGENCE:
		snprintf(text, MX_DROP_LEN, "%s", mx_convergence_name(d->item));
		break;
	case MX_GROUP_ADAPTATION:
		snprintf(text, MX_DROP_LEN, "%s", mx_adaptation_name(d->item));
		break;
	case MX_GROUP_DELIVERY:
	case MX_GROUP_ANCHOR:
	case MX_GROUP_COUNT:
		snprintf(text, MX_DROP_LEN, "%u (%s)", d->item, mx_connection_type_name(d->type));
		break;
	}
	return text;
}
