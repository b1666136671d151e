/* A connection is looked at when something happened to it (it is then "dirty"), or when a creation
 * is due again.  Looking yields one action at a time, until all is as it should be. */
#include "plugins/pm_policy.h"

#include <uthash.h>
#include <utlist.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RETRY_MS 200   /* after the kernel refused a creation, doubling */
#define SILENT_MS 3000 /* after a creation that was neither refused nor reported */
#define RETRY_CAP_MS 60000
#define CNT(name, field, kind, text)                                                               \
	{                                                                                          \
		name, text, kind, offsetof(struct pm_counters, field)                              \
	}

const struct mams_metric pm_counter_rows[] = {
	CNT("connections_total", connections, MAMS_COUNTER, "MPTCP connections seen"),
	CNT("connections_open", connections_open, MAMS_GAUGE, "MPTCP connections now"),
	CNT("subflows_created_total", subflows_created, MAMS_COUNTER, "subflows asked for"),
	CNT("subflows_destroyed_total", subflows_destroyed, MAMS_COUNTER, "subflows taken away"),
	CNT("creations_failed_total", creations_failed, MAMS_COUNTER, "creations refused"),
	CNT("priorities_total", priorities, MAMS_COUNTER, "priority changes (MP_PRIO)"),
	CNT("announced_total", announced, MAMS_COUNTER, "addresses announced (ADD_ADDR)"),
	CNT("unknown_token_total", unknown_token, MAMS_COUNTER, "events of unknown connections"),
	CNT("too_many_subflows_total", too_many_subflows, MAMS_COUNTER, "subflows not followed"),
	CNT("no_memory_total", no_memory, MAMS_COUNTER, "things forgotten for want of memory"),
};
const size_t pm_n_counter_rows = MAMS_ARRAY_LEN(pm_counter_rows);

/* A creation under way, or to be tried again. */
struct attempt {
	mams_time again;
	uint32_t wait_ms;
};

struct client {
	char *name;
	struct pm_rule rules[PM_PATHS_MAX];
	size_t n_rules;
	size_t users; /* connections bound to it */
	UT_hash_handle hh;
};

struct connection {
	uint32_t token;
	bool established; /* false: known by its binding only */
	bool server_side;
	bool managed; /* its peer is, or was, one of the paths' proxies */
	bool dirty;
	mams_time due;
	struct client *client;
	struct pm_subflow subflows[PM_SUBFLOWS_MAX];
	size_t n_subflows;
	struct attempt attempts[PM_PATHS_MAX]; /* by connection id of the path */
	struct mams_addr announce[PM_ANNOUNCE_MAX];
	size_t n_announce;
	size_t announced;
	struct connection *prev, *next; /* in the list of dirty ones */
	UT_hash_handle hh;
};

struct pm_policy {
	struct pm_path paths[PM_PATHS_MAX];
	size_t n_paths;
	struct connection *connections;
	struct client *clients;
	struct connection *dirty;
	mams_time due; /* earliest of all connections, or earlier */
	struct pm_counters counters;
};

/* ---- tables ---- */

static struct connection *find(const struct pm_policy *p, uint32_t token)
{
	struct connection *c;

	HASH_FIND(hh, p->connections, &token, sizeof(token), c);
	return c;
}

static struct connection *make(struct pm_policy *p, uint32_t token)
{
	struct connection *c = find(p, token);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c) {
		p->counters.no_memory++;
		return NULL;
	}
	c->token = token;
	c->due = MAMS_TIME_NEVER;
	HASH_ADD(hh, p->connections, token, sizeof(c->token), c);
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

static void touch(struct pm_policy *p, struct connection *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	DL_APPEND(p->dirty, c);
}

static void settle(struct pm_policy *p, struct connection *c)
{
	if (!c->dirty)
		return;
	c->dirty = false;
	DL_DELETE(p->dirty, c);
}

/* ---- configuration ---- */

static bool is_proxy(const struct pm_policy *p, const struct mams_addr *remote)
{
	for (size_t i = 0; i < p->n_paths; i++)
		if (mams_addr_eq(&p->paths[i].proxy, remote))
			return true;
	return false;
}

static void judge(const struct pm_policy *p, struct connection *c)
{
	for (size_t i = 0; !c->server_side && !c->managed && i < c->n_subflows; i++)
		c->managed = is_proxy(p, &c->subflows[i].remote);
}

static bool path_eq(const struct pm_path *a, const struct pm_path *b)
{
	return a->connection_id == b->connection_id && mams_addr_eq_ip(&a->local, &b->local) &&
	       mams_addr_eq(&a->proxy, &b->proxy);
}

/* A path that is new, or new again, is tried at once, whatever its past. */
static void forget_attempts(
	struct connection *c, const struct pm_policy *old, const struct pm_path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool same = false;

		for (size_t k = 0; k < old->n_paths; k++)
			same |= path_eq(&old->paths[k], &paths[i]);
		if (!same)
			c->attempts[paths[i].connection_id] = (struct attempt){0};
	}
}

int pm_policy_paths(struct pm_policy *p, const struct pm_path *paths, size_t n)
{
	uint32_t seen = 0;
	struct connection *c;
	struct connection *next;

	if (n > PM_PATHS_MAX)
		return -MAMS_ELIMIT;
	for (size_t i = 0; i < n; i++) {
		if (paths[i].connection_id >= PM_PATHS_MAX || seen & 1u << paths[i].connection_id ||
			paths[i].proxy.port == 0 || paths[i].local.family != paths[i].proxy.family)
			return -MAMS_EVALUE;
		seen |= 1u << paths[i].connection_id;
	}
	HASH_ITER(hh, p->connections, c, next)
	forget_attempts(c, p, paths, n);
	if (n > 0)
		memcpy(p->paths, paths, n * sizeof(*paths));
	p->n_paths = n;
	HASH_ITER(hh, p->connections, c, next)
	{
		judge(p, c);
		touch(p, c);
	}
	return 0;
}

int pm_policy_bind(struct pm_policy *p, uint32_t token, const char *client,
	const struct mams_addr *announce, size_t n)
{
	struct client *k = client ? make_client(p, client) : NULL;
	struct connection *c;

	if (n > PM_ANNOUNCE_MAX || (client && strlen(client) >= PM_CLIENT_MAX))
		return -MAMS_ELIMIT;
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
	touch(p, c);
	return 0;
}

int pm_policy_rules(struct pm_policy *p, const char *client, const struct pm_rule *rules, size_t n)
{
	struct client *k;
	struct connection *c;
	struct connection *next;

	if (n > PM_PATHS_MAX || strlen(client) >= PM_CLIENT_MAX)
		return -MAMS_ELIMIT;
	k = make_client(p, client);
	if (!k)
		return -ENOMEM;
	if (n > 0)
		memcpy(k->rules, rules, n * sizeof(*rules));
	k->n_rules = n;
	HASH_ITER(hh, p->connections, c, next)
	if (c->client == k)
		touch(p, c);
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

static const struct pm_path *path_of(const struct pm_policy *p, const struct pm_subflow *s)
{
	for (size_t i = 0; i < p->n_paths; i++)
		if (mams_addr_eq_ip(&p->paths[i].local, &s->local) &&
			mams_addr_eq(&p->paths[i].proxy, &s->remote))
			return &p->paths[i];
	return NULL;
}

static void add_subflow(struct pm_policy *p, struct connection *c, const struct mams_addr *local,
	const struct mams_addr *remote, bool initial)
{
	struct pm_subflow s = {.local = *local, .remote = *remote};
	const struct pm_path *path = path_of(p, &s);

	if (find_subflow(c, local, remote))
		return;
	if (c->n_subflows == PM_SUBFLOWS_MAX) {
		p->counters.too_many_subflows++;
		return;
	}
	if (!initial && path && !c->server_side) {
		s.id = (uint8_t)(path->connection_id + 1);
		s.backup = path->backup; /* the creation carried it */
		c->attempts[path->connection_id] = (struct attempt){0};
	}
	c->subflows[c->n_subflows++] = s;
	touch(p, c);
}

void pm_policy_connection(struct pm_policy *p, uint32_t token, bool server_side,
	const struct mams_addr *local, const struct mams_addr *remote)
{
	struct connection *c = make(p, token);

	if (!c)
		return;
	p->counters.connections += !c->established;
	p->counters.connections_open += !c->established;
	c->established = true;
	c->server_side = server_side;
	add_subflow(p, c, local, remote, true);
	judge(p, c);
}

void pm_policy_closed(struct pm_policy *p, uint32_t token)
{
	struct connection *c = find(p, token);

	if (!c) {
		p->counters.unknown_token++;
		return;
	}
	p->counters.connections_open -= c->established;
	release_client(p, c->client);
	settle(p, c);
	HASH_DEL(p->connections, c);
	free(c);
}

void pm_policy_subflow(struct pm_policy *p, uint32_t token, const struct mams_addr *local,
	const struct mams_addr *remote)
{
	struct connection *c = find(p, token);

	if (c)
		add_subflow(p, c, local, remote, false);
	else
		p->counters.unknown_token++;
}

void pm_policy_subflow_closed(struct pm_policy *p, uint32_t token, const struct mams_addr *local,
	const struct mams_addr *remote)
{
	struct connection *c = find(p, token);
	struct pm_subflow *s = c ? find_subflow(c, local, remote) : NULL;

	if (!c) {
		p->counters.unknown_token++;
		return;
	}
	if (!s)
		return;
	*s = c->subflows[--c->n_subflows];
	touch(p, c);
}

void pm_policy_failed(struct pm_policy *p, const struct pm_action *a, mams_time now)
{
	struct connection *c = find(p, a->token);
	struct pm_subflow *s;

	if (!c)
		return;
	if (a->kind == PM_CREATE && a->id > 0 && a->id <= PM_PATHS_MAX) {
		struct attempt *t = &c->attempts[a->id - 1];

		p->counters.creations_failed++;
		t->wait_ms = t->wait_ms && t->wait_ms < SILENT_MS ? t->wait_ms * 2 : RETRY_MS;
		t->again = mams_time_add_ms(now, t->wait_ms);
		touch(p, c);
	} else if (a->kind == PM_DESTROY) {
		/* it was gone already, without an event */
		s = find_subflow(c, &a->local, &a->remote);
		if (s)
			*s = c->subflows[--c->n_subflows];
		touch(p, c);
	}
}

/* ---- what to do ---- */

static struct pm_subflow *subflow_on(struct connection *c, const struct pm_path *path)
{
	for (size_t i = 0; i < c->n_subflows; i++)
		if (!c->subflows[i].leaving &&
			mams_addr_eq_ip(&c->subflows[i].local, &path->local) &&
			mams_addr_eq(&c->subflows[i].remote, &path->proxy))
			return &c->subflows[i];
	return NULL;
}

static void about(struct pm_action *out, enum pm_action_kind kind, const struct connection *c,
	const struct pm_subflow *s)
{
	*out = (struct pm_action){.kind = kind, .token = c->token};
	if (!s)
		return;
	out->id = s->id;
	out->local = s->local;
	out->remote = s->remote;
	out->backup = s->backup;
}

static bool set_priority(struct pm_policy *p, struct connection *c, struct pm_subflow *s,
	bool backup, struct pm_action *out)
{
	if (s->backup == backup)
		return false;
	s->backup = backup;
	about(out, PM_PRIORITY, c, s);
	p->counters.priorities++;
	return true;
}

static bool create(struct pm_policy *p, struct connection *c, const struct pm_path *path,
	mams_time now, struct pm_action *out)
{
	struct attempt *t = &c->attempts[path->connection_id];

	if (mams_time_before(now, t->again)) {
		c->due = mams_time_min(c->due, t->again);
		return false;
	}
	/* its report, or the kernel's refusal, will come first */
	t->wait_ms = t->wait_ms >= SILENT_MS ? t->wait_ms * 2 : SILENT_MS;
	if (t->wait_ms > RETRY_CAP_MS)
		t->wait_ms = RETRY_CAP_MS;
	t->again = mams_time_add_ms(now, t->wait_ms);
	c->due = mams_time_min(c->due, t->again);
	*out = (struct pm_action){.kind = PM_CREATE,
		.token = c->token,
		.id = (uint8_t)(path->connection_id + 1),
		.local = path->local,
		.remote = path->proxy,
		.backup = path->backup};
	p->counters.subflows_created++;
	return true;
}

static size_t staying(const struct connection *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_subflows; i++)
		n += !c->subflows[i].leaving;
	return n;
}

/* A subflow without a path goes, unless it is the last one.  The address is withdrawn first: the
 * option must be sent while the kernel still knows the address, and travels on another subflow. */
static bool take_away(struct pm_policy *p, struct connection *c, struct pm_action *out)
{
	for (size_t i = c->n_subflows; i-- > 0;) {
		struct pm_subflow *s = &c->subflows[i];

		if (s->leaving || path_of(p, s) || staying(c) < 2)
			continue;
		s->leaving = true;
		about(out, PM_WITHDRAW, c, s);
		p->counters.subflows_destroyed++;
		return true;
	}
	return false;
}

static bool client_action(
	struct pm_policy *p, struct connection *c, mams_time now, struct pm_action *out)
{
	for (size_t i = 0; i < p->n_paths; i++) {
		const struct pm_path *path = &p->paths[i];
		struct pm_subflow *s = subflow_on(c, path);

		if (!s && create(p, c, path, now, out))
			return true;
		if (s && set_priority(p, c, s, path->backup, out))
			return true;
	}
	return take_away(p, c, out);
}

static bool network_action(struct pm_policy *p, struct connection *c, struct pm_action *out)
{
	if (c->announced < c->n_announce) {
		uint8_t id = (uint8_t)(++c->announced);

		*out = (struct pm_action){.kind = PM_ANNOUNCE,
			.token = c->token,
			.id = id,
			.local = c->announce[id - 1]};
		p->counters.announced++;
		return true;
	}
	for (size_t i = 0; c->client && i < c->n_subflows; i++)
		for (size_t k = 0; k < c->client->n_rules; k++) {
			const struct pm_rule *r = &c->client->rules[k];

			if (mams_addr_eq_ip(&r->local, &c->subflows[i].local) &&
				set_priority(p, c, &c->subflows[i], r->backup, out))
				return true;
		}
	return false;
}

/* PM_WITHDRAW is followed by PM_DESTROY of the same subflow. */
static bool pending_destroy(struct connection *c, struct pm_action *out)
{
	for (size_t i = 0; i < c->n_subflows; i++) {
		struct pm_subflow *s = &c->subflows[i];

		if (!s->leaving || s->id == UINT8_MAX)
			continue;
		about(out, PM_DESTROY, c, s);
		s->id = UINT8_MAX; /* told */
		return true;
	}
	return false;
}

static bool act(struct pm_policy *p, struct connection *c, mams_time now, struct pm_action *out)
{
	c->due = MAMS_TIME_NEVER;
	if (!c->established)
		return false;
	if (pending_destroy(c, out))
		return true;
	if (c->server_side)
		return network_action(p, c, out);
	return c->managed && client_action(p, c, now, out);
}

/* Only when a creation is due again: events touch what they concern. */
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
			touch(p, c);
		else
			p->due = mams_time_min(p->due, c->due);
	}
}

bool pm_policy_next(struct pm_policy *p, mams_time now, struct pm_action *out)
{
	touch_due(p, now);
	while (p->dirty) {
		struct connection *c = p->dirty;

		if (act(p, c, now, out))
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
