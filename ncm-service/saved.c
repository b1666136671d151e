#include "ncm-service/saved.h"

#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"
#include "ncm-service/links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int write_anchors(const struct ncm_saved *s, struct ctl_msg *msg)
{
	struct ctl_ncm_session *out = &msg->ncm_session;

	out->anchors = ctl_alloc(msg, NCM_ANCHORS_MAX * sizeof(*out->anchors));
	if (!out->anchors)
		return -ENOMEM;
	for (size_t i = 0; i < NCM_ANCHORS_MAX; i++) {
		const struct ncm_saved_anchor *a = &s->anchors[i];

		if (a->used)
			out->anchors[out->n_anchors++] =
				(struct ctl_ncm_anchor){.connection_id = a->id,
					.madp = a->madp[0] ? ctl_strdup(msg, a->madp) : NULL,
					.dl = a->dl,
					.ul = a->ul,
					.dl_mode = a->dl_mode,
					.ul_mode = a->ul_mode,
					.off = a->off,
					.has_held = a->held,
					.held = a->held};
	}
	return 0;
}

static int write_apps(const struct ncm_saved *s, struct ctl_msg *msg)
{
	struct ctl_ncm_session *out = &msg->ncm_session;

	out->apps = ctl_alloc(msg, NCM_APPS_MAX * sizeof(*out->apps));
	if (!out->apps)
		return -ENOMEM;
	for (size_t i = 0; i < NCM_APPS_MAX; i++) {
		const struct ncm_saved_app *a = &s->apps[i];

		if (a->name[0])
			out->apps[out->n_apps++] =
				(struct ctl_ncm_app){.name = ctl_strdup(msg, a->name),
					.dl = a->dl.links,
					.ul = a->ul.links,
					.dl_first = a->dl.first,
					.ul_first = a->ul.first,
					.dl_mode = a->dl.mode,
					.ul_mode = a->ul.mode,
					.has_held = a->held,
					.held = a->held};
	}
	return 0;
}

static int write_used(const struct ncm_saved *s, struct ctl_msg *msg)
{
	struct ctl_ncm_session *out = &msg->ncm_session;

	out->used = ctl_alloc(msg, NCM_LINKS_MAX * sizeof(*out->used));
	if (!out->used)
		return -ENOMEM;
	for (size_t i = 0; i < NCM_LINKS_MAX; i++)
		if (s->used[i].access[0])
			out->used[out->n_used++] =
				(struct ctl_ncm_used){.access = ctl_strdup(msg, s->used[i].access),
					.octets = s->used[i].octets,
					.until = s->used[i].until};
	return 0;
}

int ncm_saved_write(const struct ncm_saved *s, unsigned flags, struct mams_buf *out)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_NCM_SESSION, 0);
	struct ctl_ncm_link *links = msg ? ctl_alloc(msg, NCM_LINKS_MAX * sizeof(*links)) : NULL;
	struct mams_error err;
	size_t n = 0;
	int rc;

	if (!links) {
		ctl_msg_free(msg);
		return -ENOMEM;
	}
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->links[i];

		if (l->known)
			links[n++] = (struct ctl_ncm_link){.connection_id = (uint8_t)i,
				.type = (uint8_t)l->connection_type,
				.up = l->up,
				.address = l->address,
				.mtu = l->mtu,
				.in_setup = l->in_setup,
				.setup_address = l->setup_address,
				.confirmed = l->confirmed,
				.report_num = l->report_num,
				.has_left = l->handover,
				.left = l->handover,
				.has_moved = l->moved,
				.moved = l->moved};
	}
	msg->ncm_session = (struct ctl_ncm_session){.client = ctl_strdup(msg, s->identity),
		.session_id = s->session_id,
		.client_key = ctl_strdup(msg, s->client_key),
		.active = s->active,
		.features = s->features,
		.convergence = s->convergence,
		.adaptation = s->adaptation,
		.tunnel_secret = s->tunnel.secret[0] ? ctl_strdup(msg, s->tunnel.secret) : NULL,
		.anchor4 = s->tunnel.anchor4,
		.anchor6 = s->tunnel.anchor6,
		.tunnel_port = s->tunnel.port,
		.links = links,
		.n_links = n};
	rc = write_anchors(s, msg);
	if (rc == 0)
		rc = write_apps(s, msg);
	if (rc == 0)
		rc = write_used(s, msg);
	if (rc == 0)
		rc = ctl_encode(msg, flags, out, &err);
	ctl_msg_free(msg);
	return rc;
}

static int read_link(const struct ctl_ncm_link *from, struct ncm_saved *s, struct mams_error *err)
{
	if (from->connection_id >= NCM_LINKS_MAX || from->type > MX_LTE)
		return mams_fail(err, MAMS_EVALUE, "links", "connection %u, type %u: no such",
			from->connection_id, from->type);
	s->links[from->connection_id] = (struct ncm_link){.known = true,
		.connection_type = from->type,
		.up = from->up,
		.address = from->address,
		.mtu = from->mtu,
		.in_setup = from->in_setup,
		.setup_address = from->setup_address,
		.confirmed = from->confirmed,
		.report_num = from->report_num,
		.handover = from->left,
		.moved = from->moved};
	return 0;
}

/* Nothing is cut: a shorter name would be another client's. */
static int read_text(
	const char *from, char *out, size_t size, const char *where, struct mams_error *err)
{
	if (from[0] == '\0' || strlen(from) >= size)
		return mams_fail(err, MAMS_EVALUE, where, "must have 1 to %zu octets", size - 1);
	snprintf(out, size, "%s", from);
	return 0;
}

static int read_anchors(
	const struct ctl_ncm_session *s, struct ncm_saved *out, struct mams_error *err)
{
	if (s->n_anchors > NCM_ANCHORS_MAX)
		return mams_fail(err, MAMS_EVALUE, "anchors", "more than %u", NCM_ANCHORS_MAX);
	for (size_t i = 0; i < s->n_anchors; i++) {
		const struct ctl_ncm_anchor *from = &s->anchors[i];
		struct ncm_saved_anchor *a = &out->anchors[i];
		int rc = from->madp ? read_text(from->madp, a->madp, sizeof(a->madp), "madp", err)
				    : 0;

		if (rc < 0)
			return rc;
		a->used = true;
		a->id = from->connection_id;
		a->dl = from->dl;
		a->ul = from->ul;
		a->dl_mode = from->dl_mode;
		a->ul_mode = from->ul_mode;
		a->off = from->off;
		a->held = from->held;
	}
	return 0;
}

static int read_apps(const struct ctl_ncm_session *s, struct ncm_saved *out, struct mams_error *err)
{
	int rc = 0;

	if (s->n_apps > NCM_APPS_MAX)
		return mams_fail(err, MAMS_EVALUE, "apps", "more than %u", NCM_APPS_MAX);
	for (size_t i = 0; rc == 0 && i < s->n_apps; i++) {
		const struct ctl_ncm_app *from = &s->apps[i];
		struct ncm_saved_app *a = &out->apps[i];

		rc = read_text(from->name, a->name, sizeof(a->name), "apps", err);
		a->dl = (struct ncm_app_way){from->dl, from->dl_first, from->dl_mode};
		a->ul = (struct ncm_app_way){from->ul, from->ul_first, from->ul_mode};
		a->held = from->held;
	}
	return rc;
}

static int read_used(const struct ctl_ncm_session *s, struct ncm_saved *out, struct mams_error *err)
{
	int rc = 0;

	if (s->n_used > NCM_LINKS_MAX)
		return mams_fail(err, MAMS_EVALUE, "used", "more than %u", NCM_LINKS_MAX);
	for (size_t i = 0; rc == 0 && i < s->n_used; i++) {
		struct ncm_used *u = &out->used[i];

		rc = read_text(s->used[i].access, u->access, sizeof(u->access), "used", err);
		u->octets = s->used[i].octets;
		u->until = s->used[i].until;
	}
	return rc;
}

static int read_tunnel(
	const struct ctl_ncm_session *s, struct ncm_tunnel *out, struct mams_error *err)
{
	if (!s->tunnel_secret)
		return 0;
	out->anchor4 = s->anchor4;
	out->anchor6 = s->anchor6;
	out->port = s->tunnel_port;
	return read_text(s->tunnel_secret, out->secret, sizeof(out->secret), "tunnel_secret", err);
}

static int read_session(
	const struct ctl_ncm_session *s, struct ncm_saved *out, struct mams_error *err)
{
	int rc = read_text(s->client, out->identity, sizeof(out->identity), "client", err);

	if (rc == 0)
		rc = read_text(
			s->client_key, out->client_key, sizeof(out->client_key), "client_key", err);
	for (size_t i = 0; rc == 0 && i < s->n_links; i++)
		rc = read_link(&s->links[i], out, err);
	out->session_id = s->session_id;
	out->active = s->active;
	out->features = s->features;
	out->convergence = s->convergence;
	out->adaptation = s->adaptation;
	if (rc == 0)
		rc = read_anchors(s, out, err);
	if (rc == 0)
		rc = read_apps(s, out, err);
	if (rc == 0)
		rc = read_used(s, out, err);
	return rc == 0 ? read_tunnel(s, &out->tunnel, err) : rc;
}

int ncm_saved_read(const char *text, size_t len, struct ncm_saved *out, struct mams_error *err)
{
	struct ctl_msg *msg = NULL;
	int rc = ctl_decode(text, len, &msg, err);

	*out = (struct ncm_saved){0};
	if (rc == 0 && msg->type != CTL_NCM_SESSION)
		rc = mams_fail(err, MAMS_EVALUE, "type", "is not a session");
	if (rc == 0)
		rc = read_session(&msg->ncm_session, out, err);
	ctl_msg_free(msg);
	return rc;
}

static void fit_anchors(const struct ncm_policy *p, struct ncm_saved *s)
{
	struct ncm_saved_anchor stored[NCM_ANCHORS_MAX];

	memcpy(stored, s->anchors, sizeof(stored));
	memset(s->anchors, 0, sizeof(s->anchors));
	for (size_t a = 0; a < p->n_anchors; a++) {
		s->anchors[a].id = (uint8_t)p->anchors[a].connection_id;
		s->anchors[a].dl = NCM_ALL_CONNECTIONS;
		s->anchors[a].ul = NCM_ALL_CONNECTIONS;
		for (size_t k = 0; k < NCM_ANCHORS_MAX; k++)
			if (stored[k].used && stored[k].id == p->anchors[a].connection_id)
				s->anchors[a] = stored[k];
	}
}

/* An application that there is no more takes nobody's place. */
static void fit_apps(const struct ncm_policy *p, struct ncm_saved *s)
{
	for (size_t i = 0; i < NCM_APPS_MAX; i++) {
		bool known = false;

		for (size_t k = 0; k < p->n_apps; k++)
			known |= strcmp(p->apps[k].name, s->apps[i].name) == 0;
		if (!known)
			s->apps[i] = (struct ncm_saved_app){0};
	}
}

void ncm_saved_fit(const struct ncm_policy *p, struct ncm_saved *s)
{
	fit_anchors(p, s);
	fit_apps(p, s);
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct ncm_link *l = &s->links[i];

		if (l->known)
			ncm_link_admit(p, s->adaptation, l);
		l->in_setup = l->in_setup && l->admission == NCM_ADMIT_OK;
	}
}
