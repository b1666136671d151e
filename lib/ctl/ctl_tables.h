/** @file ctl_tables.h
 *  The rows of every ctl message.  Layer: ctl (pure; used by ctl.c and tests). */
#pragma once

#include "lib/codec/field.h"
#include "lib/ctl/ctl_msg.h"

struct ctl_row {
	const char *name;
	bool request; /**< wants an answer */
	const struct mams_table *body;
};

extern const struct ctl_row ctl_rows[CTL_TYPE_COUNT];

extern const struct mams_table ctl_network_table;
extern const struct mams_table ctl_protect_table;
extern const struct mams_table ctl_policy_table;
extern const struct mams_table ctl_policy_status_table;
extern const struct mams_table ctl_tr_session_set_table;
extern const struct mams_table ctl_tr_session_del_table;
extern const struct mams_table ctl_tr_ready_table;
extern const struct mams_table ctl_tr_event_table;
extern const struct mams_table ctl_tr_status_table;
extern const struct mams_table ctl_quality_table;
extern const struct mams_table ctl_quality_way_table;
extern const struct mams_table ctl_ncm_app_table;
extern const struct mams_table ctl_trace_table;
extern const struct mams_table ctl_replayed_table;
extern const struct mams_table ctl_way_status_table;
extern const struct mams_table ctl_quota_table;
