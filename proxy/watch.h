/** @file watch.h
 *  Client role: a path over which nothing comes back any more although nobody has said that it is
 *  down.  Layer: core (no I/O, no clock).  Source: requirements.md C.1 (the CCM watches its links);
 *  the kernel alone notices by retransmission timers that double.
 *
 *  A path is suspected when nothing has been heard over it for a while although it owes us an
 *  acknowledgement, or was busy until then.  It is then asked by bare connection attempts, several
 *  of them.  One answer, or anything else that is heard, clears it: congestion delays, it does not
 *  silence.  Only when all have stayed without an answer, and another path has given a sign of life
 *  meanwhile, does it count as silent.  A silent path is asked on until it answers.
 *  Without open flows, or when they have moved nothing for some seconds, nothing is asked and no
 * time is kept: the next octets wake it. */
#pragma once

#include "proxy/paths.h"

#define PX_WATCH_ASKED 3u /**< unanswered attempts in a row that make a path silent */

struct px_watch_conf {
	int64_t silence_ms; /**< this long without a sign of life is suspicious; 0: never watch */
	int64_t ask_ms;     /**< patience with an attempt before the next */
};

/** All sockets of one path at one moment. */
struct px_watch_sample {
	bool any;         /**< there are established ones */
	bool owed;        /**< some have sent what is not yet acknowledged */
	int64_t heard_ms; /**< ago: the latest segment of any of them */
	int64_t rtt_us;   /**< the longest smoothed round trip */
};

enum px_watch_state { PX_WATCH_GOOD, PX_WATCH_SUSPECT, PX_WATCH_SILENT };

enum px_watch_kind {
	PX_WATCH_ASK,  /**< attempt a connection over the path; px_watch_answer() tells an answer */
	PX_WATCH_LOST, /**< it is silent */
	PX_WATCH_BACK, /**< it answers again */
};

struct px_watch_action {
	enum px_watch_kind kind;
	size_t path; /**< index, as given to px_watch_paths() */
};

struct px_watch_path {
	uint8_t connection_id;
	struct mams_addr local;
	struct mams_addr proxy;
	enum px_watch_state state;
	bool used;
	int64_t rtt_us;
	unsigned busy;      /**< signs of life in a row, without a pause between them */
	mams_time heard;    /**< the latest sign of life of its sockets */
	mams_time alive;    /**< the same, or an answer */
	mams_time owes;     /**< since when it owes an acknowledgement; never: it does not */
	mams_time since;    /**< SUSPECT, SILENT: from when */
	mams_time next;     /**< when to ask again; GOOD: not to be suspected before */
	mams_time asked_at; /**< the latest attempt */
	unsigned asked;     /**< SUSPECT: attempts so far */
	mams_time back;     /**< when it last answered again; 0: never */
	unsigned answers;   /**< SILENT: in a row */
	unsigned wanted;    /**< SILENT: answers in a row that bring it back */
};

struct px_watch {
	struct px_watch_conf conf;
	struct px_watch_path paths[PX_PATHS_MAX];
	size_t n;
	bool open;       /**< there are flows */
	uint64_t octets; /**< that they have moved, as last told */
	mams_time moved; /**< when that last changed */
	uint32_t ask;    /**< bits of paths: actions not yet taken */
	uint32_t lost;
	uint32_t back;
};

void px_watch_init(struct px_watch *w, const struct px_watch_conf *conf);
/** Take over the path set; what is known of a path that stays is kept. */
void px_watch_paths(struct px_watch *w, const struct px_path *paths, size_t n);
/** @param octets  moved by all flows so far: while this stands still they are looked at seldom */
void px_watch_flows(struct px_watch *w, bool open, uint64_t octets, mams_time now);
void px_watch_seen(struct px_watch *w, size_t path, const struct px_watch_sample *s, mams_time now);
/** An attempt over the path was answered, if only by a refusal of its port. */
void px_watch_answer(struct px_watch *w, size_t path, mams_time now);
/** After everything seen at this moment. */
void px_watch_tick(struct px_watch *w, mams_time now);
bool px_watch_next(struct px_watch *w, struct px_watch_action *out);
/** There are flows to be watched, but nothing moves, nothing is owed, and whatever was suspicious
 * has been looked into: the next octets are to be told by px_watch_flows() at once. */
bool px_watch_sleeps(const struct px_watch *w, mams_time now);
/** When to look at the sockets again; never while no flow is open, or moves anything. */
mams_time px_watch_deadline(const struct px_watch *w, mams_time now);
