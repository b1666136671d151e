/* A turn reads at most TURN_BYTES, so that one peer cannot hold the loop; since what carries the
 * octets may have more of them buffered than its descriptor shows (TLS does), the next turn is then
 * asked for by the timer.
 * wslay sends a frame's header and its payload by themselves; each would be a TLS record and a
 * system call at either end.  So what a turn sends is gathered and given to the pipe in one piece.
 */
#include "lib/io/ws.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <wslay/wslay.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LOG_MODULE "ws"
#define TURN_BYTES 65536u
#define GATHERED_MAX 16384u /* a TLS record's */
#define QUEUED_FRAMES_MAX 256
#define CLOSE_MS 1000
#define LINGER_BYTES (256u << 10) /* of a peer that goes on sending after our close */
#define KEY_BYTES 16
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#define ROW(field, name, help, kind)                                                               \
	{                                                                                          \
		name, help, kind, offsetof(struct mams_ws_counters, field)                         \
	}
const struct mams_metric mams_ws_counter_rows[] = {
	ROW(opened, "wss_connections_total", "WebSocket connections.", MAMS_COUNTER),
	ROW(open, "wss_connections_open", "WebSocket connections open now.", MAMS_GAUGE),
	ROW(messages_in, "wss_messages_received_total", "Messages received.", MAMS_COUNTER),
	ROW(messages_out, "wss_messages_sent_total", "Messages sent.", MAMS_COUNTER),
	ROW(pings, "wss_pings_total", "Pings after silence.", MAMS_COUNTER),
	ROW(silent, "wss_ended_silent_total", "Ended: nobody answers.", MAMS_COUNTER),
	ROW(slow, "wss_ended_slow_total", "Ended: a message unfinished, or a peer not reading.",
		MAMS_COUNTER),
	ROW(violations, "wss_ended_violation_total",
		"Ended with 1002, 1003, 1007 or 1009: frames wrong, not text, not UTF-8, too long.",
		MAMS_COUNTER),
	ROW(queue_full, "wss_queue_full_total", "Messages dropped: the peer does not read.",
		MAMS_COUNTER),
	ROW(closed_by_peer, "wss_closed_by_peer_total", "Ended by the peer's close.", MAMS_COUNTER),
	ROW(broken, "wss_broken_total", "Ended without a close.", MAMS_COUNTER),
};
const size_t mams_ws_n_counter_rows = MAMS_ARRAY_LEN(mams_ws_counter_rows);

struct mams_ws {
	struct mams_loop *loop;
	struct mams_pipe pipe;
	struct mams_ws_opts opts;
	const struct mams_ws_ops *ops;
	void *user;
	struct mams_ws_counters *counters;
	wslay_event_context_ptr frames;
	struct mams_loop_fd *watch;
	struct mams_loop_timer *timer;
	struct mams_buf out;     /* gathered; not added to while it waits for the pipe */
	size_t out_sent;         /* of it */
	size_t budget;           /* octets this turn may still read */
	mams_time heard;         /* last octet received */
	mams_time answer_until;  /* a ping is unanswered; NEVER: none */
	mams_time message_until; /* a message is unfinished; NEVER: none */
	mams_time write_until;   /* the peer has taken nothing; NEVER: nothing waits */
	mams_time close_until;   /* we have said goodbye; NEVER: not */
	bool busy;               /* within wslay */
	bool due;                /* a turn is deferred, for what there is to send */
	bool broken;             /* the pipe has failed, or the peer's end is closed */
	bool lingering;          /* closed for a violation: what comes is thrown away */
	size_t lingered;         /* octets of it */
	bool ended;              /* closed() was called, or the owner has freed it */
	bool freed;
};

/* ---- end ---- */

/* It may hold a session's secret. */
static void out_drop(struct mams_ws *w)
{
	mams_wipe(w->out.data, w->out.len);
	mams_buf_fini(&w->out);
	w->out = (struct mams_buf){0};
	w->out_sent = 0;
}

static void release(void *user)
{
	struct mams_ws *w = user;

	wslay_event_context_free(w->frames);
	out_drop(w);
	free(w);
}

static void quiet(struct mams_ws *w)
{
	if (w->ended)
		return;
	w->ended = true;
	w->counters->open--;
	mams_loop_fd_del(w->watch);
	w->watch = NULL;
	mams_loop_timer_at(w->timer, MAMS_TIME_NEVER);
	w->pipe.close(w->pipe.io);
}

void mams_ws_free(struct mams_ws *w)
{
	if (!w || w->freed)
		return;
	quiet(w);
	w->freed = true;
	mams_loop_timer_del(w->timer);
	if (mams_loop_defer(w->loop, release, w) < 0 && !w->busy && !w->due)
		release(w);
}

static void end(struct mams_ws *w, unsigned code)
{
	if (w->ended)
		return;
	quiet(w);
	w->ops->closed(w->user, code);
}

/* ---- time ---- */

static void arm(struct mams_ws *w)
{
	mams_time at = mams_time_add_ms(w->heard, w->opts.silence_ms);

	if (w->ended)
		return;
	if (w->budget == 0)
		at = mams_loop_now(w->loop);
	at = mams_time_min(at, mams_time_min(w->answer_until, w->message_until));
	at = mams_time_min(at, mams_time_min(w->write_until, w->close_until));
	mams_loop_timer_at(w->timer, at);
}

static bool is_due(const struct mams_ws *w, mams_time at)
{
	return !mams_time_is_never(at) && !mams_time_before(mams_loop_now(w->loop), at);
}

/* ---- wslay's side ---- */

static ssize_t on_recv(
	wslay_event_context_ptr frames, uint8_t *out, size_t size, int flags, void *user)
{
	struct mams_ws *w = user;
	ssize_t n = -EAGAIN;

	(void)flags;
	if (size > w->budget)
		size = w->budget;
	if (w->ended)
		n = -ECANCELED;
	else if (size > 0)
		n = w->pipe.recv(w->pipe.io, out, size);
	if (n > 0) {
		w->budget -= (size_t)n;
		w->heard = mams_loop_now(w->loop);
		w->answer_until = MAMS_TIME_NEVER;
		return n;
	}
	w->broken = n != -EAGAIN;
	wslay_event_set_error(
		frames, w->broken ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

/* @return 0, -EAGAIN: the pipe takes no more now; or the pipe's error */
static int flush(struct mams_ws *w)
{
	while (w->out_sent < w->out.len) {
		ssize_t n = w->pipe.send(
			w->pipe.io, w->out.data + w->out_sent, w->out.len - w->out_sent);

		if (n <= 0)
			return n == 0 ? -EAGAIN : (int)n;
		w->write_until = MAMS_TIME_NEVER;
		w->out_sent += (size_t)n;
	}
	out_drop(w);
	return 0;
}

static ssize_t on_send(
	wslay_event_context_ptr frames, const uint8_t *data, size_t len, int flags, void *user)
{
	struct mams_ws *w = user;
	int rc = w->ended ? -ECANCELED : 0;

	(void)flags;
	if (rc == 0 && (w->out_sent > 0 || w->out.len >= GATHERED_MAX))
		rc = flush(w);
	if (rc == 0) {
		mams_buf_add(&w->out, data, len);
		if (!w->out.failed)
			return (ssize_t)len;
		rc = -ENOMEM;
	}
	w->broken = rc != -EAGAIN;
	wslay_event_set_error(
		frames, w->broken ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static int on_mask(wslay_event_context_ptr frames, uint8_t *out, size_t len, void *user)
{
	(void)user;
	if (getrandom(out, len, 0) == (ssize_t)len)
		return 0;
	wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void on_frame(wslay_event_context_ptr frames,
	const struct wslay_event_on_frame_recv_start_arg *arg, void *user)
{
	struct mams_ws *w = user;

	(void)frames;
	if (!wslay_is_ctrl_frame(arg->opcode) && mams_time_is_never(w->message_until))
		w->message_until = mams_time_add_ms(mams_loop_now(w->loop), w->opts.message_ms);
}

static void on_message(
	wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
	struct mams_ws *w = user;

	(void)frames;
	if (w->ended || wslay_is_ctrl_frame(arg->opcode))
		return;
	w->message_until = MAMS_TIME_NEVER;
	if (arg->opcode != WSLAY_TEXT_FRAME) {
		w->counters->violations++;
		mams_ws_close(w, MAMS_WS_UNSUPPORTED);
		return;
	}
	if (!mams_time_is_never(w->close_until))
		return;
	w->counters->messages_in++;
	w->ops->message(w->user, (const char *)arg->msg, arg->msg_length);
}

/* ---- a turn ---- */

static bool wants_write(const struct mams_ws *w)
{
	return w->out.len > 0 || wslay_event_want_write(w->frames);
}

static bool is_over(const struct mams_ws *w)
{
	return !wslay_event_want_read(w->frames) && !wants_write(w);
}

/* @return 0, also when the pipe is full; negative: it has failed */
static int send_all(struct mams_ws *w)
{
	int rc = flush(w);

	if (rc == 0 && wslay_event_want_write(w->frames)) {
		if (wslay_event_send(w->frames) < 0)
			return -1;
		rc = flush(w);
	}
	if (rc == 0 || rc == -EAGAIN)
		return 0;
	w->broken = true;
	return -1;
}

/* To close while octets of the peer are unread makes TCP reset, which may overtake our close frame:
 * the peer would never learn why.  So what he still sends is read, a little. */
static void linger(struct mams_ws *w)
{
	uint8_t scratch[4096];
	ssize_t n = 1;

	while (n > 0 && w->budget >= sizeof(scratch) && w->lingered < LINGER_BYTES) {
		n = w->pipe.recv(w->pipe.io, scratch, sizeof(scratch));
		w->budget -= n > 0 ? (size_t)n : 0;
		w->lingered += n > 0 ? (size_t)n : 0;
	}
	if (w->lingered >= LINGER_BYTES || (n <= 0 && n != -EAGAIN)) {
		end(w, wslay_event_get_status_code_sent(w->frames));
		return;
	}
	if (n > 0)
		w->budget = 0; /* more is there: the next turn's */
	w->answer_until = w->message_until = w->write_until = MAMS_TIME_NEVER;
	mams_loop_fd_set(w->watch, MAMS_LOOP_READ);
	arm(w);
}

/* wslay itself closes after a violation (1002, 1007, 1009; without a code for some), and takes a
 * pipe that fails for one, so that has to be asked for first. */
static void finish(struct mams_ws *w)
{
	bool ours = !mams_time_is_never(w->close_until);
	unsigned code = MAMS_WS_ABNORMAL;

	if (wslay_event_get_close_received(w->frames)) {
		w->counters->closed_by_peer += !ours;
		code = wslay_event_get_status_code_received(w->frames);
	} else if (ours) {
		code = wslay_event_get_status_code_sent(w->frames);
	} else if (w->broken) {
		w->counters->broken++;
	} else {
		w->counters->violations++;
		w->lingering = true;
		w->close_until = mams_time_add_ms(mams_loop_now(w->loop), CLOSE_MS);
		linger(w);
		return;
	}
	end(w, code);
}

static void turn(struct mams_ws *w, bool read)
{
	int rc = 0;

	if (w->ended || w->busy)
		return;
	w->budget = TURN_BYTES;
	if (w->lingering) {
		linger(w);
		return;
	}
	w->busy = true;
	if (read)
		rc = wslay_event_recv(w->frames);
	if (!w->ended && !w->broken && wants_write(w)) {
		int rc2 = send_all(w);

		rc = rc < 0 ? rc : rc2;
	}
	w->busy = false;
	if (w->ended)
		return;
	if (rc < 0 || is_over(w)) {
		finish(w);
		return;
	}
	if (!wants_write(w))
		w->write_until = MAMS_TIME_NEVER;
	else if (mams_time_is_never(w->write_until))
		w->write_until = mams_time_add_ms(mams_loop_now(w->loop), w->opts.message_ms);
	if (wslay_event_get_queued_msg_count(w->frames) > QUEUED_FRAMES_MAX) {
		w->counters->slow++;
		end(w, MAMS_WS_ABNORMAL);
		return;
	}
	mams_loop_fd_set(w->watch, MAMS_LOOP_READ | (wants_write(w) ? MAMS_LOOP_WRITE : 0));
	arm(w);
}

static void fd_event(void *user, int fd, unsigned events)
{
	(void)fd;
	turn(user, (events & MAMS_LOOP_READ) != 0);
}

static void due_event(void *user)
{
	struct mams_ws *w = user;

	w->due = false;
	turn(w, false);
}

/* Not from here: an end would reach the owner in the middle of what he does. */
static void send_soon(struct mams_ws *w)
{
	if (w->busy)
		return; /* the turn that runs sends it */
	if (!w->due && mams_loop_defer(w->loop, due_event, w) == 0)
		w->due = true;
	if (!w->due)
		mams_loop_fd_set(w->watch, MAMS_LOOP_READ | MAMS_LOOP_WRITE);
}

static void ping(struct mams_ws *w, unsigned within_ms)
{
	const struct wslay_event_msg m = {.opcode = WSLAY_PING};
	mams_time until = mams_time_add_ms(mams_loop_now(w->loop), within_ms);

	/* refused when a close is on its way: then that is what ends it */
	if (wslay_event_queue_msg(w->frames, &m) == 0) {
		w->counters->pings++;
		w->answer_until = mams_time_min(w->answer_until, until);
	}
}

static void timer_event(void *user)
{
	struct mams_ws *w = user;
	bool more = w->budget == 0;

	if (is_due(w, w->close_until)) {
		end(w, wslay_event_get_status_code_sent(w->frames));
	} else if (w->lingering) {
		turn(w, true);
	} else if (is_due(w, w->answer_until)) {
		w->counters->silent++;
		end(w, MAMS_WS_ABNORMAL);
	} else if (is_due(w, w->message_until) || is_due(w, w->write_until)) {
		w->counters->slow++;
		end(w, MAMS_WS_ABNORMAL);
	} else {
		if (mams_time_is_never(w->answer_until) &&
			is_due(w, mams_time_add_ms(w->heard, w->opts.silence_ms)))
			ping(w, w->opts.silence_ms);
		turn(w, more);
	}
}

/* ---- the owner's side ---- */

int mams_ws_send(struct mams_ws *w, const char *text, size_t len)
{
	const struct wslay_event_msg m = {
		.opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text, .msg_length = len};

	if (w->ended || !mams_time_is_never(w->close_until))
		return -MAMS_ESTATE;
	if (wslay_event_get_queued_msg_length(w->frames) + len > w->opts.queue_max) {
		w->counters->queue_full++;
		return -MAMS_ELIMIT;
	}
	switch (wslay_event_queue_msg(w->frames, &m)) {
	case 0:
		break;
	case WSLAY_ERR_NOMEM:
		return -ENOMEM;
	default:
		return -MAMS_ESTATE;
	}
	w->counters->messages_out++;
	send_soon(w);
	return 0;
}

void mams_ws_probe(struct mams_ws *w, unsigned within_ms)
{
	if (w->ended)
		return;
	ping(w, within_ms);
	send_soon(w);
	arm(w);
}

void mams_ws_close(struct mams_ws *w, unsigned code)
{
	if (w->ended || !mams_time_is_never(w->close_until))
		return;
	wslay_event_queue_close(w->frames, (uint16_t)code, NULL, 0);
	w->close_until = mams_time_add_ms(mams_loop_now(w->loop), CLOSE_MS);
	send_soon(w);
	arm(w);
}

static int start(struct mams_ws *w, bool client)
{
	const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.genmask_callback = on_mask,
		.on_frame_recv_start_callback = on_frame,
		.on_msg_recv_callback = on_message,
	};
	int rc = client ? wslay_event_context_client_init(&w->frames, &callbacks, w)
			: wslay_event_context_server_init(&w->frames, &callbacks, w);

	if (rc < 0)
		return -ENOMEM;
	wslay_event_config_set_max_recv_msg_length(w->frames, w->opts.message_max);
	rc = mams_loop_timer_new(w->loop, timer_event, w, &w->timer);
	if (rc == 0)
		rc = mams_loop_fd_add(w->loop, w->pipe.fd, MAMS_LOOP_READ | MAMS_LOOP_WRITE,
			fd_event, w, &w->watch);
	return rc;
}

int mams_ws_new(struct mams_loop *l, const struct mams_pipe *pipe, bool client,
	const struct mams_ws_opts *opts, const struct mams_ws_ops *ops, void *user,
	struct mams_ws_counters *counters, struct mams_ws **out)
{
	struct mams_ws *w = calloc(1, sizeof(*w));
	int rc = -ENOMEM;

	if (w) {
		w->loop = l;
		w->pipe = *pipe;
		w->opts = *opts;
		w->opts.message_max = opts->message_max ? opts->message_max : 65536;
		w->opts.queue_max = opts->queue_max ? opts->queue_max : 262144;
		w->opts.silence_ms = opts->silence_ms ? opts->silence_ms : 20000;
		w->opts.message_ms = opts->message_ms ? opts->message_ms : 10000;
		w->ops = ops;
		w->user = user;
		w->counters = counters;
		w->budget = TURN_BYTES;
		w->heard = mams_loop_now(l);
		w->answer_until = w->message_until = MAMS_TIME_NEVER;
		w->write_until = w->close_until = MAMS_TIME_NEVER;
		rc = start(w, client);
	}
	if (rc < 0) {
		pipe->close(pipe->io);
		if (w) {
			mams_loop_timer_del(w->timer);
			wslay_event_context_free(w->frames);
		}
		free(w);
		return rc;
	}
	counters->opened++;
	counters->open++;
	arm(w);
	*out = w;
	return 0;
}

/* ---- the opening handshake ---- */

static int encode64(const uint8_t *data, size_t len, char *out, size_t size)
{
	const gnutls_datum_t in = {.data = (unsigned char *)(uintptr_t)data, .size = (unsigned)len};
	gnutls_datum_t text = {0};

	if (gnutls_base64_encode2(&in, &text) < 0)
		return -ENOMEM;
	snprintf(out, size, "%.*s", (int)text.size, (const char *)text.data);
	gnutls_free(text.data);
	return 0;
}

int mams_ws_make_key(char *out)
{
	uint8_t key[KEY_BYTES];

	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return -errno;
	return encode64(key, sizeof(key), out, MAMS_WS_KEY_LEN + 1);
}

bool mams_ws_key_is_good(const char *key)
{
	const gnutls_datum_t in = {
		.data = (unsigned char *)(uintptr_t)key, .size = MAMS_WS_KEY_LEN};
	gnutls_datum_t raw = {0};
	bool good;

	if (strlen(key) != MAMS_WS_KEY_LEN || gnutls_base64_decode2(&in, &raw) < 0)
		return false;
	good = raw.size == KEY_BYTES;
	gnutls_free(raw.data);
	return good;
}

int mams_ws_accept(const char *key, char *out)
{
	char text[MAMS_WS_KEY_LEN + sizeof(GUID)];
	uint8_t sum[20];

	snprintf(text, sizeof(text), "%s" GUID, key);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text, strlen(text), sum) < 0)
		return -MAMS_EUNKNOWN;
	return encode64(sum, sizeof(sum), out, MAMS_WS_ACCEPT_LEN + 1);
}
