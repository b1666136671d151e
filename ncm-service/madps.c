#include "ncm-service/madps.h"

#include <errno.h>
#include <string.h>

void ncm_madps_init(struct ncm_madps *m, const struct ncm_policy *p, mams_time now)
{
	*m = (struct ncm_madps){.policy = p};
	for (size_t i = 0; i < p->n_madps; i++)
		m->use[i].lost = now;
}

void ncm_madps_connected(struct ncm_madps *m, size_t i)
{
	m->use[i].state = NCM_MADP_UP;
}

void ncm_madps_lost(struct ncm_madps *m, size_t i, mams_time now)
{
	if (m->use[i].state != NCM_MADP_UP)
		return;
	m->use[i].state = NCM_MADP_AWAY;
	m->use[i].lost = now;
}

static bool is_waited_for(const struct ncm_madp_use *u)
{
	return u->state == NCM_MADP_UNKNOWN || u->state == NCM_MADP_AWAY;
}

static mams_time dies(const struct ncm_madps *m, const struct ncm_madp_use *u)
{
	return is_waited_for(u) ? mams_time_add_ms(u->lost, m->policy->madp_lost_ms)
				: MAMS_TIME_NEVER;
}

bool ncm_madps_tick(struct ncm_madps *m, mams_time now)
{
	bool died = false;

	for (size_t i = 0; i < m->policy->n_madps; i++) {
		if (mams_time_before(now, dies(m, &m->use[i])))
			continue;
		m->use[i].state = NCM_MADP_DEAD;
		died = true;
	}
	return died;
}

mams_time ncm_madps_deadline(const struct ncm_madps *m)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t i = 0; i < m->policy->n_madps; i++)
		t = mams_time_min(t, dies(m, &m->use[i]));
	return t;
}

bool ncm_madps_is_good(const struct ncm_madps *m, size_t i)
{
	return !m->use[i].drained && m->use[i].state != NCM_MADP_DEAD;
}

static uint32_t room(const struct ncm_madps *m, size_t i)
{
	uint32_t capacity = m->policy->madps[i].capacity;

	if (capacity == 0)
		return UINT32_MAX - m->use[i].used;
	return capacity > m->use[i].used ? capacity - m->use[i].used : 0;
}

/* Lower is better: one that answers, then one that may answer soon. */
static unsigned rank(const struct ncm_madps *m, size_t i)
{
	return m->use[i].state == NCM_MADP_UP ? 0 : 1;
}

int ncm_madps_pick(const struct ncm_madps *m, uint32_t among, size_t *out)
{
	bool found = false;
	bool full = false;
	size_t best = 0;

	for (size_t i = 0; i < m->policy->n_madps; i++) {
		if (!(among & 1u << i) || !ncm_madps_is_good(m, i))
			continue;
		if (room(m, i) == 0) {
			full = true;
			continue;
		}
		if (!found || rank(m, i) < rank(m, best) ||
			(rank(m, i) == rank(m, best) && room(m, i) > room(m, best)))
			best = i;
		found = true;
	}
	if (!found)
		return full ? -MAMS_ELIMIT : -ENOENT;
	*out = best;
	return 0;
}

void ncm_madps_take(struct ncm_madps *m, size_t i)
{
	m->use[i].used++;
}

void ncm_madps_put(struct ncm_madps *m, size_t i)
{
	mams_assert(m->use[i].used > 0);
	m->use[i].used--;
}

int ncm_madps_find(const struct ncm_madps *m, const char *name)
{
	for (size_t i = 0; i < m->policy->n_madps; i++)
		if (strcmp(m->policy->madps[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *ncm_madp_state_name(enum ncm_madp_state s)
{
	switch (s) {
	case NCM_MADP_UNKNOWN:
		return "not yet connected";
	case NCM_MADP_UP:
		return "up";
	case NCM_MADP_AWAY:
		return "away";
	case NCM_MADP_DEAD:
		return "dead";
	}
	return "?";
}
