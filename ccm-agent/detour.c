#include "ccm-agent/detour.h"

static bool is_known(const struct ccm_session_link *l)
{
	return mams_addr_is_set(&l->plain_local);
}

static void forget(struct ccm_session_link *l)
{
	l->plain_local = (struct mams_addr){0};
}

static void apply(struct ccm_session *s)
{
	if (s->set_up)
		ccm_session_apply(s);
}

bool ccm_detour_path(struct ccm_session *s, uint8_t connection_id, const struct mams_addr *local,
	const struct mams_addr *proxy, uint32_t for_ms, mams_time now)
{
	struct ccm_session_link *l = &s->link[connection_id];
	bool same = is_known(l) && mams_addr_eq_ip(&l->plain_local, local) &&
		    mams_addr_eq(&l->plain_proxy, proxy);

	if (for_ms) {
		l->plain_local = *local;
		l->plain_proxy = *proxy;
		l->plain_until = mams_time_add_ms(now, for_ms);
	} else if (same) {
		forget(l);
	}
	if (same == (for_ms > 0))
		return false;
	s->counters.paths_plain += for_ms > 0;
	apply(s);
	return true;
}

void ccm_detour_tunnel(struct ccm_session *s, bool carries)
{
	if (s->tunnel_carries == carries)
		return;
	s->tunnel_carries = carries;
	apply(s);
}

void ccm_detour_forget(struct ccm_session *s)
{
	bool any = false;

	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		any |= is_known(&s->link[i]);
		forget(&s->link[i]);
	}
	if (any)
		apply(s);
}

bool ccm_detour_wanted(const struct ccm_session *s, const struct ccm_target *t)
{
	bool any = false;

	if (!t->catching || !s->tunnel_carries)
		return false;
	for (size_t i = 0; i < t->n_paths; i++) {
		const struct ccm_path *p = &t->paths[i];
		const struct ccm_session_link *l = &s->link[p->connection_id];

		if (!p->caught || p->silent)
			continue;
		if (!is_known(l) || !mams_addr_eq_ip(&l->plain_local, &p->local) ||
			!mams_addr_eq(&l->plain_proxy, &p->proxy))
			return false;
		any = true;
	}
	return any;
}

bool ccm_detour_is_plain(const struct ccm_session *s, uint8_t connection_id)
{
	const struct ccm_session_link *l = &s->link[connection_id];

	return s->set_up && l->now.usable && is_known(l) &&
	       mams_addr_eq_ip(&l->plain_local, &l->now.address);
}

void ccm_detour_tick(struct ccm_session *s, mams_time now)
{
	bool any = false;

	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct ccm_session_link *l = &s->link[i];

		if (!is_known(l) || mams_time_before(now, l->plain_until))
			continue;
		forget(l);
		any = true;
	}
	if (any)
		apply(s);
}

mams_time ccm_detour_deadline(const struct ccm_session *s)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		if (is_known(&s->link[i]))
			t = mams_time_min(t, s->link[i].plain_until);
	return t;
}
