#include "trailer-madp/desired.h"

#include "lib/io/ctlsock.h"
#include "mams_version.h"
#include "trailer-madp/protect.h"

#define SESSIONS_MAX 48u /* so many fit a packet with all their links and classes */

static void put_link(struct ctl_msg *msg, const struct madp_protect *protect,
	const struct madp_desired *d, const struct madp_link_count *n,
	struct ctl_tr_session_status *out)
{
	uint64_t owner = madp_load(&n->owner);

	for (size_t i = 0; owner && i < d->n_links; i++) {
		if (d->link[i].cid + 1u != owner)
			continue;
		out->links[out->n_links++] =
			(struct ctl_tr_link_status){.connection_id = d->link[i].cid,
				.name = ctl_strdup(msg, d->link[i].name),
				.proven = madp_load(&n->proven) != 0,
				.up = madp_load(&n->up) != 0,
				.has_dtls = d->link[i].dtls,
				.dtls = madp_load(&n->dtls) != 0,
				.has_client_nat = d->link[i].client_nat,
				.client_nat = d->link[i].client_nat,
				.has_ipsec = d->link[i].ipsec,
				.ipsec = d->link[i].ipsec,
				.sa = madp_protect_state(protect, msg, d->id, d->link[i].cid),
				.mtu = d->link[i].mtu,
				.tx_packets = madp_load(&n->tx_packets),
				.tx_bytes = madp_load(&n->tx_octets),
				.tx_dropped = madp_load(&n->tx_dropped),
				.rx_packets = madp_load(&n->rx_packets),
				.rx_bytes = madp_load(&n->rx_octets),
				.rx_refused = madp_load(&n->rx_refused),
				.lost = madp_load(&n->lost),
				.reordered = madp_load(&n->reordered),
				.duplicate = madp_load(&n->duplicate),
				.rtt_us = madp_load(&n->rtt_us),
				.rate_bps = madp_load(&n->rate_bps),
				.downs = madp_load(&n->downs)};
		return;
	}
}

static void put_class(struct ctl_msg *msg, const struct madp_class_set *c, uint8_t flow,
	const struct madp_class_count *n, struct ctl_tr_session_status *out)
{
	out->classes[out->n_classes++] = (struct ctl_tr_class_status){.flow_id = flow,
		.name = ctl_strdup(msg, c->name),
		.ul = ctl_strdup(msg, madp_mode_name(c->ul)),
		.dl = ctl_strdup(msg, madp_mode_name(c->dl)),
		.tx_packets = madp_load(&n->tx_sdus),
		.tx_bytes = madp_load(&n->tx_octets),
		.tx_dropped = madp_load(&n->tx_dropped),
		.tx_held = madp_load(&n->tx_held),
		.tx_again = madp_load(&n->tx_again),
		.rx_packets = madp_load(&n->rx_sdus),
		.rx_bytes = madp_load(&n->rx_octets),
		.rx_held = madp_load(&n->rx_held),
		.rx_passed = madp_load(&n->rx_passed),
		.lost = madp_load(&n->lost),
		.duplicate = madp_load(&n->duplicate),
		.late = madp_load(&n->late),
		.reassembly_failed = madp_load(&n->reassembly_failed)};
}

static void put_session(struct ctl_msg *msg, const struct madp_status_view *v,
	const struct madp_desired *d, struct ctl_tr_session_status *out)
{
	const struct madp_account *a = d->account;

	*out = (struct ctl_tr_session_status){.client = ctl_strdup(msg, d->client),
		.session_id = d->id,
		.anchor4 = d->anchor4,
		.anchor6 = d->anchor6,
		.port = v->conf->n_listen ? (uint16_t)(v->conf->listen[0].port + d->worker) : 0,
		.has_mtu = true,
		.mtu = d->mtu,
		.spoofed = madp_load(&a->spoofed),
		.links = ctl_alloc(msg, MADP_LINKS_MAX * sizeof(*out->links)),
		.classes = ctl_alloc(msg, MADP_CLASSES_MAX * sizeof(*out->classes))};
	for (size_t i = 0; out->links && i < MADP_LINKS_MAX; i++)
		put_link(msg, v->protect, d, &a->link[i], out);
	for (uint8_t i = 0; out->classes && i < MADP_CLASSES_MAX; i++)
		if (d->cls[i].used)
			put_class(msg, &d->cls[i], i, &a->cls[i], out);
}

static void put_counters(struct ctl_msg *msg, const struct madp_status_view *v)
{
	struct ctl_tr_status *st = &msg->tr_status;
	struct madp_counters n;
	size_t rows;
	const struct mams_metric *row = madp_counters_rows(&rows);

	madp_instance_counters(v->instance, &n);
	st->counters = ctl_alloc(msg, rows * sizeof(*st->counters));
	for (size_t i = 0; st->counters && i < rows; i++)
		st->counters[st->n_counters++] =
			(struct ctl_counter){.name = ctl_strdup(msg, row[i].name),
				.value = mams_metric_value(&row[i], &n)};
}

struct ctl_msg *madp_status_compose(const struct madp_status_view *v, uint32_t id)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_TR_STATUS, id);
	struct ctl_tr_status *st = msg ? &msg->tr_status : NULL;
	const struct madp_desired *d;
	const struct madp_desired *next;

	if (!msg)
		return NULL;
	*st = (struct ctl_tr_status){
		.role = v->conf->role == MADP_ROLE_CLIENT ? "client" : "network",
		.version = MAMS_VERSION,
		.uptime_ms = (uint64_t)mams_time_ms_until(v->begun, v->now),
		.sessions_total = HASH_CNT(by_client, v->sessions),
		.sessions = ctl_alloc(msg, SESSIONS_MAX * sizeof(*st->sessions))};
	for (d = v->sessions; d && st->sessions && !st->has_more; d = next) {
		next = d->by_client.next; /* in the order in which they came */
		if (d->number <= v->after || (v->client && strcmp(v->client, d->client) != 0))
			continue;
		if (st->n_sessions == SESSIONS_MAX) {
			st->has_more = true;
			continue;
		}
		st->more = d->number;
		put_session(msg, v, d, &st->sessions[st->n_sessions++]);
	}
	put_counters(msg, v);
	return msg;
}

struct ctl_msg *madp_status_metrics(const struct madp_status_view *v, uint32_t id)
{
	struct mams_buf text = {0};
	struct madp_counters n;
	size_t rows;
	const struct mams_metric *row = madp_counters_rows(&rows);

	madp_instance_counters(v->instance, &n);
	mams_metrics_self(
		&text, "trailer", MAMS_VERSION, (uint64_t)mams_time_ms_until(v->begun, v->now));
	mams_metrics_text(&text, "trailer", row, rows, &n);
	mams_metrics_text(
		&text, "trailer_ctl", mams_ctl_counter_rows, mams_ctl_n_counter_rows, v->ctl);
	mams_metrics_family(&text, "trailer", "sessions", MAMS_GAUGE, "sessions here now");
	mams_metrics_sample(
		&text, "trailer", "sessions", NULL, 0, HASH_CNT(by_client, v->sessions));
	return ctl_metrics_new(id, &text);
}
