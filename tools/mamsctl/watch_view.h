/** @file watch_view.h
 *  What mamsctl watch shows: an NCM's status with the rates of the last half minute as sparklines.
 *  Layer: tools (pure). */
#pragma once

#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"

#define WATCH_POINTS 30u

struct watch_history;

struct watch_history *watch_history_new(void);    /**< NULL on ENOMEM */
void watch_history_free(struct watch_history *h); /**< accepts NULL */
/** One more point of every link that is told; links that are no longer told are forgotten. */
void watch_take(struct watch_history *h, const struct ctl_ncm_status *s);
struct watch_screen {
	size_t height, width; /**< sparklines take what is left of the width, or there are none */
	bool colour;          /**< what is wrong is red, by escape sequences */
};
/** Append a picture, a line each of accesses, N-MADP instances and links, as many as there is room.
 */
void watch_print(const struct watch_history *h, const struct ctl_ncm_status *s,
	const struct watch_screen *screen, struct mams_buf *out);
