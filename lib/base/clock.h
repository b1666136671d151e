/** @file clock.h
 *  Time as a type: monotonic microseconds in a struct, so that seconds are never added to
 *  milliseconds by accident.  Layer: base.  Only shells read the real clock; cores get `now`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct mams_time {
	int64_t us; /**< microseconds since an arbitrary start */
} mams_time;

#define MAMS_TIME_NEVER ((mams_time){INT64_MAX})

static inline mams_time mams_time_us(int64_t us)
{
	return (mams_time){us};
}

static inline mams_time mams_time_add_ms(mams_time t, int64_t ms)
{
	return t.us == INT64_MAX ? t : (mams_time){t.us + ms * 1000};
}

static inline bool mams_time_before(mams_time a, mams_time b)
{
	return a.us < b.us;
}

static inline mams_time mams_time_min(mams_time a, mams_time b)
{
	return a.us < b.us ? a : b;
}

static inline mams_time mams_time_max(mams_time a, mams_time b)
{
	return a.us < b.us ? b : a;
}

static inline bool mams_time_is_never(mams_time t)
{
	return t.us == INT64_MAX;
}

/** Milliseconds from a to b, rounded up; 0 when b is not after a; INT32_MAX at most. */
int mams_time_ms_until(mams_time a, mams_time b);

/** The real monotonic clock.  For shells only. */
mams_time mams_clock_now(void);
/** Wall-clock seconds since 1970, for stored stamps and certificates.  For shells only. */
int64_t mams_clock_wall(void);
