#include "lib/base/metrics.h"

#include <inttypes.h>

void mams_metrics_text(struct mams_buf *out, const char *program, const struct mams_metric *rows,
	size_t n, const void *base)
{
	for (size_t i = 0; i < n; i++) {
		const char *kind = rows[i].kind == MAMS_COUNTER ? "counter" : "gauge";

		mams_buf_printf(out, "# HELP mams_%s_%s %s\n", program, rows[i].name, rows[i].help);
		mams_buf_printf(out, "# TYPE mams_%s_%s %s\n", program, rows[i].name, kind);
		mams_buf_printf(out, "mams_%s_%s %" PRIu64 "\n", program, rows[i].name,
			mams_metric_value(&rows[i], base));
	}
}
