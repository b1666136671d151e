/** @file pcapng.h
 *  A trace as Wireshark reads it: pcapng with exported PDUs, MX messages for its JSON dissector.
 *  Layer: tools (pure).  Source: draft-ietf-opsawg-pcapng, sections 4.1 to 4.3; Wireshark's
 *  epan/exported_pdu.h. */
#pragma once

#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"

void pcapng_head(struct mams_buf *out);
/** One packet; who it is of, which way and over what stand in its comment.  Timers have none. */
void pcapng_packet(struct mams_buf *out, const struct ctl_trace *t);
