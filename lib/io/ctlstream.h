/** @file ctlstream.h
 *  ctl between hosts: packets in TLS 1.3, both sides with certificates.  Layer: io; sees no socket:
 *  octets in, packets out, and the other way round.
 *
 *  A packet is four octets of length, most significant first, and so many octets.  A length of 0
 *  says that the peer is let in; only the side that was connected to says it, once, as in TLS 1.3
 *  the other one would otherwise take itself for let in before its certificate has been looked at.
 */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mams_ctl_context;
struct mams_ctl_stream;

struct mams_ctl_files {
	const char *ca_file;   /**< PEM: who may have issued the peer's certificate */
	const char *cert_file; /**< PEM, our own, with what leads to the CA */
	const char *key_file;  /**< PEM; refused when group or others may read it */
};

/** @param server  connections are accepted; else they are made
 *  @return 0, -MAMS_EDENIED (file mode), -MAMS_EVALUE (a file is wrong), -ENOMEM, -errno; err names
 *          the file */
MAMS_MUST int mams_ctl_context_new(const struct mams_ctl_files *files, bool server,
	struct mams_ctl_context **out, struct mams_error *err);
void mams_ctl_context_free(struct mams_ctl_context *x); /**< accepts NULL; no stream is left */

/** @param names  whom we speak to, names[n], borrowed.  A client: one, the name or address that the
 *                server's certificate must be for; a server: the common names of those let in */
MAMS_MUST int mams_ctl_stream_new(struct mams_ctl_context *x, const char *const *names, size_t n,
	struct mams_ctl_stream **out);
void mams_ctl_stream_free(struct mams_ctl_stream *s); /**< accepts NULL; wipes what it holds */

/** Octets from the peer, data[n].  @return 0, or a code after which the stream is over:
 *  -MAMS_EDENIED (the peer is not who it should be, or does not let us in), -MAMS_EPROTO,
 *  -ECONNRESET (the peer has ended it), -MAMS_ELIMIT (a packet too long) */
MAMS_MUST int mams_ctl_stream_in(struct mams_ctl_stream *s, const void *data, size_t n);
const char *mams_ctl_stream_why(const struct mams_ctl_stream *s); /**< in words, once it is over */
/** The peer is known and we are let in. */
bool mams_ctl_stream_ready(const struct mams_ctl_stream *s);
/** The code that it is over with; 0: it is not. */
int mams_ctl_stream_over(const struct mams_ctl_stream *s);
/** The next whole packet, NUL-terminated, until the next call; NULL: there is none yet. */
const char *mams_ctl_stream_packet(struct mams_ctl_stream *s, size_t *len);
bool mams_ctl_stream_partial(const struct mams_ctl_stream *s); /**< a packet has begun */

/** @return 0, -ENOTCONN (not ready), -EINVAL (empty), -MAMS_ELIMIT (too long, or 1 MiB waits) */
MAMS_MUST int mams_ctl_stream_say(struct mams_ctl_stream *s, const char *data, size_t len);
/** Octets for the peer, borrowed until the next call.  @return how many */
size_t mams_ctl_stream_out(struct mams_ctl_stream *s, const char **data);
void mams_ctl_stream_sent(struct mams_ctl_stream *s, size_t n);
