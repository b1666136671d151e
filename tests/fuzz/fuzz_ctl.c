/* ctl packets: what decodes can be encoded, and decodes to the same again. */
#include "lib/base/buf.h"
#include "lib/ctl/ctl_tables.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_msg *m = NULL;
	struct ctl_msg *again = NULL;
	struct mams_buf text = {0};
	struct mams_error err;

	if (ctl_decode((const char *)data, size, &m, &err) < 0) {
		if (m || err.text[0] == '\0')
			abort();
		return 0;
	}
	if (ctl_encode(m, 0, &text, &err) < 0)
		abort();
	if (text.len <= CTL_MAX_BYTES) {
		if (ctl_decode(text.data, text.len, &again, &err) < 0)
			abort();
		if (again->type != m->type || again->id != m->id ||
			!mams_field_equal(ctl_rows[m->type].body, &m->result, &again->result))
			abort();
	}
	mams_buf_fini(&text);
	ctl_msg_free(m);
	ctl_msg_free(again);
	return 0;
}
