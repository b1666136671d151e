#include "ncm-service/compose.h"
#include "ncm-service/agree.h"
#include "ncm-service/appreq.h"
#include "ncm-service/protect.h"
#include "ncm-service/steering.h"
#include "ncm-service/tunnel.h"

#include <string.h>

static struct mx_session_id *session_id(const struct ncm_session *s, struct mx_msg *m)
{
	struct mx_session_id *id = mx_alloc(m, sizeof(*id));

	if (id)
		*id = (struct mx_session_id){
			.ncm_id = s->policy->ncm_id, .session_id = s->s.session_id};
	return id;
}

/* Frees the message when a part of it could not be allocated. */
static struct mx_msg *whole(struct mx_msg *m, bool ok)
{
	if (ok)
		return m;
	mx_msg_free(m);
	return NULL;
}

static const char *address_text(struct mx_msg *m, const struct mams_addr *a)
{
	char text[MAMS_ADDR_STRLEN];

	return mx_strdup(m, mams_addr_str(a, text));
}

/* The next id that no entry before has; n entries at most, and there are 16 ids. */
static uint8_t free_id(const struct mx_ncm_connection *c, size_t n, uint32_t wish)
{
	for (;; wish = (wish + 1) % MX_MAX_CONNECTIONS) {
		size_t k = 0;

		while (k < n && c[k].connection_id != wish)
			k++;
		if (k == n)
			return (uint8_t)wish;
	}
}

/* An entry per anchor and per NCM address: RFC 8743 8.4 tells them apart by connection id. */
struct mx_msg *ncm_compose_system_info(const struct ncm_policy *p, enum ncm_transport transport)
{
	const struct ncm_endpoints *e = &p->endpoints[transport];
	struct mx_msg *m = mx_msg_new(MX_SYSTEM_INFO, 0);
	struct mx_system_info *i = m ? &m->system_info : NULL;
	size_t n = e->n > p->n_anchors ? e->n : p->n_anchors;

	if (!m)
		return NULL;
	i->ncm_connections = mx_alloc(m, n * sizeof(*i->ncm_connections));
	if (!i->ncm_connections)
		return whole(m, false);
	for (size_t k = 0; k < n; k++) {
		const struct ncm_anchor_conf *a = &p->anchors[k < p->n_anchors ? k : 0];
		const struct mams_addr *at = &e->list[k % e->n];

		i->ncm_connections[k] = (struct mx_ncm_connection){
			.connection_id = free_id(i->ncm_connections, k, a->connection_id),
			.connection_type = a->connection_type,
			.ncm_end_point = {.ip_address = address_text(m, at), .port = at->port}};
		if (!i->ncm_connections[k].ncm_end_point.ip_address)
			return whole(m, false);
	}
	i->n_ncm_connections = n;
	return m;
}

struct mx_msg *ncm_compose_redirect(
	const struct ncm_policy *p, const struct ncm_redirect *r, enum ncm_transport transport)
{
	struct mx_msg *m = mx_msg_new(MX_SYSTEM_INFO, 0);
	struct mx_system_info *i = m ? &m->system_info : NULL;
	size_t n = r->n_endpoints[transport];

	if (!m)
		return NULL;
	i->ncm_connections = mx_alloc(m, n * sizeof(*i->ncm_connections));
	for (size_t k = 0; i->ncm_connections && k < n && k < MX_MAX_CONNECTIONS; k++) {
		struct mx_ncm_connection *c = &i->ncm_connections[k];
		char host[NCM_HOST_MAX];

		if (ncm_host_port(r->endpoints[transport][k], host, &c->ncm_end_point.port) < 0)
			continue; /* the configuration was checked */
		c->connection_id = free_id(i->ncm_connections, k, p->anchors[0].connection_id);
		c->connection_type = p->anchors[0].connection_type;
		c->ncm_end_point.ip_address = mx_strdup(m, host);
		if (!c->ncm_end_point.ip_address)
			return whole(m, false);
		i->n_ncm_connections++;
	}
	return whole(m, i->n_ncm_connections > 0);
}

static bool put_features(struct mx_msg *m, uint32_t active, struct mx_feature_info **out, size_t *n)
{
	struct mx_feature_info *f = mx_alloc(m, MX_F_COUNT * sizeof(*f));

	if (!f)
		return false;
	for (int i = 0; i < MX_F_COUNT; i++)
		f[i] = (struct mx_feature_info){
			.feature_name = i, .active = (active & 1u << i) != 0};
	*out = f;
	*n = MX_F_COUNT;
	return true;
}

static bool put_methods(
	struct mx_msg *m, uint32_t bits, int count, struct mx_method **out, size_t *n)
{
	struct mx_method *x = mx_alloc(m, (size_t)count * sizeof(*x));

	if (!x)
		return false;
	for (int i = 0; i < count; i++)
		x[i] = (struct mx_method){.method = i, .supported = (bits & 1u << i) != 0};
	*out = x;
	*n = (size_t)count;
	return true;
}

static bool put_anchors(const struct ncm_session *s, struct mx_msg *m, struct mx_capability *c)
{
	const struct ncm_policy *p = s->policy;

	c->anchor_connections = mx_alloc(m, p->n_anchors * sizeof(*c->anchor_connections));
	if (!c->anchor_connections)
		return false;
	for (size_t a = 0; a < p->n_anchors; a++)
		if (m->type == MX_CAPABILITY_REQ || s->s.anchors[a].used)
			c->anchor_connections[c->n_anchor_connections++] = (struct mx_connection){
				.connection_id = (uint8_t)p->anchors[a].connection_id,
				.connection_type = p->anchors[a].connection_type};
	c->num_anchor_connections = (uint32_t)c->n_anchor_connections;
	return true;
}

/* In the REQ: a delivery connection per access.  In the RSP: those that the CCM named and that are
 * of a type that an access has. */
static bool put_deliveries(const struct ncm_session *s, struct mx_msg *m, struct mx_capability *c)
{
	const struct ncm_policy *p = s->policy;
	const struct mx_offer own = ncm_offer(p);
	bool req = m->type == MX_CAPABILITY_REQ;

	c->delivery_connections =
		mx_alloc(m, MX_MAX_CONNECTIONS * sizeof(*c->delivery_connections));
	if (!c->delivery_connections)
		return false;
	for (size_t i = 0; req && i < p->n_accesses && i < MX_MAX_CONNECTIONS; i++)
		c->delivery_connections[c->n_delivery_connections++] =
			(struct mx_connection){.connection_id = (uint8_t)i,
				.connection_type = p->accesses[i].connection_type};
	for (uint8_t i = 0; !req && i < NCM_LINKS_MAX; i++)
		if (s->s.links[i].known && mx_offer_has_type(own.deliveries, own.delivery_type,
						   s->s.links[i].connection_type))
			c->delivery_connections[c->n_delivery_connections++] =
				(struct mx_connection){.connection_id = i,
					.connection_type = s->s.links[i].connection_type};
	c->num_delivery_connections = (uint32_t)c->n_delivery_connections;
	return true;
}

struct mx_msg *ncm_compose_capability(const struct ncm_session *s, enum mx_type type)
{
	struct mx_msg *m = mx_msg_new(type, 0);
	struct mx_capability *c = m ? &m->capability : NULL;
	struct mx_offer o = ncm_offer(s->policy);

	if (!m)
		return NULL;
	if (type == MX_CAPABILITY_RSP) {
		o.features = s->s.features;
		o.convergence = s->s.convergence;
		o.adaptation = s->s.adaptation;
	}
	c->unique_session_id = session_id(s, m);
	return whole(
		m, c->unique_session_id && put_anchors(s, m, c) && put_deliveries(s, m, c) &&
			   put_methods(m, o.convergence, MX_CONV_COUNT, &c->convergence_methods,
				   &c->n_convergence_methods) &&
			   put_methods(m, o.adaptation, MX_ADAPT_COUNT, &c->adaptation_methods,
				   &c->n_adaptation_methods) &&
			   put_features(m, o.features, &c->feature_active, &c->n_feature_active));
}

static struct mx_setup_delivery *put_delivery(
	struct mx_convergence_config *c, const struct ncm_session *s, uint8_t id)
{
	struct mx_setup_delivery *d = &c->delivery_connections[c->n_delivery_connections++];

	*d = (struct mx_setup_delivery){
		.connection_id = id, .connection_type = s->s.links[id].connection_type};
	c->num_delivery_connections = (uint32_t)c->n_delivery_connections;
	return d;
}

/* A link has a proxy address of its own, and so an MX configuration of its own. */
static bool put_mptcp(struct mx_msg *m, const struct ncm_session *s, size_t anchor, uint8_t id,
	struct mx_convergence_config *c)
{
	const struct ncm_link *l = &s->s.links[id];
	const struct mams_addr *proxy =
		ncm_policy_proxy(s->policy, (size_t)s->anchor[anchor].madp, l->access, &l->address);

	*c = (struct mx_convergence_config){.has_mx_configuration_id = true,
		.mx_configuration_id = (uint8_t)(id + 1),
		.has_convergence_method = true,
		.convergence_method = MX_CONV_MPTCP_PROXY,
		.convergence_method_params = mx_alloc(m, sizeof(*c->convergence_method_params)),
		.delivery_connections = mx_alloc(m, sizeof(*c->delivery_connections))};
	if (!proxy || !c->convergence_method_params || !c->delivery_connections)
		return false;
	*c->convergence_method_params =
		(struct mx_convergence_params){.proxy_ip = address_text(m, proxy),
			.has_proxy_port = true,
			.proxy_port = proxy->port,
			.client_key = mx_strdup(m, s->s.client_key)};
	c->has_udp_port = s->policy->control_port && (s->s.features & 1u << MX_F_PROBING);
	c->udp_port = s->policy->control_port;
	return ncm_protect_put(m, s, id, proxy, put_delivery(c, s, id)) &&
	       c->convergence_method_params->proxy_ip && c->convergence_method_params->client_key;
}

/* Control plane only (RFC 8743 12): one configuration of all links, and no method. */
static bool put_native(struct mx_msg *m, const struct ncm_session *s, uint32_t links,
	struct mx_convergence_config *c)
{
	*c = (struct mx_convergence_config){
		.delivery_connections =
			mx_alloc(m, NCM_LINKS_MAX * sizeof(*c->delivery_connections))};
	if (!c->delivery_connections)
		return false;
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		if (links & 1u << i)
			(void)put_delivery(c, s, i);
	return true;
}

static bool put_anchor(
	struct mx_msg *m, const struct ncm_session *s, size_t anchor, struct mx_setup_anchor *out)
{
	const struct ncm_anchor_conf *conf = &s->policy->anchors[anchor];
	uint32_t links = ncm_session_carriers(s, anchor);

	*out = (struct mx_setup_anchor){.connection_id = (uint8_t)conf->connection_id,
		.connection_type = conf->connection_type,
		.convergence_config =
			mx_alloc(m, NCM_LINKS_MAX * sizeof(*out->convergence_config))};
	if (!out->convergence_config)
		return false;
	if (ncm_session_methods(s, anchor) == 0 || links == 0)
		return put_native(
			m, s, links, &out->convergence_config[out->n_convergence_config++]);
	if (ncm_session_methods(s, anchor) & 1u << MX_CONV_GMA)
		return ncm_tunnel_put(
			m, s, anchor, links, &out->convergence_config[out->n_convergence_config++]);
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		if ((links & 1u << i) &&
			!put_mptcp(m, s, anchor, i,
				&out->convergence_config[out->n_convergence_config++]))
			return false;
	out->has_num_active_mx_conf = out->n_convergence_config > 1;
	out->num_active_mx_conf = (uint32_t)out->n_convergence_config;
	return true;
}

struct mx_msg *ncm_compose_up_setup(const struct ncm_session *s)
{
	struct mx_msg *m = mx_msg_new(MX_UP_SETUP_CONF_REQ, 0);
	struct mx_up_setup_conf_req *u = m ? &m->up_setup_conf_req : NULL;

	if (!m)
		return NULL;
	u->anchor_connections = mx_alloc(m, s->policy->n_anchors * sizeof(*u->anchor_connections));
	if (!u->anchor_connections)
		return whole(m, false);
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (ncm_session_carriers(s, a) &&
			!put_anchor(m, s, a, &u->anchor_connections[u->n_anchor_connections++]))
			return whole(m, false);
	/* a setup names an anchor, even when none has a link */
	if (u->n_anchor_connections == 0 &&
		!put_anchor(m, s, 0, &u->anchor_connections[u->n_anchor_connections++]))
		return whole(m, false);
	u->num_anchor_connections = (uint32_t)u->n_anchor_connections;
	return m;
}

static size_t put_ids(uint8_t *out, uint32_t bits)
{
	size_t n = 0;

	for (uint8_t i = 0; i < MX_MAX_CONNECTIONS; i++)
		if (bits & 1u << i)
			out[n++] = i;
	return n;
}

static bool put_template(struct mx_msg *m, const struct ncm_flow *f, struct mx_tft *t)
{
	t->remote_addr_mask = f->remote[0] ? mx_strdup(m, f->remote) : NULL;
	t->has_protocol_type = f->has_protocol;
	t->protocol_type = f->protocol;
	t->has_traffic_class = f->has_dscp;
	t->traffic_class = (uint8_t)(f->dscp << 2);
	t->remote_port_range = mx_alloc(m, sizeof(*t->remote_port_range));
	if (!t->remote_port_range || (f->remote[0] && !t->remote_addr_mask))
		return false;
	*t->remote_port_range = (struct mx_port_range){f->port_first, f->port_last};
	return true;
}

/* Flows of applications come first: the first template that matches decides. */
static bool put_flows(
	struct mx_msg *m, const struct ncm_flow *flows, size_t n, struct mx_traffic_steering_req *r)
{
	r->uplink_modes = n ? mx_alloc(m, n * sizeof(*r->uplink_modes)) : NULL;
	if (n && !r->uplink_modes)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct mx_uplink_delivery *u = &r->uplink_delivery[r->n_uplink_delivery++];

		u->connection_list = mx_alloc(m, MX_MAX_CONNECTIONS);
		u->ul_tft = mx_alloc(m, sizeof(*u->ul_tft));
		if (!u->connection_list || !u->ul_tft || !put_template(m, &flows[i], u->ul_tft))
			return false;
		memcpy(u->connection_list, flows[i].order, flows[i].n_order);
		u->n_connection_list = flows[i].n_order;
		if (flows[i].ul_mode)
			r->uplink_modes[r->n_uplink_modes++] = (struct mx_uplink_mode){
				.entry = (uint8_t)i, .mode = flows[i].ul_mode - 1};
	}
	return true;
}

struct mx_msg *ncm_compose_steering(const struct ncm_session *s, const struct ncm_order *o)
{
	/* in a tunnel the directions are apart: ncm_tunnel_compose() has the other one */
	bool tunnel = (ncm_session_methods(s, o->anchor) & 1u << MX_CONV_GMA) != 0;
	struct ncm_flow flow[NCM_ALL_FLOWS_MAX];
	size_t flows = ncm_appreq_flows(s, o, tunnel ? o->ul : o->dl & o->ul, flow);
	struct mx_msg *m = mx_msg_new(MX_TRAFFIC_STEERING_REQ, 0);
	struct mx_traffic_steering_req *r = m ? &m->traffic_steering_req : NULL;
	struct mx_uplink_delivery *u = m ? mx_alloc(m, (flows + 1) * sizeof(*u)) : NULL;
	uint32_t features = ncm_steering_features(s, o);

	if (!u)
		return whole(m, false);
	r->has_uplink_mode = o->ul_mode > 0;
	r->uplink_mode = o->ul_mode - 1;
	r->has_downlink_mode = o->dl_mode > 0;
	r->downlink_mode = o->dl_mode - 1;
	r->connection_id = s->s.anchors[o->anchor].id;
	r->has_mx_configuration_id = o->configuration != 0;
	r->mx_configuration_id = o->configuration;
	r->downlink_delivery = mx_alloc(m, MX_MAX_CONNECTIONS);
	r->uplink_delivery = u;
	if (!put_flows(m, flow, flows, r))
		return whole(m, false);
	u = &r->uplink_delivery[r->n_uplink_delivery++];
	u->connection_list = mx_alloc(m, MX_MAX_CONNECTIONS);
	u->ul_tft = mx_alloc(m, sizeof(*u->ul_tft));
	if (!r->downlink_delivery || !u->connection_list || !u->ul_tft)
		return whole(m, false);
	*u->ul_tft = (struct mx_tft){0}; /* any traffic */
	r->n_downlink_delivery = put_ids(r->downlink_delivery, o->dl);
	u->n_connection_list = put_ids(u->connection_list, o->ul);
	r->default_uplink_delivery = u->connection_list[0];
	if (r->n_downlink_delivery < 2)
		features &= ~(1u << MX_F_DOWNLINK_AGGREGATION);
	if (u->n_connection_list < 2)
		features &= ~(1u << MX_F_UPLINK_AGGREGATION);
	return whole(m, put_features(m, features, &r->feature_active, &r->n_feature_active));
}

struct mx_msg *ncm_compose_keep_alive(const struct ncm_session *s, enum mx_type type)
{
	struct mx_msg *m = mx_msg_new(type, 0);

	if (!m)
		return NULL;
	m->keep_alive = (struct mx_keep_alive){.unique_session_id = session_id(s, m),
		.has_keep_alive_reason = type == MX_KEEP_ALIVE_REQ,
		.keep_alive_reason = MX_KA_TIMEOUT};
	return whole(m, m->keep_alive.unique_session_id != NULL);
}

struct mx_msg *ncm_compose_termination(const struct ncm_session *s, enum mx_type type, int reason)
{
	struct mx_msg *m = mx_msg_new(type, 0);

	if (!m)
		return NULL;
	m->session_termination =
		(struct mx_session_termination){.unique_session_id = session_id(s, m),
			.has_reason = type == MX_SESSION_TERMINATION_REQ,
			.reason = reason};
	return whole(m, m->session_termination.unique_session_id != NULL);
}

struct mx_msg *ncm_compose_ssid_indication(const struct ncm_policy *p)
{
	struct mx_msg *m = mx_msg_new(MX_SSID_INDICATION, 0);
	struct mx_ssid_indication *i = m ? &m->ssid_indication : NULL;

	if (!m)
		return NULL;
	i->ssid_list = mx_alloc(m, p->n_ssids * sizeof(*i->ssid_list));
	if (!i->ssid_list)
		return whole(m, false);
	for (size_t k = 0; k < p->n_ssids; k++)
		i->ssid_list[k] = (struct mx_ssid){
			.ssid_type = p->ssids[k].type, .ssid_id = mx_strdup(m, p->ssids[k].id)};
	i->n_ssid_list = p->n_ssids;
	return whole(m, i->ssid_list[p->n_ssids - 1].ssid_id != NULL);
}

static size_t put_measures(
	const struct ncm_policy *p, int connection_type, struct mx_meas_report_conf *out)
{
	size_t n = 0;

	for (size_t k = 0; k < p->n_measures; k++) {
		const struct ncm_measure *c = &p->measures[k];

		if (c->connection_type == connection_type)
			out[n++] = (struct mx_meas_report_conf){.meas_rep_param = c->parameter,
				.meas_threshold = {.high = c->high, .low = c->low},
				.meas_period_ms = c->period_ms};
	}
	return n;
}

struct mx_msg *ncm_compose_measurement_conf(const struct ncm_session *s)
{
	struct mx_msg *m = mx_msg_new(MX_MEASUREMENT_CONF, 0);
	struct mx_measurement_conf *q = m ? &m->measurement_conf : NULL;

	if (!m)
		return NULL;
	q->measurement_configuration =
		mx_alloc(m, NCM_LINKS_MAX * sizeof(*q->measurement_configuration));
	if (!q->measurement_configuration)
		return whole(m, false);
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct mx_meas_conf *c =
			&q->measurement_configuration[q->n_measurement_configuration];

		if (!s->s.links[i].known)
			continue;
		c->connection_id = i;
		c->connection_type = s->s.links[i].connection_type;
		c->meas_rep_conf = mx_alloc(m, s->policy->n_measures * sizeof(*c->meas_rep_conf));
		if (!c->meas_rep_conf)
			return whole(m, false);
		c->n_meas_rep_conf = put_measures(s->policy, c->connection_type, c->meas_rep_conf);
		q->n_measurement_configuration++;
	}
	return whole(m, q->n_measurement_configuration > 0);
}

struct mx_msg *ncm_compose_path_est(const struct ncm_probe_conf *c, uint8_t id)
{
	struct mx_msg *m = mx_msg_new(MX_PATH_EST_REQ, 0);

	if (!m)
		return NULL;
	m->path_est_req = (struct mx_path_est_req){.connection_id = id,
		.init_probe_test_duration_ms = c->init_ms,
		.init_probe_test_rate_mbps = c->init_rate,
		.init_probe_size_bytes = c->init_size,
		.init_probe_ack_req = c->init_ack,
		.active_probe_freq_ms = c->active_ms,
		.active_probe_size_bytes = c->active_size,
		.has_active_probe_duration_sec = c->active_duration_ms > 0,
		.active_probe_duration_sec = c->active_duration_ms / 1000,
		.active_probe_ack_req = c->active_ack};
	return m;
}

struct mx_msg *ncm_compose_assoc_rsp(const struct ncm_session *s, bool is_success)
{
	struct mx_msg *m = mx_msg_new(MX_APP_MADP_ASSOC_RSP, 0);

	if (!m)
		return NULL;
	m->app_madp_assoc_rsp = (struct mx_app_madp_assoc_rsp){
		.unique_session_id = session_id(s, m), .is_success = is_success};
	return whole(m, m->app_madp_assoc_rsp.unique_session_id != NULL);
}
