#include "ncm-service/analytics.h"

#include <stdlib.h>

#define NEAR_PERCENT 10
#define NEAR_LEAST 2 /* units: of small values ten percent is less than what is measured */

/* Rounded, also below zero. */
static int64_t mean_of(const struct ncm_measured *m)
{
	int64_t sum = 0;
	const int64_t n = (int64_t)m->n;

	for (size_t i = 0; i < m->n; i++)
		sum += m->value[i];
	return (sum >= 0 ? sum + n / 2 : sum - n / 2) / n;
}

bool ncm_predict(const struct ncm_measured *m, struct mx_prediction *out)
{
	int64_t mean;
	int64_t near_by;
	int64_t period;
	size_t hits = 0;

	if (!m || m->n == 0)
		return false;
	mean = mean_of(m);
	near_by = llabs(mean) * NEAR_PERCENT / 100;
	if (near_by < NEAR_LEAST)
		near_by = NEAR_LEAST;
	for (size_t i = 0; i < m->n; i++)
		hits += llabs(m->value[i] - mean) <= near_by;
	period = m->n > 1 ? mams_time_ms_until(m->before, m->last) / 1000 : 0;
	out->prediction = (double)mean;
	/* one value of many that hits is no certainty, none that hits no impossibility */
	out->likelihood = (uint8_t)(1 + 98 * hits / NCM_MEASURED_MAX);
	out->validity_time = period > 0 ? (uint32_t)period : 1;
	return true;
}
