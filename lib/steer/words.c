#include "lib/steer/words.h"

#include <stdio.h>

static const char *reason_words(int r)
{
	switch ((enum steer_reason)r) {
	case STEER_R_CARRIES:
		return "carries";
	case STEER_R_STANDBY:
		return "stands by: it is good, but another goes first";
	case STEER_R_BATTERY:
		return "stands by: the client's battery is low, so one carries";
	case STEER_R_HARM_DELAY:
		return "left out: with its delay the set is worse than the best link alone";
	case STEER_R_HARM_LOSS:
		return "left out: with its loss the set is worse than the best link alone";
	case STEER_R_HARM_BLOAT:
		return "left out: its queue is full, the set is worse with it than without";
	case STEER_R_HARM_RATE:
		return "left out: with it TCP is slower than over the best link alone";
	case STEER_R_HARM_LITTLE:
		return "left out: it adds next to nothing to the best link, and TCP may wait for "
		       "it";
	case STEER_R_PROBATION:
		return "on probation: it has come back a moment ago";
	case STEER_R_NEAR:
		return "spared: its quota is nearly used up";
	case STEER_R_DELAY:
		return "not used: its delay is above the class's limit";
	case STEER_R_LOSS:
		return "not used: its loss is above the class's limit";
	case STEER_R_RATE:
		return "not used: its rate is below the class's limit";
	case STEER_R_CROWDED:
		return "not used: its cell is crowded";
	case STEER_R_SPENT:
		return "not used: its quota is used up";
	case STEER_R_FADING:
		return "being left: it fades, as the client or the network says";
	case STEER_R_MAINTENANCE:
		return "being left: maintenance";
	case STEER_R_DEAD:
		return "dead: it is up, but half of what it is given or more is lost";
	case STEER_R_NOT_READY:
		return "not there: down, not set up, or being left by the client";
	case STEER_REASONS:
		break;
	}
	return "?";
}

/* Figures that are not there are not named. */
static void put_figures(const struct steer_figures *f, struct mams_buf *out)
{
	if (!(f->has_rate || f->has_used || f->has_delay || f->has_jitter || f->has_loss)) {
		mams_buf_printf(out, "; nothing is known of its quality\n");
		return;
	}
	if (f->has_rate)
		mams_buf_printf(out, "; rate %.1f Mbit/s", f->rate_kbps / 1000.0);
	if (f->has_used)
		mams_buf_printf(out, "; carried %.1f Mbit/s", f->used_kbps / 1000.0);
	if (f->has_delay)
		mams_buf_printf(out, "; delay %.1f ms", f->delay_us / 1000.0);
	if (f->has_idle)
		mams_buf_printf(out, " (idle %.1f ms)", f->idle_us / 1000.0);
	if (f->has_jitter)
		mams_buf_printf(out, "; jitter %.1f ms", f->jitter_us / 1000.0);
	if (f->has_loss)
		mams_buf_printf(out, "; loss %.2f %%", f->loss_ppm / 10000.0);
	mams_buf_printf(out, "; %.1f s old%s\n", f->age_ms / 1000.0,
		f->age_ms > STEER_MAX_AGE_MS ? ", too old to count" : "");
}

static void put_way(const struct steer_record *r, bool down, struct mams_buf *out)
{
	mams_buf_printf(out, "  %s\n", down ? "downlink" : "uplink");
	for (size_t i = 0; i < r->decision.n_shares && i < r->input.n_links; i++) {
		const struct steer_link *l = &r->input.links[i];
		const struct steer_share *s = &r->decision.shares[i];
		const int why = down ? s->dl : s->ul;
		const bool on = down ? s->dl_on : s->ul_on;

		mams_buf_printf(out, "    %-10s %s", l->access, reason_words(why));
		if (on != (why == STEER_R_CARRIES))
			mams_buf_printf(out, on ? " (carries until then)" : " (not yet)");
		if (l->has_load && why == STEER_R_CROWDED)
			mams_buf_printf(out, "; load %u %%", l->load);
		if (l->has_quota)
			mams_buf_printf(out, "; %u of %u MB used", l->used_mb, l->quota_mb);
		put_figures(down ? &l->dl : &l->ul, out);
	}
}

static void put_outcome(const struct steer_record *r, struct mams_buf *out)
{
	const struct steer_decision *d = &r->decision;

	switch ((enum steer_what)d->what) {
	case STEER_KEEP:
		mams_buf_printf(out, "what is in force stays");
		break;
	case STEER_APPLY:
		mams_buf_printf(out,
			d->forced ? "changed at once: a link that carried is lost" : "changed");
		break;
	case STEER_WAIT:
		mams_buf_printf(out, "wants to change, and has not");
		break;
	}
	if (d->wait_ms)
		mams_buf_printf(out,
			"; the dwell time of %.0f s lets it do the rest %.1f s later, if it still "
			"wants to then",
			r->policy.dwell_ms / 1000.0, d->wait_ms / 1000.0);
	mams_buf_printf(out, "\n");
}

void steer_words(const struct steer_record *r, uint64_t ago_ms, struct mams_buf *out)
{
	mams_buf_printf(out, "%s: %s%s%s, anchor %s, decided %.0f s ago: ", r->policy.name,
		mams_enum_str(steer_mode_names, r->policy.mode),
		r->policy.application ? " for application " : "",
		r->policy.application ? r->policy.application : "", r->by, (double)ago_ms / 1000.0);
	put_outcome(r, out);
	if (r->input.has_battery && r->policy.battery_low)
		mams_buf_printf(out, "  battery %u %%, low at %u %%\n", r->input.battery,
			r->policy.battery_low);
	put_way(r, true, out);
	put_way(r, false, out);
}
