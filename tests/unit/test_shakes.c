#include "lib/io/shakes.h"
#include "tests/support/suite.h"

#include <sys/socket.h>
#include <unistd.h>

#define N 5

static struct mams_loop *loop;
static struct mams_shakes queue;
static struct mams_shake shakes[N];
static size_t order[16];
static unsigned n_order;
static unsigned turns;
static unsigned in_turn;
static unsigned most;
static bool again;

static void step(void *user, struct mams_shake *s)
{
	CU_ASSERT_PTR_EQUAL(user, &queue);
	CU_ASSERT_FALSE(s->waits);
	order[n_order++] = (size_t)(s - shakes);
	most = ++in_turn > most ? in_turn : most;
	if (again)
		mams_shakes_put(&queue, s);
	again = false;
}

static mams_time next_turn(void *user)
{
	(void)user;
	turns++;
	in_turn = 0;
	return MAMS_TIME_NEVER;
}

static void stop(void *user)
{
	mams_loop_stop(user);
}

static void run(int ms)
{
	struct mams_loop_timer *t;

	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(loop, stop, loop, &t), 0);
	mams_loop_timer_at(t, mams_time_add_ms(mams_clock_now(), ms));
	mams_loop_run(loop);
	mams_loop_timer_del(t);
}

/* First come, first served, a few a turn; who has gone is left out, who comes back is done before
 * those that have not begun. */
static void a_few_a_turn(void)
{
	static const size_t wanted[] = {0, 0, 2, 3, 4};
	const struct mams_loop_source source = {.before = next_turn, .user = &turns};

	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(mams_loop_source_add(loop, &source), 0);
	CU_ASSERT_EQUAL_FATAL(mams_shakes_init(&queue, loop, step, &queue), 0);
	again = true;
	for (size_t i = 0; i < N; i++)
		mams_shakes_put(&queue, &shakes[i]);
	mams_shakes_put(&queue, &shakes[3]);
	mams_shakes_drop(&queue, &shakes[1]);
	mams_shakes_drop(&queue, &shakes[1]);
	run(50);
	CU_ASSERT_EQUAL(n_order, MAMS_ARRAY_LEN(wanted));
	for (size_t i = 0; i < MAMS_ARRAY_LEN(wanted) && i < n_order; i++)
		CU_ASSERT_EQUAL(order[i], wanted[i]);
	CU_ASSERT_EQUAL(most, MAMS_SHAKES_PER_TURN);
	/* with nobody waiting the loop sleeps */
	turns = 0;
	run(50);
	CU_ASSERT_TRUE(turns < 10);
	mams_shakes_fini(&queue);
	mams_loop_source_del(loop, &turns);
	mams_loop_free(loop);
}

static void gone(void)
{
	int fd[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	CU_ASSERT_EQUAL(write(fd[1], "hello", 5), 5);
	CU_ASSERT_FALSE(mams_shakes_is_gone(fd[0]));
	close(fd[1]);
	CU_ASSERT_TRUE(mams_shakes_is_gone(fd[0])); /* though there is something to read */
	close(fd[0]);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a few a turn, begun ones first", a_few_a_turn},
		{"whose client is gone", gone},
	};

	return mams_suite_run("shakes", cases, MAMS_ARRAY_LEN(cases));
}
