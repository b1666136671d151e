#include "lib/io/digest_header.h"

#include "lib/base/err.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <string.h>
#include <strings.h>

#define PARAM_MAX 1024

static const char *const param_names[MAMS_DIGEST_P_COUNT] = {
	[MAMS_DIGEST_P_USERNAME] = "username",
	[MAMS_DIGEST_P_REALM] = "realm",
	[MAMS_DIGEST_P_NONCE] = "nonce",
	[MAMS_DIGEST_P_URI] = "uri",
	[MAMS_DIGEST_P_RESPONSE] = "response",
	[MAMS_DIGEST_P_ALGORITHM] = "algorithm",
	[MAMS_DIGEST_P_CNONCE] = "cnonce",
	[MAMS_DIGEST_P_QOP] = "qop",
	[MAMS_DIGEST_P_NC] = "nc",
	[MAMS_DIGEST_P_USERHASH] = "userhash",
	[MAMS_DIGEST_P_OPAQUE] = "opaque",
};

/* ---- the header ---- */

static bool is_token_char(char c)
{
	return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static const char *skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Copy a token or a quoted string to text; NULL when it is neither or there is no room. */
static const char *take_value(const char *p, struct mams_digest_params *out, const char **value)
{
	bool quoted = *p == '"';
	size_t start = out->used;

	p += quoted;
	while (quoted ? *p != '"' : is_token_char(*p)) {
		if (quoted && *p == '\\')
			p++;
		if (*p == '\0' || (unsigned char)*p < 0x20 || *p == 0x7f ||
			out->used + 1 >= sizeof(out->text) || out->used - start >= PARAM_MAX)
			return NULL;
		out->text[out->used++] = *p++;
	}
	if (!quoted && out->used == start)
		return NULL;
	out->text[out->used++] = '\0';
	*value = out->text + start;
	return p + quoted;
}

/* Unknown parameters are allowed and skipped; one given twice is not. */
static const char *take_param(const char *p, struct mams_digest_params *out)
{
	const char *name = p;
	const char *value;
	size_t len;
	size_t mark = out->used;

	while (is_token_char(*p))
		p++;
	len = (size_t)(p - name);
	p = skip_space(p);
	if (len == 0 || *p != '=')
		return NULL;
	p = take_value(skip_space(p + 1), out, &value);
	if (!p)
		return NULL;
	for (int i = 0; i < MAMS_DIGEST_P_COUNT; i++) {
		if (strlen(param_names[i]) != len || strncasecmp(name, param_names[i], len) != 0)
			continue;
		if (out->value[i])
			return NULL;
		out->value[i] = value;
		return p;
	}
	out->used = mark;
	return p;
}

bool mams_digest_parse(const char *p, struct mams_digest_params *out)
{
	out->used = 0;
	memset(out->value, 0, sizeof(out->value));
	p = skip_space(p);
	if (strncasecmp(p, "Digest", 6) != 0 || (p[6] != ' ' && p[6] != '\t'))
		return false;
	p += 6;
	for (;;) {
		p = take_param(skip_space(p), out);
		if (!p)
			return false;
		p = skip_space(p);
		if (*p == '\0')
			return true;
		if (*p++ != ',')
			return false;
	}
}

/* ---- hashes ---- */

void mams_digest_to_hex(const uint8_t *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * len] = '\0';
}

bool mams_digest_from_hex(const char *text, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < 2 * len; i++) {
		const char *digits = "0123456789abcdef";
		const char *d = text[i] ? strchr(digits, text[i]) : NULL;

		if (!d)
			return false;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (d - digits));
	}
	return text[2 * len] == '\0';
}

bool mams_digest_hash_parts(const char *const *parts, size_t n, char *out)
{
	gnutls_hash_hd_t h;
	uint8_t sum[32];
	bool ok = gnutls_hash_init(&h, GNUTLS_DIG_SHA256) == 0;

	if (!ok)
		return false;
	for (size_t i = 0; i < n; i++) {
		ok = ok && (i == 0 || gnutls_hash(h, ":", 1) == 0);
		ok = ok && gnutls_hash(h, parts[i], strlen(parts[i])) == 0;
	}
	gnutls_hash_deinit(h, sum);
	mams_digest_to_hex(sum, sizeof(sum), out);
	return ok;
}

bool mams_digest_response(const struct mams_digest_params *p, const char *ha1_hex,
	const char *method, const char *target, char *out)
{
	char ha2[MAMS_DIGEST_SHA256_HEX + 1];
	const char *a2[] = {method, target};
	const char *all[] = {ha1_hex, p->value[MAMS_DIGEST_P_NONCE], p->value[MAMS_DIGEST_P_NC],
		p->value[MAMS_DIGEST_P_CNONCE], "auth", ha2};

	return mams_digest_hash_parts(a2, MAMS_ARRAY_LEN(a2), ha2) &&
	       mams_digest_hash_parts(all, MAMS_ARRAY_LEN(all), out);
}
