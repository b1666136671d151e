/* One WebSocket, opened when there is something to say or to hear.  Every message is followed by a
 * ping, so that a dead connection shows as early as an unanswered POST would. */
#include "ccm-agent/carrier.h"

#include "lib/base/log.h"
#include "lib/io/httpc.h"
#include "lib/io/ws.h"

#include <errno.h>
#include <string.h>

#define LOG_MODULE "wss"
#define AGAIN_MS 100
#define AGAIN_CAP_MS 2000
#define WAITING_MAX 8
#define PATIENCE_MAX 4

struct wss {
	struct ccm_carrier c;
	struct mams_httpc *http;
	struct mams_httpc_ws *opening;
	struct mams_ws *ws;
	struct mams_ws_counters ws_counters;
	struct mams_loop_timer *again;
	uint32_t again_ms; /* 0: the last one worked */
	unsigned patience; /* factor; 1 as long as the NCM answers in time */
	bool waits;        /* for its next try */
	bool listening;
	unsigned number;
	struct {
		char *text;
		size_t len;
	} waiting[WAITING_MAX]; /* for the connection */
	size_t n_waiting;
};

static void drop_waiting(struct wss *w)
{
	for (size_t i = 0; i < w->n_waiting; i++) {
		mams_wipe(w->waiting[i].text, w->waiting[i].len);
		free(w->waiting[i].text);
	}
	w->n_waiting = 0;
}

static void close_all(struct wss *w)
{
	mams_httpc_ws_cancel(w->opening);
	w->opening = NULL;
	mams_ws_free(w->ws);
	w->ws = NULL;
	w->waits = false;
	mams_loop_timer_at(w->again, MAMS_TIME_NEVER);
}

/* An NCM to which a thousand come at once answers, but late: who gives up comes again, and all that
 * has been done for him was in vain. */
static void set_patience(struct wss *w, unsigned patience)
{
	if (patience > PATIENCE_MAX || patience == w->patience)
		return;
	w->patience = patience;
	mams_httpc_set_connect_ms(w->http, 2 * patience * w->c.conf->session.timing.timeout_ms);
}

static void lost(struct wss *w, int status, const char *what)
{
	w->again_ms = w->again_ms ? w->again_ms * 2 : AGAIN_MS;
	if (w->again_ms > AGAIN_CAP_MS)
		w->again_ms = AGAIN_CAP_MS;
	w->waits = true;
	mams_loop_timer_at(w->again, mams_time_add_ms(mams_loop_now(w->c.loop), w->again_ms));
	w->c.events->failed(w->c.events->user, w->number, status, what);
}

/* ---- the connection ---- */

static void on_message(void *user, const char *text, size_t len)
{
	struct wss *w = user;

	w->again_ms = 0;
	w->c.events->message(w->c.events->user, text, len);
}

static void on_closed(void *user, unsigned code)
{
	struct wss *w = user;

	log_debug("connection over code=%u", code);
	mams_ws_free(w->ws);
	w->ws = NULL;
	lost(w, -ECONNRESET, "connection");
}

static const struct mams_ws_ops ws_ops = {.message = on_message, .closed = on_closed};

static void transmit(struct wss *w, const char *text, size_t len)
{
	if (mams_ws_send(w->ws, text, len) < 0)
		w->c.events->counters->send_failed++;
	mams_ws_probe(w->ws, 2 * w->c.conf->session.timing.timeout_ms);
}

static void refused(struct wss *w, int status)
{
	struct ccm_carrier_counters *n = w->c.events->counters;

	*(status == 401 || status == 403 ? &n->refused : &n->rejected) += 1;
	mams_log_limited(w->c.events->quiet, mams_loop_now(w->c.loop), MAMS_LOG_WARN, LOG_MODULE,
		"the NCM answers status=%d", status);
}

static void on_opened(void *user, int status, const struct mams_pipe *pipe)
{
	static const struct mams_ws_opts opts = {.message_max = MX_MAX_BYTES};
	struct wss *w = user;
	int rc = status;

	w->opening = NULL;
	if (status == -ETIMEDOUT)
		set_patience(w, 2 * w->patience);
	else if (status > 0)
		set_patience(w, 1);
	if (pipe) {
		rc = mams_ws_new(w->c.loop, pipe, true, &opts, &ws_ops, w, &w->ws_counters, &w->ws);
		if (rc == 0) {
			for (size_t i = 0; i < w->n_waiting; i++)
				transmit(w, w->waiting[i].text, w->waiting[i].len);
			drop_waiting(w);
			return;
		}
	} else if (status > 0) {
		refused(w, status);
		rc = -MAMS_EPEER;
	}
	w->c.events->counters->connects_failed++;
	lost(w, rc, "connection");
}

static void open_now(struct wss *w)
{
	int rc;

	if (w->ws || w->opening || w->waits || (!w->listening && w->n_waiting == 0))
		return;
	w->c.events->counters->connects++;
	rc = mams_httpc_ws_open(w->http, "/mams/v1/ws",
		4 * w->patience * w->c.conf->session.timing.timeout_ms, on_opened, w, &w->opening);
	if (rc < 0) {
		w->opening = NULL;
		log_err("cannot connect: %s", mams_strerror(rc));
		w->waits = true;
		mams_loop_timer_at(
			w->again, mams_time_add_ms(mams_loop_now(w->c.loop), AGAIN_CAP_MS));
	}
}

static void again(void *user)
{
	struct wss *w = user;

	w->waits = false;
	open_now(w);
}

/* ---- the carrier ---- */

static void wss_send(struct ccm_carrier *c, const char *text, size_t len)
{
	struct wss *w = (struct wss *)c;
	char *copy;

	if (w->ws) {
		transmit(w, text, len);
		return;
	}
	copy = w->n_waiting < WAITING_MAX ? malloc(len) : NULL;
	if (!copy) {
		c->events->counters->send_failed++;
		return;
	}
	memcpy(copy, text, len);
	w->waiting[w->n_waiting].text = copy;
	w->waiting[w->n_waiting++].len = len;
	open_now(w);
}

static void wss_listen(struct ccm_carrier *c, bool on)
{
	struct wss *w = (struct wss *)c;

	w->listening = on;
	open_now(w);
}

static void wss_take(
	struct ccm_carrier *c, const struct ccm_way *route, unsigned number, bool fresh)
{
	struct wss *w = (struct wss *)c;
	bool waits = w->waits && !fresh;

	w->number = number;
	if (!waits)
		close_all(w);
	if (fresh)
		w->again_ms = 0;
	ccm_carrier_httpc_take(w->http, route);
	open_now(w);
}

static void wss_rest(struct ccm_carrier *c)
{
	struct wss *w = (struct wss *)c;

	w->listening = false;
	close_all(w);
	drop_waiting(w);
}

static void wss_free(struct ccm_carrier *c)
{
	struct wss *w = (struct wss *)c;

	close_all(w);
	drop_waiting(w);
	mams_httpc_free(w->http);
	mams_loop_timer_del(w->again);
	free(w);
}

static const struct ccm_carrier_ops ops = {.take = wss_take,
	.send = wss_send,
	.listen = wss_listen,
	.rest = wss_rest,
	.free = wss_free};

int ccm_carrier_wss(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_carrier_events *events, struct ccm_carrier **out, struct mams_error *err)
{
	struct wss *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->c = (struct ccm_carrier){.ops = &ops, .loop = l, .conf = conf, .events = events};
	rc = mams_loop_timer_new(l, again, w, &w->again);
	if (rc == 0)
		rc = ccm_carrier_httpc(l, conf, &w->http, err);
	if (rc == 0)
		set_patience(w, 1);
	if (rc < 0) {
		mams_httpc_free(w->http);
		mams_loop_timer_del(w->again);
		free(w);
	} else {
		*out = &w->c;
	}
	return rc;
}
