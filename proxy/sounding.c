#include "proxy/sounding.h"

#define OPENING_MS 15000 /* for the client's first Keep-Alive */
#define SILENT_MS 60000  /* active phase, without a Keep-Alive or an answer */

void px_sounding_init(struct px_sounding *s, const struct px_sounding_conf *conf, mams_time now)
{
	*s = (struct px_sounding){.conf = *conf, .until = mams_time_add_ms(now, OPENING_MS)};
}

static void begin(struct px_sounding *s, mams_time now)
{
	const struct px_sounding_conf *c = &s->conf;

	s->begun = true;
	s->begin = now;
	if (c->active) {
		s->total = c->active_duration_s * 1000u / c->active_ms;
		s->until = c->active_duration_s
				   ? mams_time_add_ms(now, (int64_t)c->active_duration_s * 1000)
				   : MAMS_TIME_NEVER;
	} else {
		s->total = mx_control_init_probes(c->init_ms, c->init_rate, c->init_size);
		/* the last answers are still waited for */
		s->until = mams_time_add_ms(now, c->init_ms + 1000);
	}
}

static bool take_answer(struct px_sounding *s, uint16_t seq, mams_time now)
{
	size_t i = seq % PX_SOUNDING_OUTSTANDING;
	int64_t us = now.us - s->out[i].at.us;

	if (!s->out[i].used || s->out[i].seq != seq)
		return false;
	s->out[i].used = false;
	s->answered++;
	if (us >= 0 && us < UINT32_MAX)
		s->rtt_us = s->rtt_us ? (uint32_t)((7 * (uint64_t)s->rtt_us + (uint64_t)us) / 8)
				      : (uint32_t)us;
	return true;
}

bool px_sounding_take(struct px_sounding *s, const void *pdu, size_t len, mams_time now)
{
	struct mx_control c;

	if (mx_control_decode(pdu, len, false, &c) < 0 || c.cid != s->conf.connection_id)
		return false;
	if (c.kind == MX_CONTROL_ACK && !take_answer(s, c.sn, now))
		return false;
	s->heard = now;
	if (c.kind == MX_CONTROL_KEEP_ALIVE && !s->begun)
		begin(s, now);
	return true;
}

/* When probe number n is due. */
static mams_time due(const struct px_sounding *s, uint32_t n)
{
	const struct px_sounding_conf *c = &s->conf;

	if (c->active)
		return mams_time_add_ms(s->begin, (int64_t)n * c->active_ms);
	return (mams_time){s->begin.us + (int64_t)n * c->init_size * 8 / c->init_rate};
}

static bool is_done(const struct px_sounding *s)
{
	return s->total > 0 && s->sent >= s->total;
}

size_t px_sounding_next(struct px_sounding *s, mams_time now, uint8_t *out)
{
	const struct px_sounding_conf *c = &s->conf;
	uint8_t pad[PX_SOUNDING_PDU_MAX];
	struct mx_control r = {.kind = MX_CONTROL_REQ,
		.cid = c->connection_id,
		.sn = s->seq,
		.want_ack = c->active ? c->active_ack : c->init_ack,
		.active = c->active,
		.padding = pad};
	size_t i = s->seq % PX_SOUNDING_OUTSTANDING;
	int n;

	if (!s->begun || is_done(s) || mams_time_before(now, due(s, s->sent)) ||
		px_sounding_is_over(s, now))
		return 0;
	r.padding_len = mx_control_padding(false, c->active ? c->active_size : c->init_size);
	mx_control_pad_put(s->rtt_us, pad, r.padding_len);
	n = mx_control_encode(&r, out, PX_SOUNDING_PDU_MAX);
	if (n <= 0)
		return 0;
	s->out[i].seq = s->seq;
	s->out[i].used = r.want_ack;
	s->out[i].at = now;
	s->seq++;
	s->sent++;
	return (size_t)n;
}

mams_time px_sounding_deadline(const struct px_sounding *s)
{
	mams_time end = s->until;

	if (s->begun && s->conf.active)
		end = mams_time_min(end, mams_time_add_ms(s->heard, SILENT_MS));
	return s->begun && !is_done(s) ? mams_time_min(end, due(s, s->sent)) : end;
}

bool px_sounding_is_over(const struct px_sounding *s, mams_time now)
{
	return !mams_time_before(now, s->until) ||
	       (s->begun && s->conf.active &&
		       !mams_time_before(now, mams_time_add_ms(s->heard, SILENT_MS)));
}

uint32_t px_sounding_rate(const struct px_sounding *s)
{
	return s->conf.active ? 0 : s->conf.init_rate;
}
