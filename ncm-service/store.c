#include "ncm-service/store.h"

#include "lib/base/buf.h"
#include "ncm-service/uses.h"

#include <errno.h>

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

int ncm_store_used(
	struct ncm_store *st, const char *identity, const struct ncm_used used[NCM_LINKS_MAX])
{
	const uint64_t until = ncm_uses_until(used);
	struct mams_buf text = {0};
	int rc = 0;

	if (until == 0)
		return 0;
	ncm_uses_write(used, &text);
	rc = text.failed ? -EIO : st->ops->used(st, identity, text.data, until);
	mams_buf_fini(&text);
	return rc;
}

int ncm_store_each_used(struct ncm_store *st,
	void (*fn)(void *user, const char *identity, const char *text), void *user)
{
	return st->ops->each_used(st, fn, user);
}
