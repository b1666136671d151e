/* Wi-Fi by nl80211; and by what drivers tell that do not speak it. */
#include "ccm-agent/linkstat.h"
#include "ccm-agent/radio.h"
#include "lib/io/nl80211.h"

#include <net/if.h>
#include <stdio.h>

static int wifi_open(struct mams_loop *loop, void **out)
{
	struct mams_nl80211 *n;
	int rc = mams_nl80211_open(&n);

	(void)loop;
	if (rc == 0)
		*out = n;
	return rc;
}

static void wifi_close(void *source)
{
	mams_nl80211_close(source);
}

static bool wifi_read(void *source, const char *interface, struct ccm_heard *out)
{
	struct mams_wifi w;
	const uint32_t ifindex = if_nametoindex(interface);

	if (!ifindex || mams_nl80211_read(source, ifindex, &w) < 0)
		return false;
	if (w.has_signal)
		ccm_heard_value(out, MX_M_WLAN_RSSI, w.signal_dbm);
	if (w.has_load)
		ccm_heard_value(out, MX_M_WLAN_LOAD, w.load_percent);
	if (w.has_network) {
		ccm_heard_ssid(out, w.ssid, w.ssid_len);
		snprintf(out->node_id, sizeof(out->node_id), "%02x:%02x:%02x:%02x:%02x:%02x",
			w.bssid[0], w.bssid[1], w.bssid[2], w.bssid[3], w.bssid[4], w.bssid[5]);
	}
	return true;
}

const struct ccm_radio_source ccm_radio_wifi = {
	.name = "nl80211", .open = wifi_open, .close = wifi_close, .read = wifi_read};

static int plain_open(struct mams_loop *loop, void **out)
{
	(void)loop;
	*out = NULL;
	return 0;
}

static void plain_close(void *source)
{
	(void)source;
}

static bool plain_read(void *source, const char *interface, struct ccm_heard *out)
{
	int dbm;

	(void)source;
	if (!ccm_linkstat_rssi(interface, &dbm))
		return false;
	ccm_heard_value(out, MX_M_WLAN_RSSI, dbm);
	return true;
}

const struct ccm_radio_source ccm_radio_plain = {.name = "wireless extensions",
	.open = plain_open,
	.close = plain_close,
	.read = plain_read};
