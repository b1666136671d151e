/* Network information: what a post may say, which statement counts for a link, and for how long. */
#include "lib/ctl/ctl_msg.h"
#include "ncm-service/feed.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define WALL INT64_C(1800000000)
#define POST(list) "{\"statements\":[" list "]}"
#define AT(s) mams_time_add_ms((mams_time){7000000}, (s)*1000)

static struct ncm_access accesses[] = {{.name = "wifi"}, {.name = "lte"}};
static const struct ncm_policy policy = {.accesses = accesses, .n_accesses = 2};
static struct ncm_feed *feed;

static void begin(void)
{
	ncm_feed_free(feed);
	feed = ncm_feed_new(&policy);
	CU_ASSERT_PTR_NOT_NULL_FATAL(feed);
}

static int post_at(int64_t s, const char *text, struct mams_error *err)
{
	*err = (struct mams_error){0};
	return ncm_feed_take(feed, "oam", text, strlen(text), AT(s), WALL + s, err);
}

static void good(int64_t s, const char *text)
{
	struct mams_error err;

	if (post_at(s, text, &err) < 0)
		fprintf(stderr, "%s: %s: %s\n", text, err.where, err.text);
	CU_ASSERT_EQUAL(post_at(s, text, &err), 0);
}

static struct ncm_forecast look(int64_t s, const char *access, const char *node, const char *ssid)
{
	struct ncm_forecast f;

	(void)ncm_feed_look(feed, access, node, ssid, AT(s), &f);
	return f;
}

static size_t count(int64_t s)
{
	struct ctl_msg *m = ncm_feed_tell(feed, 0, 0, NCM_FEED_MAX, AT(s));
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	n = m->network.n_statements;
	ctl_msg_free(m);
	return n;
}

/* Each mistake is named, with the value, and leaves everything as it was. */
static void mistakes(void)
{
	static const struct {
		const char *text;
		int rc;
		const char *where, *words;
	} cases[] = {
		{"", -MAMS_EPROTO, "", ""},
		{"[]", -MAMS_EPROTO, "", ""},
		{"{}", -MAMS_EMISSING, "statements", "required"},
		{"{\"statements\":7}", -MAMS_EPROTO, "statements", "list"},
		{POST("7"), -MAMS_EPROTO, "statements[0]", "object"},
		{POST("{\"valid_for\":60,\"load_percent\":1}"), -MAMS_EMISSING,
			"statements[0].access", "required"},
		{POST("{\"access\":\"wifi\",\"load_percent\":1}"), -MAMS_EMISSING,
			"statements[0].valid_for", "required"},
		{POST("{\"access\":\"wimax\",\"valid_for\":60,\"load_percent\":1}"), -MAMS_EVALUE,
			"statements[0].access", "wimax"},
		{POST("{\"access\":\"wifi\",\"valid_for\":604801,\"load_percent\":1}"),
			-MAMS_EVALUE, "statements[0].valid_for", "0..604800, not 604801"},
		{POST("{\"access\":\"wifi\",\"valid_for\":-1,\"load_percent\":1}"), -MAMS_EVALUE,
			"statements[0].valid_for", "not -1"},
		{POST("{\"access\":\"wifi\",\"valid_for\":60,\"load_percent\":101}"), -MAMS_EVALUE,
			"statements[0].load_percent", "0..100, not 101"},
		{POST("{\"access\":\"wifi\",\"valid_for\":60,\"load_percent\":\"much\"}"),
			-MAMS_EPROTO, "statements[0].load_percent", "integer"},
		{POST("{\"access\":\"wifi\",\"valid_for\":60,\"lode\":50}"), -MAMS_EMISSING,
			"statements[0]", "says nothing"},
		{POST("{\"access\":\"wifi\",\"valid_for\":60,\"maintenance\":{\"from\":1}}"),
			-MAMS_EMISSING, "maintenance.until", "required"},
		{POST("{\"access\":\"wifi\",\"valid_for\":60,\"maintenance\":"
		      "{\"from\":1800000009,\"until\":1800000009}}"),
			-MAMS_EVALUE, "maintenance.until", "1800000009"},
		{POST("{\"access\":\"wifi\",\"valid_for\":60,\"maintenance\":"
		      "{\"from\":5,\"until\":60}}"),
			-MAMS_EVALUE, "maintenance.until", "60 is over"},
		/* a good one before the bad one */
		{POST("{\"access\":\"lte\",\"valid_for\":60,\"load_percent\":1},"
		      "{\"access\":\"lte\",\"valid_for\":60,\"delay_ms\":60001}"),
			-MAMS_EVALUE, "statements[1].delay_ms", "60001"},
		{POST("{\"access\":\"lte\",\"valid_for\":60,\"load_percent\":1},"
		      "{\"access\":\"nr\",\"valid_for\":60,\"load_percent\":1}"),
			-MAMS_EVALUE, "statements[1].access", "nr"},
	};
	struct mams_error err;

	begin();
	good(0, POST("{\"access\":\"lte\",\"valid_for\":60,\"load_percent\":44}"));
	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		int rc = post_at(0, cases[i].text, &err);

		if (rc != cases[i].rc || !strstr(err.where, cases[i].where) ||
			!strstr(err.text, cases[i].words))
			fprintf(stderr, "case %zu: %d %s: %s\n", i, rc, err.where, err.text);
		CU_ASSERT_EQUAL(rc, cases[i].rc);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.where, cases[i].where));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].words));
		CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
		CU_ASSERT_EQUAL(look(0, "lte", NULL, NULL).load, 44);
		CU_ASSERT_EQUAL(count(0), 1);
	}
}

/* Figures come from what is most about the link, each for itself. */
static void most_specific_first(void)
{
	begin();
	good(0, POST("{\"access\":\"wifi\",\"valid_for\":60,\"load_percent\":10,\"delay_ms\":5},"
		     "{\"access\":\"wifi\",\"ssid\":\"guest\",\"valid_for\":60,"
		     "\"load_percent\":20},"
		     "{\"access\":\"wifi\",\"node_id\":\"ap7\",\"valid_for\":60,"
		     "\"load_percent\":30,\"rate_kbps\":900},"
		     "{\"access\":\"wifi\",\"node_id\":\"ap7\",\"ssid\":\"guest\","
		     "\"valid_for\":60,\"load_percent\":40}"));
	CU_ASSERT_EQUAL(look(1, "wifi", "ap7", "guest").load, 40);
	CU_ASSERT_EQUAL(look(1, "wifi", "ap7", "guest").rate_kbps, 900);
	CU_ASSERT_EQUAL(look(1, "wifi", "ap7", "guest").delay_ms, 5);
	CU_ASSERT_EQUAL(look(1, "wifi", "ap7", "staff").load, 30);
	CU_ASSERT_EQUAL(look(1, "wifi", "ap8", "guest").load, 20);
	CU_ASSERT_EQUAL(look(1, "wifi", "", "").load, 10);
	CU_ASSERT_FALSE(look(1, "wifi", NULL, NULL).has_rate);
	CU_ASSERT_FALSE(look(1, "lte", "ap7", "guest").has_load);
}

static void replaced_and_taken_back(void)
{
	struct ncm_forecast x;

	begin();
	good(0, POST("{\"access\":\"lte\",\"valid_for\":60,\"load_percent\":10,\"delay_ms\":9}"));
	good(5, POST("{\"access\":\"lte\",\"valid_for\":60,\"load_percent\":90}"));
	CU_ASSERT_EQUAL(count(5), 1);
	CU_ASSERT_EQUAL(look(5, "lte", NULL, NULL).load, 90);
	CU_ASSERT_FALSE(look(5, "lte", NULL, NULL).has_delay);
	CU_ASSERT_EQUAL(ncm_feed_deadline(feed, AT(5)).us, AT(65).us);
	CU_ASSERT_TRUE(look(64, "lte", NULL, NULL).has_load);
	CU_ASSERT_EQUAL(look(64, "lte", NULL, NULL).until.us, AT(65).us);
	CU_ASSERT_FALSE(look(65, "lte", NULL, NULL).has_load);
	CU_ASSERT_EQUAL(count(65), 0);
	ncm_feed_tick(feed, AT(65));
	CU_ASSERT_TRUE(mams_time_is_never(ncm_feed_deadline(feed, AT(65))));
	good(70, POST("{\"access\":\"lte\",\"valid_for\":60,\"load_percent\":10}"));
	good(71, POST("{\"access\":\"lte\",\"valid_for\":0}"));
	CU_ASSERT_FALSE(ncm_feed_look(feed, "lte", NULL, NULL, AT(71), &x));
	good(72, POST(""));
}

static void fading_and_maintenance(void)
{
	begin();
	good(0, POST("{\"access\":\"lte\",\"node_id\":\"c1\",\"valid_for\":60,"
		     "\"fading_within\":30}"));
	CU_ASSERT_EQUAL(ncm_feed_deadline(feed, AT(0)).us, AT(20).us);
	CU_ASSERT_FALSE(look(19, "lte", "c1", NULL).fading);
	CU_ASSERT_TRUE(look(20, "lte", "c1", NULL).fading);
	CU_ASSERT_TRUE(look(59, "lte", "c1", NULL).fading);
	CU_ASSERT_FALSE(look(60, "lte", "c1", NULL).fading);
	CU_ASSERT_FALSE(look(30, "lte", "c2", NULL).fading);
	good(100, POST("{\"access\":\"wifi\",\"valid_for\":3600,\"maintenance\":"
		       "{\"from\":1800000300,\"until\":1800000900}},"
		       "{\"access\":\"wifi\",\"node_id\":\"ap7\",\"valid_for\":3600,"
		       "\"load_percent\":3}"));
	CU_ASSERT_EQUAL(ncm_feed_deadline(feed, AT(100)).us, AT(240).us);
	CU_ASSERT_FALSE(look(239, "wifi", "ap7", NULL).maintenance);
	CU_ASSERT_TRUE(look(240, "wifi", "ap7", NULL).maintenance);
	CU_ASSERT_EQUAL(ncm_feed_deadline(feed, AT(240)).us, AT(900).us);
	CU_ASSERT_TRUE(look(899, "wifi", NULL, NULL).maintenance);
	CU_ASSERT_FALSE(look(900, "wifi", NULL, NULL).maintenance);
}

static void post_cell(int64_t s, unsigned cell, unsigned valid_for)
{
	char text[160];

	snprintf(text, sizeof(text),
		POST("{\"access\":\"lte\",\"node_id\":\"c%u\",\"valid_for\":%u,"
		     "\"load_percent\":50}"),
		cell, valid_for);
	good(s, text);
}

/* Without room the one that would be forgotten first goes. */
static void full(void)
{
	begin();
	for (unsigned i = 0; i < NCM_FEED_MAX; i++)
		post_cell(0, i, i == 77 ? 100 : 200);
	CU_ASSERT_EQUAL(count(1), NCM_FEED_MAX);
	post_cell(1, 9999, 50);
	CU_ASSERT_EQUAL(count(1), NCM_FEED_MAX);
	CU_ASSERT_FALSE(look(1, "lte", "c77", NULL).has_load);
	CU_ASSERT_TRUE(look(1, "lte", "c76", NULL).has_load);
	CU_ASSERT_TRUE(look(1, "lte", "c9999", NULL).has_load);
	post_cell(1, 9999, 60); /* replaces: nobody goes */
	CU_ASSERT_TRUE(look(1, "lte", "c76", NULL).has_load);
	CU_ASSERT_EQUAL(count(1), NCM_FEED_MAX);
}

static void told(void)
{
	struct ctl_msg *m;
	struct mams_buf text = {0};
	struct mams_error err;

	begin();
	for (unsigned i = 0; i < 5; i++)
		post_cell(0, i, 60);
	m = ncm_feed_tell(feed, 9, 3, 1, AT(7));
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->id, 9);
	CU_ASSERT_EQUAL_FATAL(m->network.n_statements, 1);
	CU_ASSERT_STRING_EQUAL(m->network.statements[0].node_id, "c3");
	CU_ASSERT_STRING_EQUAL(m->network.statements[0].feeder, "oam");
	CU_ASSERT_EQUAL(m->network.statements[0].age, 7);
	CU_ASSERT_TRUE(m->network.more);
	ctl_msg_free(m);
	m = ncm_feed_tell(feed, 0, 4, 10, AT(7));
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->network.n_statements, 1);
	CU_ASSERT_FALSE(m->network.more);
	/* what is told can be posted */
	CU_ASSERT_EQUAL_FATAL(ctl_network_write(m, &text, &err), 0);
	CU_ASSERT_EQUAL(ncm_feed_take(feed, "x", text.data, text.len, AT(8), WALL, &err), 0);
	mams_buf_fini(&text);
	ctl_msg_free(m);
}

int main(void)
{
	static const struct mams_case cases[] = {{"mistakes", mistakes},
		{"most specific first", most_specific_first},
		{"replaced and taken back", replaced_and_taken_back},
		{"fading and maintenance", fading_and_maintenance}, {"full", full}, {"told", told}};
	int status = mams_suite_run("feed", cases, MAMS_ARRAY_LEN(cases));

	ncm_feed_free(feed);
	return status;
}
