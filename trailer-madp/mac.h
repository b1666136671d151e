/** @file mac.h
 *  HMAC-SHA256 for proof.h.  Layer: adapter. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void madp_mac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[32]);
