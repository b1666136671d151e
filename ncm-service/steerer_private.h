/** @file steerer_private.h
 *  Between the sources of automatic steering.  Layer: core. */
#pragma once

#include "lib/steer/conf.h"
#include "ncm-service/analytics.h"
#include "ncm-service/steerer.h"

struct ncm_steer_mark {
	int why;
	mams_time since;
	uint32_t tries;
};

/* A decision with its own room for links. */
struct ncm_steer_kept {
	struct steer_record record;
	struct steer_link *links;
	struct steer_share *shares;
	mams_time at;
	bool any;
};

struct ncm_steer_class {
	bool told;       /* what is in force is a decision */
	mams_time since; /* of it */
	bool asked;
	mams_time asked_at;
	unsigned refused; /* so many orders, one after the other */
	const char *why;
	mams_time not_before;
	struct ncm_steer_mark dl[NCM_LINKS_MAX], ul[NCM_LINKS_MAX];
	struct ncm_steer_kept last;
};

struct ncm_steerer {
	const struct steer_policy *policy;
	mams_time looked, look_at;
	bool ready[NCM_LINKS_MAX];
	bool fading[NCM_LINKS_MAX]; /* ready, and the client is about to leave it */
	mams_time ready_since[NCM_LINKS_MAX];
	struct ncm_forecast told[NCM_LINKS_MAX]; /* by the network, when it said something last */
	size_t n;
	struct ncm_steer_class classes[];
};

/* Traffic of a class in a session. */
struct ncm_traffic {
	size_t anchor;
	uint8_t app; /* 1 + index; 0: the anchor's */
};

static inline uint32_t ncm_ms_since(mams_time t, mams_time now)
{
	return (uint32_t)mams_time_ms_until(t, now);
}

/** All that a decision depends on.
 *  @param links  the caller's; filled, and named by *in */
void ncm_outlook(const struct ncm_session *s, const struct ncm_steer_class *c,
	const struct ncm_traffic *t, mams_time now, struct steer_link links[NCM_LINKS_MAX],
	struct steer_input *in);
