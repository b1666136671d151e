/** @file detour.h
 *  Networks that strip MPTCP, and TCP that goes by the trailer meanwhile.  Layer: core (no I/O).
 *  Source: RFC 8684 3.7 (fallback), seed 6.4 (convergence methods of a session).
 *
 *  While a path that passes MPTCP works, the proxy begins there (proxy/paths.h).  Where none does,
 * a connection would keep to one link for its life; if the tunnel carries, new ones go into it, and
 *  what runs finishes where it is. */
#pragma once

#include "ccm-agent/session.h"

/** The proxy tells how long a path's network is to be remembered as one that strips MPTCP.
 *  @param proxy   with port
 *  @param for_ms  0: MPTCP passes
 *  @return is this news? */
bool ccm_detour_path(struct ccm_session *s, uint8_t connection_id, const struct mams_addr *local,
	const struct mams_addr *proxy, uint32_t for_ms, mams_time now);
/** Whether the host's packets go into the tunnel. */
void ccm_detour_tunnel(struct ccm_session *s, bool carries);
void ccm_detour_forget(struct ccm_session *s);
/** @param t  its paths are those that are wanted */
bool ccm_detour_wanted(const struct ccm_session *s, const struct ccm_target *t);
/** Does the network that the link is in strip MPTCP, as far as is known? */
bool ccm_detour_is_plain(const struct ccm_session *s, uint8_t connection_id);
void ccm_detour_tick(struct ccm_session *s, mams_time now);
mams_time ccm_detour_deadline(const struct ccm_session *s);
