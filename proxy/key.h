/** @file key.h
 *  A client_key as it travels (base64, RFC 4648) and as it is used (octets of the Convert Cookie).
 *  Layer: adapter of mams-proxy (uses libcrypto).  Source: requirements.md A.1-35. */
#pragma once

#include "lib/base/err.h"

#include <stdint.h>

#define PX_KEY_MAX 512u

/** @param out  filled, secret
 *  @return octets, or -MAMS_EVALUE (no base64, empty, or too long for a cookie) */
MAMS_MUST int px_key_decode(const char *text, uint8_t out[PX_KEY_MAX]);
/** Read the first line of a file.  @return octets, or a negative code */
MAMS_MUST int px_key_read(const char *path, uint8_t out[PX_KEY_MAX], struct mams_error *err);
