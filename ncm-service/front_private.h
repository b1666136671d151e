/** @file front_private.h
 *  The front as its two halves share it.  Layer: adapter, internal.
 *  front.c: messages of clients; front_channels.c: where clients are reached. */
#pragma once

#include "ncm-service/front.h"

#include <sys/queue.h>

struct pending;
struct far;

struct ncm_front {
	struct ncm_intake *in;
	struct ncm_cluster *cluster;
	struct mams_loop_timer *timer;
	LIST_HEAD(, pending) pending;
	uint32_t number;
	struct ncm_away *away; /* channels here of clients whose session another instance has */
	struct far *far;       /* what stands for such a channel where the session is */
};

struct ncm_session *ncm_front_session(const struct ncm_front *f, const char *identity);
/** A packet of this kind about this client; NULL: no memory, which ncm_cluster_send() takes. */
struct ctl_msg *ncm_front_msg(enum ctl_peer_kind kind, const char *identity);
void ncm_front_put_sender(
	struct ctl_msg *msg, enum ncm_transport transport, const struct mams_addr *peer);
struct mams_addr ncm_front_peer(const struct ctl_ncm_peer *p);
/** text[len] as the message's own. */
char *ncm_front_text(struct ctl_msg *msg, const char *text, size_t len);

/* what front.c hands on */
void ncm_channels_attach(struct ncm_front *f, const struct ctl_ncm_peer *p);
void ncm_channels_detach(struct ncm_front *f, const struct ctl_ncm_peer *p);
void ncm_channels_deliver(struct ncm_front *f, const struct ctl_ncm_peer *p);
void ncm_channels_return(struct ncm_front *f, const struct ctl_ncm_peer *p);
void ncm_channels_dismiss(struct ncm_front *f, const struct ctl_ncm_peer *p);
void ncm_channels_undelivered(
	struct ncm_front *f, const char *instance, const struct ctl_ncm_peer *p);
void ncm_channels_dead(struct ncm_front *f, const char *instance);
/** What we told this instance of our channels may be lost: tell it again. */
void ncm_channels_again(struct ncm_front *f, const char *instance);
void ncm_channels_tick(struct ncm_front *f);
void ncm_channels_free(struct ncm_front *f);
