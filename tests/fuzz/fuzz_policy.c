/* A policy file, and behind a zero octet a decision record: what is read is decided, by the
 * record's own class and by those of the file; a decision has links to carry, and comes back from
 * its record. */
#include "lib/base/buf.h"
#include "lib/steer/conf.h"
#include "lib/steer/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whoever has a link goes on having one. */
static void check(const struct steer_input *in, const struct steer_decision *d)
{
	size_t ready = 0;
	size_t down = 0;
	size_t up = 0;

	if (d->n_shares != in->n_links)
		abort();
	for (size_t i = 0; i < d->n_shares; i++) {
		ready += in->links[i].ready;
		down += d->shares[i].dl_on;
		up += d->shares[i].ul_on;
	}
	if (d->what == STEER_APPLY && (ready == 0 || down == 0 || up == 0))
		abort();
	if (d->what == STEER_WAIT && d->wait_ms == 0)
		abort();
}

static void check_again(const struct steer_record *r)
{
	struct mams_arena *arena = mams_arena_new();
	struct mams_buf text = {0};
	struct mams_buf words = {0};
	struct mams_error err;
	struct steer_record again;
	char why[128];

	if (!arena || steer_record_write(r, &text, &err) < 0 || text.failed)
		abort();
	if (text.len <= STEER_RECORD_MAX &&
		(steer_record_read(text.data, text.len, arena, &again, &err) < 0 ||
			!steer_record_repeats(&again, why, sizeof(why))))
		abort();
	steer_words(r, 0, &words);
	if (words.failed)
		abort();
	mams_buf_fini(&words);
	mams_buf_fini(&text);
	mams_arena_free(arena);
}

static void decide(const struct steer_class *c, struct steer_record r)
{
	struct steer_share shares[STEER_LINKS_MAX];

	r.policy = *c;
	steer_decide(c, &r.input, shares, &r.decision);
	check(&r.input, &r.decision);
	check_again(&r);
}

static int load(const uint8_t *data, size_t size, struct steer_policy *p)
{
	struct mams_error err = {0};
	char path[64];
	int fd = memfd_create("policy", MFD_CLOEXEC);
	int rc;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = steer_policy_load(path, p, &err);
	if (rc < 0 && (p->arena || err.text[0] == '\0'))
		abort();
	if (rc == 0 && p->n_classes == 0)
		abort();
	close(fd);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	const size_t n = zero ? (size_t)(zero - data) : size;
	struct mams_arena *arena = mams_arena_new();
	struct mams_error err = {0};
	struct steer_policy p = {0};
	struct steer_record r;
	int rc = load(data, n, &p);

	if (!arena)
		abort();
	if (zero && steer_record_read((const char *)zero + 1, size - n - 1, arena, &r, &err) == 0) {
		char why[128];

		(void)steer_record_repeats(&r, why, sizeof(why));
		decide(&r.policy, r);
		for (size_t i = 0; rc == 0 && i < p.n_classes; i++)
			decide(&p.classes[i], r);
	} else if (zero && err.text[0] == '\0') {
		abort();
	}
	steer_policy_free(&p);
	mams_arena_free(arena);
	return 0;
}
