#include "lib/io/proc.h"

#include "lib/base/log.h"

#include <errno.h>
#include <getopt.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_MODULE "proc"

#define OPTIONS_MAX 16
#define OWN_FIRST 256 /* getopt value of the program's first own option */
#define OPT_SYSLOG 255

/* The options every daemon has: this table is parsed, and printed as usage. */
static const struct {
	struct option opt;
	const char *arg;
	const char *help;
} common[] = {
	{{"config", required_argument, NULL, 'c'}, "FILE", "configuration file"},
	{{"test", no_argument, NULL, 't'}, NULL, "check the configuration and exit 0 or 1"},
	{{"debug", no_argument, NULL, 'd'}, NULL, "log for people, with time stamps, on stderr"},
	{{"verbose", no_argument, NULL, 'v'}, NULL, "log debugging messages too"},
	{{"syslog", no_argument, NULL, OPT_SYSLOG}, NULL, "log to syslog"},
	{{"version", no_argument, NULL, 'V'}, NULL, "print the version and exit"},
	{{"help", no_argument, NULL, 'h'}, NULL, "print this text and exit"},
};

static void usage_row(FILE *f, int key, const char *name, const char *arg, const char *help)
{
	char left[64];
	int n = snprintf(left, sizeof(left), "--%s%s%s", name, arg ? " " : "", arg ? arg : "");

	(void)n;
	if (key > ' ' && key < 127)
		fprintf(f, "  -%c, %-24s %s\n", key, left, help);
	else
		fprintf(f, "      %-24s %s\n", left, help);
}

static void usage(const struct mams_proc_program *prog, FILE *f)
{
	fprintf(f, "usage: %s [options]\n%s\n\n", prog->name, prog->summary);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(common); i++)
		usage_row(f, common[i].opt.val, common[i].opt.name, common[i].arg, common[i].help);
	for (size_t i = 0; i < prog->n_options; i++)
		usage_row(f, 0, prog->options[i].name, prog->options[i].arg, prog->options[i].help);
	fprintf(f, "\nThe configuration file is %s unless -c names another.\n",
		prog->default_config);
}

static void fill_options(const struct mams_proc_program *prog, struct option *out)
{
	size_t n = MAMS_ARRAY_LEN(common);

	mams_assert(prog->n_options <= OPTIONS_MAX);
	for (size_t i = 0; i < n; i++)
		out[i] = common[i].opt;
	for (size_t i = 0; i < prog->n_options; i++) {
		out[n + i] = (struct option){
			.name = prog->options[i].name,
			.has_arg = prog->options[i].arg ? required_argument : no_argument,
			.val = OWN_FIRST + (int)i,
		};
	}
	out[n + prog->n_options] = (struct option){0};
}

struct log_choice {
	enum mams_log_sink sink;
	enum mams_log_level level;
};

static enum mams_proc_verdict own_option(
	const struct mams_proc_program *prog, int key, const char *arg)
{
	size_t index = (size_t)(key - OWN_FIRST);

	if (key < OWN_FIRST || index >= prog->n_options)
		return MAMS_PROC_EXIT_BAD; /* getopt has said what it did not understand */
	return prog->option(prog->user, index, arg) < 0 ? MAMS_PROC_EXIT_BAD : MAMS_PROC_GO;
}

static enum mams_proc_verdict take_option(const struct mams_proc_program *prog, int key,
	struct mams_proc_args *out, struct log_choice *log)
{
	switch (key) {
	case 'c':
		out->config = optarg;
		return MAMS_PROC_GO;
	case 't':
		out->check_only = true;
		return MAMS_PROC_GO;
	case 'd':
		log->sink = MAMS_LOG_STDERR;
		return MAMS_PROC_GO;
	case 'v':
		log->level = MAMS_LOG_DEBUG;
		return MAMS_PROC_GO;
	case OPT_SYSLOG:
		log->sink = MAMS_LOG_SYSLOG;
		return MAMS_PROC_GO;
	case 'V':
		printf("%s %s%s%s\n", prog->name, prog->version, prog->features ? " " : "",
			prog->features ? prog->features : "");
		return MAMS_PROC_EXIT_OK;
	case 'h':
		usage(prog, stdout);
		return MAMS_PROC_EXIT_OK;
	default:
		return own_option(prog, key, optarg);
	}
}

enum mams_proc_verdict mams_proc_args(
	const struct mams_proc_program *prog, int argc, char **argv, struct mams_proc_args *out)
{
	struct option options[MAMS_ARRAY_LEN(common) + OPTIONS_MAX + 1];
	struct log_choice log = {
		.sink = getenv("JOURNAL_STREAM") ? MAMS_LOG_JOURNAL : MAMS_LOG_STDERR,
		.level = MAMS_LOG_INFO,
	};
	enum mams_proc_verdict verdict = MAMS_PROC_GO;
	int key;

	*out = (struct mams_proc_args){.config = prog->default_config};
	fill_options(prog, options);
	optind = 1;
	while (verdict == MAMS_PROC_GO &&
		(key = getopt_long(argc, argv, "c:tdvVh", options, NULL)) != -1)
		verdict = take_option(prog, key, out, &log);
	if (verdict == MAMS_PROC_GO && optind < argc) {
		fprintf(stderr, "%s: unexpected argument %s\n", prog->name, argv[optind]);
		verdict = MAMS_PROC_EXIT_BAD;
	}
	if (verdict == MAMS_PROC_EXIT_BAD)
		fprintf(stderr, "%s: try %s --help\n", prog->name, prog->name);
	mams_log_init(prog->name, log.sink, log.level);
	return verdict;
}

int mams_proc_setup(bool has_secrets)
{
	const struct rlimit none = {0};
	struct rlimit files;

	umask(077);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	/* the limit stands for what we start, and for a kernel that writes cores all the same
	 * (fs.suid_dumpable) */
	if (has_secrets &&
		(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0))
		return -errno;
	return 0;
}

static int drop_bounding(const int *keep, size_t n)
{
	for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++) {
		bool kept = false;

		for (size_t i = 0; i < n; i++)
			kept = kept || keep[i] == cap;
		/* a process without CAP_SETPCAP cannot, and then could not gain by it either:
		 * no_new_privs is set */
		if (!kept && cap_get_bound(cap) == 1 && cap_drop_bound(cap) < 0 && errno != EPERM)
			return -errno;
	}
	return 0;
}

bool mams_proc_has_cap(int cap)
{
	cap_flag_value_t has = CAP_CLEAR;
	cap_t now = cap_get_proc();

	if (!now)
		return false;
	if (cap_get_flag(now, cap, CAP_PERMITTED, &has) != 0)
		has = CAP_CLEAR;
	cap_free(now);
	return has == CAP_SET;
}

static int check_kept(const int *keep, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *name;

		if (mams_proc_has_cap(keep[i]))
			continue;
		name = cap_to_name(keep[i]);
		log_err("capability missing, start with it or as root capability=%s",
			name ? name : "?");
		cap_free(name);
		return -EPERM;
	}
	return 0;
}

int mams_proc_drop_caps(const int *keep, size_t n)
{
	cap_t caps;
	int rc = check_kept(keep, n);

	if (rc < 0)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	rc = drop_bounding(keep, n);
	if (rc < 0)
		return rc;
	if (cap_reset_ambient() < 0)
		return -errno;
	caps = cap_init();
	if (!caps)
		return -errno;
	if (n && (cap_set_flag(caps, CAP_PERMITTED, (int)n, keep, CAP_SET) < 0 ||
			 cap_set_flag(caps, CAP_EFFECTIVE, (int)n, keep, CAP_SET) < 0))
		rc = -errno;
	if (rc == 0 && cap_set_proc(caps) < 0)
		rc = -errno;
	cap_free(caps);
	return rc;
}

struct signal_plan {
	mams_loop_fn stop;
	mams_loop_fn reload;
	void *user;
};

/* Signals are the process's, so is this: filled once, before the loop runs. */
static struct signal_plan plan;

static void on_signal(void *user, int signum)
{
	(void)user;
	if (signum == SIGHUP) {
		if (plan.reload)
			plan.reload(plan.user);
		return;
	}
	log_info("stopping signal=%s", signum == SIGINT ? "INT" : "TERM");
	plan.stop(plan.user);
}

int mams_proc_signals(struct mams_loop *l, mams_loop_fn stop, mams_loop_fn reload, void *user)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

	plan = (struct signal_plan){.stop = stop, .reload = reload, .user = user};
	for (size_t i = 0; i < MAMS_ARRAY_LEN(signals); i++) {
		int rc = mams_loop_signal_add(l, signals[i], on_signal, NULL);

		if (rc < 0)
			return rc;
	}
	return 0;
}

void mams_proc_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	MAMS_AUTO_FD int fd = -1;
	size_t len;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(sa.sun_path))
		return;
	memcpy(sa.sun_path, path, len + 1);
	if (path[0] == '@')
		sa.sun_path[0] = '\0'; /* abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warn("service manager not told error=%s", strerror(errno));
}

/* One object's segments that cannot be written to. */
static int let_go(struct dl_phdr_info *object, size_t size, void *user)
{
	const uintptr_t page = *(const uintptr_t *)user;

	(void)size;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		uintptr_t from = (object->dlpi_addr + p->p_vaddr) & ~(page - 1);
		uintptr_t to = object->dlpi_addr + p->p_vaddr + p->p_memsz;

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void mams_proc_settle(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	malloc_trim(0);
	(void)dl_iterate_phdr(let_go, &page);
}

int mams_proc_check_secret_file(const char *path, struct mams_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return mams_fail(err, errno, path, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return mams_fail(err, MAMS_EDENIED, path, "not a regular file");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return mams_fail(err, MAMS_EDENIED, path,
			"a secret must belong to this user or to root: chown it");
	if (st.st_mode & 077)
		return mams_fail(err, MAMS_EDENIED, path,
			"a secret must not be accessible to others: chmod 0600 %s", path);
	return 0;
}
