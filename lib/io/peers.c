#include "lib/io/peers.h"

#include <uthash.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct key {
	uint8_t family; /* AF_UNSPEC: a user */
	uint8_t ip[16];
	uint32_t uid;
};

struct mams_peer {
	struct key key;
	unsigned n;
	UT_hash_handle hh;
};

static struct key key_of(const struct mams_addr *a, const uint32_t *uid)
{
	struct key k;

	memset(&k, 0, sizeof(k)); /* what is between the members is hashed, too */
	if (uid) {
		k.uid = *uid;
	} else {
		k.family = a->family;
		memcpy(k.ip, a->ip, sizeof(k.ip));
	}
	return k;
}

int mams_peers_enter(struct mams_peers *p, const struct mams_addr *a, const uint32_t *uid,
	unsigned max, struct mams_peer **out)
{
	const struct key key = key_of(a, uid);
	struct mams_peer *peer;

	HASH_FIND(hh, p->all, &key, sizeof(key), peer);
	if (peer ? peer->n >= max : max == 0)
		return -MAMS_ELIMIT;
	if (!peer) {
		peer = calloc(1, sizeof(*peer));
		if (!peer)
			return -ENOMEM;
		memcpy(&peer->key, &key, sizeof(key));
		HASH_ADD(hh, p->all, key, sizeof(peer->key), peer);
	}
	peer->n++;
	*out = peer;
	return 0;
}

void mams_peers_leave(struct mams_peers *p, struct mams_peer *peer)
{
	if (!peer || --peer->n > 0)
		return;
	HASH_DEL(p->all, peer);
	free(peer);
}
