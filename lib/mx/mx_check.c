/* Rules between fields, requirements B.3 to B.22: counts against lists, unique ids, conditional
 * members.  All are error class E7. */
#include "lib/mx/mx_tables.h"

static int count_is(struct mams_error *err, const char *where, uint32_t num, size_t n)
{
	if (num == n)
		return 0;
	return mams_fail(err, MAMS_EVALUE, where, "says %u, the list has %zu", num, n);
}

static int ids_unique(struct mams_error *err, const char *where, const void *items, size_t n,
	size_t size, size_t id)
{
	uint32_t seen[8] = {0};

	for (size_t i = 0; i < n; i++) {
		uint8_t v = *((const uint8_t *)items + i * size + id);

		if (seen[v / 32] & 1u << v % 32)
			return mams_fail(err, MAMS_EVALUE, where, "connection_id %u twice", v);
		seen[v / 32] |= 1u << v % 32;
	}
	return 0;
}

#define IDS_UNIQUE(err, where, items, n, S)                                                        \
	ids_unique(err, where, items, n, sizeof(struct S), offsetof(struct S, connection_id))

int mx_check_system_info(const struct mx_msg *m, struct mams_error *err)
{
	return IDS_UNIQUE(err, "mx_system_info.ncm_connections", m->system_info.ncm_connections,
		m->system_info.n_ncm_connections, mx_ncm_connection);
}

static int features_unique(
	struct mams_error *err, const struct mx_feature_info *f, size_t n, const char *where)
{
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (seen & 1u << f[i].feature_name)
			return mams_fail(err, MAMS_EVALUE, where, "feature %s twice",
				mx_feature_name(f[i].feature_name));
		seen |= 1u << f[i].feature_name;
	}
	return 0;
}

int mx_check_capability(const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_capability *c = &m->capability;
	int rc = count_is(
		err, "num_anchor_connections", c->num_anchor_connections, c->n_anchor_connections);

	if (rc == 0)
		rc = count_is(err, "num_delivery_connections", c->num_delivery_connections,
			c->n_delivery_connections);
	if (rc == 0)
		rc = IDS_UNIQUE(err, "anchor_connections", c->anchor_connections,
			c->n_anchor_connections, mx_connection);
	if (rc == 0)
		rc = IDS_UNIQUE(err, "delivery_connections", c->delivery_connections,
			c->n_delivery_connections, mx_connection);
	if (rc == 0)
		rc = features_unique(err, c->feature_active, c->n_feature_active, "feature_active");
	return rc;
}

static int check_proxy(const struct mx_convergence_config *c, struct mams_error *err)
{
	const struct mx_convergence_params *p = c->convergence_method_params;
	struct mams_addr a;

	if (!c->has_convergence_method || c->convergence_method != MX_CONV_MPTCP_PROXY)
		return 0;
	if (!p || !p->proxy_ip || !p->has_proxy_port)
		return mams_fail(err, MAMS_EMISSING, "convergence_method_params",
			"proxy_ip and proxy_port are required for MPTCP_Proxy");
	if (mams_addr_parse(p->proxy_ip, &a) < 0)
		return mams_fail(
			err, MAMS_EVALUE, "proxy_ip", "\"%.40s\" is no address", p->proxy_ip);
	return 0;
}

static int check_inside(const char *text, const char *key, uint8_t family, struct mams_error *err)
{
	struct mams_addr a;

	if (!text ||
		(mams_addr_parse(text, &a) == 0 && a.family == family && !mams_addr_is_any(&a) &&
			!mams_addr_is_multicast(&a) && !mams_addr_is_loopback(&a)))
		return 0;
	return mams_fail(err, MAMS_EVALUE, key, "\"%.40s\" is no address of one host", text);
}

static int check_tunnel(const struct mx_convergence_config *c, struct mams_error *err)
{
	const struct mx_convergence_params *p = c->convergence_method_params;
	struct mams_addr a;
	int rc;

	if (!c->has_convergence_method || c->convergence_method != MX_CONV_GMA || !p)
		return 0;
	rc = check_inside(p->anchor_ipv4, "anchor_ipv4", AF_INET, err);
	if (rc == 0)
		rc = check_inside(p->anchor_ipv6, "anchor_ipv6", AF_INET6, err);
	for (size_t i = 0; rc == 0 && i < p->n_dns_servers; i++)
		if (mams_addr_parse(p->dns_servers[i], &a) < 0)
			rc = mams_fail(err, MAMS_EVALUE, "dns_servers", "\"%.40s\" is no address",
				p->dns_servers[i]);
	return rc;
}

static int check_anchor(const struct mx_setup_anchor *a, struct mams_error *err)
{
	if (a->has_num_active_mx_conf && a->num_active_mx_conf != a->n_convergence_config)
		return count_is(
			err, "num_active_mx_conf", a->num_active_mx_conf, a->n_convergence_config);
	for (size_t i = 0; i < a->n_convergence_config; i++) {
		const struct mx_convergence_config *c = &a->convergence_config[i];
		int rc = count_is(err, "num_delivery_connections", c->num_delivery_connections,
			c->n_delivery_connections);

		if (rc == 0)
			rc = IDS_UNIQUE(err, "delivery_connections", c->delivery_connections,
				c->n_delivery_connections, mx_setup_delivery);
		if (rc == 0)
			rc = check_proxy(c, err);
		if (rc == 0)
			rc = check_tunnel(c, err);
		if (rc == 0 && a->n_convergence_config > 1 && !c->has_mx_configuration_id)
			rc = mams_fail(err, MAMS_EMISSING, "mx_configuration_id",
				"is required with several configurations");
		for (size_t k = 0; rc == 0 && a->n_convergence_config > 1 && k < i; k++) {
			if (a->convergence_config[k].mx_configuration_id == c->mx_configuration_id)
				rc = mams_fail(err, MAMS_EVALUE, "mx_configuration_id", "%u twice",
					c->mx_configuration_id);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int mx_check_up_setup(const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_up_setup_conf_req *u = &m->up_setup_conf_req;
	int rc = count_is(
		err, "num_anchor_connections", u->num_anchor_connections, u->n_anchor_connections);

	if (rc == 0)
		rc = IDS_UNIQUE(err, "anchor_connections", u->anchor_connections,
			u->n_anchor_connections, mx_setup_anchor);
	for (size_t i = 0; rc == 0 && i < u->n_anchor_connections; i++)
		rc = check_anchor(&u->anchor_connections[i], err);
	return rc;
}

int mx_check_up_setup_cnf(const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_up_setup_cnf *c = &m->up_setup_cnf;
	int rc = count_is(err, "num_delivery_conn", c->num_delivery_conn, c->n_client_params);

	if (rc < 0)
		return rc;
	return IDS_UNIQUE(
		err, "client_params", c->client_params, c->n_client_params, mx_client_param);
}

int mx_check_reconf(const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_reconf_req *r = &m->reconf_req;
	struct mams_addr a;

	if (r->reconf_action == MX_RELEASE)
		return 0;
	if (!r->ip_address)
		return mams_fail(err, MAMS_EMISSING, "mx_reconf_req.ip_address",
			"is required for setup and update");
	if (mams_addr_parse(r->ip_address, &a) < 0 || mams_addr_is_multicast(&a) ||
		mams_addr_is_loopback(&a) || mams_addr_is_any(&a))
		return mams_fail(err, MAMS_EVALUE, "mx_reconf_req.ip_address",
			"\"%.40s\" is no unicast address", r->ip_address);
	return 0;
}

int mx_check_path_est_results(const struct mx_msg *m, struct mams_error *err)
{
	if (m->path_est_results.init_probe_results || m->path_est_results.active_probe_results)
		return 0;
	return mams_fail(err, MAMS_EMISSING, "mx_path_est_results",
		"init_probe_results or active_probe_results is required");
}

static int check_tft(const struct mx_tft *f, const char *where, struct mams_error *err)
{
	const struct mx_port_range *l = f->local_port_range;
	const struct mx_port_range *r = f->remote_port_range;

	if ((l && l->start > l->end) || (r && r->start > r->end))
		return mams_fail(err, MAMS_EVALUE, where, "port range runs backwards");
	return 0;
}

const struct mx_uplink_mode *mx_uplink_mode_of(
	const struct mx_traffic_steering_req *t, size_t entry)
{
	for (size_t i = 0; i < t->n_uplink_modes; i++)
		if (t->uplink_modes[i].entry == entry)
			return &t->uplink_modes[i];
	return NULL;
}

static int check_modes(const struct mx_traffic_steering_req *t, struct mams_error *err)
{
	for (size_t i = 0; i < t->n_uplink_modes; i++)
		if (t->uplink_modes[i].entry >= t->n_uplink_delivery ||
			mx_uplink_mode_of(t, t->uplink_modes[i].entry) != &t->uplink_modes[i])
			return mams_fail(err, MAMS_EVALUE, "uplink_modes",
				"entry %u stands twice, or not in uplink_delivery",
				t->uplink_modes[i].entry);
	return 0;
}

int mx_check_steering(const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_traffic_steering_req *t = &m->traffic_steering_req;

	for (size_t i = 0; i < t->n_uplink_delivery; i++) {
		const struct mx_tft *f = t->uplink_delivery[i].ul_tft;
		int rc = f ? check_tft(f, "ul_tft", err) : 0;

		if (rc < 0)
			return rc;
	}
	if (check_modes(t, err) < 0)
		return -MAMS_EVALUE;
	return features_unique(err, t->feature_active, t->n_feature_active, "feature_active");
}

int mx_check_assoc_req(const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_app_madp_assoc_req *q = &m->app_madp_assoc_req;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < q->n_app_madp_assoc_list; i++) {
		const struct mx_app_madp_assoc *a = &q->app_madp_assoc_list[i];

		for (size_t k = 0; rc == 0 && k < a->n_ul_tft_list; k++)
			rc = check_tft(&a->ul_tft_list[k], "ul_tft_list", err);
		for (size_t k = 0; rc == 0 && k < a->n_dl_tft_list; k++)
			rc = check_tft(&a->dl_tft_list[k], "dl_tft_list", err);
	}
	return rc;
}

int mx_check_measurement_conf(const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_measurement_conf *q = &m->measurement_conf;

	for (size_t i = 0; i < q->n_measurement_configuration; i++) {
		const struct mx_meas_conf *c = &q->measurement_configuration[i];

		for (size_t k = 0; k < c->n_meas_rep_conf; k++) {
			const struct mx_threshold *t = &c->meas_rep_conf[k].meas_threshold;

			if (t->low > t->high)
				return mams_fail(
					err, MAMS_EVALUE, "meas_threshold", "low is above high");
		}
	}
	return IDS_UNIQUE(err, "measurement_configuration", q->measurement_configuration,
		q->n_measurement_configuration, mx_meas_conf);
}

int mx_check_measurement_report(const struct mx_msg *m, struct mams_error *err)
{
	return IDS_UNIQUE(err, "measurement_reports", m->measurement_report.measurement_reports,
		m->measurement_report.n_measurement_reports, mx_meas_report);
}

int mx_check_analytics_req(const struct mx_msg *m, struct mams_error *err)
{
	if (m->network_analytics_req.n_params > 0)
		return 0;
	return mams_fail(err, MAMS_EVALUE, "params", "names nothing that can be predicted");
}

int mx_check_analytics_rsp(const struct mx_msg *m, struct mams_error *err)
{
	return IDS_UNIQUE(err, "param_list", m->network_analytics_rsp.param_list,
		m->network_analytics_rsp.n_param_list, mx_analytics);
}

int mx_check_keep_alive_req(const struct mx_msg *m, struct mams_error *err)
{
	const struct mx_keep_alive *k = &m->keep_alive;

	if (!k->has_keep_alive_reason)
		return mams_fail(
			err, MAMS_EMISSING, "mx_keep_alive_req.keep_alive_reason", "is required");
	if (k->keep_alive_reason == MX_KA_HANDOVER && !k->has_connection_id)
		return mams_fail(err, MAMS_EMISSING, "mx_keep_alive_req.connection_id",
			"is required for Handover");
	return 0;
}

int mx_check_termination_req(const struct mx_msg *m, struct mams_error *err)
{
	if (m->session_termination.has_reason)
		return 0;
	return mams_fail(err, MAMS_EMISSING, "mx_session_termination_req.reason", "is required");
}
