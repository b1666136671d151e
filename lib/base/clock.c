#include "lib/base/clock.h"

#include <time.h>

int mams_time_ms_until(mams_time a, mams_time b)
{
	int64_t us;

	if (b.us <= a.us)
		return 0;
	if (mams_time_is_never(b))
		return INT32_MAX;
	us = b.us - a.us;
	return us / 1000 >= INT32_MAX ? INT32_MAX : (int)((us + 999) / 1000);
}

mams_time mams_clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (mams_time){(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000};
}

int64_t mams_clock_wall(void)
{
	return (int64_t)time(NULL);
}
