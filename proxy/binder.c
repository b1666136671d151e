#include "proxy/binder.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"

#include <errno.h>

#define LOG_MODULE "binder"

struct px_binder {
	const struct px_conf *conf;
	struct px_instance *instance;
	struct mams_ctl_conn *plugin;
	struct mams_loop *loop;
	void (*there)(void *user);
	void *user;
	uint32_t next_id;
	struct px_binder_counters counters;
	struct mams_log_rl quiet;
};

/* ADD_ADDR of an IPv6 address with port does not fit beside TCP timestamps, so IPv4 addresses are
 * announced on connections of either family when there are any. */
static bool is_announced(const struct px_binder *b, const struct mams_addr *a)
{
	bool v4 = false;

	for (size_t i = 0; i < b->conf->n_join; i++)
		v4 |= b->conf->join[i].family == AF_INET;
	return !v4 || a->family == AF_INET;
}

static int put_announce(const struct px_binder *b, struct ctl_msg *msg)
{
	struct ctl_pm_bind *m = &msg->pm_bind;

	m->announce = ctl_alloc(msg, (b->conf->n_join + 1) * sizeof(*m->announce));
	if (!m->announce)
		return -ENOMEM;
	for (size_t i = 0; i < b->conf->n_join; i++) {
		const struct mams_addr *a = &b->conf->join[i];

		if (!is_announced(b, a))
			continue;
		m->announce[m->n_announce] =
			(struct ctl_pm_end_point){.address = *a, .port = a->port};
		m->announce[m->n_announce++].address.port = 0;
	}
	return 0;
}

static int put_only(struct ctl_msg *msg, uint32_t bits)
{
	struct ctl_pm_bind *m = &msg->pm_bind;

	if (bits == 0)
		return 0;
	m->only = ctl_alloc(msg, 32);
	for (uint8_t i = 0; m->only && i < 32; i++)
		if (bits & 1u << i)
			m->only[m->n_only++] = i;
	return m->only ? 0 : -ENOMEM;
}

static void tell_bound(struct px_binder *b, const struct px_note *note)
{
	struct mams_error err;
	struct ctl_msg *msg = ctl_msg_new(CTL_PM_BIND, ++b->next_id);
	int rc = msg ? 0 : -ENOMEM;

	if (rc == 0) {
		msg->pm_bind.token = note->token;
		msg->pm_bind.has_way = note->way != CTL_WAY_BOTH;
		msg->pm_bind.way = note->way;
		if (note->client)
			msg->pm_bind.client = ctl_strdup(msg, note->client->name);
		else
			rc = put_announce(b, msg);
	}
	if (rc == 0)
		rc = put_only(msg, note->only);
	if (rc == 0)
		rc = mams_ctl_say(b->plugin, msg, &err);
	else
		ctl_msg_free(msg);
	if (rc == 0)
		b->counters.bound++;
	else
		b->counters.not_told++;
}

static void tell_anew(struct px_binder *b, const struct px_note *note)
{
	struct mams_error err;
	struct ctl_msg *msg = ctl_msg_new(CTL_PM_ANEW, ++b->next_id);

	if (!msg)
		return;
	msg->pm_anew.token = note->token;
	msg->pm_anew.local.address = note->subflow.local;
	msg->pm_anew.local.address.port = 0;
	msg->pm_anew.local.port = note->subflow.local.port;
	msg->pm_anew.remote.address = note->subflow.remote;
	msg->pm_anew.remote.address.port = 0;
	msg->pm_anew.remote.port = note->subflow.remote.port;
	if (mams_ctl_say(b->plugin, msg, &err) < 0)
		b->counters.not_told++;
}

void px_binder_tell(struct px_binder *b, const struct px_note *note)
{
	if (note->kind == PX_NOTE_ANEW)
		tell_anew(b, note);
	else
		tell_bound(b, note);
}

int px_binder_pass(struct px_binder *b, const char *data, size_t len)
{
	return mams_ctl_send(b->plugin, data, len);
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	struct px_binder *b = user;

	(void)c;
	log_info("the mptcpd plugin is connected");
	px_instance_repeat_bindings(b->instance);
	b->there(b->user);
}

static void closed(void *user, struct mams_ctl_conn *c)
{
	(void)user;
	(void)c;
	log_warn("the mptcpd plugin is gone; we dial again");
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct px_binder *b = user;
	struct mams_error err = {0};
	struct ctl_msg *msg = NULL;

	(void)c;
	if (ctl_decode(data, len, &msg, &err) < 0 ||
		(msg->type == CTL_RESULT && msg->result.code != 0)) {
		b->counters.refused++;
		mams_log_limited(&b->quiet, mams_loop_now(b->loop), MAMS_LOG_WARN, LOG_MODULE,
			"the plugin refuses: %s", msg ? msg->result.text : err.text);
	}
	ctl_msg_free(msg);
}

static const struct mams_ctl_server_ops ctl_ops = {
	.opened = opened, .packet = packet, .closed = closed};

int px_binder_new(struct mams_loop *l, const struct px_conf *conf, struct px_instance *instance,
	void (*there)(void *user), void *user, struct px_binder **out)
{
	struct px_binder *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return -ENOMEM;
	b->conf = conf;
	b->instance = instance;
	b->loop = l;
	b->there = there;
	b->user = user;
	rc = mams_ctl_dial(l, conf->pm_socket, &ctl_ops, b, &b->plugin);
	if (rc < 0)
		free(b);
	else
		*out = b;
	return rc;
}

void px_binder_free(struct px_binder *b)
{
	if (!b)
		return;
	mams_ctl_close(b->plugin);
	free(b);
}

const struct px_binder_counters *px_binder_counters(const struct px_binder *b)
{
	return &b->counters;
}
