/** @file mx_data_tables.h
 *  The rows of the data types that messages share (RFC 8743 C.2), for mx_tables.c.  Layer: mx
 *  (pure). */
#pragma once

#include "lib/codec/field_rows.h"
#include "lib/mx/mx_tables.h"

#define MX_ID_MAX 255
#define MX_MEASURED_MAX 1000000

extern const struct mams_table mx_session_id_table;
extern const struct mams_table mx_connection_table;
extern const struct mams_table mx_ncm_connection_table;
extern const struct mams_table mx_convergence_method_table;
extern const struct mams_table mx_adaptation_method_table;
extern const struct mams_table mx_setup_anchor_table;
extern const struct mams_table mx_tft_table;
extern const struct mams_table mx_feature_table;
extern const struct mams_table mx_meas_conf_table;
extern const struct mams_table mx_meas_report_table;
extern const char *const mx_feature_list_keys[];

#define ROW_SID(S)                                                                                 \
	ROW_OPT_OBJ(S, unique_session_id, "unique_session_id", &mx_session_id_table,               \
		"the session this message belongs to")

#define ROW_FEATURES(S)                                                                            \
	{                                                                                          \
		.key = "feature_active", .aliases = mx_feature_list_keys, .kind = MAMS_K_LIST,     \
		.flags = MAMS_F_SKIP_UNKNOWN, .offset = offsetof(struct S, feature_active),        \
		.count_offset = offsetof(struct S, n_feature_active), .item_kind = MAMS_K_OBJECT,  \
		.table = &mx_feature_table, .max = 32,                                             \
		.doc = "MX Feature Activation List; an absent feature is not active"               \
	}
