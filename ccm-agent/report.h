/** @file report.h
 *  Links told to the NCM by Reconfiguration REQ.  Layer: core (no I/O).  Source: seed 6.4. */
#pragma once

#include "ccm-agent/session.h"

/** Start a report for every link that is not as it was last told. */
void ccm_report_links(struct ccm_session *s, mams_time now);
/** The NCM has answered the report of this number. */
void ccm_report_taken(struct ccm_session *s, uint32_t sequence_num);
