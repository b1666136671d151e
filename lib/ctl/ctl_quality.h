/** @file ctl_quality.h
 *  What an N-MADP instance of either method has measured of clients' links by what runs over them.
 *  Layer: ctl (pure).  Source: seed 6.5, 6.6.  Included by ctl_msg.h.
 *  An event to the NCM, at most once a second, of links that carried something since the one
 *  before.  Nobody waits for it: one that cannot be told now is told with the next. */
#pragma once

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_QUALITY_LINKS 256u /**< of one packet */

/** One direction; what is not known is absent. */
struct ctl_quality_way {
	bool has_rate_kbps, has_delay_us, has_jitter_us, has_packets, has_back, has_octets;
	uint32_t rate_kbps; /**< that it can carry, seen while it was in full use; IP packets */
	uint32_t used_kbps; /**< that it carried since the event before; IP packets */
	uint32_t delay_us;  /**< one way; half the round trip where only that is known */
	uint32_t jitter_us; /**< how far delays differ, on average */
	uint32_t packets;   /**< sent since the event before, */
	uint32_t lost;      /**< and of these, lost */
	bool back; /**< the link was gone, and is there again: these figures are of since then */
	uint64_t octets; /**< that it carried since the event before; IP packets */
};

struct ctl_quality_link {
	uint64_t session_id;
	bool has_connection_id;
	uint8_t connection_id;   /**< absent: the addresses tell */
	struct mams_addr local;  /**< the N-MADP's on that access */
	struct mams_addr remote; /**< the client's, as the N-MADP sees it */
	struct ctl_quality_way ul, dl;
};

struct ctl_quality {
	struct ctl_quality_link *links;
	size_t n_links;
};

/** What the NCM makes of it, for mamsctl. */
struct ctl_way_status {
	bool has_rate_kbps, has_delay_us, has_jitter_us, has_loss_ppm;
	uint32_t rate_kbps;
	uint32_t used_kbps;
	uint32_t delay_us;
	uint32_t jitter_us;
	uint32_t loss_ppm;
	uint64_t age_ms;
};

/** What a client has of a link's access, in this period. */
struct ctl_quota {
	uint64_t used, limit; /**< octets */
	bool near, spent;
};
