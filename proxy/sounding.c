#include "proxy/sounding.h"

#define OPENING_MS 15000 /* for the client's first Keep-Alive */
#define WORD_MS 400      /* after a test, and once more */
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

static void learn_rtt(struct px_sounding *s, uint32_t us)
{
	if (s->conf.active) {
		s->rtt_us = s->rtt_us ? (uint32_t)((7 * (uint64_t)s->rtt_us + us) / 8) : us;
		return;
	}
	s->rtt_sum_us += us;
	s->rtt_us = (uint32_t)(s->rtt_sum_us / ++s->n_rtt);
}

static int64_t gap_us(const struct px_sounding_conf *c)
{
	return (int64_t)c->init_size * 8 / c->init_rate;
}

/* Of a test more are under way than moments can be kept: each so many-th is, and the rest lie
 * evenly between them. */
static uint32_t per_mark(const struct px_sounding *s)
{
	return s->conf.active ? 1 : (s->total + PX_SOUNDING_MARKS - 1) / PX_SOUNDING_MARKS;
}

static mams_time sent_at(const struct px_sounding *s, uint32_t n)
{
	const uint32_t k = per_mark(s);

	return mams_time_us(s->at[n / k % PX_SOUNDING_MARKS].us + n % k * gap_us(&s->conf));
}

/* @return false: it was answered already, or is too old to know */
static bool is_first(struct px_sounding *s, uint32_t n)
{
	if (n >= s->top) {
		s->seen = n + 1 - s->top < 64 ? s->seen << (n + 1 - s->top) | 1 : 1;
		s->top = n + 1;
		return true;
	}
	if (s->top - 1 - n >= 64 || s->seen >> (s->top - 1 - n) & 1)
		return false;
	s->seen |= UINT64_C(1) << (s->top - 1 - n);
	return true;
}

static bool take_answer(struct px_sounding *s, uint16_t seq, mams_time now)
{
	const uint32_t behind = (uint16_t)(s->seq - s->words - 1 - seq);
	uint32_t n = s->sent - 1 - behind;
	int64_t us;

	if (behind >= s->sent || (s->conf.active && behind >= PX_SOUNDING_MARKS) ||
		!(s->conf.active ? s->conf.active_ack : s->conf.init_ack) || !is_first(s, n))
		return false;
	us = now.us - sent_at(s, n).us;
	s->answered++;
	if (us >= 0 && us < UINT32_MAX)
		learn_rtt(s, (uint32_t)us);
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
	return (mams_time){s->begin.us + n * gap_us(c)};
}

static bool is_done(const struct px_sounding *s)
{
	return s->total > 0 && s->sent >= s->total;
}

/* When a last word is due; the client judges a second after the test. */
static mams_time word_due(const struct px_sounding *s)
{
	if (!is_done(s) || s->conf.active || !s->conf.init_ack || s->words == PX_SOUNDING_WORDS)
		return MAMS_TIME_NEVER;
	return mams_time_add_ms(s->begin, s->conf.init_ms + (s->words + 1) * WORD_MS);
}

static size_t last_word(struct px_sounding *s, uint8_t *out)
{
	uint8_t pad[PX_SOUNDING_WORD];
	struct mx_control r = {.kind = MX_CONTROL_REQ,
		.cid = s->conf.connection_id,
		.sn = s->seq++,
		.padding = pad,
		.padding_len = mx_control_padding(false, PX_SOUNDING_WORD)};
	int n;

	s->words++;
	mx_control_pad_put(s->rtt_us, pad, r.padding_len);
	n = mx_control_encode(&r, out, PX_SOUNDING_PDU_MAX);
	return n > 0 ? (size_t)n : 0;
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
	int n;

	if (s->begun && !mams_time_before(now, word_due(s)) && !px_sounding_is_over(s, now))
		return last_word(s, out);
	if (!s->begun || is_done(s) || mams_time_before(now, due(s, s->sent)) ||
		px_sounding_is_over(s, now))
		return 0;
	r.padding_len = mx_control_padding(false, c->active ? c->active_size : c->init_size);
	mx_control_pad_put(s->rtt_us, pad, r.padding_len);
	n = mx_control_encode(&r, out, PX_SOUNDING_PDU_MAX);
	if (n <= 0)
		return 0;
	if (s->sent % per_mark(s) == 0)
		s->at[s->sent / per_mark(s) % PX_SOUNDING_MARKS] = now;
	s->seq++;
	s->sent++;
	return (size_t)n;
}

mams_time px_sounding_deadline(const struct px_sounding *s)
{
	mams_time end = s->until;

	if (s->begun && s->conf.active)
		end = mams_time_min(end, mams_time_add_ms(s->heard, SILENT_MS));
	if (!s->begun)
		return end;
	return mams_time_min(end, is_done(s) ? word_due(s) : due(s, s->sent));
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
