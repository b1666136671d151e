/** @file classify.h
 *  Flow classes in a worker: one cache for all its sessions.  Layer: adapter. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct madp_rules;
struct madp_classes;

struct madp_classes *madp_classes_new(void);    /**< NULL: no memory, or no randomness */
void madp_classes_free(struct madp_classes *c); /**< accepts NULL */
/** Flow class of pkt[len].
 *  @param scope   what the rules belong to, another for every change of them
 *  @param uplink  the client sent it */
unsigned madp_classes_find(struct madp_classes *c, const struct madp_rules *rules, uint32_t scope,
	const uint8_t *pkt, size_t len, bool uplink);
