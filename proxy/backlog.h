/** @file backlog.h
 *  How much a big transfer over several links may have waiting in the kernel.  Layer: adapter of
 *  mams-proxy; one per worker.
 *
 *  The kernel grows the send buffer of an MPTCP connection with the windows of its subflows, and
 * with what it has seen of reordering, and never shrinks it.  What is in the buffer it gives to
 * subflows at once, and keeps to them.  So when a fast link goes and a slow one is left, that one
 * is given megabytes, and the connection waits for them for seconds after the fast link has come
 * back.  Here the buffer follows the windows of the last seconds downwards, too.
 *
 *  A worker looks ten times a second at connections that have filled their buffer, at
 * PX_BACKLOG_SLOTS at most; others have what the kernel gives them. */
#pragma once

#include "lib/base/timerq.h"
#include "lib/io/mptcp.h"

#define PX_BACKLOG_SLOTS 128u
#define PX_BACKLOG_SUBFLOWS 8u
#define PX_BACKLOG_PERIOD_MS 100
#define PX_BACKLOG_MOST (4u << 20) /**< octets; who may have so many is left to the kernel */

struct px_conn;
struct px_worker;

struct px_backlog_subflow {
	uint64_t window; /**< octets: the largest lately, half of it counts after 2.2 s; 0: none */
	uint64_t acked;  /**< octets, at the last look */
	uint8_t id;
	uint8_t silent; /**< looks since octets were acknowledged, while some are under way */
};

struct px_backlog_slot {
	struct px_conn *conn; /**< NULL: free */
	uint32_t set;         /**< octets it may have waiting; 0: as the kernel wants */
	uint8_t leg;
	uint8_t idle; /**< looks since its buffer was full */
	struct px_backlog_subflow known[PX_BACKLOG_SUBFLOWS];
};

struct px_backlog {
	struct px_backlog_slot *slots; /**< [PX_BACKLOG_SLOTS], made when first needed */
	struct mams_timer timer;
	uint32_t used;
};

/** Whether net.core.wmem_max alone lets this process set the buffer; else CAP_NET_ADMIN does. */
bool px_backlog_can(void);
/** The kernel takes no more octets of c for now over the leg with this index. */
void px_backlog_full(struct px_worker *w, struct px_conn *c, uint8_t leg);
void px_backlog_tick(struct px_worker *w);
void px_backlog_ended(struct px_worker *w, struct px_conn *c);
void px_backlog_fini(struct px_worker *w);
/** One look at a connection.
 *  @param known  [PX_BACKLOG_SUBFLOWS], of the look before, PX_BACKLOG_PERIOD_MS ago; changed
 *  @return octets that it may have unacknowledged and waiting: of each subflow that
 * brings octets three windows, or what it carries in 100 ms */
uint32_t px_backlog_wanted(
	struct px_backlog_subflow *known, const struct mams_mptcp_subflow *f, size_t n);
