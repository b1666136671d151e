/* MX messages from the network: what decodes can be encoded, decodes to the same again, and has the
 * same bytes from then on. */
#include "lib/base/buf.h"
#include "lib/mx/mx_tables.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mx_msg *m = NULL;
	struct mx_msg *again = NULL;
	struct mams_buf first = {0};
	struct mams_buf second = {0};
	struct mams_error err;
	int rc = mx_decode((const char *)data, size, &m, &err);

	if (rc < 0) {
		if (m || err.text[0] == '\0')
			abort();
		return 0;
	}
	if (mx_encode(m, 0, &first, &err) < 0)
		abort();
	/* control characters take six octets on output: an accepted text may become too long */
	if (first.len <= MX_MAX_BYTES) {
		if (mx_decode(first.data, first.len, &again, &err) < 0 || again->unknown != 0 ||
			again->variants != (m->sequence_num == 0))
			abort();
		if (mx_rows[m->type].body &&
			!mams_field_equal(mx_rows[m->type].body, &m->discover, &again->discover))
			abort();
		if (mx_encode(again, 0, &second, &err) < 0 || second.len != first.len ||
			memcmp(first.data, second.data, first.len) != 0)
			abort();
	}
	mams_buf_fini(&first);
	mams_buf_fini(&second);
	mx_msg_free(m);
	mx_msg_free(again);
	return 0;
}
