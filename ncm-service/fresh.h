/** @file fresh.h
 *  What nobody can guess.  Layer: adapter (the kernel's random numbers). */
#pragma once

#include "ncm-service/session.h"

void ncm_fresh_octets(void *p, size_t n); /**< n at most 256 */
/** RFC 4648 base64 of 32 octets, for client_key, the Convert Cookie and a trailer's sessions. */
void ncm_fresh_key(char out[NCM_KEY_MAX]);
uint32_t ncm_fresh_number(void); /**< not 0, with room to count on */
