/** @file ctl_policy.h
 *  Messages of ctl about steering, by operators and by the policy.  Layer: ctl (pure). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Names of links as the session knows them; a link in no list becomes backup. */
struct ctl_steer {
	const char *client; /**< identity or session id; NULL when exactly one session exists */
	const char *anchor; /**< name or connection id; NULL: the first, or of an application the
			     * one with GMA */
	const char *application; /**< of the NCM's configuration: its traffic alone; lists and modes
				  * that are not told stay */
	bool has_as_configured;
	bool as_configured; /**< application: steered no longer */
	bool has_configuration;
	uint32_t configuration; /**< MX configuration of it; absent: all of them */
	const char **dl;
	size_t n_dl;
	const char **ul;
	size_t n_ul;
	const char *dl_mode; /**< of an anchor with GMA; NULL: as the features say */
	const char *ul_mode;
	const char **off; /**< agreed features that are not to be used */
	size_t n_off;
};

/** Traffic of an application that is steered apart from its anchor's. */
struct ctl_app_status {
	const char *name;
	const char **dl; /**< names of links, preferred first; none: as configured */
	size_t n_dl;
	const char **ul;
	size_t n_ul;
	const char *dl_mode; /**< NULL: the first carries, the others stand by */
	const char *ul_mode;
	const char *steered_by; /**< operator, or policy and which */
};

/** About automatic steering of one session. */
struct ctl_policy {
	const char *client; /**< as in ctl_steer */
	bool automatic;     /**< operators' orders hold no longer; answered by a result */
};

/** One class of the policy in that session. */
struct ctl_policy_class {
	const char *name;
	const char *state; /**< auto, held, refused, none */
	const char *why;   /**< refused: in words */
	bool has_age_ms;
	uint64_t age_ms;    /**< of the decision */
	const char *words;  /**< the decision in words; NULL likewise */
	const char *record; /**< a record of lib/steer; NULL: there was no decision yet */
};

struct ctl_policy_status {
	const char *client;
	struct ctl_policy_class *classes; /**< none: the NCM has no policy file */
	size_t n_classes;
};
