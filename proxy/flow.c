#include "proxy/flow.h"

void px_flow_init(struct px_flow *f, enum px_phase phase, mams_time now)
{
	*f = (struct px_flow){
		.phase = phase, .broken = -1, .last = now, .broken_at = MAMS_TIME_NEVER};
}

void px_flow_moved(struct px_flow *f, int dir, uint64_t octets, mams_time now)
{
	f->dir[dir].octets += octets;
	f->last = now;
}

void px_flow_held(struct px_flow *f, int dir, bool held)
{
	f->dir[dir].held = held;
}

void px_flow_eof(struct px_flow *f, int dir)
{
	f->dir[dir].eof = true;
	if (f->broken == dir)
		f->drained = true;
}

bool px_flow_turn(struct px_flow *f, uint64_t octets)
{
	f->uplink = PX_UPLINK_TURNING;
	f->turn = octets;
	return f->dir[0].octets <= octets;
}

enum px_end px_flow_end(const struct px_flow *f, int dir)
{
	if (dir == 0 && f->uplink == PX_UPLINK_ASKED)
		return PX_END_WAIT;
	return dir == 0 && f->uplink == PX_UPLINK_TURNING ? PX_END_SHORT : PX_END_FLOW;
}

void px_flow_broken(struct px_flow *f, int leg, mams_time now)
{
	if (f->broken >= 0)
		return;
	f->broken = leg;
	f->broken_at = now;
	f->drained = f->dir[leg].eof;
	f->dir[!leg].held = false;
}

void px_flow_drained(struct px_flow *f)
{
	f->drained = true;
}

void px_flow_flushed(struct px_flow *f)
{
	f->flushed = true;
}

bool px_flow_can_move(const struct px_flow *f, int dir)
{
	if (f->phase == PX_PHASE_OVER || f->expired || f->dir[dir].shut)
		return false;
	return f->broken < 0 || f->broken == dir;
}

static enum px_act end(struct px_flow *f, enum px_act act)
{
	f->phase = PX_PHASE_OVER;
	return act;
}

enum px_act px_flow_next(struct px_flow *f)
{
	if (f->phase == PX_PHASE_OVER)
		return PX_ACT_NONE;
	if (f->expired)
		return end(f, PX_ACT_ABORT);
	if (f->broken >= 0) {
		if (!f->drained || f->dir[f->broken].held)
			return PX_ACT_NONE;
		return f->flushed ? end(f, PX_ACT_ABORT) : PX_ACT_FLUSH;
	}
	for (int d = 0; d < 2; d++) {
		struct px_dir *dir = &f->dir[d];

		if (dir->eof && !dir->held && !dir->shut) {
			dir->shut = true;
			if (f->dir[!d].shut)
				break; /* the close sends this end */
			return d == 0 ? PX_ACT_SHUT_1 : PX_ACT_SHUT_0;
		}
	}
	if (f->dir[0].shut && f->dir[1].shut)
		return end(f, PX_ACT_CLOSE);
	return PX_ACT_NONE;
}

mams_time px_flow_deadline(const struct px_flow *f, const struct px_flow_limits *lim)
{
	if (f->phase == PX_PHASE_OVER || f->expired)
		return MAMS_TIME_NEVER;
	if (f->broken >= 0)
		return mams_time_add_ms(f->broken_at, lim->flush_ms);
	if (f->dir[0].eof || f->dir[1].eof)
		return mams_time_add_ms(f->last, lim->half_closed_ms);
	return mams_time_add_ms(f->last, lim->idle_ms);
}

bool px_flow_tick(struct px_flow *f, const struct px_flow_limits *lim, mams_time now)
{
	if (mams_time_before(now, px_flow_deadline(f, lim)))
		return false;
	if (f->broken < 0)
		px_flow_broken(f, 0, now);
	f->expired = true;
	return true;
}
