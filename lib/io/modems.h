/** @file modems.h
 *  What ModemManager knows of the modem behind an interface: its signal and its cell.  Layer: io.
 *  Source: ModemManager's D-Bus interfaces Modem, Modem.Signal and Modem.Location.  By sd-bus,
 * which asks for no main loop of its own and is on Debian's hosts already.
 *
 *  Nobody waits for it: what is read is its last word, and the question for the next goes out. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define MAMS_MODEMS_MAX 8u

struct mams_modem {
	char interface[16];
	bool has_lte, has_nr;                         /**< it measures them now */
	int16_t lte_rsrp, lte_rsrq, nr_rsrp, nr_rsrq; /**< dBm, dB */
	char cell[33]; /**< MCC and MNC, then the cell's identity: "26201-1A2B3C"; "": not known */
};

struct mams_modems;

/** @param address  of a bus; NULL: the system's.  Copied.  It need not be there yet. */
MAMS_MUST int mams_modems_open(const char *address, struct mams_modems **out);
void mams_modems_close(struct mams_modems *m); /**< accepts NULL */
/** @param out  filled
 *  @return false: no modem has the interface, or ModemManager has not said so in the last 10 s */
bool mams_modems_read(
	struct mams_modems *m, const char *interface, mams_time now, struct mams_modem *out);
