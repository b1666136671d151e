#include "lib/io/peers.h"
#include "tests/support/suite.h"

static struct mams_addr addr(const char *text)
{
	struct mams_addr a;

	CU_ASSERT_EQUAL_FATAL(mams_addr_parse_port(text, 0, &a), 0);
	return a;
}

static void counted(void)
{
	const struct mams_addr one = addr("10.0.0.1:1000");
	const struct mams_addr same = addr("10.0.0.1:2000");
	const struct mams_addr other = addr("[2001:db8::1]:1000");
	const uint32_t root = 0;
	const uint32_t user = 1000;
	struct mams_peers p = {0};
	struct mams_peer *of[6];
	struct mams_peer *none = NULL;

	CU_ASSERT_EQUAL_FATAL(mams_peers_enter(&p, &one, NULL, 2, &of[0]), 0);
	CU_ASSERT_EQUAL_FATAL(mams_peers_enter(&p, &same, NULL, 2, &of[1]), 0);
	CU_ASSERT_EQUAL(mams_peers_enter(&p, &one, NULL, 2, &none), -MAMS_ELIMIT);
	CU_ASSERT_EQUAL_FATAL(mams_peers_enter(&p, &other, NULL, 2, &of[2]), 0);
	/* a user is not his address, nor another user, nor anyone whose address is not known */
	CU_ASSERT_EQUAL_FATAL(mams_peers_enter(&p, &one, &root, 1, &of[3]), 0);
	CU_ASSERT_EQUAL_FATAL(mams_peers_enter(&p, &other, &user, 1, &of[4]), 0);
	CU_ASSERT_EQUAL(mams_peers_enter(&p, &one, &user, 1, &none), -MAMS_ELIMIT);
	CU_ASSERT_PTR_NULL(none);
	mams_peers_leave(&p, of[1]);
	CU_ASSERT_EQUAL_FATAL(mams_peers_enter(&p, &one, NULL, 2, &of[1]), 0);
	for (size_t i = 0; i < 5; i++)
		mams_peers_leave(&p, of[i]);
	mams_peers_leave(&p, NULL);
	CU_ASSERT_PTR_NULL(p.all);
	CU_ASSERT_EQUAL(mams_peers_enter(&p, &one, NULL, 0, &of[5]), -MAMS_ELIMIT);
}

int main(void)
{
	static const struct mams_case cases[] = {{"connections of a peer", counted}};

	return mams_suite_run("peers", cases, MAMS_ARRAY_LEN(cases));
}
