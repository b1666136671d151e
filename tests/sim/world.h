/** @file world.h
 *  One client and one NCM, both real cores, joined by a wire that loses, repeats and reorders, on a
 *  virtual clock.  Layer: tests.  The shells are played as they behave: POST and its reply, NCM
 *  messages by long-poll, applying takes a while. */
#pragma once

#include "ccm-agent/session.h"
#include "ncm-service/registry.h"
#include "tests/support/suite.h"

#define WORLD_EVENTS 4096

enum world_kind {
	WORLD_TO_NCM,  /**< text is a message POSTed */
	WORLD_TO_CCM,  /**< text is a reply or what a poll brought */
	WORLD_UNKNOWN, /**< the NCM answered 404 */
	WORLD_PREPARED,
	WORLD_APPLIED,
};

struct world_event {
	mams_time at;
	uint64_t order;
	enum world_kind kind;
	char *text;
};

struct world {
	mams_time now;
	struct mams_prng prng;
	unsigned loss;   /**< per mille, each direction */
	unsigned repeat; /**< per mille */
	unsigned delay_ms;
	unsigned deaf; /**< so many times the N-MADP does not answer */
	bool ncm_up;
	bool ccm_up;
	struct world_event events[WORLD_EVENTS];
	size_t n_events;
	uint64_t order;
	struct ncm_policy policy;
	struct ncm_registry *registry;
	struct ncm_saved stored; /**< what the store would hold */
	bool has_stored;
	struct ccm_session_conf conf;
	struct ccm_session ccm;
	struct ccm_target applied;
	/* seen */
	unsigned applies;
	unsigned fallbacks;
	unsigned releases;
	unsigned sends;
	bool stopped;
	int steer_code; /**< -1: no result yet */
	const char *steer_text;
	uint32_t backup; /**< downlink policy at the plugin: bits of accesses that are backup */
};

void world_init(struct world *w, uint64_t seed);
void world_fini(struct world *w);
void world_link(struct world *w, uint8_t id, bool usable, const char *address);
/** Run to now + ms. */
void world_run(struct world *w, int64_t ms);
void world_restart_ncm(struct world *w, bool with_store);
void world_restart_ccm(struct world *w);
struct ncm_session *world_session(struct world *w);
/** Is everything as it should be: both ACTIVE, and the applied paths exactly those links (bits)? */
bool world_settled(struct world *w, uint32_t links);
