/** @file mx_api.h
 *  Bodies of the CCM API: what applications of a client say and are told.  Layer: mx (pure).
 *  Source: RFC 8743 appendices B.4 and D; requirements.md F.  Rows stand in mx_api.c.
 *  Latency and jitter are whole milliseconds, bandwidth is in Mbit/s: the appendix has integers,
 *  and its text's seconds would all be 0. */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/mx/mx_types.h"

struct mams_arena;

#define MX_API_BASE "/ccm/v1.0"
#define MX_API_BODY_MAX 16384u
#define MX_API_STREAMS_MAX 8u

enum mx_api_qos { MX_API_JITTER, MX_API_LATENCY, MX_API_BANDWIDTH };

struct mx_api_traffic_qos {
	int name;       /**< enum mx_api_qos */
	uint32_t value; /**< ms, Mbit/s */
};

/** A data stream type of the application. */
struct mx_api_stream {
	uint8_t proto;                    /**< IP protocol number */
	struct mx_port_range *port_range; /**< of the server; NULL: all */
	struct mx_api_traffic_qos traffic_qos;
};

/** POST /app_requirements */
struct mx_api_requirements {
	uint32_t num_streams;
	struct mx_api_stream *stream_feature;
	size_t n_stream_feature;
};

struct mx_api_connection {
	uint8_t conn_id;
	int conn_type; /**< enum mx_connection_type */
};

struct mx_api_param {
	const char *name;
	const char *value;
};

struct mx_api_convergence {
	int method; /**< enum mx_convergence */
	struct mx_api_param *params;
	size_t n_params;
};

/** GET /capabilities */
struct mx_api_capability {
	struct mx_api_connection *connections;
	size_t n_connections;
	int *features; /**< enum mx_feature */
	size_t n_features;
	int *adapt_methods; /**< enum mx_adaptation */
	size_t n_adapt_methods;
	struct mx_api_convergence *conv_methods;
	size_t n_conv_methods;
};

/** GET /predictive_link_params: one of its list */
struct mx_api_link_param {
	struct mx_api_connection connection;
	int param; /**< enum mx_predict_param */
	bool has_additional_param;
	int additional_param;   /**< enum mx_measurement_type, a signal */
	int64_t prediction;     /**< ms, Mbit/s, dBm */
	uint8_t likelihood;     /**< percent */
	uint32_t validity_time; /**< s */
};

enum mx_api_state { MX_API_WAITING, MX_API_ACCEPTED, MX_API_IN_EFFECT };

/** GET /app_requirements, which RFC 8743 does not have: one of its list */
struct mx_api_need {
	uint32_t id;
	int state;           /**< enum mx_api_state */
	uint32_t expires_in; /**< s */
	struct mx_api_stream *stream_feature;
	size_t n_stream_feature;
	uint8_t *links; /**< connection ids of its first stream */
	size_t n_links;
};

/** POST /link_signal, which RFC 8743 does not have */
struct mx_api_signal {
	uint8_t conn_id;
	int signal;    /**< enum mx_measurement_type */
	int64_t value; /**< dBm; of RSRQ dB */
};

struct mx_api_error {
	uint32_t code;
	const char *message;
};

/** Body of POST /app_requirements.
 *  @param text   text[len], at most MX_API_BODY_MAX
 *  @param arena  owns what out points to
 *  @return 0, -MAMS_EPROTO, -MAMS_ELIMIT, -MAMS_EVALUE, -MAMS_EMISSING, -ENOMEM; err names path and
 *          reason */
MAMS_MUST int mx_api_decode_requirements(const char *text, size_t len, struct mams_arena *arena,
	struct mx_api_requirements *out, struct mams_error *err);
/** Body of POST /link_signal, likewise. */
MAMS_MUST int mx_api_decode_signal(const char *text, size_t len, struct mams_arena *arena,
	struct mx_api_signal *out, struct mams_error *err);
/** What an application would post (tests, tools). */
MAMS_MUST int mx_api_encode_requirements(
	const struct mx_api_requirements *r, struct mams_buf *out, struct mams_error *err);
MAMS_MUST int mx_api_encode_capability(
	const struct mx_api_capability *c, struct mams_buf *out, struct mams_error *err);
MAMS_MUST int mx_api_encode_link_params(
	const struct mx_api_link_param *p, size_t n, struct mams_buf *out, struct mams_error *err);
MAMS_MUST int mx_api_encode_needs(
	const struct mx_api_need *k, size_t n, struct mams_buf *out, struct mams_error *err);
MAMS_MUST int mx_api_encode_error(
	uint32_t code, const char *message, struct mams_buf *out, struct mams_error *err);
