/** @file signals.h
 *  Reads the signal of Wi-Fi links for the session, where the configuration has a level at which
 * one fades.  Layer: adapter.  That of other links is told by the platform, see api.h. */
#pragma once

#include "ccm-agent/session.h"
#include "lib/io/loop.h"

struct ccm_signals;

/** @param read  a link has this signal */
MAMS_MUST int ccm_signals_new(struct mams_loop *l, const struct ccm_session *s,
	void (*read)(void *user, uint8_t connection_id, int dbm), void *user,
	struct ccm_signals **out);
void ccm_signals_free(struct ccm_signals *p); /**< accepts NULL */
/** Look whether there is a link to read. */
void ccm_signals_review(struct ccm_signals *p);
