/** @file clients.h
 *  mams-bench-clients, as its two halves share it.  Layer: tests. */
#pragma once

#include "lib/base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct clients_opt {
	const char *dir;
	const char *url;
	const char *ctl;
	size_t n;
	size_t window; /**< under way at a time */
	unsigned hold_s;
	unsigned rate; /**< steering requests a second while holding */
	bool patient;  /**< more than is good for an NCM comes at once: they wait longer */
};
extern struct clients_opt opt;

_Noreturn void clients_die(const char *what, int rc);
double clients_s(mams_time from, mams_time to);
/** Path of a client's certificate. */
void clients_cert(char *out, size_t size, size_t i);
int clients_make_certs(void);
int clients_bare(void); /**< handshakes a second, printed */
