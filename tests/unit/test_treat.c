#include "lib/ctl/ctl_treat.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

/* "MODE:LINK,LINK" */
static const char *said(const struct ctl_tr_wish *w)
{
	static char text[80];
	struct ctl_msg *m = ctl_msg_new(CTL_TR_SESSION_SET, 1);
	struct ctl_tr_treat t;
	size_t n;

	mams_assert(m);
	CU_ASSERT_EQUAL(ctl_tr_treat(m, w, &t), 0);
	n = (size_t)snprintf(text, sizeof(text), "%d%s:", t.mode, t.lossless ? "!" : "");
	for (size_t i = 0; i < t.n_links; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", i ? "," : "", t.links[i]);
	ctl_msg_free(m);
	return text;
}

static void lists(void)
{
	static const struct {
		struct ctl_tr_wish wish;
		const char *says;
	} cases[] = {
		{{.have = 7, .wanted = 7, .aggregate = true}, "4:0,1,2"},
		{{.have = 7, .wanted = UINT32_MAX, .first = 1, .aggregate = true}, "4:1,0,2"},
		{{.have = 7, .wanted = 6, .first = 2, .aggregate = true}, "4:2,1"},
		/* one carries: the others stand by, those that are wanted first */
		{{.have = 7, .wanted = 4, .first = 2, .aggregate = true}, "1:2,0,1"},
		{{.have = 7, .wanted = 6, .first = 2}, "1:2,1,0"},
		{{.have = 3, .wanted = 8}, "1:0,1"}, /* none that is there: all */
		{{.have = 2, .wanted = 2, .aggregate = true, .lossless = true}, "1!:1"},
		/* a mode is taken at its word */
		{{.have = 7, .wanted = 3, .mode = 1 + CTL_TR_DUPLICATE}, "5:0,1"},
		{{.have = 7, .wanted = 3, .first = 1, .mode = 1 + CTL_TR_SINGLE}, "0:1,0"},
		{{.have = 7, .wanted = 2, .mode = 1 + CTL_TR_SMALLEST_DELAY}, "2:1"},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++)
		CU_ASSERT_STRING_EQUAL(said(&cases[i].wish), cases[i].says);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"lists, modes and features", lists},
	};

	return mams_suite_run("treat", cases, MAMS_ARRAY_LEN(cases));
}
