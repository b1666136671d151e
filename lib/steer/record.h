/** @file record.h
 *  A decision with all that it was made of, as one line of JSON.  Layer: steer (pure).
 *  Written by mams-ncm (decision_log), read by mamsctl; field tables as for all messages. */
#pragma once

#include "lib/codec/field.h"
#include "lib/steer/steer.h"

/* Octets of one line, as written by steer_record_write(), at most. */
#define STEER_RECORD_MAX 32768u

struct steer_record {
	uint64_t time;  /**< seconds since 1970 */
	uint64_t at_ms; /**< of the daemon's own clock: from one record to the next */
	const char *client;
	const char *by; /**< anchor */
	struct steer_class policy;
	struct steer_input input;
	struct steer_decision decision;
};

/** Append it without a line end.  @return 0, -MAMS_EVALUE, -ENOMEM */
MAMS_MUST int steer_record_write(
	const struct steer_record *r, struct mams_buf *out, struct mams_error *err);
/** @param arena  owns what *out points to
 *  @return 0 or a negative code; err says where and why */
MAMS_MUST int steer_record_read(const char *text, size_t len, struct mams_arena *arena,
	struct steer_record *out, struct mams_error *err);
/** Does the record's input give the record's decision again?
 *  @param out  filled with the first difference, "member: recorded X, now Y" */
bool steer_record_repeats(const struct steer_record *r, char *out, size_t size);
/** Are two decisions the same?  @param out  as above */
bool steer_decision_equal(const struct steer_decision *recorded, const struct steer_decision *now,
	char *out, size_t size);

extern const struct mams_enum_name steer_mode_names[];
extern const struct mams_enum_name steer_reason_names[];
extern const struct mams_enum_name steer_what_names[];
