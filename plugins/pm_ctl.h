/** @file pm_ctl.h
 *  The plugin's ctl socket: AF_UNIX SOCK_SEQPACKET by ELL, one lib/ctl message per packet.
 *  Layer: adapter of the plugin.  Peers must be root or our own user. */
#pragma once

#include "lib/ctl/ctl_msg.h"

struct pm_ctl;
struct pm_ctl_peer;

struct pm_ctl_counters {
	uint64_t packets;
	uint64_t bad_packets;
	uint64_t refused_peers;
	uint64_t unsent;
};

/** A decoded request; answer with pm_ctl_reply() or pm_ctl_result(). */
typedef void (*pm_ctl_fn)(void *user, struct pm_ctl_peer *from, const struct ctl_msg *m);

/** @param path  a stale socket there is replaced, a live one is refused (-EADDRINUSE) */
MAMS_MUST int pm_ctl_new(const char *path, pm_ctl_fn request, void *user, struct pm_ctl **out);
void pm_ctl_free(struct pm_ctl *c); /**< accepts NULL; removes the socket */
/** @param m  consumed */
void pm_ctl_reply(struct pm_ctl_peer *to, struct ctl_msg *m);
void pm_ctl_result(struct pm_ctl_peer *to, uint32_t id, int code, const char *text);
const struct pm_ctl_counters *pm_ctl_counters(const struct pm_ctl *c);
