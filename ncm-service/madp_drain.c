/* Drained instances: what they have yet, as they say themselves, until it is nothing. */
#include "lib/base/log.h"
#include "ncm-service/madp_private.h"
#include "ncm-service/trailer.h"

#define LOG_MODULE "madp"
#define ASK_MS 1000

static bool is_drained(const struct ncm_madp *m, size_t madp)
{
	return ncm_registry_madps(m->registry)->use[madp].drained;
}

static void judge(struct ncm_madp *m, size_t madp)
{
	struct instance *x = &m->instances[madp];
	bool empty = x->open == 0 && ncm_holds_at(m->holds, madp) == 0;

	if (empty && !x->empty)
		log_info("N-MADP instance %s is empty: nothing is lost when it is stopped",
			m->policy->madps[madp].name);
	x->empty = empty;
}

void ncm_madp_take_open(struct ncm_madp *m, size_t madp, uint64_t open)
{
	if (!is_drained(m, madp))
		return;
	m->instances[madp].has_open = true;
	m->instances[madp].open = open;
	judge(m, madp);
}

static void ask(struct ncm_madp *m, size_t madp)
{
	struct instance *x = &m->instances[madp];

	if (x->trailer)
		ncm_trailer_ask(x->trailer);
	else if (mams_ctl_is_open(x->proxy))
		(void)!ncm_madp_say(x->proxy, ctl_msg_new(CTL_STATUS_REQ, ++m->next_id));
}

void ncm_madp_ask_drained(void *user)
{
	struct ncm_madp *m = user;
	bool again = false;

	for (size_t i = 0; i < m->policy->n_madps; i++) {
		if (!is_drained(m, i)) {
			m->instances[i].has_open = m->instances[i].empty = false;
			continue;
		}
		ask(m, i);
		again = true;
	}
	if (again)
		mams_loop_timer_at(m->ask, mams_time_add_ms(mams_loop_now(m->loop), ASK_MS));
}

void ncm_madp_drained(struct ncm_madp *m)
{
	if (m)
		ncm_madp_ask_drained(m);
}

bool ncm_madp_is_empty(const struct ncm_madp *m, size_t madp)
{
	return m->instances[madp].empty;
}

bool ncm_madp_open(const struct ncm_madp *m, size_t madp, uint64_t *open)
{
	*open = m->instances[madp].open;
	return m->instances[madp].has_open;
}
