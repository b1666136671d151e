#include "ncm-service/usage.h"

#include "lib/steer/conf.h"

#include <stdio.h>
#include <string.h>

#define STEPS 64u /* of a quota: what a death of the NCM may forget is one */

static uint64_t wall(const struct ncm_session *s, mams_time now)
{
	const int64_t us = now.us + (s->wall_more ? *s->wall_more : 0);

	return us > 0 ? (uint64_t)us / 1000000 : 0;
}

static const struct steer_price *quota_of(const struct ncm_session *s, uint8_t id)
{
	const struct ncm_link *l = &s->s.links[id];
	const struct steer_price *p =
		s->policy->steer && l->known && l->admission == NCM_ADMIT_OK
			? steer_policy_price(s->policy->steer, s->policy->accesses[l->access].name)
			: NULL;

	return p && p->quota_mb ? p : NULL;
}

/* One of an access that no price names any more makes room. */
static struct ncm_used *used_of(struct ncm_saved *s, const char *access)
{
	struct ncm_used *oldest = s->used;

	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		if (strcmp(s->used[i].access, access) == 0)
			return &s->used[i];
		if (s->used[i].until < oldest->until)
			oldest = &s->used[i];
	}
	*oldest = (struct ncm_used){0};
	snprintf(oldest->access, sizeof(oldest->access), "%s", access);
	return oldest;
}

void ncm_usage_take(struct ncm_session *s, uint8_t id, uint64_t octets, mams_time now)
{
	const struct steer_price *p = quota_of(s, id);
	struct ncm_used *u = p && octets ? used_of(&s->s, p->access) : NULL;
	uint64_t step;
	uint64_t before;

	if (!u)
		return;
	if (u->until <= wall(s, now)) {
		u->octets = 0;
		u->until = steer_quota_end(p->quota_per, wall(s, now));
		ncm_session_store(s);
	}
	step = p->quota_mb * UINT64_C(1000000) / STEPS;
	before = u->octets / step;
	u->octets += octets;
	s->counters->quota_octets += octets;
	if (u->octets / step != before)
		ncm_session_store(s);
}

const struct steer_price *ncm_usage_of(
	const struct ncm_session *s, uint8_t id, mams_time now, uint64_t *used)
{
	const struct steer_price *p = quota_of(s, id);

	*used = 0;
	for (size_t i = 0; p && i < NCM_LINKS_MAX; i++)
		if (strcmp(s->s.used[i].access, p->access) == 0 &&
			s->s.used[i].until > wall(s, now))
			*used = s->s.used[i].octets;
	return p;
}
