/* The procedures of seed draft 6.2 to 6.6 and RFC 8743 8.3 to 8.12 as the two sides see them on the
 * wire: who says what, in which order, with which number. */
#include "tests/sim/scene.h"

#include <errno.h>
#include <stdio.h>

#define WIFI 1u
#define LTE 2u

static const struct ncm_order to_lte = {.dl = LTE, .ul = LTE};

/* ---- discovery and capabilities ---- */

static void discovery_goes_on(void)
{
	static struct scene s;
	unsigned tries;

	scene_begin(&s);
	s.w.ncm_up = false;
	scene_up(&s);
	world_run(&s.w, 10 * s.w.conf.discovery_ms);
	tries = scene_count(&s, 0, MX_DISCOVER);
	CU_ASSERT(tries >= 8 && tries <= 13);
	s.w.ncm_up = true;
	world_run(&s.w, 2 * s.w.conf.discovery_ms);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	/* System INFO has stopped it */
	tries = scene_count(&s, 0, MX_DISCOVER);
	world_run(&s.w, 10 * s.w.conf.discovery_ms);
	CU_ASSERT_EQUAL(scene_count(&s, 0, MX_DISCOVER), tries);
	scene_finish(&s);
}

static void order_of_a_setup(void)
{
	static const enum mx_type order[] = {MX_DISCOVER, MX_SYSTEM_INFO, MX_CAPABILITY_REQ,
		MX_CAPABILITY_RSP, MX_RECONF_REQ, MX_RECONF_RSP, MX_UP_SETUP_CONF_REQ,
		MX_UP_SETUP_CNF};
	static struct scene s;

	scene_begin(&s);
	s.ccm_asks_lost = true; /* the seed's flow alone */
	scene_up(&s);
	world_run(&s.w, 3000);
	CU_ASSERT(scene_in_order(&s, order, MAMS_ARRAY_LEN(order)));
	CU_ASSERT(scene_the(&s, 0, MX_DISCOVER)->from_ccm);
	CU_ASSERT(!scene_the(&s, 0, MX_CAPABILITY_REQ)->from_ccm);
	CU_ASSERT(scene_the(&s, 0, MX_CAPABILITY_RSP)->from_ccm);
	CU_ASSERT_EQUAL(scene_count(&s, 0, MX_UP_SETUP_CONF_REQ), 1);
	/* SSID indication and measurements follow the set-up */
	CU_ASSERT_PTR_NOT_NULL(scene_find(&s, 0, MX_SSID_INDICATION));
	CU_ASSERT_PTR_NOT_NULL(scene_find(&s, 0, MX_MEASUREMENT_CONF));
	scene_finish(&s);
}

static void capabilities_are_whole(void)
{
	static const enum mx_type both[] = {MX_CAPABILITY_REQ, MX_CAPABILITY_RSP};
	static struct scene s;
	const struct mx_system_info *info;

	scene_begin(&s);
	s.ccm_asks_lost = true; /* the seed's flow alone */
	scene_up(&s);
	world_run(&s.w, 3000);
	info = &scene_the(&s, 0, MX_SYSTEM_INFO)->msg->system_info;
	CU_ASSERT(info->n_ncm_connections >= 1);
	CU_ASSERT_EQUAL(info->ncm_connections[0].connection_type, MX_LTE);
	CU_ASSERT_STRING_EQUAL(info->ncm_connections[0].ncm_end_point.ip_address, "10.1.1.1");
	CU_ASSERT_EQUAL(info->ncm_connections[0].ncm_end_point.port, 8443);
	for (size_t i = 0; i < 2; i++) {
		const struct mx_capability *c = &scene_the(&s, 0, both[i])->msg->capability;

		CU_ASSERT_EQUAL(c->n_feature_active, MX_F_COUNT);
		CU_ASSERT(scene_has_feature(
			c->feature_active, c->n_feature_active, MX_F_UPLINK_AGGREGATION));
		CU_ASSERT(c->n_anchor_connections >= 1);
		CU_ASSERT_EQUAL(c->num_anchor_connections, c->n_anchor_connections);
		CU_ASSERT_EQUAL(c->n_delivery_connections, i ? 3 : 2);
		CU_ASSERT_EQUAL(c->num_delivery_connections, c->n_delivery_connections);
		CU_ASSERT_EQUAL(c->n_convergence_methods, MX_CONV_COUNT);
		CU_ASSERT_EQUAL(c->n_adaptation_methods, MX_ADAPT_COUNT);
	}
	scene_finish(&s);
}

/* Capability RSP of a client that has these features and convergence methods. */
static void answer_with(struct scene *s, uint32_t features, uint32_t methods)
{
	static struct mx_feature_info f[MX_F_COUNT];
	static struct mx_method c[MX_CONV_COUNT];
	static struct mx_connection one = {.connection_id = 0, .connection_type = MX_WIFI};
	struct mx_msg *m =
		mx_msg_new(MX_CAPABILITY_RSP, scene_the(s, 0, MX_CAPABILITY_REQ)->number);

	for (int i = 0; i < MX_F_COUNT; i++)
		f[i] = (struct mx_feature_info){i, (features & 1u << i) != 0};
	for (int i = 0; i < MX_CONV_COUNT; i++)
		c[i] = (struct mx_method){i, (methods & 1u << i) != 0};
	m->capability = (struct mx_capability){.feature_active = f,
		.n_feature_active = MX_F_COUNT,
		.num_delivery_connections = 1,
		.delivery_connections = &one,
		.n_delivery_connections = 1,
		.convergence_methods = c,
		.n_convergence_methods = MX_CONV_COUNT};
	world_to_ncm(&s->w, s->w.clients, m);
	mx_msg_free(m);
}

/* Asked for capabilities, the client has not yet answered. */
static void until_asked(struct scene *s)
{
	scene_begin(s);
	s->lost = 1u << MX_CAPABILITY_RSP | 1u << MX_CAPABILITY_REQ;
	scene_up(s);
}

static void only_what_both_can(void)
{
	static struct scene s;
	uint32_t offered = 0;

	for (uint32_t have = 0; have < 1u << MX_F_COUNT; have++) {
		const struct mx_capability *c;

		until_asked(&s);
		c = &scene_the(&s, 0, MX_CAPABILITY_REQ)->msg->capability;
		offered = 0;
		for (int i = 0; i < MX_F_COUNT; i++)
			offered |= scene_has_feature(c->feature_active, c->n_feature_active, i)
					   ? 1u << i
					   : 0;
		answer_with(&s, have, 1u << MX_CONV_MPTCP_PROXY);
		CU_ASSERT_EQUAL(scene_session(&s)->s.features, have & offered);
		scene_finish(&s);
	}
	CU_ASSERT(offered != 0 && offered != (1u << MX_F_COUNT) - 1);
	for (uint32_t methods = 0; methods < 1u << MX_CONV_COUNT; methods++) {
		const struct ncm_session *n;

		until_asked(&s);
		answer_with(&s, offered, methods);
		n = world_session(&s.w, s.w.clients);
		CU_ASSERT_EQUAL(n && n->state == NCM_STATE_NEGOTIATED &&
					(methods & 1u << MX_CONV_MPTCP_PROXY),
			(methods & 1u << MX_CONV_MPTCP_PROXY) != 0);
		world_run(&s.w, 3000);
		for (size_t i = 0; i < s.n; i++)
			CU_ASSERT((methods & 1u << MX_CONV_MPTCP_PROXY) ||
				  s.list[i].type != MX_UP_SETUP_CONF_REQ);
		scene_finish(&s);
	}
}

/* An NCM that does not ask is asked: RFC 8743's flow. */
static void the_client_asks(void)
{
	static const enum mx_type order[] = {
		MX_CAPABILITY_REQ, MX_CAPABILITY_RSP, MX_CAPABILITY_ACK, MX_RECONF_REQ};
	static struct scene s;
	const struct seen *ack;

	scene_begin(&s);
	s.ncm_asks_lost = true;
	scene_up(&s);
	world_run(&s.w, 5000);
	CU_ASSERT(scene_in_order(&s, order, MAMS_ARRAY_LEN(order)));
	ack = scene_find(&s, 0, MX_CAPABILITY_ACK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ack);
	CU_ASSERT(ack->from_ccm);
	CU_ASSERT_EQUAL(ack->msg->capability_ack.capability_ack, MX_ACCEPT);
	CU_ASSERT_EQUAL(ack->msg->capability_ack.unique_session_id.session_id,
		scene_session(&s)->s.session_id);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	scene_finish(&s);
}

static void a_rejected_session_ends(void)
{
	static struct scene s;
	struct mx_msg *m;

	scene_begin(&s);
	s.ncm_asks_lost = true;
	s.lost = 1u << MX_CAPABILITY_ACK | 1u << MX_RECONF_REQ;
	scene_up(&s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(scene_find(&s, 0, MX_CAPABILITY_ACK));
	CU_ASSERT_PTR_NOT_NULL_FATAL(world_session(&s.w, s.w.clients));
	m = mx_msg_copy(scene_the(&s, 0, MX_CAPABILITY_ACK)->msg);
	m->capability_ack.capability_ack = MX_REJECT;
	world_to_ncm(&s.w, s.w.clients, m);
	CU_ASSERT_PTR_NULL(world_session(&s.w, s.w.clients));
	mx_msg_free(m);
	scene_finish(&s);
}

static void a_session_keeps_its_id(void)
{
	static struct scene s;
	uint64_t id;

	scene_begin(&s);
	scene_up(&s);
	id = scene_session(&s)->s.session_id;
	CU_ASSERT(id != 0);
	world_restart_ccm(&s.w, s.w.clients);
	scene_up(&s);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(scene_session(&s)->s.session_id, id);
	scene_finish(&s);
}

/* ---- numbers and time ---- */

/* Own transactions count up by one; what answers has the number of what it answers. */
static void numbers(void)
{
	static struct scene s;
	uint32_t last[2] = {0};
	struct mams_error err;

	scene_begin(&s);
	scene_up(&s);
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 9, &to_lte, s.w.now, &err), 0);
	world_run(&s.w, 70000); /* keep-alives, too */
	CU_ASSERT_PTR_NOT_NULL(scene_find(&s, 0, MX_TRAFFIC_STEERING_RSP));
	CU_ASSERT_PTR_NOT_NULL(scene_find(&s, 0, MX_KEEP_ALIVE_RSP));
	for (size_t i = 0; i < s.n; i++) {
		const struct seen *m = &s.list[i];
		bool answers = m->type == MX_CAPABILITY_ACK;

		for (size_t k = 0; k < i && !answers; k++)
			answers = s.list[k].number == m->number &&
				  (s.list[k].from_ccm == m->from_ccm /* sent again */
						  ? s.list[k].type == m->type
						  : mx_type_response(s.list[k].type) == m->type);
		if (answers)
			continue;
		CU_ASSERT(last[m->from_ccm] == 0 || m->number == last[m->from_ccm] + 1);
		last[m->from_ccm] = m->number;
	}
	scene_finish(&s);
}

static void retries_then_failure(void)
{
	static struct scene s;
	struct mams_error err;
	size_t from;
	unsigned n;

	scene_begin(&s);
	scene_up(&s);
	s.lost = 1u << MX_TRAFFIC_STEERING_RSP;
	from = s.n;
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 9, &to_lte, s.w.now, &err), 0);
	world_run(&s.w, 20000);
	n = scene_count(&s, from, MX_TRAFFIC_STEERING_REQ);
	CU_ASSERT_EQUAL(n, 1 + s.w.policy.timing.retries);
	CU_ASSERT_EQUAL(s.w.clients->steer_code, ETIMEDOUT);
	/* the same message each time, the first again after MAMS_TIMEOUT */
	for (size_t i = from, k = 0; i < s.n; i++) {
		static mams_time first;

		if (s.list[i].type != MX_TRAFFIC_STEERING_REQ)
			continue;
		CU_ASSERT_EQUAL(
			s.list[i].number, scene_the(&s, from, MX_TRAFFIC_STEERING_REQ)->number);
		if (k++ == 0)
			first = s.list[i].at;
		else if (k == 2)
			CU_ASSERT_EQUAL(mams_time_ms_until(first, s.list[i].at),
				(int)s.w.policy.timing.timeout_ms);
	}
	/* each of them was acted on once */
	CU_ASSERT_EQUAL(s.w.clients->ccm.counters.steerings, 1);
	CU_ASSERT_EQUAL(s.w.clients->ccm.counters.repeated, s.w.policy.timing.retries);
	scene_finish(&s);
}

static void keep_alive(void)
{
	static struct scene s;
	const struct seen *req;
	const struct seen *rsp;
	size_t from;

	scene_begin(&s);
	s.w.policy.n_measures = 0;
	scene_up(&s);
	from = s.n;
	world_run(&s.w, s.w.policy.keep_alive_ms - 3000);
	CU_ASSERT_PTR_NULL(scene_find(&s, from, MX_KEEP_ALIVE_REQ));
	world_run(&s.w, 5000);
	req = scene_find(&s, from, MX_KEEP_ALIVE_REQ);
	rsp = scene_find(&s, from, MX_KEEP_ALIVE_RSP);
	CU_ASSERT_PTR_NOT_NULL_FATAL(req);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rsp);
	CU_ASSERT_EQUAL(req->msg->keep_alive.keep_alive_reason, MX_KA_TIMEOUT);
	CU_ASSERT(req->from_ccm != rsp->from_ccm);
	CU_ASSERT(mams_time_ms_until(req->at, rsp->at) <= (int)s.w.delay_ms + 1); /* at once */
	/* any message restarts it */
	from = s.n;
	world_run(&s.w, 20000);
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 20000);
	CU_ASSERT_PTR_NULL(scene_find(&s, from, MX_KEEP_ALIVE_REQ));
	scene_finish(&s);
}

/* ---- links ---- */

/* It must be there. */
static const struct mx_reconf_req *reported(
	const struct scene *s, size_t from, int action, uint8_t id)
{
	size_t i = from;

	while (i < s->n && !(s->list[i].type == MX_RECONF_REQ &&
				   s->list[i].msg->reconf_req.reconf_action == action &&
				   s->list[i].msg->reconf_req.connection_id == id))
		i++;
	CU_ASSERT_FATAL(i < s->n);
	return &s->list[i].msg->reconf_req;
}

static void links_are_reported(void)
{
	static struct scene s;
	const struct mx_reconf_req *r;
	struct ccm_link_state st = {.usable = true, .ifindex = 1, .mtu = 1380};
	size_t from;

	scene_begin(&s);
	scene_up(&s);
	r = reported(&s, 0, MX_SETUP, 1);
	CU_ASSERT_STRING_EQUAL(r->ip_address, "10.1.129.2");
	CU_ASSERT(r->has_mtu_size && r->mtu_size == 1500);
	CU_ASSERT_EQUAL(r->unique_session_id->session_id, scene_session(&s)->s.session_id);
	CU_ASSERT_PTR_NULL(r->ssid);
	r = reported(&s, 0, MX_SETUP, 0);
	CU_ASSERT_STRING_EQUAL(r->ssid, "office-5GHz");
	CU_ASSERT_STRING_EQUAL(r->delivery_node_id, "ap-7");
	CU_ASSERT_STRING_EQUAL(scene_session(&s)->s.links[0].ssid, "office-5GHz");
	CU_ASSERT_STRING_EQUAL(scene_session(&s)->s.links[0].node_id, "ap-7");
	CU_ASSERT_STRING_EQUAL(scene_session(&s)->s.links[1].ssid, "");
	from = s.n;
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.9");
	world_run(&s.w, 500);
	r = reported(&s, from, MX_UPDATE, 0);
	CU_ASSERT_STRING_EQUAL(r->ip_address, "10.1.1.9");
	CU_ASSERT_STRING_EQUAL(r->ssid, "office-5GHz");
	CU_ASSERT_STRING_EQUAL(r->delivery_node_id, "ap-7");
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	from = s.n;
	mams_assert(mams_addr_parse("10.1.1.9", &st.address) == 0);
	ccm_session_link(&s.w.clients->ccm, 0, &st, s.w.now);
	world_run(&s.w, 500);
	r = reported(&s, from, MX_UPDATE, 0);
	CU_ASSERT_EQUAL(r->mtu_size, 1380);
	CU_ASSERT_EQUAL(scene_session(&s)->s.links[0].mtu, 1380);
	from = s.n;
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 500);
	(void)reported(&s, from, MX_RELEASE, 0);
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_RECONF_RSP), 1);
	CU_ASSERT(world_settled(&s.w, s.w.clients, LTE));
	/* the number of another life shuts nothing out; what was overtaken has no effect */
	scene_session(&s)->s.links[0].report_num += 1u << 30;
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.9");
	world_run(&s.w, 500);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	scene_session(&s)->s.links[0].report_num += 200;
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 500);
	CU_ASSERT(scene_session(&s)->s.links[0].up);
	scene_finish(&s);
}

/* CNF comes when it is done, and without what has failed. */
static void cnf_tells_what_works(void)
{
	static struct scene s;
	const struct seen *req;
	const struct seen *cnf;

	scene_begin(&s);
	s.w.clients->broken = WIFI;
	scene_up(&s);
	req = scene_the(&s, 0, MX_UP_SETUP_CONF_REQ);
	cnf = scene_the(&s, 0, MX_UP_SETUP_CNF);
	CU_ASSERT(mams_time_ms_until(req->at, cnf->at) > 3); /* that is how long it takes */
	CU_ASSERT_EQUAL_FATAL(cnf->msg->up_setup_cnf.n_client_params, 1);
	CU_ASSERT_EQUAL(cnf->msg->up_setup_cnf.client_params[0].connection_id, 1);
	CU_ASSERT(!scene_session(&s)->s.links[0].confirmed);
	CU_ASSERT(scene_session(&s)->s.links[1].confirmed);
	/* each link has its own access's proxy */
	CU_ASSERT_EQUAL_FATAL(s.w.clients->applied.n_paths, 2);
	CU_ASSERT(!mams_addr_eq_ip(
		&s.w.clients->applied.paths[0].proxy, &s.w.clients->applied.paths[1].proxy));
	scene_finish(&s);
}

/* RFC 8743 9, figure 16: one network, then a second one. */
static void a_second_network(void)
{
	static struct scene s;
	size_t from;

	scene_begin(&s);
	world_link(&s.w, s.w.clients, 1, true, "10.1.129.2");
	world_run(&s.w, 1500);
	CU_ASSERT(world_settled(&s.w, s.w.clients, LTE));
	from = s.n;
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.2");
	world_run(&s.w, 1500);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	CU_ASSERT_PTR_NULL(scene_find(&s, from, MX_DISCOVER));
	CU_ASSERT_PTR_NOT_NULL(scene_find(&s, from, MX_UP_SETUP_CNF));
	scene_finish(&s);
}

/* ---- steering ---- */

static void steer(struct scene *s, bool measure, const struct mx_tft *of)
{
	static uint32_t number = 70000;
	uint8_t ids[] = {1};
	struct mx_feature_info f = {MX_F_MEASUREMENT, measure};
	struct mx_tft copy = *of;
	struct mx_uplink_delivery u = {
		.ul_tft = &copy, .connection_list = ids, .n_connection_list = 1};
	struct mx_msg *m = mx_msg_new(MX_TRAFFIC_STEERING_REQ, number++);

	m->traffic_steering_req = (struct mx_traffic_steering_req){.downlink_delivery = ids,
		.n_downlink_delivery = 1,
		.default_uplink_delivery = 1,
		.uplink_delivery = &u,
		.n_uplink_delivery = 1,
		.feature_active = &f,
		.n_feature_active = 1};
	world_to_ccm(&s->w, s->w.clients, m);
	mx_msg_free(m);
	world_run(&s->w, 100);
}

static void features_in_effect_are_told(void)
{
	static const struct mx_tft any = {0};
	static struct scene s;
	const struct mx_traffic_steering_rsp *r;
	size_t from;

	scene_begin(&s);
	scene_up(&s);
	for (int on = 1; on >= 0; on--) {
		from = s.n;
		steer(&s, on, &any);
		CU_ASSERT_PTR_NOT_NULL_FATAL(scene_find(&s, from, MX_TRAFFIC_STEERING_RSP));
		r = &scene_the(&s, from, MX_TRAFFIC_STEERING_RSP)->msg->traffic_steering_rsp;
		CU_ASSERT_EQUAL(
			scene_has_feature(r->feature_active, r->n_feature_active, MX_F_MEASUREMENT),
			on);
		CU_ASSERT(!scene_has_feature(
			r->feature_active, r->n_feature_active, MX_F_DOWNLINK_AGGREGATION));
		CU_ASSERT_EQUAL(ccm_session_measure_ms(&s.w.clients->ccm) != 0, on);
		CU_ASSERT_EQUAL(r->unique_session_id->session_id, scene_session(&s)->s.session_id);
	}
	scene_finish(&s);
}

static void measurements_are_reported(void)
{
	static struct scene s;
	const struct mx_measurement_report *r;

	scene_begin(&s);
	scene_up(&s);
	ccm_session_measured(&s.w.clients->ccm, 1, MX_M_DL_TPUT, 20);
	world_run(&s.w, 2000);
	r = &scene_the(&s, 0, MX_MEASUREMENT_REPORT)->msg->measurement_report;
	CU_ASSERT_EQUAL(r->unique_session_id->session_id, scene_session(&s)->s.session_id);
	CU_ASSERT_EQUAL_FATAL(r->n_measurement_reports, 1);
	CU_ASSERT_EQUAL(r->measurement_reports[0].connection_id, 1);
	CU_ASSERT_EQUAL_FATAL(r->measurement_reports[0].n_measurements, 1);
	CU_ASSERT_EQUAL(r->measurement_reports[0].measurements[0].measurement_value, 20);
	scene_finish(&s);
}

/* RFC 8743 C.2.16: what is told at its default is the same as what is not told. */
static void defaults_match_anything(void)
{
	static struct mx_port_range all = {0, 65535};
	static const struct mx_tft any = {.remote_addr_mask = "0.0.0.0/0",
		.has_protocol_type = true,
		.protocol_type = 255,
		.local_port_range = &all,
		.has_traffic_class = true,
		.traffic_class = 255,
		.has_flow_label = true};
	static struct scene s;

	scene_begin(&s);
	scene_up(&s);
	steer(&s, true, &any);
	CU_ASSERT(s.w.clients->applied.paths[0].backup);
	scene_finish(&s);
}

/* ---- the end ---- */

static void either_side_ends_it(void)
{
	static struct scene s;
	const struct seen *req;
	size_t from;

	scene_begin(&s);
	scene_up(&s);
	from = s.n;
	ncm_session_terminate(scene_session(&s), MX_INTERNAL_ERROR, s.w.now);
	world_run(&s.w, 500);
	req = scene_find(&s, from, MX_SESSION_TERMINATION_REQ);
	CU_ASSERT_PTR_NOT_NULL_FATAL(req);
	CU_ASSERT(!req->from_ccm);
	CU_ASSERT_EQUAL(req->msg->session_termination.reason, MX_INTERNAL_ERROR);
	CU_ASSERT_PTR_NOT_NULL(scene_find(&s, from, MX_SESSION_TERMINATION_RSP));
	CU_ASSERT_PTR_NULL(world_session(&s.w, s.w.clients));
	world_run(&s.w, 20000); /* anew, with Discover */
	CU_ASSERT_PTR_NOT_NULL(scene_find(&s, from, MX_DISCOVER));
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	from = s.n;
	ccm_session_stop(&s.w.clients->ccm, s.w.now);
	world_run(&s.w, 500);
	req = scene_find(&s, from, MX_SESSION_TERMINATION_REQ);
	CU_ASSERT_PTR_NOT_NULL_FATAL(req);
	CU_ASSERT(req->from_ccm);
	CU_ASSERT_EQUAL(req->msg->session_termination.reason, MX_NORMAL_RELEASE);
	CU_ASSERT_PTR_NOT_NULL(scene_find(&s, from, MX_SESSION_TERMINATION_RSP));
	CU_ASSERT_PTR_NULL(world_session(&s.w, s.w.clients));
	scene_finish(&s);
}

static void a_handover_is_told(void)
{
	static struct scene s;
	const struct seen *req;
	size_t from;

	scene_begin(&s);
	scene_up(&s);
	s.lost = 1u << MX_KEEP_ALIVE_RSP;
	from = s.n;
	ccm_session_handover(&s.w.clients->ccm, 0, s.w.now);
	world_run(&s.w, 50);
	req = scene_find(&s, from, MX_KEEP_ALIVE_REQ);
	CU_ASSERT_PTR_NOT_NULL_FATAL(req);
	CU_ASSERT(req->from_ccm);
	CU_ASSERT_EQUAL(req->msg->keep_alive.keep_alive_reason, MX_KA_HANDOVER);
	CU_ASSERT(req->msg->keep_alive.has_connection_id);
	CU_ASSERT_EQUAL(req->msg->keep_alive.connection_id, 0);
	CU_ASSERT_PTR_NOT_NULL(req->msg->keep_alive.delivery_node_id);
	CU_ASSERT_EQUAL(s.w.clients->ccm.state, CCM_STATE_HANDOVER);
	s.lost = 0;
	world_run(&s.w, 3000);
	CU_ASSERT_EQUAL(s.w.clients->ccm.state, CCM_STATE_ACTIVE);
	scene_finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"discovery goes on until it is answered", discovery_goes_on},
		{"order of a set-up", order_of_a_setup},
		{"capabilities are whole", capabilities_are_whole},
		{"only what both can", only_what_both_can},
		{"the client asks", the_client_asks},
		{"a rejected session ends", a_rejected_session_ends},
		{"a session keeps its id", a_session_keeps_its_id},
		{"numbers", numbers},
		{"retries, then failure", retries_then_failure},
		{"keep-alive", keep_alive},
		{"links are reported", links_are_reported},
		{"CNF tells what works", cnf_tells_what_works},
		{"a second network", a_second_network},
		{"features in effect are told", features_in_effect_are_told},
		{"measurements are reported", measurements_are_reported},
		{"defaults match anything", defaults_match_anything},
		{"either side ends it", either_side_ends_it},
		{"a handover is told", a_handover_is_told},
	};

	return mams_suite_run("procedures", cases, MAMS_ARRAY_LEN(cases));
}
