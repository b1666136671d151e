/** @file tls_rig.h
 *  A temporary directory of certificates made by tools/mams-ca and openssl, an HTTPS server that
 *  echoes, and a raw TLS client that says exactly what it is told.  Layer: tests. */
#pragma once

#include "lib/io/httpc.h"
#include "lib/io/httpd.h"

#include <pthread.h>

#define RIG_HELD_MAX 8

/** Server and loop; what the server's owner saw. */
struct rig {
	struct mams_loop *l;
	struct mams_httpd *h;
	struct mams_addr listen[2]; /**< 127.0.0.1 and ::1, one port */
	struct mams_httpd_opts opts;
	unsigned requests;
	unsigned gone;
	struct mams_httpd_req *held[RIG_HELD_MAX]; /**< requests for /hold */
	char identity[MAMS_HTTPD_IDENTITY_MAX];    /**< of the last request */
	char query[64];                            /**< its ?q= */
};

/** Make the directory; the files are ca, ncm (server), good, expired, foreign (of another CA),
 *  other/ca.crt, gone (revoked by ca.crl, not yet by live.crl), and the users alice (password
 * "correct horse") in users.  False when it failed. */
bool rig_make_files(void);
void rig_remove_files(void);
/** Run text by bash; $1 is the directory, $2 mams-ca.  @return its exit status, as waitpid() has it
 */
int rig_script(const char *text);
/** Path of a file in it; overwritten by the fourth call after. */
const char *rig_file(const char *name);

/** Options of a server that takes certificates, Digest, or both; change before rig_start(). */
void rig_init(struct rig *g, bool certs, bool digest);
void rig_start(struct rig *g);
void rig_stop(struct rig *g);
void rig_run(struct rig *g, int ms);
/** A counter of the server by its name. */
uint64_t rig_counter(const struct rig *g, const char *name);

/** A client and what its last exchange brought. */
struct rig_client {
	struct rig *g;
	struct mams_httpc *c;
	int status; /**< of the exchange that ended last; 0: none yet */
	unsigned done;
	unsigned stop_at; /**< the loop stops at so many done; 0: never */
	size_t len;
	char body[64];
};

/** @param cert  name of a certificate, NULL for none
 *  @param user  Digest user, NULL for none; his password is in file pw-USER */
void rig_client_init(struct rig_client *rc, struct rig *g, const char *cert, const char *user);
void rig_client_fini(struct rig_client *rc);
/** Whole exchange, at most 5 s; returns the status. */
int rig_exchange(
	struct rig_client *rc, const char *method, const char *path, const void *body, size_t len);
void rig_client_cb(void *user, int status, const char *body, size_t len);

/** A conversation by hand, in a thread of its own. */
struct rig_raw {
	const struct rig *g;
	const char *priorities; /**< GnuTLS; NULL for the defaults */
	const char *send[4];    /**< parts, NULL-terminated list */
	int gap_ms;             /**< after each part */
	int ended_ms;           /**< how long the connection lived */
	char reply[16384];      /**< everything received, NUL-terminated */
	bool tls_failed;
	pthread_t thread;
	struct rig *stop;
};
/** Run it and the loop until the server has closed or 3 s are over. */
void rig_raw_run(struct rig *g, struct rig_raw *raw);
