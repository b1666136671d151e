#include "proxy/counters.h"

#define ROW(field, text)                                                                           \
	{                                                                                          \
		.name = #field "_total", .help = text, .kind = MAMS_COUNTER,                       \
		.offset = offsetof(struct px_counters, field)                                      \
	}
#define ANSWER(label, index, text)                                                                 \
	{                                                                                          \
		.name = "answered_" label "_total", .help = text, .kind = MAMS_COUNTER,            \
		.offset = offsetof(struct px_counters, answered) + (index) * sizeof(uint64_t)      \
	}

static const struct mams_metric rows[] = {
	ROW(accepted, "connections accepted"),
	ROW(accepted_mptcp, "of these, MPTCP"),
	ROW(accepted_tcp, "of these, plain TCP"),
	ROW(relayed, "connections joined to their server"),
	ROW(closed, "connections ended in order by both sides"),
	ROW(aborted, "connections reset"),
	ROW(octets_up, "octets from clients to servers"),
	ROW(octets_down, "octets from servers to clients"),
	ROW(idle_expired, "connections ended because nothing moved"),
	ROW(accept_failed, "accept() failed: out of descriptors or memory"),
	ROW(flow_limit, "refused: max_flows reached"),
	ROW(source_limit, "refused: too many unfinished connections of one address"),
	ROW(client_limit, "refused: too many unanswered requests of one client"),
	ROW(no_memory, "refused: out of memory"),
	ROW(hello_foreign, "first octets were not the Convert Protocol"),
	ROW(hello_reset, "Convert header with Total Length 0"),
	ROW(hello_timeout, "no complete Convert message in time"),
	ROW(hello_closed, "client left before its Convert message was complete"),
	ANSWER("unsupported_version", 0, "Error TLV 0 sent"),
	ANSWER("malformed", 1, "Error TLV 1 sent"),
	ANSWER("unsupported_message", 2, "Error TLV 2 sent"),
	ANSWER("missing_cookie", 3, "Error TLV 3 sent"),
	ANSWER("not_authorized", 32, "Error TLV 32 sent"),
	ANSWER("unsupported_option", 33, "Error TLV 33 sent"),
	ANSWER("resource_exceeded", 64, "Error TLV 64 sent"),
	ANSWER("network_failure", 65, "Error TLV 65 sent"),
	ANSWER("connection_reset", 96, "Error TLV 96 sent"),
	ANSWER("unreachable", 97, "Error TLV 97 sent"),
	ROW(error_limited, "Error TLVs withheld: too many to one address"),
	ROW(info_answered, "Info requests answered"),
	ROW(server_refused, "servers that refused"),
	ROW(server_unreachable, "servers that are unreachable"),
	ROW(server_timeout, "servers that did not answer in time"),
	ROW(client_gone, "client left while its server was being connected"),
	ROW(loop_refused, "connections to the proxy itself refused"),
	ROW(path_attempts, "attempts to reach the N-MADP"),
	ROW(path_failed, "of these, refused or timed out"),
	ROW(path_lost, "of these, given up because another path was faster"),
	ROW(path_none, "connections for which no path worked"),
	ROW(classed, "connections of a flow class, which has paths of its own"),
	ROW(class_left, "of these, made over other paths because its own do not work"),
	ROW(apart, "second connections that carry the uplink of their flow"),
	ROW(apart_asked, "second connections begun"),
	ROW(apart_failed, "of these, no path worked or no answer came in time"),
	ROW(apart_refused, "of these, refused by the N-MADP"),
	ROW(apart_late, "of these, not needed: the flow or its uplink had ended"),
	ROW(apart_unnamed, "connections that the N-MADP cannot carry in two parts"),
	ROW(attached, "connections attached to carry the uplink of another one"),
	ROW(attach_turned, "of these, that do"),
	ROW(attach_dropped, "of these, given up by the client before"),
	ROW(attach_wrong_turn, "of these, said nonsense: reset"),
	ROW(attach_malformed, "not attached: malformed"),
	ROW(attach_unknown, "not attached: no such connection, or no more"),
	ROW(attach_foreign, "not attached: another client's connection, or no cookie"),
	ROW(attach_twice, "not attached: it has one"),
	ROW(attach_ended, "not attached: its uplink has ended"),
	ROW(attach_busy, "not attached: too many at once"),
	ROW(direct, "connections made without the N-MADP because it is down"),
	ROW(syn_data_sent, "Convert messages sent in a SYN"),
	ROW(syn_data_acked, "of these, acknowledged by the SYN+ACK"),
	ROW(path_stripped, "paths given up because the payload of SYNs vanishes"),
	ROW(fallbacks, "connections to the N-MADP that fell back to plain TCP"),
	ROW(peer_gone, "connections the N-MADP ended before its answer"),
	ROW(peer_errors, "Error TLVs received"),
	ROW(peer_invalid, "answers that were no valid Convert message"),
	ROW(notes_dropped, "reports to the control thread dropped"),
	ROW(paths_asked, "attempts over paths that were, or might be, silent"),
	ROW(paths_silent, "times that a path fell silent: up, but nothing answers over it"),
	ROW(paths_back, "times that a silent path answered again"),
	ROW(spliced, "connections moved by splice"),
	ROW(subflows_untold, "times the kernel told nothing of the subflows of a connection"),
	ROW(rooms_widened, "receive buffers enlarged, full of octets that came too early"),
	ROW(subflows_anew, "subflows made anew, since what waited for them held their connection "
			   "up, or since they lag "
			   "behind what their link carries"),
};

const struct mams_metric *px_counters_rows(size_t *n)
{
	*n = MAMS_ARRAY_LEN(rows);
	return rows;
}

void px_counters_add(struct px_counters *into, const struct px_counters *from)
{
	uint64_t *to = (uint64_t *)into;
	const uint64_t *src = (const uint64_t *)from;

	_Static_assert(sizeof(*into) % sizeof(uint64_t) == 0, "only uint64_t inside");
	for (size_t i = 0; i < sizeof(*into) / sizeof(uint64_t); i++)
		to[i] += __atomic_load_n(&src[i], __ATOMIC_RELAXED);
}
