/** @file releases.h
 *  Clients that an N-MADP instance still has to forget: what could not be told while its ctl
 *  connection was away.  Layer: core (no I/O, no clock). */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ncm_releases;

/** @param limit  remembered at most, of all instances together */
struct ncm_releases *ncm_releases_new(size_t limit);
void ncm_releases_free(struct ncm_releases *r); /**< accepts NULL */
/** The instance (index) has to forget this client.  @return 0, -MAMS_ELIMIT, -ENOMEM */
MAMS_MUST int ncm_releases_add(struct ncm_releases *r, size_t madp, const char *client);
/** It serves the client again: nothing is to be forgotten. */
void ncm_releases_drop(struct ncm_releases *r, size_t madp, const char *client);
/** Take one that this instance has to forget.
 *  @param client  [size], filled
 *  @return false when there is none */
bool ncm_releases_take(struct ncm_releases *r, size_t madp, char *client, size_t size);
