/** @file sounder.h
 *  MX Control PDUs of the network role: the UDP sockets at control_listen, and the probes that the
 *  NCM orders.  Layer: adapter, on the control thread. */
#pragma once

#include "lib/base/metrics.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/loop.h"
#include "proxy/config.h"

struct px_sounder;

struct px_sounder_counters {
	uint64_t ordered;
	uint64_t refused;
	uint64_t begun;
	uint64_t silent; /**< the client never showed itself */
	uint64_t sent;
	uint64_t answered;
	uint64_t strange;
};
extern const struct mams_metric px_sounder_rows[];
extern const size_t px_n_sounder_rows;

MAMS_MUST int px_sounder_new(struct mams_loop *l, const struct px_conf *conf,
	struct px_sounder **out, struct mams_error *err);
void px_sounder_free(struct px_sounder *s); /**< accepts NULL */
/** Probe a connection, or (stop) no longer; what runs for it ends.
 *  @return 0, -MAMS_EVALUE (no such address of ours), -MAMS_ELIMIT (too much at once), -ENOMEM */
MAMS_MUST int px_sounder_order(
	struct px_sounder *s, const struct ctl_px_probe *m, struct mams_error *err);
/** The client is no longer valid: no probes for it. */
void px_sounder_forget(struct px_sounder *s, const char *client);
const struct px_sounder_counters *px_sounder_counters(const struct px_sounder *s);
