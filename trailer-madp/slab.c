#include "trailer-madp/slab.h"

#define BLOCK_OCTETS (1024u * 1024u)
#define ALIGN 64u

struct link {
	struct link *next;
};

void madp_slab_init(struct madp_slab *s, size_t size, size_t max)
{
	*s = (struct madp_slab){.size = (size + ALIGN - 1) / ALIGN * ALIGN, .max = max};
}

void madp_slab_fini(struct madp_slab *s)
{
	while (s->blocks) {
		struct link *b = s->blocks;

		s->blocks = b->next;
		free(b);
	}
	*s = (struct madp_slab){0};
}

static void grow(struct madp_slab *s)
{
	size_t n = BLOCK_OCTETS / s->size ? BLOCK_OCTETS / s->size : 1;
	uint8_t *block;
	struct link *b;

	if (n > s->max - s->n)
		n = s->max - s->n;
	if (n == 0)
		return;
	block = aligned_alloc(ALIGN, ALIGN + n * s->size);
	if (!block)
		return;
	b = (struct link *)(void *)block;
	b->next = s->blocks;
	s->blocks = b;
	s->n += n;
	s->in_use += n;
	while (n-- > 0)
		madp_slab_put(s, block + ALIGN + n * s->size);
}

void *madp_slab_get(struct madp_slab *s)
{
	struct link *l;

	if (!s->free)
		grow(s);
	l = s->free;
	if (!l)
		return NULL;
	s->free = l->next;
	s->in_use++;
	return l;
}

void madp_slab_put(struct madp_slab *s, void *p)
{
	struct link *l = p;

	l->next = s->free;
	s->free = l;
	s->in_use--;
}
