#include "ncm-service/policy_text.h"

#include "lib/codec/field_rows.h"
#include "lib/mx/mx_tables.h"

#include <errno.h>
#include <string.h>

#define OPT MAMS_F_OPTIONAL
#define TEXT(S, m) ROW_STR(S, m, #m, 0, 255, "")
#define U8(S, m) ROW_INT(U8, S, m, #m, 0, 0, "")
#define U16(S, m) ROW_INT(U16, S, m, #m, 0, 0, "")
#define U32(S, m) ROW_INT(U32, S, m, #m, 0, 0, "")
#define FLAG(S, m) ROW_BOOL(S, m, #m, "")
#define SOME(S, m, t) ROW_LIST(S, m, #m, OPT, t, 0, 1024, "")
#define ALL(n) (uint32_t)((1ull << (n)) - 1) /* bits */
#define NAME(S, m, n) ROW_ENUM(S, m, #m, n, "")

/* What has no place in a list of struct ncm_policy: fixed arrays. */
struct where {
	uint8_t access;
	struct mams_addr address;
};

struct madp {
	const char *name;
	bool trailer;
	uint32_t capacity;
	struct where *proxies;
	size_t n_proxies;
	struct mams_prefix *addresses;
	size_t n_addresses;
	uint32_t mtu;
	struct mams_addr *dns;
	size_t n_dns;
};

struct app {
	const char *name;
	uint32_t dscp, protocol;
	struct mams_prefix *destinations;
	size_t n_destinations;
	uint32_t port_first, port_last;
	uint8_t *order;
	size_t n_order;
};

struct text {
	struct ncm_policy policy;
	struct madp *madps;
	size_t n_madps;
	struct app *apps;
	size_t n_apps;
};

static const struct mams_enum_name adapt_names[] = {
	{"none", NCM_ADAPT_NONE, false}, {"IPsec", NCM_ADAPT_IPSEC, false}, {0}};

static const struct mams_field prefix_rows[] = {
	ROW_ADDR(mams_prefix, net, "net", 0, ""),
	ROW_INT(U8, mams_prefix, len, "len", 0, 128, ""),
};
static TABLE(prefix_table, mams_prefix, "prefix", prefix_rows);

static const struct mams_field address_rows[] = {
	{.key = "ip", .kind = MAMS_K_ADDR},
	U16(mams_addr, port),
};
static TABLE(address_table, mams_addr, "address", address_rows);

static const struct mams_field where_rows[] = {
	ROW_INT(U8, where, access, "access", 0, NCM_LINKS_MAX - 1, ""),
	ROW_OBJ(where, address, "address", &address_table, ""),
};
static TABLE(where_table, where, "where", where_rows);

static const struct mams_field madp_rows[] = {
	TEXT(madp, name),
	FLAG(madp, trailer),
	U32(madp, capacity),
	SOME(madp, proxies, &where_table),
	SOME(madp, addresses, &prefix_table),
	U32(madp, mtu),
	SOME(madp, dns, &address_table),
};
static TABLE(madp_table, madp, "madp", madp_rows);

static const struct mams_field anchor_rows[] = {
	TEXT(ncm_anchor_conf, name),
	ROW_INT(U32, ncm_anchor_conf, connection_id, "connection_id", 0, 255, ""),
	NAME(ncm_anchor_conf, connection_type, mx_connection_type_names),
	U32(ncm_anchor_conf, methods),
	U32(ncm_anchor_conf, accesses),
	U32(ncm_anchor_conf, madps),
};
static TABLE(anchor_table, ncm_anchor_conf, "anchor", anchor_rows);

static const struct mams_field access_rows[] = {
	TEXT(ncm_access, name),
	NAME(ncm_access, connection_type, mx_connection_type_names),
	SOME(ncm_access, client_networks, &prefix_table),
	NAME(ncm_access, adaptation, adapt_names),
	FLAG(ncm_access, nat),
	NAME(ncm_access, tunnel, mx_adaptation_names),
	FLAG(ncm_access, applications),
	U32(ncm_access, latency_ms),
	U32(ncm_access, jitter_ms),
	U32(ncm_access, bandwidth),
};
static TABLE(access_table, ncm_access, "access", access_rows);

static const struct mams_field measure_rows[] = {
	NAME(ncm_measure, connection_type, mx_connection_type_names),
	NAME(ncm_measure, parameter, mx_measurement_names),
	U32(ncm_measure, period_ms),
};
static TABLE(measure_table, ncm_measure, "measure", measure_rows);

static const struct mams_field probe_rows[] = {
	NAME(ncm_probe_conf, connection_type, mx_connection_type_names),
	U32(ncm_probe_conf, period_ms),
	U32(ncm_probe_conf, budget),
	U32(ncm_probe_conf, init_ms),
	U32(ncm_probe_conf, init_rate),
	U32(ncm_probe_conf, init_size),
	FLAG(ncm_probe_conf, init_ack),
	ROW_INT(U32, ncm_probe_conf, active_ms, "active_ms", 1, UINT32_MAX, ""),
	U32(ncm_probe_conf, active_size),
	U32(ncm_probe_conf, active_duration_ms),
	FLAG(ncm_probe_conf, active_ack),
};
static TABLE(probe_table, ncm_probe_conf, "probe", probe_rows);

static const struct mams_field app_rows[] = {
	TEXT(app, name),
	U32(app, dscp),
	U32(app, protocol),
	SOME(app, destinations, &prefix_table),
	U32(app, port_first),
	U32(app, port_last),
	ROW_SCALARS(app, order, "order", OPT, U8, 0, NCM_LINKS_MAX, ""),
};
static TABLE(app_table, app, "app", app_rows);

static const struct mams_field ssid_rows[] = {
	NAME(ncm_ssid, type, mx_ssid_type_names),
	TEXT(ncm_ssid, id),
};
static TABLE(ssid_table, ncm_ssid, "ssid", ssid_rows);

static const struct mams_field timing_rows[] = {
	U32(mx_timing, timeout_ms),
	U32(mx_timing, timeout_cap_ms),
	U32(mx_timing, retries),
};
static TABLE(timing_table, mx_timing, "timing", timing_rows);

#define ENDPOINTS(k, t)                                                                            \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_LIST, .flags = OPT,                                     \
		.offset = offsetof(struct ncm_policy, endpoints[t].list),                          \
		.count_offset = offsetof(struct ncm_policy, endpoints[t].n),                       \
		.item_kind = MAMS_K_OBJECT, .table = &address_table, .max = MX_MAX_CONNECTIONS     \
	}

static const struct mams_field policy_rows[] = {
	ROW_INT(U64, ncm_policy, ncm_id, "ncm_id", 0, 0, ""),
	ROW_LIST(ncm_policy, anchors, "anchors", 0, &anchor_table, 1, NCM_ANCHORS_MAX, ""),
	U32(ncm_policy, madp_grace_ms),
	U32(ncm_policy, madp_lost_ms),
	U32(ncm_policy, features),
	ENDPOINTS("https", NCM_HTTPS),
	ENDPOINTS("wss", NCM_WSS),
	ENDPOINTS("udp", NCM_UDP),
	ROW_LIST(ncm_policy, accesses, "accesses", OPT, &access_table, 0, NCM_LINKS_MAX, ""),
	SOME(ncm_policy, measures, &measure_table),
	SOME(ncm_policy, probes, &probe_table),
	U16(ncm_policy, control_port),
	SOME(ncm_policy, ssids, &ssid_table),
	ROW_OBJ(ncm_policy, timing, "timing", &timing_table, ""),
	NAME(ncm_policy, initiator, mx_initiator_names),
	U32(ncm_policy, setup_timeout_ms),
	U32(ncm_policy, gather_ms),
	U32(ncm_policy, keep_alive_ms),
};
static TABLE(policy_table, ncm_policy, "policy", policy_rows);

static const struct mams_field text_rows[] = {
	ROW_OBJ(text, policy, "policy", &policy_table, ""),
	ROW_LIST(text, madps, "madps", 0, &madp_table, 1, NCM_MADPS_MAX, ""),
	ROW_LIST(text, apps, "apps", OPT, &app_table, 0, NCM_APPS_MAX, ""),
};
static TABLE(text_table, text, "policy_text", text_rows);

/* ---- to text ---- */

static int put_madp(const struct ncm_madp_conf *m, struct mams_arena *arena, struct madp *out)
{
	*out = (struct madp){.name = m->name,
		.trailer = m->trailer != NULL,
		.capacity = m->capacity,
		.proxies = mams_arena_alloc(arena, 2 * NCM_LINKS_MAX * sizeof(*out->proxies)),
		.addresses = m->addresses,
		.n_addresses = m->n_addresses,
		.mtu = m->mtu,
		.dns = m->dns,
		.n_dns = m->n_dns};
	if (!out->proxies)
		return -ENOMEM;
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		for (size_t k = 0; k < m->access[i].n; k++)
			out->proxies[out->n_proxies++] = (struct where){i, m->access[i].proxies[k]};
	return 0;
}

static struct app put_app(struct ncm_app_conf *a)
{
	return (struct app){.name = a->name,
		.dscp = a->dscp,
		.protocol = a->protocol,
		.destinations = a->destinations,
		.n_destinations = a->n_destinations,
		.port_first = a->port_first,
		.port_last = a->port_last,
		.order = a->order,
		.n_order = a->n_order};
}

int ncm_policy_write(const struct ncm_policy *p, struct mams_buf *out)
{
	struct mams_arena *arena = mams_arena_new();
	struct text t = {.policy = *p, .n_madps = p->n_madps, .n_apps = p->n_apps};
	struct mams_error err = {0};
	int rc = arena ? 0 : -ENOMEM;

	if (rc == 0) {
		t.madps = mams_arena_alloc(arena, p->n_madps * sizeof(*t.madps));
		t.apps = mams_arena_alloc(arena, (p->n_apps + 1) * sizeof(*t.apps));
	}
	if (!t.madps || !t.apps)
		rc = -ENOMEM;
	for (size_t i = 0; rc == 0 && i < p->n_madps; i++)
		rc = put_madp(&p->madps[i], arena, &t.madps[i]);
	for (size_t i = 0; rc == 0 && i < p->n_apps; i++)
		t.apps[i] = put_app(&p->apps[i]);
	if (rc == 0)
		rc = mams_field_encode(&text_table, &t, 0, out, &err);
	mams_arena_free(arena);
	return rc;
}

/* ---- from text ---- */

static int take_madp(const struct madp *m, struct ncm_madp_conf *out, struct mams_error *err)
{
	*out = (struct ncm_madp_conf){.name = m->name,
		.trailer = m->trailer ? "" : NULL,
		.capacity = m->capacity,
		.addresses = m->addresses,
		.n_addresses = m->n_addresses,
		.mtu = m->mtu,
		.dns = m->dns,
		.n_dns = m->n_dns};
	for (size_t i = 0; i < m->n_proxies; i++) {
		struct ncm_madp_access *a = &out->access[m->proxies[i].access];

		if (a->n == MAMS_ARRAY_LEN(a->proxies))
			return mams_fail(err, MAMS_EVALUE, "madps",
				"%s: three addresses on access %u", m->name, m->proxies[i].access);
		a->proxies[a->n++] = m->proxies[i].address;
	}
	return 0;
}

static int take_app(
	const struct app *a, size_t n_accesses, struct ncm_app_conf *out, struct mams_error *err)
{
	*out = (struct ncm_app_conf){.name = a->name,
		.dscp = a->dscp,
		.protocol = a->protocol,
		.destinations = a->destinations,
		.n_destinations = a->n_destinations,
		.port_first = a->port_first,
		.port_last = a->port_last,
		.n_order = a->n_order};
	for (size_t i = 0; i < a->n_order; i++) {
		if (a->order[i] >= n_accesses)
			return mams_fail(err, MAMS_EVALUE, "apps", "%s: there is no access %u",
				a->name, a->order[i]);
		out->order[i] = a->order[i];
	}
	return 0;
}

static int take(const struct text *t, struct mams_arena *arena, struct ncm_policy *out,
	struct mams_error *err)
{
	int rc = 0;

	*out = t->policy;
	for (size_t i = 0; i < out->n_anchors; i++) {
		struct ncm_anchor_conf *a = &out->anchors[i];

		a->methods &= ALL(MX_CONV_COUNT);
		a->accesses &= ALL(out->n_accesses);
		a->madps &= ALL(t->n_madps);
	}
	out->features &= ALL(MX_F_COUNT);
	out->n_madps = t->n_madps;
	out->n_apps = t->n_apps;
	out->max_sessions = 1;
	out->madps = mams_arena_alloc(arena, t->n_madps * sizeof(*out->madps));
	out->apps = mams_arena_alloc(arena, (t->n_apps + 1) * sizeof(*out->apps));
	if (!out->madps || !out->apps)
		return mams_fail(err, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; rc == 0 && i < t->n_madps; i++)
		rc = take_madp(&t->madps[i], &out->madps[i], err);
	for (size_t i = 0; rc == 0 && i < t->n_apps; i++)
		rc = take_app(&t->apps[i], out->n_accesses, &out->apps[i], err);
	return rc;
}

int ncm_policy_read(const char *text, size_t len, struct mams_arena *arena, struct ncm_policy *out,
	struct mams_error *err)
{
	const struct mams_decode_limits limits = {.max_bytes = 262144};
	struct mams_json *json = NULL;
	struct text t = {0};
	int rc = mams_json_parse(text, len, &limits, &json, err);

	if (rc == 0)
		rc = mams_field_decode(&text_table, json, arena, &t, NULL, err);
	mams_json_free(json);
	return rc == 0 ? take(&t, arena, out, err) : rc;
}
