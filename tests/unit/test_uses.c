/* What clients without a session have used of quotas. */
#include "lib/base/buf.h"
#include "ncm-service/uses.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define NOON 1800000000u

static void use(struct ncm_used used[NCM_LINKS_MAX], size_t i, const char *access, uint64_t octets,
	uint64_t until)
{
	memcpy(used[i].access, access, strlen(access) + 1);
	used[i].octets = octets;
	used[i].until = until;
}

static void the_next_session_goes_on(void)
{
	struct ncm_uses *u = ncm_uses_new(10);
	struct ncm_used used[NCM_LINKS_MAX] = {0};
	struct ncm_used next[NCM_LINKS_MAX] = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(u);
	use(used, 0, "lte", 5000, NOON + 10);
	use(used, 1, "wifi", 7000, NOON - 1);
	ncm_uses_keep(u, "ann", used, NOON);
	ncm_uses_take(u, "bob", next);
	CU_ASSERT_EQUAL(ncm_uses_until(next), 0);
	/* of the same period the larger one, of a new period what is new */
	use(next, 0, "wifi", 1, NOON + 20);
	use(next, 1, "lte", 4000, NOON + 10);
	ncm_uses_take(u, "ann", next);
	CU_ASSERT(next[0].octets == 1 && next[1].octets == 5000);
	CU_ASSERT_EQUAL(ncm_uses_count(u), 0);
	ncm_uses_take(u, "ann", next);
	CU_ASSERT_EQUAL(next[1].octets, 5000);
	/* twice: the store has said it, and a session has ended since */
	ncm_uses_keep(u, "ann", next, NOON);
	ncm_uses_keep(u, "ann", used, NOON);
	memset(next, 0, sizeof(next));
	ncm_uses_take(u, "ann", next);
	CU_ASSERT(ncm_uses_until(next) == NOON + 20 && strcmp(next[0].access, "lte") == 0);
	CU_ASSERT(next[0].octets == 5000 && next[1].octets == 1);
	ncm_uses_free(u);
}

static void bounded_in_number_and_age(void)
{
	struct ncm_uses *u = ncm_uses_new(100);
	struct ncm_used used[NCM_LINKS_MAX] = {0};
	char name[32];

	CU_ASSERT_PTR_NOT_NULL_FATAL(u);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "client-%u", i);
		use(used, 0, "lte", 1 + i, NOON + 10);
		ncm_uses_keep(u, name, used, NOON);
	}
	CU_ASSERT_EQUAL(ncm_uses_count(u), 100);
	memset(used, 0, sizeof(used));
	ncm_uses_take(u, "client-899", used);
	CU_ASSERT_EQUAL(used[0].octets, 0); /* who has been away longest */
	ncm_uses_take(u, "client-900", used);
	CU_ASSERT_EQUAL(used[0].octets, 901);
	/* their period is over: they go as others come */
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "later-%u", i);
		use(used, 0, "lte", 1, NOON + 100);
		ncm_uses_keep(u, name, used, NOON + 10);
	}
	CU_ASSERT_EQUAL(ncm_uses_count(u), 50);
	/* and whose own is over does not come */
	ncm_uses_keep(u, "late", used, NOON + 100);
	memset(used, 0, sizeof(used));
	ncm_uses_take(u, "late", used);
	CU_ASSERT_EQUAL(used[0].octets, 0);
	ncm_uses_free(u);
}

static void as_text(void)
{
	struct ncm_used used[NCM_LINKS_MAX] = {0};
	struct ncm_used back[NCM_LINKS_MAX];
	struct mams_buf text = {0};

	for (size_t i = 0; i < NCM_LINKS_MAX; i++)
		use(used, i, i % 2 ? "cell of a large town 123456789a" : "a b", UINT64_MAX - i,
			UINT32_MAX * UINT64_C(2));
	ncm_uses_write(used, &text);
	ncm_uses_read(text.data, back);
	CU_ASSERT_EQUAL(memcmp(used, back, sizeof(used)), 0);
	mams_buf_fini(&text);
	ncm_uses_read("", back);
	CU_ASSERT_EQUAL(ncm_uses_until(back), 0);
	ncm_uses_read("5\n\n5 6\n5 6 \nx 6 lte\n5 x lte\n1 2 much-too-long-for-the-name-of-an-"
		      "access\n3 4 lte",
		back);
	CU_ASSERT(strcmp(back[0].access, "lte") == 0 && back[0].octets == 3 && back[0].until == 4);
	CU_ASSERT_STRING_EQUAL(back[1].access, "");
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the next session goes on", the_next_session_goes_on},
		{"bounded in number and age", bounded_in_number_and_age},
		{"as text", as_text},
	};

	return mams_suite_run("uses", cases, MAMS_ARRAY_LEN(cases));
}
