/** @file mx_tables.h
 *  The rows of every MX message: the only place, with its source, where a JSON key of the control
 *  protocol is written.  Layer: mx (pure).  Used by mx.c, the reference documentation and tests.
 *  Source: RFC 8743 C.1 to C.3, corrected as the schema set in tests/vectors/schema. */
#pragma once

#include "lib/codec/field.h"
#include "lib/mx/mx.h"

/** Fields beyond the base fields start here in struct mx_msg's union. */
struct mx_row {
	enum mx_type type;
	const char *name;              /**< message_type, emitted */
	const char *const *aliases;    /**< accepted besides (A.4), NULL-ended, or NULL */
	const char *section;           /**< seed / RFC 8743 */
	bool from_ccm, from_ncm;       /**< who may send it */
	enum mx_type response;         /**< MX_TYPE_COUNT when none */
	const struct mams_table *body; /**< NULL: base fields only */
	size_t session_offset;         /**< of the unique_session_id in the body */
	enum { MX_SID_NONE, MX_SID_POINTER, MX_SID_EMBEDDED } session_kind;
	/** Rules between fields; NULL when none. */
	int (*check)(const struct mx_msg *m, struct mams_error *err);
};

extern const struct mx_row mx_rows[MX_TYPE_COUNT];

extern const struct mams_enum_name mx_connection_type_names[];
extern const struct mams_enum_name mx_feature_names[];
extern const struct mams_enum_name mx_convergence_names[];
extern const struct mams_enum_name mx_adaptation_names[];
extern const struct mams_enum_name mx_measurement_names[];
extern const struct mams_enum_name mx_ssid_type_names[];
extern const struct mams_enum_name mx_mode_names[];
extern const struct mams_enum_name mx_initiator_names[]; /**< of configurations */

/** What others say in another form becomes what we would have said; mx_normal.c.
 *  @return 0, -MAMS_EVALUE, -ENOMEM */
MAMS_MUST int mx_normalise(struct mx_msg *m, struct mams_error *err);

/* checks, mx_check.c */
int mx_check_system_info(const struct mx_msg *m, struct mams_error *err);
int mx_check_capability(const struct mx_msg *m, struct mams_error *err);
int mx_check_up_setup(const struct mx_msg *m, struct mams_error *err);
int mx_check_up_setup_cnf(const struct mx_msg *m, struct mams_error *err);
int mx_check_reconf(const struct mx_msg *m, struct mams_error *err);
int mx_check_path_est_results(const struct mx_msg *m, struct mams_error *err);
int mx_check_steering(const struct mx_msg *m, struct mams_error *err);
int mx_check_keep_alive_req(const struct mx_msg *m, struct mams_error *err);
int mx_check_termination_req(const struct mx_msg *m, struct mams_error *err);
int mx_check_assoc_req(const struct mx_msg *m, struct mams_error *err);
int mx_check_measurement_conf(const struct mx_msg *m, struct mams_error *err);
int mx_check_measurement_report(const struct mx_msg *m, struct mams_error *err);
int mx_check_analytics_req(const struct mx_msg *m, struct mams_error *err);
int mx_check_analytics_rsp(const struct mx_msg *m, struct mams_error *err);
