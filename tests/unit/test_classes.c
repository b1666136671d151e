/* Flow classes of mams-proxy: which connection is of which, and what paths it may use. */
#include "proxy/classes.h"
#include "tests/support/suite.h"

#include <string.h>

static struct mams_addr at(const char *text)
{
	struct mams_addr a = {0};

	mams_assert(mams_addr_parse_port(text, 0, &a) == 0);
	return a;
}

static struct px_class ports(uint16_t first, uint16_t last, uint8_t id)
{
	return (struct px_class){.port_first = first, .port_last = last, .ids = {id}, .n_ids = 1};
}

static void first_match_decides(void)
{
	struct px_class k[3] = {ports(8080, 8080, 0), ports(8000, 9000, 1), ports(0, 65535, 2)};
	struct mams_addr a = at("192.0.2.1:8080");

	CU_ASSERT_PTR_EQUAL(px_class_of(k, 3, &a, 0), &k[0]);
	a.port = 8081;
	CU_ASSERT_PTR_EQUAL(px_class_of(k, 3, &a, 0), &k[1]);
	a.port = 9000;
	CU_ASSERT_PTR_EQUAL(px_class_of(k, 3, &a, 0), &k[1]);
	a.port = 9001;
	CU_ASSERT_PTR_EQUAL(px_class_of(k, 3, &a, 0), &k[2]);
	CU_ASSERT_PTR_NULL(px_class_of(k, 2, &a, 0));
	CU_ASSERT_PTR_NULL(px_class_of(k, 0, &a, 0));
	CU_ASSERT_EQUAL(px_class_bits(NULL), 0);
	CU_ASSERT_EQUAL(px_class_bits(&k[1]), 2);
}

static void remote_networks(void)
{
	struct px_class k[2] = {ports(0, 65535, 0), ports(0, 65535, 1)};
	struct mams_addr in = at("192.0.2.7:443");
	struct mams_addr out = at("192.0.3.7:443");
	struct mams_addr six = at("[2001:db8::7]:443");

	CU_ASSERT_EQUAL(mams_prefix_parse("192.0.2.0/24", &k[0].remote), 0);
	CU_ASSERT_EQUAL(mams_prefix_parse("2001:db8::/64", &k[1].remote), 0);
	CU_ASSERT_PTR_EQUAL(px_class_of(k, 2, &in, 0), &k[0]);
	CU_ASSERT_PTR_NULL(px_class_of(k, 2, &out, 0));
	CU_ASSERT_PTR_EQUAL(px_class_of(k, 2, &six, 0), &k[1]);
}

static void marks(void)
{
	static const uint8_t four[] = {0x45, 0xb9}; /* EF, ECT(1) */
	static const uint8_t six[] = {0x6b, 0x90};  /* EF, ECT(1) */
	static const uint8_t other[] = {0x12, 0xff};
	struct px_class k[2] = {ports(0, 65535, 0), ports(0, 65535, 1)};
	struct mams_addr a = at("192.0.2.7:443");

	k[0].has_dscp = true;
	k[0].dscp = 46;
	CU_ASSERT_PTR_EQUAL(px_class_of(k, 2, &a, 46), &k[0]);
	CU_ASSERT_PTR_EQUAL(px_class_of(k, 2, &a, 0), &k[1]);
	CU_ASSERT_EQUAL(px_class_dscp(four), 46);
	CU_ASSERT_EQUAL(px_class_dscp(six), 46);
	CU_ASSERT_EQUAL(px_class_dscp(other), 0);
}

static void selection(void)
{
	static const struct px_path all[3] = {{.connection_id = 0, .priority = 0},
		{.connection_id = 1, .priority = 1}, {.connection_id = 4, .priority = 2}};
	struct px_class k = {.ids = {4, 1, 9}, .n_ids = 3};
	struct px_path p[PX_PATHS_MAX];

	memcpy(p, all, sizeof(all));
	CU_ASSERT_EQUAL(px_class_select(&k, p, 3), 2);
	CU_ASSERT_EQUAL(p[0].connection_id, 4);
	CU_ASSERT_EQUAL(p[0].priority, 0);
	CU_ASSERT_EQUAL(p[1].connection_id, 1);
	CU_ASSERT_EQUAL(p[1].priority, 1);
	/* none of its links is there: any */
	memcpy(p, all, sizeof(all));
	k = ports(0, 65535, 9);
	CU_ASSERT_EQUAL(px_class_select(&k, p, 3), 3);
	CU_ASSERT_EQUAL(memcmp(p, all, sizeof(all)), 0);
	CU_ASSERT_EQUAL(px_class_select(NULL, p, 3), 3);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the first that matches decides", first_match_decides},
		{"remote networks", remote_networks},
		{"marks", marks},
		{"marks", marks},
		{"selection of paths", selection},
	};

	return mams_suite_run("classes", cases, MAMS_ARRAY_LEN(cases));
}
