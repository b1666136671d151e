/** @file rate.h
 *  How many messages an identity may send: a token bucket each.  Layer: base.
 *  At most so many identities are remembered; those unheard for longest are forgotten first, and
 *  begin again with a full bucket. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mams_rate;

/** @param per_s  messages a second in the long run; 0: no limit
 *  @param burst  at once, at least 1
 *  @param identities  remembered at a time */
struct mams_rate *mams_rate_new(uint32_t per_s, uint32_t burst, size_t identities);
void mams_rate_free(struct mams_rate *r); /**< accepts NULL */
/** May this one send a message now?  Without memory for it: yes. */
bool mams_rate_take(struct mams_rate *r, const char *identity, mams_time now);
