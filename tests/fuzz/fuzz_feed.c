/* Bodies of POST /mams/v1/network-information, one after the other (lines): each is taken whole or
 * refused with words, and what is told can be posted again. */
#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"
#include "ncm-service/feed.h"

#include <stdlib.h>
#include <string.h>

#define WALL INT64_C(1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ncm_access accesses[] = {{.name = "wifi"}, {.name = "lte"}};
static const struct ncm_policy policy = {.accesses = accesses, .n_accesses = 2};

static size_t write_out(const struct ncm_feed *f, mams_time now, struct mams_buf *out)
{
	struct ctl_msg *m = ncm_feed_tell(f, 0, 0, NCM_FEED_MAX, now);
	struct mams_error err = {0};
	size_t n;

	if (!m)
		abort();
	n = m->network.n_statements;
	if (n > NCM_FEED_MAX || m->network.more || ctl_network_write(m, out, &err) < 0)
		abort();
	ctl_msg_free(m);
	return n;
}

static void look_at_it(struct ncm_feed *f, mams_time now)
{
	static const char *const names[] = {NULL, "", "a", "ap7"};
	struct ncm_forecast x;
	bool any = false;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(names); i++)
		for (size_t k = 0; k < MAMS_ARRAY_LEN(names); k++) {
			any |= ncm_feed_look(f, "wifi", names[i], names[k], now, &x);
			if (x.load > 100 || x.delay_ms > 60000)
				abort();
		}
	if (any && mams_time_is_never(ncm_feed_deadline(f, now)))
		abort();
}

static void take(struct ncm_feed *f, const char *text, size_t len, mams_time now)
{
	struct mams_buf before = {0};
	struct mams_buf after = {0};
	struct mams_error err = {0};
	int rc;

	(void)write_out(f, now, &before);
	rc = ncm_feed_take(f, "oam", text, len, now, WALL, &err);
	(void)write_out(f, now, &after);
	if (rc < 0 && (!err.text[0] || before.len != after.len ||
			      memcmp(before.data, after.data, after.len) != 0))
		abort();
	mams_buf_fini(&before);
	mams_buf_fini(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ncm_feed *f = ncm_feed_new(&policy);
	const char *text = (const char *)data;
	mams_time now = {1000000};
	struct mams_buf told = {0};
	struct mams_error err = {0};
	size_t n;

	if (!f)
		return 0;
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		const size_t len = end ? (size_t)(end - text) : size;

		take(f, text, len, now);
		look_at_it(f, now);
		now = mams_time_add_ms(now, 1000);
		text += len + (end != NULL);
		size -= len + (end != NULL);
	}
	n = write_out(f, now, &told);
	/* windows may be over by the clock of the first post, never by that of this one */
	if (ncm_feed_take(f, "oam", told.data, told.len, now, 0, &err) < 0)
		abort();
	mams_buf_clear(&told);
	if (write_out(f, now, &told) != n)
		abort();
	mams_buf_fini(&told);
	ncm_feed_free(f);
	return 0;
}
