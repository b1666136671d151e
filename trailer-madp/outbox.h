/** @file outbox.h
 *  What a worker is about to send: PDUs are built in place, one behind the other, in messages of
 *  one path, and go out by few system calls.  Layer: adapter. */
#pragma once

#include "lib/io/udpbatch.h"
#include "trailer-madp/counters.h"
#include "trailer-madp/slab.h"

#define MADP_OUTBOX_OCTETS (256u * 1024u) /**< queued before they are sent: what caches hold */

struct madp_path;

/** A UDP socket of a worker, or the two that a link with client NAT has. */
struct madp_sock {
	int handle; /**< enum madp_handle: what epoll points to */
	int fd;
	bool nat; /**< fd hears packets of protocol 114 as they come, out sends them */
	int out;  /**< of nat only */
	uint8_t index;
	struct mams_addr local;
	bool inside; /**< network: the filter lets nothing through but what comes inside IPsec */
	struct madp_path *path; /**< client: the only path; network: NULL */
};

/** Close what it has; it is free then. */
void madp_sock_close(struct madp_sock *s);

/** Datagrams of one length, but for the last, to one peer. */
struct madp_message {
	uint8_t *data;
	struct madp_path *path;
	uint32_t len;
	uint16_t segment; /**< octets of the first */
	uint16_t count;
	bool gone;
};

struct madp_outbox {
	struct madp_slab slab;
	struct madp_message msg[MAMS_UDP_BATCH];
	size_t n;
	size_t octets;
	struct madp_counters *counters;
};

MAMS_MUST int madp_outbox_init(struct madp_outbox *o, struct madp_counters *counters);
void madp_outbox_fini(struct madp_outbox *o);
/** Room for a PDU of up to len octets on a path; it is sent once committed.
 *  @return where to build it, or NULL: longer than a datagram may be */
uint8_t *madp_outbox_reserve(struct madp_outbox *o, struct madp_path *path, size_t len);
/** The PDU just reserved on that path is len octets long.  With client NAT it gets the link's
 *  address. */
void madp_outbox_commit(struct madp_outbox *o, struct madp_path *path, size_t len);
/** Send everything.  What the kernel does not take is dropped and counted, as on any queue. */
void madp_outbox_flush(struct madp_outbox *o);
