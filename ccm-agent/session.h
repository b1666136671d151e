/** @file session.h
 *  CCM side of the control plane: state machine and the user plane it wants.  Layer: core (no I/O,
 *  no clock).  Source: seed draft 6.2 to 6.6; RFC 8743 8.3 to 8.11; requirements.md C.1.
 *
 *  input() takes what arrived, link() that a link changed, tick() that time passed; next() yields
 *  what to do, one action at a time.  Messages of actions are borrowed until the next call. */
#pragma once

#include "ccm-agent/associate.h"
#include "ccm-agent/estimate.h"
#include "ccm-agent/heard.h"
#include "ccm-agent/measure.h"
#include "ccm-agent/plan.h"
#include "lib/base/metrics.h"
#include "lib/mx/mx_agree.h"
#include "lib/mx/mx_exchange.h"

#define CCM_STATES(X)                                                                              \
	X(IDLE)                                                                                    \
	X(DISCOVERING)                                                                             \
	X(INFO)       /* System Info received, waiting for the NCM's Capability REQ */             \
	X(CAP_SENT)   /* asked ourselves (RFC 8743's flow) */                                      \
	X(NEGOTIATED) /* links reported, waiting for the UP setup */                               \
	X(ACTIVE)                                                                                  \
	X(HANDOVER) /* uplink held until the NCM has answered */                                   \
	X(STOPPING)                                                                                \
	X(STOPPED)

#define X(s) CCM_STATE_##s,
enum ccm_state { CCM_STATES(X) CCM_STATE_COUNT };
#undef X

enum ccm_unit { CCM_UNIT_MS, CCM_UNIT_S };

struct ccm_session_conf {
	const char *mcc_mnc_tuple; /**< NULL: not sent */
	struct mx_timing timing;
	uint32_t discovery_ms;      /**< MAMS_DISCOVERY_PERIOD, +-20 % */
	uint32_t discovery_slow_ms; /**< after 12 tries */
	int initiator;              /**< enum mx_initiator */
	uint32_t cap_wait_ms;
	uint32_t keep_alive_ms; /**< MAMS_KEEP_ALIVE_TIMEOUT */
	uint32_t fallback_ms;   /**< without a word of the NCM; 0: never */
	uint32_t retire_ms; /**< paths to an N-MADP instance that was left are kept; 0: no limit */
	uint32_t features;  /**< offered, bits of enum mx_feature */
	uint32_t convergence; /**< offered, bits of enum mx_convergence */
	bool ipsec;           /**< offered */
	bool client_nat;      /**< offered, for GMA */
	uint16_t probe_port;  /**< UDP, of MX Control PDUs on every link */
	bool strict_schema;   /**< results of a path estimation as C.3.17 is printed */
	int analytics_unit;   /**< enum ccm_unit, of jitter and latency that the NCM predicts */
	const struct ccm_link_conf *links;
	size_t n_links;
};

enum ccm_action_kind {
	CCM_ACT_SEND,      /**< POST msg to the NCM */
	CCM_ACT_APPLY,     /**< ccm_session_wanted() has changed; answer by ccm_session_applied() */
	CCM_ACT_STATE,     /**< for the log */
	CCM_ACT_FALLBACK,  /**< for the log: back to the plain network */
	CCM_ACT_AGREED,    /**< for the log: what is agreed, and drops */
	CCM_ACT_REDIRECT,  /**< the NCM has no session for us and names other endpoints: go there */
	CCM_ACT_NEED,      /**< what became of an application's need */
	CCM_ACT_ANALYTICS, /**< app.analytics is new, or text says why there is none */
	CCM_ACT_SIGNAL,    /**< for the log: the signal of link fades, or no more */
	CCM_ACT_STOPPED,   /**< after ccm_session_stop(): nothing more to wait for */
};

struct ccm_action {
	enum ccm_action_kind kind;
	const struct mx_msg *msg;
	enum ccm_state from;
	enum ccm_state to;
	const char *text;         /**< NEED, ANALYTICS: NULL or static words */
	uint32_t need;            /**< NEED: its id */
	uint8_t link;             /**< SIGNAL */
	enum ccm_verdict verdict; /**< NEED */
};

#define CCM_ACTIONS_MAX 48u
#define CCM_ALL_CONNECTIONS ((1u << CCM_LINKS_MAX) - 1u)

struct ccm_counters {
	uint64_t messages;
	uint64_t repeated;
	uint64_t wrong_direction;
	uint64_t wrong_state;
	uint64_t wrong_value;
	uint64_t unmatched;
	uint64_t unanswered;
	uint64_t fallbacks;
	uint64_t discovers;
	uint64_t setups;
	uint64_t steerings;
	uint64_t steerings_refused;
	uint64_t actions_lost;
	uint64_t unknown_members;
	uint64_t variants;
	uint64_t measurement_reports;
	uint64_t measures_left_out;
	uint64_t moves;
	uint64_t handovers;
	uint64_t fadings;
	uint64_t redirects;
	uint64_t redirects_refused;
	uint64_t probes_refused;
	uint64_t paths_silent;
	uint64_t paths_plain;
	uint64_t probes_received;
	uint64_t probes_strange;
	uint64_t estimations;
	uint64_t estimations_silent;
	uint64_t estimation_results;
	uint64_t needs;
	uint64_t associations;
	uint64_t associations_refused;
};
extern const struct mams_metric ccm_counter_rows[];
extern const size_t ccm_n_counter_rows;

/** A link as the session knows it. */
struct ccm_session_link {
	const struct ccm_link_conf *conf; /**< NULL: not configured */
	struct ccm_link_state now;
	struct ccm_link_state sent; /**< as last reported */
	uint32_t open;              /**< sequence number of the report under way; 0 none */
	struct mams_addr known;     /**< address that the NCM has acknowledged */
	/* of the last UP setup */
	bool admitted; /**< some anchor names it */
	struct mams_addr admitted_address;
	/* the path over which the proxy hears nothing any more; unset: none */
	struct mams_addr silent_local;
	struct mams_addr silent_proxy;
	/* the path whose network strips MPTCP, and until when that is remembered */
	struct mams_addr plain_local;
	struct mams_addr plain_proxy;
	mams_time plain_until;
	struct ccm_fade fade; /**< its signal */
	struct ccm_heard heard;
	mams_time heard_at;
	bool moved;    /**< the NCM has to be told of its network */
	bool left;     /**< the NCM has been told that we leave it */
	bool restored; /**< and has to be told that we do no more */
};

#define CCM_ANCHORS_MAX 4u
#define CCM_RETIRED_MAX 3u

/** A link as one anchor uses it. */
struct ccm_lane {
	bool named;
	uint8_t configuration;  /**< MX configuration; 0: it had no id */
	struct mams_addr proxy; /**< or tunnel's end; with port; unset: no convergence */
	uint16_t control_port;  /**< UDP, of MX Control PDUs there; 0: none */
	bool protect;           /**< by IPsec */
	bool nat;               /**< which may have to go through one */
	char secret[CCM_SECRET_MAX];
	bool dtls;       /**< the tunnel is one with DTLS */
	bool client_nat; /**< there is none, but client NAT */
};

/** An anchor connection of the last UP setup. */
struct ccm_anchor {
	bool used;
	uint8_t id;
	int type;       /**< enum mx_connection_type */
	bool proxied;   /**< by MPTCP_Proxy */
	bool tunnelled; /**< by GMA; neither: control plane only */
	uint32_t group; /**< of its paths: another one with another N-MADP instance */
	struct ccm_lane lane[CCM_LINKS_MAX];
	uint32_t dl, ul; /**< bits of connection ids; others are backup */
	uint8_t first;   /**< of ul: default_uplink_delivery, when steered */
	bool steered;
	uint8_t ul_mode, dl_mode; /**< tunnelled: 1 + enum mx_mode; 0: as the features say */
	uint32_t off;             /**< agreed features that steering has switched off */
	char client_key[CCM_KEY_MAX];
	struct ccm_inside inside; /**< tunnelled */
	struct ccm_class
		classes[CCM_TUNNEL_CLASSES]; /**< tunnelled: flows with links of their own */
	size_t n_classes;
};

/** An IPsec association that stands. */
struct ccm_sa {
	uint8_t anchor_id;
	uint8_t connection_id;
	struct mams_addr local;
	struct mams_addr proxy; /**< without port */
};

/** Paths to an N-MADP instance that an anchor has left: what runs there finishes. */
struct ccm_retired {
	uint32_t group; /**< 0: none */
	mams_time until;
	struct mams_addr local[CCM_LINKS_MAX];
	struct mams_addr proxy[CCM_LINKS_MAX]; /**< unset: not over this link */
	uint32_t dl, ul;
};

#define CCM_SSIDS_MAX 16u

/** A network that the NCM advises (RFC 8743 8.9). */
struct ccm_ssid {
	int type; /**< enum mx_ssid_type */
	char id[65];
};

struct ccm_session {
	const struct ccm_session_conf *conf;
	struct ccm_counters counters;
	enum ccm_state state;
	struct mx_exchange exchange;
	bool has_id;
	struct mx_session_id id;
	uint64_t random; /**< state of the jitter's generator */
	mams_time last_heard;
	mams_time reached; /**< the NCM has answered at the transport, whatever it said */
	bool modern;       /**< it has shown something of RFC 8743: keep-alives must be answered */
	mams_time timer;   /**< DISCOVERING: next Discover; INFO: CAP_WAIT; STOPPING: give up */
	uint32_t discover_tries;
	uint32_t features; /**< agreed */
	uint32_t convergence;
	uint32_t adaptation;
	struct mx_offer offer; /**< of the NCM */
	struct mx_drop drops[MX_DROPS_MAX];
	size_t n_drops;
	uint32_t unwanted; /**< bits of links that the NCM has no access for */
	struct ccm_anchor anchor[CCM_ANCHORS_MAX];
	struct ccm_retired retired[CCM_RETIRED_MAX];
	struct ccm_sa sas[CCM_ASSOCS_MAX];
	size_t n_sas;
	uint8_t handover;   /**< HANDOVER: of this link */
	unsigned redirects; /**< followed since a session stood */
	struct ccm_session_link link[CCM_LINKS_MAX];
	bool set_up;              /**< a user plane is wanted */
	bool tunnel_carries;      /**< the host's packets go into the trailer's tunnel */
	bool fallen_back;         /**< no new connections; running ones finish */
	struct mx_msg *setup_req; /**< not yet answered: being applied */
	struct mx_msg *steer_req;
	bool steer_refused;
	uint32_t off; /**< features of the session that steering has switched off */
	struct ccm_measures measures;
	struct ccm_estimate estimate[CCM_LINKS_MAX];
	struct ccm_ssid ssids[CCM_SSIDS_MAX];
	size_t n_ssids;
	struct ccm_associate app;
	struct ccm_action queue[CCM_ACTIONS_MAX];
	size_t head, n;
};

/** @param conf    borrowed
 *  @param seed    of sequence numbers and jitter; not 0 */
void ccm_session_init(struct ccm_session *s, const struct ccm_session_conf *conf, uint64_t seed);
void ccm_session_fini(struct ccm_session *s); /**< wipes the key */

/** Begin: discover as soon as a link is usable. */
void ccm_session_start(struct ccm_session *s, mams_time now);
/** End: Termination REQ, and an empty user plane at once; CCM_ACT_STOPPED follows. */
void ccm_session_stop(struct ccm_session *s, mams_time now);
void ccm_session_link(struct ccm_session *s, uint8_t connection_id,
	const struct ccm_link_state *state, mams_time now);
/** @return 0, -MAMS_ESTATE (E6), -MAMS_EVALUE (E7), -MAMS_EUNKNOWN (E8), -ENOMEM */
MAMS_MUST int ccm_session_input(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** The NCM does not know our session (E4): discover again, user plane untouched. */
void ccm_session_unknown(struct ccm_session *s, mams_time now);
/** A link was measured; @param type  enum mx_measurement_type.  Reports follow by tick(). */
void ccm_session_measured(struct ccm_session *s, uint8_t connection_id, int type, int64_t value);
/** The shortest period in which values are wanted; 0: none are. */
uint32_t ccm_session_measure_ms(const struct ccm_session *s);
/** What CCM_ACT_APPLY asked for is done.
 *  @param ok     bits of the connection ids that work
 *  @param ports  [CCM_LINKS_MAX]: UDP ports of the tunnel's links that work, else 0; NULL: none */
void ccm_session_applied(struct ccm_session *s, uint32_t ok, const uint16_t *ports, mams_time now);
/** Nothing comes back over a path of the proxy, though its link is up; or something does again.
 *  @param proxy  with port
 *  @return is this news? */
bool ccm_session_path(struct ccm_session *s, uint8_t connection_id, const struct mams_addr *local,
	const struct mams_addr *proxy, bool silent);
bool ccm_session_is_silent(const struct ccm_session *s, uint8_t connection_id);
/** The proxy that knew what is wrong with its paths is gone. */
void ccm_session_forget_paths(struct ccm_session *s);
/** After a fallback: no flow runs through the proxy any more. */
void ccm_session_drained(struct ccm_session *s);
/** The N-MADP has been unreachable for too long: back to the plain network, try again later. */
void ccm_session_madp_lost(struct ccm_session *s, mams_time now);
/** The signal of a link (RSSI, RSRP). */
void ccm_session_signal(struct ccm_session *s, uint8_t connection_id, int dbm, mams_time now);
/** The platform tells a signal of a link, any that is measured.
 *  @param type  enum mx_measurement_type
 *  @return 0, -MAMS_EUNKNOWN (no such link), -MAMS_EVALUE (it has no such signal) */
MAMS_MUST int ccm_session_told(
	struct ccm_session *s, uint8_t connection_id, int type, int dbm, mams_time now);
/** An access is about to be left (RFC 8743 8.3.2 Handover). */
void ccm_session_handover(struct ccm_session *s, uint8_t connection_id, mams_time now);

/** The NCM has answered a poll that it held for our session, without a message.  That tells what a
 *  Keep-Alive RSP tells. */
void ccm_session_reached(struct ccm_session *s, mams_time now);

void ccm_session_tick(struct ccm_session *s, mams_time now);
mams_time ccm_session_deadline(const struct ccm_session *s);
bool ccm_session_next(struct ccm_session *s, struct ccm_action *out);

/** The user plane as it should be now (routes are left to ccm_plan_routes()). */
void ccm_session_wanted(const struct ccm_session *s, struct ccm_target *out);
/** Does the NCM hold a session of ours that can be polled for? */
bool ccm_session_polls(const struct ccm_session *s);
/** Is it in a state in which links are reported? */
bool ccm_session_reports(const struct ccm_session *s);
/** Bits of the configured links. */
uint32_t ccm_session_links(const struct ccm_session *s);
const char *ccm_state_name(enum ccm_state s);

/* ---- between the sources of the session ---- */

void ccm_session_push(struct ccm_session *s, struct ccm_action a);
void ccm_session_to(struct ccm_session *s, enum ccm_state to, const char *reason);
/** The user plane is no longer as it is wanted. */
void ccm_session_apply(struct ccm_session *s);
/** Answer a request; the answer is remembered.
 *  @param response  consumed; NULL: -ENOMEM */
MAMS_MUST int ccm_session_answer(
	struct ccm_session *s, const struct mx_msg *request, struct mx_msg *response);
uint64_t ccm_session_draw(struct ccm_session *s); /**< by chance */
/** What waits for the user plane waits no longer. */
void ccm_session_drop_pending(struct ccm_session *s);
