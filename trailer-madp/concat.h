/** @file concat.h
 *  Small SDUs of one flow together in one PDU, and apart again.  Layer: core (no I/O, no clock, no
 *  allocation).  Source: RFC 9188 section 6.
 *
 *  One struct madp_concat per client, flow and link that collects; what may stand in one PDU: SDUs
 *  of the same IP version (hence of the same client address), with Flow SNs that follow each other,
 *  for the PDU says only the last one.  The first SDU of a PDU waits no longer than the caller's
 *  deadline; every later one less. */
#pragma once

#include "lib/base/clock.h"
#include "trailer-madp/gma.h"

struct madp_concat {
	struct madp_pkt pkt; /**< what was collected, in a buffer of the caller's */
	uint32_t max;        /**< octets that all SDUs together may have */
	uint32_t first_len;
	uint32_t n; /**< SDUs collected */
	uint32_t sn;
	uint8_t version;
	mams_time deadline;
};

/** Collect into buf[size], borrowed, leaving head and tail octets for encapsulation.
 *  @param max_pdu  octets that a PDU may have on this link */
void madp_concat_init(struct madp_concat *c, uint8_t *buf, uint32_t size, uint32_t max_pdu);

/** Where the next SDU's octets are to be written.
 *  @param version  4 or 6
 *  @return room for len octets, then call madp_concat_commit(); NULL: it cannot stand with what was
 *  collected: take that, then ask again; with nothing collected NULL means: send it alone */
uint8_t *madp_concat_room(
	const struct madp_concat *c, uint8_t version, uint32_t len, uint32_t flow_sn);
/** The SDU was written there.
 *  @param deadline  when what is collected must leave, if this is the first */
void madp_concat_commit(
	struct madp_concat *c, uint8_t version, uint32_t len, uint32_t flow_sn, mams_time deadline);
/** When to take it at the latest; never when nothing was collected. */
static inline mams_time madp_concat_deadline(const struct madp_concat *c)
{
	return c->n ? c->deadline : MAMS_TIME_NEVER;
}

/** Encapsulate what was collected and begin anew.
 *  @param g    form and fields; Flow SN (must be among them) and FSL are set here.  Of one SDU the
 *  PDU is an ordinary one
 *  @param pdu  filled: the PDU, in buf until the next SDU is written
 *  @return MADP_OK, or as madp_gma_encap(); MADP_GMA_NO_SN; MADP_IP_SHORT: nothing was collected */
enum madp_reason madp_concat_take(struct madp_concat *c, const struct madp_gma_rules *rules,
	struct madp_gma *g, struct madp_pkt *pdu);

/** One SDU of a received PDU. */
struct madp_concat_sdu {
	uint8_t *data;
	uint32_t len;
	uint32_t flow_sn;
};

/** Walk through a received PDU. */
struct madp_split {
	uint8_t *data;
	uint32_t left;
	uint32_t flow_sn;
	uint32_t n; /**< SDUs in all */
};

/** Begin; nothing of a PDU is delivered unless all of it is whole packets.
 *  @param p  what madp_gma_decap() left, with g; no fragment
 *  @return MADP_OK, also for a single SDU; MADP_GMA_NO_SN: several without Flow SN;
 * MADP_GMA_BAD_FSL: the first SDU's header says another length than FSL; MADP_GMA_FORM: SDUs of
 * both IP versions, or IPv6 in an IP form; MADP_IP_...: an SDU's header is wrong */
enum madp_reason madp_split_init(
	struct madp_split *s, const struct madp_pkt *p, const struct madp_gma *g);
/** The next SDU; false after the last. */
bool madp_split_next(struct madp_split *s, struct madp_concat_sdu *out);
