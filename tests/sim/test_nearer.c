/* An anchor goes to the N-MADP instance with the better path: both cores and the network between
 * them. */
#include "ncm-service/near.h"
#include "tests/sim/world.h"

#include <string.h>

#define WIFI 1u
#define LTE 2u
#define EAST 1u
#define WEST 9u

/* As the NCM does each second, for so many of them; what each instance is measured at. */
static void measure(struct world *w, struct ncm_near *near, uint32_t east_ms, uint32_t west_ms,
	unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		struct ncm_session *s = world_session(w, w->clients);
		const struct ncm_link *l = &s->s.links[0];
		struct ctl_trace_input in = {.kind = CTL_TRACE_FAR, .has_far = true};

		ncm_near_take(near, (uint8_t)l->access, &l->address, 0, east_ms * 1000, 0, w->now);
		ncm_near_take(near, (uint8_t)l->access, &l->address, 1, west_ms * 1000, 0, w->now);
		if (ncm_near_look(near, s, w->now, &in.far)) {
			world_trace_input(w, s, &in);
			ncm_session_far(s, in.far, w->now);
			ncm_registry_arm(w->registry, s, ncm_session_deadline(s));
		}
		world_run(w, 1000);
	}
}

static void nearer_instance(void)
{
	static struct ncm_near near;
	struct world w;

	memset(&near, 0, sizeof(near));
	world_init_with(&w, 27, 1, 2, 1);
	world_up(&w);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "east");
	measure(&w, &near, 80, 78, 60);
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST);
	/* not at once */
	measure(&w, &near, 80, 20, 25);
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST);
	measure(&w, &near, 80, 20, 25);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "west");
	CU_ASSERT_EQUAL(world_catches_by(&w), WEST);
	CU_ASSERT_EQUAL(world_retired_paths(&w), 2);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	/* and not back again so soon */
	measure(&w, &near, 5, 20, 200);
	CU_ASSERT_EQUAL(world_catches_by(&w), WEST);
	measure(&w, &near, 5, 20, 150);
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST);
	CU_ASSERT_EQUAL(w.clients->ccm.counters.moves, 2);
	world_fini(&w);
}

/* A session that comes tries the instance of which nothing is known, and then the near one. */
static void comes_again(struct world *w, const struct ncm_near *near)
{
	ncm_session_terminate(world_session(w, w->clients), MX_INTERNAL_ERROR, w->now);
	for (unsigned i = 0; i < 6000; i++) {
		struct ncm_session *s = world_session(w, w->clients);
		uint32_t far;

		if (s && s->state != NCM_STATE_ENDED && ncm_near_look(near, s, w->now, &far))
			ncm_session_far(s, far, w->now);
		world_run(w, 10);
	}
}

static void who_comes_tries_the_other(void)
{
	static struct ncm_near near;
	const struct ncm_link *l;
	struct world w;

	memset(&near, 0, sizeof(near));
	world_init_with(&w, 27, 1, 2, 1);
	world_up(&w);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "east");
	l = &world_session(&w, w.clients)->s.links[0];
	ncm_near_take(&near, (uint8_t)l->access, &l->address, 0, 72000, 0, w.now);
	comes_again(&w, &near);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "west");
	world_fini(&w);
}

int main(void)
{
	static const struct mams_case cases[] = {{"a nearer instance", nearer_instance},
		{"who comes tries the other", who_comes_tries_the_other}};

	return mams_suite_run("nearer", cases, MAMS_ARRAY_LEN(cases));
}
