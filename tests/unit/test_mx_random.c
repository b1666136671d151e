/* For every type: random valid messages survive encode -> decode -> encode. */
#include "lib/base/buf.h"
#include "lib/mx/mx_random.h"
#include "lib/mx/mx_tables.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#ifdef MAMS_RANDOM_ALL
static const bool many = true;
#else
static const bool many = false;
#endif
static struct mams_prng prng;
static unsigned rounds;

static uint64_t below(void *user, uint64_t n)
{
	return mams_prng_below(user, n);
}

/* @return false after saying what went wrong, so that the caller stops at the first */
static bool survives(struct mx_random *r, enum mx_type type)
{
	struct mx_msg *m = mx_random_msg(r, type);
	struct mx_msg *back = NULL;
	struct mx_msg *copy = NULL;
	struct mams_buf first = {0};
	struct mams_buf second = {0};
	struct mams_error err = {0};
	const char *step = "make";
	bool ok = false;

	if (!m)
		goto out;
	step = "encode";
	if (mx_encode(m, 0, &first, &err) < 0)
		goto out;
	step = "stay below the limit";
	if (first.len > MX_MAX_BYTES)
		goto out;
	step = "decode";
	if (mx_decode(first.data, first.len, &back, &err) < 0)
		goto out;
	step = "be equal";
	if (back->type != type || back->sequence_num != m->sequence_num || back->unknown != 0)
		goto out;
	if (mx_rows[type].body &&
		!mams_field_equal(mx_rows[type].body, &m->discover, &back->discover))
		goto out;
	step = "have a copy of its own";
	copy = mx_msg_copy(back);
	mx_msg_free(back);
	back = NULL;
	if (!copy || (mx_rows[type].body &&
			     !mams_field_equal(mx_rows[type].body, &m->discover, &copy->discover)))
		goto out;
	step = "encode to the same bytes";
	if (mx_encode(copy, 0, &second, &err) < 0 || second.len != first.len)
		goto out;
	ok = memcmp(first.data, second.data, first.len) == 0;
out:
	if (!ok)
		printf("a %s does not %s: %s %s\n%s\n%s\n", mx_type_name(type), step, err.where,
			err.text, first.data ? first.data : "", second.data ? second.data : "");
	mams_buf_fini(&first);
	mams_buf_fini(&second);
	mx_msg_free(m);
	mx_msg_free(back);
	mx_msg_free(copy);
	return ok;
}

static void every_type_survives(void)
{
	struct mx_random r = {.below = below, .user = &prng};
	unsigned types = 0;

	for (int type = 0; type < MX_TYPE_COUNT; type++) {
		bool ok = true;

		if (!mx_rows[type].name)
			continue;
		for (unsigned i = 0; ok && i < rounds; i++)
			ok = survives(&r, (enum mx_type)type);
		CU_ASSERT_TRUE(ok);
		types++;
	}
	CU_ASSERT_EQUAL(types, 24); /* all of RFC 8743 C.2.1 */
}

/* One octet of a valid message changed: refused or accepted, never a crash; what is accepted can be
 * encoded and decoded again. */
static bool damaged_is_handled(struct mx_random *r, enum mx_type type)
{
	struct mx_msg *m = mx_random_msg(r, type);
	struct mx_msg *back = NULL;
	struct mx_msg *again = NULL;
	struct mams_buf text = {0};
	struct mams_error err = {0};
	bool ok = m && mx_encode(m, 0, &text, NULL) == 0;

	if (ok) {
		text.data[below(&prng, text.len)] = (char)below(&prng, 256);
		if (mx_decode(text.data, text.len, &back, &err) == 0) {
			mams_buf_clear(&text);
			ok = mx_encode(back, 0, &text, NULL) == 0 &&
			     (text.len > MX_MAX_BYTES ||
				     mx_decode(text.data, text.len, &again, &err) == 0);
		} else {
			ok = err.text[0] != '\0';
		}
	}
	if (!ok)
		printf("a damaged %s: %s\n%s\n", mx_type_name(type), err.where,
			text.data ? text.data : "");
	mams_buf_fini(&text);
	mx_msg_free(m);
	mx_msg_free(back);
	mx_msg_free(again);
	return ok;
}

static void damage_is_handled(void)
{
	struct mx_random r = {.below = below, .user = &prng};

	for (int type = 0; type < MX_TYPE_COUNT; type++) {
		bool ok = true;

		if (!mx_rows[type].name)
			continue;
		for (unsigned i = 0; ok && i < rounds / 4; i++)
			ok = damaged_is_handled(&r, (enum mx_type)type);
		CU_ASSERT_TRUE(ok);
	}
}

/* For test_schema.py: n messages of each type, one per line. */
static int print_messages(unsigned n)
{
	struct mx_random r = {.below = below, .user = &prng};
	int status = 0;

	for (unsigned i = 0; i < n * MX_TYPE_COUNT; i++) {
		enum mx_type type = (enum mx_type)(i / n);
		struct mx_msg *m = mx_random_msg(&r, type);
		struct mams_buf text = {0};

		if (m && mx_encode(m, 0, &text, NULL) == 0)
			puts(text.data);
		else if (mx_rows[type].name)
			status = 1;
		mams_buf_fini(&text);
		mx_msg_free(m);
	}
	return status;
}

int main(int argc, char **argv)
{
	static const struct mams_case cases[] = {
		{"random messages of every type survive", every_type_survives},
		{"a changed octet does no harm", damage_is_handled},
	};

	if (argc == 3 && strcmp(argv[1], "print") == 0) {
		prng.state = 8743;
		return print_messages((unsigned)strtoul(argv[2], NULL, 10));
	}
	prng = mams_prng_init(8743);
	rounds = many || getenv("MAMS_EXTENDED") ? 10000 : 1000;
	printf("%u messages of each type\n", rounds);
	return mams_suite_run("mx_random", cases, MAMS_ARRAY_LEN(cases));
}
