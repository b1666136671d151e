/* HTTP Digest by itself, on a clock of the test's own: how long a nonce is good, and how often. */
#include "lib/io/digest.h"
#include "tests/support/suite.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MAX 1024

static uint8_t alice[32]; /* HA1 */

static const uint8_t *ha1_of(const void *list, const char *name)
{
	(void)list;
	return strcmp(name, "alice") == 0 ? alice : NULL;
}

static struct mams_digest *server(uint8_t first, size_t slots)
{
	static const char text[] = "alice:mams:correct horse";
	const uint8_t key[32] = {first};
	struct mams_digest *d = NULL;

	CU_ASSERT_EQUAL_FATAL(mams_digest_new("mams", key, slots, &d), 0);
	CU_ASSERT_EQUAL(gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), alice), 0);
	return d;
}

static mams_time at(int64_t ms)
{
	return (mams_time){1000000000 + ms * 1000};
}

static void answer(
	struct mams_digest *d, int64_t ms, const char *user, const char *password, char *out)
{
	char challenge[MAMS_DIGEST_HEADER_MAX];

	mams_digest_challenge(d, at(ms), false, challenge);
	CU_ASSERT_PTR_NOT_NULL(strstr(challenge, "algorithm=SHA-256"));
	CU_ASSERT_EQUAL(
		mams_digest_answer(challenge, user, password, "GET", "/m", out, ANSWER_MAX), 0);
}

static enum mams_digest_verdict check(struct mams_digest *d, int64_t ms, const char *text)
{
	const struct mams_digest_users users = {.ha1 = ha1_of};
	const struct mams_digest_request r = {
		.method = "GET", .target = "/m", .authorization = text};
	char name[MAMS_DIGEST_USER_MAX];
	enum mams_digest_verdict v = mams_digest_check(d, &r, &users, at(ms), name);

	if (v == MAMS_DIGEST_OK)
		CU_ASSERT_STRING_EQUAL(name, "alice");
	return v;
}

static void expires(void)
{
	struct mams_digest *d = server(1, 8);
	char text[ANSWER_MAX];

	answer(d, 0, "alice", "correct horse", text);
	CU_ASSERT_EQUAL(check(d, 299999, text), MAMS_DIGEST_OK);
	answer(d, 0, "alice", "correct horse", text);
	CU_ASSERT_EQUAL(check(d, 300001, text), MAMS_DIGEST_STALE);
	/* used when it was good, and again when it is too old, and its slot is another's */
	answer(d, 0, "alice", "correct horse", text);
	CU_ASSERT_EQUAL(check(d, 1000, text), MAMS_DIGEST_OK);
	CU_ASSERT_EQUAL(check(d, 300001, text), MAMS_DIGEST_STALE);
	mams_digest_free(d);
}

static void once(void)
{
	struct mams_digest *d = server(1, 8);
	char text[ANSWER_MAX];

	answer(d, 0, "alice", "correct horse", text);
	CU_ASSERT_EQUAL(check(d, 1, text), MAMS_DIGEST_OK);
	CU_ASSERT_EQUAL(check(d, 1, text), MAMS_DIGEST_STALE);
	CU_ASSERT_EQUAL(check(d, 200000, text), MAMS_DIGEST_STALE);
	mams_digest_free(d);
}

/* What was forgotten for want of room never looks unused. */
static void forgotten(void)
{
	struct mams_digest *d = server(1, 2);
	char text[4][ANSWER_MAX];

	for (int i = 0; i < 4; i++)
		answer(d, i, "alice", "correct horse", text[i]);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(check(d, 10, text[i]), MAMS_DIGEST_OK);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(check(d, 11, text[i]), MAMS_DIGEST_STALE);
	CU_ASSERT_EQUAL(check(d, 12, text[3]), MAMS_DIGEST_OK);
	mams_digest_free(d);
}

static void of_another_key(void)
{
	struct mams_digest *d = server(1, 8);
	struct mams_digest *other = server(2, 8);
	char text[ANSWER_MAX];

	answer(other, 0, "alice", "correct horse", text);
	CU_ASSERT_EQUAL(check(d, 1, text), MAMS_DIGEST_STALE);
	CU_ASSERT_EQUAL(check(other, 1, text), MAMS_DIGEST_OK);
	mams_digest_free(other);
	mams_digest_free(d);
}

static void who(void)
{
	struct mams_digest *d = server(1, 8);
	char text[ANSWER_MAX];

	answer(d, 0, "alice", "battery staple", text);
	CU_ASSERT_EQUAL(check(d, 1, text), MAMS_DIGEST_WRONG);
	answer(d, 0, "bob", "correct horse", text);
	CU_ASSERT_EQUAL(check(d, 1, text), MAMS_DIGEST_WRONG);
	CU_ASSERT_EQUAL(check(d, 1, "Basic YWxpY2U6eA=="), MAMS_DIGEST_UNSUPPORTED);
	CU_ASSERT_EQUAL(check(d, 1, "Digest nothing"), MAMS_DIGEST_UNSUPPORTED);
	mams_digest_free(d);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a nonce expires", expires},
		{"an answer is good once", once},
		{"a forgotten nonce is stale", forgotten},
		{"a nonce of another key", of_another_key},
		{"who asks", who},
	};

	return mams_suite_run("digest", cases, MAMS_ARRAY_LEN(cases));
}
