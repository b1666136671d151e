/* What the proxy's control thread tells the NCM of subflows: added up, in packets of bounded size,
 * and kept, once per link, while nobody takes it. */
#include "proxy/meter.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

/* The NCM. */
struct peer {
	struct mams_ctl_conn *there; /* its connection as the proxy has it */
	unsigned packets;
	size_t links, most;
	struct ctl_quality_link first, last; /* of the newest packet */
};

static void on_packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct peer *p = user;
	struct ctl_msg *m = NULL;

	(void)c;
	CU_ASSERT_EQUAL_FATAL(ctl_decode(data, len, &m, NULL), 0);
	CU_ASSERT_EQUAL(m->type, CTL_QUALITY);
	p->packets++;
	p->links += m->quality.n_links;
	p->most = m->quality.n_links > p->most ? m->quality.n_links : p->most;
	if (m->quality.n_links)
		p->first = m->quality.links[0];
	if (m->quality.n_links)
		p->last = m->quality.links[m->quality.n_links - 1];
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

struct bed {
	struct mams_loop *l;
	struct mams_ctl_server *server;
	struct mams_ctl_conn *dialled;
	struct px_meter *meter;
	struct px_client *client;
	struct peer peer;
};

static const struct mams_ctl_server_ops server_ops = {.opened = on_accepted};
static const struct mams_ctl_server_ops peer_ops = {.packet = on_packet};

static void begin(struct bed *b)
{
	*b = (struct bed){0};
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&b->l), 0);
	CU_ASSERT_EQUAL_FATAL(
		mams_ctl_listen(b->l, path, (gid_t)-1, &server_ops, &b->peer, &b->server), 0);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_dial(b->l, path, &peer_ops, &b->peer, &b->dialled), 0);
	CU_ASSERT_EQUAL_FATAL(px_meter_new(b->l, b->server, &b->meter), 0);
	b->client = px_client_new("ann", "key", 3, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->client);
	b->client->has_session_id = true;
	b->client->session_id = 7;
	run_for(b->l, 50);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->peer.there);
}

static void finish(struct bed *b)
{
	px_meter_free(b->meter);
	mams_ctl_close(b->dialled);
	mams_ctl_server_free(b->server);
	px_client_unref(b->client);
	mams_loop_free(b->l);
}

static void take_train(
	struct bed *b, uint16_t link, uint64_t acked, uint32_t rate_kbps, uint32_t train_kbps)
{
	struct px_note n = {.kind = PX_NOTE_SAMPLE,
		.client = b->client,
		.sample = {.local = {.family = AF_INET, .ip = {192, 0, 2, 1}},
			.remote = {.family = AF_INET, .ip = {10, 0}},
			.acked = acked,
			.sent = 100,
			.lost = 2,
			.rtt_us = 40000,
			.jitter_us = 4000,
			.rate_kbps = rate_kbps,
			.train_kbps = train_kbps}};

	n.sample.remote.ip[2] = (uint8_t)(link >> 8);
	n.sample.remote.ip[3] = (uint8_t)link;
	px_meter_take(b->meter, &n);
}

static void take(struct bed *b, uint16_t link, uint64_t acked, uint32_t rate_kbps)
{
	take_train(b, link, acked, rate_kbps, 0);
}

/* A train tells what a link does at least: no rate that is nearly carried, and none beside a better
 * one. */
static void trains_of_who_waits(void)
{
	struct bed b;

	begin(&b);
	mams_ctl_want_news(b.peer.there);
	take_train(&b, 1, 5000000, 0, 95000);
	run_for(b.l, 1300);
	CU_ASSERT_EQUAL(b.peer.last.dl.used_kbps, 40000);
	CU_ASSERT_EQUAL(b.peer.last.dl.rate_kbps, 95000);
	take_train(&b, 1, 5000000, 0, 48000);
	run_for(b.l, 1300);
	CU_ASSERT_FALSE(b.peer.last.dl.has_rate_kbps);
	take_train(&b, 1, 5000000, 42000, 0);
	take_train(&b, 1, 0, 0, 95000);
	run_for(b.l, 1300);
	CU_ASSERT_EQUAL(b.peer.last.dl.rate_kbps, 40000);
	finish(&b);
}

static void subflows_of_a_link_add_up(void)
{
	struct bed b;

	begin(&b);
	take(&b, 1, 1000000, 0); /* nobody wants it yet */
	mams_ctl_want_news(b.peer.there);
	take(&b, 1, 1000000, 9000);
	take(&b, 1, 1500000, 12000);
	run_for(b.l, 1300);
	CU_ASSERT_EQUAL_FATAL(b.peer.links, 1);
	CU_ASSERT_EQUAL(b.peer.last.session_id, 7);
	CU_ASSERT_EQUAL(b.peer.last.dl.used_kbps, 20000);
	CU_ASSERT_EQUAL(b.peer.last.dl.octets, 3500000);
	CU_ASSERT(b.peer.last.dl.has_rate_kbps);
	CU_ASSERT_EQUAL(b.peer.last.dl.rate_kbps, 20000); /* of both together */
	CU_ASSERT_EQUAL(b.peer.last.dl.packets, 200);
	CU_ASSERT_EQUAL(b.peer.last.dl.lost, 4);
	CU_ASSERT_EQUAL(b.peer.last.dl.delay_us, 20000);
	CU_ASSERT_EQUAL(b.peer.last.dl.jitter_us, 2000);
	take(&b, 1, 100000, 12000); /* it began a moment ago, at full rate */
	run_for(b.l, 1300);
	CU_ASSERT_EQUAL_FATAL(b.peer.links, 2);
	CU_ASSERT_EQUAL(b.peer.last.dl.used_kbps, 800);
	CU_ASSERT_EQUAL(b.peer.last.dl.rate_kbps, 12000);
	CU_ASSERT_EQUAL(b.peer.packets, 2);
	finish(&b);
}

/* Figures of then say nothing; octets are told as soon as anybody listens. */
static void octets_wait_for_an_ncm(void)
{
	struct bed b;

	begin(&b);
	for (int i = 0; i < 3; i++)
		take(&b, 1, 4000000000, 50000);
	run_for(b.l, 1300);
	CU_ASSERT_EQUAL(b.peer.packets, 0);
	mams_ctl_want_news(b.peer.there);
	take(&b, 2, 125000, 0);
	run_for(b.l, 1300);
	CU_ASSERT_EQUAL_FATAL(b.peer.links, 2);
	CU_ASSERT_EQUAL(b.peer.last.dl.octets, 125000);
	CU_ASSERT_EQUAL(b.peer.first.dl.octets, UINT64_C(12000000000));
	CU_ASSERT_EQUAL(b.peer.first.dl.used_kbps, 0);
	CU_ASSERT_FALSE(b.peer.first.dl.has_rate_kbps || b.peer.first.dl.has_packets);
	CU_ASSERT_FALSE(b.peer.first.dl.has_delay_us);
	take(&b, 1, 1000, 0);
	run_for(b.l, 1300);
	CU_ASSERT_EQUAL(b.peer.last.dl.octets, 1000); /* once */
	finish(&b);
}

static void many_links_in_packets(void)
{
	struct bed b;

	begin(&b);
	mams_ctl_want_news(b.peer.there);
	for (uint16_t i = 0; i < 6000; i++)
		take(&b, i % 600, 1000, 0);
	run_for(b.l, 1300);
	CU_ASSERT_EQUAL(b.peer.links, 600);
	CU_ASSERT_FALSE(b.peer.last.dl.has_rate_kbps); /* it had no more to send */
	CU_ASSERT_EQUAL(b.peer.most, CTL_QUALITY_LINKS);
	finish(&b);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"subflows of a link add up", subflows_of_a_link_add_up},
		{"octets wait for an NCM", octets_wait_for_an_ncm},
		{"trains of who waits", trains_of_who_waits},
		{"many links, in packets", many_links_in_packets},
	};

	snprintf(path, sizeof(path), "/tmp/test-meter-%d.ctl", (int)getpid());
	return mams_suite_run("meter", cases, MAMS_ARRAY_LEN(cases));
}
