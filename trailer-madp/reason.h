/** @file reason.h
 *  Why a packet was not taken: one value a cause, so that every drop has a counter of its own name.
 *  Layer: core (no I/O, no clock, no allocation).  Functions of the data path return one of these
 *  instead of a negative error: MADP_OK, or the index of the counter to increment.  No symbol here
 *  may be the name of a flag in gma.h: the macro would win. */
#pragma once

/** X(symbol, counter name, words for an operator) */
#define MADP_REASONS(X)                                                                            \
	X(OK, "ok", "accepted")                                                                    \
	X(IP_SHORT, "ip_short", "shorter than an IP header")                                       \
	X(IP_VERSION, "ip_version", "neither IPv4 nor IPv6")                                       \
	X(IP_HEADER, "ip_header", "header length, options or extension headers beyond the packet") \
	X(IP_LENGTH, "ip_length", "length field disagrees with the packet")                        \
	X(IP_CHECKSUM, "ip_checksum", "wrong IPv4 header checksum")                                \
	X(GMA_SHORT, "gma_short", "shorter than the flags of its GMA header or trailer demand")    \
	X(GMA_VERSION, "gma_version", "unknown GMA version")                                       \
	X(GMA_FLAG, "gma_flag", "reserved or unsupported GMA flag is set")                         \
	X(GMA_NO_TTL, "gma_no_ttl", "IP encapsulation without the TTL field")                      \
	X(GMA_FORM, "gma_form", "field or address family that this encapsulation excludes")        \
	X(GMA_BAD_CHECKSUM, "gma_checksum", "wrong GMA checksum")                                  \
	X(GMA_BAD_FSL, "gma_fsl", "first SDU length outside the payload")                          \
	X(GMA_FSL_FC, "gma_fsl_fc", "concatenation and fragmentation in one PDU")                  \
	X(GMA_NO_SN, "gma_no_sn", "fragment without Flow SN")                                      \
	X(TOO_LONG, "too_long", "longer than the link, the length field or the buffer allows")     \
	X(NAT_PROTOCOL, "nat_protocol", "not protocol 114, on a link with client NAT")             \
	X(NAT_ADDRESS, "nat_address", "client's address is not the one that client NAT maps")

/** MADP_OK, MADP_IP_SHORT and so on. */
enum madp_reason {
#define X(symbol, name, words) MADP_##symbol,
	MADP_REASONS(X)
#undef X
		MADP_REASON_COUNT
};

/** Counter name ("gma_checksum"); never NULL. */
const char *madp_reason_name(enum madp_reason r);
/** Words for an operator; never NULL. */
const char *madp_reason_text(enum madp_reason r);
