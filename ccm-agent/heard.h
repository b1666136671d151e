/** @file heard.h
 *  What the radio of a link tells: its network and its figures.  Layer: core (no I/O, no clock).
 *  Source: RFC 8743 8.5 (SSID and node of a delivery connection), 8.10 (what is measured). */
#pragma once

#include "lib/base/clock.h"
#include "lib/mx/mx_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCM_PLACE_LEN 33 /**< SSID of 32 octets, or a node's name */

struct ccm_heard {
	char ssid[CCM_PLACE_LEN];    /**< UTF-8; "": none known */
	char node_id[CCM_PLACE_LEN]; /**< BSSID, or the cell's identity, likewise */
	uint32_t known;              /**< bits of enum mx_measurement_type */
	int16_t value[MX_M_COUNT];   /**< dBm, dB, percent */
};

struct ccm_session;
struct ccm_session_link;

void ccm_heard_value(struct ccm_heard *h, int type, int value);
/** @param ssid  any octets: what is no text is not told, since messages carry text */
void ccm_heard_ssid(struct ccm_heard *h, const uint8_t *ssid, size_t len);

/** A link's radio was read.  Figures that the link's type does not have are left out; the NCM is
 *  told when the network is another one than it knows. */
void ccm_session_heard(
	struct ccm_session *s, uint8_t connection_id, const struct ccm_heard *h, mams_time now);
/** Somebody waits for the figures: they decide whether the link fades, or the NCM measures them. */
bool ccm_heard_is_wanted(const struct ccm_session *s, uint8_t connection_id);
/** @return ms until the link's radio is to be read again: 250 near the level at which it fades,
 * 1000 when somebody waits for them, else 30000, since only its network may change */
int64_t ccm_heard_pause(const struct ccm_session *s, uint8_t connection_id);
/** The link is down: nobody is heard. */
void ccm_heard_clear(struct ccm_session_link *l);

/** What the NCM is told: of the configuration, or as heard; NULL: nothing. */
const char *ccm_link_ssid(const struct ccm_session_link *l);
const char *ccm_link_node_id(const struct ccm_session_link *l);
