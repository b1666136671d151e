#include "ccm-agent/plan.h"

#include <string.h>

static void add_route(
	struct ccm_target *t, const struct ccm_links *l, uint8_t id, const struct mams_addr *local)
{
	const struct ccm_link_state *k = &l->link[id].now;

	if (!k->usable || t->n_routes == CCM_LINKS_MAX)
		return;
	for (size_t i = 0; i < t->n_routes; i++)
		if (t->routes[i].connection_id == id)
			return; /* one route serves all instances that the link leads to */
	t->routes[t->n_routes++] = (struct ccm_route){.connection_id = id,
		.local = *local,
		.gateway = k->gateway,
		.ifindex = k->ifindex,
		.outages = k->outages};
}

void ccm_plan_routes(struct ccm_target *t, const struct ccm_links *l)
{
	t->n_routes = 0;
	for (size_t i = 0; i < t->n_paths; i++)
		add_route(t, l, t->paths[i].connection_id, &t->paths[i].local);
	for (size_t i = 0; i < t->n_assocs; i++) /* IKE goes first */
		add_route(t, l, t->assocs[i].connection_id, &t->assocs[i].local);
	for (size_t i = 0; t->tunnel.on && i < t->tunnel.n_links; i++)
		add_route(t, l, t->tunnel.links[i].connection_id, &t->tunnel.links[i].local);
	if (t->native)
		add_route(t, l, t->native_id, &l->link[t->native_id].now.address);
}

static bool route_eq(const struct ccm_route *a, const struct ccm_route *b)
{
	return a->connection_id == b->connection_id && a->ifindex == b->ifindex &&
	       a->outages == b->outages && mams_addr_eq_ip(&a->local, &b->local) &&
	       mams_addr_eq_ip(&a->gateway, &b->gateway);
}

static bool has_route(const struct ccm_target *t, const struct ccm_route *r)
{
	for (size_t i = 0; i < t->n_routes; i++)
		if (route_eq(&t->routes[i], r))
			return true;
	return false;
}

/* The rule and table of a connection id are one place: a changed route replaces what stands there,
 * so only a rule for another address must go. */
static bool is_replaced(const struct ccm_target *t, const struct ccm_route *r)
{
	for (size_t i = 0; i < t->n_routes; i++)
		if (t->routes[i].connection_id == r->connection_id &&
			mams_addr_eq_ip(&t->routes[i].local, &r->local))
			return true;
	return false;
}

static bool path_eq(const struct ccm_path *a, const struct ccm_path *b)
{
	return a->connection_id == b->connection_id && a->group == b->group &&
	       a->priority == b->priority && a->backup == b->backup &&
	       a->backup_up == b->backup_up && a->backup_down == b->backup_down &&
	       a->gently == b->gently && mams_addr_eq_ip(&a->local, &b->local) &&
	       mams_addr_eq(&a->proxy, &b->proxy);
}

static const struct ccm_path *next_path(const struct ccm_target *t, size_t *i, bool caught)
{
	while (*i < t->n_paths && (caught ? !t->paths[*i].caught : t->paths[*i].silent))
		(*i)++;
	return *i < t->n_paths ? &t->paths[(*i)++] : NULL;
}

/* @param caught  what the proxy is told; else the plugin */
static bool paths_eq(const struct ccm_target *a, const struct ccm_target *b, bool caught)
{
	size_t i = 0;
	size_t k = 0;

	for (;;) {
		const struct ccm_path *x = next_path(a, &i, caught);
		const struct ccm_path *y = next_path(b, &k, caught);

		if (!x || !y)
			return !x && !y;
		if (!path_eq(x, y))
			return false;
	}
}

/* The link's table may be a new one: the rule that leads to it is made again with it. */
static bool native_changes(const struct ccm_target *applied, const struct ccm_target *wanted)
{
	return wanted->native && (!applied->native || applied->native_id != wanted->native_id);
}

static bool classes_eq(const struct ccm_target *a, const struct ccm_target *b)
{
	if (a->n_classes != b->n_classes)
		return false;
	for (size_t i = 0; i < a->n_classes; i++)
		if (!ccm_class_eq(&a->classes[i], &b->classes[i]))
			return false;
	return true;
}

size_t ccm_plan(const struct ccm_target *applied, const struct ccm_target *wanted,
	struct ccm_step steps[CCM_STEPS_MAX])
{
	bool classes = !classes_eq(applied, wanted);
	bool paths = !paths_eq(applied, wanted, false) || classes;
	size_t n = 0;

	for (size_t i = 0; i < wanted->n_routes; i++)
		if (!has_route(applied, &wanted->routes[i]))
			steps[n++] = (struct ccm_step){
				.kind = CCM_STEP_ROUTE_ADD, .route = wanted->routes[i]};
	if (native_changes(applied, wanted))
		steps[n++] = (struct ccm_step){
			.kind = CCM_STEP_NATIVE, .route = {.connection_id = wanted->native_id}};
	if (applied->native && !wanted->native)
		steps[n++] = (struct ccm_step){.kind = CCM_STEP_FREE};
	if (paths)
		steps[n++] = (struct ccm_step){.kind = CCM_STEP_PM_PATHS};
	if (applied->catching != wanted->catching || applied->detour != wanted->detour ||
		(wanted->catching && (classes || !paths_eq(applied, wanted, true) ||
					     strcmp(applied->client_key, wanted->client_key) != 0)))
		steps[n++] = (struct ccm_step){.kind = CCM_STEP_PX_PATHS};
	for (size_t i = 0; i < applied->n_routes; i++)
		if (!has_route(wanted, &applied->routes[i]) &&
			!is_replaced(wanted, &applied->routes[i]))
			steps[n++] = (struct ccm_step){
				.kind = CCM_STEP_ROUTE_DEL, .route = applied->routes[i]};
	return n;
}
