/** @file metrics.h
 *  Everything that the NCM counts, in the text format of Prometheus.  Layer: adapter.
 *  Labels are names of the configuration alone (accesses, N-MADP instances) and of states. */
#pragma once

#include "ncm-service/api.h"

void ncm_metrics_text(struct ncm_service *v, const struct ncm_api *api, mams_time started,
	mams_time now, struct mams_buf *out);
