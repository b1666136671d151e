/** @file log.h
 *  One line per event: level, module, message in words, then key=value.  Layer: base.
 *  err: this operation or peer is lost; warn: unexpected, handled; info: what an operator expects
 * to see once; debug: the rest.  Secrets never.  The level is one of the two permitted globals. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

enum mams_log_level { MAMS_LOG_ERR, MAMS_LOG_WARN, MAMS_LOG_INFO, MAMS_LOG_DEBUG };

enum mams_log_sink {
	MAMS_LOG_STDERR,  /**< time stamp and level word, for people */
	MAMS_LOG_JOURNAL, /**< "<N>" prefix for journald */
	MAMS_LOG_SYSLOG,
};

void mams_log_init(const char *program, enum mams_log_sink sink, enum mams_log_level level);
void mams_log_set_level(enum mams_log_level level);
/** By name: err, warn, info, debug.  @return 0, -MAMS_EVALUE */
MAMS_MUST int mams_log_set_level_name(const char *name, struct mams_error *err);
enum mams_log_level mams_log_get_level(void);

void mams_log(enum mams_log_level level, const char *module, const char *fmt, ...)
	MAMS_PRINTF(3, 4);

/** The newest lines, whatever the sink, for whoever asks later.  Of programs with one thread only.
 */
#define MAMS_LOG_KEPT 256u
struct mams_log_line {
	uint64_t number; /**< from 1 on */
	int64_t wall_ms; /**< since 1970 */
	enum mams_log_level level;
	char module[16];
	char text[256]; /**< cut when longer */
};
/** From now on, info and above.  @return 0, -ENOMEM */
MAMS_MUST int mams_log_keep(void);
void mams_log_keep_no_more(void);
/** The first kept line with a higher number than after; NULL: none. */
const struct mams_log_line *mams_log_kept(uint64_t after);

/** A window of a rate-limited log point; zero-initialised, one per place, not shared by threads. */
struct mams_log_rl {
	mams_time start;
	unsigned count;
	unsigned dropped;
};

/** At most 5 lines per 10 s; the first line of the next window says how many were dropped. */
void mams_log_limited(struct mams_log_rl *rl, mams_time now, enum mams_log_level level,
	const char *module, const char *fmt, ...) MAMS_PRINTF(5, 6);

/** Each .c file defines its module name: #define LOG_MODULE "session" */
#define log_err(...) mams_log(MAMS_LOG_ERR, LOG_MODULE, __VA_ARGS__)
#define log_warn(...) mams_log(MAMS_LOG_WARN, LOG_MODULE, __VA_ARGS__)
#define log_info(...) mams_log(MAMS_LOG_INFO, LOG_MODULE, __VA_ARGS__)
#define log_debug(...) mams_log(MAMS_LOG_DEBUG, LOG_MODULE, __VA_ARGS__)
