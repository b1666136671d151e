/* Messages are posted, and a long-poll is held for what the NCM starts (routes as in
 * ncm-service/https.h). */
#include "ccm-agent/carrier.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/io/httpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "https"
#define POLL_TIMEOUT_MS 110000 /* above the longest poll an NCM may be configured for */
#define AGAIN_MS 100
#define AGAIN_CAP_MS 2000

struct https {
	struct ccm_carrier c;
	struct mams_httpc *http;
	struct mams_httpc_handle *poll;
	struct mams_loop_timer *again;
	uint32_t again_ms;
	bool listening;
	unsigned number; /* of the way in use */
};

/* Each POST remembers the way it was sent: only the first failure on it changes the way. */
struct post {
	struct https *h;
	unsigned number;
};

static void start_poll(struct https *h);

/* ---- shared with wss ---- */

int ccm_carrier_httpc(struct mams_loop *l, const struct ccm_conf *conf, struct mams_httpc **out,
	struct mams_error *err)
{
	const struct mams_httpc_opts opts = {.base_url = "https://unset:1",
		.ca_file = conf->ca,
		.cert_file = conf->certificate,
		.key_file = conf->key,
		.digest_user = conf->digest_user,
		.password_file = conf->password_file,
		.mark = conf->mark,
		.connect_ms = 2 * conf->session.timing.timeout_ms};

	return mams_httpc_new(l, &opts, out, err);
}

static bool has_colon(const char *host)
{
	return strchr(host, ':') != NULL;
}

void ccm_carrier_httpc_take(struct mams_httpc *c, const struct ccm_way *route)
{
	const struct ccm_ncm_url *u = route->url;
	struct mams_buf base = {0};
	struct mams_buf via = {0};
	struct mams_buf interface = {0};
	int rc;

	mams_buf_printf(
		&base, has_colon(u->host) ? "https://[%s]:%u" : "https://%s:%u", u->host, u->port);
	if (route->via)
		mams_buf_printf(&via, has_colon(route->via->host) ? "::[%s]:%u" : "::%s:%u",
			route->via->host, route->via->port);
	if (route->interface)
		mams_buf_printf(&interface, "if!%s", route->interface);
	rc = base.failed || via.failed || interface.failed ? -ENOMEM
							   : mams_httpc_set_base(c, base.data);
	if (rc == 0)
		rc = mams_httpc_set_via(c, via.data);
	if (rc == 0)
		rc = mams_httpc_set_interface(c, interface.data);
	if (rc < 0)
		log_err("the way to the NCM is not changed: %s", mams_strerror(rc));
	mams_buf_fini(&base);
	mams_buf_fini(&via);
	mams_buf_fini(&interface);
}

/* ---- answers ---- */

/* @return false when there was no HTTP answer */
static bool take_answer(struct https *h, int status, const char *body, size_t len)
{
	const struct ccm_carrier_events *e = h->c.events;

	if (status < 0)
		return false;
	if (status == 200) {
		e->message(e->user, body, len);
	} else if (status == 404) {
		e->unknown(e->user);
	} else if (status != 204) {
		*(status == 401 || status == 403 ? &e->counters->refused
						 : &e->counters->rejected) += 1;
		mams_log_limited(e->quiet, mams_loop_now(h->c.loop), MAMS_LOG_WARN, LOG_MODULE,
			"the NCM answers status=%d %.120s", status, body ? body : "");
	}
	return true;
}

static void posted(void *user, int status, const char *body, size_t len)
{
	struct post *p = user;
	struct https *h = p->h;
	unsigned number = p->number;

	free(p);
	if (take_answer(h, status, body, len))
		return;
	h->c.events->counters->send_failed++;
	h->c.events->failed(h->c.events->user, number, status, "message");
}

static void send_post(struct ccm_carrier *c, const char *text, size_t len)
{
	struct https *h = (struct https *)c;
	struct post *p = calloc(1, sizeof(*p));
	const struct mams_httpc_request req = {.method = "POST",
		.path = "/mams/v1/message",
		.body = text,
		.len = len,
		.timeout_ms = 2 * c->conf->session.timing.timeout_ms};
	int rc = -ENOMEM;

	if (p) {
		*p = (struct post){.h = h, .number = h->number};
		rc = mams_httpc_send(h->http, &req, posted, p, NULL);
	}
	if (rc < 0) {
		log_err("cannot send: %s", mams_strerror(rc));
		free(p);
	}
}

/* ---- the poll ---- */

static void poll_again(struct https *h)
{
	h->again_ms = h->again_ms ? h->again_ms * 2 : AGAIN_MS;
	if (h->again_ms > AGAIN_CAP_MS)
		h->again_ms = AGAIN_CAP_MS;
	mams_loop_timer_at(h->again, mams_time_add_ms(mams_loop_now(h->c.loop), h->again_ms));
}

static void polled(void *user, int status, const char *body, size_t len)
{
	struct https *h = user;

	h->poll = NULL;
	if (!take_answer(h, status, body, len)) {
		h->c.events->counters->polls_failed++;
		poll_again(h);
		h->c.events->failed(h->c.events->user, h->number, status, "poll");
	} else if (status == 200 || status == 204) {
		h->again_ms = 0;
		start_poll(h);
	} else {
		poll_again(h);
	}
}

static void start_poll(struct https *h)
{
	const struct mams_httpc_request req = {
		.method = "GET", .path = "/mams/v1/poll", .timeout_ms = POLL_TIMEOUT_MS};

	if (!h->listening || h->poll)
		return;
	mams_loop_timer_at(h->again, MAMS_TIME_NEVER);
	h->c.events->counters->polls++;
	if (mams_httpc_send(h->http, &req, polled, h, &h->poll) < 0) {
		h->poll = NULL;
		poll_again(h);
	}
}

static void again(void *user)
{
	start_poll(user);
}

static void end_poll(struct https *h)
{
	mams_loop_timer_at(h->again, MAMS_TIME_NEVER);
	mams_httpc_cancel(h->poll);
	h->poll = NULL;
}

static void listen_poll(struct ccm_carrier *c, bool on)
{
	struct https *h = (struct https *)c;

	if (h->listening == on)
		return;
	h->listening = on;
	h->again_ms = 0;
	if (on)
		start_poll(h);
	else
		end_poll(h);
}

/* ---- the way ---- */

static void take(struct ccm_carrier *c, const struct ccm_way *route, unsigned number, bool fresh)
{
	struct https *h = (struct https *)c;

	h->number = number;
	/* connections over a link that went away would only time out */
	ccm_carrier_httpc_take(h->http, route);
	/* a poll that waits for its turn goes on waiting: a dead NCM is not asked in a circle */
	if (!fresh && !h->poll && h->again_ms)
		return;
	h->again_ms = 0;
	end_poll(h);
	start_poll(h);
}

static void rest(struct ccm_carrier *c)
{
	struct https *h = (struct https *)c;

	listen_poll(c, false);
	mams_httpc_close_idle(h->http);
}

static void https_free(struct ccm_carrier *c)
{
	struct https *h = (struct https *)c;

	mams_httpc_free(h->http);
	mams_loop_timer_del(h->again);
	free(h);
}

static const struct ccm_carrier_ops ops = {
	.take = take, .send = send_post, .listen = listen_poll, .rest = rest, .free = https_free};

int ccm_carrier_https(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_carrier_events *events, struct ccm_carrier **out, struct mams_error *err)
{
	struct https *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return -ENOMEM;
	h->c = (struct ccm_carrier){.ops = &ops, .loop = l, .conf = conf, .events = events};
	rc = mams_loop_timer_new(l, again, h, &h->again);
	if (rc == 0)
		rc = ccm_carrier_httpc(l, conf, &h->http, err);
	if (rc < 0)
		https_free(&h->c);
	else
		*out = &h->c;
	return rc;
}
