/* The N-MADP instances of the NCM at work: who comes, goes or is drained, and what they tell. */
#include "ncm-service/service_private.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "ncm-service/trace.h"

#include <errno.h>

#define LOG_MODULE "session"
#define SPREAD_US 2000 /* between two sessions that move together */
#define ROOM_MS 1000   /* after somebody has left an instance */

/* Once a second at most: there may be many who leave, and many who were refused. */
void ncm_service_look_for_room(struct ncm_service *v)
{
	if (!v->looking_for_room)
		mams_loop_timer_at(v->room, mams_time_add_ms(mams_loop_now(v->loop), ROOM_MS));
	v->looking_for_room = true;
}

/* All sessions look again at where they are; they move one after the other. */
static void review(struct ncm_service *v)
{
	mams_time now = mams_loop_now(v->loop);
	mams_time when = now;

	ncm_trace_madps(v->trace, ncm_registry_madps(v->registry), now);
	for (struct ncm_session *s = ncm_registry_next(v->registry, NULL); s;
		s = ncm_registry_next(v->registry, s)) {
		const struct ctl_trace_input in = {.kind = CTL_TRACE_REVIEW,
			.has_after_us = true,
			.after_us = (uint64_t)(when.us - now.us)};
		mams_time before = s->gather_until;

		ncm_trace_input(v->trace, s, &in, NULL, now);
		ncm_session_review(s, when);
		if (s->gather_until.us != before.us)
			when.us += SPREAD_US;
		ncm_service_arm_session(v, s);
	}
	ncm_service_arm(v);
}

void ncm_service_there_is_room(void *user)
{
	struct ncm_service *v = user;

	v->looking_for_room = false;
	review(v);
}

void ncm_service_watch_instances(void *user)
{
	struct ncm_service *v = user;
	struct ncm_madps *m = ncm_registry_madps(v->registry);

	if (ncm_madps_tick(m, mams_loop_now(v->loop))) {
		for (size_t i = 0; i < m->policy->n_madps; i++)
			if (m->use[i].state == NCM_MADP_DEAD)
				log_warn("N-MADP instance %s is dead clients=%u",
					m->policy->madps[i].name, m->use[i].used);
		review(v);
	}
	mams_loop_timer_at(v->instances, ncm_madps_deadline(m));
}

static void connected(void *user, size_t madp, bool up)
{
	struct ncm_service *v = user;
	struct ncm_madps *m = ncm_registry_madps(v->registry);

	if (up)
		ncm_madps_connected(m, madp);
	else
		ncm_madps_lost(m, madp, mams_loop_now(v->loop));
	mams_loop_timer_at(v->instances, ncm_madps_deadline(m));
	if (up)
		review(v);
	else
		ncm_trace_madps(v->trace, m, mams_loop_now(v->loop));
}

int ncm_service_drain(struct ncm_service *v, const char *name, bool drain, struct mams_error *err)
{
	int rc;

	if (ncm_madps_find(ncm_registry_madps(v->registry), name) < 0)
		return mams_fail(err, MAMS_EUNKNOWN, name,
			"is no N-MADP instance (mamsctl status lists them)");
	rc = ncm_store_drained(v->store, name, drain);
	if (rc == -ENOTCONN)
		return mams_fail(err, ENOTCONN, name,
			"there is no Redis to tell the other instances, try again");
	if (rc == 0)
		ncm_service_commit(v);
	ncm_service_set_drained(v, name, drain);
	return 0;
}

void ncm_service_set_drained(struct ncm_service *v, const char *name, bool drain)
{
	struct ncm_madps *m = ncm_registry_madps(v->registry);
	int i = ncm_madps_find(m, name);

	if (i < 0 || m->use[i].drained == drain)
		return;
	m->use[i].drained = drain;
	log_info("N-MADP instance %s is %s clients=%u", name,
		drain ? "drained: new clients go elsewhere, its own move" : "in use again",
		m->use[i].used);
	ncm_madp_drained(v->madp);
	review(v);
}

static void prepared(void *user, uint64_t session_id, size_t madp, const struct ncm_tunnel *tunnel)
{
	struct ncm_service *v = user;
	struct ncm_session *s = ncm_registry_by_id(v->registry, session_id);
	struct ctl_trace_tunnel t = {0};
	struct ctl_trace_input in = {.kind = CTL_TRACE_PREPARED, .tunnel = tunnel ? &t : NULL};
	mams_time now = mams_loop_now(v->loop);

	if (!s)
		return;
	if (tunnel)
		t = (struct ctl_trace_tunnel){tunnel->anchor4, tunnel->anchor6, tunnel->port};
	in.madp = s->policy->madps[madp].name;
	ncm_trace_input(v->trace, s, &in, NULL, now);
	ncm_session_prepared(s, madp, tunnel, now);
	ncm_service_run(v, s);
}

static void probing(void *user, uint64_t session_id, uint8_t connection_id, bool ready)
{
	struct ncm_service *v = user;
	struct ncm_session *s = ncm_registry_by_id(v->registry, session_id);
	const struct ctl_trace_input in = {.kind = CTL_TRACE_PROBING,
		.has_connection_id = true,
		.connection_id = connection_id,
		.has_ready = true,
		.ready = ready};
	mams_time now = mams_loop_now(v->loop);

	if (!s)
		return;
	ncm_trace_input(v->trace, s, &in, NULL, now);
	ncm_session_probing(s, connection_id, ready, now);
	ncm_service_run(v, s);
}

void ncm_service_look_near(struct ncm_service *v, struct ncm_session *s)
{
	mams_time now = mams_loop_now(v->loop);
	struct ctl_trace_input in = {.kind = CTL_TRACE_FAR, .has_far = true};

	if (s->state == NCM_STATE_ENDED || !ncm_near_look(&v->near, s, now, &in.far))
		return;
	ncm_trace_input(v->trace, s, &in, NULL, now);
	ncm_session_far(s, in.far, now);
}

/* A one-way delay counts twice where the other direction is not told. */
static void take_path(
	struct ncm_service *v, const struct ncm_session *s, const struct ncm_madp_measured *x)
{
	const struct ncm_link *l = &s->s.links[x->id];
	const struct ncm_way_quality *q = &s->quality[x->id].dl;

	if (x->dl.has_delay && l->in_setup && l->admission == NCM_ADMIT_OK)
		ncm_near_take(&v->near, (uint8_t)l->access, &l->setup_address, x->madp,
			x->dl.delay_us + (x->ul.has_delay ? x->ul.delay_us : x->dl.delay_us),
			q->has_loss ? q->loss_ppm : 0, mams_loop_now(v->loop));
}

static void measured(void *user, struct ncm_session *s, const struct ncm_madp_measured *x)
{
	struct ncm_service *v = user;
	const struct ctl_trace_input in = {.kind = CTL_TRACE_MEASURED,
		.has_connection_id = true,
		.connection_id = x->id,
		.has_trailer = true,
		.trailer = x->from == NCM_QUALITY_TRAILER,
		.ul = x->told_ul,
		.dl = x->told_dl};
	mams_time now = mams_loop_now(v->loop);

	ncm_registry_set_wall(v->registry, mams_clock_wall() * 1000000, now);
	ncm_trace_input(v->trace, s, &in, NULL, now);
	ncm_session_quality(s, x->id, x->from, &x->ul, &x->dl, now);
	take_path(v, s, x);
	ncm_service_run(v, s);
}

static void said(void *user, const struct ncm_session *s, const char *text)
{
	const struct ncm_service *v = user;

	ncm_trace_plane(v->trace, s, text, mams_loop_now(v->loop));
}

void ncm_service_put_held(void *user, const char *client)
{
	struct ncm_service *v = user;
	struct mams_buf text = {0};

	ncm_holds_write(ncm_madp_holds(v->madp), client, &text);
	if (text.failed)
		log_err("no memory to keep what N-MADP instances hold client=%s", client);
	else
		(void)!ncm_store_held(v->store, client, text.data);
	mams_buf_fini(&text);
	ncm_service_commit(v);
}

const struct ncm_madp_ops ncm_service_madp_ops = {.prepared = prepared,
	.probing = probing,
	.measured = measured,
	.said = said,
	.connected = connected,
	.held = ncm_service_put_held};
