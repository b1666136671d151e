/** @file pm_play.h
 *  A path manager, what it is told of subflows, and what it does next.  Layer: tests. */
#pragma once

#include "plugins/pm_policy.h"
#include "tests/support/suite.h"

#define NOW ((mams_time){1000000})

static inline struct mams_addr at(const char *text)
{
	struct mams_addr a = {0};

	mams_assert(mams_addr_parse_port(text, 0, &a) == 0);
	return a;
}

static inline void subflow(
	struct pm_policy *p, uint32_t token, const char *local, const char *remote)
{
	struct mams_addr l = at(local);
	struct mams_addr r = at(remote);

	pm_policy_subflow(p, token, &l, &r, NOW);
}

/* The next action is this one. */
static inline bool expect(
	struct pm_policy *p, mams_time now, enum pm_action_kind kind, const char *local)
{
	struct mams_addr l = at(local);
	struct pm_action a;

	if (!pm_policy_next(p, now, &a))
		return false;
	return a.kind == kind && mams_addr_eq_ip(&a.local, &l);
}

static inline bool quiet(struct pm_policy *p, mams_time now)
{
	struct pm_action a;

	return !pm_policy_next(p, now, &a);
}
