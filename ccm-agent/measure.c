#include "ccm-agent/measure.h"

static uint32_t period_of(const struct mx_meas_report_conf *c)
{
	return c->meas_period_ms < CCM_MEASURE_LEAST_MS ? CCM_MEASURE_LEAST_MS : c->meas_period_ms;
}

unsigned ccm_measures_configure(
	struct ccm_measures *m, const struct mx_meas_conf *conf, mams_time now)
{
	const uint8_t id = conf->connection_id;
	unsigned left_out = 0;

	if (id >= CCM_LINKS_MAX)
		return (unsigned)conf->n_meas_rep_conf;
	m->n[id] = 0;
	for (size_t i = 0; i < conf->n_meas_rep_conf; i++) {
		const struct mx_meas_report_conf *c = &conf->meas_rep_conf[i];

		if (m->n[id] == CCM_MEASURES_MAX ||
			!mx_measurement_fits(c->meas_rep_param, conf->connection_type)) {
			left_out++;
			continue;
		}
		m->of[id][m->n[id]++] = (struct ccm_measure){.type = c->meas_rep_param,
			.high = c->meas_threshold.high,
			.low = c->meas_threshold.low,
			.period_ms = period_of(c),
			.next = mams_time_add_ms(now, period_of(c))};
	}
	return left_out;
}

void ccm_measures_clear(struct ccm_measures *m)
{
	for (size_t id = 0; id < CCM_LINKS_MAX; id++)
		m->n[id] = 0;
}

bool ccm_measures_wants(const struct ccm_measures *m, uint8_t connection_id, int type)
{
	for (size_t i = 0; connection_id < CCM_LINKS_MAX && i < m->n[connection_id]; i++)
		if (m->of[connection_id][i].type == type)
			return true;
	return false;
}

static int zone(const struct ccm_measure *x, int64_t value)
{
	return value >= x->high ? 1 : value <= x->low ? -1 : 0;
}

void ccm_measures_value(struct ccm_measures *m, uint8_t connection_id, int type, int64_t value)
{
	for (size_t i = 0; connection_id < CCM_LINKS_MAX && i < m->n[connection_id]; i++) {
		struct ccm_measure *x = &m->of[connection_id][i];

		if (x->type != type)
			continue;
		if (zone(x, value) != 0 && (!x->known || zone(x, value) != zone(x, x->value)))
			x->crossed = true;
		x->value = value;
		x->known = true;
	}
}

uint32_t ccm_measures_period(const struct ccm_measures *m)
{
	uint32_t least = 0;

	for (size_t id = 0; id < CCM_LINKS_MAX; id++)
		for (size_t i = 0; i < m->n[id]; i++)
			if (least == 0 || m->of[id][i].period_ms < least)
				least = m->of[id][i].period_ms;
	return least;
}

mams_time ccm_measures_deadline(const struct ccm_measures *m, mams_time now)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t id = 0; id < CCM_LINKS_MAX; id++) {
		for (size_t i = 0; i < m->n[id]; i++) {
			const struct ccm_measure *x = &m->of[id][i];

			if (x->known)
				t = mams_time_min(t, x->crossed ? now : x->next);
		}
	}
	return t;
}

size_t ccm_measures_take(struct ccm_measures *m, uint8_t connection_id, mams_time now,
	struct mx_measurement out[CCM_MEASURES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; connection_id < CCM_LINKS_MAX && i < m->n[connection_id]; i++) {
		struct ccm_measure *x = &m->of[connection_id][i];

		if (!x->known || (!x->crossed && mams_time_before(now, x->next)))
			continue;
		out[n++] = (struct mx_measurement){
			.measurement_type = x->type, .measurement_value = x->value};
		x->crossed = false;
		x->next = mams_time_add_ms(now, x->period_ms);
	}
	return n;
}
