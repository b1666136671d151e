#include "ncm-service/config_steer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_access(const struct ncm_policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_accesses; i++)
		if (strcmp(p->accesses[i].name, name) == 0)
			return true;
	return false;
}

static const struct ncm_anchor_conf *anchor_called(const struct ncm_policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_anchors; i++)
		if (strcmp(p->anchors[i].name, name) == 0)
			return &p->anchors[i];
	return NULL;
}

static bool has_app(const struct ncm_policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_apps; i++)
		if (strcmp(p->apps[i].name, name) == 0)
			return true;
	return false;
}

static bool has_tunnel(const struct ncm_policy *p)
{
	for (size_t i = 0; i < p->n_anchors; i++)
		if (p->anchors[i].methods & 1u << MX_CONV_GMA)
			return true;
	return false;
}

static int check_class(
	const struct ncm_conf *conf, const struct steer_class *c, struct mams_error *err)
{
	const struct ncm_policy *p = &conf->policy;
	const struct ncm_anchor_conf *a = c->anchor ? anchor_called(p, c->anchor) : NULL;

	for (size_t i = 0; i < c->n_order; i++)
		if (!has_access(p, c->order[i]))
			return mams_fail(err, MAMS_EVALUE, conf->policy_file,
				"steering %s: order: %.60s is no access section of the "
				"configuration",
				c->name, c->order[i]);
	if (c->anchor && (!a || !a->methods))
		return mams_fail(err, MAMS_EVALUE, conf->policy_file,
			"steering %s: anchor: %.60s is no anchor with a convergence method",
			c->name, c->anchor);
	if (c->application && !has_app(p, c->application))
		return mams_fail(err, MAMS_EVALUE, conf->policy_file,
			"steering %s: application: %.60s is no application section of the "
			"configuration",
			c->name, c->application);
	if (c->application && !has_tunnel(p))
		return mams_fail(err, MAMS_EVALUE, conf->policy_file,
			"steering %s: application: wants an anchor with the method GMA", c->name);
	return 0;
}

static int check(const struct ncm_conf *conf, const struct steer_policy *s, struct mams_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n_classes; i++)
		rc = check_class(conf, &s->classes[i], err);
	for (size_t i = 0; rc == 0 && i < s->n_prices; i++)
		if (!has_access(&conf->policy, s->prices[i].access))
			rc = mams_fail(err, MAMS_EVALUE, conf->policy_file,
				"price %.60s: is no access section of the configuration",
				s->prices[i].access);
	return rc;
}

void ncm_conf_steer_free(struct steer_policy *p)
{
	if (!p)
		return;
	steer_policy_free(p);
	free(p);
}

int ncm_conf_steer(struct ncm_conf *c, struct steer_policy **old, struct mams_error *err)
{
	struct steer_policy *p;
	int rc;

	*old = NULL;
	if (!c->policy_file)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return mams_fail(err, ENOMEM, c->policy_file, "no memory");
	rc = steer_policy_load(c->policy_file, p, err);
	if (rc == 0)
		rc = check(c, p, err);
	if (rc < 0) {
		ncm_conf_steer_free(p);
		return rc;
	}
	*old = c->steer;
	c->steer = p;
	c->policy.steer = p;
	return 0;
}
