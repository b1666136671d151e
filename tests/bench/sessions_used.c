#include "tests/bench/sessions_used.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
