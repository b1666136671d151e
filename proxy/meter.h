/** @file meter.h
 *  What workers have seen of subflows (gauge.h), added up per client and link, for the NCM: once a
 *  second what is new.  Layer: adapter of mams-proxy, network role, control thread.
 *
 *  - used: octets of the subflows looked at; no less is carried.
 *  - rate, downlink: while a subflow was limited by the link, the sum of what all of them
 * delivered, or what one says that it is delivered at, where that is much more: it began a moment
 * ago.  While a connection waited for another subflow, only the latter.
 *  - delay and jitter: of the round trips of what was sent, halved, on average; both directions.
 *  - lost, downlink: retransmitted, and not for nothing.
 *  What nobody takes is kept with the next second's, per link once.  While there is no NCM octets
 *  alone are: quotas are counted by them. */
#pragma once

#include "lib/io/ctlmsg.h"
#include "proxy/note.h"

struct px_meter;

/** @param server  borrowed: where the NCM is */
MAMS_MUST int px_meter_new(
	struct mams_loop *l, struct mams_ctl_server *server, struct px_meter **out);
void px_meter_free(struct px_meter *m); /**< accepts NULL */
/** A note of kind PX_NOTE_SAMPLE; m may be NULL. */
void px_meter_take(struct px_meter *m, const struct px_note *n);
