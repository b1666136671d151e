#include "trailer-madp/account.h"

struct madp_account *madp_account_new(void)
{
	struct madp_account *a = calloc(1, sizeof(*a));

	if (a)
		atomic_init(&a->refs, 1);
	return a;
}

struct madp_account *madp_account_ref(struct madp_account *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

void madp_account_unref(struct madp_account *a)
{
	if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
		free(a);
}
