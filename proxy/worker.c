#include "proxy/worker.h"

#include "proxy/apart.h"
#include "proxy/conn.h"
#include "proxy/listener.h"
#include "proxy/room.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#define EVENTS 256
#define RUN_PER_TURN 256 /* flows served before the kernel is asked for news */

uint32_t px_worker_source(const struct px_worker *w, const struct mams_addr *a)
{
	uint64_t h = w->hash_key;
	size_t n = a->family == AF_INET ? 4 : 8; /* an IPv6 host owns its /64 */

	for (size_t i = 0; i < n; i++)
		h = (h ^ a->ip[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(h >> 40) % PX_SOURCES;
}

int px_worker_watch(struct px_worker *w, int fd, uint32_t events, void *handle)
{
	struct epoll_event ev = {.events = events, .data.ptr = handle};

	if (epoll_ctl(w->epfd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	if (errno == EEXIST && epoll_ctl(w->epfd, EPOLL_CTL_MOD, fd, &ev) == 0)
		return 0;
	return -errno;
}

static void resume_accepting(struct px_worker *w)
{
	w->accepting = true;
	for (size_t i = 0; i < w->n_listeners; i++)
		(void)px_worker_watch(w, w->listeners[i].fd, EPOLLIN, &w->listeners[i]);
}

static void leg_event(struct px_worker *w, struct px_leg *leg, uint32_t events)
{
	struct px_conn *c = MAMS_CONTAINER_OF(leg - leg->side, struct px_conn, leg);

	if (leg->fd < 0)
		return;
	if (c->setup && leg->side == 0)
		c->setup->fresh = false;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		leg->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		leg->writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		leg->hangup = true;
	if (events & EPOLLERR)
		leg->failed = true;
	px_conn_wake(w, c);
}

static void repeat_bindings(struct px_worker *w)
{
	struct px_conn *c;

	LIST_FOREACH(c, &w->all, all)
	px_bind_tell(w, c);
}

static void mailbox_run(struct px_worker *w)
{
	struct px_mailbox *m = &w->mailbox;
	struct px_snapshot *next;
	uint64_t count;
	struct px_hand *hands = NULL;
	size_t n_hands;
	bool repeat;

	(void)!eventfd_read(m->fd, &count);
	pthread_mutex_lock(&m->lock);
	next = m->next;
	m->next = NULL;
	repeat = m->repeat_bindings;
	m->repeat_bindings = false;
	w->stopping = m->stop;
	n_hands = m->n_hands;
	if (n_hands > 0) {
		hands = m->hands;
		m->hands = NULL;
		m->n_hands = 0;
	}
	pthread_mutex_unlock(&m->lock);
	for (size_t i = 0; i < n_hands; i++)
		px_apart_handed(w, &hands[i]);
	free(hands);
	if (next) {
		px_snapshot_unref(w->cfg);
		w->cfg = next;
		px_bind_again(w);
	}
	if (repeat)
		repeat_bindings(w);
}

static void dispatch(struct px_worker *w, const struct epoll_event *ev)
{
	switch (*(enum px_handle *)ev->data.ptr) {
	case PX_HANDLE_MAILBOX:
		mailbox_run(w);
		break;
	case PX_HANDLE_LISTENER:
		px_listener_run(w, ev->data.ptr);
		break;
	case PX_HANDLE_LEG:
		leg_event(w, ev->data.ptr, ev->events);
		break;
	case PX_HANDLE_TRY: {
		struct px_try *t = ev->data.ptr;

		if (t->fd < 0)
			break;
		t->ready = true;
		px_conn_wake(w, t->conn);
		break;
	}
	}
}

static void run_timers(struct px_worker *w)
{
	struct mams_timer *t;

	while ((t = mams_timerq_pop(&w->timers, w->now))) {
		if (t->kind == PX_TIMER_LISTENERS)
			resume_accepting(w);
		else if (t->kind == PX_TIMER_GAUGE)
			px_gauge_tick(w);
		else if (t->kind == PX_TIMER_BACKLOG)
			px_backlog_tick(w);
		else if (t->kind == PX_TIMER_ROOM)
			px_room_tick(w);
		else
			px_conn_timeout(w, MAMS_CONTAINER_OF(t, struct px_conn, timer));
	}
}

/** Each flow in the queue gets one share; those with more to do line up again behind the rest. */
static void run_flows(struct px_worker *w)
{
	struct px_conn *last = TAILQ_LAST(&w->run, px_conn_queue);

	for (int i = 0; last && i < RUN_PER_TURN; i++) {
		struct px_conn *c = TAILQ_FIRST(&w->run);

		if (!c)
			break;
		TAILQ_REMOVE(&w->run, c, run);
		c->queued = false;
		px_conn_run(w, c);
		if (c == last)
			break;
	}
}

static int wait_ms(const struct px_worker *w)
{
	if (!TAILQ_EMPTY(&w->run))
		return 0;
	if (mams_time_is_never(mams_timerq_next(&w->timers)))
		return -1;
	return mams_time_ms_until(w->now, mams_timerq_next(&w->timers));
}

static void *worker_main(void *arg)
{
	struct px_worker *w = arg;
	struct epoll_event ev[EVENTS];

	while (!w->stopping) {
		int n = epoll_wait(w->epfd, ev, EVENTS, wait_ms(w));

		w->now = mams_clock_now();
		for (int i = 0; i < n; i++)
			dispatch(w, &ev[i]);
		run_timers(w);
		run_flows(w);
		px_conn_bury(w);
	}
	while (!LIST_EMPTY(&w->all))
		px_conn_end(w, LIST_FIRST(&w->all), true);
	px_conn_bury(w);
	return NULL;
}

static int open_all(struct px_worker *w)
{
	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	w->mailbox.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->mailbox.handle = PX_HANDLE_MAILBOX;
	pthread_mutex_init(&w->mailbox.lock, NULL);
	if (w->epfd < 0 || w->mailbox.fd < 0)
		return -errno;
	if (getrandom(&w->hash_key, sizeof(w->hash_key), 0) != (ssize_t)sizeof(w->hash_key))
		return -EIO;
	px_slab_init(&w->conns, sizeof(struct px_conn));
	px_slab_init(&w->setups, sizeof(struct px_setup));
	px_bufs_init(&w->bufs, w->cfg->set.buffer_size);
	w->scratch = px_bufs_get(&w->bufs, w->cfg->set.buffer_size);
	w->roomy = px_room_can(false);
	w->sources = calloc(PX_SOURCES, sizeof(*w->sources));
	if (w->cfg->set.role == PX_ROLE_NETWORK)
		w->names = calloc(PX_NAMES, sizeof(*w->names));
	if (!w->scratch || !w->sources || (w->cfg->set.role == PX_ROLE_NETWORK && !w->names))
		return -ENOMEM;
	return px_worker_watch(w, w->mailbox.fd, EPOLLIN, &w->mailbox);
}

static void close_all(struct px_worker *w)
{
	for (size_t i = 0; i < w->n_listeners; i++)
		close(w->listeners[i].fd);
	free(w->listeners);
	if (w->mailbox.fd >= 0)
		close(w->mailbox.fd);
	if (w->epfd >= 0)
		close(w->epfd);
	pthread_mutex_destroy(&w->mailbox.lock);
	for (size_t i = 0; i < w->mailbox.n_hands; i++) {
		close(w->mailbox.hands[i].fd);
		px_client_unref(w->mailbox.hands[i].client);
	}
	free(w->mailbox.hands);
	px_snapshot_unref(w->mailbox.next);
	px_snapshot_unref(w->cfg);
	px_bufs_put(&w->bufs, w->scratch);
	px_bufs_fini(&w->bufs);
	px_slab_fini(&w->conns);
	px_slab_fini(&w->setups);
	mams_timerq_fini(&w->timers);
	px_gauge_fini(w);
	px_backlog_fini(w);
	free(w->sources);
	free(w->names);
}

int px_worker_start(struct px_worker *w, struct px_snapshot *cfg, struct px_listener *listeners,
	size_t n_listeners)
{
	int err;

	w->cfg = px_snapshot_ref(cfg);
	w->listeners = listeners;
	w->n_listeners = n_listeners;
	TAILQ_INIT(&w->run);
	TAILQ_INIT(&w->dead);
	LIST_INIT(&w->all);
	LIST_INIT(&w->filling);
	err = open_all(w);
	if (!err) {
		resume_accepting(w);
		err = -pthread_create(&w->thread, NULL, worker_main, w);
	}
	if (err)
		close_all(w);
	return err;
}

static void ring(struct px_worker *w)
{
	(void)!eventfd_write(w->mailbox.fd, 1);
}

void px_worker_configure(struct px_worker *w, struct px_snapshot *cfg)
{
	pthread_mutex_lock(&w->mailbox.lock);
	px_snapshot_unref(w->mailbox.next);
	w->mailbox.next = px_snapshot_ref(cfg);
	pthread_mutex_unlock(&w->mailbox.lock);
	ring(w);
}

void px_worker_repeat_bindings(struct px_worker *w)
{
	pthread_mutex_lock(&w->mailbox.lock);
	w->mailbox.repeat_bindings = true;
	pthread_mutex_unlock(&w->mailbox.lock);
	ring(w);
}

bool px_worker_hand(struct px_worker *w, const struct px_hand *hand)
{
	struct px_mailbox *m = &w->mailbox;
	bool fits;

	pthread_mutex_lock(&m->lock);
	if (!m->hands)
		m->hands = calloc(PX_HANDS, sizeof(*m->hands));
	fits = m->hands && m->n_hands < PX_HANDS;
	if (fits)
		m->hands[m->n_hands++] = *hand;
	pthread_mutex_unlock(&m->lock);
	if (fits)
		ring(w);
	return fits;
}

void px_worker_stop(struct px_worker *w)
{
	pthread_mutex_lock(&w->mailbox.lock);
	w->mailbox.stop = true;
	pthread_mutex_unlock(&w->mailbox.lock);
	ring(w);
	pthread_join(w->thread, NULL);
}

void px_worker_free(struct px_worker *w)
{
	close_all(w);
}
