/** @file sysctl.h
 *  Kernel settings under /proc/sys, changed with a memory of what stood there before.  Layer: io.
 *  The memory is a file (mode 0600, replaced whole), so that a later process can put things back
 *  after this one was killed. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define MAMS_SYSCTL_VALUE_MAX 64

struct mams_sysctl {
	const char *key;   /**< "net.mptcp.enabled" */
	const char *value; /**< wanted */
	bool optional;     /**< without it, too: kernels that do not have it, containers */
};

/** Set what differs; the first old value of each key is added to the memory before the change.
 *  @return 0 or -errno; err names the key */
MAMS_MUST int mams_sysctl_set(
	const char *memory, const struct mams_sysctl *list, size_t n, struct mams_error *err);
/** Put everything in the memory back and remove it; no memory is no error. */
MAMS_MUST int mams_sysctl_restore(const char *memory, struct mams_error *err);
