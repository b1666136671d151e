/* Timers of a session:
 *  timer       DISCOVERING: next Discover; INFO: CAP_WAIT; STOPPING: patience with the NCM
 *  exchange    own requests: MAMS_TIMEOUT with MAMS_RETRY
 *  last_heard  + MAMS_KEEP_ALIVE_TIMEOUT: Keep-Alive REQ; + fallback_ms: back to the plain network
 * A lost session never touches the user plane by itself: only a new setup, fallback or stop do. */
#include "ccm-agent/session.h"
#include "ccm-agent/advice.h"
#include "ccm-agent/agree.h"
#include "ccm-agent/compose.h"
#include "ccm-agent/detour.h"
#include "ccm-agent/leave.h"
#include "ccm-agent/plane.h"
#include "ccm-agent/report.h"
#include "ccm-agent/setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DISCOVER_FAST_TRIES 12u
#define DISCOVER_WAIT_MS 3600000u /* repeated by our own timer, under a new number each time */
#define STOP_PATIENCE_MS 2000
#define REDIRECTS_MAX 4u /* followed in a row */

void ccm_session_push(struct ccm_session *s, struct ccm_action a)
{
	if (s->n == CCM_ACTIONS_MAX) {
		s->counters.actions_lost++;
		return;
	}
	s->queue[(s->head + s->n++) % CCM_ACTIONS_MAX] = a;
}

void ccm_session_to(struct ccm_session *s, enum ccm_state to, const char *reason)
{
	if (s->state == to)
		return;
	ccm_session_push(
		s, (struct ccm_action){
			   .kind = CCM_ACT_STATE, .from = s->state, .to = to, .text = reason});
	s->state = to;
}

void ccm_session_apply(struct ccm_session *s)
{
	/* one is enough: wanted() is asked when it is done */
	for (size_t i = 0; i < s->n; i++)
		if (s->queue[(s->head + i) % CCM_ACTIONS_MAX].kind == CCM_ACT_APPLY)
			return;
	ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_APPLY});
}

int ccm_session_answer(struct ccm_session *s, const struct mx_msg *request, struct mx_msg *response)
{
	if (!response)
		return -ENOMEM;
	ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_SEND,
				    .msg = mx_exchange_give(&s->exchange, request, response)});
	return 0;
}

uint64_t ccm_session_draw(struct ccm_session *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * 2685821657736338717ull;
}

void ccm_session_init(struct ccm_session *s, const struct ccm_session_conf *conf, uint64_t seed)
{
	*s = (struct ccm_session){.conf = conf,
		.random = seed ? seed : 1,
		.last_heard = {0},
		.timer = MAMS_TIME_NEVER};
	ccm_associate_init(s);
	mx_exchange_init(&s->exchange, &conf->timing, (uint32_t)(ccm_session_draw(s) >> 33));
	for (size_t i = 0; i < conf->n_links; i++)
		s->link[conf->links[i].connection_id].conf = &conf->links[i];
}

void ccm_session_fini(struct ccm_session *s)
{
	mx_exchange_fini(&s->exchange);
	mx_msg_free(s->setup_req);
	mx_msg_free(s->steer_req);
	ccm_associate_fini(s);
	mams_wipe(s, sizeof(*s));
}

static bool any_usable(const struct ccm_session *s)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		if (s->link[i].now.usable)
			return true;
	return false;
}

void ccm_session_drop_pending(struct ccm_session *s)
{
	mx_msg_free(s->setup_req);
	mx_msg_free(s->steer_req);
	s->setup_req = NULL;
	s->steer_req = NULL;
}

static void forget_reports(struct ccm_session *s)
{
	mx_exchange_cancel(&s->exchange, MX_RECONF_REQ);
	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		s->link[i].open = 0;
		s->link[i].sent = (struct ccm_link_state){0};
	}
	ccm_leave_forget(s);
}

static void discover(struct ccm_session *s, mams_time now, const char *reason)
{
	mx_exchange_abandon(&s->exchange);
	ccm_session_drop_pending(s);
	ccm_associate_lost(s);
	forget_reports(s);
	s->discover_tries = 0;
	s->timer = any_usable(s) ? now : MAMS_TIME_NEVER;
	ccm_session_to(s, any_usable(s) ? CCM_STATE_DISCOVERING : CCM_STATE_IDLE, reason);
}

void ccm_session_start(struct ccm_session *s, mams_time now)
{
	s->last_heard = now;
	discover(s, now, "started");
}

void ccm_session_stop(struct ccm_session *s, mams_time now)
{
	bool told = ccm_session_polls(s) && s->has_id;

	mx_exchange_reset(&s->exchange);
	ccm_session_drop_pending(s);
	ccm_associate_lost(s);
	s->set_up = false;
	s->timer = told ? mams_time_add_ms(now, STOP_PATIENCE_MS) : now;
	ccm_session_to(s, CCM_STATE_STOPPING, "stop");
	ccm_session_apply(s);
	if (told &&
		mx_exchange_begin(&s->exchange,
			ccm_compose_termination(s, MX_SESSION_TERMINATION_REQ, MX_NORMAL_RELEASE),
			0, now) < 0)
		s->timer = now;
}

/* An NCM that has just answered the Discover and yet holds no session for us serves elsewhere: its
 * System INFO says where (requirements.md A.1-36, B.4).  Not without end, if two name each other.
 */
static bool redirected(struct ccm_session *s, mams_time now)
{
	if (s->state != CCM_STATE_INFO && s->state != CCM_STATE_CAP_SENT)
		return false;
	if (s->redirects >= REDIRECTS_MAX) {
		s->counters.redirects_refused++;
		s->redirects = 0;
		discover(s, now, "redirected too often");
		s->timer = mams_time_add_ms(now, s->conf->discovery_slow_ms);
		return true;
	}
	s->redirects++;
	s->counters.redirects++;
	ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_REDIRECT});
	discover(s, now, "redirected");
	return true;
}

void ccm_session_unknown(struct ccm_session *s, mams_time now)
{
	if (s->state == CCM_STATE_STOPPING || s->state == CCM_STATE_STOPPED) {
		s->timer = now;
		return;
	}
	if (!ccm_session_polls(s))
		return;
	s->has_id = false;
	if (!redirected(s, now))
		discover(s, now, "the NCM does not know the session");
}

/* ---- links ---- */

void ccm_session_link(struct ccm_session *s, uint8_t connection_id,
	const struct ccm_link_state *state, mams_time now)
{
	struct ccm_session_link *l = &s->link[connection_id];
	bool was = l->now.usable;
	/* the link goes on elsewhere: another address, or another router (RFC 8743 8.3.2) */
	bool handover = was && state->usable &&
			!(mams_addr_eq_ip(&l->now.address, &state->address) &&
				mams_addr_eq_ip(&l->now.gateway, &state->gateway));

	l->now = *state;
	if (!state->usable)
		l->silent_local = (struct mams_addr){0};
	/* another access point, or another time */
	if (handover || !state->usable) {
		l->fade = (struct ccm_fade){0};
		l->left = l->restored = false;
	}
	if (s->set_up)
		ccm_session_apply(s);
	if (s->state == CCM_STATE_IDLE && state->usable)
		discover(s, now, "a link is usable");
	else if (s->state == CCM_STATE_DISCOVERING && state->usable && !was)
		s->timer = now;
	if (handover && l->admitted)
		ccm_session_handover(s, connection_id, now);
	ccm_report_links(s, now);
}

/* ---- negotiation ---- */

static int on_system_info(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)err;
	s->modern = ccm_agree_id(s, m->system_info.unique_session_id); /* another one, perhaps */
	s->timer = mams_time_add_ms(now, ccm_agree_wait(s->conf));
	ccm_session_to(s, CCM_STATE_INFO, "mx_system_info");
	return 0;
}

static void negotiated(struct ccm_session *s, mams_time now, const char *reason)
{
	s->timer = MAMS_TIME_NEVER;
	s->redirects = 0;
	ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_AGREED});
	ccm_session_to(s, CCM_STATE_NEGOTIATED, reason);
	/* an NCM that asks again, because a Discover was overtaken, knows no link any more */
	forget_reports(s);
	ccm_report_links(s, now);
}

/* The seed's flow.  It may cross with our own request; the exchange that completes first counts. */
static int on_capability_req(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	int rc = ccm_agree(s, m, err);

	if (rc < 0)
		return rc;
	mx_exchange_cancel(&s->exchange, MX_CAPABILITY_REQ);
	rc = ccm_session_answer(s, m, ccm_compose_capability(s, MX_CAPABILITY_RSP));
	if (rc == 0)
		negotiated(s, now, "mx_capability_req");
	return rc;
}

static int on_capability_rsp(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	struct mx_msg *ack;
	bool good;
	int rc = ccm_agree(s, m, err);

	if (rc < 0)
		return rc;
	if (!s->has_id)
		return mams_fail(err, MAMS_EMISSING, "unique_session_id", "is required");
	/* without a method in common the control plane is left; without a link nothing is */
	good = (s->unwanted & ccm_session_links(s)) != ccm_session_links(s);
	ack = ccm_compose_capability_ack(s, good ? MX_ACCEPT : MX_REJECT);
	if (!ack)
		return -ENOMEM;
	ack->sequence_num = m->sequence_num;
	/* kept like an answer, so that it lives until it is sent */
	ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_SEND,
				    .msg = mx_exchange_give(&s->exchange, m, ack)});
	if (good) {
		negotiated(s, now, "mx_capability_rsp");
		return 0;
	}
	s->timer = mams_time_add_ms(now, s->conf->discovery_slow_ms);
	ccm_session_to(s, CCM_STATE_DISCOVERING, "the NCM has no use for any of our links");
	return 0;
}

/* ---- user plane ---- */

static void fall_back(struct ccm_session *s)
{
	s->fallen_back = true;
	s->counters.fallbacks++;
	ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_FALLBACK});
	ccm_session_apply(s);
}

void ccm_session_madp_lost(struct ccm_session *s, mams_time now)
{
	if (!s->set_up || s->fallen_back)
		return;
	fall_back(s);
	discover(s, now, "the N-MADP is unreachable");
	s->timer = mams_time_add_ms(now, s->conf->discovery_slow_ms);
}

void ccm_session_drained(struct ccm_session *s)
{
	if (!s->fallen_back || !s->set_up)
		return;
	s->set_up = false;
	mams_wipe(s->anchor, sizeof(s->anchor));
	mams_wipe(s->retired, sizeof(s->retired));
	ccm_session_apply(s);
}

static int on_reconf_rsp(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)err;
	ccm_report_taken(s, m->sequence_num);
	ccm_report_links(s, now);
	ccm_leave_review(s, now);
	return 0;
}

/* ---- liveness and end ---- */

static int on_keep_alive_req(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)now;
	if (m->keep_alive.keep_alive_reason == MX_KA_HANDOVER)
		return mams_fail(
			err, MAMS_ESTATE, "keep_alive_reason", "Handover comes from a CCM only");
	return ccm_session_answer(s, m, ccm_compose_keep_alive(s, MX_KEEP_ALIVE_RSP));
}

static int on_keep_alive_rsp(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)m;
	(void)err;
	/* of several handovers the last is waited for */
	if (s->state == CCM_STATE_HANDOVER && !mx_exchange_has(&s->exchange, MX_KEEP_ALIVE_REQ)) {
		ccm_session_to(s, CCM_STATE_ACTIVE, "mx_keep_alive_rsp");
		ccm_session_apply(s);
	}
	ccm_report_links(s, now);
	return 0;
}

/* The session is over; so is the user plane that it set up. */
static int on_termination_req(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	int rc =
		ccm_session_answer(s, m, ccm_compose_termination(s, MX_SESSION_TERMINATION_RSP, 0));

	(void)err;
	if (rc < 0)
		return rc;
	s->fallen_back = s->set_up;
	s->has_id = false;
	forget_reports(s);
	ccm_session_drop_pending(s);
	ccm_associate_lost(s);
	s->discover_tries = 0;
	s->timer = mams_time_add_ms(now, s->conf->discovery_ms);
	ccm_session_to(s, CCM_STATE_DISCOVERING, "mx_session_termination_req");
	ccm_session_apply(s);
	return 0;
}

static int on_termination_rsp(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)m;
	(void)err;
	s->timer = now;
	return 0;
}

/* ---- the machine ---- */

#define IN(s) (1u << CCM_STATE_##s)
#define UP (IN(NEGOTIATED) | IN(ACTIVE) | IN(HANDOVER))
#define ANY ((1u << CCM_STATE_COUNT) - 1u)

/* One row per message type that an NCM may send; a type or state without a bit is class E6. */
static const struct rule {
	unsigned states;
	bool response; /**< must match an open request, else class E8 */
	int (*act)(struct ccm_session *, const struct mx_msg *, mams_time, struct mams_error *);
} rules[MX_TYPE_COUNT] = {
	[MX_SYSTEM_INFO] = {IN(DISCOVERING), true, on_system_info},
	[MX_CAPABILITY_REQ] = {IN(INFO) | IN(CAP_SENT) | UP, false, on_capability_req},
	[MX_CAPABILITY_RSP] = {IN(CAP_SENT), true, on_capability_rsp},
	[MX_UP_SETUP_CONF_REQ] = {UP, false, ccm_plane_setup},
	[MX_RECONF_RSP] = {UP, true, on_reconf_rsp},
	[MX_PATH_EST_REQ] = {UP, false, ccm_estimate_req},
	[MX_TRAFFIC_STEERING_REQ] = {IN(ACTIVE) | IN(HANDOVER), false, ccm_plane_steering},
	[MX_APP_MADP_ASSOC_RSP] = {UP, true, ccm_associate_rsp},
	[MX_NETWORK_ANALYTICS_RSP] = {UP, true, ccm_associate_analytics},
	[MX_SSID_INDICATION] = {UP, false, ccm_advice_ssid},
	[MX_MEASUREMENT_CONF] = {UP, false, ccm_advice_measurement_conf},
	[MX_KEEP_ALIVE_REQ] = {ANY & ~IN(STOPPED), false, on_keep_alive_req},
	[MX_KEEP_ALIVE_RSP] = {ANY, true, on_keep_alive_rsp},
	[MX_SESSION_TERMINATION_REQ] = {UP | IN(INFO) | IN(CAP_SENT), false, on_termination_req},
	[MX_SESSION_TERMINATION_RSP] = {IN(STOPPING), true, on_termination_rsp},
};

static int refuse(uint64_t *counter, int code, struct mams_error *err, const struct mx_msg *m,
	const char *why)
{
	(*counter)++;
	return mams_fail(err, code, mx_type_name(m->type), "%s", why);
}

static bool is_ours(const struct ccm_session *s, const struct mx_msg *m)
{
	const struct mx_session_id *id = mx_msg_session(m);

	return !id || !s->has_id || m->type == MX_CAPABILITY_REQ || m->type == MX_CAPABILITY_RSP ||
	       (id->ncm_id == s->id.ncm_id && id->session_id == s->id.session_id);
}

int ccm_session_input(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct rule *r = &rules[m->type];
	struct ccm_counters *c = &s->counters;
	const struct mx_msg *stored;
	int rc;

	if (!r->act)
		return refuse(
			&c->wrong_direction, MAMS_ESTATE, err, m, "a CCM takes no such message");
	if (!is_ours(s, m))
		return refuse(&c->wrong_value, MAMS_EVALUE, err, m, "is of another session");
	if (!r->response && mx_exchange_repeated(&s->exchange, m, &stored)) {
		c->repeated++;
		s->last_heard = now;
		if (stored)
			ccm_session_push(
				s, (struct ccm_action){.kind = CCM_ACT_SEND, .msg = stored});
		return 0;
	}
	if (r->response && !mx_exchange_finish(&s->exchange, m) && !ccm_agree_info(s, m))
		return refuse(&c->unmatched, MAMS_EUNKNOWN, err, m, "answers no open request");
	if (!(r->states & 1u << s->state))
		return refuse(&c->wrong_state, MAMS_ESTATE, err, m, ccm_state_name(s->state));
	c->messages++;
	c->unknown_members += m->unknown;
	c->variants += m->variants;
	s->last_heard = now;
	s->modern |= mx_msg_session(m) != NULL || m->type == MX_KEEP_ALIVE_REQ ||
		     m->type == MX_KEEP_ALIVE_RSP;
	rc = r->act(s, m, now, err);
	if (rc == -MAMS_EVALUE || rc == -MAMS_EMISSING)
		c->wrong_value++;
	return rc;
}

void ccm_session_reached(struct ccm_session *s, mams_time now)
{
	s->reached = now;
	s->last_heard = now;
}

/* An NCM of the seed does not know keep-alives; that it answers our poll is what tells that it
 * lives (requirements.md A.1-31). */
static bool lives_in_silence(const struct ccm_session *s, enum mx_type type, mams_time now)
{
	return type == MX_KEEP_ALIVE_REQ && !s->modern &&
	       mams_time_before(
		       now, mams_time_add_ms(s->reached, 2 * (int64_t)s->conf->keep_alive_ms));
}

static void expired(struct ccm_session *s, enum mx_type type, mams_time now)
{
	s->counters.unanswered++;
	if (lives_in_silence(s, type, now)) {
		s->last_heard = now;
		return;
	}
	if (ccm_associate_expired(s, type, now))
		return;
	/* nobody has confirmed the handover: data paths stand, and a link that fades stays behind
	 * the others by what we know ourselves */
	if (s->state == CCM_STATE_HANDOVER)
		ccm_session_apply(s);
	if (s->state == CCM_STATE_STOPPING)
		s->timer = now;
	else if (s->state != CCM_STATE_DISCOVERING && s->state != CCM_STATE_STOPPED)
		discover(s, now, mx_type_name(type));
}

static void send_discover(struct ccm_session *s, mams_time now)
{
	uint32_t period = s->conf->discovery_ms;

	mx_exchange_cancel(&s->exchange, MX_DISCOVER);
	s->counters.discovers++;
	if (mx_exchange_begin(&s->exchange, ccm_compose_discover(s), DISCOVER_WAIT_MS, now) < 0)
		s->counters.actions_lost++;
	if (s->discover_tries++ >= DISCOVER_FAST_TRIES)
		period = s->conf->discovery_slow_ms;
	/* 80 % to 120 % */
	s->timer = mams_time_add_ms(
		now, period - period / 5 + (int64_t)(ccm_session_draw(s) % (period * 2 / 5 + 1)));
}

static void ask_capability(struct ccm_session *s, mams_time now)
{
	s->timer = MAMS_TIME_NEVER;
	ccm_session_to(s, CCM_STATE_CAP_SENT, "CAP_WAIT is over");
	if (mx_exchange_begin(&s->exchange, ccm_compose_capability(s, MX_CAPABILITY_REQ), 0, now) <
		0)
		discover(s, now, "no memory");
}

static void run_timer(struct ccm_session *s, mams_time now)
{
	if (mams_time_before(now, s->timer))
		return;
	s->timer = MAMS_TIME_NEVER;
	if (s->state == CCM_STATE_DISCOVERING)
		send_discover(s, now);
	else if (s->state == CCM_STATE_INFO && s->conf->initiator == MX_INITIATOR_NCM)
		discover(s, now, "the NCM does not ask");
	else if (s->state == CCM_STATE_INFO)
		ask_capability(s, now);
	else if (s->state == CCM_STATE_STOPPING) {
		ccm_session_to(s, CCM_STATE_STOPPED, "stop");
		ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_STOPPED});
	}
}

static mams_time keep_alive_due(const struct ccm_session *s)
{
	if (!ccm_session_reports(s) || mx_exchange_has(&s->exchange, MX_KEEP_ALIVE_REQ))
		return MAMS_TIME_NEVER;
	return mams_time_add_ms(s->last_heard, s->conf->keep_alive_ms);
}

static mams_time fallback_due(const struct ccm_session *s)
{
	if (!s->set_up || s->fallen_back || s->conf->fallback_ms == 0)
		return MAMS_TIME_NEVER;
	return mams_time_add_ms(s->last_heard, s->conf->fallback_ms);
}

void ccm_session_tick(struct ccm_session *s, mams_time now)
{
	enum mx_type type;

	while ((type = mx_exchange_tick(&s->exchange, now)) != MX_TYPE_COUNT)
		expired(s, type, now);
	run_timer(s, now);
	if (!mams_time_before(now, keep_alive_due(s)) &&
		mx_exchange_begin(
			&s->exchange, ccm_compose_keep_alive(s, MX_KEEP_ALIVE_REQ), 0, now) < 0)
		s->last_heard = now; /* no memory: try again a period later */
	if (!mams_time_before(now, fallback_due(s)))
		fall_back(s);
	ccm_detour_tick(s, now);
	if (ccm_setup_tick(s, now))
		ccm_session_apply(s);
	ccm_associate_tick(s, now);
	ccm_advice_tick(s, now);
	ccm_leave_tick(s, now);
}

mams_time ccm_session_deadline(const struct ccm_session *s)
{
	mams_time t = mams_time_min(mx_exchange_deadline(&s->exchange), s->timer);

	t = mams_time_min(t, ccm_advice_deadline(s, s->last_heard));
	t = mams_time_min(t, ccm_setup_deadline(s));
	t = mams_time_min(t, ccm_detour_deadline(s));
	t = mams_time_min(t, ccm_associate_deadline(s));
	t = mams_time_min(t, ccm_leave_deadline(s));
	return mams_time_min(t, mams_time_min(keep_alive_due(s), fallback_due(s)));
}

bool ccm_session_next(struct ccm_session *s, struct ccm_action *out)
{
	const struct mx_msg *m;

	/* on link down traffic moves first, the report goes second */
	if (s->n > 0) {
		*out = s->queue[s->head];
		s->head = (s->head + 1) % CCM_ACTIONS_MAX;
		s->n--;
		return true;
	}
	m = mx_exchange_next(&s->exchange);
	if (!m)
		return false;
	*out = (struct ccm_action){.kind = CCM_ACT_SEND, .msg = m};
	return true;
}
