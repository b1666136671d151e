/* What a daemon does to itself before it reads a secret: each case in a process of its own. */
#include "lib/io/proc.h"
#include "tests/support/suite.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of a child that runs this. */
static int child(int (*run)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(run());
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* 1: the kernel may write its memory to a file, and others may attach to it. */
static int dumpable_with_secrets(void)
{
	return mams_proc_setup(true) == 0 ? prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) : 99;
}

static int dumpable_without(void)
{
	return mams_proc_setup(false) == 0 ? prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) : 99;
}

/* 0: no core, not now and not later. */
static int core_limit(bool has_secrets)
{
	struct rlimit r = {.rlim_cur = 7, .rlim_max = 7};

	if (setrlimit(RLIMIT_CORE, &r) < 0 || mams_proc_setup(has_secrets) < 0 ||
		getrlimit(RLIMIT_CORE, &r) < 0)
		return 99;
	return (int)(r.rlim_cur + r.rlim_max);
}

static int core_limit_with_secrets(void)
{
	return core_limit(true);
}

static int core_limit_without(void)
{
	return core_limit(false);
}

static int mode_of_new_files(void)
{
	return mams_proc_setup(true) == 0 ? (int)umask(0) : 99;
}

static void no_core_with_secrets(void)
{
	CU_ASSERT_EQUAL(child(dumpable_with_secrets), 0);
	CU_ASSERT_EQUAL(child(dumpable_without), 1);
	CU_ASSERT_EQUAL(child(core_limit_with_secrets), 0);
	CU_ASSERT_EQUAL(child(core_limit_without), 14);
}

static void files_are_its_own(void)
{
	CU_ASSERT_EQUAL(child(mode_of_new_files), 077);
}

/* Pages of files that this process has mapped. */
static long file_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long shared = -1;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fscanf(f, "%*d %*d %ld", &shared), 1);
	fclose(f);
	return shared;
}

static void start_is_let_go(void)
{
	static const char words[] = "as it was";
	static char changed[] = "as it was";
	long before = file_pages();

	changed[0] = 'A';
	mams_proc_settle();
	CU_ASSERT(file_pages() < before);
	CU_ASSERT_STRING_EQUAL(words, "as it was");
	CU_ASSERT_STRING_EQUAL(changed, "As it was");
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"no core of a process with secrets", no_core_with_secrets},
		{"files that it makes are its own", files_are_its_own},
		{"what the start has needed is let go", start_is_let_go},
	};

	return mams_suite_run("proc", cases, MAMS_ARRAY_LEN(cases));
}
