/** @file plan.h
 *  Desired user plane minus applied user plane = ordered steps.  Layer: core (no I/O).
 *  Source: seed section 7 (each link to its own proxy address), requirements.md C.1 ("on down move
 *  traffic first, report second").
 *  The one order serves coming and going links: routes that are needed come first, then the
 *  plugin's paths (traffic moves), then the proxy's, and routes that are no longer needed go last.
 */
#pragma once

#include "ccm-agent/needs.h"
#include "ccm-agent/tunnel.h"

#define CCM_PATHS_MAX 64u /**< of all anchors, and of instances that have been left */

struct ccm_path {
	uint8_t connection_id;
	uint32_t group; /**< of paths to one N-MADP instance */
	bool caught;    /**< new connections of applications may take it */
	struct mams_addr local;
	struct mams_addr proxy; /**< with port */
	uint32_t priority;
	bool backup;
	bool backup_up;   /**< for connections that carry uplink alone */
	bool backup_down; /**< and downlink alone */
	bool gently; /**< it works, and is left all the same: what is under way there arrives */
	bool silent; /**< nothing comes back over it: the plugin does without, the proxy asks on */
};

/** Source routing of one link: rule "from local lookup table", default route in that table. */
struct ccm_route {
	uint8_t connection_id;
	struct mams_addr local;
	struct mams_addr gateway; /**< unset: on-link */
	uint32_t ifindex;
	uint32_t outages; /**< of the link: after another one the route is gone */
};

#define CCM_KEY_MAX 512
#define CCM_ASSOCS_MAX 16u

/** IPsec for the subflows of one link to its proxy address, or for its tunnel to the tunnel's end:
 * the path follows once it is up. */
struct ccm_assoc {
	uint8_t anchor_id;
	uint8_t connection_id;
	struct mams_addr local;
	struct mams_addr proxy; /**< or the tunnel's end; with port */
	bool tunnel;
	bool nat;                    /**< there may be one between the two */
	char secret[CCM_SECRET_MAX]; /**< secret */
};

struct ccm_target {
	struct ccm_path paths[CCM_PATHS_MAX];
	size_t n_paths;
	struct ccm_route routes[CCM_LINKS_MAX];
	size_t n_routes;
	struct ccm_class classes[CCM_CLASSES_MAX]; /**< flows that use some of the paths only */
	size_t n_classes;
	bool catching;                /**< new connections of applications go through the proxy */
	bool detour;                  /**< but into the tunnel now, which the proxy waits out */
	bool native;                  /**< what is not caught leaves by the link native_id */
	uint8_t native_id;            /**< (RFC 8743 12: steering without convergence) */
	char client_key[CCM_KEY_MAX]; /**< secret; base64 */
	struct ccm_assoc assocs[CCM_ASSOCS_MAX];
	size_t n_assocs;
	uint64_t ncm_id, session_id; /**< of the associations */
	struct ccm_tunnel tunnel;
};

enum ccm_step_kind {
	CCM_STEP_ROUTE_ADD, /**< make sure of it: may stand already */
	CCM_STEP_NATIVE,    /**< the host's own traffic takes route.connection_id from now on */
	CCM_STEP_FREE,      /**< it goes as the host routes */
	CCM_STEP_PM_PATHS,  /**< the whole path set to the plugin */
	CCM_STEP_PX_PATHS,  /**< the whole path set, or none, to the proxy */
	CCM_STEP_ROUTE_DEL,
};

struct ccm_step {
	enum ccm_step_kind kind;
	struct ccm_route route;
};

#define CCM_STEPS_MAX (2 * CCM_LINKS_MAX + 3)

/** Routes for every path of t, from the links' state. */
void ccm_plan_routes(struct ccm_target *t, const struct ccm_links *l);
/** @param steps  filled
 *  @return how many */
size_t ccm_plan(const struct ccm_target *applied, const struct ccm_target *wanted,
	struct ccm_step steps[CCM_STEPS_MAX]);
