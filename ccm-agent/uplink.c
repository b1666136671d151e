#include "ccm-agent/uplink.h"

#include "ccm-agent/carrier.h"
#include "lib/base/buf.h"
#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "uplink"
#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct counters, field)                         \
	}

struct counters {
	struct ccm_carrier_counters carrier;
	uint64_t bad_message;
	uint64_t switches;
	uint64_t no_way;
};

const struct mams_metric ccm_uplink_counter_rows[] = {
	CNT("messages_sent_total", carrier.sent, "messages given to the transport"),
	CNT("messages_lost_total", carrier.send_failed, "of these, known to have been lost"),
	CNT("messages_too_long_total", carrier.too_long, "longer than udp_max, of either side"),
	CNT("polls_total", carrier.polls, "long-polls"),
	CNT("polls_failed_total", carrier.polls_failed, "long-polls without an HTTP answer"),
	CNT("connects_total", carrier.connects, "WebSocket connections tried"),
	CNT("connects_failed_total", carrier.connects_failed, "of these, failed"),
	CNT("ncm_refused_total", carrier.refused, "401 and 403 answers"),
	CNT("ncm_rejected_total", carrier.rejected, "other 4xx and 5xx answers"),
	CNT("ncm_messages_bad_total", bad_message, "messages of the NCM that are not decodable"),
	CNT("ncm_route_switches_total", switches, "changes of the way to the NCM"),
	CNT("ncm_no_route_total", no_way, "messages without any way to the NCM"),
};
const size_t ccm_uplink_n_counter_rows = MAMS_ARRAY_LEN(ccm_uplink_counter_rows);

typedef int (*carrier_new_fn)(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_carrier_events *events, struct ccm_carrier **out, struct mams_error *err);

static const carrier_new_fn carrier_new[] = {
	[CCM_HTTPS] = ccm_carrier_https,
	[CCM_WSS] = ccm_carrier_wss,
	[CCM_UDP] = ccm_carrier_udp,
};
#define CARRIERS MAMS_ARRAY_LEN(carrier_new)

struct ccm_uplink {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	const struct ccm_uplink_ops *ops;
	void *user;
	struct ccm_ways ways;
	char links[CCM_WAY_IFS_MAX][CCM_IFNAME_MAX];
	struct ccm_carrier *carriers[CARRIERS]; /* of the transports that the URLs name */
	struct ccm_carrier *current;            /* NULL: there is no way */
	struct ccm_carrier_events events;
	bool listening;
	unsigned number; /* of the way in use: it counts up with every change */
	struct counters counters;
	struct mams_log_rl quiet;
};

static const char *over(const struct ccm_way *r)
{
	return r && r->interface ? r->interface : "any";
}

/* ---- the way ---- */

static void take(struct ccm_uplink *u, bool fresh)
{
	const struct ccm_way *r = ccm_ways_current(&u->ways);
	struct ccm_carrier *c = r ? u->carriers[r->url->transport] : NULL;

	u->number++;
	if (u->current && u->current != c)
		u->current->ops->rest(u->current);
	u->current = c;
	if (!c)
		return;
	c->ops->take(c, r, u->number, fresh);
	c->ops->listen(c, u->listening);
	log_debug("way to the NCM url=%s via=%s over=%s", r->url->text, r->via ? r->via->host : "-",
		over(r));
}

static void on_failed(void *user, unsigned number, int status, const char *what)
{
	struct ccm_uplink *u = user;
	const struct ccm_way *r = ccm_ways_current(&u->ways);

	mams_log_limited(&u->quiet, mams_loop_now(u->loop), MAMS_LOG_WARN, LOG_MODULE,
		"%s failed: %s url=%s over=%s", what,
		status == -MAMS_EDENIED ? "the NCM's certificate is not good"
					: mams_strerror(status),
		r ? r->url->text : "-", over(r));
	if (number != u->number)
		return;
	u->counters.switches++;
	ccm_ways_next(&u->ways);
	take(u, false);
}

/* ---- messages ---- */

static void on_message(void *user, const char *text, size_t len)
{
	struct ccm_uplink *u = user;
	struct mams_error err;
	struct mx_msg *m = NULL;

	if (mx_decode(text, len, &m, &err) < 0) {
		u->counters.bad_message++;
		mams_log_limited(&u->quiet, mams_loop_now(u->loop), MAMS_LOG_WARN, LOG_MODULE,
			"bad message of the NCM: %s: %s", err.where, err.text);
		return;
	}
	log_debug("from ncm type=%s seq=%u unknown=%u variants=%u", mx_type_name(m->type),
		m->sequence_num, m->unknown, m->variants);
	u->ops->message(u->user, m);
	mx_msg_free(m);
}

static void on_unknown(void *user)
{
	struct ccm_uplink *u = user;

	u->ops->unknown(u->user);
}

static void on_reached(void *user)
{
	struct ccm_uplink *u = user;

	u->ops->reached(u->user);
}

void ccm_uplink_send(struct ccm_uplink *u, const struct mx_msg *m)
{
	struct mams_buf text = {0};
	struct mams_error err;
	int rc = mx_encode(m, 0, &text, &err);

	log_debug("to ncm type=%s seq=%u", mx_type_name(m->type), m->sequence_num);
	if (rc < 0 || text.failed) {
		log_err("cannot write %s: %s", mx_type_name(m->type), mams_strerror(rc));
	} else if (!u->current) {
		u->counters.no_way++;
	} else {
		u->counters.carrier.sent++;
		u->current->ops->send(u->current, text.data, text.len);
	}
	mams_wipe(text.data, text.len);
	mams_buf_fini(&text);
}

void ccm_uplink_listen(struct ccm_uplink *u, bool on)
{
	if (u->listening == on)
		return;
	u->listening = on;
	if (u->current)
		u->current->ops->listen(u->current, on);
}

void ccm_uplink_links(struct ccm_uplink *u, const char *const *interfaces, size_t n)
{
	const char *links[CCM_WAY_IFS_MAX];

	if (n > CCM_WAY_IFS_MAX)
		n = CCM_WAY_IFS_MAX;
	for (size_t i = 0; i < n; i++) {
		snprintf(u->links[i], sizeof(u->links[i]), "%s", interfaces[i]);
		links[i] = u->links[i];
	}
	ccm_ways_links(&u->ways, links, n);
	take(u, true);
}

void ccm_uplink_endpoints(struct ccm_uplink *u, const struct mx_system_info *info)
{
	struct ccm_endpoint list[CCM_ENDPOINTS_MAX] = {0};
	size_t n = 0;

	for (size_t i = 0; i < info->n_ncm_connections && n < CCM_ENDPOINTS_MAX; i++) {
		const struct mx_end_point *e = &info->ncm_connections[i].ncm_end_point;

		if (!e->ip_address || strlen(e->ip_address) >= CCM_HOST_MAX || e->port == 0)
			continue;
		snprintf(list[n].host, sizeof(list[n].host), "%s", e->ip_address);
		list[n++].port = e->port;
	}
	if (ccm_ways_endpoints(&u->ways, list, n))
		log_info("the NCM names %zu endpoints, ways=%zu", n, u->ways.n);
}

void ccm_uplink_redirect(struct ccm_uplink *u)
{
	if (!ccm_ways_redirect(&u->ways)) {
		log_warn("the NCM has no session for us and names no other NCM");
		return;
	}
	log_info("redirected to %s", ccm_uplink_url(u));
	u->counters.switches++;
	take(u, true);
}

void ccm_uplink_renew(struct ccm_uplink *u)
{
	take(u, true);
}

void ccm_uplink_settle(struct ccm_uplink *u)
{
	ccm_ways_settle(&u->ways);
}

/* ---- life ---- */

int ccm_uplink_new(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_uplink_ops *ops, void *user, struct ccm_uplink **out,
	struct mams_error *err)
{
	struct ccm_uplink *u = calloc(1, sizeof(*u));
	int rc;

	if (!u)
		return -ENOMEM;
	u->loop = l;
	u->conf = conf;
	u->ops = ops;
	u->user = user;
	u->events = (struct ccm_carrier_events){.message = on_message,
		.unknown = on_unknown,
		.reached = on_reached,
		.failed = on_failed,
		.user = u,
		.counters = &u->counters.carrier,
		.quiet = &u->quiet};
	rc = ccm_ways_init(&u->ways, conf->ncm, conf->n_ncm, conf->secure_interfaces,
		conf->n_secure_interfaces, err);
	for (size_t i = 0; rc == 0 && i < u->ways.n_urls; i++) {
		enum ccm_transport t = u->ways.urls[i].transport;

		if (!u->carriers[t])
			rc = carrier_new[t](l, conf, &u->events, &u->carriers[t], err);
	}
	if (rc < 0) {
		ccm_uplink_free(u);
		return rc;
	}
	take(u, true);
	*out = u;
	return 0;
}

void ccm_uplink_free(struct ccm_uplink *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < CARRIERS; i++)
		if (u->carriers[i])
			u->carriers[i]->ops->free(u->carriers[i]);
	free(u);
}

const void *ccm_uplink_counters(const struct ccm_uplink *u)
{
	return &u->counters;
}

const char *ccm_uplink_url(const struct ccm_uplink *u)
{
	const struct ccm_way *r = ccm_ways_current(&u->ways);

	return r ? r->url->text : "-";
}

const char *ccm_uplink_transport(const struct ccm_uplink *u)
{
	const struct ccm_way *r = ccm_ways_current(&u->ways);

	return r ? ccm_transport_name(r->url->transport) : "-";
}
