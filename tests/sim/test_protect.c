/* An access with IPsec: both cores, what they tell each other and the two charons. */
#include "ccm-agent/protect.h"
#include "ncm-service/protect.h"
#include "tests/sim/scene.h"

#include <string.h>

#define WIFI 0
#define LTE 1
#define ADDRESS "10.1.1.2"
#define OTHER_ADDRESS "10.1.1.77"

static void begin(struct scene *s, bool client_can)
{
	scene_begin(s);
	s->w.policy.accesses[WIFI].adaptation = NCM_ADAPT_IPSEC;
	s->w.conf.ipsec = client_can;
}

static void finish(struct scene *s)
{
	s->w.policy.accesses[WIFI].adaptation = NCM_ADAPT_NONE; /* others use it, too */
	scene_finish(s);
}

static const struct ccm_target *applied(const struct scene *s)
{
	return &s->w.clients[0].applied;
}

/* Bits of the connections that have a path. */
static uint32_t paths(const struct scene *s)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < applied(s)->n_paths; i++)
		bits |= 1u << applied(s)->paths[i].connection_id;
	return bits;
}

static void say(struct scene *s, bool up)
{
	struct ccm_assoc a;
	struct ccm_sa sa;

	CU_ASSERT_EQUAL_FATAL(applied(s)->n_assocs, 1);
	a = applied(s)->assocs[0];
	sa = (struct ccm_sa){.anchor_id = a.anchor_id,
		.connection_id = a.connection_id,
		.local = a.local,
		.proxy = a.proxy};
	sa.proxy.port = 0;
	CU_ASSERT(ccm_session_sa(&s->w.clients[0].ccm, &sa, up));
	CU_ASSERT(!ccm_session_sa(&s->w.clients[0].ccm, &sa, up));
	world_run(&s->w, 500);
}

/* What the N-MADP's proxy would be told. */
static struct ctl_msg *told(const struct scene *s)
{
	struct ctl_msg *m = ctl_msg_new(CTL_PX_CLIENT_SET, 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT(ncm_protect_tell(m, scene_session(s), 0));
	return m;
}

static void figure_8(void)
{
	struct scene s;
	const struct mx_up_setup_conf_req *u;
	const struct mx_setup_delivery *d;
	struct ctl_msg *m;

	begin(&s, true);
	scene_up(&s);
	u = &scene_the(&s, 0, MX_UP_SETUP_CONF_REQ)->msg->up_setup_conf_req;
	d = &u->anchor_connections[0].convergence_config[WIFI].delivery_connections[0];
	CU_ASSERT(d->has_adaptation_method);
	CU_ASSERT_EQUAL(d->adaptation_method, MX_ADAPT_IPSEC);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->adaptation_method_param);
	CU_ASSERT_STRING_EQUAL(d->adaptation_method_param->tunnel_ip_addr,
		u->anchor_connections[0]
			.convergence_config[WIFI]
			.convergence_method_params->proxy_ip);
	CU_ASSERT(!u->anchor_connections[0]
			   .convergence_config[LTE]
			   .delivery_connections[0]
			   .has_adaptation_method);
	/* both ends know the same of it, and the path waits for the association */
	m = told(&s);
	CU_ASSERT_EQUAL_FATAL(m->px_client_set.n_protect, 1);
	CU_ASSERT_EQUAL_FATAL(applied(&s)->n_assocs, 1);
	CU_ASSERT(strlen(m->px_client_set.protect[0].secret) >= 16);
	CU_ASSERT_STRING_EQUAL(m->px_client_set.protect[0].secret, applied(&s)->assocs[0].secret);
	CU_ASSERT_EQUAL(m->px_client_set.protect[0].session_id, applied(&s)->session_id);
	CU_ASSERT_EQUAL(m->px_client_set.protect[0].ncm_id, applied(&s)->ncm_id);
	CU_ASSERT(mams_addr_eq_ip(
		&m->px_client_set.protect[0].remote, &applied(&s)->assocs[0].local));
	ctl_msg_free(m);
	CU_ASSERT_EQUAL(paths(&s), 1u << LTE);
	say(&s, true);
	CU_ASSERT_EQUAL(paths(&s), 3u);
	say(&s, false);
	CU_ASSERT_EQUAL(paths(&s), 1u << LTE);
	say(&s, true);
	CU_ASSERT_EQUAL(paths(&s), 3u);
	finish(&s);
}

/* Both ends are told that there may be a NAT. */
static void behind_nat(void)
{
	struct scene s;
	const struct mx_setup_delivery *d;
	struct ctl_msg *m;

	begin(&s, true);
	s.w.policy.accesses[WIFI].nat = true;
	scene_up(&s);
	d = &scene_the(&s, 0, MX_UP_SETUP_CONF_REQ)
		     ->msg->up_setup_conf_req.anchor_connections[0]
		     .convergence_config[WIFI]
		     .delivery_connections[0];
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->adaptation_method_param);
	CU_ASSERT(d->adaptation_method_param->has_nat && d->adaptation_method_param->nat);
	CU_ASSERT_EQUAL_FATAL(applied(&s)->n_assocs, 1);
	CU_ASSERT(applied(&s)->assocs[0].nat);
	m = told(&s);
	CU_ASSERT_EQUAL_FATAL(m->px_client_set.n_protect, 1);
	CU_ASSERT(m->px_client_set.protect[0].has_nat && m->px_client_set.protect[0].nat);
	ctl_msg_free(m);
	s.w.policy.accesses[WIFI].nat = false;
	finish(&s);
}

static void cannot(void)
{
	struct scene s;
	const struct ncm_session *n;
	bool told_why = false;

	begin(&s, false);
	scene_up(&s);
	CU_ASSERT_EQUAL(paths(&s), 1u << LTE);
	CU_ASSERT_EQUAL(applied(&s)->n_assocs, 0);
	CU_ASSERT_EQUAL(scene_session(&s)->s.links[WIFI].admission, NCM_ADMIT_NO_IPSEC);
	n = scene_session(&s);
	for (size_t i = 0; i < n->n_drops; i++)
		told_why |= n->drops[i].group == MX_GROUP_ADAPTATION &&
			    n->drops[i].item == MX_ADAPT_IPSEC && n->drops[i].by_peer;
	CU_ASSERT(told_why);
	finish(&s);
}

static void another_address(void)
{
	struct scene s;
	char before[CCM_SECRET_MAX];
	struct ctl_msg *m;

	begin(&s, true);
	scene_up(&s);
	say(&s, true);
	memcpy(before, applied(&s)->assocs[0].secret, sizeof(before));
	world_link(&s.w, &s.w.clients[0], WIFI, true, OTHER_ADDRESS);
	world_run(&s.w, 5000);
	/* another association, by another secret: the one that stood is of no use to it */
	CU_ASSERT_EQUAL_FATAL(applied(&s)->n_assocs, 1);
	CU_ASSERT_STRING_NOT_EQUAL(applied(&s)->assocs[0].secret, before);
	CU_ASSERT_EQUAL(paths(&s), 1u << LTE);
	m = told(&s);
	CU_ASSERT_STRING_EQUAL(m->px_client_set.protect[0].secret, applied(&s)->assocs[0].secret);
	ctl_msg_free(m);
	say(&s, true);
	CU_ASSERT_EQUAL(paths(&s), 3u);
	finish(&s);
}

static void released(void)
{
	struct scene s;
	struct ctl_msg *m;

	begin(&s, true);
	scene_up(&s);
	say(&s, true);
	world_link(&s.w, &s.w.clients[0], WIFI, false, NULL);
	world_run(&s.w, 5000);
	CU_ASSERT_EQUAL(applied(&s)->n_assocs, 0);
	CU_ASSERT_EQUAL(scene_session(&s)->s.links[WIFI].secret[0], '\0');
	m = told(&s);
	CU_ASSERT(m->px_client_set.has_protecting && m->px_client_set.protecting);
	CU_ASSERT_EQUAL(m->px_client_set.n_protect, 0);
	ctl_msg_free(m);
	finish(&s);
}

static void ncm_restarts(void)
{
	struct scene s;
	char before[CCM_SECRET_MAX];

	begin(&s, true);
	scene_up(&s);
	say(&s, true);
	memcpy(before, applied(&s)->assocs[0].secret, sizeof(before));
	/* no store holds it */
	mams_wipe(s.w.clients[0].stored.links[WIFI].secret, NCM_KEY_MAX);
	world_restart_ncm(&s.w, true);
	world_run(&s.w, 10000);
	CU_ASSERT_EQUAL_FATAL(applied(&s)->n_assocs, 1);
	CU_ASSERT_STRING_NOT_EQUAL(applied(&s)->assocs[0].secret, before);
	CU_ASSERT_STRING_EQUAL(
		applied(&s)->assocs[0].secret, scene_session(&s)->s.links[WIFI].secret);
	CU_ASSERT_EQUAL(paths(&s), 3u); /* what stands goes on */
	finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"figure 8: parameters, association, path", figure_8},
		{"behind a NAT", behind_nat},
		{"a client that cannot", cannot},
		{"another address", another_address},
		{"a link is released", released},
		{"the NCM starts again", ncm_restarts},
	};

	return mams_suite_run("protect", cases, MAMS_ARRAY_LEN(cases));
}
