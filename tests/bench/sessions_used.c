#include "tests/bench/sessions_used.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "mams-bench-sessions: %s\n", what);
	exit(1);
}

double bench_memory_kib(pid_t pid)
{
	char path[64];
	char line[256];
	double kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	while (f && kib < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss: %lf", &kib) != 1)
			kib = -1;
	if (f)
		fclose(f);
	if (kib < 0)
		fail(path);
	return kib;
}

double bench_cpu_ns(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) < 0)
		fail("no such process");
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

double bench_stolen_us(void)
{
	unsigned long long ticks = 0;
	FILE *f = fopen("/proc/stat", "r");

	/* the eighth, see proc(5) */
	if (!f || fscanf(f, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
		fail("/proc/stat");
	fclose(f);
	return (double)ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

unsigned long long bench_counter(const char *status, const char *name)
{
	const char *at = strstr(status, name);
	unsigned long long v = 0;

	at = at ? strstr(at, "\"value\":") : NULL;
	if (!at || sscanf(at, "\"value\":%llu", &v) != 1)
		fail(name);
	return v;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

void bench_sort(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
}
