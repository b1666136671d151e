/* What one row of a table cannot bring into our own form (RFC 8743 contradicts itself in these
 * places): done after decoding, before the rules between fields. */
#include "lib/mx/mx_tables.h"

#include <errno.h>

/* C.2.15 has a list of templates where C.3.12 has one: any of them matches, so each is an entry. */
static int uplink_entries(struct mx_msg *m, struct mams_error *err)
{
	struct mx_traffic_steering_req *t = &m->traffic_steering_req;
	struct mx_uplink_delivery *out;
	struct mx_uplink_mode *modes;
	size_t n_modes = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->n_uplink_delivery; i++)
		n += t->uplink_delivery[i].n_ul_tfts ? t->uplink_delivery[i].n_ul_tfts : 1;
	if (n > MX_MAX_UPLINK)
		return mams_fail(err, MAMS_EVALUE, "uplink_delivery",
			"has %zu templates, at most %d are taken", n, MX_MAX_UPLINK);
	out = mx_alloc(m, (n ? n : 1) * sizeof(*out));
	modes = mx_alloc(m, (n ? n : 1) * sizeof(*modes));
	if (!out || !modes)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < t->n_uplink_delivery; i++) {
		const struct mx_uplink_delivery *u = &t->uplink_delivery[i];
		const struct mx_uplink_mode *mode = mx_uplink_mode_of(t, i);

		for (size_t k = 0; k == 0 || k < u->n_ul_tfts; k++) {
			if (mode)
				modes[n_modes++] = (struct mx_uplink_mode){(uint8_t)n, mode->mode};
			out[n++] = (struct mx_uplink_delivery){
				.ul_tft = u->n_ul_tfts ? &u->ul_tfts[k] : u->ul_tft,
				.connection_list = u->connection_list,
				.n_connection_list = u->n_connection_list};
		}
	}
	t->uplink_delivery = out;
	t->n_uplink_delivery = n;
	t->uplink_modes = n_modes ? modes : NULL;
	t->n_uplink_modes = n_modes;
	return 0;
}

/* C.4.8 has the port at the anchor, 8.5 among the parameters of a configuration. */
static void control_ports(struct mx_up_setup_conf_req *u)
{
	for (size_t i = 0; i < u->n_anchor_connections; i++) {
		struct mx_setup_anchor *a = &u->anchor_connections[i];

		for (size_t k = 0; a->has_udp_port && k < a->n_convergence_config; k++) {
			struct mx_convergence_config *c = &a->convergence_config[k];

			if (!c->has_udp_port)
				c->udp_port = a->udp_port;
			c->has_udp_port = true;
		}
		a->has_udp_port = false;
	}
}

int mx_normalise(struct mx_msg *m, struct mams_error *err)
{
	if (m->type == MX_UP_SETUP_CONF_REQ)
		control_ports(&m->up_setup_conf_req);
	if (m->type != MX_TRAFFIC_STEERING_REQ)
		return 0;
	for (size_t i = 0; i < m->traffic_steering_req.n_uplink_delivery; i++)
		if (m->traffic_steering_req.uplink_delivery[i].n_ul_tfts)
			return uplink_entries(m, err);
	return 0;
}
