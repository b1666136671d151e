/** @file ways.h
 *  The ways to the NCM, and the one in use: which URL or endpoint, over which interface.
 *  Layer: core (no I/O).  Source: seed 6.3 (NCM endpoints of MX System INFO); requirements.md
 * A.1-8, B.4. Order: by the host's own routing first, then bound to each usable link; on each of
 * these every configured URL, then every endpoint that the NCM has told.  A udp URL is used over
 * interfaces called secure and nowhere else.  The one that works is kept until it fails. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCM_WAYS_MAX 256
#define CCM_URLS_MAX 8
#define CCM_WAY_IFS_MAX 16
#define CCM_ENDPOINTS_MAX 16
#define CCM_HOST_MAX 256

enum ccm_transport { CCM_HTTPS, CCM_WSS, CCM_UDP };

/** A URL, taken apart.  Strings are borrowed from whoever holds the routes. */
struct ccm_ncm_url {
	const char *text;
	enum ccm_transport transport;
	char host[CCM_HOST_MAX]; /**< IPv6 without its brackets */
	uint16_t port;
};

/** What MX System INFO says of a connection. */
struct ccm_endpoint {
	char host[CCM_HOST_MAX]; /**< address or name */
	uint16_t port;
};

struct ccm_way {
	const struct ccm_ncm_url *url;  /**< whose name the certificate must have */
	const struct ccm_endpoint *via; /**< connect there; NULL: to the URL's own host */
	const char *interface;          /**< NULL: as the host routes */
};

struct ccm_ways {
	struct ccm_ncm_url urls[CCM_URLS_MAX];
	size_t n_urls;
	const char *links[CCM_WAY_IFS_MAX];
	size_t n_links;
	const char *secure[CCM_WAY_IFS_MAX];
	size_t n_secure;
	struct ccm_endpoint endpoints[CCM_ENDPOINTS_MAX];
	size_t n_endpoints;
	bool has_elsewhere; /**< redirected: to an NCM of its own name and certificate */
	struct ccm_ncm_url elsewhere;
	char elsewhere_text[CCM_HOST_MAX + 20];
	struct ccm_way list[CCM_WAYS_MAX];
	size_t n;
	size_t current;
};

const char *ccm_transport_name(enum ccm_transport t);
/** Take a URL apart: https://, wss:// or udp://, host, port.
 *  @return 0, -MAMS_EVALUE; err says what is wrong with it */
MAMS_MUST int ccm_ncm_url_parse(const char *text, struct ccm_ncm_url *out, struct mams_error *err);

/** @param urls  urls[n], parsed before; at most CCM_URLS_MAX
 *  @param secure  secure[n_secure], interfaces for udp; both borrowed */
MAMS_MUST int ccm_ways_init(struct ccm_ways *r, const char *const *urls, size_t n,
	const char *const *secure, size_t n_secure, struct mams_error *err);
/** The usable links' interfaces, links[n], borrowed until the next call; begins at the first way.
 */
void ccm_ways_links(struct ccm_ways *r, const char *const *links, size_t n);
/** What the NCM has told, endpoints[n], copied; the way in use stays.  @return anything new? */
bool ccm_ways_endpoints(struct ccm_ways *r, const struct ccm_endpoint *endpoints, size_t n);
/** The NCM in use has no session for us and has named another one: go there first.  The name that
 * the certificate must have is the other one's own.  When it fails, the configured ones follow.
 *  @return false when it has named none but itself */
bool ccm_ways_redirect(struct ccm_ways *r);
/** A session stands over the way in use: where we were redirected before is forgotten, unless it is
 *  there. */
void ccm_ways_settle(struct ccm_ways *r);
/** The way in use; NULL: there is none. */
const struct ccm_way *ccm_ways_current(const struct ccm_ways *r);
/** It has failed: the next one. */
void ccm_ways_next(struct ccm_ways *r);
