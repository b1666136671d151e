/** @file announce.h
 *  What one end of a session tells the other besides data: probes and their answers, reports; and
 *  when.  The part of plane.h that has a file of its own.  Layer: core (no I/O, no clock, no
 *  allocation).
 *  Source: RFC 8743 8.6, 8.7; seed 6.5. */
#pragma once

#include "trailer-madp/plane.h"

/** The peer must know soon: reports on all links, several times. */
void madp_announce_soon(struct madp_plane *p, mams_time now);

/* ---- of plane.c, for announce.c ---- */

static inline bool madp_plane_is_known(const struct madp_plane *p, unsigned slot)
{
	return slot < MADP_LINKS_MAX && (p->known & madp_link_bit(slot));
}
/** A link's probe has news. */
void madp_plane_events(struct madp_plane *p, unsigned slot, mams_time now);

/** Do we hear it, and may we use it?  That is what the peer is told. */
static inline bool madp_plane_is_heard(const struct madp_plane_link *l)
{
	return l->carrier && l->probe.alive;
}
