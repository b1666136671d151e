/** @file webpage.h
 *  What the daemons' status pages have in common, over httpd.h: files that are compiled in, ctl
 * requests that are posted in JSON and answered by what answers mamsctl, headers that keep others
 * out.  Layer: io. The owner says who may ask what. */
#pragma once

#include "lib/io/ctlask.h"
#include "lib/io/httpd.h"

#include <sys/queue.h>

/** A file of the page, as cmake/Embed.cmake makes it. */
struct mams_web_file {
	const char *path;
	const char *type;
	const unsigned char *octets;
	const size_t *len;
};

#define MAMS_WEB_FILE_OF(id)                                                                       \
	extern const unsigned char mams_file_##id[];                                               \
	extern const size_t mams_file_##id##_len
#define MAMS_WEB_HTML "text/html; charset=utf-8"
#define MAMS_WEB_SCRIPT "text/javascript; charset=utf-8"
#define MAMS_WEB_TEXT "text/plain; charset=utf-8"

struct mams_web_counters {
	uint64_t bad_request; /**< ctl requests that cannot be read */
	uint64_t silent;      /**< that nobody answered in time */
};

/** Embedded in its owner, who fills in what is above the line. */
struct mams_web {
	struct mams_loop *loop;
	const struct mams_web_file *files; /**< files[n_files], besides those that all pages have */
	size_t n_files;
	/** The role of who asks, for the page to know; NULL: there are none */
	const char *(*role)(void *user, const struct mams_httpd_req *r);
	void *user;
	/* ---- */
	LIST_HEAD(, mams_web_waiting) waiting;
	struct mams_web_counters counters;
};

/** Requests that wait for an answer end without one. */
void mams_web_fini(struct mams_web *w);

/* Each of these answers r, now or later. */
void mams_web_reply(struct mams_web *w, struct mams_httpd_req *r, unsigned status, const char *type,
	const void *body, size_t len);
void mams_web_refuse(
	struct mams_web *w, struct mams_httpd_req *r, unsigned status, const char *words);
/** @return false: there is no such file, and r is not answered */
bool mams_web_file(struct mams_web *w, struct mams_httpd_req *r, const char *path);
/** @param request  consumed; NULL: no memory */
void mams_web_ask(struct mams_web *w, struct mams_httpd_req *r, const struct mams_ctl_ask_to *to,
	struct ctl_msg *request);

/** The ctl request in the body.  @return the caller's, or NULL: r is answered */
struct ctl_msg *mams_web_read(struct mams_web *w, struct mams_httpd_req *r);
/** For httpd's gone(). */
void mams_web_gone(struct mams_httpd_req *r);
