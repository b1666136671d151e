/** @file ws_handshake.h
 *  The opening handshake as text, both sides.  Layer: io (no sockets, no clock).
 *  Source: RFC 6455 4; RFC 9112 (their form). */
#pragma once

#include "lib/base/err.h"
#include "lib/io/ws.h"

#include <stdbool.h>
#include <stddef.h>

struct mams_buf;

#define MAMS_WS_RESPONSE_MAX 8192u /**< octets of a response that are looked at */

struct mams_ws_response {
	unsigned status;
	size_t len;           /**< octets of the response, body included; frames follow with 101 */
	bool closes;          /**< the connection ends with it */
	bool upgrades;        /**< to websocket, with a good Connection header */
	char accept[64];      /**< Sec-WebSocket-Accept */
	char challenge[1024]; /**< the first WWW-Authenticate that is Digest */
};

/** Append the request.
 *  @param authorization  header's value; NULL for none */
void mams_ws_request(struct mams_buf *out, const char *host, const char *path, const char *key,
	const char *authorization);
/** @param text  text[len], what has come so far
 *  @return 0, -EAGAIN (not whole yet), -MAMS_EPROTO, -MAMS_ELIMIT (longer than we look at) */
MAMS_MUST int mams_ws_response(const char *text, size_t len, struct mams_ws_response *out);

#define MAMS_WS_REQUEST_MAX 8192u

/** The server's side.  Strings are cut out of the text given and borrowed from it. */
struct mams_ws_ask {
	size_t len; /**< octets of the request */
	const char *method;
	const char *target;
	const char *authorization; /**< NULL: none */
	const char *key;           /**< Sec-WebSocket-Key; NULL: none */
	bool upgrades;             /**< Upgrade, Connection and version 13 are as they must be */
	bool has_body;
};

/** @param text  text[len]; written to (ends of strings) when 0 is returned
 *  @return 0, -EAGAIN (not whole yet), -MAMS_EPROTO, -MAMS_ELIMIT (longer than we look at) */
MAMS_MUST int mams_ws_ask(char *text, size_t len, struct mams_ws_ask *out);
