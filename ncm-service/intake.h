/** @file intake.h
 *  A message of a client on its way in, whatever carried it: decoded, given to the service, the
 *  answer encoded.  Layer: adapter.  Source: requirements.md B.1 (E1..E8). */
#pragma once

#include "lib/base/log.h"
#include "ncm-service/service.h"

struct ncm_feeder;
struct ncm_front;
struct ncm_mailbox;
struct mams_rate;

/** What the transports share. */
struct ncm_intake {
	struct mams_loop *loop;
	const struct ncm_conf *conf;
	struct ncm_service *service;
	struct ncm_mailbox *mailbox;
	struct ncm_front *front; /**< where the transports put messages and channels */
	struct ncm_feeder *feeder;
	struct mams_rate *rate;
	struct mams_log_rl refused;
	struct mams_log_rl hasty;
	struct {
		uint64_t messages;
		uint64_t bad_message; /**< E1, E2, E3, E7 at decoding */
		uint64_t unknown_session;
		uint64_t foreign_session;
		uint64_t outbox_full;
		uint64_t too_long;
		uint64_t too_many;
	} counters;
};
extern const struct mams_metric ncm_intake_counter_rows[];
extern const size_t ncm_intake_n_counter_rows;

/** Identities that only the udp transport gives: "udp:" and an address. */
#define NCM_UDP_IDENTITY "udp:"
/** What may this identity do at admin_listen (viewers, operators)? */
bool ncm_identity_may_view(const struct ncm_conf *conf, const char *identity);
bool ncm_identity_may_steer(const struct ncm_conf *conf, const char *identity);
/** Does this identity tell of the network (feed_clients)? */
bool ncm_identity_is_feeder(const struct ncm_conf *conf, const char *identity);
/** Does who logs in by it get no session: feeders, and identities of the udp transport? */
bool ncm_identity_is_reserved(const struct ncm_conf *conf, const char *identity);

struct ncm_sender {
	const char *identity;
	enum ncm_transport transport;
	struct mams_addr peer;
};

enum ncm_outcome {
	NCM_IN_OK,
	NCM_IN_NOT_JSON,        /**< E1 */
	NCM_IN_UNKNOWN_TYPE,    /**< E2; E3 of a Discover */
	NCM_IN_UNKNOWN_SESSION, /**< E4; text is a termination request */
	NCM_IN_FOREIGN,         /**< E5 */
	NCM_IN_WRONG_STATE,     /**< E6 */
	NCM_IN_WRONG_VALUE,     /**< E7 */
	NCM_IN_IGNORED,         /**< E8 */
	NCM_IN_BUSY,            /**< no memory, or no room for another session */
	NCM_IN_TOO_MANY,        /**< more messages than the identity may send; not looked at */
};

struct ncm_receipt {
	enum ncm_outcome outcome;
	char *text; /**< text[len]: to be sent to the client; NULL: nothing */
	size_t len;
	bool known;            /**< the identity has a session */
	struct mams_error err; /**< words for what was refused */
};

/** @param text  text[len], borrowed */
void ncm_intake_take(struct ncm_intake *in, const struct ncm_sender *from, const char *text,
	size_t len, struct ncm_receipt *out);
void ncm_receipt_fini(struct ncm_receipt *r); /**< wipes the text */
/** Encoded, for ncm_mailbox_put(). @return 0 or a negative code, logged */
MAMS_MUST int ncm_intake_encode(const struct mx_msg *m, char **text, size_t *len);
