/* Attributes of nl80211, and the beacon within, which anybody near may have sent. */
#include "ccm-agent/heard.h"
#include "lib/io/nl80211.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mams_wifi w = {0};
	struct ccm_heard h = {0};
	uint8_t *copy = malloc(size + 1); /* aligned, as a buffer of netlink is */

	if (!copy)
		abort();
	memcpy(copy, data, size);
	mams_nl80211_network(copy, size, &w);
	mams_nl80211_station(copy, size, &w);
	if (w.ssid_len > MAMS_SSID_MAX || w.load_percent > 100 || w.signal_dbm > 0)
		abort();
	ccm_heard_ssid(&h, w.ssid, w.ssid_len);
	if (strlen(h.ssid) > w.ssid_len)
		abort();
	free(copy);
	return 0;
}
