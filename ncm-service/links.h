/** @file links.h
 *  The client's links as it reports them.  Layer: core (no I/O).  Source: seed 6.4, RFC 8743 8.5.
 */
#pragma once

#include "ncm-service/session.h"

/** mx_reconf_req */
int ncm_links_report(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** The client leaves a link, as a Keep-Alive REQ of this number says. */
void ncm_links_leave(struct ncm_session *s, uint8_t id, uint32_t num);
/** Is the link admitted, by its address, or where none was told by its type? */
void ncm_link_admit(const struct ncm_policy *p, uint32_t adaptation, struct ncm_link *l);
/** What a list comes to while the client leaves links: those of it that stay; if none does, all
 * that stay; if nothing does, the list as it is.
 *  @param have  links that can carry; all as bits of connection ids */
uint32_t ncm_links_left(const struct ncm_session *s, uint32_t list, uint32_t have);
/** The client leaves it, though it stands as it was set up. */
bool ncm_link_is_fading(const struct ncm_link *l);
/** Nobody reports them: all links of the capabilities are taken to be up. */
void ncm_links_assume(struct ncm_session *s, mams_time now);
