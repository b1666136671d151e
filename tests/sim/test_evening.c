/* An evening of 1,000 clients on three N-MADPs: all have the same Wi-Fi cell, which their demand
 * outgrows, and LTE.  Sessions, clients and policy are the real ones; the cell is a model: above
 * its capacity delay and loss grow for everybody in it, and the network tells its load every 10 s.
 *   MAMS_SEED=N  repeats a run */
#include "lib/steer/conf.h"
#include "ncm-service/feed.h"
#include "ncm-service/steerer.h"
#include "tests/sim/world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CLIENTS 1000u
#define WIFI 1u
#define LTE 2u
#define STEP_MS 2000
#define MINUTES 40u
#define PI 3.14159265358979

struct evening {
	struct world w;
	struct ncm_feed *feed;
	double share[CLIENTS]; /* of the demand */
	uint32_t was[CLIENTS];
	unsigned changes[CLIENTS];
	double load; /* of the cell, 1: full */
	double peak_sum, worst;
	unsigned peak_steps, overload_steps, left_empty;
};

/* Times the cell's capacity: 0.4 at the ends, 1.6 in the middle. */
static double demand(double minute)
{
	return 1 - 0.6 * cos(2 * PI * minute / MINUTES);
}

static uint32_t carries(const struct ncm_session *s)
{
	return s->s.anchors[0].dl & (WIFI | LTE);
}

static struct ncm_way_quality wifi_of(const struct evening *e)
{
	const double over = e->load > 1 ? e->load - 1 : 0;
	const double queue = e->load > 0.95 ? fmin((e->load - 0.95) * 2000, 200) : 0;

	return (struct ncm_way_quality){.has_delay = true,
		.delay_us = (uint32_t)(15000 + queue * 1000),
		.has_loss = true,
		.loss_ppm = (uint32_t)fmin(over * 200000, 300000),
		.at = e->w.now};
}

static void post_load(struct evening *e)
{
	char text[120];
	struct mams_error err;

	snprintf(text, sizeof(text),
		"{\"statements\":[{\"access\":\"wifi\",\"valid_for\":30,\"load_percent\":%ld}]}",
		e->load > 1 ? 100 : lround(e->load * 100));
	CU_ASSERT_EQUAL(ncm_feed_take(e->feed, "oam", text, strlen(text), e->w.now, 0, &err), 0);
}

/* What the N-MADPs measure: of a link that carries nothing they know nothing. */
static void tell(struct evening *e, bool load)
{
	const struct ncm_way_quality wifi = wifi_of(e);
	const struct ncm_way_quality lte = {
		.has_delay = true, .delay_us = 35000, .has_loss = true, .at = e->w.now};

	if (load)
		post_load(e);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct ncm_session *s = world_session(&e->w, &e->w.clients[i]);

		s->feed = e->feed;
		if (carries(s) & WIFI)
			s->quality[0] = (struct ncm_quality){wifi, wifi};
		if (carries(s) & LTE)
			s->quality[1] = (struct ncm_quality){lte, lte};
		if (load)
			(void)ncm_steerer_network(s, e->w.now);
	}
}

static void look(struct evening *e, double minute)
{
	double used = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		const uint32_t now = carries(world_session(&e->w, &e->w.clients[i]));

		e->changes[i] += now != e->was[i];
		e->was[i] = now;
		used += now & WIFI ? e->share[i] * demand(minute) : 0;
	}
	e->load = used;
	if (minute < MINUTES / 3 || minute > MINUTES * 2 / 3)
		return;
	e->peak_steps++;
	e->peak_sum += e->load;
	e->overload_steps += e->load > 1.05;
	e->left_empty += e->load < 0.5;
	e->worst = fmax(e->worst, e->load);
}

static void begin(struct evening *e)
{
	struct mams_prng seed = mams_prng_init(20261126);
	double sum = 0;

	world_init_with(&e->w, mams_prng_next(&seed), CLIENTS, 3, 1);
	e->feed = ncm_feed_new(&e->w.policy);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e->feed);
	e->w.by_copy = true;
	e->w.delay_ms = 50;
	for (unsigned i = 0; i < CLIENTS; i++) {
		char text[2][MAMS_ADDR_STRLEN];

		for (unsigned id = 0; id < 2; id++) {
			snprintf(text[id], sizeof(text[id]), "10.1.%u.%u", id * 128 + 2 + i / 250,
				2 + i % 250);
			world_link(&e->w, &e->w.clients[i], (uint8_t)id, true, text[id]);
		}
		e->share[i] = 0.2 + (double)mams_prng_below(&seed, 1000) / 500;
		sum += e->share[i];
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		e->share[i] /= sum;
}

static void check(const struct evening *e)
{
	const struct ncm_madps *m = ncm_registry_madps(e->w.registry);
	unsigned all = 0;
	unsigned most = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		all += e->changes[i];
		most = e->changes[i] > most ? e->changes[i] : most;
	}
	printf("  at the peak: load %.2f in the mean, %.2f at most, above 1.05 in %u of %u steps\n"
	       "  changes an hour and client: %.1f in the mean, %.1f at most\n",
		e->peak_sum / e->peak_steps, e->worst, e->overload_steps, e->peak_steps,
		all * 60.0 / MINUTES / CLIENTS, most * 60.0 / MINUTES);
	CU_ASSERT(e->peak_sum / e->peak_steps > 0.7 && e->peak_sum / e->peak_steps < 1);
	CU_ASSERT(e->overload_steps <= e->peak_steps / 20);
	CU_ASSERT_EQUAL(e->left_empty, 0);
	CU_ASSERT(all * 60.0 / MINUTES / CLIENTS <= 3);
	CU_ASSERT(most * 60.0 / MINUTES <= 12);
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(m->use[i].used >= CLIENTS / 3 && m->use[i].used <= CLIENTS / 3 + 1);
}

static void the_cell_fills_and_empties(void)
{
	static const char *wifi_first[] = {"wifi", "lte"};
	static struct steer_class class = {.name = "all",
		.mode = STEER_ACTIVE_STANDBY,
		.order = wifi_first,
		.n_order = 2,
		.delay_max_ms = 80,
		.loss_max_ppm = 20000,
		.dwell_ms = 60000,
		.probation_ms = 10000,
		.never_worse = true};
	static const struct steer_policy policy = {.classes = &class, .n_classes = 1};
	static struct evening e;
	const unsigned steps = MINUTES * 60000 / STEP_MS;

	begin(&e);
	e.w.policy.steer = &policy;
	world_run(&e.w, 90000); /* who came by one link first waits for his dwell time */
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct ncm_session *s = world_session(&e.w, &e.w.clients[i]);

		CU_ASSERT_FATAL(s && world_settled(&e.w, &e.w.clients[i], WIFI | LTE));
		e.was[i] = carries(s);
		CU_ASSERT_EQUAL(e.was[i], WIFI);
	}
	printf("\n  minute  demand  load of the cell\n");
	for (unsigned k = 0; k < steps; k++) {
		const double minute = (double)k * STEP_MS / 60000;

		look(&e, minute);
		tell(&e, k % 5 == 0);
		if (k % (steps / 24) == 0)
			printf("  %6.0f  %6.2f  %4.2f %.*s\n", minute, demand(minute), e.load,
				(int)lround(e.load * 40),
				"################################################################");
		world_run(&e.w, STEP_MS);
	}
	check(&e);
	world_fini(&e.w);
	ncm_feed_free(e.feed);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the cell fills and empties", the_cell_fills_and_empties}};

	return mams_suite_run("evening", cases, MAMS_ARRAY_LEN(cases));
}
