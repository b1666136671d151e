/** @file nl_private.h
 *  Requests of netlink, shared by nl.c, nl_host.c, nl_rules.c and nl80211.c.  Layer: io. */
#pragma once

#include "lib/io/nl.h"

#include <libmnl/libmnl.h>

#define MAMS_NL_BUFFER 65536

struct mams_nl {
	struct mnl_socket *sock;
	uint32_t seq;
	char buffer[MAMS_NL_BUFFER];
};

/** @param bus  NETLINK_ROUTE, NETLINK_GENERIC */
MAMS_MUST int mams_nl_open_bus(int bus, struct mams_nl **out);
/** Send h and read the kernel's answers. @return 0 or -errno */
int mams_nl_request(struct mams_nl *n, struct nlmsghdr *h, mnl_cb_t cb, void *user);
