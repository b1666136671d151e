/* What a test does to a world or asks of it that needs none of its machinery. */
#include "tests/sim/world.h"

#include "lib/ctl/ctl_msg.h"
#include "ncm-service/compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mams_prefix wifi_net[1];
static struct mams_prefix lte_net[1];
static struct mams_addr wifi_proxy[1];
static struct mams_addr lte_proxy[1];
static struct mams_addr endpoint[1];
static struct ncm_access accesses[2];

static struct ncm_measure measures[] = {
	{.name = "down",
		.connection_type = MX_LTE,
		.parameter = MX_M_DL_TPUT,
		.period_ms = 1000,
		.high = 40,
		.low = 5},
};
static struct ncm_ssid ssids[] = {{.name = "office", .type = MX_SSID, .id = "office-5GHz"}};

static void put_madps(struct world *w)
{
	static const char *const others[][2] = {
		{"10.1.1.9:7443", "10.1.129.9:7443"}, {"10.1.1.17:7443", "10.1.129.17:7443"}};
	static const char *const names[] = {"west", "south"};

	w->madps[0] = (struct ncm_madp_conf){.name = "east"};
	w->madps[0].access[0] = (struct ncm_madp_access){.proxies = {*wifi_proxy}, .n = 1};
	w->madps[0].access[1] = (struct ncm_madp_access){.proxies = {*lte_proxy}, .n = 1};
	for (size_t i = 0; i < 4; i++) {
		struct ncm_madp_conf *m = &w->madps[1 + i / 2];
		struct ncm_madp_access *a = &m->access[i % 2];

		m->name = names[i / 2];
		a->n = 1;
		mams_assert(mams_addr_parse_port(others[i / 2][i % 2], 0, &a->proxies[0]) == 0);
	}
}

void world_policy(struct world *w, size_t n_madps, size_t n_anchors)
{
	struct ncm_policy *p = &w->policy;
	int rc = mams_prefix_parse("10.1.0.0/17", wifi_net) |
		 mams_prefix_parse("10.1.128.0/17", lte_net) |
		 mams_addr_parse_port("10.1.1.1:7443", 0, wifi_proxy) |
		 mams_addr_parse_port("10.1.129.1:7443", 0, lte_proxy) |
		 mams_addr_parse_port("10.1.1.1:8443", 0, endpoint);

	mams_assert(rc == 0);
	accesses[0] = (struct ncm_access){.name = "wifi",
		.connection_type = MX_WIFI,
		.client_networks = wifi_net,
		.n_client_networks = 1,
		.proxies = wifi_proxy,
		.n_proxies = 1,
		.applications = true};
	accesses[1] = (struct ncm_access){.name = "lte",
		.connection_type = MX_LTE,
		.client_networks = lte_net,
		.n_client_networks = 1,
		.proxies = lte_proxy,
		.n_proxies = 1,
		.applications = true};
	put_madps(w);
	w->anchors[0] = (struct ncm_anchor_conf){.name = "anchor",
		.connection_type = MX_LTE,
		.methods = 1u << MX_CONV_MPTCP_PROXY,
		.accesses = 3,
		.madps = 7};
	w->anchors[1] = (struct ncm_anchor_conf){
		.name = "plain", .connection_id = 4, .connection_type = MX_5G_NR, .accesses = 3};
	*p = (struct ncm_policy){.ncm_id = 7,
		.anchors = w->anchors,
		.n_anchors = n_anchors,
		.madps = w->madps,
		.n_madps = n_madps,
		.madp_lost_ms = 3000,
		.features = NCM_FEATURES,
		.endpoints[NCM_HTTPS] = {.list = endpoint, .n = 1},
		.accesses = accesses,
		.n_accesses = 2,
		.measures = measures,
		.n_measures = MAMS_ARRAY_LEN(measures),
		.ssids = ssids,
		.n_ssids = MAMS_ARRAY_LEN(ssids),
		.max_sessions = 1000,
		.timing = {.timeout_ms = 1000, .timeout_cap_ms = 4000, .retries = 3},
		.setup_timeout_ms = 10000,
		.gather_ms = 50,
		.keep_alive_ms = 30000};
}

void world_link(
	struct world *w, struct world_client *c, uint8_t id, bool usable, const char *address)
{
	struct ccm_link_state st = {0};

	if (usable) {
		st = (struct ccm_link_state){.usable = true, .ifindex = id + 1u, .mtu = 1500};
		mams_assert(mams_addr_parse(address, &st.address) == 0);
	}
	ccm_session_link(&c->ccm, id, &st, w->now);
}

bool world_settled(const struct world *w, const struct world_client *c, uint32_t wanted)
{
	const struct ncm_session *s = world_session(w, c);
	uint32_t have = 0;

	for (size_t i = 0; i < c->applied.n_paths; i++)
		have |= 1u << c->applied.paths[i].connection_id;
	return s && s->state == NCM_STATE_ACTIVE && c->ccm.state == CCM_STATE_ACTIVE &&
	       have == wanted && c->applied.catching == (wanted != 0) &&
	       (wanted == 0 || strcmp(c->applied.client_key, s->s.client_key) == 0);
}

void world_forget_rfc8743(struct mx_msg *m)
{
	if (m->type == MX_CAPABILITY_RSP || m->type == MX_CAPABILITY_REQ)
		m->capability.unique_session_id = NULL;
	else if (m->type == MX_UP_SETUP_CNF)
		m->up_setup_cnf.unique_session_id = NULL;
	else if (m->type == MX_RECONF_REQ)
		m->reconf_req.unique_session_id = NULL;
	else if (m->type == MX_TRAFFIC_STEERING_RSP)
		m->traffic_steering_rsp.unique_session_id = NULL;
}

/* For docs/coverage.md: everything that is said. */
void world_write(bool from_ccm, const char *text)
{
	static FILE *f;
	const char *path = getenv("MAMS_TRACE");

	if (!f && path)
		f = fopen(path, "ae");
	if (f && text)
		fprintf(f, "%s %s\n", from_ccm ? "CCM" : "NCM", text);
}

/* A trailer gives the client addresses and a port. */
void world_prepared(const struct world *w, struct ncm_session *s, size_t madp)
{
	struct ncm_tunnel t = {.port = w->tunnel_port};
	int rc = mams_addr_parse("10.60.0.2", &t.anchor4) | mams_addr_parse("fd60::2", &t.anchor6);

	mams_assert(rc == 0);
	snprintf(t.secret, sizeof(t.secret), "c2VjcmV0IG9mIHRoZSB0dW5uZWw=");
	world_trace_input(w, s,
		&(struct ctl_trace_input){.kind = CTL_TRACE_PREPARED,
			.madp = w->policy.madps[madp].name,
			.tunnel = w->policy.madps[madp].trailer
					  ? &(struct ctl_trace_tunnel){t.anchor4, t.anchor6, t.port}
					  : NULL});
	ncm_session_prepared(s, madp, w->policy.madps[madp].trailer ? &t : NULL, w->now);
}

/* ---- a trace, as the NCM writes it ---- */

static bool is_watched(const struct world *w, const struct ncm_session *s)
{
	return w->trace && strcmp(w->trace->traced.identity, s->s.identity) == 0;
}

static bool put_line(const struct world *w, struct ctl_msg *m)
{
	struct mams_error err;

	if (!m)
		return false;
	m->trace.time_ms = (uint64_t)w->now.us / 1000;
	mams_assert(ctl_encode(m, 0, &w->trace->lines, &err) == 0);
	mams_buf_add(&w->trace->lines, "\n", 1);
	ctl_msg_free(m);
	return true;
}

void world_trace_message(const struct world *w, const struct ncm_session *s, const struct mx_msg *m)
{
	if (!is_watched(w, s))
		return;
	while (put_line(w, ncm_traced_before(&w->trace->traced, s, m, w->now)))
		;
	put_line(w, ncm_traced_message(&w->trace->traced, s, s->transport, false, m, w->now));
}

void world_trace_input(
	const struct world *w, const struct ncm_session *s, const struct ctl_trace_input *in)
{
	if (!is_watched(w, s))
		return;
	while (put_line(w, ncm_traced_before(&w->trace->traced, s, NULL, w->now)))
		;
	put_line(w, ncm_traced_input(&w->trace->traced, s, in, NULL, w->now));
}

void world_trace_action(
	const struct world *w, const struct ncm_session *s, const struct ncm_action *a)
{
	if (is_watched(w, s))
		put_line(w, ncm_traced_action(&w->trace->traced, s, a, w->now));
}

void world_up(struct world *w)
{
	world_link(w, w->clients, 0, true, "10.1.1.2");
	world_link(w, w->clients, 1, true, "10.1.129.2");
	world_run(w, 1500);
}

const char *world_at_madp(const struct world *w, size_t anchor)
{
	const struct ncm_session *s = world_session(w, w->clients);
	int madp = s ? s->anchor[anchor].madp : -1;

	return madp < 0 ? "-" : w->policy.madps[madp].name;
}

unsigned world_catches_by(const struct world *w)
{
	unsigned found = 0;

	for (size_t i = 0; i < w->clients->applied.n_paths; i++) {
		const struct ccm_path *p = &w->clients->applied.paths[i];

		if (!p->caught)
			continue;
		if (found && found != p->proxy.ip[3])
			return 0;
		found = p->proxy.ip[3];
	}
	return found;
}

size_t world_retired_paths(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->clients->applied.n_paths; i++)
		n += !w->clients->applied.paths[i].caught;
	return n;
}
