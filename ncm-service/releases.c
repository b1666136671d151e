#include "ncm-service/releases.h"

#include <uthash.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_LEN 160u

/* key: index of the instance, a space, the client */
struct release {
	UT_hash_handle hh;
	size_t madp;
	const char *client; /* in key */
	char key[KEY_LEN];
};

struct ncm_releases {
	struct release *all;
	size_t limit;
};

struct ncm_releases *ncm_releases_new(size_t limit)
{
	struct ncm_releases *r = calloc(1, sizeof(*r));

	if (r)
		r->limit = limit;
	return r;
}

static void forget(struct ncm_releases *r, struct release *x)
{
	HASH_DEL(r->all, x);
	free(x);
}

void ncm_releases_free(struct ncm_releases *r)
{
	struct release *x;
	struct release *next;

	if (!r)
		return;
	HASH_ITER(hh, r->all, x, next)
	{
		forget(r, x);
	}
	free(r);
}

static struct release *find(struct ncm_releases *r, const char *key)
{
	struct release *x;

	HASH_FIND_STR(r->all, key, x);
	return x;
}

static int make_key(char key[KEY_LEN], size_t madp, const char *client)
{
	int n = snprintf(key, KEY_LEN, "%zu %s", madp, client);

	return n < (int)KEY_LEN ? n : -MAMS_ELIMIT;
}

int ncm_releases_add(struct ncm_releases *r, size_t madp, const char *client)
{
	struct release *x;
	char key[KEY_LEN];
	int n = make_key(key, madp, client);

	if (n < 0)
		return n;
	if (find(r, key))
		return 0;
	if (HASH_COUNT(r->all) >= r->limit)
		return -MAMS_ELIMIT;
	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->madp = madp;
	memcpy(x->key, key, (size_t)n + 1);
	x->client = strchr(x->key, ' ') + 1;
	HASH_ADD_STR(r->all, key, x);
	return 0;
}

void ncm_releases_drop(struct ncm_releases *r, size_t madp, const char *client)
{
	struct release *x;
	char key[KEY_LEN];

	if (make_key(key, madp, client) < 0)
		return;
	x = find(r, key);
	if (x)
		forget(r, x);
}

bool ncm_releases_take(struct ncm_releases *r, size_t madp, char *client, size_t size)
{
	struct release *x;
	struct release *next;

	HASH_ITER(hh, r->all, x, next)
	{
		if (x->madp != madp)
			continue;
		snprintf(client, size, "%s", x->client);
		forget(r, x);
		return true;
	}
	return false;
}
