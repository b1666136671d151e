#include "lib/base/err.h"
#include "lib/io/digest.h"
#include "lib/io/digest_header.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define CNONCE_BYTES 16

/* "auth" among the words of a list */
static bool has_auth(const char *qop)
{
	while (*qop) {
		size_t len = strcspn(qop, ", ");

		if (len == 4 && strncasecmp(qop, "auth", 4) == 0)
			return true;
		qop += len;
		qop += strspn(qop, ", ");
	}
	return false;
}

static int check(const char *challenge, struct mams_digest_params *p)
{
	const char *algorithm;

	if (!mams_digest_parse(challenge, p) || !p->value[MAMS_DIGEST_P_REALM] ||
		!p->value[MAMS_DIGEST_P_NONCE])
		return -MAMS_EPROTO;
	algorithm = p->value[MAMS_DIGEST_P_ALGORITHM];
	if (!algorithm || strcasecmp(algorithm, "SHA-256") != 0 || !p->value[MAMS_DIGEST_P_QOP] ||
		!has_auth(p->value[MAMS_DIGEST_P_QOP]))
		return -MAMS_EUNKNOWN;
	/* they go into quotes again */
	if (strpbrk(p->value[MAMS_DIGEST_P_REALM], "\"\\") ||
		strpbrk(p->value[MAMS_DIGEST_P_NONCE], "\"\\") ||
		(p->value[MAMS_DIGEST_P_OPAQUE] && strpbrk(p->value[MAMS_DIGEST_P_OPAQUE], "\"\\")))
		return -MAMS_EPROTO;
	return 0;
}

int mams_digest_answer(const char *challenge, const char *user, const char *password,
	const char *method, const char *target, char *out, size_t size)
{
	struct mams_digest_params p;
	uint8_t random[CNONCE_BYTES];
	char cnonce[2 * CNONCE_BYTES + 1];
	char ha1[MAMS_DIGEST_SHA256_HEX + 1];
	char response[MAMS_DIGEST_SHA256_HEX + 1];
	const char *a1[] = {user, NULL, password};
	const char *opaque;
	int rc = strpbrk(user, "\"\\") ? -MAMS_EPROTO : check(challenge, &p);

	if (rc < 0)
		return rc;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -errno;
	mams_digest_to_hex(random, sizeof(random), cnonce);
	a1[1] = p.value[MAMS_DIGEST_P_REALM];
	p.value[MAMS_DIGEST_P_NC] = "00000001";
	p.value[MAMS_DIGEST_P_CNONCE] = cnonce;
	if (!mams_digest_hash_parts(a1, MAMS_ARRAY_LEN(a1), ha1) ||
		!mams_digest_response(&p, ha1, method, target, response))
		rc = -ENOMEM;
	mams_wipe(ha1, sizeof(ha1));
	if (rc < 0)
		return rc;
	opaque = p.value[MAMS_DIGEST_P_OPAQUE];
	rc = snprintf(out, size,
		"Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", qop=auth, "
		"nc=00000001, cnonce=\"%s\", response=\"%s\", algorithm=SHA-256%s%s%s",
		user, p.value[MAMS_DIGEST_P_REALM], p.value[MAMS_DIGEST_P_NONCE], target, cnonce,
		response, opaque ? ", opaque=\"" : "", opaque ? opaque : "", opaque ? "\"" : "");
	return rc < 0 || (size_t)rc >= size ? -MAMS_ELIMIT : 0;
}
