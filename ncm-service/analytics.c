#include "ncm-service/analytics.h"

#include <stdlib.h>

#define PREDICTIONS_MAX 8
#define TOLD_LIKELIHOOD 80     /* percent: the network says so */
#define DECLARED_LIKELIHOOD 50 /* nobody has measured it */
#define DECLARED_VALIDITY_S 60
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

static const struct ncm_access *access_of(const struct ncm_session *s, uint8_t id)
{
	const struct ncm_link *l = &s->s.links[id];

	return l->admission == NCM_ADMIT_OK ? &s->policy->accesses[l->access] : NULL;
}

struct ncm_forecast ncm_forecast_of(const struct ncm_session *s, uint8_t id, mams_time now)
{
	const struct ncm_access *a = access_of(s, id);
	struct ncm_forecast f = {0};

	if (a && s->feed)
		(void)ncm_feed_look(
			s->feed, a->name, s->s.links[id].node_id, s->s.links[id].ssid, now, &f);
	return f;
}

/* What the operator has declared of an access, while nothing is measured. */
static size_t declared(const struct ncm_access *a, int param, struct mx_prediction *out)
{
	uint32_t value = 0;

	if (a && param == MX_P_BANDWIDTH)
		value = a->bandwidth;
	else if (a && param == MX_P_LATENCY)
		value = a->latency_ms;
	else if (a && param == MX_P_JITTER)
		value = a->jitter_ms;
	if (value == 0)
		return 0;
	*out = (struct mx_prediction){.prediction = value,
		.likelihood = DECLARED_LIKELIHOOD,
		.validity_time = DECLARED_VALIDITY_S};
	return 1;
}

/* What the network predicts of the link. */
static size_t told(
	const struct ncm_forecast *f, int param, mams_time now, struct mx_prediction *out)
{
	if (param == MX_P_BANDWIDTH ? !f->has_rate : param != MX_P_LATENCY || !f->has_delay)
		return 0;
	*out = (struct mx_prediction){
		.prediction = param == MX_P_BANDWIDTH ? f->rate_kbps / 1000.0 : f->delay_ms,
		.likelihood = TOLD_LIKELIHOOD,
		.validity_time = (uint32_t)mams_time_ms_until(now, f->until) / 1000};
	return 1;
}

/* The network's own word goes first.  Else bandwidth is what the client estimates, or what it has
 * had; jitter and latency wait for probes of the user plane. */
static size_t predict(const struct ncm_session *s, uint8_t id, int param, mams_time now,
	struct mx_prediction *out)
{
	static const int signals[] = {
		MX_M_WLAN_RSSI, MX_M_LTE_RSRP, MX_M_LTE_RSRQ, MX_M_NR_RSRP, MX_M_NR_RSRQ};
	const struct ncm_measured *of = s->measured[id];
	struct ncm_forecast f = ncm_forecast_of(s, id, now);
	size_t n = told(&f, param, now, out);

	if (n == 0 && of && param == MX_P_BANDWIDTH)
		n = ncm_predict(&of[MX_M_EST_DL_TPUT], out) || ncm_predict(&of[MX_M_DL_TPUT], out);
	for (size_t i = 0; of && param == MX_P_SIGNAL_QUALITY && i < MAMS_ARRAY_LEN(signals); i++) {
		if (!ncm_predict(&of[signals[i]], &out[n]))
			continue;
		out[n].has_additional_param = true;
		out[n++].additional_param = signals[i];
	}
	if (n == 0)
		n = declared(access_of(s, id), param, out);
	for (size_t i = 0; i < n; i++)
		out[i].param_name = param;
	return n;
}

struct mx_msg *ncm_analytics(
	const struct ncm_session *s, const struct mx_network_analytics_req *req, mams_time now)
{
	struct mx_msg *m = mx_msg_new(MX_NETWORK_ANALYTICS_RSP, 0);
	struct mx_network_analytics_rsp *r = m ? &m->network_analytics_rsp : NULL;

	if (!m)
		return NULL;
	r->param_list = mx_alloc(m, NCM_LINKS_MAX * sizeof(*r->param_list));
	for (uint8_t i = 0; r->param_list && i < NCM_LINKS_MAX; i++) {
		struct mx_analytics *a = &r->param_list[r->n_param_list];

		if (!s->s.links[i].known)
			continue;
		*a = (struct mx_analytics){.connection_id = i,
			.connection_type = s->s.links[i].connection_type,
			.predictions = mx_alloc(m, PREDICTIONS_MAX * sizeof(*a->predictions))};
		if (!a->predictions)
			goto fail;
		for (int param = 0; param < MX_P_COUNT; param++)
			for (size_t k = 0; k < req->n_params; k++)
				if (req->params[k] == param) {
					a->n_predictions += predict(s, i, param, now,
						&a->predictions[a->n_predictions]);
					break;
				}
		r->n_param_list++;
	}
	if (r->n_param_list > 0)
		return m;
fail:
	mx_msg_free(m);
	return NULL;
}
