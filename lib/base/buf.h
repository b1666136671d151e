/** @file buf.h
 *  Bounded reader and writer with a sticky error, and an owned growable buffer.  Layer: base.
 *  A parser reads straight through and checks once at the end: after the first violation every
 *  read returns zero, every write does nothing, and the error stays. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** Reads from data[len], borrowed. */
struct mams_rd {
	const uint8_t *data;
	size_t len;
	size_t pos;
	int err; /**< 0 or -MAMS_ETRUNC or what mams_rd_fail() set first */
};

struct mams_rd mams_rd_init(const void *data, size_t len);
uint8_t mams_rd_u8(struct mams_rd *r);
uint16_t mams_rd_u16(struct mams_rd *r); /**< network byte order in, host order out */
uint32_t mams_rd_u24(struct mams_rd *r);
uint32_t mams_rd_u32(struct mams_rd *r);
uint64_t mams_rd_u64(struct mams_rd *r);
/** Borrow n octets, or NULL after an error. */
const uint8_t *mams_rd_bytes(struct mams_rd *r, size_t n);
void mams_rd_skip(struct mams_rd *r, size_t n);
size_t mams_rd_left(const struct mams_rd *r);
void mams_rd_fail(struct mams_rd *r, int err);
/** A reader over the next n octets; the parent moves past them. */
struct mams_rd mams_rd_sub(struct mams_rd *r, size_t n);

/** Writes into data[cap], borrowed; len counts what was written. */
struct mams_wr {
	uint8_t *data;
	size_t cap;
	size_t len;
	int err; /**< 0 or -MAMS_ELIMIT */
};

struct mams_wr mams_wr_init(void *data, size_t cap);
void mams_wr_u8(struct mams_wr *w, uint8_t v);
void mams_wr_u16(struct mams_wr *w, uint16_t v); /**< host order in, network order out */
void mams_wr_u24(struct mams_wr *w, uint32_t v);
void mams_wr_u32(struct mams_wr *w, uint32_t v);
void mams_wr_u64(struct mams_wr *w, uint64_t v);
void mams_wr_bytes(struct mams_wr *w, const void *p, size_t n);
void mams_wr_zero(struct mams_wr *w, size_t n);

/** Growable octet buffer that owns its memory; always followed by a NUL for text use. */
struct mams_buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed; /**< an allocation failed; content is incomplete */
};

void mams_buf_fini(struct mams_buf *b);
void mams_buf_clear(struct mams_buf *b);
void mams_buf_add(struct mams_buf *b, const void *p, size_t n);
void mams_buf_printf(struct mams_buf *b, const char *fmt, ...) MAMS_PRINTF(2, 3);
/** Hand the text to the caller, who frees it; NULL when an allocation failed. */
char *mams_buf_take(struct mams_buf *b);
