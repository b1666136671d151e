/** @file front.h
 *  Between the transports and the sessions: a client's message goes to the instance that has his
 *  session, and what that instance has for him comes back to where he is.  Layer: adapter.
 *  With one instance both are here. */
#pragma once

#include "ncm-service/cluster.h"
#include "ncm-service/intake.h"
#include "ncm-service/mailbox.h"

struct ncm_front;

/** The answer to a message.  @param r  borrowed */
typedef void (*ncm_receipt_fn)(void *user, const struct ncm_receipt *r);

/** @param in  borrowed
 *  @param cluster  borrowed; NULL: there is one instance */
MAMS_MUST int ncm_front_new(
	struct ncm_intake *in, struct ncm_cluster *cluster, struct ncm_front **out);
void ncm_front_free(struct ncm_front *f); /**< accepts NULL; channels are detached */

/** fn is called once, from within or later, unless ncm_front_forget() comes first.
 *  @param text  text[len], borrowed for the call */
void ncm_front_take(struct ncm_front *f, const struct ncm_sender *from, const char *text,
	size_t len, ncm_receipt_fn fn, void *user);
void ncm_front_forget(struct ncm_front *f, const void *user);

/** The client of this identity is reached by c from now on.  What waits may be delivered from
 *  within.  When another instance turns out to have no session either, c is dismissed.
 *  @return 0, -MAMS_EUNKNOWN (no session), -ENOMEM */
MAMS_MUST int ncm_front_attach(struct ncm_front *f, const char *identity, struct ncm_channel *c);
void ncm_front_detach(struct ncm_channel *c); /**< attached or not */

/* ---- the cluster's side ---- */

void ncm_front_packet(struct ncm_front *f, const struct ctl_msg *msg);
void ncm_front_undelivered(struct ncm_front *f, const char *instance, const struct ctl_msg *msg);
void ncm_front_dead(struct ncm_front *f, const char *instance);
/** Redis is there (again): what the others were told may not have reached them. */
void ncm_front_refresh(struct ncm_front *f);
