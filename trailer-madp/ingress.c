/* From the links to the TUN device.  Checks in this order: length, identity of the sender, syntax,
 * connection, addresses; then state changes. */
#include "trailer-madp/concat.h"
#include "trailer-madp/worker.h"

#include <errno.h>
#include <string.h>

#define RECEIVES_PER_TURN 4

bool madp_peer_key_of(
	const struct madp_sock *sock, const struct sockaddr *sa, struct madp_peer_key *k)
{
	memset(k, 0, sizeof(*k));
	k->sock = sock->index;
	k->family = (uint8_t)sa->sa_family;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		memcpy(k->ip, &in->sin_addr, 4);
		k->port = in->sin_port;
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

		memcpy(k->ip, &in6->sin6_addr, 16);
		k->port = in6->sin6_port;
		return true;
	}
	return false;
}

static struct madp_path *find_path(
	struct madp_worker *w, const struct madp_sock *sock, const struct sockaddr *from)
{
	struct madp_peer_key k;
	struct madp_path *path;

	if (sock->path)
		return sock->path->proven ? sock->path : NULL;
	if (!madp_peer_key_of(sock, from, &k))
		return NULL;
	HASH_FIND(hh, w->peers, &k, sizeof(k), path);
	return path;
}

/** The client's own address must stand on its side, inside the tunnel. */
static bool address_is_right(
	const struct madp_worker *w, const struct madp_session *s, const uint8_t *sdu)
{
	bool v4 = sdu[0] >> 4 == 4;
	const struct mams_addr *a = v4 ? &s->set->anchor4 : &s->set->anchor6;
	size_t at = v4 ? 12 : 8;

	if (w->role == MADP_ROLE_CLIENT)
		at += v4 ? 4 : 16;
	return a->family && memcmp(a->ip, sdu + at, v4 ? 4 : 16) == 0;
}

static void deliver_checked(struct madp_worker *w, struct madp_session *s, unsigned cls,
	const uint8_t *sdu, size_t len, void *pooled)
{
	madp_inc(&s->account->cls[cls].rx_sdus);
	madp_add(&s->account->cls[cls].rx_octets, len);
	madp_inc(&w->counters.sdus_received);
	madp_deliver(w, sdu, len, pooled);
}

void madp_ingress_pump(struct madp_worker *w, struct madp_session *s)
{
	unsigned cls;
	uint32_t len;
	void *pkt;

	while ((pkt = madp_receiver_next(&s->plane.rx, &cls, &len, w->now)))
		deliver_checked(w, s, cls, pkt, len, pkt);
}

/** More of this turn is yet to be read: nothing is given up for lost before. */
static void deliver_followers(struct madp_worker *w, struct madp_session *s, unsigned cls)
{
	uint32_t len;
	void *pkt;

	while ((pkt = madp_receiver_in_order(&s->plane.rx, cls, &len, w->now)))
		deliver_checked(w, s, cls, pkt, len, pkt);
}

/** @param pooled  one of w->sdus in which the SDU lies, or NULL; given back once it is used
 *  @return false: it is still the caller's */
static bool take_sdu(struct madp_worker *w, struct madp_path *path, const struct madp_gma *g,
	const uint8_t *sdu, size_t len, void *pooled)
{
	unsigned cls = (g->flags & MADP_GMA_FLOW_ID) ? g->flow_id : 0;
	struct madp_session *s = path->session;
	struct madp_class_count *count = &s->account->cls[cls];
	bool even = madp_receiver_is_split(&s->plane.rx, cls) && madp_ip_is_stream(sdu, len);

	if (!address_is_right(w, s, sdu)) {
		madp_inc(w->role == MADP_ROLE_CLIENT ? &w->counters.foreign_destination
						     : &w->counters.spoofed_source);
		madp_inc(&s->account->spoofed);
		return false;
	}
	if (!w->spare)
		w->spare = madp_slab_get(&w->sdus);
	if (!w->spare || len > w->sdus.size) {
		madp_inc(w->spare ? &w->counters.too_long : &w->counters.no_memory);
		return false;
	}
	switch (madp_receiver_sdu(
		&s->plane.rx, cls, path->slot, g->flow_sn, w->spare, (uint32_t)len, even, w->now)) {
	case MADP_REORDER_PASS:
		madp_inc(&count->rx_passed);
		__attribute__((fallthrough));
	case MADP_REORDER_DELIVER:
		deliver_checked(w, s, cls, sdu, len, pooled);
		deliver_followers(w, s, cls);
		return true;
	case MADP_REORDER_HELD:
		memcpy(w->spare, sdu, len);
		w->spare = madp_slab_get(&w->sdus);
		madp_inc(&count->rx_held);
		return false;
	case MADP_REORDER_DUPLICATE:
		madp_inc(&w->counters.duplicate);
		madp_inc(&count->duplicate);
		return false;
	case MADP_REORDER_LATE:
		madp_inc(&w->counters.late);
		madp_inc(&count->late);
		return false;
	case MADP_REORDER_NOMEM:
		madp_inc(&w->counters.no_memory);
		return false;
	case MADP_REORDER_AHEAD:
		madp_inc(&w->counters.ahead);
		return false;
	}
	return false;
}

/** Part of an SDU; the whole, when it was the last one missing. */
static void take_fragment(struct madp_worker *w, struct madp_path *path, const struct madp_gma *g,
	const struct madp_pkt *p)
{
	struct madp_session *s = path->session;
	enum madp_reason why;
	uint32_t len;
	uint8_t *sdu;

	if (madp_reasm_add(w->reassembly, &s->reassembly, g, p->data, p->len, w->now, &len) !=
		MADP_REASM_COMPLETE)
		return;
	sdu = len <= w->sdus.size ? madp_slab_get(&w->sdus) : NULL;
	if (!sdu) {
		madp_inc(len <= w->sdus.size ? &w->counters.no_memory : &w->counters.too_long);
		return;
	}
	why = madp_reasm_take(w->reassembly, sdu);
	if (why != MADP_OK)
		madp_inc(&s->account->cls[(g->flags & MADP_GMA_FLOW_ID) ? g->flow_id : 0]
				  .reassembly_failed);
	if (why != MADP_OK || !take_sdu(w, path, g, sdu, len, sdu))
		madp_slab_put(&w->sdus, sdu);
}

/** Several SDUs: all of them are whole packets, or nothing is taken. */
static void take_several(struct madp_worker *w, struct madp_path *path, const struct madp_gma *g,
	const struct madp_pkt *p)
{
	struct madp_gma one = *g;
	struct madp_concat_sdu sdu;
	struct madp_split split;
	enum madp_reason why = madp_split_init(&split, p, g);

	if (why != MADP_OK) {
		madp_inc(&w->counters.refused[why]);
		madp_inc(&path->count->rx_refused);
		return;
	}
	madp_add(&w->counters.split, split.n);
	while (madp_split_next(&split, &sdu)) {
		one.flow_sn = sdu.flow_sn;
		(void)!take_sdu(w, path, &one, sdu.data, sdu.len, NULL);
	}
}

static void take_data(struct madp_worker *w, struct madp_path *path, const struct madp_gma *g,
	struct madp_pkt *p, size_t wire_len)
{
	const struct madp_in in = {.wire_len = (uint32_t)wire_len,
		.has_ts = (g->flags & MADP_GMA_TIMESTAMP) != 0,
		.has_delivery_sn = (g->flags & MADP_GMA_DELIVERY_SN) != 0,
		.ts_ms = g->timestamp_ms,
		.delivery_sn = g->delivery_sn,
		.cls = (g->flags & MADP_GMA_FLOW_ID) ? g->flow_id : 0};

	if ((g->flags & MADP_GMA_CONNECTION_ID) && g->connection_id != path->connection_id) {
		madp_inc(&w->counters.wrong_connection);
		return;
	}
	if (!(g->flags & MADP_GMA_FLOW_SN)) {
		if (!madp_control_take(w, path, p->data, p->len))
			madp_inc(&w->counters.no_sequence);
		return;
	}
	if (!madp_plane_pdu(&path->session->plane, path->slot, &in, w->now)) {
		madp_inc(&w->counters.unknown_flow);
		return;
	}
	path->session->data_at = w->now;
	if (madp_gma_is_fragment(g))
		take_fragment(w, path, g, p);
	else if (g->first_len == p->len)
		(void)!take_sdu(w, path, g, p->data, p->len, NULL);
	else
		take_several(w, path, g, p);
}

static void take_pdu(struct madp_worker *w, struct madp_path *path, uint8_t *data, size_t len)
{
	struct madp_pkt p = {.data = data, .len = (uint32_t)len};
	struct madp_gma g;
	enum madp_reason why = madp_gma_decap(&path->session->set->gma, &p, &g);

	madp_inc(&path->count->rx_packets);
	madp_add(&path->count->rx_octets, len + path->outer);
	madp_inc(&w->counters.pdus_received);
	if (why != MADP_OK) {
		madp_inc(&w->counters.refused[why]);
		madp_inc(&path->count->rx_refused);
		return;
	}
	take_data(w, path, &g, &p, len + path->outer);
}

/** Of a protected path: records and proofs only. */
static void take_protected(struct madp_worker *w, struct madp_sock *sock, struct madp_path *path,
	const struct mams_udp_in *in, uint8_t *data, size_t len)
{
	size_t sizes[MADP_GUARD_PDUS];
	size_t n;

	if (!madp_guard_is_record(data, len)) {
		madp_control_stranger(w, sock, in->from, data, len);
		return;
	}
	n = madp_guard_take(w, path, data, len, sizes);
	for (size_t i = 0; i < n; data += sizes[i++])
		take_pdu(w, path, data, sizes[i]);
}

/** Is it still the path of who sends from there? */
static bool is_from(
	const struct madp_path *path, const struct madp_sock *sock, const struct sockaddr *from)
{
	struct madp_peer_key k;

	return path->proven && madp_peer_key_of(sock, from, &k) &&
	       memcmp(&k, &path->key, sizeof(k)) == 0;
}

/** @param path  where it was looked up already, else NULL; a proof may have moved it since */
static void take_datagrams(struct madp_worker *w, struct madp_sock *sock, struct madp_path *path,
	const struct mams_udp_in *in)
{
	if (!path || !is_from(path, sock, in->from))
		path = find_path(w, sock, in->from);
	if (!in->whole) {
		madp_inc(&w->counters.cut);
		return;
	}
	if (path)
		madp_session_touch(w, path->session);
	for (size_t at = 0; at < in->len; at += in->segment) {
		size_t len = in->len - at < in->segment ? in->len - at : in->segment;

		if (path && path->guard.on)
			take_protected(w, sock, path, in, in->data + at, len);
		else if (path)
			take_pdu(w, path, in->data + at, len);
		else
			madp_control_stranger(w, sock, in->from, in->data + at, len);
	}
}

/** Not from a peer that we know: a proof, or nothing to us. */
static void take_strange_packet(struct madp_worker *w, struct madp_sock *sock,
	const struct sockaddr *from, struct madp_pkt *p)
{
	static const struct madp_gma_rules rules = {.v4 = MADP_GMA_TRAILER};
	struct madp_gma g;
	enum madp_reason why = madp_gma_decap(&rules, p, &g);

	if (why != MADP_OK)
		madp_inc(&w->counters.refused[why]);
	else
		madp_control_stranger(w, sock, from, p->data, p->len);
}

/** A packet of protocol 114, as it came from a link with client NAT. */
static void take_packet(struct madp_worker *w, struct madp_sock *sock, const struct mams_udp_in *in)
{
	enum madp_nat_side side =
		w->role == MADP_ROLE_CLIENT ? MADP_NAT_DESTINATION : MADP_NAT_SOURCE;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
	} from = {.in.sin_family = AF_INET};
	struct madp_path *path;
	size_t len = 0;
	enum madp_reason why = madp_nat_look(in->data, in->len, &len);
	struct madp_pkt p = {.data = in->data, .len = (uint32_t)len};

	if (why == MADP_OK && sock->path &&
		memcmp(madp_nat_address(in->data, side), sock->path->nat.link, 4) != 0)
		why = MADP_NAT_ADDRESS;
	if (why != MADP_OK) {
		madp_inc(&w->counters.refused[why]);
		return;
	}
	memcpy(&from.in.sin_addr, madp_nat_address(in->data, MADP_NAT_SOURCE), 4);
	path = find_path(w, sock, &from.any);
	if (!path) {
		take_strange_packet(w, sock, &from.any, &p);
		return;
	}
	madp_session_touch(w, path->session);
	if (madp_nat_in(p.data, side, &path->nat) == MADP_OK)
		take_pdu(w, path, p.data, p.len);
	else
		madp_inc(&w->counters.refused[MADP_NAT_ADDRESS]);
}

/** Where an address is looked up begins to come into the cache. @return the address's hash */
static unsigned fetch_bucket(
	struct madp_worker *w, const struct madp_sock *sock, const struct sockaddr *from)
{
	const struct UT_hash_table *t = w->peers->hh.tbl;
	struct madp_peer_key k;
	unsigned hash;

	if (!madp_peer_key_of(sock, from, &k))
		return 0;
	HASH_VALUE(&k, sizeof(k), hash);
	__builtin_prefetch(&t->buckets[hash & (t->num_buckets - 1)]);
	return hash;
}

/** Once that is there: what is looked at first. */
static void fetch_first(const struct madp_worker *w, unsigned hash)
{
	const struct UT_hash_table *t = w->peers->hh.tbl;
	struct UT_hash_handle *first = t->buckets[hash & (t->num_buckets - 1)].hh_head;

	if (first)
		madp_path_fetch(MAMS_CONTAINER_OF(first, struct madp_path, hh));
}

/** Of more sessions than a cache holds, each datagram would wait for its own, and for each step on
 *  the way to it: all of a batch take the steps together.
 *  @param path  filled: of whom each is, NULL if that is not known (yet) */
static void fetch_paths(struct madp_worker *w, const struct madp_sock *sock,
	const struct mams_udp_in *in, int n, struct madp_path **path)
{
	unsigned hash[MAMS_UDP_RX_BATCH];

	memset(path, 0, MAMS_UDP_RX_BATCH * sizeof(path[0]));
	if (n < 2 || sock->path || sock->nat || !w->peers)
		return;
	for (int i = 0; i < n; i++)
		hash[i] = fetch_bucket(w, sock, in[i].from);
	for (int i = 0; i < n; i++)
		fetch_first(w, hash[i]);
	for (int i = 0; i < n; i++) {
		path[i] = find_path(w, sock, in[i].from);
		if (path[i])
			__builtin_prefetch(path[i]->session);
	}
	for (int i = 0; i < n; i++)
		if (path[i] && (i == 0 || path[i] != path[i - 1]))
			madp_session_fetch(path[i]);
}

void madp_ingress_run(struct madp_worker *w, struct madp_sock *sock)
{
	struct mams_udp_in in[MAMS_UDP_RX_BATCH];
	struct madp_path *path[MAMS_UDP_RX_BATCH];

	for (int i = 0; i < RECEIVES_PER_TURN; i++) {
		int n = mams_udp_recv(w->rx, sock->fd, in);

		madp_inc(&w->counters.receive_calls);
		if (n < 0) {
			if (n != -EAGAIN)
				madp_inc(&w->counters.receive_failed);
			return;
		}
		fetch_paths(w, sock, in, n, path);
		for (int k = 0; k < n; k++)
			if (sock->nat)
				take_packet(w, sock, &in[k]);
			else
				take_datagrams(w, sock, path[k], &in[k]);
		madp_deliver_flush(w);
		if (n < (int)MAMS_UDP_RX_BATCH)
			return;
	}
}
