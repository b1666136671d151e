#include "ncm-service/api.h"

#include "lib/base/log.h"
#include "lib/base/rate.h"
#include "ncm-service/feeder.h"
#include "ncm-service/front.h"
#include "ncm-service/https.h"
#include "ncm-service/udp.h"
#include "ncm-service/wss.h"

#include <errno.h>

#define LOG_MODULE "api"

struct ncm_api {
	struct ncm_intake in;
	struct ncm_mailbox *mailbox;
	struct ncm_front *front;
	struct ncm_cluster *cluster; /* NULL: this is the only instance */
	struct ncm_https *https;
	struct ncm_wss *wss; /* NULL: not configured */
	struct ncm_udp *udp; /* likewise */
};

void ncm_api_send(struct ncm_api *a, struct ncm_session *s, const struct mx_msg *m)
{
	char *text;
	size_t len;

	log_debug("to client=%s type=%s seq=%u", s->s.identity, mx_type_name(m->type),
		m->sequence_num);
	if (ncm_intake_encode(m, &text, &len) == 0 &&
		ncm_mailbox_put(a->mailbox, s->s.session_id, text, len) < 0)
		a->in.counters.outbox_full++;
}

void ncm_api_gone(struct ncm_api *a, const struct ncm_session *s)
{
	ncm_mailbox_end(a->mailbox, s->s.session_id, NCM_CHANNEL_ENDED);
}

void ncm_api_moved(struct ncm_api *a, const struct ncm_session *s)
{
	ncm_mailbox_end(a->mailbox, s->s.session_id, NCM_CHANNEL_REPLACED);
}

struct ncm_front *ncm_api_front(struct ncm_api *a)
{
	return a->front;
}

struct ncm_feeder *ncm_api_feeder(const struct ncm_api *a)
{
	return a->in.feeder;
}

void ncm_api_where(const struct ncm_api *a, const struct ncm_session *s, const char **transport,
	struct mams_addr *peer)
{
	ncm_mailbox_where(a->mailbox, s->s.session_id, transport, peer);
}

int ncm_api_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_service *v,
	struct ncm_cluster *cluster, struct ncm_api **out, struct mams_error *err)
{
	struct ncm_api *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->in.loop = l;
	a->in.conf = conf;
	a->in.service = v;
	a->cluster = cluster;
	rc = ncm_mailbox_new(&a->mailbox);
	a->in.mailbox = a->mailbox;
	if (rc == 0)
		rc = ncm_front_new(&a->in, cluster, &a->front);
	a->in.front = a->front;
	a->in.rate = mams_rate_new(conf->max_rate, conf->max_burst, 2 * conf->policy.max_sessions);
	if (rc == 0 && !a->in.rate)
		rc = -ENOMEM;
	if (rc == 0)
		rc = ncm_feeder_new(&a->in, &a->in.feeder);
	if (rc == 0)
		ncm_registry_set_feed(ncm_service_registry(v), ncm_feeder_feed(a->in.feeder));
	if (rc == 0)
		rc = ncm_https_new(&a->in, &a->https, err);
	if (rc == 0 && conf->n_listen_wss > 0)
		rc = ncm_wss_new(&a->in, &a->wss, err);
	if (rc == 0 && conf->n_udp > 0)
		rc = ncm_udp_new(&a->in, &a->udp, err);
	if (rc < 0)
		ncm_api_free(a);
	else
		*out = a;
	return rc;
}

void ncm_api_free(struct ncm_api *a)
{
	if (!a)
		return;
	ncm_udp_free(a->udp);
	ncm_wss_free(a->wss);
	ncm_https_free(a->https);
	ncm_feeder_free(a->in.feeder);
	ncm_front_free(a->front);
	ncm_mailbox_free(a->mailbox);
	mams_rate_free(a->in.rate);
	free(a);
}

/* His key to the N-MADP goes with his session. */
static void on_expelled(void *user, const char *identity)
{
	struct ncm_api *a = user;
	struct ncm_session *s =
		ncm_registry_by_identity(ncm_service_registry(a->in.service), identity);

	if (!s)
		return;
	log_warn("not let in any more, the session ends client=%s", identity);
	ncm_session_terminate(s, MX_NORMAL_RELEASE, mams_loop_now(a->in.loop));
	ncm_service_run(a->in.service, s);
}

void ncm_api_reload(struct ncm_api *a)
{
	struct mams_error err;
	int rc;

	rc = ncm_https_reload(a->https, on_expelled, a, &err);
	if (a->wss) {
		int rc2 = ncm_wss_reload(a->wss, on_expelled, a, rc < 0 ? NULL : &err);

		rc = rc < 0 ? rc : rc2;
	}
	if (rc < 0)
		log_err("not read again, the old stays in force: %s: %s", err.where, err.text);
	else
		log_info("certificate, Digest users and revoked certificates read again");
}

size_t ncm_api_counters(const struct ncm_api *a, struct ncm_api_counters *out)
{
	size_t n = 0;

	out[n++] = (struct ncm_api_counters){
		ncm_intake_counter_rows, ncm_intake_n_counter_rows, &a->in, "ncm_intake"};
	out[n++] = (struct ncm_api_counters){ncm_https_counter_rows, ncm_https_n_counter_rows,
		ncm_https_counters(a->https), "ncm_https"};
	out[n++] = (struct ncm_api_counters){mams_httpd_metrics, mams_httpd_n_metrics,
		mams_httpd_counters(ncm_https_httpd(a->https)), "ncm"};
	if (a->in.conf->n_feed_clients > 0)
		out[n++] = (struct ncm_api_counters){ncm_feed_counter_rows, ncm_feed_n_counter_rows,
			ncm_feed_counters(ncm_feeder_feed(a->in.feeder)), "ncm"};
	if (a->cluster)
		out[n++] = (struct ncm_api_counters){ncm_cluster_counter_rows,
			ncm_cluster_n_counter_rows, ncm_cluster_counters(a->cluster), "ncm"};
	if (a->wss) {
		out[n++] = (struct ncm_api_counters){mams_wsd_metrics, mams_wsd_n_metrics,
			mams_wsd_counters(ncm_wss_server(a->wss)), "ncm"};
		out[n++] = (struct ncm_api_counters){mams_ws_counter_rows, mams_ws_n_counter_rows,
			ncm_wss_connections(a->wss), "ncm"};
	}
	if (a->udp)
		out[n++] = (struct ncm_api_counters){ncm_udp_counter_rows, ncm_udp_n_counter_rows,
			ncm_udp_counters(a->udp), "ncm"};
	return n;
}
