/* What radios tell that has to become text. */
#include "ccm-agent/heard.h"
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

int main(void)
{
	static const struct mams_case cases[] = {
		{"names of networks", names_of_networks},
	};

	return mams_suite_run("heard", cases, MAMS_ARRAY_LEN(cases));
}
