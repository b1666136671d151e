/** @file nl80211.h
 *  What the kernel knows of a Wi-Fi interface's network and radio: generic netlink on libmnl.
 *  Layer: io.  Nothing here needs a privilege, or has the radio do anything: the network is looked
 *  up among those of the last scan. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAMS_SSID_MAX 32u

struct mams_wifi {
	bool has_signal, has_load, has_network;
	int8_t signal_dbm;    /**< of the access point; without one, of the strongest peer */
	uint8_t load_percent; /**< of the channel, as the access point says (802.11 9.4.2.27) */
	/* of the network that the interface is in */
	uint8_t bssid[6];
	uint8_t ssid[MAMS_SSID_MAX];
	size_t ssid_len; /**< 0: hidden */
};

struct mams_nl80211;

/** Works without Wi-Fi in the kernel, too: it may come. */
MAMS_MUST int mams_nl80211_open(struct mams_nl80211 **out);
void mams_nl80211_close(struct mams_nl80211 *n); /**< accepts NULL */
/** Answered by the kernel before it returns.
 *  @param out  filled; what is not known is not there
 *  @return 0, -ENODEV: no Wi-Fi interface; or another -errno of the kernel */
MAMS_MUST int mams_nl80211_read(struct mams_nl80211 *n, uint32_t ifindex, struct mams_wifi *out);

/* ---- attributes of the kernel's answers; pure ---- */

/** Of a station, or of a network found: what it tells of ours is put into out.
 *  @param data  attributes, aligned to four octets; what makes no sense is left out */
void mams_nl80211_station(const void *data, size_t len, struct mams_wifi *out);
void mams_nl80211_network(const void *data, size_t len, struct mams_wifi *out);
