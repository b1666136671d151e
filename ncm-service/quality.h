/** @file quality.h
 *  What is known of a client's link by what runs over it.  Layer: core (no I/O, no clock).
 *  Source: seed 6.5, 6.6; RFC 8743 8.6: passive estimation beside probes.
 *
 *  The N-MADP instances tell it, at no extra traffic: of a subflow what the kernel knows
 *  (MPTCP_FULL_INFO), of a GMA link what Delivery SNs and time stamps tell.  Only what carries
 *  something is told anew, so everything has an age. */
#pragma once

#include "lib/base/clock.h"

#include <stdbool.h>
#include <stdint.h>

/** One direction. */
struct ncm_way_quality {
	bool has_rate, has_delay, has_jitter, has_loss;
	uint32_t rate_kbps; /**< that it can carry, as estimated */
	uint32_t used_kbps; /**< that it carried in the last period */
	uint32_t delay_us;  /**< one way; half the round trip where only that is known */
	uint32_t jitter_us;
	uint32_t loss_ppm; /**< of packets, over the last periods */
	mams_time at;      /**< of the newest report; has_* are false before the first */
};

struct ncm_quality {
	struct ncm_way_quality ul, dl;
};
