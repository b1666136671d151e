#include "plugins/pm_policy.h"

#define CNT(name, field, kind, text)                                                               \
	{                                                                                          \
		name, text, kind, offsetof(struct pm_counters, field)                              \
	}

const struct mams_metric pm_counter_rows[] = {
	CNT("connections_total", connections, MAMS_COUNTER, "MPTCP connections seen"),
	CNT("connections_open", connections_open, MAMS_GAUGE, "MPTCP connections now"),
	CNT("subflows_created_total", subflows_created, MAMS_COUNTER, "subflows asked for"),
	CNT("subflows_destroyed_total", subflows_destroyed, MAMS_COUNTER, "subflows taken away"),
	CNT("subflows_anew_total", subflows_anew, MAMS_COUNTER, "of those that held others up"),
	CNT("creations_failed_total", creations_failed, MAMS_COUNTER, "creations refused"),
	CNT("priorities_total", priorities, MAMS_COUNTER, "priority changes (MP_PRIO)"),
	CNT("priorities_failed_total", priorities_failed, MAMS_COUNTER, "priority changes refused"),
	CNT("withdrawals_failed_total", withdrawals_failed, MAMS_COUNTER, "RM_ADDR refused"),
	CNT("announcements_failed_total", announcements_failed, MAMS_COUNTER, "ADD_ADDR refused"),
	CNT("announced_total", announced, MAMS_COUNTER, "addresses announced (ADD_ADDR)"),
	CNT("unknown_token_total", unknown_token, MAMS_COUNTER, "events of unknown connections"),
	CNT("too_many_subflows_total", too_many_subflows, MAMS_COUNTER, "subflows not followed"),
	CNT("too_many_connections_total", too_many_connections, MAMS_COUNTER,
		"connections not followed"),
	CNT("bindings_expired_total", bindings_expired, MAMS_COUNTER,
		"bindings of connections that never came"),
	CNT("no_memory_total", no_memory, MAMS_COUNTER, "things forgotten for want of memory"),
};
const size_t pm_n_counter_rows = MAMS_ARRAY_LEN(pm_counter_rows);
