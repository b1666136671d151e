#include "lib/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define WINDOW_MS 10000
#define WINDOW_LINES 5

static const char *log_program = "mams";
static enum mams_log_sink log_sink = MAMS_LOG_STDERR;
static enum mams_log_level log_level = MAMS_LOG_INFO;
static struct {
	struct mams_log_line *lines; /* [MAMS_LOG_KEPT]; NULL: nothing is kept */
	uint64_t last;               /* number of the newest */
} kept;

void mams_log_init(const char *program, enum mams_log_sink sink, enum mams_log_level level)
{
	log_program = program;
	log_sink = sink;
	log_level = level;
	if (sink == MAMS_LOG_SYSLOG)
		openlog(program, LOG_PID, LOG_DAEMON);
}

void mams_log_set_level(enum mams_log_level level)
{
	log_level = level;
}

int mams_log_set_level_name(const char *name, struct mams_error *err)
{
	static const char *const names[] = {"err", "warn", "info", "debug"};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		mams_log_set_level((enum mams_log_level)i);
		return 0;
	}
	return mams_fail(err, MAMS_EVALUE, NULL, "level is one of err, warn, info, debug");
}

enum mams_log_level mams_log_get_level(void)
{
	return log_level;
}

static int syslog_priority(enum mams_log_level level)
{
	switch (level) {
	case MAMS_LOG_ERR:
		return LOG_ERR;
	case MAMS_LOG_WARN:
		return LOG_WARNING;
	case MAMS_LOG_INFO:
		return LOG_INFO;
	case MAMS_LOG_DEBUG:
		return LOG_DEBUG;
	}
	return LOG_DEBUG;
}

/* One write per line, so that lines of several processes on one terminal stay whole. */
static void emit_stderr(enum mams_log_level level, const char *module, const char *text)
{
	static const char *const words[] = {"err", "warn", "info", "debug"};
	struct timespec ts;
	struct tm tm;
	char stamp[16];

	if (log_sink == MAMS_LOG_JOURNAL) {
		fprintf(stderr, "<%d>%s: %s\n", syslog_priority(level), module, text);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ld %s %s %s: %s\n", stamp, ts.tv_nsec / 1000000, log_program,
		words[level], module, text);
}

int mams_log_keep(void)
{
	if (!kept.lines)
		kept.lines = calloc(MAMS_LOG_KEPT, sizeof(*kept.lines));
	return kept.lines ? 0 : -ENOMEM;
}

void mams_log_keep_no_more(void)
{
	free(kept.lines);
	kept.lines = NULL;
}

const struct mams_log_line *mams_log_kept(uint64_t after)
{
	if (kept.last > MAMS_LOG_KEPT && after < kept.last - MAMS_LOG_KEPT)
		after = kept.last - MAMS_LOG_KEPT;
	return kept.lines && after < kept.last ? &kept.lines[after % MAMS_LOG_KEPT] : NULL;
}

static void keep(enum mams_log_level level, const char *module, const char *text)
{
	struct mams_log_line *l = &kept.lines[kept.last % MAMS_LOG_KEPT];
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	*l = (struct mams_log_line){.number = ++kept.last,
		.wall_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000,
		.level = level};
	snprintf(l->module, sizeof(l->module), "%s", module);
	snprintf(l->text, sizeof(l->text), "%s", text);
}

static void emit(enum mams_log_level level, const char *module, char *text)
{
	/* input may have been quoted into the text: keep one event on one line */
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	if (kept.lines && level <= MAMS_LOG_INFO)
		keep(level, module, text);
	if (log_sink == MAMS_LOG_SYSLOG)
		syslog(syslog_priority(level), "%s: %s", module, text);
	else
		emit_stderr(level, module, text);
}

void mams_log(enum mams_log_level level, const char *module, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (level > log_level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	emit(level, module, text);
}

void mams_log_limited(struct mams_log_rl *rl, mams_time now, enum mams_log_level level,
	const char *module, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	size_t n;

	if (level > log_level)
		return;
	if (rl->count == 0 || !mams_time_before(now, mams_time_add_ms(rl->start, WINDOW_MS))) {
		rl->start = now;
		rl->count = 0;
	}
	if (rl->count >= WINDOW_LINES) {
		rl->dropped++;
		return;
	}
	rl->count++;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	if (rl->dropped && n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, " suppressed=%u", rl->dropped);
	rl->dropped = 0;
	emit(level, module, text);
}
