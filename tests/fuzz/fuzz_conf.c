/* Configuration files: every kind of value, through a file in memory because libconfuse reads
 * files. A mistake leaves no arena behind and says what it is. */
#include "lib/codec/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct part {
	const char *title;
	uint32_t number;
	struct mams_prefix *prefixes;
	size_t n_prefixes;
};

struct all {
	const char *string;
	uint32_t integer;
	uint64_t wide;
	bool flag;
	int name;
	uint32_t duration;
	struct mams_addr addr;
	struct mams_addr addr_port;
	const char *file;
	const char **strings;
	size_t n_strings;
	struct mams_addr *addrs;
	size_t n_addrs;
	struct part *parts;
	size_t n_parts;
};

static const struct mams_enum_name names[] = {
	{"one", 1, false}, {"two", 2, false}, {NULL, 0, false}};

#define AT(m) .offset = offsetof(struct all, m)
#define LIST(m) AT(m), .count_offset = offsetof(struct all, n_##m)

static const struct mams_conf_row part_rows[] = {
	{.key = "number",
		.kind = MAMS_C_INT,
		.offset = offsetof(struct part, number),
		.max = 9,
		.required = true},
	{.key = "prefixes",
		.kind = MAMS_C_PREFIXES,
		.offset = offsetof(struct part, prefixes),
		.count_offset = offsetof(struct part, n_prefixes)},
};
static const struct mams_conf_table part_table = {"part", sizeof(struct part), part_rows,
	MAMS_ARRAY_LEN(part_rows), offsetof(struct part, title)};

static const struct mams_conf_row rows[] = {
	{.key = "string", .kind = MAMS_C_STRING, AT(string), .def = "x"},
	{.key = "integer", .kind = MAMS_C_INT, AT(integer), .min = 1, .max = 1000},
	{.key = "wide", .kind = MAMS_C_U64, AT(wide)},
	{.key = "flag", .kind = MAMS_C_BOOL, AT(flag), .def = "yes"},
	{.key = "name", .kind = MAMS_C_ENUM, AT(name), .names = names},
	{.key = "duration", .kind = MAMS_C_DURATION, AT(duration), .max = 3600000},
	{.key = "addr", .kind = MAMS_C_ADDR, AT(addr)},
	{.key = "addr_port", .kind = MAMS_C_ADDR_PORT, AT(addr_port), .min = 443},
	{.key = "file", .kind = MAMS_C_FILE, AT(file)},
	{.key = "strings", .kind = MAMS_C_STRINGS, LIST(strings)},
	{.key = "addrs", .kind = MAMS_C_ADDRS, LIST(addrs)},
	{.key = "part", .kind = MAMS_C_SECTIONS, LIST(parts), .table = &part_table},
};
static const struct mams_conf_table table = {
	.name = "all", .size = sizeof(struct all), .rows = rows, .n = MAMS_ARRAY_LEN(rows)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mams_arena *arena = NULL;
	struct mams_error err;
	struct all out = {0};
	char path[64];
	int fd = memfd_create("conf", MFD_CLOEXEC);
	int rc;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = mams_conf_load(path, &table, &out, &arena, &err);
	if (rc < 0 && (arena || err.text[0] == '\0'))
		abort();
	if (rc == 0 && (out.integer > 1000 || (out.n_parts && !out.parts[0].title)))
		abort();
	mams_arena_free(arena);
	close(fd);
	return 0;
}
