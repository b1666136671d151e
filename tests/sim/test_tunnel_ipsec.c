/* A tunnel with IPsec on one access: both cores, what they tell each other, the trailers and the
 * two charons. */
#include "ccm-agent/protect.h"
#include "ncm-service/protect.h"
#include "ncm-service/setup.h"
#include "ncm-service/tunnel.h"
#include "tests/sim/tunnels.h"

#include <string.h>

#define OTHER_ADDRESS "10.1.1.77"

static void begin(struct scene *s, bool client_can)
{
	tunnels_begin(s);
	s->w.policy.accesses[0].tunnel = MX_ADAPT_IPSEC;
	s->w.conf.ipsec = client_can;
	scene_up(s);
}

static void finish(struct scene *s)
{
	s->w.policy.accesses[0].tunnel = MX_ADAPT_UDP; /* others use it, too */
	s->w.policy.accesses[0].nat = false;
	scene_finish(s);
}

static const struct ccm_assoc *assoc(const struct scene *s)
{
	const struct ccm_target *t = &s->w.clients[0].applied;

	CU_ASSERT_EQUAL_FATAL(t->n_assocs, 1);
	return &t->assocs[0];
}

/* Bits of the connections that the client's trailer has. */
static uint32_t links(const struct scene *s)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < tunnels_client(s)->n_links; i++)
		bits |= 1u << tunnels_client(s)->links[i].connection_id;
	return bits;
}

static void say(struct scene *s, bool up)
{
	const struct ccm_assoc *a = assoc(s);
	struct ccm_sa sa = {.anchor_id = a->anchor_id,
		.connection_id = a->connection_id,
		.local = a->local,
		.proxy = a->proxy};

	CU_ASSERT(ccm_session_sa(&s->w.clients[0].ccm, &sa, up));
	world_run(&s->w, 500);
}

/* What the N-MADP's trailer would be told. */
static struct ctl_msg *told(const struct scene *s)
{
	struct ncm_session *n = scene_session(s);
	struct ctl_msg *m = ncm_tunnel_compose(n, 1, &n->s.tunnel, 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	return m;
}

static void both_ends(void)
{
	const struct mx_convergence_config *c;
	const struct mx_adaptation_params *p;
	const struct ctl_tr_link *l;
	struct ctl_msg *m;
	struct scene s;

	begin(&s, true);
	c = &scene_the(&s, 0, MX_UP_SETUP_CONF_REQ)
		     ->msg->up_setup_conf_req.anchor_connections[TUNNEL]
		     .convergence_config[0];
	CU_ASSERT_EQUAL_FATAL(c->n_delivery_connections, 2);
	CU_ASSERT_EQUAL(c->delivery_connections[0].adaptation_method, MX_ADAPT_IPSEC);
	CU_ASSERT_EQUAL(c->delivery_connections[1].adaptation_method, MX_ADAPT_UDP);
	/* the link has a secret of its own, the tunnel's comes with the anchor */
	p = c->delivery_connections[0].adaptation_method_param;
	CU_ASSERT_EQUAL(p->tunnel_end_port, 7447);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c->convergence_method_params->client_key);
	CU_ASSERT_STRING_NOT_EQUAL(p->shared_secret, c->convergence_method_params->client_key);
	CU_ASSERT_STRING_EQUAL(c->delivery_connections[1].adaptation_method_param->shared_secret,
		c->convergence_method_params->client_key);
	m = told(&s);
	CU_ASSERT_EQUAL_FATAL(m->tr_session_set.n_links, 2);
	l = m->tr_session_set.links;
	CU_ASSERT_TRUE(l[0].ipsec && !l[0].dtls && !l[1].ipsec);
	CU_ASSERT_PTR_NULL(l[1].protect);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l[0].protect);
	CU_ASSERT_TRUE(assoc(&s)->tunnel);
	CU_ASSERT_STRING_EQUAL(l[0].protect->secret, assoc(&s)->secret);
	CU_ASSERT_STRING_EQUAL(l[0].protect->secret, p->shared_secret);
	CU_ASSERT_EQUAL(l[0].protect->anchor_id, assoc(&s)->anchor_id);
	CU_ASSERT(mams_addr_eq_ip(&l[0].protect->local, &assoc(&s)->proxy));
	CU_ASSERT(mams_addr_eq_ip(&l[0].protect->remote, &assoc(&s)->local));
	ctl_msg_free(m);
	/* subflows are as they were, and the tunnel's link waits for its association */
	CU_ASSERT_EQUAL(s.w.clients[0].applied.n_paths, 2);
	CU_ASSERT_EQUAL(links(&s), LTE);
	say(&s, true);
	CU_ASSERT_EQUAL(links(&s), WIFI | LTE);
	tunnels_treatments(&s, "4!:0,1", "4!:0,1");
	m = ccm_tunnel_compose(tunnels_client(&s), 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	l = m->tr_session_set.links;
	/* the route into the association is another device's */
	CU_ASSERT_TRUE(l[0].ipsec && !l[0].device && !l[1].ipsec && l[1].device);
	ctl_msg_free(m);
	say(&s, false);
	CU_ASSERT_EQUAL(links(&s), LTE);
	CU_ASSERT_EQUAL(s.w.clients[0].applied.n_paths, 2);
	finish(&s);
}

static void cannot(void)
{
	const struct ncm_session *n;
	bool told_why = false;
	struct scene s;

	begin(&s, false);
	n = scene_session(&s);
	CU_ASSERT_EQUAL(links(&s), LTE);
	CU_ASSERT_EQUAL(s.w.clients[0].applied.n_assocs, 0);
	CU_ASSERT_EQUAL(ncm_session_deliveries(n, TUNNEL), LTE);
	/* its subflows need none */
	CU_ASSERT_EQUAL(s.w.clients[0].applied.n_paths, 2);
	for (size_t i = 0; i < n->n_drops; i++)
		told_why |= n->drops[i].group == MX_GROUP_ADAPTATION &&
			    n->drops[i].item == MX_ADAPT_IPSEC && n->drops[i].by_peer;
	CU_ASSERT(told_why);
	finish(&s);
}

/* All links have IPsec: what a client without it could have of GMA is nothing. */
static void cannot_at_all(void)
{
	struct scene s;

	tunnels_begin(&s);
	s.w.policy.accesses[0].tunnel = s.w.policy.accesses[1].tunnel = MX_ADAPT_IPSEC;
	scene_up(&s);
	CU_ASSERT_EQUAL(scene_session(&s)->s.convergence, 1u << MX_CONV_MPTCP_PROXY);
	CU_ASSERT_FALSE(tunnels_client(&s)->on);
	CU_ASSERT_EQUAL(s.w.clients[0].applied.n_paths, 2);
	s.w.policy.accesses[1].tunnel = MX_ADAPT_UDP;
	finish(&s);
}

static void another_address(void)
{
	char before[CCM_SECRET_MAX];
	struct ctl_msg *m;
	struct scene s;

	begin(&s, true);
	say(&s, true);
	memcpy(before, assoc(&s)->secret, sizeof(before));
	world_link(&s.w, &s.w.clients[0], 0, false, NULL);
	world_run(&s.w, 20);
	world_link(&s.w, &s.w.clients[0], 0, true, OTHER_ADDRESS);
	world_run(&s.w, 5000);
	/* another association, by another secret: the one that stood is of no use to it */
	CU_ASSERT_STRING_NOT_EQUAL(assoc(&s)->secret, before);
	CU_ASSERT_EQUAL(links(&s), LTE);
	m = told(&s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->tr_session_set.links[0].protect);
	CU_ASSERT_STRING_EQUAL(m->tr_session_set.links[0].protect->secret, assoc(&s)->secret);
	CU_ASSERT(mams_addr_eq_ip(&m->tr_session_set.links[0].protect->remote, &assoc(&s)->local));
	ctl_msg_free(m);
	say(&s, true);
	CU_ASSERT_EQUAL(links(&s), WIFI | LTE);
	finish(&s);
}

static void released(void)
{
	struct ctl_msg *m;
	struct scene s;

	begin(&s, true);
	say(&s, true);
	world_link(&s.w, &s.w.clients[0], 0, false, NULL);
	world_run(&s.w, 5000);
	CU_ASSERT_EQUAL(s.w.clients[0].applied.n_assocs, 0);
	CU_ASSERT_EQUAL(scene_session(&s)->s.links[0].secret[0], '\0');
	m = told(&s);
	CU_ASSERT_EQUAL_FATAL(m->tr_session_set.n_links, 1);
	CU_ASSERT_EQUAL(m->tr_session_set.links[0].connection_id, 1);
	ctl_msg_free(m);
	finish(&s);
}

static void ncm_restarts(void)
{
	struct ncm_session *n;
	struct ctl_msg *m;
	struct scene s;

	begin(&s, true);
	say(&s, true);
	/* no store holds it; until another one is drawn the trailer keeps what it has */
	n = scene_session(&s);
	mams_wipe(n->s.links[0].secret, NCM_KEY_MAX);
	m = told(&s);
	CU_ASSERT_TRUE(m->tr_session_set.links[0].ipsec);
	CU_ASSERT_PTR_NULL(m->tr_session_set.links[0].protect);
	ctl_msg_free(m);
	mams_wipe(s.w.clients[0].stored.links[0].secret, NCM_KEY_MAX);
	world_restart_ncm(&s.w, true);
	world_run(&s.w, 10000);
	CU_ASSERT_STRING_EQUAL(assoc(&s)->secret, scene_session(&s)->s.links[0].secret);
	CU_ASSERT_EQUAL(links(&s), WIFI | LTE); /* what stands goes on */
	finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"parameters, association, link", both_ends},
		{"a client that cannot", cannot},
		{"a client that cannot, on any link", cannot_at_all},
		{"another address", another_address},
		{"a link is released", released},
		{"the NCM starts again", ncm_restarts},
	};

	return mams_suite_run("tunnel_ipsec", cases, MAMS_ARRAY_LEN(cases));
}
