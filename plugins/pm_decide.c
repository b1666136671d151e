/* What is to be done about one connection: the first difference between how it is and how it should
 * be.  Taking addresses away comes before creating, because the kernel drops an id together with
 * any subflow of the same address. */
#include "plugins/pm_tables.h"

uint8_t pm_path_id(const struct pm_path *path)
{
	return (uint8_t)(path->connection_id + 1);
}

struct lane *pm_lane(struct connection *c, uint8_t id)
{
	for (size_t i = 0; id > 0 && i < PM_LANES_MAX; i++)
		if (c->lanes[i].id == id)
			return &c->lanes[i];
	return NULL;
}

const struct pm_path *pm_path_of(
	const struct pm_policy *p, const struct connection *c, const struct pm_subflow *s)
{
	for (size_t i = 0; i < p->n_paths; i++)
		if (p->paths[i].group == c->group &&
			mams_addr_eq_ip(&p->paths[i].local, &s->local) &&
			mams_addr_eq(&p->paths[i].proxy, &s->remote))
			return &p->paths[i];
	return NULL;
}

static const struct pm_path *path_with_id(
	const struct pm_policy *p, const struct connection *c, uint8_t id)
{
	for (size_t i = 0; i < p->n_paths; i++)
		if (p->paths[i].group == c->group && pm_path_id(&p->paths[i]) == id)
			return &p->paths[i];
	return NULL;
}

static bool in_class(const struct connection *c, const struct pm_path *path)
{
	return path->connection_id < 32 && (c->only & 1u << path->connection_id);
}

/* Over a path of its class; over any when there is none of these now. */
static bool may_use(
	const struct pm_policy *p, const struct connection *c, const struct pm_path *path)
{
	if (c->only == 0 || in_class(c, path))
		return true;
	for (size_t i = 0; i < p->n_paths; i++)
		if (p->paths[i].group == c->group && p->paths[i].local.family == c->family &&
			in_class(c, &p->paths[i]))
			return false;
	return true;
}

static bool path_uses(
	const struct pm_policy *p, const struct connection *c, const struct mams_addr *local)
{
	for (size_t i = 0; i < p->n_paths; i++)
		if (p->paths[i].group == c->group && mams_addr_eq_ip(&p->paths[i].local, local) &&
			may_use(p, c, &p->paths[i]))
			return true;
	return false;
}

static void about(struct pm_action *out, enum pm_action_kind kind, const struct connection *c,
	const struct pm_subflow *s)
{
	*out = (struct pm_action){.kind = kind,
		.token = c->token,
		.id = s->id,
		.local = s->local,
		.remote = s->remote,
		.backup = s->backup,
		.mapped = s->mapped};
}

/* Its time has come, or the connection is looked at again when it comes. */
static bool is_due(struct connection *c, mams_time at, mams_time now)
{
	if (!mams_time_before(now, at))
		return true;
	c->due = mams_time_min(c->due, at);
	return false;
}

static bool prioritize(struct pm_policy *p, struct connection *c, struct pm_subflow *s, bool backup,
	mams_time now, struct pm_action *out)
{
	bool changes = s->backup != backup;

	if (s->leaving || (!changes && s->repeats == 0))
		return false;
	if (!is_due(c, changes ? s->again : s->repeat, now))
		return false;
	s->backup = backup;
	s->repeats = changes ? PM_REPEATS : s->repeats - 1;
	s->repeat = pm_after(now, PM_REPEAT_MS);
	about(out, PM_PRIORITY, c, s);
	p->counters.priorities++;
	return true;
}

/* ---- client side: what goes ---- */

static size_t staying(const struct connection *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_subflows; i++)
		n += !c->subflows[i].leaving;
	return n;
}

/* Would the kernel, or the peer, mix up this subflow with the one that is to replace it?  Then it
 * has to go first, even if it is the last. */
static bool is_in_the_way(
	const struct pm_policy *p, const struct connection *c, const struct pm_subflow *s)
{
	const struct pm_path *path = s->id > 0 ? path_with_id(p, c, s->id) : NULL;

	return path_uses(p, c, &s->local) || (path && may_use(p, c, path));
}

/* Withdraw first: the option must be made while the kernel still knows the address. */
static bool withdraw(struct connection *c, struct pm_subflow *s, struct pm_action *out)
{
	struct lane *l = pm_lane(c, s->id);
	bool known = s->id == 0 || (s->id != PM_ID_UNKNOWN && l && l->held);

	about(out, PM_WITHDRAW, c, s);
	if (l)
		*l = (struct lane){0};
	s->id = PM_ID_UNKNOWN;
	return known;
}

static bool destroy(struct connection *c, struct pm_subflow *s, struct pm_action *out)
{
	about(out, PM_DESTROY, c, s);
	s->told = true;
	/* the kernel forgets the address with it */
	for (size_t i = 0; i < PM_LANES_MAX; i++)
		if (mams_addr_eq_ip(&c->lanes[i].local, &s->local))
			c->lanes[i].held = false;
	return true;
}

static bool finish_leaving(struct connection *c, struct pm_action *out)
{
	for (size_t i = 0; i < c->n_subflows; i++)
		if (c->subflows[i].leaving && !c->subflows[i].told)
			return destroy(c, &c->subflows[i], out);
	return false;
}

static bool take_away(struct pm_policy *p, struct connection *c, struct pm_action *out)
{
	for (size_t i = c->n_subflows; i-- > 0;) {
		struct pm_subflow *s = &c->subflows[i];
		const struct pm_path *path = pm_path_of(p, c, s);

		if (s->leaving || (path && !s->stale && may_use(p, c, path)))
			continue;
		if (staying(c) < 2 && !is_in_the_way(p, c, s)) {
			s->stale |= !path;
			continue;
		}
		s->leaving = true;
		p->counters.subflows_destroyed++;
		if (withdraw(c, s, out))
			return true;
		return destroy(c, s, out);
	}
	return false;
}

static bool carries_subflow(const struct connection *c, const struct lane *l)
{
	for (size_t i = 0; i < c->n_subflows; i++)
		if (!c->subflows[i].leaving && c->subflows[i].id == l->id)
			return true;
	return false;
}

/* Ids without a subflow whose path has gone: a creation under way, or closed by the peer. */
static bool free_lanes(struct pm_policy *p, struct connection *c, struct pm_action *out)
{
	for (size_t i = 0; i < PM_LANES_MAX; i++) {
		struct lane *l = &c->lanes[i];
		const struct pm_path *path = path_with_id(p, c, l->id);
		bool held = l->held;

		if (l->id == 0 || (path && mams_addr_eq_ip(&path->local, &l->local)) ||
			carries_subflow(c, l))
			continue;
		*out = (struct pm_action){
			.kind = PM_WITHDRAW, .token = c->token, .id = l->id, .local = l->local};
		*l = (struct lane){0};
		if (held)
			return true;
	}
	return false;
}

/* ---- client side: what comes ---- */

static struct pm_subflow *subflow_on(struct connection *c, const struct pm_path *path)
{
	for (size_t i = 0; i < c->n_subflows; i++)
		if (!c->subflows[i].leaving &&
			mams_addr_eq_ip(&c->subflows[i].local, &path->local) &&
			mams_addr_eq(&c->subflows[i].remote, &path->proxy))
			return &c->subflows[i];
	return NULL;
}

static struct lane *lane_for(struct connection *c, const struct pm_path *path)
{
	struct lane *l = pm_lane(c, pm_path_id(path));

	for (size_t i = 0; !l && i < PM_LANES_MAX; i++)
		if (c->lanes[i].id == 0)
			l = &c->lanes[i];
	if (l && l->id == 0)
		*l = (struct lane){.id = pm_path_id(path), .local = path->local};
	return l;
}

static bool create(struct pm_policy *p, struct connection *c, const struct pm_path *path,
	mams_time now, struct pm_action *out)
{
	struct lane *l = lane_for(c, path);

	/* a lane of the same id still belongs to the last subflow, over another address */
	if (!l || !mams_addr_eq_ip(&l->local, &path->local))
		return false;
	if (mams_time_before(now, l->again)) {
		c->due = mams_time_min(c->due, l->again);
		return false;
	}
	l->held = true;
	l->flying = true;
	l->again = mams_time_add_ms(now, PM_SILENT_MS);
	c->due = mams_time_min(c->due, l->again);
	*out = (struct pm_action){.kind = PM_CREATE,
		.token = c->token,
		.id = l->id,
		.local = path->local,
		.remote = path->proxy,
		.backup = true};
	p->counters.subflows_created++;
	return true;
}

/* Whose subflow was made, and would have to go again at once, has carried something meanwhile. */
static bool is_held(struct pm_policy *p, struct connection *c, mams_time now)
{
	if (!p->wait_bind || c->told)
		return false;
	if (c->hold_till.us == 0)
		c->hold_till = mams_time_add_ms(now, PM_WAIT_BIND_MS);
	if (!mams_time_before(now, c->hold_till))
		return false;
	c->due = mams_time_min(c->due, c->hold_till);
	return true;
}

/* A flow whose directions use different links has a connection for each. */
static bool path_backup(const struct connection *c, const struct pm_path *path)
{
	switch (c->way) {
	case PM_WAY_UP:
		return path->backup_up;
	case PM_WAY_DOWN:
		return path->backup_down;
	case PM_WAY_BOTH:
		break;
	}
	return path->backup;
}

/* Is there another subflow that carries, and is to? */
static bool is_carried_without(
	const struct pm_policy *p, const struct connection *c, const struct pm_subflow *s)
{
	for (size_t i = 0; i < c->n_subflows; i++) {
		const struct pm_subflow *o = &c->subflows[i];
		const struct pm_path *path = pm_path_of(p, c, o);

		if (o != s && !o->leaving && !o->backup && !o->stale && path &&
			may_use(p, c, path) && !path_backup(c, path))
			return true;
	}
	return false;
}

/* Who is to carry comes before who is not to goes. */
static bool comes_in(struct pm_policy *p, struct connection *c, struct pm_subflow *s, mams_time now,
	struct pm_action *out)
{
	const struct pm_path *path = pm_path_of(p, c, s);

	return path && s->backup && !s->stale && may_use(p, c, path) && !path_backup(c, path) &&
	       prioritize(p, c, s, false, now, out);
}

/* A subflow that is to carry no longer is made anew, as backup: the kernel keeps to a subflow what
 * it has sent there until that subflow has brought it over, and the reader waits, for seconds on a
 * link that loses much; what is out on one that goes is sent again on the others at once.  Not so
 * one that works yet and only fades: there all arrives. */
static void retire(struct pm_policy *p, struct connection *c)
{
	for (size_t i = 0; i < c->n_subflows; i++) {
		struct pm_subflow *s = &c->subflows[i];
		const struct pm_path *path = pm_path_of(p, c, s);

		if (path && !path->gently && !s->leaving && !s->backup && path_backup(c, path) &&
			is_carried_without(p, c, s))
			s->stale = true;
	}
}

static bool client_action(
	struct pm_policy *p, struct connection *c, mams_time now, struct pm_action *out)
{
	bool held;

	for (size_t i = 0; i < c->n_subflows; i++)
		if (comes_in(p, c, &c->subflows[i], now, out))
			return true;
	retire(p, c);
	if (take_away(p, c, out) || free_lanes(p, c, out))
		return true;
	held = is_held(p, c, now);
	for (size_t i = 0; i < p->n_paths; i++) {
		const struct pm_path *path = &p->paths[i];
		struct pm_subflow *s = subflow_on(c, path);

		if (path->group != c->group || path->local.family != c->family ||
			!may_use(p, c, path))
			continue;
		if (!s && !held && create(p, c, path, now, out))
			return true;
		if (s && prioritize(p, c, s, path_backup(c, path), now, out))
			return true;
	}
	return false;
}

/* ---- network side ---- */

/* What no rule names carries normally; also when a rule for it has gone.  A flag of ours would
 * rule the uplink, too: where that is all there is, it is the client's alone. */
static bool wanted_backup(const struct connection *c, const struct mams_addr *local)
{
	const struct client *k = c->client;

	if (c->way == PM_WAY_UP)
		return false;
	for (size_t i = 0; i < k->n_rules; i++)
		if (mams_addr_eq_ip(&k->rules[i].local, local))
			return k->rules[i].backup;
	return false;
}

static bool network_action(
	struct pm_policy *p, struct connection *c, mams_time now, struct pm_action *out)
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
	for (size_t i = 0; c->client && i < c->n_subflows; i++) {
		struct pm_subflow *s = &c->subflows[i];

		if (prioritize(p, c, s, wanted_backup(c, &s->local), now, out))
			return true;
	}
	return false;
}

static struct pm_subflow *between(
	struct connection *c, struct mams_addr local, struct mams_addr remote)
{
	mams_addr_unmap(&local);
	mams_addr_unmap(&remote);
	for (size_t i = 0; i < c->n_subflows; i++)
		if (mams_addr_eq(&c->subflows[i].local, &local) &&
			mams_addr_eq(&c->subflows[i].remote, &remote))
			return &c->subflows[i];
	return NULL;
}

void pm_policy_anew(struct pm_policy *p, uint32_t token, const struct mams_addr *local,
	const struct mams_addr *remote)
{
	struct connection *c = pm_find(p, token);
	struct pm_subflow *s = c ? between(c, *local, *remote) : NULL;
	bool carried = false;

	for (size_t i = 0; s && i < c->n_subflows; i++) {
		const struct pm_subflow *o = &c->subflows[i];

		carried |= o != s && !o->leaving && !o->backup;
	}
	if (!carried || s->leaving)
		return;
	s->leaving = true;
	p->counters.subflows_anew++;
	pm_touch(p, c);
}

bool pm_decide(struct pm_policy *p, struct connection *c, mams_time now, struct pm_action *out)
{
	c->due = MAMS_TIME_NEVER;
	if (!c->established)
		return false;
	if (finish_leaving(c, out))
		return true;
	if (c->server_side)
		return network_action(p, c, now, out);
	return c->managed && client_action(p, c, now, out);
}
