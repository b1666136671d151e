/** @file feeder.h
 *  Who tells us of the network, and who wants to know of it: ncm-service/feed with the clock and a
 *  timer.  Layer: adapter.  Source: docs/network-information.md. */
#pragma once

#include "ncm-service/feed.h"
#include "ncm-service/intake.h"

#define NCM_FEED_PATH "/mams/v1/network-information"

struct ncm_feeder;

/** @param in  borrowed */
MAMS_MUST int ncm_feeder_new(struct ncm_intake *in, struct ncm_feeder **out);
void ncm_feeder_free(struct ncm_feeder *n); /**< accepts NULL */
/** Called when ncm_feed_look() may say something else than before, once a second at most. */
void ncm_feeder_on_change(struct ncm_feeder *n, void (*changed)(void *user), void *user);
const struct ncm_feed *ncm_feeder_feed(const struct ncm_feeder *n);

/** A post.  @return 0, or what ncm_feed_take() returns */
MAMS_MUST int ncm_feeder_take(struct ncm_feeder *n, const char *feeder, const char *text,
	size_t len, struct mams_error *err);
/** As ncm_feed_tell(), now. */
struct ctl_msg *ncm_feeder_tell(const struct ncm_feeder *n, uint32_t id, size_t skip, size_t most);
