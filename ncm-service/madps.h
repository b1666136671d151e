/** @file madps.h
 *  The N-MADP instances and how full they are: who gets the next client.  Layer: core (no I/O, no
 *  clock).  Source: RFC 8743 6 (several N-MADP instances per NCM and per client); seed 6.4 (one
 *  instance serves an anchor connection).
 *  Counted is an anchor connection of a session; one with two anchors may have two instances. */
#pragma once

#include "lib/base/clock.h"
#include "ncm-service/policy.h"

enum ncm_madp_state {
	NCM_MADP_UNKNOWN, /**< not yet connected since we started */
	NCM_MADP_UP,
	NCM_MADP_AWAY, /**< lost, for less than madp_lost */
	NCM_MADP_DEAD,
};

struct ncm_madps {
	const struct ncm_policy *policy;
	struct ncm_madp_use {
		enum ncm_madp_state state;
		mams_time lost; /**< UNKNOWN, AWAY: since when */
		bool drained;
		uint32_t used;
	} use[NCM_MADPS_MAX];
};

void ncm_madps_init(struct ncm_madps *m, const struct ncm_policy *p, mams_time now);
void ncm_madps_connected(struct ncm_madps *m, size_t i);
void ncm_madps_lost(struct ncm_madps *m, size_t i, mams_time now);
/** @return true when an instance has died of it */
bool ncm_madps_tick(struct ncm_madps *m, mams_time now);
mams_time ncm_madps_deadline(const struct ncm_madps *m);

/** May it keep what it has? */
bool ncm_madps_is_good(const struct ncm_madps *m, size_t i);
/** Where there is most room; connected instances before others.
 *  @param among  bits of indexes
 *  @param out    filled on success
 *  @return 0, -MAMS_ELIMIT (all are full), -ENOENT (all are drained or dead) */
MAMS_MUST int ncm_madps_pick(const struct ncm_madps *m, uint32_t among, size_t *out);
void ncm_madps_take(struct ncm_madps *m, size_t i);
void ncm_madps_put(struct ncm_madps *m, size_t i);
/** By name. @return index, or -1 */
int ncm_madps_find(const struct ncm_madps *m, const char *name);
const char *ncm_madp_state_name(enum ncm_madp_state s);
