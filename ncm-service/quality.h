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

/** TCP of a link goes through a proxy, the rest through a trailer: each sees its own share. */
enum ncm_quality_source { NCM_QUALITY_PROXY, NCM_QUALITY_TRAILER, NCM_QUALITY_SOURCES };

/** One direction. */
struct ncm_way_quality {
	bool has_rate, has_delay, has_jitter, has_loss;
	uint32_t rate_kbps; /**< that it can carry, as estimated */
	uint32_t used_kbps; /**< that it carried in the last period */
	uint32_t delay_us;  /**< one way; half the round trip where only that is known */
	uint32_t jitter_us;
	uint32_t loss_ppm; /**< of packets, over the last periods */
	mams_time at;      /**< of the newest report; has_* are false before the first */
	/* how it came about: */
	struct {
		uint32_t used_kbps;
		uint32_t steady_kbps; /**< the lesser of its last two figures */
		mams_time at;
	} by[NCM_QUALITY_SOURCES];
	mams_time rate_at;
	double packets, lost; /**< faded sums */
	bool has_share[NCM_QUALITY_SOURCES];
	double share[NCM_QUALITY_SOURCES]; /**< of the last report: lost of sent */
};

struct ncm_quality {
	struct ncm_way_quality ul, dl;
};

struct ctl_quality_way;

/** One report of one source on one direction; what is not told is absent. */
struct ncm_way_report {
	bool has_rate, has_delay, has_jitter, has_packets;
	bool back;          /**< the link was gone meanwhile: what was known of it is of before */
	uint32_t rate_kbps; /**< what the source alone saw the link carry, in full use */
	uint32_t used_kbps;
	uint32_t delay_us;
	uint32_t jitter_us;
	uint32_t packets, lost;
	uint64_t octets;
};

/** Take a report.  Rules:
 *  - used adds what the other source has used, when it told that in the last 1.5 s;
 *  - a rate adds what the other source used meanwhile, by the lesser of its last two figures, since
 *    who has just come or gone shall not count twice;
 *  - the estimate rises by half of what is missing, falls by a quarter of what is too much, is
 *    never below what was used so, and is forgotten when it was not seen for 60 s;
 *  - delay and jitter move halfway to the new value;
 *  - loss is that of packets of the last reports, each having three quarters of the weight of the
 *    next, and all former ones at most that of the newest, or of 600 packets: where many are sent,
 *    a second tells enough.  It is told from 50 packets on;
 *  - of a report of 200 packets and more no larger share counts as lost than of the one before of
 *    the same source: who finds the end of a link loses many at once, and then no more, while a
 *    bad link goes on losing; of the first one nothing is known, if it has lost any;
 *  - a link that was gone is another one when it is back: only the rate is kept, as a first
 *    estimate;
 *  - after 10 s without a report everything begins anew. */
void ncm_quality_take(struct ncm_way_quality *q, enum ncm_quality_source from,
	const struct ncm_way_report *r, mams_time now);
/** Has anything been told in the last 10 s? */
bool ncm_quality_is_fresh(const struct ncm_way_quality *q, mams_time now);
/** As an N-MADP has told it. */
struct ncm_way_report ncm_quality_report(const struct ctl_quality_way *w);
