#include "trailer-madp/pdu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#define EVENTS 64
#define GAUGE_US 100000
#define SLEPT_US 20000 /* so late, a turn comes after a pause that the system made */

int madp_worker_watch(struct madp_worker *w, int fd, void *handle)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = handle};

	return epoll_ctl(w->epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

void madp_worker_random(struct madp_worker *w, void *p, size_t len)
{
	(void)w;
	/* up to 256 octets come whole, and always once the system has booted */
	(void)!getrandom(p, len, 0);
}

void madp_worker_tell(struct madp_worker *w, const struct madp_path *path, enum madp_note_kind kind)
{
	madp_worker_tell_why(w, path, kind, "");
}

void madp_worker_tell_why(struct madp_worker *w, const struct madp_path *path,
	enum madp_note_kind kind, const char *why)
{
	const struct madp_session *s = path->session;
	struct madp_note note = {.kind = kind,
		.session = s->set->id,
		.cid = path->cid,
		.cause = (uint8_t)s->plane.link[path->slot].cause};

	if (s->parting) /* its paths are not those of the session that has its name now */
		return;
	snprintf(note.why, sizeof(note.why), "%s", why);
	if (!madp_notes_put(w->notes, &note))
		madp_inc(&w->counters.notes_dropped);
}

static void mailbox_run(struct madp_worker *w)
{
	struct madp_mailbox *m = &w->mailbox;
	struct madp_orders list;
	struct madp_session *s;
	uint64_t count;

	STAILQ_INIT(&list);
	(void)!eventfd_read(m->fd, &count);
	pthread_mutex_lock(&m->lock);
	STAILQ_CONCAT(&list, &m->orders);
	w->stopping = m->stop;
	pthread_mutex_unlock(&m->lock);
	while (!STAILQ_EMPTY(&list)) {
		struct madp_order *o = STAILQ_FIRST(&list);

		STAILQ_REMOVE_HEAD(&list, next);
		/* paths may go: nothing of theirs is left in the outbox */
		STAILQ_FOREACH(s, &w->touched, turn)
		madp_pdu_flush(w, s);
		madp_outbox_flush(&w->out);
		madp_session_order(w, o);
	}
}

static void dispatch(struct madp_worker *w, void *handle)
{
	struct madp_sock *sock = handle;

	switch (*(enum madp_handle *)handle) {
	case MADP_HANDLE_MAILBOX:
		mailbox_run(w);
		break;
	case MADP_HANDLE_TUN:
		madp_egress_run(w);
		break;
	case MADP_HANDLE_SOCK:
		if (sock->fd >= 0) /* an order of this turn may have closed it */
			madp_ingress_run(w, sock);
		break;
	}
}

static void mark_changes(struct madp_worker *w, struct madp_session *s)
{
	madp_linkset changed = madp_plane_changed(&s->plane);

	for (unsigned slot = 0; changed; slot++, changed >>= 1) {
		struct madp_path *path = &s->path[slot];
		bool up;

		if (!(changed & 1) || !path->used)
			continue;
		up = madp_plane_is_up(&s->plane, slot);
		__atomic_store_n(&path->count->up, up, __ATOMIC_RELAXED);
		madp_worker_tell(w, path, up ? MADP_NOTE_UP : MADP_NOTE_DOWN);
		if (up)
			continue;
		madp_inc(&path->count->downs);
		/* the N-MADP may have forgotten us, or the way there may have changed our address
		 */
		if (w->role == MADP_ROLE_CLIENT && path->sock && !s->parting &&
			!madp_prover_is_busy(&path->prover)) {
			uint8_t nonce[MADP_NONCE];

			madp_worker_random(w, nonce, sizeof(nonce));
			madp_prover_start(&path->prover, nonce, w->now);
		}
	}
}

/** What the NCM is told of a link, now and then (gauge.h). */
static void gauge(
	struct madp_link_count *n, const struct madp_pace *tx, const struct madp_meter *rx)
{
	__atomic_store_n(&n->rate_seen, tx->rate && !tx->starting, __ATOMIC_RELAXED);
	__atomic_store_n(&n->min_rtt_us, tx->min_rtt_us, __ATOMIC_RELAXED);
	__atomic_store_n(&n->tx_queue_us, tx->queue_us, __ATOMIC_RELAXED);
	__atomic_store_n(&n->tx_owd_us, (uint32_t)tx->owd_us, __ATOMIC_RELAXED);
	__atomic_store_n(&n->tx_jitter_us, tx->jitter_us, __ATOMIC_RELAXED);
	__atomic_store_n(&n->tx_arrived, tx->packets, __ATOMIC_RELAXED);
	__atomic_store_n(&n->tx_arrived_octets, tx->octets, __ATOMIC_RELAXED);
	__atomic_store_n(&n->tx_lost, tx->lost, __ATOMIC_RELAXED);
	__atomic_store_n(&n->rx_counted, rx->packets, __ATOMIC_RELAXED);
	__atomic_store_n(&n->rx_queue_us, madp_meter_queue_us(rx), __ATOMIC_RELAXED);
	__atomic_store_n(&n->rx_owd_us, (uint64_t)rx->owd_us, __ATOMIC_RELAXED);
	__atomic_store_n(&n->rx_jitter_us, rx->jitter_us, __ATOMIC_RELAXED);
}

/** Figures that the cores keep, for status. */
static void show(const struct madp_worker *w, struct madp_session *s)
{
	const struct madp_receiver *rx = &s->plane.rx;

	for (unsigned slot = 0; s->paths >> slot; slot++) {
		const struct madp_meter *m = &rx->meter[slot];
		const struct madp_pace *tx = &s->plane.tx.link[slot];
		struct madp_link_count *n = &s->account->link[slot];

		if (!(s->paths & madp_link_bit(slot)))
			continue;
		__atomic_store_n(&n->lost, m->lost, __ATOMIC_RELAXED);
		__atomic_store_n(&n->reordered, m->reordered, __ATOMIC_RELAXED);
		__atomic_store_n(&n->duplicate, m->duplicate, __ATOMIC_RELAXED);
		__atomic_store_n(&n->rtt_us, s->plane.link[slot].probe.rtt_us, __ATOMIC_RELAXED);
		__atomic_store_n(&n->rate_bps, tx->rate, __ATOMIC_RELAXED);
		if (w->now.us - s->gauged.us >= GAUGE_US)
			gauge(n, tx, m);
	}
	if (w->now.us - s->gauged.us >= GAUGE_US)
		s->gauged = w->now;
	for (unsigned i = 0; rx->begun >> i; i++)
		if (rx->begun >> i & 1)
			__atomic_store_n(
				&s->account->cls[i].lost, rx->flow[i].n_lost, __ATOMIC_RELAXED);
}

/** Network: a report of the client shows that it has heard us. */
static void mark_heard(struct madp_worker *w, struct madp_session *s)
{
	const struct madp_path *path = s->path;

	if (w->role != MADP_ROLE_NETWORK || !s->plane.peer_seen ||
		s->told_incarnation == s->peer_incarnation || !madp_session_carries(s))
		return;
	while (!path->used)
		path++;
	s->told_incarnation = s->peer_incarnation;
	madp_worker_tell(w, path, MADP_NOTE_HEARD);
}

void madp_session_turn(struct madp_worker *w, struct madp_session *s)
{
	mams_time next;

	if (w->now.us - s->due.us > SLEPT_US)
		madp_plane_slept(&s->plane, w->now.us - s->due.us, w->now);
	madp_egress_pump(w, s);
	madp_ingress_pump(w, s);
	madp_control_pump(w, s);
	mark_changes(w, s);
	if (w->parting)
		madp_session_succeed(w, s);
	mark_heard(w, s);
	madp_pdu_flush(w, s);
	show(w, s);
	next = mams_time_min(madp_plane_deadline(&s->plane, w->now), madp_control_deadline(w, s));
	if (s->parting && madp_session_part(w, s, &next))
		return;
	s->due = mams_time_before(next, w->now) ? w->now : next;
	/* without memory for the timer the next packet of the session does it */
	(void)!mams_timerq_set(&w->timers, &s->timer, next);
}

/** Old fragments, and what became of all of them, for status. */
static void tick_reassembly(struct madp_worker *w)
{
	const struct madp_reasm_counters *n = madp_reasm_counters(w->reassembly);

	madp_reasm_tick(w->reassembly, w->now);
#define X(symbol, words)                                                                           \
	__atomic_store_n(&w->counters.reassembly.symbol, n->symbol, __ATOMIC_RELAXED);
	MADP_REASM_COUNTERS(X)
#undef X
}

static void end_turn(struct madp_worker *w)
{
	struct mams_timer *t;

	tick_reassembly(w);
	while ((t = mams_timerq_pop(&w->timers, w->now)))
		madp_session_touch(w, MAMS_CONTAINER_OF(t, struct madp_session, timer));
	while (!STAILQ_EMPTY(&w->touched)) {
		struct madp_session *s = STAILQ_FIRST(&w->touched);

		STAILQ_REMOVE_HEAD(&w->touched, turn);
		s->touched = false;
		madp_session_turn(w, s);
	}
	madp_deliver_flush(w);
	madp_outbox_flush(&w->out);
}

static int wait_ms(const struct madp_worker *w)
{
	mams_time next =
		mams_time_min(mams_timerq_next(&w->timers), madp_reasm_deadline(w->reassembly));

	return mams_time_is_never(next) ? -1 : mams_time_ms_until(mams_clock_now(), next);
}

static void *worker_main(void *arg)
{
	struct madp_worker *w = arg;
	struct epoll_event ev[EVENTS];

	while (!w->stopping) {
		int n = epoll_wait(w->epfd, ev, EVENTS, wait_ms(w));

		w->now = mams_clock_now();
		for (int i = 0; i < n; i++)
			dispatch(w, ev[i].data.ptr);
		end_turn(w);
	}
	madp_session_end_all(w);
	return NULL;
}

static int watch_all(struct madp_worker *w)
{
	int rc = madp_worker_watch(w, w->mailbox.fd, &w->mailbox);

	if (rc == 0)
		rc = madp_worker_watch(w, w->tun.fd, &w->tun_handle);
	for (size_t i = 0; rc == 0 && i < MADP_SOCKS_MAX; i++)
		if (w->sock[i].fd >= 0)
			rc = madp_worker_watch(w, w->sock[i].fd, &w->sock[i]);
	return rc;
}

static int open_all(struct madp_worker *w)
{
	int rc;

	w->epfd = epoll_create1(EPOLL_CLOEXEC);
	w->mailbox.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->epfd < 0 || w->mailbox.fd < 0)
		return -errno;
	if (getrandom(w->own_key, sizeof(w->own_key), 0) != (ssize_t)sizeof(w->own_key))
		return -EIO;
	rc = mams_udp_rx_new(&w->rx);
	if (rc == 0)
		rc = madp_outbox_init(&w->out, &w->counters);
	w->classes = madp_classes_new();
	w->tun_data = malloc(MAMS_TUN_HEADER + MAMS_TUN_PACKET);
	w->whole = malloc(MAMS_TUN_PACKET);
	w->reassembly = madp_reasm_new(&madp_reasm_defaults);
	if (rc == 0 && (!w->tun_data || !w->whole || !w->classes || !w->reassembly))
		rc = -ENOMEM;
	if (rc == 0)
		rc = madp_guard_init(w);
	return rc < 0 ? rc : watch_all(w);
}

static void close_all(struct madp_worker *w)
{
	for (size_t i = 0; i < MADP_SOCKS_MAX; i++)
		madp_sock_close(&w->sock[i]);
	mams_tun_close(&w->tun);
	if (w->mailbox.fd >= 0)
		close(w->mailbox.fd);
	if (w->epfd >= 0)
		close(w->epfd);
	pthread_mutex_destroy(&w->mailbox.lock);
	mams_udp_rx_free(w->rx);
	madp_outbox_fini(&w->out);
	madp_slab_fini(&w->sdus);
	mams_timerq_fini(&w->timers);
	madp_classes_free(w->classes);
	madp_reasm_free(w->reassembly);
	free(w->tun_data);
	free(w->whole);
	madp_guard_fini(w);
	mams_wipe(w->own_key, sizeof(w->own_key));
}

int madp_worker_start(struct madp_worker *w)
{
	int rc;

	w->mailbox.handle = MADP_HANDLE_MAILBOX;
	w->tun_handle = MADP_HANDLE_TUN;
	w->windows_max = w->limits.windows;
	STAILQ_INIT(&w->mailbox.orders);
	STAILQ_INIT(&w->touched);
	pthread_mutex_init(&w->mailbox.lock, NULL);
	madp_slab_init(&w->sdus, w->limits.sdu_octets, w->limits.sdus);
	madp_deliver_init(w);
	for (size_t i = 0; i < MADP_SOCKS_MAX; i++) {
		w->sock[i].handle = MADP_HANDLE_SOCK;
		w->sock[i].index = (uint8_t)i;
	}
	rc = open_all(w);
	if (rc == 0)
		rc = -pthread_create(&w->thread, NULL, worker_main, w);
	if (rc < 0)
		close_all(w);
	return rc;
}

static void ring(struct madp_worker *w)
{
	(void)!eventfd_write(w->mailbox.fd, 1);
}

void madp_worker_order(struct madp_worker *w, struct madp_order *o)
{
	pthread_mutex_lock(&w->mailbox.lock);
	STAILQ_INSERT_TAIL(&w->mailbox.orders, o, next);
	pthread_mutex_unlock(&w->mailbox.lock);
	ring(w);
}

void madp_worker_stop(struct madp_worker *w)
{
	pthread_mutex_lock(&w->mailbox.lock);
	w->mailbox.stop = true;
	pthread_mutex_unlock(&w->mailbox.lock);
	ring(w);
	pthread_join(w->thread, NULL);
	close_all(w);
}
