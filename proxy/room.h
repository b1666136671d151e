/** @file room.h
 *  A receive buffer of full size for a big transfer over MPTCP.  Layer: adapter of mams-proxy.
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

#include <stdbool.h>
#include <stdint.h>

/** Octets that a connection has moved before it gets one: what is smaller may be left to the
 * kernel, and a window that was never large cannot shrink much. */
#define PX_ROOM_FROM (256u << 10)

/** Whether this process may set the size: by net.core.rmem_max, or by CAP_NET_ADMIN.
 *  @param plain  by the former alone, and all that px_room_more() gives */
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
