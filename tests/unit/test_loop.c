#include "lib/io/loop.h"
#include "tests/support/suite.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct trace {
	struct mams_loop *l;
	struct mams_loop_fd *w[2];
	struct mams_loop_timer *t;
	int n;
	int m;
	unsigned events;
	bool freed;
};

static void stop_cb(void *user)
{
	mams_loop_stop(user);
}

static struct mams_loop *loop_with_limit(int ms, struct mams_loop_timer **limit)
{
	struct mams_loop *l;

	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&l), 0);
	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(l, stop_cb, l, limit), 0);
	mams_loop_timer_at(*limit, mams_time_add_ms(mams_loop_now(l), ms));
	return l;
}

static void count_timer(void *user)
{
	struct trace *tr = user;

	tr->n++;
	/* due at once, every time: input must still be served */
	mams_loop_timer_at(tr->t, mams_loop_now(tr->l));
}

static void read_and_stop(void *user, int fd, unsigned events)
{
	struct trace *tr = user;
	char c;

	tr->events |= events;
	CU_ASSERT_EQUAL(read(fd, &c, 1), 1);
	mams_loop_stop(tr->l);
}

static void a_busy_timer_does_not_starve_input(void)
{
	struct trace tr = {0};
	struct mams_loop_timer *limit;
	int sv[2];

	tr.l = loop_with_limit(2000, &limit);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	CU_ASSERT_EQUAL(
		mams_loop_fd_add(tr.l, sv[0], MAMS_LOOP_READ, read_and_stop, &tr, &tr.w[0]), 0);
	CU_ASSERT_EQUAL(mams_loop_timer_new(tr.l, count_timer, &tr, &tr.t), 0);
	mams_loop_timer_at(tr.t, mams_loop_now(tr.l));
	CU_ASSERT_EQUAL(write(sv[1], "x", 1), 1);
	mams_loop_run(tr.l);
	CU_ASSERT_TRUE(tr.n >= 1);
	CU_ASSERT_EQUAL(tr.events, MAMS_LOOP_READ);
	mams_loop_free(tr.l);
	close(sv[0]);
	close(sv[1]);
}

static void fire_once(void *user)
{
	struct trace *tr = user;

	tr->n++;
	CU_ASSERT_FALSE(mams_time_before(mams_clock_now(), mams_time_us(0)));
	mams_loop_stop(tr->l);
}

static void timers_are_never_early(void)
{
	struct mams_loop_timer *limit;
	struct trace tr = {.l = loop_with_limit(2000, &limit)};

	CU_ASSERT_EQUAL(mams_loop_timer_new(tr.l, fire_once, &tr, &tr.t), 0);
	for (int i = 0; i < 30; i++) {
		mams_time when = mams_time_us(mams_clock_now().us + 1300 * (i % 4) + 77);

		mams_loop_timer_at(tr.t, when);
		mams_loop_run(tr.l);
		CU_ASSERT_FALSE(mams_time_before(mams_clock_now(), when));
		CU_ASSERT_FALSE(mams_time_before(mams_loop_now(tr.l), when));
	}
	CU_ASSERT_EQUAL(tr.n, 30);
	mams_loop_timer_at(tr.t, mams_time_add_ms(mams_loop_now(tr.l), 1));
	mams_loop_timer_at(tr.t, MAMS_TIME_NEVER);
	mams_loop_timer_at(limit, mams_time_add_ms(mams_clock_now(), 20));
	mams_loop_run(tr.l);
	CU_ASSERT_EQUAL(tr.n, 30);
	mams_loop_free(tr.l);
}

/* Both ends are readable in one turn; whoever comes first removes the other. */
static void remove_both(void *user, int fd, unsigned events)
{
	struct trace *tr = user;

	(void)fd;
	(void)events;
	tr->n++;
	mams_loop_fd_del(tr->w[0]);
	mams_loop_fd_del(tr->w[1]);
	tr->w[0] = NULL;
	tr->w[1] = NULL;
}

static void removed_during_dispatch(void)
{
	struct mams_loop_timer *limit;
	struct trace tr = {.l = loop_with_limit(30, &limit)};
	int sv[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(write(sv[i], "x", 1), 1);
		CU_ASSERT_EQUAL(
			mams_loop_fd_add(tr.l, sv[i], MAMS_LOOP_READ, remove_both, &tr, &tr.w[i]),
			0);
	}
	mams_loop_run(tr.l);
	CU_ASSERT_EQUAL(tr.n, 1);
	mams_loop_free(tr.l);
	close(sv[0]);
	close(sv[1]);
}

static void on_hangup(void *user, int fd, unsigned events)
{
	struct trace *tr = user;

	(void)fd;
	tr->events = events;
	mams_loop_stop(tr->l);
}

static void hangup_without_reading(void)
{
	struct mams_loop_timer *limit;
	struct trace tr = {.l = loop_with_limit(2000, &limit)};
	int sv[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	CU_ASSERT_EQUAL(write(sv[1], "x", 1), 1);
	CU_ASSERT_EQUAL(
		mams_loop_fd_add(tr.l, sv[0], MAMS_LOOP_HANGUP, on_hangup, &tr, &tr.w[0]), 0);
	close(sv[1]);
	mams_loop_run(tr.l);
	CU_ASSERT_TRUE(tr.events & MAMS_LOOP_HANGUP);
	mams_loop_free(tr.l);
	close(sv[0]);
}

static void on_signal(void *user, int signum)
{
	struct trace *tr = user;

	CU_ASSERT_EQUAL(signum, SIGUSR1);
	tr->n++;
	mams_loop_stop(tr->l);
}

static void signals(void)
{
	struct mams_loop_timer *limit;
	struct trace tr = {.l = loop_with_limit(2000, &limit)};

	CU_ASSERT_EQUAL(mams_loop_signal_add(tr.l, SIGUSR1, on_signal, &tr), 0);
	CU_ASSERT_EQUAL(raise(SIGUSR1), 0);
	mams_loop_run(tr.l);
	CU_ASSERT_EQUAL(tr.n, 1);
	mams_loop_free(tr.l);
}

static void deferred(void *user)
{
	struct trace *tr = user;

	if (++tr->n < 3) {
		CU_ASSERT_EQUAL(mams_loop_defer(tr->l, deferred, tr), 0);
		return;
	}
	mams_loop_stop(tr->l);
}

static void deferral(void)
{
	struct mams_loop_timer *limit;
	struct trace tr = {.l = loop_with_limit(2000, &limit)};

	CU_ASSERT_EQUAL(mams_loop_defer(tr.l, deferred, &tr), 0);
	CU_ASSERT_EQUAL(tr.n, 0);
	mams_loop_run(tr.l);
	CU_ASSERT_EQUAL(tr.n, 3);
	tr.n = 2;
	CU_ASSERT_EQUAL(mams_loop_defer(tr.l, deferred, &tr), 0);
	mams_loop_free(tr.l); /* runs what is left */
	CU_ASSERT_EQUAL(tr.n, 3);
}

static mams_time before(void *user)
{
	struct trace *tr = user;

	return mams_time_add_ms(mams_loop_now(tr->l), 2);
}

static void after(void *user)
{
	struct trace *tr = user;

	if (++tr->m == 5) {
		mams_loop_source_del(tr->l, tr);
		tr->freed = true;
		return;
	}
	CU_ASSERT_FALSE(tr->freed);
}

static void foreign_sources(void)
{
	struct mams_loop_timer *limit;
	struct trace tr = {.l = loop_with_limit(60, &limit)};
	const struct mams_loop_source source = {.before = before, .after = after, .user = &tr};

	CU_ASSERT_EQUAL(mams_loop_source_add(tr.l, &source), 0);
	mams_loop_run(tr.l);
	CU_ASSERT_EQUAL(tr.m, 5);
	mams_loop_free(tr.l);
}

static void sleepy(void *user)
{
	struct trace *tr = user;

	usleep(60000);
	mams_loop_stop(tr->l);
}

static void slow_turns_are_counted(void)
{
	struct mams_loop_timer *limit;
	struct trace tr = {.l = loop_with_limit(2000, &limit)};

	CU_ASSERT_EQUAL(mams_loop_timer_new(tr.l, sleepy, &tr, &tr.t), 0);
	mams_loop_timer_at(tr.t, mams_loop_now(tr.l));
	mams_loop_run(tr.l);
	mams_loop_timer_at(limit, mams_loop_now(tr.l));
	mams_loop_run(tr.l);
	CU_ASSERT_EQUAL(mams_loop_slow_turns(tr.l), 1);
	mams_loop_free(tr.l);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a busy timer does not starve input", a_busy_timer_does_not_starve_input},
		{"timers are never early", timers_are_never_early},
		{"a watch removed during dispatch stays silent", removed_during_dispatch},
		{"a hangup shows without reading", hangup_without_reading},
		{"signals", signals},
		{"deferral", deferral},
		{"foreign sources", foreign_sources},
		{"slow turns are counted", slow_turns_are_counted},
	};

	return mams_suite_run("loop", cases, MAMS_ARRAY_LEN(cases));
}
