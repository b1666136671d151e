/** @file measure.h
 *  What the NCM wants measured on which connection, and when it is told.  Layer: core (no I/O).
 *  Source: RFC 8743 8.10: a report at the end of each period, and one whenever a value goes to the
 *  upper threshold or above, or to the lower one or below. */
#pragma once

#include "ccm-agent/links.h"
#include "lib/base/clock.h"
#include "lib/mx/mx.h"

#define CCM_MEASURES_MAX 8u /**< of one connection */
/** Shorter periods are taken for this: nothing is measured more often, and an NCM that wants a
 * report each millisecond does not get them. */
#define CCM_MEASURE_LEAST_MS 200u

struct ccm_measure {
	int type;          /**< enum mx_measurement_type */
	int64_t high, low; /**< unit of the type */
	uint32_t period_ms;
	mams_time next; /**< end of the period */
	bool known;     /**< value holds what was measured last */
	bool crossed;   /**< a threshold, since the last report */
	int64_t value;
};

struct ccm_measures {
	struct ccm_measure of[CCM_LINKS_MAX][CCM_MEASURES_MAX];
	size_t n[CCM_LINKS_MAX];
};

/** Replaces what the connection had; what does not fit its type, or finds no room, is left out.
 *  @return how many were left out */
unsigned ccm_measures_configure(
	struct ccm_measures *m, const struct mx_meas_conf *conf, mams_time now);
void ccm_measures_clear(struct ccm_measures *m);
bool ccm_measures_wants(const struct ccm_measures *m, uint8_t connection_id, int type);
/** A value was measured.  Ignored when nobody wants it. */
void ccm_measures_value(struct ccm_measures *m, uint8_t connection_id, int type, int64_t value);
/** The shortest period; 0: nothing is wanted. */
uint32_t ccm_measures_period(const struct ccm_measures *m);
mams_time ccm_measures_deadline(const struct ccm_measures *m, mams_time now);
/** What is to be reported now of a connection; it is then taken for reported.
 *  @param out  filled
 *  @return how many */
size_t ccm_measures_take(struct ccm_measures *m, uint8_t connection_id, mams_time now,
	struct mx_measurement out[CCM_MEASURES_MAX]);
