/** @file session.h
 *  NCM side of one client: the state machine of the control plane.  Layer: core (no I/O, no clock).
 *  Source: seed draft 6.2 to 6.6; RFC 8743 8.3 to 8.11; requirements.md C.2.
 *
 *  input() takes what arrived, tick() that time passed; next() yields what to do, one action at a
 *  time, until it returns false.  Messages of actions are borrowed until the next call. */
#pragma once

#include "lib/base/metrics.h"
#include "lib/mx/mx_agree.h"
#include "ncm-service/madps.h"
#include "ncm-service/quality.h"

#include <stdint.h>

#define NCM_IDENTITY_MAX 128
#define NCM_KEY_MAX 96
#define NCM_ALL_CONNECTIONS ((1u << NCM_LINKS_MAX) - 1u)

#define NCM_STATES(X)                                                                              \
	X(NONE)       /* no Discover yet */                                                        \
	X(CAP_WAIT)   /* System Info given, Capability REQ under way */                            \
	X(ACK_WAIT)   /* answered the CCM's own Capability REQ */                                  \
	X(NEGOTIATED) /* capabilities agreed, waiting for links */                                 \
	X(PREPARE)    /* the N-MADP is being told of the client */                                 \
	X(SETUP_WAIT) /* UP Setup REQ under way */                                                 \
	X(ACTIVE)                                                                                  \
	X(ENDED)

#define X(s) NCM_STATE_##s,
enum ncm_state { NCM_STATES(X) NCM_STATE_COUNT };
#undef X

/** A link of the client as it reported it. */
struct ncm_link {
	bool known; /**< in the capabilities */
	int connection_type;
	bool up;
	struct mams_addr address;
	uint32_t mtu;
	enum ncm_admission admission;
	size_t access; /**< index, valid when admitted */
	bool in_setup; /**< in the last UP Setup REQ, with setup_address */
	struct mams_addr setup_address;
	bool confirmed;      /**< in the CNF */
	bool handover;       /**< being left by the client: no downlink until it says otherwise */
	bool moved;          /**< it goes on elsewhere: what is confirmed next is another link */
	char ssid[65];       /**< as the client told it with its newest setup or update; "": none */
	char node_id[65];    /**< of its base station or access point, likewise */
	uint32_t report_num; /**< sequence number of its newest Reconf REQ; 0 none */
	char secret[NCM_KEY_MAX]; /**< of IPsec (protect.h); "": none.  Secret, not stored */
};

enum ncm_action_kind {
	NCM_ACT_REPLY,      /**< msg answers the message just put in */
	NCM_ACT_SEND,       /**< msg is NCM-started */
	NCM_ACT_PREPARE,    /**< tell this N-MADP instance client and key; answer by
			       ncm_session_prepared() */
	NCM_ACT_RELEASE,    /**< the client is no longer valid at this instance */
	NCM_ACT_POLICY,     /**< downlink treatment at this instance: ncm_session_downlink() */
	NCM_ACT_PROBE,      /**< this instance is to probe this connection: ncm_estimate_order();
			       answer by ncm_session_probing() */
	NCM_ACT_STEER_DONE, /**< to who asked for steering */
	NCM_ACT_STORE,      /**< what a restart must know has changed */
	NCM_ACT_STATE,      /**< for the log */
	NCM_ACT_LINK,       /**< for the log: admission of link was decided, or it went or came */
	NCM_ACT_AGREED,     /**< for the log: drops and what is agreed */
	NCM_ACT_ASSIGNED,   /**< for the log: anchor has instance madp; -1: none, text says why */
	NCM_ACT_ORDERED,    /**< for traces: the policy has given s->steer.order */
	NCM_ACT_DECIDED,    /**< for the log: ncm_steerer_record() of a class has news */
	NCM_ACT_END,        /**< the session is over; free it */
};

struct ncm_action {
	enum ncm_action_kind kind;
	const struct mx_msg *msg;
	uint64_t request; /**< STEER_DONE */
	int code;         /**< STEER_DONE: 0 or an enum mams_err */
	const char *text; /**< STEER_DONE, STATE: static words */
	enum ncm_state from;
	enum ncm_state to;
	uint8_t connection_id; /**< LINK, PROBE */
	uint8_t anchor;        /**< ASSIGNED: index */
	uint8_t decided;       /**< DECIDED: index of the class */
	int madp;              /**< PREPARE, RELEASE, POLICY, PROBE, ASSIGNED: index */
};

#define NCM_ACTIONS_MAX 64u

struct ncm_counters {
	uint64_t messages;
	uint64_t repeated;
	uint64_t wrong_direction;
	uint64_t wrong_state;
	uint64_t wrong_value;
	uint64_t unmatched;
	uint64_t not_admitted;
	uint64_t retries_spent;
	uint64_t sessions_created;
	uint64_t sessions_ended;
	uint64_t unknown_members;
	uint64_t variants;
	uint64_t actions_lost;
	uint64_t measurement_reports;
	uint64_t madp_full;
	uint64_t madp_none;
	uint64_t madp_moves;
	uint64_t handovers;
	uint64_t redirects;
	uint64_t path_results;
	uint64_t path_estimations;
	uint64_t probes_put_off;
	uint64_t associations;
	uint64_t associations_refused;
	uint64_t policy_decisions;
	uint64_t policy_orders;
	uint64_t policy_refused;
	uint64_t quality_reports;
	uint64_t quality_unknown;
	uint64_t quota_octets;
};
extern const struct mams_metric ncm_counter_rows[];
extern const size_t ncm_n_counter_rows;

/** One anchor connection of a session, as it survives a restart. */
struct ncm_saved_anchor {
	bool used;               /**< agreed */
	uint8_t id;              /**< connection id */
	char madp[NCM_NAME_MAX]; /**< instance; "": none */
	uint32_t dl, ul;         /**< bits of connection ids */
	uint8_t ul_mode;         /**< GMA: 1 + enum mx_mode; 0: as the features say */
	uint8_t dl_mode;
	uint32_t off; /**< agreed features that steering has switched off */
	bool held;    /**< an operator has steered it: the policy leaves it alone */
};

/** One direction of an application's traffic, as steered. */
struct ncm_app_way {
	uint32_t links; /**< bits of connection ids; 0: as configured */
	uint8_t first;  /**< of links: preferred */
	uint8_t mode;   /**< 1 + enum mx_mode; 0: the first carries, the others stand by */
};

/** Traffic of an application that was steered apart from its anchor with GMA. */
struct ncm_saved_app {
	char name[NCM_NAME_MAX]; /**< of the policy's application; "": none */
	struct ncm_app_way dl, ul;
	bool held; /**< likewise */
};

/** What a trailer MADP has given the client of a session. */
struct ncm_tunnel {
	char secret[NCM_KEY_MAX];          /**< base64 */
	struct mams_addr anchor4, anchor6; /**< the client's addresses inside; at least one */
	uint16_t port;                     /**< UDP, of this session; 0: not yet known */
};

/** What a client has used of an access's quota. */
struct ncm_used {
	char access[NCM_NAME_MAX]; /**< "": none */
	uint64_t octets;
	uint64_t until; /**< end of the period, seconds since 1970 */
};

/** What survives a restart of the NCM. */
struct ncm_saved {
	char identity[NCM_IDENTITY_MAX];
	uint64_t session_id;
	char client_key[NCM_KEY_MAX]; /**< secret */
	bool active;
	uint32_t features;    /**< agreed, bits of enum mx_feature */
	uint32_t convergence; /**< agreed, bits of enum mx_convergence */
	uint32_t adaptation;  /**< agreed, bits of enum mx_adaptation */
	struct ncm_saved_anchor anchors[NCM_ANCHORS_MAX]; /**< in the policy's order */
	struct ncm_saved_app apps[NCM_APPS_MAX];
	struct ncm_tunnel tunnel; /**< of the anchor with GMA; secret "": none yet */
	struct ncm_link links[NCM_LINKS_MAX];
	struct ncm_used used[NCM_LINKS_MAX];
};

#define NCM_MEASURED_MAX 8u

/** The newest values of one measurement of one link. */
struct ncm_measured {
	int64_t value[NCM_MEASURED_MAX];
	size_t n, next;
	mams_time last, before;
};

/** The instance of one anchor connection. */
struct ncm_anchor_use {
	int madp;         /**< index; -1: none */
	uint32_t leaving; /**< bits of instances that the next confirmation releases */
	bool refused;     /**< it needs an instance and there is none */
	/* near.h: */
	bool has_far, has_moved;
	mams_time far_since; /**< another instance is nearer */
	mams_time moved;     /**< it was told to go to a nearer one */
};

struct ncm_appreq;
struct ncm_steerer;
struct ncm_feed;

/** What the client has found of a path last (seed 6.5). */
struct ncm_path {
	bool has_init, has_active;
	mams_time init_at, active_at;
	double lost_percent, rate_mbps;
	uint32_t delay_us; /**< one way; 0: not told */
	double active_mbps;
};

/** Estimations of a connection. */
struct ncm_probing {
	bool on;
	bool active; /**< it may carry user data */
	bool busy;   /**< it does, as far as is known: the next estimation is of the active phase */
	bool once;   /**< it has been estimated since it was set up */
	mams_time next;
	mams_time paid; /**< when the budget has earned what was spent */
};

/** A steering order. */
struct ncm_order {
	size_t anchor;         /**< index */
	uint8_t configuration; /**< MX configuration; 0: the anchor's whole user plane */
	uint32_t dl, ul;       /**< bits of connection ids */
	uint8_t ul_mode;       /**< 1 + enum mx_mode; 0: as the features say */
	uint8_t dl_mode;
	uint32_t off; /**< agreed features that are not to be used */
	uint8_t app;  /**< 1 + index of an application whose traffic alone is steered; lists, modes
		       * and features are the anchor's own then.  0: the anchor's */
	struct ncm_saved_app steered; /**< app: how its traffic goes; name "": as configured */
};

struct ncm_session {
	const struct ncm_policy *policy;
	struct ncm_counters *counters;
	struct ncm_madps *madps;
	const struct ncm_feed *feed; /**< what the network says; NULL: nothing */
	const int64_t *wall_more;    /**< microseconds since 1970, less now; NULL: 0 */
	struct ncm_saved s;
	enum ncm_state state;
	struct mx_exchange exchange;
	mams_time last_heard;
	mams_time seen; /**< the client is at the transport, whether it has said something or not */
	bool away;      /**< taken up from a store, and the client has not come since */
	bool modern;    /**< it has shown something of RFC 8743: keep-alives must be answered */
	mams_time created;
	enum ncm_transport transport; /**< that the client used last */
	mams_time patience; /**< CAP_WAIT, ACK_WAIT: the client has to say something by then; NEVER:
			     *   an own request is open */
	mams_time assume_at; /**< a client of the seed has not reported its links: they are taken to
				be up; NEVER */
	mams_time gather_until;  /**< UP setup is due then; NEVER when none is wanted */
	mams_time prepare_again; /**< in PREPARE: the N-MADP has not answered, it is told again */
	uint32_t again_ms;       /**< patience with links that a CNF left out; doubles */
	struct ncm_anchor_use anchor[NCM_ANCHORS_MAX];
	uint32_t tunnelled; /**< bits of links that the client has in it */
	uint32_t left;      /**< bits of trailers that have it until leave_at: what is on its way */
	mams_time leave_at;
	bool setup_stale;  /**< the setup under way tells what is true no longer: another follows */
	uint32_t prepared; /**< bits of instances that know the client */
	uint32_t far;      /**< bits of instances that others are nearer than (near.h) */
	uint32_t told;     /**< bits of instances that may have connections of it */
	struct mx_offer offer; /**< of the client */
	struct mx_drop drops[MX_DROPS_MAX];
	size_t n_drops;
	struct {
		bool open;
		bool held;       /**< not yet asked of the client: its user plane is being set up */
		mams_time until; /**< held no longer than this */
		uint64_t request;
		bool again; /**< the session's own lists, for flows of applications */
		struct ncm_order order;
	} steer;
	struct ncm_appreq *app; /**< NULL: no flows are associated */
	uint32_t flows_due;     /**< bits of anchors whose client must be told flows (again) */
	uint32_t flows_told;    /**< it was, by lists of their own */
	struct ncm_measured *measured[NCM_LINKS_MAX]; /**< [MX_M_COUNT] each; NULL: none yet */
	bool advised;
	struct ncm_path path[NCM_LINKS_MAX];
	struct ncm_quality quality[NCM_LINKS_MAX];
	struct ncm_probing probe[NCM_LINKS_MAX];
	struct ncm_steerer *steerer; /**< NULL: only operators steer */
	uint16_t probe_port;         /**< where the client expects probes; 0: nowhere */
	const struct mx_msg *reply;
	struct ncm_action queue[NCM_ACTIONS_MAX];
	size_t head, n;
};

/** @param saved  identity, session_id and client_key are set; with active = true the session goes
 *                on where it was before a restart
 *  @param first  random first sequence number */
struct ncm_session *ncm_session_new(const struct ncm_policy *p, struct ncm_counters *c,
	struct ncm_madps *madps, const struct ncm_saved *saved, uint32_t first, mams_time now);
/** Gives its place at the instances back, and wipes the key; accepts NULL. */
void ncm_session_free(struct ncm_session *s);

/** A message of this session's client, whose identity and session id the caller has checked.
 *  @return 0, -MAMS_ESTATE (E6), -MAMS_EVALUE (E7), -MAMS_EUNKNOWN (E8), -ENOMEM */
MAMS_MUST int ncm_session_input(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** The instance knows the client's key (after NCM_ACT_PREPARE).
 *  @param tunnel  of a trailer MADP; NULL: a proxy */
void ncm_session_prepared(
	struct ncm_session *s, size_t madp, const struct ncm_tunnel *tunnel, mams_time now);
/** The instance knows the client from before a restart, or from another NCM: the next confirmation
 *  releases it there, unless an anchor has it. */
void ncm_session_holds(struct ncm_session *s, size_t madp);
/** The client has come to wait for messages of ours (its long-poll).  That tells what a Keep-Alive
 *  RSP tells. */
void ncm_session_seen(struct ncm_session *s, mams_time now);
/** Instances have come, gone or been drained: whoever has to move, or can at last be served, is set
 *  up anew.  @param when  not before; spreads a crowd */
void ncm_session_review(struct ncm_session *s, mams_time when);
/** Of the instances that could serve it, those whose paths are worse (near.h): an anchor that is at
 *  one of them moves.  @param when  not before */
void ncm_session_far(struct ncm_session *s, uint32_t far, mams_time when);
/** Start a steering transaction, at once or, while a running user plane is being set up anew, after
 *  that; the result comes by NCM_ACT_STEER_DONE with this request number.
 *  @return 0, -MAMS_ESTATE, -MAMS_EVALUE; err->text says why */
MAMS_MUST int ncm_session_steer(struct ncm_session *s, uint64_t request,
	const struct ncm_order *order, mams_time now, struct mams_error *err);
/** Tell the client the lists that an anchor (index) has, and its flows of applications (RFC 8743
 *  8.8).  @return false when that cannot be now */
bool ncm_session_steer_again(struct ncm_session *s, size_t anchor, mams_time now);
/** Estimate these connections (bits) now, out of turn.
 *  @return false: none of them can be */
bool ncm_session_probe(struct ncm_session *s, uint32_t links, mams_time now);
/** The instance is ready to probe this connection, or has no room (after NCM_ACT_PROBE). */
void ncm_session_probing(struct ncm_session *s, uint8_t id, bool ready, mams_time now);
/** What runs over a connection was measured, at most once a second: whoever decides by it listens
 *  here.  @param id  below NCM_LINKS_MAX */
void ncm_session_quality(struct ncm_session *s, uint8_t id, enum ncm_quality_source from,
	const struct ncm_way_report *ul, const struct ncm_way_report *dl, mams_time now);
/** End it from our side. */
void ncm_session_terminate(struct ncm_session *s, int reason, mams_time now);

void ncm_session_tick(struct ncm_session *s, mams_time now);
mams_time ncm_session_deadline(const struct ncm_session *s);
bool ncm_session_next(struct ncm_session *s, struct ncm_action *out);

/** Backup flag of each proxy address of an instance on this session's accesses, for its plugin;
 *  also of an instance that the session has left, for what still runs there.
 *  @param local   [NCM_LINKS_MAX], filled with proxy addresses, port 0
 *  @return how many */
size_t ncm_session_downlink(const struct ncm_session *s, size_t madp, struct mams_addr *local,
	bool backup[NCM_LINKS_MAX]);
/** Connection ids as bits: those that an anchor (index) has in the user plane now. */
uint32_t ncm_session_deliveries(const struct ncm_session *s, size_t anchor);
/** Those that a setup made now would name for it. */
uint32_t ncm_session_carriers(const struct ncm_session *s, size_t anchor);
/** Of the convergence methods, the bits that an anchor (index) has; 0: control plane only. */
uint32_t ncm_session_methods(const struct ncm_session *s, size_t anchor);
const char *ncm_state_name(enum ncm_state s);

/* ---- between the sources of the session ---- */

void ncm_session_push(struct ncm_session *s, struct ncm_action a);
void ncm_session_to(struct ncm_session *s, enum ncm_state to, const char *reason);
/** The downlink treatment has changed, wherever the client may have connections. */
void ncm_session_policy(struct ncm_session *s);
/** The user plane stands: a steering order that waited for it goes out. */
void ncm_session_set_up(struct ncm_session *s, mams_time now);
/** It is over, for this reason. */
void ncm_session_end(struct ncm_session *s, const char *reason);
/** What a restart must know has changed. */
void ncm_session_store(struct ncm_session *s);
/** Answer a request; the answer is remembered.
 *  @param response  consumed; NULL: -ENOMEM */
MAMS_MUST int ncm_session_reply(
	struct ncm_session *s, const struct mx_msg *request, struct mx_msg *response);
