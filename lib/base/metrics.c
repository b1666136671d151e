#include "lib/base/metrics.h"

#include <inttypes.h>

void mams_metrics_family(struct mams_buf *out, const char *program, const char *name,
	enum mams_metric_kind kind, const char *help)
{
	mams_buf_printf(out, "# HELP mams_%s_%s %s\n", program, name, help);
	mams_buf_printf(out, "# TYPE mams_%s_%s %s\n", program, name,
		kind == MAMS_COUNTER ? "counter" : "gauge");
}

void mams_metrics_text(struct mams_buf *out, const char *program, const struct mams_metric *rows,
	size_t n, const void *base)
{
	for (size_t i = 0; i < n; i++) {
		mams_metrics_family(out, program, rows[i].name, rows[i].kind, rows[i].help);
		mams_buf_printf(out, "mams_%s_%s %" PRIu64 "\n", program, rows[i].name,
			mams_metric_value(&rows[i], base));
	}
}

static void put_value(struct mams_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			mams_buf_add(out, "\\n", 2);
		else if (*text == '"' || *text == '\\')
			mams_buf_printf(out, "\\%c", *text);
		else
			mams_buf_add(out, text, 1);
	}
}

void mams_metrics_sample(struct mams_buf *out, const char *program, const char *name,
	const struct mams_metric_label *labels, size_t n, double value)
{
	mams_buf_printf(out, "mams_%s_%s", program, name);
	for (size_t i = 0; i < n; i++) {
		mams_buf_printf(out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
		put_value(out, labels[i].value);
		mams_buf_add(out, "\"", 1);
	}
	mams_buf_printf(out, "%s %.15g\n", n > 0 ? "}" : "", value);
}

void mams_metrics_self(
	struct mams_buf *out, const char *program, const char *version, uint64_t uptime_ms)
{
	mams_metrics_family(out, program, "build_info", MAMS_GAUGE, "1; which version runs");
	mams_metrics_sample(
		out, program, "build_info", &(struct mams_metric_label){"version", version}, 1, 1);
	mams_metrics_family(
		out, program, "uptime_seconds", MAMS_GAUGE, "since the start of the program");
	mams_metrics_sample(out, program, "uptime_seconds", NULL, 0, (double)uptime_ms / 1000);
}
