/* A trace, line by line: each is replayed or refused with words, whatever it says. */
#include "ncm-service/replay.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct ncm_replay *r, const char *text, size_t len)
{
	struct mams_error err = {0};
	struct ncm_replayed x;
	struct ctl_msg *m = NULL;

	if (ctl_decode(text, len, &m, &err) == 0 && m->type == CTL_TRACE &&
		ncm_replay_line(r, &m->trace, &err) < 0 && !err.text[0])
		abort();
	ctl_msg_free(m);
	while (ncm_replay_next(r, &x)) {
		if (!x.text || !x.cause)
			abort();
		ncm_replayed_fini(&x);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ncm_replay *r = ncm_replay_new();
	const char *text = (const char *)data;

	if (!r)
		return 0;
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		const size_t len = end ? (size_t)(end - text) : size;

		take(r, text, len);
		text += len + (end != NULL);
		size -= len + (end != NULL);
	}
	ncm_replay_free(r);
	return 0;
}
