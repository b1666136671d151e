/** @file sched.h
 *  Which link, or links, get the next packet of a flow class.  Layer: core (no I/O, no clock, no
 *  allocation, O(links) = O(1) per packet).
 *  Source: seed 6.6, RFC 8743 8.7; the names of 3GPP TS 23.501 5.32.8 (ATSSS) are aliases.
 *
 *  single           the first usable link of the list; moves on only when that one fails
 *  active-standby   the first usable link of the list, and back when an earlier one returns
 *  smallest-delay   the link whose packets arrive first now, with hysteresis
 *  priority         the first link of the list that is not full; then the next
 *  split            the link on which this packet would arrive first, as long as it is not full;
 *                   or by fixed weights
 *  duplicate        all usable links of the list
 *
 *  "Full" is what pace.h says.  Only priority and split ask for it: in the other modes a packet is
 *  sent at once and the link's own queue decides. */
#pragma once

#include "trailer-madp/links.h"
#include "trailer-madp/pace.h"

enum madp_mode {
	MADP_MODE_SINGLE,
	MADP_MODE_ACTIVE_STANDBY,
	MADP_MODE_SMALLEST_DELAY,
	MADP_MODE_PRIORITY,
	MADP_MODE_SPLIT,
	MADP_MODE_DUPLICATE,
};

/** Mode by its name or ATSSS alias (load-balancing, redundant, priority-based). @return or -1 */
int madp_mode_parse(const char *name);
const char *madp_mode_name(enum madp_mode mode);

/** One class and direction, as the control plane configures it; replaced as a whole. */
struct madp_treat {
	enum madp_mode mode;
	uint8_t n_links;
	uint8_t links[MADP_LINKS_MAX];  /**< slots in order of preference; no slot twice */
	uint8_t weight[MADP_LINKS_MAX]; /**< split: percent for links[i]; all 0 = by measurement */
	bool lossless;  /**< keep what was sent and send it again when a link dies */
	bool pass_late; /**< receiver: deliver out of order rather than drop */
};

/** State of one class and direction; zero-initialised is "nothing sent yet". */
struct madp_sched {
	uint8_t current;                /**< slot + 1 of single and smallest-delay; 0 none */
	uint64_t vtime[MADP_LINKS_MAX]; /**< split by weights: served octets / weight, by slot */
};

/** Choose for one packet.
 *  @param t      treatment; not kept
 *  @param links  pace[MADP_LINKS_MAX], by slot; those that are full are told so
 *  @param up     slots that may be used now
 *  @param len    octets on the wire
 *  @param wait   filled when 0 is returned and links are up: when to ask again at the latest
 *  @return set of links to send on; 0 = none: all are full (up & list not empty) or down */
madp_linkset madp_sched_pick(struct madp_sched *s, const struct madp_treat *t,
	struct madp_pace *links, madp_linkset up, uint32_t len, mams_time now, mams_time *wait);
/** Slots named by a treatment. */
madp_linkset madp_treat_set(const struct madp_treat *t);
/** Of these, the slots that packets go on now: of active-standby the one that does not stand by. */
madp_linkset madp_treat_used(const struct madp_treat *t, madp_linkset up);
/** Does its sender go by reports, in choosing or in what it keeps? */
bool madp_treat_needs_reports(const struct madp_treat *t);
/** @return 0 or -MAMS_EVALUE: unknown mode, slot out of range or twice, no link */
MAMS_MUST int madp_treat_check(const struct madp_treat *t);
