#include "lib/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct mams_rd mams_rd_init(const void *data, size_t len)
{
	return (struct mams_rd){.data = data, .len = len};
}

size_t mams_rd_left(const struct mams_rd *r)
{
	return r->err ? 0 : r->len - r->pos;
}

void mams_rd_fail(struct mams_rd *r, int err)
{
	if (!r->err)
		r->err = err;
}

const uint8_t *mams_rd_bytes(struct mams_rd *r, size_t n)
{
	const uint8_t *p;

	if (mams_rd_left(r) < n) {
		mams_rd_fail(r, -MAMS_ETRUNC);
		return NULL;
	}
	p = r->data + r->pos;
	r->pos += n;
	return p;
}

void mams_rd_skip(struct mams_rd *r, size_t n)
{
	(void)mams_rd_bytes(r, n);
}

static uint32_t rd_be(struct mams_rd *r, size_t n)
{
	const uint8_t *p = mams_rd_bytes(r, n);
	uint32_t v = 0;

	for (size_t i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t mams_rd_u8(struct mams_rd *r)
{
	return (uint8_t)rd_be(r, 1);
}

uint16_t mams_rd_u16(struct mams_rd *r)
{
	return (uint16_t)rd_be(r, 2);
}

uint32_t mams_rd_u24(struct mams_rd *r)
{
	return rd_be(r, 3);
}

uint32_t mams_rd_u32(struct mams_rd *r)
{
	return rd_be(r, 4);
}

uint64_t mams_rd_u64(struct mams_rd *r)
{
	uint64_t high = rd_be(r, 4);

	return high << 32 | rd_be(r, 4);
}

struct mams_rd mams_rd_sub(struct mams_rd *r, size_t n)
{
	const uint8_t *p = mams_rd_bytes(r, n);
	struct mams_rd sub = mams_rd_init(p, p ? n : 0);

	sub.err = r->err;
	return sub;
}

struct mams_wr mams_wr_init(void *data, size_t cap)
{
	return (struct mams_wr){.data = data, .cap = cap};
}

void mams_wr_bytes(struct mams_wr *w, const void *p, size_t n)
{
	if (w->err)
		return;
	if (w->cap - w->len < n) {
		w->err = -MAMS_ELIMIT;
		return;
	}
	if (n)
		memcpy(w->data + w->len, p, n);
	w->len += n;
}

static void wr_be(struct mams_wr *w, uint32_t v, size_t n)
{
	uint8_t b[4];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	mams_wr_bytes(w, b, n);
}

void mams_wr_u8(struct mams_wr *w, uint8_t v)
{
	wr_be(w, v, 1);
}

void mams_wr_u16(struct mams_wr *w, uint16_t v)
{
	wr_be(w, v, 2);
}

void mams_wr_u24(struct mams_wr *w, uint32_t v)
{
	wr_be(w, v, 3);
}

void mams_wr_u32(struct mams_wr *w, uint32_t v)
{
	wr_be(w, v, 4);
}

void mams_wr_u64(struct mams_wr *w, uint64_t v)
{
	wr_be(w, (uint32_t)(v >> 32), 4);
	wr_be(w, (uint32_t)v, 4);
}

void mams_wr_zero(struct mams_wr *w, size_t n)
{
	if (w->err)
		return;
	if (w->cap - w->len < n) {
		w->err = -MAMS_ELIMIT;
		return;
	}
	memset(w->data + w->len, 0, n);
	w->len += n;
}

void mams_buf_fini(struct mams_buf *b)
{
	free(b->data);
	*b = (struct mams_buf){0};
}

void mams_buf_clear(struct mams_buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

/* Room for n more octets and the NUL. */
static bool buf_room(struct mams_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 128;
	char *data;

	if (b->failed)
		return false;
	while (cap - b->len <= n) {
		if (cap > SIZE_MAX / 2) {
			b->failed = true;
			return false;
		}
		cap *= 2;
	}
	if (cap == b->cap)
		return true;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void mams_buf_add(struct mams_buf *b, const void *p, size_t n)
{
	if (!buf_room(b, n))
		return;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void mams_buf_printf(struct mams_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !buf_room(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

char *mams_buf_take(struct mams_buf *b)
{
	char *text = NULL;

	if (!b->failed && buf_room(b, 0)) {
		text = b->data;
		text[b->len] = '\0';
		*b = (struct mams_buf){0};
		return text;
	}
	mams_buf_fini(b);
	return NULL;
}
