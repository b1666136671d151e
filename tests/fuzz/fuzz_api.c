/* Bodies of the CCM API: what decodes can be encoded, and decodes to the same again. */
#include "lib/codec/field.h"
#include "lib/mx/mx_api.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct mx_api_requirements *a, const struct mx_api_requirements *b)
{
	struct mams_buf x = {0};
	struct mams_buf y = {0};
	struct mams_error err;
	bool ok;

	if (mx_api_encode_requirements(a, &x, &err) < 0 ||
		mx_api_encode_requirements(b, &y, &err) < 0)
		abort();
	ok = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	mams_buf_fini(&x);
	mams_buf_fini(&y);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mams_arena *arena = mams_arena_new();
	struct mx_api_requirements r;
	struct mx_api_requirements again;
	struct mx_api_signal q;
	struct mams_buf text = {0};
	struct mams_error err = {0};

	if (!arena)
		return 0;
	if (mx_api_decode_requirements((const char *)data, size, arena, &r, &err) < 0) {
		if (err.text[0] == '\0')
			abort();
	} else {
		if (r.num_streams != r.n_stream_feature || r.num_streams > MX_API_STREAMS_MAX)
			abort();
		if (mx_api_encode_requirements(&r, &text, &err) < 0 ||
			mx_api_decode_requirements(text.data, text.len, arena, &again, &err) < 0 ||
			!same(&r, &again))
			abort();
	}
	err = (struct mams_error){0};
	if (mx_api_decode_signal((const char *)data, size, arena, &q, &err) < 0
			? err.text[0] == '\0'
			: q.value < -200 || q.value > 0)
		abort();
	mams_buf_fini(&text);
	mams_arena_free(arena);
	return 0;
}
