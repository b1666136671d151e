#include "tests/fuzz/strife.h"

#include "lib/mx/mx_random.h"
#include "lib/mx/mx_tables.h"
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 64
#define TURNS_AT_ONCE 200 /* of timers, however short the time */
#define MS_PER_TURN 5

struct strife {
	struct world w;
	const uint8_t *data;
	size_t left;
	bool at_ncm;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static unsigned octet(struct strife *f)
{
	if (f->left == 0)
		return 0;
	f->left--;
	return *f->data++;
}

static uint64_t below(void *user, uint64_t n)
{
	uint64_t v = octet(user);

	for (uint64_t reach = 256; reach < n && reach < UINT64_C(1) << 56; reach <<= 8)
		v = v << 8 | octet(user);
	return v % n;
}

/* ---- what must always be true ---- */

static unsigned under_way(const struct mx_exchange *x, enum mx_type type)
{
	unsigned n = 0;

	for (size_t i = 0; i < MX_OPEN_MAX; i++)
		n += x->open[i].msg && x->open[i].msg->type == type;
	return n;
}

static void check_ncm(const struct strife *f)
{
	const struct ncm_session *s = NULL;

	must(ncm_registry_count(f->w.registry) <= f->w.n_clients, "one session of an identity");
	must(ncm_registry_counters(f->w.registry)->actions_lost == 0, "no action is lost");
	while ((s = ncm_registry_next(f->w.registry, s))) {
		must(under_way(&s->exchange, MX_UP_SETUP_CONF_REQ) <= 1, "one set-up at a time");
		must(under_way(&s->exchange, MX_TRAFFIC_STEERING_REQ) <= 1,
			"one steering at a time");
		must(!f->w.ncm_up || !mams_time_before(ncm_session_deadline(s), f->w.now),
			"no deadline in the past");
	}
}

static void check_ccm(const struct strife *f)
{
	for (size_t i = 0; i < f->w.n_clients; i++) {
		const struct ccm_session *s = &f->w.clients[i].ccm;
		struct ccm_target wanted;

		must(s->counters.actions_lost == 0, "no action is lost");
		must(!f->w.clients[i].up || !mams_time_before(ccm_session_deadline(s), f->w.now),
			"no deadline in the past");
		ccm_session_wanted(s, &wanted);
		for (size_t k = 0; k < wanted.n_paths; k++)
			must(s->link[wanted.paths[k].connection_id].now.usable,
				"paths over links that are there");
	}
}

static void run(struct strife *f, int64_t ms)
{
	uint64_t before = f->w.turns;

	world_run(&f->w, ms);
	must(f->w.turns - before <= TURNS_AT_ONCE + (uint64_t)ms / MS_PER_TURN,
		"no storm of timers");
	check_ncm(f);
	check_ccm(f);
}

/* ---- what is said ---- */

/* Small ids hit what is there. */
static void aim_ids(struct mx_msg *m)
{
	struct mx_up_setup_cnf *cnf = &m->up_setup_cnf;

	if (m->type == MX_RECONF_REQ)
		m->reconf_req.connection_id %= 4;
	else if (m->type == MX_KEEP_ALIVE_REQ)
		m->keep_alive.connection_id %= 4;
	else if (m->type == MX_PATH_EST_REQ)
		m->path_est_req.connection_id %= 4;
	else if (m->type == MX_UP_SETUP_CNF && cnf->n_client_params == 1)
		cnf->client_params[0].connection_id %= 4;
}

static void aim_number(const struct strife *f, struct mx_msg *m)
{
	const struct ncm_session *s = world_session(&f->w, &f->w.clients[0]);
	const struct mx_exchange *x =
		f->at_ncm ? s ? &s->exchange : NULL : &f->w.clients[0].ccm.exchange;

	for (size_t i = 0; x && i < MX_OPEN_MAX; i++)
		if (x->open[i].msg && mx_type_response(x->open[i].msg->type) == m->type)
			m->sequence_num = x->open[i].msg->sequence_num;
}

static void aim_session(const struct strife *f, struct mx_msg *m, size_t client)
{
	const struct ncm_session *s = world_session(&f->w, &f->w.clients[client]);
	const struct mx_row *row = &mx_rows[m->type];
	char *at = (char *)&m->discover + row->session_offset;
	struct mx_session_id *id;

	if (!s || row->session_kind == MX_SID_NONE)
		return;
	id = row->session_kind == MX_SID_EMBEDDED ? (struct mx_session_id *)at
						  : *(struct mx_session_id **)at;
	if (id)
		*id = (struct mx_session_id){
			.ncm_id = s->policy->ncm_id, .session_id = s->s.session_id};
}

static void say(struct strife *f)
{
	struct mx_random r = {.below = below, .user = f};
	enum mx_type type = (enum mx_type)(octet(f) % MX_TYPE_COUNT);
	unsigned aim = octet(f);
	struct mx_msg *m = mx_random_msg(&r, type);
	struct ncm_session *other = world_session(&f->w, &f->w.clients[1]);
	static struct ncm_session before;

	if (!m)
		return;
	if (aim & 1)
		aim_ids(m);
	if (aim & 2)
		aim_number(f, m);
	if (aim & 12)
		aim_session(f, m, (aim & 12) == 12);
	if (other)
		before = *other;
	if (f->at_ncm)
		world_to_ncm(&f->w, &f->w.clients[0], m);
	else
		world_to_ccm(&f->w, &f->w.clients[0], m);
	must(other == world_session(&f->w, &f->w.clients[1]) &&
			(!other || memcmp(&before, other, sizeof(before)) == 0),
		"another's session is not touched");
	mx_msg_free(m);
}

/* ---- what happens ---- */

static void set_link(struct strife *f, size_t client, unsigned id, bool usable, unsigned host)
{
	char text[MAMS_ADDR_STRLEN];

	snprintf(text, sizeof(text), "10.1.%u.%zu", id * 128 + 2, 2 + 4 * client + host);
	world_link(&f->w, &f->w.clients[client], (uint8_t)id, usable, text);
}

static void steer(struct strife *f, unsigned bits)
{
	struct ncm_session *s = world_session(&f->w, &f->w.clients[0]);
	const struct ncm_order order = {.dl = bits & 3, .ul = bits >> 2 & 3};
	struct mams_error err;

	if (s && f->w.ncm_up)
		(void)!ncm_session_steer(s, 1, &order, f->w.now, &err);
}

static void end_session(struct strife *f)
{
	struct ncm_session *s = world_session(&f->w, &f->w.clients[0]);

	if (s && f->w.ncm_up)
		ncm_session_terminate(s, MX_NORMAL_RELEASE, f->w.now);
}

static void trouble(struct strife *f, unsigned what)
{
	struct world_client *c = &f->w.clients[0];
	unsigned how = octet(f);

	if (what == 0) {
		set_link(f, how >> 6 & 1, how & 1, how & 2, how >> 2 & 3);
	} else if (what == 1) {
		steer(f, how);
	} else if (what == 2) {
		f->w.loss = (how & 15) * 40;
		f->w.repeat = (how >> 4) * 40;
	} else if (what == 3) {
		f->w.ncm_up = how & 3;
		if (how & 4)
			world_restart_ncm(&f->w, how & 8);
	} else if (what == 4) {
		if (how & 1)
			ccm_session_stop(&c->ccm, f->w.now);
		if (how & 2)
			world_restart_ccm(&f->w, c);
	} else if (what == 5) {
		ccm_session_handover(&c->ccm, how % 4, f->w.now);
	} else if (what == 6) {
		end_session(f);
	} else if (what == 7) {
		c->deaf = how % 4;
	} else if (what == 8) {
		ccm_session_madp_lost(&c->ccm, f->w.now);
	} else {
		ccm_session_measured(&c->ccm, how & 1, how % MX_M_COUNT, (int64_t)how - 128);
	}
	run(f, 0);
}

static void in_peace(struct strife *f)
{
	f->w.loss = f->w.repeat = 0;
	f->w.ncm_up = true;
	f->w.clients[0].deaf = 0;
	world_restart_ccm(&f->w, &f->w.clients[0]);
	for (size_t i = 0; i < f->w.n_clients; i++) {
		set_link(f, i, 0, true, 0);
		set_link(f, i, 1, true, 0);
		if (f->w.clients[i].ccm.fallen_back)
			ccm_session_drained(&f->w.clients[i].ccm);
	}
	run(f, 90000);
	for (size_t i = 0; i < f->w.n_clients; i++)
		must(world_settled(&f->w, &f->w.clients[i], 3), "in the end everybody is served");
}

void strife_run(const uint8_t *data, size_t size, bool at_ncm)
{
	struct strife f = {.data = data, .left = size, .at_ncm = at_ncm};

	world_init(&f.w, 8743, 2);
	f.w.by_copy = true; /* what is said still goes through the codec */
	for (size_t i = 0; i < f.w.n_clients; i++) {
		set_link(&f, i, 0, true, 0);
		set_link(&f, i, 1, true, 0);
	}
	run(&f, 3000);
	for (unsigned n = 0; f.left > 0 && n < EVENTS_MAX; n++) {
		unsigned what = octet(&f) % 16;

		if (what < 4)
			say(&f);
		else if (what == 4)
			run(&f, (int64_t)octet(&f) * octet(&f));
		else if (what == 5)
			run(&f, octet(&f));
		else
			trouble(&f, what - 6);
	}
	in_peace(&f);
	world_fini(&f.w);
}
