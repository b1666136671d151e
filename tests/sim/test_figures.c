/* RFC 8743 11, figures 18 to 21, message by message: LTE alone, Wi-Fi added, its uplink no longer
 * used, then not used at all.  Uplink and downlink lists differ in figure 20, so the anchor is one
 * by GMA; one by MPTCP_Proxy goes through the same with equal lists, and answers the other
 * truthfully. */
#include "ccm-agent/setup.h"
#include "ncm-service/tunnel.h"
#include "tests/sim/tunnels.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void begin(struct scene *s)
{
	tunnels_begin(s);
	s->ncm_asks_lost = true; /* in the figures the client asks */
}

/* These types in this order at or after a place; where the last one was, +1. */
static size_t follow(const struct scene *s, size_t from, const enum mx_type *types, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct seen *f = scene_find(s, from, types[i]);

		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		from = (size_t)(f - s->list) + 1;
	}
	return from;
}

/* The NCM's decision and what it is answered. */
static int steer(struct scene *s, size_t anchor, uint32_t ul, uint32_t dl)
{
	static const enum mx_type order[] = {MX_TRAFFIC_STEERING_REQ, MX_TRAFFIC_STEERING_RSP};
	const struct ncm_order o = {.anchor = anchor, .ul = ul, .dl = dl};
	struct mams_error err;
	size_t from = s->n;

	s->w.clients[0].steer_code = -1;
	CU_ASSERT_EQUAL_FATAL(ncm_session_steer(scene_session(s), 1, &o, s->w.now, &err), 0);
	world_run(&s->w, 1000);
	(void)follow(s, from, order, 2);
	return s->w.clients[0].steer_code;
}

/* A report of the client: steps 8, 20, 24, 27. */
static void report(struct scene *s, int32_t value)
{
	const struct mx_measurement_report *r;
	size_t from = s->n;

	ccm_session_measured(&s->w.clients->ccm, 1, MX_M_DL_TPUT, value);
	world_run(&s->w, 2000);
	r = &scene_the(s, from, MX_MEASUREMENT_REPORT)->msg->measurement_report;
	CU_ASSERT_EQUAL_FATAL(r->n_measurement_reports, 1);
	CU_ASSERT_EQUAL(r->measurement_reports[0].measurements[0].measurement_value, value);
}

/* The links of a direction, in order, those that carry and those that stand by. */
static bool carries(const struct scene *s, bool up, bool both, uint8_t first)
{
	const struct ncm_session *n = scene_session(s);
	struct ctl_msg *m = up ? ccm_tunnel_compose(&s->w.clients[0].applied.tunnel, 1)
			       : ncm_tunnel_compose(n, 1, &n->s.tunnel, 1);
	const struct ctl_tr_treat *t;
	bool good;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	t = up ? &m->tr_session_set.classes[0].ul : &m->tr_session_set.classes[0].dl;
	good = both ? t->mode == CTL_TR_SPLIT && t->n_links == 2
		    : t->mode == CTL_TR_ACTIVE_STANDBY && t->links[0] == first;
	ctl_msg_free(m);
	return good;
}

static bool is_backup(const struct scene *s, uint8_t id)
{
	const struct ccm_target *t = &s->w.clients[0].applied;

	for (size_t i = 0; i < t->n_paths; i++)
		if (t->paths[i].connection_id == id)
			return t->paths[i].backup;
	return true;
}

/* For what carries one direction alone: "ul dl", B for backup. */
static const char *ways_of(const struct scene *s, uint8_t id)
{
	const struct ccm_target *t = &s->w.clients[0].applied;

	for (size_t i = 0; i < t->n_paths; i++)
		if (t->paths[i].connection_id == id)
			return t->paths[i].backup_up     ? t->paths[i].backup_down ? "B B" : "B -"
			       : t->paths[i].backup_down ? "- B"
							 : "- -";
	return "none";
}

static void lte_then_wifi(struct scene *s)
{
	static const enum mx_type fig18[] = {MX_DISCOVER, MX_SYSTEM_INFO, MX_CAPABILITY_REQ,
		MX_CAPABILITY_RSP, MX_CAPABILITY_ACK, MX_RECONF_REQ, MX_RECONF_RSP,
		MX_UP_SETUP_CONF_REQ, MX_UP_SETUP_CNF};
	static const enum mx_type fig19[] = {
		MX_RECONF_REQ, MX_RECONF_RSP, MX_UP_SETUP_CONF_REQ, MX_UP_SETUP_CNF};
	size_t from;

	world_link(&s->w, s->w.clients, 1, true, "10.1.129.2");
	world_run(&s->w, 5000);
	(void)follow(s, 0, fig18, MAMS_ARRAY_LEN(fig18));
	(void)scene_the(s, 0, MX_MEASUREMENT_CONF);
	(void)scene_the(s, 0, MX_SSID_INDICATION);
	CU_ASSERT_EQUAL(scene_the(s, 0, MX_RECONF_REQ)->msg->reconf_req.connection_id, 1);
	CU_ASSERT_EQUAL(s->w.clients[0].applied.tunnel.n_links, 1);
	CU_ASSERT_EQUAL(s->w.clients[0].applied.n_paths, 1);
	report(s, 20);
	from = s->n;
	world_link(&s->w, s->w.clients, 0, true, "10.1.1.2");
	world_run(&s->w, 3000);
	(void)follow(s, from, fig19, MAMS_ARRAY_LEN(fig19));
	CU_ASSERT_PTR_NULL(scene_find(s, from, MX_DISCOVER));
	CU_ASSERT_EQUAL(s->w.clients[0].applied.tunnel.n_links, 2);
}

static void by_tunnel(void)
{
	static struct scene s;

	begin(&s);
	lte_then_wifi(&s);
	/* 19: LTE alone until the reports are good, then both */
	CU_ASSERT_EQUAL(steer(&s, TUNNEL, LTE, LTE), 0);
	CU_ASSERT_TRUE(carries(&s, true, false, 1) && carries(&s, false, false, 1));
	report(&s, 30);
	CU_ASSERT_EQUAL(steer(&s, TUNNEL, WIFI | LTE, WIFI | LTE), 0);
	CU_ASSERT_TRUE(carries(&s, true, true, 0) && carries(&s, false, true, 0));
	/* 20: uplink over LTE only, downlink over both */
	report(&s, 10);
	CU_ASSERT_EQUAL(steer(&s, TUNNEL, LTE, WIFI | LTE), 0);
	CU_ASSERT_TRUE(carries(&s, true, false, 1) && carries(&s, false, true, 0));
	/* 21: Wi-Fi carries nothing; it stays set up, and may return */
	report(&s, 5);
	CU_ASSERT_EQUAL(steer(&s, TUNNEL, LTE, LTE), 0);
	CU_ASSERT_TRUE(carries(&s, true, false, 1) && carries(&s, false, false, 1));
	report(&s, 40);
	CU_ASSERT_EQUAL(steer(&s, TUNNEL, WIFI | LTE, WIFI | LTE), 0);
	CU_ASSERT_TRUE(carries(&s, true, true, 0) && carries(&s, false, true, 0));
	scene_finish(&s);
}

static void by_proxy(void)
{
	static struct scene s;

	begin(&s);
	lte_then_wifi(&s);
	CU_ASSERT_EQUAL(steer(&s, PROXY, LTE, LTE), 0);
	CU_ASSERT_TRUE(is_backup(&s, 0) && !is_backup(&s, 1));
	CU_ASSERT_EQUAL(steer(&s, PROXY, WIFI | LTE, WIFI | LTE), 0);
	CU_ASSERT_TRUE(!is_backup(&s, 0) && !is_backup(&s, 1));
	CU_ASSERT_STRING_EQUAL(ways_of(&s, 0), "- -");
	/* 20: in one connection a link of either list is none of the backups */
	CU_ASSERT_EQUAL(steer(&s, PROXY, LTE, WIFI | LTE), 0);
	CU_ASSERT_TRUE(!is_backup(&s, 0) && !is_backup(&s, 1));
	CU_ASSERT_STRING_EQUAL(ways_of(&s, 0), "B -");
	CU_ASSERT_STRING_EQUAL(ways_of(&s, 1), "- -");
	CU_ASSERT_EQUAL(steer(&s, PROXY, WIFI, LTE), 0);
	CU_ASSERT_TRUE(!is_backup(&s, 0) && !is_backup(&s, 1));
	CU_ASSERT_STRING_EQUAL(ways_of(&s, 0), "- B");
	CU_ASSERT_STRING_EQUAL(ways_of(&s, 1), "B -");
	CU_ASSERT_EQUAL(steer(&s, PROXY, LTE, LTE), 0);
	CU_ASSERT_TRUE(is_backup(&s, 0) && !is_backup(&s, 1));
	scene_finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"figures 18 to 21 by tunnel", by_tunnel},
		{"figures 18 to 21 by proxy", by_proxy},
	};

	return mams_suite_run("figures", cases, MAMS_ARRAY_LEN(cases));
}
