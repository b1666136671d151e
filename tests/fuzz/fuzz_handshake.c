/* What the other side says before it is known: the opening handshake of wss as the server and as
 * the client reads it, and the Digest headers of both.  The first octet chooses. */
#include "lib/base/buf.h"
#include "lib/io/digest.h"
#include "lib/io/ws_handshake.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *ha1_of(const void *list, const char *name)
{
	return strcmp(name, "alice") == 0 ? list : NULL;
}

static void check_digest(const char *text)
{
	static const uint8_t key[32] = {1};
	const struct mams_digest_users users = {.ha1 = ha1_of, .list = key};
	const struct mams_digest_request req = {
		.method = "GET", .target = "/mams/v1/ws", .authorization = text};
	char name[MAMS_DIGEST_USER_MAX];
	struct mams_digest *d;

	if (mams_digest_new("mams", key, 4, &d) < 0)
		abort();
	if (mams_digest_check(d, &req, &users, (mams_time){1}, name) == MAMS_DIGEST_OK)
		abort(); /* nobody can guess the password's hash */
	mams_digest_free(d);
}

static void answer_digest(const char *text)
{
	char out[2048];

	if (mams_digest_answer(text, "alice", "secret", "GET", "/", out, sizeof(out)) == 0 &&
		strlen(out) >= sizeof(out))
		abort();
}

static void read_request(char *text, size_t len)
{
	struct mams_ws_ask ask;

	if (mams_ws_ask(text, len, &ask) == 0 &&
		(ask.len > len || !ask.method || !ask.target ||
			(ask.key && mams_ws_key_is_good(ask.key) &&
				strlen(ask.key) != MAMS_WS_KEY_LEN)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mams_ws_response response;
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		read_request(text, size - 1);
		break;
	case 1:
		if (mams_ws_response(text, size - 1, &response) == 0 && response.len < 4)
			abort();
		break;
	case 2:
		check_digest(text);
		break;
	default:
		answer_digest(text);
		break;
	}
	free(text);
	return 0;
}
