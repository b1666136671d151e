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

/** For values of more than one thing: a family's HELP and TYPE, then a sample of each.  Which
 * labels there are is bounded by the configuration, never by what clients say. */
struct mams_metric_label {
	const char *name;
	const char *value;
};
void mams_metrics_family(struct mams_buf *out, const char *program, const char *name,
	enum mams_metric_kind kind, const char *help);
/** @param labels  labels[n] */
void mams_metrics_sample(struct mams_buf *out, const char *program, const char *name,
	const struct mams_metric_label *labels, size_t n, double value);
/** What every program tells of itself: "mams_<program>_build_info" and "_uptime_seconds". */
void mams_metrics_self(
	struct mams_buf *out, const char *program, const char *version, uint64_t uptime_ms);

static inline uint64_t mams_metric_value(const struct mams_metric *row, const void *base)
{
	return *(const uint64_t *)(const void *)((const char *)base + row->offset);
}
