/** @file needs.h
 *  What applications of this client need (RFC 8743 B.4.2), and which links can give it.
 *  Layer: core (no I/O, no clock).  Latency and jitter in ms, bandwidth in Mbit/s.
 *
 *  A need is what one application has posted: some streams, each a flow (protocol and ports of the
 *  server) with one limit.  Streams of the same flow, whoever posted them, make one class of flows
 *  with the strictest of their limits. */
#pragma once

#include "ccm-agent/links.h"
#include "lib/base/clock.h"

#define CCM_NEEDS_MAX 16u
#define CCM_STREAMS_MAX 8u
#define CCM_CLASSES_MAX 16u
#define CCM_TCP 6
#define CCM_ANY_PROTOCOL 255

/** Limits; 0: none of this kind. */
struct ccm_limits {
	uint32_t latency_ms; /**< at most */
	uint32_t jitter_ms;  /**< at most */
	uint32_t bandwidth;  /**< at least */
};

struct ccm_stream {
	uint8_t protocol; /**< CCM_TCP */
	uint16_t port_first, port_last;
	struct ccm_limits limits;
};

enum ccm_need_state {
	CCM_NEED_NEW,       /**< not yet put to the NCM */
	CCM_NEED_ACCEPTED,  /**< the NCM has associated its flows */
	CCM_NEED_IN_EFFECT, /**< and steered them, and the user plane obeys */
};

struct ccm_need {
	uint32_t id; /**< 0: free slot */
	uint32_t owner;
	enum ccm_need_state state;
	mams_time expires;
	struct ccm_stream streams[CCM_STREAMS_MAX];
	size_t n_streams;
};

/** What the NCM predicts of a link. */
struct ccm_quality {
	bool has_latency, has_jitter, has_bandwidth;
	double latency_ms, jitter_ms, bandwidth;
};

/** Flows of one kind and the links that they shall use. */
struct ccm_class {
	char remote[64]; /**< server's network, CIDR; "": any */
	uint8_t protocol;
	uint16_t port_first, port_last;
	bool has_dscp;
	uint8_t dscp;
	/* a tunnel's alone, which sees each packet */
	char local[64];                   /**< our side, CIDR; "": any */
	uint16_t local_first, local_last; /**< our ports; both 0: any */
	uint32_t flow_label;              /**< of IPv6; 0: any */
	struct ccm_limits limits;
	uint8_t links[CCM_LINKS_MAX]; /**< connection ids, best first */
	size_t n_links;
	uint8_t mode; /**< tunnel: 1 + enum mx_mode; 0: the first carries, the others stand by */
};

struct ccm_needs {
	struct ccm_need need[CCM_NEEDS_MAX];
	uint32_t last_id;
};

/** @param in  streams and n_streams
 *  @return the new need in state NEW, or NULL when all places are taken */
struct ccm_need *ccm_needs_add(
	struct ccm_needs *n, const struct ccm_need *in, uint32_t owner, mams_time expires);
struct ccm_need *ccm_needs_find(struct ccm_needs *n, uint32_t id); /**< NULL when unknown */
mams_time ccm_needs_deadline(const struct ccm_needs *n);           /**< of the first to expire */

/** The classes of all needs that are accepted, and of the new one with this id; narrow port ranges
 *  first, since the first match decides.
 *  @return how many, or -MAMS_ELIMIT when they are too many */
MAMS_MUST int ccm_needs_classes(
	const struct ccm_needs *n, uint32_t new_id, struct ccm_class out[CCM_CLASSES_MAX]);

/** Fill k->links with the links that keep its limits: by latency, then jitter; for bandwidth the
 *  fewest, fastest first, that have it together.  What k->links holds already is left when it keeps
 *  them still: flows do not move for a small advantage.
 *  @param quality     quality[CCM_LINKS_MAX], by connection id
 *  @param candidates  bits of connection ids
 *  @return NULL, or why there are none (static words); then k->links is as it was */
const char *ccm_class_choose(
	struct ccm_class *k, const struct ccm_quality *quality, uint32_t candidates);
bool ccm_class_same_flow(const struct ccm_class *a, const struct ccm_class *b);
bool ccm_class_eq(
	const struct ccm_class *a, const struct ccm_class *b); /**< flow, links and mode */
