/** @file apart.h
 *  One flow, two MPTCP connections: the first one carries its downlink, a second one its uplink,
 * each over its own list of paths.  Layer: adapter of mams-proxy; what is pure of it is in flow.h
 * and convert.h.  Source: seed 6.6 (UL and DL delivery lists); an MPTCP subflow is backup in both
 *  directions or in none (RFC 8684 3.3.8), so one connection cannot have two lists.
 *
 *    client                                                      N-MADP
 *      first == Convert: cookie, Connect ========================> names the flow in its answer
 *      ... the lists come to differ, now or much later ...
 *      second == Convert: cookie, Attach(flow) ==================> goes to the worker of the flow
 *             <== Convert: Attach(flow) ==========================
 *      uplink ends on the first: it had n octets
 *      second == Convert: Attach(flow, n), octet n, n+1, ... ====> reads the first up to n, then
 * the second; its end is the flow's
 *
 *  The first stays open both ways, although nothing more goes up on it: a connection that has ended
 *  one direction takes no further subflow on Linux.  The position is told on the second connection,
 *  and not marked by the end of the first, for that reason alone.  A flow that is in two parts
 * stays so; with equal lists both have the same.  A second connection that is given up before its
 * last message ends in order and without an octet; reset, it takes the flow with it. */
#pragma once

#include "proxy/conn.h"

/* ---- client ---- */

/** The lists may differ now: begin the second connection of a flow that is to have one. */
void px_apart_ask(struct px_worker *w, struct px_conn *c);
/** The N-MADP agrees: from now on the uplink of its flow goes over c, which ends as such. */
void px_apart_answered(struct px_worker *w, struct px_conn *c);
void px_apart_refused(struct px_worker *w, struct px_conn *c);

/* ---- network ---- */

/** Give the flow a number.  @return false: nobody could prove that it is his */
bool px_apart_name(struct px_worker *w, struct px_conn *c);
/** A complete Attach message. */
void px_apart_take(struct px_worker *w, struct px_conn *c);
/** From another worker; consumed. */
void px_apart_handed(struct px_worker *w, struct px_hand *h);
/** All of the first connection's uplink has come.  @return where the rest does */
struct px_leg *px_apart_turn(struct px_worker *w, struct px_conn *c);

/* ---- both ---- */

/** Something of PX_LEG_UP. */
void px_apart_run(struct px_worker *w, struct px_conn *c);
/** c ends; for px_conn_end(). */
void px_apart_end(struct px_worker *w, struct px_conn *c);
