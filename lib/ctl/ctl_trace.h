/** @file ctl_trace.h
 *  What one client's session at an NCM hears, is told and does, a line each.  Layer: ctl (pure).
 *  Included by ctl_msg.h.
 *  Lines with at_us are complete: from a start line on they hold all that the session's state
 * machine is given, so that it can be run again (ncm-service/replay.h).  Secrets are masked; no
 * state depends on them. */
#pragma once

#include "lib/base/addr.h"
#include "lib/ctl/ctl_ncm.h"
#include "lib/ctl/ctl_quality.h"

enum ctl_trace_what {
	CTL_TRACE_RECEIVED, /**< from the client: text is the message */
	CTL_TRACE_SENT,     /**< to it */
	CTL_TRACE_EVENT,    /**< of the session, in words: a replay must come to the same */
	CTL_TRACE_PLANE, /**< of the data plane, in words; input says what the session makes of it
			  */
	CTL_TRACE_ORDER, /**< of an operator or the policy; likewise */
	CTL_TRACE_DECISION, /**< of the policy: text is the record (lib/steer/record.h) */
	CTL_TRACE_TIMER,    /**< time has passed: the session's timers are looked at */
	CTL_TRACE_START,    /**< a replay can begin: text is the session (ctl_ncm_session) */
};

enum ctl_trace_input_kind {
	CTL_TRACE_MADPS,    /**< how N-MADP instances are now: madps */
	CTL_TRACE_PREPARED, /**< madp knows the client; tunnel: it is a trailer */
	CTL_TRACE_PROBING,  /**< connection_id: ready to be probed, or not */
	CTL_TRACE_MEASURED, /**< connection_id: ul, dl, by a trailer or a proxy */
	CTL_TRACE_REVIEW,   /**< instances have changed: act after after_us */
	CTL_TRACE_FAR,      /**< far: instances that others are nearer than */
	CTL_TRACE_STEER,    /**< order */
	CTL_TRACE_PROBE,    /**< links */
	CTL_TRACE_SEEN,     /**< the client is at its transport */
	CTL_TRACE_ENDED,    /**< from outside: text says why */
};

struct ctl_trace_madp {
	const char *name;
	const char *state; /**< ncm_madp_state_name() */
	bool drained;
	uint32_t used; /**< anchor connections, of all clients */
};

/** A trailer's session, without its secret. */
struct ctl_trace_tunnel {
	struct mams_addr anchor4, anchor6;
	uint16_t port;
};

/** struct ncm_order */
struct ctl_trace_order {
	bool own; /**< the policy's */
	uint8_t anchor, configuration;
	uint32_t dl, ul;
	uint8_t dl_mode, ul_mode;
	uint32_t off;
	uint8_t app;
	struct ctl_ncm_app *steered; /**< NULL: as configured */
};

struct ctl_trace_input {
	int kind; /**< enum ctl_trace_input_kind */
	const char *madp;
	bool has_connection_id, has_links, has_ready, has_trailer, has_after_us, has_far;
	uint8_t connection_id;
	uint32_t links; /**< bits of connection ids */
	bool ready;
	bool trailer;
	uint64_t after_us;
	uint32_t far; /**< bits of N-MADP instances */
	struct ctl_trace_tunnel *tunnel;
	struct ctl_trace_order *order;
	struct ctl_quality_way *ul, *dl;
	struct ctl_trace_madp *madps;
	size_t n_madps;
};

/** What is known of a link of it, and its estimations; times from the line's. */
struct ctl_trace_link {
	uint8_t connection_id;
	bool probed, active, busy, once; /**< struct ncm_probing */
	bool has_next_us, has_measured_us, has_left;
	bool left;            /**< the client is leaving it */
	uint64_t next_us;     /**< until the next; absent: none follows */
	uint64_t paid_us;     /**< until the budget allows one */
	uint64_t measured_us; /**< since its downlink was; absent: never */
};

/** A request of the client that has been answered. */
struct ctl_trace_given {
	const char *type;
	uint32_t sequence_num;
	bool answered; /**< else it has no response */
};

/** What a session is besides what is stored of it. */
struct ctl_trace_start {
	const char *state;
	const char *policy;    /**< JSON, of ncm_policy_write() */
	uint32_t sequence_num; /**< of its next own message */
	bool modern;           /**< it has shown something of RFC 8743 */
	bool advised;
	bool has_far;
	uint32_t prepared, told, far; /**< bits of N-MADP instances */
	uint32_t tunnelled;           /**< bits of connection ids */
	uint32_t flows_told;          /**< bits of anchors */
	uint64_t heard_us;            /**< ago */
	uint16_t probe_port;
	struct ctl_trace_link *links;
	size_t n_links;
	struct ctl_trace_given *given;
	size_t n_given;
};

struct ctl_trace {
	uint64_t time_ms; /**< since 1970 */
	const char *client;
	int what;              /**< enum ctl_trace_what */
	const char *transport; /**< of messages */
	const char *text;      /**< an MX message with its secrets masked, or words */
	bool has_number, has_session_id, has_at_us;
	uint32_t number;     /**< of the line; what is missing was not read in time */
	uint64_t session_id; /**< absent: there is none yet, or none any more */
	uint64_t at_us;      /**< of the NCM's own clock */
	struct ctl_trace_start *start;
	struct ctl_trace_input *input;
};

/** In the order of enum ncm_replayed_kind (ncm-service/replay.h), and the sum at the end. */
enum ctl_replayed_kind {
	CTL_REPLAYED_CHANGE,
	CTL_REPLAYED_MISSING,
	CTL_REPLAYED_EXTRA,
	CTL_REPLAYED_DECISION,
	CTL_REPLAYED_GAP,
	CTL_REPLAYED_DONE, /**< sum */
};

struct ctl_replay_sum {
	uint64_t lines, before, starts, changes, messages, decisions, differ;
};

struct ctl_replayed {
	int kind;          /**< enum ctl_replayed_kind */
	uint64_t line;     /**< of the file */
	uint64_t time_ms;  /**< of the trace, since 1970 */
	const char *text;  /**< what has come about or was recorded */
	const char *cause; /**< what the session had been given */
	struct ctl_replay_sum *sum;
};
