/** @file signals.h
 *  Reads the radio of links for the session: signal, network, load.  Layer: adapter.
 *  Source: RFC 8743 8.5, 8.10.  What no source of this host knows (radio.h) the platform may tell,
 *  see api.h. */
#pragma once

#include "ccm-agent/session.h"
#include "lib/io/loop.h"

struct ccm_signals;

/** @param heard  called after something was put into the session */
MAMS_MUST int ccm_signals_new(struct mams_loop *l, struct ccm_session *s, void (*heard)(void *user),
	void *user, struct ccm_signals **out);
void ccm_signals_free(struct ccm_signals *p); /**< accepts NULL */
/** Look whether there is a link to read. */
void ccm_signals_review(struct ccm_signals *p);
