/** @file status.h
 *  The answer to a ctl status request.  Layer: adapter of mams-proxy. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"
#include "proxy/config.h"
#include "proxy/instance.h"
#include "proxy/sounder.h"

/** What is shown; all borrowed. */
struct px_status_view {
	const struct px_conf *conf;
	const struct px_instance *instance;
	const struct px_path *paths;
	size_t n_paths;
	struct px_client *const *clients;
	size_t n_clients;
	bool catching;
	const struct px_sounder *sounder; /**< NULL: client role */
	const struct mams_ctl_counters *ctl;
	mams_time begun;
	mams_time now;
};

/** A path as the controllers know it. */
void px_status_path(struct ctl_msg *msg, const struct px_path *p, struct ctl_path *out);
/** @param path  NULL: it is about none
 *  @return a new message of the caller's, or NULL on ENOMEM */
struct ctl_msg *px_status_event(
	int kind, const char *words, const struct px_path *path, mams_time now);
/** A new message of the caller's, or NULL on ENOMEM. */
struct ctl_msg *px_status_compose(const struct px_status_view *v, uint32_t id);
/** The same for Prometheus. */
struct ctl_msg *px_status_metrics(const struct px_status_view *v, uint32_t id);
