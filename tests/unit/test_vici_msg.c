#include "lib/io/vici_msg.h"
#include "tests/support/suite.h"

#include <string.h>

/* By hand, after the example in strongSwan's description of the protocol:
 *   key1 = value1, section1 = { sub-section = { key2 = value2 }, list1 = [ item1, item2 ] } */
static const uint8_t example[] = {
	3,
	4,
	'k',
	'e',
	'y',
	'1',
	0,
	6,
	'v',
	'a',
	'l',
	'u',
	'e',
	'1',
	1,
	8,
	's',
	'e',
	'c',
	't',
	'i',
	'o',
	'n',
	'1',
	1,
	11,
	's',
	'u',
	'b',
	'-',
	's',
	'e',
	'c',
	't',
	'i',
	'o',
	'n',
	3,
	4,
	'k',
	'e',
	'y',
	'2',
	0,
	6,
	'v',
	'a',
	'l',
	'u',
	'e',
	'2',
	2,
	4,
	5,
	'l',
	'i',
	's',
	't',
	'1',
	5,
	0,
	5,
	'i',
	't',
	'e',
	'm',
	'1',
	5,
	0,
	5,
	'i',
	't',
	'e',
	'm',
	'2',
	6,
	2,
};

static const struct mams_vici_text whole = {.data = example, .len = sizeof(example)};

static void wanted(struct mams_vici_reader *v, enum mams_vici_kind kind, const char *name,
	const char *value, unsigned depth)
{
	struct mams_vici_item item;

	CU_ASSERT_EQUAL(mams_vici_next(v, &item), 0);
	CU_ASSERT_EQUAL(item.kind, kind);
	CU_ASSERT_EQUAL(item.depth, depth);
	CU_ASSERT(mams_vici_is(&item.name, name));
	CU_ASSERT(mams_vici_is(&item.value, value));
}

static void items(void)
{
	struct mams_vici_reader v = mams_vici_read(&whole);

	wanted(&v, MAMS_VICI_VALUE, "key1", "value1", 0);
	wanted(&v, MAMS_VICI_SECTION, "section1", "", 1);
	wanted(&v, MAMS_VICI_SECTION, "sub-section", "", 2);
	wanted(&v, MAMS_VICI_VALUE, "key2", "value2", 2);
	wanted(&v, MAMS_VICI_SECTION_END, "", "", 2);
	wanted(&v, MAMS_VICI_LIST, "list1", "", 1);
	wanted(&v, MAMS_VICI_ITEM, "", "item1", 1);
	wanted(&v, MAMS_VICI_ITEM, "", "item2", 1);
	wanted(&v, MAMS_VICI_LIST_END, "", "", 1);
	wanted(&v, MAMS_VICI_SECTION_END, "", "", 1);
	wanted(&v, MAMS_VICI_END, "", "", 0);
	wanted(&v, MAMS_VICI_END, "", "", 0);
}

static void written(void)
{
	static const uint8_t head[] = {
		0, 0, 0, 1 + 1 + 4 + sizeof(example), 0, 4, 't', 'e', 's', 't'};
	uint8_t room[200];
	struct mams_vici_writer w = mams_vici_begin(room, sizeof(room), MAMS_VICI_REQUEST, "test");
	struct mams_vici_packet p;

	mams_vici_value(&w, "key1", "value1");
	mams_vici_section(&w, "section1");
	mams_vici_section(&w, "sub-section");
	mams_vici_value_octets(&w, "key2", "value2", 6);
	mams_vici_section_end(&w);
	mams_vici_list(&w, "list1");
	mams_vici_item(&w, "item1");
	mams_vici_item(&w, "item2");
	mams_vici_list_end(&w);
	mams_vici_section_end(&w);
	CU_ASSERT_EQUAL_FATAL(mams_vici_finish(&w), (int)(sizeof(head) + sizeof(example)));
	CU_ASSERT_EQUAL(memcmp(room, head, sizeof(head)), 0);
	CU_ASSERT_EQUAL(memcmp(room + sizeof(head), example, sizeof(example)), 0);
	CU_ASSERT_EQUAL(mams_vici_packet(room + 4, w.w.len - 4, &p), 0);
	CU_ASSERT_EQUAL(p.type, MAMS_VICI_REQUEST);
	CU_ASSERT(mams_vici_is(&p.name, "test"));
	CU_ASSERT_EQUAL(p.body.len, sizeof(example));
}

static void list_of_one(void)
{
	static const uint8_t want[] = {
		0, 0, 0, 14, 1, 4, 3, 'i', 'd', 's', 5, 0, 2, 'm', 'e', 6, 1, 0 /* not reached */};
	uint8_t room[40];
	struct mams_vici_writer w = mams_vici_begin(room, sizeof(room), MAMS_VICI_RESPONSE, NULL);

	mams_vici_list_of(&w, "ids", "me");
	CU_ASSERT_EQUAL_FATAL(mams_vici_finish(&w), 16);
	CU_ASSERT_EQUAL(room[3], 12);
	CU_ASSERT_EQUAL(memcmp(room + 4, want + 4, 12), 0);
}

static void found(void)
{
	static const struct {
		const char *path, *value;
	} rows[] = {
		{"key1", "value1"},
		{"section1/sub-section/key2", "value2"},
		{"section1/key2", NULL},
		{"section1/sub-section", NULL},
		{"section1/sub-section/key1", NULL},
		{"key", NULL},
		{"key11", NULL},
		{"key1/key1", NULL},
		{"list1", NULL},
		{"", NULL},
	};
	struct mams_vici_text t;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(rows); i++) {
		int rc = mams_vici_find(&whole, rows[i].path, &t);

		CU_ASSERT_EQUAL(rc, rows[i].value ? 0 : -MAMS_EUNKNOWN);
		CU_ASSERT(mams_vici_is(&t, rows[i].value ? rows[i].value : ""));
	}
}

/* What stands after a section is not inside of it; a name with a NUL is no other name. */
static void not_found(void)
{
	static const uint8_t after[] = {1, 1, 'a', 2, 3, 1, 'k', 0, 1, 'v'};
	static const uint8_t nul[] = {3, 3, 'k', 0, 'x', 0, 1, 'v'};
	struct mams_vici_text t;

	CU_ASSERT_EQUAL(mams_vici_find(&(struct mams_vici_text){after, sizeof(after)}, "a/k", &t),
		-MAMS_EUNKNOWN);
	CU_ASSERT_EQUAL(mams_vici_find(&(struct mams_vici_text){nul, sizeof(nul)}, "k", &t),
		-MAMS_EUNKNOWN);
}

static void skipped(void)
{
	struct mams_vici_reader v = mams_vici_read(&whole);

	wanted(&v, MAMS_VICI_VALUE, "key1", "value1", 0);
	wanted(&v, MAMS_VICI_SECTION, "section1", "", 1);
	CU_ASSERT_EQUAL(mams_vici_skip(&v), 0);
	wanted(&v, MAMS_VICI_END, "", "", 0);
}

static int judge(const uint8_t *data, size_t len)
{
	const struct mams_vici_text t = {.data = data, .len = len};
	struct mams_vici_reader v = mams_vici_read(&t);
	struct mams_vici_item item;
	int rc;

	while ((rc = mams_vici_next(&v, &item)) == 0 && item.kind != MAMS_VICI_END)
		continue;
	/* it stays so */
	CU_ASSERT_EQUAL(mams_vici_next(&v, &item), rc);
	return rc;
}

static void broken(void)
{
	static const struct {
		const char *what;
		uint8_t data[8];
		size_t len;
		int rc;
	} rows[] = {
		{"unknown kind", {7}, 1, -MAMS_EPROTO},
		{"kind 0", {0}, 1, -MAMS_EPROTO},
		{"kind 255", {255}, 1, -MAMS_EPROTO},
		{"name cut", {1, 3, 'a', 'b'}, 4, -MAMS_ETRUNC},
		{"value cut", {3, 1, 'a', 0, 2, 'x'}, 6, -MAMS_ETRUNC},
		{"length cut", {3, 1, 'a', 0}, 4, -MAMS_ETRUNC},
		{"section open", {1, 1, 'a'}, 3, -MAMS_ETRUNC},
		{"list open", {4, 1, 'a'}, 3, -MAMS_ETRUNC},
		{"end of nothing", {2}, 1, -MAMS_EPROTO},
		{"end of no list", {6}, 1, -MAMS_EPROTO},
		{"item in no list", {5, 0, 0}, 3, -MAMS_EPROTO},
		{"key in a list", {4, 0, 3, 0, 0, 0}, 6, -MAMS_EPROTO},
		{"section in a list", {4, 0, 1, 0}, 4, -MAMS_EPROTO},
		{"end in a list", {4, 0, 2}, 3, -MAMS_EPROTO},
		{"list in a list", {4, 0, 4, 0}, 4, -MAMS_EPROTO},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(rows); i++) {
		int rc = judge(rows[i].data, rows[i].len);

		if (rc != rows[i].rc)
			printf("\n%s: %d\n", rows[i].what, rc);
		CU_ASSERT_EQUAL(rc, rows[i].rc);
	}
	for (size_t n = 0; n < sizeof(example); n++)
		CU_ASSERT(judge(example, n) == -MAMS_ETRUNC || n == 0 || n == 14);
	CU_ASSERT_EQUAL(judge(example, 0), 0);
	CU_ASSERT_EQUAL(judge(example, 14), 0);
}

static void nested(void)
{
	uint8_t data[3 * (MAMS_VICI_DEPTH + 1)];
	size_t n = 0;

	for (unsigned i = 0; i < MAMS_VICI_DEPTH; i++) {
		data[n++] = 1;
		data[n++] = 0;
	}
	memset(data + n, 2, MAMS_VICI_DEPTH);
	CU_ASSERT_EQUAL(judge(data, n + MAMS_VICI_DEPTH), 0);
	data[n++] = 1;
	data[n++] = 0;
	CU_ASSERT_EQUAL(judge(data, n), -MAMS_ELIMIT);
}

static void packets(void)
{
	static const uint8_t event[] = {7, 2, 'u', 'p', 2};
	static const uint8_t answer[] = {1, 3};
	struct mams_vici_packet p;

	CU_ASSERT_EQUAL(mams_vici_packet(event, sizeof(event), &p), 0);
	CU_ASSERT_EQUAL(p.type, MAMS_VICI_EVENT);
	CU_ASSERT(mams_vici_is(&p.name, "up"));
	CU_ASSERT_EQUAL(p.body.len, 1);
	CU_ASSERT_EQUAL(mams_vici_packet(answer, sizeof(answer), &p), 0);
	CU_ASSERT_EQUAL(p.name.len, 0);
	CU_ASSERT_EQUAL(p.body.len, 1);
	CU_ASSERT_EQUAL(mams_vici_packet(event, 0, &p), -MAMS_ETRUNC);
	CU_ASSERT_EQUAL(mams_vici_packet(event, 1, &p), -MAMS_ETRUNC);
	CU_ASSERT_EQUAL(mams_vici_packet(event, 3, &p), -MAMS_ETRUNC);
	CU_ASSERT_EQUAL(mams_vici_packet((const uint8_t[]){8}, 1, &p), -MAMS_EPROTO);
	CU_ASSERT_EQUAL(mams_vici_packet((const uint8_t[]){2, 0}, 2, &p), -MAMS_EPROTO);
	CU_ASSERT_EQUAL(mams_vici_packet((const uint8_t[]){5}, 1, &p), 0);
	CU_ASSERT_EQUAL(mams_vici_packet(example, MAMS_VICI_MAX_BYTES + 1, &p), -MAMS_ELIMIT);
}

static void writer_refuses(void)
{
	char long_name[MAMS_VICI_NAME_MAX + 2];
	uint8_t room[1024];
	struct mams_vici_writer w;

	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	w = mams_vici_begin(room, sizeof(room), MAMS_VICI_RESPONSE, NULL);
	mams_vici_value(&w, long_name, "v");
	CU_ASSERT_EQUAL(mams_vici_finish(&w), -MAMS_ELIMIT);
	w = mams_vici_begin(room, 8, MAMS_VICI_RESPONSE, NULL);
	mams_vici_value(&w, "name", "value");
	CU_ASSERT_EQUAL(mams_vici_finish(&w), -MAMS_ELIMIT);
	w = mams_vici_begin(room, 3, MAMS_VICI_RESPONSE, NULL);
	CU_ASSERT_EQUAL(mams_vici_finish(&w), -MAMS_ELIMIT);
	w = mams_vici_begin(room, sizeof(room), MAMS_VICI_RESPONSE, NULL);
	mams_vici_section(&w, "open");
	CU_ASSERT_EQUAL(mams_vici_finish(&w), -MAMS_EPROTO);
	w = mams_vici_begin(room, sizeof(room), MAMS_VICI_RESPONSE, NULL);
	mams_vici_section_end(&w);
	CU_ASSERT_EQUAL(mams_vici_finish(&w), -MAMS_EPROTO);
	w = mams_vici_begin(room, sizeof(room), MAMS_VICI_RESPONSE, NULL);
	mams_vici_item(&w, "of no list");
	CU_ASSERT_EQUAL(mams_vici_finish(&w), -MAMS_EPROTO);
	w = mams_vici_begin(room, sizeof(room), MAMS_VICI_RESPONSE, NULL);
	for (unsigned i = 0; i <= MAMS_VICI_DEPTH; i++)
		mams_vici_section(&w, "s");
	for (unsigned i = 0; i <= MAMS_VICI_DEPTH; i++)
		mams_vici_section_end(&w);
	CU_ASSERT_EQUAL(mams_vici_finish(&w), -MAMS_ELIMIT);
}

static void words(void)
{
	static const uint8_t raw[] = {'a', '\n', 0x1b, 'b', 0xff};
	const struct mams_vici_text t = {.data = raw, .len = sizeof(raw)};
	const struct mams_vici_text big = {
		.data = (const uint8_t *)"18446744073709551616", .len = 20};
	const struct mams_vici_text most = {
		.data = (const uint8_t *)"18446744073709551615", .len = 20};
	char out[8];

	mams_vici_string(&t, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "a??b?");
	mams_vici_string(&t, out, 3);
	CU_ASSERT_STRING_EQUAL(out, "a?");
	CU_ASSERT_EQUAL(mams_vici_number(&t), 0);
	CU_ASSERT_EQUAL(mams_vici_number(&big), 0);
	CU_ASSERT_EQUAL(mams_vici_number(&most), UINT64_MAX);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the example, item by item", items},
		{"the example, written", written},
		{"a list of one", list_of_one},
		{"values by their path", found},
		{"values that are elsewhere", not_found},
		{"a section is skipped", skipped},
		{"broken messages", broken},
		{"nesting has a limit", nested},
		{"packets", packets},
		{"the writer refuses", writer_refuses},
		{"words and numbers of values", words},
	};

	return mams_suite_run("vici_msg", cases, MAMS_ARRAY_LEN(cases));
}
