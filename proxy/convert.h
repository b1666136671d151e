/** @file convert.h
 *  0-RTT TCP Convert Protocol messages, both roles.  Layer: core (no I/O, no clock, no allocation).
 *  Source: RFC 8803 section 6; errors 6.2.8; option rules section 7.  Multi-octet fields are
 * network byte order on the wire, host order in the structs.  A decoded message borrows from its
 * input. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PX_CONVERT_VERSION 1u
#define PX_CONVERT_MAGIC 0x2263u
#define PX_CONVERT_HEADER 4u       /**< octets of the fixed header, 6.1 */
#define PX_CONVERT_MAX 1020u       /**< octets of the longest message, 6.1 */
#define PX_CONVERT_COOKIE_MAX 512u /**< our limit for an opaque cookie */
#define PX_CONVERT_TURN 24u        /**< octets of a message that says where the uplink turns */
#define PX_CONVERT_NAME 12u        /**< octets of the option that names a flow */

/* DECISION: two directions of one flow on two MPTCP connections (apart.h) need words that RFC 8803
 * does not have.
 *  - The converter names a flow in its answer: an experimental option (kind 254, RFC 4727; with an
 *    ExID as RFC 6994 has it) at the end of the Extended TCP Header TLV.  Who does not know it has
 *    no use for that TLV's options anyway.
 *  - The Attach TLV, of a type for private use (section 10): "this connection is to carry the
 * uplink of that flow", in the first message of a connection in place of Connect; the converter
 * repeats it when it agrees.  A second one of the client names the octet from which on it does. A
 * client says Attach only of a flow that was named, so no other converter ever meets it. */

/** Section 6.2.2, table 1. */
enum px_tlv {
	PX_TLV_INFO = 1,
	PX_TLV_CONNECT = 10,
	PX_TLV_EXT_HEADER = 20,
	PX_TLV_SUPPORTED = 21,
	PX_TLV_COOKIE = 22,
	PX_TLV_ERROR = 30,
	PX_TLV_ATTACH = 192,
};

/** Section 6.2.8, table 2. */
enum px_convert_code {
	PX_CONVERT_BAD_VERSION = 0,
	PX_CONVERT_MALFORMED = 1,
	PX_CONVERT_UNSUPPORTED = 2,
	PX_CONVERT_MISSING_COOKIE = 3,
	PX_CONVERT_NOT_AUTHORIZED = 32,
	PX_CONVERT_BAD_OPTION = 33,
	PX_CONVERT_NO_RESOURCES = 64,
	PX_CONVERT_NET_FAILURE = 65,
	PX_CONVERT_RST = 96,
	PX_CONVERT_UNREACHABLE = 97,
};

/** TCP option kinds that section 7 rules on. */
enum px_tcp_option {
	PX_TCPOPT_EOL = 0,
	PX_TCPOPT_NOP = 1,
	PX_TCPOPT_MSS = 2,
	PX_TCPOPT_WSCALE = 3,
	PX_TCPOPT_SACK_PERMITTED = 4,
	PX_TCPOPT_SACK = 5,
	PX_TCPOPT_TIMESTAMP = 8,
	PX_TCPOPT_AO = 29,
	PX_TCPOPT_MPTCP = 30,
	PX_TCPOPT_FASTOPEN = 34,
	PX_TCPOPT_EXPERIMENT = 254,
};

/** Who is reading: the two roles answer violations differently (6.2.1, 6.2.2). */
enum px_convert_role {
	PX_AT_CONVERTER,
	PX_AT_CLIENT,
};

enum px_convert_verdict {
	PX_CONVERT_OK,      /**< message complete and valid */
	PX_CONVERT_MORE,    /**< need more octets; out->len says how many in total */
	PX_CONVERT_FOREIGN, /**< not the Convert Protocol: end without an answer */
	PX_CONVERT_RESET,   /**< reset the connection, no answer */
	PX_CONVERT_ANSWER,  /**< send an Error TLV with out->error_code, then close in order */
};

/** Octets borrowed from the message; padding included where the protocol cannot tell it apart. */
struct px_octets {
	const uint8_t *data;
	size_t len;
};

struct px_convert_msg {
	size_t len; /**< octets the message occupies at the start of the stream */
	bool has_info;
	bool has_connect;
	bool has_supported;
	bool has_ext_header;
	bool has_cookie;
	bool has_error;
	bool has_attach;
	bool has_turn;
	struct mams_addr peer;       /**< Connect: IPv4-mapped addresses come out as IPv4 */
	struct px_octets options;    /**< Connect: TCP options, framing checked; len 0 when base */
	struct px_octets supported;  /**< kinds, zero-padded */
	struct px_octets ext_header; /**< server's TCP options, zero-padded */
	struct px_octets cookie;
	uint8_t error_code; /**< of an Error TLV received, or the answer to send */
	struct px_octets error_value;
	uint64_t flow; /**< Attach: the flow's number */
	uint64_t turn; /**< Attach: octets of its uplink that went, and go, elsewhere */
};

/** Read the message at the start of data[len].
 *  At the converter every violation yields PX_CONVERT_ANSWER (with error_code), except a zero
 *  Total Length (RESET) and a wrong magic number (FOREIGN); at the client it yields RESET.
 *  @param out  filled as far as the verdict allows; borrows data */
enum px_convert_verdict px_convert_decode(
	enum px_convert_role role, const uint8_t *data, size_t len, struct px_convert_msg *out);

/** Check the options of an extended Connect against what we can do (sections 6.2.5 and 7).
 *  Kinds 0, 1, 2, 3 and 5 are ignored; SACK-permitted, timestamp and MPTCP are accepted without
 *  a value.
 *  @param bad        filled with the kinds refused, each once
 *  @param want_mptcp set when the client asks for MPTCP towards the server; may be NULL
 *  @return number of kinds in bad (0: all accepted) */
size_t px_convert_check_options(struct px_octets options, uint8_t bad[32], bool *want_mptcp);

/** Start a message in w; w->data[0] must be its first octet. */
void px_convert_begin(struct mams_wr *w);
void px_convert_put_info(struct mams_wr *w);
void px_convert_put_connect(
	struct mams_wr *w, const struct mams_addr *peer, struct px_octets options);
void px_convert_put_cookie(struct mams_wr *w, struct px_octets cookie);
void px_convert_put_supported(struct mams_wr *w, struct px_octets kinds);
void px_convert_put_ext_header(struct mams_wr *w, struct px_octets options);
/** @param turn  octets before it; NULL: only asked for, or agreed to */
void px_convert_put_attach(struct mams_wr *w, uint64_t flow, const uint64_t *turn);
/** The option that names a flow, for px_convert_put_ext_header().
 *  @param out  filled */
void px_convert_name(uint64_t flow, uint8_t out[PX_CONVERT_NAME]);
/** @return the number in the options of an Extended TCP Header, or 0 */
uint64_t px_convert_named(struct px_octets options);
/** An Error TLV: the first Value octet is first, rest follows.  For the list values (versions,
 *  option kinds) pass the first item as first.  rest is cut where the message would get too long.
 */
void px_convert_put_error(
	struct mams_wr *w, enum px_convert_code code, uint8_t first, struct px_octets rest);
/** Write the Total Length. @return 0 or -MAMS_ELIMIT (the message does not fit) */
MAMS_MUST int px_convert_end(struct mams_wr *w);

/** The kinds we announce in Supported TCP Extensions. */
struct px_octets px_convert_supported(void);
/** Words for an error code; "unknown error" for others. */
const char *px_convert_code_name(uint8_t code);
