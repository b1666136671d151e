/** @file api_private.h
 *  The CCM API as its parts share it.  Layer: adapter, internal.
 *  api.c: who may ask, and routes; api_post.c: requirements as they are posted, and their end;
 *  api_answer.c: answers, and requests that wait for the NCM. */
#pragma once

#include "ccm-agent/api.h"
#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/rate.h"
#include "lib/io/httpd.h"

#include <sys/queue.h>
#include <sys/types.h>

#define CCM_API_USERS_MAX 64

struct ccm_api_counters {
	uint64_t requests;
	uint64_t refused_user;
	uint64_t refused_browser;
	uint64_t refused_rate;
	uint64_t bad_requests;
	uint64_t held;
	uint64_t away;
};

/* A held request. */
struct ccm_api_waiter {
	struct ccm_api *api;
	struct mams_httpd_req *req;
	struct mams_loop_timer *timer;
	uint32_t need; /* 0: for predictions */
	bool accepted;
	LIST_ENTRY(ccm_api_waiter) link;
};

/* A need that ends with the process that posted it. */
struct ccm_api_bound {
	struct ccm_api *api;
	uint32_t need;
	int fd; /* pidfd */
	struct mams_loop_fd *watch;
	LIST_ENTRY(ccm_api_bound) link;
};

struct ccm_api {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	struct ccm_agent *agent;
	struct mams_httpd *httpd[2]; /* UNIX socket, loopback */
	struct mams_rate *rate;
	gid_t group; /* (gid_t)-1: none */
	uid_t users[CCM_API_USERS_MAX];
	size_t n_users;
	struct mams_log_rl refused;
	struct ccm_api_counters counters;
	LIST_HEAD(, ccm_api_waiter) waiters;
	LIST_HEAD(, ccm_api_bound) bounds;
};

/* api_answer.c */
extern const struct ccm_agent_ops ccm_api_agent_ops;
/** @param more  a header besides, or NULL */
void ccm_api_answer_error(struct ccm_api *a, struct mams_httpd_req *r, unsigned status,
	const struct mams_httpd_header *more, const char *text);
void ccm_api_answer_away(struct ccm_api *a, struct mams_httpd_req *r, const char *text); /**< 503 */
/** @param rc    of what filled body
 *  @param body  emptied */
void ccm_api_answer_body(
	struct ccm_api *a, struct mams_httpd_req *r, int rc, struct mams_buf *body);
/** Answer it when the NCM has spoken.
 *  @param need  that it posted; 0: it asks for predictions */
MAMS_MUST int ccm_api_hold(struct ccm_api *a, struct mams_httpd_req *r, uint32_t need);
/** The client of a held request is gone. */
void ccm_api_gone(void *user, struct mams_httpd_req *r);
void ccm_api_drop_waiters(struct ccm_api *a);

/* api_post.c */
void ccm_api_post(struct ccm_api *a, struct mams_httpd_req *r, uid_t uid);
void ccm_api_signal(struct ccm_api *a, struct mams_httpd_req *r, uid_t uid);
/** A need is over: no process is watched for it any more. */
void ccm_api_unbind(struct ccm_api *a, uint32_t need);
void ccm_api_drop_bounds(struct ccm_api *a);
