#include "tests/sim/world.h"

#include "lib/base/buf.h"

#include <stdio.h>
#include <string.h>

#define IDENTITY "client-1"

static struct mams_prefix wifi_net[1];
static struct mams_prefix lte_net[1];
static struct mams_addr wifi_proxy[1];
static struct mams_addr lte_proxy[1];
static struct mams_addr endpoint[1];
static struct ncm_access accesses[2];
static const struct ccm_link_conf links[3] = {
	{.name = "wifi", .connection_id = 0, .connection_type = MX_WIFI, .interface = "wifi0"},
	{.name = "lte",
		.connection_id = 1,
		.connection_type = MX_LTE,
		.interface = "lte0",
		.priority = 1},
	{.name = "dock",
		.connection_id = 2,
		.connection_type = MX_WIFI,
		.interface = "eth0",
		.priority = 2},
};

static struct ncm_measure measures[] = {
	{.name = "down",
		.connection_type = MX_LTE,
		.parameter = MX_M_DL_TPUT,
		.period_ms = 1000,
		.high = 40,
		.low = 5},
};
static struct ncm_ssid ssids[] = {{.name = "office", .type = MX_SSID, .id = "office-5GHz"}};

static const struct mx_timing timing = {.timeout_ms = 1000, .timeout_cap_ms = 4000, .retries = 3};

static void make_policy(struct ncm_policy *p)
{
	int rc = mams_prefix_parse("10.1.1.0/24", wifi_net) |
		 mams_prefix_parse("10.1.2.0/24", lte_net) |
		 mams_addr_parse_port("10.1.1.1:7443", 0, wifi_proxy) |
		 mams_addr_parse_port("10.1.2.1:7443", 0, lte_proxy) |
		 mams_addr_parse_port("10.1.1.1:8443", 0, endpoint);

	mams_assert(rc == 0);
	accesses[0] = (struct ncm_access){.name = "wifi",
		.connection_type = MX_WIFI,
		.client_networks = wifi_net,
		.n_client_networks = 1,
		.proxies = wifi_proxy,
		.n_proxies = 1};
	accesses[1] = (struct ncm_access){.name = "lte",
		.connection_type = MX_LTE,
		.client_networks = lte_net,
		.n_client_networks = 1,
		.proxies = lte_proxy,
		.n_proxies = 1};
	*p = (struct ncm_policy){.ncm_id = 7,
		.anchor_type = MX_LTE,
		.endpoints = endpoint,
		.n_endpoints = 1,
		.accesses = accesses,
		.n_accesses = 2,
		.measures = measures,
		.n_measures = MAMS_ARRAY_LEN(measures),
		.ssids = ssids,
		.n_ssids = MAMS_ARRAY_LEN(ssids),
		.max_sessions = 10,
		.timing = timing,
		.setup_timeout_ms = 10000,
		.gather_ms = 50,
		.keep_alive_ms = 30000};
}

static void start_ccm(struct world *w)
{
	ccm_session_init(&w->ccm, &w->conf, mams_prng_next(&w->prng));
	w->applied = (struct ccm_target){0};
	w->ccm_up = true;
	ccm_session_start(&w->ccm, w->now);
}

void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){.prng = {seed ? seed : 1},
		.now = {1000000},
		.delay_ms = 20,
		.ncm_up = true,
		.steer_code = -1};
	make_policy(&w->policy);
	w->registry = ncm_registry_new(&w->policy);
	mams_assert(w->registry);
	w->conf = (struct ccm_session_conf){.timing = timing,
		.discovery_ms = 5000,
		.discovery_slow_ms = 60000,
		.cap_wait_ms = 200,
		.keep_alive_ms = 30000,
		.fallback_ms = 45000,
		.links = links,
		.n_links = 3};
	start_ccm(w);
}

void world_fini(struct world *w)
{
	for (size_t i = 0; i < w->n_events; i++)
		free(w->events[i].text);
	ncm_registry_free(w->registry);
	ccm_session_fini(&w->ccm);
}

static void put(struct world *w, int64_t delay_ms, enum world_kind kind, const char *text)
{
	mams_assert(w->n_events < WORLD_EVENTS);
	w->events[w->n_events++] = (struct world_event){.at = mams_time_add_ms(w->now, delay_ms),
		.order = w->order++,
		.kind = kind,
		.text = text ? strdup(text) : NULL};
}

/* Over the wire: lost, late, or twice. */
static void carry(struct world *w, enum world_kind kind, const struct mx_msg *m)
{
	struct mams_buf text = {0};
	unsigned copies = 1;

	w->sends++;
	mams_assert(!m || mx_encode(m, 0, &text, NULL) == 0);
	if (mams_prng_below(&w->prng, 1000) < w->loss)
		copies = 0;
	else if (mams_prng_below(&w->prng, 1000) < w->repeat)
		copies = 2;
	while (copies-- > 0)
		put(w, 1 + (int64_t)mams_prng_below(&w->prng, w->delay_ms + 1), kind, text.data);
	mams_buf_fini(&text);
}

struct ncm_session *world_session(struct world *w)
{
	return ncm_registry_by_identity(w->registry, IDENTITY);
}

static void run_policy(struct world *w, const struct ncm_session *s)
{
	struct mams_addr local[NCM_LINKS_MAX];
	bool backup[NCM_LINKS_MAX];
	size_t n = ncm_session_downlink(s, local, backup);

	w->backup = 0;
	for (size_t i = 0; i < n; i++)
		if (backup[i])
			w->backup |= mams_addr_eq_ip(&local[i], wifi_proxy) ? 1u : 2u;
}

static void drain_ncm(struct world *w)
{
	struct ncm_session *s = world_session(w);
	struct ncm_action a;

	while (s && ncm_session_next(s, &a)) {
		switch (a.kind) {
		case NCM_ACT_REPLY:
		case NCM_ACT_SEND:
			carry(w, WORLD_TO_CCM, a.msg);
			break;
		case NCM_ACT_PREPARE:
			if (w->deaf == 0)
				put(w, 2, WORLD_PREPARED, NULL);
			else
				w->deaf--;
			break;
		case NCM_ACT_RELEASE:
			w->releases++;
			break;
		case NCM_ACT_POLICY:
			run_policy(w, s);
			break;
		case NCM_ACT_STEER_DONE:
			w->steer_code = a.code;
			w->steer_text = a.text;
			break;
		case NCM_ACT_STORE:
			w->stored = s->s;
			w->has_stored = true;
			break;
		case NCM_ACT_STATE:
		case NCM_ACT_LINK:
			break;
		case NCM_ACT_END:
			w->has_stored = false;
			ncm_registry_remove(w->registry, s);
			s = NULL;
			break;
		}
	}
}

static void drain_ccm(struct world *w)
{
	struct ccm_action a;

	while (w->ccm_up && ccm_session_next(&w->ccm, &a)) {
		switch (a.kind) {
		case CCM_ACT_SEND:
			carry(w, WORLD_TO_NCM, a.msg);
			break;
		case CCM_ACT_APPLY:
			w->applies++;
			put(w, 3, WORLD_APPLIED, NULL);
			break;
		case CCM_ACT_FALLBACK:
			w->fallbacks++;
			break;
		case CCM_ACT_STOPPED:
			w->stopped = true;
			break;
		case CCM_ACT_STATE:
			break;
		}
	}
}

static struct ncm_session *make_session(struct world *w)
{
	struct ncm_saved saved = {.session_id = mams_prng_next(&w->prng) >> 12};
	struct ncm_session *s = NULL;

	snprintf(saved.identity, sizeof(saved.identity), "%s", IDENTITY);
	snprintf(saved.client_key, sizeof(saved.client_key), "key-%llu",
		(unsigned long long)saved.session_id);
	mams_assert(ncm_registry_add(w->registry, &saved, (uint32_t)mams_prng_next(&w->prng) >> 1,
			    w->now, &s) == 0);
	return s;
}

static void to_ncm(struct world *w, const char *text)
{
	struct mams_error err;
	struct ncm_session *s = NULL;
	struct mx_msg *m = NULL;

	if (!w->ncm_up)
		return;
	mams_assert(mx_decode(text, strlen(text), &m, &err) == 0);
	if (m->type == MX_DISCOVER)
		s = world_session(w) ? world_session(w) : make_session(w);
	else if (ncm_registry_find(w->registry, IDENTITY, mx_msg_session(m), &s) < 0)
		carry(w, WORLD_UNKNOWN, NULL);
	if (s)
		(void)!ncm_session_input(s, m, w->now, &err);
	mx_msg_free(m);
}

static void to_ccm(struct world *w, const char *text)
{
	struct mams_error err;
	struct mx_msg *m = NULL;

	mams_assert(mx_decode(text, strlen(text), &m, &err) == 0);
	(void)!ccm_session_input(&w->ccm, m, w->now, &err);
	mx_msg_free(m);
}

static void applied(struct world *w)
{
	uint32_t ok = 0;

	ccm_session_wanted(&w->ccm, &w->applied);
	for (size_t i = 0; i < w->applied.n_paths; i++)
		ok |= 1u << w->applied.paths[i].connection_id;
	ccm_session_applied(&w->ccm, ok, w->now);
}

static void happen(struct world *w, const struct world_event *e)
{
	struct ncm_session *s = world_session(w);

	switch (e->kind) {
	case WORLD_TO_NCM:
		to_ncm(w, e->text);
		break;
	case WORLD_TO_CCM:
		if (w->ccm_up)
			to_ccm(w, e->text);
		break;
	case WORLD_UNKNOWN:
		if (w->ccm_up)
			ccm_session_unknown(&w->ccm, w->now);
		break;
	case WORLD_PREPARED:
		if (s)
			ncm_session_prepared(s, w->now);
		break;
	case WORLD_APPLIED:
		if (w->ccm_up)
			applied(w);
		break;
	}
	free(e->text);
}

static size_t first_event(const struct world *w)
{
	size_t best = 0;

	for (size_t i = 1; i < w->n_events; i++)
		if (mams_time_before(w->events[i].at, w->events[best].at) ||
			(w->events[i].at.us == w->events[best].at.us &&
				w->events[i].order < w->events[best].order))
			best = i;
	return best;
}

static void turn(struct world *w)
{
	struct ncm_session *s = w->ncm_up ? world_session(w) : NULL;

	if (s)
		ncm_session_tick(s, w->now);
	if (w->ccm_up)
		ccm_session_tick(&w->ccm, w->now);
	if (w->ncm_up)
		drain_ncm(w);
	drain_ccm(w);
}

void world_run(struct world *w, int64_t ms)
{
	mams_time end = mams_time_add_ms(w->now, ms);

	for (;;) {
		struct ncm_session *s;
		mams_time next = end;
		size_t i;

		turn(w);
		s = w->ncm_up ? world_session(w) : NULL;
		if (w->n_events > 0)
			next = mams_time_min(next, w->events[first_event(w)].at);
		if (s)
			next = mams_time_min(next, ncm_session_deadline(s));
		if (w->ccm_up)
			next = mams_time_min(next, ccm_session_deadline(&w->ccm));
		if (mams_time_before(w->now, next))
			w->now = next;
		i = w->n_events ? first_event(w) : 0;
		if (w->n_events && !mams_time_before(w->now, w->events[i].at)) {
			struct world_event e = w->events[i];

			w->events[i] = w->events[--w->n_events];
			happen(w, &e);
		} else if (!mams_time_before(w->now, end)) {
			turn(w);
			return;
		}
	}
}

void world_link(struct world *w, uint8_t id, bool usable, const char *address)
{
	struct ccm_link_state st = {0};

	if (usable) {
		st = (struct ccm_link_state){.usable = true, .ifindex = id + 1u, .mtu = 1500};
		mams_assert(mams_addr_parse(address, &st.address) == 0);
	}
	ccm_session_link(&w->ccm, id, &st, w->now);
}

void world_restart_ncm(struct world *w, bool with_store)
{
	struct ncm_session *s = NULL;

	ncm_registry_free(w->registry);
	w->registry = ncm_registry_new(&w->policy);
	mams_assert(w->registry);
	if (with_store && w->has_stored)
		mams_assert(ncm_registry_add(w->registry, &w->stored,
				    (uint32_t)mams_prng_next(&w->prng) >> 1, w->now, &s) == 0);
}

void world_restart_ccm(struct world *w)
{
	ccm_session_fini(&w->ccm);
	start_ccm(w);
}

bool world_settled(struct world *w, uint32_t wanted)
{
	struct ncm_session *s = world_session(w);
	uint32_t have = 0;

	for (size_t i = 0; i < w->applied.n_paths; i++)
		have |= 1u << w->applied.paths[i].connection_id;
	return s && s->state == NCM_STATE_ACTIVE && w->ccm.state == CCM_STATE_ACTIVE &&
	       have == wanted && w->applied.catching == (wanted != 0) &&
	       (wanted == 0 || strcmp(w->applied.client_key, s->s.client_key) == 0);
}
