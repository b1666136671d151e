/** @file ncm_rig.h
 *  A whole NCM in this process, without its proxy: https and udp on the loopback interface, with
 *  certificates of its own in a temporary directory.  Layer: tests. */
#pragma once

#include "ncm-service/api.h"

struct ncm_rig {
	struct mams_loop *loop;
	struct ncm_conf conf;
	struct ncm_store *store;
	struct ncm_service *service;
	struct ncm_api *api;
	uint64_t sent; /**< messages of the NCM's own */
};

/** Make the directory, once; ends with the process.  The client certificate is of "good".
 *  @param ca  tools/mams-ca */
void ncm_rig_files(const char *ca);
const char *ncm_rig_file(const char *name); /**< its path; until the next call */
/** Aborts with words when it does not start. */
void ncm_rig_start(struct ncm_rig *g);
void ncm_rig_stop(struct ncm_rig *g);
/** For targets that run many times: a new one now and then, the same without sessions otherwise. */
void ncm_rig_again(struct ncm_rig *g);
/** One turn of the loop, without waiting. */
void ncm_rig_turn(struct ncm_rig *g);
uint16_t ncm_rig_port(bool udp);
/** Value of a counter of any transport. */
uint64_t ncm_rig_counter(const struct ncm_rig *g, const char *name);
