/** @file apply_marks.h
 *  Marks what processes of a cgroup send with a DSCP, so that a flow class can tell it: at the
 *  client's proxy and trailer, at the N-MADP, and in a template of the NCM.  Layer: adapter.
 *  Source: RFC 8743 C.2.16 has no cgroup, but a traffic class; RFC 2474.
 *
 *  Rules of nftables, table inet mams_ccm, in the host's output path, while the session has a user
 *  plane.  They outlive a killed agent, as its routes do.  A cgroup that is not there, or is made
 *  anew, is found within a second. */
#pragma once

#include "ccm-agent/config.h"
#include "lib/io/loop.h"

struct ccm_marks;

/** @param wanted  asked every second: are marks of any use?
 *  @return 0 or a negative code; *out NULL when the configuration has no cgroup */
MAMS_MUST int ccm_marks_new(struct mams_loop *l, const struct ccm_conf *conf,
	bool (*wanted)(void *user), void *user, struct ccm_marks **out);
void ccm_marks_free(struct ccm_marks *m); /**< accepts NULL; the rules go */
/** Remove what another process has left. */
void ccm_marks_clear(const struct ccm_conf *conf);

/** Which cgroup is it, as nftables names it?
 *  @param path   directory of a cgroup of version 2 below /sys/fs/cgroup, or relative to that
 *  @param level  how deep below the root of its hierarchy
 *  @return 0, -ENOENT (not there), -MAMS_EVALUE (none of version 2) */
MAMS_MUST int ccm_cgroup_find(const char *path, uint64_t *inode, unsigned *level);
