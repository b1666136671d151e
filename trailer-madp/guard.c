#include "trailer-madp/guard.h"

#include "lib/base/log.h"
#include "lib/io/dtls.h"
#include "trailer-madp/certs.h"
#include "trailer-madp/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MODULE "guard"

#define FIRST_WAIT_MS 500
#define LAST_WAIT_MS 8000
#define OLD_MS 3000          /* longer than any datagram is under way */
#define AGE_MS (3600 * 1000) /* keys are not used longer */
#define CLEAR_OCTETS 65536u

#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22
#define RECORD_DATA 23
#define RECORD_HDR 13u
#define HELLO_RANDOM 27u /* behind the headers of record and handshake, and the version */

/* ---- identities ---- */

static void put_identity(const struct madp_path *path, char *out, size_t cap)
{
	snprintf(out, cap, "%llu-%u", (unsigned long long)path->session->set->id, path->cid);
}

static size_t key_of(void *user, const char *identity, uint8_t key[MAMS_DTLS_KEY_MAX])
{
	struct madp_worker *w = user;
	unsigned long long number;
	struct madp_session *s;
	unsigned cid;
	uint64_t id;
	char rest;

	if (sscanf(identity, "%20llu-%2u%c", &number, &cid, &rest) != 2)
		return 0;
	id = number;
	HASH_FIND(by_id, w->ids, &id, sizeof(id), s);
	if (!s)
		return 0;
	_Static_assert(MADP_KEY_MAX <= MAMS_DTLS_KEY_MAX, "a session's secret is a key");
	memcpy(key, s->set->key, s->set->key_len);
	return s->set->key_len;
}

int madp_guard_init(struct madp_worker *w)
{
	struct mams_dtls_conf conf = {.server = w->role == MADP_ROLE_NETWORK, .user = w};
	struct mams_error err = {0};
	int rc;

	/* one or the other: else who has no certificate would come by the secret */
	if (madp_certs_are_used(w->certs))
		madp_certs_put(w->certs, &conf);
	else
		conf.key_of = key_of;
	rc = mams_dtls_context_new(&conf, &w->dtls, &err);
	if (rc < 0)
		log_err("no DTLS: %s", err.text[0] ? err.text : mams_strerror(rc));
	w->clear = malloc(CLEAR_OCTETS);
	return rc == 0 && !w->clear ? -ENOMEM : rc;
}

void madp_guard_fini(struct madp_worker *w)
{
	mams_dtls_context_free(w->dtls);
	w->dtls = NULL;
	free(w->clear);
	w->clear = NULL;
}

/* ---- associations ---- */

static void emit(void *user, const uint8_t *data, size_t len)
{
	struct madp_path *path = user;
	struct madp_outbox *out = path->guard.out;
	uint8_t *room = path->sock ? madp_outbox_reserve(out, path, len) : NULL;

	if (!room)
		return;
	memcpy(room, data, len);
	madp_outbox_commit(out, path, len);
}

static struct mams_dtls_peer peer_of(struct madp_worker *w, struct madp_path *path)
{
	path->guard.out = &w->out;
	/* outer has the octets of the record, too */
	return (struct mams_dtls_peer){.emit = emit,
		.user = path,
		.mtu = path->mtu - (path->outer - MAMS_DTLS_OVERHEAD),
		.name = path->session->set->client};
}

bool madp_guard_is_open(const struct madp_path *path)
{
	return path->guard.now && mams_dtls_is_open(path->guard.now);
}

/** For status. */
static void show(const struct madp_path *path)
{
	__atomic_store_n(&path->count->dtls, madp_guard_is_open(path), __ATOMIC_RELAXED);
}

/** The path carries: now the plane may use it. */
static void ready(struct madp_worker *w, struct madp_path *path)
{
	if (!path->guard.waiting)
		return;
	path->guard.waiting = false;
	madp_session_ready(w, path);
}

/** What is sent on is gone; the client makes another. */
static void lose(struct madp_worker *w, struct madp_path *path)
{
	struct madp_guard *g = &path->guard;

	mams_dtls_free(g->now);
	g->now = NULL;
	show(path);
	g->waiting = true;
	g->retry_at = w->now;
	madp_session_lost(w, path);
}

static void drop_next(struct madp_guard *g)
{
	mams_dtls_free(g->next);
	g->next = NULL;
}

/** What was made takes the place of what is. */
static void promote(struct madp_worker *w, struct madp_path *path)
{
	struct madp_guard *g = &path->guard;

	mams_dtls_free(g->old);
	g->old = g->now;
	g->old_until = mams_time_add_ms(w->now, OLD_MS);
	g->now = g->next;
	g->next = NULL;
	g->since = w->now;
	g->retry_at = w->now;
	g->wait_ms = 0;
	g->incarnation = path->session->peer_incarnation;
	g->told[0] = '\0';
	madp_inc(&w->counters.dtls_open);
	show(path);
	madp_worker_tell(w, path, MADP_NOTE_DTLS_OPEN);
	ready(w, path);
}

static bool is_of_this_path(
	const struct madp_worker *w, const struct madp_path *path, const struct mams_dtls *d)
{
	char own[MAMS_DTLS_IDENTITY_MAX];

	if (!madp_certs_are_used(w->certs))
		put_identity(path, own, sizeof(own));
	else if (w->role == MADP_ROLE_NETWORK)
		snprintf(own, sizeof(own), "%s", path->session->set->client);
	else
		return true; /* its name has been verified within the handshake */
	return strcmp(own, mams_dtls_identity(d)) == 0;
}

/** The same reason again and again is told once. */
static void failed(struct madp_worker *w, struct madp_path *path, const char *why)
{
	struct madp_guard *g = &path->guard;

	madp_inc(&w->counters.dtls_failed);
	if (strncmp(g->told, why, sizeof(g->told) - 1) == 0)
		return;
	snprintf(g->told, sizeof(g->told), "%s", why);
	madp_worker_tell_why(w, path, MADP_NOTE_DTLS_FAILED, why);
}

/** The handshake of next went on, or failed with rc. */
static void judge_next(struct madp_worker *w, struct madp_path *path, int rc)
{
	struct madp_guard *g = &path->guard;

	if (rc >= 0 && !mams_dtls_is_open(g->next))
		return;
	if (rc < 0 || !is_of_this_path(w, path, g->next)) {
		failed(w, path, rc < 0 ? mams_dtls_why(g->next) : "it is another path's");
		drop_next(g);
	} else if (w->role == MADP_ROLE_CLIENT || !g->now) {
		promote(w, path);
	}
	madp_session_touch(w, path->session);
}

static void begin(struct madp_worker *w, struct madp_path *path)
{
	struct madp_guard *g = &path->guard;
	const struct madp_session_set *set = path->session->set;
	const struct mams_dtls_peer peer = peer_of(w, path);
	char identity[MAMS_DTLS_IDENTITY_MAX];

	if (g->next && g->wait_ms)
		failed(w, path, "nobody answers");
	drop_next(g);
	g->wait_ms = g->wait_ms ? g->wait_ms * 2 : FIRST_WAIT_MS;
	if (g->wait_ms > LAST_WAIT_MS)
		g->wait_ms = LAST_WAIT_MS;
	g->retry_at = mams_time_add_ms(w->now, g->wait_ms + FIRST_WAIT_MS);
	put_identity(path, identity, sizeof(identity));
	if (mams_dtls_connect(w->dtls, &peer, madp_certs_are_used(w->certs) ? NULL : identity,
		    set->key, set->key_len, &g->next) < 0)
		madp_inc(&w->counters.dtls_failed);
}

void madp_guard_start(struct madp_worker *w, struct madp_path *path)
{
	struct madp_guard *g = &path->guard;

	g->waiting = true;
	if (w->role == MADP_ROLE_CLIENT) {
		begin(w, path);
	} else if (!madp_guard_is_open(path)) {
		return;
	} else if (g->incarnation == path->session->peer_incarnation) {
		ready(w, path); /* it was only its address that changed */
	} else {
		lose(w, path);
	}
}

void madp_guard_renew(struct madp_worker *w, struct madp_path *path)
{
	if (!path->guard.on || w->role != MADP_ROLE_CLIENT || !path->proven)
		return;
	path->guard.wait_ms = 0;
	begin(w, path);
}

void madp_guard_end(struct madp_worker *w, struct madp_path *path)
{
	struct madp_guard *g = &path->guard;

	(void)w;
	if (path->sock)
		mams_dtls_close(g->now);
	else
		mams_dtls_free(g->now);
	mams_dtls_free(g->next);
	mams_dtls_free(g->old);
	*g = (struct madp_guard){.on = g->on};
}

/* ---- in ---- */

/** Records of one association, decrypted where they lie. */
static size_t read_records(
	struct mams_dtls *d, uint8_t *data, size_t len, size_t sizes[MADP_GUARD_PDUS], int *rc)
{
	size_t n = 0;
	size_t used = 0;

	*rc = mams_dtls_take(d, data, len, data, len);
	while (*rc > 0) {
		used += (size_t)*rc;
		sizes[n++] = (size_t)*rc;
		*rc = n < MADP_GUARD_PDUS ? mams_dtls_take_more(d, data + used, len - used) : 0;
	}
	return n;
}

/** A client begins: at first, or anew because it has lost what it had. */
static void greet(struct madp_worker *w, struct madp_path *path, const uint8_t *data, size_t len)
{
	struct madp_guard *g = &path->guard;
	const struct mams_dtls_peer peer = peer_of(w, path);
	struct mams_dtls *d = NULL;
	int rc = mams_dtls_greet(w->dtls, &peer, (const uint8_t *)&path->key, sizeof(path->key),
		data, len, w->now, &d);

	if (rc < 0) {
		failed(w, path, d ? mams_dtls_why(d) : mams_strerror(rc));
		mams_dtls_free(d);
		return;
	}
	if (!d)
		return;
	drop_next(g);
	g->next = d;
	memcpy(g->random, data + HELLO_RANDOM, sizeof(g->random));
}

/** One of the associations that are open knows the record, or nobody does. */
static size_t take_open(struct madp_worker *w, struct madp_path *path, uint8_t *data, size_t len,
	size_t sizes[MADP_GUARD_PDUS])
{
	struct madp_guard *g = &path->guard;
	struct mams_dtls *list[] = {g->now, g->next, g->old};
	bool user_data = data[0] == RECORD_DATA;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(list); i++) {
		struct mams_dtls *d = list[i];
		size_t n;
		int rc;

		if (!d || !mams_dtls_is_open(d))
			continue;
		n = read_records(d, data, len, sizes, &rc);
		if (rc < 0 && d == g->now)
			lose(w, path); /* the peer has closed it */
		else if (n > 0 && d == g->next)
			promote(w, path);
		if (n > 0)
			ready(w, path);
		if (n > 0 || rc < 0)
			return n;
	}
	if (user_data)
		madp_inc(&w->counters.dtls_dropped);
	return 0;
}

size_t madp_guard_take(struct madp_worker *w, struct madp_path *path, uint8_t *data, size_t len,
	size_t sizes[MADP_GUARD_PDUS])
{
	struct madp_guard *g = &path->guard;
	bool early = len > RECORD_HDR && data[3] == 0 && data[4] == 0; /* epoch 0 */
	bool hello = early && len >= HELLO_RANDOM + sizeof(g->random) &&
		     data[0] == RECORD_HANDSHAKE && data[RECORD_HDR] == 1;
	size_t n;
	int rc;

	if (hello && w->role == MADP_ROLE_NETWORK &&
		(!g->next || memcmp(g->random, data + HELLO_RANDOM, sizeof(g->random)) != 0)) {
		greet(w, path, data, len);
		return 0;
	}
	if (!g->next || mams_dtls_is_open(g->next) || data[0] == RECORD_DATA ||
		(data[0] == RECORD_ALERT && !early))
		return early ? 0 : take_open(w, path, data, len, sizes);
	n = read_records(g->next, data, len, sizes, &rc);
	judge_next(w, path, rc);
	return n;
}

/* ---- out ---- */

uint8_t *madp_guard_reserve(struct madp_worker *w, struct madp_path *path, size_t len)
{
	if (!path->guard.on)
		return madp_outbox_reserve(&w->out, path, len);
	if (!madp_guard_is_open(path)) {
		madp_inc(&w->counters.dtls_closed);
		return NULL;
	}
	return len <= MAMS_DTLS_PLAIN_MAX ? w->clear : NULL;
}

void madp_guard_commit(struct madp_worker *w, struct madp_path *path, size_t len)
{
	size_t most = len + MAMS_DTLS_OVERHEAD;
	uint8_t *room;
	int n;

	if (!path->guard.on) {
		madp_outbox_commit(&w->out, path, len);
		return;
	}
	room = madp_outbox_reserve(&w->out, path, most);
	n = room ? mams_dtls_seal(path->guard.now, w->clear, len, room, most) : -MAMS_ELIMIT;
	if (n > 0)
		madp_outbox_commit(&w->out, path, (size_t)n);
	else
		madp_inc(&w->counters.dtls_closed);
}

/* ---- time ---- */

/** Client: is there, or should there be, a handshake? */
static bool wants_one(const struct madp_guard *g, mams_time now)
{
	return g->next || !g->now || g->waiting || mams_dtls_is_worn(g->now) ||
	       !mams_time_before(now, mams_time_add_ms(g->since, AGE_MS));
}

/** Nobody answers: the N-MADP may not know any more whose this address is. */
static void prove_again(struct madp_worker *w, struct madp_path *path)
{
	uint8_t nonce[MADP_NONCE];

	path->guard.retry_at = mams_time_add_ms(w->now, path->guard.wait_ms + FIRST_WAIT_MS);
	if (madp_prover_is_busy(&path->prover))
		return;
	madp_worker_random(w, nonce, sizeof(nonce));
	madp_prover_start(&path->prover, nonce, w->now);
}

void madp_guard_tick(struct madp_worker *w, struct madp_path *path)
{
	struct madp_guard *g = &path->guard;

	if (g->old && !mams_time_before(w->now, g->old_until)) {
		mams_dtls_free(g->old);
		g->old = NULL;
	}
	if (g->next && !mams_dtls_is_open(g->next) &&
		!mams_time_before(w->now, mams_dtls_deadline(g->next, w->now)))
		judge_next(w, path, mams_dtls_tick(g->next));
	if (w->role != MADP_ROLE_CLIENT || !path->proven || !wants_one(g, w->now) ||
		mams_time_before(w->now, g->retry_at))
		return;
	if (g->waiting && g->wait_ms)
		prove_again(w, path);
	else
		begin(w, path);
}

mams_time madp_guard_deadline(const struct madp_worker *w, const struct madp_path *path)
{
	const struct madp_guard *g = &path->guard;
	mams_time t = g->old ? g->old_until : MAMS_TIME_NEVER;

	if (!g->on)
		return MAMS_TIME_NEVER;
	if (g->next && !mams_dtls_is_open(g->next))
		t = mams_time_min(t, mams_dtls_deadline(g->next, w->now));
	if (w->role == MADP_ROLE_CLIENT && path->proven && wants_one(g, w->now))
		t = mams_time_min(t, g->retry_at);
	return t;
}
