#include "ccm-agent/plan.h"

#include <string.h>

void ccm_plan_routes(struct ccm_target *t, const struct ccm_links *l)
{
	t->n_routes = 0;
	for (size_t i = 0; i < t->n_paths; i++) {
		const struct ccm_path *p = &t->paths[i];
		const struct ccm_link_state *k = &l->link[p->connection_id].now;

		if (!k->usable)
			continue;
		t->routes[t->n_routes++] = (struct ccm_route){.connection_id = p->connection_id,
			.local = p->local,
			.gateway = k->gateway,
			.ifindex = k->ifindex,
			.outages = k->outages};
	}
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
	return a->connection_id == b->connection_id && a->priority == b->priority &&
	       a->backup == b->backup && mams_addr_eq_ip(&a->local, &b->local) &&
	       mams_addr_eq(&a->proxy, &b->proxy);
}

static bool paths_eq(const struct ccm_target *a, const struct ccm_target *b)
{
	if (a->n_paths != b->n_paths)
		return false;
	for (size_t i = 0; i < a->n_paths; i++)
		if (!path_eq(&a->paths[i], &b->paths[i]))
			return false;
	return true;
}

size_t ccm_plan(const struct ccm_target *applied, const struct ccm_target *wanted,
	struct ccm_step steps[CCM_STEPS_MAX])
{
	bool paths = !paths_eq(applied, wanted);
	size_t n = 0;

	for (size_t i = 0; i < wanted->n_routes; i++)
		if (!has_route(applied, &wanted->routes[i]))
			steps[n++] = (struct ccm_step){
				.kind = CCM_STEP_ROUTE_ADD, .route = wanted->routes[i]};
	if (paths)
		steps[n++] = (struct ccm_step){.kind = CCM_STEP_PM_PATHS};
	if (applied->catching != wanted->catching ||
		(wanted->catching &&
			(paths || strcmp(applied->client_key, wanted->client_key) != 0)))
		steps[n++] = (struct ccm_step){.kind = CCM_STEP_PX_PATHS};
	for (size_t i = 0; i < applied->n_routes; i++)
		if (!has_route(wanted, &applied->routes[i]) &&
			!is_replaced(wanted, &applied->routes[i]))
			steps[n++] = (struct ccm_step){
				.kind = CCM_STEP_ROUTE_DEL, .route = applied->routes[i]};
	return n;
}
