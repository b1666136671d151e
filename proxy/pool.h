/** @file pool.h
 *  Memory of one worker: fixed-size objects in slabs, and data buffers in two sizes.  Layer:
 * adapter of mams-proxy.  Nothing is given back to the system before the end; nothing is shared by
 * threads. An idle flow holds no buffer: buffers are taken only for octets that the far leg did not
 * accept. */
#pragma once

#include "lib/base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Objects of one size. */
struct px_slab {
	size_t size;
	void *free;
	void *blocks;
	uint64_t in_use;
};

void px_slab_init(struct px_slab *s, size_t size);
void px_slab_fini(struct px_slab *s);
void *px_slab_get(struct px_slab *s); /**< not cleared; NULL on ENOMEM */
void px_slab_put(struct px_slab *s, void *p);

/** Octets read from one leg: data[start..end). */
struct px_buf {
	struct px_buf *next;
	uint32_t cap;
	uint32_t start;
	uint32_t end;
	uint8_t data[];
};

#define PX_SMALL_BUF 16384u

struct px_bufs {
	struct px_buf *free_big;
	struct px_buf *free_small;
	uint32_t big; /**< octets of a big buffer */
	uint32_t n_free_big;
	uint32_t n_free_small;
	uint64_t out_big; /**< handed out now */
	uint64_t out_small;
};

void px_bufs_init(struct px_bufs *b, uint32_t big);
void px_bufs_fini(struct px_bufs *b);
struct px_buf *px_bufs_get(struct px_bufs *b, uint32_t size); /**< empty; NULL on ENOMEM */
void px_bufs_put(struct px_bufs *b, struct px_buf *buf);      /**< accepts NULL */
