/** @file steer.h
 *  Which links carry a class of traffic: what is known of them goes in, a decision comes out.
 *  Layer: steer (pure: no session, no clock, no memory).
 *  Source: seed 6.5, 6.6 (Traffic Steering by measurements and policies); modes by their names in
 *  3GPP TS 23.501 5.32.8 (ATSSS).
 *
 *  A decision depends on struct steer_class and struct steer_input alone, so a record of both
 *  (record.h) gives the same decision again.
 *
 *  What a mode becomes, in GMA and in MPTCP_Proxy, which knows lists only:
 *
 *  | mode             | GMA                                        | MPTCP_Proxy                 |
 *  |------------------|--------------------------------------------|-----------------------------|
 *  | active-standby   | the best; the others stand behind it       | the same: they are backup   |
 *  | smallest-delay   | all good ones, per packet by delay         | the one of smallest delay   |
 *  | load-balancing   | all but harmful ones, packets split        | the same, by the kernel     |
 *  | priority-based   | the best, and the next while it is full;   | the same, by the kernel     |
 *  |                  | of an application all, by its scheduler    |                             |
 *  | redundant        | all good ones, every packet on each        | all good ones, each octet   |
 *  |                  |                                            | once: MPTCP repeats nothing |
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEER_LINKS_MAX 16u

enum steer_mode {
	STEER_ACTIVE_STANDBY,
	STEER_SMALLEST_DELAY,
	STEER_LOAD_BALANCING,
	STEER_PRIORITY_BASED,
	STEER_REDUNDANT,
	STEER_MODES,
};

/** Why a link carries nothing in one direction; in the order of enum steer_tier. */
enum steer_reason {
	STEER_R_CARRIES,
	STEER_R_STANDBY,     /**< good, but another goes first */
	STEER_R_BATTERY,     /**< good, but the client's battery is low: one carries */
	STEER_R_HARM_DELAY,  /**< with it the set would be worse than without (steer_harm()) */
	STEER_R_HARM_LOSS,   /**< likewise */
	STEER_R_HARM_BLOAT,  /**< likewise: its queue is full */
	STEER_R_HARM_RATE,   /**< likewise: TCP is slower with it than over the best alone */
	STEER_R_HARM_LITTLE, /**< it adds next to nothing, and may cost more */
	STEER_R_PROBATION,   /**< it has come back a moment ago */
	STEER_R_NEAR,        /**< its quota is nearly used up */
	STEER_R_DELAY,       /**< above the class's delay_max */
	STEER_R_LOSS,        /**< above loss_max */
	STEER_R_RATE,        /**< below rate_min */
	STEER_R_CROWDED,     /**< the network says that its cell is */
	STEER_R_SPENT,       /**< its quota is */
	STEER_R_FADING,      /**< it is about to go, as the client or the network says */
	STEER_R_MAINTENANCE, /**< the network is about to switch it off */
	STEER_R_DEAD,        /**< up, and half of what goes in or more is lost */
	STEER_R_NOT_READY,   /**< down, not set up, or being left by the client */
	STEER_REASONS,
};

/* Figures count for so long; afterwards a link is unknown, and unknown is not bad. */
#define STEER_MAX_AGE_MS 30000u
/* A link that was taken out for its quality and of which nothing new is known is tried again after
 * this. */
#define STEER_RETRY_MS 300000u
/* One that harms again when it is tried is left out at once, and for twice as long, so many times.
 */
#define STEER_TRIES_MAX 3u
/* A link that is back and carries something is not tried before its loss is known, or after this.
 */
#define STEER_KNOWN_MS 3000u
#define STEER_DEAD_PPM 500000u
/* Never worse than the best link alone.  A link is harmful when, against the best: */
/* It loses so much more: each loss holds up the others.  With MPTCP_Proxy, of a
 * link that carries, only if it is known to be slower by STEER_HARM_RATE_PART, too, and its delay
 * no more than so far above its idle one: TCP fills a good one until it loses. */
#define STEER_HARM_LOSS_PPM 20000u
#define STEER_FILLED_US 15000u
/* With GMA one TCP connection goes over all links, and a little loss on one of them holds it to
 * 1.22 MSS / (round trip sqrt(loss)) (Mathis et al. 1997), however much they could carry.  Harm is
 * where the best alone carries more than that, and more than both do.  So much lost and carried,
 * ppm times kbit/s, is some four packets in the last seconds: fewer say nothing. */
#define STEER_HARM_SEEN 15000000u
#define STEER_TCP_BITS 13664.0 /* 1.22 times 1400 octets */
/* smallest-delay: another that is about as near (STEER_HARM_CALL_US) loses so much less: what is
 * lost holds up what comes behind it, and is as late as can be itself */
#define STEER_LOSSY_PPM 5000u
/* With MPTCP_Proxy so much lost is harm where the link adds less than this part of the best one's
 * rate, and its delay is no more than so far above its idle one: its loss is not TCP's doing. */
#define STEER_LITTLE_PART 3u
#define STEER_EMPTY_US 5000u
/* Likewise a link that adds so little, where for so long all carry less than so many percent of
 * what the best one could alone, and that one more than this part of it, without a queue: less may
 * be all that is wanted, and with a queue it carries all that it can. */
#define STEER_SLOWED_PERCENT 90u
#define STEER_SLOWED_MS 1500u
#define STEER_SLOWED_QUEUE_US 40000u
#define STEER_TOLD_MS 1200u /* figures of what carries come each second */
#define STEER_WANTED_PART 4u
/* What adds less than this part of the best one's rate is not worth what MPTCP_Proxy may wait for
 * it; back when it adds more than the second.  A link that was tried has told its rate by then. */
#define STEER_LITTLE_WORTH_PART 12u
#define STEER_WORTH_PART 9u
#define STEER_WORTH_MS 2000u
#define STEER_HARM_FAR_US 200000u /* it is so much farther: buffers do not hold the difference */
/* With MPTCP_Proxy: while an octet goes over it and is acknowledged, the best one carries so many
 * more: Linux gives a connection 4 MiB to send from and 6 MiB to receive into, around half of which
 * is payload */
#define STEER_HARM_OCTETS 1500000u
#define STEER_HARM_DELAY_TIMES 4u      /* it is so many times as far, */
#define STEER_HARM_DELAY_MIN_US 20000u /* and so much at least, and */
#define STEER_HARM_RATE_PART 4u        /* adds less than this part of the best one's rate */
/* its delay is so far above its idle one, and it is slower; with MPTCP_Proxy, it adds less than one
 * STEER_LITTLE_PART of the best one's rate */
#define STEER_HARM_BLOAT_US 200000u
#define STEER_HARM_CALL_US 10000u /* call-like: its delay and jitter are so much more */
/* smallest-delay moves for so much, and for a fifth, at least */
#define STEER_DELAY_GAIN_US 5000u
/* A cell is crowded at 80 to 99 percent of load, as the client's spread says, and is no more at so
 * many less: clients leave one after the other, and no more of them than it takes. */
#define STEER_CROWDED 80u
#define STEER_CROWDED_GAP 25u
/* A client that has to leave a link for its figures does so within this part of the dwell time, one
 * whose cell is crowded within all of it; when, is told by its spread. */
#define STEER_TURN_PART 8u
/* What a link carries, told so long ago, counts: it is told once a second while there is any. */
#define STEER_USED_MS 2500u
/* priority-based: percent of its rate at which a link is full, and at which it is no more, with
 * what the next ones carry meanwhile */
#define STEER_FULL 90u
#define STEER_NOT_FULL 60u

/** What an operator wants for a class of traffic. */
struct steer_class {
	const char *name;
	const char
		*application; /**< of the NCM's configuration, with GMA; NULL: all of the anchor */
	const char *anchor;   /**< name; NULL: the first that has a user plane */
	int mode;             /**< enum steer_mode */
	const char **order;   /**< names of accesses, best first; those without come last */
	size_t n_order;
	uint32_t delay_max_ms, delay_good_ms;   /**< out above, in again at or below; 0: no limit */
	uint32_t loss_max_ppm, loss_good_ppm;   /**< likewise */
	uint32_t rate_min_kbps, rate_good_kbps; /**< out below, in again at or above; 0: no limit */
	uint32_t dwell_ms;     /**< least time between two changes that are wishes */
	uint32_t probation_ms; /**< a link that has come back is not used for so long */
	bool never_worse;      /**< load-balancing leaves harmful links out */
	bool call_like;        /**< delay matters more than rate */
	uint32_t battery_low;  /**< percent of the client's: at or below it one link; 0: no limit */
};

/** What is known of one direction of a link. */
struct steer_figures {
	bool has_rate, has_used, has_delay, has_idle, has_jitter, has_loss;
	uint32_t rate_kbps; /**< that it can carry */
	uint32_t used_kbps; /**< that it carries */
	uint32_t delay_us;  /**< one way */
	uint32_t idle_us;   /**< one way, without load */
	uint32_t jitter_us;
	uint32_t loss_ppm;
	uint32_t age_ms; /**< of the newest of them */
};

/** An objection that stands until figures say otherwise. */
struct steer_mark {
	int why;        /**< enum steer_reason; STEER_R_CARRIES: none */
	uint32_t ms;    /**< for so long */
	bool has_tries; /**< tries > 0 */
	uint32_t tries; /**< left out for harm, it was let in again so often for want of figures,
			 * and has not carried for a dwell time without harm since */
};

struct steer_link {
	uint8_t id; /**< connection id */
	const char *access;
	bool ready;        /**< up, set up, and not being left */
	uint32_t ready_ms; /**< for so long */
	uint32_t cost;     /**< orders links that the class's order does not name; 0: none */
	bool has_load;
	uint32_t load; /**< of its cell, percent */
	bool spent, fading, maintenance;
	bool has_quota;
	uint32_t quota_mb, near_mb,
		used_mb;   /**< 10^6 octets: all, from where on it is spared, used */
	bool dl_on, ul_on; /**< in force: it carries */
	struct steer_figures dl, ul;
	struct steer_mark dl_mark, ul_mark;
};

struct steer_input {
	bool apart;  /**< UL and DL lists may differ */
	bool tunnel; /**< GMA */
	bool told;   /**< what is in force is a decision of this class, since_ms old */
	uint32_t since_ms;
	bool has_battery;
	uint32_t battery; /**< percent, of the client; 100: it is not being used up */
	uint32_t spread;  /**< 0..255, of the client: not all do the same at the same time */
	uint8_t dl_mode, ul_mode;   /**< in force: 1 + enum steer_mode; 0: as features say */
	uint8_t dl_first, ul_first; /**< in force, of an application */
	struct steer_link *links;   /**< [n_links], at most STEER_LINKS_MAX, by connection id */
	size_t n_links;
};

/** What one link gets in both directions. */
struct steer_share {
	uint8_t id;
	int dl, ul;        /**< enum steer_reason: CARRIES, or why not */
	bool dl_on, ul_on; /**< to be put in force now; where nothing is, as before */
	struct steer_mark dl_mark, ul_mark; /**< for the next input */
};

enum steer_what {
	STEER_KEEP,  /**< in force is what is wanted */
	STEER_APPLY, /**< put it in force now */
	STEER_WAIT,  /**< dl and ul are wishes; not before wait_ms */
};

struct steer_decision {
	int what;         /**< enum steer_what */
	bool forced;      /**< APPLY: a link in force is lost, the dwell time does not count */
	uint32_t wait_ms; /**< until what is still wanted may be done; 0: nothing is */
	uint8_t dl_mode, ul_mode;   /**< 1 + enum steer_mode for GMA's scheduler; 0: none */
	uint8_t dl_first, ul_first; /**< connection id */
	struct steer_share *shares; /**< [n_shares], as the input's links */
	size_t n_shares;
};

/** @param in      links are used as given; more than STEER_LINKS_MAX are not looked at
 *  @param shares  [STEER_LINKS_MAX], the caller's; filled, and named by *out
 *  @param out     filled; without a ready link what is in force is kept */
void steer_decide(const struct steer_class *c, const struct steer_input *in,
	struct steer_share shares[STEER_LINKS_MAX], struct steer_decision *out);

/* ---- between the sources ---- */

/** How far a link is from being used; the lowest that any has is chosen from. */
enum steer_tier {
	STEER_T_GOOD,
	STEER_T_NEW,
	STEER_T_SPARED,
	STEER_T_POOR,
	STEER_T_GOING,
	STEER_T_NONE
};
enum steer_tier steer_tier_of(enum steer_reason r);
bool steer_is_harm(int reason);
/** It stands although nothing new is known. */
bool steer_mark_holds(const struct steer_mark *m);

/** One link in one direction, as it is judged. */
struct steer_view {
	const struct steer_link *link;
	struct steer_figures f; /**< too old ones are not there */
	struct steer_mark was, mark;
	bool on;
	enum steer_reason why;
	size_t rank; /**< place in the order; 0: best */
};

/** What speaks against a link by itself.  Fills mark and why. */
void steer_judge(const struct steer_class *c, const struct steer_input *in, struct steer_view *v);
/** Does a link make the set worse than the best one alone?
 *  @param tunnel  GMA
 *  @return STEER_R_CARRIES: no */
enum steer_reason steer_harm(const struct steer_class *c, bool tunnel, const struct steer_view *v,
	const struct steer_view *best);
/** The square of what one TCP connection gets over the link alone at most, (kbit/s)^2; infinite:
 *  nothing is known that limits it. */
double steer_alone(const struct steer_view *v);
/** Does another link, about as near, lose so much less that this one is better left out where delay
 *  counts? */
bool steer_is_lossy(const struct steer_view *v, const struct steer_view *other);
