/* Rows of the network information. */
#include "lib/codec/field_rows.h"
#include "lib/ctl/ctl_tables.h"

#define OPT MAMS_F_OPTIONAL
#define YEAR_2100 4102444800
#define WEEK 604800
#define MAX_KBPS 1000000000

static const struct mams_field window_rows[] = {
	ROW_INT(U64, ctl_window, from, "from", 0, YEAR_2100, "seconds since 1970"),
	ROW_INT(U64, ctl_window, until, "until", 0, YEAR_2100, "likewise"),
};
static TABLE(window_table, ctl_window, "maintenance", window_rows);

static const struct mams_field statement_rows[] = {
	ROW_STR(ctl_statement, access, "access", 0, 64, "name of an access section"),
	ROW_STR(ctl_statement, node_id, "node_id", OPT, 64, "base station or access point"),
	ROW_STR(ctl_statement, ssid, "ssid", OPT, 64, "Wi-Fi network"),
	ROW_INT(U32, ctl_statement, valid_for, "valid_for", 0, WEEK, "s; 0: taken back"),
	ROW_OPT_INT(U8, ctl_statement, load_percent, "load_percent", 0, 100, "of the cell"),
	ROW_OPT_INT(U32, ctl_statement, fading_within, "fading_within", 0, WEEK,
		"s: by then it is predicted to be gone"),
	ROW_OPT_OBJ(ctl_statement, maintenance, "maintenance", &window_table, "not to be used"),
	ROW_OPT_INT(
		U32, ctl_statement, rate_kbps, "rate_kbps", 0, MAX_KBPS, "predicted for a client"),
	ROW_OPT_INT(U32, ctl_statement, delay_ms, "delay_ms", 0, 60000, "likewise, one way"),
	ROW_OPT_INT(U32, ctl_statement, age, "age", 0, 0, "s; told, not read"),
	ROW_STR(ctl_statement, feeder, "feeder", OPT, 255, "who said it; told, not read"),
};
static TABLE(statement_table, ctl_statement, "statement", statement_rows);

static const struct mams_field network_rows[] = {
	ROW_LIST(ctl_network, statements, "statements", 0, &statement_table, 0, CTL_STATEMENTS_MAX,
		""),
	ROW_OPT_BOOL(ctl_network, more, "more", "told, not read"),
};
TABLE(ctl_network_table, ctl_network, "network", network_rows);
