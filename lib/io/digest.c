/* A nonce is hex of: serial (8 octets), time of issue (8), HMAC-SHA-256 of both (16 of it).
 * The counts of a nonce used with the right password stand in a slot: the highest, and which of the
 * 64 below it have come, because parallel connections overtake each other.  When slots run out the
 * one issued first is taken, and with it all nonces as old become stale: a nonce whose counts we
 * forgot must never look unused. */
#include "lib/io/digest.h"

#include "lib/io/digest_header.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NONCE_LIFE_MS 300000
#define SERIAL_BYTES 16 /* serial and time */
#define MAC_BYTES 16
#define NONCE_HEX (2 * (SERIAL_BYTES + MAC_BYTES))
#define KEY_BYTES 32
#define REALM_MAX 64
#define WINDOW 64

struct slot {
	uint64_t serial; /* 0: free */
	int64_t issued;
	uint32_t highest;
	uint64_t seen; /* bit i: highest - i */
};

struct mams_digest {
	char realm[REALM_MAX + 1];
	uint8_t key[KEY_BYTES];
	uint64_t next_serial;
	int64_t floor; /* nonces issued until then are stale unless they have a slot */
	size_t n_slots;
	struct slot slots[];
};

static bool same_hex(const char *a, const char *given)
{
	unsigned differ = 0;

	if (strlen(given) != MAMS_DIGEST_SHA256_HEX)
		return false;
	for (size_t i = 0; i < MAMS_DIGEST_SHA256_HEX; i++) {
		char c = given[i];

		differ |= (unsigned)(a[i] ^ (c >= 'A' && c <= 'F' ? c + 32 : c));
	}
	return differ == 0;
}

static bool response_is_right(const struct mams_digest_params *p,
	const struct mams_digest_request *req, const uint8_t *ha1)
{
	char ha1_hex[MAMS_DIGEST_SHA256_HEX + 1];
	char want[MAMS_DIGEST_SHA256_HEX + 1];
	bool ok;

	mams_digest_to_hex(ha1, MAMS_DIGEST_HA1_BYTES, ha1_hex);
	ok = mams_digest_response(p, ha1_hex, req->method, req->target, want) &&
	     same_hex(want, p->value[MAMS_DIGEST_P_RESPONSE]);
	mams_wipe(ha1_hex, sizeof(ha1_hex));
	mams_wipe(want, sizeof(want));
	return ok;
}

/* ---- nonces ---- */

static bool nonce_mac(const struct mams_digest *d, const uint8_t *serial, uint8_t *out)
{
	uint8_t sum[32];

	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, d->key, sizeof(d->key), serial, SERIAL_BYTES, sum) <
		0)
		return false;
	memcpy(out, sum, MAC_BYTES);
	return true;
}

static void put_u64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

void mams_digest_challenge(struct mams_digest *d, mams_time now, bool stale, char *out)
{
	uint8_t raw[SERIAL_BYTES + MAC_BYTES] = {0};
	char nonce[NONCE_HEX + 1];

	put_u64(raw, d->next_serial++);
	put_u64(raw + 8, (uint64_t)now.us);
	/* without a MAC the nonce is never accepted, which is the safe failure */
	(void)nonce_mac(d, raw, raw + SERIAL_BYTES);
	mams_digest_to_hex(raw, sizeof(raw), nonce);
	snprintf(out, MAMS_DIGEST_HEADER_MAX,
		"Digest realm=\"%s\", qop=\"auth\", algorithm=SHA-256, nonce=\"%s\"%s", d->realm,
		nonce, stale ? ", stale=true" : "");
}

static struct slot *find_slot(struct mams_digest *d, uint64_t serial)
{
	for (size_t i = 0; i < d->n_slots; i++) {
		if (d->slots[i].serial == serial)
			return &d->slots[i];
	}
	return NULL;
}

/* A free slot, or that of the nonce issued first. */
static struct slot *new_slot(struct mams_digest *d, mams_time now)
{
	struct slot *oldest = &d->slots[0];

	for (size_t i = 0; i < d->n_slots; i++) {
		struct slot *s = &d->slots[i];

		/* out of its life it is refused for its age */
		if (s->serial == 0 || now.us - s->issued > (int64_t)NONCE_LIFE_MS * 1000) {
			s->serial = 0;
			return s;
		}
		if (s->issued < oldest->issued)
			oldest = s;
	}
	d->floor = oldest->issued;
	return oldest;
}

static bool count_is_new(struct slot *s, uint32_t nc)
{
	uint32_t back;

	if (nc > s->highest) {
		uint32_t ahead = nc - s->highest;

		s->seen = ahead < WINDOW ? s->seen << ahead | 1 : 1;
		s->highest = nc;
		return true;
	}
	back = s->highest - nc;
	if (back >= WINDOW || (s->seen >> back & 1))
		return false;
	s->seen |= (uint64_t)1 << back;
	return true;
}

static bool nonce_is_good(struct mams_digest *d, const char *text, uint32_t nc, mams_time now)
{
	uint8_t raw[SERIAL_BYTES + MAC_BYTES] = {0};
	uint8_t mac[MAC_BYTES];
	struct slot *s;
	uint64_t serial;
	int64_t issued;

	if (nc == 0 || !mams_digest_from_hex(text, raw, sizeof(raw)) || !nonce_mac(d, raw, mac) ||
		gnutls_memcmp(mac, raw + SERIAL_BYTES, MAC_BYTES) != 0)
		return false;
	serial = get_u64(raw);
	issued = (int64_t)get_u64(raw + 8);
	if (now.us - issued > (int64_t)NONCE_LIFE_MS * 1000)
		return false;
	s = find_slot(d, serial);
	if (s)
		return count_is_new(s, nc);
	if (issued <= d->floor)
		return false;
	s = new_slot(d, now);
	if (issued <= d->floor)
		return false; /* older than the one it would replace */
	*s = (struct slot){.serial = serial, .issued = issued, .highest = nc, .seen = 1};
	return true;
}

/* ---- */

static bool parse_count(const char *text, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 8; i++) {
		int v = text[i] >= '0' && text[i] <= '9'   ? text[i] - '0'
			: text[i] >= 'a' && text[i] <= 'f' ? text[i] - 'a' + 10
			: text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 10
							   : -1;

		if (v < 0)
			return false;
		*out = *out << 4 | (uint32_t)v;
	}
	return text[8] == '\0';
}

static bool is_supported(const struct mams_digest_params *p)
{
	static const enum mams_digest_param needed[] = {MAMS_DIGEST_P_USERNAME, MAMS_DIGEST_P_REALM,
		MAMS_DIGEST_P_NONCE, MAMS_DIGEST_P_URI, MAMS_DIGEST_P_RESPONSE,
		MAMS_DIGEST_P_ALGORITHM, MAMS_DIGEST_P_CNONCE, MAMS_DIGEST_P_QOP, MAMS_DIGEST_P_NC};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(needed); i++) {
		if (!p->value[needed[i]])
			return false;
	}
	return strcasecmp(p->value[MAMS_DIGEST_P_ALGORITHM], "SHA-256") == 0 &&
	       strcasecmp(p->value[MAMS_DIGEST_P_QOP], "auth") == 0 &&
	       (!p->value[MAMS_DIGEST_P_USERHASH] ||
		       strcasecmp(p->value[MAMS_DIGEST_P_USERHASH], "false") == 0);
}

enum mams_digest_verdict mams_digest_check(struct mams_digest *d,
	const struct mams_digest_request *req, const struct mams_digest_users *users, mams_time now,
	char *name)
{
	struct mams_digest_params p;
	const uint8_t *ha1;
	uint32_t nc;

	if (!mams_digest_parse(req->authorization, &p) || !is_supported(&p) ||
		!parse_count(p.value[MAMS_DIGEST_P_NC], &nc) ||
		strlen(p.value[MAMS_DIGEST_P_USERNAME]) >= MAMS_DIGEST_USER_MAX)
		return MAMS_DIGEST_UNSUPPORTED;
	if (strcmp(p.value[MAMS_DIGEST_P_REALM], d->realm) != 0 ||
		strcmp(p.value[MAMS_DIGEST_P_URI], req->target) != 0)
		return MAMS_DIGEST_WRONG;
	ha1 = users->ha1(users->list, p.value[MAMS_DIGEST_P_USERNAME]);
	/* an unknown user takes as long as a known one; our key is nobody's password */
	if (!response_is_right(&p, req, ha1 ? ha1 : d->key) || !ha1)
		return MAMS_DIGEST_WRONG;
	if (!nonce_is_good(d, p.value[MAMS_DIGEST_P_NONCE], nc, now))
		return MAMS_DIGEST_STALE;
	snprintf(name, MAMS_DIGEST_USER_MAX, "%s", p.value[MAMS_DIGEST_P_USERNAME]);
	return MAMS_DIGEST_OK;
}

int mams_digest_new(const char *realm, const uint8_t *key, size_t slots, struct mams_digest **out)
{
	struct mams_digest *d;

	if (slots == 0 || strlen(realm) > REALM_MAX || strpbrk(realm, "\"\\"))
		return -MAMS_EVALUE;
	d = calloc(1, sizeof(*d) + slots * sizeof(d->slots[0]));
	if (!d)
		return -ENOMEM;
	snprintf(d->realm, sizeof(d->realm), "%s", realm);
	memcpy(d->key, key, sizeof(d->key));
	d->next_serial = 1;
	d->floor = INT64_MIN;
	d->n_slots = slots;
	*out = d;
	return 0;
}

void mams_digest_free(struct mams_digest *d)
{
	if (!d)
		return;
	mams_wipe(d->key, sizeof(d->key));
	free(d);
}
