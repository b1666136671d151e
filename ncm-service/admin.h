/** @file admin.h
 *  The NCM's ctl socket: status, steering, log level for mamsctl.  Layer: adapter. */
#pragma once

#include "ncm-service/api.h"
#include "ncm-service/cluster.h"

struct ncm_admin;
struct ncm_steers;

MAMS_MUST int ncm_admin_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_service *v,
	const struct ncm_api *api, struct ncm_cluster *cluster, struct ncm_admin **out);
void ncm_admin_free(struct ncm_admin *a); /**< accepts NULL */
/** A steering request has come to its end. */
void ncm_admin_steered(struct ncm_admin *a, uint64_t request, int code, const char *text);
struct ncm_steers *ncm_admin_steers(struct ncm_admin *a); /**< for the cluster's ops */
