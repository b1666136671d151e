/** @file mamsctl.h
 *  What the files of mamsctl share: options, commands, one request to one daemon.  Layer: tools. */
#pragma once

#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"

/** The daemons that have a ctl socket. */
enum daemon { D_NCM, D_CCM, D_PROXY, D_TRAILER, D_PM, D_COUNT };

struct options {
	const char *sockets[D_COUNT]; /**< NULL: not named on the command line */
	const char *socket;           /**< -s: whatever daemon listens there */
	const char *connect; /**< address and port of a daemon on another host; NULL: none */
	const char *ca, *cert, *key; /**< PEM files, with connect */
	const char *name;            /**< in that daemon's certificate; NULL: its address */
	const char *client;
	const char *dl; /**< names of links with commas between them */
	const char *ul;
	const char *dl_mode;
	const char *ul_mode;
	const char *off;       /**< names of features with commas between them */
	const char *level;     /**< the operand of log; of drain and undrain the instance; of
				   probe the links */
	char *const *operands; /**< [n_operands], of why and policy */
	int n_operands;
	const char *anchor;
	const char *application;
	bool as_configured;
	uint32_t configuration;
	bool json;
	bool counters;
	bool pcapng;
	int timeout_ms;
};

/** One socket to ask. */
struct target {
	const char *name; /**< of the daemon, or "daemon" for -s */
	const char *path;
};

/* Commands: each returns the exit status, 0 only when everything asked for was done. */
int cmd_status(const struct options *o);
int cmd_metrics(const struct options *o);
int cmd_sessions(const struct options *o);
int cmd_steer(const struct options *o);
int cmd_log(const struct options *o);
int cmd_paths(const struct options *o);
int cmd_network(const struct options *o);
int cmd_probe(const struct options *o);
int cmd_drain(const struct options *o);
int cmd_undrain(const struct options *o);
int cmd_trace(const struct options *o);
int cmd_replay(const struct options *o);
int cmd_watch(const struct options *o);
int cmd_why(const struct options *o);
int cmd_policy(const struct options *o);
/** Records of a decision log decided again: as they were, or by another policy file. */
int policy_replay(const struct options *o, const char *path);
int policy_simulate(const struct options *o, const char *policy_file, const char *path);

/** The sockets that the options name, or else the default ones that exist.
 *  @return how many; 0 has been explained on standard error */
size_t targets_find(const struct options *o, struct target out[D_COUNT]);
/** The socket of one daemon: -s, its option, or its default. */
struct target target_of(const struct options *o, enum daemon d);

/** Send a request, wait for its answer.  What goes wrong is explained on standard error.
 *  @param answer  owned by the caller (ctl_msg_free)
 *  @return 0 or a negative error */
MAMS_MUST int ask(const struct options *o, const struct target *t, const struct ctl_msg *request,
	struct ctl_msg **answer);
/** The octets of a request to the daemon of --connect, and those of its answer (free).  What goes
 * wrong is explained on standard error.  @return 0 or a negative error */
MAMS_MUST int remote_call(
	const struct options *o, const struct mams_buf *request, char **answer, size_t *len);
/** Print an answer as --json wants it. @return exit status */
int print_json(const struct ctl_msg *m);
/** Print text and free it. @return exit status */
int print_text(struct mams_buf *text);
/** Words and exit status of an answer that may be a result. @return exit status */
int print_result(const struct options *o, const struct target *t, const struct ctl_msg *m);

void complain(const char *fmt, ...) MAMS_PRINTF(1, 2);
