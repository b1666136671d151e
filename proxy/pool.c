#include "proxy/pool.h"

#include <stdbool.h>
#include <stdlib.h>

#define SLAB_BLOCK 65536u
#define KEEP_BIG 64u /* free buffers kept for the next burst; more go back to the system */
#define KEEP_SMALL 256u

struct slab_link {
	struct slab_link *next;
};

void px_slab_init(struct px_slab *s, size_t size)
{
	*s = (struct px_slab){.size = (size + 15) & ~(size_t)15};
}

void px_slab_fini(struct px_slab *s)
{
	struct slab_link *b = s->blocks;

	while (b) {
		struct slab_link *next = b->next;

		free(b);
		b = next;
	}
	*s = (struct px_slab){0};
}

void *px_slab_get(struct px_slab *s)
{
	struct slab_link *p = s->free;

	if (!p) {
		size_t n = (SLAB_BLOCK - 16) / s->size;
		char *block = malloc(SLAB_BLOCK);
		struct slab_link *head = (struct slab_link *)(void *)block;

		if (!block)
			return NULL;
		head->next = s->blocks;
		s->blocks = head;
		for (size_t i = n; i-- > 0;) {
			struct slab_link *o = (void *)(block + 16 + i * s->size);

			o->next = p;
			p = o;
		}
	}
	mams_assert(p); /* a block holds more than one object */
	s->free = p->next;
	s->in_use++;
	return p;
}

void px_slab_put(struct px_slab *s, void *p)
{
	struct slab_link *o = p;

	o->next = s->free;
	s->free = o;
	s->in_use--;
}

void px_bufs_init(struct px_bufs *b, uint32_t big)
{
	*b = (struct px_bufs){.big = big};
}

static void free_list(struct px_buf *b)
{
	while (b) {
		struct px_buf *next = b->next;

		free(b);
		b = next;
	}
}

void px_bufs_fini(struct px_bufs *b)
{
	free_list(b->free_big);
	free_list(b->free_small);
	*b = (struct px_bufs){0};
}

struct px_buf *px_bufs_get(struct px_bufs *b, uint32_t size)
{
	bool small = size <= PX_SMALL_BUF;
	struct px_buf **list = small ? &b->free_small : &b->free_big;
	uint32_t cap = small ? PX_SMALL_BUF : b->big;
	struct px_buf *buf = *list;

	if (buf) {
		*list = buf->next;
		*(small ? &b->n_free_small : &b->n_free_big) -= 1;
	} else {
		buf = malloc(sizeof(*buf) + cap);
		if (!buf)
			return NULL;
		buf->cap = cap;
	}
	*(small ? &b->out_small : &b->out_big) += 1;
	buf->next = NULL;
	buf->start = 0;
	buf->end = 0;
	return buf;
}

void px_bufs_put(struct px_bufs *b, struct px_buf *buf)
{
	bool small;

	if (!buf)
		return;
	small = buf->cap == PX_SMALL_BUF;
	*(small ? &b->out_small : &b->out_big) -= 1;
	if (small ? b->n_free_small >= KEEP_SMALL : b->n_free_big >= KEEP_BIG) {
		free(buf);
		return;
	}
	buf->next = small ? b->free_small : b->free_big;
	*(small ? &b->free_small : &b->free_big) = buf;
	*(small ? &b->n_free_small : &b->n_free_big) += 1;
}
