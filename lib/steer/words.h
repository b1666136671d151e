/** @file words.h
 *  A decision in words, for operators.  Layer: steer (pure). */
#pragma once

#include "lib/base/buf.h"
#include "lib/steer/record.h"

/** Append some lines: what was decided, and for each link and direction why, with figures.
 *  @param ago_ms  age of the decision */
void steer_words(const struct steer_record *r, uint64_t ago_ms, struct mams_buf *out);
