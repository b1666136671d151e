/** @file secret.h
 *  A password from a file.  Layer: io. */
#pragma once

#include "lib/base/err.h"

/** The first line of a file that only we may read.
 *  @param out  the caller wipes and frees it
 *  @return 0, -MAMS_EDENIED (file mode), -MAMS_EMISSING (empty), -errno; err names the file */
MAMS_MUST int mams_secret_read(const char *path, char **out, struct mams_error *err);
