/* What speaks against a link.  Each limit is two: the one that takes a link out, and a stricter one
 * that lets it in again; which one counts is said by the mark that the link had. */
#include "lib/steer/steer.h"

#include <math.h>

enum steer_tier steer_tier_of(enum steer_reason r)
{
	switch (r) {
	case STEER_R_CARRIES:
	case STEER_R_STANDBY:
	case STEER_R_BATTERY:
	case STEER_R_HARM_DELAY:
	case STEER_R_HARM_LOSS:
	case STEER_R_HARM_BLOAT:
	case STEER_R_HARM_RATE:
	case STEER_R_HARM_LITTLE:
		return STEER_T_GOOD;
	case STEER_R_PROBATION:
		return STEER_T_NEW;
	case STEER_R_NEAR:
		return STEER_T_SPARED;
	case STEER_R_DELAY:
	case STEER_R_LOSS:
	case STEER_R_RATE:
	case STEER_R_CROWDED:
	case STEER_R_SPENT:
		return STEER_T_POOR;
	case STEER_R_FADING:
	case STEER_R_MAINTENANCE:
	case STEER_R_DEAD:
		return STEER_T_GOING;
	case STEER_R_NOT_READY:
	case STEER_REASONS:
		break;
	}
	return STEER_T_NONE;
}

bool steer_is_harm(int reason)
{
	return reason == STEER_R_HARM_DELAY || reason == STEER_R_HARM_LOSS ||
	       reason == STEER_R_HARM_BLOAT || reason == STEER_R_HARM_RATE ||
	       reason == STEER_R_HARM_LITTLE;
}

bool steer_mark_holds(const struct steer_mark *m)
{
	const uint32_t tries = m->tries < STEER_TRIES_MAX ? m->tries : STEER_TRIES_MAX;

	return m->ms < (steer_is_harm(m->why) ? STEER_RETRY_MS << tries : STEER_RETRY_MS);
}

/* Nothing new is known: the objection stands, but not for ever. */
static bool still(const struct steer_view *v, enum steer_reason r)
{
	return v->was.why == (int)r && steer_mark_holds(&v->was);
}

/* @param good  0: three quarters of max */
static bool above(const struct steer_view *v, enum steer_reason r, bool has, uint64_t value,
	uint64_t max, uint64_t good)
{
	if (max == 0)
		return false;
	if (!has)
		return still(v, r);
	if (v->was.why == (int)r)
		return value > (good ? good : max * 3 / 4);
	return value > max;
}

static bool is_slow(const struct steer_class *c, const struct steer_view *v)
{
	if (c->rate_min_kbps == 0)
		return false;
	if (!v->f.has_rate)
		return still(v, STEER_R_RATE);
	if (v->was.why == STEER_R_RATE)
		return v->f.rate_kbps < (c->rate_good_kbps ? c->rate_good_kbps : c->rate_min_kbps);
	return v->f.rate_kbps < c->rate_min_kbps;
}

static bool is_crowded(const struct steer_input *in, const struct steer_view *v)
{
	const uint32_t enter = STEER_CROWDED + in->spread * (100 - STEER_CROWDED) / 256;

	if (!v->link->has_load)
		return false;
	return v->link->load >= (v->was.why == STEER_R_CROWDED ? enter - STEER_CROWDED_GAP : enter);
}

static enum steer_reason objection(
	const struct steer_class *c, const struct steer_input *in, const struct steer_view *v)
{
	if (above(v, STEER_R_DEAD, v->f.has_loss, v->f.loss_ppm, STEER_DEAD_PPM - 1, 0))
		return STEER_R_DEAD;
	if (above(v, STEER_R_DELAY, v->f.has_delay, v->f.delay_us, c->delay_max_ms * UINT64_C(1000),
		    c->delay_good_ms * UINT64_C(1000)))
		return STEER_R_DELAY;
	if (above(v, STEER_R_LOSS, v->f.has_loss, v->f.loss_ppm, c->loss_max_ppm, c->loss_good_ppm))
		return STEER_R_LOSS;
	if (is_slow(c, v))
		return STEER_R_RATE;
	return is_crowded(in, v) ? STEER_R_CROWDED : STEER_R_CARRIES;
}

/* Who uses a link that others use, too, leaves it in his turn: by then it may be good again. Nobody
 * comes.  A crowd that is told of is still good for a while, other figures are not. */
static bool waits_his_turn(
	const struct steer_class *c, const struct steer_input *in, const struct steer_view *v)
{
	const uint64_t last =
		v->mark.why == STEER_R_CROWDED ? c->dwell_ms : c->dwell_ms / STEER_TURN_PART;

	return v->on && v->mark.ms < in->spread * last / 256;
}

/* It has come back a moment ago.  Where something runs over it already, what that loses is known in
 * a moment, and is better known before it is tried.  One that was tried and harmed is no new one.
 */
static bool is_new(const struct steer_class *c, const struct steer_view *v)
{
	const bool tells = v->f.has_used && v->f.used_kbps > 0 && !v->f.has_loss;

	return !v->on && !steer_is_harm(v->was.why) &&
	       (v->link->ready_ms < c->probation_ms ||
		       (tells && v->link->ready_ms < STEER_KNOWN_MS));
}

void steer_judge(const struct steer_class *c, const struct steer_input *in, struct steer_view *v)
{
	const struct steer_link *l = v->link;
	const enum steer_reason why = objection(c, in, v);

	v->mark =
		(struct steer_mark){.why = (int)why, .ms = v->was.why == (int)why ? v->was.ms : 0};
	if (!l->ready)
		v->why = STEER_R_NOT_READY;
	else if (why == STEER_R_DEAD)
		v->why = STEER_R_DEAD;
	else if (l->maintenance)
		v->why = STEER_R_MAINTENANCE;
	else if (l->fading)
		v->why = STEER_R_FADING;
	else if (l->spent || (l->has_quota && l->used_mb >= l->quota_mb))
		v->why = STEER_R_SPENT;
	else if (why != STEER_R_CARRIES && !waits_his_turn(c, in, v))
		v->why = why;
	else if (l->has_quota && l->used_mb >= l->near_mb)
		v->why = STEER_R_NEAR;
	else if (is_new(c, v))
		v->why = STEER_R_PROBATION;
	else
		v->why = STEER_R_STANDBY;
}

/* It is full: it carries what it can, and what it once could is over. */
static bool has_queue(const struct steer_figures *f, uint32_t us)
{
	return f->has_delay && f->has_idle && f->delay_us > f->idle_us + us;
}

static uint64_t rate_now(const struct steer_figures *f)
{
	const bool full =
		has_queue(f, STEER_HARM_BLOAT_US / 2) && f->has_used && f->age_ms <= STEER_USED_MS;

	return full && f->used_kbps < f->rate_kbps ? f->used_kbps : f->rate_kbps;
}

static bool slower(const struct steer_figures *a, const struct steer_figures *best, uint32_t part)
{
	return a->has_rate && best->has_rate && rate_now(a) * part < best->rate_kbps;
}

/* Who tells nothing while the other does carries nothing any more, whatever his last figures are.
 */
static bool is_told(const struct steer_view *best, const struct steer_view *v)
{
	return best->f.age_ms <= v->f.age_ms + STEER_TOLD_MS;
}

static uint64_t late(const struct steer_figures *f)
{
	return (uint64_t)f->delay_us + (f->has_jitter ? f->jitter_us : 0);
}

/* Its queue is is_bloated()'s, who asks whether it is worth that. */
static uint64_t unloaded(const struct steer_figures *f)
{
	return f->has_idle && f->idle_us < f->delay_us ? f->idle_us : f->delay_us;
}

static bool is_far(
	const struct steer_class *c, const struct steer_view *v, const struct steer_view *best)
{
	const bool has = v->f.has_delay && best->f.has_delay;
	uint64_t value = unloaded(&v->f);
	/* with its own queue in it only where the other's is, too */
	uint64_t of_best = !has                             ? 0
			   : c->call_like || !v->f.has_idle ? best->f.delay_us
							    : unloaded(&best->f);
	uint64_t max = of_best + STEER_HARM_FAR_US;

	if (c->call_like) {
		max = late(&best->f) + STEER_HARM_CALL_US;
		value = late(&v->f);
	} else if (slower(&v->f, &best->f, STEER_HARM_RATE_PART)) {
		max = of_best * STEER_HARM_DELAY_TIMES + STEER_HARM_DELAY_MIN_US;
		max = max < of_best + STEER_HARM_FAR_US ? max : of_best + STEER_HARM_FAR_US;
	}
	/* in again only with a good part of the difference gone */
	return above(v, STEER_R_HARM_DELAY, has, value, max, max - (max - of_best) / 4);
}

/* The best one has to stop when a connection's buffers are full of what it carried while an octet
 * was under way over the other, and the acknowledgement back. */
static bool outruns(const struct steer_view *v, const struct steer_view *best)
{
	const bool has = v->f.has_delay && best->f.has_delay && best->f.has_rate;
	const uint64_t far = unloaded(&v->f);
	const uint64_t near = unloaded(&best->f);
	const uint64_t octets = has && far > near ? best->f.rate_kbps * (far - near) * 2 / 8000 : 0;

	/* of a queue alone nobody knows how far it is */
	return v->f.has_idle && above(v, STEER_R_HARM_DELAY, has, octets, STEER_HARM_OCTETS, 0);
}

static bool is_bloated(const struct steer_view *v, const struct steer_view *best, uint32_t part)
{
	const bool has = v->f.has_delay && v->f.has_idle;
	const uint32_t queue =
		has && v->f.delay_us > v->f.idle_us ? v->f.delay_us - v->f.idle_us : 0;

	/* a queue is seen under load only */
	if (!v->on && v->was.why == STEER_R_HARM_BLOAT)
		return still(v, STEER_R_HARM_BLOAT);
	/* Who brings a good part of what the best does is worth waiting for: TCP fills any queue.
	 * Where one connection goes over all, only who brings more. */
	if (v->f.has_rate && best->f.has_rate &&
		(!slower(&v->f, &best->f, part) || !is_told(best, v)))
		return false;
	return above(v, STEER_R_HARM_BLOAT, has, queue, STEER_HARM_BLOAT_US, 0);
}

/* TCP fills a link until it loses, and how much a link can carry is known only after a while.  Of a
 * slow one its queue tells. */
static bool is_own_doing(
	const struct steer_class *c, const struct steer_view *v, const struct steer_view *best)
{
	const uint32_t used = v->f.has_used ? v->f.used_kbps : 0;

	return !c->call_like && used > 0 &&
	       (has_queue(&v->f, STEER_FILLED_US) ||
		       !slower(&v->f, &best->f, STEER_HARM_RATE_PART));
}

/* Squares, as the law has a root in it.  @param loss_ppm  of all that the connection sends */
static double held_to(double delay_us, double loss_ppm)
{
	/* kbit/s by us and ppm: bit / (2 us sqrt(ppm)) * 1e6 * 1e3 / 1e3 */
	const double bits = STEER_TCP_BITS * 1e6 / 2;

	return loss_ppm > 0 && delay_us > 0 ? bits * bits / (delay_us * delay_us * loss_ppm)
					    : HUGE_VAL;
}

double steer_alone(const struct steer_view *v)
{
	const double rate = v->f.has_rate ? v->f.rate_kbps : HUGE_VAL;
	const double used = v->f.has_used ? v->f.used_kbps : 0;
	const double held =
		v->f.has_loss && v->f.has_delay ? held_to(v->f.delay_us, v->f.loss_ppm) : HUGE_VAL;

	/* TCP that fills a link loses in bursts, which cost it less than the law says */
	if (used * used > held)
		return used * used;
	return held < rate * rate ? held : rate * rate;
}

static bool holds_back(const struct steer_view *v, const struct steer_view *best)
{
	const double used = v->f.has_used ? v->f.used_kbps : 0;
	const double both = used + (best->f.has_used ? best->f.used_kbps : 0);
	const double alone = steer_alone(best);
	double held;

	/* so little loss is seen by a link that carries only */
	if (!v->on && v->was.why == STEER_R_HARM_RATE)
		return still(v, STEER_R_HARM_RATE);
	if (!v->f.has_loss || !v->f.has_delay || !best->f.has_delay || !best->f.has_rate ||
		used * v->f.loss_ppm < STEER_HARM_SEEN)
		return false;
	held = held_to(v->f.delay_us > best->f.delay_us ? v->f.delay_us : best->f.delay_us,
		v->f.loss_ppm * used / both);
	return held < alone && both * both < alone;
}

bool steer_is_lossy(const struct steer_view *v, const struct steer_view *other)
{
	const uint64_t less = other->f.has_loss ? other->f.loss_ppm : 0;

	if (!v->f.has_delay || !other->f.has_delay ||
		other->f.delay_us > (uint64_t)v->f.delay_us + STEER_HARM_CALL_US)
		return false;
	return above(v, STEER_R_HARM_LOSS, v->f.has_loss, v->f.loss_ppm, less + STEER_LOSSY_PPM,
		less + STEER_LOSSY_PPM / 2);
}

/* TCP that fills a link until it loses has filled its queue, too.  What loses with an empty one,
 * and so brings little, stops the others each time that it must repeat by time-out. */
static bool loses_by_itself(const struct steer_view *v, const struct steer_view *best)
{
	const double used = v->f.has_used ? v->f.used_kbps : 0;
	const double rate = best->f.has_rate ? best->f.rate_kbps : 0;

	return v->f.has_delay && v->f.has_idle &&
	       v->f.delay_us < (uint64_t)v->f.idle_us + STEER_EMPTY_US && v->f.has_loss &&
	       used * v->f.loss_ppm >= STEER_HARM_SEEN &&
	       steer_alone(v) * STEER_LITTLE_PART * STEER_LITTLE_PART < rate * rate;
}

/* TCP fills a link.  Where several carry far less than the best one could, and more is wanted, for
 * else its rate would not be known, each waits for what the slowest has been given. */
static bool slows_down(const struct steer_view *v, const struct steer_view *best)
{
	const uint64_t used = v->f.has_used ? v->f.used_kbps : 0;
	const uint64_t both = used + (best->f.has_used ? best->f.used_kbps : 0);
	const uint64_t alone = best->f.has_rate ? best->f.rate_kbps : 0;

	if (!v->on && v->was.why == STEER_R_HARM_RATE)
		return still(v, STEER_R_HARM_RATE);
	return used > 0 && is_told(best, v) && slower(&v->f, &best->f, STEER_LITTLE_PART) &&
	       both * 100 < alone * STEER_SLOWED_PERCENT &&
	       both - used > alone / STEER_WANTED_PART &&
	       !has_queue(&best->f, STEER_SLOWED_QUEUE_US);
}

/* Of a link that carries, or did. */
static bool adds_nothing(const struct steer_view *v, const struct steer_view *best)
{
	if (v->was.why == STEER_R_HARM_LITTLE)
		return v->f.has_rate && best->f.has_rate ? slower(&v->f, &best->f, STEER_WORTH_PART)
							 : still(v, STEER_R_HARM_LITTLE);
	return v->on && is_told(best, v) && slower(&v->f, &best->f, STEER_LITTLE_WORTH_PART);
}

enum steer_reason steer_harm(const struct steer_class *c, bool tunnel, const struct steer_view *v,
	const struct steer_view *best)
{
	const uint64_t of_best = best->f.has_loss ? best->f.loss_ppm : 0;

	if (!tunnel && !c->call_like && loses_by_itself(v, best) && v->f.loss_ppm > STEER_LOSSY_PPM)
		return STEER_R_HARM_LOSS;
	if ((tunnel || !is_own_doing(c, v, best)) &&
		above(v, STEER_R_HARM_LOSS, v->f.has_loss, v->f.loss_ppm,
			of_best + STEER_HARM_LOSS_PPM, of_best + STEER_HARM_LOSS_PPM * 3 / 4))
		return STEER_R_HARM_LOSS;
	if (!c->call_like && (tunnel ? holds_back(v, best) : slows_down(v, best)))
		return STEER_R_HARM_RATE;
	if (is_far(c, v, best) || (!tunnel && !c->call_like && outruns(v, best)))
		return STEER_R_HARM_DELAY;
	if (is_bloated(v, best, tunnel || c->call_like ? 1 : STEER_LITTLE_PART))
		return STEER_R_HARM_BLOAT;
	return !tunnel && !c->call_like && adds_nothing(v, best) ? STEER_R_HARM_LITTLE
								 : STEER_R_CARRIES;
}
