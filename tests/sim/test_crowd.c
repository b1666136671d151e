/* A crowd of clients at one NCM for a day: the wire loses, repeats and reorders, links flap,
 * addresses change, clients vanish, restart and leave for good, the NCM restarts with and without
 * its store.
 *   MAMS_SEED=N      repeats a run
 *   MAMS_EXTENDED=1  24 virtual hours, as in the build with MAMS_CROWD_DAY; one, unless told */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef MAMS_CROWD_DAY
static const bool whole_day = true;
#else
static const bool whole_day = false;
#endif

#define CLIENTS 500u
#define WIFI 1u
#define LTE 2u

struct crowd {
	struct world w;
	uint32_t wanted[CLIENTS]; /* links that are there */
	bool gone[CLIENTS];
	uint64_t asked; /* steering requests taken */
	uint64_t lost;  /* of those, with a restart of the NCM */
};

static unsigned below(struct crowd *c, unsigned n)
{
	return (unsigned)mams_prng_below(&c->w.prng, n);
}

static void set_link(struct crowd *c, unsigned i, uint8_t id, bool usable)
{
	char text[MAMS_ADDR_STRLEN];
	/* a client has one of four addresses on each link */
	unsigned at = i * 4 + below(c, 4);

	snprintf(text, sizeof(text), "10.1.%u.%u", id * 128 + 2 + at / 250, 2 + at % 250);
	world_link(&c->w, &c->w.clients[i], id, usable, text);
	c->wanted[i] = usable ? c->wanted[i] | 1u << id : c->wanted[i] & ~(1u << id);
}

static void steer(struct crowd *c, unsigned i)
{
	struct world_client *k = &c->w.clients[i];
	struct ncm_session *s = world_session(&c->w, k);
	uint32_t bits = 1 + below(c, 3);
	const struct ncm_order order = {.dl = bits, .ul = bits};
	struct mams_error err;

	if (s && c->w.ncm_up && ncm_session_steer(s, 1, &order, c->w.now, &err) == 0) {
		c->asked++;
		k->steer_code = -1;
	}
}

static void restart_ncm(struct crowd *c)
{
	struct ncm_session *s;

	for (size_t i = 0; i < CLIENTS; i++) {
		s = world_session(&c->w, &c->w.clients[i]);
		c->lost += s && s->steer.open;
	}
	world_restart_ncm(&c->w, below(c, 4) > 0);
}

/* One minute in which a tenth of the crowd has something happen to it. */
static void trouble(struct crowd *c, unsigned minute)
{
	for (unsigned n = 0; n < CLIENTS / 10; n++) {
		unsigned i = below(c, CLIENTS);
		unsigned what = below(c, 20);

		if (c->gone[i])
			continue;
		if (what == 0) {
			c->w.clients[i].up = false; /* SIGKILL */
		} else if (what == 1) {
			world_restart_ccm(&c->w, &c->w.clients[i]);
			set_link(c, i, 0, true);
			set_link(c, i, 1, true);
		} else if (what < 4) {
			steer(c, i);
		} else if (c->w.clients[i].up) {
			set_link(c, i, (uint8_t)below(c, 2), below(c, 3) > 0);
		}
	}
	if (minute % 97 == 50)
		restart_ncm(c);
	if (minute % 240 == 100)
		c->w.ncm_up = false;
	if (minute % 240 == 101)
		c->w.ncm_up = true;
}

/* Every client that is still there is up, with a link at least. */
static void calm(struct crowd *c)
{
	c->w.ncm_up = true;
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (c->gone[i])
			continue;
		if (!c->w.clients[i].up) {
			world_restart_ccm(&c->w, &c->w.clients[i]);
			c->wanted[i] = 0;
		}
		set_link(c, i, 1, true);
		if (below(c, 2))
			set_link(c, i, 0, true);
		if (c->w.clients[i].ccm.fallen_back)
			ccm_session_drained(&c->w.clients[i].ccm);
	}
}

static unsigned unsettled(const struct crowd *c, bool tell)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct world_client *k = &c->w.clients[i];
		const struct ncm_session *s = world_session(&c->w, k);

		if (c->gone[i] ? !s : world_settled(&c->w, k, c->wanted[i]))
			continue;
		n++;
		if (tell)
			printf("  %s: %s, ccm %s, ncm %s, links %x, paths %zu\n", k->identity,
				c->gone[i] ? "gone" : "there", ccm_state_name(k->ccm.state),
				s ? ncm_state_name(s->state) : "-", c->wanted[i],
				k->applied.n_paths);
	}
	return n;
}

static void begin(struct crowd *c)
{
	struct mams_prng seed = mams_prng_init(20261123);

	world_init(&c->w, mams_prng_next(&seed), CLIENTS);
	c->w.by_copy = whole_day;
	c->w.loss = 50;
	c->w.repeat = 50;
	c->w.delay_ms = 400;
	for (unsigned i = 0; i < CLIENTS; i++) {
		set_link(c, i, 0, true);
		set_link(c, i, 1, true);
	}
}

static uint64_t actions_lost(const struct crowd *c)
{
	uint64_t n = ncm_registry_counters(c->w.registry)->actions_lost;

	for (unsigned i = 0; i < CLIENTS; i++)
		n += c->w.clients[i].ccm.counters.actions_lost;
	return n;
}

static unsigned steerings_open(const struct crowd *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct ncm_session *s = world_session(&c->w, &c->w.clients[i]);

		n += s && s->steer.open;
	}
	return n;
}

static void a_day(void)
{
	static struct crowd c;
	unsigned all = whole_day || getenv("MAMS_EXTENDED") ? 24 * 60 : 60;
	unsigned worst = 0;
	double per_minute;

	begin(&c);
	for (unsigned m = 0; m < all; m++) {
		trouble(&c, m);
		world_run(&c.w, 60000);
		if (m % 120 == 40) { /* in peace, though on the same wire */
			unsigned n;

			calm(&c);
			world_run(&c.w, 300000);
			n = unsettled(&c, false);
			worst = n > worst ? n : worst;
		}
	}
	for (unsigned i = 0; i < CLIENTS; i += 10) {
		c.gone[i] = true;
		c.w.clients[i].up = false;
	}
	calm(&c);
	c.w.loss = 0;
	world_run(&c.w, 300000);
	/* keep-alives of either side, retries, discovery: a few turns a minute */
	per_minute = (double)c.w.turns / CLIENTS / all;
	printf("  %u clients, %u minutes: %llu messages, %llu turns (%.1f a minute and client), "
	       "at worst %u clients not settled under loss\n",
		CLIENTS, all, (unsigned long long)c.w.sends, (unsigned long long)c.w.turns,
		per_minute, worst);
	CU_ASSERT_EQUAL(unsettled(&c, true), 0);
	CU_ASSERT(worst <= CLIENTS / 50);
	CU_ASSERT(per_minute < 20);
	CU_ASSERT_EQUAL(ncm_registry_count(c.w.registry), CLIENTS - CLIENTS / 10);
	CU_ASSERT_EQUAL(actions_lost(&c), 0);
	CU_ASSERT(c.asked > all / 10);
	CU_ASSERT_EQUAL(steerings_open(&c), 0);
	world_fini(&c.w);
}

int main(void)
{
	static const struct mams_case cases[] = {{"a day of a crowd", a_day}};

	return mams_suite_run("crowd", cases, MAMS_ARRAY_LEN(cases));
}
