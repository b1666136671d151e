/** @file conf_value.h
 *  One configuration value: text -> checked C member.  Layer: codec, for conf.c alone. */
#pragma once

#include "lib/codec/conf.h"

/** Is value right for the row?  why[size] says what would be. @return 0 or -MAMS_EVALUE */
MAMS_MUST int mams_conf_value_check(
	const struct mams_conf_row *row, const char *value, char *why, size_t size);
/** Store into *member (of an item, for lists). */
MAMS_MUST int mams_conf_value_store(
	const struct mams_conf_row *row, const char *value, struct mams_arena *arena, void *member);
/** Octets of one item of a list kind. */
size_t mams_conf_item_size(enum mams_conf_kind kind);
