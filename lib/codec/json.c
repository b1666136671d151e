#include "lib/codec/json.h"

#include "lib/codec/field.h"
#include <errno.h>

#define DEFAULT_BYTES 65536u
#define DEFAULT_DEPTH 16u

/* Depth is checked on the text, before jansson recurses into it. */
static bool too_deep(const char *text, size_t len, unsigned max)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		if (c == '"')
			quoted = true;
		else if ((c == '{' || c == '[') && ++depth > max)
			return true;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return false;
}

int mams_json_parse(const char *text, size_t len, const struct mams_decode_limits *lim,
	struct mams_json **out, struct mams_error *err)
{
	size_t max_bytes = lim && lim->max_bytes ? lim->max_bytes : DEFAULT_BYTES;
	unsigned max_depth = lim && lim->max_depth ? lim->max_depth : DEFAULT_DEPTH;
	json_error_t why;
	struct mams_json *j;

	if (len > max_bytes)
		return mams_fail(
			err, MAMS_ELIMIT, NULL, "message is longer than %zu octets", max_bytes);
	if (too_deep(text, len, max_depth))
		return mams_fail(err, MAMS_ELIMIT, NULL, "nesting is deeper than %u", max_depth);
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!j->root) {
		int rc = mams_fail(err, MAMS_EPROTO, NULL, "not JSON: %s", why.text);

		if (err)
			err->line = why.line;
		free(j);
		return rc;
	}
	if (!json_is_object(j->root)) {
		mams_json_free(j);
		return mams_fail(err, MAMS_EPROTO, NULL, "not a JSON object");
	}
	*out = j;
	return 0;
}

void mams_json_free(struct mams_json *j)
{
	if (!j)
		return;
	json_decref(j->root);
	free(j);
}

const char *mams_json_peek(const struct mams_json *j, const char *key)
{
	return json_string_value(json_object_get(j->root, key));
}
