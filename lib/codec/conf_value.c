#include "lib/codec/conf_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SAFE_INTEGER ((uint64_t)1 << 53)

static int parse_uint(const char *text, uint64_t *out, const char **rest)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -MAMS_EVALUE;
	errno = 0;
	*out = strtoull(text, &end, 10);
	*rest = end;
	return errno || *out >= MAX_SAFE_INTEGER ? -MAMS_EVALUE : 0;
}

static int parse_duration(const char *text, uint64_t *ms)
{
	static const struct {
		const char *unit;
		uint64_t factor;
	} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
	const char *rest;

	if (parse_uint(text, ms, &rest) < 0 || *ms > UINT32_MAX)
		return -MAMS_EVALUE;
	while (*rest == ' ')
		rest++;
	for (size_t i = 0; i < MAMS_ARRAY_LEN(units); i++) {
		if (strcmp(rest, units[i].unit) == 0) {
			*ms *= units[i].factor;
			return *ms <= UINT32_MAX ? 0 : -MAMS_EVALUE;
		}
	}
	return -MAMS_EVALUE;
}

static int parse_bool(const char *text, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"true", true}, {"yes", true}, {"on", true}, {"false", false}, {"no", false},
		{"off", false}};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i].word) == 0) {
			*out = words[i].value;
			return 0;
		}
	}
	return -MAMS_EVALUE;
}

static int parse_addr_port(const struct mams_conf_row *row, const char *text, struct mams_addr *out)
{
	if (mams_addr_parse_port(text, (uint16_t)row->min, out) < 0 || out->port == 0)
		return -MAMS_EVALUE;
	return 0;
}

static int check_file(const char *path, bool secret, char *why, size_t size)
{
	struct stat st;

	if (stat(path, &st) < 0 || access(path, R_OK) < 0) {
		snprintf(why, size, "cannot be read: %s", strerror(errno));
		return -MAMS_EVALUE;
	}
	if (secret && (st.st_mode & S_IRWXO)) {
		snprintf(why, size, "holds a secret but others may read it: chmod 600 it");
		return -MAMS_EVALUE;
	}
	return 0;
}

static int check_number(const struct mams_conf_row *row, const char *value, char *why, size_t size)
{
	uint64_t max = row->max                  ? (uint64_t)row->max
		       : row->kind == MAMS_C_U64 ? MAX_SAFE_INTEGER - 1
						 : UINT32_MAX;
	uint64_t n = 0;
	const char *rest = "";
	bool ok;

	if (row->kind == MAMS_C_DURATION)
		ok = parse_duration(value, &n) == 0;
	else
		ok = parse_uint(value, &n, &rest) == 0 && !*rest;
	if (!ok && row->kind == MAMS_C_DURATION)
		snprintf(why, size, "must be a number with ms, s, min or h");
	else if (!ok)
		snprintf(why, size, "must be a number");
	else if (n < (uint64_t)row->min || n > max)
		snprintf(why, size, "must be %lld..%llu%s", (long long)row->min,
			(unsigned long long)max, row->kind == MAMS_C_DURATION ? " ms" : "");
	else
		return 0;
	return -MAMS_EVALUE;
}

static int parse_signed(const struct mams_conf_row *row, const char *text, int32_t *out)
{
	const bool minus = *text == '-';
	const char *rest = "";
	uint64_t n = 0;
	int64_t v;

	if (parse_uint(text + minus, &n, &rest) < 0 || *rest)
		return -MAMS_EVALUE;
	v = minus ? -(int64_t)n : (int64_t)n;
	if (v < row->min || v > row->max)
		return -MAMS_EVALUE;
	*out = (int32_t)v;
	return 0;
}

static int check_signed(const struct mams_conf_row *row, const char *value, char *why, size_t size)
{
	int32_t v;

	snprintf(why, size, "must be a number, %lld..%lld", (long long)row->min,
		(long long)row->max);
	return parse_signed(row, value, &v);
}

static int check_enum(const struct mams_conf_row *row, const char *value, char *why, size_t size)
{
	int v;
	size_t n;

	if (mams_enum_parse(row->names, value, &v) == 0)
		return 0;
	snprintf(why, size, "must be one of");
	for (const struct mams_enum_name *e = row->names; e->name; e++) {
		n = strlen(why);
		if (!e->alias)
			snprintf(why + n, size - n, " %s", e->name);
	}
	return -MAMS_EVALUE;
}

int mams_conf_value_check(
	const struct mams_conf_row *row, const char *value, char *why, size_t size)
{
	struct mams_prefix prefix;
	struct mams_addr addr;
	bool flag;

	switch (row->kind) {
	case MAMS_C_STRING:
	case MAMS_C_STRINGS:
		snprintf(why, size, "must not be empty");
		return *value ? 0 : -MAMS_EVALUE;
	case MAMS_C_INT:
	case MAMS_C_U64:
	case MAMS_C_DURATION:
		return check_number(row, value, why, size);
	case MAMS_C_SIGNED:
		return check_signed(row, value, why, size);
	case MAMS_C_BOOL:
		snprintf(why, size, "must be true or false");
		return parse_bool(value, &flag);
	case MAMS_C_ENUM:
		return check_enum(row, value, why, size);
	case MAMS_C_ADDR:
	case MAMS_C_ADDRS:
		snprintf(why, size, "must be an IPv4 or IPv6 address");
		return mams_addr_parse(value, &addr);
	case MAMS_C_ADDR_PORT:
	case MAMS_C_ADDR_PORTS:
		snprintf(why, size,
			"must be ADDRESS:PORT, such as 192.0.2.1:443 or [2001:db8::1]:443");
		return parse_addr_port(row, value, &addr);
	case MAMS_C_FILE:
		return check_file(value, false, why, size);
	case MAMS_C_SECRET_FILE:
		return check_file(value, true, why, size);
	case MAMS_C_PREFIXES:
		snprintf(why, size, "must be a prefix such as 192.0.2.0/24, host bits zero");
		return mams_prefix_parse(value, &prefix);
	case MAMS_C_SECTIONS:
		break;
	}
	return 0;
}

size_t mams_conf_item_size(enum mams_conf_kind kind)
{
	if (kind == MAMS_C_PREFIXES)
		return sizeof(struct mams_prefix);
	return kind == MAMS_C_STRINGS ? sizeof(char *) : sizeof(struct mams_addr);
}

static int store_number(const struct mams_conf_row *row, const char *value, void *member)
{
	uint64_t n = 0;
	const char *rest;
	int rc = row->kind == MAMS_C_DURATION ? parse_duration(value, &n)
					      : parse_uint(value, &n, &rest);

	if (row->kind == MAMS_C_U64)
		*(uint64_t *)member = n;
	else
		*(uint32_t *)member = (uint32_t)n;
	return rc;
}

int mams_conf_value_store(
	const struct mams_conf_row *row, const char *value, struct mams_arena *arena, void *member)
{
	switch (row->kind) {
	case MAMS_C_STRING:
	case MAMS_C_STRINGS:
	case MAMS_C_FILE:
	case MAMS_C_SECRET_FILE:
		*(const char **)member = mams_arena_strdup(arena, value);
		return *(const char **)member ? 0 : -ENOMEM;
	case MAMS_C_INT:
	case MAMS_C_U64:
	case MAMS_C_DURATION:
		return store_number(row, value, member);
	case MAMS_C_SIGNED:
		return parse_signed(row, value, member);
	case MAMS_C_BOOL:
		return parse_bool(value, member);
	case MAMS_C_ENUM:
		return mams_enum_parse(row->names, value, member);
	case MAMS_C_ADDR:
	case MAMS_C_ADDRS:
		return mams_addr_parse(value, member);
	case MAMS_C_ADDR_PORT:
	case MAMS_C_ADDR_PORTS:
		return parse_addr_port(row, value, member);
	case MAMS_C_PREFIXES:
		return mams_prefix_parse(value, member);
	case MAMS_C_SECTIONS:
		break;
	}
	return 0;
}
