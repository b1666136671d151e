/* Records of decisions: random ones come back as they were written, and decide the same again. */
#include "lib/steer/conf.h"
#include "lib/steer/record.h"
#include "lib/steer/words.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *accesses[] = {"wifi", "lte", "nr", "fixed"};

static bool coin(struct mams_prng *r)
{
	return mams_prng_below(r, 2) == 1;
}

static uint32_t below(struct mams_prng *r, uint32_t n)
{
	return (uint32_t)mams_prng_below(r, n);
}

static struct steer_figures random_figures(struct mams_prng *r)
{
	return (struct steer_figures){.has_rate = coin(r),
		.has_used = coin(r),
		.has_delay = coin(r),
		.has_idle = coin(r),
		.has_jitter = coin(r),
		.has_loss = coin(r),
		.rate_kbps = below(r, 100000),
		.used_kbps = below(r, 100000),
		.delay_us = below(r, 400000),
		.idle_us = below(r, 100000),
		.jitter_us = below(r, 30000),
		.loss_ppm = coin(r) ? below(r, 40000) : below(r, 1000000),
		.age_ms = below(r, 45000)};
}

static struct steer_mark random_mark(struct mams_prng *r)
{
	struct steer_mark m = {.why = coin(r) ? STEER_R_CARRIES : (int)below(r, STEER_REASONS),
		.ms = below(r, 400000),
		.tries = coin(r) ? 0 : below(r, STEER_TRIES_MAX + 1)};

	m.has_tries = m.tries > 0;
	return m;
}

static void random_record(struct mams_prng *r, struct steer_record *out, struct steer_link *links,
	struct steer_share *shares)
{
	*out = (struct steer_record){.time = below(r, 2000000000),
		.at_ms = below(r, 1000000),
		.client = "alice, \"the\" client",
		.by = "main",
		.policy = {.name = "all",
			.application = coin(r) ? "voice" : NULL,
			.mode = (int)below(r, STEER_MODES),
			.order = accesses,
			.n_order = below(r, 5),
			.delay_max_ms = coin(r) ? below(r, 200) : 0,
			.loss_max_ppm = coin(r) ? below(r, 50000) : 0,
			.rate_min_kbps = coin(r) ? below(r, 50000) : 0,
			.battery_low = coin(r) ? below(r, 101) : 0,
			.dwell_ms = below(r, 60000),
			.probation_ms = below(r, 20000),
			.never_worse = coin(r),
			.call_like = coin(r)},
		.input = {.apart = coin(r),
			.tunnel = coin(r),
			.told = coin(r),
			.since_ms = below(r, 120000),
			.spread = below(r, 256),
			.dl_mode = (uint8_t)below(r, 6),
			.ul_mode = (uint8_t)below(r, 6),
			.links = links,
			.n_links = below(r, 5)}};
	for (size_t i = 0; i < out->input.n_links; i++)
		links[i] = (struct steer_link){.id = (uint8_t)i,
			.access = accesses[i],
			.ready = below(r, 8) > 0,
			.ready_ms = below(r, 30000),
			.cost = below(r, 3),
			.has_load = coin(r),
			.load = below(r, 101),
			.spent = below(r, 24) == 0,
			.has_quota = below(r, 4) == 0,
			.fading = below(r, 24) == 0,
			.maintenance = below(r, 24) == 0,
			.dl_on = coin(r),
			.ul_on = coin(r),
			.dl = random_figures(r),
			.ul = random_figures(r),
			.dl_mark = random_mark(r),
			.ul_mark = random_mark(r)};
	for (size_t i = 0; i < out->input.n_links; i++) {
		links[i].quota_mb = links[i].has_quota ? 1 + below(r, 1000) : 0;
		links[i].near_mb = links[i].has_quota ? below(r, links[i].quota_mb) : 0;
		links[i].used_mb = links[i].has_quota ? below(r, 1200) : 0;
	}
	out->input.has_battery = coin(r);
	out->input.battery = out->input.has_battery ? below(r, 101) : 0;
	steer_decide(&out->policy, &out->input, shares, &out->decision);
}

/* Whatever the input: nobody is left without a link while one is ready, and each direction's first
 * is one that carries. */
static void check_sense(const struct steer_record *r)
{
	const struct steer_decision *d = &r->decision;
	size_t ready = 0;
	size_t down = 0;
	size_t up = 0;
	bool first = false;

	CU_ASSERT_EQUAL(d->n_shares, r->input.n_links);
	for (size_t i = 0; i < d->n_shares; i++) {
		ready += r->input.links[i].ready;
		down += d->shares[i].dl_on;
		up += d->shares[i].ul_on;
		first |= d->shares[i].dl_on && d->shares[i].id == d->dl_first;
	}
	if (d->what == STEER_APPLY)
		CU_ASSERT(ready > 0 && down > 0 && up > 0 && first);
	CU_ASSERT(d->what != STEER_WAIT || d->wait_ms > 0);
}

static void random_decisions_replay(void)
{
	struct mams_prng r = mams_prng_init(8803);
	unsigned what[3] = {0};

	for (int i = 0; i < 1000; i++) {
		struct steer_link links[4];
		struct steer_share shares[STEER_LINKS_MAX];
		struct mams_arena *arena = mams_arena_new();
		struct steer_record in;
		struct steer_record out;
		struct mams_buf text = {0};
		struct mams_buf words = {0};
		struct mams_error err = {0};
		char why[128] = "";

		random_record(&r, &in, links, shares);
		check_sense(&in);
		what[in.decision.what]++;
		CU_ASSERT_EQUAL_FATAL(steer_record_write(&in, &text, &err), 0);
		CU_ASSERT(text.len < STEER_RECORD_MAX);
		CU_ASSERT_PTR_NULL(strchr(text.data, '\n'));
		CU_ASSERT_EQUAL_FATAL(steer_record_read(text.data, text.len, arena, &out, &err), 0);
		if (!steer_record_repeats(&out, why, sizeof(why)))
			CU_FAIL(why);
		steer_words(&out, 1000, &words);
		CU_ASSERT(!words.failed && words.len > 0 && !strchr(words.data, '?'));
		/* a decision that is not this input's is found */
		if (out.decision.n_shares > 0) {
			out.decision.shares[0].dl_on = !out.decision.shares[0].dl_on;
			CU_ASSERT(!steer_record_repeats(&out, why, sizeof(why)));
			CU_ASSERT_STRING_EQUAL(why, out.decision.shares[0].dl_on
							    ? "link 0: recorded 1, now 0"
							    : "link 0: recorded 0, now 1");
		}
		mams_buf_fini(&text);
		mams_buf_fini(&words);
		mams_arena_free(arena);
	}
	CU_ASSERT(what[STEER_KEEP] > 20 && what[STEER_APPLY] > 20 && what[STEER_WAIT] > 20);
}

static void wrong_records_are_refused(void)
{
	static const char *const wrong[] = {"", "[]", "{}", "{\"time\":1}", "nonsense"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct mams_arena *arena = mams_arena_new();
		struct steer_record out;
		struct mams_error err = {0};

		CU_ASSERT(steer_record_read(wrong[i], strlen(wrong[i]), arena, &out, &err) < 0);
		CU_ASSERT(err.text[0] != '\0');
		mams_arena_free(arena);
	}
}

/* ---- the policy file ---- */

static int load(const char *text, struct steer_policy *p, struct mams_error *err)
{
	char path[] = "/tmp/mams-policy-XXXXXX";
	int fd = mkstemp(path);
	int rc;

	CU_ASSERT_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	rc = steer_policy_load(path, p, err);
	unlink(path);
	return rc;
}

static void a_policy_file(void)
{
	struct steer_policy p;
	struct mams_error err = {0};
	const struct steer_class *c;
	struct steer_link l = {.used_mb = 7};

	CU_ASSERT_EQUAL_FATAL(load("steering all { mode = active-standby\n"
				   "order = { wifi, lte } }\n"
				   "steering calls { application = voice\n"
				   "mode = smallest-delay delay_max = 80ms dwell = 2min\n"
				   "call_like = yes }\n"
				   "price lte { cost = 3 quota_mb = 500 quota_per = week }\n",
				      &p, &err),
		0);
	CU_ASSERT_EQUAL(p.n_classes, 2);
	c = &p.classes[0];
	CU_ASSERT_EQUAL(c->mode, STEER_ACTIVE_STANDBY);
	CU_ASSERT_EQUAL(c->n_order, 2);
	CU_ASSERT_EQUAL(c->dwell_ms, 60000);
	CU_ASSERT_EQUAL(c->probation_ms, 10000);
	CU_ASSERT(c->never_worse && !c->call_like && !c->application);
	c = &p.classes[1];
	CU_ASSERT_STRING_EQUAL(c->application, "voice");
	CU_ASSERT_EQUAL(c->delay_max_ms, 80);
	CU_ASSERT_EQUAL(c->dwell_ms, 120000);
	CU_ASSERT(c->call_like);
	CU_ASSERT_EQUAL(steer_policy_price(&p, "lte")->cost, 3);
	CU_ASSERT_EQUAL(steer_policy_price(&p, "lte")->quota_per, STEER_PER_WEEK);
	steer_price_put(steer_policy_price(&p, "lte"), &l);
	CU_ASSERT(l.cost == 3 && l.has_quota && l.quota_mb == 500 && l.near_mb == 450);
	CU_ASSERT_EQUAL(l.used_mb, 7);
	steer_price_put(NULL, &l);
	CU_ASSERT(l.cost == 0 && !l.has_quota && l.used_mb == 0);
	CU_ASSERT_PTR_NULL(steer_policy_price(&p, "wifi"));
	steer_policy_free(&p);
}

static void periods_of_quotas(void)
{
	/* Friday 2026-11-27 15:30; the last second of 2027; a leap day */
	CU_ASSERT_EQUAL(steer_quota_end(STEER_PER_DAY, 1795793400), 1795824000);
	CU_ASSERT_EQUAL(steer_quota_end(STEER_PER_WEEK, 1795793400), 1795996800);
	CU_ASSERT_EQUAL(steer_quota_end(STEER_PER_MONTH, 1795793400), 1796083200);
	CU_ASSERT_EQUAL(steer_quota_end(STEER_PER_MONTH, 1830297599), 1830297600);
	CU_ASSERT_EQUAL(steer_quota_end(STEER_PER_MONTH, 1830297600), 1832976000);
	CU_ASSERT_EQUAL(steer_quota_end(STEER_PER_MONTH, 1835352000), 1835481600);
	CU_ASSERT_EQUAL(steer_quota_end(STEER_PER_WEEK, 1795996800), 1796601600);
}

static void wrong_policy_files(void)
{
	static const struct {
		const char *text;
		const char *says;
	} wrong[] = {{"", "steering"}, {"steering all { }", "mode"},
		{"steering all { mode = best }", "mode"},
		{"steering all { mode = redundant delay_max = 50ms delay_good = 60ms }",
			"delay_good is above"},
		{"steering all { mode = redundant loss_good_ppm = 1 }", "loss_good_ppm is above"},
		{"steering all { mode = redundant rate_min_kbps = 5 rate_good_kbps = 4 }",
			"rate_good_kbps is below"},
		{"steering a { mode = redundant }\nsteering b { mode = redundant }",
			"same traffic"},
		{"steering a { mode = redundant colour = red }", "colour"},
		{"steering \"caf\xc3\xa9\" { mode = redundant }", "printable"},
		{"steering a { mode = redundant order = { \"\" } }", "must not be empty"}};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct steer_policy p;
		struct mams_error err = {0};

		CU_ASSERT(load(wrong[i].text, &p, &err) < 0);
		if (!strstr(err.text, wrong[i].says))
			CU_FAIL(err.text);
		CU_ASSERT_PTR_NULL(p.arena);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"random decisions replay", random_decisions_replay},
		{"wrong records are refused", wrong_records_are_refused},
		{"a policy file", a_policy_file}, {"periods of quotas", periods_of_quotas},
		{"wrong policy files", wrong_policy_files}};

	return mams_suite_run("steer_record", cases, sizeof(cases) / sizeof(*cases));
}
