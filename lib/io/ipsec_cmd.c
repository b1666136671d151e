#include "lib/io/ipsec_cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of today: authenticated encryption, elliptic curves.  The first one is preferred. */
static const char *const ike_proposals[] = {
	"aes128gcm16-prfsha256-curve25519", "aes128gcm16-prfsha256-ecp256"};
static const char *const esp_proposals[] = {"aes128gcm16-curve25519", "aes128gcm16-ecp256"};

#define TUN_MTU 1400u /* of charon's device, whatever the link has */
#define UDP 8u
#define ESP_HEAD 16u /* SPI, number, IV */
#define ESP_TAIL 2u  /* length of the pad and next header: with them all ends on 4 octets */
#define ESP_ICV 16u

uint32_t mams_ipsec_inner(uint32_t mtu, uint8_t family)
{
	uint32_t around = (family == AF_INET ? 20u : 40u) + UDP + ESP_HEAD + ESP_ICV;
	uint32_t inside = mtu > around ? (mtu - around) / 4u * 4u : 0;

	inside = inside > ESP_TAIL ? inside - ESP_TAIL : 0;
	return inside < TUN_MTU ? inside : TUN_MTU;
}

void mams_ipsec_ids(const struct mams_ipsec_key *k, char client[MAMS_IPSEC_NAME_MAX],
	char network[MAMS_IPSEC_NAME_MAX])
{
	char numbers[80];

	snprintf(numbers, sizeof(numbers), "c%u.a%u.s%" PRIu64 ".n%" PRIu64, k->connection_id,
		k->anchor_id, k->session_id, k->ncm_id);
	snprintf(client, MAMS_IPSEC_NAME_MAX, "%s.client.mams", numbers);
	snprintf(network, MAMS_IPSEC_NAME_MAX, "%s.network.mams", numbers);
}

void mams_ipsec_name(
	const char *owner, const struct mams_ipsec_key *k, char out[MAMS_IPSEC_NAME_MAX])
{
	snprintf(out, MAMS_IPSEC_NAME_MAX, "mams-%.16s-n%" PRIu64 "-s%" PRIu64 "-a%u-c%u", owner,
		k->ncm_id, k->session_id, k->anchor_id, k->connection_id);
}

bool mams_ipsec_is_ours(const char *owner, const struct mams_vici_text *name)
{
	char mark[32];
	size_t n = (size_t)snprintf(mark, sizeof(mark), "mams-%.16s-", owner);

	return name->len > n && memcmp(name->data, mark, n) == 0;
}

/* ---- commands ---- */

static struct mams_vici_writer command(void *room, const char *what)
{
	return mams_vici_begin(room, MAMS_IPSEC_CMD_BYTES, MAMS_VICI_REQUEST, what);
}

struct mams_vici_writer mams_ipsec_load_shared(
	void *room, const char *name, const struct mams_ipsec_want *w)
{
	struct mams_vici_writer v = command(room, "load-shared");
	char client[MAMS_IPSEC_NAME_MAX];
	char network[MAMS_IPSEC_NAME_MAX];

	mams_ipsec_ids(&w->key, client, network);
	mams_vici_value(&v, "id", name);
	mams_vici_value(&v, "type", "IKE");
	mams_vici_value(&v, "data", w->secret);
	mams_vici_list(&v, "owners");
	mams_vici_item(&v, client);
	mams_vici_item(&v, network);
	mams_vici_list_end(&v);
	return v;
}

static void put_list(
	struct mams_vici_writer *v, const char *name, const char *const *items, size_t n)
{
	mams_vici_list(v, name);
	for (size_t i = 0; i < n; i++)
		mams_vici_item(v, items[i]);
	mams_vici_list_end(v);
}

static void put_auth(struct mams_vici_writer *v, const char *section, const char *id)
{
	mams_vici_section(v, section);
	mams_vici_value(v, "auth", "psk");
	mams_vici_value(v, "id", id);
	mams_vici_section_end(v);
}

static void put_selector(struct mams_vici_writer *v, const char *name, const struct mams_addr *a)
{
	char text[MAMS_ADDR_STRLEN + 8];
	char addr[MAMS_ADDR_STRLEN];

	snprintf(text, sizeof(text), "%s/%u", mams_addr_str(a, addr),
		a->family == AF_INET ? 32u : 128u);
	mams_vici_list_of(v, name, text);
}

/* Transport mode has the addresses outside, and those are the NAT's. */
static void put_child(struct mams_vici_writer *v, const char *name, const struct mams_ipsec_want *w,
	bool user_space)
{
	mams_vici_section(v, "children");
	mams_vici_section(v, name);
	put_selector(v, "local_ts", &w->local);
	put_selector(v, "remote_ts", &w->remote);
	mams_vici_value(v, "mode", user_space || w->nat ? "tunnel" : "transport");
	put_list(v, "esp_proposals", esp_proposals, MAMS_ARRAY_LEN(esp_proposals));
	mams_vici_value(v, "rekey_time", "1h");
	mams_vici_value(v, "dpd_action", "clear");
	mams_vici_value(v, "close_action", "none");
	mams_vici_section_end(v);
	mams_vici_section_end(v);
}

struct mams_vici_writer mams_ipsec_load_conn(
	void *room, const char *name, const struct mams_ipsec_want *w, bool user_space)
{
	struct mams_vici_writer v = command(room, "load-conn");
	char client[MAMS_IPSEC_NAME_MAX];
	char network[MAMS_IPSEC_NAME_MAX];
	char text[MAMS_ADDR_STRLEN];

	mams_ipsec_ids(&w->key, client, network);
	mams_vici_section(&v, name);
	mams_vici_value(&v, "version", "2");
	mams_vici_list_of(&v, "local_addrs", mams_addr_str(&w->local, text));
	mams_vici_list_of(&v, "remote_addrs",
		w->nat && !w->initiate ? "%any" : mams_addr_str(&w->remote, text));
	put_list(&v, "proposals", ike_proposals, MAMS_ARRAY_LEN(ike_proposals));
	mams_vici_value(&v, "encap", user_space ? "yes" : "no");
	mams_vici_value(&v, "mobike", "no");
	mams_vici_value(&v, "dpd_delay", "2s");
	mams_vici_value(&v, "keyingtries", "1");
	mams_vici_value(&v, "unique", "replace");
	mams_vici_value(&v, "rekey_time", "4h");
	put_auth(&v, "local", w->initiate ? client : network);
	put_auth(&v, "remote", w->initiate ? network : client);
	put_child(&v, name, w, user_space);
	mams_vici_section_end(&v);
	return v;
}

struct mams_vici_writer mams_ipsec_initiate(void *room, const char *name)
{
	struct mams_vici_writer v = command(room, "initiate");

	mams_vici_value(&v, "child", name);
	mams_vici_value(&v, "ike", name);
	mams_vici_value(&v, "timeout", "-1"); /* do not wait: events tell */
	return v;
}

struct mams_vici_writer mams_ipsec_terminate(void *room, const char *name)
{
	struct mams_vici_writer v = command(room, "terminate");

	mams_vici_value(&v, "ike", name);
	mams_vici_value(&v, "force", "yes");
	mams_vici_value(&v, "timeout", "-1");
	return v;
}

struct mams_vici_writer mams_ipsec_unload_conn(void *room, const char *name)
{
	struct mams_vici_writer v = command(room, "unload-conn");

	mams_vici_value(&v, "name", name);
	return v;
}

struct mams_vici_writer mams_ipsec_unload_shared(void *room, const char *name)
{
	struct mams_vici_writer v = command(room, "unload-shared");

	mams_vici_value(&v, "id", name);
	return v;
}

/* ---- what it says ---- */

/* { up, NAME { .., child-sas { CHILD-n { uniqueid, .. } } } } */
int mams_ipsec_read_updown(const struct mams_vici_text *body,
	void (*fn)(void *user, const struct mams_vici_text *name, uint64_t id, bool up), void *user)
{
	struct mams_vici_reader v = mams_vici_read(body);
	struct mams_vici_item item;
	struct mams_vici_text up = {0};
	struct mams_vici_text name = {0};
	bool children = false;
	int rc = mams_vici_find(body, "up", &up);

	if (rc < 0 && rc != -MAMS_EUNKNOWN)
		return rc;
	while ((rc = mams_vici_next(&v, &item)) == 0 && item.kind != MAMS_VICI_END) {
		if (item.kind == MAMS_VICI_SECTION && item.depth == 1)
			name = item.name;
		else if (item.kind == MAMS_VICI_SECTION && item.depth == 2)
			children = mams_vici_is(&item.name, "child-sas");
		else if (item.kind == MAMS_VICI_VALUE && item.depth == 3 && children &&
			 mams_vici_is(&item.name, "uniqueid"))
			fn(user, &name, mams_vici_number(&item.value), mams_vici_is(&up, "yes"));
	}
	return rc;
}

static bool contains(const struct mams_vici_text *t, const char *words)
{
	size_t n = strlen(words);

	for (size_t i = 0; i + n <= t->len; i++)
		if (memcmp(t->data + i, words, n) == 0)
			return true;
	return false;
}

const char *mams_ipsec_read_log(const struct mams_vici_text *body, struct mams_vici_text *name)
{
	static const struct {
		const char *charon, *ours;
	} rows[] = {
		{"received AUTHENTICATION_FAILED", "the peer does not accept our secret"},
		{"MAC mismatched", "the peer has another secret"},
		{"no shared key found", "charon has no secret for it"},
		{"received NO_PROPOSAL_CHOSEN", "the peer accepts none of our proposals"},
		{"received TS_UNACCEPTABLE", "the peer does not accept the addresses"},
		{"conflicts with IKE traffic", "charon lacks kernel-libipsec.allow_peer_ts"},
		{"unable to install", "charon cannot install the SA"},
		{"giving up after", "the peer does not answer"},
	};
	struct mams_vici_text msg;

	if (mams_vici_find(body, "ikesa-name", name) < 0 || mams_vici_find(body, "msg", &msg) < 0)
		return NULL;
	for (size_t i = 0; i < MAMS_ARRAY_LEN(rows); i++)
		if (contains(&msg, rows[i].charon))
			return rows[i].ours;
	return NULL;
}

bool mams_ipsec_list_has(const struct mams_vici_text *body, const char *list, const char *item)
{
	struct mams_vici_reader v = mams_vici_read(body);
	struct mams_vici_item it;
	bool in = false;

	while (mams_vici_next(&v, &it) == 0 && it.kind != MAMS_VICI_END) {
		if (it.kind == MAMS_VICI_LIST)
			in = it.depth == 0 && mams_vici_is(&it.name, list);
		else if (it.kind == MAMS_VICI_ITEM && in && mams_vici_is(&it.value, item))
			return true;
	}
	return false;
}
