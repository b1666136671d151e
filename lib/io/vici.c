#include "lib/io/vici.h"

#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_MODULE "vici"

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 1000
#define PATIENCE_MS 20000 /* for an answer: charon is there, but stands still */
#define JOBS_MAX 256u
#define PACKETS_PER_EVENT 32

struct job {
	mams_vici_answer_fn cb;
	uintptr_t which;
	STAILQ_ENTRY(job) link;
	size_t len;
	uint8_t data[];
};

struct mams_vici {
	struct mams_loop *loop;
	char *path;
	const char *const *events;
	const struct mams_vici_ops *ops;
	void *user;
	int fd; /* -1: not connected */
	bool up;
	bool dead;
	size_t confirmed; /* of events */
	struct mams_loop_fd *watch;
	struct mams_loop_timer *timer; /* connected: patience; else: next try */
	int retry_ms;
	STAILQ_HEAD(, job) jobs; /* the first one is under way */
	size_t n_jobs;
	size_t sent; /* octets of the first */
	uint8_t head[4];
	uint8_t *rx; /* packet being received; NULL: its length is */
	size_t rx_len, rx_have;
};

static void finish(struct mams_vici *v, int rc, const struct mams_vici_text *body)
{
	struct job *j = STAILQ_FIRST(&v->jobs);

	STAILQ_REMOVE_HEAD(&v->jobs, link);
	v->n_jobs--;
	v->sent = 0;
	if (j->cb && !v->dead)
		j->cb(v->user, j->which, rc, body);
	mams_wipe(j->data, j->len);
	free(j);
}

static void disconnect(struct mams_vici *v)
{
	mams_loop_fd_del(v->watch);
	v->watch = NULL;
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
	free(v->rx);
	v->rx = NULL;
	v->rx_have = 0;
	v->confirmed = 0;
}

static void lost(struct mams_vici *v, const char *why)
{
	static const struct mams_vici_text nothing;
	bool was_up = v->up;

	disconnect(v);
	v->up = false;
	while (!STAILQ_EMPTY(&v->jobs))
		finish(v, -EPIPE, &nothing);
	if (v->dead)
		return;
	mams_loop_timer_at(
		v->timer, mams_time_add_ms(mams_loop_now(v->loop), v->retry_ms = RETRY_FIRST_MS));
	if (was_up)
		v->ops->down(v->user, why);
}

/* ---- out ---- */

/* @return 0 or -errno; the answer is waited for once all is out */
static int push_out(struct mams_vici *v)
{
	struct job *j = STAILQ_FIRST(&v->jobs);
	ssize_t n = 0;

	while (j && v->sent < j->len) {
		n = send(v->fd, j->data + v->sent, j->len - v->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			break;
		v->sent += (size_t)n;
		if (v->sent == j->len)
			mams_wipe(j->data, j->len);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	mams_loop_fd_set(v->watch, MAMS_LOOP_READ | (j && v->sent < j->len ? MAMS_LOOP_WRITE : 0u));
	return 0;
}

static void begin(struct mams_vici *v)
{
	int rc;

	mams_loop_timer_at(v->timer,
		STAILQ_EMPTY(&v->jobs) ? MAMS_TIME_NEVER
				       : mams_time_add_ms(mams_loop_now(v->loop), PATIENCE_MS));
	rc = push_out(v);
	if (rc < 0)
		lost(v, mams_strerror(rc));
}

static int add_job(
	struct mams_vici *v, struct mams_vici_writer *w, mams_vici_answer_fn cb, uintptr_t which)
{
	int len = mams_vici_finish(w);
	struct job *j = len < 0 ? NULL : calloc(1, sizeof(*j) + (size_t)len);

	if (j) {
		*j = (struct job){.cb = cb, .which = which, .len = (size_t)len};
		memcpy(j->data, w->w.data, j->len);
		STAILQ_INSERT_TAIL(&v->jobs, j, link);
		v->n_jobs++;
	}
	mams_wipe(w->w.data, w->w.len);
	return len < 0 ? len : j ? 0 : -ENOMEM;
}

int mams_vici_ask(struct mams_vici *v, struct mams_vici_writer *command, mams_vici_answer_fn cb,
	uintptr_t which)
{
	bool idle = STAILQ_EMPTY(&v->jobs);
	int rc = v->fd < 0 ? -ENOTCONN : v->n_jobs == JOBS_MAX ? -MAMS_ELIMIT : 0;

	if (rc < 0)
		mams_wipe(command->w.data, command->w.len);
	else
		rc = add_job(v, command, cb, which);
	/* from the loop: the caller is told of nothing before it knows that this has worked */
	if (rc == 0 && idle) {
		mams_loop_fd_set(v->watch, MAMS_LOOP_READ | MAMS_LOOP_WRITE);
		mams_loop_timer_at(v->timer, mams_time_add_ms(mams_loop_now(v->loop), PATIENCE_MS));
	}
	return rc;
}

/* ---- in ---- */

static int verdict(const struct mams_vici_packet *p)
{
	struct mams_vici_text success;

	if (p->type == MAMS_VICI_UNKNOWN || p->type == MAMS_VICI_NO_EVENT)
		return -MAMS_EUNKNOWN;
	if (mams_vici_find(&p->body, "success", &success) == 0 && !mams_vici_is(&success, "yes"))
		return -MAMS_EPEER;
	return 0;
}

static void next_event(struct mams_vici *v);

static void registered(void *user, uintptr_t which, int rc, const struct mams_vici_text *body)
{
	struct mams_vici *v = (struct mams_vici *)which;

	(void)user;
	(void)body;
	if (rc == -EPIPE)
		return;
	if (rc < 0)
		log_warn("charon has no event %s", v->events[v->confirmed]);
	v->confirmed++;
	next_event(v);
}

/* Events are registered one after the other; after the last one we are up. */
static void next_event(struct mams_vici *v)
{
	uint8_t room[300];
	struct mams_vici_writer w;

	if (!v->events || !v->events[v->confirmed]) {
		v->up = true;
		v->retry_ms = RETRY_FIRST_MS;
		v->ops->up(v->user);
		return;
	}
	w = mams_vici_begin(room, sizeof(room), MAMS_VICI_REGISTER, v->events[v->confirmed]);
	if (mams_vici_ask(v, &w, registered, (uintptr_t)v) < 0)
		log_err("cannot register for events");
}

/* @return NULL, or why it cannot go on */
static const char *packet(struct mams_vici *v)
{
	struct mams_vici_packet p;
	struct job *j = STAILQ_FIRST(&v->jobs);

	if (mams_vici_packet(v->rx, v->rx_len, &p) < 0)
		return "what it says is no VICI";
	switch (p.type) {
	case MAMS_VICI_EVENT:
		if (v->up)
			v->ops->event(v->user, &p);
		return NULL;
	case MAMS_VICI_RESPONSE:
	case MAMS_VICI_UNKNOWN:
	case MAMS_VICI_CONFIRM:
	case MAMS_VICI_NO_EVENT:
		if (!j || v->sent < j->len)
			return "it answers what was not asked";
		finish(v, verdict(&p), &p.body);
		return NULL;
	case MAMS_VICI_REQUEST:
	case MAMS_VICI_REGISTER:
	case MAMS_VICI_UNREGISTER:
		break;
	}
	return "it speaks as a client";
}

/* The length before a packet is in.  @return NULL, or why it cannot go on */
static const char *head(struct mams_vici *v)
{
	struct mams_rd r = mams_rd_init(v->head, sizeof(v->head));

	v->rx_len = mams_rd_u32(&r);
	if (v->rx_len == 0 || v->rx_len > MAMS_VICI_MAX_BYTES)
		return "a packet of a length that there is not";
	v->rx = malloc(v->rx_len);
	v->rx_have = 0;
	return v->rx ? NULL : "no memory";
}

/* @return 1: a packet or its length is whole; 0: not yet; -errno */
static int fill(struct mams_vici *v)
{
	uint8_t *to = v->rx ? v->rx : v->head;
	size_t want = v->rx ? v->rx_len : sizeof(v->head);
	ssize_t n = recv(v->fd, to + v->rx_have, want - v->rx_have, MSG_DONTWAIT);

	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	v->rx_have += (size_t)n;
	return v->rx_have == want;
}

static void take_in(struct mams_vici *v)
{
	for (int i = 0; i < PACKETS_PER_EVENT && v->fd >= 0 && !v->dead; i++) {
		const char *why;
		int rc = fill(v);

		if (rc < 0)
			lost(v, rc == -ECONNRESET ? "charon has ended" : mams_strerror(rc));
		if (rc <= 0)
			return;
		if (!v->rx) {
			why = head(v);
		} else {
			why = packet(v);
			free(v->rx);
			v->rx = NULL;
			v->rx_have = 0;
		}
		if (why && !v->dead)
			lost(v, why);
		else if (!v->dead && v->fd >= 0 && v->sent == 0 && !v->rx)
			begin(v);
	}
}

static void ready(void *user, int fd, unsigned events)
{
	struct mams_vici *v = user;

	(void)fd;
	if (events & MAMS_LOOP_WRITE)
		begin(v);
	if ((events & (MAMS_LOOP_READ | MAMS_LOOP_HANGUP)) && v->fd >= 0 && !v->dead)
		take_in(v);
}

/* ---- life ---- */

static int dial(struct mams_vici *v)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int rc = 0;

	if (strlen(v->path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, v->path, strlen(v->path) + 1);
	v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (v->fd < 0 || connect(v->fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		rc = -errno;
	if (rc == 0)
		rc = mams_loop_fd_add(v->loop, v->fd, MAMS_LOOP_READ, ready, v, &v->watch);
	if (rc < 0)
		disconnect(v);
	return rc;
}

static void on_timer(void *user)
{
	struct mams_vici *v = user;

	if (v->fd >= 0) {
		lost(v, "charon does not answer");
		return;
	}
	if (dial(v) == 0) {
		next_event(v);
		return;
	}
	mams_loop_timer_at(v->timer, mams_time_add_ms(mams_loop_now(v->loop), v->retry_ms));
	v->retry_ms = v->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : v->retry_ms * 2;
}

int mams_vici_new(struct mams_loop *l, const char *path, const char *const *events,
	const struct mams_vici_ops *ops, void *user, struct mams_vici **out)
{
	struct mams_vici *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return -ENOMEM;
	*v = (struct mams_vici){.loop = l,
		.path = strdup(path),
		.events = events,
		.ops = ops,
		.user = user,
		.fd = -1,
		.retry_ms = RETRY_FIRST_MS};
	STAILQ_INIT(&v->jobs);
	rc = v->path ? mams_loop_timer_new(l, on_timer, v, &v->timer) : -ENOMEM;
	if (rc < 0) {
		free(v->path);
		free(v);
		return rc;
	}
	mams_loop_timer_at(v->timer, mams_loop_now(l));
	*out = v;
	return 0;
}

static void release(void *user)
{
	struct mams_vici *v = user;

	free(v->rx);
	free(v->path);
	free(v);
}

void mams_vici_free(struct mams_vici *v)
{
	if (!v)
		return;
	v->dead = true;
	mams_loop_timer_del(v->timer);
	/* a callback of ours may be on the stack, and read the packet */
	if (v->fd >= 0) {
		mams_loop_fd_del(v->watch);
		close(v->fd);
		v->fd = -1;
	}
	while (!STAILQ_EMPTY(&v->jobs)) {
		struct job *j = STAILQ_FIRST(&v->jobs);

		STAILQ_REMOVE_HEAD(&v->jobs, link);
		mams_wipe(j->data, j->len);
		free(j);
	}
	if (mams_loop_defer(v->loop, release, v) < 0)
		log_err("no memory to free a connection");
}

bool mams_vici_is_up(const struct mams_vici *v)
{
	return v && v->up;
}
