/** @file sampler.h
 *  Measures the throughput of links, and the battery, for the session, as often as the NCM's
 * configuration wants. Layer: adapter. Source: RFC 8743 8.10.  Radios are read by signals.h. */
#pragma once

#include "ccm-agent/session.h"
#include "lib/io/loop.h"

struct ccm_sampler;

/** @param power_supply  the kernel's list of them; borrowed
 *  @param sampled  called after values were put into the session */
MAMS_MUST int ccm_sampler_new(struct mams_loop *l, const char *power_supply, struct ccm_session *s,
	void (*sampled)(void *user), void *user, struct ccm_sampler **out);
void ccm_sampler_free(struct ccm_sampler *p); /**< accepts NULL */
/** Look whether the session wants values, and how often. */
void ccm_sampler_review(struct ccm_sampler *p);
