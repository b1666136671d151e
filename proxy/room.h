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
 *  @param plain  by the former alone */
bool px_room_can(bool plain);
/** Fix the buffer of the MPTCP socket fd at 8 MiB, or at what it has when that is more.  Only when
 *  px_room_can(). */
void px_room_make(int fd);
