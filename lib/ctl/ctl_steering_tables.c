#include "lib/codec/field_rows.h"
#include "lib/ctl/ctl_tables.h"

#define OPT MAMS_F_OPTIONAL
#define MAX_CLASSES 64
#define MAX_RECORD 32768

static const struct mams_field policy_rows[] = {
	ROW_STR(ctl_policy, client, "client", OPT, 255, ""),
	ROW_BOOL(ctl_policy, automatic, "automatic", "operators' orders hold no longer"),
};
TABLE(ctl_policy_table, ctl_policy, "policy", policy_rows);

static const struct mams_field class_rows[] = {
	ROW_STR(ctl_policy_class, name, "name", 0, 255, "of the steering section"),
	ROW_STR(ctl_policy_class, state, "state", 0, 32, "auto, held, refused or none"),
	ROW_STR(ctl_policy_class, why, "why", OPT, 255, "refused: in words"),
	ROW_OPT_INT(U64, ctl_policy_class, age_ms, "age_ms", 0, 0, "of the decision"),
	ROW_STR(ctl_policy_class, words, "words", OPT, 8192, "the decision in words"),
	ROW_STR(ctl_policy_class, record, "record", OPT, MAX_RECORD, "of the decision, JSON"),
};
static TABLE(class_table, ctl_policy_class, "class", class_rows);

static const struct mams_field status_rows[] = {
	ROW_STR(ctl_policy_status, client, "client", 0, 255, ""),
	ROW_LIST(ctl_policy_status, classes, "classes", OPT, &class_table, 0, MAX_CLASSES,
		"none: no policy file"),
};
TABLE(ctl_policy_status_table, ctl_policy_status, "policy_status", status_rows);
