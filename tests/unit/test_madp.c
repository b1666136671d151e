/* What the NCM tells an N-MADP instance that has been away: a ctl server plays the proxy. */
#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"
#include "ncm-service/madp.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOLD_MAX 8

static char path[2][64];
static struct ncm_madp_conf madps[] = {
	{.name = "east", .ctl = path[0], .pm = path[1], .capacity = 0}};
static struct ncm_policy policy = {.madps = madps, .n_madps = 1, .max_sessions = 8};

/* The proxy: which clients it was told to forget. */
struct proxy {
	struct mams_loop *l;
	struct mams_ctl_server *server;
	char gone[TOLD_MAX][32];
	size_t n;
	size_t n_set;
	uint64_t session; /* that was named last */
	size_t stop_at;
};

static void on_packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct proxy *p = user;
	struct ctl_msg *m = NULL;

	CU_ASSERT_EQUAL_FATAL(ctl_decode(data, len, &m, NULL), 0);
	if (m->type == CTL_PX_CLIENT_DEL && p->n < TOLD_MAX) {
		snprintf(p->gone[p->n++], sizeof(p->gone[0]), "%s", m->px_client_del.client);
		p->session = m->px_client_del.session_id;
	}
	if (m->type == CTL_PX_CLIENT_SET) {
		p->n_set++;
		p->session = m->px_client_set.session_id;
	}
	mams_ctl_answer_result(c, m->id, 0, "ok");
	ctl_msg_free(m);
	if (p->stop_at && p->n == p->stop_at)
		mams_loop_stop(p->l);
}

static void on_opened(void *user, struct mams_ctl_conn *c)
{
	(void)user;
	(void)c;
}

static const struct mams_ctl_server_ops ops = {.opened = on_opened, .packet = on_packet};

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

static struct ncm_session session(const char *client, uint64_t id)
{
	struct ncm_session s = {.policy = &policy};

	snprintf(s.s.identity, sizeof(s.s.identity), "%s", client);
	snprintf(s.s.client_key, sizeof(s.s.client_key), "a2V5");
	s.s.session_id = id;
	return s;
}

static void release(struct ncm_madp *m, const char *client)
{
	struct ncm_session s = session(client, 1);

	ncm_madp_revoke(m, 0, &s);
}

static void grant(struct ncm_madp *m, const char *client)
{
	struct ncm_session s = session(client, 1);

	ncm_madp_grant(m, 0, &s);
}

/* The store: what it was told last of each client. */
struct kept {
	struct ncm_madp *m;
	char client[TOLD_MAX][32];
	char text[TOLD_MAX][64];
	size_t n;
	struct mams_loop *stop;
};

static const char *kept_of(const struct kept *k, const char *client)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->client[i], client) == 0)
			return k->text[i];
	return "?";
}

static void on_held(void *user, const char *client)
{
	struct kept *k = user;
	struct mams_buf text = {0};
	size_t i = 0;

	while (i < k->n && strcmp(k->client[i], client) != 0)
		i++;
	CU_ASSERT_FATAL(i < TOLD_MAX);
	k->n += i == k->n;
	snprintf(k->client[i], sizeof(k->client[i]), "%s", client);
	ncm_holds_write(ncm_madp_holds(k->m), client, &text);
	CU_ASSERT_FALSE_FATAL(text.failed);
	snprintf(k->text[i], sizeof(k->text[i]), "%s", text.data);
	mams_buf_fini(&text);
	if (k->stop && !k->text[i][0])
		mams_loop_stop(k->stop);
}

static void on_prepared(
	void *user, uint64_t session_id, size_t madp, const struct ncm_tunnel *tunnel)
{
	(void)user;
	(void)session_id;
	(void)madp;
	(void)tunnel;
}

static void on_connected(void *user, size_t madp, bool up)
{
	(void)user;
	(void)madp;
	(void)up;
}

static void on_measured(void *user, struct ncm_session *s, const struct ncm_madp_measured *x)
{
	(void)user;
	ncm_session_quality(s, x->id, x->from, &x->ul, &x->dl, mams_time_us(1));
}

static const struct ncm_madp_ops madp_ops = {.prepared = on_prepared,
	.measured = on_measured,
	.connected = on_connected,
	.held = on_held};

struct world {
	struct proxy p;
	struct ncm_registry *r;
	struct ncm_madp *m;
	struct kept k;
};

static void start_ncm(struct world *w)
{
	w->r = ncm_registry_new(&policy, mams_clock_now());
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->r);
	CU_ASSERT_EQUAL_FATAL(ncm_madp_new(w->p.l, &policy, w->r, NULL, &w->m, NULL), 0);
	w->k.m = w->m;
	ncm_madp_set_ops(w->m, &madp_ops, &w->k);
}

static void kill_ncm(struct world *w)
{
	ncm_madp_free(w->m);
	ncm_registry_free(w->r);
}

static void start_world(struct world *w)
{
	*w = (struct world){0};
	snprintf(path[0], sizeof(path[0]), "/tmp/mams-madp-%d.ctl", getpid());
	snprintf(path[1], sizeof(path[1]), "/tmp/mams-madp-%d.pm", getpid());
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&w->p.l), 0);
	start_ncm(w);
	run_for(w->p.l, 20);
}

static void start_proxy(struct world *w)
{
	CU_ASSERT_EQUAL_FATAL(
		mams_ctl_listen(w->p.l, path[0], (gid_t)-1, &ops, &w->p, &w->p.server), 0);
}

static void end_world(struct world *w)
{
	kill_ncm(w);
	mams_ctl_server_free(w->p.server);
	mams_loop_free(w->p.l);
}

static void away_is_told_later(void)
{
	struct world w;

	start_world(&w);
	w.p.stop_at = 2;
	release(w.m, "ann");
	release(w.m, "bob");
	release(w.m, "cat");
	grant(w.m, "bob"); /* is back before the proxy is */
	start_proxy(&w);
	run_for(w.p.l, 5000);
	CU_ASSERT_EQUAL(w.p.n, 2);
	CU_ASSERT_STRING_EQUAL(w.p.gone[0], "ann");
	CU_ASSERT_STRING_EQUAL(w.p.gone[1], "cat");
	w.p.stop_at = 3;
	release(w.m, "dan"); /* at once */
	run_for(w.p.l, 5000);
	CU_ASSERT_EQUAL(w.p.n, 3);
	CU_ASSERT_STRING_EQUAL(w.p.gone[2], "dan");
	CU_ASSERT_EQUAL(w.p.session, 1);
	end_world(&w);
}

/* A session ends while the proxy is away, and the NCM dies before it comes back. */
static void outlives_the_ncm(void)
{
	struct world w;
	struct ncm_session s = session("ann", 7);

	start_world(&w);
	ncm_madp_grant(w.m, 0, &s);
	CU_ASSERT_STRING_EQUAL(kept_of(&w.k, "ann"), "7 east\n");
	ncm_madp_revoke(w.m, 0, &s);
	CU_ASSERT_STRING_EQUAL(kept_of(&w.k, "ann"), "7 east\n");
	kill_ncm(&w);
	start_ncm(&w);
	ncm_madp_recall(w.m, "ann", "7 east\n8 nosuch\n");
	w.k.stop = w.p.l;
	start_proxy(&w);
	run_for(w.p.l, 5000);
	CU_ASSERT_EQUAL(w.p.n, 1);
	CU_ASSERT_STRING_EQUAL(w.p.gone[0], "ann");
	CU_ASSERT_EQUAL(w.p.session, 7);
	CU_ASSERT_STRING_EQUAL(kept_of(&w.k, "ann"), ""); /* once it has answered */
	end_world(&w);
}

/* Of a session that goes on nothing is released, nor what another NCM answers for. */
static void what_is_claimed_stays(void)
{
	struct world w;
	struct ncm_saved saved = {.identity = "ann", .session_id = 7};
	struct ncm_session *s;

	start_world(&w);
	CU_ASSERT_EQUAL_FATAL(ncm_registry_add(w.r, &saved, 1, mams_clock_now(), &s), 0);
	ncm_madp_recall(w.m, "ann", "7 east\n6 east\n");
	ncm_madp_recall(w.m, "bob", "5 east\n");
	ncm_madp_lose(w.m, "bob");
	w.p.stop_at = 2;
	start_proxy(&w);
	run_for(w.p.l, 300);
	CU_ASSERT_EQUAL(w.p.n, 1);
	CU_ASSERT_EQUAL(w.p.session, 6);
	CU_ASSERT_STRING_EQUAL(kept_of(&w.k, "ann"), "7 east\n");
	ncm_madp_forget(w.m, s); /* it ends, whatever it knows of its instances */
	run_for(w.p.l, 5000);
	CU_ASSERT_EQUAL(w.p.n, 2);
	CU_ASSERT_EQUAL(w.p.session, 7);
	end_world(&w);
}

/* Nobody is told of a client before the store is. */
static void the_store_comes_first(void)
{
	struct world w;
	struct ncm_saved saved = {.identity = "ann", .session_id = 7, .client_key = "a2V5"};
	struct ncm_session *s;

	start_world(&w);
	start_proxy(&w);
	run_for(w.p.l, 300);
	CU_ASSERT_EQUAL_FATAL(ncm_registry_add(w.r, &saved, 1, mams_clock_now(), &s), 0);
	ncm_madp_grant(w.m, 0, s);
	run_for(w.p.l, 100);
	CU_ASSERT_EQUAL(w.p.n_set, 0);
	CU_ASSERT_STRING_EQUAL(kept_of(&w.k, "ann"), "7 east\n");
	ncm_madp_stored(w.m);
	run_for(w.p.l, 100);
	CU_ASSERT_EQUAL(w.p.n_set, 1);
	CU_ASSERT_EQUAL(w.p.session, 7);
	ncm_madp_grant(w.m, 0, s); /* again: the store has it */
	run_for(w.p.l, 100);
	CU_ASSERT_EQUAL(w.p.n_set, 2);
	end_world(&w);
}

static struct mams_addr address(const char *text)
{
	struct mams_addr a = {0};

	CU_ASSERT_EQUAL_FATAL(mams_addr_parse(text, &a), 0);
	return a;
}

static struct ctl_quality_link told(
	uint64_t session_id, const char *local, const char *remote, uint32_t kbps)
{
	return (struct ctl_quality_link){.session_id = session_id,
		.local = address(local),
		.remote = address(remote),
		.dl = {.used_kbps = kbps, .has_delay_us = true, .delay_us = 5000}};
}

/* Links are told by their two ends; behind NAT by the one that is known, if no other has it. */
static void what_is_measured_reaches_its_link(void)
{
	static struct ctl_quality_link links[7];
	struct world w;
	struct ncm_saved saved = {.identity = "ann", .session_id = 7};
	struct ncm_session *s;
	struct ctl_msg *m;

	start_world(&w);
	madps[0].access[0].proxies[0] = address("192.0.2.1");
	madps[0].access[0].n = madps[0].access[1].n = 1;
	madps[0].access[1].proxies[0] = address("192.0.2.2");
	CU_ASSERT_EQUAL_FATAL(ncm_registry_add(w.r, &saved, 1, mams_clock_now(), &s), 0);
	for (uint8_t i = 0; i < 3; i++)
		s->s.links[i] = (struct ncm_link){.known = true,
			.in_setup = true,
			.admission = NCM_ADMIT_OK,
			.access = i / 2,
			.setup_address = address(i == 0   ? "10.0.0.2"
						 : i == 1 ? "10.0.0.3"
							  : "10.1.0.2")};
	start_proxy(&w);
	run_for(w.p.l, 300);
	links[0] = told(7, "192.0.2.1", "10.0.0.3", 100);
	links[1] = told(7, "192.0.2.2", "203.0.113.9", 200); /* NAT */
	links[2] = told(7, "192.0.2.1", "203.0.113.9", 300); /* which of the two? */
	links[3] = told(7, "192.0.2.9", "10.0.0.2", 400);
	links[4] = told(8, "192.0.2.1", "10.0.0.2", 500);
	links[5] = told(7, "192.0.2.1", "10.0.0.2", 600);
	links[5].has_connection_id = true;
	links[5].connection_id = 200;
	links[6] = links[5];
	links[6].connection_id = 0;
	m = ctl_msg_new(CTL_QUALITY, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	m->quality.links = links;
	m->quality.n_links = MAMS_ARRAY_LEN(links);
	mams_ctl_tell_all(w.p.server, m);
	run_for(w.p.l, 100);
	CU_ASSERT_EQUAL(s->quality[1].dl.used_kbps, 100);
	CU_ASSERT_EQUAL(s->quality[1].dl.delay_us, 5000);
	CU_ASSERT_EQUAL(s->quality[2].dl.used_kbps, 200);
	CU_ASSERT_EQUAL(s->quality[0].dl.used_kbps, 600);
	CU_ASSERT_EQUAL(ncm_registry_counters(w.r)->quality_reports, 3);
	CU_ASSERT_EQUAL(ncm_registry_counters(w.r)->quality_unknown, 4);
	end_world(&w);
}

static size_t due(const struct ncm_holds *h)
{
	const struct ncm_hold *x = ncm_holds_due(h, 0);

	return x ? x->session_id : 0;
}

static void bounded(void)
{
	struct ncm_holds *h = ncm_holds_new(&policy, 2);
	char client[32];

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	CU_ASSERT_EQUAL(ncm_holds_add(h, "ann", 1, 0), 0);
	CU_ASSERT_EQUAL(ncm_holds_add(h, "ann", 1, 0), 0); /* not stored yet */
	CU_ASSERT_PTR_NOT_NULL(ncm_holds_stored(h));
	CU_ASSERT_PTR_NULL(ncm_holds_stored(h));
	CU_ASSERT_EQUAL(ncm_holds_add(h, "ann", 1, 0), 1);
	CU_ASSERT_EQUAL(ncm_holds_release(h, "ann", 2, 0), 0);
	CU_ASSERT_EQUAL(ncm_holds_release(h, "bob", 3, 0), -MAMS_ELIMIT);
	CU_ASSERT_EQUAL(ncm_holds_count(h), 2);
	CU_ASSERT_EQUAL(due(h), 2);
	ncm_holds_asked(h, ncm_holds_due(h, 0), 9);
	CU_ASSERT_EQUAL(due(h), 0);
	CU_ASSERT_FALSE(ncm_holds_answered(h, 0, 8, client, sizeof(client)));
	ncm_holds_lost(h, 0);
	CU_ASSERT_EQUAL(due(h), 2); /* it has not been answered */
	ncm_holds_asked(h, ncm_holds_due(h, 0), 10);
	CU_ASSERT_TRUE(ncm_holds_answered(h, 0, 10, client, sizeof(client)));
	CU_ASSERT_STRING_EQUAL(client, "ann");
	CU_ASSERT_EQUAL(ncm_holds_count(h), 1);
	CU_ASSERT_EQUAL(ncm_holds_release(h, "ann", 1, 0), 1);
	ncm_holds_asked(h, ncm_holds_due(h, 0), 11);
	CU_ASSERT_EQUAL(ncm_holds_add(h, "ann", 1, 0), 1); /* is back: the answer takes nothing */
	CU_ASSERT_FALSE(ncm_holds_answered(h, 0, 11, client, sizeof(client)));
	CU_ASSERT_EQUAL(ncm_holds_count(h), 1);
	ncm_holds_free(h);
}

/* A crowd that is to be forgotten does not overflow the connection. */
static void a_window(void)
{
	struct ncm_holds *h = ncm_holds_new(&policy, 1000);
	char client[32];
	uint32_t n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	for (uint64_t i = 0; i < 1000; i++) {
		snprintf(client, sizeof(client), "c%u", (unsigned)i);
		CU_ASSERT_EQUAL(ncm_holds_release(h, client, i + 1, 0), 0);
	}
	for (const struct ncm_hold *x; (x = ncm_holds_due(h, 0)) != NULL;)
		ncm_holds_asked(h, x, ++n);
	CU_ASSERT_EQUAL(n, 256);
	CU_ASSERT_TRUE(ncm_holds_answered(h, 0, 1, client, sizeof(client)));
	CU_ASSERT_PTR_NOT_NULL(ncm_holds_due(h, 0));
	ncm_holds_free(h);
}

static void texts(void)
{
	static const char *const wrong[] = {"7", "7 nosuch\n", "x east\n", " \n", "\n",
		"99999999999999999999999 east\n", "7 eastern\n", "7  east\n"};
	struct ncm_holds *h = ncm_holds_new(&policy, 8);
	struct mams_buf out = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(wrong); i++)
		CU_ASSERT_EQUAL(ncm_holds_read(h, "ann", wrong[i]), 1);
	CU_ASSERT_EQUAL(ncm_holds_count(h), 0);
	CU_ASSERT_EQUAL(ncm_holds_read(h, "ann", "7 east\n"), 0);
	CU_ASSERT_EQUAL(ncm_holds_read(h, "ann", "7 east"), 0);
	ncm_holds_write(h, "ann", &out);
	CU_ASSERT_STRING_EQUAL(out.data, "7 east\n");
	mams_buf_clear(&out);
	ncm_holds_write(h, "bob", &out);
	CU_ASSERT_STRING_EQUAL(out.data, "");
	mams_buf_fini(&out);
	ncm_holds_free(h);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"an instance that was away is told whom to forget", away_is_told_later},
		{"also when the NCM has died meanwhile", outlives_the_ncm},
		{"what a session, or another NCM, claims stays", what_is_claimed_stays},
		{"the store comes first", the_store_comes_first},
		{"what is measured reaches its link", what_is_measured_reaches_its_link},
		{"what is remembered is bounded", bounded},
		{"some at a time", a_window},
		{"what the store has", texts},
	};

	return mams_suite_run("madp", cases, MAMS_ARRAY_LEN(cases));
}
