#include "ncm-service/store.h"

void ncm_store_close(struct ncm_store *st)
{
	if (st)
		st->ops->close(st);
}

int ncm_store_put(struct ncm_store *st, const struct ncm_saved *s)
{
	return st->ops->put(st, s);
}

int ncm_store_del(struct ncm_store *st, const char *identity)
{
	return st->ops->del(st, identity);
}

int ncm_store_commit(struct ncm_store *st)
{
	return st->ops->commit(st);
}

int ncm_store_each(
	struct ncm_store *st, void (*fn)(void *user, const struct ncm_saved *s), void *user)
{
	return st->ops->each(st, fn, user);
}

int ncm_store_drained(struct ncm_store *st, const char *madp, bool drained)
{
	return st->ops->drained(st, madp, drained);
}

int ncm_store_each_drained(
	struct ncm_store *st, void (*fn)(void *user, const char *madp), void *user)
{
	return st->ops->each_drained(st, fn, user);
}

int ncm_store_held(struct ncm_store *st, const char *identity, const char *text)
{
	return st->ops->held(st, identity, text);
}

int ncm_store_each_held(struct ncm_store *st,
	void (*fn)(void *user, const char *identity, const char *text), void *user)
{
	return st->ops->each_held(st, fn, user);
}
