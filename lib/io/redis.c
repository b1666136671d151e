#include "lib/io/redis.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/io/httpc.h"
#include "lib/io/secret.h"

#include <hiredis/hiredis.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "redis"
#define TICK_MS 250
#define PING_AFTER_MS 1000
#define SILENCE_MS 3000 /* then it is lost */
#define QUEUE_BYTES_MAX (16u << 20)
#define READ_CHUNK 16384
#define READS_A_TURN 32

/* A command whose reply is still to come. */
struct waiting {
	mams_redis_fn fn; /* NULL: nobody asks */
	void *user;
	STAILQ_ENTRY(waiting) link;
};

struct line {
	struct mams_redis *r;
	struct mams_httpc_pipe *attempt; /* NULL: none under way */
	struct mams_pipe pipe;           /* io NULL: not connected */
	struct mams_loop_fd *watch;
	redisReader *reader;
	struct mams_buf out;
	size_t sent;
	STAILQ_HEAD(, waiting) waiting;
	mams_time heard;
	bool ready;
};

struct mams_redis {
	struct mams_loop *loop;
	struct mams_httpc *client;
	struct mams_loop_timer *timer;
	struct line commands;
	struct line channel;
	char *user;
	char *password;
	char *channel_name;
	const struct mams_redis_ops *ops;
	void *ops_user;
	bool open;
	bool within; /* a reply is being looked at: nothing may be taken away below it */
	bool lost;   /* found out meanwhile */
	struct mams_log_rl trouble;
};

/* ---- replies ---- */

static const redisReply *of(const struct mams_redis_reply *reply)
{
	return (const redisReply *)reply;
}

const char *mams_redis_error(const struct mams_redis_reply *reply)
{
	return of(reply)->type == REDIS_REPLY_ERROR ? of(reply)->str : NULL;
}

int64_t mams_redis_integer(const struct mams_redis_reply *reply)
{
	return of(reply)->type == REDIS_REPLY_INTEGER ? of(reply)->integer : 0;
}

size_t mams_redis_count(const struct mams_redis_reply *reply)
{
	return of(reply)->type == REDIS_REPLY_ARRAY ? of(reply)->elements : 1;
}

const char *mams_redis_text(const struct mams_redis_reply *reply, size_t i, size_t *len)
{
	const redisReply *r = of(reply);

	if (i >= mams_redis_count(reply))
		return NULL;
	if (r->type == REDIS_REPLY_ARRAY)
		r = r->element[i];
	if (r->type != REDIS_REPLY_STRING && r->type != REDIS_REPLY_STATUS)
		return NULL;
	if (len)
		*len = r->len;
	return r->str;
}

/* ---- a line's end ---- */

static void line_close(struct line *n)
{
	struct waiting *w;

	mams_httpc_pipe_cancel(n->attempt);
	n->attempt = NULL;
	mams_loop_fd_del(n->watch);
	n->watch = NULL;
	if (n->pipe.io)
		n->pipe.close(n->pipe.io);
	n->pipe.io = NULL;
	if (n->reader)
		redisReaderFree(n->reader);
	n->reader = NULL;
	mams_wipe(n->out.data, n->out.len);
	mams_buf_fini(&n->out);
	n->out = (struct mams_buf){0};
	n->sent = 0;
	n->ready = false;
	while ((w = STAILQ_FIRST(&n->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->waiting, link);
		if (w->fn)
			w->fn(w->user, NULL);
		free(w);
	}
}

/* Both lines go together: with one alone nothing can be done. */
static void lose(struct mams_redis *r, const char *why)
{
	bool was_open = r->open;

	if (r->lost)
		return;
	if (why)
		mams_log_limited(&r->trouble, mams_loop_now(r->loop), MAMS_LOG_WARN, LOG_MODULE,
			"no Redis, we try again server=%s error=\"%s\"", mams_httpc_base(r->client),
			why);
	if (r->within) {
		r->lost = true;
		return;
	}
	r->open = false;
	line_close(&r->commands);
	line_close(&r->channel);
	if (was_open)
		r->ops->closed(r->ops_user);
}

/* ---- a line's work ---- */

static int flush(struct line *n)
{
	while (n->sent < n->out.len) {
		ssize_t k = n->pipe.send(n->pipe.io, n->out.data + n->sent, n->out.len - n->sent);

		if (k == -EAGAIN)
			break;
		if (k < 0)
			return (int)k;
		n->sent += (size_t)k;
	}
	if (n->sent == n->out.len) {
		mams_wipe(n->out.data, n->out.len); /* sessions have keys */
		mams_buf_clear(&n->out);
		n->sent = 0;
	}
	mams_loop_fd_set(n->watch, MAMS_LOOP_READ | (n->out.len ? MAMS_LOOP_WRITE : 0));
	return 0;
}

static int say(struct line *n, mams_redis_fn fn, void *user, const char *const *argv, size_t argc)
{
	const char *words[MAMS_REDIS_ARGS_MAX];
	struct waiting *w;
	char *text = NULL;
	int len;

	if (argc > MAMS_REDIS_ARGS_MAX || n->out.len > QUEUE_BYTES_MAX)
		return -MAMS_ELIMIT;
	memcpy(words, argv, argc * sizeof(*words));
	len = redisFormatCommandArgv(&text, (int)argc, words, NULL);
	w = calloc(1, sizeof(*w));
	if (len >= 0)
		mams_buf_add(&n->out, text, (size_t)len);
	if (text)
		mams_wipe(text, (size_t)len);
	redisFreeCommand(text);
	if (len < 0 || !w || n->out.failed) {
		free(w);
		return -ENOMEM;
	}
	w->fn = fn;
	w->user = user;
	STAILQ_INSERT_TAIL(&n->waiting, w, link);
	mams_loop_fd_set(n->watch, MAMS_LOOP_READ | MAMS_LOOP_WRITE);
	return 0;
}

static void take_published(struct mams_redis *r, const redisReply *reply)
{
	if (reply->elements == 3 && reply->element[0]->type == REDIS_REPLY_STRING &&
		reply->element[2]->type == REDIS_REPLY_STRING &&
		strcmp(reply->element[0]->str, "message") == 0)
		r->ops->message(r->ops_user, reply->element[2]->str, reply->element[2]->len);
}

static void take(struct line *n, redisReply *reply)
{
	struct mams_redis *r = n->r;
	struct waiting *w = STAILQ_FIRST(&n->waiting);

	/* what is published comes unasked */
	if (n == &r->channel && n->ready && reply->type == REDIS_REPLY_ARRAY &&
		reply->elements == 3) {
		take_published(r, reply);
	} else if (w) {
		STAILQ_REMOVE_HEAD(&n->waiting, link);
		if (w->fn)
			w->fn(w->user, (const struct mams_redis_reply *)reply);
		free(w);
	}
	freeReplyObject(reply);
}

static int take_all(struct line *n)
{
	void *reply = NULL;

	for (;;) {
		if (redisReaderGetReply(n->reader, &reply) != REDIS_OK)
			return -MAMS_EPROTO;
		if (!reply)
			return 0;
		take(n, reply);
		if (n->r->lost)
			return -ECONNRESET;
	}
}

static int receive(struct line *n)
{
	char chunk[READ_CHUNK];
	int rc = 0;

	for (int i = 0; i < READS_A_TURN && rc == 0; i++) {
		ssize_t k = n->pipe.recv(n->pipe.io, chunk, sizeof(chunk));

		if (k == -EAGAIN)
			return 0;
		if (k <= 0)
			return -ECONNRESET;
		n->heard = mams_loop_now(n->r->loop);
		if (redisReaderFeed(n->reader, chunk, (size_t)k) != REDIS_OK)
			return -MAMS_EPROTO;
		rc = take_all(n);
	}
	if (rc == 0) /* TLS may hold more than the descriptor shows */
		mams_loop_timer_at(n->r->timer, mams_loop_now(n->r->loop));
	return rc;
}

static void work(struct line *n)
{
	struct mams_redis *r = n->r;
	int rc = flush(n);

	r->within = true;
	if (rc == 0)
		rc = receive(n);
	r->within = false;
	if (rc == 0 && !r->lost)
		return;
	if (r->lost) { /* whoever found out has said why */
		r->lost = false;
		lose(r, NULL);
	} else {
		lose(r, rc == -MAMS_EPROTO ? "what it says is not RESP" : "connection lost");
	}
}

static void on_event(void *user, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	work(user);
}

/* ---- a line's beginning ---- */

static void became_ready(void *user, const struct mams_redis_reply *reply)
{
	struct line *n = user;
	struct mams_redis *r = n->r;

	if (!reply)
		return;
	if (mams_redis_error(reply)) {
		lose(r, mams_redis_error(reply));
		return;
	}
	n->ready = true;
	if (r->open || !r->commands.ready || !r->channel.ready)
		return;
	r->open = true;
	r->ops->opened(r->ops_user);
}

static void authenticated(void *user, const struct mams_redis_reply *reply)
{
	struct line *n = user;

	if (reply && mams_redis_error(reply))
		lose(n->r, mams_redis_error(reply));
}

static int greet(struct line *n)
{
	const struct mams_redis *r = n->r;
	const char *auth[] = {"AUTH", r->password, NULL};
	const char *auth_user[] = {"AUTH", r->user, r->password};
	const char *subscribe[] = {"SUBSCRIBE", r->channel_name};
	const char *ping[] = {"PING"};
	int rc = 0;

	if (r->password)
		rc = say(n, authenticated, n, r->user ? auth_user : auth, r->user ? 3 : 2);
	if (rc == 0 && n == &r->channel && r->channel_name)
		rc = say(n, became_ready, n, subscribe, 2);
	else if (rc == 0)
		rc = say(n, became_ready, n, ping, 1);
	return rc;
}

static void connected(void *user, int status, const char *why, const struct mams_pipe *pipe)
{
	struct line *n = user;
	int rc = status;

	n->attempt = NULL;
	if (rc == 0) {
		n->pipe = *pipe;
		n->heard = mams_loop_now(n->r->loop);
		n->reader = redisReaderCreate();
		rc = n->reader ? mams_loop_fd_add(n->r->loop, pipe->fd, MAMS_LOOP_READ, on_event, n,
					 &n->watch)
			       : -ENOMEM;
	}
	if (rc == 0)
		rc = greet(n);
	if (rc < 0)
		lose(n->r, status < 0 ? why : mams_strerror(rc));
}

static void look_after(struct line *n)
{
	static const char *const ping[] = {"PING"};
	mams_time now = mams_loop_now(n->r->loop);

	if (!n->pipe.io) {
		if (!n->attempt &&
			mams_httpc_pipe_open(n->r->client, connected, n, &n->attempt) < 0)
			n->attempt = NULL;
		return;
	}
	work(n);
	if (!n->pipe.io)
		return;
	if (!mams_time_before(now, mams_time_add_ms(n->heard, SILENCE_MS)))
		lose(n->r, "it does not answer");
	else if (n->ready && STAILQ_EMPTY(&n->waiting) &&
		 !mams_time_before(now, mams_time_add_ms(n->heard, PING_AFTER_MS)))
		(void)!say(n, NULL, NULL, ping, 1);
}

static void tick(void *user)
{
	struct mams_redis *r = user;

	mams_loop_timer_at(r->timer, mams_time_add_ms(mams_loop_now(r->loop), TICK_MS));
	look_after(&r->commands);
	look_after(&r->channel);
}

/* ---- outside ---- */

static int copy(const char *text, char **out)
{
	*out = text ? strdup(text) : NULL;
	return text && !*out ? -ENOMEM : 0;
}

static int make_client(
	struct mams_redis *r, const struct mams_redis_opts *opts, struct mams_error *err)
{
	char url[300];
	const struct mams_httpc_opts http = {.base_url = url, .ca_file = opts->ca_file};

	snprintf(url, sizeof(url), "https://%s", opts->server);
	return mams_httpc_new(r->loop, &http, &r->client, err);
}

int mams_redis_new(struct mams_loop *l, const struct mams_redis_opts *opts,
	const struct mams_redis_ops *ops, void *user, struct mams_redis **out,
	struct mams_error *err)
{
	struct mams_redis *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->loop = l;
	r->ops = ops;
	r->ops_user = user;
	r->commands.r = r->channel.r = r;
	STAILQ_INIT(&r->commands.waiting);
	STAILQ_INIT(&r->channel.waiting);
	rc = opts->password_file ? mams_secret_read(opts->password_file, &r->password, err) : 0;
	if (rc == 0)
		rc = make_client(r, opts, err);
	rc = rc ? rc : copy(opts->user, &r->user);
	rc = rc ? rc : copy(opts->channel, &r->channel_name);
	rc = rc ? rc : mams_loop_timer_new(l, tick, r, &r->timer);
	if (rc < 0) {
		mams_redis_free(r);
		return rc;
	}
	mams_loop_timer_at(r->timer, mams_loop_now(l));
	*out = r;
	return 0;
}

static void silence(struct line *n)
{
	struct waiting *w;

	STAILQ_FOREACH(w, &n->waiting, link)
	w->fn = NULL;
	line_close(n);
}

void mams_redis_free(struct mams_redis *r)
{
	if (!r)
		return;
	mams_loop_timer_del(r->timer);
	if (r->commands.pipe.io)
		(void)flush(&r->commands); /* the last words, if they go at once */
	silence(&r->commands);
	silence(&r->channel);
	mams_httpc_free(r->client);
	if (r->password)
		mams_wipe(r->password, strlen(r->password));
	free(r->password);
	free(r->user);
	free(r->channel_name);
	free(r);
}

bool mams_redis_is_open(const struct mams_redis *r)
{
	return r->open;
}

void mams_redis_flush(struct mams_redis *r)
{
	if (r->open)
		(void)!flush(&r->commands); /* a failure shows with the next event */
}

int mams_redis_command(
	struct mams_redis *r, mams_redis_fn fn, void *user, const char *const *argv, size_t n)
{
	return r->open ? say(&r->commands, fn, user, argv, n) : -ENOTCONN;
}
