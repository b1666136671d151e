/* Sessions of a worker: taking over a configuration, keeping what stays the same. */
#include "trailer-madp/session.h"

#include "lib/io/dtls.h"
#include "trailer-madp/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CACHE_LINE 64
#define PARTING_MS 60000 /* longer than any N-MADP keeps a client that has left */

static void *mem_get(void *user, size_t size)
{
	struct madp_worker *w = user;
	void *p;

	if (w->windows + size > w->windows_max)
		return NULL;
	p = calloc(1, size);
	if (p)
		w->windows += size;
	return p;
}

static void mem_put(void *user, void *p, size_t size)
{
	struct madp_worker *w = user;

	w->windows -= size;
	free(p);
}

/* ---- paths ---- */

static uint8_t outer_of(const struct madp_path *path, bool v6)
{
	return madp_outer(path->nat_on, path->guard.on, v6);
}

static void forget_peer(struct madp_worker *w, struct madp_path *path)
{
	if (path->proven && w->role == MADP_ROLE_NETWORK)
		HASH_DEL(w->peers, path);
	path->proven = false;
	__atomic_store_n(&path->count->proven, 0, __ATOMIC_RELAXED);
}

static void close_sock(struct madp_worker *w, struct madp_path *path)
{
	if (w->role != MADP_ROLE_CLIENT || !path->sock)
		return;
	madp_sock_close(path->sock);
	path->sock = NULL;
}

static void drop_path(struct madp_worker *w, struct madp_path *path)
{
	madp_guard_end(w, path);
	madp_outbox_flush(&w->out); /* before its peer is forgotten */
	forget_peer(w, path);
	close_sock(w, path);
	if (path->collect.buf)
		madp_slab_put(&w->sdus, path->collect.buf);
	path->collect.buf = NULL;
	madp_plane_link_del(&path->session->plane, path->slot, w->now);
	__atomic_store_n(&path->count->owner, 0, __ATOMIC_RELAXED);
	path->used = false;
	path->session->paths &= (madp_linkset)~madp_link_bit(path->slot);
	path->sock = NULL;
}

static struct madp_path *path_of(struct madp_session *s, uint8_t cid)
{
	for (size_t i = 0; i < MADP_LINKS_MAX; i++)
		if (s->path[i].used && s->path[i].cid == cid)
			return &s->path[i];
	return NULL;
}

static struct madp_sock *free_sock(struct madp_worker *w)
{
	for (size_t i = 0; i < MADP_SOCKS_MAX; i++)
		if (w->sock[i].fd < 0)
			return &w->sock[i];
	return NULL;
}

/** Client: the path's socket, connected to the N-MADP. */
static void take_sock(struct madp_worker *w, struct madp_path *path, int fd, int out,
	const struct madp_link_set *link)
{
	struct madp_sock *sock = free_sock(w);
	uint8_t nonce[MADP_NONCE];

	if (!sock || madp_worker_watch(w, fd, sock) < 0) {
		close(fd);
		if (out >= 0)
			close(out);
		return;
	}
	sock->fd = fd;
	sock->nat = out >= 0;
	sock->out = out;
	sock->path = path;
	path->sock = sock;
	path->outer = outer_of(path, link->local.family == AF_INET6);
	madp_worker_random(w, nonce, sizeof(nonce));
	madp_prover_start(&path->prover, nonce, w->now);
}

static void add_path(
	struct madp_worker *w, struct madp_session *s, const struct madp_order *o, size_t i)
{
	const struct madp_link_set *link = &s->set->link[i];
	const struct madp_link_conf c = {
		.cid = link->cid, .rate = link->rate, .bound = link->bound, .probe = s->set->probe};
	struct madp_path *path = s->path;

	while (path->used)
		path++;
	*path = (struct madp_path){.session = s,
		.slot = (uint8_t)(path - s->path),
		.cid = link->cid,
		.connection_id = (uint8_t)(s->set->anchor_cid << 4 | link->cid),
		.used = true,
		.guard.on = link->dtls,
		.ipsec = link->ipsec,
		.nat_on = link->client_nat,
		.nat_side = w->role == MADP_ROLE_CLIENT ? MADP_NAT_SOURCE : MADP_NAT_DESTINATION,
		.mtu = link->mtu};
	memcpy(path->nat.anchor, s->set->anchor4.ip, sizeof(path->nat.anchor));
	memcpy(path->nat.link, link->local.ip, sizeof(path->nat.link)); /* network: by proof */
	s->paths |= madp_link_bit(path->slot);
	path->count = &s->account->link[path->slot];
	memset(path->count, 0, sizeof(*path->count));
	__atomic_store_n(&path->count->owner, link->cid + 1u, __ATOMIC_RELAXED);
	madp_plane_link_add(&s->plane, path->slot, &c, w->now);
	madp_plane_carrier(&s->plane, path->slot, false, w->now); /* until the peer is proven */
	if (o->fd[i] >= 0)
		take_sock(w, path, o->fd[i], o->out[i], link);
}

static const struct madp_link_set *link_of(const struct madp_session_set *set, uint8_t cid)
{
	for (size_t i = 0; i < set->n_links; i++)
		if (set->link[i].cid == cid)
			return &set->link[i];
	return NULL;
}

/** Links that stay keep their peers and measurements. */
static void change_paths(struct madp_worker *w, struct madp_session *s,
	const struct madp_session_set *old, const struct madp_order *o)
{
	const struct madp_session_set *set = s->set;

	for (size_t i = 0; i < MADP_LINKS_MAX; i++) {
		struct madp_path *path = &s->path[i];
		const struct madp_link_set *is;

		if (!path->used)
			continue;
		is = link_of(set, path->cid);
		if (!is || !madp_link_set_same(is, link_of(old, path->cid)) ||
			set->anchor_cid != old->anchor_cid) {
			drop_path(w, path);
			continue;
		}
		path->mtu = is->mtu;
		memcpy(path->nat.anchor, set->anchor4.ip, sizeof(path->nat.anchor));
	}
	for (size_t i = 0; i < set->n_links; i++)
		if (!path_of(s, set->link[i].cid))
			add_path(w, s, o, i);
}

/** Connection ids become slots. */
static void change_treatment(struct madp_worker *w, struct madp_session *s)
{
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		/* a class that is not configured is treated as class 0 */
		const struct madp_class_set *c =
			s->set->cls[i].used ? &s->set->cls[i] : s->set->cls;
		struct madp_treat t = c->send;

		t.n_links = 0;
		for (size_t k = 0; k < c->send.n_links; k++) {
			const struct madp_path *path = path_of(s, c->send.links[k]);

			if (!path)
				continue;
			t.links[t.n_links] = path->slot;
			t.weight[t.n_links++] = c->send.weight[k];
		}
		/* what a dead link held of packets that went over all links is not sent again */
		(void)!madp_plane_treat(&s->plane, i, &t, c->peer_lossless && !c->peer_repeats,
			c->pass_late, w->now);
		madp_receiver_split(&s->plane.rx, i, c->peer_splits);
		madp_receiver_twice(&s->plane.rx, i, c->peer_repeats);
		madp_plane_calm(&s->plane, i, !c->peer_needs_reports);
	}
}

/* ---- sessions ---- */

static void index_session(struct madp_worker *w, struct madp_session *s)
{
	if (s->set->anchor4.family)
		HASH_ADD_KEYPTR(by_anchor4, w->anchors4, s->set->anchor4.ip, 4, s);
	if (s->set->anchor6.family)
		HASH_ADD_KEYPTR(by_anchor6, w->anchors6, s->set->anchor6.ip, 16, s);
}

static void unindex_session(struct madp_worker *w, struct madp_session *s)
{
	if (s->set->anchor4.family)
		HASH_DELETE(by_anchor4, w->anchors4, s);
	if (s->set->anchor6.family)
		HASH_DELETE(by_anchor6, w->anchors6, s);
}

static struct madp_session *new_session(struct madp_worker *w, struct madp_order *o)
{
	struct madp_plane_conf conf = madp_plane_defaults;
	const struct madp_mem mem = {mem_get, mem_put, w};
	struct madp_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	conf.role = w->role == MADP_ROLE_CLIENT ? MADP_PROBE_CLIENT : MADP_PROBE_NETWORK;
	s->set = o->set;
	s->scope = w->scopes++;
	s->account = madp_account_ref(o->account);
	s->timer.kind = MADP_TIMER_SESSION;
	s->due = MAMS_TIME_NEVER;
	madp_worker_random(w, &s->incarnation, sizeof(s->incarnation));
	s->incarnation |= 1; /* 0: none */
	madp_plane_init(&s->plane, &conf, &mem, w->now);
	HASH_ADD_KEYPTR(by_id, w->ids, &s->set->id, sizeof(s->set->id), s);
	index_session(w, s);
	if (w->role == MADP_ROLE_CLIENT && !w->parting)
		w->only = s;
	return s;
}

static void end_session(struct madp_worker *w, struct madp_session *s)
{
	unsigned cls;
	uint32_t len;
	void *pkt;

	for (size_t i = 0; i < MADP_LINKS_MAX; i++)
		if (s->path[i].used)
			drop_path(w, &s->path[i]);
	madp_reasm_end(w->reassembly, &s->reassembly);
	madp_sender_drop(&s->plane.tx);
	while ((pkt = madp_sender_reap(&s->plane.tx, w->now)))
		madp_slab_put(&w->sdus, pkt);
	while ((pkt = madp_receiver_drain(&s->plane.rx, &cls, &len)))
		madp_slab_put(&w->sdus, pkt);
	madp_plane_fini(&s->plane);
	mams_timerq_del(&w->timers, &s->timer);
	if (!s->parting) {
		unindex_session(w, s);
		HASH_DELETE(by_id, w->ids, s);
	}
	if (s->touched)
		STAILQ_REMOVE(&w->touched, s, madp_session, turn);
	if (w->only == s)
		w->only = NULL;
	if (w->parting == s)
		w->parting = NULL;
	madp_session_set_free(s->set);
	madp_account_unref(s->account);
	free(s);
}

static void replace(struct madp_worker *w, struct madp_session *s, struct madp_order *o)
{
	struct madp_session_set *old = s->set;

	unindex_session(w, s);
	HASH_DELETE(by_id, w->ids, s);
	s->set = o->set;
	s->scope = w->scopes++;
	HASH_ADD_KEYPTR(by_id, w->ids, &s->set->id, sizeof(s->set->id), s);
	index_session(w, s);
	change_paths(w, s, old, o);
	if (!madp_session_set_same_key(s->set, old))
		for (size_t i = 0; i < MADP_LINKS_MAX; i++)
			if (s->path[i].used)
				madp_guard_renew(w, &s->path[i]);
	madp_session_set_free(old);
}

/* ---- to another N-MADP ---- */

/** Make before break: what comes from the former N-MADP is taken as long as it comes, and the
 *  host's packets go there until a path to the new one is up.  Each has its own sequence. */
static void begin_parting(struct madp_worker *w, struct madp_session *s)
{
	if (w->parting && w->only == w->parting) {
		end_session(w, s); /* it has never carried anything */
		return;
	}
	if (w->parting)
		end_session(w, w->parting);
	unindex_session(w, s);
	HASH_DELETE(by_id, w->ids, s);
	s->parting = true;
	s->data_at = w->now;
	w->parting = s;
	madp_inc(&w->counters.moves);
	madp_session_touch(w, s);
}

bool madp_session_carries(const struct madp_session *s)
{
	madp_linkset set = madp_treat_set(&s->plane.tx.cls[0].treat);

	for (unsigned i = 0; set >> i; i++)
		if ((set & madp_link_bit(i)) && madp_plane_is_up(&s->plane, i))
			return true;
	return false;
}

void madp_session_succeed(struct madp_worker *w, struct madp_session *s)
{
	if (s->parting || w->only == s || !madp_session_carries(s))
		return;
	w->only = s;
	w->parting->data_at = w->now;
}

static bool is_cut_off(const struct madp_session *s)
{
	for (unsigned i = 0; s->paths >> i; i++)
		if (madp_plane_is_up(&s->plane, i))
			return false;
	return true;
}

bool madp_session_part(struct madp_worker *w, struct madp_session *s, mams_time *next)
{
	const mams_time end = mams_time_add_ms(s->data_at, PARTING_MS);

	if (is_cut_off(s) || (w->only != s && !mams_time_before(w->now, end))) {
		if (w->only == s)
			w->only = w->ids; /* beside this a client has one session */
		end_session(w, s);
		return true;
	}
	if (w->only != s)
		*next = mams_time_min(*next, end);
	return false;
}

/** Its association is gone: nothing is sent until the peer proves itself anew, which it can do
 * inside another one only. */
static void lose_path(struct madp_worker *w, struct madp_path *path)
{
	if (!path || !path->ipsec)
		return;
	madp_outbox_flush(&w->out);
	forget_peer(w, path);
	madp_session_lost(w, path);
}

void madp_session_order(struct madp_worker *w, struct madp_order *o)
{
	struct madp_session *s;

	HASH_FIND(by_id, w->ids, &o->id, sizeof(o->id), s);
	if (o->moves && s) {
		begin_parting(w, s);
		s = NULL;
	}
	if (o->losing) {
		if (s)
			lose_path(w, path_of(s, o->lost));
	} else if (!o->set) {
		if (s)
			end_session(w, s);
		if (w->parting)
			end_session(w, w->parting);
	} else if (s) {
		replace(w, s, o);
	} else {
		s = new_session(w, o);
		if (s)
			change_paths(w, s, s->set, o);
		else
			madp_session_set_free(o->set);
	}
	if (o->set && s) {
		change_treatment(w, s);
		madp_session_touch(w, s);
	}
	madp_account_unref(o->account);
	free(o);
}

void madp_session_end_all(struct madp_worker *w)
{
	struct madp_session *s;
	struct madp_session *next;

	if (w->parting)
		end_session(w, w->parting);
	HASH_ITER(by_id, w->ids, s, next)
	end_session(w, s);
}

void madp_session_meet(struct madp_worker *w, struct madp_session *s, uint32_t incarnation)
{
	if (s->peer_incarnation && s->peer_incarnation != incarnation) {
		unsigned cls;
		uint32_t len;
		void *pkt;

		while ((pkt = madp_receiver_drain(&s->plane.rx, &cls, &len)))
			madp_deliver(w, pkt, len, pkt);
		madp_receiver_restart(&s->plane.rx);
		s->plane.peer_seen = false;
		madp_reasm_end(w->reassembly, &s->reassembly);
		madp_inc(&w->counters.peer_restarted);
	}
	s->peer_incarnation = incarnation;
}

void madp_session_prove(struct madp_worker *w, struct madp_path *path, struct madp_sock *sock,
	const struct sockaddr *from)
{
	bool v6 = from->sa_family == AF_INET6;
	struct madp_path *other;

	/* whoever shows the proof in the clear gets nothing in the clear */
	if (w->role == MADP_ROLE_NETWORK && path->ipsec && !sock->inside) {
		madp_inc(&w->counters.proof_outside);
		return;
	}
	madp_inc(&w->counters.proof_accepted);
	if (w->role == MADP_ROLE_NETWORK) {
		struct madp_peer_key k;

		if (!madp_peer_key_of(sock, from, &k))
			return;
		forget_peer(w, path);
		/* that address was another path's: its owner has shown the newer proof */
		HASH_FIND(hh, w->peers, &k, sizeof(k), other);
		if (other) {
			forget_peer(w, other);
			madp_plane_carrier(&other->session->plane, other->slot, false, w->now);
			madp_session_touch(w, other->session);
		}
		path->key = k;
		path->sock = sock;
		path->peer_len = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
		memcpy(&path->peer, from, path->peer_len);
		memcpy(path->nat.link, k.ip, sizeof(path->nat.link));
		path->outer = outer_of(path, v6);
		path->generation++;
		HASH_ADD(hh, w->peers, key, sizeof(path->key), path);
	}
	path->proven = true;
	__atomic_store_n(&path->count->proven, 1, __ATOMIC_RELAXED);
	madp_worker_tell(w, path, MADP_NOTE_PROVEN);
	if (path->guard.on)
		madp_guard_start(w, path);
	else
		madp_session_ready(w, path);
	madp_session_touch(w, path->session);
}

void madp_session_ready(struct madp_worker *w, struct madp_path *path)
{
	madp_plane_proven(&path->session->plane, path->slot, w->now);
	madp_session_touch(w, path->session);
}

void madp_session_lost(struct madp_worker *w, struct madp_path *path)
{
	madp_plane_carrier(&path->session->plane, path->slot, false, w->now);
	madp_session_touch(w, path->session);
}

static void fetch(const void *from, const void *to)
{
	for (const char *p = from; p < (const char *)to; p += CACHE_LINE)
		__builtin_prefetch(p, 0, 2);
}

void madp_path_fetch(const struct madp_path *path)
{
	fetch(&path->key, &path->hh + 1);
	fetch(path, &path->slot);
}

void madp_session_fetch(const struct madp_path *path)
{
	const struct madp_session *s = path->session;
	const struct madp_plane *p = &s->plane;
	const struct madp_receiver *rx = &p->rx;
	unsigned slot = path->slot;

	fetch(s, p->tx.link);
	fetch(path, &path->nat);
	fetch(&p->tx.link[slot], &p->tx.link[slot].report_at);
	fetch(&p->link[slot], p->link[slot].probe.out);
	fetch(rx, rx->meter);
	fetch(&rx->meter[slot], &rx->meter[slot].loss[1]);
	fetch(&rx->view[slot], &rx->view[slot + 1]);
	fetch(rx->flow, rx->flow[0].died_at);
	fetch(&s->account->link[slot], &s->account->link[slot + 1]);
	fetch(s->account->cls, &s->account->cls[1]);
	fetch(s->set, &s->set->link);
}

void madp_session_touch(struct madp_worker *w, struct madp_session *s)
{
	if (s->touched)
		return;
	s->touched = true;
	STAILQ_INSERT_TAIL(&w->touched, s, turn);
}
