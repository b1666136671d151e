/* Flow classes in a worker: one cache for all its sessions. */
#include "trailer-madp/classify.h"

#include "trailer-madp/flowclass.h"

#include <errno.h>
#include <sys/random.h>

#define ENTRIES 16384u

struct madp_classes {
	struct madp_class_cache cache;
	uint64_t tag[ENTRIES];
	uint8_t cls[ENTRIES];
};

struct madp_classes *madp_classes_new(void)
{
	struct madp_classes *c = calloc(1, sizeof(*c));
	uint64_t seed;

	if (!c)
		return NULL;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		free(c);
		return NULL;
	}
	madp_class_cache_init(&c->cache, c->tag, c->cls, ENTRIES, seed);
	return c;
}

void madp_classes_free(struct madp_classes *c)
{
	free(c);
}

unsigned madp_classes_find(struct madp_classes *c, const struct madp_rules *rules, uint32_t scope,
	const uint8_t *pkt, size_t len, bool uplink)
{
	struct madp_flow_key k;

	if (rules->n == 0 || !madp_flow_key_read(pkt, len, uplink, 0, &k))
		return 0;
	return madp_classify(&c->cache, rules, scope, &k);
}
