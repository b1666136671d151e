/* Path quality estimation end to end (seed 6.5; RFC 8743 8.6): NCM, N-MADP and client, all real
 * cores, with a network between the latter two that loses probes. */
#include "proxy/sounding.h"
#include "tests/sim/scene.h"

#include <string.h>

#define WIFI 1u
#define LTE 2u
#define LINKS 2u
#define OWD_MS 15 /* of the network, one way */

static struct ncm_probe_conf probes[] = {
	{.name = "wifi",
		.connection_type = MX_WIFI,
		.period_ms = 60000,
		.init_ms = 400,
		.init_rate = 1,
		.init_size = 500,
		.init_ack = true,
		.active_ms = 500,
		.active_size = 100,
		.active_duration_ms = 10000,
		.active_ack = true},
	{.name = "lte",
		.connection_type = MX_LTE,
		.period_ms = 60000,
		.init_ms = 400,
		.init_rate = 1,
		.init_size = 500,
		.init_ack = true,
		.active_ms = 500,
		.active_size = 100,
		.active_duration_ms = 20000,
		.active_ack = true},
};

/* A datagram under way. */
struct flying {
	mams_time at;
	size_t len;
	uint8_t octets[PX_SOUNDING_PDU_MAX];
};

#define FLYING_MAX 64

/* The way between the N-MADP and one link of the client. */
struct way {
	struct px_sounding s;
	unsigned orders; /* taken over from the world */
	bool stopped;
	unsigned lose; /* one of so many probes; 0: none */
	unsigned n;
	unsigned kinds[2]; /* probes seen, by phase */
	struct flying down[FLYING_MAX], up[FLYING_MAX];
	size_t n_down, n_up;
	uint64_t received; /* octets of the link */
	uint64_t probed;   /* octets of probes and answers, with headers */
};

struct bed {
	struct scene s;
	struct way way[LINKS];
	uint64_t octets_per_ms; /* user data on each link */
};

static void fly(struct flying *f, size_t *n, const uint8_t *octets, size_t len, mams_time now)
{
	CU_ASSERT_FATAL(*n < FLYING_MAX);
	f[*n] = (struct flying){.at = mams_time_add_ms(now, OWD_MS), .len = len};
	memcpy(f[(*n)++].octets, octets, len);
}

static bool land(struct flying *f, size_t *n, mams_time now, struct flying *out)
{
	if (*n == 0 || mams_time_before(now, f[0].at))
		return false;
	*out = f[0];
	memmove(f, f + 1, --*n * sizeof(*f));
	return true;
}

static struct px_sounding_conf conf_of(const struct ncm_probe_order *o, uint8_t id)
{
	return (struct px_sounding_conf){.connection_id = id,
		.active = o->active,
		.init_ms = o->conf->init_ms,
		.init_rate = o->conf->init_rate,
		.init_size = o->conf->init_size,
		.init_ack = o->conf->init_ack,
		.active_ms = o->conf->active_ms,
		.active_size = o->conf->active_size,
		.active_duration_s = o->conf->active_duration_ms / 1000,
		.active_ack = o->conf->active_ack};
}

static void madp_turn(struct bed *b, uint8_t id)
{
	const struct world_client *c = b->s.w.clients;
	struct way *w = &b->way[id];
	mams_time now = b->s.w.now;
	uint8_t pdu[PX_SOUNDING_PDU_MAX];
	struct flying f;
	size_t len;

	if (c->probes[id] > w->orders) {
		struct px_sounding_conf conf = conf_of(&c->probe[id], id);

		w->orders = c->probes[id];
		px_sounding_init(&w->s, &conf, now);
		w->stopped = c->probe[id].stop;
	}
	while (land(w->up, &w->n_up, now, &f))
		(void)px_sounding_take(&w->s, f.octets, f.len, now);
	while (w->orders && !w->stopped && (len = px_sounding_next(&w->s, now, pdu)) > 0) {
		w->kinds[w->s.conf.active] += len != PX_SOUNDING_WORD;
		w->probed += len + 48;
		if (!w->lose || ++w->n % w->lose)
			fly(w->down, &w->n_down, pdu, len, now);
	}
}

static void client_turn(struct bed *b, uint8_t id)
{
	struct ccm_session *c = &b->s.w.clients[0].ccm;
	struct way *w = &b->way[id];
	mams_time now = b->s.w.now;
	uint8_t pdu[CCM_ESTIMATE_ANSWER];
	struct mams_addr local;
	struct mams_addr peer;
	struct flying f;
	size_t len;

	w->received += b->octets_per_ms;
	if (!ccm_estimate_wants(c, id, &local, &peer)) {
		w->n_down = 0;
		return;
	}
	CU_ASSERT(mams_addr_eq(&local, &b->s.w.clients[0].probe[id].remote));
	CU_ASSERT(mams_addr_eq(&peer, &b->s.w.clients[0].probe[id].local));
	while (land(w->down, &w->n_down, now, &f)) {
		len = ccm_estimate_pdu(c, id, f.octets, f.len, w->received, now, pdu);
		if (len > 0)
			fly(w->up, &w->n_up, pdu, len, now);
		w->probed += len > 0 ? len + 48 : 0;
	}
	len = ccm_estimate_tick(c, id, w->received, now, pdu);
	if (len > 0)
		fly(w->up, &w->n_up, pdu, len, now);
	w->probed += len > 0 ? len + 48 : 0;
}

static void run(struct bed *b, int64_t ms)
{
	while (ms-- > 0) {
		world_run(&b->s.w, 1);
		for (uint8_t id = 0; id < LINKS; id++) {
			madp_turn(b, id);
			client_turn(b, id);
		}
	}
}

static void begin(struct bed *b)
{
	*b = (struct bed){0};
	scene_begin(&b->s);
	b->s.w.policy.probes = probes;
	b->s.w.policy.n_probes = MAMS_ARRAY_LEN(probes);
	b->s.w.policy.control_port = 7444;
	b->s.w.conf.probe_port = 7446;
	world_link(&b->s.w, b->s.w.clients, 0, true, "10.1.1.2");
	world_link(&b->s.w, b->s.w.clients, 1, true, "10.1.129.2");
}

/* Both links have been tested since they were set up, and are estimated once more: as they may
 * carry user data now, in the active phase. */
static void carry(struct bed *b)
{
	run(b, 3000);
	for (uint8_t id = 0; id < LINKS; id++) {
		b->way[id].n = 0;
		b->way[id].kinds[0] = b->way[id].kinds[1] = 0;
	}
	CU_ASSERT(ncm_session_probe(scene_session(&b->s), WIFI | LTE, b->s.w.now));
}

static void steer(struct bed *b, uint32_t to)
{
	const struct ncm_order o = {.dl = to, .ul = to};

	CU_ASSERT_EQUAL_FATAL(ncm_session_steer(scene_session(&b->s), 7, &o, b->s.w.now, NULL), 0);
}

static const struct mx_path_est_results *results_of(const struct bed *b, size_t *from, uint8_t id)
{
	for (; *from < b->s.n; (*from)++) {
		const struct seen *m = &b->s.list[*from];

		if (m->type == MX_PATH_EST_RESULTS &&
			m->msg->path_est_results.connection_id == id) {
			CU_ASSERT(m->from_ccm);
			(*from)++;
			return &m->msg->path_est_results;
		}
	}
	return NULL;
}

/* Both links have just been set up: they are tested.  Then both carry user data: the active phase
 * of both; then LTE alone: Wi-Fi is tested. */
static void both_phases(void)
{
	static struct bed b;
	const struct mx_path_est_req *req;
	const struct mx_path_est_results *r;
	const struct ncm_path *p;
	size_t from = 0;

	begin(&b);
	b.octets_per_ms = 1250; /* 10 Mbit/s */
	carry(&b);
	r = results_of(&b, &from, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_PTR_NOT_NULL(r->init_probe_results);
	from = b.s.n;
	run(&b, 12500);
	req = &scene_the(&b.s, 0, MX_PATH_EST_REQ)->msg->path_est_req;
	CU_ASSERT_EQUAL(req->connection_id, 0);
	CU_ASSERT_EQUAL(req->init_probe_size_bytes, 500);
	CU_ASSERT_EQUAL(req->active_probe_duration_sec, 10);
	CU_ASSERT_EQUAL(b.way[0].kinds[0], 0);
	CU_ASSERT_EQUAL(b.way[0].kinds[1], 20);
	r = results_of(&b, &from, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_PTR_NULL(r->init_probe_results);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->active_probe_results);
	CU_ASSERT_DOUBLE_EQUAL(r->active_probe_results->avg_tput_last_probe_duration_mbps, 10, 0.1);
	CU_ASSERT_PTR_NULL(results_of(&b, &from, 1)); /* 20 s */
	b.way[0].lose = 5;
	b.way[0].n = 0;
	from = b.s.n;
	steer(&b, LTE);
	run(&b, 3000);
	CU_ASSERT_EQUAL(b.way[0].kinds[0], 100);
	r = results_of(&b, &from, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->init_probe_results);
	CU_ASSERT_DOUBLE_EQUAL(r->init_probe_results->lost_probes_percentage, 20, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(r->init_probe_results->probe_rate_mbps, 0.8, 0.05);
	CU_ASSERT(r->init_probe_results->has_probe_delay_us);
	CU_ASSERT(r->init_probe_results->probe_delay_us >= OWD_MS * 1000 &&
		  r->init_probe_results->probe_delay_us <= (OWD_MS + 2) * 1000);
	p = &scene_session(&b.s)->path[0];
	CU_ASSERT(p->has_init && p->has_active);
	CU_ASSERT_DOUBLE_EQUAL(p->lost_percent, 20, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(p->active_mbps, 10, 0.1);
	scene_finish(&b.s);
}

/* C.3.17 as printed: 1 to 100, of percent a whole number. */
static void by_the_letter(void)
{
	static struct bed b;
	const struct mx_path_est_results *r;
	size_t from = 0;

	begin(&b);
	b.s.w.conf.strict_schema = true;
	b.octets_per_ms = 12500000; /* 100 Gbit/s */
	carry(&b);
	from = b.s.n;
	run(&b, 12500);
	r = results_of(&b, &from, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->active_probe_results);
	CU_ASSERT_EQUAL(r->active_probe_results->avg_tput_last_probe_duration_mbps, 100);
	from = b.s.n;
	steer(&b, LTE);
	run(&b, 3000);
	r = results_of(&b, &from, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->init_probe_results);
	CU_ASSERT_EQUAL(r->init_probe_results->lost_probes_percentage, 1); /* of none */
	CU_ASSERT_EQUAL(r->init_probe_results->probe_rate_mbps, 1);        /* of 0.8 */
	scene_finish(&b.s);
}

/* An estimation follows the other; one that the N-MADP has no room for comes later; an operator's
 * comes at once. */
static void again(void)
{
	static struct bed b;
	unsigned before;

	begin(&b);
	b.s.w.clients[0].busy = 2;
	run(&b, 3000);
	CU_ASSERT_EQUAL(scene_count(&b.s, 0, MX_PATH_EST_REQ), 0);
	CU_ASSERT_EQUAL(b.s.w.clients[0].probes[0], 1);
	run(&b, 5000);
	CU_ASSERT_EQUAL(scene_count(&b.s, 0, MX_PATH_EST_REQ), 2);
	run(&b, 62000);
	CU_ASSERT_EQUAL(scene_count(&b.s, 0, MX_PATH_EST_REQ), 4);
	before = scene_count(&b.s, 0, MX_PATH_EST_REQ);
	CU_ASSERT(ncm_session_probe(scene_session(&b.s), LTE, b.s.w.now));
	run(&b, 200);
	CU_ASSERT_EQUAL(scene_count(&b.s, 0, MX_PATH_EST_REQ), before + 1);
	CU_ASSERT_FALSE(ncm_session_probe(scene_session(&b.s), 4, b.s.w.now));
	scene_finish(&b.s);
}

/* A link that is paid by volume: whatever moves, and whoever asks, probes keep to its budget. */
static void budget(void)
{
	static struct bed b;
	const uint64_t earned = 1000; /* octets a second */
	const uint64_t test = 100 * (500 + 48 + 56) + 1000;
	uint64_t before;

	begin(&b);
	run(&b, 3000);
	b.way[0].kinds[0] = b.way[0].kinds[1] = 0;
	probes[0].budget = 3600;
	probes[0].period_ms = 10000;
	steer(&b, LTE);
	before = b.way[0].probed;
	run(&b, 30000);
	CU_ASSERT_EQUAL(b.way[0].kinds[0], 100);
	CU_ASSERT_FALSE(ncm_session_probe(scene_session(&b.s), WIFI, b.s.w.now));
	for (int i = 0; i < 17; i++) {
		steer(&b, i % 2 ? LTE : WIFI | LTE);
		run(&b, 5000);
		(void)ncm_session_probe(scene_session(&b.s), WIFI, b.s.w.now);
		run(&b, 5000);
	}
	CU_ASSERT(b.way[0].probed - before <= 200 * earned + test);
	CU_ASSERT(b.way[0].probed - before >= test); /* it is probed all the same */
	run(&b, 62000);
	CU_ASSERT(b.way[0].kinds[0] + b.way[0].kinds[1] > 100);
	probes[0].budget = 0;
	probes[0].period_ms = 60000;
	scene_finish(&b.s);
}

/* A path over which nothing comes has no result, and leaves nothing behind. */
static void nothing_comes(void)
{
	static struct bed b;

	begin(&b);
	b.way[1].lose = 1;
	carry(&b);
	run(&b, 22000);
	CU_ASSERT_EQUAL(scene_count(&b.s, 0, MX_PATH_EST_REQ), 4);
	CU_ASSERT(scene_session(&b.s)->path[0].has_active);
	CU_ASSERT_FALSE(scene_session(&b.s)->path[1].has_active);
	CU_ASSERT_FALSE(scene_session(&b.s)->path[1].has_init);
	CU_ASSERT_EQUAL(b.s.w.clients[0].ccm.counters.estimations_silent, 1);
	CU_ASSERT_FALSE(b.s.w.clients[0].ccm.estimate[1].on);
	CU_ASSERT_FALSE(b.s.w.clients[0].ccm.estimate[0].on);
	scene_finish(&b.s);
}

/* Not agreed: neither side probes; a request all the same is refused. */
static void not_agreed(void)
{
	static struct bed b;
	struct mx_msg *m = mx_msg_new(MX_PATH_EST_REQ, 4711);

	begin(&b);
	b.s.w.conf.features &= ~(1u << MX_F_PROBING);
	run(&b, 3000);
	CU_ASSERT_EQUAL(scene_count(&b.s, 0, MX_PATH_EST_REQ), 0);
	CU_ASSERT_PTR_NULL(scene_the(&b.s, 0, MX_UP_SETUP_CNF)->msg->up_setup_cnf.probe_param);
	m->path_est_req = (struct mx_path_est_req){.connection_id = 0,
		.init_probe_test_duration_ms = 100,
		.init_probe_test_rate_mbps = 1,
		.init_probe_size_bytes = 100,
		.active_probe_freq_ms = 100,
		.active_probe_size_bytes = 100};
	world_to_ccm(&b.s.w, b.s.w.clients, m);
	CU_ASSERT_EQUAL(b.s.w.clients[0].ccm.counters.probes_refused, 1);
	CU_ASSERT_FALSE(b.s.w.clients[0].ccm.estimate[0].on);
	mx_msg_free(m);
	scene_finish(&b.s);
}

/* Steering switches the feature off and on (RFC 8743 8.7): both sides stop, and begin anew. */
static void switched_off(void)
{
	static struct bed b;
	struct ncm_order o = {.dl = WIFI | LTE, .ul = WIFI | LTE, .off = 1u << MX_F_PROBING};
	const struct ccm_session *c;
	unsigned orders;
	unsigned probes_seen;

	begin(&b);
	carry(&b);
	run(&b, 3000);
	c = &b.s.w.clients[0].ccm;
	CU_ASSERT(c->estimate[0].on && b.way[0].kinds[1] > 0);
	CU_ASSERT_EQUAL_FATAL(ncm_session_steer(scene_session(&b.s), 7, &o, b.s.w.now, NULL), 0);
	run(&b, 1000);
	CU_ASSERT_EQUAL(b.s.w.clients[0].steer_code, 0);
	CU_ASSERT(b.s.w.clients[0].probe[0].stop && b.s.w.clients[0].probe[1].stop);
	CU_ASSERT_FALSE(c->estimate[0].on || c->estimate[1].on);
	CU_ASSERT_FALSE(ncm_session_probe(scene_session(&b.s), WIFI, b.s.w.now));
	probes_seen = b.way[0].kinds[0] + b.way[0].kinds[1];
	orders = b.s.w.clients[0].probes[0];
	run(&b, 70000);
	CU_ASSERT_EQUAL(b.way[0].kinds[0] + b.way[0].kinds[1], probes_seen);
	CU_ASSERT_EQUAL(b.s.w.clients[0].probes[0], orders);
	o.off = 0;
	CU_ASSERT_EQUAL_FATAL(ncm_session_steer(scene_session(&b.s), 8, &o, b.s.w.now, NULL), 0);
	run(&b, 3000);
	CU_ASSERT(c->estimate[0].on && c->estimate[1].on);
	CU_ASSERT(b.way[0].kinds[0] + b.way[0].kinds[1] > probes_seen);
	scene_finish(&b.s);
}

/* The CNF says where probes go (RFC 8743 8.5), the setup from where they come. */
static void ports(void)
{
	static struct bed b;
	const struct mx_up_setup_conf_req *u;
	const struct mx_probe_param *p;

	begin(&b);
	run(&b, 3000);
	u = &scene_the(&b.s, 0, MX_UP_SETUP_CONF_REQ)->msg->up_setup_conf_req;
	CU_ASSERT(u->anchor_connections[0].convergence_config[0].has_udp_port);
	CU_ASSERT_EQUAL(u->anchor_connections[0].convergence_config[0].udp_port, 7444);
	p = scene_the(&b.s, 0, MX_UP_SETUP_CNF)->msg->up_setup_cnf.probe_param;
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->probe_port, 7446);
	CU_ASSERT_EQUAL(p->anchor_conn_id, 0);
	CU_ASSERT(p->has_mx_configuration_id && p->mx_configuration_id == 1);
	scene_finish(&b.s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"both phases, with their results", both_phases},
		{"results by the letter of C.3.17", by_the_letter},
		{"estimations follow each other", again},
		{"a budget of probes", budget},
		{"a path over which nothing comes", nothing_comes},
		{"probing is not agreed", not_agreed},
		{"probing is switched off, and on", switched_off},
		{"ports of both sides", ports},
	};

	return mams_suite_run("estimation", cases, MAMS_ARRAY_LEN(cases));
}
