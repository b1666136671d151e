/* libcurl's socket and timer callbacks only write down what it wants; it is called from the loop's
 * own events alone, never from its callbacks.  Pools are freed at the end of a turn, where nothing
 * of theirs is on the stack. */
#include "lib/io/httpc_pool.h"

#include <errno.h>
#include <sys/queue.h>

struct watch {
	struct mams_loop_fd *fd_watch;
	int fd;
	struct mams_httpc_pool *pool;
	TAILQ_ENTRY(watch) link;
};

struct mams_httpc_pool {
	struct mams_httpc_pools *set;
	CURLM *multi;
	mams_time deadline;
	unsigned running;
	bool retired;
	TAILQ_HEAD(, watch) watches;
	TAILQ_ENTRY(mams_httpc_pool) link;
};

struct mams_httpc_pools {
	struct mams_loop *loop;
	mams_httpc_done_fn done;
	void *user;
	struct mams_httpc_pool *current;
	struct mams_loop_timer *timer; /* of the earliest deadline */
	bool sweeping;                 /* a sweep of retired pools is deferred */
	bool ended;                    /* it is the last that happens */
	TAILQ_HEAD(, mams_httpc_pool) list;
};

/* ---- what libcurl asks for ---- */

static void reap(struct mams_httpc_pool *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left)) != NULL) {
		if (m->msg == CURLMSG_DONE)
			p->set->done(p->set->user, m->easy_handle, m->data.result);
	}
}

static void act(struct mams_httpc_pool *p, curl_socket_t fd, int mask)
{
	int running;

	curl_multi_socket_action(p->multi, fd, mask, &running);
	reap(p);
}

static void socket_event(void *user, int fd, unsigned events)
{
	int mask = 0;

	mask |= (events & MAMS_LOOP_READ) ? CURL_CSELECT_IN : 0;
	mask |= (events & MAMS_LOOP_WRITE) ? CURL_CSELECT_OUT : 0;
	act(user, fd, mask);
}

static struct watch *find_watch(struct mams_httpc_pool *p, int fd)
{
	struct watch *w;

	TAILQ_FOREACH(w, &p->watches, link)
	{
		if (w->fd == fd)
			return w;
	}
	return NULL;
}

static void drop_watch(struct watch *w)
{
	TAILQ_REMOVE(&w->pool->watches, w, link);
	mams_loop_fd_del(w->fd_watch);
	free(w);
}

static struct watch *add_watch(struct mams_httpc_pool *p, int fd)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = fd;
	w->pool = p;
	if (mams_loop_fd_add(p->set->loop, fd, 0, socket_event, p, &w->fd_watch) < 0) {
		free(w);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&p->watches, w, link);
	return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *unused)
{
	struct mams_httpc_pool *p = user;
	struct watch *w = find_watch(p, fd);
	unsigned events = 0;

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			drop_watch(w);
		return 0;
	}
	if (!w)
		w = add_watch(p, fd);
	if (!w)
		return -1; /* libcurl ends this pool's exchanges with an error */
	events |= (what & CURL_POLL_IN) ? MAMS_LOOP_READ : 0;
	events |= (what & CURL_POLL_OUT) ? MAMS_LOOP_WRITE : 0;
	mams_loop_fd_set(w->fd_watch, events);
	return 0;
}

static void arm(struct mams_httpc_pools *s)
{
	const struct mams_httpc_pool *p;
	mams_time first = MAMS_TIME_NEVER;

	TAILQ_FOREACH(p, &s->list, link)
	first = mams_time_min(first, p->deadline);
	mams_loop_timer_at(s->timer, first);
}

static int on_timer(CURLM *multi, long ms, void *user)
{
	struct mams_httpc_pool *p = user;

	(void)multi;
	/* from the real time: this may be late in a long turn */
	p->deadline = ms < 0 ? MAMS_TIME_NEVER : mams_time_add_ms(mams_clock_now(), ms);
	arm(p->set);
	return 0;
}

/* ---- in the loop ---- */

static void pool_free(struct mams_httpc_pool *p)
{
	struct watch *w;

	curl_multi_cleanup(p->multi);
	while ((w = TAILQ_FIRST(&p->watches)) != NULL)
		drop_watch(w);
	TAILQ_REMOVE(&p->set->list, p, link);
	free(p);
}

static void sweep(void *user)
{
	struct mams_httpc_pools *s = user;
	struct mams_httpc_pool *next;

	s->sweeping = false;
	if (s->ended) {
		free(s);
		return;
	}
	for (struct mams_httpc_pool *p = TAILQ_FIRST(&s->list); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->retired && p->running == 0)
			pool_free(p);
	}
}

/* What is not swept now is with the next one, or with mams_httpc_pools_free(). */
static void sweep_later(struct mams_httpc_pool *p)
{
	struct mams_httpc_pools *s = p->set;

	if (!p->retired || p->running > 0 || s->sweeping)
		return;
	s->sweeping = mams_loop_defer(s->loop, sweep, s) == 0;
}

static void timer_event(void *user)
{
	struct mams_httpc_pools *s = user;
	struct mams_httpc_pool *p;

	TAILQ_FOREACH(p, &s->list, link)
	{
		if (mams_time_before(mams_loop_now(s->loop), p->deadline))
			continue;
		p->deadline = MAMS_TIME_NEVER;
		act(p, CURL_SOCKET_TIMEOUT, 0);
	}
	arm(s);
}

static int pool_new(struct mams_httpc_pools *s)
{
	struct mams_httpc_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->multi = curl_multi_init();
	if (!p->multi) {
		free(p);
		return -ENOMEM;
	}
	p->set = s;
	p->deadline = MAMS_TIME_NEVER;
	TAILQ_INIT(&p->watches);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	TAILQ_INSERT_TAIL(&s->list, p, link);
	s->current = p;
	return 0;
}

int mams_httpc_pools_new(
	struct mams_loop *l, mams_httpc_done_fn done, void *user, struct mams_httpc_pools **out)
{
	struct mams_httpc_pools *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->done = done;
	s->user = user;
	TAILQ_INIT(&s->list);
	rc = mams_loop_timer_new(l, timer_event, s, &s->timer);
	if (rc < 0) {
		mams_httpc_pools_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void mams_httpc_pools_free(struct mams_httpc_pools *s)
{
	struct mams_httpc_pool *p;

	if (!s)
		return;
	while ((p = TAILQ_FIRST(&s->list)) != NULL)
		pool_free(p);
	mams_loop_timer_del(s->timer);
	if (s->sweeping) /* the deferred call is still to come */
		s->ended = true;
	else
		free(s);
}

void mams_httpc_pools_retire(struct mams_httpc_pools *s)
{
	struct mams_httpc_pool *old = s->current;

	if (!old)
		return;
	s->current = NULL;
	old->retired = true;
	sweep_later(old);
}

int mams_httpc_pools_add(struct mams_httpc_pools *s, CURL *easy, struct mams_httpc_pool **out)
{
	int rc = s->current ? 0 : pool_new(s); /* a multi handle holds two descriptors */

	if (rc < 0)
		return rc;
	if (curl_multi_add_handle(s->current->multi, easy) != CURLM_OK)
		return -ENOMEM;
	s->current->running++;
	*out = s->current;
	return 0;
}

void mams_httpc_pool_remove(struct mams_httpc_pool *p, CURL *easy)
{
	curl_multi_remove_handle(p->multi, easy);
	p->running--;
	sweep_later(p);
}
