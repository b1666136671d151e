/** @file mx_agree.h
 *  What two sides of a capability exchange have in common, and what falls away and why.
 *  Layer: mx (pure).  Source: seed 6.3 (Capability REQ and RSP), RFC 8743 8.4; requirements.md B.5,
 *  B.6: only what both support is used; no convergence method in common leaves the control plane.
 */
#pragma once

#include "lib/mx/mx.h"

/** Who asks for the other's capabilities: the NCM (the seed's flow), the CCM (RFC 8743's), or the
 *  NCM, and the CCM when nothing has come.  Whoever is asked answers, in each of them. */
enum mx_initiator { MX_INITIATOR_AUTO, MX_INITIATOR_NCM, MX_INITIATOR_CCM };

/** What one side offers; sets are bits of the enumerations, or of connection ids. */
struct mx_offer {
	uint32_t features;
	uint32_t convergence;
	uint32_t adaptation;
	uint32_t deliveries;
	uint32_t anchors;
	uint8_t delivery_type[MX_MAX_CONNECTIONS]; /**< enum mx_connection_type, of the ids in the
						      set */
	uint8_t anchor_type[MX_MAX_CONNECTIONS];
};

enum mx_group {
	MX_GROUP_FEATURE,
	MX_GROUP_CONVERGENCE,
	MX_GROUP_ADAPTATION,
	MX_GROUP_DELIVERY,
	MX_GROUP_ANCHOR,
	MX_GROUP_COUNT,
};

/** Features of GMA's PDUs (RFC 9188 5, 6): nothing without GMA. */
#define MX_GMA_FEATURES (1u << MX_F_FRAGMENTATION | 1u << MX_F_CONCATENATION)
/** Features of a session as a whole: whichever anchor is steered, they are switched for all. */
#define MX_SESSION_FEATURES (1u << MX_F_MEASUREMENT | 1u << MX_F_PROBING)

/** One thing that is not used. */
struct mx_drop {
	enum mx_group group;
	uint8_t item; /**< of the enumeration, or a connection id */
	uint8_t type; /**< of a connection */
	bool by_peer; /**< the other side lacks it; false: we do */
};
#define MX_DROPS_MAX (MX_F_COUNT + MX_CONV_COUNT + MX_ADAPT_COUNT + 2 * MX_MAX_CONNECTIONS)

/** @return 0, or -MAMS_EVALUE: a connection id that cannot be handled */
MAMS_MUST int mx_offer_read(
	const struct mx_capability *c, struct mx_offer *out, struct mams_error *err);
/** Features and methods that both have; connections are left as in own.
 *  @param drops  [MX_DROPS_MAX]: what one of the two has; NULL: not wanted
 *  @return how many */
size_t mx_agree(const struct mx_offer *own, const struct mx_offer *peer, struct mx_offer *agreed,
	struct mx_drop *drops);
/** Does the set have a connection of this type? */
bool mx_offer_has_type(uint32_t ids, const uint8_t *types, int type);
const char *mx_group_name(enum mx_group g);
/** "fragmentation", "IPsec", "2 (LTE)"; returns text. */
#define MX_DROP_LEN 48
char *mx_drop_name(const struct mx_drop *d, char text[MX_DROP_LEN]);
