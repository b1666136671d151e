/** @file proc.h
 *  What every daemon does at its start: options, log, limits, capabilities, signals, readiness.
 *  Layer: io.  Order (style section 11): options, config, log, privileged descriptors, drop, the
 *  rest, READY=1, loop.  Always in the foreground; systemd and containers do the rest. */
#pragma once

#include "lib/base/err.h"
#include "lib/io/loop.h"

#include <stdbool.h>
#include <stddef.h>

/** An option of one program besides the common ones; long form only. */
struct mams_proc_option {
	const char *name; /**< without the dashes */
	const char *arg;  /**< name of its argument in the usage text; NULL: takes none */
	const char *help;
};

struct mams_proc_program {
	const char *name;                       /**< "mams-ncm" */
	const char *version;                    /**< MAMS_VERSION */
	const char *features;                   /**< "+TLS +SQLITE", NULL for none */
	const char *summary;                    /**< one line for -h */
	const char *default_config;             /**< path */
	const struct mams_proc_option *options; /**< options[n_options] */
	size_t n_options;
	/** One of options[] was given. @return 0 or -MAMS_EVALUE (usage is printed) */
	int (*option)(void *user, size_t index, const char *arg);
	void *user;
};

struct mams_proc_args {
	const char *config;
	bool check_only; /**< -t: check the configuration and exit 0 or 1 */
};

enum mams_proc_verdict {
	MAMS_PROC_GO,
	MAMS_PROC_EXIT_OK,  /**< -h, -V: printed, nothing more to do */
	MAMS_PROC_EXIT_BAD, /**< wrong usage: said on stderr; exit status 2 */
};

/** Parse -c FILE, -t, -d, -v, -V, -h and the program's own; sets up the log. */
enum mams_proc_verdict mams_proc_args(
	const struct mams_proc_program *prog, int argc, char **argv, struct mams_proc_args *out);

/** Ignore SIGPIPE, umask 077, RLIMIT_NOFILE up to the hard limit; for a daemon with secrets no core
 *  dump (RLIMIT_CORE 0, PR_SET_DUMPABLE 0) and no ptrace by others. */
MAMS_MUST int mams_proc_setup(bool has_secrets);

/** Is this capability ours to keep (permitted)? */
bool mams_proc_has_cap(int cap);
/** Keep only the capabilities keep[n] (CAP_NET_ADMIN ... of <linux/capability.h>) in every set, for
 *  good, and set PR_SET_NO_NEW_PRIVS.
 *  @return 0, -EPERM (one of keep[] is not ours to keep; it is named in the log) */
MAMS_MUST int mams_proc_drop_caps(const int *keep, size_t n);

/** SIGTERM and SIGINT call stop, SIGHUP calls reload (NULL: ignored). */
MAMS_MUST int mams_proc_signals(
	struct mams_loop *l, mams_loop_fn stop, mams_loop_fn reload, void *user);

/** Tell the service manager (NOTIFY_SOCKET): "READY=1", "STOPPING=1".  Nothing without one. */
void mams_proc_notify(const char *state);

/** What only the start has needed goes back: free memory of the heap, and pages of the program and
 *  its libraries that are as in their files.  The dynamic linker and the constructors of some forty
 *  libraries touch several MiB of them that are never looked at again; the others are mapped again
 *  when they are needed. */
void mams_proc_settle(void);

/** A file that holds a secret: regular, ours or root's, no access for group and others.
 *  @return 0, -errno, -MAMS_EDENIED; err names the file and the cure */
MAMS_MUST int mams_proc_check_secret_file(const char *path, struct mams_error *err);
