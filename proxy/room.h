/** @file room.h
 *  Buffers of a big transfer over MPTCP.  Layer: adapter of mams-proxy.
 *
 *  The kernel grows the receive buffer of a connection and of the subflows that it has then; a
 *  subflow that joins later keeps the first 128 KiB, as long as the connection needs no more than
 * it has.  Where the subflows that had grown are made anew, the window shrinks, and the sender may
 * not see that: an idle subflow still knows the window of its last octet, and adds it to what any
 * later acknowledgement tells.  What is sent beyond the true window the receiver drops after it has
 *  acknowledged it on the subflow, so it comes again by the connection's own timer alone, one piece
 *  at a time (MPTcpExtNoDSSInWindow counts).  A size that is set holds for all subflows, and later
 *  ones. */
#pragma once

#include "lib/io/mptcp.h"

/** Octets that a connection has moved before it gets one: what is smaller may be left to the
 * kernel, and a window that was never large cannot shrink much. */
#define PX_ROOM_FROM (256u << 10)

/** Whether this process may set the size: by net.core.rmem_max, or by CAP_NET_ADMIN.
 *  @param plain  by the former alone */
bool px_room_can(bool plain);
/** Fix the buffer of the MPTCP socket fd at 8 MiB, or at what it has when that is more.  Only when
 *  px_room_can(). */
void px_room_make(int fd);
/** The kernel moves nothing from subflows to their connection while that holds as much as its
 * buffer may, not even what is missing (docs/architecture.md): full of octets that came too early,
 * it waits for ever.  Only more room ends that.
 *  @param held, room  octets, as SO_MEMINFO tells
 *  @return what to set for more; 0: it is not full, or has had all that it gets */
uint32_t px_room_more(uint32_t held, uint32_t room);

struct px_conn;
struct px_worker;

/** Octets come over a leg with a fixed buffer: c is looked at once a second as long as that holds
 *  any. */
void px_room_watch(struct px_worker *w, struct px_conn *c);
void px_room_tick(struct px_worker *w);
void px_room_ended(struct px_conn *c);

/* The send buffer.  The kernel sizes it by the windows of the subflows.  What one of several has
 * lost or holds for long must stay in it until acknowledged, with all that the others have carried
 * since; where it is full, the others stand still.  So it is made as large as what all carry in the
 * longest round trip and the shortest time-out, and no larger: what has been taken from the server
 * and waits here is late. */

/** Octets for these subflows; 0: of one alone the kernel knows best. */
uint32_t px_room_wanted(const struct mams_mptcp_subflow *f, size_t n);
/** As px_room_can(), of the send buffer: by net.core.wmem_max. */
bool px_room_can_send(bool plain);
/** Fix the send buffer of the MPTCP socket fd, unless it is as large.  Only when
 *  px_room_can_send(). */
void px_room_send(int fd, uint32_t octets);
