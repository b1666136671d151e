#include "lib/mx/mx_exchange.h"

#include <errno.h>
#include <string.h>

void mx_exchange_init(struct mx_exchange *x, const struct mx_timing *timing, uint32_t first)
{
	*x = (struct mx_exchange){.timing = *timing, .next_sequence = first ? first : 1};
}

void mx_exchange_abandon(struct mx_exchange *x)
{
	for (size_t i = 0; i < MX_OPEN_MAX; i++)
		mx_msg_free(x->open[i].msg);
	memset(x->open, 0, sizeof(x->open));
}

void mx_exchange_reset(struct mx_exchange *x)
{
	mx_exchange_abandon(x);
	for (size_t i = 0; i < MX_GIVEN_MAX; i++)
		mx_msg_free(x->given[i].response);
	memset(x->given, 0, sizeof(x->given));
	x->next_given = 0;
}

void mx_exchange_fini(struct mx_exchange *x)
{
	mx_exchange_reset(x);
}

uint32_t mx_exchange_number(struct mx_exchange *x)
{
	uint32_t n = x->next_sequence;

	x->next_sequence = n == UINT32_MAX ? 1 : n + 1;
	return n;
}

uint32_t mx_timing_patience(const struct mx_timing *t)
{
	uint32_t wait = t->timeout_ms;
	uint32_t sum = wait;

	for (uint32_t i = 0; i < t->retries; i++) {
		wait = wait * 2 < t->timeout_cap_ms ? wait * 2 : t->timeout_cap_ms;
		sum += wait;
	}
	return sum;
}

static void close_open(struct mx_open *o)
{
	mx_msg_free(o->msg);
	*o = (struct mx_open){0};
}

/* A slot for m, to be sent now; NULL when there is none, or m is NULL: then m is freed. */
static struct mx_open *open_slot(struct mx_exchange *x, struct mx_msg *m)
{
	for (size_t i = 0; m && i < MX_OPEN_MAX; i++) {
		struct mx_open *o = &x->open[i];

		if (o->msg)
			continue;
		if (m->sequence_num == 0)
			m->sequence_num = mx_exchange_number(x);
		*o = (struct mx_open){
			.msg = m, .deadline = MAMS_TIME_NEVER, .sends = 1, .send = true};
		return o;
	}
	mx_msg_free(m);
	return NULL;
}

int mx_exchange_begin(struct mx_exchange *x, struct mx_msg *m, uint32_t wait_ms, mams_time now)
{
	const int none = m ? -MAMS_ELIMIT : -ENOMEM;
	struct mx_open *o = open_slot(x, m);

	if (!o)
		return none;
	o->wait_ms = wait_ms ? wait_ms : x->timing.timeout_ms;
	o->deadline = mams_time_add_ms(now, o->wait_ms);
	return 0;
}

int mx_exchange_post(struct mx_exchange *x, struct mx_msg *m)
{
	const int none = m ? -MAMS_ELIMIT : -ENOMEM;
	struct mx_open *o = open_slot(x, m);

	if (!o)
		return none;
	o->once = true;
	return 0;
}

bool mx_exchange_finish(struct mx_exchange *x, const struct mx_msg *response)
{
	for (size_t i = 0; i < MX_OPEN_MAX; i++) {
		struct mx_open *o = &x->open[i];

		if (!o->msg || mx_type_response(o->msg->type) != response->type ||
			(response->sequence_num != o->msg->sequence_num &&
				response->sequence_num != 0))
			continue;
		close_open(o);
		return true;
	}
	return false;
}

bool mx_exchange_has(const struct mx_exchange *x, enum mx_type request)
{
	for (size_t i = 0; i < MX_OPEN_MAX; i++)
		if (x->open[i].msg && x->open[i].msg->type == request)
			return true;
	return false;
}

void mx_exchange_cancel(struct mx_exchange *x, enum mx_type request)
{
	for (size_t i = 0; i < MX_OPEN_MAX; i++)
		if (x->open[i].msg && x->open[i].msg->type == request)
			close_open(&x->open[i]);
}

enum mx_type mx_exchange_tick(struct mx_exchange *x, mams_time now)
{
	for (size_t i = 0; i < MX_OPEN_MAX; i++) {
		struct mx_open *o = &x->open[i];
		enum mx_type type;

		if (!o->msg || mams_time_before(now, o->deadline))
			continue;
		type = o->msg->type;
		if (o->sends > x->timing.retries) {
			close_open(o);
			return type;
		}
		o->sends++;
		o->send = true;
		o->wait_ms *= 2;
		if (o->wait_ms > x->timing.timeout_cap_ms)
			o->wait_ms = x->timing.timeout_cap_ms;
		o->deadline = mams_time_add_ms(now, o->wait_ms);
	}
	return MX_TYPE_COUNT;
}

const struct mx_msg *mx_exchange_next(struct mx_exchange *x)
{
	struct mx_open *first = NULL;

	/* in the order in which they were started */
	for (size_t i = 0; i < MX_OPEN_MAX; i++) {
		struct mx_open *o = &x->open[i];

		if (o->once && !o->send)
			close_open(o);
		if (o->msg && o->send &&
			(!first || (int32_t)(o->msg->sequence_num - first->msg->sequence_num) < 0))
			first = o;
	}
	if (!first)
		return NULL;
	first->send = false;
	return first->msg;
}

mams_time mx_exchange_deadline(const struct mx_exchange *x)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t i = 0; i < MX_OPEN_MAX; i++)
		if (x->open[i].msg)
			t = mams_time_min(t, x->open[i].deadline);
	return t;
}

bool mx_exchange_repeated(
	const struct mx_exchange *x, const struct mx_msg *request, const struct mx_msg **response)
{
	*response = NULL;
	if (request->sequence_num == 0)
		return false;
	for (size_t i = 0; i < MX_GIVEN_MAX; i++) {
		const struct mx_given *g = &x->given[i];

		if (g->sequence_num != request->sequence_num || g->type != request->type)
			continue;
		*response = g->response;
		return true;
	}
	return false;
}

const struct mx_msg *mx_exchange_give(
	struct mx_exchange *x, const struct mx_msg *request, struct mx_msg *response)
{
	struct mx_given *g = &x->given[x->next_given];

	x->next_given = (x->next_given + 1) % MX_GIVEN_MAX;
	mx_msg_free(g->response);
	*g = (struct mx_given){
		.type = request->type, .sequence_num = request->sequence_num, .response = response};
	if (response)
		response->sequence_num = request->sequence_num;
	return response;
}
