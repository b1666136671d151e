#include "lib/codec/field_rows.h"
#include "lib/ctl/ctl_tables.h"

#define NUM(S, m, d) ROW_INT(U32, S, m, #m, 0, 0, d)
#define MAYBE(S, m, d) ROW_OPT_INT(U32, S, m, #m, 0, 0, d)

static const struct mams_field way_rows[] = {
	MAYBE(ctl_quality_way, rate_kbps, "that it can carry"),
	NUM(ctl_quality_way, used_kbps, "that it carried"),
	MAYBE(ctl_quality_way, delay_us, "one way"),
	MAYBE(ctl_quality_way, jitter_us, ""),
	MAYBE(ctl_quality_way, packets, "sent"),
	NUM(ctl_quality_way, lost, "of these"),
	ROW_OPT_BOOL(ctl_quality_way, back, "back", "the link was gone; all is of since then"),
	ROW_OPT_INT(U64, ctl_quality_way, octets, "octets", 0, 0, "that it carried"),
};
TABLE(ctl_quality_way_table, ctl_quality_way, "way", way_rows);

static const struct mams_field link_rows[] = {
	ROW_INT(U64, ctl_quality_link, session_id, "session_id", 0, 0, ""),
	ROW_OPT_INT(U8, ctl_quality_link, connection_id, "connection_id", 0, 255,
		"absent: the addresses tell"),
	ROW_ADDR(ctl_quality_link, local, "local", MAMS_F_OPTIONAL, "the N-MADP's"),
	ROW_ADDR(ctl_quality_link, remote, "remote", MAMS_F_OPTIONAL, "the client's"),
	ROW_OBJ(ctl_quality_link, ul, "ul", &ctl_quality_way_table, ""),
	ROW_OBJ(ctl_quality_link, dl, "dl", &ctl_quality_way_table, ""),
};
static TABLE(link_table, ctl_quality_link, "quality_link", link_rows);

static const struct mams_field quality_rows[] = {
	ROW_LIST(ctl_quality, links, "links", 0, &link_table, 0, CTL_QUALITY_LINKS, ""),
};
TABLE(ctl_quality_table, ctl_quality, "quality", quality_rows);

static const struct mams_field status_rows[] = {
	MAYBE(ctl_way_status, rate_kbps, "that it can carry"),
	NUM(ctl_way_status, used_kbps, "that it carried"),
	MAYBE(ctl_way_status, delay_us, "one way"),
	MAYBE(ctl_way_status, jitter_us, ""),
	MAYBE(ctl_way_status, loss_ppm, "of a million packets"),
	ROW_INT(U64, ctl_way_status, age_ms, "age_ms", 0, 0, "of the newest report"),
};
TABLE(ctl_way_status_table, ctl_way_status, "way_status", status_rows);

static const struct mams_field quota_rows[] = {
	ROW_INT(U64, ctl_quota, used, "used", 0, 0, "octets in this period"),
	ROW_INT(U64, ctl_quota, limit, "limit", 0, 0, "octets"),
	ROW_BOOL(ctl_quota, near, "near", "nearly used up: others go first"),
	ROW_BOOL(ctl_quota, spent, "spent", "used up"),
};
TABLE(ctl_quota_table, ctl_quota, "quota", quota_rows);
