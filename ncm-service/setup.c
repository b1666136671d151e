#include "ncm-service/setup.h"

#include "ncm-service/advice.h"
#include "ncm-service/appreq.h"
#include "ncm-service/compose.h"
#include "ncm-service/estimate.h"
#include "ncm-service/protect.h"
#include "ncm-service/tunnel.h"

#include <stdio.h>

#define AGAIN_MS 1000
#define AGAIN_CAP_MS 60000

static uint32_t bit(int madp)
{
	return madp < 0 ? 0 : 1u << madp;
}

uint32_t ncm_session_methods(const struct ncm_session *s, size_t anchor)
{
	/* without an instance there is nothing to converge at */
	if (s->anchor[anchor].madp < 0)
		return 0;
	return s->policy->anchors[anchor].methods & s->s.convergence;
}

static bool needs_madp(const struct ncm_session *s, size_t a)
{
	return s->s.anchors[a].used &&
	       ncm_anchor_needs_madp(&s->policy->anchors[a], s->s.convergence);
}

uint32_t ncm_setup_reaches(const struct ncm_session *s, size_t anchor, size_t madp)
{
	uint32_t bits = 0;

	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];

		if (l->known && l->admission == NCM_ADMIT_OK &&
			(s->policy->anchors[anchor].accesses & 1u << l->access) &&
			ncm_policy_proxy(s->policy, madp, l->access, &l->address) &&
			(!s->policy->madps[madp].trailer || ncm_tunnel_may(s, l)))
			bits |= 1u << i;
	}
	return bits;
}

static bool may_carry(const struct ncm_session *s, size_t a, const struct ncm_link *l)
{
	if (!l->known || l->admission != NCM_ADMIT_OK ||
		!(s->policy->anchors[a].accesses & 1u << l->access))
		return false;
	if ((ncm_session_methods(s, a) & 1u << MX_CONV_GMA) && !ncm_tunnel_may(s, l))
		return false;
	return !ncm_session_methods(s, a) ||
	       ncm_policy_proxy(s->policy, (size_t)s->anchor[a].madp, l->access, &l->address);
}

uint32_t ncm_session_deliveries(const struct ncm_session *s, size_t anchor)
{
	uint32_t bits = 0;

	for (uint8_t i = 0; s->s.anchors[anchor].used && i < NCM_LINKS_MAX; i++)
		if (s->s.links[i].in_setup && may_carry(s, anchor, &s->s.links[i]))
			bits |= 1u << i;
	return bits;
}

uint32_t ncm_session_carriers(const struct ncm_session *s, size_t anchor)
{
	uint32_t bits = 0;

	if (!s->s.anchors[anchor].used ||
		(ncm_session_methods(s, anchor) && !(s->prepared & bit(s->anchor[anchor].madp))))
		return 0;
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		if (may_carry(s, anchor, &s->s.links[i]) && ncm_protect_is_ready(s, &s->s.links[i]))
			bits |= 1u << i;
	return bits;
}

/* ---- instances ---- */

static void assigned(struct ncm_session *s, size_t a, const char *why)
{
	ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_ASSIGNED,
				    .anchor = (uint8_t)a,
				    .madp = s->anchor[a].madp,
				    .text = why});
}

static void leave(struct ncm_session *s, size_t a)
{
	struct ncm_anchor_use *u = &s->anchor[a];

	if (u->madp < 0)
		return;
	u->leaving |= bit(u->madp);
	ncm_madps_put(s->madps, (size_t)u->madp);
	u->madp = -1;
}

static void enter(struct ncm_session *s, size_t a, size_t madp)
{
	struct ncm_anchor_use *u = &s->anchor[a];

	ncm_madps_take(s->madps, madp);
	u->madp = (int)madp;
	u->leaving &= ~bit(u->madp);
	s->left &= ~bit(u->madp);
	u->refused = false;
	snprintf(s->s.anchors[a].madp, sizeof(s->s.anchors[a].madp), "%s",
		s->policy->madps[madp].name);
}

static bool may_serve(const struct ncm_session *s, size_t a, int madp)
{
	return madp >= 0 && (s->policy->anchors[a].madps & 1u << madp);
}

static void refuse(struct ncm_session *s, size_t a, int rc)
{
	bool full = rc == -MAMS_ELIMIT;

	if (s->anchor[a].refused)
		return;
	s->anchor[a].refused = true;
	if (full)
		s->counters->madp_full++;
	else
		s->counters->madp_none++;
	assigned(s, a,
		full ? "all N-MADP instances are full: control plane only"
		     : "no N-MADP instance is there: control plane only");
}

uint32_t ncm_setup_nearest(const struct ncm_session *s, size_t a)
{
	uint32_t best = 0;
	int most = 0;

	for (size_t i = 0; i < s->policy->n_madps; i++) {
		int n = __builtin_popcount(ncm_setup_reaches(s, a, i));

		if (!(s->policy->anchors[a].madps & 1u << i) || !ncm_madps_is_good(s->madps, i) ||
			n < most)
			continue;
		best = (n > most ? 0 : best) | 1u << i;
		most = n;
	}
	return best;
}

static void assign(struct ncm_session *s, size_t a)
{
	struct ncm_anchor_use *u = &s->anchor[a];
	uint32_t near = ncm_setup_nearest(s, a);
	bool good = may_serve(s, a, u->madp) && ncm_madps_is_good(s->madps, (size_t)u->madp);
	size_t madp;
	int rc;

	if (!needs_madp(s, a)) {
		leave(s, a);
		s->s.anchors[a].madp[0] = '\0';
		return;
	}
	if (near & ~s->far)
		near &= ~s->far;
	if (good && (near & bit(u->madp)))
		return;
	rc = ncm_madps_pick(s->madps, near, &madp);
	if (rc < 0 && good)
		return; /* full: then with fewer links */
	if (rc < 0)
		rc = ncm_madps_pick(s->madps, s->policy->anchors[a].madps, &madp);
	if (rc == 0) {
		s->counters->madp_moves += u->madp >= 0;
		leave(s, a);
		enter(s, a, madp);
		assigned(s, a, "assigned");
	} else if (!may_serve(s, a, u->madp)) {
		refuse(s, a, rc);
	} /* else better a bad one, which may come back, than none */
}

/* A tunnel without a link is none; a client's key is good for links that come later. */
static bool has_business(const struct ncm_session *s, size_t a)
{
	return s->s.anchors[a].used && s->anchor[a].madp >= 0 &&
	       (!(ncm_session_methods(s, a) & 1u << MX_CONV_GMA) ||
		       ncm_setup_reaches(s, a, (size_t)s->anchor[a].madp));
}

static uint32_t wanted_madps(const struct ncm_session *s)
{
	uint32_t bits = 0;

	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (has_business(s, a))
			bits |= bit(s->anchor[a].madp);
	return bits;
}

void ncm_setup_restore(struct ncm_session *s)
{
	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		int madp = ncm_madps_find(s->madps, s->s.anchors[a].madp);

		s->anchor[a].madp = -1;
		if (!may_serve(s, a, madp))
			continue;
		enter(s, a, (size_t)madp);
		s->told |= bit(madp);
	}
}

void ncm_session_holds(struct ncm_session *s, size_t madp)
{
	s->told |= 1u << madp;
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (s->anchor[a].madp == (int)madp)
			return;
	s->anchor[0].leaving |= 1u << madp;
}

void ncm_setup_forget(struct ncm_session *s)
{
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		leave(s, a);
}

void ncm_setup_release(struct ncm_session *s)
{
	for (int i = 0; i < (int)s->policy->n_madps; i++)
		if (s->told & bit(i))
			ncm_session_push(
				s, (struct ncm_action){.kind = NCM_ACT_RELEASE, .madp = i});
	s->prepared = 0;
}

void ncm_session_policy(struct ncm_session *s)
{
	for (int i = 0; i < (int)s->policy->n_madps; i++)
		if (s->told & bit(i))
			ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_POLICY, .madp = i});
}

void ncm_session_far(struct ncm_session *s, uint32_t far, mams_time when)
{
	s->far = far;
	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		const int madp = s->anchor[a].madp;

		if (madp < 0 || !(far & bit(madp)) || !(ncm_setup_nearest(s, a) & ~far))
			continue;
		s->gather_until = mams_time_min(s->gather_until, when);
		if (s->state == NCM_STATE_PREPARE)
			s->prepare_again = mams_time_min(s->prepare_again, when);
	}
}

void ncm_session_review(struct ncm_session *s, mams_time when)
{
	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		const struct ncm_anchor_use *u = &s->anchor[a];
		size_t madp;

		if (!needs_madp(s, a) ||
			(may_serve(s, a, u->madp) &&
				ncm_madps_is_good(s->madps, (size_t)u->madp)) ||
			ncm_madps_pick(s->madps, s->policy->anchors[a].madps, &madp) < 0)
			continue;
		s->gather_until = mams_time_min(s->gather_until, when);
		if (s->state == NCM_STATE_PREPARE)
			s->prepare_again = mams_time_min(s->prepare_again, when);
	}
}

/* ---- setup ---- */

static void send_setup(struct ncm_session *s, mams_time now)
{
	uint32_t named = 0;

	if (mx_exchange_begin(
		    &s->exchange, ncm_compose_up_setup(s), s->policy->setup_timeout_ms, now) < 0) {
		ncm_session_end(s, "no memory for the UP setup");
		return;
	}
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		named |= ncm_session_carriers(s, a);
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct ncm_link *l = &s->s.links[i];

		l->in_setup = (named & 1u << i) != 0;
		if (l->in_setup)
			l->setup_address = l->address;
	}
	ncm_session_store(s);
	ncm_session_to(s, NCM_STATE_SETUP_WAIT, "N-MADP is prepared");
}

/* Wanted ones that do not know the client, and ought to answer: also those that we have only begun
 * to dial, or a session from the store would lose its user plane when the NCM starts. */
static uint32_t awaited(const struct ncm_session *s)
{
	uint32_t bits = wanted_madps(s) & ~s->prepared;

	for (size_t i = 0; i < s->policy->n_madps; i++)
		if (s->madps->use[i].state != NCM_MADP_UP &&
			s->madps->use[i].state != NCM_MADP_UNKNOWN)
			bits &= ~(1u << i);
	return bits;
}

/* Is there an anchor that does without the instances that have not answered? */
static bool can_go_on(const struct ncm_session *s)
{
	uint32_t missing = wanted_madps(s) & ~s->prepared;

	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (s->s.anchors[a].used && !(missing & bit(s->anchor[a].madp)))
			return true;
	return false;
}

void ncm_setup_prepare(struct ncm_session *s, mams_time now)
{
	bool again = s->state == NCM_STATE_PREPARE;
	uint32_t wanted;

	s->gather_until = MAMS_TIME_NEVER;
	if (again && can_go_on(s)) {
		send_setup(s, now);
		return;
	}
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		assign(s, a);
	ncm_session_to(s, NCM_STATE_PREPARE, "links admitted");
	wanted = wanted_madps(s);
	s->told |= wanted;
	for (int i = 0; i < (int)s->policy->n_madps; i++)
		if (wanted & bit(i))
			ncm_session_push(
				s, (struct ncm_action){.kind = NCM_ACT_PREPARE, .madp = i});
	s->prepared &= wanted;
	if (!again) /* told anew: who knows what it has forgotten */
		s->prepared = 0;
	s->prepare_again = mams_time_add_ms(now, s->policy->setup_timeout_ms);
	if (awaited(s) == 0 && can_go_on(s))
		send_setup(s, now);
}

void ncm_session_prepared(
	struct ncm_session *s, size_t madp, const struct ncm_tunnel *tunnel, mams_time now)
{
	bool news = (wanted_madps(s) & ~s->prepared & 1u << madp) != 0;

	if (tunnel && (wanted_madps(s) & 1u << madp) && ncm_tunnel_take(s, tunnel)) {
		news = true;
		s->setup_stale = s->state == NCM_STATE_SETUP_WAIT;
		ncm_session_store(s);
	}
	s->prepared |= 1u << madp;
	if (s->state == NCM_STATE_PREPARE && awaited(s) == 0 && can_go_on(s))
		send_setup(s, now);
	else if (s->state == NCM_STATE_ACTIVE && news) /* a setup went on without it */
		s->gather_until = mams_time_min(s->gather_until, now);
}

/* ---- confirmation ---- */

static void try_again(struct ncm_session *s, mams_time now)
{
	s->again_ms = s->again_ms ? s->again_ms * 2 : AGAIN_MS;
	if (s->again_ms > AGAIN_CAP_MS)
		s->again_ms = AGAIN_CAP_MS;
	s->gather_until = mams_time_min(s->gather_until, mams_time_add_ms(now, s->again_ms));
}

/* A connection that the CNF leaves out has failed, or had just changed: try it again, less and less
 * often.  The setup does not name the client's address, so only the CNF tells that both meant the
 * same one.  Likewise an instance that had not answered. */
static void try_missing_again(struct ncm_session *s, mams_time now)
{
	int tunnel = ncm_tunnel_anchor(s);
	bool missing = awaited(s) != 0 || s->setup_stale ||
		       (tunnel >= 0 && ncm_session_deliveries(s, (size_t)tunnel) &&
			       ncm_session_methods(s, (size_t)tunnel) && !s->tunnelled);

	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct ncm_link *l = &s->s.links[i];

		if (!l->in_setup || !l->up || l->confirmed)
			continue;
		l->in_setup = false;
		missing = true;
	}
	if (missing)
		try_again(s, now);
	else
		s->again_ms = 0;
}

static void release(struct ncm_session *s, uint32_t madps)
{
	madps &= ~wanted_madps(s);
	s->prepared &= ~madps;
	for (int i = 0; i < (int)s->policy->n_madps; i++) {
		if (!(madps & bit(i)))
			continue;
		ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_RELEASE, .madp = i});
		/* a proxy may have connections of it yet, whose downlink is treated */
		if (s->policy->madps[i].trailer)
			s->told &= ~bit(i);
	}
}

/* The client has the new addresses: what it has left takes no new connection of it any more.  A
 * trailer keeps the session for a while: routers may still lead to it. */
static void release_left(struct ncm_session *s, mams_time now)
{
	uint32_t left = s->left;
	uint32_t keeps = 0;

	for (size_t a = 0; a < s->policy->n_anchors; a++) {
		left |= s->anchor[a].leaving;
		s->anchor[a].leaving = 0;
	}
	for (int i = 0; i < (int)s->policy->n_madps; i++)
		if (s->policy->madps[i].trailer && s->madps->use[i].state == NCM_MADP_UP)
			keeps |= bit(i);
	release(s, left & ~keeps);
	s->left = left & keeps & ~wanted_madps(s);
	s->leave_at = s->left ? mams_time_add_ms(now, s->policy->madp_grace_ms) : MAMS_TIME_NEVER;
}

void ncm_setup_tick(struct ncm_session *s, mams_time now)
{
	if (mams_time_before(now, s->leave_at))
		return;
	release(s, s->left);
	s->left = 0;
	s->leave_at = MAMS_TIME_NEVER;
}

static bool without_port(const struct ncm_session *s, uint8_t id)
{
	const struct ncm_link *l = &s->s.links[id];
	int a = ncm_tunnel_anchor(s);

	return a >= 0 && l->known && l->admission == NCM_ADMIT_OK && ncm_tunnel_is_nat(s, l) &&
	       (ncm_session_deliveries(s, (size_t)a) & 1u << id);
}

/* A link that only fades is not confirmed by being set up with others. */
static void end_move(struct ncm_link *l)
{
	if (!l->moved || !l->confirmed || !mams_addr_eq_ip(&l->setup_address, &l->address))
		return;
	l->moved = false;
	l->handover = false;
}

int ncm_setup_confirmed(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_up_setup_cnf *c = &m->up_setup_cnf;

	(void)err;
	s->tunnelled = 0;
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		s->s.links[i].confirmed = false;
		for (size_t k = 0; k < c->n_client_params; k++) {
			if (c->client_params[k].connection_id != i)
				continue;
			s->s.links[i].confirmed = true;
			/* a tunnel's end has a port; with client NAT there is none */
			if (c->client_params[k].adapt_param || without_port(s, i))
				s->tunnelled |= 1u << i;
		}
		end_move(&s->s.links[i]);
	}
	s->s.active = true;
	ncm_session_to(s, NCM_STATE_ACTIVE, "mx_up_setup_cnf");
	ncm_advice_give(s);
	ncm_appreq_setup(s);
	try_missing_again(s, now);
	s->setup_stale = false;
	release_left(s, now);
	ncm_session_review(s, now);
	ncm_session_policy(s);
	ncm_session_store(s);
	ncm_estimate_confirmed(s, c);
	ncm_estimate_review(s, now);
	ncm_session_set_up(s, now);
	return 0;
}
