/* MX Control PDUs: the proof that opens a path, and what the plane says and hears.  A stranger is
 * answered only when it knows a session's secret, and then by as many octets as it sent. */
#include "trailer-madp/frame.h"
#include "trailer-madp/mac.h"
#include "trailer-madp/worker.h"

#include <string.h>

#define EMPTY_HEADER 2u /* GMA header without fields, RFC 9188 4.3 */

static const uint8_t *client_address(const struct madp_session *s)
{
	return s->set->anchor4.family ? s->set->anchor4.ip : madp_frame_client;
}

/** On a link with client NAT it is a PDU with a trailer, as all else there: what does not get
 *  through as such is not heard. */
static void send_natted(
	struct madp_worker *w, struct madp_path *path, const uint8_t *pdu, size_t len)
{
	static const struct madp_gma g = {.form = MADP_GMA_TRAILER, .flags = MADP_GMA_TTL};
	const struct madp_session *s = path->session;
	bool client = w->role == MADP_ROLE_CLIENT;
	struct madp_pkt p = {.len = (uint32_t)(MADP_FRAME_HDR + len),
		.tail = madp_gma_size(MADP_GMA_TRAILER, g.flags)};

	p.data = path->sock && p.len + p.tail <= path->mtu
			 ? madp_outbox_reserve(&w->out, path, p.len + p.tail)
			 : NULL;
	if (!p.data)
		return;
	memcpy(p.data + MADP_FRAME_HDR, pdu, len);
	(void)!madp_frame_put(p.data, client ? path->nat.anchor : madp_frame_network,
		client ? madp_frame_network : path->nat.anchor, s->set->control_port, len);
	if (madp_gma_encap(&s->set->gma, &g, &p) != MADP_OK)
		return;
	madp_outbox_commit(&w->out, path, p.len);
	madp_inc(&w->counters.control_sent);
}

/** Wrap and queue pdu[len] on a path whose peer is known.
 *  @param clear  a proof: never in a record, since it comes before there can be any */
static void send_on(
	struct madp_worker *w, struct madp_path *path, const uint8_t *pdu, size_t len, bool clear)
{
	const struct madp_session *s = path->session;
	bool client = w->role == MADP_ROLE_CLIENT;
	size_t skip = s->set->gma.v4 == MADP_GMA_HEADER ? EMPTY_HEADER : 0;
	size_t total = skip + MADP_FRAME_HDR + len;
	/* what goes in the clear on a protected path tells nothing of what is inside */
	const uint8_t *own = path->guard.on && clear ? madp_frame_client : client_address(s);
	uint8_t *room;

	if (path->nat_on) {
		send_natted(w, path, pdu, len);
		return;
	}
	if (!path->sock || total + path->outer > path->mtu)
		return;
	room = clear ? madp_outbox_reserve(&w->out, path, total)
		     : madp_guard_reserve(w, path, total);
	if (!room)
		return;
	memset(room, 0, skip);
	memcpy(room + skip + MADP_FRAME_HDR, pdu, len);
	(void)!madp_frame_put(room + skip, client ? own : madp_frame_network,
		client ? madp_frame_network : own, s->set->control_port, len);
	if (clear)
		madp_outbox_commit(&w->out, path, total);
	else
		madp_guard_commit(w, path, total);
	madp_inc(&w->counters.control_sent);
}

static struct madp_secret secret_of(const struct madp_session *s)
{
	return (struct madp_secret){madp_mac, s->set->key, s->set->key_len};
}

/* ---- proof, network role ---- */

static bool may_spend(struct madp_worker *w)
{
	int64_t second = w->now.us / 1000000;

	if (second != w->proof_second) {
		w->proof_second = second;
		w->proofs = 0;
	}
	return w->proofs++ < w->limits.proofs;
}

static struct madp_path *path_by_cid(struct madp_session *s, uint8_t cid)
{
	for (size_t i = 0; i < MADP_LINKS_MAX; i++)
		if (s->path[i].used && s->path[i].cid == cid)
			return &s->path[i];
	return NULL;
}

/** An answer to where the question came from, which may not be the path's peer (yet). */
static void answer(struct madp_worker *w, struct madp_path *path, struct madp_sock *sock,
	const struct sockaddr *from, struct madp_proof *p)
{
	const struct madp_secret secret = secret_of(path->session);
	struct madp_path to = *path;
	uint8_t pdu[MADP_PROOF_SIZE];

	p->incarnation = path->session->incarnation;
	madp_proof_encode(p, &secret, pdu);
	to.sock = sock;
	to.message = NULL;
	to.peer_len = from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in);
	memcpy(&to.peer, from, to.peer_len);
	to.outer = sock->nat ? 0 : from->sa_family == AF_INET6 ? 48 : 28;
	if (sock->nat)
		memcpy(to.nat.link, &((const struct sockaddr_in *)(const void *)from)->sin_addr,
			sizeof(to.nat.link));
	send_on(w, &to, pdu, sizeof(pdu), true);
	madp_outbox_flush(&w->out); /* to lives here only */
}

static struct madp_proof_bond bond_of(
	const struct madp_sock *sock, const struct sockaddr *from, const struct madp_path *path)
{
	struct madp_proof_bond bond = {.generation = path->generation};
	struct madp_peer_key k;

	_Static_assert(sizeof(k) == sizeof(bond.address), "the key is the address");
	if (madp_peer_key_of(sock, from, &k))
		memcpy(bond.address, &k, sizeof(k));
	return bond;
}

/** A HELLO or PROOF from anywhere. */
static void take_claim(struct madp_worker *w, struct madp_sock *sock, const struct sockaddr *from,
	const uint8_t *pdu, struct madp_proof *p)
{
	const struct madp_secret own = {madp_mac, w->own_key, sizeof(w->own_key)};
	struct madp_secret secret;
	struct madp_proof_bond bond;
	struct madp_path *path;
	struct madp_session *s;

	HASH_FIND(by_id, w->ids, &p->session, sizeof(p->session), s);
	path = s ? path_by_cid(s, p->cid) : NULL;
	if (!path || path->nat_on != sock->nat) {
		madp_inc(&w->counters.proof_unknown);
		return;
	}
	if (!may_spend(w)) {
		madp_inc(&w->counters.proof_limited);
		return;
	}
	secret = secret_of(s);
	if (!madp_proof_verify(pdu, &secret)) {
		madp_inc(&w->counters.proof_refused);
		return;
	}
	bond = bond_of(sock, from, path);
	if (p->step == MADP_PROOF_HELLO) {
		madp_proof_challenge(p, &bond, &own, w->now, p->server);
		p->step = MADP_PROOF_CHALLENGE;
		answer(w, path, sock, from, p);
	} else if (p->step == MADP_PROOF_PROOF && madp_proof_is_bound(p, &bond, &own, w->now)) {
		madp_session_meet(w, s, p->incarnation);
		p->step = MADP_PROOF_ACCEPT;
		answer(w, path, sock, from, p);
		madp_session_prove(w, path, sock, from);
	} else {
		madp_inc(&w->counters.proof_stale);
	}
}

/* ---- proof, client role ---- */

static void take_reply(struct madp_worker *w, struct madp_path *path, const uint8_t *pdu,
	const struct madp_proof *p)
{
	const struct madp_secret secret = secret_of(path->session);

	if (p->session != path->session->set->id || p->cid != path->cid ||
		!madp_prover_is_busy(&path->prover)) {
		madp_inc(&w->counters.proof_unknown);
		return;
	}
	if (!madp_proof_verify(pdu, &secret)) {
		madp_inc(&w->counters.proof_refused);
		return;
	}
	if (madp_prover_input(&path->prover, p, w->now)) {
		madp_session_meet(w, path->session, p->incarnation);
		madp_session_prove(w, path, path->sock, (const struct sockaddr *)&path->peer);
	}
	madp_session_touch(w, path->session);
}

/* ---- what comes in ---- */

static size_t find_frame(
	const struct madp_worker *w, const struct madp_session *s, const uint8_t *sdu, size_t len)
{
	bool client = w->role == MADP_ROLE_CLIENT;

	return madp_frame_get(sdu, len, client ? madp_frame_network : client_address(s),
		client ? client_address(s) : madp_frame_network, s->set->control_port);
}

bool madp_control_take(
	struct madp_worker *w, struct madp_path *path, const uint8_t *sdu, size_t len)
{
	size_t n = find_frame(w, path->session, sdu, len);
	const uint8_t *pdu = sdu + MADP_FRAME_HDR;
	struct madp_proof p;

	if (n == 0)
		return false;
	madp_inc(&w->counters.control_received);
	if (pdu[0] != MADP_PROOF_TYPE)
		madp_plane_control(&path->session->plane, path->slot, pdu, n, w->now);
	else if (madp_proof_decode(pdu, n, &p) < 0)
		madp_inc(&w->counters.control_unknown);
	else if (w->role == MADP_ROLE_CLIENT)
		take_reply(w, path, pdu, &p);
	else
		take_claim(w, path->sock, (const struct sockaddr *)&path->peer, pdu, &p);
	return true;
}

void madp_control_stranger(struct madp_worker *w, struct madp_sock *sock,
	const struct sockaddr *from, const uint8_t *data, size_t len)
{
	struct madp_proof p;

	/* cheap checks first: this is where a flood arrives */
	if (len >= EMPTY_HEADER && data[0] == 0 && data[1] == 0) {
		data += EMPTY_HEADER;
		len -= EMPTY_HEADER;
	}
	if (len != MADP_FRAME_HDR + MADP_PROOF_SIZE || data[0] != 0x45 ||
		madp_proof_decode(data + MADP_FRAME_HDR, MADP_PROOF_SIZE, &p) < 0) {
		madp_inc(&w->counters.unknown_source);
		return;
	}
	madp_inc(&w->counters.control_received);
	if (w->role == MADP_ROLE_CLIENT)
		take_reply(w, sock->path, data + MADP_FRAME_HDR, &p);
	else
		take_claim(w, sock, from, data + MADP_FRAME_HDR, &p);
}

/* ---- what goes out ---- */

static void pump_prover(struct madp_worker *w, struct madp_path *path)
{
	const struct madp_session *s = path->session;
	const struct madp_secret secret = secret_of(s);
	uint8_t pdu[MADP_PROOF_SIZE];
	struct madp_proof p;

	if (!madp_prover_next(&path->prover, w->now, &p))
		return;
	p.session = s->set->id;
	p.cid = path->cid;
	p.incarnation = s->incarnation;
	madp_proof_encode(&p, &secret, pdu);
	send_on(w, path, pdu, sizeof(pdu), true);
}

void madp_control_pump(struct madp_worker *w, struct madp_session *s)
{
	uint8_t pdu[MADP_CONTROL_MAX];
	unsigned slot;
	size_t n;

	for (unsigned i = 0; s->paths >> i; i++) {
		if (!(s->paths & madp_link_bit(i)))
			continue;
		if (madp_prover_is_busy(&s->path[i].prover))
			pump_prover(w, &s->path[i]);
		if (s->path[i].guard.on)
			madp_guard_tick(w, &s->path[i]);
	}
	while ((n = madp_plane_control_next(&s->plane, w->now, pdu, &slot)))
		if (s->path[slot].used && s->path[slot].proven)
			send_on(w, &s->path[slot], pdu, n, false);
}

mams_time madp_control_deadline(const struct madp_worker *w, const struct madp_session *s)
{
	mams_time next = MAMS_TIME_NEVER;

	for (unsigned i = 0; s->paths >> i; i++) {
		if (!(s->paths & madp_link_bit(i)))
			continue;
		next = mams_time_min(next, madp_prover_deadline(&s->path[i].prover));
		next = mams_time_min(next, madp_guard_deadline(w, &s->path[i]));
	}
	return next;
}
