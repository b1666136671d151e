#include "proxy/note.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int px_notes_init(struct px_notes *q, uint32_t cap)
{
	*q = (struct px_notes){.cap = cap, .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	if (q->fd < 0)
		return -errno;
	q->ring = calloc(cap, sizeof(*q->ring));
	if (!q->ring) {
		close(q->fd);
		return -ENOMEM;
	}
	pthread_mutex_init(&q->lock, NULL);
	return 0;
}

void px_notes_fini(struct px_notes *q)
{
	struct px_note note;

	if (!q->ring)
		return;
	while (px_notes_get(q, &note))
		px_client_unref(note.client);
	free(q->ring);
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
	*q = (struct px_notes){.fd = -1};
}

bool px_notes_put(struct px_notes *q, const struct px_note *note)
{
	bool fits;
	bool first;

	pthread_mutex_lock(&q->lock);
	fits = q->n < q->cap;
	first = q->n == 0;
	if (fits)
		q->ring[(q->head + q->n++) % q->cap] = *note;
	pthread_mutex_unlock(&q->lock);
	if (fits && first)
		(void)!eventfd_write(q->fd, 1);
	return fits;
}

bool px_notes_get(struct px_notes *q, struct px_note *out)
{
	bool any;

	pthread_mutex_lock(&q->lock);
	any = q->n > 0;
	if (any) {
		*out = q->ring[q->head];
		q->head = (q->head + 1) % q->cap;
		q->n--;
	}
	pthread_mutex_unlock(&q->lock);
	return any;
}
