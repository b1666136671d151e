#include "ccm-agent/uplink.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/io/httpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "uplink"
#define POLL_TIMEOUT_MS 110000 /* above the longest poll an NCM may be configured for */
#define AGAIN_MS 100
#define AGAIN_CAP_MS 2000
#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct ccm_uplink_counters, field)              \
	}

const struct mams_metric ccm_uplink_counter_rows[] = {
	CNT("posts_total", posts, "messages posted"),
	CNT("posts_failed_total", posts_failed, "posts without an HTTP answer"),
	CNT("polls_total", polls, "long-polls"),
	CNT("polls_failed_total", polls_failed, "long-polls without an HTTP answer"),
	CNT("ncm_refused_total", refused, "401 and 403 answers"),
	CNT("ncm_rejected_total", rejected, "other 4xx and 5xx answers"),
	CNT("ncm_messages_bad_total", bad_message, "messages of the NCM that are not decodable"),
	CNT("ncm_route_switches_total", switches, "changes of the way to the NCM"),
};
const size_t ccm_uplink_n_counter_rows = MAMS_ARRAY_LEN(ccm_uplink_counter_rows);

struct ccm_uplink {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	const struct ccm_uplink_ops *ops;
	void *user;
	struct mams_httpc *http;
	struct mams_httpc_handle *poll;
	struct mams_loop_timer *again;
	uint32_t again_ms;
	bool polling;
	char interfaces[CCM_LINKS_MAX][CCM_IFNAME_MAX + 4]; /**< "if!NAME" */
	size_t n_interfaces;
	size_t route; /**< url + n_ncm * (0: unbound, 1..: interface) */
	struct ccm_uplink_counters counters;
	struct mams_log_rl quiet;
};

/* Each POST remembers the route it was sent on: only the first failure on it changes the route. */
struct post {
	struct ccm_uplink *u;
	size_t route;
};

static void start_poll(struct ccm_uplink *u);

static size_t routes(const struct ccm_uplink *u)
{
	return u->conf->n_ncm * (1 + u->n_interfaces);
}

static const char *bound_to(const struct ccm_uplink *u)
{
	size_t i = u->route / u->conf->n_ncm;

	return i > 0 && i <= u->n_interfaces ? u->interfaces[i - 1] : NULL;
}

static void take_route(struct ccm_uplink *u, size_t route)
{
	if (route >= routes(u))
		route = 0;
	if (route == u->route)
		return;
	u->route = route;
	u->counters.switches++;
	if (mams_httpc_set_base(u->http, u->conf->ncm[route % u->conf->n_ncm]) < 0 ||
		mams_httpc_set_interface(u->http, bound_to(u)) < 0)
		log_err("no memory to change the route to the NCM");
	log_debug("route to the NCM url=%s bound=%s", mams_httpc_base(u->http),
		bound_to(u) ? bound_to(u) : "no");
}

static void failed(struct ccm_uplink *u, size_t route, int status, const char *what)
{
	mams_log_limited(&u->quiet, mams_loop_now(u->loop), MAMS_LOG_WARN, LOG_MODULE,
		"%s failed: %s url=%s bound=%s", what,
		status == -MAMS_EDENIED ? "the NCM's certificate is not good"
					: mams_strerror(status),
		mams_httpc_base(u->http), bound_to(u) ? bound_to(u) : "no");
	if (route == u->route)
		take_route(u, u->route + 1);
}

static void take_body(struct ccm_uplink *u, const char *body, size_t len)
{
	struct mams_error err;
	struct mx_msg *m = NULL;

	if (mx_decode(body, len, &m, &err) < 0) {
		u->counters.bad_message++;
		mams_log_limited(&u->quiet, mams_loop_now(u->loop), MAMS_LOG_WARN, LOG_MODULE,
			"bad message of the NCM: %s: %s", err.where, err.text);
		return;
	}
	log_debug("from ncm type=%s seq=%u", mx_type_name(m->type), m->sequence_num);
	u->ops->message(u->user, m);
	mx_msg_free(m);
}

/* @return false when there was no HTTP answer */
static bool take_answer(struct ccm_uplink *u, int status, const char *body, size_t len)
{
	if (status < 0)
		return false;
	if (status == 200) {
		take_body(u, body, len);
	} else if (status == 404) {
		u->ops->unknown(u->user);
	} else if (status != 204) {
		*(status == 401 || status == 403 ? &u->counters.refused : &u->counters.rejected) +=
			1;
		mams_log_limited(&u->quiet, mams_loop_now(u->loop), MAMS_LOG_WARN, LOG_MODULE,
			"the NCM answers status=%d %.120s", status, body ? body : "");
	}
	return true;
}

static void posted(void *user, int status, const char *body, size_t len)
{
	struct post *p = user;
	struct ccm_uplink *u = p->u;
	size_t route = p->route;

	free(p);
	if (take_answer(u, status, body, len))
		return;
	u->counters.posts_failed++;
	failed(u, route, status, "message");
	/* the poll stands on the same route */
	if (u->polling && route != u->route) {
		mams_httpc_cancel(u->poll);
		u->poll = NULL;
		start_poll(u);
	}
}

void ccm_uplink_send(struct ccm_uplink *u, const struct mx_msg *m)
{
	struct mams_buf text = {0};
	struct mams_error err;
	struct post *p = calloc(1, sizeof(*p));
	struct mams_httpc_request req = {.method = "POST",
		.path = "/mams/v1/message",
		.timeout_ms = 2 * u->conf->session.timing.timeout_ms};
	int rc = p ? mx_encode(m, 0, &text, &err) : -ENOMEM;

	u->counters.posts++;
	log_debug("to ncm type=%s seq=%u", mx_type_name(m->type), m->sequence_num);
	if (rc == 0) {
		*p = (struct post){.u = u, .route = u->route};
		req.body = text.data;
		req.len = text.len;
		rc = mams_httpc_send(u->http, &req, posted, p, NULL);
	}
	if (rc < 0) {
		log_err("cannot send %s: %s", mx_type_name(m->type), mams_strerror(rc));
		free(p);
	}
	mams_buf_fini(&text);
}

static void poll_again(struct ccm_uplink *u)
{
	u->again_ms = u->again_ms ? u->again_ms * 2 : AGAIN_MS;
	if (u->again_ms > AGAIN_CAP_MS)
		u->again_ms = AGAIN_CAP_MS;
	mams_loop_timer_at(u->again, mams_time_add_ms(mams_loop_now(u->loop), u->again_ms));
}

static void polled(void *user, int status, const char *body, size_t len)
{
	struct ccm_uplink *u = user;

	u->poll = NULL;
	if (!take_answer(u, status, body, len)) {
		u->counters.polls_failed++;
		failed(u, u->route, status, "poll");
		poll_again(u);
	} else if (status == 200 || status == 204) {
		u->again_ms = 0;
		start_poll(u);
	} else {
		poll_again(u);
	}
}

static void start_poll(struct ccm_uplink *u)
{
	const struct mams_httpc_request req = {
		.method = "GET", .path = "/mams/v1/poll", .timeout_ms = POLL_TIMEOUT_MS};

	if (!u->polling || u->poll)
		return;
	mams_loop_timer_at(u->again, MAMS_TIME_NEVER);
	u->counters.polls++;
	if (mams_httpc_send(u->http, &req, polled, u, &u->poll) < 0) {
		u->poll = NULL;
		poll_again(u);
	}
}

static void again(void *user)
{
	start_poll(user);
}

void ccm_uplink_poll(struct ccm_uplink *u, bool on)
{
	if (u->polling == on)
		return;
	u->polling = on;
	u->again_ms = 0;
	if (on) {
		start_poll(u);
		return;
	}
	mams_loop_timer_at(u->again, MAMS_TIME_NEVER);
	mams_httpc_cancel(u->poll);
	u->poll = NULL;
}

void ccm_uplink_links(struct ccm_uplink *u, const char *const *interfaces, size_t n)
{
	u->n_interfaces = n < CCM_LINKS_MAX ? n : CCM_LINKS_MAX;
	for (size_t i = 0; i < u->n_interfaces; i++)
		snprintf(u->interfaces[i], sizeof(u->interfaces[i]), "if!%s", interfaces[i]);
	/* connections over a link that went away would only time out */
	mams_httpc_close_idle(u->http);
	u->route = SIZE_MAX;
	take_route(u, 0);
	mams_httpc_cancel(u->poll);
	u->poll = NULL;
	start_poll(u);
}

int ccm_uplink_new(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_uplink_ops *ops, void *user, struct ccm_uplink **out,
	struct mams_error *err)
{
	const struct mams_httpc_opts opts = {.base_url = conf->ncm[0],
		.ca_file = conf->ca,
		.cert_file = conf->certificate,
		.key_file = conf->key,
		.digest_user = conf->digest_user,
		.password_file = conf->password_file,
		.mark = conf->mark,
		.connect_ms = 2 * conf->session.timing.timeout_ms};
	struct ccm_uplink *u = calloc(1, sizeof(*u));
	int rc;

	if (!u)
		return -ENOMEM;
	u->loop = l;
	u->conf = conf;
	u->ops = ops;
	u->user = user;
	rc = mams_loop_timer_new(l, again, u, &u->again);
	if (rc == 0)
		rc = mams_httpc_new(l, &opts, &u->http, err);
	if (rc < 0)
		ccm_uplink_free(u);
	else
		*out = u;
	return rc;
}

void ccm_uplink_free(struct ccm_uplink *u)
{
	if (!u)
		return;
	mams_httpc_free(u->http);
	mams_loop_timer_del(u->again);
	free(u);
}

const struct ccm_uplink_counters *ccm_uplink_counters(const struct ccm_uplink *u)
{
	return &u->counters;
}

const char *ccm_uplink_url(const struct ccm_uplink *u)
{
	return mams_httpc_base(u->http);
}
