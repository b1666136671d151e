#include "lib/io/ipsec.h"

#include "lib/base/log.h"
#include "lib/io/ipsec_cmd.h"
#include "lib/io/vici.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "ipsec"

struct entry {
	struct mams_ipsec_want want;
	struct mams_assoc assoc;
	char name[MAMS_IPSEC_NAME_MAX];
	uint64_t serial;  /* of answers: the entry may be gone by then */
	const char *told; /* the last reason, since it was up */
	bool marked;
	TAILQ_ENTRY(entry) link;
};

struct mams_ipsec {
	struct mams_loop *loop;
	char owner[17];
	const struct mams_ipsec_ops *ops;
	void *user;
	struct mams_vici *vici;
	struct mams_loop_timer *timer;
	bool ready;      /* charon is known and clean of what an earlier run has left */
	bool user_space; /* it does ESP itself */
	uint64_t serial;
	TAILQ_HEAD(, entry) entries;
};

static const char *const wanted_events[] = {"child-updown", "log", NULL};

static bool same_key(const struct mams_ipsec_key *a, const struct mams_ipsec_key *b)
{
	return a->ncm_id == b->ncm_id && a->session_id == b->session_id &&
	       a->anchor_id == b->anchor_id && a->connection_id == b->connection_id;
}

static struct entry *find(const struct mams_ipsec *x, const struct mams_ipsec_key *k)
{
	struct entry *e;

	TAILQ_FOREACH(e, &x->entries, link)
	if (same_key(&e->want.key, k))
		return e;
	return NULL;
}

static struct entry *find_name(const struct mams_ipsec *x, const struct mams_vici_text *name)
{
	struct entry *e;

	TAILQ_FOREACH(e, &x->entries, link)
	if (mams_vici_is(name, e->name))
		return e;
	return NULL;
}

/* ---- commands ---- */

static void tell(
	struct mams_ipsec *x, struct mams_vici_writer w, mams_vici_answer_fn cb, uintptr_t which)
{
	int rc = mams_vici_ask(x->vici, &w, cb, which);

	if (rc < 0 && rc != -ENOTCONN)
		log_err("cannot tell charon: %s", mams_strerror(rc));
}

static void unload(struct mams_ipsec *x, const char *name)
{
	uint8_t room[MAMS_IPSEC_CMD_BYTES];

	tell(x, mams_ipsec_unload_conn(room, name), NULL, 0);
	tell(x, mams_ipsec_unload_shared(room, name), NULL, 0);
	tell(x, mams_ipsec_terminate(room, name), NULL, 0);
}

static void work(struct mams_ipsec *x);

static void on_loaded(void *user, uintptr_t which, int rc, const struct mams_vici_text *body)
{
	struct mams_ipsec *x = user;
	struct mams_vici_text msg = {0};
	struct entry *e;
	char text[160];

	TAILQ_FOREACH(e, &x->entries, link)
	if (e->serial == which)
		break;
	if (!e || rc == -EPIPE)
		return;
	if (rc < 0) {
		if (mams_vici_find(body, "errmsg", &msg) < 0)
			log_debug("it says no more");
		mams_vici_string(&msg, text, sizeof(text));
		log_err("charon refuses association %s: %s %s", e->name, mams_strerror(rc), text);
	}
	mams_assoc_loaded(&e->assoc, rc == 0, mams_loop_now(x->loop));
	work(x);
}

/* ---- clients behind NATs that have the same address ---- */

static bool is_rival(const struct entry *e, const struct entry *of)
{
	return e->want.nat && !e->want.initiate &&
	       e->want.key.session_id != of->want.key.session_id &&
	       mams_addr_eq_ip(&e->want.local, &of->want.local) &&
	       mams_addr_eq_ip(&e->want.remote, &of->want.remote);
}

static bool is_taken(const struct mams_ipsec *x, const struct entry *e)
{
	const struct entry *o;

	TAILQ_FOREACH(o, &x->entries, link)
	if (o->assoc.n_children > 0 && is_rival(o, e))
		return true;
	return false;
}

static void refuse(struct mams_ipsec *x, struct entry *e)
{
	unload(x, e->name);
	mams_assoc_refused(&e->assoc, "another client has this address", mams_loop_now(x->loop));
}

/* This one is up: who else has the address cannot be, else the one would get what is for the other.
 */
static void occupy(struct mams_ipsec *x, struct entry *e)
{
	struct entry *o;

	if (is_taken(x, e)) {
		refuse(x, e);
		return;
	}
	TAILQ_FOREACH(o, &x->entries, link)
	if (is_rival(o, e) && !o->assoc.unloaded)
		refuse(x, o);
}

static void load(struct mams_ipsec *x, struct entry *e)
{
	uint8_t room[MAMS_IPSEC_CMD_BYTES];

	if (is_taken(x, e)) {
		refuse(x, e);
		return;
	}
	tell(x, mams_ipsec_load_shared(room, e->name, &e->want), NULL, 0);
	tell(x, mams_ipsec_load_conn(room, e->name, &e->want, x->user_space), on_loaded,
		(uintptr_t)e->serial);
}

static void act(struct mams_ipsec *x, struct entry *e, enum mams_assoc_action what)
{
	const struct mams_ipsec_status st = {.state = e->assoc.state,
		.why = e->assoc.why,
		.again = e->assoc.why && e->told && strcmp(e->assoc.why, e->told) == 0};
	const struct mams_ipsec_key key = e->want.key; /* the entry may be gone in the callback */
	uint8_t room[MAMS_IPSEC_CMD_BYTES];

	switch (what) {
	case MAMS_ASSOC_DO_LOAD:
		load(x, e);
		break;
	case MAMS_ASSOC_DO_TERMINATE:
		tell(x, mams_ipsec_terminate(room, e->name), NULL, 0);
		break;
	case MAMS_ASSOC_DO_INITIATE:
		tell(x, mams_ipsec_initiate(room, e->name), NULL, 0);
		break;
	case MAMS_ASSOC_DO_TELL:
		e->told = e->assoc.why;
		x->ops->changed(x->user, &key, &st);
		break;
	}
}

/* Callbacks may add and remove entries: after each action from the start.  Ends, as every action is
 * done once. */
static void work(struct mams_ipsec *x)
{
	enum mams_assoc_action what;
	mams_time next = MAMS_TIME_NEVER;
	struct entry *e = TAILQ_FIRST(&x->entries);

	while (e) {
		if (mams_assoc_next(&e->assoc, &what)) {
			act(x, e, what);
			e = TAILQ_FIRST(&x->entries);
		} else {
			e = TAILQ_NEXT(e, link);
		}
	}
	TAILQ_FOREACH(e, &x->entries, link)
	next = mams_time_min(next, mams_assoc_deadline(&e->assoc));
	mams_loop_timer_at(x->timer, next);
}

static void on_timer(void *user)
{
	struct mams_ipsec *x = user;
	struct entry *e;

	TAILQ_FOREACH(e, &x->entries, link)
	mams_assoc_tick(&e->assoc, mams_loop_now(x->loop));
	work(x);
}

/* ---- charon comes and goes ---- */

static void everyone(struct mams_ipsec *x, bool up)
{
	struct entry *e;

	TAILQ_FOREACH(e, &x->entries, link)
	mams_assoc_charon(&e->assoc, up, mams_loop_now(x->loop));
	x->ops->charon(x->user, up);
	work(x);
}

/* Names of a list, "conns" or "keys": those with our mark are of an earlier run. */
static void remove_left(struct mams_ipsec *x, const struct mams_vici_text *body)
{
	struct mams_vici_reader v = mams_vici_read(body);
	struct mams_vici_item item;
	char name[MAMS_IPSEC_NAME_MAX];

	while (mams_vici_next(&v, &item) == 0 && item.kind != MAMS_VICI_END) {
		if (item.kind != MAMS_VICI_ITEM || !mams_ipsec_is_ours(x->owner, &item.value))
			continue;
		mams_vici_string(&item.value, name, sizeof(name));
		unload(x, name);
	}
}

enum { ASK_STATS, ASK_CONNS, ASK_SHARED };

static void on_known(void *user, uintptr_t which, int rc, const struct mams_vici_text *body)
{
	struct mams_ipsec *x = user;

	if (rc < 0)
		return;
	if (which == ASK_STATS) {
		x->user_space = mams_ipsec_list_has(body, "plugins", "kernel-libipsec");
		return;
	}
	remove_left(x, body);
	if (which != ASK_SHARED)
		return;
	x->ready = true;
	log_info("charon is there, ESP is %s", x->user_space ? "its own (in UDP)" : "the kernel's");
	everyone(x, true);
}

static void up(void *user)
{
	struct mams_ipsec *x = user;
	static const char *const questions[] = {
		[ASK_STATS] = "stats", [ASK_CONNS] = "get-conns", [ASK_SHARED] = "get-shared"};
	uint8_t room[64];

	for (uintptr_t i = 0; i < MAMS_ARRAY_LEN(questions); i++)
		tell(x, mams_vici_begin(room, sizeof(room), MAMS_VICI_REQUEST, questions[i]),
			on_known, i);
}

static void down(void *user, const char *why)
{
	struct mams_ipsec *x = user;

	log_warn("charon is gone: %s; what it protects stands still", why);
	if (!x->ready)
		return;
	x->ready = false;
	everyone(x, false);
}

static void on_child(void *user, const struct mams_vici_text *name, uint64_t id, bool is_up)
{
	struct mams_ipsec *x = user;
	struct entry *e = find_name(x, name);

	if (!e)
		return;
	mams_assoc_child(&e->assoc, id, is_up, mams_loop_now(x->loop));
	if (is_up)
		occupy(x, e);
}

static void on_log(struct mams_ipsec *x, const struct mams_vici_text *body)
{
	struct mams_vici_text name;
	const char *why = mams_ipsec_read_log(body, &name);
	struct entry *e = why ? find_name(x, &name) : NULL;

	if (e)
		mams_assoc_failed(&e->assoc, why, mams_loop_now(x->loop));
}

static void event(void *user, const struct mams_vici_packet *p)
{
	struct mams_ipsec *x = user;

	if (mams_vici_is(&p->name, "log"))
		on_log(x, &p->body);
	else if (mams_ipsec_read_updown(&p->body, on_child, x) < 0)
		log_warn("charon tells of child SAs what cannot be read");
	work(x);
}

static const struct mams_vici_ops vici_ops = {.up = up, .down = down, .event = event};

/* ---- wants ---- */

int mams_ipsec_set(struct mams_ipsec *x, const struct mams_ipsec_want *w)
{
	struct entry *e = find(x, &w->key);
	bool same;

	if (e && (e->want.nat != w->nat || !mams_addr_eq_ip(&e->want.local, &w->local) ||
			 !mams_addr_eq_ip(&e->want.remote, &w->remote))) {
		mams_ipsec_del(x, &w->key);
		e = NULL;
	}
	if (e) {
		same = strcmp(e->want.secret, w->secret) == 0;
		mams_wipe(&e->want, sizeof(e->want));
		e->want = *w;
		e->marked = true;
		if (!same && x->ready)
			load(x, e);
		return 0;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->want = *w;
	e->marked = true;
	e->serial = ++x->serial;
	e->assoc.initiate = w->initiate;
	mams_ipsec_name(x->owner, &w->key, e->name);
	TAILQ_INSERT_TAIL(&x->entries, e, link);
	if (x->ready)
		mams_assoc_charon(&e->assoc, true, mams_loop_now(x->loop));
	mams_loop_timer_at(x->timer, mams_loop_now(x->loop)); /* the caller is told later */
	return 0;
}

static void drop(struct mams_ipsec *x, struct entry *e)
{
	TAILQ_REMOVE(&x->entries, e, link);
	mams_wipe(e, sizeof(*e));
	free(e);
}

void mams_ipsec_del(struct mams_ipsec *x, const struct mams_ipsec_key *k)
{
	struct entry *e = find(x, k);

	if (!e)
		return;
	unload(x, e->name);
	drop(x, e);
}

void mams_ipsec_begin(struct mams_ipsec *x)
{
	struct entry *e;

	TAILQ_FOREACH(e, &x->entries, link)
	e->marked = false;
}

void mams_ipsec_end(struct mams_ipsec *x)
{
	struct entry *next;

	for (struct entry *e = TAILQ_FIRST(&x->entries); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (!e->marked)
			mams_ipsec_del(x, &e->want.key);
	}
}

void mams_ipsec_anew(struct mams_ipsec *x, const struct mams_ipsec_key *k)
{
	struct entry *e = find(x, k);

	if (!e)
		return;
	mams_assoc_anew(&e->assoc, mams_loop_now(x->loop));
	mams_loop_timer_at(x->timer, mams_loop_now(x->loop));
}

bool mams_ipsec_status(
	const struct mams_ipsec *x, const struct mams_ipsec_key *k, struct mams_ipsec_status *out)
{
	const struct entry *e = x ? find(x, k) : NULL;

	if (e)
		*out = (struct mams_ipsec_status){.state = e->assoc.state, .why = e->assoc.why};
	return e != NULL;
}

const struct mams_ipsec_want *mams_ipsec_next(
	const struct mams_ipsec *x, const struct mams_ipsec_want *w)
{
	const struct entry *e = w ? find(x, &w->key) : TAILQ_FIRST(&x->entries);

	if (e && w)
		e = TAILQ_NEXT(e, link);
	return e ? &e->want : NULL;
}

/* ---- life ---- */

int mams_ipsec_new(struct mams_loop *l, const char *socket, const char *owner,
	const struct mams_ipsec_ops *ops, void *user, struct mams_ipsec **out)
{
	struct mams_ipsec *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	x->loop = l;
	x->ops = ops;
	x->user = user;
	TAILQ_INIT(&x->entries);
	snprintf(x->owner, sizeof(x->owner), "%s", owner);
	rc = mams_loop_timer_new(l, on_timer, x, &x->timer);
	if (rc == 0)
		rc = mams_vici_new(l, socket, wanted_events, &vici_ops, x, &x->vici);
	if (rc < 0)
		mams_ipsec_free(x);
	else
		*out = x;
	return rc;
}

void mams_ipsec_free(struct mams_ipsec *x)
{
	struct entry *next;

	if (!x)
		return;
	mams_vici_free(x->vici);
	mams_loop_timer_del(x->timer);
	for (struct entry *e = TAILQ_FIRST(&x->entries); e; e = next) {
		next = TAILQ_NEXT(e, link);
		drop(x, e);
	}
	free(x);
}

bool mams_ipsec_is_up(const struct mams_ipsec *x)
{
	return x && x->ready;
}
