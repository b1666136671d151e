#include "trailer-madp/settings.h"

#include "trailer-madp/flowclass.h"

#include <string.h>

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
