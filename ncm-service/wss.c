#include "ncm-service/wss.h"

#include "lib/base/log.h"
#include "ncm-service/front.h"

#include <errno.h>
#include <stdio.h>
#include <sys/queue.h>

#define LOG_MODULE "wss"

struct client {
	struct ncm_channel channel;
	struct ncm_wss *w;
	struct mams_ws *ws;
	char identity[MAMS_HTTPD_IDENTITY_MAX];
	LIST_ENTRY(client) link;
};

struct ncm_wss {
	struct ncm_intake *in;
	struct mams_wsd *server;
	LIST_HEAD(, client) clients;
	struct mams_ws_counters counters;
};

static void client_free(struct client *c)
{
	ncm_front_forget(c->w->in->front, c);
	ncm_front_detach(&c->channel);
	LIST_REMOVE(c, link);
	mams_ws_free(c->ws);
	free(c);
}

/* ---- the channel ---- */

static bool deliver(struct ncm_channel *channel, const char *text, size_t len)
{
	return mams_ws_send(((struct client *)channel)->ws, text, len) == 0;
}

/* After the session's end the client may begin another on the same connection. */
static void dismiss(struct ncm_channel *channel, enum ncm_dismissal why)
{
	if (why == NCM_CHANNEL_REPLACED)
		mams_ws_close(((struct client *)channel)->ws, MAMS_WS_GOING_AWAY);
}

static const struct ncm_channel_ops channel_ops = {
	.transport = NCM_WSS, .deliver = deliver, .dismiss = dismiss};

static void attach(struct client *c)
{
	int rc = ncm_front_attach(c->w->in->front, c->identity, &c->channel);

	if (rc < 0 && rc != -MAMS_EUNKNOWN)
		log_err("cannot be reached, out of memory client=%s", c->identity);
}

/* ---- the connection ---- */

static void on_receipt(void *user, const struct ncm_receipt *receipt)
{
	struct client *c = user;

	if (receipt->text && mams_ws_send(c->ws, receipt->text, receipt->len) < 0)
		c->w->in->counters.outbox_full++;
	if (receipt->outcome == NCM_IN_NOT_JSON)
		mams_ws_close(c->ws, MAMS_WS_INVALID);
	/* the answer first, then what waits */
	if (receipt->known)
		attach(c);
}

static void on_message(void *user, const char *text, size_t len)
{
	struct client *c = user;
	const struct ncm_sender from = {
		.identity = c->identity, .transport = NCM_WSS, .peer = c->channel.peer};

	ncm_front_take(c->w->in->front, &from, text, len, on_receipt, c);
}

static void on_closed(void *user, unsigned code)
{
	struct client *c = user;

	log_debug("connection over client=%s code=%u", c->identity, code);
	client_free(c);
}

static const struct mams_ws_ops ws_ops = {.message = on_message, .closed = on_closed};

static void upgraded(void *user, const char *identity, const struct mams_addr *peer,
	const struct mams_pipe *pipe)
{
	static const struct mams_ws_opts opts = {.message_max = MX_MAX_BYTES};
	struct ncm_wss *w = user;
	struct client *c = NULL;

	if (!ncm_identity_is_reserved(w->in->conf, identity))
		c = calloc(1, sizeof(*c));
	if (!c) {
		pipe->close(pipe->io);
		return;
	}
	c->w = w;
	c->channel.ops = &channel_ops;
	c->channel.peer = *peer;
	snprintf(c->identity, sizeof(c->identity), "%s", identity);
	if (mams_ws_new(w->in->loop, pipe, false, &opts, &ws_ops, c, &w->counters, &c->ws) < 0) {
		free(c);
		return;
	}
	LIST_INSERT_HEAD(&w->clients, c, link);
	attach(c);
}

int ncm_wss_new(struct ncm_intake *in, struct ncm_wss **out, struct mams_error *err)
{
	struct mams_httpd_opts opts = ncm_conf_server(in->conf);
	struct ncm_wss *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->in = in;
	opts.listen = in->conf->listen_wss;
	opts.n_listen = in->conf->n_listen_wss;
	rc = mams_wsd_new(in->loop, &opts, "/mams/v1/ws", upgraded, w, &w->server, err);
	if (rc < 0)
		free(w);
	else
		*out = w;
	return rc;
}

void ncm_wss_free(struct ncm_wss *w)
{
	struct client *c;

	if (!w)
		return;
	while ((c = LIST_FIRST(&w->clients)) != NULL)
		client_free(c);
	mams_wsd_free(w->server);
	free(w);
}

int ncm_wss_reload(struct ncm_wss *w, mams_expelled_fn fn, void *user, struct mams_error *err)
{
	return mams_wsd_reload(w->server, fn, user, err);
}

const struct mams_wsd *ncm_wss_server(const struct ncm_wss *w)
{
	return w->server;
}

const struct mams_ws_counters *ncm_wss_connections(const struct ncm_wss *w)
{
	return &w->counters;
}
