/** @file strife.h
 *  Two clients and an NCM, all real cores, and someone who speaks in the name of one of them: the
 *  input's octets choose what happens and what is said.  Layer: tests.  After each event the cores
 *  are held to what must always be true; at the end, left in peace, both clients must be served. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** @param at_ncm  who is spoken to: the NCM, in the name of the first client, or that client's CCM
 *  Aborts when something is not as it must be. */
void strife_run(const uint8_t *data, size_t size, bool at_ncm);
