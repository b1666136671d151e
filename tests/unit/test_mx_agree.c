/* Capabilities of two sides: every pair of method lists, and what is said of the rest. */
#include "lib/mx/mx_agree.h"
#include "tests/support/suite.h"

#include <string.h>

#define ALL_CONV ((1u << MX_CONV_COUNT) - 1u)
#define ALL_ADAPT ((1u << MX_ADAPT_COUNT) - 1u)

static void every_pair_of_method_lists(void)
{
	for (uint32_t a = 0; a <= ALL_CONV; a++)
		for (uint32_t b = 0; b <= ALL_CONV; b++) {
			const struct mx_offer own = {.convergence = a, .adaptation = b & ALL_ADAPT};
			const struct mx_offer peer = {.convergence = b, .adaptation = a};
			struct mx_drop drops[MX_DROPS_MAX];
			struct mx_offer both;
			size_t n = mx_agree(&own, &peer, &both, drops);
			uint32_t told = 0;

			CU_ASSERT_EQUAL(both.convergence, a & b);
			CU_ASSERT_EQUAL(both.adaptation, a & b);
			for (size_t i = 0; i < n; i++) {
				uint32_t bit = 1u << drops[i].item;

				if (drops[i].group != MX_GROUP_CONVERGENCE)
					continue;
				told |= bit;
				CU_ASSERT_EQUAL(drops[i].by_peer, (a & bit) != 0);
			}
			CU_ASSERT_EQUAL(told, a ^ b); /* all that one has, nothing else */
		}
}

static void reads_a_message(void)
{
	struct mx_feature_info f[] = {{MX_F_MEASUREMENT, true}, {MX_F_PROBING, false}};
	struct mx_method conv[] = {{MX_CONV_GMA, false}, {MX_CONV_MPTCP_PROXY, true}};
	struct mx_method adapt[] = {{MX_ADAPT_IPSEC, true}};
	struct mx_connection d[] = {{0, MX_WIFI}, {5, MX_LTE}};
	struct mx_connection a[] = {{3, MX_5G_NR}};
	struct mx_capability c = {.feature_active = f,
		.n_feature_active = 2,
		.convergence_methods = conv,
		.n_convergence_methods = 2,
		.adaptation_methods = adapt,
		.n_adaptation_methods = 1,
		.delivery_connections = d,
		.n_delivery_connections = 2,
		.anchor_connections = a,
		.n_anchor_connections = 1};
	struct mams_error err;
	struct mx_offer o;

	CU_ASSERT_EQUAL(mx_offer_read(&c, &o, &err), 0);
	CU_ASSERT_EQUAL(o.features, 1u << MX_F_MEASUREMENT);
	CU_ASSERT_EQUAL(o.convergence, 1u << MX_CONV_MPTCP_PROXY);
	CU_ASSERT_EQUAL(o.adaptation, 1u << MX_ADAPT_IPSEC);
	CU_ASSERT_EQUAL(o.deliveries, 1u << 0 | 1u << 5);
	CU_ASSERT_EQUAL(o.anchors, 1u << 3);
	CU_ASSERT(mx_offer_has_type(o.deliveries, o.delivery_type, MX_LTE));
	CU_ASSERT_FALSE(mx_offer_has_type(o.deliveries, o.delivery_type, MX_5G_NR));
	d[1].connection_id = MX_MAX_CONNECTIONS;
	CU_ASSERT_EQUAL(mx_offer_read(&c, &o, &err), -MAMS_EVALUE);
	d[1].connection_id = 5;
	a[0].connection_id = 200; /* left out */
	CU_ASSERT_EQUAL(mx_offer_read(&c, &o, &err), 0);
	CU_ASSERT_EQUAL(o.anchors, 0);
}

static void names(void)
{
	char text[MX_DROP_LEN];
	const struct mx_drop d = {
		.group = MX_GROUP_DELIVERY, .item = 2, .type = MX_LTE, .by_peer = true};
	const struct mx_drop f = {.group = MX_GROUP_FEATURE, .item = MX_F_FRAGMENTATION};

	CU_ASSERT_STRING_EQUAL(mx_drop_name(&d, text), "2 (LTE)");
	CU_ASSERT_STRING_EQUAL(mx_drop_name(&f, text), "fragmentation");
	for (int g = 0; g < MX_GROUP_COUNT; g++)
		CU_ASSERT_STRING_NOT_EQUAL(mx_group_name((enum mx_group)g), "?");
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"every pair of method lists", every_pair_of_method_lists},
		{"reads a message", reads_a_message},
		{"names", names},
	};

	return mams_suite_run("mx_agree", cases, MAMS_ARRAY_LEN(cases));
}
