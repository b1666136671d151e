/** @file pem.h
 *  Certificates and keys from files, as text.  Layer: io. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>

/** @param secret  refuse a file that group or others may read
 *  @param out  the caller frees it (and wipes it, when secret), also after an error
 *  @return 0, -MAMS_EVALUE (no PEM), -MAMS_EDENIED (file mode), -errno; err names the file */
MAMS_MUST int mams_pem_read(const char *path, bool secret, char **out, struct mams_error *err);
