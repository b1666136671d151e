#include "lib/base/err.h"
#include "lib/io/assoc.h"
#include "tests/support/suite.h"

#include <string.h>

static mams_time at(int64_t ms)
{
	return mams_time_us(1000000 + ms * 1000);
}

/* What is to be done, a letter each: Load, Terminate, Initiate, tEll. */
static const char *todo(struct mams_assoc *a)
{
	static char text[8];
	enum mams_assoc_action what;
	size_t n = 0;

	while (mams_assoc_next(a, &what) && n < sizeof(text) - 1)
		text[n++] = "LTIE"[what];
	text[n] = '\0';
	return text;
}

static int64_t due(const struct mams_assoc *a)
{
	mams_time t = mams_assoc_deadline(a);

	return mams_time_is_never(t) ? -1 : (t.us - 1000000) / 1000;
}

static struct mams_assoc negotiating(bool initiate)
{
	struct mams_assoc a = {.initiate = initiate};

	mams_assoc_charon(&a, true, at(0));
	CU_ASSERT_STRING_EQUAL(todo(&a), "LE");
	mams_assoc_loaded(&a, true, at(0));
	CU_ASSERT_STRING_EQUAL(todo(&a), initiate ? "IE" : "E");
	return a;
}

static void comes_up(void)
{
	struct mams_assoc a = negotiating(true);

	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_NEGOTIATE);
	CU_ASSERT_EQUAL(due(&a), 10000);
	mams_assoc_child(&a, 7, true, at(40));
	CU_ASSERT_STRING_EQUAL(todo(&a), "E");
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_UP);
	CU_ASSERT_PTR_NULL(a.why);
	CU_ASSERT_EQUAL(due(&a), -1);
	mams_assoc_child(&a, 7, true, at(50));  /* said twice */
	mams_assoc_child(&a, 9, false, at(50)); /* of nobody */
	CU_ASSERT_STRING_EQUAL(todo(&a), "");
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_UP);
}

static void waits(void)
{
	struct mams_assoc a = negotiating(false);

	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
	CU_ASSERT_EQUAL(due(&a), -1);
	mams_assoc_child(&a, 1, true, at(5));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_UP);
	mams_assoc_child(&a, 1, false, at(6));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
	CU_ASSERT_EQUAL(due(&a), -1);
	CU_ASSERT_STRING_EQUAL(todo(&a), "E");
	mams_assoc_failed(&a, "x", at(7));
	CU_ASSERT_STRING_EQUAL(todo(&a), "E");
}

/* The peer has started again: its new one comes before charon ends the old one. */
static void replaced(void)
{
	struct mams_assoc a = negotiating(true);

	mams_assoc_child(&a, 1, true, at(1));
	mams_assoc_child(&a, 2, true, at(2));
	mams_assoc_child(&a, 1, false, at(3));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_UP);
	mams_assoc_child(&a, 2, false, at(4));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
	CU_ASSERT_EQUAL(due(&a), 504);
}

static void many_children(void)
{
	struct mams_assoc a = negotiating(false);

	for (uint64_t i = 0; i < 1000; i++)
		mams_assoc_child(&a, i, true, at(1));
	CU_ASSERT(a.n_children <= MAMS_ASSOC_CHILDREN);
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_UP);
	mams_assoc_child(&a, 999, false, at(2));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_UP);
}

static void tries_again(void)
{
	static const int64_t pauses[] = {500, 1000, 2000, 4000, 8000, 15000, 15000};
	struct mams_assoc a = negotiating(true);
	int64_t now = 100;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(pauses); i++) {
		mams_assoc_failed(&a, "no", at(now));
		CU_ASSERT_STRING_EQUAL(todo(&a), "TE");
		CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
		CU_ASSERT_STRING_EQUAL(a.why, "no");
		CU_ASSERT_EQUAL(due(&a), now + pauses[i]);
		mams_assoc_tick(&a, at(now + pauses[i] - 1));
		CU_ASSERT_STRING_EQUAL(todo(&a), "");
		now += pauses[i];
		mams_assoc_tick(&a, at(now));
		CU_ASSERT_STRING_EQUAL(todo(&a), "IE");
		CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_NEGOTIATE);
	}
	/* nobody says anything */
	mams_assoc_tick(&a, at(now + 9999));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_NEGOTIATE);
	mams_assoc_tick(&a, at(now + 10000));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
	CU_ASSERT_STRING_EQUAL(a.why, "the peer does not answer");
	/* what has lasted is tried again soon */
	mams_assoc_tick(&a, at(now + 30000));
	mams_assoc_child(&a, 3, true, at(now + 30000));
	mams_assoc_child(&a, 3, false, at(now + 40000));
	CU_ASSERT_EQUAL(due(&a), now + 40500);
}

static void charon_gone(void)
{
	struct mams_assoc a = negotiating(true);

	mams_assoc_child(&a, 1, true, at(1));
	(void)todo(&a);
	mams_assoc_charon(&a, false, at(2));
	CU_ASSERT_STRING_EQUAL(todo(&a), "E");
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_OFF);
	CU_ASSERT_EQUAL(due(&a), -1);
	/* what comes late means nothing */
	mams_assoc_child(&a, 2, true, at(3));
	mams_assoc_loaded(&a, true, at(3));
	mams_assoc_failed(&a, "x", at(3));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_OFF);
	mams_assoc_charon(&a, true, at(4));
	CU_ASSERT_STRING_EQUAL(todo(&a), "LE");
	mams_assoc_loaded(&a, true, at(5));
	CU_ASSERT_STRING_EQUAL(todo(&a), "IE");
}

static void refused(void)
{
	struct mams_assoc a = {.initiate = false};

	mams_assoc_charon(&a, true, at(0));
	mams_assoc_loaded(&a, false, at(0));
	(void)todo(&a);
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
	CU_ASSERT_EQUAL(due(&a), 500);
	mams_assoc_tick(&a, at(500));
	CU_ASSERT_STRING_EQUAL(todo(&a), "LE");
	mams_assoc_loaded(&a, true, at(501));
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
	CU_ASSERT_EQUAL(due(&a), -1);
}

/* One that waits for its peer, or stands, gives way for now. */
static void gives_way(void)
{
	struct mams_assoc a = {.initiate = false};

	mams_assoc_charon(&a, true, at(0));
	mams_assoc_loaded(&a, true, at(0));
	mams_assoc_child(&a, 1, true, at(10));
	(void)todo(&a);
	mams_assoc_refused(&a, "it must", at(20));
	CU_ASSERT_STRING_EQUAL(todo(&a), "E");
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
	CU_ASSERT_EQUAL(a.n_children, 0);
	CU_ASSERT_STRING_EQUAL(a.why, "it must");
	mams_assoc_child(&a, 1, false, at(30)); /* its end is no news */
	CU_ASSERT_EQUAL(due(&a), 520);
	mams_assoc_tick(&a, at(520));
	CU_ASSERT_STRING_EQUAL(todo(&a), "LE");
	mams_assoc_loaded(&a, true, at(521));
	CU_ASSERT_EQUAL(due(&a), -1);
}

static void anew(void)
{
	struct mams_assoc a = negotiating(true);

	mams_assoc_anew(&a, at(1)); /* not up: under way already */
	CU_ASSERT_STRING_EQUAL(todo(&a), "");
	mams_assoc_child(&a, 1, true, at(2));
	(void)todo(&a);
	mams_assoc_anew(&a, at(20000));
	CU_ASSERT_STRING_EQUAL(todo(&a), "TE");
	CU_ASSERT_EQUAL(a.state, MAMS_ASSOC_WAIT);
	CU_ASSERT_EQUAL(due(&a), 20500);
	mams_assoc_child(&a, 1, false, at(20010));
	CU_ASSERT_EQUAL(due(&a), 20500);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"load, negotiate, up", comes_up},
		{"who does not initiate waits", waits},
		{"a new child before the old one ends", replaced},
		{"many children", many_children},
		{"pauses between tries", tries_again},
		{"charon goes and comes", charon_gone},
		{"charon refuses", refused},
		{"gives way", gives_way},
		{"nothing comes through", anew},
	};

	return mams_suite_run("assoc", cases, MAMS_ARRAY_LEN(cases));
}
