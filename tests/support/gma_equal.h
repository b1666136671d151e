/** @file gma_equal.h
 *  Field by field, because struct madp_gma has padding.  Layer: tests. */
#pragma once

#include "trailer-madp/gma.h"

static inline bool gma_equal(const struct madp_gma *a, const struct madp_gma *b)
{
	return a->form == b->form && a->flags == b->flags && a->fsl == b->fsl &&
	       a->connection_id == b->connection_id && a->flow_id == b->flow_id &&
	       a->frag_offset == b->frag_offset && a->frag_more == b->frag_more &&
	       a->delivery_sn == b->delivery_sn && a->flow_sn == b->flow_sn &&
	       a->timestamp_ms == b->timestamp_ms && a->ttl == b->ttl &&
	       a->next_header == b->next_header && a->first_len == b->first_len;
}
