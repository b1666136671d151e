#include "ccm-agent/compose.h"

#include "ccm-agent/setup.h"

#include "ccm-agent/agree.h"

/* An NCM of the seed gives no id, and gets none.  @return false on ENOMEM */
static bool put_id(const struct ccm_session *s, struct mx_msg *m, struct mx_session_id **out)
{
	if (!s->has_id)
		return true;
	*out = mx_alloc(m, sizeof(**out));
	if (*out)
		**out = s->id;
	return *out != NULL;
}

/* Frees the message when a part of it could not be allocated. */
static struct mx_msg *whole(struct mx_msg *m, bool ok)
{
	if (ok)
		return m;
	mx_msg_free(m);
	return NULL;
}

struct mx_msg *ccm_compose_discover(const struct ccm_session *s)
{
	struct mx_msg *m = mx_msg_new(MX_DISCOVER, 0);

	if (!m || !s->conf->mcc_mnc_tuple)
		return m;
	m->discover.mcc_mnc_tuple = mx_strdup(m, s->conf->mcc_mnc_tuple);
	return whole(m, m->discover.mcc_mnc_tuple != NULL);
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

/* The answer leaves out links that the NCM has no access for, and takes its anchors; a question
 * names our own links for either. */
static bool put_links(const struct ccm_session *s, struct mx_msg *m, struct mx_capability *c)
{
	bool answer = m->type == MX_CAPABILITY_RSP;

	c->delivery_connections = mx_alloc(m, CCM_LINKS_MAX * sizeof(*c->delivery_connections));
	c->anchor_connections = mx_alloc(m, CCM_LINKS_MAX * sizeof(*c->anchor_connections));
	if (!c->delivery_connections || !c->anchor_connections)
		return false;
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct mx_connection one;

		if (answer && (s->offer.anchors & 1u << i))
			c->anchor_connections[c->n_anchor_connections++] = (struct mx_connection){
				.connection_id = i, .connection_type = s->offer.anchor_type[i]};
		if (!s->link[i].conf)
			continue;
		one = (struct mx_connection){
			.connection_id = i, .connection_type = s->link[i].conf->connection_type};
		if (!answer || !(s->unwanted & 1u << i))
			c->delivery_connections[c->n_delivery_connections++] = one;
		if (!answer)
			c->anchor_connections[c->n_anchor_connections++] = one;
	}
	c->num_delivery_connections = (uint32_t)c->n_delivery_connections;
	c->num_anchor_connections = (uint32_t)c->n_anchor_connections;
	return true;
}

static bool put_methods(
	struct mx_msg *m, struct mx_capability *c, uint32_t convergence, uint32_t adaptation)
{
	c->convergence_methods = mx_alloc(m, MX_CONV_COUNT * sizeof(*c->convergence_methods));
	c->adaptation_methods = mx_alloc(m, MX_ADAPT_COUNT * sizeof(*c->adaptation_methods));
	if (!c->convergence_methods || !c->adaptation_methods)
		return false;
	for (int i = 0; i < MX_CONV_COUNT; i++)
		c->convergence_methods[c->n_convergence_methods++] =
			(struct mx_method){.method = i, .supported = (convergence & 1u << i) != 0};
	for (int i = 0; i < MX_ADAPT_COUNT; i++)
		c->adaptation_methods[c->n_adaptation_methods++] =
			(struct mx_method){.method = i, .supported = (adaptation & 1u << i) != 0};
	return true;
}

struct mx_msg *ccm_compose_capability(const struct ccm_session *s, enum mx_type type)
{
	const struct mx_offer own = ccm_offer(s);
	struct mx_msg *m = mx_msg_new(type, 0);
	struct mx_capability *c = m ? &m->capability : NULL;
	bool ask = type == MX_CAPABILITY_REQ;

	if (!m)
		return NULL;
	return whole(m, put_id(s, m, &c->unique_session_id) &&
				put_methods(m, c, ask ? own.convergence : s->convergence,
					ask ? own.adaptation : s->adaptation) &&
				put_links(s, m, c) &&
				put_features(m, ask ? own.features : s->features,
					&c->feature_active, &c->n_feature_active));
}

struct mx_msg *ccm_compose_capability_ack(const struct ccm_session *s, int value)
{
	struct mx_msg *m = mx_msg_new(MX_CAPABILITY_ACK, 0);

	if (m)
		m->capability_ack = (struct mx_capability_ack){
			.unique_session_id = s->id, .capability_ack = value};
	return m;
}

struct mx_msg *ccm_compose_reconf(const struct ccm_session *s, uint8_t connection_id, int action)
{
	const struct ccm_link_state *k = &s->link[connection_id].now;
	const char *ssid = ccm_link_ssid(&s->link[connection_id]);
	const char *node_id = ccm_link_node_id(&s->link[connection_id]);
	struct mx_msg *m = mx_msg_new(MX_RECONF_REQ, 0);
	struct mx_reconf_req *r = m ? &m->reconf_req : NULL;
	char text[MAMS_ADDR_STRLEN];

	if (!m)
		return NULL;
	*r = (struct mx_reconf_req){.reconf_action = action, .connection_id = connection_id};
	if (!put_id(s, m, &r->unique_session_id))
		return whole(m, false);
	if (action == MX_RELEASE)
		return m;
	r->ip_address = mx_strdup(m, mams_addr_str(&k->address, text));
	r->has_mtu_size = true;
	r->mtu_size = k->mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)k->mtu;
	r->has_connection_status = true;
	r->connection_status = MX_STATUS_CONNECTED;
	r->ssid = ssid ? mx_strdup(m, ssid) : NULL;
	r->delivery_node_id = node_id ? mx_strdup(m, node_id) : NULL;
	return whole(m, r->ip_address && !r->ssid == !ssid && !r->delivery_node_id == !node_id);
}

/* Where the N-MADP's probes go; one port for all connections, so the ids are those of the first. */
static bool put_probe_param(
	const struct ccm_session *s, struct mx_msg *m, struct mx_up_setup_cnf *c)
{
	const struct ccm_anchor *a = ccm_setup_caught(s);
	const struct ccm_lane *first = NULL;

	for (size_t i = 0; a && !first && i < CCM_LINKS_MAX; i++)
		if (a->lane[i].named && a->lane[i].control_port)
			first = &a->lane[i];
	if (!first || !(s->features & 1u << MX_F_PROBING))
		return true;
	c->probe_param = mx_alloc(m, sizeof(*c->probe_param));
	if (!c->probe_param)
		return false;
	*c->probe_param = (struct mx_probe_param){.probe_port = s->conf->probe_port,
		.anchor_conn_id = a->id,
		.has_mx_configuration_id = first->configuration != 0,
		.mx_configuration_id = first->configuration};
	return true;
}

static const struct ccm_anchor *tunnel_of(const struct ccm_session *s)
{
	for (size_t i = 0; i < CCM_ANCHORS_MAX; i++)
		if (s->anchor[i].used && s->anchor[i].tunnelled)
			return &s->anchor[i];
	return NULL;
}

/* MX Control PDUs of the tunnel, which are the probes as well, come and go at one port. */
static bool put_probes(const struct ccm_session *s, struct mx_msg *m, struct mx_up_setup_cnf *c)
{
	const struct ccm_anchor *a = tunnel_of(s);

	if (!a || c->probe_param) /* the proxy's are told first */
		return true;
	c->probe_param = mx_alloc(m, sizeof(*c->probe_param));
	if (c->probe_param)
		*c->probe_param = (struct mx_probe_param){
			.probe_port = a->inside.control_port, .anchor_conn_id = a->id};
	return c->probe_param != NULL;
}

struct mx_msg *ccm_compose_setup_cnf(
	const struct ccm_session *s, uint32_t ok, const uint16_t *ports)
{
	struct mx_msg *m = mx_msg_new(MX_UP_SETUP_CNF, 0);
	struct mx_up_setup_cnf *c = m ? &m->up_setup_cnf : NULL;

	if (!m)
		return NULL;
	c->client_params = mx_alloc(m, CCM_LINKS_MAX * sizeof(*c->client_params));
	if (!put_id(s, m, &c->unique_session_id) || !c->client_params)
		return whole(m, false);
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct mx_client_param *p = &c->client_params[c->n_client_params];
		bool tunnel = ports && ports[i];

		if (!(ok & 1u << i) && !tunnel)
			continue;
		p->connection_id = i;
		c->n_client_params++;
		if (!tunnel || ports[i] == CCM_PORT_NONE)
			continue;
		p->adapt_param = mx_alloc(m, sizeof(*p->adapt_param));
		if (!p->adapt_param)
			return whole(m, false);
		p->adapt_param->udp_adapt_port = ports[i];
	}
	c->num_delivery_conn = (uint32_t)c->n_client_params;
	return whole(m, put_probe_param(s, m, c) && (!ports || put_probes(s, m, c)));
}

static bool several(uint32_t bits)
{
	return (bits & (bits - 1)) != 0;
}

static uint32_t admitted(const struct ccm_anchor *a)
{
	uint32_t bits = 0;

	for (uint8_t i = 0; (a->proxied || a->tunnelled) && i < CCM_LINKS_MAX; i++)
		if (a->lane[i].named)
			bits |= 1u << i;
	return bits;
}

struct mx_msg *ccm_compose_steering_rsp(const struct ccm_session *s, const struct ccm_anchor *a)
{
	struct mx_msg *m = mx_msg_new(MX_TRAFFIC_STEERING_RSP, 0);
	struct mx_traffic_steering_rsp *r = m ? &m->traffic_steering_rsp : NULL;
	uint32_t features = s->features & ~a->off & ~s->off;

	if (!m)
		return NULL;
	if (!a->tunnelled)
		features &= ~MX_GMA_FEATURES;
	/* without convergence nothing is aggregated */
	if (!several(a->dl & admitted(a)))
		features &= ~(1u << MX_F_DOWNLINK_AGGREGATION);
	if (!several(a->ul & admitted(a)))
		features &= ~(1u << MX_F_UPLINK_AGGREGATION);
	return whole(
		m, put_id(s, m, &r->unique_session_id) &&
			   put_features(m, features, &r->feature_active, &r->n_feature_active));
}

struct mx_msg *ccm_compose_keep_alive(const struct ccm_session *s, enum mx_type type)
{
	struct mx_msg *m = mx_msg_new(type, 0);

	if (!m)
		return NULL;
	m->keep_alive = (struct mx_keep_alive){.has_keep_alive_reason = type == MX_KEEP_ALIVE_REQ,
		.keep_alive_reason = MX_KA_TIMEOUT};
	return whole(m, put_id(s, m, &m->keep_alive.unique_session_id));
}

struct mx_msg *ccm_compose_handover(const struct ccm_session *s, uint8_t connection_id)
{
	struct mx_msg *m = ccm_compose_keep_alive(s, MX_KEEP_ALIVE_REQ);
	const char *node_id = ccm_link_node_id(&s->link[connection_id]);

	if (!m)
		return NULL;
	m->keep_alive.keep_alive_reason = MX_KA_HANDOVER;
	m->keep_alive.has_connection_id = true;
	m->keep_alive.connection_id = connection_id;
	m->keep_alive.delivery_node_id =
		mx_strdup(m, node_id ? node_id : s->link[connection_id].conf->name);
	return whole(m, m->keep_alive.delivery_node_id != NULL);
}

struct mx_msg *ccm_compose_termination(const struct ccm_session *s, enum mx_type type, int reason)
{
	struct mx_msg *m = mx_msg_new(type, 0);

	if (!m)
		return NULL;
	m->session_termination = (struct mx_session_termination){
		.has_reason = type == MX_SESSION_TERMINATION_REQ, .reason = reason};
	return whole(m, put_id(s, m, &m->session_termination.unique_session_id));
}

/* Consumes what is due. */
struct mx_msg *ccm_compose_measurement_report(struct ccm_session *s, mams_time now)
{
	struct mx_msg *m = mx_msg_new(MX_MEASUREMENT_REPORT, 0);
	struct mx_measurement_report *r = m ? &m->measurement_report : NULL;

	if (!m)
		return NULL;
	r->measurement_reports = mx_alloc(m, CCM_LINKS_MAX * sizeof(*r->measurement_reports));
	if (!put_id(s, m, &r->unique_session_id) || !r->measurement_reports)
		return whole(m, false);
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct mx_meas_report *one = &r->measurement_reports[r->n_measurement_reports];

		if (!s->link[i].conf)
			continue;
		one->measurements = mx_alloc(m, CCM_MEASURES_MAX * sizeof(*one->measurements));
		if (!one->measurements)
			return whole(m, false);
		one->connection_id = i;
		one->connection_type = s->link[i].conf->connection_type;
		one->n_measurements = ccm_measures_take(&s->measures, i, now, one->measurements);
		r->n_measurement_reports += one->n_measurements > 0;
	}
	return whole(m, r->n_measurement_reports > 0);
}

struct mx_msg *ccm_compose_analytics_req(const struct ccm_session *s)
{
	struct mx_msg *m = mx_msg_new(MX_NETWORK_ANALYTICS_REQ, 0);
	struct mx_network_analytics_req *r = m ? &m->network_analytics_req : NULL;

	if (!m)
		return NULL;
	r->params = mx_alloc(m, MX_P_COUNT * sizeof(*r->params));
	for (int i = 0; r->params && i < MX_P_COUNT; i++)
		r->params[r->n_params++] = i;
	return whole(m, put_id(s, m, &r->unique_session_id) && r->params);
}

static bool put_template(struct mx_msg *m, const struct ccm_class *k, struct mx_tft **out)
{
	struct mx_tft *t = mx_alloc(m, sizeof(*t));

	if (!t)
		return false;
	*out = t;
	t->remote_addr_mask = k->remote[0] ? mx_strdup(m, k->remote) : NULL;
	t->has_protocol_type = true;
	t->protocol_type = k->protocol;
	t->remote_port_range = mx_alloc(m, sizeof(*t->remote_port_range));
	if (!t->remote_port_range)
		return false;
	*t->remote_port_range = (struct mx_port_range){k->port_first, k->port_last};
	return true;
}

struct mx_msg *ccm_compose_path_results(const struct ccm_session *s, uint8_t id,
	const struct mx_init_probe_results *init, const struct mx_active_probe_results *active)
{
	struct mx_msg *m = mx_msg_new(MX_PATH_EST_RESULTS, 0);
	struct mx_path_est_results *r = m ? &m->path_est_results : NULL;

	if (!m)
		return NULL;
	r->connection_id = id;
	r->init_probe_results = init ? mx_alloc(m, sizeof(*init)) : NULL;
	r->active_probe_results = active ? mx_alloc(m, sizeof(*active)) : NULL;
	if (r->init_probe_results)
		*r->init_probe_results = *init;
	if (r->active_probe_results)
		*r->active_probe_results = *active;
	return whole(m, put_id(s, m, &r->unique_session_id) && r->unique_session_id &&
				!r->init_probe_results == !init &&
				!r->active_probe_results == !active);
}

#define ASSOCIATIONS_MAX 32u

static bool put_association(
	const struct ccm_anchor *by, struct mx_msg *m, uint8_t link, const struct ccm_class *k)
{
	struct mx_app_madp_assoc_req *r = &m->app_madp_assoc_req;
	const struct ccm_lane *l = &by->lane[link];
	struct mx_app_madp_assoc *a;

	if (!l->named)
		return true;
	if (r->n_app_madp_assoc_list == ASSOCIATIONS_MAX)
		return false;
	a = &r->app_madp_assoc_list[r->n_app_madp_assoc_list++];
	*a = (struct mx_app_madp_assoc){.anchor_conn_id = by->id,
		.has_mx_configuration_id = l->configuration != 0,
		.mx_configuration_id = l->configuration};
	if (!k)
		return true;
	a->n_ul_tft_list = 1;
	a->n_dl_tft_list = 1;
	return put_template(m, k, &a->ul_tft_list) && put_template(m, k, &a->dl_tft_list);
}

struct mx_msg *ccm_compose_assoc_req(
	const struct ccm_session *s, const struct ccm_class *k, size_t n)
{
	struct mx_msg *m = mx_msg_new(MX_APP_MADP_ASSOC_REQ, 0);
	struct mx_app_madp_assoc_req *r = m ? &m->app_madp_assoc_req : NULL;
	const struct ccm_anchor *by = ccm_setup_caught(s);
	bool ok;

	if (!m || !by)
		return whole(m, false);
	r->app_madp_assoc_list = mx_alloc(m, ASSOCIATIONS_MAX * sizeof(*r->app_madp_assoc_list));
	ok = put_id(s, m, &r->unique_session_id) && r->app_madp_assoc_list;
	for (size_t i = 0; ok && i < n; i++)
		for (size_t l = 0; ok && l < k[i].n_links; l++)
			ok = put_association(by, m, k[i].links[l], &k[i]);
	for (uint8_t l = 0; ok && r->n_app_madp_assoc_list == 0 && l < CCM_LINKS_MAX; l++)
		ok = put_association(by, m, l, NULL);
	return whole(m, ok && r->n_app_madp_assoc_list > 0);
}
