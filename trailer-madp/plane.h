/** @file plane.h
 *  Data plane of one session, both directions: sender, receiver and a probe per link, joined by the
 *  reports that the two ends exchange.  Layer: core (no I/O, no clock, no allocation per packet).
 *  Source: seed 5, 6.5, 6.6; RFC 8743 8.6, 8.7; RFC 9188.
 *
 *  The shell moves bytes: data PDUs by the functions of sender.h and receiver.h on p->tx and p->rx,
 *  MX Control PDUs as opaque bytes by madp_plane_control() and madp_plane_control_next().  The
 * plane decides which links are usable, from carrier, probes and the peer's reports, and tells
 * sender and receiver.  Authenticating what arrives is the shell's: only proven datagrams come
 * here. */
#pragma once

#include "trailer-madp/probe.h"
#include "trailer-madp/receiver.h"
#include "trailer-madp/sender.h"

#define MADP_CONTROL_MAX 1500

struct madp_plane_conf {
	enum madp_probe_role role;
	struct madp_sender_conf sender;
	uint32_t window;         /**< reorder window, packets, a power of 2 */
	uint32_t report_us;      /**< between reports while data flows whose sender chooses by them,
				  or keeps it until they tell that it came */
	uint32_t report_calm_us; /**< while other data flows */
	uint32_t report_alone_us; /**< the same where the session has one link; of an N-MADP they
				     come as probes would, for which they stand, but no more often
				     than this */
	uint32_t report_quiet_us; /**< a link on which neither a report nor data was sent for so
				   long gets a report while the session is in use; 0 off */
	uint32_t idle_us;         /**< without data for so long, a session is idle: no reports */
};
extern const struct madp_plane_conf madp_plane_defaults;

/** Why the last change of a link's state. */
enum madp_link_cause {
	MADP_LINK_CARRIER, /**< the operating system said so */
	MADP_LINK_SILENT,  /**< probes */
	MADP_LINK_PEER,    /**< the other end said so */
	MADP_LINK_ADMIN,   /**< added or removed */
};

#define MADP_ACKS_OWED 4

struct madp_ack {
	uint16_t seq;
	bool active;
	bool lsb_first; /**< the peer numbers the bits of the Probing Flag the other way */
	uint8_t slot;   /**< link that it goes out on */
};

struct madp_plane_link {
	uint8_t cid;
	bool carrier;
	bool peer_down; /**< the peer reports that it does not hear us, or may not use the link */
	bool up;
	enum madp_link_cause cause; /**< of the last change */
	mams_time said_at;          /**< of our last report on this link */
	struct madp_probe probe;
};

struct madp_plane {
	struct madp_plane_conf conf;
	madp_linkset known;
	madp_linkset changed; /**< links whose `up` changed since madp_plane_changed() */
	madp_linkset results; /**< links with new probe results, until madp_plane_results() */
	madp_linkset urgent;  /**< links that the next urgent report goes out on yet */
	uint8_t urgent_n;     /**< rounds of urgent reports left */
	uint8_t n_acks;
	bool idle;
	bool peer_seen;
	uint16_t calm; /**< bit per class whose sender does not go by reports */
	uint16_t report_seq;
	uint16_t peer_seq;
	mams_time urgent_at;
	mams_time peer_at;   /**< of the newest report that arrived */
	mams_time used_at;   /**< data was last seen to flow */
	uint32_t gap_us;     /**< from when it had been seen before */
	mams_time report_at; /**< of the last report sent */
	uint64_t reported;   /**< packets received, as told in it */
	uint64_t moved;      /**< packets sent and received when last looked */
	struct madp_sender tx;
	struct madp_receiver rx;
	struct madp_plane_link link[MADP_LINKS_MAX];
	struct madp_ack ack[MADP_ACKS_OWED];
	uint64_t n_control_bad, n_control_unknown, n_reports, n_reports_old, n_ack_stray,
		n_ack_full;
};

void madp_plane_init(struct madp_plane *p, const struct madp_plane_conf *conf,
	const struct madp_mem *mem, mams_time now);
/** Packets must have been taken out (madp_sender_drop, madp_sender_reap, madp_receiver_drain). */
void madp_plane_fini(struct madp_plane *p);

struct madp_link_conf {
	uint8_t cid;    /**< delivery connection id, 0..15 */
	uint64_t rate;  /**< first estimate, bit/s; 0 unknown */
	uint64_t bound; /**< upper bound, bit/s; 0 none */
	struct madp_probe_conf probe;
};
/** A link is there and has carrier; it counts as usable at once. */
void madp_plane_link_add(
	struct madp_plane *p, unsigned slot, const struct madp_link_conf *c, mams_time now);
void madp_plane_link_del(struct madp_plane *p, unsigned slot, mams_time now);
/** Carrier, as the operating system tells it. */
void madp_plane_carrier(struct madp_plane *p, unsigned slot, bool up, mams_time now);
/** The peer has just answered on this very link, and been answered: it has carrier, and lives. */
void madp_plane_proven(struct madp_plane *p, unsigned slot, mams_time now);
/** This end did not run for us: its processor or its machine had other things to do, or none. */
void madp_plane_slept(struct madp_plane *p, int64_t us, mams_time now);
/** Slot of a delivery connection id; -1 unknown. */
int madp_plane_slot(const struct madp_plane *p, uint8_t cid);
/** How a class is treated, sending and receiving.  Send what madp_plane_control_next() gives before
 *  further packets: it tells the peer on which links to expect the class.
 *  @param t          for sending
 *  @param peer_lossless, peer_pass_late  what the other end does for this class */
MAMS_MUST int madp_plane_treat(struct madp_plane *p, unsigned cls, const struct madp_treat *t,
	bool peer_lossless, bool pass_late, mams_time now);

/** What the other end does with this class does not go by our reports: fewer will do. */
void madp_plane_calm(struct madp_plane *p, unsigned cls, bool yes);

/** Links whose usability changed since the last call. */
madp_linkset madp_plane_changed(struct madp_plane *p);
/** Links with new probe results (link[].probe.result) since the last call. */
madp_linkset madp_plane_results(struct madp_plane *p);
bool madp_plane_is_up(const struct madp_plane *p, unsigned slot);

/** An MX Control PDU arrived on a link.  Bad ones are counted and cost nothing else. */
void madp_plane_control(
	struct madp_plane *p, unsigned slot, const uint8_t *pdu, size_t len, mams_time now);
/** A data PDU arrived on a link; calls madp_receiver_pdu(). */
bool madp_plane_pdu(struct madp_plane *p, unsigned slot, const struct madp_in *in, mams_time now);
/** The next MX Control PDU to send; until 0.
 *  @param buf   MADP_CONTROL_MAX octets, filled
 *  @param slot  filled: link to send it on
 *  @return its length */
size_t madp_plane_control_next(struct madp_plane *p, mams_time now, uint8_t *buf, unsigned *slot);
/** When to ask for control PDUs, packets to send, packets to deliver, at the latest. */
mams_time madp_plane_deadline(const struct madp_plane *p, mams_time now);
