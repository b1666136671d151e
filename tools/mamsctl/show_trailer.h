/** @file show_trailer.h
 *  The status of mams-trailer for people.  Layer: tools (pure). */
#pragma once

#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"

void show_tr(const struct ctl_tr_status *s, struct mams_buf *out);
