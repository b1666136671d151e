#include "ccm-agent/fade.h"

#include <string.h>

#define TREND_LEAST 4u /* samples; with fewer a slope is chance */

static void drop_first(struct ccm_fade *f, size_t n)
{
	memmove(f->sample, f->sample + n, (f->n - n) * sizeof(f->sample[0]));
	f->n -= n;
}

static void drop_old(struct ccm_fade *f, mams_time now)
{
	size_t n = 0;

	while (n < f->n &&
		mams_time_before(mams_time_add_ms(f->sample[n].at, CCM_FADE_OLD_MS), now))
		n++;
	drop_first(f, n);
}

/* The middle one of the last three; of two the better one. */
static int level(const struct ccm_fade *f)
{
	const int c = f->sample[f->n - 1].dbm;
	const int b = f->n > 1 ? f->sample[f->n - 2].dbm : c;
	const int a = f->n > 2 ? f->sample[f->n - 3].dbm : b > c ? b : c;
	const int most = b > c ? b : c;
	const int least = b > c ? c : b;

	return a > most ? most : a < least ? least : a;
}

/* dB a second, by least squares; 0: too little is known. */
static double slope(const struct ccm_fade *f)
{
	double t = 0, y = 0, tt = 0, ty = 0;

	if (f->n < TREND_LEAST)
		return 0;
	for (size_t i = 0; i < f->n; i++) {
		t += (double)(f->sample[i].at.us - f->sample[0].at.us) / 1e6 / (double)f->n;
		y += f->sample[i].dbm / (double)f->n;
	}
	for (size_t i = 0; i < f->n; i++) {
		const double dt = (double)(f->sample[i].at.us - f->sample[0].at.us) / 1e6 - t;

		tt += dt * dt;
		ty += dt * (f->sample[i].dbm - y);
	}
	return tt > 0 ? ty / tt : 0;
}

static bool is_going(const struct ccm_fade *f, const struct ccm_fade_conf *conf)
{
	const double fall = slope(f);

	return level(f) <= conf->low ||
	       (fall <= -CCM_FADE_STEEP_DB_S &&
		       level(f) + fall * conf->ahead_ms / 1000 <= conf->low);
}

bool ccm_fade_put(struct ccm_fade *f, const struct ccm_fade_conf *conf, int dbm, mams_time now)
{
	const bool was = f->on;
	bool good;

	if (conf->low == 0)
		return false;
	drop_old(f, now);
	if (f->n == CCM_FADE_SAMPLES)
		drop_first(f, 1);
	f->sample[f->n].at = now;
	f->sample[f->n++].dbm = dbm;
	if (!f->on && is_going(f, conf)) {
		f->on = true;
		f->good = false;
	}
	good = f->on && level(f) >= conf->good && !is_going(f, conf);
	if (good && !f->good)
		f->good_since = now;
	f->good = good;
	(void)ccm_fade_tick(f, now);
	return f->on != was;
}

mams_time ccm_fade_deadline(const struct ccm_fade *f)
{
	if (!f->on)
		return MAMS_TIME_NEVER;
	if (f->good)
		return mams_time_add_ms(f->good_since, CCM_FADE_BACK_MS);
	return mams_time_add_ms(f->sample[f->n - 1].at, CCM_FADE_DEAF_MS);
}

bool ccm_fade_tick(struct ccm_fade *f, mams_time now)
{
	if (mams_time_before(now, ccm_fade_deadline(f)))
		return false;
	f->on = false;
	return true;
}
