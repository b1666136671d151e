#include "ccm-agent/apply_marks.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"

#include <linux/magic.h>
#include <nftables/libnftables.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define LOG_MODULE "marks"
#define LOOK_MS 1000
#define ROOT "/sys/fs/cgroup/"
#define REMOVE "table inet mams_ccm\ndelete table inet mams_ccm\n"

struct ccm_marks {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	struct nft_ctx *nft;
	struct mams_loop_timer *timer;
	bool (*wanted)(void *user);
	void *user;
	bool looked;
	bool stand;  /* rules do, for these cgroups; or what an agent before us has left */
	bool failed; /* and said so */
	uint64_t inode[CCM_APPS_MAX]; /* 0: not there */
};

/* ---- cgroups ---- */

static const char *below_root(const char *path)
{
	return strncmp(path, ROOT, strlen(ROOT)) == 0 ? path + strlen(ROOT) : path;
}

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint64_t)fs.f_type == (uint64_t)CGROUP2_SUPER_MAGIC;
}

int ccm_cgroup_find(const char *path, uint64_t *inode, unsigned *level)
{
	char text[CCM_CGROUP_MAX + sizeof(ROOT)];
	struct stat st;

	snprintf(text, sizeof(text), ROOT "%s", below_root(path));
	if (stat(text, &st) < 0 || !S_ISDIR(st.st_mode))
		return -ENOENT;
	if (!is_cgroup2(text))
		return -MAMS_EVALUE;
	*inode = st.st_ino;
	*level = 0;
	for (char *slash = strrchr(text, '/'); slash && slash - text >= (long)strlen(ROOT) - 1;
		slash = strrchr(text, '/')) {
		*slash = '\0';
		if (!is_cgroup2(text))
			break;
		(*level)++;
	}
	return *level > 0 ? 0 : -MAMS_EVALUE; /* the root is everything */
}

/* ---- rules ---- */

/* @param said  it was, and is tried again */
static int run(struct nft_ctx *nft, const char *text, bool said)
{
	char first[120];

	if (nft_run_cmd_from_buffer(nft, text) == 0)
		return 0;
	snprintf(first, sizeof(first), "%s", nft_ctx_get_error_buffer(nft));
	first[strcspn(first, "\n")] = '\0';
	if (!said)
		log_err("cgroups are not marked: nftables: %s", first);
	return -EIO;
}

static struct nft_ctx *open_nft(void)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (nft && nft_ctx_buffer_error(nft) == 0 && nft_ctx_buffer_output(nft) == 0)
		return nft;
	if (nft)
		nft_ctx_free(nft);
	return NULL;
}

/* Our own daemons' packets are none of an application's, wherever they run. */
static int put_rules(struct ccm_marks *m, const unsigned level[CCM_APPS_MAX])
{
	struct mams_buf b = {0};
	int rc = -ENOMEM;

	mams_buf_printf(&b, REMOVE "table inet mams_ccm {\nchain output {\n"
				   "type route hook output priority mangle\npolicy accept\n");
	if (m->conf->mark)
		mams_buf_printf(&b, "meta mark %u accept\n", m->conf->mark);
	for (size_t i = 0; i < m->conf->n_apps; i++) {
		const struct ccm_app_conf *a = &m->conf->apps[i];

		for (int v = 0; m->inode[i] && v < 2; v++)
			mams_buf_printf(&b, "socket cgroupv2 level %u \"%s\" %s dscp set %u\n",
				level[i], below_root(a->cgroup), v ? "ip6" : "ip", a->dscp);
	}
	mams_buf_printf(&b, "}\n}\n");
	if (!b.failed)
		rc = run(m->nft, b.data, m->failed);
	mams_buf_fini(&b);
	return rc;
}

static void remove_rules(struct ccm_marks *m)
{
	if (m->stand)
		(void)!run(m->nft, REMOVE, false);
	m->stand = false;
	memset(m->inode, 0, sizeof(m->inode));
}

static void find(struct ccm_marks *m, uint64_t inode[CCM_APPS_MAX], unsigned level[CCM_APPS_MAX])
{
	for (size_t i = 0; i < m->conf->n_apps; i++) {
		int rc = ccm_cgroup_find(m->conf->apps[i].cgroup, &inode[i], &level[i]);

		if (rc == 0)
			continue;
		inode[i] = 0;
		if (m->inode[i] || !m->looked)
			log_info("cgroup %s %s: nothing is marked application=%s",
				m->conf->apps[i].cgroup,
				rc == -ENOENT ? "is not there" : "is none of version 2",
				m->conf->apps[i].name);
	}
}

static void look(void *user)
{
	struct ccm_marks *m = user;
	uint64_t inode[CCM_APPS_MAX] = {0};
	unsigned level[CCM_APPS_MAX] = {0};

	mams_loop_timer_at(m->timer, mams_time_add_ms(mams_loop_now(m->loop), LOOK_MS));
	if (!m->wanted(m->user)) {
		remove_rules(m);
		return;
	}
	find(m, inode, level);
	if (m->looked && m->stand && memcmp(inode, m->inode, sizeof(inode)) == 0)
		return;
	memcpy(m->inode, inode, sizeof(inode));
	m->looked = true;
	m->stand = put_rules(m, level) == 0;
	m->failed = !m->stand;
	for (size_t i = 0; m->stand && i < m->conf->n_apps; i++)
		if (inode[i])
			log_info("cgroup %s is marked application=%s dscp=%u",
				m->conf->apps[i].cgroup, m->conf->apps[i].name,
				m->conf->apps[i].dscp);
}

/* ---- life ---- */

int ccm_marks_new(struct mams_loop *l, const struct ccm_conf *conf, bool (*wanted)(void *user),
	void *user, struct ccm_marks **out)
{
	struct ccm_marks *m;
	int rc = -ENOMEM;

	*out = NULL;
	if (conf->n_apps == 0)
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return rc;
	m->loop = l;
	m->conf = conf;
	m->wanted = wanted;
	m->user = user;
	m->nft = open_nft();
	if (m->nft)
		rc = mams_loop_timer_new(l, look, m, &m->timer);
	if (rc < 0) {
		ccm_marks_free(m);
		return rc;
	}
	m->stand = true;
	mams_loop_timer_at(m->timer, mams_time_add_ms(mams_loop_now(l), LOOK_MS));
	*out = m;
	return 0;
}

void ccm_marks_free(struct ccm_marks *m)
{
	if (!m)
		return;
	if (m->nft) {
		remove_rules(m);
		nft_ctx_free(m->nft);
	}
	mams_loop_timer_del(m->timer);
	free(m);
}

void ccm_marks_clear(const struct ccm_conf *conf)
{
	struct nft_ctx *nft = conf->n_apps ? open_nft() : NULL;

	if (!nft)
		return;
	(void)!run(nft, REMOVE, false);
	nft_ctx_free(nft);
}
