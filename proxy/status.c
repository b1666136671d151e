#include "proxy/status.h"

#include "mams_version.h"

#define CLIENTS_MAX 512u /* so many fit a packet */

void px_status_path(struct ctl_msg *msg, const struct px_path *p, struct ctl_path *out)
{
	*out = (struct ctl_path){.connection_id = p->connection_id,
		.name = ctl_strdup(msg, p->name),
		.local = p->local,
		.proxy = p->proxy,
		.proxy_port = p->proxy.port,
		.priority = p->priority,
		.group = p->group,
		.backup = p->backup,
		.has_backup_up = p->backup_up != p->backup,
		.backup_up = p->backup_up,
		.has_backup_down = p->backup_down != p->backup,
		.backup_down = p->backup_down};
	out->proxy.port = 0;
}

struct ctl_msg *px_status_event(
	int kind, const char *words, const struct px_path *path, mams_time now)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_PX_EVENT, 0);
	struct ctl_px_event *e = msg ? &msg->px_event : NULL;

	if (!msg)
		return NULL;
	*e = (struct ctl_px_event){.kind = kind, .text = ctl_strdup(msg, words)};
	e->path = path ? ctl_alloc(msg, sizeof(*e->path)) : NULL;
	if (e->path)
		px_status_path(msg, path, e->path);
	e->has_for_ms = kind == CTL_PX_PATH_PLAIN;
	e->for_ms = e->has_for_ms && path ? px_path_plain_ms(path, now) : 0;
	return msg;
}

static void put_path(struct ctl_msg *msg, const struct px_status_view *v, size_t i,
	struct ctl_px_path_status *out)
{
	const struct px_path *p = &v->paths[i];

	*out = (struct ctl_px_path_status){.up = !px_path_is_suspect(p, v->now),
		.has_plain = px_path_is_plain(p, v->now),
		.plain = px_path_is_plain(p, v->now),
		.flows = atomic_load_explicit(&p->health->flows, memory_order_relaxed),
		.failures = atomic_load_explicit(&p->health->failures, memory_order_relaxed)};
	px_status_path(msg, p, &out->path);
}

static void put_client(
	struct ctl_msg *msg, const struct px_client *k, struct ctl_px_client_status *out)
{
	*out = (struct ctl_px_client_status){.client = ctl_strdup(msg, k->name)};
	for (uint32_t i = 0; i < k->n_counts; i++) {
		const struct px_client_counts *n = &k->counts[i];

		out->flows_open += atomic_load_explicit(&n->flows_open, memory_order_relaxed);
		out->flows_total += atomic_load_explicit(&n->flows_total, memory_order_relaxed);
		out->bytes_up += atomic_load_explicit(&n->octets_up, memory_order_relaxed);
		out->bytes_down += atomic_load_explicit(&n->octets_down, memory_order_relaxed);
	}
}

static void put_counter(struct ctl_msg *msg, const struct mams_metric *row, const void *base)
{
	struct ctl_px_status *st = &msg->px_status;

	st->counters[st->n_counters++] = (struct ctl_counter){
		.name = ctl_strdup(msg, row->name), .value = mams_metric_value(row, base)};
}

static void put_counters(struct ctl_msg *msg, const struct px_status_view *v)
{
	struct ctl_px_status *st = &msg->px_status;
	struct px_counters n;
	size_t rows;
	const struct mams_metric *row = px_counters_rows(&rows);

	px_instance_counters(v->instance, &n);
	st->counters = ctl_alloc(msg, (rows + px_n_sounder_rows) * sizeof(*st->counters));
	for (size_t i = 0; st->counters && i < rows; i++)
		put_counter(msg, &row[i], &n);
	for (size_t i = 0; st->counters && v->sounder && i < px_n_sounder_rows; i++)
		put_counter(msg, &px_sounder_rows[i], px_sounder_counters(v->sounder));
}

struct ctl_msg *px_status_compose(const struct px_status_view *v, uint32_t id)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_PX_STATUS, id);
	struct ctl_px_status *st = msg ? &msg->px_status : NULL;
	size_t clients = v->n_clients < CLIENTS_MAX ? v->n_clients : CLIENTS_MAX;

	if (!msg)
		return NULL;
	*st = (struct ctl_px_status){.role = v->conf->role == PX_ROLE_CLIENT ? "client" : "network",
		.version = MAMS_VERSION,
		.uptime_ms = (uint64_t)mams_time_ms_until(v->begun, v->now),
		.catching = v->catching,
		.flows_open = atomic_load_explicit(&v->instance->flows, memory_order_relaxed),
		.paths = ctl_alloc(msg, (v->n_paths + 1) * sizeof(*st->paths)),
		.clients = ctl_alloc(msg, (clients + 1) * sizeof(*st->clients))};
	for (size_t i = 0; st->paths && i < v->n_paths; i++)
		put_path(msg, v, i, &st->paths[st->n_paths++]);
	for (size_t i = 0; st->clients && i < clients; i++)
		put_client(msg, v->clients[i], &st->clients[st->n_clients++]);
	put_counters(msg, v);
	return msg;
}

struct ctl_msg *px_status_metrics(const struct px_status_view *v, uint32_t id)
{
	struct mams_buf text = {0};
	struct px_counters n;
	size_t rows;
	const struct mams_metric *row = px_counters_rows(&rows);

	px_instance_counters(v->instance, &n);
	mams_metrics_self(
		&text, "proxy", MAMS_VERSION, (uint64_t)mams_time_ms_until(v->begun, v->now));
	mams_metrics_text(&text, "proxy", row, rows, &n);
	mams_metrics_text(
		&text, "proxy_ctl", mams_ctl_counter_rows, mams_ctl_n_counter_rows, v->ctl);
	if (v->sounder)
		mams_metrics_text(&text, "proxy", px_sounder_rows, px_n_sounder_rows,
			px_sounder_counters(v->sounder));
	mams_metrics_family(&text, "proxy", "connections_open", MAMS_GAUGE, "relayed now");
	mams_metrics_sample(&text, "proxy", "connections_open", NULL, 0,
		(double)atomic_load_explicit(&v->instance->flows, memory_order_relaxed));
	mams_metrics_family(&text, "proxy", "clients", MAMS_GAUGE,
		"clients that may use this proxy; network role");
	mams_metrics_sample(&text, "proxy", "clients", NULL, 0, (double)v->n_clients);
	return ctl_metrics_new(id, &text);
}
