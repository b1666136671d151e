/** @file sender.h
 *  Sending side of one session: numbers SDUs, chooses links, holds back what no link can take,
 * keeps what may have to be sent again.  Layer: core (no I/O, no clock, no allocation per packet).
 *  Source: RFC 9188 4.1 (Flow SN per flow, Delivery SN per delivery connection and flow), seed 6.6,
 *  RFC 8743 8.7.
 *
 *  Packets are the shell's: pointer and length.  Who owns one is said at each function.  After
 *  madp_sender_input() and at each deadline the shell empties madp_sender_next() and
 *  madp_sender_reap(). */
#pragma once

#include "trailer-madp/pace.h"
#include "trailer-madp/retain.h"
#include "trailer-madp/sched.h"

struct madp_sender_conf {
	uint32_t hold_packets;    /**< most packets held back per class, a power of 2 */
	uint32_t hold_octets;     /**< and octets */
	uint32_t hold_us;         /**< and how long one waits before it is dropped */
	uint32_t lossless_octets; /**< the same two for classes with lossless switching, which wait
				   */
	uint32_t lossless_us;     /**< behind what is sent again */
	uint32_t retain_packets;  /**< kept for sending again, per class; a power of 2 */
	uint64_t retain_octets;
	uint32_t retain_us;
};
extern const struct madp_sender_conf madp_sender_defaults;

/** One SDU to send now. */
struct madp_out {
	void *pkt;
	uint32_t len;
	uint32_t sn;        /**< Flow SN */
	uint8_t cls;        /**< Flow ID */
	madp_linkset links; /**< send a copy on each */
	bool kept; /**< the core keeps pkt too: it comes back by madp_sender_reap(), and may be sent
			again meanwhile; do not change it, do not free it. Else it is the shell's */
	bool again; /**< sent before on a link that died */
};

struct madp_hold_slot {
	void *pkt;
	uint32_t len;
	uint32_t at;
};

struct madp_class_tx {
	struct madp_treat treat;
	struct madp_sched sched;
	uint32_t sn; /**< next */
	uint8_t delivery_sn[MADP_LINKS_MAX];
	struct madp_hold_slot *hold;
	uint32_t hold_cap, hold_first, hold_n;
	uint64_t hold_octets;
	mams_time hold_used_at;
	mams_time anyway_at; /**< one left though its link had no room */
	struct madp_retain retain;
	uint64_t n_sent, n_held, n_hold_full, n_hold_old, n_no_link, n_again;
};

struct madp_sender {
	struct madp_sender_conf conf;
	struct madp_mem mem;
	madp_linkset up;    /**< usable for sending now */
	madp_linkset known; /**< configured */
	bool ending;        /**< whatever is held has waited too long */
	uint16_t busy;      /**< bit per class that holds or keeps packets, or did lately */
	uint16_t begun;     /**< bit per class that has sent one */
	uint8_t turn;       /**< class whose held packets are looked at next */
	uint32_t overhead;  /**< octets that a PDU adds to an SDU on the wire, for planning */
	uint64_t n_expired; /**< held, and given back by madp_sender_reap() without being sent */
	struct madp_pace link[MADP_LINKS_MAX];
	struct madp_class_tx cls[MADP_CLASSES_MAX];
};

void madp_sender_init(struct madp_sender *s, const struct madp_sender_conf *conf,
	const struct madp_mem *mem, mams_time now);
/** All packets must have been taken out by madp_sender_drop() and madp_sender_reap(). */
void madp_sender_fini(struct madp_sender *s);
/** @param rate   first estimate, bit/s, 0 unknown
 *  @param bound  upper bound, 0 none */
void madp_sender_link_add(
	struct madp_sender *s, unsigned slot, uint64_t rate, uint64_t bound, mams_time now);
void madp_sender_link_del(struct madp_sender *s, unsigned slot);
/** Usable or not; when a link goes, what was sent on it alone by lossless classes is sent again. */
void madp_sender_link_up(struct madp_sender *s, unsigned slot, bool up, mams_time now);
/** Replace the treatment of a class; takes effect with the next packet, Flow SNs go on. */
MAMS_MUST int madp_sender_treat(
	struct madp_sender *s, unsigned cls, const struct madp_treat *t, mams_time now);

/** Timestamp of RFC 9188 4.1 for PDUs sent now. */
static inline uint32_t madp_timestamp(mams_time now)
{
	return (uint32_t)((uint64_t)now.us / 1000);
}

/** An SDU to be sent.
 *  @return 1: out is filled, send it now; 0: held back, it is the core's until it comes out of
 *  madp_sender_next() or madp_sender_reap(); -MAMS_ELIMIT: no room to hold it, -ENETDOWN: no link
 *  of the class is usable, -MAMS_EUNKNOWN: no such class; then pkt stays the caller's */
MAMS_MUST int madp_sender_input(struct madp_sender *s, unsigned cls, void *pkt, uint32_t len,
	mams_time now, struct madp_out *out);
/** What can go now: first what is sent again, then what was held back. @return false: nothing */
bool madp_sender_next(struct madp_sender *s, mams_time now, struct madp_out *out);
/** One PDU leaves on a link: account for it, get its Delivery SN.  A fragmented SDU has several
 *  PDUs, a concatenated PDU several SDUs.
 *  @param wire_len  octets with the outer IP and UDP headers; the receiver counts the same */
uint8_t madp_sender_pdu(
	struct madp_sender *s, unsigned cls, unsigned slot, uint32_t wire_len, mams_time now);
/** A packet that the core is done with (was kept, or waited too long); NULL = none. */
void *madp_sender_reap(struct madp_sender *s, mams_time now);
/** When to call madp_sender_next() and madp_sender_reap() at the latest. */
mams_time madp_sender_deadline(const struct madp_sender *s, mams_time now);
/** Could this class send a packet at once? If not, the shell need not read its source. */
bool madp_sender_has_room(const struct madp_sender *s, unsigned cls);
/** Give up everything: all packets then come out of madp_sender_reap(). */
void madp_sender_drop(struct madp_sender *s);
