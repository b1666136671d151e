/** @file world.h
 *  Clients and one NCM, all real cores, joined by a wire that loses, repeats and reorders, on a
 *  virtual clock.  Layer: tests.  The shells are played as they behave: POST and its reply, NCM
 *  messages by long-poll, applying takes a while. */
#pragma once

#include "ccm-agent/session.h"
#include "lib/base/buf.h"
#include "lib/base/timerq.h"
#include "ncm-service/estimate.h"
#include "ncm-service/registry.h"
#include "ncm-service/traced.h"
#include "tests/support/suite.h"

struct world_client {
	char identity[NCM_IDENTITY_MAX];
	bool up;
	struct ccm_session ccm;
	struct mams_timer timer; /**< of its CCM's deadline */
	struct ccm_target applied;
	struct ncm_saved stored; /**< what the store would hold */
	bool has_stored;
	unsigned deaf;   /**< so many times the N-MADP does not answer */
	uint32_t broken; /**< links, as bits, that cannot be set up */
	/* seen */
	unsigned applies;
	unsigned fallbacks;
	unsigned releases;
	bool stopped;
	unsigned redirects;
	int steer_code; /**< -1: no result yet */
	const char *steer_text;
	uint32_t need; /**< newest verdict on a need */
	int verdict;   /**< enum ccm_verdict; -1: none yet */
	const char *verdict_text;
	unsigned analytics; /**< answers, and reports that there is none */
	const char *analytics_text;
	uint32_t backup; /**< downlink policy at the plugin: bits of accesses that are backup */
	struct ncm_probe_order
		probe[NCM_LINKS_MAX];   /**< newest order to its N-MADP, by connection */
	unsigned probes[NCM_LINKS_MAX]; /**< such orders */
	unsigned busy;                  /**< so many of them are put off */
	unsigned moved; /**< times that an instance was released while the session went on */
};

/** A trace of a client's session at the NCM. */
struct world_trace {
	struct ncm_traced traced;
	struct mams_buf lines; /**< JSON */
};

struct world {
	mams_time now;
	struct mams_prng prng;
	unsigned loss;   /**< per mille, each direction */
	unsigned repeat; /**< per mille */
	unsigned delay_ms;
	bool by_copy; /**< messages travel as they are, not as JSON: three times as fast */
	bool ncm_up;
	bool hold_replies; /**< the NCM hears, and is not heard */
	bool seed_ncm;     /**< the NCM knows nothing of RFC 8743: no session ids, no keep-alives */
	bool seed_only;    /**< the clients know nothing of RFC 8743 but how to write */
	bool serves_elsewhere; /**< it answers Discovers, and has no sessions */
	/** What goes on the wire, before it is lost or not; NULL: nobody looks.
	 *  @return false: it does not arrive */
	bool (*tap)(void *user, bool from_ccm, const struct mx_msg *m);
	void *tap_user;
	struct world_trace *trace; /**< NULL: nobody watches */
	struct ncm_policy policy;
	struct ncm_madp_conf madps[3];     /**< one, unless policy.n_madps says more */
	struct ncm_anchor_conf anchors[2]; /**< likewise, at most 2 */
	bool madp_away[3];
	uint16_t tunnel_port; /**< what a trailer says, when the policy makes an instance one */
	struct ncm_registry *registry;
	struct ccm_session_conf conf;
	struct mams_timerq timers; /**< of messages under way and of the clients */
	struct world_client *clients;
	size_t n_clients;
	/* seen */
	uint64_t sends;
	uint64_t turns; /**< of timers, either side */
};

/** @param n  clients, all started */
void world_init(struct world *w, uint64_t seed, size_t n);
/** With so many N-MADP instances and anchors: all instances have addresses of their own, the
 *  second anchor no convergence. */
void world_init_with(struct world *w, uint64_t seed, size_t n, size_t madps, size_t anchors);
/** What its operator has decided; world_init() calls it. */
void world_policy(struct world *w, size_t n_madps, size_t n_anchors);
void world_fini(struct world *w);
void world_link(
	struct world *w, struct world_client *c, uint8_t id, bool usable, const char *address);
/** Run to now + ms. */
void world_run(struct world *w, int64_t ms);
/** Its proxy is connected to the NCM, or gone. */
void world_madp(struct world *w, size_t i, bool up);
void world_drain(struct world *w, size_t i, bool drain);
void world_restart_ncm(struct world *w, bool with_store);
void world_restart_ccm(struct world *w, struct world_client *c);
struct ncm_session *world_session(const struct world *w, const struct world_client *c);
/** A message from outside of the cores, as the transports would hand it in: to the NCM in the name
 * of c's identity, whatever session it names, or to c's CCM. */
void world_to_ncm(struct world *w, struct world_client *c, const struct mx_msg *m);
void world_to_ccm(struct world *w, struct world_client *c, const struct mx_msg *m);
/** Is everything as it should be: both ACTIVE, and the applied paths exactly those links (bits)? */
bool world_settled(const struct world *w, const struct world_client *c, uint32_t links);
/** An instance answers, as a proxy or as a trailer. */
void world_prepared(const struct world *w, struct ncm_session *s, size_t madp);
/** What a client or an NCM of the seed would have sent. */
void world_forget_rfc8743(struct mx_msg *m);
/** For docs/coverage.md: into the file named by MAMS_TRACE, when it is. */
void world_write(bool from_ccm, const char *text);

/* What the watched session is given next: */
void world_trace_message(
	const struct world *w, const struct ncm_session *s, const struct mx_msg *m);
/** @param in  NULL: only time */
void world_trace_input(
	const struct world *w, const struct ncm_session *s, const struct ctl_trace_input *in);
/** What it does. */
void world_trace_action(
	const struct world *w, const struct ncm_session *s, const struct ncm_action *a);
/** The first client's two links come up, in networks of their own. */
void world_up(struct world *w);
/** Of the first client: the instance that serves an anchor; "-": none. */
const char *world_at_madp(const struct world *w, size_t anchor);
/** Of the first client: last octet of the proxy addresses that new connections take, when all are
 *  the same; else 0. */
unsigned world_catches_by(const struct world *w);
/** Of the first client: paths that new connections do not take. */
size_t world_retired_paths(const struct world *w);
