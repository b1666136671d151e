/** @file metrics.h
 *  Named counters and gauges of a module, declared in a static table; increments are plain
 *  uint64_t additions on the owner's thread.  Layer: base.
 *  Every path that drops or refuses something has a counter with the reason in its name. */
#pragma once

#include "lib/base/buf.h"

enum mams_metric_kind { MAMS_COUNTER, MAMS_GAUGE };

/** One row: where the value stands in the module's counter struct, and what it means. */
struct mams_metric {
	const char *name; /**< snake case, counters end in _total */
	const char *help;
	enum mams_metric_kind kind;
	size_t offset; /**< of a uint64_t in the struct given as base */
};

/** Append Prometheus text exposition: HELP, TYPE and value of each row, names prefixed
 *  "mams_<program>_".
 *  @param base  the counter struct the rows' offsets point into */
void mams_metrics_text(struct mams_buf *out, const char *program, const struct mams_metric *rows,
	size_t n, const void *base);

static inline uint64_t mams_metric_value(const struct mams_metric *row, const void *base)
{
	return *(const uint64_t *)(const void *)((const char *)base + row->offset);
}
