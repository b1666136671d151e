/** @file config.h
 *  The configuration file of mams-trailer.  Layer: adapter.  Sessions, links and treatment do not
 *  stand in it: the control plane brings them over ctl. */
#pragma once

#include "lib/codec/conf.h"
#include "lib/io/ctlsock.h"
#include "trailer-madp/certs.h"
#include "trailer-madp/settings.h"

struct madp_conf {
	int role; /**< enum madp_role */
	const char *ctl_socket;
	struct mams_ctl_offer offer; /**< network: to NCMs on other hosts */
	const char *interface;
	uint32_t workers;
	uint32_t mtu;
	uint32_t packet_max;
	uint32_t waiting_max;
	uint32_t window_octets;
	uint32_t send_buffer;
	uint32_t receive_buffer;
	uint32_t proofs;
	uint32_t mark;
	bool client_nat;
	struct mams_addr *listen; /**< network */
	size_t n_listen;
	struct mams_prefix *masquerade; /**< network */
	size_t n_masquerade;
	struct madp_certs certs;
	const char *vici_socket;     /**< network; "none": no IPsec */
	struct mams_addr *protected; /**< network: of listen */
	size_t n_protected;
	struct mams_arena *arena; /**< owns everything above */
};

#define MADP_WORKERS_MAX 64u
#define MADP_LISTEN_MAX 16u

/** The keys of the file; docs/configuration.md is written from it. */
extern const struct mams_conf_table madp_conf_table;
/** Read and check.  @return 0 or a negative code; err names file, line, key and cure */
MAMS_MUST int madp_conf_load(const char *path, struct madp_conf *out, struct mams_error *err);
/** Is this address of ours reached inside IPsec only? @param a  port ignored */
bool madp_conf_protects(const struct madp_conf *c, const struct mams_addr *a);
void madp_conf_free(struct madp_conf *c);
