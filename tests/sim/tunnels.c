#include "tests/sim/tunnels.h"

#include "ncm-service/tunnel.h"

#include <stdio.h>
#include <string.h>

void tunnels_begin(struct scene *s)
{
	struct world *w;

	scene_begin(s);
	w = &s->w;
	w->madps[1].trailer = "east.ctl";
	w->madps[1].mtu = 1400;
	w->anchors[0].madps = 1;
	w->anchors[1] = (struct ncm_anchor_conf){.name = "udp",
		.connection_id = 4,
		.connection_type = MX_LTE,
		.methods = 1u << MX_CONV_GMA,
		.accesses = 3,
		.madps = 2};
	w->policy.n_anchors = 2;
	w->policy.n_madps = 2;
	w->tunnel_port = 7447;
	w->conf.convergence |= 1u << MX_CONV_GMA;
	ncm_madps_connected(ncm_registry_madps(w->registry), 1);
}

const struct ccm_tunnel *tunnels_client(const struct scene *s)
{
	return &s->w.clients[0].applied.tunnel;
}

int tunnels_steer(struct scene *s, struct ncm_order o)
{
	struct mams_error err;

	o.anchor = TUNNEL;
	s->w.clients[0].steer_code = -1;
	if (ncm_session_steer(scene_session(s), 1, &o, s->w.now, &err) < 0)
		return -2;
	world_run(&s->w, 1000);
	return s->w.clients[0].steer_code;
}

const char *tunnels_said(const struct ctl_tr_treat *t)
{
	static char text[2][40];
	static unsigned turn;
	char *out = text[turn++ % 2];
	size_t n = (size_t)snprintf(out, 40, "%d%s:", t->mode, t->lossless ? "!" : "");

	for (size_t i = 0; i < t->n_links; i++)
		n += (size_t)snprintf(out + n, 40 - n, "%s%u", i ? "," : "", t->links[i]);
	return out;
}

void tunnels_treatments(struct scene *s, const char *ul, const char *dl)
{
	const struct ncm_session *n = scene_session(s);
	struct ctl_msg *at_client = ccm_tunnel_compose(tunnels_client(s), 1);
	struct ctl_msg *at_madp = ncm_tunnel_compose(n, 1, &n->s.tunnel, 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at_client);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at_madp);
	CU_ASSERT_STRING_EQUAL(tunnels_said(&at_client->tr_session_set.classes[0].ul), ul);
	CU_ASSERT_STRING_EQUAL(tunnels_said(&at_madp->tr_session_set.classes[0].dl), dl);
	CU_ASSERT_EQUAL(at_client->tr_session_set.session_id, at_madp->tr_session_set.session_id);
	CU_ASSERT_STRING_EQUAL(at_client->tr_session_set.secret, at_madp->tr_session_set.secret);
	ctl_msg_free(at_client);
	ctl_msg_free(at_madp);
}
