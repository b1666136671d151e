/* Which N-MADP instance gets the next anchor; who is sent to another NCM. */
#include "ncm-service/madps.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <string.h>

static struct ncm_madp_conf confs[3] = {
	{.name = "a", .capacity = 2}, {.name = "b", .capacity = 5}, {.name = "c"}};
static struct ncm_policy policy = {.madps = confs, .n_madps = 3, .madp_lost_ms = 3000};

#define AB 3u
#define ALL 7u
#define NOW ((mams_time){1000000})

static int pick(const struct ncm_madps *m, uint32_t among)
{
	size_t i = 99;
	int rc = ncm_madps_pick(m, among, &i);

	return rc < 0 ? rc : (int)i;
}

static void most_room(void)
{
	struct ncm_madps m;

	ncm_madps_init(&m, &policy, NOW);
	for (size_t i = 0; i < 3; i++)
		ncm_madps_connected(&m, i);
	CU_ASSERT_EQUAL(pick(&m, ALL), 2); /* no limit */
	CU_ASSERT_EQUAL(pick(&m, AB), 1);
	for (int i = 0; i < 4; i++)
		ncm_madps_take(&m, 1);
	CU_ASSERT_EQUAL(pick(&m, AB), 0);
	ncm_madps_take(&m, 0);
	ncm_madps_take(&m, 0);
	CU_ASSERT_EQUAL(pick(&m, AB), 1);
	ncm_madps_take(&m, 1);
	CU_ASSERT_EQUAL(pick(&m, AB), -MAMS_ELIMIT);
	CU_ASSERT_EQUAL(pick(&m, 1), -MAMS_ELIMIT);
	ncm_madps_put(&m, 0);
	CU_ASSERT_EQUAL(pick(&m, AB), 0);
	m.use[0].drained = true;
	CU_ASSERT_EQUAL(pick(&m, AB), -MAMS_ELIMIT);
	CU_ASSERT_EQUAL(pick(&m, 1), -ENOENT);
	CU_ASSERT_EQUAL(pick(&m, 0), -ENOENT);
}

static void who_answers_comes_first(void)
{
	struct ncm_madps m;

	ncm_madps_init(&m, &policy, NOW);
	CU_ASSERT_EQUAL(pick(&m, AB), 1); /* just started: either may come */
	ncm_madps_connected(&m, 0);
	CU_ASSERT_EQUAL(pick(&m, AB), 0);
	CU_ASSERT_FALSE(ncm_madps_tick(&m, mams_time_add_ms(NOW, 2999)));
	CU_ASSERT_TRUE(ncm_madps_is_good(&m, 1));
	CU_ASSERT_EQUAL(ncm_madps_deadline(&m).us, mams_time_add_ms(NOW, 3000).us);
	CU_ASSERT_TRUE(ncm_madps_tick(&m, mams_time_add_ms(NOW, 3000)));
	CU_ASSERT_FALSE(ncm_madps_is_good(&m, 1));
	CU_ASSERT_TRUE(mams_time_is_never(ncm_madps_deadline(&m)));
	CU_ASSERT_EQUAL(pick(&m, 2), -ENOENT);
	ncm_madps_lost(&m, 0, mams_time_add_ms(NOW, 9000));
	CU_ASSERT_TRUE(ncm_madps_is_good(&m, 0)); /* for a while */
	CU_ASSERT_TRUE(ncm_madps_tick(&m, mams_time_add_ms(NOW, 12000)));
	CU_ASSERT_FALSE(ncm_madps_tick(&m, mams_time_add_ms(NOW, 90000))); /* said once */
	ncm_madps_connected(&m, 0);
	CU_ASSERT_TRUE(ncm_madps_is_good(&m, 0));
	CU_ASSERT_EQUAL(ncm_madps_find(&m, "c"), 2);
	CU_ASSERT_EQUAL(ncm_madps_find(&m, ""), -1);
}

static const struct ncm_redirect *sent(const char *tuple, bool known, enum ncm_transport t)
{
	return ncm_policy_redirect(&policy, tuple, known, t);
}

static void redirects(void)
{
	static const char *tuples[] = {"26201", "26202"};
	static const char *there[] = {"ncm.example:8443"};
	static struct ncm_redirect list[] = {
		{.name = "partner",
			.mcc_mnc = tuples,
			.n_mcc_mnc = 2,
			.endpoints[NCM_HTTPS] = there,
			.n_endpoints[NCM_HTTPS] = 1},
		{.name = "rest",
			.sessions = NCM_REDIRECT_ALL,
			.endpoints[NCM_WSS] = there,
			.n_endpoints[NCM_WSS] = 1},
	};

	CU_ASSERT_PTR_NULL(sent("26202", false, NCM_HTTPS));
	policy.redirects = list;
	policy.n_redirects = 2;
	CU_ASSERT_PTR_EQUAL(sent("26202", false, NCM_HTTPS), &list[0]);
	CU_ASSERT_PTR_NULL(sent("26202", true, NCM_HTTPS)); /* it has a session: it stays */
	CU_ASSERT_PTR_NULL(sent("26299", false, NCM_HTTPS));
	CU_ASSERT_PTR_NULL(sent(NULL, false, NCM_HTTPS));
	CU_ASSERT_PTR_EQUAL(sent(NULL, true, NCM_WSS), &list[1]);
	policy.n_redirects = 0;
}

static void hosts(void)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {{"ncm.example:8443", "ncm.example", 8443}, {"192.0.2.1:1", "192.0.2.1", 1},
		{"[2001:db8::1]:65535", "2001:db8::1", 65535}};
	static const char *const bad[] = {"", "host", "host:", ":1", "host:0", "host:65536",
		"host:1x", "host: 1", "[2001:db8::1]", "[2001:db8::1:1", "[]:1", "2001:db8::1"};
	char host[NCM_HOST_MAX];
	uint16_t port;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(good); i++) {
		CU_ASSERT_EQUAL(ncm_host_port(good[i].text, host, &port), 0);
		CU_ASSERT_STRING_EQUAL(host, good[i].host);
		CU_ASSERT_EQUAL(port, good[i].port);
	}
	for (size_t i = 0; i < MAMS_ARRAY_LEN(bad); i++)
		CU_ASSERT_EQUAL(ncm_host_port(bad[i], host, &port), -MAMS_EVALUE);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"most room", most_room},
		{"who answers comes first", who_answers_comes_first},
		{"redirects", redirects},
		{"hosts", hosts},
	};

	return mams_suite_run("madps", cases, MAMS_ARRAY_LEN(cases));
}
