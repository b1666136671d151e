/** @file ctlsock.h
 *  The ctl socket: AF_UNIX SOCK_SEQPACKET, one message per packet, peer credentials checked;
 * between hosts packets in TLS 1.3 over TCP, certificates on both sides (ctlstream.h). Layer: io.
 * Carries bytes; what they mean is lib/ctl's and the owner's business, but for the hello that
 * whoever dials begins with: a peer with no version of ctl in common is refused, and dialled again.
 */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/base/metrics.h"
#include "lib/io/ctlstream.h"
#include "lib/io/loop.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAMS_CTL_MAX_BYTES 262144u

struct mams_ctl_server;
struct mams_ctl_conn;

struct mams_ctl_server_ops {
	/** A peer whose uid is root, our own, or member of the allowed group connected; or one from
	 *  another host who is let in. */
	void (*opened)(void *user, struct mams_ctl_conn *c);
	/** One packet; data[len] is borrowed for the call. */
	void (*packet)(void *user, struct mams_ctl_conn *c, const char *data, size_t len);
	/** The connection ended by itself; not called for mams_ctl_close() and server_free(). */
	void (*closed)(void *user, struct mams_ctl_conn *c);
};

/** Listen at path (mode 0660, stale socket of a dead daemon replaced, live one refused EADDRINUSE).
 *  @param gid  group that may connect, (gid_t)-1 for none */
MAMS_MUST int mams_ctl_listen(struct mams_loop *l, const char *path, gid_t gid,
	const struct mams_ctl_server_ops *ops, void *user, struct mams_ctl_server **out);
void mams_ctl_server_free(struct mams_ctl_server *s); /**< unlinks the path; accepts NULL */
/** What a server offers to other hosts, as it is configured; borrowed while there is the server. */
struct mams_ctl_offer {
	struct mams_addr *listen; /**< listen[n_listen], with ports; none: nothing, one at most */
	size_t n_listen;
	struct mams_ctl_files files;
	const char **names; /**< names[n_names]: common names of certificates let in */
	size_t n_names;
};
/** The keys of a daemon's configuration that fill it.
 *  @param at  macro: offset of a member of the daemon's struct, which has the offer as `offer` */
#define MAMS_CTL_OFFER_ROWS(at)                                                                    \
	{"ctl_listen", MAMS_C_ADDR_PORTS, at(offer.listen), at(offer.n_listen), .min = 7450,       \
		.doc = "network: TCP address for mams-ncm on another host, in TLS 1.3 with "       \
		       "certificates on both sides; default: none"},                               \
		{"ctl_ca", MAMS_C_FILE, at(offer.files.ca_file),                                   \
			.doc = "with ctl_listen: CA of the NCMs' certificates, PEM"},              \
		{"ctl_certificate", MAMS_C_FILE, at(offer.files.cert_file),                        \
			.doc = "with ctl_listen: our own, for the address or name that NCMs "      \
			       "dial, PEM"},                                                       \
		{"ctl_key", MAMS_C_SECRET_FILE, at(offer.files.key_file),                          \
			.doc = "with ctl_listen: its key, PEM"},                                   \
	{                                                                                          \
		"ctl_peers", MAMS_C_STRINGS, at(offer.names), at(offer.n_names),                   \
			.doc = "with ctl_listen: common names of the certificates of NCMs that "   \
			       "may command"                                                       \
	}
/** Is all there that belongs together?  @param path  of the file
 *  @return 0, -MAMS_EMISSING, -MAMS_EVALUE; err names the key */
MAMS_MUST int mams_ctl_offer_check(
	const struct mams_ctl_offer *o, const char *path, struct mams_error *err);
/** Listen for other hosts, too, if any is offered.  Who is not let in is told so by TLS, and
 * logged.
 *  @return 0, as mams_ctl_context_new(), -EADDRINUSE and other system errors; err names file or
 *          address */
MAMS_MUST int mams_ctl_listen_tls(
	struct mams_ctl_server *s, const struct mams_ctl_offer *offer, struct mams_error *err);
/** Send to every connected peer (events). */
void mams_ctl_broadcast(struct mams_ctl_server *s, const char *data, size_t len);

struct mams_ctl_counters {
	uint64_t versions_refused;
};
extern const struct mams_metric mams_ctl_counter_rows[];
extern const size_t mams_ctl_n_counter_rows;
const struct mams_ctl_counters *mams_ctl_server_counters(const struct mams_ctl_server *s);

/** News: of it only the newest matters, so a peer that has not read what it was sent before is told
 *  nothing, and nothing waits. */
void mams_ctl_want_news(struct mams_ctl_conn *c); /**< this peer is told from now on */
bool mams_ctl_is_news_wanted(const struct mams_ctl_server *s);
/** @return false: nobody was told */
bool mams_ctl_news(struct mams_ctl_server *s, const char *data, size_t len);

/** Client side that keeps itself connected: tries again 100 ms after each failure or end, up to
 *  once a second.  ops->opened / closed tell the state; it opens when the peer has answered our
 *  hello, in which way ever, or after a second without a word. */
MAMS_MUST int mams_ctl_dial(struct mams_loop *l, const char *path,
	const struct mams_ctl_server_ops *ops, void *user, struct mams_ctl_conn **out);

/** A server on another host; all borrowed while the connection is there. */
struct mams_ctl_remote {
	struct mams_addr address; /**< with port */
	const char *name;         /**< name or address that its certificate must be for */
	struct mams_ctl_context *context;
};
/** As mams_ctl_dial().  Why there is no connection is logged. */
MAMS_MUST int mams_ctl_dial_tls(struct mams_loop *l, const struct mams_ctl_remote *to,
	const struct mams_ctl_server_ops *ops, void *user, struct mams_ctl_conn **out);

/** Queue one packet; whole or not at all.
 *  @return 0, -ENOTCONN, -MAMS_ELIMIT (too long, or the peer does not read: 1 MiB queued) */
MAMS_MUST int mams_ctl_send(struct mams_ctl_conn *c, const char *data, size_t len);
void mams_ctl_close(struct mams_ctl_conn *c); /**< accepts NULL; a dialled one stops trying */
bool mams_ctl_is_open(const struct mams_ctl_conn *c);
void mams_ctl_set_user(struct mams_ctl_conn *c, void *per_conn);
void *mams_ctl_get_user(const struct mams_ctl_conn *c);

/** Blocking round trip for command-line tools: send, wait for one packet at most timeout_ms.
 *  @param out  owned by the caller (free), NUL-terminated */
MAMS_MUST int mams_ctl_call(const char *path, const char *data, size_t len, int timeout_ms,
	char **out, size_t *out_len);
