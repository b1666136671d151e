#include "lib/mx/mx.h"
#include "lib/codec/field.h"
#include "lib/codec/field_rows.h"
#include "lib/mx/mx_tables.h"

#include <errno.h>
#include <string.h>

/* The public struct stands inside a larger one that owns the arena. */
struct holder {
	struct mams_arena *arena;
	struct mx_msg msg;
};

static struct holder *holder_of(const struct mx_msg *m)
{
	return MAMS_CONTAINER_OF((uintptr_t)m, struct holder, msg);
}

/* Seed 6.2: version, message type, sequence number. */
struct base_fields {
	const char *version;
	const char *message_type;
	bool has_sequence_num;
	uint32_t sequence_num;
};

static const struct mams_field base_rows[] = {
	ROW_STR(base_fields, version, "version", 0, 16, "of the MAMS control protocol"),
	ROW_STR(base_fields, message_type, "message_type", 0, 64, "names the message"),
	ROW_OPT_INT(U32, base_fields, sequence_num, "sequence_num", 1, UINT32_MAX,
		"identifies the exchange"),
};
static TABLE(base_table, base_fields, "message", base_rows);

static void *body_of(struct mx_msg *m)
{
	return &m->discover;
}

struct mx_msg *mx_msg_new(enum mx_type type, uint32_t sequence_num)
{
	struct mams_arena *arena = mams_arena_new();
	struct holder *h = arena ? mams_arena_alloc(arena, sizeof(*h)) : NULL;

	if (!h) {
		mams_arena_free(arena);
		return NULL;
	}
	h->arena = arena;
	h->msg.type = type;
	h->msg.sequence_num = sequence_num;
	return &h->msg;
}

void mx_msg_free(struct mx_msg *m)
{
	if (m)
		mams_arena_free(holder_of(m)->arena);
}

void *mx_alloc(struct mx_msg *m, size_t size)
{
	return mams_arena_alloc(holder_of(m)->arena, size);
}

char *mx_strdup(struct mx_msg *m, const char *s)
{
	return mams_arena_strdup(holder_of(m)->arena, s);
}

struct mx_msg *mx_msg_copy(const struct mx_msg *m)
{
	const struct mams_table *body = mx_rows[m->type].body;
	struct mx_msg *copy = mx_msg_new(m->type, m->sequence_num);

	if (!copy || !body ||
		mams_field_copy(body, &m->discover, holder_of(copy)->arena, body_of(copy)) == 0)
		return copy;
	mx_msg_free(copy);
	return NULL;
}

static const struct mx_row *row_by_name(const char *name)
{
	for (size_t i = 0; i < MX_TYPE_COUNT; i++) {
		if (!mx_rows[i].name)
			continue;
		if (strcmp(mx_rows[i].name, name) == 0)
			return &mx_rows[i];
		for (const char *const *a = mx_rows[i].aliases; a && *a; a++) {
			if (strcmp(*a, name) == 0)
				return &mx_rows[i];
		}
	}
	return NULL;
}

/* E3: another major version. */
static bool version_supported(const char *version)
{
	return strncmp(version, "1", 1) == 0 && (version[1] == '\0' || version[1] == '.');
}

static int decode_base(const struct mams_json *j, struct mams_arena *a, struct base_fields *base,
	struct mams_decode_notes *notes, struct mams_error *err)
{
	int rc = mams_field_decode(&base_table, j, a, base, notes, err);

	notes->unknown = 0; /* the members of the body */
	notes->variants += !base->has_sequence_num;

	/* a missing or wrong base field is E1, whatever is wrong with it */
	return rc < 0 && rc != -ENOMEM ? -MAMS_EPROTO : rc;
}

static int decode_body(const struct mx_row *row, const struct mams_json *j, struct mx_msg *m,
	struct mams_error *err)
{
	struct mams_decode_notes notes = {0};
	int rc = 0;

	if (row->body)
		rc = mams_field_decode(row->body, j, holder_of(m)->arena, body_of(m), &notes, err);
	m->unknown = notes.unknown;
	m->variants += notes.variants;
	if (rc == -MAMS_EPROTO || rc == -MAMS_ELIMIT)
		return -MAMS_EVALUE; /* E7: wrong type or length below the base fields */
	/* the body's rows do not know the base fields */
	if (rc == 0 && row->body)
		m->unknown -= m->sequence_num ? 3 : 2;
	if (rc == 0)
		rc = mx_normalise(m, err);
	if (rc == 0 && row->check)
		rc = row->check(m, err);
	return rc;
}

int mx_decode(const char *text, size_t len, struct mx_msg **out, struct mams_error *err)
{
	static const struct mams_decode_limits limits = {MX_MAX_BYTES, 16};
	struct mams_decode_notes notes = {0};
	struct base_fields base = {0};
	const struct mx_row *row;
	struct mams_json *j = NULL;
	struct mx_msg *m = NULL;
	int rc;

	if (err)
		*err = (struct mams_error){0};
	rc = mams_json_parse(text, len, &limits, &j, err);
	if (rc < 0)
		return rc;
	m = mx_msg_new(MX_DISCOVER, 0);
	rc = m ? decode_base(j, holder_of(m)->arena, &base, &notes, err) : -ENOMEM;
	if (rc < 0)
		goto out;
	rc = -MAMS_EUNKNOWN;
	row = row_by_name(base.message_type);
	if (!row) {
		(void)mams_fail(err, MAMS_EUNKNOWN, "message_type", "unknown type \"%.40s\"",
			base.message_type);
		goto out;
	}
	rc = -MAMS_ESTATE;
	if (!version_supported(base.version)) {
		(void)mams_fail(err, MAMS_ESTATE, "version", "\"%.16s\" is not supported, 1.x is",
			base.version);
		goto out;
	}
	m->type = row->type;
	m->variants = notes.variants + (strcmp(row->name, base.message_type) != 0);
	m->sequence_num = base.has_sequence_num ? base.sequence_num : 0;
	rc = decode_body(row, j, m, err);
out:
	mams_json_free(j);
	if (rc < 0)
		mx_msg_free(m);
	else
		*out = m;
	return rc;
}

int mx_encode(const struct mx_msg *m, unsigned flags, struct mams_buf *out, struct mams_error *err)
{
	const struct mx_row *row = &mx_rows[m->type];
	const struct base_fields base = {
		.version = MX_VERSION,
		.message_type = row->name,
		.has_sequence_num = m->sequence_num != 0,
		.sequence_num = m->sequence_num,
	};
	int rc;

	if (!row->name)
		return mams_fail(err, MAMS_EUNKNOWN, NULL, "message type %d", m->type);
	rc = mams_field_encode_join(&base_table, &base, row->body, &m->discover, flags, out, err);
	return rc;
}

const char *mx_type_name(enum mx_type type)
{
	const char *name = (unsigned)type < MX_TYPE_COUNT ? mx_rows[type].name : NULL;

	return name ? name : "?";
}

bool mx_type_from(enum mx_type type, enum mx_role sender)
{
	return sender == MX_ROLE_CCM ? mx_rows[type].from_ccm : mx_rows[type].from_ncm;
}

enum mx_type mx_type_response(enum mx_type request)
{
	return mx_rows[request].response;
}

const struct mx_session_id *mx_msg_session(const struct mx_msg *m)
{
	const struct mx_row *row = &mx_rows[m->type];
	const char *body = (const char *)&m->discover;

	if (row->session_kind == MX_SID_EMBEDDED)
		return (const void *)(body + row->session_offset);
	if (row->session_kind == MX_SID_POINTER)
		return *(const struct mx_session_id *const *)(const void *)(body +
									    row->session_offset);
	return NULL;
}

const char *mx_connection_type_name(int connection_type)
{
	return mams_enum_str(mx_connection_type_names, connection_type);
}

int mx_connection_type_parse(const char *text, int *out)
{
	return mams_enum_parse(mx_connection_type_names, text, out);
}

const char *mx_feature_name(int feature)
{
	return mams_enum_str(mx_feature_names, feature);
}

const char *mx_convergence_name(int method)
{
	return mams_enum_str(mx_convergence_names, method);
}

const char *mx_adaptation_name(int method)
{
	return mams_enum_str(mx_adaptation_names, method);
}

const char *mx_measurement_name(int type)
{
	return mams_enum_str(mx_measurement_names, type);
}

const char *mx_ssid_type_name(int type)
{
	return mams_enum_str(mx_ssid_type_names, type);
}

bool mx_measurement_fits(int type, int connection_type)
{
	static const unsigned any = 1u << MX_M_UL_TPUT | 1u << MX_M_DL_TPUT | 1u << MX_M_BATTERY;
	static const unsigned fits[] = {
		[MX_WIFI] = 1u << MX_M_WLAN_RSSI | 1u << MX_M_WLAN_LOAD | 1u << MX_M_EST_UL_TPUT |
			    1u << MX_M_EST_DL_TPUT,
		[MX_5G_NR] = 1u << MX_M_NR_RSRP | 1u << MX_M_NR_RSRQ,
		[MX_MULTEFIRE] = 0,
		[MX_LTE] = 1u << MX_M_LTE_RSRP | 1u << MX_M_LTE_RSRQ,
	};

	return type >= 0 && type < MX_M_COUNT && connection_type >= 0 &&
	       (size_t)connection_type < MAMS_ARRAY_LEN(fits) &&
	       ((any | fits[connection_type]) & 1u << type);
}

double mx_prediction_value(const struct mx_prediction *p, bool seconds)
{
	bool is_time = p->param_name == MX_P_JITTER || p->param_name == MX_P_LATENCY;

	seconds |= p->prediction != (double)(int64_t)p->prediction;
	return is_time && seconds ? p->prediction * 1000 : p->prediction;
}
