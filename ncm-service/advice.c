#include "ncm-service/advice.h"
#include "ncm-service/analytics.h"
#include "ncm-service/appreq.h"
#include "ncm-service/compose.h"

#include <stdlib.h>

void ncm_advice_forget(struct ncm_session *s)
{
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		free(s->measured[i]);
		s->measured[i] = NULL;
	}
	s->advised = false;
}

void ncm_advice_give(struct ncm_session *s)
{
	if (s->advised)
		return;
	s->advised = true;
	if (s->policy->n_ssids > 0 &&
		mx_exchange_post(&s->exchange, ncm_compose_ssid_indication(s->policy)) < 0)
		s->advised = false;
	if (s->policy->n_measures > 0 && (s->s.features & 1u << MX_F_MEASUREMENT) &&
		mx_exchange_post(&s->exchange, ncm_compose_measurement_conf(s)) < 0)
		s->advised = false;
}

/* An MX configuration exists while its link is in the user plane (see ncm_compose_up_setup()). */
uint32_t ncm_advice_instance(
	const struct ncm_session *s, const struct mx_app_madp_assoc *a, size_t *anchor)
{
	size_t i = 0;
	uint32_t up;

	while (i < s->policy->n_anchors &&
		(!s->s.anchors[i].used || s->s.anchors[i].id != a->anchor_conn_id))
		i++;
	if (i == s->policy->n_anchors || !ncm_session_methods(s, i))
		return 0;
	*anchor = i;
	up = ncm_session_deliveries(s, i);
	if (!a->has_mx_configuration_id)
		return (up & (up - 1)) == 0 ? up : 0;
	if (a->mx_configuration_id < 1 || a->mx_configuration_id > NCM_LINKS_MAX)
		return 0;
	return up & 1u << (a->mx_configuration_id - 1);
}

int ncm_advice_assoc(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	bool good = ncm_appreq_take(s, &m->app_madp_assoc_req);

	(void)now;
	(void)err;
	if (good)
		s->counters->associations++;
	else
		s->counters->associations_refused++;
	return ncm_session_reply(s, m, ncm_compose_assoc_rsp(s, good));
}

static void take(struct ncm_session *s, const struct mx_meas_report *r, mams_time now)
{
	struct ncm_measured *of = s->measured[r->connection_id];

	if (!of)
		of = s->measured[r->connection_id] = calloc(MX_M_COUNT, sizeof(*of));
	for (size_t i = 0; of && i < r->n_measurements; i++) {
		struct ncm_measured *x = &of[r->measurements[i].measurement_type];

		x->value[x->next] = r->measurements[i].measurement_value;
		x->next = (x->next + 1) % NCM_MEASURED_MAX;
		x->n += x->n < NCM_MEASURED_MAX;
		x->before = x->last;
		x->last = now;
	}
}

int ncm_advice_report(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_measurement_report *r = &m->measurement_report;

	for (size_t i = 0; i < r->n_measurement_reports; i++) {
		uint8_t id = r->measurement_reports[i].connection_id;

		if (id >= NCM_LINKS_MAX || !s->s.links[id].known)
			return mams_fail(err, MAMS_EVALUE, "connection_id",
				"%u is none of the delivery connections", id);
	}
	for (size_t i = 0; i < r->n_measurement_reports; i++)
		take(s, &r->measurement_reports[i], now);
	s->counters->measurement_reports++;
	return 0;
}

int ncm_advice_analytics(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	(void)err;
	return ncm_session_reply(s, m, ncm_analytics(s, &m->network_analytics_req, now));
}
