/** @file usage.h
 *  What a client has used of the quotas of accesses, by the octets that N-MADP instances of both
 *  methods count on its links, both directions.  Layer: core (no I/O, no clock).
 *  Source: docs/man/mams-policy.conf.5, section price. */
#pragma once

#include "ncm-service/session.h"

struct steer_price;

/** So many octets more went over a link.  Stored in steps of a 64th part of the quota. */
void ncm_usage_take(struct ncm_session *s, uint8_t id, uint64_t octets, mams_time now);
/** The price of the link's access, when it has a quota; else NULL.
 *  @param used  octets in this period */
const struct steer_price *ncm_usage_of(
	const struct ncm_session *s, uint8_t id, mams_time now, uint64_t *used);
