/** @file radio.h
 *  Where the figures of a link's radio come from.  Layer: adapter.  Each source is a struct of
 *  functions; the first that knows an interface tells of it. */
#pragma once

#include "ccm-agent/heard.h"
#include "lib/base/err.h"
#include "lib/io/loop.h"

struct ccm_radio_source {
	const char *name;
	/** @param loop  for sources that ask somebody who takes his time
	 *  @return 0 or -errno: this host has no such source */
	int (*open)(struct mams_loop *loop, void **out);
	void (*close)(void *source);
	/** Does not wait.
	 *  @param out  empty; filled with what is known
	 *  @return false: the interface is none of this source */
	bool (*read)(void *source, const char *interface, struct ccm_heard *out);
};

extern const struct ccm_radio_source ccm_radio_wifi;  /**< nl80211: signal, load, network */
extern const struct ccm_radio_source ccm_radio_modem; /**< ModemManager: signal, cell */
extern const struct ccm_radio_source ccm_radio_plain; /**< /proc/net/wireless: signal */

struct ccm_radio;

/** A source that cannot be opened is left out, with a line in the log. */
MAMS_MUST int ccm_radio_new(struct mams_loop *l, struct ccm_radio **out);
void ccm_radio_free(struct ccm_radio *r); /**< accepts NULL */
/** @return the source's name; NULL: nobody knows the interface */
const char *ccm_radio_read(struct ccm_radio *r, const char *interface, struct ccm_heard *out);
