/* Traffic of applications: classes in the tunnel and at the proxy, steered with their anchor and
 * apart from it. */
#include "ncm-service/tunnel.h"
#include "tests/sim/tunnels.h"

#include <stdio.h>
#include <string.h>

/* RFC 8743 9: by DSCP and by destination, in the tunnel in either direction and at the proxy. */
static struct mams_prefix app_servers;
static struct ncm_app_conf apps[] = {
	{.name = "voice",
		.dscp = 46,
		.protocol = 255,
		.port_last = UINT16_MAX,
		.order = {1},
		.n_order = 1},
	{.name = "bulk",
		.dscp = NCM_DSCP_ANY,
		.protocol = 17,
		.destinations = &app_servers,
		.n_destinations = 1,
		.port_first = 5000,
		.port_last = 5999,
		.order = {1, 0},
		.n_order = 2},
};

static void begin_with_applications(struct scene *s)
{
	CU_ASSERT_EQUAL_FATAL(mams_prefix_parse("198.51.100.0/24", &app_servers), 0);
	tunnels_begin(s);
	s->w.policy.apps = apps;
	s->w.policy.n_apps = MAMS_ARRAY_LEN(apps);
	scene_up(s);
	world_run(&s->w, 2000);
}

static void policies_of_applications(void)
{
	struct scene s;
	const struct ccm_target *t;
	struct ctl_msg *m;
	const struct ctl_tr_class *c;

	begin_with_applications(&s);
	t = &s.w.clients[0].applied;
	/* UDP to some servers is nothing that a proxy for TCP could have */
	CU_ASSERT_EQUAL_FATAL(t->n_classes, 1);
	CU_ASSERT_TRUE(t->classes[0].has_dscp && t->classes[0].dscp == 46);
	CU_ASSERT_TRUE(t->classes[0].n_links == 1 && t->classes[0].links[0] == 1);
	CU_ASSERT_EQUAL_FATAL(t->tunnel.n_classes, 2);
	m = ccm_tunnel_compose(&t->tunnel, 1);
	CU_ASSERT_EQUAL_FATAL(m->tr_session_set.n_classes, 3);
	c = m->tr_session_set.classes;
	CU_ASSERT_STRING_EQUAL(tunnels_said(&c[0].ul), "4!:0,1");
	CU_ASSERT_STRING_EQUAL(tunnels_said(&c[1].ul), "1!:1,0");
	CU_ASSERT_TRUE(c[1].flow_id == 1 && c[1].rules[0].has_dscp && c[1].rules[0].dscp == 46);
	CU_ASSERT_FALSE(c[1].rules[0].has_protocol);
	CU_ASSERT_TRUE(c[2].flow_id == 2 && !c[2].rules[0].has_dscp);
	CU_ASSERT_EQUAL(c[2].rules[0].protocol, 17);
	CU_ASSERT_EQUAL(c[2].rules[0].remote_port_first, 5000);
	CU_ASSERT_STRING_EQUAL(c[2].rules[0].remote, "198.51.100.0/24");
	ctl_msg_free(m);
	m = ncm_tunnel_compose(scene_session(&s), 1, &scene_session(&s)->s.tunnel, 1);
	CU_ASSERT_EQUAL_FATAL(m->tr_session_set.n_classes, 3);
	c = m->tr_session_set.classes;
	CU_ASSERT_STRING_EQUAL(tunnels_said(&c[0].dl), "4!:0,1");
	CU_ASSERT_STRING_EQUAL(tunnels_said(&c[1].dl), "1!:1,0");
	CU_ASSERT_TRUE(c[1].flow_id == 1 && c[1].rules[0].dscp == 46);
	ctl_msg_free(m);
	scene_finish(&s);
}

/* The operator's lists bound it, and a new setup is no reason to forget it. */
static void policies_and_lists(void)
{
	struct scene s;
	const struct ccm_target *t;

	begin_with_applications(&s);
	t = &s.w.clients[0].applied;
	CU_ASSERT_EQUAL(tunnels_steer(&s, (struct ncm_order){.dl = WIFI, .ul = WIFI}), 0);
	CU_ASSERT_EQUAL_FATAL(t->tunnel.n_classes, 1);
	CU_ASSERT_TRUE(t->tunnel.classes[0].n_links == 1 && t->tunnel.classes[0].links[0] == 0);
	CU_ASSERT_EQUAL(tunnels_steer(&s, (struct ncm_order){.dl = WIFI | LTE, .ul = LTE}), 0);
	CU_ASSERT_EQUAL(t->tunnel.n_classes, 2);
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 2000);
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.7");
	world_run(&s.w, 3000);
	CU_ASSERT_EQUAL(t->tunnel.n_classes, 2);
	CU_ASSERT_EQUAL(t->n_classes, 1);
	scene_finish(&s);
}

/* "UL DL" of a class, as either end is told for the direction that it sends. */
static const char *class_says(struct scene *s, unsigned cls)
{
	static char text[90];
	struct ctl_msg *c = ccm_tunnel_compose(tunnels_client(s), 1);
	struct ctl_msg *m = ncm_tunnel_compose(scene_session(s), 1, &scene_session(s)->s.tunnel, 1);

	CU_ASSERT_FATAL(c && m && cls < c->tr_session_set.n_classes);
	CU_ASSERT_EQUAL_FATAL(c->tr_session_set.n_classes, m->tr_session_set.n_classes);
	snprintf(text, sizeof(text), "%s %s", tunnels_said(&c->tr_session_set.classes[cls].ul),
		tunnels_said(&m->tr_session_set.classes[cls].dl));
	ctl_msg_free(c);
	ctl_msg_free(m);
	return text;
}

static struct ncm_order for_app(unsigned i, struct ncm_app_way ul, struct ncm_app_way dl)
{
	struct ncm_order o = {.app = (uint8_t)(1 + i), .steered = {.ul = ul, .dl = dl}};

	snprintf(o.steered.name, sizeof(o.steered.name), "%s", apps[i].name);
	return o;
}

/* One class moves, the other and what is in none stay: voice is class 1, bulk class 2. */
static void an_application_alone(void)
{
	const struct ncm_app_way as_is = {0};
	const struct ncm_app_way wifi = {.links = WIFI};
	struct scene s;
	size_t from;
	const struct mx_traffic_steering_req *r;

	begin_with_applications(&s);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:1,0 1!:1,0");
	CU_ASSERT_STRING_EQUAL(class_says(&s, 2), "1!:1,0 1!:1,0");
	from = s.n;
	CU_ASSERT_EQUAL(tunnels_steer(&s, for_app(0, wifi, as_is)), 0);
	r = &scene_the(&s, from, MX_TRAFFIC_STEERING_REQ)->msg->traffic_steering_req;
	CU_ASSERT_EQUAL_FATAL(r->n_uplink_delivery, 3);
	CU_ASSERT_EQUAL(r->uplink_delivery[0].n_connection_list, 1);
	CU_ASSERT_EQUAL(r->uplink_delivery[0].connection_list[0], 0);
	CU_ASSERT_EQUAL(r->n_uplink_modes, 0);
	CU_ASSERT_EQUAL(r->uplink_delivery[1].connection_list[0], 1);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:0,1 1!:1,0");
	CU_ASSERT_EQUAL(tunnels_steer(&s, for_app(0, wifi, wifi)), 0);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:0,1 1!:0,1");
	CU_ASSERT_STRING_EQUAL(class_says(&s, 2), "1!:1,0 1!:1,0");
	tunnels_treatments(&s, "4!:0,1", "4!:0,1");
	/* its mode, each way, and the link named first in front */
	from = s.n;
	CU_ASSERT_EQUAL(tunnels_steer(&s, for_app(0,
						  (struct ncm_app_way){.links = WIFI | LTE,
							  .first = 1,
							  .mode = 1 + MX_MODE_DUPLICATE},
						  (struct ncm_app_way){.links = WIFI | LTE,
							  .mode = 1 + MX_MODE_SPLIT})),
		0);
	r = &scene_the(&s, from, MX_TRAFFIC_STEERING_REQ)->msg->traffic_steering_req;
	CU_ASSERT_EQUAL_FATAL(r->n_uplink_modes, 1);
	CU_ASSERT_EQUAL(r->uplink_modes[0].entry, 0);
	CU_ASSERT_EQUAL(r->uplink_modes[0].mode, MX_MODE_DUPLICATE);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "5!:1,0 4!:0,1");
	CU_ASSERT_STRING_EQUAL(class_says(&s, 2), "1!:1,0 1!:1,0");
	tunnels_treatments(&s, "4!:0,1", "4!:0,1");
	/* the anchor is steered: this one stays where it was put, the other follows */
	CU_ASSERT_EQUAL(tunnels_steer(&s, (struct ncm_order){.dl = WIFI, .ul = WIFI}), 0);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "5!:1,0 4!:0,1");
	CU_ASSERT_STRING_EQUAL(class_says(&s, 2), "1!:0,1 1!:0,1");
	CU_ASSERT_EQUAL(tunnels_steer(&s, (struct ncm_order){.app = 1}), 0);
	CU_ASSERT_EQUAL(tunnels_client(&s)->n_classes, 1); /* voice has no link of its own here */
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:0,1 1!:0,1");
	/* downlink alone of one that has no uplink of its own in these lists */
	CU_ASSERT_EQUAL(tunnels_steer(&s,
				for_app(0, as_is, (struct ncm_app_way){.links = LTE, .first = 1})),
		0);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:0,1 1!:1,0");
	scene_finish(&s);
}

/* Links that go take nobody with them; a restart and a new setup forget nothing. */
static void an_application_and_links(void)
{
	const struct ncm_app_way wifi = {.links = WIFI};
	struct scene s;
	struct mams_error err;
	struct ncm_order o;

	begin_with_applications(&s);
	CU_ASSERT_EQUAL(tunnels_steer(&s, for_app(0, wifi, wifi)), 0);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:0,1 1!:0,1");
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 2000);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:1 1!:0,1"); /* which is down */
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.7");
	world_run(&s.w, 3000);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:0,1 1!:0,1");
	world_restart_ncm(&s.w, true);
	world_run(&s.w, 20000);
	CU_ASSERT_EQUAL(s.w.clients[0].ccm.state, CCM_STATE_ACTIVE);
	CU_ASSERT_STRING_EQUAL(class_says(&s, 1), "1!:0,1 1!:0,1");
	/* a proxy carries both directions of a flow over the same links, in one way */
	o = for_app(0, wifi, wifi);
	o.anchor = PROXY;
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 2, &o, s.w.now, &err), -MAMS_EVALUE);
	o = for_app(0, (struct ncm_app_way){.links = 1u << 9}, wifi);
	o.anchor = TUNNEL;
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 3, &o, s.w.now, &err), -MAMS_EVALUE);
	scene_finish(&s);
}

/* RFC 8743 C.2.16, whatever an NCM makes of it: in a tunnel a template may ask for all that a
 * packet shows, our own side of it as well. */
static void whole_templates(void)
{
	static struct mx_port_range own = {4000, 4099};
	struct scene s;
	struct ctl_msg *c;
	const struct ctl_tr_rule *r;
	struct mx_msg *m;
	struct mx_tft *t;
	size_t from;

	begin_with_applications(&s);
	from = s.n;
	CU_ASSERT_EQUAL(
		tunnels_steer(&s, (struct ncm_order){.dl = WIFI | LTE, .ul = WIFI | LTE}), 0);
	m = mx_msg_copy(scene_the(&s, from, MX_TRAFFIC_STEERING_REQ)->msg);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	m->sequence_num += 50000;
	t = m->traffic_steering_req.uplink_delivery[0].ul_tft;
	t->local_addr_mask = "10.60.0.0/24";
	t->local_port_range = &own;
	t->has_flow_label = true;
	t->flow_label = 0xabcde;
	from = s.n;
	world_to_ccm(&s.w, s.w.clients, m);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_TRAFFIC_STEERING_RSP), 1);
	CU_ASSERT_EQUAL_FATAL(tunnels_client(&s)->n_classes, 2);
	c = ccm_tunnel_compose(tunnels_client(&s), 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	r = c->tr_session_set.classes[1].rules;
	CU_ASSERT_STRING_EQUAL(r->local, "10.60.0.0/24");
	CU_ASSERT_TRUE(r->has_local_port_first && r->has_local_port_last);
	CU_ASSERT_TRUE(r->local_port_first == 4000 && r->local_port_last == 4099);
	CU_ASSERT_TRUE(r->has_flow_label && r->flow_label == 0xabcde);
	CU_ASSERT_TRUE(r->has_dscp && r->dscp == 46);
	r = c->tr_session_set.classes[2].rules;
	CU_ASSERT_PTR_NULL(r->local);
	CU_ASSERT_FALSE(r->has_local_port_first || r->has_local_port_last || r->has_flow_label);
	ctl_msg_free(c);
	/* what is no network is refused as a whole: nothing changes */
	t->local_addr_mask = "10.60.0.1/24";
	m->sequence_num++;
	world_to_ccm(&s.w, s.w.clients, m);
	world_run(&s.w, 1000);
	CU_ASSERT_STRING_EQUAL(tunnels_client(&s)->classes[0].local, "10.60.0.0/24");
	CU_ASSERT_EQUAL(s.w.clients[0].ccm.counters.steerings_refused, 1);
	t->local_addr_mask = NULL;
	t->local_port_range = NULL;
	mx_msg_free(m);
	scene_finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"policies of applications", policies_of_applications},
		{"policies and lists", policies_and_lists},
		{"an application alone", an_application_alone},
		{"whole templates", whole_templates},
		{"an application and links", an_application_and_links},
	};

	return mams_suite_run("applications", cases, MAMS_ARRAY_LEN(cases));
}
