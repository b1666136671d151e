#include "ccm-agent/estimate.h"
#include "ccm-agent/compose.h"
#include "ccm-agent/setup.h"

#define WAIT_MS 15000       /* for the first probe */
#define GRACE_MS 1000       /* after the last probe of a test should have come */
#define KNOCK_MS 1000       /* Keep-Alives until a probe has come */
#define KEEP_ALIVE_MS 15000 /* and then, as NATs want it */
#define WINDOW_S 10u        /* DECISION: a probe duration when the NCM sets none */

static const struct ccm_lane *lane_of(const struct ccm_session *s, uint8_t id)
{
	for (size_t a = 0; a < CCM_ANCHORS_MAX; a++) {
		const struct ccm_lane *l = &s->anchor[a].lane[id];

		if (s->anchor[a].used && l->named && l->control_port && mams_addr_is_set(&l->proxy))
			return l;
	}
	return NULL;
}

bool ccm_estimate_wants(
	const struct ccm_session *s, uint8_t id, struct mams_addr *local, struct mams_addr *peer)
{
	const struct ccm_session_link *l = &s->link[id];
	const struct ccm_lane *lane = lane_of(s, id);

	if (!s->estimate[id].on || !lane || !s->set_up || s->fallen_back ||
		!ccm_setup_carries(s, id) || lane->proxy.family != l->now.address.family)
		return false;
	*local = l->now.address;
	local->port = s->conf->probe_port;
	*peer = lane->proxy;
	peer->port = lane->control_port;
	return true;
}

int ccm_estimate_req(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_path_est_req *r = &m->path_est_req;

	if (!(s->features & ~s->off & 1u << MX_F_PROBING)) {
		s->counters.probes_refused++;
		return mams_fail(err, MAMS_ESTATE, "mx_path_est_req", "probing is %s",
			s->off & 1u << MX_F_PROBING ? "switched off" : "not agreed");
	}
	if (r->connection_id >= CCM_LINKS_MAX || !lane_of(s, r->connection_id)) {
		s->counters.probes_refused++;
		return mams_fail(err, MAMS_EVALUE, "connection_id",
			"%u has no way for probes in the user plane", r->connection_id);
	}
	s->estimate[r->connection_id] = (struct ccm_estimate){
		.on = true, .conf = *r, .end = mams_time_add_ms(now, WAIT_MS), .keep_alive = now};
	s->counters.estimations++;
	return 0;
}

void ccm_estimate_clear(struct ccm_session *s)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		s->estimate[i] = (struct ccm_estimate){0};
}

/* ---- probes ---- */

static uint32_t window_s(const struct ccm_estimate *e)
{
	return e->conf.has_active_probe_duration_sec ? e->conf.active_probe_duration_sec : WINDOW_S;
}

static void begin_phase(struct ccm_estimate *e, bool active, uint64_t received, mams_time now)
{
	/* the first probe answers the Keep-Alive: of a far link nothing else may come in time */
	if (e->phase == CCM_ESTIMATE_WAIT && !e->rtt_us)
		e->rtt_us = (uint32_t)(now.us - e->keep_alive.us + KNOCK_MS * 1000);
	e->phase = active ? CCM_ESTIMATE_ACTIVE : CCM_ESTIMATE_INIT;
	e->from = now;
	e->n = 0;
	e->octets = 0;
	e->received = received;
	e->end = active ? mams_time_add_ms(now, window_s(e) * 1000)
			: mams_time_add_ms(now, e->conf.init_probe_test_duration_ms + GRACE_MS);
	e->keep_alive = mams_time_add_ms(now, KEEP_ALIVE_MS);
}

static uint32_t expected(const struct ccm_estimate *e)
{
	return mx_control_init_probes(e->conf.init_probe_test_duration_ms,
		e->conf.init_probe_test_rate_mbps, e->conf.init_probe_size_bytes);
}

static size_t put(const struct mx_control *c, uint8_t *out)
{
	int n = mx_control_encode(c, out, CCM_ESTIMATE_ANSWER);

	return n > 0 ? (size_t)n : 0;
}

size_t ccm_estimate_pdu(struct ccm_session *s, uint8_t id, const void *data, size_t len,
	uint64_t received, mams_time now, uint8_t answer[CCM_ESTIMATE_ANSWER])
{
	struct ccm_estimate *e = &s->estimate[id];
	struct mx_control c;
	uint32_t rtt;

	if (!e->on || mx_control_decode(data, len, true, &c) < 0 || c.kind != MX_CONTROL_REQ ||
		c.cid != id) {
		s->counters.probes_strange++;
		return 0;
	}
	rtt = mx_control_pad_rtt(c.padding, c.padding_len);
	e->rtt_us = rtt ? rtt : e->rtt_us;
	/* a last word of the N-MADP, and no probe of the test */
	if (!c.active && len != e->conf.init_probe_size_bytes)
		return 0;
	if (e->phase != (c.active ? CCM_ESTIMATE_ACTIVE : CCM_ESTIMATE_INIT))
		begin_phase(e, c.active, received, now);
	/* more than was asked for: somebody means to have us answer (requirements.md D.6) */
	if (!c.active && e->n >= 2 * expected(e)) {
		s->counters.probes_strange++;
		return 0;
	}
	s->counters.probes_received++;
	e->octets += e->n > 0 ? len : 0;
	e->n++;
	e->to = now;
	if (!c.want_ack)
		return 0;
	return put(&(struct mx_control){.kind = MX_CONTROL_ACK,
			   .cid = c.has_rcid ? c.rcid : id,
			   .sn = c.sn,
			   .active = c.active,
			   .lsb_first = c.lsb_first},
		answer);
}

/* ---- results ---- */

/* C.3.17 as it is printed can tell neither that nothing was lost nor more than 100 Mbit/s. */
static double printed(const struct ccm_session *s, double v)
{
	if (!s->conf->strict_schema)
		return v;
	return v < 1 ? 1 : v > 100 ? 100 : v;
}

static void judge_init(struct ccm_session *s, uint8_t id)
{
	const struct ccm_estimate *e = &s->estimate[id];
	const int64_t us = e->to.us - e->from.us;
	const uint32_t want = expected(e);
	struct mx_init_probe_results r = {
		.lost_probes_percentage =
			e->n < want ? 100.0 * (double)(want - e->n) / (double)want : 0,
		.probe_rate_mbps = printed(s, us > 0 ? (double)e->octets * 8 / (double)us : 0),
		.has_probe_delay_us = e->rtt_us > 0,
		.probe_delay_us = e->rtt_us / 2};

	if (s->conf->strict_schema) /* where it is an integer */
		r.lost_probes_percentage =
			(double)(int64_t)printed(s, r.lost_probes_percentage + 0.5);
	if (mx_exchange_post(&s->exchange, ccm_compose_path_results(s, id, &r, NULL)) == 0)
		s->counters.estimation_results++;
}

static void judge_active(struct ccm_session *s, uint8_t id, uint64_t received, mams_time now)
{
	const struct ccm_estimate *e = &s->estimate[id];
	const int64_t us = now.us - e->from.us;
	/* a new interface of the same name counts from zero */
	const uint64_t octets = received >= e->received ? received - e->received : 0;
	struct mx_active_probe_results r = {.avg_tput_last_probe_duration_mbps = printed(s,
						    us > 0 ? (double)octets * 8 / (double)us : 0)};

	if (mx_exchange_post(&s->exchange, ccm_compose_path_results(s, id, NULL, &r)) == 0)
		s->counters.estimation_results++;
}

static void phase_over(struct ccm_session *s, uint8_t id, uint64_t received, mams_time now)
{
	struct ccm_estimate *e = &s->estimate[id];

	switch (e->phase) {
	case CCM_ESTIMATE_WAIT:
		s->counters.estimations_silent++;
		e->on = false;
		break;
	case CCM_ESTIMATE_INIT:
		judge_init(s, id);
		e->on = false;
		break;
	case CCM_ESTIMATE_ACTIVE:
		judge_active(s, id, received, now);
		/* without a duration it goes on until it is replaced, or the probes stop */
		e->on = !e->conf.has_active_probe_duration_sec &&
			mams_time_before(now, mams_time_add_ms(e->to, WAIT_MS));
		if (e->on)
			begin_phase(e, true, received, now);
		break;
	}
}

size_t ccm_estimate_tick(struct ccm_session *s, uint8_t id, uint64_t received, mams_time now,
	uint8_t pdu[CCM_ESTIMATE_ANSWER])
{
	struct ccm_estimate *e = &s->estimate[id];

	if (e->on && !mams_time_before(now, e->end))
		phase_over(s, id, received, now);
	if (!e->on || mams_time_before(now, e->keep_alive))
		return 0;
	e->keep_alive =
		mams_time_add_ms(now, e->phase == CCM_ESTIMATE_WAIT ? KNOCK_MS : KEEP_ALIVE_MS);
	return put(&(struct mx_control){.kind = MX_CONTROL_KEEP_ALIVE, .cid = id, .sn = e->seq++},
		pdu);
}

mams_time ccm_estimate_deadline(const struct ccm_session *s, uint8_t id)
{
	const struct ccm_estimate *e = &s->estimate[id];

	return e->on ? mams_time_min(e->end, e->keep_alive) : MAMS_TIME_NEVER;
}
