#include "trailer-madp/note.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int madp_notes_init(struct madp_notes *q)
{
	*q = (struct madp_notes){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	if (q->fd < 0)
		return -errno;
	q->ring = calloc(MADP_NOTES, sizeof(*q->ring));
	if (!q->ring) {
		close(q->fd);
		q->fd = -1;
		return -ENOMEM;
	}
	pthread_mutex_init(&q->lock, NULL);
	return 0;
}

void madp_notes_fini(struct madp_notes *q)
{
	if (!q->ring)
		return;
	free(q->ring);
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
	*q = (struct madp_notes){.fd = -1};
}

bool madp_notes_put(struct madp_notes *q, const struct madp_note *note)
{
	bool fits;
	bool first;

	pthread_mutex_lock(&q->lock);
	fits = q->n < MADP_NOTES;
	first = q->n == 0;
	if (fits)
		q->ring[(q->head + q->n++) % MADP_NOTES] = *note;
	pthread_mutex_unlock(&q->lock);
	if (fits && first)
		(void)!eventfd_write(q->fd, 1);
	return fits;
}

bool madp_notes_get(struct madp_notes *q, struct madp_note *out)
{
	bool any;

	pthread_mutex_lock(&q->lock);
	any = q->n > 0;
	if (any) {
		*out = q->ring[q->head];
		q->head = (q->head + 1) % MADP_NOTES;
		q->n--;
	}
	pthread_mutex_unlock(&q->lock);
	return any;
}
