/* Where the seed draft and RFC 8743 differ, or RFC 8743 from itself, in who says what and when:
 * both sides with peers of either kind. */
#include "tests/sim/scene.h"

#define WIFI 1u
#define LTE 2u

static unsigned asked(const struct scene *s, bool by_ccm)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->list[i].type == MX_CAPABILITY_REQ && s->list[i].from_ccm == by_ccm;
	return n;
}

/* ---- who asks for capabilities: the seed has the NCM, RFC 8743 the CCM ---- */

static void both_wait(void)
{
	static struct scene s;

	scene_begin(&s);
	s.w.policy.initiator = MX_INITIATOR_CCM;
	s.w.conf.initiator = MX_INITIATOR_NCM;
	scene_up(&s);
	CU_ASSERT_EQUAL(scene_session(&s)->state, NCM_STATE_CAP_WAIT);
	world_run(&s.w, 20000);
	CU_ASSERT_EQUAL(asked(&s, true) + asked(&s, false), 0);
	/* the client begins anew each period, and no session is left of it when it is gone */
	CU_ASSERT(scene_count(&s, 0, MX_DISCOVER) >= 3);
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_link(&s.w, s.w.clients, 1, false, NULL);
	world_run(&s.w, 20000);
	CU_ASSERT_EQUAL(ncm_registry_count(s.w.registry), 0);
	scene_finish(&s);
}

static void who_asks(void)
{
	/* by what the NCM and what the CCM is told; whether the CCM asks */
	static const struct {
		int ncm, ccm;
		bool by_ncm, by_ccm;
	} cases[] = {
		{MX_INITIATOR_AUTO, MX_INITIATOR_AUTO, true, false},
		{MX_INITIATOR_NCM, MX_INITIATOR_NCM, true, false},
		{MX_INITIATOR_CCM, MX_INITIATOR_AUTO, false, true},
		{MX_INITIATOR_CCM, MX_INITIATOR_CCM, false, true},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		static struct scene s;

		scene_begin(&s);
		s.w.policy.initiator = cases[i].ncm;
		s.w.conf.initiator = cases[i].ccm;
		s.w.conf.cap_wait_ms = 1000;
		scene_up(&s);
		world_run(&s.w, 2000);
		CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
		CU_ASSERT_EQUAL(asked(&s, false) > 0, cases[i].by_ncm);
		CU_ASSERT_EQUAL(asked(&s, true) > 0, cases[i].by_ccm);
		scene_finish(&s);
	}
}

/* It does not wait for the NCM's. */
static void asks_at_once(void)
{
	static struct scene s;
	const struct seen *info;

	scene_begin(&s);
	s.w.conf.initiator = MX_INITIATOR_CCM;
	s.w.conf.cap_wait_ms = 5000;
	s.ncm_asks_lost = true;
	scene_up(&s);
	info = scene_the(&s, 0, MX_SYSTEM_INFO);
	CU_ASSERT_EQUAL(asked(&s, true), 1);
	CU_ASSERT(mams_time_ms_until(info->at, scene_the(&s, 0, MX_CAPABILITY_RSP)->at) < 200);
	world_run(&s.w, 2000);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	scene_finish(&s);
}

/* The answer to the client's request wants an ACK, or that it simply goes on. */
static void ack_is_lost(void)
{
	static struct scene s;

	scene_begin(&s);
	s.w.policy.initiator = MX_INITIATOR_CCM;
	s.lost = 1u << MX_CAPABILITY_ACK;
	scene_up(&s);
	world_run(&s.w, 2000);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	scene_finish(&s);
}

static void client_does_not_go_on(void)
{
	static struct scene s;

	scene_begin(&s);
	s.w.policy.initiator = MX_INITIATOR_CCM;
	s.lost = 1u << MX_CAPABILITY_ACK | 1u << MX_RECONF_REQ;
	scene_up(&s);
	CU_ASSERT_EQUAL(scene_session(&s)->state, NCM_STATE_ACK_WAIT);
	world_run(&s.w, 9000);
	CU_ASSERT_EQUAL(scene_session(&s)->state, NCM_STATE_ACK_WAIT);
	s.lost |= 1u << MX_DISCOVER;
	world_run(&s.w, 3000); /* 1 + 2 + 4 + 4 s */
	CU_ASSERT_EQUAL(ncm_registry_count(s.w.registry), 0);
	scene_finish(&s);
}

/* The seed's flow has no ACK; one that comes is taken at its word. */
static void ack_that_nobody_waits_for(void)
{
	static struct scene s;
	struct mx_msg *m;
	uint64_t refused;

	scene_begin(&s);
	s.w.policy.initiator = MX_INITIATOR_NCM;
	s.w.conf.initiator = MX_INITIATOR_NCM;
	scene_up(&s);
	world_run(&s.w, 2000);
	refused = ncm_registry_counters(s.w.registry)->wrong_state;
	for (int value = MX_ACCEPT; value <= MX_REJECT; value++) {
		const struct ncm_session *n = scene_session(&s);

		CU_ASSERT_EQUAL(n->state, NCM_STATE_ACTIVE);
		m = mx_msg_new(MX_CAPABILITY_ACK, 1000 + value);
		m->capability_ack = (struct mx_capability_ack){
			.unique_session_id = {n->policy->ncm_id, n->s.session_id},
			.capability_ack = value};
		world_to_ncm(&s.w, s.w.clients, m);
		mx_msg_free(m);
	}
	CU_ASSERT_EQUAL(ncm_registry_counters(s.w.registry)->wrong_state, refused);
	CU_ASSERT_EQUAL(ncm_registry_count(s.w.registry), 0);
	scene_finish(&s);
}

/* ---- what is told, and what is not ---- */

static void home_network(void)
{
	for (int told = 0; told < 2; told++) {
		static struct scene s;
		const struct mx_discover *d;

		scene_begin(&s);
		s.w.conf.mcc_mnc_tuple = told ? "26201" : NULL;
		scene_up(&s);
		d = &scene_the(&s, 0, MX_DISCOVER)->msg->discover;
		CU_ASSERT_EQUAL(d->mcc_mnc_tuple != NULL, told);
		if (d->mcc_mnc_tuple)
			CU_ASSERT_STRING_EQUAL(d->mcc_mnc_tuple, "26201");
		scene_finish(&s);
	}
}

/* Methods and adaptations that stand in the lists as not supported, and are told all the same. */
static void methods_that_nobody_has(void)
{
	static const int methods[] = {MX_CONV_GRE, MX_CONV_MPQUIC, MX_CONV_GMA};
	static struct scene s;

	scene_begin(&s);
	scene_up(&s);
	world_run(&s.w, 2000);
	for (size_t i = 0; i <= MAMS_ARRAY_LEN(methods); i++) {
		const bool nat = i == MAMS_ARRAY_LEN(methods);
		struct mx_msg *m = mx_msg_copy(scene_the(&s, 0, MX_UP_SETUP_CONF_REQ)->msg);
		struct mx_setup_anchor *a = m->up_setup_conf_req.anchor_connections;
		const struct seen *cnf;
		size_t from = s.n;

		m->sequence_num += 1000 + (uint32_t)i;
		for (size_t k = 0; k < a->n_convergence_config; k++) {
			struct mx_convergence_config *c = &a->convergence_config[k];

			CU_ASSERT_EQUAL(c->n_delivery_connections, 1);
			if (!nat)
				c->convergence_method = methods[i];
			c->delivery_connections[0].has_adaptation_method = nat;
			c->delivery_connections[0].adaptation_method = MX_ADAPT_CLIENT_NAT;
		}
		world_to_ccm(&s.w, s.w.clients, m);
		world_run(&s.w, 1000);
		cnf = scene_find(&s, from, MX_UP_SETUP_CNF);
		CU_ASSERT_PTR_NOT_NULL(cnf);
		if (cnf) {
			CU_ASSERT_EQUAL(cnf->number, m->sequence_num);
			CU_ASSERT_EQUAL(cnf->msg->up_setup_cnf.num_delivery_conn, 0);
		}
		CU_ASSERT_FALSE(s.w.clients->applied.catching);
		mx_msg_free(m);
	}
	scene_finish(&s);
}

/* ---- System INFO ---- */

/* C.4.2 numbers it 2 where the Discover is 1; C.2.2 names the session there. */
static void system_info_of_its_own_number(void)
{
	static struct mx_session_id id = {.ncm_id = 110, .session_id = 1111};
	static struct mx_ncm_connection one = {
		.connection_id = 0, .connection_type = MX_LTE, .ncm_end_point = {"10.1.1.1", 8443}};
	static struct scene s;
	const struct ccm_session *c;
	struct mams_error err;
	struct mx_msg *m;

	scene_begin(&s);
	s.lost = 1u << MX_SYSTEM_INFO | 1u << MX_CAPABILITY_REQ;
	scene_up(&s);
	c = &s.w.clients->ccm;
	CU_ASSERT_EQUAL(c->state, CCM_STATE_DISCOVERING);
	/* no number that a Discover will have */
	m = mx_msg_new(MX_SYSTEM_INFO, scene_the(&s, 0, MX_DISCOVER)->number + 1000);
	m->system_info = (struct mx_system_info){
		.ncm_connections = &one, .n_ncm_connections = 1, .unique_session_id = &id};
	/* at first it could be one of long ago */
	CU_ASSERT_EQUAL(ccm_session_input(&s.w.clients->ccm, m, s.w.now, &err), -MAMS_EUNKNOWN);
	CU_ASSERT_EQUAL(c->counters.unmatched, 1);
	world_run(&s.w, 6000);
	CU_ASSERT_EQUAL(c->discover_tries, 2);
	/* as it is decoded: we never write a session id there */
	CU_ASSERT_EQUAL(ccm_session_input(&s.w.clients->ccm, m, s.w.now, &err), 0);
	CU_ASSERT_EQUAL(c->state, CCM_STATE_INFO);
	CU_ASSERT(c->has_id && c->id.session_id == 1111 && c->id.ncm_id == 110);
	CU_ASSERT(c->modern);
	mx_msg_free(m);
	/* what nobody asked for is refused, whatever its number */
	m = mx_msg_new(MX_SYSTEM_INFO, 7);
	m->system_info = (struct mx_system_info){.ncm_connections = &one, .n_ncm_connections = 1};
	world_to_ccm(&s.w, s.w.clients, m);
	CU_ASSERT_EQUAL(c->counters.unmatched, 2);
	mx_msg_free(m);
	scene_finish(&s);
}

/* Appendix E has no numbers at all: an answer is known by its type. */
static void answer_without_a_number(void)
{
	static struct scene s;
	struct mams_error err;
	struct mx_msg *m;
	const struct ncm_order to_lte = {.dl = LTE, .ul = LTE};

	scene_begin(&s);
	scene_up(&s);
	s.lost = 1u << MX_TRAFFIC_STEERING_RSP;
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 9, &to_lte, s.w.now, &err), 0);
	world_run(&s.w, 500);
	CU_ASSERT_EQUAL(s.w.clients->steer_code, -1);
	m = mx_msg_copy(scene_the(&s, 0, MX_TRAFFIC_STEERING_RSP)->msg);
	m->sequence_num = 0;
	world_to_ncm(&s.w, s.w.clients, m);
	world_run(&s.w, 100);
	CU_ASSERT_EQUAL(s.w.clients->steer_code, 0);
	mx_msg_free(m);
	scene_finish(&s);
}

/* The seed's RSP does not list measurement. */
static void answer_of_few_features(void)
{
	static struct scene s;
	struct mams_error err;
	struct mx_traffic_steering_rsp *r;
	struct mx_msg *m;
	size_t n = 0;
	const struct ncm_order to_lte = {.dl = LTE, .ul = LTE};

	scene_begin(&s);
	scene_up(&s);
	s.lost = 1u << MX_TRAFFIC_STEERING_RSP;
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 9, &to_lte, s.w.now, &err), 0);
	world_run(&s.w, 500);
	m = mx_msg_copy(scene_the(&s, 0, MX_TRAFFIC_STEERING_RSP)->msg);
	r = &m->traffic_steering_rsp;
	for (size_t i = 0; i < r->n_feature_active; i++)
		if (r->feature_active[i].feature_name != MX_F_MEASUREMENT)
			r->feature_active[n++] = r->feature_active[i];
	CU_ASSERT(n + 1 == r->n_feature_active);
	r->n_feature_active = n;
	world_to_ncm(&s.w, s.w.clients, m);
	world_run(&s.w, 100);
	CU_ASSERT_EQUAL(s.w.clients->steer_code, 0);
	mx_msg_free(m);
	scene_finish(&s);
}

/* ---- units ---- */

/* 8.12 has seconds, C.3.26 and C.4.24 whole numbers that can only be milliseconds. */
static void analytics_in_seconds(void)
{
	for (int unit = CCM_UNIT_MS; unit <= CCM_UNIT_S; unit++) {
		static struct mx_prediction p = {.param_name = MX_P_LATENCY,
			.prediction = 2,
			.likelihood = 50,
			.validity_time = 60};
		static struct mx_analytics one = {.connection_id = 0,
			.connection_type = MX_WIFI,
			.predictions = &p,
			.n_predictions = 1};
		static struct scene s;
		struct mx_msg *m;

		scene_begin(&s);
		s.w.conf.analytics_unit = unit;
		scene_up(&s);
		s.lost = 1u << MX_NETWORK_ANALYTICS_RSP;
		CU_ASSERT_EQUAL(ccm_session_predict(&s.w.clients->ccm, s.w.now), 0);
		world_run(&s.w, 10);
		m = mx_msg_new(MX_NETWORK_ANALYTICS_RSP,
			scene_the(&s, 0, MX_NETWORK_ANALYTICS_REQ)->number);
		m->network_analytics_rsp =
			(struct mx_network_analytics_rsp){.param_list = &one, .n_param_list = 1};
		world_to_ccm(&s.w, s.w.clients, m);
		CU_ASSERT_TRUE(s.w.clients->ccm.app.quality[0].has_latency);
		CU_ASSERT_EQUAL(
			s.w.clients->ccm.app.quality[0].latency_ms, unit == CCM_UNIT_S ? 2000 : 2);
		mx_msg_free(m);
		scene_finish(&s);
	}
}

/* Over https an idle session has polls, and no keep-alives as long as they go on. */
static void polls_tell_as_much_as_keep_alives(void)
{
	static struct scene s;

	scene_begin(&s);
	s.w.policy.n_measures = 0;
	scene_up(&s);
	for (int i = 0; i < 8; i++) {
		ncm_session_seen(world_session(&s.w, s.w.clients), s.w.now);
		ccm_session_reached(&s.w.clients->ccm, s.w.now);
		world_run(&s.w, s.w.policy.keep_alive_ms - 5000);
	}
	CU_ASSERT_EQUAL(scene_count(&s, 0, MX_KEEP_ALIVE_REQ), 0);
	world_run(&s.w, 7000);
	CU_ASSERT(scene_count(&s, 0, MX_KEEP_ALIVE_REQ) > 0);
	/* an end that polls no more, or is answered no more, is missed as before */
	s.w.ncm_up = false;
	world_run(&s.w, s.w.conf.fallback_ms);
	CU_ASSERT_EQUAL(s.w.clients->fallbacks, 1);
	scene_finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"who asks", who_asks},
		{"asks at once", asks_at_once},
		{"both wait", both_wait},
		{"an ACK is lost", ack_is_lost},
		{"a client does not go on", client_does_not_go_on},
		{"an ACK that nobody waits for", ack_that_nobody_waits_for},
		{"the home network", home_network},
		{"methods that nobody has", methods_that_nobody_has},
		{"System INFO of its own number", system_info_of_its_own_number},
		{"an answer without a number", answer_without_a_number},
		{"an answer of few features", answer_of_few_features},
		{"analytics in seconds", analytics_in_seconds},
		{"polls tell as much as keep-alives", polls_tell_as_much_as_keep_alives},
	};

	return mams_suite_run("variants", cases, MAMS_ARRAY_LEN(cases));
}
