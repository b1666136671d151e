/* Timers of a session, all derived, none stored twice:
 *  exchange     own requests: MAMS_TIMEOUT with MAMS_RETRY, T_SETUP for the UP setup
 *  gather_until links that report together share one UP setup
 *  patience     CAP_WAIT when the client has to ask, ACK_WAIT: it goes on, or the session ends
 *  last_heard   + MAMS_KEEP_ALIVE_TIMEOUT: Keep-Alive REQ */
#include "ncm-service/advice.h"
#include "ncm-service/agree.h"
#include "ncm-service/appreq.h"
#include "ncm-service/compose.h"
#include "ncm-service/estimate.h"
#include "ncm-service/links.h"
#include "ncm-service/setup.h"
#include "ncm-service/steerer.h"
#include "ncm-service/steering.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void ncm_session_push(struct ncm_session *s, struct ncm_action a)
{
	if (s->n == NCM_ACTIONS_MAX) {
		s->counters->actions_lost++;
		return;
	}
	s->queue[(s->head + s->n++) % NCM_ACTIONS_MAX] = a;
}

void ncm_session_to(struct ncm_session *s, enum ncm_state to, const char *reason)
{
	if (s->state == to)
		return;
	ncm_session_push(
		s, (struct ncm_action){
			   .kind = NCM_ACT_STATE, .from = s->state, .to = to, .text = reason});
	s->state = to;
}

/* A session in the making is not worth it: its client finds it unknown, and begins again at once.
 */
void ncm_session_store(struct ncm_session *s)
{
	if (s->s.active)
		ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_STORE});
}

int ncm_session_reply(struct ncm_session *s, const struct mx_msg *request, struct mx_msg *response)
{
	if (!response)
		return -ENOMEM;
	ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_REPLY,
				    .msg = mx_exchange_give(&s->exchange, request, response)});
	return 0;
}

struct ncm_session *ncm_session_new(const struct ncm_policy *p, struct ncm_counters *c,
	struct ncm_madps *madps, const struct ncm_saved *saved, uint32_t first, mams_time now)
{
	struct ncm_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->policy = p;
	s->counters = c;
	s->madps = madps;
	s->s = *saved;
	s->created = now;
	s->last_heard = now;
	s->seen = now;
	s->gather_until = MAMS_TIME_NEVER;
	s->assume_at = MAMS_TIME_NEVER;
	s->leave_at = MAMS_TIME_NEVER;
	s->patience = MAMS_TIME_NEVER;
	mx_exchange_init(&s->exchange, &p->timing, first);
	ncm_setup_restore(s);
	ncm_steerer_renew(s, now);
	if (s->s.active) {
		s->state = NCM_STATE_ACTIVE;
		ncm_session_policy(s);
		/* what was under way is not stored: one setup makes both sides agree again */
		s->gather_until = now;
		s->away = true;
	} else {
		c->sessions_created++;
	}
	return s;
}

void ncm_session_free(struct ncm_session *s)
{
	if (!s)
		return;
	mx_exchange_fini(&s->exchange);
	ncm_advice_forget(s);
	ncm_steerer_forget(s);
	ncm_setup_forget(s);
	ncm_appreq_forget(s);
	mams_wipe(s, sizeof(*s));
	free(s);
}

/* An order of the policy's, not an operator's. */
static bool is_own(const struct ncm_session *s)
{
	return s->steer.request == NCM_STEERER_REQUEST;
}

static void finish_steering(struct ncm_session *s, int code, const char *text)
{
	if (!s->steer.open)
		return;
	s->steer.open = false;
	if (is_own(s))
		ncm_steerer_done(s, code, text);
	ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_STEER_DONE,
				    .request = s->steer.request,
				    .code = code,
				    .text = text});
}

/* Resources go first, then the session: whoever holds the key is no longer served. */
void ncm_session_end(struct ncm_session *s, const char *reason)
{
	finish_steering(s, MAMS_ESTATE, "the session has ended");
	mx_exchange_abandon(&s->exchange); /* what was asked is not asked again */
	if (s->state != NCM_STATE_ENDED)
		ncm_setup_release(s);
	ncm_session_to(s, NCM_STATE_ENDED, reason);
	ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_END});
	s->counters->sessions_ended++;
}

void ncm_session_terminate(struct ncm_session *s, int reason, mams_time now)
{
	if (s->state == NCM_STATE_ENDED)
		return;
	finish_steering(s, MAMS_ESTATE, "the session is being ended");
	ncm_setup_release(s);
	ncm_session_to(s, NCM_STATE_ENDED, "terminated by the NCM");
	mx_exchange_reset(&s->exchange);
	if (mx_exchange_begin(&s->exchange,
		    ncm_compose_termination(s, MX_SESSION_TERMINATION_REQ, reason), 0, now) < 0) {
		ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_END});
		s->counters->sessions_ended++;
	}
}

/* ---- capabilities ---- */

/* Nothing of ours is open whose retries would end a session that its client has left. */
static void wait_for_client(struct ncm_session *s, mams_time now)
{
	s->patience = mams_time_add_ms(now, mx_timing_patience(&s->policy->timing));
}

static int on_discover(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	int rc;

	(void)err;
	finish_steering(s, MAMS_ESTATE, "the client has started anew");
	mx_exchange_reset(&s->exchange);
	s->gather_until = MAMS_TIME_NEVER;
	s->assume_at = MAMS_TIME_NEVER;
	s->patience = MAMS_TIME_NEVER;
	rc = ncm_session_reply(s, m, ncm_compose_system_info(s->policy, s->transport));
	if (rc == 0 && s->policy->initiator == MX_INITIATOR_CCM)
		wait_for_client(s, now);
	else if (rc == 0)
		rc = mx_exchange_begin(
			&s->exchange, ncm_compose_capability(s, MX_CAPABILITY_REQ), 0, now);
	if (rc == 0)
		ncm_session_to(s, NCM_STATE_CAP_WAIT, "mx_discover");
	return rc;
}

static int on_capability_rsp(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	int rc = ncm_agree(s, m, err);

	if (rc < 0) {
		ncm_session_terminate(s, MX_INTERNAL_ERROR, now);
		return rc;
	}
	ncm_session_to(s, NCM_STATE_NEGOTIATED, "mx_capability_rsp");
	/* the seed has no report of links before the UP setup (requirements.md A.1-21) */
	if (!s->modern && s->s.convergence)
		s->assume_at = mams_time_add_ms(now, 2 * (int64_t)s->policy->timing.timeout_ms);
	return 0;
}

/* RFC 8743's flow: the client asks.  Our own request, if one is under way, is withdrawn. */
static int on_capability_req(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	int rc = ncm_agree(s, m, err);

	if (rc == 0) {
		mx_exchange_cancel(&s->exchange, MX_CAPABILITY_REQ);
		rc = ncm_session_reply(s, m, ncm_compose_capability(s, MX_CAPABILITY_RSP));
	}
	if (rc == 0) {
		ncm_session_to(s, NCM_STATE_ACK_WAIT, "mx_capability_req");
		wait_for_client(s, now);
	}
	return rc;
}

/* In the seed's flow there is none, and one that comes all the same is no mistake. */
static int on_capability_ack(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)now;
	(void)err;
	if (m->capability_ack.capability_ack != MX_ACCEPT)
		ncm_session_end(s, "MX_REJECT");
	else if (s->state == NCM_STATE_ACK_WAIT)
		ncm_session_to(s, NCM_STATE_NEGOTIATED, "MX_ACCEPT");
	return 0;
}

/* ---- user plane ---- */

/* @return static words; NULL: it is under way */
static const char *begin_steering(struct ncm_session *s, mams_time now, int *code)
{
	const char *why;

	if (s->steer.again || s->steer.order.app)
		ncm_steering_lists(s, &s->steer.order);
	why = ncm_steering_check(s, &s->steer.order);
	*code = MAMS_EVALUE;
	if (why)
		return why;
	*code = ENOMEM;
	if (mx_exchange_begin(&s->exchange, ncm_compose_steering(s, &s->steer.order), 0, now) < 0)
		return "no memory";
	s->steer.held = false;
	return NULL;
}

/* While a running user plane is set up anew, because a link came or moved, the request waits: it is
 * over in a moment, and the operator is not to know of it. */
int ncm_session_steer(struct ncm_session *s, uint64_t request, const struct ncm_order *order,
	mams_time now, struct mams_error *err)
{
	bool being_set_up =
		s->s.active && (s->state == NCM_STATE_PREPARE || s->state == NCM_STATE_SETUP_WAIT);
	const char *why;
	int code;

	if (s->state != NCM_STATE_ACTIVE && !being_set_up)
		return mams_fail(err, MAMS_ESTATE, NULL,
			"the session is in state %s; steering needs ACTIVE",
			ncm_state_name(s->state));
	if (s->steer.open && (s->steer.again || is_own(s))) {
		/* the operator's request carries what ours would have said */
		mx_exchange_cancel(&s->exchange, MX_TRAFFIC_STEERING_REQ);
		finish_steering(s, MAMS_ESTATE, "given up: another order goes first");
		ncm_appreq_setup(s);
	}
	if (s->steer.open)
		return mams_fail(err, MAMS_ESTATE, NULL, "another steering request is under way");
	s->steer.again = false;
	s->steer.request = request;
	s->steer.order = *order;
	if (is_own(s))
		ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_ORDERED});
	s->steer.held = being_set_up;
	s->steer.until = mams_time_add_ms(now, s->policy->setup_timeout_ms);
	why = being_set_up ? NULL : begin_steering(s, now, &code);
	if (why)
		return mams_fail(err, code, NULL, "%s", why);
	s->steer.open = true;
	return 0;
}

bool ncm_session_steer_again(struct ncm_session *s, size_t anchor, mams_time now)
{
	int code;

	if (s->state != NCM_STATE_ACTIVE || s->steer.open)
		return false;
	s->steer.again = true;
	s->steer.request = 0;
	s->steer.order = (struct ncm_order){.anchor = anchor};
	s->steer.open = !begin_steering(s, now, &code);
	return s->steer.open;
}

void ncm_session_set_up(struct ncm_session *s, mams_time now)
{
	const char *why;
	int code;

	if (!s->steer.open || !s->steer.held)
		return;
	why = begin_steering(s, now, &code);
	if (why)
		finish_steering(s, code, why);
}

/* The RSP tells what is really in effect (seed 6.6). */
static int on_steering_rsp(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_traffic_steering_rsp *r = &m->traffic_steering_rsp;
	const char *text;
	int code;

	(void)err;
	if (!s->steer.open || s->steer.held)
		return 0;
	code = ncm_steering_verdict(s, r, &text);
	if (code) {
		finish_steering(s, code, text);
		return 0;
	}
	if (!s->steer.again) {
		ncm_steering_keep(s, &s->steer.order, is_own(s));
		ncm_session_policy(s);
		ncm_session_store(s);
		ncm_estimate_review(s, now);
	}
	finish_steering(s, 0, s->steer.again ? "applied to applications" : "applied");
	return 0;
}

/* ---- liveness ---- */

static int on_keep_alive_req(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_keep_alive *k = &m->keep_alive;

	(void)err;
	if (k->has_keep_alive_reason && k->keep_alive_reason == MX_KA_HANDOVER &&
		k->has_connection_id && k->connection_id < NCM_LINKS_MAX) {
		ncm_links_leave(s, k->connection_id, m->sequence_num);
		s->counters->handovers++;
		ncm_session_policy(s);
		ncm_steerer_news(s, now);
		ncm_session_store(s);
	}
	return ncm_session_reply(s, m, ncm_compose_keep_alive(s, MX_KEEP_ALIVE_RSP));
}

static int on_termination_req(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	int rc = ncm_session_reply(s, m, ncm_compose_termination(s, MX_SESSION_TERMINATION_RSP, 0));

	(void)now;
	(void)err;
	if (rc == 0)
		ncm_session_end(s, "mx_session_termination_req");
	return rc;
}

static int on_termination_rsp(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)m;
	(void)now;
	(void)err;
	ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_END});
	s->counters->sessions_ended++;
	return 0;
}

static int on_nothing(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)s;
	(void)m;
	(void)now;
	(void)err;
	return 0;
}

/* ---- the machine ---- */

#define IN(s) (1u << NCM_STATE_##s)
#define LIVE (IN(NEGOTIATED) | IN(PREPARE) | IN(SETUP_WAIT) | IN(ACTIVE))
#define ANY (LIVE | IN(NONE) | IN(CAP_WAIT) | IN(ACK_WAIT) | IN(ENDED))

/* One row per message type that a CCM may send; a type or state without a bit is class E6. */
static const struct rule {
	unsigned states;
	bool response; /**< must match an open request, else class E8 */
	int (*act)(struct ncm_session *, const struct mx_msg *, mams_time, struct mams_error *);
} rules[MX_TYPE_COUNT] = {
	[MX_DISCOVER] = {ANY, false, on_discover},
	[MX_CAPABILITY_RSP] = {IN(CAP_WAIT), true, on_capability_rsp},
	[MX_CAPABILITY_REQ] = {IN(CAP_WAIT) | IN(ACK_WAIT), false, on_capability_req},
	[MX_CAPABILITY_ACK] = {LIVE | IN(ACK_WAIT), false, on_capability_ack},
	[MX_RECONF_REQ] = {LIVE, false, ncm_links_report},
	[MX_UP_SETUP_CNF] = {IN(SETUP_WAIT), true, ncm_setup_confirmed},
	[MX_PATH_EST_RESULTS] = {LIVE, false, ncm_estimate_results},
	[MX_TRAFFIC_STEERING_RSP] = {LIVE, true, on_steering_rsp},
	[MX_APP_MADP_ASSOC_REQ] = {LIVE, false, ncm_advice_assoc},
	[MX_MEASUREMENT_REPORT] = {LIVE, false, ncm_advice_report},
	[MX_NETWORK_ANALYTICS_REQ] = {LIVE, false, ncm_advice_analytics},
	[MX_KEEP_ALIVE_REQ] = {LIVE | IN(CAP_WAIT) | IN(ACK_WAIT), false, on_keep_alive_req},
	[MX_KEEP_ALIVE_RSP] = {ANY, true, on_nothing},
	[MX_SESSION_TERMINATION_REQ] = {ANY & ~IN(NONE), false, on_termination_req},
	[MX_SESSION_TERMINATION_RSP] = {IN(ENDED), true, on_termination_rsp},
};

/* Whoever goes on has accepted: the ACK is lost or overtaken (requirements.md C.2). */
static void went_on(struct ncm_session *s, const struct mx_msg *m, const struct rule *r)
{
	if (s->state == NCM_STATE_ACK_WAIT && !r->response && (r->states & IN(ACTIVE)) &&
		!(r->states & IN(ENDED)) && m->type != MX_CAPABILITY_ACK)
		ncm_session_to(s, NCM_STATE_NEGOTIATED, mx_type_name(m->type));
}

static int refuse(uint64_t *counter, int code, struct mams_error *err, const struct mx_msg *m,
	const char *why)
{
	(*counter)++;
	return mams_fail(err, code, mx_type_name(m->type), "%s", why);
}

/* Taken up from a store, and here: the setup that it has not answered, if so, once more. */
static void is_back(struct ncm_session *s, mams_time now)
{
	if (s->away && s->state == NCM_STATE_ACTIVE)
		s->gather_until = mams_time_min(s->gather_until, now);
	s->away = false;
}

int ncm_session_input(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct rule *r = &rules[m->type];
	struct ncm_counters *c = s->counters;
	const struct mx_msg *stored;
	int rc;

	is_back(s, now);
	if (!r->act)
		return refuse(
			&c->wrong_direction, MAMS_ESTATE, err, m, "an NCM takes no such message");
	if (!r->response && mx_exchange_repeated(&s->exchange, m, &stored)) {
		c->repeated++;
		s->last_heard = now;
		if (stored)
			ncm_session_push(
				s, (struct ncm_action){.kind = NCM_ACT_REPLY, .msg = stored});
		return 0;
	}
	if (r->response && !mx_exchange_finish(&s->exchange, m))
		return refuse(&c->unmatched, MAMS_EUNKNOWN, err, m, "answers no open request");
	went_on(s, m, r);
	if (!(r->states & 1u << s->state))
		return refuse(&c->wrong_state, MAMS_ESTATE, err, m, ncm_state_name(s->state));
	c->messages++;
	c->unknown_members += m->unknown;
	c->variants += m->variants;
	s->modern |= mx_msg_session(m) != NULL || m->type == MX_KEEP_ALIVE_RSP ||
		     m->type == MX_CAPABILITY_REQ;
	s->last_heard = now;
	rc = r->act(s, m, now, err);
	ncm_appreq_step(s, now);
	ncm_steerer_news(s, now);
	if (rc == -MAMS_EVALUE || rc == -MAMS_EMISSING)
		c->wrong_value++;
	return rc;
}

void ncm_session_seen(struct ncm_session *s, mams_time now)
{
	s->seen = now;
	s->last_heard = now;
	is_back(s, now);
}

/* A client of the seed does not know keep-alives; that it comes to fetch messages is what tells
 * that it lives (requirements.md A.1-31). */
static bool lives_in_silence(const struct ncm_session *s, enum mx_type type, mams_time now)
{
	return type == MX_KEEP_ALIVE_REQ && !s->modern &&
	       mams_time_before(
		       now, mams_time_add_ms(s->seen, 2 * (int64_t)s->policy->keep_alive_ms));
}

static void expired(struct ncm_session *s, enum mx_type type, mams_time now)
{
	s->counters->retries_spent++;
	if (lives_in_silence(s, type, now)) {
		s->last_heard = now;
		return;
	}
	if (type == MX_TRAFFIC_STEERING_REQ)
		finish_steering(s, ETIMEDOUT, "the client does not answer");
	else if (type == MX_SESSION_TERMINATION_REQ)
		ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_END});
	else if (type == MX_UP_SETUP_CONF_REQ && s->away) /* ... it is asked when it comes */
		ncm_session_to(s, NCM_STATE_ACTIVE, "the client has not come yet");
	else
		ncm_session_end(s, mx_type_name(type));
}

static mams_time steer_due(const struct ncm_session *s)
{
	return s->steer.open && s->steer.held ? s->steer.until : MAMS_TIME_NEVER;
}

static mams_time prepare_due(const struct ncm_session *s)
{
	if (s->state == NCM_STATE_NEGOTIATED)
		return mams_time_min(s->gather_until, s->assume_at);
	if (s->state == NCM_STATE_ACTIVE)
		return s->gather_until;
	return s->state == NCM_STATE_PREPARE ? s->prepare_again : MAMS_TIME_NEVER;
}

static mams_time patience_due(const struct ncm_session *s)
{
	return s->state == NCM_STATE_CAP_WAIT || s->state == NCM_STATE_ACK_WAIT ? s->patience
										: MAMS_TIME_NEVER;
}

static mams_time keep_alive_due(const struct ncm_session *s)
{
	if (!(LIVE & 1u << s->state) || mx_exchange_has(&s->exchange, MX_KEEP_ALIVE_REQ))
		return MAMS_TIME_NEVER;
	return mams_time_add_ms(s->last_heard, s->policy->keep_alive_ms);
}

void ncm_session_tick(struct ncm_session *s, mams_time now)
{
	enum mx_type type;

	while ((type = mx_exchange_tick(&s->exchange, now)) != MX_TYPE_COUNT)
		expired(s, type, now);
	if (!mams_time_before(now, patience_due(s)))
		ncm_session_end(s, "the client has not gone on");
	if (!mams_time_before(now, steer_due(s)))
		finish_steering(s, ETIMEDOUT, "the user plane is not set up in time");
	if (!mams_time_before(now, s->assume_at)) {
		s->assume_at = MAMS_TIME_NEVER;
		if (s->state == NCM_STATE_NEGOTIATED && mams_time_is_never(s->gather_until))
			ncm_links_assume(s, now);
	}
	if (!mams_time_before(now, prepare_due(s)))
		ncm_setup_prepare(s, now);
	ncm_setup_tick(s, now);
	ncm_appreq_step(s, now);
	ncm_estimate_tick(s, now);
	ncm_steerer_tick(s, now);
	if (!mams_time_before(now, keep_alive_due(s)) &&
		mx_exchange_begin(
			&s->exchange, ncm_compose_keep_alive(s, MX_KEEP_ALIVE_REQ), 0, now) < 0)
		s->last_heard = now; /* no memory: try again a period later */
}

mams_time ncm_session_deadline(const struct ncm_session *s)
{
	mams_time due = mams_time_min(prepare_due(s), keep_alive_due(s));

	due = mams_time_min(due, steer_due(s));
	due = mams_time_min(due, patience_due(s));
	due = mams_time_min(due, s->leave_at);
	due = mams_time_min(due, ncm_estimate_deadline(s));
	due = mams_time_min(due, ncm_steerer_deadline(s));
	return mams_time_min(mx_exchange_deadline(&s->exchange), due);
}

bool ncm_session_next(struct ncm_session *s, struct ncm_action *out)
{
	const struct mx_msg *m = NULL;

	/* what is sent depends on what was done before, and END must come last */
	if (s->n == 0 || s->queue[s->head].kind == NCM_ACT_END)
		m = mx_exchange_next(&s->exchange);
	if (m) {
		*out = (struct ncm_action){.kind = NCM_ACT_SEND, .msg = m};
		return true;
	}
	if (s->n == 0)
		return false;
	*out = s->queue[s->head];
	s->head = (s->head + 1) % NCM_ACTIONS_MAX;
	s->n--;
	return true;
}
