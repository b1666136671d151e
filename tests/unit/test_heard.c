/* What radios tell that has to become text. */
#include "ccm-agent/heard.h"
#include "ccm-agent/session.h"
#include "lib/base/err.h"
#include "tests/support/suite.h"

#include <string.h>

static const char *as_told(const char *octets, size_t len)
{
	static struct ccm_heard h;

	h.ssid[0] = '?';
	ccm_heard_ssid(&h, (const uint8_t *)octets, len);
	return h.ssid;
}

static void names_of_networks(void)
{
	static const char *const good[] = {"office", "Caf\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x93\xb6", "12345678901234567890123456789012", "\xed\x9f\xbf",
		"\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"", "caf\xe9", "\xc3", "\xc0\xaf", "\xe0\x80\xaf",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "a\nb", "a\x7f",
		"123456789012345678901234567890123"};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(good); i++)
		CU_ASSERT_STRING_EQUAL(as_told(good[i], strlen(good[i])), good[i]);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(bad); i++)
		CU_ASSERT_STRING_EQUAL(as_told(bad[i], strlen(bad[i])), "");
	CU_ASSERT_STRING_EQUAL(as_told("a\0b", 3), "");
}

/* -48 dBm: in time for a level of -70, not for one of -60. */
static void who_waits_for_figures(void)
{
	static struct ccm_session s;
	struct ccm_link_conf conf = {.connection_type = MX_WIFI};

	s.link[1].conf = &conf;
	ccm_heard_value(&s.link[1].heard, MX_M_WLAN_RSSI, -48);
	CU_ASSERT_FALSE(ccm_heard_is_wanted(&s, 0)); /* there is none */
	CU_ASSERT_FALSE(ccm_heard_is_wanted(&s, 1));
	CU_ASSERT_EQUAL(ccm_heard_pause(&s, 1), 30000);
	/* the NCM asks for something else, then for the channel's load */
	s.measures.n[1] = 1;
	s.measures.of[1][0].type = MX_M_DL_TPUT;
	CU_ASSERT_EQUAL(ccm_heard_pause(&s, 1), 30000);
	s.measures.of[1][0].type = MX_M_WLAN_LOAD;
	CU_ASSERT_TRUE(ccm_heard_is_wanted(&s, 1));
	CU_ASSERT_EQUAL(ccm_heard_pause(&s, 1), 1000);
	s.measures.n[1] = 0;
	conf.fade.low = -70;
	CU_ASSERT_TRUE(ccm_heard_is_wanted(&s, 1));
	CU_ASSERT_EQUAL(ccm_heard_pause(&s, 1), 1000);
	conf.fade.low = -60;
	CU_ASSERT_EQUAL(ccm_heard_pause(&s, 1), 250);
	ccm_heard_clear(&s.link[1]);
	CU_ASSERT_EQUAL(ccm_heard_pause(&s, 1), 1000);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"names of networks", names_of_networks},
		{"who waits for figures", who_waits_for_figures},
	};

	return mams_suite_run("heard", cases, MAMS_ARRAY_LEN(cases));
}
