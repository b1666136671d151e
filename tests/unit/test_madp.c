/* What the NCM tells an N-MADP instance that has been away: a ctl server plays the proxy. */
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"
#include "ncm-service/madp.h"
#include "ncm-service/releases.h"
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
	size_t stop_at;
};

static void on_packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct proxy *p = user;
	struct ctl_msg *m = NULL;

	(void)c;
	CU_ASSERT_EQUAL_FATAL(ctl_decode(data, len, &m, NULL), 0);
	if (m->type == CTL_PX_CLIENT_DEL && p->n < TOLD_MAX)
		snprintf(p->gone[p->n++], sizeof(p->gone[0]), "%s", m->px_client_del.client);
	ctl_msg_free(m);
	if (p->n == p->stop_at)
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

static void release(struct ncm_madp *m, const char *client)
{
	struct ncm_session s = {.policy = &policy};

	snprintf(s.s.identity, sizeof(s.s.identity), "%s", client);
	ncm_madp_revoke(m, 0, &s);
}

static void grant(struct ncm_madp *m, const char *client)
{
	struct ncm_session s = {.policy = &policy};

	snprintf(s.s.identity, sizeof(s.s.identity), "%s", client);
	ncm_madp_grant(m, 0, &s);
}

static void away_is_told_later(void)
{
	struct proxy p = {.stop_at = 2};
	struct ncm_registry *r = ncm_registry_new(&policy, mams_clock_now());
	struct ncm_madp *m;

	snprintf(path[0], sizeof(path[0]), "/tmp/mams-madp-%d.ctl", getpid());
	snprintf(path[1], sizeof(path[1]), "/tmp/mams-madp-%d.pm", getpid());
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&p.l), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL_FATAL(ncm_madp_new(p.l, &policy, r, &m), 0);
	run_for(p.l, 20);
	release(m, "ann");
	release(m, "bob");
	release(m, "cat");
	grant(m, "bob"); /* is back before the proxy is */
	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(p.l, path[0], (gid_t)-1, &ops, &p, &p.server), 0);
	run_for(p.l, 5000);
	CU_ASSERT_EQUAL(p.n, 2);
	CU_ASSERT_STRING_EQUAL(p.gone[0], "ann");
	CU_ASSERT_STRING_EQUAL(p.gone[1], "cat");
	p.stop_at = 3;
	release(m, "dan"); /* at once */
	run_for(p.l, 5000);
	CU_ASSERT_EQUAL(p.n, 3);
	CU_ASSERT_STRING_EQUAL(p.gone[2], "dan");
	ncm_madp_free(m);
	mams_ctl_server_free(p.server);
	ncm_registry_free(r);
	mams_loop_free(p.l);
}

static void bounded(void)
{
	struct ncm_releases *r = ncm_releases_new(2);
	char client[32];
	char most[200];

	memset(most, 'x', sizeof(most));
	most[sizeof(most) - 1] = '\0';
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(ncm_releases_add(r, 0, "ann"), 0);
	CU_ASSERT_EQUAL(ncm_releases_add(r, 0, "ann"), 0);
	CU_ASSERT_EQUAL(ncm_releases_add(r, 1, "ann"), 0);
	CU_ASSERT_EQUAL(ncm_releases_add(r, 1, "bob"), -MAMS_ELIMIT);
	CU_ASSERT_EQUAL(ncm_releases_add(r, 1, most), -MAMS_ELIMIT);
	ncm_releases_drop(r, 1, "nobody");
	CU_ASSERT(ncm_releases_take(r, 1, client, sizeof(client)));
	CU_ASSERT_STRING_EQUAL(client, "ann");
	CU_ASSERT_FALSE(ncm_releases_take(r, 1, client, sizeof(client)));
	CU_ASSERT_TRUE(ncm_releases_take(r, 0, client, sizeof(client)));
	ncm_releases_free(r);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"an instance that was away is told whom to forget", away_is_told_later},
		{"what is remembered is bounded", bounded},
	};

	return mams_suite_run("madp", cases, MAMS_ARRAY_LEN(cases));
}
