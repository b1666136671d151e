#include "proxy/snapshot.h"

struct px_snapshot *px_snapshot_new(void)
{
	struct px_snapshot *s = calloc(1, sizeof(*s));

	if (s)
		atomic_init(&s->refs, 1);
	return s;
}

struct px_snapshot *px_snapshot_ref(struct px_snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void px_snapshot_unref(struct px_snapshot *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	px_clients_free(s->clients);
	mams_wipe(s->cookie, sizeof(s->cookie));
	free(s);
}
