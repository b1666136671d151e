#include "ncm-service/pool.h"

#include <uthash.h>

#include <errno.h>

#define PLACES_MAX (1u << 24)
#define NOBODY 0u /* passed over */

struct place {
	uint32_t index; /* 1 ..: the network's own address is nobody's */
	uint64_t session_id;
	uint32_t holders;
	UT_hash_handle by_index;
	UT_hash_handle by_session;
};

struct ncm_pool {
	struct mams_prefix net4;
	struct mams_prefix net6;
	uint32_t places;
	struct place *indexes;
	struct place *sessions;
};

/* Without the first and the last address. */
static uint32_t room_of(const struct mams_prefix *net)
{
	unsigned bits = (net->net.family == AF_INET ? 32u : 128u) - net->len;
	uint32_t n = bits > 24 ? PLACES_MAX : 1u << bits;

	return n - 2;
}

struct ncm_pool *ncm_pool_new(const struct mams_prefix *nets, size_t n)
{
	struct ncm_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->places = UINT32_MAX;
	for (size_t i = 0; i < n; i++) {
		if (nets[i].net.family == AF_INET)
			p->net4 = nets[i];
		else
			p->net6 = nets[i];
		if (room_of(&nets[i]) < p->places)
			p->places = room_of(&nets[i]);
	}
	return p;
}

static void drop(struct ncm_pool *p, struct place *x)
{
	HASH_DELETE(by_index, p->indexes, x);
	if (x->session_id != NOBODY)
		HASH_DELETE(by_session, p->sessions, x);
	free(x);
}

void ncm_pool_free(struct ncm_pool *p)
{
	if (!p)
		return;
	while (p->indexes)
		drop(p, p->indexes);
	free(p);
}

static struct place *find(struct ncm_pool *p, uint64_t session_id)
{
	struct place *x;

	HASH_FIND(by_session, p->sessions, &session_id, sizeof(session_id), x);
	return x;
}

static bool is_taken(struct ncm_pool *p, uint32_t index)
{
	struct place *x;

	HASH_FIND(by_index, p->indexes, &index, sizeof(index), x);
	return x != NULL;
}

/* FNV-1a */
static uint32_t first_wish(const struct ncm_pool *p, const char *identity)
{
	uint64_t h = 14695981039346656037u;

	for (; *identity; identity++)
		h = (h ^ (uint8_t)*identity) * 1099511628211u;
	return (uint32_t)((h ^ h >> 32) % p->places);
}

static struct mams_addr address_at(const struct mams_prefix *net, uint32_t index)
{
	struct mams_addr a = net->net;
	size_t last = net->net.family == AF_INET ? 3 : 15;

	for (size_t i = 0; i < 4; i++)
		a.ip[last - i] = (uint8_t)(a.ip[last - i] | index >> (8 * i));
	return a;
}

/* 0: it is not in this network, or nobody's there. */
static uint32_t index_of(
	const struct ncm_pool *p, const struct mams_prefix *net, const struct mams_addr *a)
{
	size_t last = a->family == AF_INET ? 3 : 15;
	struct mams_addr is;
	uint32_t index = 0;

	if (!mams_addr_is_set(a) || !mams_prefix_has(net, a))
		return 0;
	for (size_t i = 0; i < 4; i++)
		index |= (uint32_t)(a->ip[last - i] ^ net->net.ip[last - i]) << (8 * i);
	if (index == 0 || index > p->places)
		return 0;
	is = address_at(net, index);
	return mams_addr_eq_ip(&is, a) ? index : 0;
}

static int put(struct ncm_pool *p, uint64_t session_id, uint32_t index, struct place **out)
{
	struct place *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->index = index;
	x->session_id = session_id;
	HASH_ADD(by_index, p->indexes, index, sizeof(x->index), x);
	HASH_ADD(by_session, p->sessions, session_id, sizeof(x->session_id), x);
	*out = x;
	return 0;
}

static int enter(struct ncm_pool *p, uint64_t session_id, const char *identity, struct place **out)
{
	uint32_t wish = first_wish(p, identity);
	uint32_t i = 0;

	while (i < p->places && is_taken(p, 1 + (wish + i) % p->places))
		i++;
	if (i == p->places)
		return -MAMS_ELIMIT;
	return put(p, session_id, 1 + (wish + i) % p->places, out);
}

bool ncm_pool_keep(struct ncm_pool *p, uint64_t session_id, const struct mams_addr *ip4,
	const struct mams_addr *ip6)
{
	const struct mams_prefix *net = mams_addr_is_set(&p->net4.net) ? &p->net4 : &p->net6;
	uint32_t index = index_of(p, net, net == &p->net4 ? ip4 : ip6);
	struct place *x = find(p, session_id);

	if (x)
		return index == x->index;
	return index && !is_taken(p, index) && put(p, session_id, index, &x) == 0;
}

int ncm_pool_take(struct ncm_pool *p, uint64_t session_id, const char *identity,
	struct mams_addr *ip4, struct mams_addr *ip6)
{
	struct place *x = find(p, session_id);
	int rc = x ? 0 : enter(p, session_id, identity, &x);

	if (rc < 0)
		return rc;
	*ip4 = *ip6 = (struct mams_addr){0};
	if (mams_addr_is_set(&p->net4.net))
		*ip4 = address_at(&p->net4, x->index);
	if (mams_addr_is_set(&p->net6.net))
		*ip6 = address_at(&p->net6, x->index);
	return 0;
}

void ncm_pool_pass(struct ncm_pool *p, uint64_t session_id)
{
	struct place *x = find(p, session_id);

	if (!x)
		return;
	HASH_DELETE(by_session, p->sessions, x);
	x->session_id = NOBODY;
}

void ncm_pool_hold(struct ncm_pool *p, uint64_t session_id)
{
	struct place *x = find(p, session_id);

	if (x)
		x->holders++;
}

void ncm_pool_give(struct ncm_pool *p, uint64_t session_id)
{
	struct place *x = find(p, session_id);

	if (x && x->holders > 0)
		x->holders--;
	ncm_pool_leave(p, session_id);
}

void ncm_pool_leave(struct ncm_pool *p, uint64_t session_id)
{
	struct place *x = find(p, session_id);

	if (x && x->holders == 0)
		drop(p, x);
}

void ncm_pool_forget(struct ncm_pool *p)
{
	struct place *x;
	struct place *next;

	for (x = p->indexes; x; x = next) {
		next = x->by_index.next;
		if (x->session_id == NOBODY)
			drop(p, x);
	}
}
