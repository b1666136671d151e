#include "proxy/room.h"

#include "proxy/conn.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

/* as setsockopt() takes it; the kernel doubles it for what packets cost beside their octets */
#define ROOM (4 << 20)
#define ROOM_MOST (4 * ROOM)
#define LOOK_MS 1000

static bool set(int fd, int option, int octets)
{
	return setsockopt(fd, SOL_SOCKET, option, &octets, sizeof(octets)) == 0;
}

static int half_of_present(int fd)
{
	int octets = 0;
	socklen_t len = sizeof(octets);

	return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, &len) == 0 ? octets / 2 : 0;
}

bool px_room_can(bool plain)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can;

	if (fd < 0)
		return false;
	can = plain ? set(fd, SO_RCVBUF, ROOM_MOST) && half_of_present(fd) >= ROOM_MOST
		    : set(fd, SO_RCVBUFFORCE, ROOM) ||
			      (set(fd, SO_RCVBUF, ROOM) && half_of_present(fd) >= ROOM);
	close(fd);
	return can;
}

void px_room_make(int fd)
{
	int octets = half_of_present(fd);

	if (octets < ROOM)
		octets = ROOM;
	if (!set(fd, SO_RCVBUFFORCE, octets))
		(void)set(fd, SO_RCVBUF, octets);
}

uint32_t px_room_more(uint32_t held, uint32_t room)
{
	const uint32_t has = room / 2;

	if (held < room || has >= ROOM_MOST)
		return 0;
	return has + has / 4 < ROOM_MOST ? has + has / 4 : ROOM_MOST;
}

/* @return whether it holds anything */
static bool look(struct px_worker *w, struct px_conn *c, struct px_leg *leg)
{
	uint32_t mem[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(mem);
	uint32_t more;

	if (leg->fd < 0 || !leg->roomy ||
		getsockopt(leg->fd, SOL_SOCKET, SO_MEMINFO, mem, &len) != 0)
		return false;
	more = px_room_more(mem[SK_MEMINFO_RMEM_ALLOC], mem[SK_MEMINFO_RCVBUF]);
	if (!more || leg->readable)
		return mem[SK_MEMINFO_RMEM_ALLOC] > 0;
	if (!set(leg->fd, SO_RCVBUFFORCE, (int)more))
		(void)set(leg->fd, SO_RCVBUF, (int)more);
	px_inc(&w->counters.rooms_widened);
	leg->readable = true; /* reading moves what waits at the subflows */
	px_conn_wake(w, c);
	return true;
}

static void arm(struct px_worker *w)
{
	w->room_timer.kind = PX_TIMER_ROOM;
	(void)!mams_timerq_set(&w->timers, &w->room_timer, mams_time_add_ms(w->now, LOOK_MS));
}

void px_room_watch(struct px_worker *w, struct px_conn *c)
{
	if (c->filling)
		return;
	if (LIST_EMPTY(&w->filling))
		arm(w);
	LIST_INSERT_HEAD(&w->filling, c, fill);
	c->filling = true;
}

void px_room_tick(struct px_worker *w)
{
	struct px_conn *c = LIST_FIRST(&w->filling);

	while (c) {
		struct px_conn *next = LIST_NEXT(c, fill);
		bool holds = false;

		for (size_t i = 0; i < PX_LEGS; i++)
			holds |= look(w, c, &c->leg[i]);
		if (!holds)
			px_room_ended(c);
		c = next;
	}
	if (!LIST_EMPTY(&w->filling))
		arm(w);
}

void px_room_ended(struct px_conn *c)
{
	if (c->filling)
		LIST_REMOVE(c, fill);
	c->filling = false;
}
