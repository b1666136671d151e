/* How a receive buffer grows that is full of octets that came too early. */
#include "lib/base/err.h"
#include "proxy/room.h"
#include "tests/support/suite.h"

#define MIB (1u << 20)

static void only_when_it_is_full(void)
{
	CU_ASSERT_EQUAL(px_room_more(0, 8 * MIB), 0);
	CU_ASSERT_EQUAL(px_room_more(8 * MIB - 1, 8 * MIB), 0);
	/* setsockopt() doubles what it is given */
	CU_ASSERT_EQUAL(px_room_more(8 * MIB, 8 * MIB), 5 * MIB);
	CU_ASSERT_EQUAL(px_room_more(8 * MIB + 1536, 8 * MIB), 5 * MIB);
}

static void not_without_end(void)
{
	uint32_t room = 8 * MIB;
	uint32_t more;
	unsigned n = 0;

	while ((more = px_room_more(room, room)) > 0 && n++ < 20) {
		CU_ASSERT_TRUE(2 * more > room && 2 * more <= 32 * MIB);
		room = 2 * more;
	}
	CU_ASSERT_EQUAL(room, 32 * MIB);
	CU_ASSERT_TRUE(n < 10);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"only when it is full", only_when_it_is_full},
		{"not without end", not_without_end},
	};

	return mams_suite_run("room", cases, MAMS_ARRAY_LEN(cases));
}
