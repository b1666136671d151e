/** @file conf.h
 *  The policy file: what an operator wants of automatic steering.  Layer: steer (pure but for
 *  lib/codec's reading of the file).  mams-ncm reads it at its start and at SIGHUP; mamsctl policy
 *  simulate reads one that is not yet in use. */
#pragma once

#include "lib/codec/conf.h"
#include "lib/steer/steer.h"

#define STEER_CLASSES_MAX 16

/** What a link of an access costs. */
struct steer_price {
	const char *access;
	uint32_t cost;
	bool spent;          /**< its quota is used up, whatever was counted */
	uint32_t quota_mb;   /**< of each client, both directions, 10^6 octets; 0: none */
	int quota_per;       /**< enum steer_per */
	uint32_t quota_near; /**< percent of it from which on others go first */
};

/** Periods begin in UTC: at midnight, on Mondays, on the first of a month. */
enum steer_per { STEER_PER_DAY, STEER_PER_WEEK, STEER_PER_MONTH };

struct steer_policy {
	struct steer_class *classes; /**< at least one */
	size_t n_classes;
	struct steer_price *prices;
	size_t n_prices;
	struct mams_arena *arena; /**< owns everything above */
};

/** The keys of the file; docs/configuration.md is written from it. */
extern const struct mams_conf_table steer_policy_table;
/** Read and check.  @return 0 or a negative code; err names file, line, key and cure */
MAMS_MUST int steer_policy_load(const char *path, struct steer_policy *out, struct mams_error *err);
void steer_policy_free(struct steer_policy *p);
/** @return NULL: nothing is said of that access */
const struct steer_price *steer_policy_price(const struct steer_policy *p, const char *access);
/** What a price says of a link, whose used_mb is filled.  @param price  NULL: nothing */
void steer_price_put(const struct steer_price *price, struct steer_link *l);
/** When the period ends that a moment is in; both in seconds since 1970. */
uint64_t steer_quota_end(int per, uint64_t wall);
