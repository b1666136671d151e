/** @file desired.h
 *  Sessions as the control thread knows them.  Layer: adapter. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "trailer-madp/account.h"
#include "trailer-madp/gauge.h"
#include "trailer-madp/instance.h"
#include "trailer-madp/settings.h"

#include <uthash.h>

struct madp_protect;

/** What is told of a session, without its secret. */
struct madp_desired {
	char client[MADP_NAME];
	uint64_t id;
	uint64_t number; /**< later ones have higher ones */
	struct mams_addr anchor4;
	struct mams_addr anchor6;
	uint16_t mtu; /**< of packets inside, as the host's network is told */
	bool heard;   /**< N-MADP: the client has been, in its session here */
	unsigned worker;
	struct madp_account *account;
	struct madp_gauge gauge[MADP_LINKS_MAX]; /**< as account->link */
	struct madp_link_set link[MADP_LINKS_MAX];
	size_t n_links;
	struct madp_class_set cls[MADP_CLASSES_MAX];
	UT_hash_handle by_client;
	UT_hash_handle by_id;
};

/** The link as it was told last; NULL: there is none, or no session (d NULL). */
const struct madp_link_set *madp_desired_link(const struct madp_desired *d, uint8_t cid);
/** What comes without a tunnel has no port that could say whose it is: it is the first worker's. */
bool madp_set_has_nat(const struct madp_session_set *s);
/** Is s another session than d's, or one that cannot stay with its worker?  Then it has no sockets
 *  yet. */
bool madp_desired_is_new(const struct madp_desired *d, const struct madp_session_set *s);
/** Client: is s for another N-MADP instance than d?  A link is where it was, but leads elsewhere,
 *  and none leads to where one has led.  Not with client NAT: both would be heard on one socket.
 *  @param d  NULL: there was none */
bool madp_desired_moves(const struct madp_desired *d, const struct madp_session_set *s);

struct mams_ctl_counters;

struct madp_status_view {
	const struct madp_conf *conf;
	const struct madp_instance *instance;
	const struct madp_protect *protect; /**< NULL: no IPsec */
	struct madp_desired *sessions;      /**< by client */
	const char *client;                 /**< only this one; NULL: all */
	uint64_t after;                     /**< only those of higher numbers */
	const struct mams_ctl_counters *ctl;
	mams_time begun;
	mams_time now;
};

/** As many sessions as a packet can have; `more` says where the next one goes on.  What comes and
 *  goes between two requests takes no other with it.
 *  @return NULL on ENOMEM */
struct ctl_msg *madp_status_compose(const struct madp_status_view *v, uint32_t id);
/** Counters of all, for Prometheus. */
struct ctl_msg *madp_status_metrics(const struct madp_status_view *v, uint32_t id);
