#include "ccm-agent/session.h"

#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct ccm_counters, field)                     \
	}

const struct mams_metric ccm_counter_rows[] = {
	CNT("messages_total", messages, "MX messages accepted"),
	CNT("messages_repeated_total", repeated,
		"requests that came again and were answered again"),
	CNT("messages_wrong_direction_total", wrong_direction, "E6: types that an NCM never sends"),
	CNT("messages_wrong_state_total", wrong_state, "E6: not allowed in the session's state"),
	CNT("messages_wrong_value_total", wrong_value, "E7: values that the session refuses"),
	CNT("responses_unmatched_total", unmatched, "E8: responses without a request"),
	CNT("requests_unanswered_total", unanswered, "own requests given up after all retries"),
	CNT("fallbacks_total", fallbacks, "times the host went back to its plain network"),
	CNT("discovers_total", discovers, "MX Discover messages sent"),
	CNT("setups_total", setups, "UP setups taken over"),
	CNT("steerings_total", steerings, "steering requests applied"),
	CNT("steerings_refused_total", steerings_refused,
		"steering requests that cannot be applied"),
	CNT("actions_lost_total", actions_lost, "actions dropped because the queue was full"),
	CNT("members_unknown_total", unknown_members,
		"message members that no rule knows, ignored"),
	CNT("members_variant_total", variants,
		"keys, names and forms other than ours, taken for what they mean"),
	CNT("measurement_reports_total", measurement_reports, "MX Measurement Reports sent"),
	CNT("measurements_left_out_total", measures_left_out,
		"configured measurements that do not fit the connection's type"),
	CNT("madp_moves_total", moves, "anchors that went to another N-MADP instance"),
	CNT("handovers_total", handovers, "Keep-Alive REQs of reason Handover sent"),
	CNT("fadings_total", fadings, "times that the signal of a link began to fade"),
	CNT("redirects_total", redirects,
		"times that the NCM named another one, and we went there"),
	CNT("redirects_refused_total", redirects_refused, "of these, too many in a row"),
	CNT("probes_refused_total", probes_refused, "MX Path Estimation REQs not taken"),
	CNT("probes_received_total", probes_received, "probes of N-MADP instances"),
	CNT("probes_strange_total", probes_strange,
		"datagrams at the probe port that are none, or more than asked for"),
	CNT("estimations_total", estimations, "path estimations begun"),
	CNT("estimations_silent_total", estimations_silent, "of these, without a single probe"),
	CNT("estimation_results_total", estimation_results, "MX Path Estimation Results sent"),
	CNT("paths_plain_total", paths_plain, "times a path's network was found to strip MPTCP"),
	CNT("paths_silent_total", paths_silent,
		"times that nothing came back over a path whose link is up"),
	CNT("needs_total", needs, "requirements of applications"),
	CNT("associations_total", associations, "associations of flows that the NCM agreed to"),
	CNT("associations_refused_total", associations_refused, "of flows that it did not"),
};
const size_t ccm_n_counter_rows = MAMS_ARRAY_LEN(ccm_counter_rows);
