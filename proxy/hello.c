/* Network role, first phase: the Convert message of a new connection (RFC 8803 section 6).  Who it
 * is (cookie), what it wants (Info, Connect), whether it may. */
#include "proxy/conn.h"

#include "lib/io/mptcp.h"
#include "proxy/apart.h"

#include <errno.h>
#include <sys/socket.h>

static const struct px_octets nothing;

void px_hello_start(struct px_worker *w, struct px_conn *c)
{
	px_conn_arm(w, c, mams_time_add_ms(w->now, w->cfg->set.hello_ms));
	c->leg[0].readable = true; /* the message may have come already */
	c->setup->fresh = true;
	px_conn_wake(w, c);
}

/** Errors 1 and 2 echo the message, 0 lists our versions, the rest is plain (6.2.8). */
static void answer_violation(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;
	enum px_convert_code code = (enum px_convert_code)s->msg.error_code;
	struct px_octets echo = {.data = s->in, .len = s->n_in < s->msg.len ? s->n_in : s->msg.len};

	if (code == PX_CONVERT_BAD_VERSION)
		px_answer_error(w, c, code, PX_CONVERT_VERSION, nothing);
	else
		px_answer_error(w, c, code, 0, echo);
}

/** Who presents this message?  @return 0 when an error was answered */
static bool identify(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;
	struct px_client *client;

	if (!w->cfg->set.need_cookie && !s->msg.has_cookie)
		return true;
	if (!s->msg.has_cookie) {
		px_answer_missing_cookie(w, c);
		return false;
	}
	client = px_clients_find(w->cfg->clients, s->msg.cookie.data, s->msg.cookie.len);
	if (!client && px_answer_is_our_cookie(w, c, s->msg.cookie))
		return true;
	if (!client) {
		if (!w->cfg->set.need_cookie)
			return true;
		px_answer_error(w, c, PX_CONVERT_NOT_AUTHORIZED, 0, nothing);
		return false;
	}
	if (atomic_fetch_add_explicit(&client->pending, 1, memory_order_relaxed) >=
		w->cfg->set.max_pending_per_client) {
		atomic_fetch_sub_explicit(&client->pending, 1, memory_order_relaxed);
		px_inc(&w->counters.client_limit);
		px_answer_error(w, c, PX_CONVERT_NO_RESOURCES, 1, nothing);
		return false;
	}
	c->client = px_client_ref(client);
	s->counted = true;
	return true;
}

/** Tell the plugin, through the control thread, whose connection this is. */
void px_hello_bind(struct px_worker *w, struct px_conn *c)
{
	struct mams_mptcp_info info;

	if (!w->cfg->set.bind_plugin || !c->leg[0].mptcp)
		return;
	if (mams_mptcp_info(c->leg[0].fd, &info) != 0 || info.fallback)
		return;
	c->token = info.token;
	px_bind_tell(w, c);
}

static void answer_info(struct px_worker *w, struct px_conn *c)
{
	uint8_t out[64];
	struct mams_wr wr = mams_wr_init(out, sizeof(out));

	px_convert_begin(&wr);
	px_convert_put_supported(&wr, px_convert_supported());
	if (px_convert_end(&wr) != 0) {
		px_conn_end(w, c, true);
		return;
	}
	px_inc(&w->counters.info_answered);
	px_answer_send(w, c, wr.data, wr.len);
}

static void message_complete(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;
	uint8_t bad[32];
	size_t n_bad;

	if (!identify(w, c))
		return;
	if (s->msg.has_attach) {
		px_apart_take(w, c);
		return;
	}
	n_bad = px_convert_check_options(s->msg.options, bad, &s->want_mptcp);
	if (n_bad > 0) {
		px_answer_error(w, c, PX_CONVERT_BAD_OPTION, bad[0],
			(struct px_octets){.data = bad + 1, .len = n_bad - 1});
		return;
	}
	if (!s->msg.has_connect) {
		answer_info(w, c);
		return;
	}
	c->server = s->msg.peer;
	px_hello_bind(w, c);
	px_origin_start(w, c);
}

/** @return false when there is nothing more to read now, or the connection has ended */
static bool fill(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;
	ssize_t n = recv(c->leg[0].fd, s->in + s->n_in, sizeof(s->in) - s->n_in, 0);

	if (n > 0) {
		s->n_in += (uint32_t)n;
		/* what this read has left behind, epoll will report with its first event */
		c->leg[0].readable = !s->fresh;
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN) {
		c->leg[0].readable = false;
		return false;
	}
	px_inc(&w->counters.hello_closed);
	px_conn_end(w, c, true);
	return false;
}

void px_hello_run(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;

	while (c->leg[0].readable && fill(w, c)) {
		switch (px_convert_decode(PX_AT_CONVERTER, s->in, s->n_in, &s->msg)) {
		case PX_CONVERT_MORE:
			break;
		case PX_CONVERT_OK:
			message_complete(w, c);
			return;
		case PX_CONVERT_ANSWER:
			answer_violation(w, c);
			return;
		case PX_CONVERT_FOREIGN:
			px_inc(&w->counters.hello_foreign);
			px_conn_end(w, c, true);
			return;
		case PX_CONVERT_RESET:
			px_inc(&w->counters.hello_reset);
			px_conn_end(w, c, true);
			return;
		}
	}
}
