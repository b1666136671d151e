/** @file slab.h
 *  Buffers of one size, for one worker.  Layer: adapter.  Memory comes in blocks up to a bound and
 *  is kept; the buffer given back last is handed out first, while the cache still has it. */
#pragma once

#include "lib/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct madp_slab {
	size_t size; /**< octets of a buffer */
	size_t max;  /**< buffers at most */
	size_t n;    /**< buffers made */
	size_t in_use;
	void *free;
	void *blocks;
};

void madp_slab_init(struct madp_slab *s, size_t size, size_t max);
void madp_slab_fini(struct madp_slab *s);
void *madp_slab_get(struct madp_slab *s); /**< not cleared; NULL: none left, or no memory */
void madp_slab_put(struct madp_slab *s, void *p);
