/** @file ipsec_cmd.h
 *  What charon is told of an association.  Layer: io, pure: ipsec.c sends it. */
#pragma once

#include "lib/io/ipsec.h"
#include "lib/io/vici_msg.h"

#define MAMS_IPSEC_CMD_BYTES 2048u

/** Name in charon: owner's mark and numbers. */
void mams_ipsec_name(
	const char *owner, const struct mams_ipsec_key *k, char out[MAMS_IPSEC_NAME_MAX]);
/** Does this name carry the owner's mark? */
bool mams_ipsec_is_ours(const char *owner, const struct mams_vici_text *name);

/** @param room  [MAMS_IPSEC_CMD_BYTES], borrowed; mams_vici_ask() wipes it */
struct mams_vici_writer mams_ipsec_load_shared(
	void *room, const char *name, const struct mams_ipsec_want *w);
/** @param user_space  charon does ESP itself */
struct mams_vici_writer mams_ipsec_load_conn(
	void *room, const char *name, const struct mams_ipsec_want *w, bool user_space);
struct mams_vici_writer mams_ipsec_initiate(void *room, const char *name);
struct mams_vici_writer mams_ipsec_terminate(void *room, const char *name);
struct mams_vici_writer mams_ipsec_unload_conn(void *room, const char *name);
struct mams_vici_writer mams_ipsec_unload_shared(void *room, const char *name);

/** A child SA has come or gone (event child-updown).
 *  @param name  of the association, filled
 *  @param fn    called for each child SA
 *  @return 0 or what mams_vici_next() says */
MAMS_MUST int mams_ipsec_read_updown(const struct mams_vici_text *body,
	void (*fn)(void *user, const struct mams_vici_text *name, uint64_t id, bool up),
	void *user);
/** Why an association has failed, in our words; NULL: this line of charon's log says nothing of it.
 */
const char *mams_ipsec_read_log(const struct mams_vici_text *body, struct mams_vici_text *name);
/** Is this among the items of the list of that name? */
bool mams_ipsec_list_has(const struct mams_vici_text *body, const char *list, const char *item);
