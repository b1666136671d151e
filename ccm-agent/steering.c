#include "ccm-agent/steering.h"

#include "ccm-agent/setup.h"

#include <stdio.h>
#include <string.h>

#define ANY_CLASS 255

static bool bits_of(const uint8_t *ids, size_t n, const struct ccm_anchor *a, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] >= CCM_LINKS_MAX || !a->lane[ids[i]].named)
			return false;
		*out |= 1u << ids[i];
	}
	return true;
}

static bool any_address(const char *mask)
{
	return !mask || strcmp(mask, "0.0.0.0/0") == 0 || strcmp(mask, "::/0") == 0;
}

static bool any_port(const struct mx_port_range *r)
{
	return !r || (r->start == 0 && r->end == UINT16_MAX);
}

static bool any_protocol(const struct mx_tft *t)
{
	return !t->has_protocol_type || t->protocol_type == CCM_ANY_PROTOCOL;
}

static bool any_class(const struct mx_tft *t)
{
	return !t->has_traffic_class || t->traffic_class == ANY_CLASS;
}

/* What a proxy does not see of a connection of an application is not asked for either.  RFC 8743
 * C.2.16: told at its default is not told. */
static bool is_plain(const struct mx_tft *t)
{
	return any_address(t->local_addr_mask) && any_port(t->local_port_range) &&
	       (!t->has_flow_label || t->flow_label == 0);
}

static bool any_traffic(const struct mx_tft *t)
{
	return !t || (is_plain(t) && any_class(t) && any_address(t->remote_addr_mask) &&
			     any_protocol(t) && any_port(t->remote_port_range));
}

/* @return false: no network */
static bool take_mask(const char *mask, char out[64])
{
	struct mams_prefix net;

	if (any_address(mask))
		return true;
	snprintf(out, 64, "%s", mask);
	return mams_prefix_parse(mask, &net) == 0;
}

/* Our side of a flow, as a tunnel sees it. */
static bool take_local(const struct mx_tft *t, struct ccm_class *k)
{
	if (!any_port(t->local_port_range)) {
		k->local_first = t->local_port_range->start;
		k->local_last = t->local_port_range->end;
	}
	k->flow_label = t->has_flow_label ? t->flow_label : 0;
	return take_mask(t->local_addr_mask, k->local);
}

/* The proxy knows a connection by its protocol, its server and its mark, a tunnel each packet. Of
 * the traffic class the DSCP counts; the rest is the transport's (ECN, RFC 3168 5).
 * @return false for a template that asks for more */
static bool take_template(const struct mx_tft *t, bool tunnel, struct ccm_class *k)
{

	*k = (struct ccm_class){.protocol = any_protocol(t) ? CCM_ANY_PROTOCOL : t->protocol_type,
		.port_last = UINT16_MAX,
		.has_dscp = !any_class(t)};
	if (!tunnel &&
		((k->protocol != CCM_TCP && k->protocol != CCM_ANY_PROTOCOL) || !is_plain(t)))
		return false;
	if (k->has_dscp)
		k->dscp = t->traffic_class >> 2;
	if (!take_mask(t->remote_addr_mask, k->remote) || (tunnel && !take_local(t, k)))
		return false;
	if (t->remote_port_range) {
		k->port_first = t->remote_port_range->start;
		k->port_last = t->remote_port_range->end;
	}
	return true;
}

static void put_class(const struct mx_uplink_delivery *u, const struct mx_uplink_mode *mode,
	uint32_t bits, struct ccm_order *out)
{
	struct ccm_class k;

	const bool tunnel = out->anchor->tunnelled;
	const size_t max = tunnel ? CCM_TUNNEL_CLASSES : CCM_CLASSES_MAX;

	/* both directions of a flow share its subflows, but not a tunnel */
	if (out->n_classes == max || !take_template(u->ul_tft, tunnel, &k) ||
		u->n_connection_list == 0 || u->n_connection_list > CCM_LINKS_MAX ||
		(!tunnel && ((bits & ~out->dl) || mode))) {
		out->plain = false;
		return;
	}
	memcpy(k.links, u->connection_list, u->n_connection_list);
	k.n_links = u->n_connection_list;
	k.mode = mode ? (uint8_t)(1 + mode->mode) : 0;
	out->classes[out->n_classes++] = k;
}

static bool has_configuration(const struct ccm_anchor *a, uint8_t id)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		if (a->lane[i].named && a->lane[i].configuration == id)
			return true;
	return false;
}

static int find_anchor(struct ccm_session *s, const struct mx_traffic_steering_req *r,
	struct ccm_anchor **out, struct mams_error *err)
{
	for (size_t i = 0; i < CCM_ANCHORS_MAX; i++) {
		if (!s->anchor[i].used || s->anchor[i].id != r->connection_id)
			continue;
		*out = &s->anchor[i];
		if (r->has_mx_configuration_id && !has_configuration(*out, r->mx_configuration_id))
			return mams_fail(err, MAMS_EVALUE, "mx_configuration_id",
				"%u is none of anchor %u", r->mx_configuration_id,
				r->connection_id);
		return 0;
	}
	return mams_fail(
		err, MAMS_EVALUE, "connection_id", "%u is no anchor connection", r->connection_id);
}

static int take_lists(
	const struct mx_traffic_steering_req *r, struct ccm_order *out, struct mams_error *err)
{
	bool rest = false; /* the first template that matches wins: this one matches what is left */

	for (size_t i = 0; i < r->n_uplink_delivery; i++) {
		const struct mx_uplink_delivery *u = &r->uplink_delivery[i];
		uint32_t bits = 0;

		if (!bits_of(u->connection_list, u->n_connection_list, out->anchor, &bits))
			return mams_fail(err, MAMS_EVALUE, "uplink_delivery",
				"names a connection that is not set up");
		if (rest)
			continue;
		rest = any_traffic(u->ul_tft);
		if (rest)
			out->ul = bits;
		else
			put_class(u, mx_uplink_mode_of(r, i), bits, out);
	}
	if (!rest && !bits_of(&out->first, 1, out->anchor, &out->ul))
		return mams_fail(err, MAMS_EVALUE, "default_uplink_delivery",
			"names a connection that is not set up");
	return 0;
}

int ccm_steering_order(struct ccm_session *s, const struct mx_traffic_steering_req *r,
	struct ccm_order *out, struct mams_error *err)
{
	int rc;

	*out = (struct ccm_order){.first = r->default_uplink_delivery, .plain = true};
	rc = find_anchor(s, r, &out->anchor, err);
	if (rc < 0)
		return rc;
	if (!bits_of(r->downlink_delivery, r->n_downlink_delivery, out->anchor, &out->dl))
		return mams_fail(err, MAMS_EVALUE, "downlink_delivery",
			"names a connection that is not set up");
	rc = take_lists(r, out, err);
	/* only the client's proxy and its tunnel know flows */
	out->plain &=
		out->n_classes == 0 || out->anchor->tunnelled || out->anchor == ccm_setup_caught(s);
	return rc;
}
