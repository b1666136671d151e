#include "ccm-agent/setup.h"

#include <stdio.h>

void ccm_session_wanted(const struct ccm_session *s, struct ccm_target *out)
{
	*out = (struct ccm_target){0};
	if (!s->set_up)
		return;
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		const struct ccm_session_link *l = &s->link[i];

		/* a link that comes back with the address that was admitted is usable at once */
		if (!l->admitted || !l->now.usable ||
			!mams_addr_eq_ip(&l->now.address, &l->admitted_address))
			continue;
		out->paths[out->n_paths++] = (struct ccm_path){.connection_id = i,
			.local = l->now.address,
			.proxy = l->proxy,
			.priority = l->conf->priority,
			.backup = ((s->dl | s->ul) & 1u << i) == 0};
	}
	out->catching = !s->fallen_back && out->n_paths > 0;
	snprintf(out->client_key, sizeof(out->client_key), "%s", s->client_key);
}

static void admit(struct ccm_session *s, const struct mx_convergence_config *c)
{
	const struct mx_convergence_params *p = c->convergence_method_params;
	struct mams_addr proxy;

	if (!c->has_convergence_method || c->convergence_method != MX_CONV_MPTCP_PROXY || !p ||
		mams_addr_parse(p->proxy_ip, &proxy) < 0)
		return;
	proxy.port = p->proxy_port;
	if (p->client_key)
		snprintf(s->client_key, sizeof(s->client_key), "%s", p->client_key);
	for (size_t i = 0; i < c->n_delivery_connections; i++) {
		const struct mx_setup_delivery *d = &c->delivery_connections[i];
		struct ccm_session_link *l =
			d->connection_id < CCM_LINKS_MAX ? &s->link[d->connection_id] : NULL;

		/* omitted from the CNF: unknown link, or an adaptation that was not agreed */
		if (!l || !l->conf || d->has_adaptation_method)
			continue;
		l->admitted_address = mams_addr_is_set(&l->known) ? l->known : l->sent.address;
		l->proxy = proxy;
		/* of another family when the setup was made for an address that is gone */
		l->admitted = l->admitted_address.family == proxy.family;
	}
}

void ccm_setup_admit(struct ccm_session *s, const struct mx_up_setup_conf_req *u)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		s->link[i].admitted = false;
	mams_wipe(s->client_key, sizeof(s->client_key));
	for (size_t i = 0; i < u->n_anchor_connections; i++) {
		const struct mx_setup_anchor *a = &u->anchor_connections[i];

		s->anchor_id = a->connection_id;
		for (size_t k = 0; k < a->n_convergence_config; k++)
			admit(s, &a->convergence_config[k]);
	}
}

static bool bits_of(const uint8_t *ids, size_t n, const struct ccm_session *s, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] >= CCM_LINKS_MAX || !s->link[ids[i]].admitted)
			return false;
		*out |= 1u << ids[i];
	}
	return true;
}

static bool any_traffic(const struct mx_tft *t)
{
	return !t || (!t->remote_addr_mask && !t->local_addr_mask &&
			     (!t->has_protocol_type || t->protocol_type == 255) &&
			     !t->local_port_range && !t->remote_port_range &&
			     (!t->has_traffic_class || t->traffic_class == 255) &&
			     (!t->has_flow_label || t->flow_label == 0));
}

int ccm_setup_lists(const struct ccm_session *s, const struct mx_traffic_steering_req *r,
	uint32_t *dl, uint32_t *ul, bool *plain, struct mams_error *err)
{
	const uint8_t first = r->default_uplink_delivery;

	*dl = 0;
	*ul = 0;
	*plain = r->n_uplink_delivery < 2;
	if (r->connection_id != s->anchor_id)
		return mams_fail(err, MAMS_EVALUE, "connection_id", "%u is no anchor connection",
			r->connection_id);
	if (!bits_of(r->downlink_delivery, r->n_downlink_delivery, s, dl) ||
		!bits_of(&first, r->n_uplink_delivery ? 0 : 1, s, ul))
		return mams_fail(err, MAMS_EVALUE, "downlink_delivery",
			"names a connection that is not set up");
	for (size_t i = 0; i < r->n_uplink_delivery; i++) {
		const struct mx_uplink_delivery *u = &r->uplink_delivery[i];

		*plain &= any_traffic(u->ul_tft);
		if (!bits_of(u->connection_list, u->n_connection_list, s, ul))
			return mams_fail(err, MAMS_EVALUE, "uplink_delivery",
				"names a connection that is not set up");
	}
	return 0;
}
