#include "lib/codec/field.h"

#include <errno.h>
#include <string.h>

static bool own_parts(const struct mams_table *t, struct mams_arena *arena, char *out);

/* A member that was copied as it is: what it points to becomes the copy's own. */
static bool own_value(
	const struct mams_field *f, enum mams_kind kind, struct mams_arena *arena, char *at)
{
	const char **text = (const char **)(void *)at;

	if (kind == MAMS_K_OBJECT)
		return own_parts(f->table, arena, at);
	if (kind != MAMS_K_STRING || !*text)
		return true;
	*text = mams_arena_strdup(arena, *text);
	return *text != NULL;
}

static bool own_block(struct mams_arena *arena, void **at, size_t size)
{
	void *copy = mams_arena_alloc(arena, size ? size : 1);

	if (copy)
		memcpy(copy, *at, size);
	*at = copy;
	return copy != NULL;
}

static bool own_list(const struct mams_field *f, struct mams_arena *arena, char *out)
{
	void **items = (void **)(void *)(out + f->offset);
	size_t n = *(const size_t *)(const void *)(out + f->count_offset);
	size_t size = mams_field_item_size(f);

	if (!*items)
		return true;
	if (!own_block(arena, items, n * size))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!own_value(f, f->item_kind, arena, (char *)*items + i * size))
			return false;
	return true;
}

static bool own_parts(const struct mams_table *t, struct mams_arena *arena, char *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct mams_field *f = &t->fields[i];
		void **pointer = (void **)(void *)(out + f->offset);
		bool ok;

		if (f->kind == MAMS_K_LIST)
			ok = own_list(f, arena, out);
		else if (f->kind != MAMS_K_OBJECT || !(f->flags & MAMS_F_OPTIONAL))
			ok = own_value(f, f->kind, arena, out + f->offset);
		else
			ok = !*pointer || (own_block(arena, pointer, f->table->size) &&
						  own_parts(f->table, arena, *pointer));
		if (!ok)
			return false;
	}
	return true;
}

int mams_field_copy(
	const struct mams_table *table, const void *in, struct mams_arena *arena, void *out)
{
	memcpy(out, in, table->size);
	return own_parts(table, arena, out) ? 0 : -ENOMEM;
}
