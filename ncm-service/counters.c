#include "ncm-service/session.h"

#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct ncm_counters, field)                     \
	}

const struct mams_metric ncm_counter_rows[] = {
	CNT("messages_total", messages, "MX messages accepted"),
	CNT("messages_repeated_total", repeated,
		"requests that came again and were answered again"),
	CNT("messages_wrong_direction_total", wrong_direction, "E6: types that a CCM never sends"),
	CNT("messages_wrong_state_total", wrong_state, "E6: not allowed in the session's state"),
	CNT("messages_wrong_value_total", wrong_value, "E7: values that the session refuses"),
	CNT("responses_unmatched_total", unmatched, "E8: responses without a request"),
	CNT("links_not_admitted_total", not_admitted, "links that policy did not admit"),
	CNT("quota_octets_total", quota_octets, "octets of clients counted against quotas"),
	CNT("requests_unanswered_total", retries_spent, "own requests given up after all retries"),
	CNT("sessions_created_total", sessions_created, "sessions made"),
	CNT("sessions_ended_total", sessions_ended, "sessions ended"),
	CNT("members_unknown_total", unknown_members,
		"message members that no rule knows, ignored"),
	CNT("members_variant_total", variants,
		"keys, names and forms other than ours, taken for what they mean"),
	CNT("actions_lost_total", actions_lost, "actions dropped because the queue was full"),
	CNT("measurement_reports_total", measurement_reports, "MX Measurement Reports taken"),
	CNT("madp_full_total", madp_full,
		"anchors left with the control plane: all N-MADP instances full"),
	CNT("madp_none_total", madp_none, "likewise: no N-MADP instance is there"),
	CNT("madp_moves_total", madp_moves, "anchors moved to another N-MADP instance"),
	CNT("handovers_total", handovers, "Keep-Alive REQs of reason Handover"),
	CNT("redirects_total", redirects, "Discovers answered with another NCM's endpoints"),
	CNT("path_estimations_total", path_estimations, "MX Path Estimation REQs sent"),
	CNT("probes_put_off_total", probes_put_off,
		"estimations put off: the N-MADP instance had no room for them"),
	CNT("path_results_total", path_results, "MX Path Estimation Results taken"),
	CNT("associations_total", associations, "associations of applications' flows agreed to"),
	CNT("associations_refused_total", associations_refused,
		"associations refused: unknown instance, or flows that cannot be told apart"),
	CNT("policy_decisions_total", policy_decisions,
		"decisions of automatic steering that changed something or wanted to"),
	CNT("policy_orders_total", policy_orders, "steering requests that followed"),
	CNT("policy_refused_total", policy_refused, "of these, not done by the client"),
	CNT("quality_reports_total", quality_reports,
		"reports of N-MADP instances on links with traffic"),
	CNT("quality_unknown_total", quality_unknown,
		"likewise, of sessions or links that are none of ours: not taken"),
};
const size_t ncm_n_counter_rows = MAMS_ARRAY_LEN(ncm_counter_rows);
