#include "trailer-madp/counters.h"

#include "lib/base/err.h"

#define ROW(field, text)                                                                           \
	{                                                                                          \
		.name = #field "_total", .help = text, .kind = MAMS_COUNTER,                       \
		.offset = offsetof(struct madp_counters, field)                                    \
	}

static const struct mams_metric rows[] = {
	ROW(tun_reads, "packets read from the TUN device, large ones counted once"),
	ROW(tun_octets, "octets in them"),
	ROW(tun_invalid, "packets of the TUN device that are no IP packet, or cannot be cut"),
	ROW(tun_foreign, "packets of the TUN device from an address that is not the anchor's"),
	ROW(tun_unclaimed, "packets of the TUN device for no session"),
	ROW(tun_writes, "packets written to the TUN device, large ones counted once"),
	ROW(tun_joined, "of these, joined from several"),
	ROW(tun_write_failed, "packets that the TUN device did not take"),
	ROW(sdus_sent, "packets taken for the links"),
	ROW(sdus_received, "packets delivered from the links"), ROW(pdus_sent, "PDUs sent"),
	ROW(pdus_received, "PDUs received"), ROW(control_sent, "MX Control PDUs sent"),
	ROW(control_received, "MX Control PDUs received"),
	ROW(send_calls, "system calls that sent"), ROW(receive_calls, "system calls that received"),
	ROW(send_full, "PDUs dropped: the link's queue is full"),
	ROW(send_failed, "PDUs dropped: the kernel refused them"),
	ROW(receive_failed, "receives that failed"),
	ROW(no_link, "packets dropped: no link of their class is usable"),
	ROW(hold_full, "packets dropped: too many wait for a link"),
	ROW(hold_expired, "packets dropped: they have waited too long for a link"),
	ROW(too_long, "packets dropped: longer than the link, or than packet_max"),
	ROW(no_memory, "packets dropped: out of memory"),
	ROW(unknown_source, "datagrams dropped: their sender is not proven"),
	ROW(cut, "datagrams dropped: longer than a packet can be"),
	ROW(wrong_connection, "PDUs dropped: connection id of another link"),
	ROW(unknown_flow, "PDUs dropped: unknown flow id"),
	ROW(no_sequence, "PDUs dropped: no Flow SN, and no MX Control PDU"),
	ROW(spoofed_source, "packets dropped: source is not the client's anchor address"),
	ROW(foreign_destination, "packets dropped: destination is not the anchor address"),
	ROW(duplicate, "packets received more than once"),
	ROW(late, "packets received after they were given up"),
	ROW(ahead, "packets dropped: too far ahead of their flow"),
	ROW(proof_accepted, "paths proven"),
	ROW(proof_unknown, "proofs dropped: no such session or link"),
	ROW(proof_refused, "proofs dropped: wrong secret"),
	ROW(proof_stale, "proofs dropped: too old, or from another address"),
	ROW(proof_outside, "proofs dropped: not inside IPsec, of a link that has it"),
	ROW(proof_limited, "proofs dropped: too many a second"),
	ROW(moves, "moves of our session to another N-MADP"),
	ROW(peer_restarted, "peers that have begun their session anew"),
	ROW(control_unknown, "MX Control PDUs dropped: malformed"),
	ROW(notes_dropped, "reports to the control thread dropped"),
	ROW(concatenated, "packets sent together with others in one PDU"),
	ROW(split, "packets received together with others in one PDU"),
	ROW(fragmented, "packets cut because they are too long for a link"),
	ROW(fragments_sent, "PDUs with a part of a packet sent"),
	ROW(dtls_open, "DTLS associations made"), ROW(dtls_failed, "DTLS handshakes that failed"),
	ROW(dtls_dropped, "DTLS records dropped: replayed, broken, or of no association"),
	ROW(dtls_closed, "PDUs not sent, since the link is to be protected and is not yet"),
#define X(symbol, words)                                                                           \
	{.name = "reassembly_" #symbol "_total",                                                   \
		.help = words,                                                                     \
		.kind = MAMS_COUNTER,                                                              \
		.offset = offsetof(struct madp_counters, reassembly.symbol)},
	MADP_REASM_COUNTERS(X)
#undef X
#define X(symbol, label, words)                                                                    \
	{.name = "refused_" label "_total",                                                        \
		.help = "PDUs dropped: " words,                                                    \
		.kind = MAMS_COUNTER,                                                              \
		.offset = offsetof(struct madp_counters, refused) +                                \
			  MADP_##symbol * sizeof(uint64_t)},
		MADP_REASONS(X)
#undef X
};

const struct mams_metric *madp_counters_rows(size_t *n)
{
	*n = MAMS_ARRAY_LEN(rows);
	return rows;
}

void madp_counters_add(struct madp_counters *into, const struct madp_counters *from)
{
	uint64_t *to = (uint64_t *)into;
	const uint64_t *src = (const uint64_t *)from;

	_Static_assert(sizeof(*into) % sizeof(uint64_t) == 0, "only uint64_t inside");
	for (size_t i = 0; i < sizeof(*into) / sizeof(uint64_t); i++)
		to[i] += madp_load(&src[i]);
}
