/** @file linkstat.h
 *  What the kernel knows of an interface's traffic and radio.  Layer: adapter. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** @return octets received and sent since the interface exists; 0 when there is none */
uint64_t ccm_linkstat_rx(const char *interface);
uint64_t ccm_linkstat_tx(const char *interface);
/** Signal level of a Wi-Fi interface.  @return false when it has no radio, or is not associated */
bool ccm_linkstat_rssi(const char *interface, int *dbm);
