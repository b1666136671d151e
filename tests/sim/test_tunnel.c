/* An anchor by GMA beside one by MPTCP: both cores and the network between them. */
#include "ccm-agent/setup.h"
#include "lib/mx/mx_agree.h"
#include "ncm-service/agree.h"
#include "ncm-service/compose.h"
#include "ncm-service/setup.h"
#include "ncm-service/tunnel.h"
#include "tests/sim/tunnels.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void both_at_once(void)
{
	struct scene s;
	const struct mx_up_setup_conf_req *u;
	const struct mx_convergence_config *c;
	const struct mx_up_setup_cnf *cnf;

	tunnels_begin(&s);
	scene_up(&s);
	u = &scene_the(&s, 0, MX_UP_SETUP_CONF_REQ)->msg->up_setup_conf_req;
	CU_ASSERT_EQUAL_FATAL(u->n_anchor_connections, 2);
	CU_ASSERT_EQUAL(u->anchor_connections[PROXY].convergence_config[0].convergence_method,
		MX_CONV_MPTCP_PROXY);
	c = &u->anchor_connections[TUNNEL].convergence_config[0];
	CU_ASSERT_EQUAL(c->convergence_method, MX_CONV_GMA);
	CU_ASSERT_STRING_EQUAL(c->convergence_method_params->anchor_ipv4, "10.60.0.2");
	CU_ASSERT_STRING_EQUAL(c->convergence_method_params->anchor_ipv6, "fd60::2");
	CU_ASSERT_EQUAL(c->convergence_method_params->anchor_mtu, 1400);
	CU_ASSERT_EQUAL(c->udp_port, NCM_TUNNEL_CONTROL_PORT);
	CU_ASSERT_EQUAL_FATAL(c->n_delivery_connections, 2);
	CU_ASSERT_EQUAL(c->delivery_connections[0].adaptation_method, MX_ADAPT_UDP);
	CU_ASSERT_EQUAL(c->delivery_connections[0].adaptation_method_param->tunnel_end_port, 7447);
	CU_ASSERT_EQUAL(s.w.clients[0].ccm.state, CCM_STATE_ACTIVE);
	CU_ASSERT_EQUAL(s.w.clients[0].applied.n_paths, 2);
	CU_ASSERT(
		tunnels_client(&s)->on && tunnels_client(&s)->catching && !tunnels_client(&s)->all);
	CU_ASSERT_EQUAL(tunnels_client(&s)->n_links, 2);
	tunnels_treatments(&s, "4!:0,1", "4!:0,1");
	/* R180 */
	cnf = &scene_the(&s, 0, MX_UP_SETUP_CNF)->msg->up_setup_cnf;
	CU_ASSERT_PTR_NOT_NULL_FATAL(cnf->unique_session_id);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cnf->probe_param);
	CU_ASSERT_EQUAL_FATAL(cnf->n_client_params, 2);
	CU_ASSERT_EQUAL(cnf->client_params[1].adapt_param->udp_adapt_port, 40001);
	CU_ASSERT_EQUAL(scene_session(&s)->tunnelled, WIFI | LTE);
	scene_finish(&s);
}

static void protected_on_wifi(void)
{
	const struct mx_convergence_config *c;
	struct ncm_session *n;
	struct ctl_msg *m;
	struct mams_error err;
	struct scene s;

	tunnels_begin(&s);
	s.w.policy.accesses[0].tunnel = MX_ADAPT_DTLS;
	scene_up(&s);
	c = &scene_the(&s, 0, MX_UP_SETUP_CONF_REQ)
		     ->msg->up_setup_conf_req.anchor_connections[TUNNEL]
		     .convergence_config[0];
	CU_ASSERT_EQUAL_FATAL(c->n_delivery_connections, 2);
	CU_ASSERT_EQUAL(c->delivery_connections[0].adaptation_method, MX_ADAPT_DTLS);
	CU_ASSERT_EQUAL(c->delivery_connections[1].adaptation_method, MX_ADAPT_UDP);
	CU_ASSERT_EQUAL_FATAL(tunnels_client(&s)->n_links, 2);
	CU_ASSERT_TRUE(tunnels_client(&s)->links[0].dtls);
	CU_ASSERT_FALSE(tunnels_client(&s)->links[1].dtls);
	n = scene_session(&s);
	m = ncm_tunnel_compose(n, 1, &n->s.tunnel, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_TRUE(m->tr_session_set.links[0].dtls);
	CU_ASSERT_FALSE(m->tr_session_set.links[1].dtls);
	ctl_msg_free(m);
	/* a client without DTLS has no GMA there */
	n->s.adaptation &= ~(1u << MX_ADAPT_DTLS);
	CU_ASSERT_EQUAL(ncm_setup_reaches(n, TUNNEL, 1), LTE);
	CU_ASSERT_EQUAL(ncm_session_deliveries(n, TUNNEL), LTE);
	/* a secret that is not told inside TLS protects nothing */
	n->transport = NCM_UDP;
	CU_ASSERT_EQUAL(ncm_agree(n, scene_the(&s, 0, MX_CAPABILITY_RSP)->msg, &err), 0);
	CU_ASSERT_EQUAL(n->s.adaptation, 1u << MX_ADAPT_UDP);
	scene_finish(&s);
}

/* R065: client NAT on one access, where the N-MADP is the next hop and no tunnel has a port. */
static void client_nat_on_lte(void)
{
	const struct mx_convergence_config *c;
	const struct mx_up_setup_cnf *cnf;
	struct ncm_session *n;
	struct ctl_msg *m;
	struct scene s;

	tunnels_begin(&s);
	s.w.policy.accesses[1].tunnel = MX_ADAPT_CLIENT_NAT;
	s.w.conf.client_nat = true;
	scene_up(&s);
	c = &scene_the(&s, 0, MX_UP_SETUP_CONF_REQ)
		     ->msg->up_setup_conf_req.anchor_connections[TUNNEL]
		     .convergence_config[0];
	CU_ASSERT_EQUAL_FATAL(c->n_delivery_connections, 2);
	CU_ASSERT_EQUAL(c->delivery_connections[0].adaptation_method, MX_ADAPT_UDP);
	CU_ASSERT_EQUAL(c->delivery_connections[1].adaptation_method, MX_ADAPT_CLIENT_NAT);
	CU_ASSERT_FALSE(c->delivery_connections[1].adaptation_method_param->has_tunnel_end_port);
	CU_ASSERT_EQUAL_FATAL(tunnels_client(&s)->n_links, 2);
	CU_ASSERT_FALSE(tunnels_client(&s)->links[0].client_nat);
	CU_ASSERT_TRUE(tunnels_client(&s)->links[1].client_nat);
	m = ccm_tunnel_compose(tunnels_client(&s), 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_TRUE(m->tr_session_set.links[1].client_nat && !m->tr_session_set.links[1].dtls);
	ctl_msg_free(m);
	n = scene_session(&s);
	m = ncm_tunnel_compose(n, 1, &n->s.tunnel, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_FALSE(m->tr_session_set.links[0].client_nat);
	CU_ASSERT_TRUE(m->tr_session_set.links[1].client_nat);
	ctl_msg_free(m);
	/* udp_adapt_port is for UDP; the link counts as set up without */
	cnf = &scene_the(&s, 0, MX_UP_SETUP_CNF)->msg->up_setup_cnf;
	CU_ASSERT_EQUAL_FATAL(cnf->n_client_params, 2);
	CU_ASSERT_PTR_NOT_NULL(cnf->client_params[0].adapt_param);
	CU_ASSERT_PTR_NULL(cnf->client_params[1].adapt_param);
	CU_ASSERT_EQUAL(n->tunnelled, WIFI | LTE);
	scene_finish(&s);
}

/* A client that does not offer it has no GMA on that access, and the NCM can say why. */
static void client_nat_not_offered(void)
{
	const struct mx_convergence_config *c;
	struct ncm_session *n;
	struct scene s;
	bool told = false;

	tunnels_begin(&s);
	s.w.policy.accesses[1].tunnel = MX_ADAPT_CLIENT_NAT;
	scene_up(&s);
	c = &scene_the(&s, 0, MX_UP_SETUP_CONF_REQ)
		     ->msg->up_setup_conf_req.anchor_connections[TUNNEL]
		     .convergence_config[0];
	CU_ASSERT_EQUAL_FATAL(c->n_delivery_connections, 1);
	CU_ASSERT_EQUAL(c->delivery_connections[0].connection_id, 0);
	n = scene_session(&s);
	CU_ASSERT_FALSE(n->s.adaptation & 1u << MX_ADAPT_CLIENT_NAT);
	for (size_t i = 0; i < n->n_drops; i++)
		if (n->drops[i].group == MX_GROUP_ADAPTATION &&
			n->drops[i].item == MX_ADAPT_CLIENT_NAT) {
			told = true;
			CU_ASSERT_STRING_EQUAL(
				ncm_drop_reason(&n->drops[i]), "the client does not have it");
		}
	CU_ASSERT_TRUE(told);
	scene_finish(&s);
}

static void each_way_for_itself(void)
{
	struct scene s;

	tunnels_begin(&s);
	scene_up(&s);
	CU_ASSERT_EQUAL(tunnels_steer(&s, (struct ncm_order){.dl = LTE, .ul = WIFI}), 0);
	tunnels_treatments(&s, "1!:0,1", "1!:1,0");
	CU_ASSERT_EQUAL(tunnels_steer(&s, (struct ncm_order){.dl = WIFI | LTE, .ul = LTE}), 0);
	tunnels_treatments(&s, "1!:1,0", "4!:0,1");
	CU_ASSERT_EQUAL(tunnels_steer(&s, (struct ncm_order){.dl = WIFI | LTE,
						  .ul = WIFI | LTE,
						  .ul_mode = 1 + MX_MODE_DUPLICATE,
						  .dl_mode = 1 + MX_MODE_SMALLEST_DELAY,
						  .off = 1u << MX_F_LOSSLESS_SWITCHING}),
		0);
	tunnels_treatments(&s, "5:0,1", "2:0,1");
	/* a new setup is no reason to forget it */
	world_link(&s.w, s.w.clients, 1, false, NULL);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(tunnels_client(&s)->n_links, 1);
	world_link(&s.w, s.w.clients, 1, true, "10.1.129.2");
	world_run(&s.w, 2000);
	tunnels_treatments(&s, "5:0,1", "2:0,1");
	/* the proxy's anchor has neither */
	{
		struct mams_error err;
		const struct ncm_order o = {
			.anchor = PROXY, .dl = LTE, .ul = LTE, .ul_mode = 1 + MX_MODE_SPLIT};

		CU_ASSERT_EQUAL(
			ncm_session_steer(scene_session(&s), 2, &o, s.w.now, &err), -MAMS_EVALUE);
	}
	scene_finish(&s);
}

/* What both ends of the tunnel, and the session, are told to do, as features. */
static uint32_t in_effect(const struct scene *s)
{
	const struct ncm_session *n = scene_session(s);
	struct ctl_msg *c = ccm_tunnel_compose(tunnels_client(s), 1);
	struct ctl_msg *m = ncm_tunnel_compose(n, 1, &n->s.tunnel, 1);
	uint32_t f = ccm_session_measure_ms(&s->w.clients[0].ccm) ? 1u << MX_F_MEASUREMENT : 0;

	CU_ASSERT_FATAL(c && m);
	CU_ASSERT_EQUAL(c->tr_session_set.fragmentation, m->tr_session_set.fragmentation);
	CU_ASSERT_EQUAL(c->tr_session_set.concatenation, m->tr_session_set.concatenation);
	f |= c->tr_session_set.fragmentation ? 1u << MX_F_FRAGMENTATION : 0;
	f |= c->tr_session_set.concatenation ? 1u << MX_F_CONCATENATION : 0;
	f |= c->tr_session_set.classes[0].ul.lossless && m->tr_session_set.classes[0].dl.lossless
		     ? 1u << MX_F_LOSSLESS_SWITCHING
		     : 0;
	f |= c->tr_session_set.classes[0].ul.mode == CTL_TR_SPLIT ? 1u << MX_F_UPLINK_AGGREGATION
								  : 0;
	f |= m->tr_session_set.classes[0].dl.mode == CTL_TR_SPLIT ? 1u << MX_F_DOWNLINK_AGGREGATION
								  : 0;
	f |= s->w.clients[0].ccm.off & 1u << MX_F_PROBING ? 0 : 1u << MX_F_PROBING;
	ctl_msg_free(c);
	ctl_msg_free(m);
	return f;
}

static uint32_t told(const struct mx_feature_info *f, size_t n)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= f[i].active ? 1u << f[i].feature_name : 0;
	return bits;
}

/* R105, R106, R189: each of the seven is switched off by a REQ, takes no other with it, and comes
 * back. */
static void every_feature_is_switched(void)
{
	struct scene s;

	tunnels_begin(&s);
	scene_up(&s);
	CU_ASSERT_EQUAL(scene_session(&s)->s.features, NCM_FEATURES);
	CU_ASSERT_EQUAL(in_effect(&s), NCM_FEATURES);
	for (int f = 0; f < MX_F_COUNT; f++) {
		const uint32_t rest = NCM_FEATURES & ~(1u << f);
		struct ncm_order o = {.dl = WIFI | LTE, .ul = WIFI | LTE, .off = 1u << f};
		size_t from = s.n;
		const struct mx_msg *m;

		CU_ASSERT_EQUAL(tunnels_steer(&s, o), 0);
		m = scene_the(&s, from, MX_TRAFFIC_STEERING_REQ)->msg;
		CU_ASSERT_EQUAL(told(m->traffic_steering_req.feature_active,
					m->traffic_steering_req.n_feature_active),
			rest);
		m = scene_the(&s, from, MX_TRAFFIC_STEERING_RSP)->msg;
		CU_ASSERT_EQUAL(told(m->traffic_steering_rsp.feature_active,
					m->traffic_steering_rsp.n_feature_active),
			rest);
		CU_ASSERT_EQUAL(in_effect(&s), rest);
		o.off = 0;
		CU_ASSERT_EQUAL(tunnels_steer(&s, o), 0);
		CU_ASSERT_EQUAL(in_effect(&s), NCM_FEATURES);
	}
	scene_finish(&s);
}

/* Only an anchor with GMA has PDUs to cut and to fill; the session's features go by any anchor. */
static void features_of_the_proxy(void)
{
	struct scene s;
	struct mams_error err;
	struct ncm_order o = {.anchor = PROXY,
		.dl = WIFI | LTE,
		.ul = WIFI | LTE,
		.off = 1u << MX_F_FRAGMENTATION};
	const struct mx_msg *m;

	tunnels_begin(&s);
	scene_up(&s);
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 2, &o, s.w.now, &err), -MAMS_EVALUE);
	o.off = MX_SESSION_FEATURES;
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 3, &o, s.w.now, &err), 0);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(s.w.clients[0].steer_code, 0);
	m = scene_the(&s, 0, MX_TRAFFIC_STEERING_RSP)->msg;
	CU_ASSERT_EQUAL(told(m->traffic_steering_rsp.feature_active,
				m->traffic_steering_rsp.n_feature_active),
		NCM_FEATURES & ~MX_SESSION_FEATURES & ~MX_GMA_FEATURES);
	CU_ASSERT_EQUAL(in_effect(&s), NCM_FEATURES & ~MX_SESSION_FEATURES);
	scene_finish(&s);
}

/* A request may name an MX configuration of the anchor (RFC 8743 8.7), one that there is. */
static void by_configuration(void)
{
	struct scene s;
	struct mams_error err;
	struct ncm_order o = {.anchor = PROXY, .configuration = 2, .dl = LTE, .ul = LTE};
	struct mx_msg *m;
	size_t from;

	tunnels_begin(&s);
	scene_up(&s);
	from = s.n;
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 4, &o, s.w.now, &err), 0);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(s.w.clients[0].steer_code, 0);
	m = scene_the(&s, from, MX_TRAFFIC_STEERING_REQ)->msg;
	CU_ASSERT_EQUAL(m->traffic_steering_req.mx_configuration_id, 2);
	CU_ASSERT_EQUAL(m->traffic_steering_req.default_uplink_delivery, 1);
	CU_ASSERT(
		s.w.clients[0].applied.paths[0].backup && !s.w.clients[0].applied.paths[1].backup);
	o.configuration = 9;
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 5, &o, s.w.now, &err), -MAMS_EVALUE);
	/* one that the NCM should have known not to exist */
	m = mx_msg_copy(m);
	m->sequence_num += 50000;
	m->traffic_steering_req.mx_configuration_id = 9;
	from = s.n;
	world_to_ccm(&s.w, s.w.clients, m);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_TRAFFIC_STEERING_RSP), 0);
	mx_msg_free(m);
	scene_finish(&s);
}

static void client_without_it(void)
{
	struct scene s;

	tunnels_begin(&s);
	s.w.conf.convergence = 1u << MX_CONV_MPTCP_PROXY;
	scene_up(&s);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	CU_ASSERT_FALSE(tunnels_client(&s)->on);
	CU_ASSERT_EQUAL(ncm_tunnel_anchor(scene_session(&s)), -1);
	CU_ASSERT_EQUAL(scene_session(&s)->s.features, NCM_FEATURES & ~MX_GMA_FEATURES);
	scene_finish(&s);
}

static void without_a_proxy(void)
{
	struct scene s;

	tunnels_begin(&s);
	s.w.conf.convergence = 1u << MX_CONV_GMA;
	scene_up(&s);
	CU_ASSERT_EQUAL(s.w.clients[0].ccm.state, CCM_STATE_ACTIVE);
	CU_ASSERT(tunnels_client(&s)->catching && tunnels_client(&s)->all);
	CU_ASSERT_EQUAL(s.w.clients[0].applied.n_paths, 0);
	scene_finish(&s);
}

/* A trailer that was restarted may have given the session to another of its workers. */
static void another_port(void)
{
	struct scene s;
	struct ncm_tunnel t;
	size_t before;

	tunnels_begin(&s);
	scene_up(&s);
	before = s.n;
	t = scene_session(&s)->s.tunnel;
	ncm_session_prepared(scene_session(&s), 1, &t, s.w.now);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(scene_count(&s, before, MX_UP_SETUP_CONF_REQ), 0);
	s.w.tunnel_port = t.port = 7446;
	ncm_session_prepared(scene_session(&s), 1, &t, s.w.now);
	ncm_registry_arm(s.w.registry, scene_session(&s), s.w.now);
	world_run(&s.w, 2000);
	CU_ASSERT_EQUAL(scene_count(&s, before, MX_UP_SETUP_CONF_REQ), 1);
	CU_ASSERT_EQUAL(tunnels_client(&s)->links[0].remote.port, 7446);
	scene_finish(&s);
}

static void what_fails_is_tried_again(void)
{
	struct scene s;
	size_t before;

	tunnels_begin(&s);
	s.w.clients[0].broken = LTE;
	scene_up(&s);
	CU_ASSERT_EQUAL(scene_session(&s)->tunnelled, WIFI);
	before = s.n;
	s.w.clients[0].broken = 0;
	world_run(&s.w, 5000);
	CU_ASSERT(scene_count(&s, before, MX_UP_SETUP_CONF_REQ) >= 1);
	CU_ASSERT_EQUAL(scene_session(&s)->tunnelled, WIFI | LTE);
	scene_finish(&s);
}

static void fallback(void)
{
	struct scene s;

	tunnels_begin(&s);
	scene_up(&s);
	s.w.ncm_up = false;
	world_run(&s.w, 60000);
	CU_ASSERT(tunnels_client(&s)->on); /* what runs inside goes on */
	CU_ASSERT_FALSE(tunnels_client(&s)->catching);
	s.w.ncm_up = true;
	world_run(&s.w, 90000);
	CU_ASSERT(tunnels_client(&s)->catching);
	ccm_session_stop(&s.w.clients[0].ccm, s.w.now);
	world_run(&s.w, 3000);
	CU_ASSERT_FALSE(tunnels_client(&s)->on);
	scene_finish(&s);
}

/* Make before break: the one that is left keeps the session for packets on their way to it. */
static void drained(void)
{
	struct scene s;
	struct mams_addr inside;
	unsigned moved;

	tunnels_begin(&s);
	s.w.policy.n_madps = 3;
	s.w.policy.madp_grace_ms = 5000;
	s.w.madps[2].trailer = "south.ctl";
	s.w.madps[2].mtu = 1400;
	s.w.anchors[TUNNEL].madps = 6;
	scene_up(&s);
	CU_ASSERT_EQUAL(scene_session(&s)->anchor[TUNNEL].madp, 1);
	inside = scene_session(&s)->s.tunnel.anchor4;
	ncm_madps_connected(ncm_registry_madps(s.w.registry), 2);
	moved = s.w.clients[0].moved;
	world_drain(&s.w, 1, true);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(scene_session(&s)->anchor[TUNNEL].madp, 2);
	CU_ASSERT_EQUAL(scene_session(&s)->tunnelled, WIFI | LTE);
	CU_ASSERT(mams_addr_eq_ip(&scene_session(&s)->s.tunnel.anchor4, &inside));
	CU_ASSERT_EQUAL(
		tunnels_client(&s)->links[0].remote.ip[3], s.w.madps[2].access[0].proxies[0].ip[3]);
	world_run(&s.w, 3000);
	CU_ASSERT_EQUAL(s.w.clients[0].moved, moved);
	world_run(&s.w, 1500);
	CU_ASSERT_EQUAL(s.w.clients[0].moved, moved + 1);
	CU_ASSERT_EQUAL(scene_session(&s)->left, 0);
	CU_ASSERT_FALSE(scene_session(&s)->told & 2);
	/* back within the time: it is not released */
	world_drain(&s.w, 1, false);
	world_drain(&s.w, 2, true);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(scene_session(&s)->anchor[TUNNEL].madp, 1);
	world_drain(&s.w, 2, false);
	world_drain(&s.w, 1, true);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(scene_session(&s)->anchor[TUNNEL].madp, 2);
	world_run(&s.w, 10000);
	CU_ASSERT_EQUAL(s.w.clients[0].moved, moved + 2);
	scene_finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"GMA and MPTCP at once", both_at_once},
		{"UDP with DTLS on one access", protected_on_wifi},
		{"client NAT on one access", client_nat_on_lte},
		{"client NAT that the client does not offer", client_nat_not_offered},
		{"each way for itself", each_way_for_itself},
		{"every feature is switched", every_feature_is_switched},
		{"features of the proxy's anchor", features_of_the_proxy},
		{"a configuration by its id", by_configuration},
		{"a client without it", client_without_it},
		{"all IP without a proxy", without_a_proxy},
		{"another port", another_port},
		{"what fails is tried again", what_fails_is_tried_again},
		{"fallback", fallback},
		{"drained", drained},
	};

	return mams_suite_run("tunnel", cases, MAMS_ARRAY_LEN(cases));
}
