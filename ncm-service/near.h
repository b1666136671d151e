/** @file near.h
 *  Which N-MADP instances are far from a client, by what was measured of the way there.  Layer:
 * core (no I/O, no clock).  Source: seed 6.4 (an instance serves an anchor connection), 6.5 (path
 * quality).
 *
 *  What one client's flows tell of an instance holds for all in its part of an access network (/24,
 *  /48).  Nothing is sent for it.  DECISION: the first clients of such a part try the instances, as
 *  long as the best one known is not near in itself, and those without a limit in any case, since
 * no load would ever send anybody there; nobody is moved only to find out. */
#pragma once

#include "ncm-service/session.h"

#define NCM_NEAR_NETS 256u

struct ncm_near_net {
	bool used;
	uint8_t access;
	struct mams_addr net;
	mams_time at; /**< of the newest figure */
	struct {
		uint32_t cost_us; /**< 0: unknown */
		mams_time at;
	} to[NCM_MADPS_MAX];
};

struct ncm_near {
	struct ncm_near_net nets[NCM_NEAR_NETS];
};

/** A round trip and the loss of a client's link to an instance.  The least round trip of the last
 *  minutes counts, since load is not distance; 1 % of loss counts as 10 ms. */
void ncm_near_take(struct ncm_near *n, uint8_t access, const struct mams_addr *client, size_t madp,
	uint32_t rtt_us, uint32_t loss_ppm, mams_time now);
/** @return 0: nothing is known, or not for an hour */
uint32_t ncm_near_cost(const struct ncm_near *n, uint8_t access, const struct mams_addr *client,
	size_t madp, mams_time now);

/** Of instances that may serve an anchor, those that it should not be at.  One is far when it costs
 *  more than the best, a quarter of that and 5 ms; only those count whose load, by their capacity,
 *  is at most a quarter above the least.
 *  @param among    bits of indexes
 *  @param current  where it is; -1: nowhere.  Not far unless another is nearer
 *  @param cost_us  0: unknown
 *  @return bits; never all of among */
uint32_t ncm_near_far(const struct ncm_madps *m, uint32_t among, int current,
	const uint32_t cost_us[NCM_MADPS_MAX]);

/** For each anchor of a session, from its links.  An anchor that has an instance leaves it when
 * that was far for 30 to 45 s, and not within 5 minutes after the last time.
 *  @param far  bits of instances
 *  @return is this another answer than the session has? */
bool ncm_near_look(const struct ncm_near *n, struct ncm_session *s, mams_time now, uint32_t *far);
