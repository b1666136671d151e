#include "ccm-agent/leave.h"

#include "ccm-agent/compose.h"
#include "ccm-agent/report.h"
#include "ccm-agent/setup.h"

static uint32_t fading(const struct ccm_session *s)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		bits |= s->link[i].fade.on ? 1u << i : 0;
	return bits;
}

uint32_t ccm_leave_list(const struct ccm_session *s, uint32_t list, uint32_t have)
{
	const uint32_t stay = have & ~fading(s);

	if (stay == 0 || stay == have)
		return list;
	return list & stay ? list & ~fading(s) : stay;
}

void ccm_leave_class(const struct ccm_session *s, struct ccm_class *k, uint32_t have)
{
	uint32_t list = 0;
	uint32_t left;
	size_t n = 0;

	for (size_t i = 0; i < k->n_links; i++)
		list |= 1u << k->links[i];
	left = ccm_leave_list(s, list, have);
	if (left == list)
		return;
	for (size_t i = 0; i < k->n_links; i++)
		if (left & 1u << k->links[i])
			k->links[n++] = k->links[i];
	for (uint8_t i = 0; n == 0 && i < CCM_LINKS_MAX; i++)
		if (left & 1u << i)
			k->links[n++] = i;
	k->n_links = n;
}

/* ---- what the NCM is told ---- */

void ccm_session_handover(struct ccm_session *s, uint8_t connection_id, mams_time now)
{
	if ((s->state != CCM_STATE_ACTIVE && s->state != CCM_STATE_HANDOVER) ||
		!s->link[connection_id].conf || !s->modern) /* the seed has no handover */
		return;
	if (mx_exchange_begin(&s->exchange, ccm_compose_handover(s, connection_id), 0, now) < 0)
		return;
	s->counters.handovers++;
	s->handover = connection_id;
	s->link[connection_id].left = true;
	ccm_session_to(s, CCM_STATE_HANDOVER, "an access is being left");
	ccm_session_apply(s);
}

/* Is there another to go to? */
static bool is_needed(const struct ccm_session *s, uint8_t id)
{
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++)
		if (i != id && ccm_setup_carries(s, i) && !s->link[i].fade.on &&
			!ccm_session_is_silent(s, i))
			return false;
	return true;
}

/* A report under way would take back what is said after it. */
void ccm_leave_review(struct ccm_session *s, mams_time now)
{
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		const struct ccm_session_link *l = &s->link[i];

		if (l->fade.on && !l->left && !l->open && ccm_setup_carries(s, i) &&
			!is_needed(s, i))
			ccm_session_handover(s, i, now);
	}
}

void ccm_leave_forget(struct ccm_session *s)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		s->link[i].left = false;
}

/* ---- signals ---- */

static void changed(struct ccm_session *s, uint8_t id, mams_time now)
{
	struct ccm_session_link *l = &s->link[id];

	s->counters.fadings += l->fade.on;
	ccm_session_push(s, (struct ccm_action){.kind = CCM_ACT_SIGNAL, .link = id});
	l->restored = !l->fade.on && l->left;
	l->left = false;
	if (s->set_up)
		ccm_session_apply(s);
	ccm_leave_review(s, now);
	ccm_report_links(s, now);
}

void ccm_session_signal(struct ccm_session *s, uint8_t connection_id, int dbm, mams_time now)
{
	struct ccm_session_link *l = &s->link[connection_id];

	if (l->conf && l->now.usable && ccm_fade_put(&l->fade, &l->conf->fade, dbm, now))
		changed(s, connection_id, now);
}

int ccm_session_told(struct ccm_session *s, uint8_t connection_id, int type, int dbm, mams_time now)
{
	const struct ccm_link_conf *conf =
		connection_id < CCM_LINKS_MAX ? s->link[connection_id].conf : NULL;

	if (!conf)
		return -MAMS_EUNKNOWN;
	if (!mx_measurement_fits(type, conf->connection_type))
		return -MAMS_EVALUE;
	ccm_session_measured(s, connection_id, type, dbm);
	if (type == MX_M_WLAN_RSSI || type == MX_M_LTE_RSRP || type == MX_M_NR_RSRP)
		ccm_session_signal(s, connection_id, dbm, now);
	return 0;
}

void ccm_leave_tick(struct ccm_session *s, mams_time now)
{
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++)
		if (ccm_fade_tick(&s->link[i].fade, now))
			changed(s, i, now);
	ccm_leave_review(s, now);
}

mams_time ccm_leave_deadline(const struct ccm_session *s)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		t = mams_time_min(t, ccm_fade_deadline(&s->link[i].fade));
	return t;
}
