#include "tools/mamsctl/watch_view.h"
#include "tools/mamsctl/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define FRESH_MS 3000u /* N-MADP instances tell once a second what links with traffic carry */
#define NAME_LEN 24u
#define TEXT_WIDTH 79u /* of a link's line without sparklines */
#define POINTS_MIN 8u
#define RED "\033[31m"
#define PLAIN "\033[0m"

struct key {
	uint64_t session_id;
	uint64_t connection_id;
};

struct series {
	struct key key;
	uint32_t dl[WATCH_POINTS], ul[WATCH_POINTS]; /* kbit/s, ring */
	size_t n;                                    /* taken so far */
	bool told;
	UT_hash_handle hh;
};

struct watch_history {
	struct series *series;
};

struct watch_history *watch_history_new(void)
{
	return calloc(1, sizeof(struct watch_history));
}

static void forget(struct watch_history *h, bool all)
{
	struct series *x;
	struct series *next;

	HASH_ITER(hh, h->series, x, next)
	{
		if (x->told && !all)
			continue;
		HASH_DEL(h->series, x);
		free(x);
	}
}

void watch_history_free(struct watch_history *h)
{
	if (h)
		forget(h, true);
	free(h);
}

static struct series *find(
	const struct watch_history *h, const struct ctl_session_status *s, uint8_t connection_id)
{
	const struct key key = {s->session_id, connection_id};
	struct series *x;

	HASH_FIND(hh, h->series, &key, sizeof(key), x);
	return x;
}

static uint32_t used(const struct ctl_way_status *w)
{
	return w && w->age_ms < FRESH_MS ? w->used_kbps : 0;
}

static void take_link(struct watch_history *h, const struct ctl_session_status *s,
	const struct ctl_link_status *l)
{
	struct series *x = find(h, s, l->connection_id);

	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return; /* a line without its past */
		x->key = (struct key){s->session_id, l->connection_id};
		HASH_ADD(hh, h->series, key, sizeof(x->key), x);
	}
	x->told = true;
	x->dl[x->n % WATCH_POINTS] = used(l->dl_quality);
	x->ul[x->n++ % WATCH_POINTS] = used(l->ul_quality);
}

void watch_take(struct watch_history *h, const struct ctl_ncm_status *s)
{
	for (struct series *x = h->series; x; x = x->hh.next)
		x->told = false;
	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_links; k++)
			take_link(h, &s->sessions[i], &s->sessions[i].links[k]);
	forget(h, false);
}

/* ---- the picture ---- */

/* Names come from peers: nothing of them steers the terminal. */
static const char *clean(const char *text, char out[NAME_LEN])
{
	size_t n = 0;

	for (; text && *text && n + 1 < NAME_LEN; text++)
		out[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
	out[n] = '\0';
	return n > 0 ? out : "-";
}

static void put_rate(struct mams_buf *out, uint32_t kbps)
{
	char text[TBL_UNIT_LEN];

	if (kbps >= 1000)
		snprintf(text, sizeof(text), "%.1f Mbit/s", kbps / 1000.0);
	else
		snprintf(text, sizeof(text), "%" PRIu32 " kbit/s", kbps);
	mams_buf_printf(out, "%13s", text);
}

/* How many points of a sparkline there is room for: a line has two. */
static size_t points_of(const struct watch_screen *screen)
{
	const size_t n = screen->width > TEXT_WIDTH + 2 ? (screen->width - TEXT_WIDTH - 2) / 2 : 0;

	return n > WATCH_POINTS ? WATCH_POINTS : n < POINTS_MIN ? 0 : n;
}

static void put_spark(struct mams_buf *out, const uint32_t *ring, size_t taken, size_t points)
{
	static const char *const marks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	const size_t n = taken < points ? taken : points;
	uint32_t top = 1;

	for (size_t i = taken - n; i < taken; i++)
		top = ring[i % WATCH_POINTS] > top ? ring[i % WATCH_POINTS] : top;
	mams_buf_printf(out, "%*s", (int)(points ? points - n + 1 : 0), "");
	for (size_t i = taken - n; i < taken; i++)
		mams_buf_printf(out, "%s", marks[(uint64_t)ring[i % WATCH_POINTS] * 7 / top]);
}

static const char *carries(const struct ctl_link_status *l)
{
	if (!l->up || !l->admitted)
		return "-";
	if (l->dl && l->ul)
		return "dl ul";
	return l->dl ? "dl" : l->ul ? "ul" : "backup";
}

static void put_link(const struct watch_history *h, const struct ctl_session_status *s,
	const struct ctl_link_status *l, const struct watch_screen *screen, struct mams_buf *out)
{
	const struct series *x = find(h, s, l->connection_id);
	const bool red = screen->colour && (!l->up || !l->admitted);
	char client[NAME_LEN];
	char name[NAME_LEN];

	mams_buf_printf(out, "%s%-23s %-10.10s %-10s %-7s%s", red ? RED : "",
		clean(s->client, client), clean(l->name, name),
		!l->up         ? "down"
		: !l->admitted ? "not set up"
			       : "up",
		carries(l), red ? PLAIN : "");
	put_rate(out, used(l->dl_quality));
	if (x)
		put_spark(out, x->dl, x->n, points_of(screen));
	put_rate(out, used(l->ul_quality));
	if (x)
		put_spark(out, x->ul, x->n, points_of(screen));
	mams_buf_add(out, "\n", 1);
}

static size_t put_head(
	const struct ctl_ncm_status *s, const struct watch_screen *screen, struct mams_buf *out)
{
	const int points = (int)points_of(screen);
	const bool colour = screen->colour;
	char text[TBL_UNIT_LEN];
	char name[NAME_LEN];
	size_t lines = 3;

	mams_buf_printf(out, "mams-ncm %s, up %s   sessions %" PRIu32 ", with something wrong ",
		clean(s->version, name), tbl_duration_str(s->uptime_ms, text), s->sessions_total);
	mams_buf_printf(out, "%s%" PRIu32 "%s\n", colour && s->sessions_troubled ? RED : "",
		s->sessions_troubled, colour && s->sessions_troubled ? PLAIN : "");
	for (size_t i = 0; i < s->n_madps; i++, lines++) {
		const struct ctl_madp_status *m = &s->madps[i];

		mams_buf_printf(out, "%sN-MADP %s: %s%s", colour && !m->proxy_up ? RED : "",
			clean(m->name, name), m->drained ? "drained, " : "", m->state);
		mams_buf_printf(out, ", %" PRIu64 " anchor connections%s\n", m->used,
			colour && !m->proxy_up ? PLAIN : "");
	}
	for (size_t i = 0; i < s->n_accesses; i++, lines++) {
		const struct ctl_access_status *a = &s->accesses[i];

		mams_buf_printf(out, "access %-16s %6" PRIu32 " up %6" PRIu32 " down   downlink ",
			clean(a->name, name), a->up, a->down);
		put_rate(out, a->dl_kbps);
		mams_buf_printf(out, "   uplink ");
		put_rate(out, a->ul_kbps);
		mams_buf_add(out, "\n", 1);
	}
	mams_buf_printf(out, "\n%-23s %-10s %-10s %-7s%13s%*s%13s\n", "CLIENT", "LINK", "STATE",
		"CARRIES", "DOWNLINK", points ? points + 1 : 0, "", "UPLINK");
	return lines;
}

void watch_print(const struct watch_history *h, const struct ctl_ncm_status *s,
	const struct watch_screen *screen, struct mams_buf *out)
{
	size_t lines = put_head(s, screen, out);

	for (size_t i = 0; i < s->n_sessions; i++)
		for (size_t k = 0; k < s->sessions[i].n_links && lines < screen->height;
			k++, lines++)
			put_link(h, &s->sessions[i], &s->sessions[i].links[k], screen, out);
}
