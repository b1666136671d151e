/** @file pdu.h
 *  SDUs to PDUs of one link: one each, several together where they are small, or in parts where
 * they are too long.  Layer: adapter. Source: RFC 9188 4, 5, 6. */
#pragma once

#include "trailer-madp/segment.h"
#include "trailer-madp/worker.h"

/** Where the octets of an SDU come from: the device's buffer, or a buffer of its own. */
struct madp_source {
	struct madp_segment *segment;
	const void *pkt;
};

/** Send an SDU on a link: at once, or with madp_pdu_flush() at the end of this turn.
 *  @param from  a segment is written only once: then it has become a packet */
void madp_pdu_send(struct madp_worker *w, struct madp_path *path, const struct madp_out *o,
	struct madp_source *from, enum madp_gma_form form);
/** What was collected to leave together leaves. */
void madp_pdu_flush(struct madp_worker *w, struct madp_session *s);
