#include "ccm-agent/ways.h"
#include "lib/base/err.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static void urls(void)
{
	static const struct {
		const char *text;
		int rc;
		enum ccm_transport transport;
		const char *host;
		uint16_t port;
	} cases[] = {
		{"https://ncm.example:8443", 0, CCM_HTTPS, "ncm.example", 8443},
		{"wss://[fd09::1]:1", 0, CCM_WSS, "fd09::1", 1},
		{"udp://192.0.2.1:65535", 0, CCM_UDP, "192.0.2.1", 65535},
		{"udp://ncm.example:1", -MAMS_EVALUE, 0, NULL, 0},
		{"http://ncm.example:1", -MAMS_EVALUE, 0, NULL, 0},
		{"https://ncm.example", -MAMS_EVALUE, 0, NULL, 0},
		{"https://ncm.example:", -MAMS_EVALUE, 0, NULL, 0},
		{"https://ncm.example:0", -MAMS_EVALUE, 0, NULL, 0},
		{"https://ncm.example:65536", -MAMS_EVALUE, 0, NULL, 0},
		{"https://ncm.example:8443/", -MAMS_EVALUE, 0, NULL, 0},
		{"https://me@ncm.example:8443", -MAMS_EVALUE, 0, NULL, 0},
		{"https://:8443", -MAMS_EVALUE, 0, NULL, 0},
		{"https://[fd09::1:8443", -MAMS_EVALUE, 0, NULL, 0},
		{"", -MAMS_EVALUE, 0, NULL, 0},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct ccm_ncm_url u;
		struct mams_error err = {0};
		int rc = ccm_ncm_url_parse(cases[i].text, &u, &err);

		CU_ASSERT_EQUAL(rc, cases[i].rc);
		if (rc < 0) {
			CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
			continue;
		}
		CU_ASSERT_EQUAL(u.transport, cases[i].transport);
		CU_ASSERT_STRING_EQUAL(u.host, cases[i].host);
		CU_ASSERT_EQUAL(u.port, cases[i].port);
	}
}

/* "text host if", in order. */
static void expect(const struct ccm_ways *r, const char *const *want, size_t n)
{
	CU_ASSERT_EQUAL(r->n, n);
	for (size_t i = 0; i < n && i < r->n; i++) {
		char got[400];

		snprintf(got, sizeof(got), "%s %s %s",
			ccm_transport_name(r->list[i].url->transport),
			r->list[i].via ? r->list[i].via->host : r->list[i].url->host,
			r->list[i].interface ? r->list[i].interface : "-");
		CU_ASSERT_STRING_EQUAL(got, want[i]);
	}
}

static void order(void)
{
	static const char *const u[] = {"wss://a:1", "https://b:2"};
	static const char *const links[] = {"wifi0", "lte0"};
	static const char *const all[] = {"wss a -", "https b -", "wss a wifi0", "https b wifi0",
		"wss a lte0", "https b lte0"};
	struct ccm_ways r;

	CU_ASSERT_EQUAL_FATAL(ccm_ways_init(&r, u, 2, NULL, 0, NULL), 0);
	expect(&r, all, 2);
	ccm_ways_links(&r, links, 2);
	expect(&r, all, 6);
	for (size_t i = 0; i < 6; i++) {
		CU_ASSERT_PTR_EQUAL(ccm_ways_current(&r), &r.list[i]);
		ccm_ways_next(&r);
	}
	CU_ASSERT_PTR_EQUAL(ccm_ways_current(&r), &r.list[0]);
	ccm_ways_next(&r);
	ccm_ways_links(&r, links, 1);
	CU_ASSERT_PTR_EQUAL(ccm_ways_current(&r), &r.list[0]);
}

/* Nothing goes over udp but where it was allowed. */
static void udp_only_where_secure(void)
{
	static const char *const u[] = {"udp://192.0.2.1:5", "https://b:2"};
	static const char *const links[] = {"wifi0", "lan0"};
	static const char *const secure[] = {"lan0", "mgmt0"};
	static const char *const all[] = {"https b -", "https b wifi0", "udp 192.0.2.1 lan0",
		"https b lan0", "udp 192.0.2.1 mgmt0", "https b mgmt0"};
	struct ccm_ways r;

	CU_ASSERT_EQUAL_FATAL(ccm_ways_init(&r, u, 2, secure, 2, NULL), 0);
	ccm_ways_links(&r, links, 2);
	expect(&r, all, 6);
	CU_ASSERT_EQUAL_FATAL(ccm_ways_init(&r, u, 1, NULL, 0, NULL), 0);
	ccm_ways_links(&r, links, 2);
	CU_ASSERT_PTR_NULL(ccm_ways_current(&r));
	ccm_ways_next(&r);
	CU_ASSERT_PTR_NULL(ccm_ways_current(&r));
}

static void endpoints(void)
{
	static const char *const u[] = {"https://b:2"};
	static const char *const links[] = {"wifi0"};
	struct ccm_endpoint told[] = {{"b", 2}, {"192.0.2.9", 2}, {"c.example", 3}};
	static const char *const all[] = {"https b -", "https 192.0.2.9 -", "https c.example -",
		"https b wifi0", "https 192.0.2.9 wifi0", "https c.example wifi0"};
	struct ccm_ways r;

	CU_ASSERT_EQUAL_FATAL(ccm_ways_init(&r, u, 1, NULL, 0, NULL), 0);
	ccm_ways_links(&r, links, 1);
	ccm_ways_next(&r); /* by wifi0 */
	CU_ASSERT_TRUE(ccm_ways_endpoints(&r, told, 3));
	expect(&r, all, 6);
	/* the way in use is still the same one */
	CU_ASSERT_STRING_EQUAL(ccm_ways_current(&r)->interface, "wifi0");
	CU_ASSERT_PTR_NULL(ccm_ways_current(&r)->via);
	CU_ASSERT_FALSE(ccm_ways_endpoints(&r, told, 3));
	CU_ASSERT_TRUE(ccm_ways_endpoints(&r, told, 1));
	expect(&r, (const char *const[]){"https b -", "https b wifi0"}, 2);
}

/* Sent to another NCM: first of the ways, by its own name; forgotten when a session stands
 * elsewhere. */
static void redirected(void)
{
	static const char *const u[] = {"https://b:2"};
	static const char *const links[] = {"wifi0"};
	struct ccm_endpoint itself[] = {{"c.example", 3}, {"b", 2}};
	struct ccm_endpoint other[] = {{"2001:db8::9", 4}, {"d", 5}};
	struct ccm_endpoint own[] = {{"d", 5}, {"2001:db8::9", 4}};
	struct ccm_ways r;

	CU_ASSERT_EQUAL_FATAL(ccm_ways_init(&r, u, 1, NULL, 0, NULL), 0);
	ccm_ways_links(&r, links, 1);
	CU_ASSERT_FALSE(ccm_ways_redirect(&r)); /* nothing is known */
	CU_ASSERT_TRUE(ccm_ways_endpoints(&r, itself, 2));
	CU_ASSERT_FALSE(ccm_ways_redirect(&r)); /* it has more addresses, that is all */
	CU_ASSERT_TRUE(ccm_ways_endpoints(&r, other, 2));
	CU_ASSERT_TRUE(ccm_ways_redirect(&r));
	expect(&r,
		(const char *const[]){"https 2001:db8::9 -", "https b -", "https 2001:db8::9 wifi0",
			"https b wifi0"},
		4);
	CU_ASSERT_STRING_EQUAL(ccm_ways_current(&r)->url->text, "https://[2001:db8::9]:4");
	CU_ASSERT_EQUAL(ccm_ways_current(&r)->url->port, 4);
	/* there it names itself; a session stands: this is where we are now */
	CU_ASSERT_TRUE(ccm_ways_endpoints(&r, own, 2));
	CU_ASSERT_FALSE(ccm_ways_redirect(&r));
	ccm_ways_settle(&r);
	CU_ASSERT_STRING_EQUAL(ccm_ways_current(&r)->url->text, "https://[2001:db8::9]:4");
	/* it fails, and the first one takes us after all */
	while (ccm_ways_current(&r)->url->port != 2)
		ccm_ways_next(&r);
	ccm_ways_settle(&r);
	CU_ASSERT_EQUAL(ccm_ways_current(&r)->url->port, 2);
	ccm_ways_links(&r, links, 1);
	CU_ASSERT_EQUAL(ccm_ways_current(&r)->url->port, 2);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"URLs", urls},
		{"order", order},
		{"udp only where secure", udp_only_where_secure},
		{"endpoints", endpoints},
		{"redirected", redirected},
	};

	return mams_suite_run("ways", cases, MAMS_ARRAY_LEN(cases));
}
