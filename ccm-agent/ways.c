#include "ccm-agent/ways.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum ccm_transport transport;
} schemes[] = {{"https", CCM_HTTPS}, {"wss", CCM_WSS}, {"udp", CCM_UDP}};

const char *ccm_transport_name(enum ccm_transport t)
{
	return schemes[t].name;
}

/* ---- URLs ---- */

static int take_scheme(const char **p, enum ccm_transport *out)
{
	for (size_t i = 0; i < MAMS_ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i].name);

		if (strncmp(*p, schemes[i].name, len) != 0 || strncmp(*p + len, "://", 3) != 0)
			continue;
		*p += len + 3;
		*out = schemes[i].transport;
		return 0;
	}
	return -MAMS_EVALUE;
}

static int take_host(const char **p, char *out)
{
	bool bracket = **p == '[';
	const char *start = *p + bracket;
	size_t len = strcspn(start, bracket ? "]" : ":/@");

	if (len == 0 || len >= CCM_HOST_MAX || (bracket && start[len] != ']'))
		return -MAMS_EVALUE;
	snprintf(out, CCM_HOST_MAX, "%.*s", (int)len, start);
	*p = start + len + bracket;
	return 0;
}

static int take_port(const char *p, uint16_t *out)
{
	unsigned long v = 0;

	if (*p++ != ':' || *p == '\0' || strlen(p) > 5)
		return -MAMS_EVALUE;
	for (; *p; p++) {
		if (*p < '0' || *p > '9')
			return -MAMS_EVALUE;
		v = v * 10 + (unsigned long)(*p - '0');
	}
	*out = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX ? 0 : -MAMS_EVALUE;
}

static bool is_address(const char *host)
{
	struct mams_addr a;

	return mams_addr_parse(host, &a) == 0;
}

int ccm_ncm_url_parse(const char *text, struct ccm_ncm_url *out, struct mams_error *err)
{
	const char *p = text;

	*out = (struct ccm_ncm_url){.text = text};
	if (take_scheme(&p, &out->transport) < 0)
		return mams_fail(err, MAMS_EVALUE, NULL,
			"\"%.60s\" does not begin with https://, wss:// or udp://", text);
	if (take_host(&p, out->host) < 0 || take_port(p, &out->port) < 0)
		return mams_fail(err, MAMS_EVALUE, NULL,
			"\"%.60s\" is not scheme://host:port, without a path", text);
	if (out->transport == CCM_UDP && !is_address(out->host))
		return mams_fail(err, MAMS_EVALUE, NULL,
			"\"%.60s\": udp needs an address, not a name", text);
	return 0;
}

/* ---- the list ---- */

static bool has(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static void add(struct ccm_ways *r, const struct ccm_ncm_url *url, const struct ccm_endpoint *via,
	const char *interface)
{
	if (url->transport == CCM_UDP && (!interface || !has(r->secure, r->n_secure, interface) ||
						 (via && !is_address(via->host))))
		return;
	if (r->n < CCM_WAYS_MAX)
		r->list[r->n++] = (struct ccm_way){.url = url, .via = via, .interface = interface};
}

static bool is_own(const struct ccm_ways *r, const struct ccm_endpoint *e)
{
	for (size_t i = 0; i < r->n_urls; i++)
		if (r->urls[i].port == e->port && strcmp(r->urls[i].host, e->host) == 0)
			return true;
	return false;
}

/* While we are with another NCM, what it tells is its own. */
static const struct ccm_ncm_url *named_by(const struct ccm_ways *r)
{
	return r->has_elsewhere ? &r->elsewhere : &r->urls[0];
}

static void add_over(struct ccm_ways *r, const char *interface)
{
	if (r->has_elsewhere)
		add(r, &r->elsewhere, NULL, interface);
	for (size_t i = 0; i < r->n_urls; i++)
		add(r, &r->urls[i], NULL, interface);
	for (size_t i = 0; i < r->n_endpoints; i++)
		if (!is_own(r, &r->endpoints[i]))
			add(r, named_by(r), &r->endpoints[i], interface);
}

static void rebuild(struct ccm_ways *r)
{
	r->n = 0;
	add_over(r, NULL);
	for (size_t i = 0; i < r->n_links; i++)
		add_over(r, r->links[i]);
	for (size_t i = 0; i < r->n_secure; i++)
		if (!has(r->links, r->n_links, r->secure[i]))
			add_over(r, r->secure[i]);
}

int ccm_ways_init(struct ccm_ways *r, const char *const *urls, size_t n, const char *const *secure,
	size_t n_secure, struct mams_error *err)
{
	*r = (struct ccm_ways){0};
	if (n > CCM_URLS_MAX || n_secure > CCM_WAY_IFS_MAX)
		return mams_fail(err, MAMS_ELIMIT, NULL, "at most %d URLs and %d interfaces",
			CCM_URLS_MAX, CCM_WAY_IFS_MAX);
	for (size_t i = 0; i < n; i++) {
		int rc = ccm_ncm_url_parse(urls[i], &r->urls[i], err);

		if (rc < 0)
			return rc;
	}
	r->n_urls = n;
	for (size_t i = 0; i < n_secure; i++)
		r->secure[i] = secure[i];
	r->n_secure = n_secure;
	rebuild(r);
	return 0;
}

void ccm_ways_links(struct ccm_ways *r, const char *const *links, size_t n)
{
	r->n_links = n < CCM_WAY_IFS_MAX ? n : CCM_WAY_IFS_MAX;
	for (size_t i = 0; i < r->n_links; i++)
		r->links[i] = links[i];
	rebuild(r);
	r->current = 0;
}

static bool same(const struct ccm_way *a, const struct ccm_way *b)
{
	return a->url == b->url && a->via == b->via && a->interface == b->interface;
}

bool ccm_ways_endpoints(struct ccm_ways *r, const struct ccm_endpoint *endpoints, size_t n)
{
	struct ccm_way was = r->current < r->n ? r->list[r->current] : (struct ccm_way){0};

	if (n > CCM_ENDPOINTS_MAX)
		n = CCM_ENDPOINTS_MAX;
	if (n == r->n_endpoints && memcmp(endpoints, r->endpoints, n * sizeof(*endpoints)) == 0)
		return false;
	/* an endpoint in use stays where it is in the list, as long as the NCM still names it */
	memset(r->endpoints, 0, sizeof(r->endpoints));
	if (n)
		memcpy(r->endpoints, endpoints, n * sizeof(*endpoints));
	r->n_endpoints = n;
	rebuild(r);
	r->current = 0;
	for (size_t i = 0; i < r->n; i++)
		if (same(&r->list[i], &was))
			r->current = i;
	return true;
}

/* The address or name that the way in use leads to. */
static bool is_here(const struct ccm_ways *r, const struct ccm_endpoint *e)
{
	const struct ccm_way *w = ccm_ways_current(r);

	if (!w)
		return false;
	if (w->via)
		return w->via->port == e->port && strcmp(w->via->host, e->host) == 0;
	return w->url->port == e->port && strcmp(w->url->host, e->host) == 0;
}

bool ccm_ways_redirect(struct ccm_ways *r)
{
	const struct ccm_way *w = ccm_ways_current(r);
	struct ccm_endpoint to = {0};
	enum ccm_transport transport = w ? w->url->transport : CCM_HTTPS;

	/* one that names itself as well does not send us away */
	for (size_t i = 0; i < r->n_endpoints; i++)
		if (is_here(r, &r->endpoints[i]))
			return false;
	if (r->n_endpoints)
		to = r->endpoints[0];
	if (!w || !to.port || (transport == CCM_UDP && !is_address(to.host)))
		return false;
	r->has_elsewhere = true;
	snprintf(r->elsewhere_text, sizeof(r->elsewhere_text), "%s://%s%s%s:%u",
		ccm_transport_name(transport), strchr(to.host, ':') ? "[" : "", to.host,
		strchr(to.host, ':') ? "]" : "", to.port);
	r->elsewhere = (struct ccm_ncm_url){
		.text = r->elsewhere_text, .transport = transport, .port = to.port};
	snprintf(r->elsewhere.host, sizeof(r->elsewhere.host), "%s", to.host);
	memset(r->endpoints, 0, sizeof(r->endpoints));
	r->n_endpoints = 0;
	rebuild(r);
	r->current = 0;
	return true;
}

void ccm_ways_settle(struct ccm_ways *r)
{
	const struct ccm_way *w = ccm_ways_current(r);
	struct ccm_way was;

	if (!r->has_elsewhere || !w || w->url == &r->elsewhere)
		return;
	was = *w;
	r->has_elsewhere = false;
	rebuild(r);
	r->current = 0;
	for (size_t i = 0; i < r->n; i++)
		if (same(&r->list[i], &was))
			r->current = i;
}

const struct ccm_way *ccm_ways_current(const struct ccm_ways *r)
{
	return r->current < r->n ? &r->list[r->current] : NULL;
}

void ccm_ways_next(struct ccm_ways *r)
{
	r->current = r->n ? (r->current + 1) % r->n : 0;
}
