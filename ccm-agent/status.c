#include "ccm-agent/status.h"

#include "ccm-agent/agree.h"
#include "ccm-agent/detour.h"
#include "ccm-agent/linkstat.h"
#include "ccm-agent/setup.h"
#include "lib/io/sockdiag.h"

static const char **put_names(
	struct ctl_msg *msg, uint32_t bits, int count, const char *(*name)(int), size_t *n)
{
	const char **out = ctl_alloc(msg, (size_t)count * sizeof(*out));

	for (int i = 0; out && i < count; i++)
		if (bits & 1u << i)
			out[(*n)++] = ctl_strdup(msg, name(i));
	return out;
}

void ccm_status_agreed(struct ctl_msg *msg, const struct ccm_session *s)
{
	struct ctl_ccm_status *out = &msg->ccm_status;
	char text[MX_DROP_LEN];

	out->features = put_names(msg, s->features, MX_F_COUNT, mx_feature_name, &out->n_features);
	out->convergence = put_names(
		msg, s->convergence, MX_CONV_COUNT, mx_convergence_name, &out->n_convergence);
	out->adaptation = put_names(
		msg, s->adaptation, MX_ADAPT_COUNT, mx_adaptation_name, &out->n_adaptation);
	out->dropped = ctl_alloc(msg, (s->n_drops + 1) * sizeof(*out->dropped));
	for (size_t i = 0; out->dropped && i < s->n_drops; i++)
		out->dropped[out->n_dropped++] = (struct ctl_dropped){
			.group = ctl_strdup(msg, mx_group_name(s->drops[i].group)),
			.item = ctl_strdup(msg, mx_drop_name(&s->drops[i], text)),
			.reason = ctl_strdup(msg, ccm_drop_reason(&s->drops[i]))};
}

static const char **put_links(struct ctl_msg *msg, const struct ccm_session *s,
	const struct ccm_anchor *a, uint32_t bits, size_t *n)
{
	const char **out = ctl_alloc(msg, CCM_LINKS_MAX * sizeof(*out));

	for (uint8_t i = 0; out && i < CCM_LINKS_MAX; i++)
		if (a->lane[i].named && (bits & 1u << i))
			out[(*n)++] = ctl_strdup(msg, s->link[i].conf->name);
	return out;
}

void ccm_status_anchors(
	struct ctl_msg *msg, const struct ccm_session *s, const struct ccm_target *applied)
{
	struct ctl_ccm_status *out = &msg->ccm_status;
	const bool proxy = applied->catching && !applied->detour;
	const bool tunnel = applied->tunnel.catching && applied->tunnel.all;

	out->anchors = ctl_alloc(msg, CCM_ANCHORS_MAX * sizeof(*out->anchors));
	for (size_t i = 0; out->anchors && s->set_up && i < CCM_ANCHORS_MAX; i++) {
		const struct ccm_anchor *a = &s->anchor[i];
		struct ctl_anchor_status *x = &out->anchors[out->n_anchors];

		if (!a->used)
			continue;
		*x = (struct ctl_anchor_status){.connection_id = a->id,
			.type = ctl_strdup(msg, mx_connection_type_name(a->type)),
			.method = ctl_strdup(msg, a->proxied
							  ? mx_convergence_name(MX_CONV_MPTCP_PROXY)
						  : a->tunnelled ? mx_convergence_name(MX_CONV_GMA)
								 : "none"),
			.has_tcp = true,
			.tcp = a == ccm_setup_caught(s)
				       ? proxy
				       : a->tunnelled && tunnel &&
						 a->id == applied->tunnel.anchor_id,
			.anchor4 = a->inside.anchor4,
			.anchor6 = a->inside.anchor6};
		x->dl = put_links(msg, s, a, a->dl, &x->n_dl);
		x->ul = put_links(msg, s, a, a->ul, &x->n_ul);
		out->n_anchors++;
	}
}

/* @return how many; until: the first of them to be forgotten */
static size_t name_plain(const struct ccm_session *s, struct mams_buf *out, mams_time *until)
{
	size_t n = 0;

	*until = MAMS_TIME_NEVER;
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		if (!s->link[i].conf || !ccm_detour_is_plain(s, i))
			continue;
		mams_buf_printf(out, "%s%s", n++ ? ", " : "", s->link[i].conf->name);
		*until = mams_time_min(*until, s->link[i].plain_until);
	}
	return n;
}

static void say_why(const struct ccm_session *s, const struct ccm_target *t, mams_time now,
	struct mams_buf *out)
{
	struct mams_buf links = {0};
	mams_time until;
	size_t n = name_plain(s, &links, &until);

	if (t->catching && !t->detour)
		mams_buf_printf(out, "new connections go by the proxy");
	else if (t->tunnel.catching && t->tunnel.all)
		mams_buf_printf(out, "new connections go into the trailer's tunnel%s",
			t->detour ? ": no network in use lets MPTCP through"
				  : ": no anchor has a proxy");
	else
		mams_buf_printf(out, "new connections go as the host routes");
	if (n && !links.failed)
		mams_buf_printf(out, "; MPTCP is stripped on %s, remembered for %d min", links.data,
			(mams_time_ms_until(now, until) + 59999) / 60000);
	mams_buf_fini(&links);
}

struct ctl_msg *ccm_status_why(
	const struct ccm_session *s, const struct ccm_target *applied, uint32_t id, mams_time now)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_POLICY_STATUS, id);
	struct ctl_policy_status *out = msg ? &msg->policy_status : NULL;
	struct mams_buf words = {0};

	if (!msg)
		return NULL;
	out->client = "this client";
	out->classes = ctl_alloc(msg, sizeof(*out->classes));
	say_why(s, applied, now, &words);
	if (out->classes && !words.failed) {
		out->classes->name = "tcp";
		out->classes->state = "auto";
		out->classes->words = ctl_strdup(msg, words.data);
		out->n_classes = 1;
	}
	mams_buf_fini(&words);
	return msg;
}

static void take_rtt(void *user, const struct mams_tcp_socket *socket)
{
	struct ctl_ccm_status *out = user;
	uint32_t rtt = (uint32_t)socket->rtt_us;

	for (size_t i = 0; i < out->n_links; i++) {
		struct ctl_link_status *l = &out->links[i];

		if (rtt == 0 || !mams_addr_eq_ip(&socket->local, &l->address))
			continue;
		l->rtt_us = l->has_rtt_us && l->rtt_us < rtt ? l->rtt_us : rtt;
		l->has_rtt_us = true;
	}
}

void ccm_status_rtt(struct ctl_msg *msg, const struct ccm_session *s)
{
	struct mams_addr asked[2] = {0};
	size_t n = 0;

	/* the proxies of an instance have one port in most networks: a dump of each family */
	for (size_t k = 0; k < CCM_ANCHORS_MAX * CCM_LINKS_MAX; k++) {
		const struct ccm_anchor *a = &s->anchor[k / CCM_LINKS_MAX];
		const struct mams_addr *p = &a->lane[k % CCM_LINKS_MAX].proxy;
		bool known = !a->used || !a->proxied || !mams_addr_is_set(p);

		for (size_t i = 0; i < n; i++)
			known |= asked[i].family == p->family && asked[i].port == p->port;
		if (known || n == MAMS_ARRAY_LEN(asked))
			continue;
		asked[n++] = *p;
		(void)!mams_sockdiag_tcp(p->family, p->port, take_rtt, &msg->ccm_status);
	}
}

/* ---- metrics ---- */

static void put_links_of(struct mams_buf *out, const struct ccm_session *s, const char *name,
	enum mams_metric_kind kind, const char *help,
	double (*value)(const struct ccm_session *, uint8_t))
{
	mams_metrics_family(out, "ccm", name, kind, help);
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++)
		if (s->link[i].conf)
			mams_metrics_sample(out, "ccm", name,
				&(struct mams_metric_label){"link", s->link[i].conf->name}, 1,
				value(s, i));
}

static double is_up(const struct ccm_session *s, uint8_t i)
{
	return s->link[i].now.usable;
}

static double is_silent(const struct ccm_session *s, uint8_t i)
{
	return ccm_session_is_silent(s, i);
}

static double rx_bytes(const struct ccm_session *s, uint8_t i)
{
	return (double)ccm_linkstat_rx(s->link[i].conf->interface);
}

static double tx_bytes(const struct ccm_session *s, uint8_t i)
{
	return (double)ccm_linkstat_tx(s->link[i].conf->interface);
}

void ccm_status_metrics(struct mams_buf *out, const struct ccm_session *s)
{
	mams_metrics_family(
		out, "ccm", "session_active", MAMS_GAUGE, "1: there is a session with an NCM");
	mams_metrics_sample(out, "ccm", "session_active", NULL, 0, s->state == CCM_STATE_ACTIVE);
	put_links_of(out, s, "link_up", MAMS_GAUGE, "1: the link can be used", is_up);
	put_links_of(out, s, "link_silent", MAMS_GAUGE,
		"1: the link is up, but nothing comes back over it", is_silent);
	put_links_of(out, s, "link_receive_bytes_total", MAMS_COUNTER,
		"octets that its interface received", rx_bytes);
	put_links_of(out, s, "link_transmit_bytes_total", MAMS_COUNTER,
		"octets that its interface sent", tx_bytes);
}
