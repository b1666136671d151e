/* Client role, second phase: the converter's answer (RFC 8803 section 6).  With a cookie at hand
 * the application's first octets follow the Convert message without waiting; without one they wait,
 * since the converter may first hand out a cookie and ask us to come again (6.2.7). */
#include "proxy/apart.h"
#include "proxy/conn.h"
#include "proxy/pump.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/** Errors that say something about us or the converter, not about one server. */
static bool concerns_all(uint8_t code)
{
	return code == PX_CONVERT_NOT_AUTHORIZED || code == PX_CONVERT_NO_RESOURCES ||
	       code == PX_CONVERT_BAD_VERSION || code == PX_CONVERT_MISSING_COOKIE;
}

static void tell(struct px_worker *w, enum px_note_kind kind, const struct px_convert_msg *m)
{
	struct px_note note = {.kind = kind, .code = m->error_code};

	if (m->error_value.len > 0)
		note.value = m->error_value.data[0];
	if (kind == PX_NOTE_COOKIE) {
		note.n_cookie = (uint8_t)(m->error_value.len - 1);
		memcpy(note.cookie, m->error_value.data + 1, note.n_cookie);
	}
	if (!px_notes_put(w->notes, &note))
		px_inc(&w->counters.notes_dropped);
}

/** The client resets on an Error TLV (6.2.8); after "missing cookie" it comes again with the one it
 *  was given. */
static void error_received(struct px_worker *w, struct px_conn *c)
{
	const struct px_convert_msg *m = &c->setup->msg;
	struct px_octets cookie = {.data = m->error_value.data + 1};

	if (c->part.second) {
		px_apart_refused(w, c);
		return;
	}
	px_inc(&w->counters.peer_errors);
	if (m->error_code < MAMS_ARRAY_LEN(w->counters.received))
		px_inc(&w->counters.received[m->error_code]);
	if (m->error_code == PX_CONVERT_MISSING_COOKIE && m->error_value.len > 1) {
		cookie.len = m->error_value.len - 1;
		if (cookie.len <= PX_NOTE_COOKIE_MAX)
			tell(w, PX_NOTE_COOKIE, m);
		if (!c->setup->early && c->setup->cookie_tries == 0 &&
			cookie.len <= sizeof(c->setup->cookie)) {
			px_race_again(w, c, cookie);
			return;
		}
	} else if (concerns_all(m->error_code)) {
		tell(w, PX_NOTE_REFUSED, m);
	}
	px_conn_end(w, c, true);
}

static void answer_complete(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;

	if (s->msg.has_error) {
		error_received(w, c);
		return;
	}
	if (c->part.second) {
		px_apart_answered(w, c);
		return;
	}
	if (px_conn_keep(w, c, 1, s->in + s->msg.len, s->n_in - s->msg.len) != 0) {
		px_conn_end(w, c, true);
		return;
	}
	c->part.flow = px_convert_named(s->msg.ext_header);
	c->group = s->paths[s->winner].group;
	px_conn_relay(w, c);
	px_apart_ask(w, c);
}

/** The path swallowed or replaced the answer (section 8): do not use it first any more. */
static void answer_invalid(struct px_worker *w, struct px_conn *c)
{
	px_inc(&w->counters.peer_invalid);
	px_path_failed(&c->setup->paths[c->setup->winner], w->now);
	px_conn_end(w, c, true);
}

/** @return false when the phase is over */
static bool read_answer(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;

	while (c->leg[1].readable) {
		ssize_t n = recv(c->leg[1].fd, s->in + s->n_in, sizeof(s->in) - s->n_in, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			c->leg[1].readable = false;
			return true;
		}
		if (n <= 0) {
			px_inc(&w->counters.peer_gone);
			px_conn_end(w, c, true);
			return false;
		}
		s->n_in += (uint32_t)n;
		switch (px_convert_decode(PX_AT_CLIENT, s->in, s->n_in, &s->msg)) {
		case PX_CONVERT_MORE:
			break;
		case PX_CONVERT_OK:
			answer_complete(w, c);
			return false;
		case PX_CONVERT_ANSWER:
		case PX_CONVERT_FOREIGN:
		case PX_CONVERT_RESET:
			answer_invalid(w, c);
			return false;
		}
	}
	return true;
}

void px_confirm_run(struct px_worker *w, struct px_conn *c)
{
	if (!read_answer(w, c))
		return;
	if (c->leg[0].failed || c->leg[1].failed) {
		px_inc(c->leg[0].failed ? &w->counters.client_gone : &w->counters.peer_gone);
		px_conn_end(w, c, true);
		return;
	}
	if (!c->setup->early)
		return;
	if (px_flow_can_move(&c->flow, 0) && (!c->flow.dir[0].eof || c->held[0])) {
		switch (px_pump(w, c, 0)) {
		case PX_PUMP_MORE:
			px_conn_wake(w, c);
			break;
		case PX_PUMP_FAIL:
			px_conn_end(w, c, true);
			return;
		case PX_PUMP_WAIT:
		case PX_PUMP_END:
			break;
		}
	}
	(void)px_conn_settle(w, c);
}
