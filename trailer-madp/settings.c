#include "trailer-madp/settings.h"

#include "lib/io/dtls.h"
#include "trailer-madp/flowclass.h"

#include <string.h>

#define OUTER4 (20u + 8u)
#define OUTER6 (40u + 8u)
#define LEAST4 576u
#define LEAST6 1280u

struct madp_session_set *madp_session_set_new(void)
{
	struct madp_session_set *s = calloc(1, sizeof(*s));

	if (s)
		s->rules = calloc(1, sizeof(*s->rules));
	if (s && s->rules)
		return s;
	free(s);
	return NULL;
}

void madp_session_set_fit(struct madp_session_set *s)
{
	size_t size = offsetof(struct madp_rules, rule) + s->rules->n * sizeof(s->rules->rule[0]);
	struct madp_rules *fitted = realloc(s->rules, size);

	if (fitted)
		s->rules = fitted;
}

void madp_session_set_free(struct madp_session_set *s)
{
	if (!s)
		return;
	free(s->rules);
	mams_wipe(s->key, sizeof(s->key));
	free(s);
}

uint8_t madp_outer(bool client_nat, bool dtls, bool v6)
{
	if (client_nat)
		return 0;
	return (uint8_t)((v6 ? OUTER6 : OUTER4) + (dtls ? MAMS_DTLS_OVERHEAD : 0));
}

/* Of the longest of its packets' headers or trailers. */
static uint32_t gma_size(const struct madp_session_set *s)
{
	uint16_t flags = MADP_GMA_SDU;
	uint32_t v4;
	uint32_t v6;

	for (unsigned i = 1; i < MADP_CLASSES_MAX; i++)
		if (s->cls[i].used)
			flags |= MADP_GMA_FLOW_ID;
	v6 = mams_addr_is_set(&s->anchor6) ? madp_gma_size(MADP_GMA_HEADER, flags) : 0;
	if (s->gma.v4 != MADP_GMA_HEADER)
		flags |= MADP_GMA_TTL;
	v4 = mams_addr_is_set(&s->anchor4) ? madp_gma_size(s->gma.v4, flags) : 0;
	return v4 > v6 ? v4 : v6;
}

uint16_t madp_session_set_mtu(const struct madp_session_set *s)
{
	uint32_t least = mams_addr_is_set(&s->anchor6) ? LEAST6 : LEAST4;
	uint32_t mtu = s->mtu;

	for (size_t i = 0; i < s->n_links && !s->fragmentation; i++) {
		const struct madp_link_set *l = &s->link[i];
		uint32_t around = gma_size(s) + madp_outer(l->client_nat, l->dtls, l->outer6);

		if (mtu + around > l->mtu)
			mtu = l->mtu > around ? l->mtu - around : 0;
	}
	if (mtu < least)
		mtu = least;
	return mtu < s->mtu ? (uint16_t)mtu : s->mtu;
}

bool madp_link_set_same(const struct madp_link_set *a, const struct madp_link_set *b)
{
	return a->cid == b->cid && mams_addr_eq(&a->local, &b->local) &&
	       mams_addr_eq(&a->remote, &b->remote) && strcmp(a->device, b->device) == 0 &&
	       a->dtls == b->dtls && a->client_nat == b->client_nat && a->ipsec == b->ipsec;
}

bool madp_session_set_same_key(const struct madp_session_set *a, const struct madp_session_set *b)
{
	return a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}
