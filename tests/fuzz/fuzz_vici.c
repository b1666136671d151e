/* VICI packets: whatever is read ends, and what reads well can be written, to the same octets. */
#include "lib/io/vici_msg.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *word(const struct mams_vici_text *t)
{
	char *s = malloc(t->len + 1);

	if (!s)
		abort();
	mams_vici_string(t, s, t->len + 1);
	if (strlen(s) != t->len)
		abort();
	return s;
}

/* The writer takes names as strings: only those that are. */
static bool is_text(const struct mams_vici_text *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (t->data[i] < 0x20 || t->data[i] >= 0x7f)
			return false;
	return true;
}

static void put(struct mams_vici_writer *w, const struct mams_vici_item *item)
{
	char *name = word(&item->name);
	char *value = word(&item->value);

	switch (item->kind) {
	case MAMS_VICI_SECTION:
		mams_vici_section(w, name);
		break;
	case MAMS_VICI_SECTION_END:
		mams_vici_section_end(w);
		break;
	case MAMS_VICI_VALUE:
		mams_vici_value_octets(w, name, item->value.data, item->value.len);
		break;
	case MAMS_VICI_LIST:
		mams_vici_list(w, name);
		break;
	case MAMS_VICI_ITEM:
		mams_vici_item(w, value);
		break;
	case MAMS_VICI_LIST_END:
		mams_vici_list_end(w);
		break;
	case MAMS_VICI_END:
		abort();
	}
	free(name);
	free(value);
}

static void look_up(const struct mams_vici_text *message, const struct mams_vici_item *item)
{
	struct mams_vici_text found;
	char *name = word(&item->name);

	if (mams_vici_find(message, name, &found) == 0 && found.len > message->len)
		abort();
	(void)mams_vici_number(&item->value);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mams_vici_packet p;
	struct mams_vici_reader v;
	struct mams_vici_item item;
	struct mams_vici_writer w;
	uint8_t *room = malloc(size + 16);
	bool same = true;
	char *name;
	int rc;

	if (!room)
		abort();
	if (mams_vici_packet(data, size, &p) < 0) {
		free(room);
		return 0;
	}
	same = is_text(&p.name);
	name = p.name.data ? word(&p.name) : NULL;
	w = mams_vici_begin(room, size + 16, p.type, name);
	v = mams_vici_read(&p.body);
	while ((rc = mams_vici_next(&v, &item)) == 0 && item.kind != MAMS_VICI_END) {
		same = same && is_text(&item.name) && is_text(&item.value);
		put(&w, &item);
		look_up(&p.body, &item);
	}
	if (rc == 0) {
		if (mams_vici_finish(&w) != (int)size + 4)
			abort();
		if (same && memcmp(room + 4, data, size) != 0)
			abort();
	}
	free(name);
	free(room);
	return 0;
}
