#include "tools/mamsctl/show_trailer.h"

#include "tools/mamsctl/table.h"

#include <inttypes.h>
#include <stdio.h>

#define INDENT 2u

static void finish(struct tbl *t, struct mams_buf *out)
{
	if (t->failed)
		out->failed = true;
	tbl_print(t, INDENT, out);
	tbl_fini(t);
}

static void put_links(const struct ctl_tr_session_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {
		{"ID", true},
		{"LINK", false},
		{"STATE", false},
		{"SENT", true},
		{"RECEIVED", true},
		{"LOST", true},
		{"TWICE", true},
		{"RTT us", true},
		{"kbit/s", true},
		{"DOWN", true},
	};
	struct tbl t = tbl_init(columns, MAMS_ARRAY_LEN(columns));

	for (size_t i = 0; i < s->n_links; i++) {
		const struct ctl_tr_link_status *l = &s->links[i];

		tbl_number(&t, l->connection_id);
		tbl_text(&t, l->name);
		tbl_text(&t, l->up ? "up" : l->proven ? "down" : "not proven");
		tbl_bytes(&t, l->tx_bytes);
		tbl_bytes(&t, l->rx_bytes);
		tbl_number(&t, l->lost);
		tbl_number(&t, l->duplicate);
		tbl_number(&t, l->rtt_us);
		tbl_number(&t, l->rate_bps / 1000);
		tbl_number(&t, l->downs);
	}
	finish(&t, out);
}

static void put_classes(const struct ctl_tr_session_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {
		{"FLOW", true},
		{"UL", false},
		{"DL", false},
		{"SENT", true},
		{"AGAIN", true},
		{"RECEIVED", true},
		{"LOST", true},
		{"LATE", true},
	};
	struct tbl t = tbl_init(columns, MAMS_ARRAY_LEN(columns));

	for (size_t i = 0; i < s->n_classes; i++) {
		const struct ctl_tr_class_status *c = &s->classes[i];

		tbl_number(&t, c->flow_id);
		tbl_text(&t, c->ul);
		tbl_text(&t, c->dl);
		tbl_number(&t, c->tx_packets);
		tbl_number(&t, c->tx_again);
		tbl_number(&t, c->rx_packets);
		tbl_number(&t, c->lost);
		tbl_number(&t, c->late);
	}
	finish(&t, out);
}

void show_tr(const struct ctl_tr_status *s, struct mams_buf *out)
{
	char up[TBL_UNIT_LEN];
	char a4[MAMS_ADDR_STRLEN];
	char a6[MAMS_ADDR_STRLEN];

	mams_buf_printf(out, "mams-trailer (%s) %s, up %s\n", s->role, s->version,
		tbl_duration_str(s->uptime_ms, up));
	mams_buf_printf(out, "  %" PRIu64 " sessions\n", s->sessions_total);
	for (size_t i = 0; i < s->n_sessions; i++) {
		const struct ctl_tr_session_status *x = &s->sessions[i];

		mams_buf_printf(out, "\n  %s  %s%s%s", x->client,
			mams_addr_is_set(&x->anchor4) ? mams_addr_str(&x->anchor4, a4) : "",
			mams_addr_is_set(&x->anchor4) && mams_addr_is_set(&x->anchor6) ? " " : "",
			mams_addr_is_set(&x->anchor6) ? mams_addr_str(&x->anchor6, a6) : "");
		if (x->has_mtu)
			mams_buf_printf(out, "  MTU %u", x->mtu);
		mams_buf_printf(out, "\n");
		put_links(x, out);
		put_classes(x, out);
	}
}
