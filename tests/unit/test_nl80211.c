/* Attributes of nl80211 as the kernel lays them out; and what is none. */
#include "lib/base/err.h"
#include "lib/io/nl80211.h"
#include "tests/support/suite.h"

#include <linux/netlink.h>
#include <linux/nl80211.h>
#include <stdlib.h>
#include <string.h>

static struct {
	_Alignas(8) uint8_t data[512];
	size_t len;
} b;

static void put(uint16_t type, const void *value, size_t len)
{
	struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type};

	memcpy(b.data + b.len, &a, sizeof(a));
	memcpy(b.data + b.len + sizeof(a), value, len);
	b.len += (sizeof(a) + len + 3) & ~(size_t)3;
}

/* What was put since from goes into an attribute of its own. */
static void nest(size_t from, uint16_t type)
{
	struct nlattr a = {
		.nla_len = (uint16_t)(sizeof(a) + b.len - from), .nla_type = type | NLA_F_NESTED};

	memmove(b.data + from + sizeof(a), b.data + from, b.len - from);
	memcpy(b.data + from, &a, sizeof(a));
	b.len += sizeof(a);
}

static void put_station(int8_t dbm)
{
	const uint32_t inactive = 12;

	b.len = 0;
	put(NL80211_ATTR_MAC, "\2\0\0\0\1\0", 6);
	size_t from = b.len;
	put(NL80211_STA_INFO_INACTIVE_TIME, &inactive, sizeof(inactive));
	put(NL80211_STA_INFO_SIGNAL, &dbm, sizeof(dbm));
	nest(from, NL80211_ATTR_STA_INFO);
}

static void put_network(uint32_t status, const void *elements, size_t len)
{
	size_t from;

	b.len = 0;
	from = b.len;
	put(NL80211_BSS_BSSID, "\x02\xca\xfe\x00\x01\x09", 6);
	put(NL80211_BSS_INFORMATION_ELEMENTS, elements, len);
	if (status != UINT32_MAX)
		put(NL80211_BSS_STATUS, &status, sizeof(status));
	nest(from, NL80211_ATTR_BSS);
}

#define OFFICE "\0\6office\1\4\x82\x84\x8b\x96\x0b\5\3\0\x80\0\0"

static void reads_a_station(void)
{
	struct mams_wifi w = {0};

	put_station(-67);
	mams_nl80211_station(b.data, b.len, &w);
	CU_ASSERT_TRUE(w.has_signal);
	CU_ASSERT_EQUAL(w.signal_dbm, -67);
	/* of several peers the strongest */
	put_station(-80);
	mams_nl80211_station(b.data, b.len, &w);
	CU_ASSERT_EQUAL(w.signal_dbm, -67);
	put_station(-50);
	mams_nl80211_station(b.data, b.len, &w);
	CU_ASSERT_EQUAL(w.signal_dbm, -50);
	/* what cannot be: a driver that does not know */
	w = (struct mams_wifi){0};
	put_station(0);
	mams_nl80211_station(b.data, b.len, &w);
	CU_ASSERT_FALSE(w.has_signal);
}

static void reads_our_network(void)
{
	struct mams_wifi w = {0};

	put_network(NL80211_BSS_STATUS_ASSOCIATED, OFFICE, sizeof(OFFICE) - 1);
	mams_nl80211_network(b.data, b.len, &w);
	CU_ASSERT_TRUE(w.has_network);
	CU_ASSERT_EQUAL(memcmp(w.bssid, "\x02\xca\xfe\x00\x01\x09", 6), 0);
	CU_ASSERT_EQUAL(w.ssid_len, 6);
	CU_ASSERT_EQUAL(memcmp(w.ssid, "office", 6), 0);
	CU_ASSERT_TRUE(w.has_load);
	CU_ASSERT_EQUAL(w.load_percent, 50);
	/* the neighbours' are not ours */
	w = (struct mams_wifi){0};
	put_network(UINT32_MAX, OFFICE, sizeof(OFFICE) - 1);
	mams_nl80211_network(b.data, b.len, &w);
	put_network(NL80211_BSS_STATUS_AUTHENTICATED, OFFICE, sizeof(OFFICE) - 1);
	mams_nl80211_network(b.data, b.len, &w);
	CU_ASSERT_FALSE(w.has_network || w.has_load);
	CU_ASSERT_EQUAL(w.ssid_len, 0);
}

static void elements_that_lie(void)
{
	static const struct {
		const char *octets;
		size_t len, ssid_len;
	} lies[] = {
		{"", 0, 0},
		{"\0", 1, 0},
		{"\0\7office", 8, 0},                /* longer than there is */
		{"\0\6office\x0b\5\1\2\3\4", 14, 6}, /* the second is */
		{"\0\6office\x0b\4\1\2\3\4", 14, 6}, /* a load of another length */
		{"\0\x21"
		 "123456789012345678901234567890123",
			35, 0},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(lies); i++) {
		struct mams_wifi w = {0};

		put_network(NL80211_BSS_STATUS_ASSOCIATED, lies[i].octets, lies[i].len);
		mams_nl80211_network(b.data, b.len, &w);
		CU_ASSERT_TRUE(w.has_network);
		CU_ASSERT_FALSE(w.has_load);
		CU_ASSERT_EQUAL(w.ssid_len, lies[i].ssid_len);
	}
}

/* Every octet cut off, every octet changed: nothing beyond the end is read, whatever comes out. */
static void broken_attributes(void)
{
	uint8_t good[sizeof(b.data)];
	size_t len;

	put_network(NL80211_BSS_STATUS_ASSOCIATED, OFFICE, sizeof(OFFICE) - 1);
	len = b.len;
	memcpy(good, b.data, len);
	for (size_t cut = 0; cut < len; cut++) {
		/* the sanitizer knows where it ends */
		uint8_t *copy = malloc(cut ? cut : 1);
		struct mams_wifi w = {0};

		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, good, cut);
		mams_nl80211_network(copy, cut, &w);
		mams_nl80211_station(copy, cut, &w);
		CU_ASSERT_FALSE(w.has_network);
		free(copy);
	}
	for (size_t at = 0; at < len; at++)
		for (unsigned v = 0; v < 256; v++) {
			uint8_t *copy = malloc(len);
			struct mams_wifi w = {0};

			CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
			memcpy(copy, good, len);
			copy[at] = (uint8_t)v;
			mams_nl80211_network(copy, len, &w);
			mams_nl80211_station(copy, len, &w);
			CU_ASSERT_TRUE(w.ssid_len <= MAMS_SSID_MAX);
			CU_ASSERT_TRUE(w.load_percent <= 100);
			free(copy);
		}
}

/* An interface that is no radio; on a host that may have none at all. */
static void no_radio(void)
{
	struct mams_nl80211 *n;
	struct mams_wifi w;

	CU_ASSERT_EQUAL_FATAL(mams_nl80211_open(&n), 0);
	CU_ASSERT_TRUE(mams_nl80211_read(n, 1, &w) < 0);
	CU_ASSERT_TRUE(mams_nl80211_read(n, 1, &w) < 0);
	mams_nl80211_close(n);
	mams_nl80211_close(NULL);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"reads a station", reads_a_station},
		{"reads our network", reads_our_network},
		{"elements that lie", elements_that_lie},
		{"broken attributes", broken_attributes},
		{"no radio", no_radio},
	};

	return mams_suite_run("nl80211", cases, MAMS_ARRAY_LEN(cases));
}
