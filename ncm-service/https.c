#include "ncm-service/https.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/rate.h"
#include "lib/ctl/ctl_msg.h"
#include "ncm-service/feeder.h"
#include "ncm-service/front.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "https"
#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct ncm_https_counters, field)               \
	}

const struct mams_metric ncm_https_counter_rows[] = {
	CNT("posts_total", posts, "messages posted"),
	CNT("polls_total", polls, "long-polls"),
	CNT("polls_replaced_total", polls_replaced, "polls ended: the client came again"),
	CNT("feed_denied_total", feed_denied, "network information: not one of feed_clients"),
	CNT("requests_bad_route_total", bad_route, "no such path or method"),
};
const size_t ncm_https_n_counter_rows = MAMS_ARRAY_LEN(ncm_https_counter_rows);

/* A held poll is a channel that carries one message. */
struct poll {
	struct ncm_channel channel;
	struct ncm_https *h;
	struct mams_httpd_req *req;
	struct mams_loop_timer *timer;
	LIST_ENTRY(poll) link;
};

struct ncm_https {
	struct ncm_intake *in;
	struct mams_httpd *httpd;
	LIST_HEAD(, poll) polls;
	struct ncm_https_counters counters;
};

static void poll_free(struct poll *p)
{
	ncm_front_detach(&p->channel);
	mams_loop_timer_del(p->timer);
	LIST_REMOVE(p, link);
	free(p);
}

static void end_poll(struct poll *p, unsigned status, const char *text, size_t len)
{
	struct mams_httpd_req *r = p->req;

	poll_free(p);
	mams_httpd_set_user(r, NULL);
	mams_httpd_reply(r, status, text ? "application/json" : NULL, text, len);
}

static bool poll_deliver(struct ncm_channel *c, const char *text, size_t len)
{
	end_poll((struct poll *)c, 200, text, len);
	return true;
}

static void poll_dismiss(struct ncm_channel *c, enum ncm_dismissal why)
{
	struct poll *p = (struct poll *)c;

	p->h->counters.polls_replaced += why == NCM_CHANNEL_REPLACED;
	end_poll(p, why == NCM_CHANNEL_ENDED ? 404 : 204, NULL, 0);
}

static const struct ncm_channel_ops poll_ops = {
	.transport = NCM_HTTPS, .deliver = poll_deliver, .dismiss = poll_dismiss};

static void poll_over(void *user)
{
	end_poll(user, 204, NULL, 0);
}

/* ---- routes ---- */

static unsigned status_of(enum ncm_outcome outcome)
{
	switch (outcome) {
	case NCM_IN_OK:
		return 200;
	case NCM_IN_UNKNOWN_SESSION:
		return 404;
	case NCM_IN_FOREIGN:
		return 403;
	case NCM_IN_WRONG_STATE:
		return 409;
	case NCM_IN_IGNORED:
		return 204;
	case NCM_IN_BUSY:
		return 503;
	case NCM_IN_TOO_MANY:
		return 429;
	case NCM_IN_NOT_JSON:
	case NCM_IN_UNKNOWN_TYPE:
	case NCM_IN_WRONG_VALUE:
		break;
	}
	return 400;
}

static void answer_words(struct mams_httpd_req *r, unsigned status, const struct mams_error *err)
{
	struct mams_buf text = {0};

	if (status != 204)
		mams_buf_printf(&text, "%s: %s\n", err->where, err->text);
	mams_httpd_reply(
		r, status, status == 204 ? NULL : "text/plain; charset=utf-8", text.data, text.len);
	mams_buf_fini(&text);
}

static void on_receipt(void *user, const struct ncm_receipt *receipt)
{
	struct mams_httpd_req *r = user;

	if (receipt->outcome != NCM_IN_OK)
		answer_words(r, status_of(receipt->outcome), &receipt->err);
	else
		mams_httpd_reply(r, receipt->text ? 200 : 204,
			receipt->text ? "application/json" : NULL, receipt->text, receipt->len);
}

static void on_message(struct ncm_https *h, struct mams_httpd_req *r)
{
	const struct ncm_sender from = {.identity = mams_httpd_identity(r),
		.transport = NCM_HTTPS,
		.peer = *mams_httpd_peer(r)};
	size_t len;
	const char *body = mams_httpd_body(r, &len);

	h->counters.posts++;
	ncm_front_take(h->in->front, &from, body, len, on_receipt, r);
}

static int hold(struct ncm_https *h, struct mams_httpd_req *r)
{
	struct poll *p = calloc(1, sizeof(*p));
	int rc = p ? mams_loop_timer_new(h->in->loop, poll_over, p, &p->timer) : -ENOMEM;

	if (rc < 0) {
		free(p);
		return rc;
	}
	p->channel.ops = &poll_ops;
	p->channel.peer = *mams_httpd_peer(r);
	p->h = h;
	p->req = r;
	LIST_INSERT_HEAD(&h->polls, p, link);
	mams_httpd_set_user(r, p);
	mams_loop_timer_at(
		p->timer, mams_time_add_ms(mams_loop_now(h->in->loop), h->in->conf->poll_ms));
	/* may answer it at once */
	rc = ncm_front_attach(h->in->front, mams_httpd_identity(r), &p->channel);
	if (rc < 0) {
		mams_httpd_set_user(r, NULL);
		poll_free(p);
	}
	return rc;
}

static void on_poll(struct ncm_https *h, struct mams_httpd_req *r)
{
	const struct mams_error err = {.text = "no such session", .where = "poll"};
	int rc;

	h->counters.polls++;
	rc = hold(h, r);
	if (rc == -MAMS_EUNKNOWN) {
		h->in->counters.unknown_session++;
		answer_words(r, 404, &err);
	} else if (rc < 0) {
		mams_httpd_reply(r, 503, NULL, NULL, 0);
	}
}

static void bad_route(struct ncm_https *h, struct mams_httpd_req *r)
{
	h->counters.bad_route++;
	mams_httpd_reply(r, 404, NULL, NULL, 0);
}

static void tell_network(struct ncm_https *h, struct mams_httpd_req *r)
{
	struct ctl_msg *m = ncm_feeder_tell(h->in->feeder, 0, 0, NCM_FEED_MAX);
	struct mams_buf text = {0};
	struct mams_error err;

	if (m && ctl_network_write(m, &text, &err) == 0)
		mams_httpd_reply(r, 200, "application/json", text.data, text.len);
	else
		mams_httpd_reply(r, 503, NULL, NULL, 0);
	mams_buf_fini(&text);
	ctl_msg_free(m);
}

static void take_network(struct ncm_https *h, struct mams_httpd_req *r)
{
	struct mams_error err = {0};
	size_t len;
	const char *body = mams_httpd_body(r, &len);
	int rc = ncm_feeder_take(h->in->feeder, mams_httpd_identity(r), body, len, &err);

	answer_words(r, rc == 0 ? 204 : rc == -ENOMEM ? 503 : 400, &err);
}

static void on_network(struct ncm_https *h, struct mams_httpd_req *r, bool post, bool get)
{
	const char *identity = mams_httpd_identity(r);

	if (!ncm_identity_is_feeder(h->in->conf, identity)) {
		h->counters.feed_denied++;
		mams_httpd_reply(r, 403, NULL, NULL, 0);
	} else if (!mams_rate_take(h->in->rate, identity, mams_loop_now(h->in->loop))) {
		const struct mams_error err = {.text = "too many requests", .where = "max_rate"};

		h->in->counters.too_many++;
		answer_words(r, 429, &err);
	} else if (post) {
		take_network(h, r);
	} else if (get) {
		tell_network(h, r);
	} else {
		bad_route(h, r);
	}
}

static void request(void *user, struct mams_httpd_req *r)
{
	struct ncm_https *h = user;
	const char *path = mams_httpd_path(r);
	bool post = strcmp(mams_httpd_method(r), "POST") == 0;
	bool get = strcmp(mams_httpd_method(r), "GET") == 0;

	if (h->in->conf->n_feed_clients > 0 && strcmp(path, NCM_FEED_PATH) == 0) {
		on_network(h, r, post, get);
	} else if (ncm_identity_is_reserved(h->in->conf, mams_httpd_identity(r))) {
		mams_httpd_reply(r, 403, NULL, NULL, 0);
	} else if (post && strcmp(path, "/mams/v1/message") == 0) {
		on_message(h, r);
	} else if (get && strcmp(path, "/mams/v1/poll") == 0) {
		on_poll(h, r);
	} else {
		bad_route(h, r);
	}
}

static void gone(void *user, struct mams_httpd_req *r)
{
	struct ncm_https *h = user;
	struct poll *p = mams_httpd_get_user(r);

	if (p)
		poll_free(p);
	else
		ncm_front_forget(h->in->front, r);
}

static const struct mams_httpd_ops httpd_ops = {.request = request, .gone = gone};

int ncm_https_new(struct ncm_intake *in, struct ncm_https **out, struct mams_error *err)
{
	const struct mams_httpd_opts opts = ncm_conf_server(in->conf);
	struct ncm_https *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return -ENOMEM;
	h->in = in;
	rc = mams_httpd_new(in->loop, &opts, &httpd_ops, h, &h->httpd, err);
	if (rc < 0)
		free(h);
	else
		*out = h;
	return rc;
}

void ncm_https_free(struct ncm_https *h)
{
	struct poll *p;

	if (!h)
		return;
	while ((p = LIST_FIRST(&h->polls)) != NULL)
		poll_free(p);
	mams_httpd_free(h->httpd);
	free(h);
}

int ncm_https_reload(struct ncm_https *h, mams_expelled_fn fn, void *user, struct mams_error *err)
{
	return mams_httpd_reload(h->httpd, fn, user, err);
}

const struct ncm_https_counters *ncm_https_counters(const struct ncm_https *h)
{
	return &h->counters;
}

const struct mams_httpd *ncm_https_httpd(const struct ncm_https *h)
{
	return h->httpd;
}
