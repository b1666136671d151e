/* What anybody can send to a DTLS server before it is known, and to an association in its
 * handshake: the first octet chooses, then come datagrams, each behind two octets of length. */
#include "lib/io/dtls.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[16] = "sixteen octets..";
static uint8_t plain[MAMS_DTLS_PLAIN_MAX];
static size_t told;

static size_t key_of(void *user, const char *identity, uint8_t out[MAMS_DTLS_KEY_MAX])
{
	(void)user;
	(void)identity;
	for (size_t i = 0; i < sizeof(key); i++)
		out[i] = key[i];
	return sizeof(key);
}

static void count(void *user, const uint8_t *data, size_t len)
{
	(void)user;
	(void)data;
	told += len;
}

static const struct mams_dtls_peer peer = {count, NULL, 1200, NULL};

static void greet(struct mams_dtls_context *x, const uint8_t *data, size_t len)
{
	static const uint8_t address[] = {192, 0, 2, 1};
	struct mams_dtls *d = NULL;

	told = 0;
	(void)!mams_dtls_greet(x, &peer, address, sizeof(address), data, len, (mams_time){1}, &d);
	if (d || told > len)
		abort(); /* nobody guesses a cookie, nobody is answered with more than was sent */
}

static void answer(struct mams_dtls *d, const uint8_t *data, size_t len)
{
	if (mams_dtls_take(d, data, len, plain, sizeof(plain)) > 0)
		abort(); /* nobody without the key has anything to say */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mams_dtls_conf conf = {.server = size > 0 && data[0] & 1, .key_of = key_of};
	struct mams_dtls_context *x;
	struct mams_dtls *d = NULL;
	struct mams_error err;

	if (mams_dtls_context_new(&conf, &x, &err) < 0)
		abort();
	if (!conf.server && mams_dtls_connect(x, &peer, "me", key, sizeof(key), &d) < 0)
		abort();
	for (size_t at = 1; at + 2 <= size;) {
		size_t len = (size_t)(data[at] << 8 | data[at + 1]);

		at += 2;
		if (len > size - at)
			len = size - at;
		if (d)
			answer(d, data + at, len);
		else
			greet(x, data + at, len);
		at += len;
	}
	mams_dtls_free(d);
	mams_dtls_context_free(x);
	return 0;
}
