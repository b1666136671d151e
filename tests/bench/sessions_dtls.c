#include "tests/bench/sessions_dtls.h"

#include "lib/base/clock.h"
#include "lib/io/dtls.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define PATIENCE_US 10000000
#define MTU 1472u /* of a link of 1500 */

static void emit(void *user, const uint8_t *data, size_t len)
{
	(void)!send(*(const int *)user, data, len, 0);
}

struct mams_dtls_context *bench_dtls_context(void)
{
	const struct mams_dtls_conf conf = {.server = false};
	struct mams_dtls_context *x = NULL;
	struct mams_error err = {0};

	if (mams_dtls_context_new(&conf, &x, &err) < 0)
		fprintf(stderr, "mams-bench-sessions: %s: %s\n", err.where, err.text);
	return x;
}

struct mams_dtls *bench_dtls_open(struct mams_dtls_context *x, int fd, const char *identity,
	const uint8_t *key, size_t key_len)
{
	const struct mams_dtls_peer peer = {.emit = emit, .user = &fd, .mtu = MTU};
	static uint8_t plain[MAMS_DTLS_PLAIN_MAX];
	mams_time begun = mams_clock_now();
	struct mams_dtls *d = NULL;
	int rc = mams_dtls_connect(x, &peer, identity, key, key_len, &d);

	while (rc >= 0 && !mams_dtls_is_open(d) && mams_clock_now().us - begun.us < PATIENCE_US) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		uint8_t pkt[2048];
		ssize_t n = poll(&ready, 1, 50) > 0 ? recv(fd, pkt, sizeof(pkt), 0) : 0;

		/* what is no record is the answer to a proof, once more */
		if (n > 0 && pkt[0] >= 20 && pkt[0] <= 63)
			rc = mams_dtls_take(d, pkt, (size_t)n, plain, sizeof(plain));
		else if (n <= 0)
			rc = mams_dtls_tick(d);
	}
	if (d && mams_dtls_is_open(d))
		return d;
	if (d)
		fprintf(stderr, "mams-bench-sessions: %s: %s\n", identity, mams_dtls_why(d));
	mams_dtls_free(d);
	return NULL;
}
