/* Rows first, rules between fields second: fill() knows only the tables, mend_...() only
 * mx_check.c's rules. */
#include "lib/mx/mx_random.h"
#include "lib/mx/mx_tables.h"

#include <stdio.h>
#include <string.h>

#define MAX_SAFE ((uint64_t)1 << 53)
#define TEXT_BUDGET 2000u /* long texts of one message; six octets of JSON each at the worst */
#define SHORT_TEXT 8u

static uint64_t below(struct mx_random *r, uint64_t n)
{
	return r->below(r->user, n);
}

static bool coin(struct mx_random *r)
{
	return below(r, 2) == 1;
}

/* Both ends of a range more often than chance would have them. */
static uint64_t in_range(struct mx_random *r, uint64_t min, uint64_t max)
{
	switch (below(r, 8)) {
	case 0:
		return min;
	case 1:
		return max;
	}
	return max - min == UINT64_MAX ? below(r, UINT64_MAX) : min + below(r, max - min + 1);
}

static void fill_integer(struct mx_random *r, const struct mams_field *f, enum mams_kind k, void *p)
{
	bool ranged = k == f->kind && (f->min != 0 || f->max != 0);
	uint64_t min = ranged ? (uint64_t)f->min : 0;

	if (k == MAMS_K_U8)
		*(uint8_t *)p = (uint8_t)in_range(r, min, ranged ? (uint64_t)f->max : UINT8_MAX);
	else if (k == MAMS_K_U16)
		*(uint16_t *)p = (uint16_t)in_range(r, min, ranged ? (uint64_t)f->max : UINT16_MAX);
	else if (k == MAMS_K_U32)
		*(uint32_t *)p = (uint32_t)in_range(r, min, ranged ? (uint64_t)f->max : UINT32_MAX);
	else if (k == MAMS_K_I64)
		*(int64_t *)p =
			ranged ? f->min + (int64_t)in_range(r, 0, (uint64_t)(f->max - f->min))
			       : (int64_t)below(r, MAX_SAFE);
	else
		*(uint64_t *)p = in_range(r, min, ranged ? (uint64_t)f->max : MAX_SAFE - 1);
}

/* Text of all that JSON treats specially: quotes, controls, two to four octets of UTF-8. */
static const char *random_text(struct mx_random *r, struct mx_msg *m, size_t max)
{
	static const char *const pieces[] = {"a", "Z", "0", " ", "\"", "\\", "/", "\n", "\x01", "{",
		"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x93\xb6", "\x7f"};
	size_t want = below(r, 16) == 0 && r->text_left >= max ? max : below(r, SHORT_TEXT + 1);
	char *text = mx_alloc(m, max + 1);
	size_t n = 0;

	while (text && n < want) {
		const char *piece = pieces[below(r, MAMS_ARRAY_LEN(pieces))];
		size_t len = strlen(piece);

		if (n + len > max)
			break;
		memcpy(text + n, piece, len);
		n += len;
	}
	if (n > SHORT_TEXT)
		r->text_left -= n < r->text_left ? n : r->text_left;
	return text;
}

static void fill_addr(struct mx_random *r, struct mams_addr *a)
{
	bool v4 = coin(r);

	*a = (struct mams_addr){.family = v4 ? AF_INET : AF_INET6};
	for (size_t i = 0; i < (v4 ? 4 : 16); i++)
		a->ip[i] = (uint8_t)below(r, 256);
}

static int random_name(struct mx_random *r, const struct mams_enum_name *names)
{
	size_t n = 0;

	while (names[n].name)
		n++;
	return names[below(r, n)].value;
}

static bool fill(struct mx_random *r, struct mx_msg *m, const struct mams_table *t, char *out,
	unsigned depth);

static bool fill_value(struct mx_random *r, struct mx_msg *m, const struct mams_field *f,
	enum mams_kind kind, void *p, unsigned depth)
{
	switch (kind) {
	case MAMS_K_BOOL:
	case MAMS_K_YESNO:
		*(bool *)p = coin(r);
		return true;
	case MAMS_K_U8:
	case MAMS_K_U16:
	case MAMS_K_U32:
	case MAMS_K_U64:
	case MAMS_K_I64:
		fill_integer(r, f, kind, p);
		return true;
	case MAMS_K_NUMBER:
		*(double *)p =
			(double)f->min + (double)below(r, (uint64_t)(f->max - f->min) * 8 + 1) / 8;
		return true;
	case MAMS_K_STRING:
		*(const char **)p = random_text(r, m, f->max > 0 ? (size_t)f->max : 255);
		return *(const char **)p != NULL;
	case MAMS_K_ENUM:
		*(int *)p = random_name(r, f->names);
		return true;
	case MAMS_K_ADDR:
		fill_addr(r, p);
		return true;
	case MAMS_K_OBJECT:
		return fill(r, m, f->table, p, depth + 1);
	case MAMS_K_LIST:
		break;
	}
	return false;
}

static bool fill_list(struct mx_random *r, struct mx_msg *m, const struct mams_field *f, char *base,
	unsigned depth)
{
	static const size_t most[] = {16, 3, 2}; /* by depth, to bound the whole */
	size_t min = f->min > 0 ? (size_t)f->min : 0;
	size_t max = f->max > 0 ? (size_t)f->max : 64;
	size_t cap = depth < MAMS_ARRAY_LEN(most) ? most[depth] : 1;
	size_t n = in_range(r, min, max < cap ? max : cap < min ? min : cap);
	size_t item = mams_field_item_size(f);
	char *items = mx_alloc(m, n ? n * item : 1);

	if (!items)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!fill_value(r, m, f, f->item_kind, items + i * item, depth))
			return false;
	}
	*(void **)(void *)(base + f->offset) = items;
	*(size_t *)(void *)(base + f->count_offset) = n;
	return true;
}

static bool fill(struct mx_random *r, struct mx_msg *m, const struct mams_table *t, char *out,
	unsigned depth)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct mams_field *f = &t->fields[i];
		void *place = out + f->offset;

		if (f->flags & MAMS_F_INPUT || ((f->flags & MAMS_F_OPTIONAL) && coin(r)))
			continue;
		if (f->kind == MAMS_K_LIST) {
			if (!fill_list(r, m, f, out, depth))
				return false;
			continue;
		}
		if (f->kind == MAMS_K_OBJECT && (f->flags & MAMS_F_OPTIONAL)) {
			*(void **)place = mx_alloc(m, f->table->size);
			place = *(void **)place;
			if (!place)
				return false;
		}
		if (!fill_value(r, m, f, f->kind, place, depth))
			return false;
		if (mams_field_has_flag(f))
			*(bool *)(void *)(out + f->has_offset) = true;
	}
	return true;
}

/* --- rules between fields ----------------------------------------------------------------- */

/* Ids that differ and still cover the whole octet. */
#define MEND_IDS(r, items, n)                                                                      \
	do {                                                                                       \
		uint8_t first_ = (uint8_t)below((r), 256);                                         \
		for (size_t i_ = 0; i_ < (n); i_++)                                                \
			(items)[i_].connection_id = (uint8_t)(first_ + 7 * i_);                    \
	} while (0)

static void mend_features(struct mx_feature_info *f, size_t *n)
{
	if (*n > MX_F_COUNT)
		*n = MX_F_COUNT;
	for (size_t i = 0; i < *n; i++)
		f[i].feature_name = (f[0].feature_name + (int)i) % MX_F_COUNT;
}

static const char *random_unicast(struct mx_random *r, struct mx_msg *m)
{
	char text[MAMS_ADDR_STRLEN];

	if (coin(r))
		snprintf(text, sizeof(text), "%u.%u.%u.%u", (unsigned)(1 + below(r, 126)),
			(unsigned)below(r, 256), (unsigned)below(r, 256), (unsigned)below(r, 256));
	else
		snprintf(text, sizeof(text), "2001:db8::%x:%x", (unsigned)(1 + below(r, 65535)),
			(unsigned)below(r, 65536));
	return mx_strdup(m, text);
}

static void mend_capability(struct mx_random *r, struct mx_capability *c)
{
	c->num_anchor_connections = (uint32_t)c->n_anchor_connections;
	c->num_delivery_connections = (uint32_t)c->n_delivery_connections;
	MEND_IDS(r, c->anchor_connections, c->n_anchor_connections);
	MEND_IDS(r, c->delivery_connections, c->n_delivery_connections);
	mend_features(c->feature_active, &c->n_feature_active);
}

/* Addresses of one host, or none; the list may be empty. */
static bool mend_tunnel(struct mx_random *r, struct mx_msg *m, struct mx_convergence_params *p)
{
	char text[40];

	snprintf(text, sizeof(text), "10.60.%u.%u", (unsigned)below(r, 256),
		(unsigned)(1 + below(r, 254)));
	p->anchor_ipv4 = p->anchor_ipv4 ? mx_strdup(m, text) : NULL;
	snprintf(text, sizeof(text), "fd60::%x", (unsigned)(1 + below(r, 65535)));
	p->anchor_ipv6 = p->anchor_ipv6 ? mx_strdup(m, text) : NULL;
	for (size_t i = 0; i < p->n_dns_servers; i++) {
		p->dns_servers[i] = random_unicast(r, m);
		if (!p->dns_servers[i])
			return false;
	}
	return true;
}

static bool mend_config(struct mx_random *r, struct mx_msg *m, struct mx_convergence_config *c)
{
	struct mx_convergence_params *p = c->convergence_method_params;

	c->num_delivery_connections = (uint32_t)c->n_delivery_connections;
	MEND_IDS(r, c->delivery_connections, c->n_delivery_connections);
	if (p && !mend_tunnel(r, m, p))
		return false;
	if (!c->has_convergence_method || c->convergence_method != MX_CONV_MPTCP_PROXY)
		return true;
	if (!p)
		p = c->convergence_method_params = mx_alloc(m, sizeof(*p));
	if (!p)
		return false;
	p->proxy_ip = random_unicast(r, m);
	p->has_proxy_port = true;
	p->proxy_port = (uint16_t)(1 + below(r, 65535));
	return p->proxy_ip != NULL;
}

static bool mend_up_setup(struct mx_random *r, struct mx_msg *m)
{
	struct mx_up_setup_conf_req *u = &m->up_setup_conf_req;

	u->num_anchor_connections = (uint32_t)u->n_anchor_connections;
	MEND_IDS(r, u->anchor_connections, u->n_anchor_connections);
	for (size_t i = 0; i < u->n_anchor_connections; i++) {
		struct mx_setup_anchor *a = &u->anchor_connections[i];
		uint8_t first = (uint8_t)below(r, 256);

		a->num_active_mx_conf =
			a->has_num_active_mx_conf ? (uint32_t)a->n_convergence_config : 0;
		for (size_t k = 0; k < a->n_convergence_config; k++) {
			struct mx_convergence_config *c = &a->convergence_config[k];

			if (a->n_convergence_config > 1) {
				c->has_mx_configuration_id = true;
				c->mx_configuration_id = (uint8_t)(first + k);
			}
			if (!mend_config(r, m, c))
				return false;
		}
	}
	return true;
}

static void mend_range(struct mx_port_range *p)
{
	uint16_t end;

	if (!p || p->start <= p->end)
		return;
	end = p->start;
	p->start = p->end;
	p->end = end;
}

static void mend_steering(struct mx_traffic_steering_req *t)
{
	for (size_t i = 0; i < t->n_uplink_delivery; i++) {
		struct mx_tft *f = t->uplink_delivery[i].ul_tft;

		mend_range(f ? f->local_port_range : NULL);
		mend_range(f ? f->remote_port_range : NULL);
	}
	/* each of its own entry */
	if (t->n_uplink_modes > t->n_uplink_delivery)
		t->n_uplink_modes = t->n_uplink_delivery;
	for (size_t i = 0; i < t->n_uplink_modes; i++)
		t->uplink_modes[i].entry = (uint8_t)i;
	mend_features(t->feature_active, &t->n_feature_active);
}

static void mend_assoc(struct mx_app_madp_assoc_req *q)
{
	for (size_t i = 0; i < q->n_app_madp_assoc_list; i++) {
		struct mx_app_madp_assoc *a = &q->app_madp_assoc_list[i];

		for (size_t k = 0; k < a->n_ul_tft_list; k++) {
			mend_range(a->ul_tft_list[k].local_port_range);
			mend_range(a->ul_tft_list[k].remote_port_range);
		}
		for (size_t k = 0; k < a->n_dl_tft_list; k++) {
			mend_range(a->dl_tft_list[k].local_port_range);
			mend_range(a->dl_tft_list[k].remote_port_range);
		}
	}
}

static void mend_measurement_conf(struct mx_random *r, struct mx_measurement_conf *q)
{
	MEND_IDS(r, q->measurement_configuration, q->n_measurement_configuration);
	for (size_t i = 0; i < q->n_measurement_configuration; i++) {
		struct mx_meas_conf *c = &q->measurement_configuration[i];

		for (size_t k = 0; k < c->n_meas_rep_conf; k++) {
			struct mx_threshold *t = &c->meas_rep_conf[k].meas_threshold;

			if (t->low > t->high)
				*t = (struct mx_threshold){.high = t->low, .low = t->high};
		}
	}
}

/* The schema wants whole numbers, and signals as additional parameter. */
static void mend_analytics(struct mx_random *r, struct mx_network_analytics_rsp *q)
{
	MEND_IDS(r, q->param_list, q->n_param_list);
	for (size_t i = 0; i < q->n_param_list; i++) {
		for (size_t k = 0; k < q->param_list[i].n_predictions; k++) {
			struct mx_prediction *p = &q->param_list[i].predictions[k];

			p->prediction = (double)(int64_t)p->prediction;
			if (p->has_additional_param)
				p->additional_param = MX_M_NR_RSRP;
		}
	}
}

static bool mend_results(struct mx_msg *m)
{
	struct mx_path_est_results *p = &m->path_est_results;

	if (!p->init_probe_results && !p->active_probe_results)
		p->active_probe_results = mx_alloc(m, sizeof(*p->active_probe_results));
	return p->init_probe_results || p->active_probe_results;
}

static bool mend_reconf(struct mx_random *r, struct mx_msg *m)
{
	struct mx_reconf_req *q = &m->reconf_req;

	if (q->reconf_action != MX_RELEASE)
		q->ip_address = random_unicast(r, m);
	return q->reconf_action == MX_RELEASE || q->ip_address;
}

static void mend_keep_alive(struct mx_keep_alive *k)
{
	k->has_keep_alive_reason = true;
	k->has_connection_id |= k->keep_alive_reason == MX_KA_HANDOVER;
}

static bool mend(struct mx_random *r, struct mx_msg *m)
{
	struct mx_up_setup_cnf *cnf = &m->up_setup_cnf;

	if (m->type == MX_SYSTEM_INFO) {
		MEND_IDS(r, m->system_info.ncm_connections, m->system_info.n_ncm_connections);
	} else if (m->type == MX_CAPABILITY_REQ || m->type == MX_CAPABILITY_RSP) {
		mend_capability(r, &m->capability);
	} else if (m->type == MX_UP_SETUP_CONF_REQ) {
		return mend_up_setup(r, m);
	} else if (m->type == MX_UP_SETUP_CNF) {
		cnf->num_delivery_conn = (uint32_t)cnf->n_client_params;
		MEND_IDS(r, cnf->client_params, cnf->n_client_params);
	} else if (m->type == MX_RECONF_REQ) {
		return mend_reconf(r, m);
	} else if (m->type == MX_PATH_EST_RESULTS) {
		return mend_results(m);
	} else if (m->type == MX_TRAFFIC_STEERING_REQ) {
		mend_steering(&m->traffic_steering_req);
	} else if (m->type == MX_KEEP_ALIVE_REQ) {
		mend_keep_alive(&m->keep_alive);
	} else if (m->type == MX_SESSION_TERMINATION_REQ) {
		m->session_termination.has_reason = true;
	} else if (m->type == MX_APP_MADP_ASSOC_REQ) {
		mend_assoc(&m->app_madp_assoc_req);
	} else if (m->type == MX_MEASUREMENT_CONF) {
		mend_measurement_conf(r, &m->measurement_conf);
	} else if (m->type == MX_MEASUREMENT_REPORT) {
		MEND_IDS(r, m->measurement_report.measurement_reports,
			m->measurement_report.n_measurement_reports);
	} else if (m->type == MX_NETWORK_ANALYTICS_RSP) {
		mend_analytics(r, &m->network_analytics_rsp);
	}
	return true;
}

struct mx_msg *mx_random_msg(struct mx_random *r, enum mx_type type)
{
	const struct mx_row *row = &mx_rows[type];
	struct mx_msg *m;

	if (!row->name)
		return NULL;
	m = mx_msg_new(type, (uint32_t)in_range(r, 1, UINT32_MAX));
	r->text_left = TEXT_BUDGET;
	if (m && (!row->body || fill(r, m, row->body, (char *)&m->discover, 0)) && mend(r, m))
		return m;
	mx_msg_free(m);
	return NULL;
}
