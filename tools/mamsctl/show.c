#include "tools/mamsctl/show.h"
#include "tools/mamsctl/show_trailer.h"
#include "tools/mamsctl/table.h"

#include <inttypes.h>
#include <stdio.h>

#define INDENT 2u

#define TABLE_OF(columns) tbl_init((columns), MAMS_ARRAY_LEN(columns))

static void finish(struct tbl *t, struct mams_buf *out)
{
	if (t->failed)
		out->failed = true;
	tbl_print(t, INDENT, out);
	tbl_fini(t);
}

static void put_address(struct tbl *t, const struct mams_addr *a)
{
	char buf[MAMS_ADDR_STRLEN];

	tbl_text(t, mams_addr_is_set(a) ? mams_addr_str(a, buf) : NULL);
}

static void put_end_point(struct tbl *t, const struct mams_addr *a, uint16_t port)
{
	struct mams_addr with = *a;
	char buf[MAMS_ADDR_STRLEN];

	with.port = port;
	tbl_text(t, mams_addr_is_set(a) ? mams_addr_str_port(&with, buf) : NULL);
}

static void put_head(
	struct mams_buf *out, const char *program, const char *version, uint64_t uptime_ms)
{
	char up[TBL_UNIT_LEN];

	mams_buf_printf(out, "%s %s, up %s\n", program, version, tbl_duration_str(uptime_ms, up));
}

static void show_counters(const struct ctl_counter *rows, size_t n, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"COUNTER", false}, {"VALUE", true}};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < n; i++) {
		if (rows[i].value == 0)
			continue;
		tbl_text(&t, rows[i].name);
		tbl_number(&t, rows[i].value);
	}
	finish(&t, out);
}

static const char *use_of(const struct ctl_link_status *l)
{
	if (l->ul && l->dl)
		return "UL DL";
	return l->ul ? "UL" : l->dl ? "DL" : l->admitted ? "backup" : "no";
}

static void put_adaptation(struct tbl *t, const struct ctl_link_status *l)
{
	char text[200];

	snprintf(text, sizeof(text), "%s%s%s", l->adaptation ? l->adaptation : "none",
		l->sa ? " " : "", l->sa ? l->sa : "");
	tbl_text(t, text);
}

static void put_link(struct tbl *t, const struct ctl_link_status *l)
{
	tbl_number(t, l->connection_id);
	tbl_text(t, l->name);
	tbl_text(t, l->type);
	tbl_text(t, !l->up      ? "down"
		    : l->silent ? "silent"
		    : l->fading ? "fading"
		    : l->plain  ? "up, strips MPTCP"
				: "up");
	tbl_flag(t, l->admitted, "yes", "no");
	tbl_text(t, use_of(l));
	put_address(t, &l->address);
	tbl_number(t, l->mtu);
	put_adaptation(t, l);
}

#define LINK_COLUMNS                                                                               \
	{"ID", true}, {"LINK", false}, {"TYPE", false}, {"STATE", false}, {"SET UP", false},       \
		{"CARRIES", false}, {"ADDRESS", false}, {"MTU", true},                             \
	{                                                                                          \
		"ADAPTATION", false                                                                \
	}

static void show_session_links(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"CLIENT", false}, LINK_COLUMNS};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_sessions; i++) {
		for (size_t k = 0; k < s->sessions[i].n_links; k++) {
			tbl_text(&t, s->sessions[i].client);
			put_link(&t, &s->sessions[i].links[k]);
		}
	}
	finish(&t, out);
}

static void put_decimal(struct tbl *t, bool known, double value, const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%.1f %s", value, unit);
	tbl_text(t, known ? text : NULL);
}

/* What clients have used of quotas; no table without one. */
static void show_quotas(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"CLIENT", false}, {"LINK", false},
		{"QUOTA", true}, {"USED", true}, {"STATE", false}};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_links; k++) {
			const struct ctl_link_status *l = &s->sessions[i].links[k];

			if (!l->quota)
				continue;
			tbl_text(&t, s->sessions[i].client);
			tbl_text(&t, l->name);
			put_decimal(&t, true, (double)l->quota->limit / 1e6, "MB");
			put_decimal(&t, true, (double)l->quota->used / 1e6, "MB");
			tbl_text(&t, l->quota->spent  ? "used up"
				     : l->quota->near ? "nearly used up"
						      : NULL);
		}
	finish(&t, out);
}

static void put_list(struct tbl *t, const char **names, size_t n)
{
	char text[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < n && len < sizeof(text); i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%s", i ? "," : "", names[i]);
	tbl_text(t, n ? text : NULL);
}

static void put_method(struct tbl *t, const struct ctl_anchor_status *a)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s", a->method, a->tcp ? " (TCP)" : "");
	tbl_text(t, text);
}

static void put_anchor(struct tbl *t, const struct ctl_anchor_status *a)
{
	tbl_number(t, a->connection_id);
	tbl_text(t, a->name);
	tbl_text(t, a->type);
	put_method(t, a);
	tbl_text(t, a->refused ? "no room" : a->madp);
	put_list(t, a->dl, a->n_dl);
	put_list(t, a->ul, a->n_ul);
	tbl_text(t, a->steered_by);
}

#define ANCHOR_COLUMNS                                                                             \
	{"ANCHOR", true}, {"NAME", false}, {"TYPE", false}, {"METHOD", false}, {"MADP", false},    \
		{"DL", false}, {"UL", false},                                                      \
	{                                                                                          \
		"STEERED BY", false                                                                \
	}

static void show_anchors(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"CLIENT", false}, ANCHOR_COLUMNS};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_anchors; k++) {
			tbl_text(&t, s->sessions[i].client);
			put_anchor(&t, &s->sessions[i].anchors[k]);
		}
	finish(&t, out);
}

static void show_apps(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"CLIENT", false}, {"APPLICATION", false},
		{"DL", false}, {"DL MODE", false}, {"UL", false}, {"UL MODE", false},
		{"STEERED BY", false}};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_applications; k++) {
			const struct ctl_app_status *a = &s->sessions[i].applications[k];

			tbl_text(&t, s->sessions[i].client);
			tbl_text(&t, a->name);
			put_list(&t, a->dl, a->n_dl);
			tbl_text(&t, a->dl_mode);
			put_list(&t, a->ul, a->n_ul);
			tbl_text(&t, a->ul_mode);
			tbl_text(&t, a->steered_by);
		}
	finish(&t, out);
}

static void put_dropped(struct tbl *t, const struct ctl_dropped *d)
{
	tbl_text(t, d->group);
	tbl_text(t, d->item);
	tbl_text(t, d->reason);
}

static void show_dropped(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {
		{"CLIENT", false}, {"NOT USED", false}, {"WHICH", false}, {"WHY", false}};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_dropped; k++) {
			tbl_text(&t, s->sessions[i].client);
			put_dropped(&t, &s->sessions[i].dropped[k]);
		}
	finish(&t, out);
}

void show_sessions(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {
		{"CLIENT", false},
		{"SESSION", false},
		{"STATE", false},
		{"FROM", false},
		{"BY", false},
		{"AGE", true},
		{"LINKS", true},
		{"MADP", false},
	};
	struct tbl t = TABLE_OF(columns);

	if (s->n_sessions == 0)
		mams_buf_printf(out, "%*sno session\n", (int)INDENT, "");
	for (size_t i = 0; i < s->n_sessions; i++) {
		const struct ctl_session_status *r = &s->sessions[i];
		char id[48];

		snprintf(id, sizeof(id), "%" PRIu64 "/%" PRIu64, r->ncm_id, r->session_id);
		tbl_text(&t, r->client);
		tbl_text(&t, id);
		tbl_text(&t, r->state);
		tbl_text(&t, r->address);
		tbl_text(&t, r->transport);
		tbl_duration(&t, r->age_ms);
		tbl_number(&t, r->n_links);
		tbl_text(&t, r->madp);
	}
	finish(&t, out);
	show_session_links(s, out);
	show_quotas(s, out);
	show_anchors(s, out);
	show_apps(s, out);
	show_dropped(s, out);
}

static void put_quality(struct tbl *t, const struct ctl_link_status *l)
{
	static const struct ctl_path_est none;
	const struct ctl_path_est *e = l->path_est ? l->path_est : &none;

	tbl_text(t, l->name);
	put_decimal(t, e->has_lost_ppm, e->lost_ppm / 10000.0, "%");
	put_decimal(t, e->has_rate_kbps, e->rate_kbps / 1000.0, "Mbit/s");
	put_decimal(t, e->has_delay_us, e->delay_us / 1000.0, "ms");
	if (e->has_init_age_ms)
		tbl_duration(t, e->init_age_ms);
	else
		tbl_text(t, NULL);
	put_decimal(t, e->has_active_kbps, e->active_kbps / 1000.0, "Mbit/s");
	if (e->has_active_age_ms)
		tbl_duration(t, e->active_age_ms);
	else
		tbl_text(t, NULL);
}

static void put_measured(struct tbl *t, const char *whose, const struct ctl_link_status *l)
{
	for (size_t n = 0; n < l->n_measured; n++) {
		char value[24];

		snprintf(value, sizeof(value), "%" PRId64, l->measured[n].value);
		tbl_text(t, whose);
		tbl_text(t, l->name);
		tbl_text(t, l->measured[n].name);
		tbl_text(t, value);
		tbl_duration(t, l->measured[n].age_ms);
	}
}

static void show_measured(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"CLIENT", false}, {"LINK", false},
		{"MEASURED", false}, {"VALUE", true}, {"AGE", true}};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_links; k++)
			put_measured(&t, s->sessions[i].client, &s->sessions[i].links[k]);
	finish(&t, out);
}

static void put_way(
	struct tbl *t, const char *link, const char *way, const struct ctl_way_status *w)
{
	tbl_text(t, link);
	tbl_text(t, way);
	put_decimal(t, true, w->used_kbps / 1000.0, "Mbit/s");
	put_decimal(t, w->has_rate_kbps, w->rate_kbps / 1000.0, "Mbit/s");
	put_decimal(t, w->has_delay_us, w->delay_us / 1000.0, "ms");
	put_decimal(t, w->has_jitter_us, w->jitter_us / 1000.0, "ms");
	put_decimal(t, w->has_loss_ppm, w->loss_ppm / 10000.0, "%");
	tbl_duration(t, w->age_ms);
}

/* By what runs over links. */
static void show_traffic(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"CLIENT", false}, {"LINK", false},
		{"TRAFFIC", false}, {"USED", true}, {"RATE", true}, {"DELAY", true},
		{"JITTER", true}, {"LOST", true}, {"AGE", true}};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_links; k++) {
			const struct ctl_link_status *l = &s->sessions[i].links[k];

			if (l->dl_quality) {
				tbl_text(&t, s->sessions[i].client);
				put_way(&t, l->name, "down", l->dl_quality);
			}
			if (l->ul_quality) {
				tbl_text(&t, s->sessions[i].client);
				put_way(&t, l->name, "up", l->ul_quality);
			}
		}
	finish(&t, out);
}

void show_quality(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"CLIENT", false}, {"LINK", false},
		{"PROBES LOST", true}, {"RATE", true}, {"DELAY", true}, {"AGE", true},
		{"THROUGHPUT", true}, {"AGE", true}};
	struct tbl t = TABLE_OF(columns);

	if (s->n_sessions == 0)
		mams_buf_printf(out, "%*sno session\n", (int)INDENT, "");
	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_links; k++) {
			tbl_text(&t, s->sessions[i].client);
			put_quality(&t, &s->sessions[i].links[k]);
		}
	finish(&t, out);
	show_traffic(s, out);
	show_measured(s, out);
}

static void show_ncm(const struct ctl_ncm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"MADP", false}, {"STATE", false},
		{"PROXY", false}, {"PLUGIN", false}, {"CLIENTS", true}, {"CAPACITY", true},
		{"OPEN", true}};
	struct tbl t = TABLE_OF(columns);

	put_head(out, "mams-ncm", s->version, s->uptime_ms);
	for (size_t i = 0; i < s->n_madps; i++) {
		tbl_text(&t, s->madps[i].name);
		tbl_text(&t, s->madps[i].empty     ? "drained, empty"
			     : s->madps[i].drained ? "drained"
						   : s->madps[i].state);
		tbl_flag(&t, s->madps[i].proxy_up, "up", "down");
		tbl_flag(&t, s->madps[i].plugin_up, "up", "down");
		tbl_number(&t, s->madps[i].used);
		if (s->madps[i].capacity)
			tbl_number(&t, s->madps[i].capacity);
		else
			tbl_text(&t, NULL);
		if (s->madps[i].has_open)
			tbl_number(&t, s->madps[i].open);
		else
			tbl_text(&t, NULL);
	}
	finish(&t, out);
	show_sessions(s, out);
}

static void show_ccm_agreed(const struct ctl_ccm_status *s, struct mams_buf *out)
{
	static const struct tbl_column anchor_columns[] = {ANCHOR_COLUMNS};
	static const struct tbl_column columns[] = {
		{"NOT USED", false}, {"WHICH", false}, {"WHY", false}};
	static const struct tbl_column radio_columns[] = {{"NETWORK", false}, {"LINK", false},
		{"MEASURED", false}, {"VALUE", true}, {"AGE", true}};
	struct tbl anchors = TABLE_OF(anchor_columns);
	struct tbl radios = TABLE_OF(radio_columns);
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_links; i++)
		put_measured(&radios, s->links[i].ssid, &s->links[i]);
	finish(&radios, out);
	for (size_t i = 0; i < s->n_anchors; i++)
		put_anchor(&anchors, &s->anchors[i]);
	finish(&anchors, out);
	for (size_t i = 0; i < s->n_dropped; i++)
		put_dropped(&t, &s->dropped[i]);
	finish(&t, out);
}

static void show_ccm(const struct ctl_ccm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {
		LINK_COLUMNS, {"INTERFACE", false}, {"RECEIVED", true}, {"SENT", true}};
	struct tbl t = TABLE_OF(columns);

	put_head(out, "mams-ccm", s->version, s->uptime_ms);
	mams_buf_printf(out, "  state %s, session %" PRIu64 "/%" PRIu64 "\n", s->state, s->ncm_id,
		s->session_id);
	mams_buf_printf(
		out, "  NCM %s by %s\n", s->ncm ? s->ncm : "-", s->transport ? s->transport : "-");
	mams_buf_printf(out, "  proxy %s, plugin %s, %sN-MADP %s\n", s->proxy_up ? "up" : "down",
		s->plugin_up ? "up" : "down",
		!s->has_trailer_up ? ""
		: s->trailer_up    ? "trailer up, "
				   : "trailer down, ",
		s->madp_reachable ? "reachable" : "not reachable");
	for (size_t i = 0; i < s->n_links; i++) {
		put_link(&t, &s->links[i]);
		tbl_text(&t, s->links[i].interface);
		tbl_bytes(&t, s->links[i].rx_bytes);
		tbl_bytes(&t, s->links[i].tx_bytes);
	}
	finish(&t, out);
	show_ccm_agreed(s, out);
}

static void show_px_paths(const struct ctl_px_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {
		{"ID", true},
		{"LINK", false},
		{"LOCAL", false},
		{"PROXY", false},
		{"STATE", false},
		{"USE", false},
		{"FIRST SUBFLOWS", true},
		{"FAILURES", true},
	};
	struct tbl t = TABLE_OF(columns);

	for (size_t i = 0; i < s->n_paths; i++) {
		const struct ctl_px_path_status *p = &s->paths[i];

		tbl_number(&t, p->path.connection_id);
		tbl_text(&t, p->path.name);
		put_address(&t, &p->path.local);
		put_end_point(&t, &p->path.proxy, p->path.proxy_port);
		tbl_flag(&t, p->up, p->plain ? "up, strips MPTCP" : "up", "down");
		tbl_flag(&t, p->path.backup, "backup", "active");
		tbl_number(&t, p->flows);
		tbl_number(&t, p->failures);
	}
	finish(&t, out);
}

static void show_sas(const struct ctl_px_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"SESSION", true}, {"ID", true},
		{"LOCAL", false}, {"REMOTE", false}, {"IPSEC", false}};
	struct tbl t = TABLE_OF(columns);
	char text[600];

	for (size_t i = 0; i < s->n_sas; i++) {
		const struct ctl_sa_status *x = &s->sas[i];

		tbl_number(&t, x->session_id);
		tbl_number(&t, x->connection_id);
		put_address(&t, &x->local);
		put_address(&t, &x->remote);
		snprintf(text, sizeof(text), "%s%s%s", x->state, x->why ? ": " : "",
			x->why ? x->why : "");
		tbl_text(&t, text);
	}
	finish(&t, out);
}

static void show_px(const struct ctl_px_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {
		{"CLIENT", false},
		{"FLOWS", true},
		{"IN ALL", true},
		{"UP", true},
		{"DOWN", true},
	};
	struct tbl t = TABLE_OF(columns);
	char up[TBL_UNIT_LEN];

	mams_buf_printf(out, "mams-proxy (%s) %s, up %s\n", s->role, s->version,
		tbl_duration_str(s->uptime_ms, up));
	mams_buf_printf(out, "  %" PRIu64 " flows open%s\n", s->flows_open,
		s->catching ? ", catching" : "");
	show_px_paths(s, out);
	for (size_t i = 0; i < s->n_clients; i++) {
		const struct ctl_px_client_status *c = &s->clients[i];

		tbl_text(&t, c->client);
		tbl_number(&t, c->flows_open);
		tbl_number(&t, c->flows_total);
		tbl_bytes(&t, c->bytes_up);
		tbl_bytes(&t, c->bytes_down);
	}
	finish(&t, out);
	if (s->n_sas > 0)
		show_sas(s, out);
}

static void show_pm(const struct ctl_pm_status *s, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {
		{"TOKEN", true},
		{"SIDE", false},
		{"CLIENT", false},
		{"LOCAL", false},
		{"REMOTE", false},
		{"USE", false},
	};
	struct tbl t = TABLE_OF(columns);

	mams_buf_printf(
		out, "mptcpd plugin mams_pm %s, %zu connections\n", s->version, s->n_connections);
	for (size_t i = 0; i < s->n_connections; i++) {
		const struct ctl_pm_connection *c = &s->connections[i];

		for (size_t k = 0; k < c->n_subflows; k++) {
			const struct ctl_pm_subflow *f = &c->subflows[k];

			tbl_number(&t, c->token);
			tbl_flag(&t, c->server_side, "server", "client");
			tbl_text(&t, c->client);
			put_end_point(&t, &f->local, f->local_port);
			put_end_point(&t, &f->remote, f->remote_port);
			tbl_flag(&t, f->backup, "backup", "active");
		}
	}
	finish(&t, out);
}

void show_status(const struct ctl_msg *m, bool counters, struct mams_buf *out)
{
	const struct ctl_counter *rows = NULL;
	size_t n = 0;

	if (m->type == CTL_NCM_STATUS) {
		show_ncm(&m->ncm_status, out);
		rows = m->ncm_status.counters;
		n = m->ncm_status.n_counters;
	} else if (m->type == CTL_CCM_STATUS) {
		show_ccm(&m->ccm_status, out);
		rows = m->ccm_status.counters;
		n = m->ccm_status.n_counters;
	} else if (m->type == CTL_PX_STATUS) {
		show_px(&m->px_status, out);
		rows = m->px_status.counters;
		n = m->px_status.n_counters;
	} else if (m->type == CTL_TR_STATUS) {
		show_tr(&m->tr_status, out);
		rows = m->tr_status.counters;
		n = m->tr_status.n_counters;
	} else if (m->type == CTL_PM_STATUS) {
		show_pm(&m->pm_status, out);
		rows = m->pm_status.counters;
		n = m->pm_status.n_counters;
	} else {
		mams_buf_printf(out, "an answer of type %s\n", ctl_type_name(m->type));
	}
	if (counters)
		show_counters(rows, n, out);
}
