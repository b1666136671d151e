/* What the trailer's control thread tells the NCM of links: differences of totals, and delays of
 * each direction. */
#include "lib/io/ctlmsg.h"
#include "tests/support/suite.h"
#include "trailer-madp/desired.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[64];

struct peer {
	struct mams_ctl_conn *there;
	struct ctl_quality_link link[4];
	size_t n;
};

static void on_packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct peer *p = user;
	struct ctl_msg *m = NULL;

	(void)c;
	CU_ASSERT_EQUAL_FATAL(ctl_decode(data, len, &m, NULL), 0);
	CU_ASSERT_FATAL(m->type == CTL_QUALITY && m->quality.n_links <= 4);
	p->n = m->quality.n_links;
	memcpy(p->link, m->quality.links, p->n * sizeof(p->link[0]));
	ctl_msg_free(m);
}

static void on_accepted(void *user, struct mams_ctl_conn *c)
{
	((struct peer *)user)->there = c;
}

static void stop(void *user)
{
	mams_loop_stop(user);
}

static void run_for(struct mams_loop *l, int ms)
{
	struct mams_loop_timer *t;

	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(l, stop, l, &t), 0);
	mams_loop_timer_at(t, mams_time_add_ms(mams_clock_now(), ms));
	mams_loop_run(l);
	mams_loop_timer_del(t);
}

static mams_time at(int64_t s)
{
	return mams_time_us(s * 1000000);
}

static const struct mams_ctl_server_ops server_ops = {.opened = on_accepted};
static const struct mams_ctl_server_ops peer_ops = {.packet = on_packet};

/* Two links: near, 10 ms each way; far, 60 ms up and 25 ms down, whose reports come back over the
 * near one.  The clocks of both ends are anything. */
static void two_links(struct madp_account *a)
{
	a->link[0] = (struct madp_link_count){.owner = 1,
		.min_rtt_us = 20000,
		.tx_owd_us = (uint32_t)(5000000 + 12000),
		.tx_queue_us = 2000,
		.rx_owd_us = (uint64_t)(int64_t)(-7000000 + 10000)};
	a->link[1] = (struct madp_link_count){.owner = 5,
		.min_rtt_us = 35000,
		.tx_owd_us = (uint32_t)(5000000 + 25000),
		.rx_owd_us = (uint64_t)(int64_t)(-7000000 + 60000)};
}

struct bed {
	struct mams_loop *l;
	struct mams_ctl_server *server;
	struct mams_ctl_conn *dialled;
	struct madp_desired d;
	struct madp_desired *all;
	struct peer peer;
};

static void begin(struct bed *b)
{
	*b = (struct bed){.d = {.client = "ann", .id = 7, .account = madp_account_new()}};
	CU_ASSERT_FATAL(b->d.account && mams_loop_new(&b->l) == 0);
	CU_ASSERT_EQUAL_FATAL(
		mams_ctl_listen(b->l, path, (gid_t)-1, &server_ops, &b->peer, &b->server), 0);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_dial(b->l, path, &peer_ops, &b->peer, &b->dialled), 0);
	run_for(b->l, 50);
	HASH_ADD_KEYPTR(by_client, b->all, b->d.client, strlen(b->d.client), &b->d);
	mams_ctl_want_news(b->peer.there);
}

static void finish(struct bed *b)
{
	HASH_DELETE(by_client, b->all, &b->d);
	madp_account_unref(b->d.account);
	mams_ctl_close(b->dialled);
	mams_ctl_server_free(b->server);
	mams_loop_free(b->l);
}

/* @return how many links were told of */
static size_t tell(struct bed *b, int64_t s)
{
	b->peer.n = 0;
	madp_gauge_tell(b->server, b->all, at(s));
	run_for(b->l, 20);
	return b->peer.n;
}

static void check_second(const struct ctl_quality_link *near, const struct ctl_quality_link *far)
{
	CU_ASSERT(near->session_id == 7 && near->connection_id == 0);
	CU_ASSERT_EQUAL(near->dl.used_kbps, 10000);
	CU_ASSERT(near->dl.has_rate_kbps && near->dl.rate_kbps == 11000);
	CU_ASSERT(near->dl.packets == 1010 && near->dl.lost == 10);
	CU_ASSERT_EQUAL(near->dl.delay_us, 12000);
	CU_ASSERT_EQUAL(far->connection_id, 4);
	CU_ASSERT_EQUAL(far->dl.delay_us, 25000);
	CU_ASSERT_EQUAL(far->ul.delay_us, 60000);
	CU_ASSERT(far->ul.packets == 100 && far->ul.lost == 1);
	CU_ASSERT_EQUAL(far->ul.used_kbps, 1000);
	CU_ASSERT_FALSE(far->ul.has_rate_kbps); /* full at one end of the second only */
}

static void both_directions(void)
{
	struct bed b;
	struct madp_link_count *n;

	begin(&b);
	n = b.d.account->link;
	two_links(b.d.account);
	CU_ASSERT_EQUAL(tell(&b, 1), 0); /* from now on */
	n[0].tx_packets = n[0].tx_arrived = 1000;
	n[0].tx_arrived_octets = 1250000;
	n[0].tx_lost = 10;
	n[0].rate_bps = 11000000;
	n[0].rate_seen = 1;
	n[1].rx_packets = n[1].rx_counted = 99;
	n[1].rx_octets = 125000;
	n[1].lost = 1;
	n[1].rx_queue_us = 3000;
	CU_ASSERT_EQUAL_FATAL(tell(&b, 2), 2);
	check_second(&b.peer.link[0], &b.peer.link[1]);
	/* The near one is idle; the far one is full, and its peer has begun anew. */
	n[1].rx_packets += 1000;
	n[1].rx_counted += 1000;
	n[1].rx_octets += 1250000;
	n[1].tx_arrived = UINT32_MAX - 5;
	CU_ASSERT_EQUAL_FATAL(tell(&b, 3), 1);
	CU_ASSERT(b.peer.link[0].ul.has_rate_kbps && b.peer.link[0].ul.rate_kbps == 10000);
	CU_ASSERT_FALSE(b.peer.link[0].dl.has_packets);
	CU_ASSERT_EQUAL(b.peer.link[0].dl.used_kbps, 0);
	/* It has become 60 ms longer, and carries reports: no queue. */
	n[1].rx_queue_us = 60000;
	n[1].rx_packets += 20;
	n[1].rx_counted += 20;
	CU_ASSERT_EQUAL_FATAL(tell(&b, 4), 1);
	n[1].rx_packets += 20;
	n[1].rx_counted += 20;
	n[1].rx_octets += 2000;
	CU_ASSERT_EQUAL_FATAL(tell(&b, 5), 1);
	CU_ASSERT_FALSE(b.peer.link[0].ul.has_rate_kbps);
	/* More of them than could be under way without one. */
	n[1].rx_packets += 34;
	n[1].rx_counted += 34;
	n[1].rx_octets += 51000;
	CU_ASSERT_EQUAL_FATAL(tell(&b, 6), 1);
	CU_ASSERT(b.peer.link[0].ul.has_rate_kbps && b.peer.link[0].ul.rate_kbps == 408);
	finish(&b);
}

static void back_again(void)
{
	struct bed b;
	struct madp_link_count *n;
	const struct ctl_quality_link *l = &b.peer.link[0];

	begin(&b);
	n = b.d.account->link;
	two_links(b.d.account);
	n[0].up = 1;
	CU_ASSERT_EQUAL(tell(&b, 1), 0);
	/* down, with much lost: nothing new but that */
	n[0].tx_packets = 5;
	n[0].tx_lost = 5;
	n[0].up = 0;
	n[0].downs = 1;
	CU_ASSERT_EQUAL(tell(&b, 2), 0);
	/* up: told of at once, without what was lost */
	n[0].up = 1;
	CU_ASSERT_EQUAL_FATAL(tell(&b, 3), 1);
	CU_ASSERT(l->connection_id == 0 && l->ul.has_back && l->ul.back && l->dl.back);
	CU_ASSERT_FALSE(l->ul.has_packets || l->dl.has_packets);
	CU_ASSERT(l->ul.lost == 0 && l->dl.lost == 0);
	/* once */
	CU_ASSERT_EQUAL(tell(&b, 4), 0);
	n[0].tx_packets = n[0].tx_arrived = 1000;
	CU_ASSERT_EQUAL_FATAL(tell(&b, 5), 1);
	CU_ASSERT_FALSE(l->dl.has_back);
	CU_ASSERT(l->dl.packets > 0 && l->dl.lost == 0);
	finish(&b);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"both directions of two links", both_directions},
		{"back again", back_again},
	};

	snprintf(path, sizeof(path), "/tmp/test-trailer-gauge-%d.ctl", (int)getpid());
	return mams_suite_run("trailer_gauge", cases, MAMS_ARRAY_LEN(cases));
}
