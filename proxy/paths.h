/** @file paths.h
 *  Which path a new connection tries first, and what past attempts teach.  Layer: core (no I/O, no
 *  clock).  Source: seed section 7 (each link has its own proxy address); RFC 8803 section 8 (a
 *  converter whose path strips the payload of SYNs is not used); RFC 8684 3.7 (networks that take
 *  MPTCP's options out).
 *
 *  The health of a path is shared by all workers: plain atomic stores, a lost update only costs one
 *  attempt. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PX_PATHS_MAX 16u

struct px_path_health {
	_Atomic int64_t suspect_until_us; /**< tried after the others until then */
	_Atomic int64_t suspect_for_us;   /**< length of the last such period; doubles */
	_Atomic int64_t connect_us;       /**< smoothed time to establish; 0 unknown */
	_Atomic int64_t near_us;          /**< round trip of late, halfway to each new one */
	_Atomic int64_t near_until_us;    /**< from then on it says nothing */
	_Atomic uint32_t syn_data_lost;   /**< SYN payloads in a row that were not acknowledged */
	_Atomic uint32_t plain_in_row;    /**< connections in a row that fell back to plain TCP */
	_Atomic int64_t plain_until_us;   /**< its network strips MPTCP */
	_Atomic bool silent;              /**< nothing answers over it (watch.h) */
	_Atomic uint64_t flows;
	_Atomic uint64_t failures;
};

/** One delivery connection; address and order from the CCM, health from experience. */
struct px_path {
	uint8_t connection_id;
	uint32_t priority; /**< 0 first */
	bool backup;
	bool backup_up;         /**< for connections that carry uplink alone */
	bool backup_down;       /**< and downlink alone */
	uint32_t group;         /**< of paths to one N-MADP instance */
	struct mams_addr local; /**< port 0 */
	struct mams_addr proxy; /**< with port */
	char name[32];
	struct px_path_health *health; /**< borrowed from the owner of the path set */
};

/** Fill order[] with indexes into paths[n], best first: usable before suspect, then non-backup
 *  before backup, then networks that let MPTCP through, then by priority, then of the first one's
 *  N-MADP the one that is nearer by a quarter and 5 ms, then as listed.
 *  @return n */
size_t px_paths_order(
	const struct px_path *paths, size_t n, mams_time now, uint8_t order[PX_PATHS_MAX]);
bool px_path_is_suspect(const struct px_path *p, mams_time now);
/** Nothing answers over it, or something does again: until then it is tried after the others. */
void px_path_silent(const struct px_path *p, bool silent);
/** An attempt on this path was refused, timed out, or lost against one that started later. */
void px_path_failed(const struct px_path *p, mams_time now);
/** An attempt was established after us. */
void px_path_worked(const struct px_path *p, int64_t us);
/** A round trip over it, of a moment ago: of the attempt that won, or of a subflow that joined. */
void px_path_near(const struct px_path *p, int64_t us, mams_time now);
/** Whether the SYN's payload was acknowledged by the SYN+ACK.
 *  @return true when the path has now lost so many in a row that it must not be used (section 8) */
bool px_path_syn_data(const struct px_path *p, bool acknowledged, mams_time now);
/** Whether a connection over it fell back to plain TCP: one that begins there has no other link.
 *  Two in a row, and for an hour no connection begins there while another path in use does better;
 *  the first one after that finds out anew.  @return is this news? */
bool px_path_plain(const struct px_path *p, bool plain, mams_time now);
bool px_path_is_plain(const struct px_path *p, mams_time now);
/** How long it is remembered yet; 0: nothing is. */
uint32_t px_path_plain_ms(const struct px_path *p, mams_time now);
/** How long to wait for this path before the next one is tried as well: twice its usual time, but
 *  within one and two times the configured value. */
int64_t px_path_patience_us(const struct px_path *p, int64_t configured_us);
