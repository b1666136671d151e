/** @file policy_json.h
 *  What policy replay and simulate say with --json: an object a line, one for each difference, and
 * one for all at the end.  mamsctl(1) has their members.  Layer: tools. */
#pragma once

#include "lib/steer/record.h"

/** Where a class's traffic goes. */
struct policy_outcome {
	const char *what;
	const char *dl[STEER_LINKS_MAX]; /**< names of accesses */
	size_t n_dl;
	const char *ul[STEER_LINKS_MAX];
	size_t n_ul;
};

struct policy_difference {
	uint64_t line; /**< of the file */
	const char *client;
	const char *class_name;
	const char *why;                    /**< of replay; else NULL */
	struct policy_outcome *was, *would; /**< of simulate; else NULL */
};

struct policy_summary {
	uint64_t decisions, different;
	bool simulated; /**< what follows counts */
	uint64_t without_class, changes_recorded, changes_simulated;
};

/** Names of the accesses that a decision on this input puts in force. */
void policy_outcome_of(
	const struct steer_input *in, const struct steer_decision *d, struct policy_outcome *out);
/* @return exit status */
int policy_json_difference(const struct policy_difference *d);
int policy_json_summary(const struct policy_summary *s);
