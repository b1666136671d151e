#include "ncm-service/metrics.h"

#include "lib/base/metrics.h"
#include "mams_version.h"
#include "ncm-service/overview.h"

#define PROGRAM "ncm"

static void sample(
	struct mams_buf *out, const char *name, const char *label, const char *value, double x)
{
	mams_metrics_sample(out, PROGRAM, name, &(struct mams_metric_label){label, value}, 1, x);
}

static void put_links(
	struct mams_buf *out, const struct ncm_policy *p, const struct ncm_overview *o)
{
	mams_metrics_family(out, PROGRAM, "links", MAMS_GAUGE,
		"links of clients, by access and by whether they are up");
	for (size_t i = 0; i < p->n_accesses; i++) {
		struct mams_metric_label l[] = {{"access", p->accesses[i].name}, {"state", "up"}};

		mams_metrics_sample(out, PROGRAM, "links", l, 2, (double)o->access[i].up);
		l[1].value = "down";
		mams_metrics_sample(out, PROGRAM, "links", l, 2, (double)o->access[i].down);
	}
	mams_metrics_family(out, PROGRAM, "access_rate_bytes_per_second", MAMS_GAUGE,
		"what clients' links carry now, as N-MADP instances see it");
	for (size_t i = 0; i < p->n_accesses; i++) {
		struct mams_metric_label l[] = {
			{"access", p->accesses[i].name}, {"direction", "down"}};

		mams_metrics_sample(out, PROGRAM, "access_rate_bytes_per_second", l, 2,
			(double)o->access[i].dl_kbps * 125);
		l[1].value = "up";
		mams_metrics_sample(out, PROGRAM, "access_rate_bytes_per_second", l, 2,
			(double)o->access[i].ul_kbps * 125);
	}
}

static void put_quotas(
	struct mams_buf *out, const struct ncm_policy *p, const struct ncm_overview *o)
{
	mams_metrics_family(out, PROGRAM, "quota_links", MAMS_GAUGE,
		"links of clients whose quota is nearly, or quite, used up");
	for (size_t i = 0; i < p->n_accesses; i++) {
		struct mams_metric_label l[] = {{"access", p->accesses[i].name}, {"state", "near"}};

		mams_metrics_sample(out, PROGRAM, "quota_links", l, 2, o->access[i].near);
		l[1].value = "spent";
		mams_metrics_sample(out, PROGRAM, "quota_links", l, 2, o->access[i].spent);
	}
}

static void put_madps(struct mams_buf *out, struct ncm_service *v)
{
	const struct ncm_madps *m = ncm_registry_madps(ncm_service_registry(v));
	const struct ncm_policy *p = m->policy;

	mams_metrics_family(
		out, PROGRAM, "madp_up", MAMS_GAUGE, "1: the N-MADP instance is connected");
	for (size_t i = 0; i < p->n_madps; i++)
		sample(out, "madp_up", "madp", p->madps[i].name,
			ncm_madp_proxy_up(ncm_service_madp(v), i));
	mams_metrics_family(out, PROGRAM, "madp_drained", MAMS_GAUGE, "1: taken out of use");
	for (size_t i = 0; i < p->n_madps; i++)
		sample(out, "madp_drained", "madp", p->madps[i].name, m->use[i].drained);
	mams_metrics_family(out, PROGRAM, "madp_anchors", MAMS_GAUGE,
		"anchor connections of clients that it has");
	for (size_t i = 0; i < p->n_madps; i++)
		sample(out, "madp_anchors", "madp", p->madps[i].name, m->use[i].used);
	mams_metrics_family(out, PROGRAM, "madp_capacity_anchors", MAMS_GAUGE,
		"how many it may have; 0: no limit");
	for (size_t i = 0; i < p->n_madps; i++)
		sample(out, "madp_capacity_anchors", "madp", p->madps[i].name,
			p->madps[i].capacity);
}

void ncm_metrics_text(struct ncm_service *v, const struct ncm_api *api, mams_time started,
	mams_time now, struct mams_buf *out)
{
	struct ncm_registry *r = ncm_service_registry(v);
	struct ncm_api_counters tables[NCM_API_COUNTERS_MAX];
	size_t n = ncm_api_counters(api, tables);
	struct ncm_overview o;

	ncm_overview_take(r, now, &o);
	mams_metrics_self(out, PROGRAM, MAMS_VERSION, (uint64_t)mams_time_ms_until(started, now));
	mams_metrics_text(
		out, PROGRAM, ncm_counter_rows, ncm_n_counter_rows, ncm_registry_counters(r));
	for (size_t i = 0; i < n; i++)
		mams_metrics_text(
			out, tables[i].program, tables[i].rows, tables[i].n, tables[i].base);
	mams_metrics_family(
		out, PROGRAM, "sessions", MAMS_GAUGE, "sessions by the state of their signalling");
	for (int i = 0; i < NCM_STATE_COUNT; i++)
		sample(out, "sessions", "state", ncm_state_name(i), (double)o.sessions[i]);
	mams_metrics_family(out, PROGRAM, "sessions_troubled", MAMS_GAUGE,
		"of these, not active or with a link that cannot be used");
	mams_metrics_sample(out, PROGRAM, "sessions_troubled", NULL, 0, o.troubled);
	put_links(out, ncm_registry_madps(r)->policy, &o);
	put_quotas(out, ncm_registry_madps(r)->policy, &o);
	put_madps(out, v);
}
