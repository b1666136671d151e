#include "lib/codec/field.h"
#include "lib/codec/field_rows.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/ctl/ctl_tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The public struct stands inside a larger one that owns the arena. */
struct holder {
	struct mams_arena *arena;
	struct ctl_msg msg;
};

static struct holder *holder_of(const struct ctl_msg *m)
{
	return MAMS_CONTAINER_OF((uintptr_t)m, struct holder, msg);
}

struct envelope {
	uint32_t ctl;
	const char *type;
	uint32_t id;
};

static const struct mams_field envelope_rows[] = {
	ROW_INT(U32, envelope, ctl, "ctl", 0, 0, "version of this protocol"),
	ROW_STR(envelope, type, "type", 0, 32, "names the message"),
	ROW_INT(U32, envelope, id, "id", 0, 0, "of the request; 0 for events"),
};
static TABLE(envelope_table, envelope, "ctl", envelope_rows);

struct ctl_msg *ctl_msg_new(enum ctl_type type, uint32_t id)
{
	struct mams_arena *arena = mams_arena_new();
	struct holder *h = arena ? mams_arena_alloc(arena, sizeof(*h)) : NULL;

	if (!h) {
		mams_arena_free(arena);
		return NULL;
	}
	h->arena = arena;
	h->msg.type = type;
	h->msg.id = id;
	return &h->msg;
}

void ctl_msg_free(struct ctl_msg *m)
{
	if (m)
		mams_arena_free(holder_of(m)->arena);
}

void *ctl_alloc(struct ctl_msg *m, size_t size)
{
	return mams_arena_alloc(holder_of(m)->arena, size);
}

char *ctl_strdup(struct ctl_msg *m, const char *s)
{
	return mams_arena_strdup(holder_of(m)->arena, s);
}

struct ctl_msg *ctl_result_new(uint32_t id, uint32_t code, const char *text)
{
	struct ctl_msg *m = ctl_msg_new(CTL_RESULT, id);

	if (m)
		m->result = (struct ctl_result){.code = code, .text = ctl_strdup(m, text)};
	return m;
}

struct ctl_msg *ctl_hello_new(uint32_t id)
{
	struct ctl_msg *m = ctl_msg_new(CTL_HELLO, id);

	if (m)
		m->hello = (struct ctl_hello){CTL_VERSION_LEAST, CTL_VERSION};
	return m;
}

uint32_t ctl_hello_common(const struct ctl_hello *theirs)
{
	uint32_t common = theirs->most < CTL_VERSION ? theirs->most : CTL_VERSION;

	return common >= theirs->least && common >= CTL_VERSION_LEAST ? common : 0;
}

struct ctl_msg *ctl_hello_answer(const struct ctl_msg *hello)
{
	char why[96];

	if (ctl_hello_common(&hello->hello) > 0)
		return ctl_hello_new(hello->id);
	snprintf(why, sizeof(why), "versions %u to %u are spoken there, %d to %d here",
		hello->hello.least, hello->hello.most, CTL_VERSION_LEAST, CTL_VERSION);
	return ctl_result_new(hello->id, MAMS_ESTATE, why);
}

struct ctl_msg *ctl_metrics_new(uint32_t id, struct mams_buf *text)
{
	MAMS_AUTO_FREE char *bytes = mams_buf_take(text);
	struct ctl_msg *m = bytes ? ctl_msg_new(CTL_METRICS, id) : NULL;

	if (m)
		m->metrics.text = ctl_strdup(m, bytes);
	return m;
}

static int type_parse(const char *name, enum ctl_type *out)
{
	for (int i = 0; i < CTL_TYPE_COUNT; i++) {
		if (strcmp(ctl_rows[i].name, name) == 0) {
			*out = (enum ctl_type)i;
			return 0;
		}
	}
	return -MAMS_EUNKNOWN;
}

int ctl_decode(const char *text, size_t len, struct ctl_msg **out, struct mams_error *err)
{
	static const struct mams_decode_limits limits = {CTL_MAX_BYTES, 16};
	struct envelope e = {0};
	struct mams_json *j = NULL;
	struct ctl_msg *m;
	int rc;

	if (err)
		*err = (struct mams_error){0};
	rc = mams_json_parse(text, len, &limits, &j, err);
	if (rc < 0)
		return rc;
	m = ctl_msg_new(CTL_RESULT, 0);
	rc = m ? mams_field_decode(&envelope_table, j, holder_of(m)->arena, &e, NULL, err)
	       : -ENOMEM;
	if (rc == 0 && e.ctl != CTL_VERSION)
		rc = mams_fail(
			err, MAMS_ESTATE, "ctl", "version %u, this is %d", e.ctl, CTL_VERSION);
	if (rc == 0 && type_parse(e.type, &m->type) < 0)
		rc = mams_fail(err, MAMS_EUNKNOWN, "type", "unknown type \"%.32s\"", e.type);
	if (rc == 0) {
		m->id = e.id;
		rc = mams_field_decode(
			ctl_rows[m->type].body, j, holder_of(m)->arena, &m->result, NULL, err);
	}
	mams_json_free(j);
	if (rc < 0)
		ctl_msg_free(m);
	else
		*out = m;
	return rc;
}

int ctl_encode(
	const struct ctl_msg *m, unsigned flags, struct mams_buf *out, struct mams_error *err)
{
	const struct envelope e = {CTL_VERSION, ctl_rows[m->type].name, m->id};

	return mams_field_encode_join(
		&envelope_table, &e, ctl_rows[m->type].body, &m->result, flags, out, err);
}

int ctl_network_read(const char *text, size_t len, struct ctl_msg **out, struct mams_error *err)
{
	static const struct mams_decode_limits limits = {CTL_MAX_BYTES, 16};
	struct ctl_msg *m = NULL;
	struct mams_json *j = NULL;
	int rc = mams_json_parse(text, len, &limits, &j, err);

	if (rc == 0 && !(m = ctl_msg_new(CTL_NETWORK, 0)))
		rc = -ENOMEM;
	if (rc == 0)
		rc = mams_field_decode(
			&ctl_network_table, j, holder_of(m)->arena, &m->network, NULL, err);
	mams_json_free(j);
	if (rc < 0)
		ctl_msg_free(m);
	else
		*out = m;
	return rc;
}

int ctl_network_write(const struct ctl_msg *m, struct mams_buf *out, struct mams_error *err)
{
	return mams_field_encode(&ctl_network_table, &m->network, 0, out, err);
}

const char *ctl_type_name(enum ctl_type type)
{
	return (unsigned)type < CTL_TYPE_COUNT ? ctl_rows[type].name : "?";
}

bool ctl_type_is_request(enum ctl_type type)
{
	return (unsigned)type < CTL_TYPE_COUNT && ctl_rows[type].request;
}
