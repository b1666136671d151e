/** @file sessions_dtls.h
 *  The client's side of an association of mams-bench-sessions: as mams-trailer makes it, by the
 *  session's secret, on a socket whose path is proven.  Layer: test. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct mams_dtls;
struct mams_dtls_context;

struct mams_dtls_context *bench_dtls_context(void); /**< NULL: cannot be */
/** @param fd  connected, blocking or not
 *  @param identity  "SESSION-CONNECTION"
 *  @return the association, open; NULL: not within ten seconds */
struct mams_dtls *bench_dtls_open(struct mams_dtls_context *x, int fd, const char *identity,
	const uint8_t *key, size_t key_len);
