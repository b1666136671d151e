/* Which links keep what applications need; classes of flows. */
#include "ccm-agent/needs.h"
#include "tests/support/suite.h"

#include <string.h>

#define WIFI 1u
#define LTE 2u
#define NR 4u
#define ALL (WIFI | LTE | NR)

static const struct ccm_quality quality[CCM_LINKS_MAX] = {
	{true, true, true, 10, 5, 20},
	{true, false, true, 50, 0, 50},
	{true, true, false, 15, 1, 0},
};

static struct ccm_class with(uint32_t latency, uint32_t jitter, uint32_t bandwidth)
{
	return (struct ccm_class){
		.protocol = CCM_TCP, .port_last = 65535, .limits = {latency, jitter, bandwidth}};
}

static bool chosen(struct ccm_class k, uint32_t candidates, const char *links)
{
	return !ccm_class_choose(&k, quality, candidates) && k.n_links == strlen(links) &&
	       memcmp(k.links, links, k.n_links) == 0;
}

static void choice(void)
{
	struct ccm_class k = with(20, 0, 0);

	CU_ASSERT_PTR_NULL(ccm_class_choose(&k, quality, ALL));
	CU_ASSERT_EQUAL(k.n_links, 2);
	CU_ASSERT_EQUAL(k.links[0], 0); /* 10 ms before 15 ms */
	CU_ASSERT_EQUAL(k.links[1], 2);
	CU_ASSERT(chosen(with(0, 2, 0), ALL, "\2"));
	k = with(0, 0, 40);
	CU_ASSERT_PTR_NULL(ccm_class_choose(&k, quality, ALL));
	CU_ASSERT_EQUAL(k.n_links, 1);
	CU_ASSERT_EQUAL(k.links[0], 1); /* the fewest that have it */
	CU_ASSERT(chosen(with(50, 0, 40), WIFI | LTE, "\0\1") == false);
	k = with(0, 0, 60);
	CU_ASSERT_PTR_NULL(ccm_class_choose(&k, quality, ALL));
	CU_ASSERT_EQUAL(k.n_links, 2);
	CU_ASSERT_EQUAL(k.links[0], 1);
	CU_ASSERT_EQUAL(k.links[1], 0);
}

static void refusals(void)
{
	static const struct ccm_quality nothing[CCM_LINKS_MAX];
	struct ccm_class k = with(5, 0, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(ccm_class_choose(&k, quality, ALL));
	CU_ASSERT_EQUAL(k.n_links, 0);
	k = with(0, 0, 71);
	CU_ASSERT_PTR_NOT_NULL(ccm_class_choose(&k, quality, ALL));
	k = with(0, 2, 0);
	CU_ASSERT_STRING_EQUAL(
		ccm_class_choose(&k, quality, LTE), "the NCM predicts the jitter of no link");
	k = with(20, 0, 0);
	CU_ASSERT_STRING_EQUAL(ccm_class_choose(&k, quality, 0), "no link is set up");
	CU_ASSERT_STRING_EQUAL(
		ccm_class_choose(&k, nothing, ALL), "the NCM predicts the latency of no link");
	k = with(0, 0, 1);
	CU_ASSERT_STRING_EQUAL(
		ccm_class_choose(&k, nothing, ALL), "the NCM predicts the bandwidth of no link");
}

/* What is good enough stays, also when something better comes. */
static void hysteresis(void)
{
	struct ccm_class k = with(60, 0, 0);

	k.links[0] = 1;
	k.n_links = 1;
	CU_ASSERT_PTR_NULL(ccm_class_choose(&k, quality, ALL));
	CU_ASSERT_EQUAL(k.n_links, 1);
	CU_ASSERT_EQUAL(k.links[0], 1);
	k.limits.latency_ms = 40;
	CU_ASSERT_PTR_NULL(ccm_class_choose(&k, quality, ALL));
	CU_ASSERT_EQUAL(k.links[0], 0);
	/* its link goes, and no other will do: it is left */
	k.limits.latency_ms = 12;
	CU_ASSERT_PTR_NULL(ccm_class_choose(&k, quality, ALL));
	CU_ASSERT_PTR_NOT_NULL(ccm_class_choose(&k, quality, LTE));
	CU_ASSERT_EQUAL(k.n_links, 1);
	CU_ASSERT_EQUAL(k.links[0], 0);
}

static struct ccm_need need(uint16_t first, uint16_t last, uint32_t latency, uint32_t bandwidth)
{
	struct ccm_need n = {.n_streams = 1};

	n.streams[0] = (struct ccm_stream){CCM_TCP, first, last, {latency, 0, bandwidth}};
	return n;
}

static void classes(void)
{
	struct ccm_needs n = {0};
	struct ccm_class k[CCM_CLASSES_MAX];
	const struct ccm_need wide = need(8000, 9000, 50, 0);
	const struct ccm_need one = need(8080, 8080, 30, 0);
	const struct ccm_need same = need(8080, 8080, 20, 5);
	struct ccm_need *a = ccm_needs_add(&n, &wide, 1, MAMS_TIME_NEVER);
	struct ccm_need *b = ccm_needs_add(&n, &one, 1, mams_time_us(7));
	struct ccm_need *c = ccm_needs_add(&n, &same, 2, mams_time_us(9));

	CU_ASSERT_EQUAL(ccm_needs_classes(&n, 0, k), 0); /* none is accepted yet */
	CU_ASSERT_EQUAL(ccm_needs_classes(&n, a->id, k), 1);
	a->state = CCM_NEED_ACCEPTED;
	b->state = CCM_NEED_IN_EFFECT;
	CU_ASSERT_EQUAL_FATAL(ccm_needs_classes(&n, c->id, k), 2);
	CU_ASSERT_EQUAL(k[0].port_first, 8080); /* the narrower is asked first */
	CU_ASSERT_EQUAL(k[0].limits.latency_ms, 20);
	CU_ASSERT_EQUAL(k[0].limits.bandwidth, 5);
	CU_ASSERT_EQUAL(k[1].port_last, 9000);
	CU_ASSERT_EQUAL(k[1].limits.latency_ms, 50);
	CU_ASSERT_EQUAL(ccm_needs_classes(&n, 0, k), 2);
	CU_ASSERT_EQUAL(k[0].limits.latency_ms, 30);
	CU_ASSERT_EQUAL(ccm_needs_deadline(&n).us, 7);
	CU_ASSERT_PTR_EQUAL(ccm_needs_find(&n, c->id), c);
	CU_ASSERT_PTR_NULL(ccm_needs_find(&n, 0));
	CU_ASSERT_PTR_NULL(ccm_needs_find(&n, 99));
}

static void limits(void)
{
	struct ccm_needs n = {0};
	struct ccm_class k[CCM_CLASSES_MAX];

	for (uint16_t i = 0; i < CCM_NEEDS_MAX; i++) {
		struct ccm_need many = {.n_streams = 2};

		many.streams[0] = (struct ccm_stream){CCM_TCP, i, i, {1, 0, 0}};
		many.streams[1] = (struct ccm_stream){
			CCM_TCP, (uint16_t)(i + 100), (uint16_t)(i + 100), {1, 0, 0}};
		CU_ASSERT_PTR_NOT_NULL(ccm_needs_add(&n, &many, 0, MAMS_TIME_NEVER));
		n.need[i].state = CCM_NEED_ACCEPTED;
	}
	CU_ASSERT_PTR_NULL(ccm_needs_add(&n, &n.need[0], 0, MAMS_TIME_NEVER));
	CU_ASSERT_EQUAL(ccm_needs_classes(&n, 0, k), -MAMS_ELIMIT);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"choice", choice},
		{"refusals", refusals},
		{"good enough stays", hysteresis},
		{"classes", classes},
		{"limits", limits},
	};

	return mams_suite_run("needs", cases, MAMS_ARRAY_LEN(cases));
}
