#include "lib/io/nl80211.h"

#include "lib/io/nl_private.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/nl80211.h>
#include <stdlib.h>
#include <string.h>

/* Elements of a beacon (802.11 9.4.2). */
#define ELEMENT_SSID 0
#define ELEMENT_BSS_LOAD 11
#define BSS_LOAD_LEN 5
#define BSS_LOAD_UTILIZATION 2 /* 255: always busy */

struct mams_nl80211 {
	struct mams_nl *nl;
	uint16_t family; /* 0: the kernel had none yet */
};

/* ---- attributes ---- */

#define PICKED_MAX 64

struct picked {
	const struct nlattr *of[PICKED_MAX]; /* by type */
};

static int pick(const struct nlattr *attr, void *user)
{
	struct picked *p = user;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < PICKED_MAX)
		p->of[type] = attr;
	return MNL_CB_OK;
}

/* @return NULL: there is none of this type and length */
static const void *value(const struct picked *p, unsigned type, size_t len)
{
	const struct nlattr *a = p->of[type];

	return a && mnl_attr_get_payload_len(a) >= len ? mnl_attr_get_payload(a) : NULL;
}

static struct picked pick_from(const void *data, size_t len)
{
	struct picked p = {0};

	mnl_attr_parse_payload(data, len, pick, &p);
	return p;
}

static struct picked pick_nested(const struct nlattr *a)
{
	return pick_from(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
}

void mams_nl80211_station(const void *data, size_t len, struct mams_wifi *out)
{
	struct picked top = pick_from(data, len);
	struct picked info;
	const int8_t *dbm;

	if (!top.of[NL80211_ATTR_STA_INFO])
		return;
	info = pick_nested(top.of[NL80211_ATTR_STA_INFO]);
	dbm = value(&info, NL80211_STA_INFO_SIGNAL, sizeof(*dbm));
	if (!dbm || *dbm >= 0 || (out->has_signal && *dbm <= out->signal_dbm))
		return;
	out->has_signal = true;
	out->signal_dbm = *dbm;
}

static void take_elements(const struct nlattr *a, struct mams_wifi *out)
{
	const uint8_t *p = mnl_attr_get_payload(a);
	size_t left = mnl_attr_get_payload_len(a);

	while (left >= 2 && left - 2 >= p[1]) {
		const uint8_t len = p[1];

		if (p[0] == ELEMENT_SSID && len <= MAMS_SSID_MAX) {
			memcpy(out->ssid, p + 2, len);
			out->ssid_len = len;
		} else if (p[0] == ELEMENT_BSS_LOAD && len == BSS_LOAD_LEN) {
			out->has_load = true;
			out->load_percent =
				(uint8_t)((p[2 + BSS_LOAD_UTILIZATION] * 100u + 127) / 255);
		}
		p += 2 + len;
		left -= 2u + len;
	}
}

void mams_nl80211_network(const void *data, size_t len, struct mams_wifi *out)
{
	struct picked top = pick_from(data, len);
	struct picked bss;
	const uint32_t *status;
	const uint8_t *bssid;

	if (!top.of[NL80211_ATTR_BSS])
		return;
	bss = pick_nested(top.of[NL80211_ATTR_BSS]);
	status = value(&bss, NL80211_BSS_STATUS, sizeof(*status));
	bssid = value(&bss, NL80211_BSS_BSSID, sizeof(out->bssid));
	if (!bssid || !status ||
		(*status != NL80211_BSS_STATUS_ASSOCIATED &&
			*status != NL80211_BSS_STATUS_IBSS_JOINED))
		return;
	out->has_network = true;
	memcpy(out->bssid, bssid, sizeof(out->bssid));
	if (bss.of[NL80211_BSS_INFORMATION_ELEMENTS])
		take_elements(bss.of[NL80211_BSS_INFORMATION_ELEMENTS], out);
}

/* ---- requests ---- */

int mams_nl80211_open(struct mams_nl80211 **out)
{
	struct mams_nl80211 *n = calloc(1, sizeof(*n));
	int rc = n ? mams_nl_open_bus(NETLINK_GENERIC, &n->nl) : -ENOMEM;

	if (rc < 0) {
		free(n);
		return rc;
	}
	*out = n;
	return 0;
}

void mams_nl80211_close(struct mams_nl80211 *n)
{
	if (!n)
		return;
	mams_nl_close(n->nl);
	free(n);
}

static struct nlmsghdr *begin(char *space, uint16_t type, uint16_t flags, uint8_t cmd)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct genlmsghdr *g;

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->cmd = cmd;
	g->version = 1;
	return h;
}

/* The attributes behind the header of generic netlink. */
static const void *attributes(const struct nlmsghdr *h, size_t *len)
{
	const size_t head = MNL_ALIGN(sizeof(struct genlmsghdr));
	const size_t all = mnl_nlmsg_get_payload_len(h);

	*len = all > head ? all - head : 0;
	return (const char *)mnl_nlmsg_get_payload(h) + head;
}

static int take_family(const struct nlmsghdr *h, void *user)
{
	uint16_t *family = user;
	size_t len;
	const void *data = attributes(h, &len);
	struct picked p = pick_from(data, len);
	const uint16_t *id = value(&p, CTRL_ATTR_FAMILY_ID, sizeof(*id));

	if (id)
		*family = *id;
	return MNL_CB_OK;
}

static int take_station(const struct nlmsghdr *h, void *user)
{
	size_t len;
	const void *data = attributes(h, &len);

	mams_nl80211_station(data, len, user);
	return MNL_CB_OK;
}

static int take_network(const struct nlmsghdr *h, void *user)
{
	size_t len;
	const void *data = attributes(h, &len);

	mams_nl80211_network(data, len, user);
	return MNL_CB_OK;
}

static int look_up(struct mams_nl80211 *n)
{
	char space[256] = {0};
	struct nlmsghdr *h = begin(space, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);

	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, NL80211_GENL_NAME);
	return mams_nl_request(n->nl, h, take_family, &n->family);
}

static int dump(struct mams_nl80211 *n, uint8_t cmd, uint32_t ifindex, mnl_cb_t cb, void *user)
{
	char space[256] = {0};
	struct nlmsghdr *h = begin(space, n->family, NLM_F_DUMP, cmd);

	mnl_attr_put_u32(h, NL80211_ATTR_IFINDEX, ifindex);
	return mams_nl_request(n->nl, h, cb, user);
}

int mams_nl80211_read(struct mams_nl80211 *n, uint32_t ifindex, struct mams_wifi *out)
{
	int rc = n->family ? 0 : look_up(n);

	*out = (struct mams_wifi){0};
	if (rc == -ENOENT || !n->family)
		return -ENODEV;
	if (rc == 0)
		rc = dump(n, NL80211_CMD_GET_SCAN, ifindex, take_network, out);
	if (rc == 0)
		rc = dump(n, NL80211_CMD_GET_STATION, ifindex, take_station, out);
	/* the module was taken out: should it come again, it may have another number */
	if (rc < 0)
		n->family = 0;
	return rc;
}
