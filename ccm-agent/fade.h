/** @file fade.h
 *  Does the signal of a link fade?  Layer: core (no I/O, no clock).
 *  Source: RFC 8743 8.3.2, which has a handover told before it is made; when one is about to be is
 *  the operator's: at what level, and how long before a signal that falls steadily is there. */
#pragma once

#include "lib/base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCM_FADE_SAMPLES 8u
#define CCM_FADE_OLD_MS 5000    /**< older samples do not count */
#define CCM_FADE_BACK_MS 3000   /**< it has to be good for so long to be back */
#define CCM_FADE_DEAF_MS 60000  /**< without a word for so long it is unknown, which is not bad */
#define CCM_FADE_STEEP_DB_S 2.0 /**< falls less than this a second are left to the level alone */

struct ccm_fade_conf {
	int32_t low;       /**< dBm: at or below it fades; 0: nobody looks */
	int32_t good;      /**< dBm, above low: at or above it is good again */
	uint32_t ahead_ms; /**< it fades, too, when it falls so that it will be low by then */
};

struct ccm_fade {
	bool on; /**< it fades */
	struct {
		mams_time at;
		int dbm;
	} sample[CCM_FADE_SAMPLES]; /**< oldest first */
	size_t n;
	bool good; /**< the level is, */
	mams_time good_since;
};

/** A sample.  One that stands alone against two others is not believed.
 *  @return has on changed? */
bool ccm_fade_put(struct ccm_fade *f, const struct ccm_fade_conf *conf, int dbm, mams_time now);
/** Time has passed.  @return has on changed? */
bool ccm_fade_tick(struct ccm_fade *f, mams_time now);
mams_time ccm_fade_deadline(const struct ccm_fade *f);
