/* Messages are posted, and a long-poll is held for what the NCM starts (routes as in
 * ncm-service/https.h).  A TLS handshake is most of what a set-up costs either side, so messages go
 * one after the other as long as they are answered within HURRY_MS, and the poll waits until there
 * has been nothing to say for POLL_AFTER_MS: a whole set-up then needs one connection. */
#include "ccm-agent/carrier.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/io/httpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "https"
#define POLL_TIMEOUT_MS 110000 /* above the longest poll an NCM may be configured for */
#define POLL_AFTER_MS 20
#define HURRY_MS 100
#define AGAIN_MS 100
#define AGAIN_CAP_MS 2000
#define QUEUE_MAX 32
/* An NCM to which all its clients come at once (it, or a link of many, was away) cannot make all
 * handshakes within anybody's patience: whoever gave up and began anew each time would keep it from
 * ever serving one.  So patience doubles with every timeout, up to this factor. */
#define PATIENCE_MAX 8u

struct post {
	struct https *h;
	unsigned number;                 /* of the way it was sent: its failure is that way's */
	struct mams_httpc_handle *going; /* NULL: waits for its turn */
	char *text;
	size_t len;
	TAILQ_ENTRY(post) link;
};

struct https {
	struct ccm_carrier c;
	struct mams_httpc *http;
	struct mams_httpc_handle *poll;
	struct mams_loop_timer *again;
	uint32_t again_ms;
	bool listening;
	unsigned number;               /* of the way in use */
	struct mams_loop_timer *hurry; /* the last POST is still unanswered: the next one may go */
	bool patient;
	unsigned patience;        /* factor; 1 as long as the NCM answers */
	TAILQ_HEAD(, post) queue; /* those going first */
	size_t n_queue;
};

static void poll_after(struct https *h, uint32_t ms);
static void start_poll(struct https *h);
static void start_post(struct https *h);

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

static uint32_t exchange_ms(const struct https *h)
{
	return 2 * h->patience * h->c.conf->session.timing.timeout_ms;
}

static void set_patience(struct https *h, unsigned patience)
{
	if (patience > PATIENCE_MAX)
		patience = PATIENCE_MAX;
	if (patience == h->patience)
		return;
	h->patience = patience;
	mams_httpc_set_connect_ms(h->http, exchange_ms(h));
}

/* ---- answers ---- */

/* @return false when there was no HTTP answer */
static bool take_answer(struct https *h, int status, const char *body, size_t len)
{
	const struct ccm_carrier_events *e = h->c.events;

	if (status == -ETIMEDOUT)
		set_patience(h, 2 * h->patience);
	if (status < 0)
		return false;
	set_patience(h, 1);
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

static void post_free(struct post *p)
{
	struct https *h = p->h;

	TAILQ_REMOVE(&h->queue, p, link);
	h->n_queue--;
	mams_httpc_cancel(p->going);
	mams_wipe(p->text, p->len);
	free(p->text);
	free(p);
}

static bool is_posting(const struct https *h)
{
	const struct post *p = TAILQ_FIRST(&h->queue);

	return p && p->going;
}

static void posted(void *user, int status, const char *body, size_t len)
{
	struct post *p = user;
	struct https *h = p->h;
	unsigned number = p->number;

	p->going = NULL;
	post_free(p);
	h->patient = false;
	mams_loop_timer_at(h->hurry, MAMS_TIME_NEVER);
	if (!take_answer(h, status, body, len)) {
		h->c.events->counters->send_failed++;
		h->c.events->failed(h->c.events->user, number, status, "message");
	}
	start_post(h);
	if (!h->again_ms)
		poll_after(h, POLL_AFTER_MS);
}

static void start_post(struct https *h)
{
	struct post *p = TAILQ_FIRST(&h->queue);
	struct mams_httpc_request req = {
		.method = "POST", .path = "/mams/v1/message", .timeout_ms = exchange_ms(h)};
	int rc;

	while (p && p->going)
		p = TAILQ_NEXT(p, link);
	if (!p || h->patient)
		return;
	req.body = p->text;
	req.len = p->len;
	p->number = h->number;
	rc = mams_httpc_send(h->http, &req, posted, p, &p->going);
	if (rc < 0) {
		p->going = NULL;
		log_err("cannot send: %s", mams_strerror(rc));
		post_free(p);
		return;
	}
	h->patient = true;
	mams_loop_timer_at(h->hurry, mams_time_add_ms(mams_loop_now(h->c.loop), HURRY_MS));
}

static void hurry(void *user)
{
	struct https *h = user;

	h->patient = h->patience > 1;
	start_post(h);
}

static void send_post(struct ccm_carrier *c, const char *text, size_t len)
{
	struct https *h = (struct https *)c;
	struct post *p = h->n_queue < QUEUE_MAX ? calloc(1, sizeof(*p)) : NULL;

	if (p)
		p->text = malloc(len);
	if (!p || !p->text) {
		free(p);
		c->events->counters->send_failed++;
		return;
	}
	memcpy(p->text, text, len);
	p->len = len;
	p->h = h;
	TAILQ_INSERT_TAIL(&h->queue, p, link);
	h->n_queue++;
	start_post(h);
}

static void drop_posts(struct https *h)
{
	struct post *p;

	while ((p = TAILQ_FIRST(&h->queue)) != NULL)
		post_free(p);
	h->patient = false;
	mams_loop_timer_at(h->hurry, MAMS_TIME_NEVER);
}

/* ---- the poll ---- */

static void poll_after(struct https *h, uint32_t ms)
{
	if (h->listening && !h->poll)
		mams_loop_timer_at(h->again, mams_time_add_ms(mams_loop_now(h->c.loop), ms));
}

static void poll_again(struct https *h)
{
	h->again_ms = h->again_ms ? h->again_ms * 2 : AGAIN_MS;
	if (h->again_ms > AGAIN_CAP_MS)
		h->again_ms = AGAIN_CAP_MS;
	poll_after(h, h->again_ms);
}

static void polled(void *user, int status, const char *body, size_t len)
{
	struct https *h = user;

	h->poll = NULL;
	if (!take_answer(h, status, body, len)) {
		h->c.events->counters->polls_failed++;
		poll_again(h);
		h->c.events->failed(h->c.events->user, h->number, status, "poll");
	} else if (status == 200) { /* which mostly asks for an answer */
		h->again_ms = 0;
		poll_after(h, POLL_AFTER_MS);
	} else if (status == 204) {
		h->again_ms = 0;
		h->c.events->reached(h->c.events->user);
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
	struct https *h = user;

	if (is_posting(h)) /* its end will see to it */
		poll_after(h, exchange_ms(h));
	else
		start_poll(h);
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
		poll_after(h, POLL_AFTER_MS);
	else
		end_poll(h);
}

/* ---- the way ---- */

static void take(struct ccm_carrier *c, const struct ccm_way *route, unsigned number, bool fresh)
{
	struct https *h = (struct https *)c;

	h->number = number;
	/* connections over a link that went away would only time out; what is on its way there is
	 * sent again, and what comes twice the NCM knows by its number */
	ccm_carrier_httpc_take(h->http, route);
	for (struct post *p = TAILQ_FIRST(&h->queue); p; p = TAILQ_NEXT(p, link)) {
		mams_httpc_cancel(p->going);
		p->going = NULL;
	}
	h->patient = false;
	start_post(h);
	/* a poll that waits for its turn goes on waiting: a dead NCM is not asked in a circle */
	if (!fresh && !h->poll && h->again_ms)
		return;
	h->again_ms = 0;
	end_poll(h);
	/* at once: until then the NCM answers a poll that nobody hears any more */
	start_poll(h);
}

static void rest(struct ccm_carrier *c)
{
	struct https *h = (struct https *)c;

	listen_poll(c, false);
	drop_posts(h);
	mams_httpc_close_idle(h->http);
}

static void https_free(struct ccm_carrier *c)
{
	struct https *h = (struct https *)c;

	if (h->hurry)
		drop_posts(h);
	mams_httpc_free(h->http);
	mams_loop_timer_del(h->hurry);
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
	TAILQ_INIT(&h->queue);
	h->patience = 1;
	h->c = (struct ccm_carrier){.ops = &ops, .loop = l, .conf = conf, .events = events};
	rc = mams_loop_timer_new(l, again, h, &h->again);
	if (rc == 0)
		rc = mams_loop_timer_new(l, hurry, h, &h->hurry);
	if (rc == 0)
		rc = ccm_carrier_httpc(l, conf, &h->http, err);
	if (rc < 0)
		https_free(&h->c);
	else
		*out = &h->c;
	return rc;
}
