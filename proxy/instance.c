#include "proxy/instance.h"

#include <errno.h>
#include <unistd.h>

#define NOTES 16384u

static int open_listeners(const struct px_snapshot *cfg, const struct px_listen *listen, size_t n,
	struct px_listener **out, struct mams_error *err)
{
	struct px_listener *l = calloc(n ? n : 1, sizeof(*l));
	char text[MAMS_ADDR_STRLEN];

	if (!l)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = px_listener_open(&listen[i], &cfg->set, &l[i]);

		if (r == 0)
			continue;
		mams_addr_str_port(&listen[i].addr, text);
		while (i-- > 0)
			close(l[i].fd);
		free(l);
		return mams_fail(err, -r, text, "cannot listen: %s", mams_strerror(r));
	}
	*out = l;
	return 0;
}

static int start_worker(struct px_instance *in, const struct px_listen *listen, size_t n_listen,
	struct mams_error *err)
{
	struct px_worker *w = &in->workers[in->n_workers];
	struct px_listener *listeners = NULL;
	int r = open_listeners(in->current, listen, n_listen, &listeners, err);

	if (r)
		return r;
	w->index = in->n_workers;
	w->flows = &in->flows;
	w->asleep = &in->asleep;
	w->notes = &in->notes;
	w->roster = &in->roster;
	r = px_worker_start(w, in->current, listeners, n_listen);
	if (r)
		return mams_fail(err, -r, NULL, "cannot start a worker: %s", mams_strerror(r));
	atomic_store(&in->roster.at[in->n_workers++], w);
	return 0;
}

int px_instance_start(struct px_instance *in, struct px_snapshot *cfg,
	const struct px_listen *listen, size_t n_listen, struct mams_error *err)
{
	int r;

	*in = (struct px_instance){.current = px_snapshot_ref(cfg)};
	r = px_notes_init(&in->notes, NOTES);
	if (!r)
		in->workers = calloc(cfg->set.workers, sizeof(*in->workers));
	if (!r && !in->workers)
		r = -ENOMEM;
	for (uint32_t i = 0; !r && i < cfg->set.workers; i++)
		r = start_worker(in, listen, n_listen, err);
	if (r)
		px_instance_stop(in);
	return r;
}

void px_instance_publish(struct px_instance *in, struct px_snapshot *cfg)
{
	px_snapshot_unref(in->current);
	in->current = cfg;
	for (unsigned i = 0; i < in->n_workers; i++)
		px_worker_configure(&in->workers[i], cfg);
}

void px_instance_counters(const struct px_instance *in, struct px_counters *out)
{
	*out = in->control;
	for (unsigned i = 0; i < in->n_workers; i++)
		px_counters_add(out, &in->workers[i].counters);
}

void px_instance_repeat_bindings(struct px_instance *in)
{
	for (unsigned i = 0; i < in->n_workers; i++)
		px_worker_repeat_bindings(&in->workers[i]);
}

void px_instance_stop(struct px_instance *in)
{
	for (unsigned i = 0; i < in->n_workers; i++)
		px_worker_stop(&in->workers[i]);
	for (unsigned i = 0; i < in->n_workers; i++)
		px_worker_free(&in->workers[i]);
	in->n_workers = 0;
	free(in->workers);
	in->workers = NULL;
	px_notes_fini(&in->notes);
	px_snapshot_unref(in->current);
	in->current = NULL;
}
