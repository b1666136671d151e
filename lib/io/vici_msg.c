#include "lib/io/vici_msg.h"

#include <string.h>

#define VALUE_MAX 65535u

static bool is_named(unsigned type)
{
	return type == MAMS_VICI_REQUEST || type == MAMS_VICI_REGISTER ||
	       type == MAMS_VICI_UNREGISTER || type == MAMS_VICI_EVENT;
}

static struct mams_vici_text text(struct mams_rd *r, size_t n)
{
	const uint8_t *p = mams_rd_bytes(r, n);

	return (struct mams_vici_text){.data = p, .len = p ? n : 0};
}

int mams_vici_packet(const void *data, size_t len, struct mams_vici_packet *out)
{
	struct mams_rd r = mams_rd_init(data, len);
	unsigned type = mams_rd_u8(&r);

	*out = (struct mams_vici_packet){0};
	if (len > MAMS_VICI_MAX_BYTES)
		return -MAMS_ELIMIT;
	if (type > MAMS_VICI_EVENT)
		return -MAMS_EPROTO;
	out->type = (enum mams_vici_type)type;
	if (is_named(type))
		out->name = text(&r, mams_rd_u8(&r));
	out->body = text(&r, mams_rd_left(&r));
	if (r.err)
		return r.err;
	/* only these two and the requests carry one */
	if (out->body.len > 0 && type != MAMS_VICI_REQUEST && type != MAMS_VICI_RESPONSE &&
		type != MAMS_VICI_EVENT)
		return -MAMS_EPROTO;
	return 0;
}

/* ---- reading ---- */

struct mams_vici_reader mams_vici_read(const struct mams_vici_text *message)
{
	return (struct mams_vici_reader){.r = mams_rd_init(message->data, message->len)};
}

static void open_section(struct mams_vici_reader *v, struct mams_vici_item *out)
{
	if (v->in_list)
		mams_rd_fail(&v->r, -MAMS_EPROTO);
	else if (v->depth == MAMS_VICI_DEPTH)
		mams_rd_fail(&v->r, -MAMS_ELIMIT);
	out->name = text(&v->r, mams_rd_u8(&v->r));
	out->depth = ++v->depth;
}

static void close_section(struct mams_vici_reader *v)
{
	if (v->in_list || v->depth == 0)
		mams_rd_fail(&v->r, -MAMS_EPROTO);
	else
		v->depth--;
}

/* Lists hold items and nothing else. */
static void list(struct mams_vici_reader *v, bool was, bool is)
{
	if (v->in_list != was)
		mams_rd_fail(&v->r, -MAMS_EPROTO);
	v->in_list = is;
}

static int end(struct mams_vici_reader *v, struct mams_vici_item *out)
{
	if (v->depth > 0 || v->in_list)
		mams_rd_fail(&v->r, -MAMS_ETRUNC);
	out->kind = MAMS_VICI_END;
	return v->r.err;
}

int mams_vici_next(struct mams_vici_reader *v, struct mams_vici_item *out)
{
	*out = (struct mams_vici_item){.depth = v->depth};
	if (v->r.err)
		return v->r.err;
	if (mams_rd_left(&v->r) == 0)
		return end(v, out);
	out->kind = (enum mams_vici_kind)mams_rd_u8(&v->r);
	switch (out->kind) {
	case MAMS_VICI_SECTION:
		open_section(v, out);
		break;
	case MAMS_VICI_SECTION_END:
		close_section(v);
		break;
	case MAMS_VICI_VALUE:
		list(v, false, false);
		out->name = text(&v->r, mams_rd_u8(&v->r));
		out->value = text(&v->r, mams_rd_u16(&v->r));
		break;
	case MAMS_VICI_LIST:
		list(v, false, true);
		out->name = text(&v->r, mams_rd_u8(&v->r));
		break;
	case MAMS_VICI_ITEM:
		list(v, true, true);
		out->value = text(&v->r, mams_rd_u16(&v->r));
		break;
	case MAMS_VICI_LIST_END:
		list(v, true, false);
		break;
	case MAMS_VICI_END:
		mams_rd_fail(&v->r, -MAMS_EPROTO);
		break;
	}
	if ((unsigned)out->kind > MAMS_VICI_LIST_END)
		mams_rd_fail(&v->r, -MAMS_EPROTO);
	return v->r.err;
}

int mams_vici_skip(struct mams_vici_reader *v)
{
	unsigned depth = v->depth;
	struct mams_vici_item item;
	int rc;

	do
		rc = mams_vici_next(v, &item);
	while (rc == 0 && item.kind != MAMS_VICI_END && v->depth >= depth);
	return rc;
}

/* Is name the part of path that ends at '/' or at the end?  Then where the next part begins. */
static const char *after(const char *path, const struct mams_vici_text *name)
{
	if (strlen(path) < name->len || memcmp(path, name->data, name->len) != 0)
		return NULL;
	return path[name->len] == '/' || path[name->len] == '\0' ? path + name->len : NULL;
}

int mams_vici_find(
	const struct mams_vici_text *message, const char *path, struct mams_vici_text *out)
{
	struct mams_vici_reader v = mams_vici_read(message);
	struct mams_vici_item item;
	unsigned inside = 0; /* sections of the path that are open */
	int rc;

	*out = (struct mams_vici_text){0};
	while ((rc = mams_vici_next(&v, &item)) == 0 && item.kind != MAMS_VICI_END) {
		const char *rest = item.name.data ? after(path, &item.name) : NULL;

		if (v.depth < inside)
			break;
		if (item.kind == MAMS_VICI_VALUE && rest && *rest == '\0') {
			*out = item.value;
			return 0;
		}
		if (item.kind != MAMS_VICI_SECTION)
			continue;
		if (rest && *rest == '/') {
			path = rest + 1;
			inside++;
		} else if ((rc = mams_vici_skip(&v)) < 0) {
			return rc;
		}
	}
	return rc < 0 ? rc : -MAMS_EUNKNOWN;
}

bool mams_vici_is(const struct mams_vici_text *t, const char *word)
{
	return t->len == strlen(word) && (t->len == 0 || memcmp(t->data, word, t->len) == 0);
}

void mams_vici_string(const struct mams_vici_text *t, char *out, size_t cap)
{
	size_t n = t->len < cap - 1 ? t->len : cap - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = t->data[i] >= 0x20 && t->data[i] < 0x7f ? (char)t->data[i] : '?';
	out[n] = '\0';
}

uint64_t mams_vici_number(const struct mams_vici_text *t)
{
	uint64_t v = 0;

	for (size_t i = 0; i < t->len; i++) {
		unsigned digit = (unsigned)t->data[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return 0;
		v = v * 10 + digit;
	}
	return v;
}

/* ---- writing ---- */

static void fail(struct mams_vici_writer *v, int err)
{
	if (v->w.err == 0)
		v->w.err = err;
}

static void put_name(struct mams_vici_writer *v, const char *name)
{
	size_t len = strlen(name);

	if (len > MAMS_VICI_NAME_MAX) {
		fail(v, -MAMS_ELIMIT);
		return;
	}
	mams_wr_u8(&v->w, (uint8_t)len);
	mams_wr_bytes(&v->w, name, len);
}

static void put_value(struct mams_vici_writer *v, const void *value, size_t len)
{
	if (len > VALUE_MAX) {
		fail(v, -MAMS_ELIMIT);
		return;
	}
	mams_wr_u16(&v->w, (uint16_t)len);
	mams_wr_bytes(&v->w, value, len);
}

/* Lists hold items and nothing else. */
static void put_kind(struct mams_vici_writer *v, enum mams_vici_kind kind, bool in_list)
{
	if (v->in_list != in_list)
		fail(v, -MAMS_EPROTO);
	mams_wr_u8(&v->w, (uint8_t)kind);
}

struct mams_vici_writer mams_vici_begin(
	void *data, size_t cap, enum mams_vici_type type, const char *name)
{
	struct mams_vici_writer v = {.w = mams_wr_init(data, cap)};

	mams_wr_zero(&v.w, 4);
	mams_wr_u8(&v.w, (uint8_t)type);
	if (name)
		put_name(&v, name);
	return v;
}

void mams_vici_section(struct mams_vici_writer *v, const char *name)
{
	put_kind(v, MAMS_VICI_SECTION, false);
	put_name(v, name);
	if (++v->depth > MAMS_VICI_DEPTH)
		fail(v, -MAMS_ELIMIT);
}

void mams_vici_section_end(struct mams_vici_writer *v)
{
	put_kind(v, MAMS_VICI_SECTION_END, false);
	if (v->depth == 0)
		fail(v, -MAMS_EPROTO);
	else
		v->depth--;
}

void mams_vici_value_octets(
	struct mams_vici_writer *v, const char *name, const void *value, size_t len)
{
	put_kind(v, MAMS_VICI_VALUE, false);
	put_name(v, name);
	put_value(v, value, len);
}

void mams_vici_value(struct mams_vici_writer *v, const char *name, const char *value)
{
	mams_vici_value_octets(v, name, value, strlen(value));
}

void mams_vici_list(struct mams_vici_writer *v, const char *name)
{
	put_kind(v, MAMS_VICI_LIST, false);
	put_name(v, name);
	v->in_list = true;
}

void mams_vici_item(struct mams_vici_writer *v, const char *value)
{
	put_kind(v, MAMS_VICI_ITEM, true);
	put_value(v, value, strlen(value));
}

void mams_vici_list_end(struct mams_vici_writer *v)
{
	put_kind(v, MAMS_VICI_LIST_END, true);
	v->in_list = false;
}

void mams_vici_list_of(struct mams_vici_writer *v, const char *name, const char *value)
{
	mams_vici_list(v, name);
	mams_vici_item(v, value);
	mams_vici_list_end(v);
}

int mams_vici_finish(struct mams_vici_writer *v)
{
	size_t len = v->w.len;
	struct mams_wr head;

	if (v->depth > 0 || v->in_list)
		fail(v, -MAMS_EPROTO);
	if (len > MAMS_VICI_MAX_BYTES + 4)
		fail(v, -MAMS_ELIMIT);
	if (v->w.err)
		return v->w.err;
	head = mams_wr_init(v->w.data, 4);
	mams_wr_u32(&head, (uint32_t)(len - 4));
	return (int)len;
}
