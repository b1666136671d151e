/** @file setup.h
 *  The user plane of a session: which N-MADP instance serves each anchor, and the UP setup.
 *  Layer: core (no I/O).  Source: seed 6.4 (figure 5); RFC 8743 8.5, 6.
 *  A move is made before it is broken: the new instance knows the client, the client has confirmed
 *  the new addresses, then the old instance takes no new connection of it any more; running ones
 *  finish there. */
#pragma once

#include "ncm-service/session.h"

/** Links or instances want a setup: assign what has no instance, and tell the instances. */
void ncm_setup_prepare(struct ncm_session *s, mams_time now);
/** mx_up_setup_cnf */
int ncm_setup_confirmed(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** Tell all instances that know the client that it is gone. */
void ncm_setup_release(struct ncm_session *s);
/** A session from the store, or a new one: take up its instances. */
void ncm_setup_restore(struct ncm_session *s);
/** Trailers that were left long enough ago forget it (leave_at). */
void ncm_setup_tick(struct ncm_session *s, mams_time now);
/** Bits of the links over which an instance can be reached for an anchor (index). */
uint32_t ncm_setup_reaches(const struct ncm_session *s, size_t anchor, size_t madp);
/** Of the instances that may serve it, bits of those that most of its links reach. */
uint32_t ncm_setup_nearest(const struct ncm_session *s, size_t a);
/** Its places at the instances are free again. */
void ncm_setup_forget(struct ncm_session *s);
