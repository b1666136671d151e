/** @file prober.h
 *  Sockets for the N-MADP's probes, one per link under estimation, there only while it runs.
 *  Layer: adapter.  What is said and counted is ccm-agent/estimate's business. */
#pragma once

#include "ccm-agent/config.h"
#include "ccm-agent/session.h"
#include "lib/io/loop.h"

struct ccm_prober;

/** @param s     borrowed
 *  @param news  results may be waiting in the session */
MAMS_MUST int ccm_prober_new(struct mams_loop *l, const struct ccm_conf *conf,
	struct ccm_session *s, void (*news)(void *user), void *user, struct ccm_prober **out);
void ccm_prober_free(struct ccm_prober *p); /**< accepts NULL */
/** The session has changed: open and close sockets as it wants now. */
void ccm_prober_review(struct ccm_prober *p);
