#include "ccm-agent/plane.h"

#include "ccm-agent/advice.h"
#include "ccm-agent/compose.h"
#include "ccm-agent/detour.h"
#include "ccm-agent/leave.h"
#include "ccm-agent/setup.h"
#include "ccm-agent/steering.h"

#include <errno.h>
#include <string.h>

/* Not one that anything has had before: the plugin tells groups apart beyond our own life. */
static uint32_t draw_group(struct ccm_session *s)
{
	return (uint32_t)(ccm_session_draw(s) >> 33) | 1u;
}

int ccm_plane_setup(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_up_setup_conf_req *u = &m->up_setup_conf_req;
	struct mx_msg *copy = mx_msg_copy(m);

	(void)err;
	if (!copy)
		return -ENOMEM;
	ccm_setup_admit(s, u, now, draw_group);
	/* overtaken before it was answered: should it come again, it is not acted on */
	if (s->setup_req)
		(void)mx_exchange_give(&s->exchange, s->setup_req, NULL);
	mx_msg_free(s->setup_req);
	s->setup_req = copy;
	s->set_up = true;
	s->fallen_back = false;
	s->counters.setups++;
	ccm_session_apply(s);
	return 0;
}

static void take_features(
	struct ccm_session *s, const struct mx_traffic_steering_req *r, struct ccm_anchor *a)
{
	uint32_t off = s->features;

	for (size_t i = 0; i < r->n_feature_active; i++)
		if (r->feature_active[i].active)
			off &= ~(1u << r->feature_active[i].feature_name);
	if (a->tunnelled)
		a->off = off & ~MX_SESSION_FEATURES;
	s->off = off & MX_SESSION_FEATURES;
	if (s->off & 1u << MX_F_PROBING)
		ccm_estimate_clear(s);
}

/* How a tunnel uses its lists. */
static void take_modes(const struct mx_traffic_steering_req *r, struct ccm_anchor *a)
{
	a->ul_mode = r->has_uplink_mode ? (uint8_t)(1 + r->uplink_mode) : 0;
	a->dl_mode = r->has_downlink_mode ? (uint8_t)(1 + r->downlink_mode) : 0;
}

/* Can its downlink use other links than its uplink? */
static bool can_part(const struct ccm_session *s, const struct ccm_anchor *a)
{
	return a->tunnelled || a == ccm_setup_caught(s);
}

int ccm_plane_steering(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_traffic_steering_req *r = &m->traffic_steering_req;
	struct ccm_order o;
	int rc = ccm_steering_order(s, r, &o, err);

	(void)now;
	if (rc < 0)
		return rc;
	/* a tunnel has two directions, and the client's proxy makes two connections of a flow;
	 * without convergence the answers come over the link of the requests.  The RSP says what
	 * stays in effect */
	if (!o.plain || (o.dl != o.ul && !can_part(s, o.anchor)) || !o.dl || !o.ul) {
		s->counters.steerings_refused++;
		return ccm_session_answer(s, m, ccm_compose_steering_rsp(s, o.anchor));
	}
	mx_msg_free(s->steer_req);
	s->steer_req = mx_msg_copy(m);
	if (!s->steer_req)
		return -ENOMEM;
	o.anchor->dl = o.dl;
	o.anchor->ul = o.ul;
	o.anchor->first = o.first;
	o.anchor->steered = true;
	if (o.anchor->tunnelled)
		take_modes(r, o.anchor);
	take_features(s, r, o.anchor);
	if (o.anchor->tunnelled) {
		memcpy(o.anchor->classes, o.classes, o.n_classes * sizeof(o.classes[0]));
		o.anchor->n_classes = o.n_classes;
	}
	if (o.anchor == ccm_setup_caught(s)) {
		memcpy(s->app.classes, o.classes, o.n_classes * sizeof(o.classes[0]));
		s->app.n_classes = o.n_classes;
	}
	s->counters.steerings++;
	ccm_session_apply(s);
	return 0;
}

static const struct ccm_anchor *steered_anchor(const struct ccm_session *s)
{
	size_t i = 0;

	while (i + 1 < CCM_ANCHORS_MAX &&
		(!s->anchor[i].used ||
			s->anchor[i].id != s->steer_req->traffic_steering_req.connection_id))
		i++;
	return &s->anchor[i];
}

void ccm_session_applied(struct ccm_session *s, uint32_t ok, const uint16_t *ports, mams_time now)
{
	bool setup = s->setup_req != NULL;
	bool steered = s->steer_req && (ok || ports);

	/* paths that are kept for what still runs over them are not of this setup */
	ok &= ccm_setup_named(s);
	ok |= ccm_setup_native(s);
	if (s->setup_req &&
		ccm_session_answer(s, s->setup_req, ccm_compose_setup_cnf(s, ok, ports)) == 0 &&
		s->state != CCM_STATE_HANDOVER)
		ccm_session_to(s, CCM_STATE_ACTIVE, "user plane is set up");
	if (s->steer_req)
		(void)!ccm_session_answer(
			s, s->steer_req, ccm_compose_steering_rsp(s, steered_anchor(s)));
	ccm_session_drop_pending(s);
	if (steered)
		ccm_associate_steered(s, now);
	if (setup) {
		ccm_associate_setup(s, now);
		/* the NCM may have been started anew */
		ccm_leave_forget(s);
		ccm_leave_review(s, now);
	}
}

bool ccm_session_path(struct ccm_session *s, uint8_t connection_id, const struct mams_addr *local,
	const struct mams_addr *proxy, bool silent)
{
	struct ccm_session_link *l = &s->link[connection_id];
	bool same = mams_addr_is_set(&l->silent_local) &&
		    mams_addr_eq_ip(&l->silent_local, local) &&
		    mams_addr_eq(&l->silent_proxy, proxy);

	if (silent == same)
		return false;
	l->silent_local = silent ? *local : (struct mams_addr){0};
	l->silent_proxy = *proxy;
	s->counters.paths_silent += silent;
	if (s->set_up)
		ccm_session_apply(s);
	return true;
}

void ccm_session_forget_paths(struct ccm_session *s)
{
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		const struct ccm_session_link *l = &s->link[i];

		if (mams_addr_is_set(&l->silent_local))
			(void)ccm_session_path(s, i, &l->silent_local, &l->silent_proxy, false);
	}
	ccm_detour_forget(s);
}

bool ccm_session_is_silent(const struct ccm_session *s, uint8_t connection_id)
{
	const struct ccm_session_link *l = &s->link[connection_id];

	return s->set_up && l->now.usable && mams_addr_is_set(&l->silent_local) &&
	       mams_addr_eq_ip(&l->silent_local, &l->now.address);
}
