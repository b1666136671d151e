#include "ccm-agent/advice.h"
#include "ccm-agent/compose.h"

#include <stdio.h>

int ccm_advice_measurement_conf(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_measurement_conf *c = &m->measurement_conf;

	(void)err;
	for (size_t i = 0; i < c->n_measurement_configuration; i++)
		s->counters.measures_left_out +=
			ccm_measures_configure(&s->measures, &c->measurement_configuration[i], now);
	return 0;
}

/* Advice: whoever manages the radio asks mamsctl for it. */
int ccm_advice_ssid(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_ssid_indication *i = &m->ssid_indication;

	(void)now;
	(void)err;
	s->n_ssids = 0;
	for (size_t k = 0; k < i->n_ssid_list && s->n_ssids < CCM_SSIDS_MAX; k++) {
		struct ccm_ssid *to = &s->ssids[s->n_ssids++];

		to->type = i->ssid_list[k].ssid_type;
		snprintf(to->id, sizeof(to->id), "%s", i->ssid_list[k].ssid_id);
	}
	return 0;
}

void ccm_session_measured(struct ccm_session *s, uint8_t connection_id, int type, int64_t value)
{
	ccm_measures_value(&s->measures, connection_id, type, value);
}

static bool is_measuring(const struct ccm_session *s)
{
	return (s->features & ~s->off & 1u << MX_F_MEASUREMENT) != 0;
}

uint32_t ccm_session_measure_ms(const struct ccm_session *s)
{
	return is_measuring(s) ? ccm_measures_period(&s->measures) : 0;
}

mams_time ccm_advice_deadline(const struct ccm_session *s, mams_time now)
{
	return is_measuring(s) && ccm_session_reports(s) ? ccm_measures_deadline(&s->measures, now)
							 : MAMS_TIME_NEVER;
}

void ccm_advice_tick(struct ccm_session *s, mams_time now)
{
	if (mams_time_before(now, ccm_advice_deadline(s, now)))
		return;
	if (mx_exchange_post(&s->exchange, ccm_compose_measurement_report(s, now)) == 0)
		s->counters.measurement_reports++;
}
