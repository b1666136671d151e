#include "lib/steer/conf.h"

#include "lib/steer/record.h"

#include <string.h>

#define NAME_OCTETS_MAX 60

#define AT(m) offsetof(struct steer_class, m)
static const struct mams_conf_row class_rows[] = {
	{"application", MAMS_C_STRING, AT(application),
		.doc = "an application section of mams-ncm.conf: its traffic alone, on an anchor "
		       "with GMA; default: all of the anchor's that is in no other class"},
	{"anchor", MAMS_C_STRING, AT(anchor),
		.doc = "name of the anchor; default: the first with a user plane, for an "
		       "application the one with GMA"},
	{"mode", MAMS_C_ENUM, AT(mode), .names = steer_mode_names, .required = true,
		.doc = "active-standby, smallest-delay, load-balancing, priority-based or "
		       "redundant"},
	{"order", MAMS_C_STRINGS, AT(order), AT(n_order),
		.doc = "names of accesses, best first; others come after these, cheapest first"},
	{"delay_max", MAMS_C_DURATION, AT(delay_max_ms), .max = 60000, .def = "0ms",
		.doc = "one way; a link above it is not used; 0: no limit"},
	{"delay_good", MAMS_C_DURATION, AT(delay_good_ms), .max = 60000, .def = "0ms",
		.doc = "at or below it is used again; 0: three quarters of delay_max"},
	{"loss_max_ppm", MAMS_C_INT, AT(loss_max_ppm), .max = 1000000, .def = "0",
		.doc = "packets lost of a million; a link above it is not used; 0: no limit"},
	{"loss_good_ppm", MAMS_C_INT, AT(loss_good_ppm), .max = 1000000, .def = "0",
		.doc = "at or below it is used again; 0: three quarters of loss_max_ppm"},
	{"rate_min_kbps", MAMS_C_INT, AT(rate_min_kbps), .max = 100000000, .def = "0",
		.doc = "kbit/s; a link that can carry less is not used; 0: no limit"},
	{"rate_good_kbps", MAMS_C_INT, AT(rate_good_kbps), .max = 100000000, .def = "0",
		.doc = "from here on it is used again; 0: rate_min_kbps"},
	{"dwell", MAMS_C_DURATION, AT(dwell_ms), .max = 86400000, .def = "60s",
		.doc = "least time between two changes, unless a link that carries is lost"},
	{"probation", MAMS_C_DURATION, AT(probation_ms), .max = 3600000, .def = "10s",
		.doc = "a link that has come back carries nothing for so long while another can"},
	{"never_worse", MAMS_C_BOOL, AT(never_worse), .def = "yes",
		.doc = "load-balancing leaves out links that make the set worse than the best "
		       "link alone"},
	{"call_like", MAMS_C_BOOL, AT(call_like), .def = "no",
		.doc = "delay matters more than rate: never_worse holds links to the best one's "
		       "delay"},
	{"battery_low", MAMS_C_INT, AT(battery_low), .max = 100, .def = "0",
		.doc = "percent of charge of the client: at or below it one link carries, the "
		       "first of order, or cheapest; 0: no limit"},
};
static const struct mams_conf_table class_table = {
	"steering", sizeof(struct steer_class), class_rows, MAMS_ARRAY_LEN(class_rows), AT(name)};
#undef AT

static const struct mams_enum_name per_names[] = {{"day", STEER_PER_DAY, false},
	{"week", STEER_PER_WEEK, false}, {"month", STEER_PER_MONTH, false}, {NULL, 0, false}};

#define AT(m) offsetof(struct steer_price, m)
static const struct mams_conf_row price_rows[] = {
	{"cost", MAMS_C_INT, AT(cost), .max = 1000000, .def = "0",
		.doc = "of an octet there, in any unit: cheaper links go first where no order is "
		       "given"},
	{"spent", MAMS_C_BOOL, AT(spent), .def = "no",
		.doc = "its quota is used up: its links are used when there is no other"},
	{"quota_mb", MAMS_C_INT, AT(quota_mb), .max = 1000000000, .def = "0",
		.doc = "millions of octets that each client has there in a period, both "
		       "directions; used up is as spent; 0: no quota"},
	{"quota_per", MAMS_C_ENUM, AT(quota_per), .names = per_names, .def = "month",
		.doc = "day, week or month, in UTC"},
	{"quota_near", MAMS_C_INT, AT(quota_near), .min = 1, .max = 100, .def = "90",
		.doc = "percent of the quota from which on its links carry only when no good one "
		       "does"},
};
static const struct mams_conf_table price_table = {
	"price", sizeof(struct steer_price), price_rows, MAMS_ARRAY_LEN(price_rows), AT(access)};
#undef AT

#define AT(m) offsetof(struct steer_policy, m)
static const struct mams_conf_row rows[] = {
	{"steering", MAMS_C_SECTIONS, AT(classes), AT(n_classes), .max = STEER_CLASSES_MAX,
		.table = &class_table, .required = true,
		.doc = "a class of traffic and how it is steered"},
	{"price", MAMS_C_SECTIONS, AT(prices), AT(n_prices), .max = STEER_LINKS_MAX,
		.table = &price_table, .doc = "what an access costs"},
};
const struct mams_conf_table steer_policy_table = {
	"policy", sizeof(struct steer_policy), rows, MAMS_ARRAY_LEN(rows), 0};

/* Names stand in records, which are UTF-8. */
static bool is_name(const char *text)
{
	const size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return n > 0 && n <= NAME_OCTETS_MAX;
}

static int check_names(const struct steer_class *c, const char *path, struct mams_error *err)
{
	bool good = is_name(c->name) && (!c->application || is_name(c->application)) &&
		    (!c->anchor || is_name(c->anchor));

	for (size_t i = 0; i < c->n_order; i++)
		good &= is_name(c->order[i]);
	if (good)
		return 0;
	return mams_fail(err, MAMS_EVALUE, path,
		"a steering section, or a name in it, is called what is no name: 1 to %d printable "
		"ASCII characters",
		NAME_OCTETS_MAX);
}

static int check_limits(const struct steer_class *c, const char *path, struct mams_error *err)
{
	if (c->delay_good_ms > c->delay_max_ms)
		return mams_fail(err, MAMS_EVALUE, path,
			"steering %s: delay_good is above delay_max", c->name);
	if (c->loss_good_ppm > c->loss_max_ppm)
		return mams_fail(err, MAMS_EVALUE, path,
			"steering %s: loss_good_ppm is above loss_max_ppm", c->name);
	if (c->rate_good_kbps && c->rate_good_kbps < c->rate_min_kbps)
		return mams_fail(err, MAMS_EVALUE, path,
			"steering %s: rate_good_kbps is below rate_min_kbps", c->name);
	if (c->n_order > STEER_LINKS_MAX)
		return mams_fail(err, MAMS_EVALUE, path,
			"steering %s: order names more than %u accesses", c->name, STEER_LINKS_MAX);
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Two that steer the same traffic would undo each other's work. */
static int check_apart(
	const struct steer_policy *p, size_t i, const char *path, struct mams_error *err)
{
	for (size_t k = 0; k < i; k++) {
		const struct steer_class *a = &p->classes[k];
		const struct steer_class *b = &p->classes[i];

		if (strcmp(a->name, b->name) == 0)
			return mams_fail(
				err, MAMS_EVALUE, path, "steering %s stands twice", b->name);
		if (same_text(a->application, b->application) && same_text(a->anchor, b->anchor))
			return mams_fail(err, MAMS_EVALUE, path,
				"steering %s and %s are of the same traffic: give one an "
				"application or an anchor of its own",
				a->name, b->name);
	}
	return 0;
}

int steer_policy_load(const char *path, struct steer_policy *out, struct mams_error *err)
{
	int rc;

	*out = (struct steer_policy){0};
	rc = mams_conf_load(path, &steer_policy_table, out, &out->arena, err);
	for (size_t i = 0; rc == 0 && i < out->n_classes; i++) {
		rc = check_names(&out->classes[i], path, err);
		if (rc == 0)
			rc = check_limits(&out->classes[i], path, err);
		if (rc == 0)
			rc = check_apart(out, i, path, err);
	}
	if (rc < 0)
		steer_policy_free(out);
	return rc;
}

void steer_policy_free(struct steer_policy *p)
{
	mams_arena_free(p->arena);
	*p = (struct steer_policy){0};
}

const struct steer_price *steer_policy_price(const struct steer_policy *p, const char *access)
{
	for (size_t i = 0; i < p->n_prices; i++)
		if (strcmp(p->prices[i].access, access) == 0)
			return &p->prices[i];
	return NULL;
}

void steer_price_put(const struct steer_price *price, struct steer_link *l)
{
	l->cost = price ? price->cost : 0;
	l->spent = price && price->spent;
	l->has_quota = price && price->quota_mb > 0;
	l->quota_mb = l->has_quota ? price->quota_mb : 0;
	l->near_mb =
		l->has_quota ? (uint32_t)((uint64_t)price->quota_mb * price->quota_near / 100) : 0;
	if (!l->has_quota)
		l->used_mb = 0;
}

/* Day of the month of a day since 1970, 1 to 31 (proleptic Gregorian, years that begin in March).
 */
static unsigned day_of_month(uint64_t days)
{
	const uint64_t of_era = (days + 719468) % 146097;
	const uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);

	return (unsigned)(of_year - (153 * ((5 * of_year + 2) / 153) + 2) / 5 + 1);
}

uint64_t steer_quota_end(int per, uint64_t wall)
{
	uint64_t day = wall / 86400 + 1;

	if (per == STEER_PER_WEEK)
		day += (11 - day % 7) % 7; /* 1970 began on a Thursday */
	while (per == STEER_PER_MONTH && day_of_month(day) != 1)
		day++;
	return day * 86400;
}
