/* mamsctl steer, probe, drain, undrain, log: requests that are answered by a result. */
#include "tools/mamsctl/mamsctl.h"

#include <string.h>

#define LINKS_MAX 32

/* "wifi,lte" to names; an empty text is an empty list. */
static int split(struct ctl_msg *m, const char *text, const char ***names, size_t *n)
{
	char *copy = ctl_strdup(m, text);
	char *save = NULL;

	*names = ctl_alloc(m, LINKS_MAX * sizeof(**names));
	if (!copy || !*names) {
		complain("out of memory");
		return -1;
	}
	for (char *p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (*n == LINKS_MAX) {
			complain("more than %d links", LINKS_MAX);
			return -1;
		}
		(*names)[(*n)++] = p;
	}
	return 0;
}

static int send_request(const struct options *o, const struct target *t, const struct ctl_msg *m)
{
	struct ctl_msg *answer = NULL;
	int status = 1;

	if (ask(o, t, m, &answer) == 0)
		status = print_result(o, t, answer);
	ctl_msg_free(answer);
	return status;
}

int cmd_steer(const struct options *o)
{
	struct target t = target_of(o, D_NCM);
	struct ctl_msg *m = ctl_msg_new(CTL_STEER, 1);
	int status = 1;

	if (!m) {
		complain("out of memory");
		return 1;
	}
	m->steer.client = o->client;
	m->steer.anchor = o->anchor;
	m->steer.application = o->application;
	m->steer.has_as_configured = o->as_configured;
	m->steer.as_configured = o->as_configured;
	m->steer.has_configuration = o->configuration != 0;
	m->steer.configuration = o->configuration;
	m->steer.dl_mode = o->dl_mode;
	m->steer.ul_mode = o->ul_mode;
	if (split(m, o->dl ? o->dl : "", &m->steer.dl, &m->steer.n_dl) == 0 &&
		split(m, o->ul ? o->ul : "", &m->steer.ul, &m->steer.n_ul) == 0 &&
		split(m, o->off ? o->off : "", &m->steer.off, &m->steer.n_off) == 0)
		status = send_request(o, &t, m);
	ctl_msg_free(m);
	return status;
}

int cmd_log(const struct options *o)
{
	struct target targets[D_COUNT];
	size_t n = targets_find(o, targets);
	struct ctl_msg *m = ctl_msg_new(CTL_LOG_LEVEL, 1);
	int status = n == 0 || !m;

	if (!m) {
		complain("out of memory");
		return 1;
	}
	m->log_level.level = o->level;
	for (size_t i = 0; i < n; i++)
		status |= send_request(o, &targets[i], m);
	ctl_msg_free(m);
	return status;
}

int cmd_probe(const struct options *o)
{
	struct target t = target_of(o, D_NCM);
	struct ctl_msg *m = ctl_msg_new(CTL_PROBE, 1);
	int status = 1;

	if (!m) {
		complain("out of memory");
		return 1;
	}
	m->probe.client = o->client;
	if (strcmp(o->level, "all") == 0 ||
		split(m, o->level, &m->probe.links, &m->probe.n_links) == 0)
		status = send_request(o, &t, m);
	ctl_msg_free(m);
	return status;
}

static int drain(const struct options *o, bool on)
{
	struct target t = target_of(o, D_NCM);
	struct ctl_msg *m = ctl_msg_new(CTL_DRAIN, 1);
	int status = 1;

	if (!m) {
		complain("out of memory");
		return 1;
	}
	m->drain = (struct ctl_drain){.madp = o->level, .drain = on};
	status = send_request(o, &t, m);
	ctl_msg_free(m);
	return status;
}

int cmd_drain(const struct options *o)
{
	return drain(o, true);
}

int cmd_undrain(const struct options *o)
{
	return drain(o, false);
}
