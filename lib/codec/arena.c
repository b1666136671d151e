#include "lib/codec/field.h"

#include <string.h>

/* Blocks are chained; each knows how much of it was given out, so that freeing can wipe secrets. */
struct block {
	struct block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) unsigned char data[];
};

struct mams_arena {
	struct block *head;
};

/* With its head what malloc() still keeps in its cache for small pieces: a message comes and goes
 * without a search for room. */
#define BLOCK_BYTES 960u

struct mams_arena *mams_arena_new(void)
{
	return calloc(1, sizeof(struct mams_arena));
}

void mams_arena_free(struct mams_arena *a)
{
	struct block *next;

	if (!a)
		return;
	for (struct block *b = a->head; b; b = next) {
		next = b->next;
		mams_wipe(b->data, b->used);
		free(b);
	}
	free(a);
}

void *mams_arena_alloc(struct mams_arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct block *b = a->head;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + align - 1) / align * align;
	if (!b || b->size - b->used < size) {
		size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;

		b = malloc(sizeof(*b) + room);
		if (!b)
			return NULL;
		b->size = room;
		b->used = 0;
		b->next = a->head;
		a->head = b;
	}
	p = b->data + b->used;
	b->used += size;
	return memset(p, 0, size);
}

char *mams_arena_strdup(struct mams_arena *a, const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = mams_arena_alloc(a, n);

	if (copy)
		memcpy(copy, s, n);
	return copy;
}
