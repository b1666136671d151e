/** @file feed.h
 *  What the network says of its accesses and cells, while it holds.  Layer: core (no I/O, no
 * clock). Source: seed figure 3 (network capabilities, RNIS); docs/network-information.md.
 *
 *  A statement is about an access, of it a base station or access point, a Wi-Fi network, or both,
 *  and replaces what was said about the same before.  Each has a time after which it is forgotten;
 *  when there is no room the one that would be forgotten first goes. */
#pragma once

#include "lib/base/metrics.h"
#include "ncm-service/policy.h"

struct ctl_msg;
struct ncm_feed;

#define NCM_FEED_MAX 4096u       /* statements kept */
#define NCM_FEED_FADING_MS 10000 /* a link is left so long before it is predicted to be gone */
#define NCM_FEED_LEAVE_MS 60000  /* and so long before a maintenance window begins */

/** What is said of a link. */
struct ncm_forecast {
	bool has_load;
	uint32_t load; /**< of its cell, percent */
	bool fading;   /**< it is about to go, or should have gone */
	bool maintenance;
	bool has_rate, has_delay;
	uint32_t rate_kbps; /**< predicted for a client */
	uint32_t delay_ms;  /**< likewise, one way */
	mams_time until;    /**< the first of the statements that say it is forgotten then */
};

struct ncm_feed *ncm_feed_new(const struct ncm_policy *p); /**< p borrowed; NULL on ENOMEM */
void ncm_feed_free(struct ncm_feed *f);                    /**< accepts NULL */

/** A post; all of it or nothing.
 *  @param feeder  who says it
 *  @param text  text[len]
 *  @param wall  seconds since 1970, now
 *  @return 0, -MAMS_EPROTO, -MAMS_EVALUE, -MAMS_EMISSING, -MAMS_ELIMIT, -ENOMEM; err names the
 *          member */
MAMS_MUST int ncm_feed_take(struct ncm_feed *f, const char *feeder, const char *text, size_t len,
	mams_time now, int64_t wall, struct mams_error *err);
/** What holds now for a link.  Figures come from the statement that is most about it: node_id and
 *  ssid, node_id, ssid, access; fading and maintenance from any.
 *  @param node_id, ssid  as the client has told them; NULL or "": not known
 *  @return false: nothing is said */
bool ncm_feed_look(const struct ncm_feed *f, const char *access, const char *node_id,
	const char *ssid, mams_time now, struct ncm_forecast *out);
/** Forget what holds no longer. */
void ncm_feed_tick(struct ncm_feed *f, mams_time now);
/** When ncm_feed_look() will next say something else without a post. */
mams_time ncm_feed_deadline(const struct ncm_feed *f, mams_time now);
/** CTL_NETWORK: what is in force, by access, node_id and ssid.
 *  @param skip  so many have been told
 *  @param most  that are told now
 *  @return NULL on ENOMEM */
struct ctl_msg *ncm_feed_tell(
	const struct ncm_feed *f, uint32_t id, size_t skip, size_t most, mams_time now);

extern const struct mams_metric ncm_feed_counter_rows[];
extern const size_t ncm_feed_n_counter_rows;
const void *ncm_feed_counters(const struct ncm_feed *f);
