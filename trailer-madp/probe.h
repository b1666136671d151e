/** @file probe.h
 *  Probing of one link: keep-alive, both phases of path estimation, round trip, and whether the
 *  link lives.  Layer: core (no I/O, no clock, no allocation).
 *  Source: seed 6.5; RFC 8743 8.6, 8.6.2 (Keep-Alive), 8.6.3 (Probe-REQ/ACK).
 *
 *  The N-MADP sends Probe-REQs, the C-MADP answers those that want it; the C-MADP keeps NAT
 * bindings alive by Keep-Alives.  Which of the two an instance is, is set at init. A link is silent
 * when nothing was heard for 2.5 probe intervals; before that, from the first missing answer on,
 * probes follow each other by an eighth of an interval, so that loss alone does not make a link
 * silent.  Two answers in a row make it alive again. RTT and results come from answered probes.
 * Their padding, which RFC 8743 leaves free, carries the sender's clock and the round trip it
 * knows, so that the other side can tell them, too. */
#pragma once

#include "trailer-madp/links.h"

#define MADP_PROBE_PAD 16 /**< octets of padding that we fill and understand */
#define MADP_PROBE_OUTSTANDING 16

enum madp_probe_role { MADP_PROBE_NETWORK, MADP_PROBE_CLIENT };
enum madp_probe_kind { MADP_PROBE_NONE, MADP_PROBE_KEEP_ALIVE, MADP_PROBE_REQ };

/** From mx_path_est_req; zero_initialised fields take the defaults of madp_probe_defaults. */
struct madp_probe_conf {
	uint32_t init_duration_ms;
	uint32_t init_rate_mbps;
	uint32_t init_size;
	bool init_ack;
	uint32_t active_interval_ms;
	uint32_t active_size;
	uint32_t active_duration_s; /**< 0 = until replaced */
	bool active_ack;
	uint32_t keep_alive_ms; /**< 0 = none */
	uint32_t
		idle_factor; /**< intervals are so much longer while the session is idle; 1 = not */
};
extern const struct madp_probe_conf madp_probe_defaults;

/** A control PDU to be sent now on this link. */
struct madp_probe_pdu {
	enum madp_probe_kind kind;
	uint16_t seq;
	bool ack;      /**< answer wanted */
	bool active;   /**< Probe Type: active phase */
	uint32_t size; /**< of the whole MX Control PDU, with padding */
};

/** What happened; the bits are cleared when they are read. */
enum madp_probe_event {
	MADP_PROBE_EV_UP = 1,     /**< alive (again) */
	MADP_PROBE_EV_SILENT = 2, /**< silent */
	MADP_PROBE_EV_INIT = 4,   /**< init phase over: results are ready */
	MADP_PROBE_EV_ACTIVE = 8, /**< one active probe duration over: results are ready */
};

struct madp_probe_result {
	double lost_percent; /**< init: of the probes that should have come */
	double rate_mbps;    /**< init: at which probes came */
	uint32_t delay_us;   /**< init: half the round trip; 0 unknown */
	double tput_mbps;    /**< active: user data received, last probe duration */
};

struct madp_probe {
	struct madp_probe_conf conf;
	enum madp_probe_role role;
	bool alive;
	bool idle;
	bool active; /**< the link carries user data */
	bool active_begun;
	uint16_t seq;
	uint16_t keep_alive_seq;
	uint8_t good; /**< answers in a row while not alive */
	uint8_t events;
	mams_time heard_at;
	int64_t slept_us;       /**< longest pause of ours since then */
	mams_time heard_req_at; /**< client: newest probe */
	mams_time next_at;      /**< of the next probe */
	mams_time asked_at;     /**< of the last */
	mams_time keep_alive_at;
	mams_time init_end;   /**< never = no init phase under way */
	mams_time init_sent;  /**< when the next init probe goes out */
	mams_time active_end; /**< of the current probe duration; never = none */
	mams_time active_from;
	uint64_t active_octets; /**< user data received at active_from */
	uint32_t rtt_us;        /**< smoothed; 0 unknown */
	uint32_t rttvar_us;
	uint32_t peer_rtt_us; /**< what the peer's padding told */
	struct {
		uint16_t seq;
		bool used;
		bool init;             /**< of the init phase's test */
		uint32_t at;           /**< us, low 32 bits */
	} out[MADP_PROBE_OUTSTANDING]; /**< by seq mod */
	struct {
		uint32_t n;
		uint64_t octets;
		mams_time from, to;
	} got; /**< init probes received (client) or answered (network) */
	uint32_t init_expected;
	uint32_t init_n; /**< sent */
	struct madp_probe_result result;
	uint64_t n_sent, n_answered, n_stray, n_lost;
};

void madp_probe_init(struct madp_probe *p, enum madp_probe_role role,
	const struct madp_probe_conf *conf, mams_time now);
/** New parameters; begins the phase that the link is in. */
void madp_probe_configure(struct madp_probe *p, const struct madp_probe_conf *conf, mams_time now);
/** Active phase (true): user data is sent on this link; else initialisation phase (seed 6.5). */
void madp_probe_phase(struct madp_probe *p, bool active, mams_time now);
/** The session carries nothing for the moment: probe less often; or it does again. */
void madp_probe_idle(struct madp_probe *p, bool idle, mams_time now);
/** Anything authentic was received on the link. */
void madp_probe_heard(struct madp_probe *p, mams_time now);
/** Something else is sent that the peer hears us by, at least every 1.25 intervals.  While the peer
 *  is heard, too, that stands for an N-MADP's probe, but for one a second, or at each interval if
 *  that is longer. */
void madp_probe_told(struct madp_probe *p, mams_time now);
/** Something else would be sent that could stand for a probe.  If one is due soon all the same, it
 *  is due now, and can go in its place. */
void madp_probe_instead(struct madp_probe *p, mams_time now);
/** C-MADP: when the N-MADP should know that it was not heard for too long, as one knows of itself
 *  where its probes are not answered; never = as far as one can tell, it was.
 *  @param said  when it was last told */
mams_time madp_probe_miss_at(const struct madp_probe *p, mams_time said);
/** N-MADP: the peer says that it has not heard us for so long; if that is too long, probes follow
 *  each other as where they are not answered. */
void madp_probe_missed(struct madp_probe *p, uint32_t us, mams_time now);
/** The operating system says that the link is gone, or there again: no waiting for silence. */
void madp_probe_carrier(struct madp_probe *p, bool up, mams_time now);
/** We did not run for us: what came meanwhile was not looked at.  The longest of such pauses since
 * something was heard is no silence. */
void madp_probe_slept(struct madp_probe *p, int64_t us, mams_time now);
/** A Probe-REQ came. @return true: answer it, with its sequence number */
bool madp_probe_on_req(
	struct madp_probe *p, uint16_t seq, bool ack, bool active, uint32_t size, mams_time now);
/** A Probe-ACK came. @return false: none of ours (count it) */
bool madp_probe_on_ack(struct madp_probe *p, uint16_t seq, mams_time now);
/** The next PDU to send; to be asked until false.
 *  @param octets  user data received on the link so far */
bool madp_probe_next(
	struct madp_probe *p, uint64_t octets, mams_time now, struct madp_probe_pdu *out);
mams_time madp_probe_deadline(const struct madp_probe *p);
/** Bits of enum madp_probe_event since the last call. */
unsigned madp_probe_events(struct madp_probe *p);
/** How long a link that is in use may be silent before it is called so, us. */
uint32_t madp_probe_patience_us(const struct madp_probe *p);
/** Between probes, us; longer while the session is idle. */
int64_t madp_probe_interval_us(const struct madp_probe *p);

/** Fill padding: pad[len], at least MADP_PROBE_PAD to have an effect; the rest becomes zero. */
void madp_probe_pad_put(const struct madp_probe *p, uint32_t ts_ms, uint8_t *pad, size_t len);
/** Read padding of the peer. @return true: it is ours, *ts_ms filled */
bool madp_probe_pad_get(struct madp_probe *p, const uint8_t *pad, size_t len, uint32_t *ts_ms);
