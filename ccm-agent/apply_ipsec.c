#include "ccm-agent/apply_ipsec.h"

#include "lib/base/log.h"
#include "lib/io/guard.h"
#include "lib/io/ipsec.h"
#include "lib/io/sockdiag.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOG_MODULE "ipsec"
#define OWNER "ccm"
#define GUARD_TABLE "mams_guard_client"
#define RULES_MAX 64u
#define CLOSE_MS 500 /* so long for a connection to close by itself */
#define SETTLE_MS 1000
#define SETTLE_STEP_MS 20

struct ccm_ipsec {
	const struct ccm_conf *conf;
	struct mams_ipsec *ipsec;
	const struct ccm_ipsec_ops *ops;
	void *user;
	/* pairs are added when they are to be protected, and taken back only when the policy says
	 * that they need not be: the filter has no moment without one that was there before */
	struct mams_guard_rule rules[RULES_MAX];
	size_t n_rules;
	bool guarded; /* the filter is as rules say */
};

/* ---- filter ---- */

static size_t find_rule(const struct ccm_ipsec *x, const struct mams_addr *local,
	const struct mams_addr *proxy, bool udp)
{
	size_t i = 0;

	while (i < x->n_rules &&
		!(x->rules[i].udp == udp && mams_addr_eq_ip(&x->rules[i].local, local) &&
			mams_addr_eq(&x->rules[i].remote, proxy)))
		i++;
	return i;
}

static bool is_wanted(const struct ccm_target *t, const struct mams_guard_rule *r)
{
	for (size_t i = 0; i < t->n_assocs; i++)
		if (t->assocs[i].tunnel == r->udp &&
			mams_addr_eq_ip(&t->assocs[i].local, &r->local) &&
			mams_addr_eq(&t->assocs[i].proxy, &r->remote))
			return true;
	return false;
}

static void add_rule(struct ccm_ipsec *x, const struct ccm_assoc *a)
{
	if (find_rule(x, &a->local, &a->proxy, a->tunnel) < x->n_rules)
		return;
	if (x->n_rules == RULES_MAX) /* the oldest: that address is long gone */
		memmove(x->rules, x->rules + 1, --x->n_rules * sizeof(x->rules[0]));
	x->rules[x->n_rules++] =
		(struct mams_guard_rule){.local = a->local, .remote = a->proxy, .udp = a->tunnel};
	x->guarded = false;
}

static void drop_rule(struct ccm_ipsec *x, const struct ccm_target *t, size_t k)
{
	if (k == x->n_rules || is_wanted(t, &x->rules[k]))
		return;
	x->rules[k] = x->rules[--x->n_rules];
	x->guarded = false;
}

/* A path that needs no association any more is one that the NCM calls secure. */
static void drop_rules(struct ccm_ipsec *x, const struct ccm_target *t)
{
	for (size_t i = 0; i < t->n_paths; i++)
		drop_rule(x, t, find_rule(x, &t->paths[i].local, &t->paths[i].proxy, false));
	for (size_t i = 0; i < t->tunnel.n_links; i++) {
		const struct ccm_tunnel_link *l = &t->tunnel.links[i];

		drop_rule(x, t, find_rule(x, &l->local, &l->remote, true));
	}
}

/* @return does the filter stand? */
static bool guard(struct ccm_ipsec *x, const struct ccm_target *t)
{
	struct mams_error err = {0};

	for (size_t i = 0; i < t->n_assocs; i++)
		add_rule(x, &t->assocs[i]);
	drop_rules(x, t);
	/* what an earlier run has left stays until there is something to say */
	if (!x->guarded && (t->n_assocs > 0 || t->n_paths > 0 || t->tunnel.n_links > 0)) {
		x->guarded = mams_guard_set(GUARD_TABLE, x->rules, x->n_rules, &err) == 0;
		if (!x->guarded)
			log_err("no packet filter, so no protected link: %s: %s", err.where,
				err.text);
	}
	return x->guarded || t->n_assocs == 0;
}

/* ---- associations ---- */

static void changed(void *user, const struct mams_ipsec_key *k, const struct mams_ipsec_status *st)
{
	struct ccm_ipsec *x = user;
	const struct mams_ipsec_want *w = NULL;
	bool up = st->state == MAMS_ASSOC_UP;
	struct ccm_sa sa = {.anchor_id = k->anchor_id, .connection_id = k->connection_id};

	while ((w = mams_ipsec_next(x->ipsec, w)) != NULL)
		if (w->key.anchor_id == k->anchor_id && w->key.connection_id == k->connection_id) {
			sa.local = w->local;
			sa.proxy = w->remote;
		}
	if (up)
		log_info("IPsec connection=%u is up", k->connection_id);
	else if (st->why && !st->again && st->state == MAMS_ASSOC_WAIT)
		log_warn(
			"IPsec connection=%u is down, others carry: %s", k->connection_id, st->why);
	x->ops->sa(x->user, &sa, up);
}

static void charon(void *user, bool up)
{
	(void)user;
	(void)up;
}

static const struct mams_ipsec_ops ops = {.changed = changed, .charon = charon};

int ccm_ipsec_new(struct mams_loop *l, const struct ccm_conf *conf, const struct ccm_ipsec_ops *o,
	void *user, struct ccm_ipsec **out)
{
	struct ccm_ipsec *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	x->conf = conf;
	x->ops = o;
	x->user = user;
	rc = mams_ipsec_new(l, conf->vici_socket, OWNER, &ops, x, &x->ipsec);
	if (rc < 0)
		free(x);
	else
		*out = x;
	return rc;
}

void ccm_ipsec_free(struct ccm_ipsec *x)
{
	if (!x)
		return;
	mams_ipsec_free(x->ipsec);
	free(x);
}

static bool set_one(struct ccm_ipsec *x, const struct ccm_target *t, const struct ccm_assoc *a)
{
	struct mams_ipsec_want w = {.key = {.ncm_id = t->ncm_id,
					    .session_id = t->session_id,
					    .anchor_id = a->anchor_id,
					    .connection_id = a->connection_id},
		.local = a->local,
		.remote = a->proxy,
		.initiate = true,
		.nat = a->nat};
	int rc;

	w.local.port = w.remote.port = 0;
	_Static_assert(sizeof(w.secret) >= sizeof(a->secret), "secrets fit");
	memcpy(w.secret, a->secret, sizeof(a->secret));
	rc = mams_ipsec_set(x->ipsec, &w);
	mams_wipe(&w, sizeof(w));
	if (rc < 0)
		log_err("no memory for an association");
	return rc == 0;
}

uint32_t ccm_ipsec_set(struct ccm_ipsec *x, const struct ccm_target *t)
{
	bool closed = guard(x, t);
	uint32_t bits = 0;

	mams_ipsec_begin(x->ipsec);
	for (size_t i = 0; closed && i < t->n_assocs; i++)
		if (set_one(x, t, &t->assocs[i]))
			bits |= 1u << t->assocs[i].connection_id;
	mams_ipsec_end(x->ipsec);
	return mams_ipsec_is_up(x->ipsec) ? bits : 0;
}

void ccm_ipsec_silent(struct ccm_ipsec *x, uint8_t connection_id, const struct mams_addr *local)
{
	const struct mams_ipsec_want *w = NULL;

	while ((w = mams_ipsec_next(x->ipsec, w)) != NULL)
		if (w->key.connection_id == connection_id && mams_addr_eq_ip(&w->local, local))
			mams_ipsec_anew(x->ipsec, &w->key);
}

const char *ccm_ipsec_state(const struct ccm_ipsec *x, uint8_t connection_id, char *out, size_t cap)
{
	const struct mams_ipsec_want *w = NULL;
	struct mams_ipsec_status st = {.state = MAMS_ASSOC_UP};
	bool any = false;

	/* of several, one that is not up */
	while (x && st.state == MAMS_ASSOC_UP && (w = mams_ipsec_next(x->ipsec, w)) != NULL)
		if (w->key.connection_id == connection_id)
			any = mams_ipsec_status(x->ipsec, &w->key, &st) || any;
	if (!any)
		return NULL;
	snprintf(out, cap, "%s%s%s", mams_assoc_state_name(st.state), st.why ? ": " : "",
		st.why ? st.why : "");
	return out;
}

/* ---- the end ---- */

struct search {
	const struct ccm_ipsec *x;
	bool end; /* them */
	bool found;
};

static void look(void *user, const struct mams_tcp_socket *socket)
{
	struct search *s = user;

	if (find_rule(s->x, &socket->local, &socket->remote, false) == s->x->n_rules)
		return;
	s->found = true;
	if (s->end)
		(void)!mams_sockdiag_destroy(&socket->local, &socket->remote);
}

static bool has_connections(const struct ccm_ipsec *x, bool end)
{
	struct search s = {.x = x, .end = end};

	for (size_t i = 0; i < x->n_rules; i++) {
		const struct mams_addr *proxy = &x->rules[i].remote;
		bool open = false;

		if (x->rules[i].udp && (mams_sockdiag_udp(proxy, &open) < 0 || open))
			return true;
		if (!x->rules[i].udp && mams_sockdiag_tcp(proxy->family, proxy->port, look, &s) < 0)
			return true; /* not known: the careful answer */
	}
	return s.found;
}

bool ccm_ipsec_settle(const struct ccm_ipsec *x)
{
	const struct timespec pause = {.tv_nsec = SETTLE_STEP_MS * 1000000L};

	for (int ms = 0; x && has_connections(x, ms >= CLOSE_MS); ms += SETTLE_STEP_MS) {
		if (ms >= SETTLE_MS) {
			log_warn("sockets over a protected link are left: the filter "
				 "stays until the next start or mams-ccm --cleanup");
			return false;
		}
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

void ccm_ipsec_clear(const struct ccm_conf *conf, bool open)
{
	struct mams_error err;

	if (strcmp(conf->vici_socket, "none") == 0)
		return;
	mams_ipsec_clear(conf->vici_socket, OWNER);
	if (open && mams_guard_set(GUARD_TABLE, NULL, 0, &err) < 0)
		log_err("%s: %s", err.where, err.text);
}
