/** @file scrape.h
 *  Metrics of an N-MADP instance, asked for over a ctl connection of their own.  Layer: adapter.
 *  Apart from what drives the instance (madp.h): nobody's session waits for it. */
#pragma once

#include "ncm-service/madp.h"

struct ncm_scrape;

/** @param text  NULL: it does not answer; the scrape is freed after the call */
typedef void (*ncm_scrape_fn)(void *user, const char *text);

MAMS_MUST int ncm_scrape_new(struct mams_loop *l, const struct ncm_policy *p,
	const struct ncm_madp *m, size_t madp, ncm_scrape_fn done, void *user,
	struct ncm_scrape **out);
void ncm_scrape_free(struct ncm_scrape *s); /**< nothing is told; accepts NULL */
