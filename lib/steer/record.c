#include "lib/steer/record.h"

#include "lib/codec/field_rows.h"

#include <stdio.h>

#define NAME_MAX_OCTETS 128

const struct mams_enum_name steer_mode_names[] = {
	{"active-standby", STEER_ACTIVE_STANDBY, false},
	{"smallest-delay", STEER_SMALLEST_DELAY, false},
	{"load-balancing", STEER_LOAD_BALANCING, false},
	{"priority-based", STEER_PRIORITY_BASED, false},
	{"redundant", STEER_REDUNDANT, false},
	{NULL, 0, false},
};

const struct mams_enum_name steer_reason_names[] = {
	{"carries", STEER_R_CARRIES, false},
	{"standby", STEER_R_STANDBY, false},
	{"battery", STEER_R_BATTERY, false},
	{"harm_delay", STEER_R_HARM_DELAY, false},
	{"harm_loss", STEER_R_HARM_LOSS, false},
	{"harm_bloat", STEER_R_HARM_BLOAT, false},
	{"harm_rate", STEER_R_HARM_RATE, false},
	{"harm_little", STEER_R_HARM_LITTLE, false},
	{"probation", STEER_R_PROBATION, false},
	{"near_quota", STEER_R_NEAR, false},
	{"delay", STEER_R_DELAY, false},
	{"loss", STEER_R_LOSS, false},
	{"rate", STEER_R_RATE, false},
	{"crowded", STEER_R_CROWDED, false},
	{"spent", STEER_R_SPENT, false},
	{"fading", STEER_R_FADING, false},
	{"maintenance", STEER_R_MAINTENANCE, false},
	{"dead", STEER_R_DEAD, false},
	{"not_ready", STEER_R_NOT_READY, false},
	{NULL, 0, false},
};

const struct mams_enum_name steer_what_names[] = {
	{"keep", STEER_KEEP, false},
	{"apply", STEER_APPLY, false},
	{"wait", STEER_WAIT, false},
	{NULL, 0, false},
};

#define OWN_INT(K, S, m, hi, d) ROW_INT(K, S, m, #m, 0, hi, d)
#define OWN_U32(S, m, d) OWN_INT(U32, S, m, UINT32_MAX, d)
#define OWN_BOOL(S, m, d) ROW_BOOL(S, m, #m, d)
/* presence has another name: has_rate of rate_kbps */
#define OWN_HAS(S, m, has, hi, d)                                                                  \
	{                                                                                          \
		.key = #m, .kind = MAMS_K_U32, .flags = MAMS_F_OPTIONAL,                           \
		.offset = offsetof(struct S, m), .has_offset = offsetof(struct S, has), .max = hi, \
		.doc = (d)                                                                         \
	}

static const struct mams_field class_rows[] = {
	ROW_STR(steer_class, name, "name", 0, NAME_MAX_OCTETS, "of the steering section"),
	ROW_STR(steer_class, application, "application", MAMS_F_OPTIONAL, NAME_MAX_OCTETS, ""),
	ROW_STR(steer_class, anchor, "anchor", MAMS_F_OPTIONAL, NAME_MAX_OCTETS, ""),
	ROW_ENUM(steer_class, mode, "mode", steer_mode_names, ""),
	ROW_SCALARS(steer_class, order, "order", 0, STRING, 0, STEER_LINKS_MAX, "best first"),
	OWN_U32(steer_class, delay_max_ms, ""),
	OWN_U32(steer_class, delay_good_ms, ""),
	OWN_U32(steer_class, loss_max_ppm, ""),
	OWN_U32(steer_class, loss_good_ppm, ""),
	OWN_U32(steer_class, rate_min_kbps, ""),
	OWN_U32(steer_class, rate_good_kbps, ""),
	OWN_U32(steer_class, dwell_ms, ""),
	OWN_U32(steer_class, probation_ms, ""),
	OWN_BOOL(steer_class, never_worse, ""),
	OWN_BOOL(steer_class, call_like, ""),
	OWN_INT(U32, steer_class, battery_low, 100, "percent; 0: no limit"),
};
static TABLE(class_table, steer_class, "policy", class_rows);

static const struct mams_field figures_rows[] = {
	OWN_HAS(steer_figures, rate_kbps, has_rate, UINT32_MAX, "that it can carry"),
	OWN_HAS(steer_figures, used_kbps, has_used, UINT32_MAX, "that it carries"),
	OWN_HAS(steer_figures, delay_us, has_delay, UINT32_MAX, "one way"),
	OWN_HAS(steer_figures, idle_us, has_idle, UINT32_MAX, "one way, without load"),
	OWN_HAS(steer_figures, jitter_us, has_jitter, UINT32_MAX, ""),
	OWN_HAS(steer_figures, loss_ppm, has_loss, 1000000, "of packets"),
	OWN_U32(steer_figures, age_ms, "of the newest"),
};
static TABLE(figures_table, steer_figures, "figures", figures_rows);

static const struct mams_field mark_rows[] = {
	ROW_ENUM(steer_mark, why, "why", steer_reason_names, "objection that stands"),
	OWN_U32(steer_mark, ms, "for so long"),
	OWN_HAS(steer_mark, tries, has_tries, STEER_TRIES_MAX, "let in again, and not proven"),
};
static TABLE(mark_table, steer_mark, "mark", mark_rows);

static const struct mams_field link_rows[] = {
	OWN_INT(U8, steer_link, id, 255, "connection id"),
	ROW_STR(steer_link, access, "access", 0, NAME_MAX_OCTETS, ""),
	OWN_BOOL(steer_link, ready, "up, set up, not being left"),
	OWN_U32(steer_link, ready_ms, "for so long"),
	OWN_U32(steer_link, cost, ""),
	OWN_HAS(steer_link, load, has_load, 100, "percent, of its cell"),
	OWN_BOOL(steer_link, spent, "its quota"),
	OWN_HAS(steer_link, quota_mb, has_quota, UINT32_MAX, "millions of octets in a period"),
	OWN_HAS(steer_link, near_mb, has_quota, UINT32_MAX, "from where on it is spared"),
	OWN_HAS(steer_link, used_mb, has_quota, UINT32_MAX, "of it"),
	OWN_BOOL(steer_link, fading, "about to go"),
	OWN_BOOL(steer_link, maintenance, "about to be switched off"),
	OWN_BOOL(steer_link, dl_on, "carries"),
	OWN_BOOL(steer_link, ul_on, "carries"),
	ROW_OBJ(steer_link, dl, "dl", &figures_table, "measured"),
	ROW_OBJ(steer_link, ul, "ul", &figures_table, "measured"),
	ROW_OBJ(steer_link, dl_mark, "dl_mark", &mark_table, ""),
	ROW_OBJ(steer_link, ul_mark, "ul_mark", &mark_table, ""),
};
static TABLE(link_table, steer_link, "link", link_rows);

static const struct mams_field input_rows[] = {
	OWN_BOOL(steer_input, apart, "UL and DL lists may differ"),
	OWN_BOOL(steer_input, tunnel, "GMA"),
	OWN_BOOL(steer_input, told, "what is in force was decided by this class"),
	OWN_U32(steer_input, since_ms, "so long ago"),
	OWN_HAS(steer_input, battery, has_battery, 100, "percent, of the client"),
	OWN_INT(U32, steer_input, spread, 255, "of the client"),
	OWN_INT(U8, steer_input, dl_mode, 255, "in force, 1 + number; 0: none"),
	OWN_INT(U8, steer_input, ul_mode, 255, ""),
	OWN_INT(U8, steer_input, dl_first, 255, "connection id"),
	OWN_INT(U8, steer_input, ul_first, 255, ""),
	ROW_LIST(steer_input, links, "links", 0, &link_table, 0, STEER_LINKS_MAX, ""),
};
static TABLE(input_table, steer_input, "input", input_rows);

static const struct mams_field share_rows[] = {
	OWN_INT(U8, steer_share, id, 255, "connection id"),
	ROW_ENUM(steer_share, dl, "dl", steer_reason_names, "carries, or why not"),
	ROW_ENUM(steer_share, ul, "ul", steer_reason_names, ""),
	OWN_BOOL(steer_share, dl_on, "to carry now"),
	OWN_BOOL(steer_share, ul_on, ""),
	ROW_OBJ(steer_share, dl_mark, "dl_mark", &mark_table, ""),
	ROW_OBJ(steer_share, ul_mark, "ul_mark", &mark_table, ""),
};
static TABLE(share_table, steer_share, "share", share_rows);

static const struct mams_field decision_rows[] = {
	ROW_ENUM(steer_decision, what, "what", steer_what_names, ""),
	OWN_BOOL(steer_decision, forced, "a link is lost"),
	OWN_U32(steer_decision, wait_ms, "before the rest is done"),
	OWN_INT(U8, steer_decision, dl_mode, 255, "1 + number; 0: none"),
	OWN_INT(U8, steer_decision, ul_mode, 255, ""),
	OWN_INT(U8, steer_decision, dl_first, 255, "connection id"),
	OWN_INT(U8, steer_decision, ul_first, 255, ""),
	ROW_LIST(steer_decision, shares, "links", 0, &share_table, 0, STEER_LINKS_MAX, ""),
};
static TABLE(decision_table, steer_decision, "decision", decision_rows);

static const struct mams_field record_rows[] = {
	ROW_INT(U64, steer_record, time, "time", 0, INT64_C(1) << 52, "seconds since 1970"),
	ROW_INT(U64, steer_record, at_ms, "at_ms", 0, INT64_C(1) << 52, "of the daemon's clock"),
	ROW_STR(steer_record, client, "client", 0, NAME_MAX_OCTETS, ""),
	ROW_STR(steer_record, by, "anchor", 0, NAME_MAX_OCTETS, ""),
	ROW_OBJ(steer_record, policy, "policy", &class_table, ""),
	ROW_OBJ(steer_record, input, "input", &input_table, ""),
	ROW_OBJ(steer_record, decision, "decision", &decision_table, ""),
};
static TABLE(record_table, steer_record, "decision record", record_rows);

int steer_record_write(const struct steer_record *r, struct mams_buf *out, struct mams_error *err)
{
	return mams_field_encode(&record_table, r, 0, out, err);
}

int steer_record_read(const char *text, size_t len, struct mams_arena *arena,
	struct steer_record *out, struct mams_error *err)
{
	const struct mams_decode_limits limits = {.max_bytes = STEER_RECORD_MAX};
	struct mams_json *j = NULL;
	int rc = mams_json_parse(text, len, &limits, &j, err);

	*out = (struct steer_record){0};
	if (rc == 0)
		rc = mams_field_decode(&record_table, j, arena, out, NULL, err);
	mams_json_free(j);
	return rc;
}

/* ---- comparison ---- */

static bool same(const char *where, int64_t recorded, int64_t now, char *out, size_t size)
{
	if (recorded == now)
		return true;
	snprintf(out, size, "%s: recorded %lld, now %lld", where, (long long)recorded,
		(long long)now);
	return false;
}

static bool same_name(const struct mams_enum_name *names, const char *where, int recorded, int now,
	char *out, size_t size)
{
	if (recorded == now)
		return true;
	snprintf(out, size, "%s: recorded %s, now %s", where, mams_enum_str(names, recorded),
		mams_enum_str(names, now));
	return false;
}

static bool same_share(
	const struct steer_share *a, const struct steer_share *b, char *out, size_t size)
{
	char where[32];

	snprintf(where, sizeof(where), "link %u", a->id);
	return same(where, a->id, b->id, out, size) &&
	       same_name(steer_reason_names, where, a->dl, b->dl, out, size) &&
	       same_name(steer_reason_names, where, a->ul, b->ul, out, size) &&
	       same(where, a->dl_on, b->dl_on, out, size) &&
	       same(where, a->ul_on, b->ul_on, out, size) &&
	       same_name(steer_reason_names, where, a->dl_mark.why, b->dl_mark.why, out, size) &&
	       same_name(steer_reason_names, where, a->ul_mark.why, b->ul_mark.why, out, size) &&
	       same(where, a->dl_mark.ms, b->dl_mark.ms, out, size) &&
	       same(where, a->ul_mark.ms, b->ul_mark.ms, out, size) &&
	       same(where, a->dl_mark.tries, b->dl_mark.tries, out, size) &&
	       same(where, a->ul_mark.tries, b->ul_mark.tries, out, size);
}

bool steer_decision_equal(const struct steer_decision *recorded, const struct steer_decision *now,
	char *out, size_t size)
{
	const struct steer_decision *a = recorded;
	const struct steer_decision *b = now;

	if (!same_name(steer_what_names, "what", a->what, b->what, out, size) ||
		!same("forced", a->forced, b->forced, out, size) ||
		!same("wait_ms", a->wait_ms, b->wait_ms, out, size) ||
		!same("dl_mode", a->dl_mode, b->dl_mode, out, size) ||
		!same("ul_mode", a->ul_mode, b->ul_mode, out, size) ||
		!same("dl_first", a->dl_first, b->dl_first, out, size) ||
		!same("ul_first", a->ul_first, b->ul_first, out, size) ||
		!same("links", (int64_t)a->n_shares, (int64_t)b->n_shares, out, size))
		return false;
	for (size_t i = 0; i < a->n_shares; i++)
		if (!same_share(&a->shares[i], &b->shares[i], out, size))
			return false;
	return true;
}

bool steer_record_repeats(const struct steer_record *r, char *out, size_t size)
{
	struct steer_share shares[STEER_LINKS_MAX];
	struct steer_decision now;

	steer_decide(&r->policy, &r->input, shares, &now);
	return steer_decision_equal(&r->decision, &now, out, size);
}
