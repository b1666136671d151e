/* How a turn runs.  libuv's order is: timers, prepare, poll (descriptor callbacks), check, close
 * callbacks.  Deferred releases run in prepare, that is after every event that the last poll
 * returned has been dispatched and before the loop blocks again.  The foreign sources are asked for
 * their deadlines there too, and run in check.  `now` is read from the clock by the first callback
 * after the loop woke, and kept until it blocks again. */
#include "lib/io/loop.h"

#include <uv.h>

#include <string.h>
#include <sys/queue.h>

#define SLOW_TURN_US 50000

/* Behind a pointer, so that mams_loop_now() may fill it through a const loop. */
struct turn {
	mams_time now;
	bool begun;
};

struct mams_loop_fd {
	uv_poll_t poll; /* first: a handle is its watch */
	struct mams_loop *loop;
	int fd;
	unsigned events;
	mams_loop_fd_fn cb;
	void *user;
	bool dead;
	TAILQ_ENTRY(mams_loop_fd) link;
};

struct mams_loop_timer {
	uv_timer_t timer;
	struct mams_loop *loop;
	mams_time when;
	mams_loop_fn cb;
	void *user;
	TAILQ_ENTRY(mams_loop_timer) link;
};

struct loop_signal {
	uv_signal_t signal;
	struct mams_loop *loop;
	mams_loop_signal_fn cb;
	void *user;
	TAILQ_ENTRY(loop_signal) link;
};

struct loop_defer {
	mams_loop_fn cb;
	void *user;
	STAILQ_ENTRY(loop_defer) link;
};

struct loop_source {
	struct mams_loop_source source;
	bool dead; /* removed while the list is being walked */
	TAILQ_ENTRY(loop_source) link;
};

STAILQ_HEAD(defer_list, loop_defer);

struct mams_loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_timer_t wake;
	struct turn *turn;
	uint64_t slow_turns;
	unsigned walking; /* depth of walks over sources */
	bool in_timer;
	struct defer_list deferred;
	TAILQ_HEAD(, mams_loop_fd) fds;
	TAILQ_HEAD(, mams_loop_timer) timers;
	TAILQ_HEAD(, loop_signal) signals;
	TAILQ_HEAD(, loop_source) sources;
};

static void turn_begin(const struct mams_loop *l)
{
	if (l->turn->begun)
		return;
	l->turn->now = mams_clock_now();
	l->turn->begun = true;
}

static void turn_end(struct mams_loop *l)
{
	if (!l->turn->begun)
		return;
	if (mams_clock_now().us - l->turn->now.us > SLOW_TURN_US)
		l->slow_turns++;
	l->turn->begun = false;
}

static void run_deferred(struct mams_loop *l)
{
	struct defer_list todo = STAILQ_HEAD_INITIALIZER(todo);
	struct loop_defer *d;

	STAILQ_CONCAT(&todo, &l->deferred);
	while ((d = STAILQ_FIRST(&todo)) != NULL) {
		STAILQ_REMOVE_HEAD(&todo, link);
		d->cb(d->user);
		free(d);
	}
}

static void sweep_sources(struct mams_loop *l)
{
	struct loop_source *next;

	for (struct loop_source *s = TAILQ_FIRST(&l->sources); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (!s->dead)
			continue;
		TAILQ_REMOVE(&l->sources, s, link);
		free(s);
	}
}

static void wake_cb(uv_timer_t *t)
{
	(void)t; /* it only ends the poll; check runs the sources */
}

static void prepare_cb(uv_prepare_t *p)
{
	struct mams_loop *l = p->data;
	mams_time wake = MAMS_TIME_NEVER;
	struct loop_source *s;

	turn_begin(l);
	run_deferred(l);
	l->walking++;
	TAILQ_FOREACH(s, &l->sources, link)
	{
		if (!s->dead && s->source.before)
			wake = mams_time_min(wake, s->source.before(s->source.user));
	}
	if (--l->walking == 0)
		sweep_sources(l);
	if (!STAILQ_EMPTY(&l->deferred))
		wake = l->turn->now;
	turn_end(l);
	uv_update_time(&l->uv);
	if (mams_time_is_never(wake))
		uv_timer_stop(&l->wake);
	else
		uv_timer_start(
			&l->wake, wake_cb, (uint64_t)mams_time_ms_until(mams_clock_now(), wake), 0);
}

static void check_cb(uv_check_t *c)
{
	struct mams_loop *l = c->data;
	struct loop_source *s;

	turn_begin(l);
	l->walking++;
	TAILQ_FOREACH(s, &l->sources, link)
	{
		if (!s->dead && s->source.after)
			s->source.after(s->source.user);
	}
	if (--l->walking == 0)
		sweep_sources(l);
}

int mams_loop_new(struct mams_loop **out)
{
	struct mams_loop *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	l->turn = calloc(1, sizeof(*l->turn));
	if (!l->turn) {
		free(l);
		return -ENOMEM;
	}
	rc = uv_loop_init(&l->uv);
	if (rc < 0) {
		free(l->turn);
		free(l);
		return rc;
	}
	STAILQ_INIT(&l->deferred);
	TAILQ_INIT(&l->fds);
	TAILQ_INIT(&l->timers);
	TAILQ_INIT(&l->signals);
	TAILQ_INIT(&l->sources);
	/* these cannot fail: they touch only memory */
	uv_prepare_init(&l->uv, &l->prepare);
	uv_check_init(&l->uv, &l->check);
	uv_timer_init(&l->uv, &l->wake);
	l->prepare.data = l;
	l->check.data = l;
	uv_prepare_start(&l->prepare, prepare_cb);
	uv_check_start(&l->check, check_cb);
	*out = l;
	return 0;
}

static void free_handle(uv_handle_t *h)
{
	free(h); /* the handle is the first member of what was allocated */
}

static void signal_del(struct loop_signal *s)
{
	TAILQ_REMOVE(&s->loop->signals, s, link);
	uv_close((uv_handle_t *)&s->signal, free_handle);
}

void mams_loop_free(struct mams_loop *l)
{
	struct mams_loop_fd *w;
	struct mams_loop_timer *t;
	struct loop_signal *sig;
	struct loop_source *s;

	if (!l)
		return;
	while (!STAILQ_EMPTY(&l->deferred))
		run_deferred(l);
	while ((w = TAILQ_FIRST(&l->fds)) != NULL)
		mams_loop_fd_del(w);
	while ((t = TAILQ_FIRST(&l->timers)) != NULL)
		mams_loop_timer_del(t);
	while ((sig = TAILQ_FIRST(&l->signals)) != NULL)
		signal_del(sig);
	while ((s = TAILQ_FIRST(&l->sources)) != NULL) {
		TAILQ_REMOVE(&l->sources, s, link);
		free(s);
	}
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->check, NULL);
	uv_close((uv_handle_t *)&l->wake, NULL);
	/* again when a deferred callback has stopped the loop meanwhile */
	while (uv_loop_close(&l->uv) == UV_EBUSY)
		uv_run(&l->uv, UV_RUN_DEFAULT);
	free(l->turn);
	free(l);
}

void mams_loop_run(struct mams_loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void mams_loop_stop(struct mams_loop *l)
{
	uv_stop(&l->uv);
}

mams_time mams_loop_now(const struct mams_loop *l)
{
	turn_begin(l);
	return l->turn->now;
}

uint64_t mams_loop_slow_turns(const struct mams_loop *l)
{
	return l->slow_turns;
}

static void fd_cb(uv_poll_t *p, int status, int uv_events)
{
	struct mams_loop_fd *w = MAMS_CONTAINER_OF(p, struct mams_loop_fd, poll);
	unsigned events = 0;

	if (w->dead)
		return;
	turn_begin(w->loop);
	if (status < 0) {
		events = w->events | MAMS_LOOP_READ | MAMS_LOOP_WRITE;
	} else {
		events |= (uv_events & UV_READABLE) ? MAMS_LOOP_READ : 0;
		events |= (uv_events & UV_WRITABLE) ? MAMS_LOOP_WRITE : 0;
		events |= (uv_events & UV_DISCONNECT) ? MAMS_LOOP_HANGUP : 0;
	}
	w->cb(w->user, w->fd, events);
	/* libuv ends a watch at the descriptor's first error; ours lasts until its owner ends it */
	if (status < 0 && !w->dead)
		mams_loop_fd_set(w, w->events);
}

int mams_loop_fd_add(struct mams_loop *l, int fd, unsigned events, mams_loop_fd_fn cb, void *user,
	struct mams_loop_fd **out)
{
	struct mams_loop_fd *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->loop = l;
	w->fd = fd;
	w->cb = cb;
	w->user = user;
	rc = uv_poll_init(&l->uv, &w->poll, fd);
	if (rc < 0) {
		free(w);
		return rc;
	}
	TAILQ_INSERT_TAIL(&l->fds, w, link);
	mams_loop_fd_set(w, events);
	*out = w;
	return 0;
}

void mams_loop_fd_set(struct mams_loop_fd *w, unsigned events)
{
	int uv_events = 0;

	uv_events |= (events & MAMS_LOOP_READ) ? UV_READABLE : 0;
	uv_events |= (events & MAMS_LOOP_WRITE) ? UV_WRITABLE : 0;
	uv_events |= (events & MAMS_LOOP_HANGUP) ? UV_DISCONNECT : 0;
	/* libuv takes the descriptor out of epoll and into it again, whatever was asked before */
	if (events == w->events && !uv_is_active((uv_handle_t *)&w->poll) == !uv_events)
		return;
	w->events = events;
	if (uv_events)
		uv_poll_start(&w->poll, uv_events, fd_cb);
	else
		uv_poll_stop(&w->poll);
}

void mams_loop_fd_del(struct mams_loop_fd *w)
{
	if (!w || w->dead)
		return;
	w->dead = true;
	TAILQ_REMOVE(&w->loop->fds, w, link);
	/* leaves epoll at once, so the caller may close fd; the memory lives to the turn's end */
	uv_close((uv_handle_t *)&w->poll, free_handle);
}

static void timer_cb(uv_timer_t *u)
{
	struct mams_loop_timer *t = MAMS_CONTAINER_OF(u, struct mams_loop_timer, timer);
	struct mams_loop *l = t->loop;
	mams_time now = mams_clock_now();

	/* libuv counts in whole milliseconds and may be a fraction of one early */
	if (mams_time_before(now, t->when)) {
		uv_timer_start(u, timer_cb, (uint64_t)mams_time_ms_until(now, t->when), 0);
		return;
	}
	turn_begin(l);
	/* libuv runs timers after a poll whose callbacks may have fixed an older `now` */
	if (mams_time_before(l->turn->now, t->when))
		l->turn->now = t->when;
	t->when = MAMS_TIME_NEVER;
	l->in_timer = true;
	t->cb(t->user);
	l->in_timer = false;
}

int mams_loop_timer_new(
	struct mams_loop *l, mams_loop_fn cb, void *user, struct mams_loop_timer **out)
{
	struct mams_loop_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->loop = l;
	t->cb = cb;
	t->user = user;
	t->when = MAMS_TIME_NEVER;
	uv_timer_init(&l->uv, &t->timer);
	TAILQ_INSERT_TAIL(&l->timers, t, link);
	*out = t;
	return 0;
}

void mams_loop_timer_at(struct mams_loop_timer *t, mams_time when)
{
	uint64_t ms;

	t->when = when;
	if (mams_time_is_never(when)) {
		uv_timer_stop(&t->timer);
		return;
	}
	uv_update_time(&t->loop->uv);
	ms = (uint64_t)mams_time_ms_until(mams_clock_now(), when);
	/* libuv would run a timer due at once again in the same pass, and never come to poll */
	if (t->loop->in_timer && ms == 0)
		ms = 1;
	uv_timer_start(&t->timer, timer_cb, ms, 0);
}

void mams_loop_timer_del(struct mams_loop_timer *t)
{
	if (!t)
		return;
	TAILQ_REMOVE(&t->loop->timers, t, link);
	uv_close((uv_handle_t *)&t->timer, free_handle);
}

static void signal_cb(uv_signal_t *u, int signum)
{
	struct loop_signal *s = MAMS_CONTAINER_OF(u, struct loop_signal, signal);

	turn_begin(s->loop);
	s->cb(s->user, signum);
}

int mams_loop_signal_add(struct mams_loop *l, int signum, mams_loop_signal_fn cb, void *user)
{
	struct loop_signal *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->cb = cb;
	s->user = user;
	rc = uv_signal_init(&l->uv, &s->signal);
	if (rc < 0) {
		free(s);
		return rc;
	}
	TAILQ_INSERT_TAIL(&l->signals, s, link);
	rc = uv_signal_start(&s->signal, signal_cb, signum);
	if (rc < 0)
		signal_del(s);
	return rc;
}

int mams_loop_defer(struct mams_loop *l, mams_loop_fn cb, void *user)
{
	struct loop_defer *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->cb = cb;
	d->user = user;
	STAILQ_INSERT_TAIL(&l->deferred, d, link);
	return 0;
}

int mams_loop_source_add(struct mams_loop *l, const struct mams_loop_source *source)
{
	struct loop_source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->source = *source;
	TAILQ_INSERT_TAIL(&l->sources, s, link);
	return 0;
}

void mams_loop_source_del(struct mams_loop *l, const void *user)
{
	struct loop_source *s;

	TAILQ_FOREACH(s, &l->sources, link)
	{
		if (s->source.user == user)
			s->dead = true;
	}
	if (l->walking == 0)
		sweep_sources(l);
}
