/* How much of a big transfer may wait in the kernel, as its subflows come and go. */
#include "lib/base/err.h"
#include "proxy/backlog.h"
#include "tests/support/suite.h"

#include <string.h>

#define MSS 1400u

static struct px_backlog_subflow known[PX_BACKLOG_SUBFLOWS];
static struct mams_mptcp_subflow f[PX_BACKLOG_SUBFLOWS];

/* @return wanted after so many looks; each subflow has acknowledged something meanwhile */
static uint32_t after(unsigned looks, size_t n)
{
	uint32_t wanted = 0;

	while (looks-- > 0) {
		for (size_t i = 0; i < n; i++)
			f[i].bytes_acked += MSS;
		wanted = px_backlog_wanted(known, f, n);
	}
	return wanted;
}

static void begin(void)
{
	memset(known, 0, sizeof(known));
	memset(f, 0, sizeof(f));
	for (size_t i = 0; i < PX_BACKLOG_SUBFLOWS; i++)
		f[i] = (struct mams_mptcp_subflow){.id = (uint8_t)(i + 1),
			.rtt_us = 60000,
			.mss = MSS,
			.cwnd = 20,
			.unacked = 20};
	f[0].cwnd = 300;
}

static void the_windows_threefold(void)
{
	begin();
	CU_ASSERT_EQUAL(after(1, 2), 3 * 320 * MSS);
	f[0].cwnd = 400;
	CU_ASSERT_EQUAL(after(1, 2), 3 * 420 * MSS);
	f[0].cwnd = 1u << 31;
	CU_ASSERT_EQUAL(after(1, 2), PX_BACKLOG_MOST);
	/* 10 ms, of which 100 ms have ten */
	begin();
	f[0].cwnd = 100;
	f[0].rtt_us = 10000;
	CU_ASSERT_EQUAL(after(1, 2), (10 * 100 + 3 * 20) * MSS);
	f[0].rtt_us = 1;
	CU_ASSERT_EQUAL(after(1, 2), PX_BACKLOG_MOST);
	f[0].rtt_us = 0;
	CU_ASSERT_EQUAL(after(1, 2), 192u << 10);
	begin();
	f[0].cwnd = 0;
	CU_ASSERT_EQUAL(after(1, 1), 192u << 10);
	CU_ASSERT_EQUAL(px_backlog_wanted(known, f, 0), 192u << 10);
}

/* A window that was halved by a loss is soon back. */
static void a_loss_changes_little(void)
{
	begin();
	(void)after(1, 2);
	f[0].cwnd = 150;
	CU_ASSERT_TRUE(after(3, 2) > 3 * 280 * MSS);
	CU_ASSERT_TRUE(after(100, 2) < 3 * 190 * MSS);
}

static void a_subflow_that_went_counts_no_more(void)
{
	begin();
	(void)after(1, 2);
	f[0] = f[1];
	CU_ASSERT_EQUAL(after(1, 1), 192u << 10);
	/* another one comes */
	f[1] = (struct mams_mptcp_subflow){.id = 9, .rtt_us = 50000, .mss = MSS, .cwnd = 300};
	CU_ASSERT_TRUE(after(1, 2) > 3 * 310 * MSS);
}

static void nor_one_that_stands_still(void)
{
	uint64_t acked;

	begin();
	(void)after(1, 2);
	acked = f[0].bytes_acked;
	for (unsigned i = 1; i < 3; i++) {
		f[0].bytes_acked = acked - MSS;
		CU_ASSERT_TRUE(after(1, 2) > 3 * 280 * MSS);
	}
	f[0].bytes_acked = acked - MSS;
	CU_ASSERT_EQUAL(after(1, 2), 192u << 10);
	/* with a long round trip it may be quiet for longer */
	f[0].rtt_us = 400000;
	f[0].bytes_acked = acked - MSS;
	CU_ASSERT_TRUE(after(1, 2) > 3 * 250 * MSS);
	/* nothing is under way: it is idle */
	f[0].rtt_us = 60000;
	f[0].unacked = 0;
	f[0].bytes_acked = acked - MSS;
	CU_ASSERT_TRUE(after(1, 2) > 3 * 250 * MSS);
}

static void more_subflows_than_are_kept(void)
{
	begin();
	for (size_t i = 0; i < PX_BACKLOG_SUBFLOWS; i++)
		f[i].cwnd = 30;
	CU_ASSERT_EQUAL(px_backlog_wanted(known, f, PX_BACKLOG_SUBFLOWS),
		3 * 30 * PX_BACKLOG_SUBFLOWS * MSS);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the windows, threefold", the_windows_threefold},
		{"a loss changes little", a_loss_changes_little},
		{"a subflow that went counts no more", a_subflow_that_went_counts_no_more},
		{"nor one that stands still", nor_one_that_stands_still},
		{"as many subflows as are kept", more_subflows_than_are_kept},
	};

	return mams_suite_run("backlog", cases, MAMS_ARRAY_LEN(cases));
}
