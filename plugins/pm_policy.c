/* The tables, and the events that change them.  A connection is looked at (pm_decide.c) when
 * something happened to it - it is then "dirty" - or when a retry is due.  Looking yields one
 * action at a time, until all is as it should be. */
#include "plugins/pm_tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- tables ---- */

struct connection *pm_find(const struct pm_policy *p, uint32_t token)
{
	struct connection *c;

	HASH_FIND(hh, p->connections, &token, sizeof(token), c);
	return c;
}

static struct client *find_client(const struct pm_policy *p, const char *name)
{
	struct client *k;

	HASH_FIND_STR(p->clients, name, k);
	return k;
}

static struct client *make_client(struct pm_policy *p, const char *name)
{
	struct client *k = find_client(p, name);

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (k)
		k->name = strdup(name);
	if (!k || !k->name) {
		free(k);
		p->counters.no_memory++;
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, p->clients, k->name, strlen(k->name), k);
	return k;
}

/* A client without connections and without rules is not worth remembering. */
static void release_client(struct pm_policy *p, struct client *k)
{
	if (!k || --k->users > 0 || k->n_rules > 0)
		return;
	HASH_DEL(p->clients, k);
	free(k->name);
	free(k);
}

void pm_touch(struct pm_policy *p, struct connection *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	DL_APPEND(p->dirty, c);
}

static void settle(struct pm_policy *p, struct connection *c)
{
	if (c->dirty)
		DL_DELETE(p->dirty, c);
	c->dirty = false;
}

static void stop_waiting(struct pm_policy *p, struct connection *c)
{
	if (c->established)
		return;
	DL_DELETE2(p->waiting, c, wait_prev, wait_next);
	p->n_waiting--;
}

static void forget(struct pm_policy *p, struct connection *c)
{
	stop_waiting(p, c);
	p->counters.connections_open -= c->established;
	release_client(p, c->client);
	settle(p, c);
	HASH_DEL(p->connections, c);
	free(c);
}

/* A connection begins as a waiting one: a binding may come before the kernel's report, or after the
 * end of the connection, and then it must not stay for ever. */
static struct connection *make(struct pm_policy *p, uint32_t token)
{
	struct connection *c = pm_find(p, token);

	if (c)
		return c;
	if (HASH_COUNT(p->connections) >= PM_CONNECTIONS_MAX) {
		p->counters.too_many_connections++;
		return NULL;
	}
	if (p->n_waiting >= PM_WAITING_MAX) {
		p->counters.bindings_expired++;
		forget(p, p->waiting);
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		p->counters.no_memory++;
		return NULL;
	}
	c->token = token;
	c->due = MAMS_TIME_NEVER;
	HASH_ADD(hh, p->connections, token, sizeof(c->token), c);
	DL_APPEND2(p->waiting, c, wait_prev, wait_next);
	p->n_waiting++;
	return c;
}

struct pm_policy *pm_policy_new(void)
{
	struct pm_policy *p = calloc(1, sizeof(*p));

	if (p)
		p->due = MAMS_TIME_NEVER;
	return p;
}

void pm_policy_free(struct pm_policy *p)
{
	struct connection *c;
	struct connection *c_next;
	struct client *k;
	struct client *k_next;

	if (!p)
		return;
	HASH_ITER(hh, p->connections, c, c_next)
	{
		HASH_DEL(p->connections, c);
		free(c);
	}
	HASH_ITER(hh, p->clients, k, k_next)
	{
		HASH_DEL(p->clients, k);
		free(k->name);
		free(k);
	}
	free(p);
}

/* ---- configuration ---- */

static const struct pm_path *to_proxy(const struct pm_policy *p, const struct mams_addr *remote)
{
	for (size_t i = 0; i < p->n_paths; i++)
		if (mams_addr_eq(&p->paths[i].proxy, remote))
			return &p->paths[i];
	return NULL;
}

/* A connection that leads to no proxy of today keeps the group that it had: its path may be away.
 */
static void judge(const struct pm_policy *p, struct connection *c)
{
	for (size_t i = 0; !c->server_side && i < c->n_subflows; i++) {
		const struct pm_path *path = to_proxy(p, &c->subflows[i].remote);

		if (!path)
			continue;
		c->managed = true;
		c->group = path->group;
		return;
	}
}

static bool path_eq(const struct pm_path *a, const struct pm_path *b)
{
	return a->connection_id == b->connection_id && a->group == b->group &&
	       mams_addr_eq_ip(&a->local, &b->local) && mams_addr_eq(&a->proxy, &b->proxy);
}

/* A path that is new, or new again, is tried at once, whatever its past. */
static void forget_failures(
	struct connection *c, const struct pm_policy *old, const struct pm_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lane *l = pm_lane(c, pm_path_id(&paths[i]));
		bool same = paths[i].group != c->group;

		for (size_t k = 0; k < old->n_paths; k++)
			same |= path_eq(&old->paths[k], &paths[i]);
		if (same || !l)
			continue;
		l->again = (mams_time){0};
		l->wait_ms = 0;
	}
}

static int check_paths(const struct pm_path *paths, size_t n)
{
	if (n > PM_PATHS_MAX)
		return -MAMS_ELIMIT;
	for (size_t i = 0; i < n; i++) {
		if (paths[i].connection_id >= PM_LINKS_MAX || paths[i].proxy.port == 0 ||
			!mams_addr_is_set(&paths[i].local) ||
			paths[i].local.family != paths[i].proxy.family)
			return -MAMS_EVALUE;
		for (size_t k = 0; k < i; k++)
			if (paths[k].group == paths[i].group &&
				paths[k].connection_id == paths[i].connection_id)
				return -MAMS_EVALUE;
	}
	return 0;
}

int pm_policy_paths(struct pm_policy *p, const struct pm_path *paths, size_t n)
{
	struct connection *c;
	struct connection *next;
	int rc = check_paths(paths, n);

	if (rc < 0)
		return rc;
	HASH_ITER(hh, p->connections, c, next)
	forget_failures(c, p, paths, n);
	if (n > 0)
		memcpy(p->paths, paths, n * sizeof(*paths));
	p->n_paths = n;
	HASH_ITER(hh, p->connections, c, next)
	{
		judge(p, c);
		pm_touch(p, c);
	}
	return 0;
}

void pm_policy_wait_bind(struct pm_policy *p, bool yes)
{
	p->wait_bind = yes;
}

int pm_policy_restrict(struct pm_policy *p, uint32_t token, uint32_t only, enum pm_way way)
{
	struct connection *c = make(p, token);

	if (!c)
		return -ENOMEM;
	c->told = true;
	c->only = only;
	c->way = way;
	pm_touch(p, c);
	return 0;
}

int pm_policy_bind(struct pm_policy *p, uint32_t token, const char *client,
	const struct mams_addr *announce, size_t n)
{
	struct client *k = NULL;
	struct connection *c;

	if (n > PM_ANNOUNCE_MAX || (client && strlen(client) >= PM_CLIENT_MAX))
		return -MAMS_ELIMIT;
	if (client)
		k = make_client(p, client);
	if (client && !k)
		return -ENOMEM;
	c = make(p, token);
	if (!c) {
		if (k)
			k->users++;
		release_client(p, k);
		return -ENOMEM;
	}
	if (k)
		k->users++;
	release_client(p, c->client);
	c->client = k;
	if (n != c->n_announce ||
		(n > 0 && memcmp(c->announce, announce, n * sizeof(*announce)) != 0)) {
		if (n > 0)
			memcpy(c->announce, announce, n * sizeof(*announce));
		c->n_announce = n;
		c->announced = 0;
	}
	pm_touch(p, c);
	return 0;
}

int pm_policy_rules(struct pm_policy *p, const char *client, const struct pm_rule *rules, size_t n)
{
	struct client *k;
	struct connection *c;
	struct connection *next;

	if (n > PM_RULES_MAX || strlen(client) >= PM_CLIENT_MAX)
		return -MAMS_ELIMIT;
	k = make_client(p, client);
	if (!k)
		return -ENOMEM;
	if (n > 0)
		memcpy(k->rules, rules, n * sizeof(*rules));
	k->n_rules = n;
	HASH_ITER(hh, p->connections, c, next)
	if (c->client == k)
		pm_touch(p, c);
	k->users++;
	release_client(p, k);
	return 0;
}

/* ---- events ---- */

static struct pm_subflow *find_subflow(
	struct connection *c, const struct mams_addr *local, const struct mams_addr *remote)
{
	for (size_t i = 0; i < c->n_subflows; i++)
		if (mams_addr_eq(&c->subflows[i].local, local) &&
			mams_addr_eq(&c->subflows[i].remote, remote))
			return &c->subflows[i];
	return NULL;
}

static void drop_subflow(struct connection *c, struct pm_subflow *s)
{
	*s = c->subflows[--c->n_subflows];
}

static struct pm_subflow subflow_at(const struct mams_addr *local, const struct mams_addr *remote)
{
	struct pm_subflow s = {.local = *local, .remote = *remote};

	mams_addr_unmap(&s.local);
	mams_addr_unmap(&s.remote);
	s.mapped = s.local.family != local->family;
	return s;
}

/* The lane of a creation that may have become this subflow. */
static struct lane *lane_of(
	const struct pm_policy *p, struct connection *c, const struct pm_subflow *s)
{
	const struct pm_path *path = c->server_side ? NULL : pm_path_of(p, c, s);
	struct lane *l = path ? pm_lane(c, pm_path_id(path)) : NULL;

	return l && mams_addr_eq_ip(&l->local, &s->local) ? l : NULL;
}

/* Two on one path happen when a creation believed lost succeeds after all.  The kernel cannot take
 * away one of them and remember the address of the other, so both go and one is made anew. */
static void mark_twins(struct connection *c, const struct pm_subflow *s)
{
	for (size_t i = 0; i < c->n_subflows; i++) {
		struct pm_subflow *o = &c->subflows[i];

		if (o == s || o->leaving || !mams_addr_eq_ip(&o->local, &s->local) ||
			!mams_addr_eq(&o->remote, &s->remote))
			continue;
		o->stale = true;
		c->subflows[c->n_subflows - 1].stale = true;
	}
}

static struct pm_subflow *add_subflow(
	struct pm_policy *p, struct connection *c, const struct pm_subflow *s)
{
	struct pm_subflow *at = find_subflow(c, &s->local, &s->remote);

	if (at)
		return NULL;
	if (c->n_subflows == PM_SUBFLOWS_MAX) {
		p->counters.too_many_subflows++;
		return NULL;
	}
	at = &c->subflows[c->n_subflows++];
	*at = *s;
	pm_touch(p, c);
	return at;
}

/* The same token again: the end of the earlier connection was not reported. */
static void renew(struct connection *c)
{
	c->n_subflows = 0;
	c->announced = 0;
	c->managed = false;
	c->told = false;
	c->only = 0;
	c->way = PM_WAY_BOTH;
	c->hold_till = (mams_time){0};
	memset(c->lanes, 0, sizeof(c->lanes));
}

void pm_policy_connection(struct pm_policy *p, uint32_t token, bool server_side,
	const struct mams_addr *local, const struct mams_addr *remote)
{
	struct connection *c = make(p, token);
	struct pm_subflow s = subflow_at(local, remote);

	if (!c)
		return;
	if (c->established) {
		renew(c);
	} else {
		stop_waiting(p, c);
		p->counters.connections_open++;
	}
	p->counters.connections++;
	c->established = true;
	c->server_side = server_side;
	c->family = s.remote.family;
	(void)add_subflow(p, c, &s);
	judge(p, c);
}

void pm_policy_closed(struct pm_policy *p, uint32_t token)
{
	struct connection *c = pm_find(p, token);

	if (c)
		forget(p, c);
	else
		p->counters.unknown_token++;
}

void pm_policy_subflow(struct pm_policy *p, uint32_t token, const struct mams_addr *local,
	const struct mams_addr *remote, mams_time now)
{
	struct connection *c = pm_find(p, token);
	struct pm_subflow s = subflow_at(local, remote);
	struct pm_subflow *at;
	struct lane *l;

	if (!c || !c->established) {
		p->counters.unknown_token++;
		return;
	}
	s.since = now;
	l = lane_of(p, c, &s);
	s.id = l ? l->id : PM_ID_UNKNOWN;
	s.backup = l != NULL; /* the creation carried it */
	if (l)
		s.again = pm_after(now, PM_SETTLE_MS);
	at = add_subflow(p, c, &s);
	if (at && !c->server_side)
		mark_twins(c, at);
	if (!l)
		return;
	l->flying = false;
	l->again = (mams_time){0};
}

void pm_policy_subflow_closed(struct pm_policy *p, uint32_t token, const struct mams_addr *local,
	const struct mams_addr *remote, mams_time now)
{
	struct connection *c = pm_find(p, token);
	struct pm_subflow s = subflow_at(local, remote);
	struct pm_subflow *at = c ? find_subflow(c, &s.local, &s.remote) : NULL;
	struct lane *l = c ? lane_of(p, c, &s) : NULL;

	if (!c) {
		p->counters.unknown_token++;
		return;
	}
	if (l && !at && l->flying)
		pm_lane_failed(p, l, now);
	if (at && l && !at->leaving) {
		if (mams_time_before(now, mams_time_add_ms(at->since, PM_SHORT_LIFE_MS)))
			pm_lane_failed(p, l, now);
		else
			l->wait_ms = 0;
	}
	if (at)
		drop_subflow(c, at);
	pm_touch(p, c);
}

void pm_lane_failed(struct pm_policy *p, struct lane *l, mams_time now)
{
	uint32_t wait = l->wait_ms ? l->wait_ms * 2 : PM_RETRY_MS;

	p->counters.creations_failed++;
	l->flying = false;
	l->wait_ms = wait < PM_RETRY_CAP_MS ? wait : PM_RETRY_CAP_MS;
	l->again = mams_time_add_ms(now, l->wait_ms);
}

static void priority_failed(
	struct pm_policy *p, struct pm_subflow *s, const struct pm_action *a, mams_time now)
{
	p->counters.priorities_failed++;
	if (!s)
		return;
	s->backup = !a->backup;
	s->repeats = 0;
	s->again = mams_time_add_ms(now, PM_RETRY_MS);
}

void pm_policy_failed(struct pm_policy *p, const struct pm_action *a, mams_time now)
{
	struct connection *c = pm_find(p, a->token);
	struct pm_subflow *s = c ? find_subflow(c, &a->local, &a->remote) : NULL;
	struct lane *l = c ? pm_lane(c, a->id) : NULL;

	switch (a->kind) {
	case PM_CREATE:
		if (!l) {
			p->counters.creations_failed++;
			break;
		}
		l->held = false;
		pm_lane_failed(p, l, now);
		break;
	case PM_DESTROY:
		if (s) /* it was gone already, without an event */
			drop_subflow(c, s);
		break;
	case PM_PRIORITY:
		priority_failed(p, s, a, now);
		break;
	case PM_WITHDRAW:
		p->counters.withdrawals_failed++;
		break;
	case PM_ANNOUNCE:
		p->counters.announcements_failed++;
		break;
	}
	if (c)
		pm_touch(p, c);
}

/* ---- what to do ---- */

/* Only when a retry is due: events touch what they concern. */
static void touch_due(struct pm_policy *p, mams_time now)
{
	struct connection *c;
	struct connection *next;

	if (mams_time_before(now, p->due))
		return;
	p->due = MAMS_TIME_NEVER;
	HASH_ITER(hh, p->connections, c, next)
	{
		if (!mams_time_before(now, c->due))
			pm_touch(p, c);
		else
			p->due = mams_time_min(p->due, c->due);
	}
}

bool pm_policy_next(struct pm_policy *p, mams_time now, struct pm_action *out)
{
	touch_due(p, now);
	while (p->dirty) {
		struct connection *c = p->dirty;

		if (pm_decide(p, c, now, out))
			return true;
		p->due = mams_time_min(p->due, c->due);
		settle(p, c);
	}
	return false;
}

mams_time pm_policy_deadline(const struct pm_policy *p)
{
	return p->dirty ? (mams_time){INT64_MIN} : p->due;
}

/* ---- status ---- */

size_t pm_policy_count(const struct pm_policy *p)
{
	return HASH_COUNT(p->connections);
}

size_t pm_policy_views(const struct pm_policy *p, struct pm_connection_view *out, size_t cap)
{
	struct connection *c;
	struct connection *next;
	size_t n = 0;

	HASH_ITER(hh, p->connections, c, next)
	{
		if (n == cap)
			break;
		out[n++] = (struct pm_connection_view){.token = c->token,
			.server_side = c->server_side,
			.client = c->client ? c->client->name : NULL,
			.subflows = c->subflows,
			.n_subflows = c->n_subflows};
	}
	return n;
}

const struct pm_counters *pm_policy_counters(const struct pm_policy *p)
{
	return &p->counters;
}
