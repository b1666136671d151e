/* What two looks at a subflow say of the time between them. */
#include "proxy/gauge.h"
#include "tests/support/suite.h"

static struct mams_mptcp_subflow subflow(void)
{
	return (struct mams_mptcp_subflow){.rtt_us = 40000,
		.rttvar_us = 4000,
		.cwnd = 100,
		.unacked = 50,
		.mss = 1448,
		.pmtu = 1500,
		.delivery_rate = 1428000, /* octets of payload: a thousand packets a second */
		.bytes_sent = 1428000,
		.bytes_acked = 1428000,
		.segs_sent = 1000};
}

static void whole_packets_count(void)
{
	const struct mams_mptcp_subflow was = {0};
	struct mams_mptcp_subflow is = subflow();
	struct px_sample s;

	CU_ASSERT_TRUE(px_sample_of(&was, &is, false, &s));
	CU_ASSERT_EQUAL(s.acked, 1500000);
	CU_ASSERT_EQUAL(s.sent, 1000);
	CU_ASSERT_EQUAL(s.lost, 0);
	CU_ASSERT_EQUAL(s.rtt_us, 40000);
	CU_ASSERT_EQUAL(s.rate_kbps, 0); /* it had no more to send */
	CU_ASSERT_TRUE(px_sample_of(&was, &is, true, &s));
	CU_ASSERT_EQUAL(s.rate_kbps, 0);
	CU_ASSERT_EQUAL(s.train_kbps, 12000); /* but its connection has */
	is.unacked = 100;
	CU_ASSERT_TRUE(px_sample_of(NULL, &is, false, &s));
	CU_ASSERT_EQUAL(s.rate_kbps, 12000);
	CU_ASSERT_EQUAL(s.train_kbps, 0);
	is.unacked = 0;
	is.notsent = 1;
	CU_ASSERT_TRUE(px_sample_of(NULL, &is, false, &s));
	CU_ASSERT_EQUAL(s.rate_kbps, 12000);
}

static void what_was_sent_again_was_lost(void)
{
	const struct mams_mptcp_subflow was = subflow();
	struct mams_mptcp_subflow is = was;
	struct px_sample s;

	is.segs_sent += 100;
	is.bytes_sent += 142800;
	is.bytes_acked += 128520;
	is.retransmits += 15;
	is.spurious += 5;
	CU_ASSERT_TRUE(px_sample_of(&was, &is, false, &s));
	CU_ASSERT_EQUAL(s.sent, 100);
	CU_ASSERT_EQUAL(s.lost, 10);
	CU_ASSERT_EQUAL(s.acked, 135000);
}

static void a_link_that_gives_nothing_back(void)
{
	const struct mams_mptcp_subflow was = subflow();
	struct mams_mptcp_subflow is = was;
	struct px_sample s;

	CU_ASSERT_FALSE(px_sample_of(&was, &is, false, &s));
	is.segs_sent += 3;
	is.retransmits += 3;
	is.bytes_sent += 4284;
	is.unacked = 100;
	CU_ASSERT_TRUE(px_sample_of(&was, &is, false, &s));
	CU_ASSERT_EQUAL(s.sent, 3);
	CU_ASSERT_EQUAL(s.lost, 3);
	CU_ASSERT_EQUAL(s.acked, 0);
	CU_ASSERT_EQUAL(s.rtt_us, 0); /* that is of before */
	CU_ASSERT_EQUAL(s.rate_kbps, 0);
}

static void an_upload_tells_its_octets(void)
{
	const struct mams_mptcp_subflow was = subflow();
	struct mams_mptcp_subflow is = was;
	struct px_sample s;

	is.bytes_received += 142800;
	is.segs_received += 100;
	CU_ASSERT_TRUE(px_sample_of(&was, &is, false, &s));
	CU_ASSERT_EQUAL(s.received, 150000);
	CU_ASSERT_EQUAL(s.rtt_us, 0);
}

/* Over a link of 3 Mbit/s, which was the only one for a while, wait 1.4 MB, and the other one, of 8
 * Mbyte/s, has run out of what it may send. */
static void one_holds_the_others_up(void)
{
	struct mams_mptcp_subflow slow = {.rtt_us = 90000,
		.cwnd = 20,
		.unacked = 20,
		.mss = 1400,
		.notsent = 1400000,
		.bytes_acked = 1000};
	struct mams_mptcp_subflow was = {
		.rtt_us = 70000, .cwnd = 400, .mss = 1400, .bytes_acked = 1000};
	struct mams_mptcp_subflow is = was;

	/* nothing says that it lives */
	CU_ASSERT_FALSE(px_holds_up(&slow, &was, &is));
	is.bytes_acked = 2000;
	CU_ASSERT_TRUE(px_holds_up(&slow, &was, &is));
	/* what it has would be there soon, or not sooner over the other */
	slow.notsent = 100000;
	CU_ASSERT_FALSE(px_holds_up(&slow, &was, &is));
	slow.notsent = 1400000;
	is.cwnd = 30;
	CU_ASSERT_FALSE(px_holds_up(&slow, &was, &is));
	/* the other has enough to do */
	is.cwnd = 400;
	is.unacked = 200;
	CU_ASSERT_FALSE(px_holds_up(&slow, &was, &is));
	is.unacked = 0;
	is.notsent = 1;
	CU_ASSERT_FALSE(px_holds_up(&slow, &was, &is));
	is.notsent = 0;
	CU_ASSERT_TRUE(px_holds_up(&slow, &was, &is));
	/* all that it has been given is on its way */
	slow.notsent = 0;
	slow.cwnd = slow.unacked = 2000;
	slow.rtt_us = 9000000;
	CU_ASSERT_FALSE(px_holds_up(&slow, &was, &is));
	/* no window */
	slow.notsent = 1;
	slow.cwnd = 0;
	CU_ASSERT_FALSE(px_holds_up(&slow, &was, &is));
}

/* 30 packets of 1400 octets each 60 ms are 700 kB/s, on a link that has brought 4 MB/s. */
static void one_lags_behind_its_link(void)
{
	const struct mams_mptcp_subflow slow = {.rtt_us = 60000,
		.min_rtt_us = 55000,
		.cwnd = 30,
		.ssthresh = 27,
		.unacked = 30,
		.mss = 1400};
	struct mams_mptcp_subflow f = slow;

	CU_ASSERT_TRUE(px_lags(&f, 4000000));
	CU_ASSERT_FALSE(px_lags(&f, 1300000));
	/* it may send more, or finds out itself */
	f.unacked = 29;
	CU_ASSERT_FALSE(px_lags(&f, 4000000));
	f.notsent = 1;
	CU_ASSERT_TRUE(px_lags(&f, 4000000));
	f.ssthresh = 0x7fffffff;
	CU_ASSERT_FALSE(px_lags(&f, 4000000));
	/* the link has a queue: it carries no more now */
	f = slow;
	f.rtt_us = 75000;
	CU_ASSERT_FALSE(px_lags(&f, 4000000));
	f.rtt_us = 0;
	CU_ASSERT_FALSE(px_lags(&f, 4000000));
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"whole packets count", whole_packets_count},
		{"what was sent again was lost", what_was_sent_again_was_lost},
		{"a link that gives nothing back", a_link_that_gives_nothing_back},
		{"an upload tells its octets", an_upload_tells_its_octets},
		{"one holds the others up", one_holds_the_others_up},
		{"one lags behind its link", one_lags_behind_its_link},
	};

	return mams_suite_run("gauge", cases, MAMS_ARRAY_LEN(cases));
}
