#include "proxy/pathset.h"

#include <stdio.h>
#include <string.h>

static struct px_path_health *health_of(struct px_pathset *s, const struct px_path *p)
{
	struct px_path_memory *h;

	for (size_t i = 0; i < s->n_memory; i++) {
		h = &s->memory[i];
		if (h->connection_id == p->connection_id && mams_addr_eq_ip(&h->local, &p->local) &&
			mams_addr_eq(&h->proxy, &p->proxy))
			return &h->health;
	}
	/* old ones are taken over: at worst a flow learns on another path's account */
	h = &s->memory[s->n_memory < PX_HEALTH_MAX ? s->n_memory++ : p->connection_id];
	*h = (struct px_path_memory){
		.connection_id = p->connection_id, .local = p->local, .proxy = p->proxy};
	return &h->health;
}

static int take_path(struct px_pathset *s, const struct ctl_path *in, struct px_path *out)
{
	if (in->local.family != in->proxy.family || in->proxy_port == 0)
		return -MAMS_EVALUE;
	*out = (struct px_path){.connection_id = in->connection_id,
		.priority = in->priority,
		.backup = in->backup,
		.backup_up = ctl_path_backup(in, CTL_WAY_UP),
		.backup_down = ctl_path_backup(in, CTL_WAY_DOWN),
		.group = in->group,
		.local = in->local,
		.proxy = in->proxy};
	out->proxy.port = in->proxy_port;
	snprintf(out->name, sizeof(out->name), "%s", in->name ? in->name : "?");
	out->health = health_of(s, out);
	return 0;
}

static int take_class(const struct ctl_flow_class *in, struct px_class *out)
{
	*out = (struct px_class){.port_first = in->port_first,
		.port_last = in->port_last,
		.has_dscp = in->has_dscp,
		.dscp = in->dscp};
	if (in->port_first > in->port_last || in->n_connections == 0 ||
		in->n_connections > PX_PATHS_MAX ||
		(in->remote && mams_prefix_parse(in->remote, &out->remote) < 0))
		return -MAMS_EVALUE;
	for (size_t i = 0; i < in->n_connections; i++) {
		if (in->connections[i] >= 32)
			return -MAMS_EVALUE;
		out->ids[out->n_ids++] = in->connections[i];
	}
	return 0;
}

int px_pathset_take(struct px_pathset *s, const struct ctl_px_paths *m, struct mams_error *err)
{
	struct px_path paths[PX_PATHS_MAX];
	struct px_class classes[PX_CLASSES_MAX];
	uint8_t key[PX_KEY_MAX];
	int n_key = 0;

	if (m->n_paths > PX_PATHS_MAX || m->n_classes > PX_CLASSES_MAX)
		return mams_fail(err, MAMS_ELIMIT, NULL, "at most %u paths and %u flow classes",
			PX_PATHS_MAX, PX_CLASSES_MAX);
	for (size_t i = 0; i < m->n_paths; i++)
		if (take_path(s, &m->paths[i], &paths[i]) < 0)
			return mams_fail(err, MAMS_EVALUE, NULL,
				"path %zu: local and proxy differ in family, or there is no port",
				i);
	for (size_t i = 0; i < m->n_classes; i++)
		if (take_class(&m->classes[i], &classes[i]) < 0)
			return mams_fail(err, MAMS_EVALUE, NULL,
				"flow class %zu: its address, ports or connections are wrong", i);
	if (m->client_key)
		n_key = px_key_decode(m->client_key, key);
	if (n_key < 0)
		return mams_fail(err, MAMS_EVALUE, NULL, "client_key is no base64 key");
	mams_wipe(s->cookie, sizeof(s->cookie));
	memcpy(s->cookie, key, (size_t)n_key);
	mams_wipe(key, sizeof(key));
	s->cookie_len = (size_t)n_key;
	memcpy(s->paths, paths, m->n_paths * sizeof(*paths));
	s->n_paths = m->n_paths;
	s->idle = m->has_idle && m->idle;
	s->apart = false;
	for (size_t i = 0; i < s->n_paths; i++)
		s->apart |= paths[i].backup_up != paths[i].backup_down;
	memcpy(s->classes, classes, m->n_classes * sizeof(*classes));
	s->n_classes = m->n_classes;
	s->bind = s->apart || s->n_classes > 0;
	return 0;
}
