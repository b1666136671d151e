/** @file ctlsock_private.h
 *  The ctl socket as its two halves share it.  Layer: io, internal.
 *  ctlsock.c: connections on this host, servers, who is told what; ctlsock_tls.c: connections
 *  between hosts; ctlsock_hello.c: which version is spoken. */
#pragma once

#include "lib/base/log.h"
#include "lib/io/ctlsock.h"
#include "lib/io/ctlstream.h"

#include <sys/queue.h>

#define MAMS_CTL_PACKETS_PER_EVENT 16 /* so that one busy peer cannot starve the others */
#define MAMS_CTL_CONNS_MAX 64

struct mams_ctl_packet {
	size_t len;
	STAILQ_ENTRY(mams_ctl_packet) link;
	char data[];
};

struct mams_ctl_conn {
	struct mams_loop *loop;
	struct mams_ctl_server *server; /* NULL: dialled */
	const struct mams_ctl_server_ops *ops;
	void *user;
	void *per_conn;
	int fd; /* -1: not connected */
	struct mams_loop_fd *watch;
	STAILQ_HEAD(, mams_ctl_packet) queue;
	size_t queued;  /* bytes */
	char *rx;       /* MAMS_CTL_MAX_BYTES, NUL after each packet; NULL: a stream has its own */
	size_t rx_most; /* bytes of the longest packet so far */
	bool dead;
	bool open;     /* the owner knows of it */
	bool greeted;  /* accepted: the first packet has come */
	bool greeting; /* dialled: our hello is not answered */
	bool news;     /* it wants them */
	char *path;    /* dialled: where to, on this host */
	struct mams_loop_timer *retry;
	int retry_ms;
	TAILQ_ENTRY(mams_ctl_conn) link;
	/* between hosts */
	const struct mams_ctl_remote *remote; /* dialled: where to */
	struct mams_addr peer;
	struct mams_ctl_stream *stream;
	bool connecting;
	bool let_in;                      /* TLS and its certificates are good */
	struct mams_loop_timer *patience; /* with a handshake, or half of a packet */
	bool waiting;
	struct mams_log_rl trouble; /* dialled */
};

struct mams_ctl_server {
	struct mams_loop *loop;
	const struct mams_ctl_server_ops *ops;
	void *user;
	char *path;
	gid_t gid;
	int fd;
	struct mams_loop_fd *watch;
	struct mams_loop_timer *resume;
	size_t n_conns;
	struct mams_log_rl refused;
	struct mams_ctl_counters counters;
	TAILQ_HEAD(, mams_ctl_conn) conns;
	struct mams_ctl_tls_listener *tls; /* NULL: this host only */
};

struct mams_ctl_conn *mams_ctl_conn_new(
	struct mams_loop *l, const struct mams_ctl_server_ops *ops, void *user);
/** Nothing is left of it at the end of the turn; not told. */
void mams_ctl_conn_release(struct mams_ctl_conn *c);
/** It has ended by itself: told, and dialled again or released. */
void mams_ctl_conn_ended(struct mams_ctl_conn *c);

/** The owner is told that it is there. */
void mams_ctl_conn_opened(struct mams_ctl_conn *c);
/** Send, whether the owner knows of it or not.  @return as mams_ctl_send() */
MAMS_MUST int mams_ctl_conn_send(struct mams_ctl_conn *c, const char *data, size_t len);

/* ctlsock_hello.c */
/** It is there: the owner is told, of a dialled one when it is known which version is spoken. */
void mams_ctl_conn_greet(struct mams_ctl_conn *c);
/** A packet has come: it is for the owner, or about the version. */
void mams_ctl_conn_packet(struct mams_ctl_conn *c, const char *data, size_t len);

/* ctlsock_tls.c */
/** Dial once; what becomes of it is seen later.  @return 0 or -errno */
MAMS_MUST int mams_ctl_tls_connect(struct mams_ctl_conn *c);
MAMS_MUST int mams_ctl_tls_send(struct mams_ctl_conn *c, const char *data, size_t len);
void mams_ctl_tls_hang_up(struct mams_ctl_conn *c); /**< also when it is no such connection */
void mams_ctl_tls_listener_free(struct mams_ctl_tls_listener *t); /**< accepts NULL */
