/** @file mx.h
 *  MX messages: decode, encode, validate by type; names and direction rules.  Layer: mx (pure).
 *  Source: seed draft 6.2 (common fields), RFC 8743 C.1, C.2.  Rows stand in mx_tables.c. */
#pragma once

#include "lib/base/err.h"
#include "lib/mx/mx_types.h"

struct mams_buf;

enum mx_role { MX_ROLE_CCM, MX_ROLE_NCM };

/** A whole message.  Owned by one holder; mx_msg_free() frees it with all it points to. */
struct mx_msg {
	enum mx_type type;
	uint32_t sequence_num; /**< 0 = the peer sent none (A.4) */
	unsigned unknown;      /**< members ignored at decoding */
	unsigned variants;     /**< forms of A.4 and other oddities, taken for what they mean */
	union {
		struct mx_discover discover;
		struct mx_system_info system_info;
		struct mx_capability capability; /**< REQ and RSP */
		struct mx_capability_ack capability_ack;
		struct mx_up_setup_conf_req up_setup_conf_req;
		struct mx_up_setup_cnf up_setup_cnf;
		struct mx_reconf_req reconf_req;
		struct mx_path_est_req path_est_req;
		struct mx_path_est_results path_est_results;
		struct mx_traffic_steering_req traffic_steering_req;
		struct mx_traffic_steering_rsp traffic_steering_rsp;
		struct mx_keep_alive keep_alive;                   /**< REQ and RSP */
		struct mx_session_termination session_termination; /**< REQ and RSP */
		struct mx_app_madp_assoc_req app_madp_assoc_req;
		struct mx_app_madp_assoc_rsp app_madp_assoc_rsp;
		struct mx_ssid_indication ssid_indication;
		struct mx_measurement_conf measurement_conf;
		struct mx_measurement_report measurement_report;
		struct mx_network_analytics_req network_analytics_req;
		struct mx_network_analytics_rsp network_analytics_rsp;
	};
};

/** An empty message of a type, to be filled; NULL on ENOMEM. */
struct mx_msg *mx_msg_new(enum mx_type type, uint32_t sequence_num);
void mx_msg_free(struct mx_msg *m); /**< accepts NULL; secrets are wiped */
/** Zeroed memory that lives as long as the message; NULL on ENOMEM. */
void *mx_alloc(struct mx_msg *m, size_t size);
char *mx_strdup(struct mx_msg *m, const char *s);
/** Deep copy; NULL on ENOMEM. */
struct mx_msg *mx_msg_copy(const struct mx_msg *m);

/** Bytes -> message.  Accepts every form of requirements A.4.
 *  @param text  text[len], borrowed
 *  @return 0; -MAMS_EPROTO (E1: not JSON, no object, base field), -MAMS_ELIMIT (E1: size, depth),
 *          -MAMS_EUNKNOWN (E2: message_type), -MAMS_ESTATE (E3: version), -MAMS_EVALUE or
 *          -MAMS_EMISSING (E7), -ENOMEM */
MAMS_MUST int mx_decode(const char *text, size_t len, struct mx_msg **out, struct mams_error *err);

/** Message -> bytes appended to out.  flags: MAMS_ENC_MASK, MAMS_ENC_PRETTY of field.h. */
MAMS_MUST int mx_encode(
	const struct mx_msg *m, unsigned flags, struct mams_buf *out, struct mams_error *err);

const char *mx_type_name(enum mx_type type);
/** May this role send this type?  Both may send keep-alive, termination and capability messages. */
bool mx_type_from(enum mx_type type, enum mx_role sender);
/** The response type that a request expects; MX_TYPE_COUNT when none. */
enum mx_type mx_type_response(enum mx_type request);
/** Borrow the unique_session_id of any message; NULL when absent. */
const struct mx_session_id *mx_msg_session(const struct mx_msg *m);

/** What is told of one entry of uplink_delivery; NULL: nothing. */
const struct mx_uplink_mode *mx_uplink_mode_of(
	const struct mx_traffic_steering_req *t, size_t entry);

const char *mx_connection_type_name(int connection_type);
MAMS_MUST int mx_connection_type_parse(const char *text, int *out);
const char *mx_feature_name(int feature);
const char *mx_convergence_name(int method);
const char *mx_adaptation_name(int method);
const char *mx_measurement_name(int type);
const char *mx_ssid_type_name(int type);
/** Does a parameter belong to an access technology (requirements B.2)? */
bool mx_measurement_fits(int type, int connection_type);
/** In Mbit/s, ms or dBm.  Jitter and latency that are no whole number were said in seconds.
 *  @param seconds  the others of them, too (RFC 8743 8.12; its examples have milliseconds) */
double mx_prediction_value(const struct mx_prediction *p, bool seconds);
