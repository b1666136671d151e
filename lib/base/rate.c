#include "lib/base/rate.h"

#include <uthash.h>

#include <stdlib.h>
#include <string.h>

struct bucket {
	uint64_t tokens; /* millionths */
	mams_time filled;
	UT_hash_handle hh; /* in the order of use: the first is unheard for longest */
	char identity[];
};

struct mams_rate {
	uint32_t per_s;
	uint64_t full; /* millionths */
	size_t max;
	struct bucket *buckets;
};

struct mams_rate *mams_rate_new(uint32_t per_s, uint32_t burst, size_t identities)
{
	struct mams_rate *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->per_s = per_s;
	r->full = (uint64_t)(burst ? burst : 1) * 1000000;
	r->max = identities ? identities : 1;
	return r;
}

static void drop(struct mams_rate *r, struct bucket *b)
{
	HASH_DEL(r->buckets, b);
	free(b);
}

void mams_rate_free(struct mams_rate *r)
{
	struct bucket *b;
	struct bucket *next;

	if (!r)
		return;
	HASH_ITER(hh, r->buckets, b, next)
	drop(r, b);
	free(r);
}

static struct bucket *make(struct mams_rate *r, const char *identity, mams_time now)
{
	size_t len = strlen(identity);
	struct bucket *b = calloc(1, sizeof(*b) + len + 1);

	if (!b)
		return NULL;
	memcpy(b->identity, identity, len + 1);
	b->tokens = r->full;
	b->filled = now;
	if (HASH_COUNT(r->buckets) >= r->max)
		drop(r, r->buckets);
	HASH_ADD_KEYPTR(hh, r->buckets, b->identity, len, b);
	return b;
}

/* To the end of the order. */
static void touch(struct mams_rate *r, struct bucket *b)
{
	HASH_DEL(r->buckets, b);
	HASH_ADD_KEYPTR(hh, r->buckets, b->identity, strlen(b->identity), b);
}

static void fill(const struct mams_rate *r, struct bucket *b, mams_time now)
{
	int64_t us = now.us - b->filled.us;
	/* a minute fills any bucket worth its name; more would only overflow */
	uint64_t more = (uint64_t)(us < 0 ? 0 : us > 60000000 ? 60000000 : us) * r->per_s;

	b->tokens = b->tokens + more < r->full ? b->tokens + more : r->full;
	b->filled = now;
}

bool mams_rate_take(struct mams_rate *r, const char *identity, mams_time now)
{
	struct bucket *b;

	if (r->per_s == 0)
		return true;
	HASH_FIND_STR(r->buckets, identity, b);
	if (b) {
		touch(r, b);
		fill(r, b, now);
	} else {
		b = make(r, identity, now);
	}
	if (!b)
		return true;
	if (b->tokens < 1000000)
		return false;
	b->tokens -= 1000000;
	return true;
}
