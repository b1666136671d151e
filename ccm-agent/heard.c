#include "ccm-agent/heard.h"

#include "ccm-agent/report.h"
#include "ccm-agent/session.h"

#include <string.h>

#define NEAR_MS 250
#define FAR_MS 1000
#define CALM_MS 30000
#define FAR_DB 15 /* so much above the level at which it fades, there is time */

void ccm_heard_value(struct ccm_heard *h, int type, int value)
{
	h->known |= 1u << type;
	h->value[type] = (int16_t)value;
}

/* @return octets of the character at p, which has left octets; 0: none of UTF-8 (RFC 3629), or one
 * that is not printed */
static size_t character(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = {0, 0x20, 0x80, 0x800, 0x10000};
	size_t len = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
	uint32_t c = len > 1 ? *p & 0x7fu >> len : *p;

	if (len == 0 || len > left)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	return c < least[len] || c == 0x7f || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

void ccm_heard_ssid(struct ccm_heard *h, const uint8_t *ssid, size_t len)
{
	h->ssid[0] = 0;
	if (len >= sizeof(h->ssid))
		return;
	for (size_t i = 0, n; i < len; i += n) {
		n = character(ssid + i, len - i);
		if (n == 0)
			return;
	}
	memcpy(h->ssid, ssid, len);
	h->ssid[len] = 0;
}

static bool has_moved(const struct ccm_session_link *l, const struct ccm_heard *h)
{
	return (!l->conf->ssid && strcmp(l->heard.ssid, h->ssid) != 0) ||
	       (!l->conf->node_id && strcmp(l->heard.node_id, h->node_id) != 0);
}

void ccm_session_heard(
	struct ccm_session *s, uint8_t connection_id, const struct ccm_heard *h, mams_time now)
{
	struct ccm_session_link *l = &s->link[connection_id];

	if (!l->conf || !l->now.usable)
		return;
	l->moved |= has_moved(l, h);
	l->heard = *h;
	l->heard_at = now;
	for (int type = 0; type < MX_M_COUNT; type++)
		if (h->known & 1u << type)
			(void)!ccm_session_told(s, connection_id, type, h->value[type], now);
	ccm_report_links(s, now);
}

static const int figures[] = {
	MX_M_WLAN_RSSI, MX_M_LTE_RSRP, MX_M_NR_RSRP, MX_M_WLAN_LOAD, MX_M_LTE_RSRQ, MX_M_NR_RSRQ};
#define LEVELS 3u /* of these tell how strong it is */

bool ccm_heard_is_wanted(const struct ccm_session *s, uint8_t connection_id)
{
	const struct ccm_session_link *l = &s->link[connection_id];
	bool wanted = l->conf && l->conf->fade.low;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(figures); i++)
		wanted |= ccm_measures_wants(&s->measures, connection_id, figures[i]);
	return wanted;
}

int64_t ccm_heard_pause(const struct ccm_session *s, uint8_t connection_id)
{
	const struct ccm_session_link *l = &s->link[connection_id];
	const int low = l->conf ? l->conf->fade.low : 0;

	for (size_t i = 0; low && i < LEVELS; i++)
		if ((l->heard.known & 1u << figures[i]) &&
			l->heard.value[figures[i]] < low + FAR_DB)
			return NEAR_MS;
	return ccm_heard_is_wanted(s, connection_id) ? FAR_MS : CALM_MS;
}

void ccm_heard_clear(struct ccm_session_link *l)
{
	l->heard = (struct ccm_heard){0};
	l->moved = false;
}

static const char *either(const char *conf, const char *heard)
{
	return conf ? conf : heard[0] ? heard : NULL;
}

const char *ccm_link_ssid(const struct ccm_session_link *l)
{
	return either(l->conf->ssid, l->heard.ssid);
}

const char *ccm_link_node_id(const struct ccm_session_link *l)
{
	return either(l->conf->node_id, l->heard.node_id);
}
