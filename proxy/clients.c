#include "proxy/clients.h"

#include "proxy/convert.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

struct px_clients {
	size_t mask;
	struct px_client *slot[];
};

/** A TLV is padded to whole words and does not say where its content ends: keys are compared as
 * they arrive, padded (RFC 8803 6.2.1). */
static bool digest_of(const void *key, size_t key_len, uint8_t out[PX_DIGEST])
{
	uint8_t padded[PX_CONVERT_COOKIE_MAX + 4] = {0};

	if (key_len == 0 || key_len > PX_CONVERT_COOKIE_MAX)
		return false;
	memcpy(padded, key, key_len);
	SHA256(padded, (key_len + 3) & ~(size_t)3, out);
	mams_wipe(padded, key_len);
	return true;
}

struct px_client *px_client_new(const char *name, const void *key, size_t key_len, uint32_t workers)
{
	struct px_client *c = calloc(1, sizeof(*c) + workers * sizeof(c->counts[0]));

	if (!c)
		return NULL;
	c->name = strdup(name);
	if (!c->name || !digest_of(key, key_len, c->digest)) {
		free(c->name);
		free(c);
		return NULL;
	}
	atomic_init(&c->refs, 1);
	c->n_counts = workers;
	return c;
}

struct px_client *px_client_ref(struct px_client *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void px_client_unref(struct px_client *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	mams_wipe(c->digest, sizeof(c->digest));
	free(c->name);
	free(c);
}

static size_t home(const struct px_clients *t, const uint8_t digest[PX_DIGEST])
{
	uint64_t h;

	memcpy(&h, digest, sizeof(h));
	return (size_t)h & t->mask;
}

static size_t find_slot(const struct px_clients *t, const uint8_t digest[PX_DIGEST])
{
	size_t i = home(t, digest);

	while (t->slot[i] && CRYPTO_memcmp(t->slot[i]->digest, digest, PX_DIGEST) != 0)
		i = (i + 1) & t->mask;
	return i;
}

struct px_clients *px_clients_new(struct px_client *const *list, size_t n)
{
	struct px_clients *t;
	size_t cap = 8;

	while (cap < 2 * n + 1)
		cap *= 2;
	t = calloc(1, sizeof(*t) + cap * sizeof(t->slot[0]));
	if (!t)
		return NULL;
	t->mask = cap - 1;
	for (size_t i = 0; i < n; i++) {
		size_t at = find_slot(t, list[i]->digest);

		px_client_unref(t->slot[at]);
		t->slot[at] = px_client_ref(list[i]);
	}
	return t;
}

void px_clients_free(struct px_clients *t)
{
	if (!t)
		return;
	for (size_t i = 0; i <= t->mask; i++)
		px_client_unref(t->slot[i]);
	free(t);
}

struct px_client *px_clients_find(const struct px_clients *t, const void *key, size_t key_len)
{
	uint8_t digest[PX_DIGEST];

	if (!t || !digest_of(key, key_len, digest))
		return NULL;
	return t->slot[find_slot(t, digest)];
}
